/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tinybms_events.h"

#define EVENT_TIME_MASK 0xFFFFFFU /**< events carry 24 bits of the BMS's time */

typedef struct {
    uint8_t id;
    tinybms_event_class_t class;
    uint8_t recovers;
    const char *text;
} event_info_t;

static const event_info_t *info_of(uint8_t id)
{
    static const event_info_t table[] = {
        {0x02, TINYBMS_EVENT_FAULT, 0, "under-voltage cutoff"},
        {0x03, TINYBMS_EVENT_FAULT, 0, "over-voltage cutoff"},
        {0x04, TINYBMS_EVENT_FAULT, 0, "over-temperature cutoff"},
        {0x05, TINYBMS_EVENT_FAULT, 0, "discharge over-current cutoff"},
        {0x06, TINYBMS_EVENT_FAULT, 0, "charge over-current cutoff"},
        {0x07, TINYBMS_EVENT_FAULT, 0, "regeneration over-current cutoff"},
        {0x0A, TINYBMS_EVENT_FAULT, 0, "low temperature cutoff"},
        {0x0B, TINYBMS_EVENT_FAULT, 0, "charger switch error"},
        {0x0C, TINYBMS_EVENT_FAULT, 0, "load switch error"},
        {0x0D, TINYBMS_EVENT_FAULT, 0, "single port switch error"},
        {0x0E, TINYBMS_EVENT_FAULT, 0, "external current sensor disconnected, restart needed"},
        {0x0F, TINYBMS_EVENT_FAULT, 0, "external current sensor connected, restart needed"},
        {0x31, TINYBMS_EVENT_WARNING, 0, "fully discharged cutoff"},
        {0x37, TINYBMS_EVENT_WARNING, 0, "low temperature charging cutoff"},
        {0x38, TINYBMS_EVENT_WARNING, 0, "charging done, charger voltage too high"},
        {0x39, TINYBMS_EVENT_WARNING, 0, "charging done, charger voltage too low"},
        {0x61, TINYBMS_EVENT_INFORMATION, 0, "system started"},
        {0x62, TINYBMS_EVENT_INFORMATION, 0, "charging started"},
        {0x63, TINYBMS_EVENT_INFORMATION, 0, "charging done"},
        {0x64, TINYBMS_EVENT_INFORMATION, 0, "charger connected"},
        {0x65, TINYBMS_EVENT_INFORMATION, 0, "charger disconnected"},
        {0x66, TINYBMS_EVENT_INFORMATION, 0, "dual port mode"},
        {0x67, TINYBMS_EVENT_INFORMATION, 0, "single port mode"},
        {0x73, TINYBMS_EVENT_INFORMATION, 0x04, "recovered from over-temperature"},
        {0x74, TINYBMS_EVENT_INFORMATION, 0x37, "recovered from low temperature warning"},
        {0x75, TINYBMS_EVENT_INFORMATION, 0x0A, "recovered from low temperature fault"},
        {0x76, TINYBMS_EVENT_INFORMATION, 0x06, "recovered from charge over-current"},
        {0x77, TINYBMS_EVENT_INFORMATION, 0x05, "recovered from discharge over-current"},
        {0x78, TINYBMS_EVENT_INFORMATION, 0x07, "recovered from regeneration over-current"},
        {0x79, TINYBMS_EVENT_INFORMATION, 0x03, "recovered from over-voltage"},
        {0x7A, TINYBMS_EVENT_INFORMATION, 0x31, "recovered from fully discharged"},
        {0x7B, TINYBMS_EVENT_INFORMATION, 0x02, "recovered from under-voltage"},
        {0x7C, TINYBMS_EVENT_INFORMATION, 0x0E, "external current sensor connected"},
        {0x7D, TINYBMS_EVENT_INFORMATION, 0x0F, "external current sensor disconnected"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].id == id) {
            return &table[i];
        }
    }
    return NULL;
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

static bool forbids_something(uint8_t id)
{
    const tinybms_event_class_t class = tinybms_event_class(id);
    return class == TINYBMS_EVENT_FAULT || (class == TINYBMS_EVENT_WARNING && id != 0x38 && id != 0x39);
}

static bool ended_later(const tinybms_event_t *fault, const tinybms_event_t *events, size_t count, uint32_t bms_time_s)
{
    const uint32_t age = tinybms_event_age_s(fault, bms_time_s);
    for (size_t i = 0; i < count; i++) {
        if (tinybms_event_recovers(events[i].id) == fault->id && tinybms_event_age_s(&events[i], bms_time_s) <= age) {
            return true;
        }
    }
    return false;
}

tinybms_event_t tinybms_events_unrecovered(const tinybms_event_t *events, size_t count, uint32_t bms_time_s)
{
    tinybms_event_t newest = {0};
    for (size_t i = 0; i < count; i++) {
        const tinybms_event_t *const event = &events[i];
        const bool newer = newest.id == 0 || tinybms_event_age_s(event, bms_time_s) <
                                                 tinybms_event_age_s(&newest, bms_time_s);
        if (forbids_something(event->id) && newer && !ended_later(event, events, count, bms_time_s)) {
            newest = *event;
        }
    }
    return newest;
}
