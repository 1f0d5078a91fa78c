/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../../../components/access/access_throttle.h"
#include "../row.h"
#include "unity.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define DAY_MS    (24 * 60 * MINUTE_MS)
#define OWNER     1U
#define FIRST     1000U

static access_throttle_t s_throttle;

static bool guess(uint64_t address, int64_t now_ms)
{
    if (access_throttle_wait_ms(&s_throttle, address, now_ms) > 0) {
        return false;
    }
    access_throttle_wrong(&s_throttle, address, now_ms);
    return true;
}

static unsigned guesses(uint64_t address, int64_t now_ms)
{
    unsigned count = 0;
    while (guess(address, now_ms)) {
        count++;
    }
    return count;
}

static void begin_afresh(void)
{
    memset(&s_throttle, 0, sizeof(s_throttle));
}

TEST_CASE("an address has five guesses, and one more each minute", "[access]")
{
    begin_afresh();
    TEST_ASSERT_EQUAL(5, guesses(OWNER, 0));
    TEST_ASSERT_EQUAL(MINUTE_MS, access_throttle_wait_ms(&s_throttle, OWNER, 0));
    TEST_ASSERT_EQUAL(0, guesses(OWNER, MINUTE_MS - 1));
    TEST_ASSERT_EQUAL(1, access_throttle_wait_ms(&s_throttle, OWNER, MINUTE_MS - 1));
    TEST_ASSERT_EQUAL(1, guesses(OWNER, MINUTE_MS));
    TEST_ASSERT_EQUAL(2, guesses(OWNER, 3 * MINUTE_MS));
    TEST_ASSERT_EQUAL(5, guesses(OWNER, 60 * MINUTE_MS));
}

TEST_CASE("all strangers have twenty guesses, and one more every 10 s", "[access]")
{
    begin_afresh();
    unsigned count = 0;
    for (uint64_t address = FIRST; address < FIRST + 100; address++) {
        count += guesses(address, 0);
    }
    TEST_ASSERT_EQUAL(20, count);
    TEST_ASSERT_EQUAL(10 * SECOND_MS, access_throttle_wait_ms(&s_throttle, FIRST + 1000, 0));
    TEST_ASSERT_FALSE(guess(FIRST + 1000, 10 * SECOND_MS - 1));
    TEST_ASSERT_TRUE(guess(FIRST + 1000, 10 * SECOND_MS));
    TEST_ASSERT_FALSE(guess(FIRST + 1001, 10 * SECOND_MS));
}

TEST_CASE("over days, from however many addresses, strangers have 6 guesses a minute and an address has one",
          "[access]")
{
    static const uint64_t addresses[] = {1, 2, 7, 27, 28, 29, 100, 5000};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        ROW("%u addresses", (unsigned)addresses[i]);
        begin_afresh();
        int64_t of_all = 0;
        int64_t of_first = 0;
        uint64_t next = 0;
        for (int64_t now_ms = 0; now_ms < 2 * DAY_MS; now_ms += 5 * SECOND_MS) {
            for (uint64_t tried = 0; tried < 30; tried++, next++) { /* whoever has one left guesses */
                const uint64_t address = FIRST + next % addresses[i];
                const bool guessed = guess(address, now_ms);
                of_all += guessed ? 1 : 0;
                of_first += guessed && address == FIRST ? 1 : 0;
            }
        }
        TEST_ASSERT_LESS_OR_EQUAL(20 + 2 * DAY_MS / (10 * SECOND_MS), of_all);
        TEST_ASSERT_LESS_OR_EQUAL(5 + 2 * DAY_MS / MINUTE_MS, of_first);
        TEST_ASSERT_GREATER_OR_EQUAL(addresses[i] > 6 ? 6 * 2 * 24 * 60 : 2 * 24 * 60 - 5, of_all);
    }
}

TEST_CASE("strangers that guess all day never make the owner wait at an address that is known", "[access]")
{
    begin_afresh();
    TEST_ASSERT_TRUE(access_throttle_good(&s_throttle, OWNER));
    uint64_t stranger = FIRST;
    for (int64_t now_ms = 0; now_ms < DAY_MS; now_ms += 10 * SECOND_MS) {
        for (unsigned i = 0; i < 40; i++) {
            (void)guess(stranger++, now_ms);
        }
        TEST_ASSERT_EQUAL(0, access_throttle_wait_ms(&s_throttle, OWNER, now_ms));
    }
    TEST_ASSERT_EQUAL(5, guesses(OWNER, DAY_MS));
    TEST_ASSERT_EQUAL(MINUTE_MS, access_throttle_wait_ms(&s_throttle, OWNER, DAY_MS));
}

TEST_CASE("the guesses from known addresses do not count for strangers", "[access]")
{
    begin_afresh();
    for (uint64_t owner = 1; owner <= ACCESS_KNOWN_MAX; owner++) {
        (void)access_throttle_good(&s_throttle, owner);
        TEST_ASSERT_EQUAL(5, guesses(owner, 0));
    }
    TEST_ASSERT_EQUAL(5, guesses(FIRST, 0));
}

TEST_CASE("the last four addresses of logins are known, and only a login makes one forgotten", "[access]")
{
    begin_afresh();
    for (uint64_t owner = 1; owner <= ACCESS_KNOWN_MAX; owner++) {
        TEST_ASSERT_TRUE(access_throttle_good(&s_throttle, owner));
    }
    TEST_ASSERT_FALSE(access_throttle_good(&s_throttle, 1)); /* the newest now */
    TEST_ASSERT_TRUE(access_throttle_good(&s_throttle, 5));
    for (uint64_t stranger = FIRST; stranger < FIRST + 20; stranger++) {
        TEST_ASSERT_TRUE(guess(stranger, 0));
    }
    TEST_ASSERT_EQUAL(10 * SECOND_MS, access_throttle_wait_ms(&s_throttle, 2, 0)); /* a stranger again */
    for (uint64_t owner = 1; owner <= 5; owner++) {
        TEST_ASSERT_EQUAL(owner == 2 ? 10 * SECOND_MS : 0, access_throttle_wait_ms(&s_throttle, owner, 0));
    }
}

TEST_CASE("a login gives no guesses back, neither to who becomes known nor to who is forgotten", "[access]")
{
    begin_afresh();
    TEST_ASSERT_EQUAL(5, guesses(OWNER, 0));
    TEST_ASSERT_TRUE(access_throttle_good(&s_throttle, OWNER)); /* by who shares the address */
    TEST_ASSERT_EQUAL(MINUTE_MS, access_throttle_wait_ms(&s_throttle, OWNER, 0));
    for (uint64_t other = 2; other < 2 + ACCESS_KNOWN_MAX; other++) {
        (void)access_throttle_good(&s_throttle, other);
    }
    TEST_ASSERT_EQUAL(MINUTE_MS, access_throttle_wait_ms(&s_throttle, OWNER, 0));
}

TEST_CASE("after five wrong set-up codes there is a minute of pause for all, again and again", "[access]")
{
    begin_afresh();
    int64_t now_ms = 0;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 5; i++) {
            TEST_ASSERT_EQUAL(0, access_throttle_code_wait_ms(&s_throttle, now_ms));
            access_throttle_code_wrong(&s_throttle, now_ms);
        }
        TEST_ASSERT_EQUAL(MINUTE_MS, access_throttle_code_wait_ms(&s_throttle, now_ms));
        TEST_ASSERT_EQUAL(1, access_throttle_code_wait_ms(&s_throttle, now_ms + MINUTE_MS - 1));
        now_ms += MINUTE_MS;
    }
}

TEST_CASE("addresses are the same if they are the same host, or the same /64 of IPv6", "[access]")
{
    static const char *const same[][2] = {
        {"192.168.1.7", "::ffff:192.168.1.7"},
        {"192.168.1.7", "::FFFF:c0a8:107"},
        {"192.168.1.7", "0:0:0:0:0:ffff:192.168.1.7"},
        {"2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff"},
        {"2001:DB8::1", "2001:0db8::"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
        {"fe80::1%wlan0", "fe80::2"},
        {"1::", "1::8"},
        {"::1", "::2"},
        {"", "not an address"},
        {"1.2.3.4.5", "1.2.3"},
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        ROW("%s and %s", same[i][0], same[i][1]);
        TEST_ASSERT_TRUE(access_address(same[i][0]) == access_address(same[i][1]));
    }
    TEST_ASSERT_TRUE(access_address(NULL) == access_address(""));
}

TEST_CASE("addresses of different hosts differ", "[access]")
{
    static const char *const addresses[] = {
        "0.0.0.0",
        "192.168.1.7",
        "192.168.1.8",
        "7.1.168.192",
        "255.255.255.255",
        "2001:db8::1",
        "2001:db9::1",
        "2001:db8:0:1::1",
        "2001:db8:1::1",
        "fe80::1",
        "::1",
        "64:ff9b::192.168.1.7",
        "1::",
        "garbage",
    };
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        TEST_ASSERT_FALSE(access_address(addresses[i]) == 0);
        for (size_t j = 0; j < i; j++) {
            ROW("%s and %s", addresses[i], addresses[j]);
            TEST_ASSERT_FALSE(access_address(addresses[i]) == access_address(addresses[j]));
        }
    }
}

TEST_CASE("what is no address counts as one address, so that it has a limit too", "[access]")
{
    static const char *const texts[] = {
        "",         "x",        "1.2.3", "1.2.3.4.", "1.2.3.256",     "1.2.3.-4",          "01234.1.1.1",
        "1..2.3",   ":",        ":::",   "1:2",      "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1::2",
        "1::2:",    "12345::",  "g::",   "::1.2.3",  "1.2.3.4::",     "::1.2.3.4.5",       "1:2:3:4:5:6:7:1.2.3.4",
        " 1.2.3.4", "1.2.3.4 ", "[::1]",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ROW("texts[%zu] %s", i, texts[i]);
        TEST_ASSERT_TRUE(access_address(texts[i]) == access_address(NULL));
    }
}
