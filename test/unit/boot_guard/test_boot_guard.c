/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The count of crashes in memory that a reset leaves alone; this suite is for Linux only. */
#include "../row.h"
#include "boot_guard.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "unity.h"

#define RESET_REASON "TINYBMS_RESET_REASON"
#define MINUTE_MS    INT64_C(60000)
#define SCALE        6000.0 /* an hour in 0.6 s */

extern uint8_t __start_rtc_noinit[]; // NOLINT
extern uint8_t __stop_rtc_noinit[];  // NOLINT

static void power_on(void)
{
    host_options.time_scale = 1.0;
    TEST_ASSERT_EQUAL(0, unsetenv(RESET_REASON)); // NOLINT(concurrency-mt-unsafe)
    host_rtc_memory_load();
    TEST_ASSERT_EQUAL(ESP_OK, boot_guard_begin());
}

static void start_after(const char *reason)
{
    TEST_ASSERT_EQUAL(0, setenv(RESET_REASON, reason, 1)); // NOLINT(concurrency-mt-unsafe)
    TEST_ASSERT_EQUAL(ESP_OK, boot_guard_begin());
}

static void crash(int times)
{
    for (int i = 0; i < times; i++) {
        start_after("panic");
    }
}

/** The clock that runs through a reset goes on by this. */
static void let_pass_ms(int64_t ms)
{
    host_options.start_uptime_ms += ms;
}

static uint32_t crashes(void)
{
    return boot_guard_status().crashes;
}

static boot_loop_stage_t stage(void)
{
    return boot_guard_status().stage;
}

TEST_CASE("panics and resets by a watchdog are counted over resets, and end in a reduced start", "[boot_guard]")
{
    power_on();
    TEST_ASSERT_EQUAL_UINT32(0, crashes());
    crash(2);
    start_after("task watchdog");
    start_after("restart");
    crash(1);
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, stage());
    start_after("task watchdog");
    TEST_ASSERT_EQUAL_UINT32(5, crashes());
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, stage());
    TEST_ASSERT_GREATER_THAN(14 * MINUTE_MS, boot_guard_status().next_try_ms);
    TEST_ASSERT_LESS_OR_EQUAL(15 * MINUTE_MS, boot_guard_status().next_try_ms);
}

TEST_CASE("a power-on ends a loop, also when the memory has kept it", "[boot_guard]")
{
    power_on();
    crash(5);
    TEST_ASSERT_EQUAL(0, unsetenv(RESET_REASON)); // NOLINT(concurrency-mt-unsafe)
    TEST_ASSERT_EQUAL(ESP_OK, boot_guard_begin());
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, stage());
    TEST_ASSERT_EQUAL_UINT32(0, crashes());
}

TEST_CASE("a bit that is wrong anywhere makes the count begin anew", "[boot_guard]")
{
    static uint8_t image[256];
    const size_t size = (size_t)(__stop_rtc_noinit - __start_rtc_noinit);
    power_on();
    crash(5);
    TEST_ASSERT_LESS_OR_EQUAL(sizeof(image), size);
    memcpy(image, __start_rtc_noinit, size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        ROW("bit %zu", bit);
        memcpy(__start_rtc_noinit, image, size);
        __start_rtc_noinit[bit / 8] = (uint8_t)(__start_rtc_noinit[bit / 8] ^ (1U << bit % 8));
        start_after("restart");
        TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, stage());
        TEST_ASSERT_EQUAL_UINT32(0, crashes());
    }
    memcpy(__start_rtc_noinit, image, size);
    start_after("restart");
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, stage());
}

TEST_CASE("without a loop nothing is waited for", "[boot_guard]")
{
    power_on();
    crash(4);
    boot_guard_wait();
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, stage());
}

/** @return from the first of these crashes to the end of the wait behind them */
static int64_t wait_after_crashes_ms(int times)
{
    const int64_t before_us = host_now_us();
    crash(times);
    TEST_ASSERT_EQUAL(BOOT_LOOP_REDUCED, stage());
    boot_guard_wait();
    TEST_ASSERT_EQUAL(BOOT_LOOP_TRYING, stage());
    TEST_ASSERT_EQUAL_INT64(0, boot_guard_status().next_try_ms);
    return (host_now_us() - before_us) / 1000;
}

TEST_CASE("in a loop everything waits for 15 minutes, and behind a try that has crashed for an hour", "[boot_guard]")
{
    power_on();
    host_options.time_scale = SCALE;
    TEST_ASSERT_EQUAL(ESP_OK, boot_guard_begin());
    const int64_t first_ms = wait_after_crashes_ms(5);
    TEST_ASSERT_GREATER_OR_EQUAL(15 * MINUTE_MS, first_ms);
    TEST_ASSERT_LESS_THAN(60 * MINUTE_MS, first_ms);
    TEST_ASSERT_GREATER_OR_EQUAL(60 * MINUTE_MS, wait_after_crashes_ms(1));
    TEST_ASSERT_GREATER_OR_EQUAL(60 * MINUTE_MS, wait_after_crashes_ms(1));
}

TEST_CASE("a start behind the time of a try waits no more", "[boot_guard]")
{
    power_on();
    crash(5);
    let_pass_ms(1000 * MINUTE_MS);
    start_after("restart");
    const int64_t before_us = host_now_us();
    boot_guard_wait();
    TEST_ASSERT_LESS_THAN(MINUTE_MS, (host_now_us() - before_us) / 1000);
    TEST_ASSERT_EQUAL(BOOT_LOOP_TRYING, stage());
}

TEST_CASE("a try that has gone well for ten minutes ends the loop, over the next crash too", "[boot_guard]")
{
    power_on();
    crash(5);
    let_pass_ms(15 * MINUTE_MS);
    boot_guard_wait();
    TEST_ASSERT_EQUAL(BOOT_LOOP_TRYING, stage());
    let_pass_ms(10 * MINUTE_MS + 1);
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, stage());
    crash(4);
    TEST_ASSERT_EQUAL(BOOT_LOOP_NONE, stage());
}
