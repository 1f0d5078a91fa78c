/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fixture.h"

#include <string.h>

#include "unity.h"

void alarms_begin(pack_t *pack)
{
    alarms_configure(pack, (battery_alarms_config_t)BATTERY_ALARMS_DEFAULT_CONFIG());
}

void alarms_configure(pack_t *pack, battery_alarms_config_t config)
{
    memset(pack, 0xA5, sizeof(*pack)); /* what was there before must not matter */
    battery_alarms_init(&pack->alarms, &config);
    pack->bms = (battery_bms_t){
        .balance_mv = known(3400),
        .over_voltage_mv = known(3650),
        .under_voltage_mv = known(2800),
        .discharge_max_ma = known(120000),
        .charge_max_ma = known(100000),
        .over_heat_ddegc = known(600),
        .cold_charge_ddegc = known(50),
        .settings_known = true,
    };
    pack->input = (battery_alarms_input_t){.bms = &pack->bms, .target_mv = 3450, .fresh = true};
    memset(&pack->state, 0, sizeof(pack->state));
    pack->state.cell_count = 16;
    pack->state.pack_voltage_mv = known(52800);
    pack->state.pack_checked_mv = known(52800);
    pack->state.pack_current_ma = known(0);
    pack->state.cell_min_mv = known(3295);
    pack->state.cell_max_mv = known(3305);
    pack->state.sensor_ddegc[0] = known(250);
    pack->state.sensor_ddegc[1] = known(250);
}

static void step(pack_t *pack)
{
    pack->input.now_ms += ALARMS_PERIOD_MS;
    pack->change_count = battery_alarms_step(&pack->alarms, &pack->input, &pack->state, pack->changes);
    TEST_ASSERT_LESS_OR_EQUAL(BATTERY_ALARM_CHANGES_MAX, pack->change_count);
}

void alarms_run(pack_t *pack, int snapshots)
{
    pack->input.fresh = true;
    for (int i = 0; i < snapshots; i++) {
        step(pack);
    }
}

void alarms_at(pack_t *pack, int64_t now_ms)
{
    pack->input.now_ms = now_ms - ALARMS_PERIOD_MS;
    alarms_run(pack, 1);
}

void alarms_again(pack_t *pack)
{
    pack->input.fresh = false;
    step(pack);
}

void alarms_fault(pack_t *pack, uint8_t event)
{
    pack->bms.fault_count = 0;
    alarms_another_fault(pack, event);
}

void alarms_another_fault(pack_t *pack, uint8_t event)
{
    pack->bms.fault = true;
    pack->bms.faults[pack->bms.fault_count++] = event;
}

void alarms_recover(pack_t *pack)
{
    pack->bms.fault = false;
    pack->bms.fault_count = 0;
}

void alarms_assert_alarm(const pack_t *pack, battery_alarm_id_t id, battery_alarm_level_t level)
{
    TEST_ASSERT_EQUAL(level, pack->state.alarm[id]);
}

void alarms_assert_warning(const pack_t *pack, battery_alarm_id_t id, battery_alarm_level_t level)
{
    TEST_ASSERT_EQUAL(level, pack->state.warning[id]);
}

void alarms_assert_change(const pack_t *pack, battery_alarm_change_t expected)
{
    int found = 0;
    for (size_t i = 0; i < pack->change_count; i++) {
        const battery_alarm_change_t *const change = &pack->changes[i];
        if (change->id == expected.id && change->warning == expected.warning) {
            found++;
            TEST_ASSERT_EQUAL(expected.active, change->active);
            TEST_ASSERT_EQUAL(expected.cause, change->cause);
            TEST_ASSERT_EQUAL_INT32(expected.value, change->value);
        }
    }
    TEST_ASSERT_EQUAL(1, found);
}

static battery_alarm_level_t level_of(const pack_t *pack, const edges_t *edges)
{
    return edges->warning ? pack->state.warning[edges->id] : pack->state.alarm[edges->id];
}

/** Runs two snapshots with the old level, then the third with the new one. */
static void assert_third_changes(pack_t *pack, const edges_t *edges, int32_t measured, bool active)
{
    const battery_alarm_level_t before = active ? BATTERY_ALARM_OK : BATTERY_ALARM_ACTIVE;
    const battery_alarm_level_t after = active ? BATTERY_ALARM_ACTIVE : BATTERY_ALARM_OK;
    const bool difference = edges->cause == BATTERY_ALARM_CAUSE_SPREAD;
    alarms_run(pack, 1);
    TEST_ASSERT_EQUAL(before, level_of(pack, edges));
    alarms_run(pack, 1);
    TEST_ASSERT_EQUAL(before, level_of(pack, edges));
    alarms_run(pack, 1);
    TEST_ASSERT_EQUAL(after, level_of(pack, edges));
    alarms_assert_change(pack, (battery_alarm_change_t){
                                   .id = edges->id,
                                   .warning = edges->warning,
                                   .active = active,
                                   .cause = edges->cause,
                                   .value = difference ? measured - pack->state.cell_min_mv.value : measured,
                               });
}

void alarms_assert_edges(pack_t *pack, battery_quantity_t *measured, const edges_t *edges)
{
    const battery_quantity_t at_rest = *measured;
    *measured = known(edges->harmless);
    alarms_run(pack, 5);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, level_of(pack, edges));
    for (int round = 0; round < 2; round++) {
        *measured = known(edges->raises);
        assert_third_changes(pack, edges, edges->raises, true);
        *measured = known(edges->held);
        alarms_run(pack, 5);
        TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, level_of(pack, edges));
        *measured = known(edges->clears);
        assert_third_changes(pack, edges, edges->clears, false);
    }
    *measured = at_rest;
    alarms_run(pack, 5);
}
