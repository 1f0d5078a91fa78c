/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Snapshot of the TinyBMS -> battery state, with limits taken straight from the BMS's own settings.
 */

#include "battery_state.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief How old a snapshot may be before the state changes. */
typedef struct {
    int32_t stale_ms;  /**< from here on: CCL 0, CVL and DCL held, status offline, "BMS internal" warning */
    int32_t silent_ms; /**< from here on: publish = false, nothing may be sent; > stale_ms */
} battery_assemble_config_t;

/** @brief 3 s and 10 s. */
#define BATTERY_ASSEMBLE_DEFAULT_CONFIG()                                                                              \
    {                                                                                                                  \
        .stale_ms = 3000, .silent_ms = 10000                                                                           \
    }

/**
 * @brief Builds the state that holds at `now_ms` from the last valid snapshot.
 *
 * Registers 300, 301, 315-320 are per cell and become pack values here and nowhere else (times register 307, else 53).
 * Without a usable 300, 307/53 or live block nothing is published.
 * @param snapshot last valid snapshot, or NULL when there has been none
 * @param config staleness limits
 * @param now_ms present time, same clock as snapshot->taken_ms
 * @param[out] state filled completely
 */
void battery_assemble(const tinybms_snapshot_t *snapshot, const battery_assemble_config_t *config, int64_t now_ms,
                      battery_state_t *state);

#ifdef __cplusplus
}
#endif
