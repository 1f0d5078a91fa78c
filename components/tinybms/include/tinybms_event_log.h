/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The events that the BMS has reported, oldest first, and which of them still forbid something.
 *
 * Time stamps alone never decide which event came first: two can come in one second, a stamp may be ahead of the BMS
 * time, and 24 bits wrap after 194 days. The order of the list decides.
 *
 * @code{.c}
 * static tinybms_event_log_t log;
 * uint8_t ids[TINYBMS_FAULTS_MAX];
 * tinybms_event_t events[] = {{.time_s = 100, .id = 0x03}, {.time_s = 160, .id = 0x79}};
 * const size_t fresh = tinybms_event_log_take(&log, events, 2, TINYBMS_LIST_ALL); // 2
 * const size_t in_force = tinybms_event_log_unrecovered(&log, ids, TINYBMS_FAULTS_MAX); // 0: 0x79 ends 0x03
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Events that the BMS keeps (registers 200-297). */
#define TINYBMS_EVENTS_KEPT 49

/** @brief Events that a log holds. A full log forgets the oldest one that forbids nothing any more, else the oldest. */
#define TINYBMS_EVENT_LOG_SIZE 56

/** @brief One event of the log. */
typedef struct {
    uint32_t time_s;   /**< as in tinybms_event_t */
    uint8_t id;        /**< as in tinybms_event_t */
    bool over;         /**< the BMS has been out of its fault state since */
    uint8_t unordered; /**< not 0: came in an answer of unknown order; entries with the same number have no order */
} tinybms_log_entry_t;

/** @brief The log. Zeroed = empty. */
typedef struct {
    tinybms_log_entry_t entries[TINYBMS_EVENT_LOG_SIZE]; /**< oldest first */
    size_t count;
    uint8_t unordered_answers; /**< answers of unknown order so far, 1..255, then again from 1 */
    int16_t forward[2];        /**< by tinybms_event_list_t: which way the lists have run so far; 0 = not known */
} tinybms_event_log_t;

/** @brief Kind of a list of events. */
typedef enum {
    TINYBMS_LIST_NEWEST = 0, /**< command 0x11: continues what is known */
    TINYBMS_LIST_ALL,        /**< command 0x12: the BMS has forgotten whatever the list lacks */
} tinybms_event_list_t;

/**
 * @brief Takes an answer.
 * @param log state
 * @param[in,out] events in: oldest or newest first, as their time stamps show. An answer that runs the other way than
 * those before it has no known order, because a stamp may be wrong. Out: the new events, oldest first if the order can
 * be found
 * @param count number of events, 0..TINYBMS_EVENTS_MAX
 * @param list kind of the list
 * @return number of new events
 */
size_t tinybms_event_log_take(tinybms_event_log_t *log, tinybms_event_t *events, size_t count,
                              tinybms_event_list_t list);

/**
 * @brief The BMS was seen out of its fault state: all listed events are over.
 * @param log state
 * @return the newest fault or warning that nothing else had ended; id 0 = none
 */
tinybms_event_t tinybms_event_log_end_all(tinybms_event_log_t *log);

/** @brief Whether the event is listed. */
bool tinybms_event_log_lists(const tinybms_event_log_t *log, const tinybms_event_t *event);

/**
 * @brief Ends the events that are listed no later than a given event and have a stamp no later than the calm that ended
 * it. Both must hold, because a stamp may be wrong and long pauses reverse a list. Ends nothing if the event is not
 * listed, if one wrong stamp could have reversed the list, or if the calm was 2^24 s ago or more. If the event is
 * listed twice, the older entry counts.
 * @param log state
 * @param over the event, and the BMS time at which the BMS was last seen out of its fault state
 * @param bms_time_s present BMS time, s
 */
void tinybms_event_log_end_until(tinybms_event_log_t *log, const tinybms_events_over_t *over, uint32_t bms_time_s);

/** @brief The BMS clock went back, so stamps may occur twice: no listed event counts as over any more. */
void tinybms_event_log_doubt_all(tinybms_event_log_t *log);

/** @brief Newest event with this id; id 0 = none. */
tinybms_event_t tinybms_event_log_newest(const tinybms_event_log_t *log, uint8_t id);

/**
 * @brief The faults and warnings that neither a later event nor the state of the BMS has ended.
 *
 * If the order is not known, every fault counts as later than its recovery.
 * @param log state
 * @param[out] ids each once, oldest first
 * @param capacity of `ids`; TINYBMS_FAULTS_MAX is enough as long as no more than two of them are missing from Rev D
 * @return number of ids
 */
size_t tinybms_event_log_unrecovered(const tinybms_event_log_t *log, uint8_t *ids, size_t capacity);

#ifdef __cplusplus
}
#endif
