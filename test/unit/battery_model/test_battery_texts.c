/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "battery_state.h"
#include "unity.h"

static const char *reason_text(int reason)
{
    return battery_limit_reason_text((battery_limit_reason_t)reason);
}

static const char *alarm_text(int id)
{
    return battery_alarm_text((battery_alarm_id_t)id);
}

static void expect_distinct(const char *(*text_of)(int), int count)
{
    for (int i = 0; i < count; i++) {
        ROW("value %d", i);
        TEST_ASSERT_TRUE(strlen(text_of(i)) > 0);
        TEST_ASSERT_TRUE(strcmp(text_of(i), "unknown") != 0);
        for (int other = 0; other < i; other++) {
            TEST_ASSERT_TRUE(strcmp(text_of(i), text_of(other)) != 0);
        }
    }
    TEST_ASSERT_EQUAL_STRING("unknown", text_of(count));
    TEST_ASSERT_EQUAL_STRING("unknown", text_of(-1));
}

TEST_CASE("every reason has a text of its own, and what is none is unknown", "[battery_model]")
{
    expect_distinct(reason_text, BATTERY_REASON_COUNT);
}

TEST_CASE("the reasons are called as people know them", "[battery_model]")
{
    TEST_ASSERT_EQUAL_STRING("cell voltage", battery_limit_reason_text(BATTERY_REASON_CELL_VOLTAGE));
    TEST_ASSERT_EQUAL_STRING("temperature", battery_limit_reason_text(BATTERY_REASON_TEMPERATURE));
    TEST_ASSERT_EQUAL_STRING("BMS fault", battery_limit_reason_text(BATTERY_REASON_BMS_FAULT));
    TEST_ASSERT_EQUAL_STRING("user cap", battery_limit_reason_text(BATTERY_REASON_USER_CAP));
    TEST_ASSERT_EQUAL_STRING("start-up ramp", battery_limit_reason_text(BATTERY_REASON_RAMP));
    TEST_ASSERT_EQUAL_STRING("stale data", battery_limit_reason_text(BATTERY_REASON_STALE_DATA));
    TEST_ASSERT_EQUAL_STRING("BMS settings contradictory",
                             battery_limit_reason_text(BATTERY_REASON_SETTINGS_CONTRADICTORY));
    TEST_ASSERT_EQUAL_STRING("BMS setting missing", battery_limit_reason_text(BATTERY_REASON_SETTING_MISSING));
    TEST_ASSERT_EQUAL_STRING("charging inhibited", battery_limit_reason_text(BATTERY_REASON_CHARGE_INHIBITED));
}

TEST_CASE("every alarm has a text of its own, and what is none is unknown", "[battery_model]")
{
    expect_distinct(alarm_text, BATTERY_ALARM_COUNT);
    TEST_ASSERT_EQUAL_STRING("high voltage", battery_alarm_text(BATTERY_ALARM_HIGH_VOLTAGE));
    TEST_ASSERT_EQUAL_STRING("BMS internal", battery_alarm_text(BATTERY_ALARM_BMS_INTERNAL));
}
