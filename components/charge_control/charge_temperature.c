/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * CCL and DCL limited by temperature: by the external sensors, by the BMS's own in their place and beside them, and
 * what holds while none is known.
 */
#include "charge_control_private.h"

#define COLD_OTHERWISE_DDEGC 0   /**< for register 320 */
#define HOT_OTHERWISE_DDEGC  450 /**< for register 319 */

/** Limits of temperature that hold when neither the register nor any value since the start is usable. */
static int32_t limit_ddegc(const battery_bms_t *bms, battery_register_t id, int32_t otherwise_ddegc)
{
    const battery_quantity_t limit = battery_register_limit(bms, id);
    return limit.known ? limit.value : otherwise_ddegc;
}

static int32_t cold_permille(const charge_control_config_t *config, const charge_step_t *step)
{
    const int32_t stop_ddegc = limit_ddegc(step->bms, BATTERY_REGISTER_COLD_CHARGE, COLD_OTHERWISE_DDEGC);
    return charge_permille_of(step->coldest_ddegc - stop_ddegc, config->temp_cold_ddegc);
}

static int32_t over_heat_ddegc(const charge_step_t *step)
{
    return limit_ddegc(step->bms, BATTERY_REGISTER_OVER_HEAT, HOT_OTHERWISE_DDEGC);
}

static int32_t hot_permille(const charge_control_config_t *config, int32_t limit, int32_t hottest_ddegc)
{
    return charge_permille_of(limit - config->temp_stop_ddegc - hottest_ddegc,
                              config->temp_hot_ddegc - config->temp_stop_ddegc);
}

/** By the sensors; the BMS's own temperature stands in for them, and has a limit of its own beside them. */
void charge_temperature_limit_charge(const charge_control_config_t *config, const charge_step_t *step, int32_t cap_ma,
                                     battery_state_t *state)
{
    battery_quantity_t *const limiters = state->ccl_limiter_ma;
    int32_t board = PERMILLE;
    if (!step->sensor_known && !step->board_known) {
        limiters[BATTERY_REASON_NO_TEMPERATURE] = charge_known(0);
        return;
    }
    const int32_t cold = cold_permille(config, step);
    const int32_t hot = hot_permille(config, over_heat_ddegc(step), step->hottest_ddegc);
    if (step->sensor_known) {
        limiters[BATTERY_REASON_TEMPERATURE] = charge_known(charge_share_of(cap_ma, charge_least(cold, hot)));
        board = hot_permille(config, config->temp_bms_hot_ddegc, step->board_ddegc);
    } else {
        board = charge_least(cold, hot);
    }
    if (step->board_known) {
        limiters[BATTERY_REASON_BMS_TEMPERATURE] = charge_known(charge_share_of(cap_ma, board));
    }
    state->too_cold_to_charge = cold == 0;
    state->too_hot_to_charge = hot == 0 || (step->board_known && step->sensor_known && board == 0);
}

/** While a sensor is lost the temperatures that are left allow no more than it did. */
static int32_t hot_discharge_permille(charge_control_t *control, const charge_step_t *step)
{
    const int32_t left =
        charge_permille_of(over_heat_ddegc(step) - step->hottest_ddegc, control->config.temp_disch_ddegc);
    if (step->bms->sensors_lost != 0) {
        return charge_least(left, control->hot_discharge);
    }
    control->hot_discharge = left;
    return left;
}

void charge_temperature_limit_discharge(charge_control_t *control, const charge_step_t *step, int32_t cap_ma,
                                        battery_quantity_t *limiters)
{
    const charge_control_config_t *const config = &control->config;
    const int32_t hot = hot_discharge_permille(control, step);
    if (step->sensor_known || !step->board_known) { /* the last one that was known holds on */
        limiters[BATTERY_REASON_TEMPERATURE] = charge_known(charge_share_of(cap_ma, hot));
    }
    if (step->board_known) {
        const int32_t board =
            charge_permille_of(config->temp_bms_hot_ddegc - step->board_ddegc, config->temp_disch_ddegc);
        limiters[BATTERY_REASON_BMS_TEMPERATURE] =
            charge_known(charge_share_of(cap_ma, step->sensor_known ? board : hot));
    }
}
