/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "charge_control.h"

#include <string.h>

#include "charge_control_private.h"

#define ASSUMED_CUTOFF_MV  50    /**< over-voltage cutoff above register 300 when 315 is not set */
#define LFP_CUTOFF_MAX_MV  3800  /**< a cell with a cutoff of at most this is LFP */
#define LONGEST_ELAPSED_MS 10000 /**< what a step counts when the one before is longer ago */

void charge_control_init(charge_control_t *control, const charge_control_config_t *config)
{
    memset(control, 0, sizeof(*control));
    control->config = *config;
}

static void start_ramp(charge_control_current_t *current, int32_t from_percent, int64_t now_ms)
{
    current->restart = true;
    current->ramp_since_ms = now_ms;
    current->ramp_from_percent = from_percent;
}

void charge_control_resume(charge_control_t *control, charge_control_ramp_t ramp, int64_t now_ms)
{
    const bool both = ramp == CHARGE_CONTROL_RAMP_BOTH;
    control->filled = false;
    start_ramp(&control->ccl, both ? control->config.ramp_start_percent : 0, now_ms);
    if (both) {
        start_ramp(&control->dcl, control->config.ramp_start_percent, now_ms);
    }
}

charge_voltages_t charge_control_voltages(const charge_control_config_t *config, const battery_bms_t *bms,
                                          uint8_t cell_count)
{
    charge_voltages_t v = {.known = bms->full_mv.known && cell_count > 0};
    if (!v.known) {
        return v;
    }
    const int32_t full_mv = bms->full_mv.value;
    const int32_t offset_mv = (config->charger_offset_mv + cell_count - 1) / cell_count;
    v.cutoff_mv = bms->over_voltage_mv.known ? bms->over_voltage_mv.value : full_mv + ASSUMED_CUTOFF_MV;
    v.ceiling_mv = v.cutoff_mv - config->cutoff_margin_mv - offset_mv;
    v.target_mv = charge_least(full_mv, v.ceiling_mv);
    v.float_mv = full_mv - config->float_below_full_mv;
    if (v.cutoff_mv <= LFP_CUTOFF_MAX_MV) {
        v.float_mv = charge_least(v.float_mv, config->float_lfp_mv);
    }
    if (config->target_mv > 0) {
        v.target_mv = charge_least(v.target_mv, config->target_mv);
    }
    if (config->float_mv > 0) {
        v.float_mv = charge_least(v.float_mv, config->float_mv);
    }
    if (bms->empty_mv.known || bms->under_voltage_mv.known) {
        v.floor_mv = bms->empty_mv.known ? bms->empty_mv.value : bms->under_voltage_mv.value;
    }
    const bool too_high = v.float_mv > v.ceiling_mv;
    v.float_mv = charge_least(v.float_mv, v.target_mv);
    v.contradictory = too_high || v.floor_mv >= v.float_mv ||
                      (bms->empty_mv.known && bms->under_voltage_mv.known && bms->under_voltage_mv.value >= v.floor_mv);
    return v;
}

/* ---- measurements ---- */

/** A single wrong reading must not move a limit, so the middle one of the last three counts. */
static int32_t filtered(charge_control_filter_t *filter, bool filled, int32_t value)
{
    if (!filled) {
        filter->last[1] = value;
    }
    const int32_t a = filter->last[0];
    const int32_t b = filter->last[1];
    filter->last[0] = b;
    filter->last[1] = value;
    return charge_most(charge_least(a, b), charge_least(charge_most(a, b), value));
}

/** Register 41 or the cell itself, whichever is higher. */
static int32_t highest_cell_mv(const battery_state_t *state)
{
    const battery_quantity_t *const cell = &state->cell_max_register;
    const int32_t seen_mv = cell->known ? (state->cell_100uv[cell->value] + 9) / 10 : 0;
    return charge_most(charge_value(&state->cell_max_mv), seen_mv);
}

/** Register 40 or the cell itself, whichever is lower; 0 = neither is known. */
static int32_t lowest_cell_mv(const battery_state_t *state)
{
    const int32_t told_mv = state->cell_min_mv.known ? state->cell_min_mv.value : INT32_MAX;
    const int32_t seen_mv =
        state->cell_min_register.known ? state->cell_100uv[state->cell_min_register.value] / 10 : INT32_MAX;
    const int32_t lowest_mv = charge_least(told_mv, seen_mv);
    return lowest_mv == INT32_MAX ? 0 : lowest_mv;
}

/** Coldest and hottest external sensor; without one, the BMS's own. */
static bool temperatures(const battery_state_t *state, int32_t *coldest_dc, int32_t *hottest_dc)
{
    const int coldest = battery_extreme_sensor(state, false);
    const int hottest = battery_extreme_sensor(state, true);
    if (coldest >= 0) {
        *coldest_dc = state->sensor_dc[coldest].value;
        *hottest_dc = state->sensor_dc[hottest].value;
        return true;
    }
    if (state->bms_temperature_dc.known) {
        *coldest_dc = state->bms_temperature_dc.value;
        *hottest_dc = *coldest_dc;
    }
    return state->bms_temperature_dc.known;
}

static void measure(charge_control_t *control, const battery_state_t *state, charge_step_t *step)
{
    int32_t coldest_dc = control->coldest_dc.last[1]; /* without a sensor the last reading stays */
    int32_t hottest_dc = control->hottest_dc.last[1];
    step->cells_known = state->cell_max_mv.known || state->cell_max_register.known;
    step->temperature_known = temperatures(state, &coldest_dc, &hottest_dc);
    step->highest_mv = filtered(&control->highest_mv, control->filled, highest_cell_mv(state));
    step->lowest_mv = filtered(&control->lowest_mv, control->filled, lowest_cell_mv(state));
    step->coldest_dc = filtered(&control->coldest_dc, control->filled, coldest_dc);
    step->hottest_dc = filtered(&control->hottest_dc, control->filled, hottest_dc);
    step->current_ma = charge_value(&state->pack_current_ma);
    control->filled = true;
}

void charge_control_step(charge_control_t *control, const battery_bms_t *bms, const charge_voltages_t *voltages,
                         int64_t now_ms, battery_state_t *state)
{
    const int64_t elapsed_ms = control->started ? now_ms - control->last_ms : 0;
    charge_step_t step = {
        .bms = bms,
        .voltages = voltages,
        .now_ms = now_ms,
        .elapsed_ms = elapsed_ms < LONGEST_ELAPSED_MS ? (int32_t)elapsed_ms : LONGEST_ELAPSED_MS,
    };
    if (!voltages->known) {
        return;
    }
    if (!control->started) {
        charge_control_resume(control, CHARGE_CONTROL_RAMP_BOTH, now_ms);
    }
    measure(control, state, &step);
    charge_current_step(control, &step, state);
    charge_voltage_step(control, &step, state);
    if (voltages->floor_mv > 0) {
        state->dvl_mv = (battery_limit_t){
            .known = true,
            .value = voltages->floor_mv * state->cell_count,
            .reason = BATTERY_REASON_BMS_SETTING,
        };
    }
    control->started = true;
    control->last_ms = now_ms;
}
