/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Decides which frame is due: periods, urgent frames, retries. The content of the frames comes from victron_pgn*.c. */
#include "victron_schedule.h"

#include <assert.h>
#include <string.h>

#define GAP_MS          20  /**< between scheduled frames: a GX must never see a burst */
#define URGENT_GAP_MS   50  /**< between two frames of one id, however urgent */
#define RETRY_MS        50  /**< after a frame was not acknowledged */
#define RETRY_SLOW_MS   500 /**< likewise, for frames that nothing depends on */
#define LIMITS_INDEX    0   /**< 0x351 in the table of messages */
#define ALARMS_INDEX    1   /**< 0x35A */
#define REQUIRED_PERIOD 1000

void victron_schedule_init(victron_schedule_t *schedule, const victron_identity_t *identity, int64_t now_ms)
{
    memset(schedule, 0, sizeof(*schedule));
    schedule->identity = *identity;
    schedule->last_ms = now_ms;
    schedule->last_frame_ms = now_ms - GAP_MS;
}

/** A clock that is set back must not leave a frame waiting for the old time. */
static void note_time(victron_schedule_t *schedule, int64_t now_ms)
{
    if (now_ms < schedule->last_ms) {
        const int64_t shift = now_ms - schedule->last_ms;
        schedule->last_frame_ms += shift;
        for (size_t i = 0; i < VICTRON_MESSAGE_COUNT; i++) {
            schedule->message[i].due_ms += shift;
            schedule->message[i].handed_ms += shift;
        }
    }
    schedule->last_ms = now_ms;
}

static void start(victron_schedule_t *schedule)
{
    for (size_t i = 0; i < VICTRON_MESSAGE_COUNT; i++) {
        schedule->message[i].due_ms = schedule->last_ms + victron_message_at(i)->phase_ms;
        schedule->message[i].handed_ms = schedule->last_ms - URGENT_GAP_MS;
        schedule->message[i].urgent = false;
    }
    schedule->last_limits.dlc = 0;
    schedule->last_alarms.dlc = 0;
}

static uint16_t field(const victron_frame_t *frame, size_t offset)
{
    return (uint16_t)(frame->data[offset] | ((unsigned)frame->data[offset + 1] << 8));
}

/** CVL, CCL or DCL lower than what the GX was told last. */
static bool limit_falls(const victron_frame_t *last, const victron_frame_t *next)
{
    return field(next, 0) < field(last, 0) || field(next, 2) < field(last, 2) || field(next, 4) < field(last, 4);
}

void victron_schedule_set_state(victron_schedule_t *schedule, const battery_state_t *state, int64_t now_ms)
{
    const bool starts = state->publish && !schedule->state.publish;
    victron_frame_t limits;
    victron_frame_t alarms;
    note_time(schedule, now_ms);
    schedule->state = *state;
    if (starts) {
        start(schedule);
    }
    const bool falls = schedule->last_limits.dlc > 0 && victron_pgn_encode_351(state, &schedule->identity, &limits) &&
                       limit_falls(&schedule->last_limits, &limits);
    const bool changes = schedule->last_alarms.dlc > 0 && victron_pgn_encode_35a(state, &schedule->identity, &alarms) &&
                         memcmp(alarms.data, schedule->last_alarms.data, sizeof(alarms.data)) != 0;
    if (falls || changes) {
        schedule->message[LIMITS_INDEX].urgent = true;
        schedule->message[ALARMS_INDEX].urgent = true;
    }
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/** When a message may go: an urgent one at once, any other at its due time and a gap after the last frame. */
static int64_t ready_ms(const victron_schedule_t *schedule, size_t index)
{
    const int64_t own_gap_ms = schedule->message[index].handed_ms + URGENT_GAP_MS;
    if (schedule->message[index].urgent) {
        return own_gap_ms;
    }
    const int64_t due_ms = later(schedule->message[index].due_ms, schedule->last_frame_ms + GAP_MS);
    return later(due_ms, own_gap_ms);
}

/** Keeps the phase; an urgent frame is an extra one. Starts the period anew when the caller was late. */
static void set_next_due(victron_schedule_t *schedule, size_t index)
{
    const int64_t period_ms = victron_message_at(index)->period_ms;
    const int64_t late_ms = schedule->last_ms - schedule->message[index].due_ms;
    if (late_ms >= 0) {
        schedule->message[index].due_ms =
            (late_ms <= URGENT_GAP_MS ? schedule->message[index].due_ms : schedule->last_ms) + period_ms;
    }
    schedule->message[index].urgent = false;
}

static void remember(victron_schedule_t *schedule, size_t index, const victron_frame_t *frame)
{
    schedule->last_frame_ms = schedule->last_ms;
    schedule->message[index].handed_ms = schedule->last_ms;
    if (index == LIMITS_INDEX) {
        schedule->last_limits = *frame;
    } else if (index == ALARMS_INDEX) {
        schedule->last_alarms = *frame;
    }
}

bool victron_schedule_next(victron_schedule_t *schedule, int64_t now_ms, victron_frame_t *frame)
{
    note_time(schedule, now_ms);
    if (!schedule->state.publish) {
        return false;
    }
    for (size_t i = 0; i < VICTRON_MESSAGE_COUNT; i++) {
        if (ready_ms(schedule, i) > now_ms) {
            continue;
        }
        set_next_due(schedule, i);
        if (victron_message_at(i)->encode(&schedule->state, &schedule->identity, frame)) {
            assert(frame->id == victron_message_at(i)->id);
            remember(schedule, i, frame);
            return true;
        }
    }
    return false;
}

static size_t index_of(uint16_t id)
{
    size_t index = 0;
    while (index < VICTRON_MESSAGE_COUNT && victron_message_at(index)->id != id) {
        index++;
    }
    return index;
}

void victron_schedule_failed(victron_schedule_t *schedule, uint16_t id, int64_t now_ms)
{
    const size_t index = index_of(id);
    note_time(schedule, now_ms);
    if (index == VICTRON_MESSAGE_COUNT) {
        return;
    }
    const bool required = victron_message_at(index)->period_ms <= REQUIRED_PERIOD;
    schedule->message[index].due_ms = now_ms + (required ? RETRY_MS : RETRY_SLOW_MS);
}

bool victron_schedule_encode(const victron_schedule_t *schedule, uint16_t id, victron_frame_t *frame)
{
    const size_t index = index_of(id);
    return index < VICTRON_MESSAGE_COUNT &&
           victron_message_at(index)->encode(&schedule->state, &schedule->identity, frame);
}

int64_t victron_schedule_deadline_ms(const victron_schedule_t *schedule)
{
    int64_t first_ms = INT64_MAX;
    if (!schedule->state.publish) {
        return first_ms;
    }
    for (size_t i = 0; i < VICTRON_MESSAGE_COUNT; i++) {
        const int64_t at_ms = ready_ms(schedule, i);
        first_ms = at_ms < first_ms ? at_ms : first_ms;
    }
    return first_ms;
}
