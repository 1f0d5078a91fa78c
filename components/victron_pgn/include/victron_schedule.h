/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Decides which frame is sent when. Pure: time is an argument; the caller owns the state.
 *
 * Each frame has its period and its phase in it; between two scheduled frames there are at least 20 ms. When a limit
 * falls, or an alarm, a warning or the online status changes, 0x351 and 0x35A are sent at once, as extra
 * frames (each at most every 50 ms); their period goes on as it was.
 */

#include <stdbool.h>
#include <stdint.h>

#include "battery_state.h"
#include "victron_pgn.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief State of a schedule; private to victron_schedule.c. */
typedef struct {
    victron_identity_t identity;
    battery_state_t state; /**< newest one */
    int64_t last_ms;       /**< newest time seen */
    int64_t last_frame_ms; /**< when the last frame was handed out */
    struct {
        int64_t due_ms;
        int64_t handed_ms; /**< when it was handed out last */
        bool urgent;
    } message[VICTRON_MESSAGE_COUNT];
    victron_frame_t last_limits; /**< 0x351 as it was handed out last; dlc 0 = never */
    victron_frame_t last_alarms; /**< 0x35A, likewise */
} victron_schedule_t;

/** @brief Begins a schedule that sends nothing until it is given a state with `publish`. */
void victron_schedule_init(victron_schedule_t *schedule, const victron_identity_t *identity, int64_t now_ms);

/** @brief Gives the schedule a new state. */
void victron_schedule_set_state(victron_schedule_t *schedule, const battery_state_t *state, int64_t now_ms);

/**
 * @brief The next frame that is due, encoded from the newest state.
 * @return false: none is due now
 */
bool victron_schedule_next(victron_schedule_t *schedule, int64_t now_ms, victron_frame_t *frame);

/** @brief The frame handed out last did not reach the bus: it becomes due again soon, with fresh content. */
void victron_schedule_failed(victron_schedule_t *schedule, uint16_t id, int64_t now_ms);

/** @brief One frame from the newest state, whether it is due or not; false: must not be sent now. */
bool victron_schedule_encode(const victron_schedule_t *schedule, uint16_t id, victron_frame_t *frame);

/** @brief When victron_schedule_next() may have a frame; INT64_MAX while nothing may be sent. */
int64_t victron_schedule_deadline_ms(const victron_schedule_t *schedule);

#ifdef __cplusplus
}
#endif
