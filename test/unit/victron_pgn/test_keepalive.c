/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "unity.h"
#include "victron_keepalive.h"

static const uint8_t s_zeros[8];
static const uint8_t s_victron[8] = {0x12, 0x34, 0x56, 0x78, 'V', 'I', 'C', 0};

TEST_CASE("a GX is found with its first keepalive and lost after the warning time", "[victron_pgn]")
{
    victron_keepalive_t k;
    victron_keepalive_init(&k, 10000, 1000);
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_SAME, victron_keepalive_poll(&k, 1500));
    victron_keepalive_on_frame(&k, 0x305, 8, s_zeros, false, 2000);
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_FOUND, victron_keepalive_poll(&k, 2000));
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_SAME, victron_keepalive_poll(&k, 2001));
    TEST_ASSERT_TRUE(victron_keepalive_alive(&k, 11999));
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_LOST, victron_keepalive_poll(&k, 12000));
    TEST_ASSERT_FALSE(victron_keepalive_alive(&k, 12000));
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_SAME, victron_keepalive_poll(&k, 20000));
    victron_keepalive_on_frame(&k, 0x305, 8, s_zeros, false, 30000);
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_FOUND, victron_keepalive_poll(&k, 30000));
    TEST_ASSERT_EQUAL_UINT32(2, k.count);
}

TEST_CASE("a GX that was never there is reported once", "[victron_pgn]")
{
    victron_keepalive_t k;
    victron_keepalive_init(&k, 10000, 0);
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_SAME, victron_keepalive_poll(&k, 9999));
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_LOST, victron_keepalive_poll(&k, 10000));
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_SAME, victron_keepalive_poll(&k, 60000));
}

TEST_CASE("a supervision that begins late gives the GX its whole warning time", "[victron_pgn]")
{
    victron_keepalive_t k;
    victron_keepalive_init(&k, 10000, 600000);
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_SAME, victron_keepalive_poll(&k, 609999));
    TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_LOST, victron_keepalive_poll(&k, 610000));
}

TEST_CASE("only the 11-bit keepalive counts", "[victron_pgn]")
{
    victron_keepalive_t k;
    victron_keepalive_init(&k, 10000, 0);
    victron_keepalive_on_frame(&k, 0x305, 8, s_zeros, true, 100);
    victron_keepalive_on_frame(&k, 0x351, 8, s_zeros, false, 100);
    victron_keepalive_on_frame(&k, 0x307, 8, s_victron, false, 100);
    TEST_ASSERT_FALSE(victron_keepalive_alive(&k, 100));
    TEST_ASSERT_EQUAL_UINT32(0, k.count);
}

TEST_CASE("a GX of Victron is recognised by 0x307", "[victron_pgn]")
{
    victron_keepalive_t k;
    victron_keepalive_init(&k, 10000, 0);
    victron_keepalive_on_frame(&k, 0x307, 8, s_zeros, false, 100);
    TEST_ASSERT_FALSE(k.is_victron);
    victron_keepalive_on_frame(&k, 0x307, 6, s_victron, false, 100);
    TEST_ASSERT_FALSE(k.is_victron);
    victron_keepalive_on_frame(&k, 0x307, 8, s_victron, false, 100);
    TEST_ASSERT_TRUE(k.is_victron);
}

TEST_CASE("the loss of a GX is noticed in time across 2^31 and 2^32 ms of uptime", "[victron_pgn]")
{
    static const int64_t overflows_ms[] = {INT64_C(1) << 31, INT64_C(1) << 32};
    for (size_t i = 0; i < 2; i++) {
        ROW("overflows_ms[%zu]", i);
        victron_keepalive_t k;
        const int64_t seen_ms = overflows_ms[i] - 4000;
        victron_keepalive_init(&k, 10000, seen_ms - 1000);
        victron_keepalive_on_frame(&k, 0x305, 8, s_zeros, false, seen_ms);
        TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_FOUND, victron_keepalive_poll(&k, seen_ms));
        TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_SAME, victron_keepalive_poll(&k, seen_ms + 9999));
        TEST_ASSERT_EQUAL(VICTRON_KEEPALIVE_LOST, victron_keepalive_poll(&k, seen_ms + 10000));
    }
}
