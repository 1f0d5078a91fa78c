/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "fixture.h"
#include "unity.h"

/* What the BMS itself says: it counts at once, whatever the debounce. */

static void assert_fault_shows(uint8_t event, battery_alarm_id_t id)
{
    pack_t pack;
    alarms_begin(&pack);
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    for (int round = 0; round < 2; round++) {
        ROW("round %d", round);
        alarms_fault(&pack, event);
        alarms_run(&pack, 1);
        TEST_ASSERT_EQUAL(2, pack.change_count);
        alarms_assert_change(&pack, (battery_alarm_change_t){id, false, true, BATTERY_ALARM_CAUSE_EVENT, event});
        alarms_assert_change(
            &pack, (battery_alarm_change_t){BATTERY_ALARM_GENERAL, false, true, BATTERY_ALARM_CAUSE_OTHER, 0});
        for (battery_alarm_id_t i = BATTERY_ALARM_GENERAL; i < BATTERY_ALARM_COUNT; i++) {
            ROW("%s", battery_alarm_text(i));
            TEST_ASSERT_EQUAL(i == id || i == BATTERY_ALARM_GENERAL, pack.state.alarm[i] == BATTERY_ALARM_ACTIVE);
            TEST_ASSERT_TRUE(pack.state.warning[i] != BATTERY_ALARM_ACTIVE);
        }
        alarms_run(&pack, 4);
        TEST_ASSERT_EQUAL(0, pack.change_count);
        alarms_assert_alarm(&pack, id, BATTERY_ALARM_ACTIVE);
        alarms_recover(&pack);
        alarms_run(&pack, 1);
        TEST_ASSERT_EQUAL(2, pack.change_count);
        alarms_assert_change(&pack, (battery_alarm_change_t){id, false, false, BATTERY_ALARM_CAUSE_EVENT, 0});
        alarms_assert_change(
            &pack, (battery_alarm_change_t){BATTERY_ALARM_GENERAL, false, false, BATTERY_ALARM_CAUSE_OTHER, 0});
        /* no sensor has a threshold for a low temperature: whether all is well cannot be known */
        alarms_assert_alarm(&pack, id,
                            id == BATTERY_ALARM_LOW_TEMPERATURE ? BATTERY_ALARM_UNSUPPORTED : BATTERY_ALARM_OK);
        alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_OK);
    }
}

TEST_CASE("every event that the maker names shows in its alarm", "[battery_alarms]")
{
    assert_fault_shows(0x02, BATTERY_ALARM_LOW_VOLTAGE);
    assert_fault_shows(0x03, BATTERY_ALARM_HIGH_VOLTAGE);
    assert_fault_shows(0x04, BATTERY_ALARM_HIGH_TEMPERATURE);
    assert_fault_shows(0x05, BATTERY_ALARM_HIGH_DISCHARGE_CURRENT);
    assert_fault_shows(0x06, BATTERY_ALARM_HIGH_CHARGE_CURRENT);
    assert_fault_shows(0x07, BATTERY_ALARM_HIGH_CHARGE_CURRENT);
    assert_fault_shows(0x0A, BATTERY_ALARM_LOW_TEMPERATURE);
    assert_fault_shows(0x31, BATTERY_ALARM_LOW_VOLTAGE);
    assert_fault_shows(0x37, BATTERY_ALARM_LOW_TEMPERATURE_CHARGE);
}

TEST_CASE("faults of the BMS's own parts, unnamed and unknown ones show as BMS internal", "[battery_alarms]")
{
    for (uint8_t event = 0x0B; event <= 0x0F; event++) {
        ROW("event 0x%02X", event);
        assert_fault_shows(event, BATTERY_ALARM_BMS_INTERNAL);
    }
    assert_fault_shows(0x00, BATTERY_ALARM_BMS_INTERNAL);
    assert_fault_shows(0x01, BATTERY_ALARM_BMS_INTERNAL);
    assert_fault_shows(0x08, BATTERY_ALARM_BMS_INTERNAL);
    assert_fault_shows(0x09, BATTERY_ALARM_BMS_INTERNAL);
    assert_fault_shows(0xFF, BATTERY_ALARM_BMS_INTERNAL);
}

TEST_CASE("an event is no alarm while the BMS is not in fault", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    alarms_fault(&pack, 0x03);
    pack.bms.fault = false;
    alarms_run(&pack, 5);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_OK);
    alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_OK);
}

TEST_CASE("a fault that becomes another one moves to the other alarm", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    alarms_fault(&pack, 0x03);
    alarms_run(&pack, 1);
    alarms_fault(&pack, 0x06);
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(2, pack.change_count);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_VOLTAGE, false, false, BATTERY_ALARM_CAUSE_EVENT, 0});
    alarms_assert_change(&pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_CHARGE_CURRENT, false, true,
                                                         BATTERY_ALARM_CAUSE_EVENT, 0x06});
    alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_ACTIVE);
}

TEST_CASE("of several faults each shows in its alarm, until it ends", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    alarms_fault(&pack, 0x03);
    alarms_another_fault(&pack, 0x05);
    alarms_another_fault(&pack, 0x0C);
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(4, pack.change_count);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_VOLTAGE, false, true, BATTERY_ALARM_CAUSE_EVENT, 0x03});
    alarms_assert_change(&pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_DISCHARGE_CURRENT, false, true,
                                                         BATTERY_ALARM_CAUSE_EVENT, 0x05});
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_BMS_INTERNAL, false, true, BATTERY_ALARM_CAUSE_EVENT, 0x0C});
    alarms_fault(&pack, 0x05);
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(2, pack.change_count);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_DISCHARGE_CURRENT, BATTERY_ALARM_ACTIVE);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_OK);
    alarms_assert_alarm(&pack, BATTERY_ALARM_BMS_INTERNAL, BATTERY_ALARM_OK);
    alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_ACTIVE);
}

TEST_CASE("of two faults of one alarm the newest is told, and the alarm ends with both", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    alarms_fault(&pack, 0x06);
    alarms_another_fault(&pack, 0x07);
    alarms_run(&pack, 1);
    alarms_assert_change(&pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_CHARGE_CURRENT, false, true,
                                                         BATTERY_ALARM_CAUSE_EVENT, 0x07});
    alarms_fault(&pack, 0x06);
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    alarms_recover(&pack);
    alarms_run(&pack, 1);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_CHARGE_CURRENT, false, false, BATTERY_ALARM_CAUSE_EVENT, 0});
}

TEST_CASE("a fault shows in its alarm although nothing is measured for it, and leaves no word that all is well",
          "[battery_alarms]")
{
    static const struct {
        uint8_t event;
        battery_alarm_id_t id;
    } needs_sensor[] = {{0x04, BATTERY_ALARM_HIGH_TEMPERATURE},
                        {0x0A, BATTERY_ALARM_LOW_TEMPERATURE},
                        {0x37, BATTERY_ALARM_LOW_TEMPERATURE_CHARGE}};
    for (size_t i = 0; i < sizeof(needs_sensor) / sizeof(needs_sensor[0]); i++) {
        ROW("event 0x%02X", needs_sensor[i].event);
        pack_t pack;
        alarms_begin(&pack);
        pack.state.sensor_ddegc[0] = unknown();
        pack.state.sensor_ddegc[1] = unknown();
        alarms_fault(&pack, needs_sensor[i].event);
        alarms_run(&pack, 1);
        TEST_ASSERT_EQUAL(2, pack.change_count);
        alarms_assert_change(&pack, (battery_alarm_change_t){needs_sensor[i].id, false, true, BATTERY_ALARM_CAUSE_EVENT,
                                                             needs_sensor[i].event});
        alarms_assert_alarm(&pack, needs_sensor[i].id, BATTERY_ALARM_ACTIVE);
        alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_ACTIVE);
        alarms_assert_warning(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_OK);
        alarms_recover(&pack);
        alarms_run(&pack, 1);
        TEST_ASSERT_EQUAL(2, pack.change_count);
        alarms_assert_alarm(&pack, needs_sensor[i].id, BATTERY_ALARM_UNSUPPORTED);
        alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_OK);
    }
}

TEST_CASE("a fault of which no event is told shows in the general alarm", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.bms.fault = true;
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(1, pack.change_count);
    alarms_assert_change(&pack,
                         (battery_alarm_change_t){BATTERY_ALARM_GENERAL, false, true, BATTERY_ALARM_CAUSE_EVENT, 0});
    alarms_assert_warning(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_OK);
    alarms_recover(&pack);
    alarms_run(&pack, 1);
    alarms_assert_alarm(&pack, BATTERY_ALARM_GENERAL, BATTERY_ALARM_OK);
}

TEST_CASE("a fault counts without a new snapshot too", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    alarms_run(&pack, 1);
    alarms_fault(&pack, 0x03);
    alarms_again(&pack);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_ACTIVE);
    alarms_recover(&pack);
    alarms_again(&pack);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_OK);
}

TEST_CASE("the alarm of a fault ends with it when the cell is below the cutoff, hysteresis or not", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_max_mv = known(3649);
    alarms_fault(&pack, 0x03);
    alarms_run(&pack, 5);
    alarms_recover(&pack);
    alarms_run(&pack, 1);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_OK);
}

TEST_CASE("the alarm of a fault outlives it while the cell is beyond the cutoff, then the cell is the cause",
          "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_max_mv = known(3650);
    alarms_fault(&pack, 0x03);
    alarms_run(&pack, 1); /* the fault confirms the cell: no gap until the debounce is over */
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_VOLTAGE, false, true, BATTERY_ALARM_CAUSE_EVENT, 0x03});
    alarms_recover(&pack);
    pack.state.cell_max_mv = known(3631);
    alarms_run(&pack, 5);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_ACTIVE);
    pack.state.cell_max_mv = known(3630);
    alarms_run(&pack, 2);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_ACTIVE);
    alarms_run(&pack, 1);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_VOLTAGE, false, false, BATTERY_ALARM_CAUSE_CELL, 3630});
}

TEST_CASE("a fault that comes while the cell is beyond the cutoff changes nothing, nor does its end",
          "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_max_mv = known(3655);
    alarms_run(&pack, 3);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_ACTIVE);
    alarms_fault(&pack, 0x03);
    alarms_run(&pack, 5);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    alarms_recover(&pack);
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    pack.state.cell_max_mv = known(3400);
    alarms_run(&pack, 3);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_VOLTAGE, false, false, BATTERY_ALARM_CAUSE_CELL, 3400});
}

TEST_CASE("a fault holds an alarm whose cell is back, and ends it at once", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_max_mv = known(3655);
    alarms_run(&pack, 3);
    alarms_fault(&pack, 0x03);
    pack.state.cell_max_mv = known(3400);
    alarms_run(&pack, 5);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_ACTIVE);
    alarms_recover(&pack);
    alarms_run(&pack, 1);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_OK);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_VOLTAGE, false, false, BATTERY_ALARM_CAUSE_CELL, 3400});
}

TEST_CASE("a fault takes the debounce from its own alarm only, and not from the warning", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_max_mv = known(3655);
    alarms_fault(&pack, 0x05);
    alarms_run(&pack, 2);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_OK);
    alarms_begin(&pack);
    pack.state.cell_max_mv = known(3655);
    alarms_fault(&pack, 0x03);
    alarms_run(&pack, 2);
    alarms_assert_warning(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_OK);
    alarms_run(&pack, 1);
    alarms_assert_warning(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_ACTIVE);
}

TEST_CASE("a fault without the cutoff that belongs to it is still shown", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.bms = (battery_bms_t){.fault = true, .fault_count = 1, .faults = {0x03}};
    alarms_run(&pack, 1);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_ACTIVE);
    alarms_fault(&pack, 0x37);
    alarms_run(&pack, 1);
    alarms_assert_alarm(&pack, BATTERY_ALARM_LOW_TEMPERATURE_CHARGE, BATTERY_ALARM_ACTIVE);
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_UNSUPPORTED);
}
