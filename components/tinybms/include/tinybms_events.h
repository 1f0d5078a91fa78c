/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Meaning of the BMS events (Rev D, chapter 3).
 *
 * @code{.c}
 * const char *const text = tinybms_event_text(0x03); // "over-voltage cutoff"
 * const bool forbids = tinybms_event_forbids(0x03); // true
 * const bool ended = tinybms_event_ends(0x79, 0x03); // true: recovered from over-voltage
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Class of an event. */
typedef enum {
    TINYBMS_EVENT_UNKNOWN = 0, /**< an id that Rev D does not list */
    TINYBMS_EVENT_FAULT,
    TINYBMS_EVENT_WARNING,
    TINYBMS_EVENT_INFORMATION,
} tinybms_event_class_t;

#define TINYBMS_EVENT_SYSTEM_STARTED 0x61

/** @brief Class of an event id. */
tinybms_event_class_t tinybms_event_class(uint8_t id);

/** @brief Text of an event id; "unknown event" for an unlisted one. Never NULL. */
const char *tinybms_event_text(uint8_t id);

/** @brief The fault or warning that an information event ends (0x79 ends 0x03); 0 = none. */
uint8_t tinybms_event_recovers(uint8_t id);

/** @brief Age of an event, s. Both times count modulo 2^24, as events do. */
uint32_t tinybms_event_age_s(const tinybms_event_t *event, uint32_t bms_time_s);

/**
 * @brief Whether an event forbids something while the BMS is in its fault state: a fault, a warning, or an id that Rev
 * D does not list. 0x38 and 0x39 ("charging done") forbid nothing.
 */
bool tinybms_event_forbids(uint8_t id);

/** @brief Whether a later event `id` ends `fault`. 0x0B to 0x0F have no recovery: a restart (0x61) ends them. */
bool tinybms_event_ends(uint8_t id, uint8_t fault);

/**
 * @brief Which way a list runs, judged by its own time stamps modulo 2^24, because Rev D does not say.
 * @param events,count the list
 * @return steps forward minus steps back, from each event to the next: above 0 the list is oldest first, below 0 newest
 * first; 0 = undecided (one event, all in one second, as many steps one way as the other)
 */
int32_t tinybms_events_forward(const tinybms_event_t *events, size_t count);

#ifdef __cplusplus
}
#endif
