/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** CCL and DCL: the least of independent limiters; down at once, up slowly, and from the bottom after silence. */
#include "charge_control_private.h"

#define PERMILLE       1000
#define LEAST_LIMIT_MA 100 /**< one digit of the frame: less is 0 */

static battery_quantity_t known(int32_t value)
{
    return (battery_quantity_t){.known = true, .value = value};
}

/** 0 at the beginning of a way and before it, 1000 at its end and beyond, in a straight line between them. */
static int32_t permille_of(int32_t way, int32_t length)
{
    if (way <= 0) {
        return 0;
    }
    return way >= length ? PERMILLE : way * PERMILLE / length;
}

static int32_t share_of(int32_t cap_ma, int32_t permille)
{
    return cap_ma / PERMILLE * permille + cap_ma % PERMILLE * permille / PERMILLE;
}

static int32_t permille(int32_t percent)
{
    return percent * 10;
}

/** The cap that the others are a share of: registers and setting. With neither, nothing may flow. */
static int32_t fill_caps(const battery_quantity_t *cutoff_ma, int32_t percent, int32_t setting_ma,
                         battery_quantity_t *limiters)
{
    int32_t cap_ma = INT32_MAX;
    if (cutoff_ma->known) {
        cap_ma = share_of(cutoff_ma->value, permille(percent));
        limiters[BATTERY_REASON_BMS_SETTING] = known(cap_ma);
    }
    if (setting_ma > 0) {
        cap_ma = charge_least(cap_ma, setting_ma);
        limiters[BATTERY_REASON_USER_CAP] = known(setting_ma);
    }
    if (cap_ma == INT32_MAX) {
        cap_ma = 0;
        limiters[BATTERY_REASON_SETTING_MISSING] = known(0);
    }
    return cap_ma;
}

static battery_quantity_t least_known(const battery_quantity_t *a, const battery_quantity_t *b)
{
    if (!a->known || !b->known) {
        return a->known ? *a : *b;
    }
    return known(charge_least(a->value, b->value));
}

/** In two straight lines: full until a knee below the target, little at the target, nothing where the ceiling's margin
 * is. */
static int32_t charge_cell_permille(const charge_control_config_t *config, const charge_step_t *step)
{
    const charge_voltages_t *const v = step->voltages;
    const int32_t end_mv = v->cutoff_mv - config->cutoff_margin_mv;
    const int32_t at_target = permille(config->charge_at_target_percent);
    if (!step->cells_known) {
        return 0;
    }
    if (step->highest_mv >= v->target_mv) {
        return permille_of(end_mv - step->highest_mv, end_mv - v->target_mv) * at_target / PERMILLE;
    }
    const int32_t left = permille_of(v->target_mv - step->highest_mv, config->charge_knee_mv);
    return at_target + left * (PERMILLE - at_target) / PERMILLE;
}

static battery_limit_reason_t temperature_reason(const battery_state_t *state)
{
    const bool external = state->sensor_dc[0].known || state->sensor_dc[1].known;
    return external ? BATTERY_REASON_TEMPERATURE : BATTERY_REASON_BMS_TEMPERATURE;
}

static void fill_charge_limiters(const charge_control_t *control, const charge_step_t *step, int32_t cap_ma,
                                 battery_state_t *state)
{
    const charge_control_config_t *const config = &control->config;
    const battery_bms_t *const bms = step->bms;
    battery_quantity_t *const limiters = state->ccl_limiter_ma;
    limiters[BATTERY_REASON_CELL_VOLTAGE] = known(share_of(cap_ma, charge_cell_permille(config, step)));
    if (step->temperature_known && (bms->cold_charge_dc.known || bms->over_heat_dc.known)) {
        const int32_t above_cold_dc = step->coldest_dc - bms->cold_charge_dc.value;
        const int32_t below_stop_dc = bms->over_heat_dc.value - config->hot_stop_dc - step->hottest_dc;
        const int32_t cold = bms->cold_charge_dc.known ? permille_of(above_cold_dc, config->cold_knee_dc) : PERMILLE;
        const int32_t hot =
            bms->over_heat_dc.known ? permille_of(below_stop_dc, config->hot_knee_dc - config->hot_stop_dc) : PERMILLE;
        limiters[temperature_reason(state)] = known(share_of(cap_ma, charge_least(cold, hot)));
    }
    if (bms->fault && battery_fault_effect(bms->fault_event).stops_charge) {
        limiters[BATTERY_REASON_BMS_FAULT] = known(0);
    }
    if (step->voltages->contradictory) {
        limiters[BATTERY_REASON_SETTINGS_CONTRADICTORY] = known(0);
    }
    if (bms->cell_count_differs) {
        limiters[BATTERY_REASON_CELL_COUNT] = known(0);
    }
}

static void fill_discharge_limiters(const charge_control_t *control, const charge_step_t *step, int32_t cap_ma,
                                    battery_state_t *state)
{
    const charge_control_config_t *const config = &control->config;
    const battery_bms_t *const bms = step->bms;
    battery_quantity_t *const limiters = state->dcl_limiter_ma;
    const int32_t floor_mv = step->voltages->floor_mv;
    if (!step->cells_known || floor_mv > 0) {
        const int32_t left = permille_of(step->lowest_mv - floor_mv, config->discharge_knee_mv);
        limiters[BATTERY_REASON_CELL_VOLTAGE] = known(share_of(cap_ma, step->cells_known ? left : 0));
    }
    if (step->temperature_known && bms->over_heat_dc.known) {
        const int32_t left = permille_of(bms->over_heat_dc.value - step->hottest_dc, config->hot_discharge_knee_dc);
        limiters[temperature_reason(state)] = known(share_of(cap_ma, left));
    }
    if (config->soc_min_percent > 0 && state->soc_ppm.known) {
        const int32_t left =
            permille_of(state->soc_ppm.value / 100 - config->soc_min_percent * 100, config->soc_knee_percent * 100);
        limiters[BATTERY_REASON_SOC] = known(share_of(cap_ma, left));
    }
    if (bms->fault && battery_fault_effect(bms->fault_event).stops_discharge) {
        limiters[BATTERY_REASON_BMS_FAULT] = known(0);
    }
}

/**
 * Of several that allow nothing the last in the order of the reasons counts: those that a person has to mend stand
 * there. Else the first of equal ones: a limiter that allows all of the cap is no reason.
 */
static battery_limit_t least(const battery_quantity_t *limiters)
{
    battery_limit_t limit = {.known = true, .value = INT32_MAX};
    for (int i = BATTERY_REASON_BMS_SETTING; i < BATTERY_LIMITER_COUNT; i++) {
        if (limiters[i].known && (limiters[i].value < limit.value || limiters[i].value == 0)) {
            limit.value = limiters[i].value;
            limit.reason = (battery_limit_reason_t)i;
        }
    }
    limit.value = limit.value < LEAST_LIMIT_MA ? 0 : limit.value;
    return limit;
}

/** Down at once; up only when more has been allowed for a while, and then slowly. */
static void follow(charge_control_current_t *current, const charge_control_config_t *config, const charge_step_t *step,
                   int32_t allowed_ma)
{
    if (current->restart || allowed_ma <= current->value_ma) {
        current->value_ma = allowed_ma;
        current->held_ms = step->now_ms;
        current->restart = false;
    } else if (step->now_ms - current->held_ms >= (int64_t)config->rise_wait_s * 1000) {
        const int32_t rise_ma = config->rise_ma_per_s * step->elapsed_ms / 1000;
        current->value_ma = charge_least(allowed_ma, current->value_ma + rise_ma);
    }
}

static battery_limit_t finish(charge_control_current_t *current, const charge_control_config_t *config,
                              const charge_step_t *step, int32_t cap_ma, battery_quantity_t *limiters)
{
    const int32_t allowed_ma = least(limiters).value;
    follow(current, config, step, allowed_ma);
    if (current->value_ma < allowed_ma) {
        limiters[BATTERY_REASON_RISING] = known(current->value_ma);
    }
    const int64_t ramp_ms = (int64_t)config->ramp_s * 1000;
    const int64_t since_ms = step->now_ms - current->ramp_since_ms;
    if (since_ms < ramp_ms) {
        const int32_t from = permille(current->ramp_from_percent);
        const int32_t done = from + (int32_t)since_ms / config->ramp_s * (PERMILLE - from) / PERMILLE;
        limiters[BATTERY_REASON_RAMP] = known(share_of(cap_ma, done));
    }
    return least(limiters);
}

void charge_current_step(charge_control_t *control, const charge_step_t *step, battery_state_t *state)
{
    const charge_control_config_t *const config = &control->config;
    const battery_quantity_t discharge_ma = least_known(&step->bms->discharge_max_ma, &step->bms->peak_discharge_ma);
    const int32_t charge_cap_ma =
        fill_caps(&step->bms->charge_max_ma, config->current_percent, config->charge_max_ma, state->ccl_limiter_ma);
    const int32_t discharge_cap_ma =
        fill_caps(&discharge_ma, config->current_percent, config->discharge_max_ma, state->dcl_limiter_ma);
    fill_charge_limiters(control, step, charge_cap_ma, state);
    fill_discharge_limiters(control, step, discharge_cap_ma, state);
    state->ccl_ma = finish(&control->ccl, config, step, charge_cap_ma, state->ccl_limiter_ma);
    state->dcl_ma = finish(&control->dcl, config, step, discharge_cap_ma, state->dcl_limiter_ma);
}
