/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief When a node that refuses is worth a restart of the gateway. Pure: no clock, no memory of its own.
 *
 * After 30 s of it, three times; then every 30 min, because a restart that has not helped three times takes the web
 * interface and the counters of a day away for nothing. A node that has worked for 30 min starts anew: with one that
 * works less long each time, restarts come no more often than that in the long run.
 */

#include <stdbool.h>
#include <stdint.h>

/** @brief Private to can_restart.c, but for `made`. */
typedef struct {
    uint32_t made; /**< restarts in a row; kept over them by the caller */
    int64_t works_since_ms;
} can_restart_t;

/**
 * @brief Begins.
 * @param[out] restart filled
 * @param made how many restarts there have been
 * @param now_ms present time
 */
void can_restart_begin(can_restart_t *restart, uint32_t made, int64_t now_ms);

/**
 * @brief Whether to restart now. Call it in every turn.
 * @param restart changed: `made` counts a restart that is due, and goes back to 0
 * @param refusing_ms for how long the node has refused; 0 = it does not
 * @param works whether the node is enabled and on the bus
 * @param now_ms present time
 */
bool can_restart_due(can_restart_t *restart, int64_t refusing_ms, bool works, int64_t now_ms);
