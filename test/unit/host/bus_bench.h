/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A bus of sockets for a TWAI node, with one peer that comes and goes.
 */

#include <stdbool.h>

#define BENCH_PATIENCE_MS 5000

/** @brief Opens it, without a peer; once in a program, before the node is made. */
void bench_open_bus(void);

/** @brief A program that acknowledges comes to the bus, or leaves it; when this returns the bus knows. */
void bench_connect_peer(void);
void bench_disconnect_peer(void);
bool bench_has_peer(void);

/** @brief "busoff", "stuck" or "none"; when this returns it is so. */
void bench_fault(const char *fault);

/** @brief Keeps the timer task from its work, as everything of a higher priority does on the chip; and lets it go on.
 */
void bench_hold_timer_task(void);
void bench_release_timer_task(void);

/** @brief Sends a frame, "< send ID DLC B B ... >". */
void bench_peer_sends(const char *command);

/** @brief The next message that the peer hears, "< ... >"; "" after 5 s without one. Valid until the next call. */
const char *bench_peer_hears(void);

/** @brief Whether the peer has heard nothing for 100 ms. */
bool bench_peer_hears_nothing(void);
