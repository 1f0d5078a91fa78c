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
