/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Gives turns to those who erase flash, so that no erase delays a frame 0x351.
 *
 * Every call that writes or erases flash needs a turn: `nvs_set_*`, `nvs_erase_*`, `nvs_commit`, `nvs_flash_*`,
 * `esp_partition_write`, `esp_partition_erase_range`, and those of `esp_ota_*` that change something. A turn is for at
 * most 4 kB, written or erased. Tasks of the control path never take one.
 *
 * @code{.c}
 * ESP_ERROR_CHECK(flash_gate_init());
 * if (flash_gate_take(2000) == ESP_OK) {
 *     // write or erase at most 4 kB
 *     flash_gate_give();
 * }
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Partitions whose erases are counted; any further ones are counted with the last. */
#define FLASH_GATE_PARTITIONS_MAX 12

/** @brief Erases of one partition since the start. */
typedef struct {
    char label[17];
    uint32_t sectors; /**< of 4 kB */
} flash_gate_erases_t;

/** @brief Use of the flash since the start. */
typedef struct {
    uint32_t turns;
    uint32_t longest_ms;   /**< longest turn */
    uint32_t without_turn; /**< sectors erased without a turn: a firmware bug */
    uint32_t partitions;   /**< filled entries of `erases` */
    flash_gate_erases_t erases[FLASH_GATE_PARTITIONS_MAX];
} flash_gate_status_t;

/**
 * @brief Creates the gate; later calls do nothing. Until flash_gate_pace() a turn begins as soon as the last one ends.
 * An orderly restart takes the last turn: it waits for a write in progress, and no other can begin. Call it before
 * anything else registers a shutdown handler.
 * @return
 * - ESP_OK: the gate exists
 * - ESP_ERR_NO_MEM: no memory for its locks or queue, or no free slot for a shutdown handler
 */
esp_err_t flash_gate_init(void);

/** @brief From now on turns keep clear of frames 0x351, because control is about to start. */
void flash_gate_pace(void);

/** @brief The gateway has just sent a 0x351. From the CAN task; never waits. */
void flash_gate_limits_sent(void);

/**
 * @brief Waits for a turn; end it with flash_gate_give() from the same task. Not for tasks of the control path.
 * @param longest_ms longest wait, ms. While frames go out, a turn comes within a second unless other tasks wait too
 * @return
 * - ESP_OK: this task has the turn
 * - ESP_ERR_TIMEOUT: no turn came; do not call flash_gate_give()
 * - ESP_ERR_INVALID_STATE: there is no gate yet, or this task has the turn already
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
