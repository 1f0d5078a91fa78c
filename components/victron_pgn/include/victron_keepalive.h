/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Supervises the GX by its keepalive 0x305 and its identity 0x307. The gateway never sends either of them.
 *
 * @code{.c}
 * victron_keepalive_t keepalive;
 * victron_keepalive_init(&keepalive, 10000, now_ms);
 * victron_keepalive_on_frame(&keepalive, VICTRON_KEEPALIVE_ID, 8, bytes, false, now_ms);
 * if (victron_keepalive_poll(&keepalive, now_ms) == VICTRON_KEEPALIVE_LOST) {
 *     // warn: the GX is off or the cable is broken
 * }
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VICTRON_KEEPALIVE_ID   0x305
#define VICTRON_GX_IDENTITY_ID 0x307

/** @brief Change since the last poll. */
typedef enum {
    VICTRON_KEEPALIVE_SAME = 0,
    VICTRON_KEEPALIVE_FOUND, /**< the first keepalive, or the first after a loss */
    VICTRON_KEEPALIVE_LOST,  /**< none within the warning time; also if there has been none since the start */
} victron_keepalive_change_t;

/** @brief State of the supervision; the caller owns it. */
typedef struct {
    int32_t warn_ms;
    int64_t since_ms;     /**< start, or the last keepalive */
    int64_t last_seen_ms; /**< last keepalive; 0 = never */
    uint32_t count;       /**< keepalives seen */
    bool alive;
    bool lost;
    bool is_victron; /**< a 0x307 with Victron's content was seen */
} victron_keepalive_t;

/**
 * @brief Starts the supervision.
 * @param[out] keepalive state
 * @param warn_ms warning time: without a keepalive for this long the GX is lost, ms
 * @param now_ms present time
 */
void victron_keepalive_init(victron_keepalive_t *keepalive, int32_t warn_ms, int64_t now_ms);

/** @brief Another warning time, from the next poll on. */
static inline void victron_keepalive_set_warning(victron_keepalive_t *keepalive, int32_t warn_ms)
{
    keepalive->warn_ms = warn_ms;
}

/**
 * @brief Takes a received data frame.
 * @param keepalive state
 * @param id of the frame
 * @param dlc number of data bytes, 0..8
 * @param data `dlc` bytes
 * @param extended 29-bit id: the frame is ignored
 * @param now_ms present time
 */
void victron_keepalive_on_frame(victron_keepalive_t *keepalive, uint32_t id, uint8_t dlc, const uint8_t *data,
                                bool extended, int64_t now_ms);

/**
 * @brief Reports each change once.
 * @param keepalive state
 * @param now_ms present time
 * @return
 * - VICTRON_KEEPALIVE_SAME: no change since the last call
 * - VICTRON_KEEPALIVE_FOUND: the GX has become alive
 * - VICTRON_KEEPALIVE_LOST: no keepalive for the warning time
 */
victron_keepalive_change_t victron_keepalive_poll(victron_keepalive_t *keepalive, int64_t now_ms);

/** @brief Whether a keepalive came within the warning time. */
bool victron_keepalive_alive(const victron_keepalive_t *keepalive, int64_t now_ms);

#ifdef __cplusplus
}
#endif
