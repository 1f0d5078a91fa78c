/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pack.h"

#include <string.h>

#include "unity.h"

void pack_nmc(pack_t *pack)
{
    *pack = (pack_t){
        .config = CHARGE_CONTROL_DEFAULT_CONFIG(),
        .bms =
            {
                .settings_known = true,
                .full_mv = pack_known(4150),
                .empty_mv = pack_known(3000),
                .over_voltage_mv = pack_known(4200),
                .under_voltage_mv = pack_known(2900),
                .discharge_current_ma = pack_known(60000),
                .discharge_max_ma = pack_known(60000),
                .charge_max_ma = pack_known(20000),
                .over_heat_ddegc = pack_known(600),
                .cold_charge_ddegc = pack_known(0),
            },
        .state =
            {
                .cell_count = 14,
                .pack_voltage_mv = pack_known(53200),
                .pack_current_ma = pack_known(0),
                .soc_ppm = pack_known(500000),
                .bms_temperature_ddegc = pack_known(250),
                .installed_capacity_mah = pack_known(66000),
            },
        .now_ms = 1000,
    };
    pack->config.cvl_ahead_s = 0; /* cells jump in these tests */
    pack_set_all_cells(pack, 3800);
    pack_restart(pack);
}

void pack_lfp(pack_t *pack)
{
    pack_nmc(pack);
    pack->state.cell_count = 16;
    pack->bms.full_mv = pack_known(3550);
    pack->bms.empty_mv = pack_known(2900);
    pack->bms.over_voltage_mv = pack_known(3650);
    pack->bms.under_voltage_mv = pack_known(2800);
    pack_set_all_cells(pack, 3300);
}

void pack_set_cells(pack_t *pack, int32_t highest_mv, int32_t lowest_mv)
{
    pack->state.cell_max_mv = pack_known(highest_mv);
    pack->state.cell_min_mv = pack_known(lowest_mv);
    pack->state.cell_max_register = pack_known(3);
    pack->state.cell_min_register = pack_known(9);
    pack->state.cell_100uv[3] = (uint16_t)(highest_mv * 10);
    pack->state.cell_100uv[9] = (uint16_t)(lowest_mv * 10);
}

void pack_set_all_cells(pack_t *pack, int32_t cell_mv)
{
    pack_set_cells(pack, cell_mv, cell_mv);
}

void pack_restart(pack_t *pack)
{
    charge_control_init(&pack->control, &pack->config, false);
}

void pack_step(pack_t *pack, int32_t after_ms)
{
    battery_state_t *const state = &pack->state;
    const charge_voltages_t voltages = charge_control_voltages(&pack->config, &pack->bms, state->cell_count);
    const battery_limit_t nothing = {.known = false};
    state->cvl_mv = nothing;
    state->ccl_ma = nothing;
    state->dcl_ma = nothing;
    state->dvl_mv = nothing;
    memset(state->ccl_limiter_ma, 0, sizeof(state->ccl_limiter_ma));
    memset(state->dcl_limiter_ma, 0, sizeof(state->dcl_limiter_ma));
    state->too_cold_to_charge = false;
    state->too_hot_to_charge = false;
    pack->now_ms += after_ms;
    charge_control_step(&pack->control, &pack->bms, &voltages, pack->now_ms, state);
}

void pack_run(pack_t *pack, int32_t duration_ms)
{
    for (int32_t ms = 0; ms < duration_ms; ms += PACK_PERIOD_MS) {
        pack_step(pack, PACK_PERIOD_MS);
    }
}

void pack_settle(pack_t *pack)
{
    pack_restart(pack);
    pack_step(pack, 0);
    pack_run(pack, 30000);
    for (int32_t ms = 30000; ms < PACK_SETTLED_MS; ms += 1000) {
        pack_step(pack, 1000);
    }
}

void pack_begin_at(pack_t *pack, int32_t cvl_mv)
{
    const charge_control_kept_t kept = {.cvl_mv = cvl_mv, .ccl_ma = INT32_MAX, .dcl_ma = INT32_MAX};
    pack_restart(pack);
    charge_control_keep(&pack->control, &kept);
    pack_step(pack, 0);
}

void pack_fault(pack_t *pack, uint8_t event)
{
    pack->bms.fault = true;
    pack->bms.faults[pack->bms.fault_count++] = event;
}

void pack_recover(pack_t *pack)
{
    pack->bms.fault = false;
    pack->bms.fault_count = 0;
}

pack_t *pack_copy(const pack_t *pack)
{
    static pack_t copy; /* not another one on the stack of a chip */
    copy = *pack;
    return &copy;
}

static const battery_state_t *first_step(const pack_t *pack)
{
    pack_t *const copy = pack_copy(pack);
    pack_restart(copy);
    pack_step(copy, 0);
    return &copy->state;
}

static int32_t value_of(const battery_quantity_t *limiter)
{
    return limiter->known ? limiter->value : -1;
}

int32_t pack_charge_limiter(const pack_t *pack, battery_limit_reason_t reason)
{
    return value_of(&first_step(pack)->ccl_limiter_ma[reason]);
}

int32_t pack_discharge_limiter(const pack_t *pack, battery_limit_reason_t reason)
{
    return value_of(&first_step(pack)->dcl_limiter_ma[reason]);
}

void pack_expect(const battery_limit_t *limit, int32_t value, battery_limit_reason_t reason)
{
    TEST_ASSERT_TRUE(limit->known);
    TEST_ASSERT_EQUAL_INT32(value, limit->value);
    TEST_ASSERT_EQUAL_STRING(battery_limit_reason_text(reason), battery_limit_reason_text(limit->reason));
}

void pack_charging(pack_t *pack, int32_t cell_mv, int32_t current_ma)
{
    pack_nmc(pack);
    pack_set_all_cells(pack, cell_mv);
    pack->state.pack_current_ma = pack_known(current_ma);
    pack_settle(pack);
}

void pack_set_cells_seen(pack_t *pack, int32_t cell_mv)
{
    pack_set_all_cells(pack, cell_mv);
    pack_run(pack, PACK_SEEN_MS);
}
