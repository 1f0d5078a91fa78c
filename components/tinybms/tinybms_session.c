/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The session: when to ask for which block, timeouts, retries, and the queue of one write. Events and faults are in
 * tinybms_session_events.c, the steps of a write in tinybms_write.c.
 */
#include "tinybms_session.h"

#include <assert.h>
#include <string.h>

#include "tinybms_addresses.h"
#include "tinybms_events.h"
#include "tinybms_session_private.h"

#define GARBLED_AFTER_MS      40 /**< silence in the middle of an answer; USB adapters deliver in lumps of 16 ms */
#define SILENT_BEFORE_PAUSE   3  /**< lost live blocks before the pauses grow: a bad line is not a dead one */
#define TRY_AGAIN_MS          50 /**< other blocks, after a garbled answer */
#define TRY_AGAIN_SILENT_MS   500
#define REFUSED_AGAIN_MS      1000 /**< other blocks that are needed, after a negative answer */
#define WRITE_FAILURES_MAX    3
#define RESET_FAILURES_MAX    10   /**< a BMS that was reset takes a while to be back */
#define LIVE_AFTER_FAILURE_MS 20   /**< between two tries of a live block that both came garbled */
#define SETTINGS_AGAIN_MS     500  /**< a second look at settings that have changed */
#define CELLS_KNOWN_MS        3000 /**< from the live block that they were measured in */

static int32_t clamp(int32_t value, int32_t min, int32_t max)
{
    return value < min ? min : (value > max ? max : value);
}

void tinybms_session_set_poll_ms(tinybms_session_t *session, int32_t poll_ms)
{
    session->config.poll_ms = clamp(poll_ms, 100, 2000);
}

void tinybms_session_init(tinybms_session_t *session, const tinybms_session_config_t *config, int64_t now_ms)
{
    memset(session, 0, sizeof(*session));
    session->config = (tinybms_session_config_t){
        .settings_ms = clamp(config->settings_ms, 1000, INT32_MAX),
        .statistics_ms = clamp(config->statistics_ms, 1000, INT32_MAX),
        .events_ms = clamp(config->events_ms, 200, INT32_MAX),
        .answer_timeout_ms = clamp(config->answer_timeout_ms, 50, 1000),
        .backoff_max_ms = clamp(config->backoff_max_ms, 100, 1000),
    };
    tinybms_session_set_poll_ms(session, config->poll_ms);
    session->last_ms = now_ms;
    for (size_t i = 0; i < TINYBMS_JOB_COUNT; i++) {
        session->due_ms[i] = now_ms;
    }
    session->due_ms[TINYBMS_JOB_WRITE] = TINYBMS_SESSION_NEVER;
    session->due_ms[TINYBMS_JOB_EVENTS_NEWEST] = TINYBMS_SESSION_NEVER; /* wanted once all events are known */
    session->snapshot.events_doubtful = true;
}

/** A clock that is set back must not leave anything waiting for the old time. */
static void note_time(tinybms_session_t *session, int64_t now_ms)
{
    if (now_ms < session->last_ms) {
        const int64_t shift = now_ms - session->last_ms;
        for (size_t i = 0; i < TINYBMS_JOB_COUNT; i++) {
            session->due_ms[i] += session->due_ms[i] == TINYBMS_SESSION_NEVER ? 0 : shift;
        }
        session->sent_ms += shift;
        session->heard_ms += shift;
        session->hold_until_ms += shift;
    }
    session->last_ms = now_ms;
}

static bool silent(const tinybms_session_t *session)
{
    return session->silent_in_row >= SILENT_BEFORE_PAUSE;
}

static void give_up(tinybms_session_t *session);
static void give_up_write(tinybms_session_t *session, bool maybe_performed);

/* ---- answers ---- */

static void take_live(tinybms_session_t *session, const tinybms_answer_t *answer)
{
    uint16_t live[TINYBMS_LIVE_COUNT];
    if (tinybms_answer_registers(answer, live, TINYBMS_LIVE_COUNT) != TINYBMS_LIVE_COUNT ||
        !tinybms_live_plausible(live)) {
        session->counters.implausible++;
        return;
    }
    tinybms_snapshot_t *const snapshot = &session->snapshot;
    memcpy(snapshot->live, live, sizeof(live));
    snapshot->taken_ms = session->last_ms;
    snapshot->sequence++;
    session->counters.snapshots++;
    tinybms_session_note_status(session, live[TINYBMS_REG_ONLINE_STATUS]);
    session->snapshot_held = session->holding;
    session->snapshot_ready = session->snapshot_ready || !session->holding;
}

/** What a start waits for is there: the first block with all of it must not wait for the next poll, the GX waits for
 * it. */
static void note_complete(tinybms_session_t *session)
{
    if (!session->complete && session->snapshot.settings_known && session->snapshot.events_known) {
        session->complete = true;
        session->due_ms[TINYBMS_JOB_LIVE] = session->last_ms;
    }
}

static bool is_events_job(tinybms_job_t job)
{
    return job == TINYBMS_JOB_EVENTS_ALL || job == TINYBMS_JOB_EVENTS_NEWEST;
}

static void end_write(tinybms_session_t *session, const tinybms_write_result_t *result)
{
    const bool wrote = session->write.request.kind != TINYBMS_WRITE_NOTHING;
    session->write_active = false;
    session->write_done = true;
    session->write_result = *result;
    session->due_ms[TINYBMS_JOB_WRITE] = TINYBMS_SESSION_NEVER;
    if (session->write.request.kind == TINYBMS_WRITE_OPTIONS) {
        return; /* nothing can have changed */
    }
    if (result->status == TINYBMS_WRITE_OK) {
        session->counters.writes += wrote ? 1 : 0;
    } else {
        session->counters.writes_failed++;
    }
    session->due_ms[TINYBMS_JOB_SETTINGS] = session->last_ms;
    session->due_ms[TINYBMS_JOB_EVENTS_ALL] = session->last_ms;
}

/** Those that limits are made of; others, such as 323 and 328, may change by themselves. */
static bool limits_alike(const uint16_t *a, const uint16_t *b)
{
    static const struct {
        uint16_t first;
        uint16_t last;
    } used[] = {
        {TINYBMS_REG_FULLY_CHARGED_VOLTAGE, TINYBMS_REG_FULLY_DISCHARGED_VOLTAGE},
        {TINYBMS_REG_EARLY_BALANCING_THRESHOLD, TINYBMS_REG_SERIES_CELLS},
        {TINYBMS_REG_OVER_VOLTAGE_CUTOFF, TINYBMS_REG_CHARGE_RESTART_LEVEL},
        {TINYBMS_REG_CHARGE_RESTART_LEVEL_ENABLED, TINYBMS_REG_CHARGE_RESTART_LEVEL_ENABLED},
    };
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        const size_t from = used[i].first - TINYBMS_SETTINGS_FIRST;
        const size_t words = used[i].last - used[i].first + 1U;
        if (memcmp(&a[from], &b[from], words * sizeof(a[0])) != 0) {
            return false;
        }
    }
    return true;
}

/** The first ones, and those that have changed, are looked at a second time: what loosens a limit has to be read twice.
 */
static void take_settings(tinybms_session_t *session, const tinybms_answer_t *answer)
{
    tinybms_snapshot_t *const snapshot = &session->snapshot;
    uint16_t settings[TINYBMS_SETTINGS_COUNT];
    if (tinybms_answer_registers(answer, settings, TINYBMS_SETTINGS_COUNT) != TINYBMS_SETTINGS_COUNT) {
        return;
    }
    const bool alike = snapshot->settings_known && limits_alike(snapshot->settings, settings);
    if (!alike) {
        session->due_ms[TINYBMS_JOB_SETTINGS] = session->last_ms + SETTINGS_AGAIN_MS;
    }
    snapshot->settings_alike = (uint8_t)(alike ? clamp(snapshot->settings_alike + 1, 1, UINT8_MAX) : 1);
    memcpy(snapshot->settings, settings, sizeof(settings));
    snapshot->settings_known = true;
    snapshot->settings_ms = session->last_ms;
    note_complete(session);
}

static void take_write(tinybms_session_t *session, const tinybms_answer_t *answer)
{
    int32_t again_after_ms = 0;
    if (session->write.request.kind == TINYBMS_WRITE_NOTHING) {
        take_settings(session, answer);
    }
    const tinybms_write_result_t result = tinybms_write_answer(&session->write, answer, &again_after_ms);
    session->write_failures = 0;
    if (result.status == TINYBMS_WRITE_PENDING) {
        session->due_ms[TINYBMS_JOB_WRITE] = session->last_ms + again_after_ms;
    } else {
        end_write(session, &result);
    }
}

static void take_block(tinybms_session_t *session, const tinybms_answer_t *answer)
{
    tinybms_snapshot_t *const snapshot = &session->snapshot;
    switch (session->job) {
    case TINYBMS_JOB_SETTINGS:
        take_settings(session, answer);
        break;
    case TINYBMS_JOB_VERSION:
        snapshot->version_known =
            tinybms_answer_registers(answer, snapshot->version, TINYBMS_VERSION_COUNT) == TINYBMS_VERSION_COUNT;
        break;
    case TINYBMS_JOB_STATISTICS:
        snapshot->statistics_known = tinybms_answer_registers(answer, snapshot->statistics, TINYBMS_STATISTICS_COUNT) ==
                                     TINYBMS_STATISTICS_COUNT;
        snapshot->statistics_ms = session->last_ms;
        break;
    default:
        break;
    }
}

static int32_t period_of(const tinybms_session_t *session, tinybms_job_t job)
{
    switch (job) {
    case TINYBMS_JOB_LIVE:
        return session->config.poll_ms;
    case TINYBMS_JOB_STATISTICS:
        return session->config.statistics_ms;
    case TINYBMS_JOB_EVENTS_NEWEST:
        return session->config.events_ms;
    default:
        return session->config.settings_ms;
    }
}

static bool block_known(const tinybms_session_t *session)
{
    switch (session->job) {
    case TINYBMS_JOB_SETTINGS:
        return false; /* limits come from them, and a write may just have changed them */
    case TINYBMS_JOB_VERSION:
        return session->snapshot.version_known;
    case TINYBMS_JOB_EVENTS_ALL:
        return session->snapshot.events_known && !session->snapshot.events_doubtful;
    default:
        return true;
    }
}

/** A request that came to the BMS damaged is as good as lost; one that it will not perform is asked again later. */
static void take_refusal(tinybms_session_t *session, const tinybms_answer_t *answer)
{
    const bool damaged = answer->error == TINYBMS_ERROR_CRC;
    if (session->job == TINYBMS_JOB_WRITE) {
        if (damaged) {
            give_up_write(session, false);
        } else {
            take_write(session, answer);
        }
        return;
    }
    if (damaged) {
        give_up(session);
        return;
    }
    if (!block_known(session)) {
        session->due_ms[session->job] = session->last_ms + REFUSED_AGAIN_MS;
    }
    if (session->job == TINYBMS_JOB_EVENTS_NEWEST && session->snapshot.events_known) {
        tinybms_session_doubt_events(session);
    } else if (session->job == TINYBMS_JOB_EVENTS_ALL && !session->snapshot.events_known) {
        session->snapshot.events_doubtful = false; /* a BMS that has no whole list to give; it may have the newest */
        session->due_ms[TINYBMS_JOB_EVENTS_NEWEST] =
            tinybms_session_earlier(session->due_ms[TINYBMS_JOB_EVENTS_NEWEST], session->last_ms + REFUSED_AGAIN_MS);
    }
}

static void take_answer(tinybms_session_t *session, const tinybms_answer_t *answer)
{
    if (!session->waiting) {
        session->counters.unexpected++;
        return;
    }
    session->waiting = false;
    session->silent_in_row = 0;
    session->counters.answers++;
    if (session->job != TINYBMS_JOB_LIVE && session->job != TINYBMS_JOB_WRITE) {
        session->due_ms[session->job] = session->last_ms + period_of(session, session->job);
    }
    if (answer->command == TINYBMS_CMD_NACK) {
        session->counters.nacks++;
        take_refusal(session, answer);
        return;
    }
    if (session->job == TINYBMS_JOB_WRITE) {
        take_write(session, answer);
        return;
    }
    if (session->job == TINYBMS_JOB_LIVE) {
        take_live(session, answer);
    } else if (is_events_job(session->job)) {
        if (!tinybms_session_take_events(session, answer)) {
            session->counters.implausible++;
            give_up(session);
        }
        note_complete(session);
    } else {
        take_block(session, answer);
    }
}

static void take_counters(tinybms_session_t *session)
{
    session->counters.crc_errors = session->parser.crc_errors;
    session->counters.bytes_skipped = session->parser.bytes_skipped;
}

void tinybms_session_feed(tinybms_session_t *session, const uint8_t *bytes, size_t length, int64_t now_ms)
{
    tinybms_answer_t answer;
    size_t taken = 0;
    note_time(session, now_ms);
    session->heard = session->heard || length > 0;
    session->heard_ms = now_ms;
    while (taken < length) {
        taken += tinybms_parser_feed(&session->parser, &bytes[taken], length - taken);
        while (tinybms_parser_next(&session->parser, &answer)) {
            take_answer(session, &answer);
        }
    }
    take_counters(session);
}

/* ---- requests ---- */

static tinybms_request_t block(uint16_t first, uint16_t count)
{
    return (tinybms_request_t){.command = TINYBMS_CMD_READ_MODBUS, .address = first, .count = count};
}

static tinybms_request_t request_of(const tinybms_session_t *session, tinybms_job_t job, int16_t *payload_length)
{
    tinybms_request_t request = {0};
    switch (job) {
    case TINYBMS_JOB_WRITE:
        tinybms_write_request(&session->write, &request, payload_length);
        return request;
    case TINYBMS_JOB_EVENTS_ALL:
        request.command = TINYBMS_CMD_ALL_EVENTS;
        break;
    case TINYBMS_JOB_EVENTS_NEWEST:
        request.command = TINYBMS_CMD_NEWEST_EVENTS;
        break;
    case TINYBMS_JOB_SETTINGS:
        request = block(TINYBMS_SETTINGS_FIRST, TINYBMS_SETTINGS_COUNT);
        break;
    case TINYBMS_JOB_VERSION:
        request = block(TINYBMS_VERSION_FIRST, TINYBMS_VERSION_COUNT);
        break;
    case TINYBMS_JOB_STATISTICS:
        request = block(TINYBMS_STATISTICS_FIRST, TINYBMS_STATISTICS_COUNT);
        break;
    case TINYBMS_JOB_LIVE:
    default:
        request = block(TINYBMS_LIVE_FIRST, TINYBMS_LIVE_COUNT);
        break;
    }
    *payload_length = request.command == TINYBMS_CMD_READ_MODBUS ? (int16_t)(2 * request.count) : -1;
    return request;
}

static tinybms_action_t send(tinybms_session_t *session)
{
    session->waiting = true;
    session->heard = false;
    session->sent_ms = session->last_ms;
    session->crc_errors_then = session->parser.crc_errors;
    session->counters.requests++;
    return (tinybms_action_t){.type = TINYBMS_ACTION_SEND,
                              .send = {.bytes = session->request, .length = session->request_length}};
}

static tinybms_action_t begin(tinybms_session_t *session, tinybms_job_t job)
{
    int16_t payload_length = -1;
    const tinybms_request_t request = request_of(session, job, &payload_length);
    session->request_length = tinybms_request_encode(&request, session->request, sizeof(session->request));
    assert(!session->waiting && session->request_length > 0); /* one request at a time */
    session->job = job;
    session->retried = false;
    tinybms_parser_reset(&session->parser);
    tinybms_parser_expect(&session->parser, (uint8_t)request.command, payload_length);
    if (job == TINYBMS_JOB_LIVE) { /* a late poll does not make the following ones early */
        const int64_t next = session->due_ms[job] + session->config.poll_ms;
        session->due_ms[job] = next > session->last_ms ? next : session->last_ms + session->config.poll_ms;
    }
    return send(session);
}

static void give_up_live(tinybms_session_t *session)
{
    if (session->heard) {
        session->silent_in_row = 0;
        if (session->due_ms[TINYBMS_JOB_LIVE] > session->last_ms + LIVE_AFTER_FAILURE_MS) {
            session->due_ms[TINYBMS_JOB_LIVE] = session->last_ms + LIVE_AFTER_FAILURE_MS;
        }
        return;
    }
    session->silent_in_row++;
    if (silent(session)) {
        const uint32_t growth = session->silent_in_row - SILENT_BEFORE_PAUSE;
        const int64_t pause = (int64_t)session->config.poll_ms << (growth < 5 ? growth : 5);
        const int64_t longest = session->config.backoff_max_ms;
        session->due_ms[TINYBMS_JOB_LIVE] = session->last_ms + (pause < longest ? pause : longest);
    }
}

/** A reset that was sent may have been performed: it is looked for, not sent a second time. */
static bool resetting(const tinybms_session_t *session)
{
    return session->job == TINYBMS_JOB_WRITE && session->write.request.kind == TINYBMS_WRITE_RESET_BMS &&
           session->write.step == TINYBMS_STEP_WRITE;
}

static void give_up_write(tinybms_session_t *session, bool maybe_performed)
{
    const bool reset = session->write.request.kind == TINYBMS_WRITE_RESET_BMS;
    if (resetting(session) && maybe_performed) {
        session->write.step = TINYBMS_STEP_VERIFY;
    }
    session->write_failures++;
    session->due_ms[TINYBMS_JOB_WRITE] = session->last_ms + (session->heard ? TRY_AGAIN_MS : TRY_AGAIN_SILENT_MS);
    if (session->write_failures >= (reset ? RESET_FAILURES_MAX : WRITE_FAILURES_MAX)) {
        const tinybms_write_result_t result = {.status = TINYBMS_WRITE_NOT_ANSWERED};
        end_write(session, &result);
    }
}

static void give_up(tinybms_session_t *session)
{
    session->waiting = false;
    session->counters.timeouts++;
    switch (session->job) {
    case TINYBMS_JOB_LIVE:
        give_up_live(session);
        break;
    case TINYBMS_JOB_WRITE:
        give_up_write(session, true);
        break;
    default:
        session->due_ms[session->job] = session->last_ms + (session->heard ? TRY_AGAIN_MS : TRY_AGAIN_SILENT_MS);
        break;
    }
    if (session->job == TINYBMS_JOB_EVENTS_NEWEST) {
        tinybms_session_doubt_events(session);
    }
}

/** Whether the open request has to be given up or sent again, because its answer came damaged or not at all. */
static bool answer_lost(tinybms_session_t *session)
{
    const bool damaged = session->parser.crc_errors != session->crc_errors_then;
    const bool broken_off = session->heard && session->last_ms - session->heard_ms >= GARBLED_AFTER_MS;
    const bool late = session->last_ms - session->sent_ms >= session->config.answer_timeout_ms;
    if (!damaged && !broken_off && !late) {
        return false;
    }
    tinybms_answer_t answer;
    while (tinybms_parser_flush(&session->parser, &answer)) { /* a good answer behind a false start */
        take_answer(session, &answer);
    }
    take_counters(session);
    return session->waiting;
}

static bool due(const tinybms_session_t *session, tinybms_job_t job)
{
    return session->due_ms[job] <= session->last_ms;
}

/** The live block goes first; of the others the first in the order of tinybms_job_t. */
static tinybms_action_t next_request(tinybms_session_t *session)
{
    for (tinybms_job_t job = TINYBMS_JOB_LIVE; job < TINYBMS_JOB_COUNT; job++) {
        const bool wanted = job == TINYBMS_JOB_LIVE || job == TINYBMS_JOB_WRITE || !silent(session);
        if (wanted && due(session, job)) {
            return begin(session, job);
        }
    }
    return (tinybms_action_t){.type = TINYBMS_ACTION_NONE};
}

static bool pending_action(tinybms_session_t *session, tinybms_action_t *action)
{
    if (session->snapshot_ready) {
        session->snapshot_ready = false;
        *action = (tinybms_action_t){.type = TINYBMS_ACTION_SNAPSHOT};
        return true;
    }
    if (session->fresh_count > 0) {
        *action = (tinybms_action_t){.type = TINYBMS_ACTION_EVENT, .event = session->fresh[0]};
        session->fresh_count--;
        memmove(&session->fresh[0], &session->fresh[1], session->fresh_count * sizeof(session->fresh[0]));
        return true;
    }
    if (session->write_done) {
        session->write_done = false;
        *action = (tinybms_action_t){.type = TINYBMS_ACTION_WRITE_DONE, .write_done = session->write_result};
        return true;
    }
    return false;
}

tinybms_action_t tinybms_session_step(tinybms_session_t *session, int64_t now_ms)
{
    tinybms_action_t action = {.type = TINYBMS_ACTION_NONE};
    note_time(session, now_ms);
    if (session->waiting && answer_lost(session)) {
        /* The second send at once is also what wakes a sleeping BMS: it swallows the first. */
        if (!session->retried && !resetting(session)) {
            session->retried = true;
            session->counters.retries++;
            return send(session);
        }
        give_up(session);
    }
    if (session->holding && session->last_ms >= session->hold_until_ms) {
        tinybms_session_end_hold(session);
    }
    if (pending_action(session, &action) || session->waiting) {
        return action;
    }
    return next_request(session);
}

int64_t tinybms_session_deadline_ms(const tinybms_session_t *session)
{
    if (session->snapshot_ready || session->fresh_count > 0 || session->write_done) {
        return session->last_ms;
    }
    const int64_t held = session->snapshot_held ? session->hold_until_ms : TINYBMS_SESSION_NEVER;
    if (session->waiting) {
        const int64_t late = tinybms_session_earlier(held, session->sent_ms + session->config.answer_timeout_ms);
        return session->heard ? tinybms_session_earlier(late, session->heard_ms + GARBLED_AFTER_MS) : late;
    }
    int64_t first = tinybms_session_earlier(held, session->due_ms[TINYBMS_JOB_LIVE]);
    for (size_t job = 0; job < TINYBMS_JOB_COUNT; job++) {
        if (job == TINYBMS_JOB_WRITE || !silent(session)) {
            first = tinybms_session_earlier(first, session->due_ms[job]);
        }
    }
    return first;
}

const tinybms_snapshot_t *tinybms_session_snapshot(const tinybms_session_t *session)
{
    return session->snapshot.sequence == 0 ? NULL : &session->snapshot;
}

const uint16_t *tinybms_session_settings(const tinybms_session_t *session)
{
    return session->snapshot.settings_known ? session->snapshot.settings : NULL;
}

uint8_t tinybms_session_cells(const tinybms_session_t *session)
{
    const tinybms_snapshot_t *const snapshot = &session->snapshot;
    const bool known = session->last_ms - snapshot->taken_ms <= CELLS_KNOWN_MS;
    uint8_t cells = 0;
    for (size_t i = 0; known && i < TINYBMS_CELL_REGISTERS; i++) {
        cells = (uint8_t)(cells + (snapshot->live[i] > 0 ? 1 : 0));
    }
    return cells;
}

tinybms_write_result_t tinybms_session_write(tinybms_session_t *session, const tinybms_write_request_t *request,
                                             int64_t now_ms)
{
    tinybms_write_result_t result = tinybms_write_check(request);
    note_time(session, now_ms);
    if (result.status == TINYBMS_WRITE_PENDING && session->write_active) {
        result.status = TINYBMS_WRITE_BUSY;
    }
    if (result.status != TINYBMS_WRITE_PENDING) {
        session->counters.writes_failed++;
        return result;
    }
    tinybms_write_begin(&session->write, request,
                        tinybms_event_log_newest(&session->known, TINYBMS_EVENT_SYSTEM_STARTED),
                        tinybms_session_cells(session));
    session->write_active = true;
    session->write_failures = 0;
    session->due_ms[TINYBMS_JOB_WRITE] = now_ms;
    return result;
}

const tinybms_counters_t *tinybms_session_counters(const tinybms_session_t *session)
{
    return &session->counters;
}
