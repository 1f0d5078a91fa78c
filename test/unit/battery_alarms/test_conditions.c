/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "fixture.h"
#include "unity.h"

/* What can be known, what counts when, and what is told of it. */

/** Fields that are supported: bit n = field n of frame 0x35A. */
static uint32_t supported(const battery_alarm_level_t levels[BATTERY_ALARM_COUNT])
{
    uint32_t bits = 0;
    for (int i = 0; i < BATTERY_ALARM_COUNT; i++) {
        ROW("alarm %d", i);
        TEST_ASSERT_TRUE(levels[i] == BATTERY_ALARM_UNSUPPORTED || levels[i] == BATTERY_ALARM_OK);
        bits |= levels[i] == BATTERY_ALARM_OK ? UINT32_C(1) << i : 0;
    }
    return bits;
}

/* Field n of frame 0x35A is bit n here: general 0, high voltage 1, low voltage 2, high temperature 3, low temperature
 * 4, the same while charging 5 and 6, discharge and charge current 7 and 8, BMS internal 11, imbalance 12. */
static void assert_supported(pack_t *pack, uint32_t alarms, uint32_t warnings)
{
    alarms_run(pack, 1);
    TEST_ASSERT_EQUAL_HEX16(alarms, supported(pack->state.alarm));
    TEST_ASSERT_EQUAL_HEX16(warnings, supported(pack->state.warning));
    TEST_ASSERT_EQUAL(0, pack->change_count);
}

TEST_CASE("a complete pack supports all but contactor, short circuit and low temperature", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    assert_supported(&pack, 0x19EF, 0x19EF);
}

TEST_CASE("before anything is known only the BMS itself is supported", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    memset(&pack.bms, 0, sizeof(pack.bms));
    memset(&pack.state, 0, sizeof(pack.state));
    pack.input.target_mv = 0;
    assert_supported(&pack, 0x0801, 0x0801);
}

TEST_CASE("without settings what needs a cutoff is not supported", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    memset(&pack.bms, 0, sizeof(pack.bms));
    assert_supported(&pack, 0x0801, 0x0801);
}

TEST_CASE("a cutoff that is not set takes its own fields only", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.bms.over_voltage_mv = unknown();
    assert_supported(&pack, 0x19ED, 0x19ED);
    alarms_begin(&pack);
    pack.bms.under_voltage_mv = unknown();
    assert_supported(&pack, 0x19EB, 0x19EB);
    alarms_begin(&pack);
    pack.bms.over_heat_ddegc = unknown();
    assert_supported(&pack, 0x19C7, 0x19C7);
    alarms_begin(&pack);
    pack.bms.cold_charge_ddegc = unknown();
    assert_supported(&pack, 0x19AF, 0x19AF);
    alarms_begin(&pack);
    pack.bms.charge_max_ma = unknown();
    assert_supported(&pack, 0x18EF, 0x18EF);
    alarms_begin(&pack);
    pack.bms.balance_mv = unknown();
    assert_supported(&pack, 0x09EF, 0x09EF);
    alarms_begin(&pack);
    pack.bms.discharge_max_ma = unknown();
    assert_supported(&pack, 0x196F, 0x196F);
}

TEST_CASE("what a cutoff was before it was lost does not make its alarm supported", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.bms.over_voltage_mv = unknown();
    pack.bms.strictest[BATTERY_REGISTER_OVER_VOLTAGE] = known(3650);
    pack.state.cell_max_mv = known(5000);
    alarms_run(&pack, 4);
    assert_supported(&pack, 0x19ED, 0x19ED);
}

TEST_CASE("a cutoff that is not set raises nothing", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    memset(&pack.bms, 0, sizeof(pack.bms));
    pack.state.cell_max_mv = known(5000);
    pack.state.cell_min_mv = known(1);
    pack.state.sensor_ddegc[0] = known(1200);
    pack.state.sensor_ddegc[1] = known(-400);
    pack.state.pack_current_ma = known(900000);
    alarms_run(&pack, 4);
    assert_supported(&pack, 0x0801, 0x0801);
    pack.state.pack_current_ma = known(-900000);
    alarms_run(&pack, 4);
    assert_supported(&pack, 0x0801, 0x0801);
}

TEST_CASE("one sensor is enough for the temperatures, none is too few", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.sensor_ddegc[0] = unknown();
    assert_supported(&pack, 0x19EF, 0x19EF);
    alarms_begin(&pack);
    pack.state.sensor_ddegc[1] = unknown();
    assert_supported(&pack, 0x19EF, 0x19EF);
    pack.state.sensor_ddegc[0] = unknown();
    assert_supported(&pack, 0x1987, 0x1987);
}

TEST_CASE("while a sensor is lost no temperature is called fine, and what is there still warns", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.bms.sensors_lost = 1;
    pack.state.sensor_ddegc[0] = unknown();
    alarms_run(&pack, 4);
    static const battery_alarm_id_t ids[] = {BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE,
                                             BATTERY_ALARM_LOW_TEMPERATURE_CHARGE};
    for (size_t i = 0; i < 3; i++) {
        ROW("%s", battery_alarm_text(ids[i]));
        alarms_assert_alarm(&pack, ids[i], BATTERY_ALARM_UNSUPPORTED);
        alarms_assert_warning(&pack, ids[i], BATTERY_ALARM_UNSUPPORTED);
    }
    pack.state.sensor_ddegc[1] = known(610);
    alarms_run(&pack, 4);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_ACTIVE);
    pack.state.sensor_ddegc[1] = known(250);
    alarms_run(&pack, 4);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_UNSUPPORTED);
    pack.bms.sensors_lost = 0;
    alarms_run(&pack, 1);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_OK);
}

TEST_CASE("a measurement that is not there takes what has nothing else", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_max_mv = unknown();
    assert_supported(&pack, 0x09EF, 0x09EF);
    pack.state.pack_checked_mv = unknown();
    assert_supported(&pack, 0x09ED, 0x09ED);
    alarms_begin(&pack);
    pack.state.cell_min_mv = unknown();
    assert_supported(&pack, 0x09EF, 0x09EF);
    pack.state.cell_count = 0;
    assert_supported(&pack, 0x09EB, 0x09EB);
    alarms_begin(&pack);
    pack.state.pack_current_ma = unknown();
    assert_supported(&pack, 0x186F, 0x186F);
}

TEST_CASE("one snapshot with a jump raises nothing, nor do two", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    alarms_run(&pack, 3);
    for (int jump = 1; jump <= 2; jump++) {
        ROW("jump %d", jump);
        pack.state.cell_max_mv = known(5000);
        pack.state.cell_min_mv = known(100);
        pack.state.sensor_ddegc[0] = known(1500);
        pack.state.pack_current_ma = known(-500000);
        for (int i = 0; i < jump; i++) {
            alarms_run(&pack, 1);
            TEST_ASSERT_EQUAL(0, pack.change_count);
        }
        pack.state.cell_max_mv = known(3305);
        pack.state.cell_min_mv = known(3295);
        pack.state.sensor_ddegc[0] = known(250);
        pack.state.pack_current_ma = known(0);
        alarms_run(&pack, 1);
        TEST_ASSERT_EQUAL(0, pack.change_count);
    }
}

static void run_cell(pack_t *pack, int32_t cell_mv, int snapshots, battery_alarm_level_t level)
{
    pack->state.cell_max_mv = known(cell_mv);
    for (int i = 0; i < snapshots; i++) {
        alarms_run(pack, 1);
        alarms_assert_alarm(pack, BATTERY_ALARM_HIGH_VOLTAGE, level);
    }
}

TEST_CASE("the debounce is as long as it is set, to raise and to clear", "[battery_alarms]")
{
    static const int lengths[] = {1, 2, 3, 5, 255};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        ROW("lengths[%zu]", i);
        battery_alarms_config_t config = BATTERY_ALARMS_DEFAULT_CONFIG();
        config.alarm_debounce = lengths[i];
        pack_t pack;
        alarms_configure(&pack, config);
        for (int round = 0; round < 2; round++) {
            run_cell(&pack, 3650, lengths[i] - 1, BATTERY_ALARM_OK);
            run_cell(&pack, 3650, 1 + round, BATTERY_ALARM_ACTIVE);
            run_cell(&pack, 3630, lengths[i] - 1, BATTERY_ALARM_ACTIVE);
            run_cell(&pack, 3630, 1 + round, BATTERY_ALARM_OK);
        }
    }
}

TEST_CASE("only snapshots in a row count", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    run_cell(&pack, 3650, 2, BATTERY_ALARM_OK);
    run_cell(&pack, 3649, 1, BATTERY_ALARM_OK);
    run_cell(&pack, 3650, 2, BATTERY_ALARM_OK);
    run_cell(&pack, 3650, 1, BATTERY_ALARM_ACTIVE);
    run_cell(&pack, 3630, 2, BATTERY_ALARM_ACTIVE);
    run_cell(&pack, 3631, 1, BATTERY_ALARM_ACTIVE);
    run_cell(&pack, 3630, 2, BATTERY_ALARM_ACTIVE);
    run_cell(&pack, 3630, 1, BATTERY_ALARM_OK);
}

TEST_CASE("the same snapshot again neither raises nor clears, and keeps the levels", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    run_cell(&pack, 3650, 2, BATTERY_ALARM_OK);
    for (int i = 0; i < 10; i++) {
        alarms_again(&pack);
        TEST_ASSERT_EQUAL(0, pack.change_count);
    }
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_OK);
    run_cell(&pack, 3650, 1, BATTERY_ALARM_ACTIVE);
    run_cell(&pack, 3630, 2, BATTERY_ALARM_ACTIVE);
    memset(pack.state.alarm, 0, sizeof(pack.state.alarm)); /* they do not come from the caller */
    for (int i = 0; i < 10; i++) {
        alarms_again(&pack);
        TEST_ASSERT_EQUAL(0, pack.change_count);
    }
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_ACTIVE);
    alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_ACTIVE);
    run_cell(&pack, 3630, 1, BATTERY_ALARM_OK);
}

TEST_CASE("charging begins above 500 mA; what counts while charging clears after the debounce when it ends",
          "[battery_alarms]")
{
    pack_t pack;
    battery_alarms_config_t config = BATTERY_ALARMS_DEFAULT_CONFIG();
    config.diff_warn_s = 0;
    alarms_configure(&pack, config);
    pack.state.sensor_ddegc[0] = known(600);
    pack.state.sensor_ddegc[1] = known(40);
    pack.state.cell_max_mv = known(3500);
    pack.state.pack_current_ma = known(500);
    alarms_run(&pack, 5);
    static const battery_alarm_id_t ids[] = {BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE,
                                             BATTERY_ALARM_LOW_TEMPERATURE_CHARGE, BATTERY_ALARM_CELL_IMBALANCE};
    static const battery_alarm_cause_t causes[] = {BATTERY_ALARM_CAUSE_TEMPERATURE, BATTERY_ALARM_CAUSE_TEMPERATURE,
                                                   BATTERY_ALARM_CAUSE_SPREAD};
    static const int32_t values[] = {600, 40, 205};
    static const int32_t currents[] = {501, 500, 501, -20000};
    for (int phase = 0; phase < 4; phase++) {
        ROW("phase %d", phase);
        const bool charging = phase % 2 == 0;
        const battery_alarm_level_t before = charging ? BATTERY_ALARM_OK : BATTERY_ALARM_ACTIVE;
        const battery_alarm_level_t after = charging ? BATTERY_ALARM_ACTIVE : BATTERY_ALARM_OK;
        pack.state.pack_current_ma = known(currents[phase]);
        alarms_run(&pack, 2);
        for (int i = 0; i < 3; i++) {
            ROW("%s", battery_alarm_text(ids[i]));
            alarms_assert_alarm(&pack, ids[i], before);
            alarms_assert_warning(&pack, ids[i], before);
        }
        alarms_run(&pack, 1);
        for (int i = 0; i < 3; i++) {
            ROW("%s", battery_alarm_text(ids[i]));
            alarms_assert_alarm(&pack, ids[i], after);
            alarms_assert_change(&pack, (battery_alarm_change_t){ids[i], true, charging, causes[i], values[i]});
            alarms_assert_change(&pack, (battery_alarm_change_t){ids[i], false, charging, causes[i], values[i]});
        }
    }
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_ACTIVE);
}

TEST_CASE("a current that is not known is no charging", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.sensor_ddegc[0] = known(600);
    pack.state.pack_current_ma = (battery_quantity_t){.known = false, .value = 20000};
    alarms_run(&pack, 5);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE, BATTERY_ALARM_OK);
}

TEST_CASE("an alarm whose sensor is disconnected ends at once, and begins anew when it is back", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.sensor_ddegc[1] = unknown();
    pack.state.sensor_ddegc[0] = known(600);
    alarms_run(&pack, 3);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_ACTIVE);
    pack.state.sensor_ddegc[0] = unknown();
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(4, pack.change_count);
    for (int warning = 0; warning <= 1; warning++) {
        ROW("warning %d", warning);
        alarms_assert_change(&pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_TEMPERATURE, warning != 0, false,
                                                             BATTERY_ALARM_CAUSE_NONE, 0});
        alarms_assert_change(
            &pack, (battery_alarm_change_t){BATTERY_ALARM_GENERAL, warning != 0, false, BATTERY_ALARM_CAUSE_OTHER, 0});
    }
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_UNSUPPORTED);
    alarms_assert_warning(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_UNSUPPORTED);
    pack.state.sensor_ddegc[0] = known(599);
    alarms_run(&pack, 1);
    pack.state.sensor_ddegc[0] = known(600);
    alarms_run(&pack, 2);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_OK);
    alarms_run(&pack, 1);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_ACTIVE);
}

TEST_CASE("snapshots before and after a gap of the sensor are not in a row", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.sensor_ddegc[1] = unknown();
    pack.state.sensor_ddegc[0] = known(600);
    alarms_run(&pack, 2);
    pack.state.sensor_ddegc[0] = unknown();
    alarms_again(&pack);
    pack.state.sensor_ddegc[0] = known(600);
    alarms_run(&pack, 2);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_OK);
    alarms_run(&pack, 1);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_ACTIVE);
}

TEST_CASE("the alarm of a fault outlives its sensor, and ends with the fault", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    alarms_fault(&pack, 0x04);
    alarms_run(&pack, 1);
    pack.state.sensor_ddegc[0] = unknown();
    pack.state.sensor_ddegc[1] = unknown();
    alarms_run(&pack, 5);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_ACTIVE);
    alarms_recover(&pack);
    alarms_run(&pack, 1);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_TEMPERATURE, false, false, BATTERY_ALARM_CAUSE_EVENT, 0});
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_UNSUPPORTED);
}

TEST_CASE("of two sensors the one that stays connected holds the alarm or lets it clear", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.sensor_ddegc[0] = known(610);
    pack.state.sensor_ddegc[1] = known(590);
    alarms_run(&pack, 3);
    alarms_assert_change(&pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_TEMPERATURE, false, true,
                                                         BATTERY_ALARM_CAUSE_TEMPERATURE, 610});
    pack.state.sensor_ddegc[0] = unknown();
    alarms_run(&pack, 5);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_ACTIVE);
    pack.state.sensor_ddegc[1] = known(400);
    alarms_run(&pack, 2);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE, BATTERY_ALARM_ACTIVE);
    alarms_run(&pack, 1);
    alarms_assert_change(&pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_TEMPERATURE, false, false,
                                                         BATTERY_ALARM_CAUSE_TEMPERATURE, 400});
}

TEST_CASE("a setting that is no longer known ends its alarm and its warning at once, and never says that all is well",
          "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    run_cell(&pack, 3655, 2, BATTERY_ALARM_OK);
    run_cell(&pack, 3655, 1, BATTERY_ALARM_ACTIVE);
    pack.bms.over_voltage_mv = unknown();
    run_cell(&pack, 3655, 1, BATTERY_ALARM_UNSUPPORTED);
    for (int warning = 0; warning <= 1; warning++) {
        ROW("warning %d", warning);
        alarms_assert_change(&pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_VOLTAGE, warning != 0, false,
                                                             BATTERY_ALARM_CAUSE_CELL, 3655});
    }
    alarms_assert_warning(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_UNSUPPORTED);
    pack.bms.over_voltage_mv = known(3650); /* and begins anew */
    run_cell(&pack, 3655, 2, BATTERY_ALARM_OK);
    run_cell(&pack, 3655, 1, BATTERY_ALARM_ACTIVE);
}

TEST_CASE("the general field is the or of all others, alarms and warnings apart", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_max_mv = known(3600);
    alarms_run(&pack, 3);
    alarms_assert_warning(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_ACTIVE);
    alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_OK);
    pack.state.sensor_ddegc[0] = known(600);
    alarms_run(&pack, 3);
    TEST_ASSERT_EQUAL(3, pack.change_count); /* alarm and warning of the temperature, and the general alarm */
    alarms_assert_change(&pack,
                         (battery_alarm_change_t){BATTERY_ALARM_GENERAL, false, true, BATTERY_ALARM_CAUSE_OTHER, 0});
    pack.state.cell_max_mv = known(3300);
    alarms_run(&pack, 3);
    TEST_ASSERT_EQUAL(1, pack.change_count);
    alarms_assert_warning(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_ACTIVE);
    pack.state.sensor_ddegc[0] = known(250);
    alarms_run(&pack, 3);
    alarms_assert_warning(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_OK);
    alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_OK);
}

TEST_CASE("every cause has a text with the unit of its value", "[battery_alarms]")
{
    TEST_ASSERT_EQUAL_STRING("no longer known", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_NONE));
    TEST_ASSERT_EQUAL_STRING("cell voltage, mV", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_CELL));
    TEST_ASSERT_EQUAL_STRING("pack voltage, mV", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_PACK));
    TEST_ASSERT_EQUAL_STRING("temperature, 0.1 degC", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_TEMPERATURE));
    TEST_ASSERT_EQUAL_STRING("current, mA", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_CURRENT));
    TEST_ASSERT_EQUAL_STRING("difference of the cells, mV", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_SPREAD));
    TEST_ASSERT_EQUAL_STRING("BMS event", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_EVENT));
    TEST_ASSERT_EQUAL_STRING("no data, ms", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_STALE));
    TEST_ASSERT_EQUAL_STRING("current beyond its limit, mA", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_LIMIT));
    TEST_ASSERT_EQUAL_STRING("charging is blocked", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_BLOCKED));
    TEST_ASSERT_EQUAL_STRING("temperature sensor lost", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_SENSOR));
    TEST_ASSERT_EQUAL_STRING("cells contradict", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_CELLS));
    TEST_ASSERT_EQUAL_STRING("register of the BMS unusable", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_REGISTER));
    TEST_ASSERT_EQUAL_STRING("BMS settings contradictory", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_SETTINGS));
    TEST_ASSERT_EQUAL_STRING("see the others", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_OTHER));
    TEST_ASSERT_EQUAL_STRING("unknown", battery_alarm_cause_text(BATTERY_ALARM_CAUSE_COUNT));
    TEST_ASSERT_EQUAL_STRING("unknown", battery_alarm_cause_text((battery_alarm_cause_t)1000));
}
