/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Decodes a TinyBMS snapshot: the measurements, and the settings and state of the BMS. Limits and alarms come
 * later.
 *
 * @code{.c}
 * battery_bms_t bms;
 * battery_state_t state;
 * battery_assemble_settings(snapshot, &bms);
 * battery_assemble_live(snapshot, &bms, &state);
 * const bool charging = state.pack_current_ma.known && state.pack_current_ma.value > 0;
 * @endcode
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
 * @param[out] bms settings filled; everything else 0
 */
void battery_assemble_settings(const tinybms_snapshot_t *snapshot, battery_bms_t *bms);

/** @brief Whether no cell is measured, or the sum of the cells differs from register 36 by more than 3 %. */
bool battery_cells_contradict(const tinybms_snapshot_t *snapshot);

/**
 * @brief Decodes the measurements and the state of the BMS.
 * @param snapshot last valid one
 * @param[in,out] bms settings in; state of the BMS out. A fault that no event explains has the event 0
 * @param[out] state measurements, capacity and identity filled; everything else 0 or not known, status unknown
 */
void battery_assemble_live(const tinybms_snapshot_t *snapshot, battery_bms_t *bms, battery_state_t *state);

#ifdef __cplusplus
}
#endif
