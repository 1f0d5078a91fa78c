/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * CCL and DCL: the lowest of several independent limiters. A limit falls at once and rises slowly; after a silence it
 * starts low.
 */
#include <assert.h>
#include <stddef.h>

#include "charge_control_private.h"

#define LEAST_LIMIT_MA       100 /**< one digit of the frame: less is 0 */
#define MS_PER_H             3600000
#define PPM_PER_PERCENT      10000
#define LOST_SHARE_PERCENT   10     /**< of CCL while the settings are lost */
#define ASSUMED_CAPACITY_MAH 100000 /**< when register 306 is not usable */

#define PACK_HIGH_BLOCKS 3

static int32_t permille(int32_t percent)
{
    return percent * 10;
}

/**
 * The cap that the others are a share of: registers and setting. With neither, nothing may flow.
 * @param last_ma while the register is not usable: the strictest it was, which a setting must not loosen
 */
static int32_t fill_caps(const battery_quantity_t *cutoff_ma, const battery_quantity_t *last_ma, int32_t percent,
                         int32_t setting_ma, battery_quantity_t *limiters)
{
    const battery_quantity_t *const from = setting_ma > 0 && !cutoff_ma->known ? last_ma : cutoff_ma;
    int32_t cap_ma = INT32_MAX;
    if (from->known) {
        cap_ma = charge_share_of(from->value, permille(percent));
        limiters[BATTERY_REASON_BMS_SETTING] = charge_known(cap_ma);
    }
    if (setting_ma > 0) {
        cap_ma = charge_least(cap_ma, setting_ma);
        limiters[BATTERY_REASON_USER_CAP] = charge_known(setting_ma);
    }
    if (cap_ma == INT32_MAX) {
        cap_ma = 0;
        limiters[BATTERY_REASON_SETTING_MISSING] = charge_known(0);
    }
    return cap_ma;
}

/** In two straight lines: full until a knee below the target, little at the target, nothing where the ceiling's margin
 * is. */
static int32_t charge_cell_permille(const charge_control_config_t *config, const charge_step_t *step)
{
    const charge_voltages_t *const v = step->voltages;
    const int32_t end_mv = v->cutoff_mv - config->cvl_margin_mv;
    const int32_t at_target = permille(config->charge_end_pct);
    if (!step->cells_known) {
        return 0;
    }
    if (step->highest_mv >= v->target_mv) {
        return charge_permille_of(end_mv - step->highest_mv, end_mv - v->target_mv) * at_target / PERMILLE;
    }
    const int32_t left = charge_permille_of(v->target_mv - step->highest_mv, config->charge_knee_mv);
    return at_target + left * (PERMILLE - at_target) / PERMILLE;
}

/** A single block may be wrong; three in a row are not. */
static bool pack_too_high(charge_control_t *control, const charge_step_t *step, const battery_state_t *state)
{
    const battery_quantity_t cutoff = battery_register_limit(step->bms, BATTERY_REGISTER_OVER_VOLTAGE);
    const bool high = cutoff.known && state->pack_checked_mv.known &&
                      state->pack_checked_mv.value >= cutoff.value * state->cell_count;
    const int32_t blocks = high ? control->pack_high_blocks + 1 : 0;
    control->pack_high_blocks = (uint8_t)charge_least(blocks, PACK_HIGH_BLOCKS);
    return control->pack_high_blocks == PACK_HIGH_BLOCKS;
}

static void fill_charge_limiters(charge_control_t *control, const charge_step_t *step, int32_t cap_ma,
                                 battery_state_t *state)
{
    const battery_bms_t *const bms = step->bms;
    const struct {
        battery_limit_reason_t reason;
        bool stops;
    } stops[] = {
        {BATTERY_REASON_PACK_VOLTAGE, pack_too_high(control, step, state)},
        {BATTERY_REASON_SENSOR_LOST, bms->sensors_lost != 0},
        {BATTERY_REASON_CELLS_CONTRADICT, bms->cells_contradict},
        {BATTERY_REASON_SETTING_MISSING, step->voltages->unprotected},
        {BATTERY_REASON_BMS_FAULT, battery_faults_effect(bms).stops_charge},
        {BATTERY_REASON_SETTINGS_CONTRADICTORY, step->voltages->contradictory},
        {BATTERY_REASON_CELL_COUNT, bms->cell_count_differs},
    };
    const int32_t left = charge_cell_permille(&control->config, step);
    state->ccl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE] = charge_known(charge_share_of(cap_ma, left));
    charge_temperature_limit_charge(&control->config, step, cap_ma, state);
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        if (stops[i].stops) {
            state->ccl_limiter_ma[stops[i].reason] = charge_known(0);
        }
    }
}

/**
 * A cell recovers as soon as the load is gone: a DCL that rose with it would switch an off-grid house on and off. So
 * something has to be charged first.
 */
static bool kept_empty(charge_control_t *control, const charge_step_t *step, const battery_state_t *state,
                       bool at_floor)
{
    const charge_control_config_t *const config = &control->config;
    const battery_quantity_t *const capacity = &state->installed_capacity_mah;
    const int64_t capacity_mah = capacity->known ? capacity->value : ASSUMED_CAPACITY_MAH;
    const int64_t needed_ma_ms = capacity_mah * config->disch_back_pct * (MS_PER_H / 100);
    const charge_voltages_t *const v = step->voltages;
    const int32_t enough_mv = charge_least(v->floor_mv + config->disch_knee_mv, (v->floor_mv + v->float_mv) / 2);
    if (at_floor) {
        control->empty = true;
        control->refilled_ma_ms = 0;
    } else if (control->empty) {
        control->refilled_ma_ms += (int64_t)step->current_ma * step->elapsed_ms;
        control->refilled_ma_ms = control->refilled_ma_ms > 0 ? control->refilled_ma_ms : 0;
        control->empty = control->refilled_ma_ms < needed_ma_ms || step->lowest_mv <= enough_mv;
    }
    return control->empty;
}

/** One wrong reading, of a cell or of a setting, must not call the battery empty. */
static bool reached_floor(const charge_step_t *step, int32_t cap_ma, int32_t allowed_ma)
{
    const bool certain = step->cells_certain && !step->bms->settings_unconfirmed;
    return cap_ma >= LEAST_LIMIT_MA && allowed_ma < LEAST_LIMIT_MA && certain;
}

static void fill_discharge_cells(charge_control_t *control, const charge_step_t *step, int32_t cap_ma,
                                 battery_state_t *state)
{
    const int32_t above_floor_mv = step->lowest_mv - step->voltages->floor_mv;
    const int32_t left = step->cells_known ? charge_permille_of(above_floor_mv, control->config.disch_knee_mv) : 0;
    const int32_t allowed_ma = charge_share_of(cap_ma, left);
    const bool empty = kept_empty(control, step, state, reached_floor(step, cap_ma, allowed_ma));
    state->dcl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE] = charge_known(empty ? 0 : allowed_ma);
}

/** A load that is switched off by the SOC must not be switched on again by its last digit. */
static int32_t soc_permille(charge_control_t *control, int32_t soc_ppm)
{
    const charge_control_config_t *const config = &control->config;
    const int32_t above_ppm = soc_ppm - config->disch_soc_pct * PPM_PER_PERCENT;
    const int32_t back_ppm = config->disch_back_pct * PPM_PER_PERCENT;
    control->soc_low = above_ppm <= 0 || (control->soc_low && above_ppm < back_ppm);
    return control->soc_low ? 0 : charge_permille_of(above_ppm / 100, config->disch_taper_pct * 100);
}

static void fill_discharge_limiters(charge_control_t *control, const charge_step_t *step, int32_t cap_ma,
                                    battery_state_t *state)
{
    const charge_control_config_t *const config = &control->config;
    battery_quantity_t *const limiters = state->dcl_limiter_ma;
    if (step->voltages->floor_mv > 0) {
        fill_discharge_cells(control, step, cap_ma, state);
    } else {
        limiters[BATTERY_REASON_SETTING_MISSING] = charge_known(0);
    }
    charge_temperature_limit_discharge(control, step, cap_ma, limiters);
    if (config->disch_soc_pct == 0) {
        control->soc_low = false;
    } else if (state->soc_ppm.known) {
        limiters[BATTERY_REASON_SOC] =
            charge_known(charge_share_of(cap_ma, soc_permille(control, state->soc_ppm.value)));
    }
    if (battery_faults_effect(step->bms).stops_discharge) {
        limiters[BATTERY_REASON_BMS_FAULT] = charge_known(0);
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
    } else if (step->now_ms - current->held_ms >= (int64_t)config->limit_wait_s * 1000) {
        const int32_t rise_ma = config->limit_ma_per_s * step->elapsed_ms / 1000;
        current->value_ma = charge_least(allowed_ma, current->value_ma + rise_ma);
    }
}

/**
 * A ramp keeps the time that it began with, and a cap that is raised meanwhile is left to the slow rise behind it:
 * neither must let the limit jump up.
 */
static battery_limit_t finish(charge_control_current_t *current, const charge_control_config_t *config,
                              const charge_step_t *step, int32_t cap_ma, battery_quantity_t *limiters)
{
    const int64_t since_ms = step->now_ms - current->ramp_since_ms;
    const int32_t ramp_ms = current->ramp_time_s * 1000;
    const bool ramps = since_ms < ramp_ms;
    if (ramps) {
        current->ramp_cap_ma = charge_least(current->ramp_cap_ma, cap_ma);
        limiters[BATTERY_REASON_RAMP] = charge_known(current->ramp_cap_ma);
    }
    const int32_t allowed_ma = least(limiters).value;
    follow(current, config, step, allowed_ma);
    if (current->value_ma < allowed_ma) {
        limiters[BATTERY_REASON_RISING] = charge_known(current->value_ma);
    }
    if (ramps) {
        const int32_t from = permille(current->ramp_from_percent);
        const int32_t way = charge_permille_of((int32_t)since_ms, ramp_ms);
        const int32_t done = from + way * (PERMILLE - from) / PERMILLE;
        limiters[BATTERY_REASON_RAMP].value = charge_share_of(current->ramp_cap_ma, done);
    }
    return least(limiters);
}

static bool above(int32_t limit_ma, const battery_quantity_t *limiter)
{
    return limiter->known && limit_ma > limiter->value;
}

/** 0 <= CCL, DCL <= each of their limiters. */
static bool within_limiters(const battery_state_t *state)
{
    bool within = state->ccl_ma.value >= 0 && state->dcl_ma.value >= 0;
    for (size_t i = 0; i < BATTERY_LIMITER_COUNT; i++) {
        within = within && !above(state->ccl_ma.value, &state->ccl_limiter_ma[i]) &&
                 !above(state->dcl_ma.value, &state->dcl_limiter_ma[i]);
    }
    return within;
}

void charge_current_step(charge_control_t *control, const charge_step_t *step, battery_state_t *state)
{
    const charge_control_config_t *const config = &control->config;
    const battery_bms_t *const bms = step->bms;
    const int32_t charge_cap_ma = fill_caps(&bms->charge_max_ma, &bms->strictest[BATTERY_REGISTER_CHARGE_CURRENT],
                                            config->limit_bms_pct, config->charge_max_ma, state->ccl_limiter_ma);
    const battery_quantity_t last_ma = battery_register_stricter(BATTERY_REGISTER_DISCHARGE_CURRENT,
                                                                 bms->strictest[BATTERY_REGISTER_DISCHARGE_CURRENT],
                                                                 bms->strictest[BATTERY_REGISTER_PEAK_CURRENT]);
    const int32_t discharge_cap_ma =
        fill_caps(&bms->discharge_max_ma, &last_ma, config->limit_bms_pct, config->disch_max_ma, state->dcl_limiter_ma);
    if (control->settings_lost) { /* as if a person had set it: what has been set is not known */
        state->ccl_limiter_ma[BATTERY_REASON_USER_CAP] =
            charge_known(charge_share_of(charge_cap_ma, permille(LOST_SHARE_PERCENT)));
    }
    fill_charge_limiters(control, step, charge_cap_ma, state);
    fill_discharge_limiters(control, step, discharge_cap_ma, state);
    state->ccl_ma = finish(&control->ccl, config, step, charge_cap_ma, state->ccl_limiter_ma);
    if (control->settings_lost && state->ccl_ma.reason == BATTERY_REASON_USER_CAP) {
        state->ccl_ma.reason = BATTERY_REASON_SETTINGS_LOST;
    }
    state->dcl_ma = finish(&control->dcl, config, step, discharge_cap_ma, state->dcl_limiter_ma);
    assert(within_limiters(state));
}
