/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The event table of Rev D: text, class and recovery of each id, and the order of a list. No state: the list itself is
 * in tinybms_event_log.c.
 */
#include "tinybms_events.h"

#define EVENT_TIME_MASK 0xFFFFFFU /**< events carry 24 bits of the BMS's time */

typedef struct {
    const char *text;
    tinybms_event_class_t class;
    uint8_t id;
    uint8_t recovers; /**< id of the fault that it ends, 0 = none */
} event_info_t;

static const event_info_t *info_of(uint8_t id)
{
    static const event_info_t table[] = {
        {"under-voltage cutoff", TINYBMS_EVENT_FAULT, 0x02, 0},
        {"over-voltage cutoff", TINYBMS_EVENT_FAULT, 0x03, 0},
        {"over-temperature cutoff", TINYBMS_EVENT_FAULT, 0x04, 0},
        {"discharge over-current cutoff", TINYBMS_EVENT_FAULT, 0x05, 0},
        {"charge over-current cutoff", TINYBMS_EVENT_FAULT, 0x06, 0},
        {"regeneration over-current cutoff", TINYBMS_EVENT_FAULT, 0x07, 0},
        {"low temperature cutoff", TINYBMS_EVENT_FAULT, 0x0A, 0},
        {"charger switch error", TINYBMS_EVENT_FAULT, 0x0B, 0},
        {"load switch error", TINYBMS_EVENT_FAULT, 0x0C, 0},
        {"single port switch error", TINYBMS_EVENT_FAULT, 0x0D, 0},
        {"external current sensor disconnected, restart needed", TINYBMS_EVENT_FAULT, 0x0E, 0},
        {"external current sensor connected, restart needed", TINYBMS_EVENT_FAULT, 0x0F, 0},
        {"fully discharged cutoff", TINYBMS_EVENT_WARNING, 0x31, 0},
        {"low temperature charging cutoff", TINYBMS_EVENT_WARNING, 0x37, 0},
        {"charging done, charger voltage too high", TINYBMS_EVENT_WARNING, 0x38, 0},
        {"charging done, charger voltage too low", TINYBMS_EVENT_WARNING, 0x39, 0},
        {"system started", TINYBMS_EVENT_INFORMATION, 0x61, 0},
        {"charging started", TINYBMS_EVENT_INFORMATION, 0x62, 0},
        {"charging done", TINYBMS_EVENT_INFORMATION, 0x63, 0},
        {"charger connected", TINYBMS_EVENT_INFORMATION, 0x64, 0},
        {"charger disconnected", TINYBMS_EVENT_INFORMATION, 0x65, 0},
        {"dual port mode", TINYBMS_EVENT_INFORMATION, 0x66, 0},
        {"single port mode", TINYBMS_EVENT_INFORMATION, 0x67, 0},
        {"recovered from over-temperature", TINYBMS_EVENT_INFORMATION, 0x73, 0x04},
        {"recovered from low temperature warning", TINYBMS_EVENT_INFORMATION, 0x74, 0x37},
        {"recovered from low temperature fault", TINYBMS_EVENT_INFORMATION, 0x75, 0x0A},
        {"recovered from charge over-current", TINYBMS_EVENT_INFORMATION, 0x76, 0x06},
        {"recovered from discharge over-current", TINYBMS_EVENT_INFORMATION, 0x77, 0x05},
        {"recovered from regeneration over-current", TINYBMS_EVENT_INFORMATION, 0x78, 0x07},
        {"recovered from over-voltage", TINYBMS_EVENT_INFORMATION, 0x79, 0x03},
        {"recovered from fully discharged", TINYBMS_EVENT_INFORMATION, 0x7A, 0x31},
        {"recovered from under-voltage", TINYBMS_EVENT_INFORMATION, 0x7B, 0x02},
        {"external current sensor connected", TINYBMS_EVENT_INFORMATION, 0x7C, 0},
        {"external current sensor disconnected", TINYBMS_EVENT_INFORMATION, 0x7D, 0},
        {.text = NULL},
    };
    const event_info_t *info = table;
    while (info->text != NULL && info->id != id) {
        info++;
    }
    return info->text == NULL ? NULL : info;
}

tinybms_event_class_t tinybms_event_class(uint8_t id)
{
    const event_info_t *const info = info_of(id);
    return info == NULL ? TINYBMS_EVENT_UNKNOWN : info->class;
}

const char *tinybms_event_text(uint8_t id)
{
    const event_info_t *const info = info_of(id);
    return info == NULL ? "unknown event" : info->text;
}

uint8_t tinybms_event_recovers(uint8_t id)
{
    const event_info_t *const info = info_of(id);
    return info == NULL ? 0 : info->recovers;
}

uint32_t tinybms_event_age_s(const tinybms_event_t *event, uint32_t bms_time_s)
{
    return (bms_time_s - event->time_s) & EVENT_TIME_MASK;
}

bool tinybms_event_forbids(uint8_t id)
{
    switch (tinybms_event_class(id)) {
    case TINYBMS_EVENT_INFORMATION:
        return false;
    case TINYBMS_EVENT_WARNING:
        return id != 0x38 && id != 0x39;
    case TINYBMS_EVENT_FAULT:
    case TINYBMS_EVENT_UNKNOWN:
    default:
        return true;
    }
}

bool tinybms_event_ends(uint8_t id, uint8_t fault)
{
    const bool until_restart = fault >= 0x0B && fault <= 0x0F;
    return until_restart ? id == TINYBMS_EVENT_SYSTEM_STARTED : tinybms_event_recovers(id) == fault;
}

int32_t tinybms_events_forward(const tinybms_event_t *events, size_t count)
{
    int32_t forward = 0;
    for (size_t i = 1; i < count; i++) {
        const uint32_t step_s = (events[i].time_s - events[i - 1].time_s) & EVENT_TIME_MASK;
        if (step_s != 0) {
            forward += step_s <= EVENT_TIME_MASK / 2 ? 1 : -1;
        }
    }
    return forward;
}
