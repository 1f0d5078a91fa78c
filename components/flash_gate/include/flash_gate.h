/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Whoever may erase flash takes a turn here, so that no erase holds up a frame 0x351.
 *
 * A turn is wanted for every call that writes or erases flash: `nvs_set_*`, `nvs_erase_*`, `nvs_commit`,
 * `nvs_flash_*`, `esp_partition_write`, `esp_partition_erase_range`, `esp_ota_*` that change something. In one turn at
 * most 4 kB are written or erased. The tasks of the control path never take one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Partitions whose erases are counted; more count together with the last one. */
#define FLASH_GATE_PARTITIONS_MAX 12

/** @brief Erases of one partition since the start. */
typedef struct {
    char label[17];
    uint32_t sectors; /**< of 4 kB */
} flash_gate_erases_t;

/** @brief What became of the flash since the start. */
typedef struct {
    uint32_t turns;
    uint32_t longest_ms;   /**< longest turn */
    uint32_t without_turn; /**< sectors that somebody erased without a turn: a defect of the firmware */
    uint32_t partitions;   /**< entries of `erases` that are filled */
    flash_gate_erases_t erases[FLASH_GATE_PARTITIONS_MAX];
} flash_gate_status_t;

/**
 * @brief Makes the gate; later calls do nothing. Until flash_gate_pace() turns come one behind the other. An orderly
 * restart takes the last turn: it waits for who is writing, and nobody begins any more. To be called before anything
 * else registers a shutdown handler.
 * @return ESP_OK; ESP_ERR_NO_MEM
 */
esp_err_t flash_gate_init(void);

/** @brief From now on turns keep clear of frames 0x351: control is about to start. */
void flash_gate_pace(void);

/** @brief A 0x351 of ours went out just now. From the CAN task; never waits. */
void flash_gate_limits_sent(void);

/**
 * @brief Waits for a turn; give it back with flash_gate_give() from the same task. Not for tasks of the control path.
 * @param longest_ms longest wait; with frames a turn comes within a second unless others wait as well
 * @return ESP_OK; ESP_ERR_TIMEOUT: no turn, nothing to give back; ESP_ERR_INVALID_STATE: no gate, or this task has it
 */
esp_err_t flash_gate_take(int32_t longest_ms);

/** @brief Ends the turn. */
void flash_gate_give(void);

/** @brief Whether the calling task has the turn. */
bool flash_gate_is_mine(void);

/** @brief Copy of the counters. From any task. */
void flash_gate_status(flash_gate_status_t *status);

#ifdef __cplusplus
}
#endif
