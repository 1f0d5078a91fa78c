/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "charge_control.h"

#include <string.h>

void charge_control_init(charge_control_t *control, const charge_control_config_t *config)
{
    memset(control, 0, sizeof(*control));
    control->config = *config;
}

void charge_control_resume(charge_control_t *control, charge_control_ramp_t ramp, int64_t now_ms)
{
    (void)control;
    (void)ramp;
    (void)now_ms;
}

charge_voltages_t charge_control_voltages(const charge_control_config_t *config, const battery_bms_t *bms,
                                          uint8_t cell_count)
{
    (void)config;
    return (charge_voltages_t){.known = bms->full_mv.known && cell_count > 0, .target_mv = bms->full_mv.value};
}

void charge_control_step(charge_control_t *control, const battery_bms_t *bms, const charge_voltages_t *voltages,
                         int64_t now_ms, battery_state_t *state)
{
    (void)control;
    (void)bms;
    (void)now_ms;
    if (voltages->known) {
        state->cvl_mv = (battery_limit_t){.known = true, .value = voltages->target_mv * state->cell_count};
        state->ccl_ma = (battery_limit_t){.known = true, .value = bms->charge_max_ma.value};
        state->dcl_ma = (battery_limit_t){.known = true, .value = bms->discharge_max_ma.value};
    }
}
