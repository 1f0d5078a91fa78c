/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "fixture.h"
#include "unity.h"

/* The warning of the BMS itself: what makes its data doubtful. It counts at once. */

TEST_CASE("stale data warns at once and tells its age", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    alarms_run(&pack, 1);
    pack.input.stale = true;
    pack.input.age_ms = 3000;
    alarms_again(&pack);
    TEST_ASSERT_EQUAL(2, pack.change_count);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, true, BATTERY_ALARM_CAUSE_STALE, 3000});
    alarms_assert_change(&pack,
                         (battery_alarm_change_t){BATTERY_ALARM_GENERAL, true, true, BATTERY_ALARM_CAUSE_OTHER, 0});
    alarms_assert_warning(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_ACTIVE);
    alarms_assert_warning(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_ACTIVE);
    alarms_assert_alarm(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_OK);
    alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_OK);
    alarms_again(&pack);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    pack.input.stale = false;
    pack.input.age_ms = 7;
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(2, pack.change_count);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, false, BATTERY_ALARM_CAUSE_STALE, 7});
    alarms_assert_change(&pack,
                         (battery_alarm_change_t){BATTERY_ALARM_GENERAL, true, false, BATTERY_ALARM_CAUSE_OTHER, 0});
}

TEST_CASE("contradictory settings and numbers of cells warn at once", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    for (int i = 0; i < 2; i++) {
        ROW("%s", i == 0 ? "settings contradictory" : "cell count differs");
        pack.input.settings_contradictory = i == 0;
        pack.bms.cell_count_differs = i == 1;
        alarms_run(&pack, 1);
        alarms_assert_change(
            &pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, true, BATTERY_ALARM_CAUSE_SETTINGS, 0});
        alarms_assert_warning(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_ACTIVE);
        alarms_assert_alarm(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_OK);
        pack.input.settings_contradictory = false;
        pack.bms.cell_count_differs = false;
        alarms_run(&pack, 1);
        alarms_assert_change(
            &pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, false, BATTERY_ALARM_CAUSE_SETTINGS, 0});
    }
}

TEST_CASE("settings of the gateway that are lost warn at once", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.input.settings_lost = true;
    alarms_run(&pack, 1);
    alarms_assert_change(&pack,
                         (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, true, BATTERY_ALARM_CAUSE_LOST, 0});
    alarms_assert_warning(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_ACTIVE);
    alarms_assert_alarm(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_OK);
}

TEST_CASE("contradictory settings that outlast stale data become the cause of the warning", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.input.stale = true;
    pack.input.age_ms = 3100;
    pack.input.settings_contradictory = true;
    alarms_again(&pack);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, true, BATTERY_ALARM_CAUSE_STALE, 3100});
    pack.input.stale = false;
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    pack.input.settings_contradictory = false;
    alarms_run(&pack, 1);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, false, BATTERY_ALARM_CAUSE_SETTINGS, 0});
}

/** In the order in which they count. */
static const battery_alarm_cause_t s_causes[] = {BATTERY_ALARM_CAUSE_STALE, BATTERY_ALARM_CAUSE_SENSOR,
                                                 BATTERY_ALARM_CAUSE_CELLS, BATTERY_ALARM_CAUSE_SETTINGS,
                                                 BATTERY_ALARM_CAUSE_REGISTER};

#define CAUSES ((int)(sizeof(s_causes) / sizeof(s_causes[0])))

/** Those of which the bit is set hold. */
static void let_hold(pack_t *pack, unsigned causes)
{
    pack->input.stale = (causes & 1U) != 0;
    pack->bms.sensors_lost = (causes & 2U) != 0 ? 2 : 0;
    pack->bms.cells_contradict = (causes & 4U) != 0;
    pack->bms.cell_count_differs = (causes & 8U) != 0;
    pack->bms.registers_lost = (causes & 16U) != 0 ? 1U << BATTERY_REGISTER_COLD_CHARGE : 0;
}

TEST_CASE("whatever makes the data doubtful warns at once, and of several the first tells", "[battery_alarms]")
{
    for (unsigned causes = 1; causes < 1U << CAUSES; causes++) {
        ROW("causes 0x%X", causes);
        int first = 0;
        while ((causes & (1U << first)) == 0) {
            first++;
        }
        pack_t pack;
        alarms_begin(&pack);
        alarms_run(&pack, 1);
        let_hold(&pack, causes);
        pack.input.age_ms = 3000;
        alarms_run(&pack, 1);
        alarms_assert_change(&pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, true, s_causes[first],
                                                             first == 0 ? 3000 : 0});
        alarms_assert_warning(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_ACTIVE);
        alarms_assert_alarm(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_OK);
        let_hold(&pack, 0);
        alarms_run(&pack, 1);
        TEST_ASSERT_EQUAL(2, pack.change_count);
        alarms_assert_warning(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_OK);
    }
}

TEST_CASE("a pack without any temperature warns as one that has lost a sensor", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.input.no_temperature = true;
    alarms_again(&pack);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, true, BATTERY_ALARM_CAUSE_SENSOR, 0});
}

TEST_CASE("each sensor and each register that is lost warns", "[battery_alarms]")
{
    for (unsigned bit = 0; bit < BATTERY_REGISTER_COUNT; bit++) {
        ROW("bit %u", bit);
        pack_t pack;
        alarms_begin(&pack);
        pack.bms.registers_lost = (uint8_t)(1U << bit);
        alarms_run(&pack, 1);
        alarms_assert_warning(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_ACTIVE);
        pack.bms.registers_lost = 0;
        alarms_run(&pack, 1);
        alarms_assert_warning(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_OK);
        pack.bms.sensors_lost = (uint8_t)(1U << bit % BATTERY_SENSORS_MAX);
        alarms_run(&pack, 1);
        alarms_assert_warning(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_ACTIVE);
    }
}

TEST_CASE("of several causes the one that outlasts the others becomes the cause of the warning", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    let_hold(&pack, 2U | 16U);
    alarms_run(&pack, 1);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, true, BATTERY_ALARM_CAUSE_SENSOR, 0});
    let_hold(&pack, 16U);
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    let_hold(&pack, 0);
    alarms_run(&pack, 1);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, true, false, BATTERY_ALARM_CAUSE_REGISTER, 0});
}
