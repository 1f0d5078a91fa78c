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
 * @brief Whether an event forbids something while the BMS is in its fault state: a fault, a warning, or an id that Rev
 * D does not list. 0x38 and 0x39 ("charging done") forbid nothing.
 */
bool tinybms_event_forbids(uint8_t id);

/** @brief Whether `id`, when it comes later, ends `fault`. 0x0B to 0x0F have no recovery: a restart (0x61) ends them.
 */
bool tinybms_event_ends(uint8_t id, uint8_t fault);

/**
 * @brief Which way a list runs, by its own time stamps modulo 2^24: Rev D does not say it.
 * @return steps from one event to the next that go forward, less those that go back: above 0 the list is oldest first,
 * below 0 newest first; 0 = it does not tell (one event, all of one second, as many steps one way as the other)
 */
int32_t tinybms_events_forward(const tinybms_event_t *events, size_t count);

#ifdef __cplusplus
}
#endif
