/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Saves that the services apply, refuse or get without a pause, read off the frames. This suite is for Linux only. */
#include "../row.h"
#include "live.h"
#include "service_task.h"
#include "twai_controller.h"
#include "unity.h"

TEST_CASE("the gateway starts, and its currents come to what the BMS allows", "[settings_live_saves]")
{
    start_gateway();
}

TEST_CASE("another bit rate: the controller has it, no frame is missed, and none has old content",
          "[settings_live_saves]")
{
    static const settings_change_t both[] = {
        {.id = SETTINGS_CAN_BITRATE, .value = {.number = 250000}},
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 10}},
    };
    const size_t first = s_count;
    TEST_ASSERT_EQUAL(500000, twai_controller_registers().bitrate);
    const int64_t saved_ms = save_while_living(both, 2, ESP_OK);
    expect_fall(first, CCL_AT, BMS_CCL_A * DIGITS_PER_A, 10 * DIGITS_PER_A, saved_ms);
    TEST_ASSERT_EQUAL(250000, twai_controller_registers().bitrate);
    live_through_frames(2);
}

TEST_CASE("another name is sent from the next frame with it on", "[settings_live_saves]")
{
    static const settings_change_t names[] = {
        {.id = SETTINGS_ID_MANUFACTURER, .value = {.text = "House"}},
        {.id = SETTINGS_ID_BATTERY_NAME, .value = {.text = "House 1"}},
    };
    TEST_ASSERT_EQUAL_MEMORY("TinyBMS", s_manufacturer.data, 8);
    (void)save_while_living(names, 2, ESP_OK);
    for (const int64_t end_ms = service_now_ms() + PATIENCE_MS;
         s_manufacturer.data[0] != 'H' && service_now_ms() < end_ms;) {
        live_on();
    }
    TEST_ASSERT_EQUAL_MEMORY("House\0\0", s_manufacturer.data, 8);
}

TEST_CASE("a save that is refused changes nothing", "[settings_live_saves]")
{
    static const settings_change_t wrong[] = {
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 5}},
        {.id = SETTINGS_CHARGE_CELL_MV, .value = {.number = 3400}},
        {.id = SETTINGS_FLOAT_CELL_MV, .value = {.number = 3450}}, /* above the one before */
    };
    live_until(CVL_AT, FULL_CVL_DV);
    const size_t first = s_count;
    (void)save_while_living(wrong, 3, ESP_ERR_INVALID_ARG);
    live_for(GAP_MAX_MS);
    TEST_ASSERT_GREATER_THAN(first, s_count);
    for (size_t i = first; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        TEST_ASSERT_EQUAL_INT32(FULL_CVL_DV, limit_in(&s_limits[i], CVL_AT));
        TEST_ASSERT_EQUAL_INT32(10 * DIGITS_PER_A, limit_in(&s_limits[i], CCL_AT));
        TEST_ASSERT_EQUAL_INT32(BMS_DCL_A * DIGITS_PER_A, limit_in(&s_limits[i], DCL_AT));
    }
}

TEST_CASE("data between the old and the new age is stale at once, and a higher age does not bring it back",
          "[settings_live_saves]")
{
    s_silent = true;
    live_for(1500);
    size_t first = s_count;
    const int64_t saved_ms = save_number(SETTINGS_DATA_STALE_MS, 1000);
    expect_fall(first, CCL_AT, 10 * DIGITS_PER_A, 0, saved_ms);
    first = s_count;
    (void)save_number(SETTINGS_DATA_STALE_MS, 8000);
    live_for(FALL_MS);
    live_through_frames(1);
    for (size_t i = first; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        TEST_ASSERT_EQUAL_INT32(0, limit_in(&s_limits[i], CCL_AT));
    }
    s_silent = false;
    live_until(CCL_AT, 10 * DIGITS_PER_A);
}

/** An adversary's way of saving: without a pause, each time something else. */
TEST_CASE("whatever is saved without a pause, each frame has one of the values, and comes in time",
          "[settings_live_saves]")
{
    const size_t first = s_count;
    for (int32_t i = 0; i < 4; i++) {
        ROW("save %d", (int)i);
        (void)save_number(SETTINGS_CHARGE_MAX_A, i % 2 == 0 ? 4 : 10);
    }
    live_for(GAP_MAX_MS);
    for (size_t i = first; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        const int32_t value = limit_in(&s_limits[i], CCL_AT);
        TEST_ASSERT_TRUE(value <= 10 * DIGITS_PER_A && value >= 4 * DIGITS_PER_A);
    }
}

TEST_CASE("through all of it 0x351 has come in time, and no flash was changed without a turn", "[settings_live_saves]")
{
    expect_frames_in_time();
}
