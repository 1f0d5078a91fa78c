/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The events that the BMS has told, oldest first, and which of them still forbid something.
 *
 * Which event came first is never decided by time stamps alone: two come in one second, a stamp may be ahead of the
 * BMS's time, and 24 bits wrap after 194 days. The order of the list decides.
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

/** @brief Events a log holds. A full one forgets its oldest, but none that still forbids something before all others.
 */
#define TINYBMS_EVENT_LOG_SIZE 56

/** @brief One event of the log. */
typedef struct {
    uint32_t time_s;   /**< tinybms_event_t */
    uint8_t id;        /**< likewise */
    bool over;         /**< the BMS has been out of its fault state since */
    uint8_t unordered; /**< not 0: came in an answer of unknown order; those with the same number may be either way */
} tinybms_log_entry_t;

/** @brief The log. Zeroed = empty. */
typedef struct {
    tinybms_log_entry_t entries[TINYBMS_EVENT_LOG_SIZE]; /**< oldest first */
    size_t count;
    uint8_t unordered_answers; /**< so many answers of unknown order have been taken, 1..255 and round */
    int16_t forward[2];        /**< by tinybms_event_list_t: which way lists ran so far; 0 = not known */
} tinybms_event_log_t;

/** @brief What a list of events is. */
typedef enum {
    TINYBMS_LIST_NEWEST = 0, /**< command 0x11: follows what is known */
    TINYBMS_LIST_ALL,        /**< command 0x12: what it lacks the BMS has forgotten */
} tinybms_event_list_t;

/**
 * @brief Takes an answer.
 * @param log state
 * @param[in,out] events in either order, which their time stamps tell; an answer that runs otherwise than the ones
 * before it has no known order: a stamp may be wrong; then those that were not known, oldest first when the order can
 * be found
 * @param count how many, 0..TINYBMS_EVENTS_MAX
 * @param list what they are
 * @return how many were not known
 */
size_t tinybms_event_log_take(tinybms_event_log_t *log, tinybms_event_t *events, size_t count,
                              tinybms_event_list_t list);

/**
 * @brief All that is listed is over: the BMS was seen out of its fault state.
 * @return the newest fault or warning that nothing else had ended; id 0 = none
 */
tinybms_event_t tinybms_event_log_end_all(tinybms_event_log_t *log);

/** @brief Whether the event is listed. */
bool tinybms_event_log_lists(const tinybms_event_log_t *log, const tinybms_event_t *event);

/**
 * @brief What is listed up to an event, and is no younger than the calm that ended it, is over. Both have to say so: a
 * stamp may be wrong, and long pauses turn a list round. Nothing is over where the event is not listed, one wrong stamp
 * could have turned the list round, or the calm was 2^24 s ago or more; where it is listed twice, the older one counts.
 * @param log state
 * @param over the event, and the time of the BMS at which it was seen out of its fault state last
 * @param bms_time_s time of the BMS now
 */
void tinybms_event_log_end_until(tinybms_event_log_t *log, const tinybms_events_over_t *over, uint32_t bms_time_s);

/** @brief Nothing that is listed is over any more: the clock of the BMS went back, and stamps may come twice. */
void tinybms_event_log_doubt_all(tinybms_event_log_t *log);

/** @brief Newest event with this id; id 0 = none. */
tinybms_event_t tinybms_event_log_newest(const tinybms_event_log_t *log, uint8_t id);

/**
 * @brief The faults and warnings that neither a later event nor the state of the BMS has ended.
 *
 * Where the order is not known, every fault counts as one that came after its recovery.
 * @param log state
 * @param[out] ids each once, oldest first
 * @param capacity of `ids`; what does not fit is an id that Rev D does not list, beside others of the kind
 * @return how many
 */
size_t tinybms_event_log_unrecovered(const tinybms_event_log_t *log, uint8_t *ids, size_t capacity);

#ifdef __cplusplus
}
#endif
