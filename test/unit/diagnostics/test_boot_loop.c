/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "boot_loop.h"
#include "unity.h"

#define SECOND (INT64_C(1000000))
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define T0     (100 * HOUR)

static boot_loop_t s_loop;

/** Crashes at these times, the first one at T0. @return the time of the last one */
static int64_t crash_every(int64_t step_us, int count)
{
    boot_loop_init(&s_loop);
    for (int i = 0; i < count; i++) {
        boot_loop_on_start(&s_loop, true, T0 + i * step_us);
    }
    return T0 + (count - 1) * step_us;
}

TEST_CASE("four crashes in a row are no loop, the fifth makes one", "[boot_loop]")
{
    const int64_t now_us = crash_every(SECOND, 4);
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
    TEST_ASSERT_EQUAL_INT64(0, boot_loop_wait_us(&s_loop, now_us));
    boot_loop_on_start(&s_loop, true, now_us + SECOND);
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, s_loop.stage);
    TEST_ASSERT_EQUAL_INT64(15 * MINUTE, boot_loop_wait_us(&s_loop, now_us + SECOND));
    TEST_ASSERT_EQUAL_UINT32(5, s_loop.crashes);
}

TEST_CASE("five crashes within exactly ten minutes are a loop, within a little more they are none", "[boot_loop]")
{
    (void)crash_every(150 * SECOND, 5);
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, s_loop.stage);
    (void)crash_every(150 * SECOND + 1, 5);
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
    (void)crash_every(165 * SECOND, 5); /* eleven minutes */
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
}

TEST_CASE("crashes far from one another never make a loop, and of many only the last five count", "[boot_loop]")
{
    int64_t now_us = crash_every(3 * MINUTE, 1000);
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
    TEST_ASSERT_EQUAL_UINT32(1000, s_loop.crashes);
    now_us += MINUTE + 1; /* ten minutes and a little behind the fifth last one */
    boot_loop_on_start(&s_loop, true, now_us);
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
    boot_loop_on_start(&s_loop, true, now_us + MINUTE);
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, s_loop.stage);
}

TEST_CASE("other starts in between neither count nor end a loop", "[boot_loop]")
{
    boot_loop_init(&s_loop);
    for (int i = 0; i < 4; i++) {
        boot_loop_on_start(&s_loop, true, T0 + i * MINUTE);
        boot_loop_on_start(&s_loop, false, T0 + i * MINUTE + SECOND);
        boot_loop_on_start(&s_loop, false, T0 + i * MINUTE + 2 * SECOND);
    }
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
    boot_loop_on_start(&s_loop, true, T0 + 5 * MINUTE);
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, s_loop.stage);
    boot_loop_on_start(&s_loop, false, T0 + 6 * MINUTE);
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, s_loop.stage);
    TEST_ASSERT_EQUAL_INT64(14 * MINUTE, boot_loop_wait_us(&s_loop, T0 + 6 * MINUTE));
}

TEST_CASE("a crash of control alone does not put the try off", "[boot_loop]")
{
    const int64_t now_us = crash_every(0, 5);
    for (int i = 1; i <= 10; i++) {
        boot_loop_on_start(&s_loop, true, now_us + i * MINUTE);
    }
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, s_loop.stage);
    TEST_ASSERT_EQUAL_INT64(5 * MINUTE, boot_loop_wait_us(&s_loop, now_us + 10 * MINUTE));
    TEST_ASSERT_EQUAL_UINT32(15, s_loop.crashes);
}

TEST_CASE("everything is tried after 15 minutes, and when that crashes every hour", "[boot_loop]")
{
    int64_t now_us = crash_every(0, 5);
    TEST_ASSERT_EQUAL_INT64(1, boot_loop_wait_us(&s_loop, now_us + 15 * MINUTE - 1));
    now_us += 15 * MINUTE;
    for (int tries = 1; tries <= 100; tries++) {
        TEST_ASSERT_EQUAL_INT64(0, boot_loop_wait_us(&s_loop, now_us));
        TEST_ASSERT_TRUE(boot_loop_begin_try(&s_loop, now_us));
        now_us += tries * 6 * SECOND; /* the hundredth holds for exactly ten minutes */
        boot_loop_on_start(&s_loop, true, now_us);
        TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, s_loop.stage);
        TEST_ASSERT_EQUAL_INT64(HOUR, boot_loop_wait_us(&s_loop, now_us));
        now_us += HOUR;
    }
}

TEST_CASE("a try that holds for ten minutes ends the loop, and the next one begins with 15 minutes again",
          "[boot_loop]")
{
    int64_t now_us = crash_every(0, 5) + 15 * MINUTE;
    TEST_ASSERT_TRUE(boot_loop_begin_try(&s_loop, now_us));
    boot_loop_on_start(&s_loop, true, now_us);
    now_us += HOUR;
    TEST_ASSERT_TRUE(boot_loop_begin_try(&s_loop, now_us));
    TEST_ASSERT_FALSE(boot_loop_settle(&s_loop, now_us + 10 * MINUTE));
    TEST_ASSERT_EQUAL(BOOT_LOOP_TRYING, s_loop.stage);
    now_us += 10 * MINUTE + 1;
    TEST_ASSERT_TRUE(boot_loop_settle(&s_loop, now_us));
    TEST_ASSERT_FALSE(boot_loop_settle(&s_loop, now_us));
    for (int i = 0; i < 5; i++) {
        TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
        boot_loop_on_start(&s_loop, true, now_us);
    }
    TEST_ASSERT_EQUAL_INT64(15 * MINUTE, boot_loop_wait_us(&s_loop, now_us));
}

TEST_CASE("a try that nobody has declared good is so at the next start, if it was long enough ago", "[boot_loop]")
{
    const int64_t now_us = crash_every(0, 5) + 20 * MINUTE; /* late */
    TEST_ASSERT_TRUE(boot_loop_begin_try(&s_loop, now_us));
    boot_loop_on_start(&s_loop, true, now_us + HOUR);
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
}

TEST_CASE("an orderly restart during a try goes on with it", "[boot_loop]")
{
    const int64_t now_us = crash_every(0, 5) + 15 * MINUTE;
    TEST_ASSERT_TRUE(boot_loop_begin_try(&s_loop, now_us));
    boot_loop_on_start(&s_loop, false, now_us + MINUTE);
    TEST_ASSERT_EQUAL(BOOT_LOOP_TRYING, s_loop.stage);
    TEST_ASSERT_EQUAL_INT64(0, boot_loop_wait_us(&s_loop, now_us + MINUTE));
    boot_loop_on_start(&s_loop, true, now_us + 9 * MINUTE);
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, s_loop.stage);
}

TEST_CASE("a start without a loop, and a try that is under way, are no begin of a try", "[boot_loop]")
{
    boot_loop_init(&s_loop);
    TEST_ASSERT_FALSE(boot_loop_begin_try(&s_loop, T0));
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
    const int64_t now_us = crash_every(0, 5);
    TEST_ASSERT_TRUE(boot_loop_begin_try(&s_loop, now_us));
    TEST_ASSERT_FALSE(boot_loop_begin_try(&s_loop, now_us + 5 * MINUTE));
    TEST_ASSERT_TRUE(boot_loop_settle(&s_loop, now_us + 10 * MINUTE + 1));
}

TEST_CASE("crashes whose clock begins anew each time are counted", "[boot_loop]")
{
    boot_loop_init(&s_loop);
    boot_loop_on_start(&s_loop, true, T0);
    for (int i = 1; i < 5; i++) {
        TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
        boot_loop_on_start(&s_loop, true, SECOND);
    }
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, s_loop.stage);
}

TEST_CASE("a clock that goes back makes no wait longer than it is from now on", "[boot_loop]")
{
    (void)crash_every(0, 5);
    boot_loop_on_start(&s_loop, true, SECOND);
    TEST_ASSERT_EQUAL_INT64(15 * MINUTE, boot_loop_wait_us(&s_loop, SECOND));
    TEST_ASSERT_TRUE(boot_loop_begin_try(&s_loop, 15 * MINUTE));
    boot_loop_on_start(&s_loop, true, 0);
    TEST_ASSERT_EQUAL_INT64(HOUR, boot_loop_wait_us(&s_loop, 0));
}

TEST_CASE("what cannot be is as if nothing had crashed yet", "[boot_loop]")
{
    (void)crash_every(0, 5);
    s_loop.stage = BOOT_LOOP_TRYING + 1;
    boot_loop_on_start(&s_loop, false, T0);
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
    memset(&s_loop, 0xFF, sizeof(s_loop));
    boot_loop_on_start(&s_loop, true, T0);
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, s_loop.stage);
    TEST_ASSERT_EQUAL_UINT32(1, s_loop.crashes);
    boot_loop_init(&s_loop);
    s_loop.recent = BOOT_LOOP_CRASHES + 1;
    boot_loop_on_start(&s_loop, true, T0);
    TEST_ASSERT_EQUAL_UINT32(1, s_loop.recent);
}
