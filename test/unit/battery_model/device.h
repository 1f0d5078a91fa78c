/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A BMS in snapshots, and what is believed of it.
 */

#include "battery_belief.h"

/** @brief A BMS, what is believed of it, and the last result. */
typedef struct {
    tinybms_snapshot_t s;
    battery_belief_t belief;
    battery_bms_t bms;
    battery_state_t state;
} device_t;

/** @brief 14 cells of 3.98 V, 83.55 %, one sensor at 20 degC, the BMS at 25; nothing of it has been taken yet. */
device_t *device_healthy(void);

/** @brief One new block. @return whether it is believed */
bool device_block(device_t *device);

/** @brief So many new blocks, all alike. */
void device_blocks(device_t *device, int count);

/** @brief From the next block on a setting reads otherwise, and has been read so once. */
void device_set(device_t *device, uint16_t address, int32_t value);

/** @brief One new block, after the settings have been read a second time. */
void device_read_again(device_t *device);
