/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Snapshot of the TinyBMS -> what was measured, and what the BMS says of itself. Limits and alarms come later.
 */

#include "battery_bms.h"
#include "battery_state.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Decodes a snapshot.
 * @param snapshot last valid one
 * @param[out] bms settings and state of the BMS
 * @param[out] state measurements, capacity, identity, filled; everything else 0 or not known, status unknown
 */
void battery_assemble(const tinybms_snapshot_t *snapshot, battery_bms_t *bms, battery_state_t *state);

#ifdef __cplusplus
}
#endif
