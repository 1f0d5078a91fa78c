/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Session with one TinyBMS: is given time and bytes, yields requests, snapshots, events and write results.
 *
 * Use: feed what the line brought, then call tinybms_session_step() until it returns TINYBMS_ACTION_NONE, then sleep
 * until tinybms_session_deadline_ms() or until bytes arrive.
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
    int32_t poll_ms;           /**< live block, 100..2000 */
    int32_t settings_ms;       /**< settings and version again */
    int32_t statistics_ms;     /**< statistics block */
    int32_t events_ms;         /**< newest events */
    int32_t answer_timeout_ms; /**< from the end of a request to its whole answer */
    int32_t backoff_max_ms;    /**< longest pause after lost answers */
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
    uint32_t timeouts;      /**< requests given up, after the retry */
    uint32_t nacks;         /**< negative answers */
    uint32_t crc_errors;    /**< frames rejected by the parser */
    uint32_t bytes_skipped; /**< bytes that belonged to no frame: noise, ASCII broadcasts */
    uint32_t unexpected;    /**< good frames that answer no open request */
    uint32_t implausible;   /**< live blocks refused: value out of what the protocol can say */
    uint32_t snapshots;
    uint32_t events;        /**< new events yielded */
    uint32_t writes;        /**< writes verified */
    uint32_t writes_failed; /**< writes refused, not answered, or not verified */
} tinybms_counters_t;

/** @brief What the caller has to do next. */
typedef enum {
    TINYBMS_ACTION_NONE = 0,   /**< nothing until the deadline or until bytes arrive */
    TINYBMS_ACTION_SEND,       /**< send `send.bytes` */
    TINYBMS_ACTION_SNAPSHOT,   /**< a new snapshot: tinybms_session_snapshot() */
    TINYBMS_ACTION_EVENT,      /**< a new event of the BMS */
    TINYBMS_ACTION_WRITE_DONE, /**< the write given to tinybms_session_write() has ended */
} tinybms_action_type_t;

/** @brief One thing to do; the member that counts is named after the type. */
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

/** @brief New events that wait to be told: the BMS keeps 49. */
#define TINYBMS_FRESH_MAX 49

/**
 * @brief What a request is for. **The order is the priority**: of the jobs that are due, the first one is sent. The live
 * block comes first, because every limit waits for it; a person waits for a write; limits wait for settings and events.
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
    bool list_given; /**< the whole list of events, ever */
    bool retried;
    bool heard;               /**< some bytes came since it was sent */
    uint32_t crc_errors_then; /**< parser's counter when it was sent */
    int64_t sent_ms;
    int64_t heard_ms;
    uint8_t request[TINYBMS_FRAME_MAX];
    size_t request_length;
    uint32_t silent_in_row; /**< live blocks given up without a byte */

    bool complete; /**< settings and events have been known once */
    bool snapshot_ready;
    bool holding; /**< a fault has appeared or an event may be lost: snapshots wait for what explains it */
    int64_t hold_until_ms;
    bool snapshot_held;   /**< one waits */
    uint16_t last_status; /**< register 50 of the last live block */
    uint8_t calm_blocks;  /**< live blocks in a row out of the fault state, since the last new event; 3 at most */

    uint32_t bms_time_s; /**< of the newest list; before the first what tinybms_session_recall() gave */
    tinybms_event_log_t known;
    tinybms_event_t fresh[TINYBMS_FRESH_MAX]; /**< to be told */
    size_t fresh_count;

    bool write_active;
    bool write_done;
    uint8_t write_failures;
    tinybms_write_t write;
    tinybms_write_result_t write_result;
} tinybms_session_t;

/**
 * @brief Begins a session.
 * @param[out] session filled
 * @param config times; values out of range are brought into it
 * @param now_ms present time, any start, 64 bits so that it does not wrap
 */
void tinybms_session_init(tinybms_session_t *session, const tinybms_session_config_t *config, int64_t now_ms);

/**
 * @brief Gives back what a session before it knew to be over: call it after tinybms_session_init(). A session that
 * begins within a fault could not tell it, for nothing in the list of the BMS may say so. It counts for the first
 * newest events and the first whole list, unless the time of the BMS is before that of the calm.
 */
void tinybms_session_recall(tinybms_session_t *session, const tinybms_events_over_t *over);

/** @brief Gives the session bytes from the line, any number, in any pieces. */
void tinybms_session_feed(tinybms_session_t *session, const uint8_t *bytes, size_t length, int64_t now_ms);

/** @brief What is to be done next; call it until it returns TINYBMS_ACTION_NONE. */
tinybms_action_t tinybms_session_step(tinybms_session_t *session, int64_t now_ms);

/** @brief When tinybms_session_step() has to be called at the latest, should no bytes arrive before. */
int64_t tinybms_session_deadline_ms(const tinybms_session_t *session);

/** @brief The newest snapshot; NULL before the first. Valid until the next call with this session. */
const tinybms_snapshot_t *tinybms_session_snapshot(const tinybms_session_t *session);

/** @brief Registers 300..343 as they were read last; NULL: not known. Valid until the next call with this session. */
const uint16_t *tinybms_session_settings(const tinybms_session_t *session);

/** @brief Cells that the newest live block measures; 0: not known, or not any more. */
uint8_t tinybms_session_cells(const tinybms_session_t *session);

/**
 * @brief Asks for a write. A setting is judged by the settings that the BMS has then.
 * @return PENDING: the result follows as TINYBMS_ACTION_WRITE_DONE; else the refusal, nothing is sent
 */
tinybms_write_result_t tinybms_session_write(tinybms_session_t *session, const tinybms_write_request_t *request,
                                             int64_t now_ms);

/** @brief Changes the polling period, brought into 100..2000 ms. */
void tinybms_session_set_poll_ms(tinybms_session_t *session, int32_t poll_ms);

/** @brief Counters since the start of the session. */
const tinybms_counters_t *tinybms_session_counters(const tinybms_session_t *session);

#ifdef __cplusplus
}
#endif
