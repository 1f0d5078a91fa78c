/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Decides which frame to send when. Pure: time is an argument; the caller owns the state.
 *
 * Each frame has a period and a phase; scheduled frames are at least 20 ms apart. When a limit falls, or an alarm, a
 * warning or the online status changes, 0x351 and 0x35A are sent at once as extra frames (each at most every 50 ms);
 * their periods continue unchanged.
 *
 * @code{.c}
 * victron_frame_t frame;
 * victron_schedule_t schedule;
 * const victron_identity_t identity = {.manufacturer = "TinyBMS", .battery_name = "TinyBMS", .family = "LFP"};
 * victron_schedule_init(&schedule, &identity, now_ms);
 * victron_schedule_set_state(&schedule, state, now_ms);
 * const bool send = victron_schedule_next(&schedule, now_ms, &frame);
 * @endcode
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
    int64_t last_frame_ms; /**< when a frame was last returned */
    struct {
        int64_t due_ms;
        int64_t handed_ms; /**< when this frame was last returned */
        bool urgent;
    } message[VICTRON_MESSAGE_COUNT];
    victron_frame_t last_limits; /**< 0x351 as last returned; dlc 0 = never */
    victron_frame_t last_alarms; /**< 0x35A as last returned; dlc 0 = never */
} victron_schedule_t;

/**
 * @brief Starts a schedule. It sends nothing until it gets a state with `publish`.
 * @param[out] schedule state
 * @param identity names to send; copied
 * @param now_ms present time
 */
void victron_schedule_init(victron_schedule_t *schedule, const victron_identity_t *identity, int64_t now_ms);

/** @brief Other names to send, from the next frame on; copied. */
static inline void victron_schedule_set_identity(victron_schedule_t *schedule, const victron_identity_t *identity)
{
    schedule->identity = *identity;
}

/**
 * @brief Sets a new battery state.
 * @param schedule state of the schedule
 * @param state copied
 * @param now_ms present time
 */
void victron_schedule_set_state(victron_schedule_t *schedule, const battery_state_t *state, int64_t now_ms);

/**
 * @brief The next frame that is due, encoded from the newest battery state.
 * @param schedule state of the schedule
 * @param now_ms present time
 * @param[out] frame to send, when the function returns true
 * @return false: none is due now
 */
bool victron_schedule_next(victron_schedule_t *schedule, int64_t now_ms, victron_frame_t *frame);

/**
 * @brief The last frame did not reach the bus: it becomes due again soon, with fresh content.
 * @param schedule state of the schedule
 * @param id of the frame
 * @param now_ms present time
 */
void victron_schedule_failed(victron_schedule_t *schedule, uint16_t id, int64_t now_ms);

/**
 * @brief Encodes one frame from the newest battery state, due or not.
 * @param schedule state of the schedule
 * @param id of the frame
 * @param[out] frame filled when the function returns true
 * @return false: must not be sent now, or the gateway does not send this id
 */
bool victron_schedule_encode(const victron_schedule_t *schedule, uint16_t id, victron_frame_t *frame);

/** @brief Time at which victron_schedule_next() may have a frame, ms; INT64_MAX while nothing may be sent. */
int64_t victron_schedule_deadline_ms(const victron_schedule_t *schedule);

#ifdef __cplusplus
}
#endif
