/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief When flash may be erased: between two frames 0x351. Pure: time is an argument; the caller owns the state.
 *
 * An erase of 4 kB blocks both cores, typically for 45 ms and at most for 400 ms (data sheets of the flash chips). A
 * turn that begins no later than 590 ms after a 0x351 has ended by the time the next one is due.
 *
 * @code{.c}
 * flash_pace_t pace = {0};
 * flash_pace_sent(&pace, now_ms); // a 0x351 went out
 * if (flash_pace_wait_ms(&pace, now_ms + FLASH_PACE_FIRST_MS) == 0) {
 *     flash_pace_turn(&pace, now_ms + FLASH_PACE_FIRST_MS); // then erase
 * }
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLASH_PACE_FIRST_MS   10   /**< earliest begin of the first turn after a 0x351 */
#define FLASH_PACE_SECOND_MS  300  /**< earliest begin of the second one */
#define FLASH_PACE_LATEST_MS  590  /**< latest begin of any turn */
#define FLASH_PACE_LOST_MS    1500 /**< after this time without a 0x351 there are none to keep clear of */
#define FLASH_PACE_WITHOUT_MS 500  /**< without 0x351: time from the start of one turn to the next */

/** @brief State; zeroed = no frame and no turn yet. Private to flash_pace.c. */
typedef struct {
    bool has_sent;
    bool has_turn;
    bool first_taken;  /**< since the newest 0x351 */
    bool second_taken; /**< since the newest 0x351 */
    int64_t sent_ms;   /**< newest 0x351 */
    int64_t turn_ms;   /**< begin of the newest turn */
} flash_pace_t;

/** @brief A 0x351 went out at `sent_ms`. */
void flash_pace_sent(flash_pace_t *pace, int64_t sent_ms);

/** @brief Time to wait for a turn, ms; 0 = it may begin now. A 0x351 in the meantime may shorten it. */
int32_t flash_pace_wait_ms(const flash_pace_t *pace, int64_t now_ms);

/** @brief A turn begins; only when flash_pace_wait_ms() returned 0. */
void flash_pace_turn(flash_pace_t *pace, int64_t now_ms);

#ifdef __cplusplus
}
#endif
