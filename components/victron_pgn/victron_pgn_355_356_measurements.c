/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * 0x355 and 0x356: SOC and SOH; voltage, current and temperature of the pack.
 */
#include "victron_bms.h"
#include "victron_pgn_private.h"

static uint16_t percent(int32_t ppm, int32_t ppm_per_unit, uint16_t full)
{
    return (uint16_t)victron_between(0, victron_floor_div((int64_t)ppm + ppm_per_unit / 2, ppm_per_unit), full);
}

bool victron_pgn_encode_355(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || !state->soc_ppm.known) {
        return false;
    }
    const struct victron_bms_battery_charge_t m = {
        .soc = percent(state->soc_ppm.value, 10000, 100),
        .soh = state->soh_ppm.known ? percent(state->soh_ppm.value, 10000, 100) : 100,
        .soc_high_resolution = percent(state->soc_ppm.value, 100, 10000),
    };
    victron_frame_begin(frame);
    return victron_frame_done(frame, VICTRON_BMS_BATTERY_CHARGE_FRAME_ID,
                              victron_bms_battery_charge_pack(frame->data, &m, sizeof(frame->data)));
}

bool victron_pgn_encode_356(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    const int sensor = battery_extreme_sensor(state, true);
    const battery_quantity_t *const temperature =
        sensor >= 0 ? &state->sensor_ddegc[sensor] : &state->bms_temperature_ddegc;
    if (!state->publish || !state->pack_voltage_mv.known || !state->pack_current_ma.known) {
        return false; /* the fields have no value for "unknown" */
    }
    const struct victron_bms_battery_measurements_t m = {
        .voltage = victron_to_i16(victron_round_div(state->pack_voltage_mv.value, 10)),
        .current = victron_to_i16(victron_round_div(state->pack_current_ma.value, 100)),
        .temperature =
            victron_to_i16(temperature->known ? temperature->value : 0), /* CCL is 0 then; a GX needs the frame */
    };
    victron_frame_begin(frame);
    return victron_frame_done(frame, VICTRON_BMS_BATTERY_MEASUREMENTS_FRAME_ID,
                              victron_bms_battery_measurements_pack(frame->data, &m, sizeof(frame->data)));
}
