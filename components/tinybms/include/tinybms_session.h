/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Session with one TinyBMS: takes time and bytes, returns requests, snapshots, events and write results. Pure.
 *
 * Feed it the bytes from the line, then call tinybms_session_step() until it returns TINYBMS_ACTION_NONE, then sleep
 * until tinybms_session_deadline_ms() or until bytes arrive.
 *
 * @code{.c}
 * static tinybms_session_t session;
 * const tinybms_session_config_t config = TINYBMS_SESSION_DEFAULT_CONFIG();
 * tinybms_session_init(&session, &config, now_ms);
 * tinybms_session_feed(&session, bytes, length, now_ms);
 * const tinybms_action_t action = tinybms_session_step(&session, now_ms); // e.g. send action.send.bytes
 * const int64_t wake_at_ms = tinybms_session_deadline_ms(&session);
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_event_log.h"
#include "tinybms_frame.h"
#include "tinybms_snapshot.h"
#include "tinybms_write.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Times of a session, all in ms. */
typedef struct {
    int32_t poll_ms;           /**< period of the live block, 100..2000 */
    int32_t settings_ms;       /**< period of settings and version, at least 1000 */
    int32_t statistics_ms;     /**< period of the statistics block, at least 1000 */
    int32_t events_ms;         /**< period of the newest events, at least 200 */
    int32_t answer_timeout_ms; /**< from sending a request to its complete answer, 50..1000 */
    int32_t backoff_max_ms;    /**< longest pause after lost answers, 100..1000 */
} tinybms_session_config_t;

/** @brief 200 ms polls, settings every 60 s, statistics every 10 s, events every 1 s, 150 ms timeout, 1 s back-off. */
#define TINYBMS_SESSION_DEFAULT_CONFIG()                                                                               \
    {                                                                                                                  \
        .poll_ms = 200, .settings_ms = 60000, .statistics_ms = 10000, .events_ms = 1000, .answer_timeout_ms = 150,     \
        .backoff_max_ms = 1000                                                                                         \
    }

/** @brief Counters since tinybms_session_init(); they wrap at 2^32. */
typedef struct {
    uint32_t requests;      /**< frames sent, retries included */
    uint32_t answers;       /**< answers that matched a request */
    uint32_t retries;       /**< second sends: wake-up and immediate retry */
    uint32_t timeouts;      /**< requests abandoned after the retry */
    uint32_t nacks;         /**< negative answers */
    uint32_t crc_errors;    /**< frames rejected by the parser */
    uint32_t bytes_skipped; /**< bytes that belonged to no frame: noise, ASCII broadcasts */
    uint32_t unexpected;    /**< good frames that answer no open request */
    uint32_t implausible;   /**< answers rejected: values or lengths that the protocol cannot have */
    uint32_t snapshots;
    uint32_t events;        /**< new events found */
    uint32_t writes;        /**< writes verified */
    uint32_t writes_failed; /**< writes refused, not answered, or not verified */
} tinybms_counters_t;

/** @brief What the caller has to do next. */
typedef enum {
    TINYBMS_ACTION_NONE = 0,   /**< nothing until the deadline or until bytes arrive */
    TINYBMS_ACTION_SEND,       /**< send `send.bytes` */
    TINYBMS_ACTION_SNAPSHOT,   /**< take the new snapshot from tinybms_session_snapshot() */
    TINYBMS_ACTION_EVENT,      /**< take `event`, a new event of the BMS */
    TINYBMS_ACTION_WRITE_DONE, /**< take `write_done`: the write that tinybms_session_write() began has ended */
} tinybms_action_type_t;

/** @brief One thing to do; the type decides which member is valid. */
typedef struct {
    tinybms_action_type_t type;
    union {
        struct {
            const uint8_t *bytes; /**< valid until the next call with this session */
            size_t length;
        } send;
        tinybms_event_t event;
        tinybms_write_result_t write_done;
    };
} tinybms_action_t;

/** @brief Most new events that can wait for tinybms_session_step(): the BMS keeps 49. */
#define TINYBMS_FRESH_MAX 49

/**
 * @brief Purpose of a request. **The order is the priority**: of all jobs that are due, the first one is sent. The live
 * block comes first, because every limit depends on it. A person waits for a write; limits wait for settings and
 * events.
 */
typedef enum {
    TINYBMS_JOB_LIVE = 0,
    TINYBMS_JOB_WRITE,
    TINYBMS_JOB_SETTINGS,
    TINYBMS_JOB_EVENTS_ALL,
    TINYBMS_JOB_VERSION,
    TINYBMS_JOB_EVENTS_NEWEST,
    TINYBMS_JOB_STATISTICS,
    TINYBMS_JOB_COUNT
} tinybms_job_t;

/** @brief State of a session; the caller owns it, the members are private to tinybms_session.c. */
typedef struct {
    tinybms_session_config_t config;
    tinybms_parser_t parser;
    tinybms_counters_t counters;
    tinybms_snapshot_t snapshot;
    int64_t last_ms;                   /**< newest time seen */
    int64_t due_ms[TINYBMS_JOB_COUNT]; /**< INT64_MAX = not wanted */

    bool waiting; /**< a request is open */
    tinybms_job_t job;
    bool list_given; /**< the BMS has sent its whole list of events at least once */
    bool retried;
    bool heard;               /**< bytes have come since the request was sent */
    uint32_t crc_errors_then; /**< the parser's counter when the request was sent */
    int64_t sent_ms;
    int64_t heard_ms;
    uint8_t request[TINYBMS_FRAME_MAX];
    size_t request_length;
    uint32_t silent_in_row; /**< consecutive live blocks abandoned without a byte */

    bool complete; /**< settings and events have been known once */
    bool snapshot_ready;
    bool holding; /**< a fault has appeared or an event may be lost: snapshots wait for the explanation */
    int64_t hold_until_ms;
    bool snapshot_held;   /**< a snapshot waits */
    uint16_t last_status; /**< register 50 of the last live block */
    uint8_t calm_blocks;  /**< consecutive live blocks out of the fault state, since the last new event; 3 at most */

    uint32_t bms_time_s; /**< of the newest list; before the first, from tinybms_session_recall() */
    tinybms_event_log_t known;
    tinybms_event_t fresh[TINYBMS_FRESH_MAX]; /**< new events that wait */
    size_t fresh_count;

    bool write_active;
    bool write_done;
    uint8_t write_failures;
    tinybms_write_t write;
    tinybms_write_result_t write_result;
} tinybms_session_t;

/**
 * @brief Starts a session.
 * @param[out] session filled
 * @param config times; values out of range are clamped
 * @param now_ms present time on any clock; 64 bits, so that it never wraps
 */
void tinybms_session_init(tinybms_session_t *session, const tinybms_session_config_t *config, int64_t now_ms);

/**
 * @brief Restores what an earlier session knew to be over. Call it after tinybms_session_init(): a session that starts
 * during a fault could not find it out, because the BMS list may not show it. It is used for the first list of newest
 * events and the first whole list, unless the BMS time is earlier than that of the calm.
 */
void tinybms_session_recall(tinybms_session_t *session, const tinybms_events_over_t *over);

/**
 * @brief Feeds bytes from the line, any number, in any pieces.
 * @param session the session
 * @param bytes,length from the line
 * @param now_ms present time, same clock as in tinybms_session_init()
 */
void tinybms_session_feed(tinybms_session_t *session, const uint8_t *bytes, size_t length, int64_t now_ms);

/**
 * @brief What to do next. Call it until it returns TINYBMS_ACTION_NONE.
 * @param session the session
 * @param now_ms present time, same clock as in tinybms_session_init()
 */
tinybms_action_t tinybms_session_step(tinybms_session_t *session, int64_t now_ms);

/** @brief Latest time for the next call of tinybms_session_step() if no bytes arrive before, ms. */
int64_t tinybms_session_deadline_ms(const tinybms_session_t *session);

/** @brief The newest snapshot; NULL before the first. Valid until the next call with this session. */
const tinybms_snapshot_t *tinybms_session_snapshot(const tinybms_session_t *session);

/** @brief Registers 300..343 as last read; NULL = not known. Valid until the next call with this session. */
const uint16_t *tinybms_session_settings(const tinybms_session_t *session);

/** @brief Number of cells that the newest live block measures; 0 = not known, or older than 3 s. */
uint8_t tinybms_session_cells(const tinybms_session_t *session);

/**
 * @brief Asks for a write. A setting is judged against the settings that the BMS has at that time.
 * @param session the session
 * @param request what to write
 * @param now_ms present time, same clock as in tinybms_session_init()
 * @return `status` is
 * - TINYBMS_WRITE_PENDING: accepted; the result follows as TINYBMS_ACTION_WRITE_DONE
 * - TINYBMS_WRITE_UNKNOWN_REGISTER, TINYBMS_WRITE_NOT_WRITABLE, TINYBMS_WRITE_OUT_OF_RANGE: as tinybms_write_check()
 * - TINYBMS_WRITE_BUSY: another write is in progress
 */
tinybms_write_result_t tinybms_session_write(tinybms_session_t *session, const tinybms_write_request_t *request,
                                             int64_t now_ms);

/** @brief Changes the polling period, clamped to 100..2000 ms. */
void tinybms_session_set_poll_ms(tinybms_session_t *session, int32_t poll_ms);

/** @brief Counters since the start of the session. */
const tinybms_counters_t *tinybms_session_counters(const tinybms_session_t *session);

#ifdef __cplusplus
}
#endif
