/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the events of the BMS mean (Rev D, chapter 3).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    TINYBMS_EVENT_UNKNOWN = 0, /**< an id that Rev D does not list */
    TINYBMS_EVENT_FAULT,
    TINYBMS_EVENT_WARNING,
    TINYBMS_EVENT_INFORMATION,
} tinybms_event_class_t;

#define TINYBMS_EVENT_SYSTEM_STARTED 0x61

/** @brief Events a log holds; the BMS keeps 49. */
#define TINYBMS_EVENT_LOG_SIZE 64

/** @brief Events that were seen, with the BMS's time of the last list; a full log forgets its oldest. Zeroed = empty.
 */
typedef struct {
    uint32_t bms_time_s;
    tinybms_event_t events[TINYBMS_EVENT_LOG_SIZE];
    size_t count;
    size_t next; /**< place of the next one */
} tinybms_event_log_t;

/** @brief Whether the log holds this event: the same id at the same time. */
bool tinybms_event_log_has(const tinybms_event_log_t *log, const tinybms_event_t *event);

/** @brief Adds an event, known or not. */
void tinybms_event_log_add(tinybms_event_log_t *log, const tinybms_event_t *event);

/** @brief Forgets all events. */
void tinybms_event_log_clear(tinybms_event_log_t *log);

/** @brief Newest event with this id; id 0 = none. */
tinybms_event_t tinybms_event_log_newest(const tinybms_event_log_t *log, uint8_t id);

/** @brief Class of an event id. */
tinybms_event_class_t tinybms_event_class(uint8_t id);

/** @brief Text of an event id; "unknown event" for one that is not listed. Never NULL. */
const char *tinybms_event_text(uint8_t id);

/** @brief The fault or warning that an information event ends (0x79 ends 0x03); 0 = none. */
uint8_t tinybms_event_recovers(uint8_t id);

/** @brief Seconds between an event and the BMS's present time; both count modulo 2^24 as events do. */
uint32_t tinybms_event_age_s(const tinybms_event_t *event, uint32_t bms_time_s);

/**
 * @brief Newest fault or warning that no later event has ended.
 *
 * 0x38 and 0x39 ("charging done") forbid nothing and are never ended, so they do not count. A restart (0x61) ends
 * nothing: whether a fault still holds is what register 50 says.
 * @param events,count in any order
 * @param bms_time_s present time of the BMS
 * @return that event; id 0 = none
 */
tinybms_event_t tinybms_events_unrecovered(const tinybms_event_t *events, size_t count, uint32_t bms_time_s);

#ifdef __cplusplus
}
#endif
