/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** What the TinyBMS itself says: registers, statistics, events. */
#include "report.h"
#include "report_private.h"
#include "tinybms_events.h"
#include "tinybms_registers.h"

#define MILLI_DIGITS  3
#define NOT_CONNECTED INT16_MIN /**< of a temperature sensor, Rev D */

void report_note_event(report_view_t *view, const tinybms_event_t *event)
{
    report_events_t *const events = &view->events;
    events->at[events->count % REPORT_EVENTS_MAX] = (report_event_t){.seen_ms = view->now_ms, .event = *event};
    events->count++;
}

void report_events(json_stream_t *json, const report_view_t *view)
{
    const report_events_t *const events = &view->events;
    json_object(json, NULL);
    json_array(json, "events");
    for (uint32_t i = events->count < REPORT_EVENTS_MAX ? 0 : events->count - REPORT_EVENTS_MAX; i < events->count;
         i++) {
        const report_event_t *const at = &events->at[i % REPORT_EVENTS_MAX];
        json_object(json, NULL);
        json_int(json, "id", at->event.id);
        json_text(json, "text", tinybms_event_text(at->event.id));
        json_int(json, "bms_time_s", at->event.time_s);
        json_int(json, "seen_ms", at->seen_ms);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

static void value_of(json_stream_t *json, const char *key, const tinybms_register_t *entry, const uint16_t *words)
{
    int32_t milli = 0;
    if (entry->type == TINYBMS_TYPE_FLOAT32) {
        if (tinybms_float_to_milli(words[0], words[1], &milli)) {
            json_decimal(json, key, milli, MILLI_DIGITS);
        } else {
            json_null(json, key);
        }
        return;
    }
    const int64_t raw = tinybms_register_raw(entry, words);
    if (entry->type == TINYBMS_TYPE_I16 && raw == NOT_CONNECTED) {
        json_null(json, key);
    } else {
        int32_t factor = 1;
        const unsigned digits = tinybms_register_digits(entry, &factor);
        json_decimal(json, key, raw * factor, digits);
    }
}

/** Words of an entry in a block; NULL: the block is not known, or the entry is elsewhere. */
static const uint16_t *words_in(const uint16_t *block, bool known, uint16_t first, uint16_t count,
                                const tinybms_register_t *entry)
{
    const bool inside = entry->address >= first && entry->address + tinybms_register_words(entry) <= first + count;
    return known && inside ? &block[entry->address - first] : NULL;
}

static const uint16_t *words_of(const report_view_t *view, const tinybms_register_t *entry)
{
    const tinybms_snapshot_t *const at = &view->snapshot;
    const bool has = view->has_snapshot;
    const uint16_t *words = words_in(at->live, has, TINYBMS_LIVE_FIRST, TINYBMS_LIVE_COUNT, entry);
    if (words == NULL) {
        words =
            words_in(at->settings, has && at->settings_known, TINYBMS_SETTINGS_FIRST, TINYBMS_SETTINGS_COUNT, entry);
    }
    if (words == NULL) {
        words = words_in(at->statistics, has && at->statistics_known, TINYBMS_STATISTICS_FIRST,
                         TINYBMS_STATISTICS_COUNT, entry);
    }
    if (words == NULL) {
        words = words_in(at->version, has && at->version_known, TINYBMS_VERSION_FIRST, TINYBMS_VERSION_COUNT, entry);
    }
    return words;
}

static void value_or_null(json_stream_t *json, const char *key, const tinybms_register_t *entry, const uint16_t *words)
{
    if (words == NULL) {
        json_null(json, key);
    } else {
        value_of(json, key, entry, words);
    }
}

static void option(json_stream_t *json, const char *key, const report_option_t *option, const tinybms_register_t *entry)
{
    value_or_null(json, key, entry,
                  words_in(option->words, option->known, TINYBMS_SETTINGS_FIRST, TINYBMS_SETTINGS_COUNT, entry));
}

static void identity(json_stream_t *json, const tinybms_register_t *entry)
{
    json_object(json, NULL);
    json_int(json, "address", entry->address);
    json_text(json, "name", entry->name);
    json_text(json, "unit", entry->unit);
}

void report_registers(json_stream_t *json, const report_view_t *view)
{
    const bool settings_known = view->has_snapshot && view->snapshot.settings_known;
    json_object(json, NULL);
    json_bool(json, "settings_known", settings_known);
    json_int_or_null(json, "settings_age_ms", settings_known, report_age_ms(view, view->snapshot.settings_ms));
    json_array(json, "registers");
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        const tinybms_register_t *const entry = tinybms_register_at(i);
        identity(json, entry);
        json_text(json, "description", entry->description);
        json_bool(json, "writable", entry->access == TINYBMS_READ_WRITE);
        value_or_null(json, "value", entry, words_of(view, entry));
        option(json, "min", &view->option_min, entry);
        option(json, "max", &view->option_max, entry);
        option(json, "default", &view->option_default, entry);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

void report_statistics(json_stream_t *json, const report_view_t *view)
{
    const bool known = view->has_snapshot && view->snapshot.statistics_known;
    json_object(json, NULL);
    json_bool(json, "known", known);
    json_int_or_null(json, "age_ms", known, report_age_ms(view, view->snapshot.statistics_ms));
    json_array(json, "registers");
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        const tinybms_register_t *const entry = tinybms_register_at(i);
        const bool statistic = entry->address >= TINYBMS_STATISTICS_FIRST &&
                               entry->address < TINYBMS_STATISTICS_FIRST + TINYBMS_STATISTICS_COUNT;
        if (statistic) {
            identity(json, entry);
            value_or_null(json, "value", entry, words_of(view, entry));
            json_close(json);
        }
    }
    json_close(json);
    json_close(json);
}
