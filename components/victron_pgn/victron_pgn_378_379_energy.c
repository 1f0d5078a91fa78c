/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * 0x378 and 0x379: energy charged and discharged; installed capacity.
 */
#include "victron_bms.h"
#include "victron_pgn_private.h"

bool victron_pgn_encode_378(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || !state->energy_in_wh.known || !state->energy_out_wh.known) {
        return false;
    }
    const struct victron_bms_energy_counters_t m = {
        /* Counts 100 Wh and rolls over to 0, which the protocol asks for: the one field that wraps. */
        .energy_in = (uint32_t)(uint64_t)victron_floor_div(state->energy_in_wh.value, 100),
        .energy_out = (uint32_t)(uint64_t)victron_floor_div(state->energy_out_wh.value, 100),
    };
    victron_frame_begin(frame);
    return victron_frame_done(frame, VICTRON_BMS_ENERGY_COUNTERS_FRAME_ID,
                              victron_bms_energy_counters_pack(frame->data, &m, sizeof(frame->data)));
}

bool victron_pgn_encode_379(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || !state->installed_capacity_mah.known) {
        return false;
    }
    const struct victron_bms_installed_capacity_t m = {
        .installed_capacity_ah = victron_to_u16(victron_round_div(state->installed_capacity_mah.value, 1000)),
    };
    victron_frame_begin(frame);
    return victron_frame_done(frame, VICTRON_BMS_INSTALLED_CAPACITY_FRAME_ID,
                              victron_bms_installed_capacity_pack(frame->data, &m, sizeof(frame->data)));
}
