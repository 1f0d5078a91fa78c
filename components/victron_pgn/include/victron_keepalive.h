/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Supervision of the GX: its keepalive 0x305 and its identity 0x307. Neither is ever sent by the gateway.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VICTRON_KEEPALIVE_ID   0x305
#define VICTRON_GX_IDENTITY_ID 0x307

/** @brief What has changed since the last look. */
typedef enum {
    VICTRON_KEEPALIVE_SAME = 0,
    VICTRON_KEEPALIVE_FOUND, /**< the first keepalive, or the first after a loss */
    VICTRON_KEEPALIVE_LOST,  /**< none within the warning time; also when there never was one since start */
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

/** @brief Begins the supervision. */
void victron_keepalive_init(victron_keepalive_t *keepalive, int32_t warn_ms, int64_t now_ms);

/** @brief Looks at a received data frame; only 11-bit ids count. `data` has `dlc` (0..8) bytes. */
void victron_keepalive_on_frame(victron_keepalive_t *keepalive, uint32_t id, uint8_t dlc, const uint8_t *data,
                                bool extended, int64_t now_ms);

/** @brief Tells each change once. */
victron_keepalive_change_t victron_keepalive_poll(victron_keepalive_t *keepalive, int64_t now_ms);

/** @brief Whether a keepalive came within the warning time. */
bool victron_keepalive_alive(const victron_keepalive_t *keepalive, int64_t now_ms);

#ifdef __cplusplus
}
#endif
