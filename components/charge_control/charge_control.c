/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What CVL and the currents share: cell voltages from registers and settings, filtered measurements, the kept limits.
 * CVL itself is in charge_voltage.c, CCL and DCL are in charge_current.c, their limits by temperature in
 * charge_temperature.c.
 */
#include "charge_control.h"

#include <assert.h>
#include <string.h>

#include "charge_control_private.h"

#define ASSUMED_CUTOFF_MV  50   /**< over-voltage cutoff above the target when 315 was never set */
#define LFP_CUTOFF_MAX_MV  3800 /**< a cell with a cutoff of at most this is LFP */
#define SOC_FLOOR_PERCENT  20   /**< lowest SOC while the settings are lost */
#define CERTAIN_BLOCKS     3
#define LONGEST_ELAPSED_MS 10000 /**< what a step counts when the one before is longer ago */

void charge_control_init(charge_control_t *control, const charge_control_config_t *config, bool settings_lost)
{
    memset(control, 0, sizeof(*control));
    control->hot_discharge = PERMILLE;
    charge_control_configure(control, config, settings_lost);
}

void charge_control_configure(charge_control_t *control, const charge_control_config_t *config, bool settings_lost)
{
    assert(config->cvl_off_s > 0); /* it divides */
    control->config = *config;
    control->settings_lost = settings_lost;
    if (settings_lost) {
        control->config.disch_soc_pct = charge_most(config->disch_soc_pct, SOC_FLOOR_PERCENT);
    }
}

static void start_ramp(charge_control_current_t *current, const charge_control_config_t *config, int32_t from_percent,
                       int64_t now_ms)
{
    current->restart = true;
    current->ramp_since_ms = now_ms;
    current->ramp_time_s = config->ramp_time_s;
    current->ramp_from_percent = from_percent;
    current->ramp_cap_ma = INT32_MAX;
}

static void empty_filters(charge_control_t *control)
{
    battery_median_t *const filters[] = {&control->highest_mv, &control->lowest_mv, &control->coldest_ddegc,
                                         &control->hottest_ddegc, &control->board_ddegc};
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        filters[i]->filled = false;
    }
    control->plain_blocks = 0;
    control->pack_high_blocks = 0;
}

void charge_control_resume(charge_control_t *control, charge_control_ramp_t ramp, int64_t now_ms)
{
    const bool both = ramp == CHARGE_CONTROL_RAMP_BOTH;
    empty_filters(control);
    start_ramp(&control->ccl, &control->config, both ? control->config.ramp_start_pct : 0, now_ms);
    if (both) {
        start_ramp(&control->dcl, &control->config, control->config.ramp_start_pct, now_ms);
        control->restart = true;
    }
}

void charge_control_keep(charge_control_t *control, const charge_control_kept_t *kept)
{
    control->has_kept = kept->cvl_mv > 0 && kept->ccl_ma >= 0 && kept->dcl_ma >= 0;
    control->kept = *kept;
    control->empty = kept->empty;
    control->refilled_ma_ms = kept->refilled_ma_ms;
}

charge_control_kept_t charge_control_to_keep(const charge_control_t *control, const battery_state_t *state)
{
    return (charge_control_kept_t){
        .cvl_mv = state->cvl_mv.value,
        .ccl_ma = state->ccl_ma.value,
        .dcl_ma = state->dcl_ma.value,
        .empty = control->empty,
        .refilled_ma_ms = control->refilled_ma_ms,
    };
}

void charge_control_forget_kept(charge_control_t *control)
{
    control->has_kept = false;
}

static void go_on(charge_control_current_t *current, int32_t kept_ma, int64_t now_ms)
{
    current->restart = false;
    current->value_ma = kept_ma;
    current->held_ms = now_ms;
    current->ramp_from_percent = 100;
}

/** Over-voltage cutoff of a cell. One that is not known is taken from the highest charge voltage that a person set. */
static int32_t cutoff_of(const charge_control_config_t *config, const battery_bms_t *bms)
{
    const battery_quantity_t cutoff = battery_register_limit(bms, BATTERY_REGISTER_OVER_VOLTAGE);
    const int32_t full_mv = bms->full_mv.value;
    if (cutoff.known) {
        return cutoff.value;
    }
    return (config->charge_cell_mv > 0 ? charge_least(full_mv, config->charge_cell_mv) : full_mv) + ASSUMED_CUTOFF_MV;
}

/**
 * While 301 is not usable, 316 counts, but nothing below what 301 was; while both are not, the setting, but nothing
 * below what they were. 0 = nothing says where a cell is too empty.
 */
static int32_t floor_of(const charge_control_config_t *config, const battery_bms_t *bms)
{
    const battery_quantity_t empty = battery_register_limit(bms, BATTERY_REGISTER_EMPTY);
    const battery_quantity_t under = battery_register_limit(bms, BATTERY_REGISTER_UNDER_VOLTAGE);
    if (bms->empty_mv.known) {
        return charge_most(bms->empty_mv.value, config->disch_cell_mv);
    }
    if (!bms->under_voltage_mv.known && config->disch_cell_mv == 0) {
        return 0;
    }
    return charge_most(config->disch_cell_mv, charge_most(charge_value(&empty), charge_value(&under)));
}

static bool contradictory(const charge_voltages_t *v, const battery_bms_t *bms, int32_t wanted_float_mv)
{
    const bool under_empty =
        bms->empty_mv.known && bms->under_voltage_mv.known && bms->under_voltage_mv.value >= bms->empty_mv.value;
    return wanted_float_mv > v->ceiling_mv || v->floor_mv >= v->float_mv || under_empty;
}

charge_voltages_t charge_control_voltages(const charge_control_config_t *config, const battery_bms_t *bms,
                                          uint8_t cell_count)
{
    charge_voltages_t v = {.known = bms->full_mv.known && cell_count > 0};
    if (!v.known) {
        return v;
    }
    const int32_t full_mv = bms->full_mv.value;
    const int32_t offset_mv = (config->cvl_charger_mv + cell_count - 1) / cell_count;
    int32_t float_mv = full_mv - config->float_below_mv;
    v.unprotected = !bms->over_voltage_mv.known && config->charge_cell_mv == 0;
    v.cutoff_mv = cutoff_of(config, bms);
    v.ceiling_mv = v.cutoff_mv - config->cvl_margin_mv - offset_mv;
    v.target_mv = charge_least(full_mv, v.ceiling_mv);
    const bool told = battery_register_limit(bms, BATTERY_REGISTER_OVER_VOLTAGE).known || config->charge_cell_mv > 0;
    if (v.cutoff_mv <= LFP_CUTOFF_MAX_MV || !told) { /* what nobody tells may be LFP */
        float_mv = charge_least(float_mv, config->float_lfp_mv);
    }
    if (config->charge_cell_mv > 0) {
        v.target_mv = charge_least(v.target_mv, config->charge_cell_mv);
    }
    if (config->float_cell_mv > 0) {
        float_mv = charge_least(float_mv, config->float_cell_mv);
    }
    v.float_mv = charge_least(float_mv, v.target_mv);
    v.floor_mv = floor_of(config, bms);
    v.contradictory = contradictory(&v, bms, float_mv);
    if (config->charge_cell_mv > 0) { /* what a person lowers counts at once, unlike a register */
        v.ceiling_mv = charge_least(v.ceiling_mv, config->charge_cell_mv);
    }
    assert(v.float_mv <= v.target_mv && v.target_mv <= v.ceiling_mv);
    return v;
}

/* ---- measurements ---- */

/** A single wrong reading must not move a limit. While none is known, the last one stands for it. */
static int32_t measured(battery_median_t *filter, bool is_known, int32_t value)
{
    if (!is_known && !filter->filled) {
        return filter->last[1];
    }
    return battery_median_take(filter, is_known ? value : filter->last[1]);
}

/** Of the external sensors; without one, of the BMS itself. */
static void measure_temperatures(charge_control_t *control, const battery_state_t *state, charge_step_t *step)
{
    const int coldest = battery_extreme_sensor(state, false);
    const int hottest = battery_extreme_sensor(state, true);
    const battery_quantity_t *const board = &state->bms_temperature_ddegc;
    const battery_quantity_t *const cold = coldest >= 0 ? &state->sensor_ddegc[coldest] : board;
    const battery_quantity_t *const hot = hottest >= 0 ? &state->sensor_ddegc[hottest] : board;
    step->sensor_known = coldest >= 0;
    step->board_known = board->known;
    const bool any = step->sensor_known || step->board_known;
    step->board_ddegc = measured(&control->board_ddegc, step->board_known, board->value);
    step->coldest_ddegc = measured(&control->coldest_ddegc, any, cold->value);
    step->hottest_ddegc = measured(&control->hottest_ddegc, any, hot->value);
}

/** The median goes by three blocks that are in order themselves. */
static bool cells_certain(charge_control_t *control, const charge_step_t *step)
{
    const bool plain = step->cells_known && !step->bms->cells_contradict;
    control->plain_blocks = (uint8_t)(plain ? charge_least(control->plain_blocks + 1, CERTAIN_BLOCKS) : 0);
    return control->plain_blocks == CERTAIN_BLOCKS;
}

static void measure(charge_control_t *control, const battery_state_t *state, charge_step_t *step)
{
    step->cells_known = state->cell_max_mv.known && state->cell_min_mv.known;
    step->highest_mv = measured(&control->highest_mv, state->cell_max_mv.known, state->cell_max_mv.value);
    step->lowest_mv = measured(&control->lowest_mv, state->cell_min_mv.known, state->cell_min_mv.value);
    step->cells_certain = cells_certain(control, step);
    measure_temperatures(control, state, step);
    step->current_ma = charge_value(&state->pack_current_ma);
}

/** In place of the ramp: what was kept over an orderly restart. */
static void begin(charge_control_t *control, int64_t now_ms)
{
    charge_control_resume(control, CHARGE_CONTROL_RAMP_BOTH, now_ms);
    if (control->has_kept) {
        go_on(&control->ccl, control->kept.ccl_ma, now_ms);
        go_on(&control->dcl, control->kept.dcl_ma, now_ms);
    }
}

void charge_control_step(charge_control_t *control, const battery_bms_t *bms, const charge_voltages_t *voltages,
                         int64_t now_ms, battery_state_t *state)
{
    const int64_t elapsed_ms = control->started ? now_ms - control->last_ms : 0;
    charge_step_t step = {
        .bms = bms,
        .voltages = voltages,
        .cvl_voltages = &control->confirmed,
        .now_ms = now_ms,
        .elapsed_ms = elapsed_ms < LONGEST_ELAPSED_MS ? (int32_t)elapsed_ms : LONGEST_ELAPSED_MS,
    };
    assert(elapsed_ms >= 0);
    if (!voltages->known) {
        return;
    }
    if (!control->started || !bms->settings_unconfirmed) {
        control->confirmed = *voltages;
        control->confirmed.target_mv = control->settings_lost ? voltages->float_mv : voltages->target_mv;
    }
    if (!control->started) {
        begin(control, now_ms);
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
    control->has_kept = false;
    control->last_ms = now_ms;
}
