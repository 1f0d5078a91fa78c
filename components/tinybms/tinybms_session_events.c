/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The events of the BMS and the fault that they explain: which are in force, and when a snapshot waits for them. */
#include "tinybms_events.h"
#include "tinybms_session_private.h"

#define HOLD_MS              1000  /**< a snapshot waits so long at most for the event that names a fault */
#define UNEXPLAINED_AGAIN_MS 10000 /**< all events, while nothing explains a fault */
#define TELL_AGAIN_S         86400 /**< at most one write to the flash a day */
#define CALM_BLOCKS          3     /**< live blocks in a row out of the fault state that end all that is listed */

static bool in_fault(const tinybms_session_t *session)
{
    return session->last_status == TINYBMS_STATUS_FAULT;
}

static bool explained(const tinybms_session_t *session)
{
    return session->snapshot.fault_count > 0 && !session->snapshot.events_doubtful;
}

static void begin_hold(tinybms_session_t *session)
{
    if (!session->holding) {
        session->holding = true;
        session->hold_until_ms = session->last_ms + HOLD_MS;
    }
}

void tinybms_session_end_hold(tinybms_session_t *session)
{
    session->holding = false;
    session->snapshot_ready = session->snapshot_ready || session->snapshot_held;
    session->snapshot_held = false;
}

static void show_faults(tinybms_session_t *session)
{
    tinybms_snapshot_t *const snapshot = &session->snapshot;
    snapshot->fault_count =
        (uint8_t)tinybms_event_log_unrecovered(&session->known, snapshot->faults, TINYBMS_FAULTS_MAX);
}

void tinybms_session_doubt_events(tinybms_session_t *session)
{
    const bool was_doubtful = session->snapshot.events_doubtful;
    session->snapshot.events_doubtful = true;
    session->due_ms[TINYBMS_JOB_EVENTS_ALL] = session->last_ms;
    if (!was_doubtful && in_fault(session)) {
        begin_hold(session);
    }
}

/** The time of the calm has to be younger than 2^24 s after it. */
static void tell_calm_again(tinybms_session_t *session)
{
    tinybms_events_over_t *const over = &session->snapshot.over;
    if (over->event.id != 0 && session->bms_time_s - over->bms_time_s >= TELL_AGAIN_S) {
        over->bms_time_s = session->bms_time_s;
    }
}

/** Out of the fault state for so long, and no new event: whatever is listed is over, and what may be missing too. */
static void note_calm(tinybms_session_t *session)
{
    tinybms_snapshot_t *const snapshot = &session->snapshot;
    if (session->calm_blocks < CALM_BLOCKS) {
        session->calm_blocks++;
        if (session->calm_blocks == CALM_BLOCKS) {
            const tinybms_event_t ended = tinybms_event_log_end_all(&session->known);
            if (ended.id != 0) {
                snapshot->over = (tinybms_events_over_t){.event = ended, .bms_time_s = session->bms_time_s};
            }
            show_faults(session);
        }
    }
    if (session->calm_blocks == CALM_BLOCKS) {
        tell_calm_again(session);
        snapshot->events_doubtful = snapshot->events_doubtful && !snapshot->events_known;
    }
}

/** Held until an event explains the fault, or the whole list is there: one or two exchanges, not a poll. */
void tinybms_session_note_status(tinybms_session_t *session, uint16_t status)
{
    const bool changed = status != session->last_status;
    const bool may_ask = session->due_ms[TINYBMS_JOB_EVENTS_NEWEST] != TINYBMS_SESSION_NEVER;
    session->last_status = status;
    if (changed && may_ask) {
        session->due_ms[TINYBMS_JOB_EVENTS_NEWEST] = session->last_ms;
    }
    if (in_fault(session)) {
        session->calm_blocks = 0;
        if (changed && may_ask) {
            begin_hold(session);
        }
        return;
    }
    tinybms_session_end_hold(session);
    note_calm(session);
}

void tinybms_session_recall(tinybms_session_t *session, const tinybms_events_over_t *over)
{
    session->snapshot.over = *over;
    session->bms_time_s = over->bms_time_s;
}

/** What was there before the gateway came is history, not news. */
static void tell_event(tinybms_session_t *session, const tinybms_event_t *event)
{
    if (!session->snapshot.events_known) {
        return;
    }
    if (event->id == TINYBMS_EVENT_SYSTEM_STARTED) { /* it may have been started to take new settings */
        session->due_ms[TINYBMS_JOB_SETTINGS] = session->last_ms;
    }
    if (session->fresh_count < TINYBMS_FRESH_MAX) {
        session->fresh[session->fresh_count++] = *event;
        session->counters.events++;
    }
}

/** A clock that goes back is a BMS that was started: an event that has the stamp of an old one may be a new one. */
static void note_bms_time(tinybms_session_t *session, uint32_t bms_time_s)
{
    if (bms_time_s < session->bms_time_s) {
        tinybms_event_log_doubt_all(&session->known);
        session->snapshot.over = (tinybms_events_over_t){0};
        session->calm_blocks = 0;
        session->due_ms[TINYBMS_JOB_SETTINGS] = session->last_ms;
    }
    session->bms_time_s = bms_time_s;
}

/** When the lists are asked for again. In a fault a second one may follow, which forbids something else. */
static void schedule_events(tinybms_session_t *session)
{
    const int64_t now_ms = session->last_ms;
    int64_t *const all_due_ms = &session->due_ms[TINYBMS_JOB_EVENTS_ALL];
    session->due_ms[TINYBMS_JOB_EVENTS_NEWEST] =
        now_ms + (in_fault(session) ? session->config.poll_ms : session->config.events_ms);
    if (in_fault(session) && session->snapshot.fault_count == 0) {
        const bool asked = session->job == TINYBMS_JOB_EVENTS_ALL || !session->holding;
        *all_due_ms = tinybms_session_earlier(*all_due_ms, now_ms + (asked ? UNEXPLAINED_AGAIN_MS : 0));
    }
}

/** Where a BMS never gives its whole list, newest events that go back to one that is known lack none. */
static bool gapless(const tinybms_session_t *session, size_t fresh, size_t count)
{
    return !session->list_given && !session->retried && fresh < count;
}

bool tinybms_session_take_events(tinybms_session_t *session, const tinybms_answer_t *answer)
{
    tinybms_event_t events[TINYBMS_EVENTS_MAX];
    uint32_t bms_time_s = 0;
    size_t count = 0;
    const bool all = session->job == TINYBMS_JOB_EVENTS_ALL;
    if (!tinybms_answer_events(answer, &bms_time_s, events, TINYBMS_EVENTS_MAX, &count)) {
        return false;
    }
    note_bms_time(session, bms_time_s);
    const bool first = all ? !session->list_given : !session->snapshot.events_known;
    const size_t fresh =
        tinybms_event_log_take(&session->known, events, count, all ? TINYBMS_LIST_ALL : TINYBMS_LIST_NEWEST);
    if (first) {
        tinybms_event_log_end_until(&session->known, &session->snapshot.over, bms_time_s);
    }
    if (all && !tinybms_event_log_lists(&session->known, &session->snapshot.over.event)) {
        session->snapshot.over = (tinybms_events_over_t){0};
    }
    for (size_t i = 0; i < fresh; i++) {
        tell_event(session, &events[i]);
    }
    session->calm_blocks = fresh > 0 ? 0 : session->calm_blocks;
    session->list_given = session->list_given || all;
    session->snapshot.events_known = true;
    session->snapshot.events_doubtful = session->snapshot.events_doubtful && !all && !gapless(session, fresh, count);
    show_faults(session);
    schedule_events(session);
    if (!all && session->retried) {
        tinybms_session_doubt_events(session);
    }
    if (all || explained(session)) {
        tinybms_session_end_hold(session);
    }
    return true;
}
