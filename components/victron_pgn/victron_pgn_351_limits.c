/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * 0x351: CVL, CCL, DCL, DVL. Upper limits are rounded down, lower ones up; only DVL may be missing.
 */
#include "victron_bms.h"
#include "victron_pgn_private.h"

/** Upper limits are rounded down: the battery never allows more than its limit. */
static uint16_t voltage_limit_dv(const battery_limit_t *limit)
{
    return victron_to_u16(victron_floor_div(limit->value, 100));
}

static int16_t current_limit_da(const battery_limit_t *limit)
{
    return (int16_t)victron_between(0, victron_floor_div(limit->value, 100), INT16_MAX);
}

/** A lower limit is rounded up. */
static uint16_t lower_voltage_limit_dv(const battery_limit_t *limit)
{
    return limit->known ? victron_to_u16(-victron_floor_div(-(int64_t)limit->value, 100)) : 0;
}

bool victron_pgn_encode_351(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || !state->cvl_mv.known || !state->ccl_ma.known || !state->dcl_ma.known) {
        return false;
    }
    const struct victron_bms_battery_limits_t m = {
        .cvl = voltage_limit_dv(&state->cvl_mv),
        .ccl = current_limit_da(&state->ccl_ma),
        .dcl = current_limit_da(&state->dcl_ma),
        .dvl = lower_voltage_limit_dv(&state->dvl_mv),
    };
    victron_frame_begin(frame);
    return victron_frame_done(frame, VICTRON_BMS_BATTERY_LIMITS_FRAME_ID,
                              victron_bms_battery_limits_pack(frame->data, &m, sizeof(frame->data)));
}
