/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A gateway that lives while settings are saved, through settings, battery and can_victron to a peer on the bus
 *        that acknowledges its frames. The flash stalls every task for 100 ms an erase.
 *
 * Frames come and polls go on only while one of these functions waits. The cases of a suite go on from one another,
 * because a gateway is started once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"

#define POLL_MS      200
#define FALL_MS      (POLL_MS + 100) /**< a limit that falls is in a frame by then */
#define LATE_MS      500             /**< what a busy machine adds; the next frame would come after a second */
#define GAP_MAX_MS   1500
#define PATIENCE_MS  30000
#define FRAMES_MAX   2048
#define DIGITS_PER_A 10
#define WAIT_S       5 /**< `limit.wait_s` */
#define RISE_A_PER_S 2
#define STEP_S       10
#define BMS_CCL_A    18 /**< 90 % of 20 A */
#define BMS_DCL_A    54
#define FULL_CVL_DV  581 /**< 14 x 4.150 V */

/** @brief Where a limit stands in 0x351. */
typedef enum {
    CVL_AT = 0,
    CCL_AT = 2,
    DCL_AT = 4,
} limit_at_t;

/** @brief A 0x351. */
typedef struct {
    int64_t time_ms;
    uint8_t data[8];
} limits_t;

extern limits_t s_limits[FRAMES_MAX]; /**< 0x351 since the start */
extern size_t s_count;
extern event_bus_can_frame_t s_manufacturer; /**< newest 0x35E */
extern bool s_silent;                        /**< the BMS does not answer */

/** @brief The first case of each suite: returns when CCL and DCL have come to what the BMS allows. */
void start_gateway(void);

/** @brief The last one: 0x351 has come in time through all of it, and no flash was changed without a turn. */
void expect_frames_in_time(void);

int32_t limit_in(const limits_t *frame, limit_at_t at);

/** @brief A moment of the gateway's life. */
void live_on(void);
void live_for(int64_t ms);
void live_until(limit_at_t at, int32_t value);

/** @brief Until there are so many more 0x351, which must come in time. */
void live_through_frames(size_t frames);

/** @return when it was done; frames go on meanwhile */
int64_t save_while_living(const settings_change_t *changes, size_t count, esp_err_t expected);
int64_t save_number(settings_id_t id, int32_t number);

/** @brief From frame `first` on there is the old value, and then, in time, the new one and no other. */
void expect_fall(size_t first, limit_at_t at, int32_t old, int32_t new, int64_t saved_ms);
