/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Number of restarts that a CAN node has caused, in memory that a reset does not clear. A power cut loses it.
 */

#include <stdint.h>

/** @brief The number last written, before any kind of reset; 0 if it is damaged or of another layout. */
uint32_t can_restart_memory_read(void);

/** @brief Stores the number. */
void can_restart_memory_write(uint32_t made);
