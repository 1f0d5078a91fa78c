/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Limits and voltages that a save changes, read off the frames. This suite is for Linux only. */
#include "../row.h"
#include "live.h"
#include "service_task.h"
#include "unity.h"

#define CAPPED_CVL_DV 560 /* 14 x 4.000 V: two steps below what the BMS allows */

/** From frame `first` on a current limit stays for `limit.wait_s` after its last fall, and rises by `limit.a_per_s`. */
static void expect_rise(size_t first, limit_at_t at, int64_t fell_ms)
{
    for (size_t i = first + 1; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        const int32_t rise = limit_in(&s_limits[i], at) - limit_in(&s_limits[i - 1], at);
        const int64_t since_ms = s_limits[i].time_ms - s_limits[i - 1].time_ms;
        TEST_ASSERT_GREATER_OR_EQUAL(0, rise);
        TEST_ASSERT_TRUE(rise == 0 || s_limits[i].time_ms - fell_ms >= WAIT_S * 1000 - POLL_MS);
        /* A frame is up to a poll older than it is sent. */
        TEST_ASSERT_LESS_OR_EQUAL(RISE_A_PER_S * DIGITS_PER_A * (since_ms + POLL_MS + LATE_MS) / 1000 + 1, rise);
    }
}

TEST_CASE("the gateway starts, and its currents come to what the BMS allows", "[settings_live_limits]")
{
    start_gateway();
}

TEST_CASE("a lower cap of a current is in a frame within a poll, and the way there has no other value",
          "[settings_live_limits]")
{
    static const settings_change_t lower[] = {
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 10}},
        {.id = SETTINGS_DISCH_MAX_A, .value = {.number = 45}},
    };
    const size_t first = s_count;
    const int64_t saved_ms = save_while_living(lower, 2, ESP_OK);
    expect_fall(first, CCL_AT, BMS_CCL_A * DIGITS_PER_A, 10 * DIGITS_PER_A, saved_ms);
    expect_fall(first, DCL_AT, BMS_DCL_A * DIGITS_PER_A, 45 * DIGITS_PER_A, saved_ms);
}

TEST_CASE("a higher cap is waited for, and risen to slowly", "[settings_live_limits]")
{
    static const settings_change_t back[] = {
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 0}},
        {.id = SETTINGS_DISCH_MAX_A, .value = {.number = 0}},
    };
    const size_t first = s_count;
    const int64_t before_ms = service_now_ms();
    (void)save_while_living(back, 2, ESP_OK);
    live_until(CCL_AT, BMS_CCL_A * DIGITS_PER_A);
    live_until(DCL_AT, BMS_DCL_A * DIGITS_PER_A);
    expect_rise(first, CCL_AT, before_ms);
    expect_rise(first, DCL_AT, before_ms);
}

TEST_CASE("a lower charge voltage is in a frame within a poll, a higher one is risen to in steps",
          "[settings_live_limits]")
{
    live_until(CVL_AT, FULL_CVL_DV); /* which it waited for since the start */
    size_t first = s_count;
    const int64_t saved_ms = save_number(SETTINGS_CHARGE_CELL_MV, 4000);
    expect_fall(first, CVL_AT, FULL_CVL_DV, CAPPED_CVL_DV, saved_ms);
    first = s_count;
    (void)save_number(SETTINGS_CHARGE_CELL_MV, 0);
    live_until(CVL_AT, FULL_CVL_DV);
    int64_t rose_ms = 0;
    unsigned rises = 0;
    for (size_t i = first; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        const int32_t rise = limit_in(&s_limits[i], CVL_AT) - limit_in(&s_limits[i - 1], CVL_AT);
        TEST_ASSERT_GREATER_OR_EQUAL(0, rise);
        TEST_ASSERT_TRUE(rise == 0 || rose_ms == 0 || s_limits[i].time_ms - rose_ms >= STEP_S * 1000 - POLL_MS);
        rose_ms = rise > 0 ? s_limits[i].time_ms : rose_ms;
        rises += rise > 0 ? 1U : 0U;
    }
    TEST_ASSERT_GREATER_OR_EQUAL(2, rises);
}

TEST_CASE("through all of it 0x351 has come in time, and no flash was changed without a turn", "[settings_live_limits]")
{
    expect_frames_in_time();
}
