/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief How many restarts a CAN node has cost, in memory that a reset does not clear. A power cut forgets it.
 */

#include <stdint.h>

/** @brief What was written last, before whatever reset; 0 when that is damaged, or of another layout. */
uint32_t can_restart_memory_read(void);

void can_restart_memory_write(uint32_t made);
