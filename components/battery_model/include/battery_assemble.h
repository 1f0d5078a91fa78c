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
 * @brief Decodes the settings of a snapshot.
 * @param snapshot last valid one
 * @param[out] bms the settings, filled; everything else 0
 */
void battery_assemble_settings(const tinybms_snapshot_t *snapshot, battery_bms_t *bms);

/** @brief Whether no cell is measured, or the sum of the cells is more than 3 % beside register 36. */
bool battery_cells_contradict(const tinybms_snapshot_t *snapshot);

/**
 * @brief Decodes what is measured, and the state of the BMS.
 * @param snapshot last valid one
 * @param[in,out] bms settings in; state of the BMS out, a fault that no event names has the event 0
 * @param[out] state measurements, capacity, identity, filled; everything else 0 or not known, status unknown
 */
void battery_assemble_live(const tinybms_snapshot_t *snapshot, battery_bms_t *bms, battery_state_t *state);

#ifdef __cplusplus
}
#endif
