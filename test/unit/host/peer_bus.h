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

#define BUS_PATIENCE_MS 5000

/** @brief Opens it, without a peer; once in a program, before the node is made. */
void bus_open(void);

/** @brief A program that acknowledges comes to the bus, or leaves it; when this returns the bus knows. */
void bus_connect_peer(void);
void bus_disconnect_peer(void);
bool bus_has_peer(void);

/** @brief "busoff", "stuck" or "none"; when this returns it is so. */
void bus_fault(const char *fault);

/** @brief Keeps the timer task from its work, as everything of a higher priority does on the chip; and lets it go on.
 */
void bus_hold_timer_task(void);
void bus_release_timer_task(void);

/** @brief Sends a frame, "< send ID DLC B B ... >". */
void bus_peer_sends(const char *command);

/** @brief The next message that the peer hears, "< ... >"; "" after 5 s without one. Valid until the next call. */
const char *bus_peer_hears(void);

/** @brief Whether the peer has heard nothing for 100 ms. */
bool bus_peer_hears_nothing(void);
