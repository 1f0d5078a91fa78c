/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** CVL: bulk -> absorption -> float -> bulk, and the slow controller on the highest cell. Per cell, in 0.001 mV. */
#include <assert.h>
#include <stddef.h>

#include "charge_control_private.h"

#define REBULK_PERCENT     90 /**< when neither setting nor register 321 says when float ends */
#define FULL_PPM           1000000
#define UV_PER_MV          1000
#define DIGIT_UV           100000 /**< of CVL in the frame, pack */
#define RISEN_MAX_MV       1000   /**< from one step to the next, so that 32 bits suffice */
#define SLOPE_MAX_UV_PER_S 100000
#define SLOPE_OVER_MS      10000 /**< the slope of the highest cell is a mean over this time */

/** Current that still fills the battery; with less a lower CVL would pull the battery into the grid. */
static int32_t tail_ma(const charge_control_config_t *config, const charge_step_t *step, const battery_state_t *state)
{
    const int32_t share_ma = charge_value(&state->installed_capacity_mah) / 100 * config->absorb_tail_pct;
    return charge_most(share_ma, charge_value(&step->bms->charge_finish_ma));
}

static int32_t rebulk_below_ppm(const charge_control_t *control, const battery_bms_t *bms)
{
    int32_t full_ppm = REBULK_PERCENT * 10000;
    if (control->config.float_end_pct > 0) {
        full_ppm = control->config.float_end_pct * 10000;
    } else if (bms->restart_ppm.known) {
        full_ppm = bms->restart_ppm.value;
    }
    /* Where the SOC stood when the battery was full counts as full: an estimate that is too low must not end float. */
    return full_ppm - (FULL_PPM - control->float_soc_ppm);
}

static bool absorbed(charge_control_t *control, const charge_step_t *step, int32_t least_current_ma)
{
    const charge_control_config_t *const config = &control->config;
    const int32_t spread_mv = step->highest_mv - step->lowest_mv;
    if (spread_mv > config->absorb_diff_mv || step->current_ma > least_current_ma) {
        control->unbalanced_ms = step->now_ms;
    }
    return step->now_ms - control->unbalanced_ms >= (int64_t)config->absorb_time_s * 1000 ||
           step->now_ms - control->absorbing_ms >= (int64_t)config->absorb_max_s * 1000;
}

static void update_stage(charge_control_t *control, const charge_step_t *step, const battery_state_t *state,
                         int32_t least_current_ma)
{
    const charge_control_config_t *const config = &control->config;
    const int32_t target_mv = step->cvl_voltages->target_mv;
    const int32_t soc_ppm = charge_value(&state->soc_ppm);
    const bool absorbing = control->stage == CHARGE_STAGE_ABSORPTION;
    if (control->stage == CHARGE_STAGE_FLOAT) {
        control->float_soc_ppm = charge_most(control->float_soc_ppm, soc_ppm);
        if (!step->bms->fully_charged && soc_ppm < rebulk_below_ppm(control, step->bms)) {
            control->stage = CHARGE_STAGE_BULK;
        }
    } else if (absorbing && !step->bms->fully_charged && step->highest_mv < target_mv - config->charge_knee_mv) {
        control->stage = CHARGE_STAGE_BULK;
    } else if (step->bms->fully_charged || (absorbing && absorbed(control, step, least_current_ma))) {
        control->stage = CHARGE_STAGE_FLOAT;
        control->float_soc_ppm = soc_ppm;
    } else if (!absorbing && step->highest_mv >= target_mv - config->absorb_diff_mv) {
        control->stage = CHARGE_STAGE_ABSORPTION;
        control->absorbing_ms = step->now_ms;
        control->unbalanced_ms = step->now_ms;
    }
}

static int32_t bounded(int32_t value, int32_t most)
{
    return charge_most(charge_least(value, most), -most);
}

/** Where the highest cell will be: at the end of charging it rises by several mV/s, and CVL takes its time to come
 * down. */
static int32_t expected_mv(charge_control_t *control, const charge_step_t *step)
{
    const int32_t risen_mv = bounded(step->highest_mv - control->slope_from_mv, RISEN_MAX_MV);
    const int32_t slope_uv_per_s = control->slope_uv_per_s;
    const int32_t change_uv_per_s = (risen_mv * UV_PER_MV * 1000 - slope_uv_per_s * step->elapsed_ms) / SLOPE_OVER_MS;
    control->slope_from_mv = step->highest_mv;
    control->slope_uv_per_s = bounded(slope_uv_per_s + change_uv_per_s, SLOPE_MAX_UV_PER_S);
    if (step->elapsed_ms >= SLOPE_OVER_MS) {
        control->slope_uv_per_s = 0; /* the last measurement is too long ago */
    }
    return step->highest_mv + charge_most(control->slope_uv_per_s, 0) * control->config.cvl_ahead_s / UV_PER_MV;
}

/** The less current flows, the further above the target the highest cell has to be: at no current, where CCL ends. */
static bool far_above(const charge_control_t *control, const charge_step_t *step, int32_t least_current_ma)
{
    const charge_voltages_t *const v = step->cvl_voltages;
    const int32_t all_mv = v->cutoff_mv - control->config.cvl_margin_mv - v->target_mv;
    return step->current_ma > 0 && (step->highest_mv - v->target_mv) * (least_current_ma / 100) >
                                       all_mv * ((least_current_ma - step->current_ma) / 100);
}

/**
 * While a cell is above the target, or soon will be, its excess is taken off CVL: the less the smaller the current is.
 * With little current one digit of the frame counts for much, and a CVL below the battery pulls the battery into the
 * grid: then CVL goes down one digit at a time.
 */
static void lower_for_highest_cell(charge_control_t *control, const charge_step_t *step, int32_t excess_mv,
                                   int32_t least_current_ma, uint8_t cell_count)
{
    const charge_control_config_t *const config = &control->config;
    const int32_t more_ma = step->current_ma - least_current_ma;
    if (excess_mv <= 0) {
        return;
    }
    control->above_ms = step->now_ms;
    if (more_ma > 0) {
        const int32_t whole_ma = charge_most(2 * least_current_ma, 1);
        const int32_t fastest_uv = config->cvl_lower_mv_s * step->elapsed_ms / cell_count;
        const int32_t lower_uv = charge_least(fastest_uv, excess_mv * step->elapsed_ms / config->cvl_off_s);
        control->cvl_uv -= (int32_t)((int64_t)lower_uv * charge_least(more_ma, whole_ma) / whole_ma);
        control->lowered = true;
    } else if (far_above(control, step, least_current_ma) &&
               step->now_ms - control->stepped_ms >= (int64_t)config->cvl_step_s * 1000) {
        control->cvl_uv -= DIGIT_UV / cell_count;
        control->stepped_ms = step->now_ms;
        control->lowered = true;
    }
}

/** Down to a goal and not below it; up never. */
static int32_t sunk(int32_t uv, int32_t goal_uv, int32_t fall_uv)
{
    return charge_least(uv, charge_most(goal_uv, uv - fall_uv));
}

/** In steps, and never further than half of what the highest cell lacks. */
static void raise(charge_control_t *control, const charge_step_t *step, int32_t goal_uv)
{
    const charge_control_config_t *const config = &control->config;
    const int32_t lack_mv = step->cvl_voltages->target_mv - step->highest_mv;
    if (control->cvl_uv >= goal_uv || lack_mv <= config->absorb_diff_mv / 2 ||
        step->now_ms - control->above_ms < (int64_t)config->cvl_wait_s * 1000 ||
        step->now_ms - control->stepped_ms < (int64_t)config->cvl_step_s * 1000) {
        return;
    }
    const int32_t raise_uv = charge_least(config->cvl_raise_mv_s * config->cvl_step_s, lack_mv / 2) * UV_PER_MV;
    control->cvl_uv = charge_least(goal_uv, control->cvl_uv + raise_uv);
    control->stepped_ms = step->now_ms;
    control->lowered = false;
}

/** Slowly, and only where it stays above the highest cell: a CVL below the battery pulls the battery into the grid. */
static void sink_to_float(charge_control_t *control, const charge_step_t *step)
{
    const charge_control_config_t *const config = &control->config;
    const int32_t above_cells_uv = (step->highest_mv + config->absorb_diff_mv) * UV_PER_MV;
    const int32_t goal_uv = charge_most(step->cvl_voltages->float_mv * UV_PER_MV, above_cells_uv);
    control->cvl_uv = sunk(control->cvl_uv, goal_uv, config->cvl_raise_mv_s * step->elapsed_ms);
}

/** Never below float, unless the registers have raised that: CVL follows slowly then, like every rise. */
static int32_t lowest_uv(int32_t cvl_uv, const charge_voltages_t *v)
{
    return charge_least(cvl_uv, v->float_mv * UV_PER_MV);
}

static void keep_within_bounds(charge_control_t *control, const charge_step_t *step, uint8_t cell_count,
                               int32_t least_uv)
{
    const charge_voltages_t *const v = step->cvl_voltages;
    const int32_t fastest_uv = control->config.cvl_lower_mv_s * step->elapsed_ms / cell_count;
    control->cvl_uv = sunk(control->cvl_uv, v->target_mv * UV_PER_MV, fastest_uv); /* the registers may have changed */
    control->cvl_uv = charge_least(control->cvl_uv, v->ceiling_mv * UV_PER_MV);
    control->cvl_uv = charge_most(control->cvl_uv, charge_least(least_uv, v->ceiling_mv * UV_PER_MV));
}

/** Float <= CVL <= ceiling; a ceiling that has come down counts at once. */
static bool within_bounds(int32_t cvl_uv, int32_t least_uv, int32_t ceiling_uv)
{
    return cvl_uv <= ceiling_uv && (cvl_uv >= least_uv || cvl_uv == ceiling_uv);
}

/** CCL 0 alone does not stop a solar charger with feed-in. A ramp from 0 alone is no reason to let CVL jump. */
static bool inhibited(const charge_control_t *control, const battery_state_t *state)
{
    return state->ccl_ma.value == 0 && (state->ccl_ma.reason != BATTERY_REASON_RAMP || control->ccl.value_ma == 0);
}

/** The only place where a stage becomes the reason of CVL. */
static battery_limit_reason_t stage_reason(charge_stage_t stage)
{
    switch (stage) {
    case CHARGE_STAGE_ABSORPTION:
        return BATTERY_REASON_ABSORPTION;
    case CHARGE_STAGE_FLOAT:
        return BATTERY_REASON_FLOAT;
    case CHARGE_STAGE_BULK:
    default:
        return BATTERY_REASON_BULK;
    }
}

static battery_limit_reason_t reason_of(const charge_control_t *control, int32_t goal_uv)
{
    if (control->cvl_uv >= goal_uv) {
        return control->settings_lost ? BATTERY_REASON_SETTINGS_LOST : stage_reason(control->stage);
    }
    return control->lowered ? BATTERY_REASON_CELL_VOLTAGE : BATTERY_REASON_RISING;
}

static int32_t mean_cell_mv(const battery_state_t *state)
{
    int32_t sum_100uv = 0;
    int32_t count = 0;
    for (size_t i = 0; i < BATTERY_CELLS_MAX; i++) {
        sum_100uv += state->cell_100uv[i];
        count += state->cell_100uv[i] > 0 ? 1 : 0;
    }
    return count > 0 ? sum_100uv / 10 / count : 0;
}

static int32_t kept_uv(const charge_control_t *control, uint8_t cell_count)
{
    return (int32_t)((int64_t)control->kept.cvl_mv * UV_PER_MV / cell_count);
}

/**
 * Where CVL begins: at float, or just above the cells when they are above it, so that a restart does not pull the
 * battery into the grid. With a cell above the target CVL had been lowered for it, and begins at float.
 */
static int32_t first_uv(const charge_control_t *control, const charge_step_t *step, const battery_state_t *state)
{
    const charge_voltages_t *const v = step->cvl_voltages;
    const int32_t allowed_mv = control->stage == CHARGE_STAGE_FLOAT ? control->config.absorb_diff_mv : 0;
    const int32_t above_cells_mv = mean_cell_mv(state) + control->config.absorb_diff_mv;
    const int32_t uv = charge_most(charge_least(above_cells_mv, v->target_mv), v->float_mv) * UV_PER_MV;
    if (control->has_kept) {
        return charge_least(kept_uv(control, state->cell_count), v->target_mv * UV_PER_MV);
    }
    if (step->highest_mv > v->target_mv + allowed_mv) {
        return v->float_mv * UV_PER_MV;
    }
    return control->started ? charge_least(uv, control->cvl_uv) : uv; /* not above what was sent before */
}

/** A full battery is not charged anew by a restart. */
static void start(charge_control_t *control, const charge_step_t *step, const battery_state_t *state)
{
    const int32_t soc_ppm = charge_value(&state->soc_ppm);
    control->float_soc_ppm = step->bms->fully_charged ? soc_ppm : FULL_PPM;
    const bool full = step->bms->fully_charged || soc_ppm >= rebulk_below_ppm(control, step->bms);
    control->slope_from_mv = step->highest_mv;
    control->slope_uv_per_s = 0;
    control->stage = full ? CHARGE_STAGE_FLOAT : CHARGE_STAGE_BULK;
    control->cvl_uv = first_uv(control, step, state);
    control->stepped_ms = step->now_ms;
    control->above_ms = step->now_ms;
    control->restart = false;
}

/** CVL of the pack does not jump when it turns out to have more cells. */
static void follow_cell_count(charge_control_t *control, uint8_t cell_count)
{
    if (control->cell_count != 0 && cell_count > control->cell_count) {
        control->cvl_uv = control->cvl_uv / cell_count * control->cell_count;
    }
    control->cell_count = cell_count;
}

void charge_voltage_step(charge_control_t *control, const charge_step_t *step, battery_state_t *state)
{
    const charge_voltages_t *const v = step->cvl_voltages;
    const int32_t least_current_ma = tail_ma(&control->config, step, state);
    follow_cell_count(control, state->cell_count);
    if (control->restart) {
        start(control, step, state);
    }
    const int32_t least_uv = lowest_uv(control->cvl_uv, v);
    const int32_t excess_mv = expected_mv(control, step) - v->target_mv;
    update_stage(control, step, state, least_current_ma);
    const bool full = control->stage == CHARGE_STAGE_FLOAT;
    const int32_t goal_uv = (full ? v->float_mv : v->target_mv) * UV_PER_MV;
    battery_limit_reason_t reason = BATTERY_REASON_CHARGE_INHIBITED;
    if (inhibited(control, state)) {
        control->cvl_uv = least_uv;
        control->above_ms = step->now_ms;
        control->lowered = false;
    } else {
        lower_for_highest_cell(control, step, excess_mv, least_current_ma, state->cell_count);
        raise(control, step, goal_uv);
        if (full) {
            sink_to_float(control, step);
        }
        keep_within_bounds(control, step, state->cell_count, least_uv);
        reason = reason_of(control, goal_uv);
    }
    assert(within_bounds(control->cvl_uv, least_uv, v->ceiling_mv * UV_PER_MV));
    state->cvl_mv = (battery_limit_t){
        .known = true,
        .value = control->cvl_uv * state->cell_count / UV_PER_MV,
        .reason = reason,
    };
}
