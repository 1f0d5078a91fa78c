/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "energy_meter.h"

#include <string.h>

void energy_meter_init(energy_meter_t *meter, const energy_totals_t *totals)
{
    memset(meter, 0, sizeof(*meter));
    if (totals != NULL) {
        meter->totals = *totals;
    }
}

void energy_meter_step(energy_meter_t *meter, const battery_bms_t *bms, int64_t now_ms, battery_state_t *state)
{
    (void)meter;
    (void)bms;
    (void)now_ms;
    (void)state;
}
