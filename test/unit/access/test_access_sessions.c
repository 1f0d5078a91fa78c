/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../../../components/access/access_sessions.h"
#include "unity.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define NONE      ACCESS_SESSIONS_MAX

static access_sessions_t s_sessions;
static uint8_t s_hash[2 * ACCESS_SESSIONS_MAX][ACCESS_HASH_SIZE];

static void begin_afresh(void)
{
    memset(&s_sessions, 0, sizeof(s_sessions));
    for (size_t i = 0; i < sizeof(s_hash) / sizeof(s_hash[0]); i++) {
        memset(s_hash[i], (int)i, sizeof(s_hash[i])); /* the first one is all 0, as a free slot is */
    }
}

static uint8_t use(size_t which, int64_t now_ms)
{
    return access_sessions_use(&s_sessions, s_hash[which], now_ms);
}

TEST_CASE("without a session nobody has one, whatever the hash", "[access]")
{
    begin_afresh();
    for (size_t i = 0; i < sizeof(s_hash) / sizeof(s_hash[0]); i++) {
        TEST_ASSERT_EQUAL(NONE, use(i, 0));
        TEST_ASSERT_FALSE(access_sessions_have(&s_sessions, s_hash[i]));
    }
    for (uint8_t slot = 0; slot < ACCESS_SESSIONS_MAX; slot++) {
        TEST_ASSERT_FALSE(access_sessions_use_slot(&s_sessions, slot, 0, 0));
    }
    TEST_ASSERT_FALSE(access_sessions_use_slot(&s_sessions, 255, 0, 0));
    access_sessions_end(&s_sessions, 255, 0);
}

TEST_CASE("a session that is not used for 30 min ends, one that is used lives on", "[access]")
{
    begin_afresh();
    const uint8_t slot = access_sessions_begin(&s_sessions, s_hash[0], 0);
    TEST_ASSERT_EQUAL(slot, use(0, 29 * MINUTE_MS));
    TEST_ASSERT_EQUAL(slot, use(0, 58 * MINUTE_MS));
    TEST_ASSERT_TRUE(access_sessions_use_slot(&s_sessions, slot, s_sessions.session[slot].serial, 87 * MINUTE_MS));
    TEST_ASSERT_EQUAL(slot, use(0, 117 * MINUTE_MS - 1));
    TEST_ASSERT_EQUAL(NONE, use(0, 147 * MINUTE_MS - 1));
    TEST_ASSERT_EQUAL(NONE, use(0, 147 * MINUTE_MS)); /* and stays at its end */
}

TEST_CASE("a session ends after 12 h, however much it is used", "[access]")
{
    begin_afresh();
    const uint8_t slot = access_sessions_begin(&s_sessions, s_hash[1], 5);
    for (int64_t now_ms = 5; now_ms < 5 + 12 * HOUR_MS; now_ms += MINUTE_MS) {
        TEST_ASSERT_EQUAL(slot, use(1, now_ms));
    }
    TEST_ASSERT_EQUAL(slot, use(1, 5 + 12 * HOUR_MS - 1));
    TEST_ASSERT_EQUAL(NONE, use(1, 5 + 12 * HOUR_MS));
    TEST_ASSERT_FALSE(access_sessions_use_slot(&s_sessions, slot, s_sessions.session[slot].serial, 5 + 12 * HOUR_MS));
}

TEST_CASE("the seventh session takes the place of the one that was unused for longest", "[access]")
{
    begin_afresh();
    for (size_t i = 0; i < ACCESS_SESSIONS_MAX; i++) {
        (void)access_sessions_begin(&s_sessions, s_hash[i], (int64_t)i);
    }
    TEST_ASSERT_LESS_THAN(NONE, use(0, 100)); /* the oldest, but used since */
    (void)access_sessions_begin(&s_sessions, s_hash[6], 101);
    TEST_ASSERT_EQUAL(NONE, use(1, 102));
    for (size_t i = 2; i < 7; i++) {
        TEST_ASSERT_LESS_THAN(NONE, use(i, 102));
    }
    TEST_ASSERT_LESS_THAN(NONE, use(0, 102));
}

TEST_CASE("a session that has expired makes room before any that lives", "[access]")
{
    begin_afresh();
    for (size_t i = 0; i < ACCESS_SESSIONS_MAX; i++) {
        (void)access_sessions_begin(&s_sessions, s_hash[i], 0);
    }
    for (size_t i = 0; i < ACCESS_SESSIONS_MAX; i++) {
        if (i != 3) {
            (void)use(i, 20 * MINUTE_MS);
        }
    }
    TEST_ASSERT_EQUAL(3, access_sessions_begin(&s_sessions, s_hash[7], 40 * MINUTE_MS));
}

TEST_CASE("a session that has ended is not taken for the one that follows in its place", "[access]")
{
    begin_afresh();
    const uint8_t slot = access_sessions_begin(&s_sessions, s_hash[1], 0);
    const uint32_t serial = s_sessions.session[slot].serial;
    access_sessions_end(&s_sessions, slot, serial + 1); /* of another one */
    TEST_ASSERT_EQUAL(slot, use(1, 0));
    access_sessions_end(&s_sessions, slot, serial);
    TEST_ASSERT_EQUAL(NONE, use(1, 0));
    TEST_ASSERT_EQUAL(slot, access_sessions_begin(&s_sessions, s_hash[2], 0));
    TEST_ASSERT_FALSE(access_sessions_use_slot(&s_sessions, slot, serial, 0));
    access_sessions_end(&s_sessions, slot, serial);
    TEST_ASSERT_EQUAL(slot, use(2, 0));
}

TEST_CASE("when all end, each does, and serials go on", "[access]")
{
    begin_afresh();
    const uint8_t slot = access_sessions_begin(&s_sessions, s_hash[1], 0);
    const uint32_t serial = s_sessions.session[slot].serial;
    (void)access_sessions_begin(&s_sessions, s_hash[2], 0);
    access_sessions_end_all(&s_sessions);
    TEST_ASSERT_EQUAL(NONE, use(1, 0));
    TEST_ASSERT_EQUAL(NONE, use(2, 0));
    const uint8_t next = access_sessions_begin(&s_sessions, s_hash[1], 0);
    TEST_ASSERT_EQUAL(slot, next);
    TEST_ASSERT_FALSE(s_sessions.session[next].serial == serial);
}
