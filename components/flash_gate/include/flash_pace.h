/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief When flash may be erased: between two frames 0x351. Pure: time is an argument, the caller owns the state.
 *
 * An erase of 4 kB holds both cores for 45 ms as a rule and for 400 ms at most (data sheets of the flash chips). A turn
 * that begins 590 ms after a 0x351 at the latest has ended when the next one is due.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLASH_PACE_FIRST_MS   10   /**< after a 0x351 the first turn may begin */
#define FLASH_PACE_SECOND_MS  300  /**< and the second one */
#define FLASH_PACE_LATEST_MS  590  /**< and after this none */
#define FLASH_PACE_LOST_MS    1500 /**< after the last 0x351: there are none to keep clear of */
#define FLASH_PACE_WITHOUT_MS 500  /**< then a turn begins so long after the one before it */

/** @brief State; zeroed = no frame and no turn yet. Private to flash_pace.c. */
typedef struct {
    bool has_sent;
    bool has_turn;
    bool first_taken;  /**< since the newest 0x351 */
    bool second_taken; /**< likewise */
    int64_t sent_ms;   /**< newest 0x351 */
    int64_t turn_ms;   /**< beginning of the newest turn */
} flash_pace_t;

/** @brief A 0x351 went out. */
void flash_pace_sent(flash_pace_t *pace, int64_t sent_ms);

/** @brief How long to wait for a turn, in ms; 0 = it may begin now. A 0x351 that comes meanwhile may make it shorter.
 */
int32_t flash_pace_wait_ms(const flash_pace_t *pace, int64_t now_ms);

/** @brief A turn begins; only when flash_pace_wait_ms() says 0. */
void flash_pace_turn(flash_pace_t *pace, int64_t now_ms);

#ifdef __cplusplus
}
#endif
