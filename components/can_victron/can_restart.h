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
 * The first three restarts come after 30 s of refusal. Later ones come after 30 min, because a restart that has failed
 * to help three times costs the web interface and the day's counters for nothing. A node that has worked for 30 min
 * starts over; one that never works that long is restarted no more often than that in the long run.
 */

#include <stdbool.h>
#include <stdint.h>

/** @brief State; private to can_restart.c, except for `made`. */
typedef struct {
    uint32_t made; /**< restarts since the node last worked for 30 min; the caller keeps it over a restart */
    int64_t works_since_ms;
} can_restart_t;

/**
 * @brief Starts.
 * @param[out] restart filled
 * @param made restarts since the node last worked for 30 min
 * @param now_ms present time
 */
void can_restart_begin(can_restart_t *restart, uint32_t made, int64_t now_ms);

/**
 * @brief Whether to restart now. Call it in every turn.
 * @param restart state; `made` counts a restart that is due, and returns to 0 when the node has worked for 30 min
 * @param refusing_ms how long the node has refused, ms; 0 = it does not
 * @param works whether the node is enabled and on the bus
 * @param now_ms present time
 */
bool can_restart_due(can_restart_t *restart, int64_t refusing_ms, bool works, int64_t now_ms);
