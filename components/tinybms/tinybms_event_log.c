/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The list of events that the BMS has reported: merging answers of unknown order, and what is still in force. The
 * meaning of each event is in tinybms_events.c.
 */
#include "tinybms_event_log.h"

#include <stdlib.h>
#include <string.h>

#include "tinybms_command.h"
#include "tinybms_events.h"

#define PRIOR_MAX      3   /**< steps of its own that outweigh how the other list runs */
#define REMEMBERED_MAX 100 /**< steps of a list that outweigh any before them */
#define STAMP_MASK     0xFFFFFFU
#define SURE           3 /**< steps by which a list runs one way, although one stamp may be wrong: that turns two */

static bool same(const tinybms_log_entry_t *entry, const tinybms_event_t *event)
{
    return entry->id == event->id && entry->time_s == event->time_s;
}

/** NULL = not known. */
static const tinybms_log_entry_t *find(const tinybms_event_log_t *log, const tinybms_event_t *event)
{
    for (size_t i = 0; i < log->count; i++) {
        if (same(&log->entries[i], event)) {
            return &log->entries[i];
        }
    }
    return NULL;
}

static void turn_round(tinybms_event_t *events, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const tinybms_event_t event = events[i];
        events[i] = events[count - 1 - i];
        events[count - 1 - i] = event;
    }
}

/** One bit for each that is not known; there are at most TINYBMS_EVENTS_MAX = 62. */
static uint64_t mark_fresh(const tinybms_event_log_t *log, const tinybms_event_t *events, size_t count)
{
    uint64_t marks = 0;
    for (size_t i = 0; i < count; i++) {
        marks |= find(log, &events[i]) == NULL ? UINT64_C(1) << i : 0;
    }
    return marks;
}

/** Leaves only those that are marked. @return how many they are */
static size_t keep_marked(tinybms_event_t *events, size_t count, uint64_t marks)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (((marks >> i) & 1U) != 0) {
            events[kept++] = events[i];
        }
    }
    return kept;
}

static bool ended(const tinybms_event_log_t *log, size_t index)
{
    const tinybms_log_entry_t *const fault = &log->entries[index];
    for (size_t i = index + 1; i < log->count; i++) {
        const tinybms_log_entry_t *const later = &log->entries[i];
        const bool order_known = fault->unordered == 0 || fault->unordered != later->unordered;
        if (order_known && tinybms_event_ends(later->id, fault->id)) {
            return true;
        }
    }
    return fault->over;
}

static bool holds(const tinybms_event_log_t *log, size_t index)
{
    return tinybms_event_forbids(log->entries[index].id) && !ended(log, index);
}

/** It still forbids something, and no later event of the same kind does it as well. */
static bool needed(const tinybms_event_log_t *log, size_t index)
{
    for (size_t i = index + 1; i < log->count; i++) {
        if (log->entries[i].id == log->entries[index].id) {
            return false;
        }
    }
    return holds(log, index);
}

/** The oldest one that is of no use any more; where all are needed, the oldest. */
static size_t dispensable(const tinybms_event_log_t *log)
{
    for (size_t i = 0; i < log->count; i++) {
        if (!needed(log, i)) {
            return i;
        }
    }
    return 0;
}

static void append(tinybms_event_log_t *log, const tinybms_log_entry_t *entry)
{
    if (log->count == TINYBMS_EVENT_LOG_SIZE) {
        const size_t index = dispensable(log);
        log->count--;
        memmove(&log->entries[index], &log->entries[index + 1], (log->count - index) * sizeof(log->entries[0]));
    }
    log->entries[log->count++] = *entry;
}

/** The events in the order of the answer are all known, in that order. */
static bool contains(const tinybms_event_log_t *log, const tinybms_event_t *events, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < log->count && found < count; i++) {
        found += same(&log->entries[i], &events[found]) ? 1 : 0;
    }
    return found == count;
}

/** So many events at the beginning of the answer are those at the end of the log. */
static size_t overlap(const tinybms_event_log_t *log, const tinybms_event_t *events, size_t count)
{
    for (size_t length = count < log->count ? count : log->count; length > 0; length--) {
        size_t alike = 0;
        while (alike < length && same(&log->entries[log->count - length + alike], &events[alike])) {
            alike++;
        }
        if (alike == length) {
            return length;
        }
    }
    return 0;
}

static bool known_as_over(const tinybms_event_log_t *log, const tinybms_event_t *event)
{
    const tinybms_log_entry_t *const known = find(log, event);
    return known != NULL && known->over;
}

static tinybms_log_entry_t entry_of(const tinybms_event_t *event, bool over, uint8_t unordered)
{
    return (tinybms_log_entry_t){.time_s = event->time_s, .id = event->id, .over = over, .unordered = unordered};
}

static bool lists(const tinybms_event_t *events, size_t count, uint8_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (events[i].id == id) {
            return true;
        }
    }
    return false;
}

/** What a whole list lacks the BMS has forgotten; when the list is full, not what still forbids something. */
static void forget(tinybms_event_log_t *log, const tinybms_event_t *events, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < log->count; i++) {
        const tinybms_log_entry_t entry = log->entries[i];
        if (count >= TINYBMS_EVENTS_KEPT && needed(log, i) && !lists(events, count, entry.id)) {
            log->entries[kept++] = entry;
        }
    }
    log->count = kept;
}

static void replace(tinybms_event_log_t *log, const tinybms_event_t *events, size_t count, uint8_t unordered)
{
    bool over[TINYBMS_EVENTS_MAX];
    for (size_t i = 0; i < count; i++) {
        over[i] = known_as_over(log, &events[i]);
    }
    forget(log, events, count);
    for (size_t i = 0; i < count; i++) {
        const tinybms_log_entry_t entry = entry_of(&events[i], over[i], unordered);
        append(log, &entry);
    }
}

static void follow(tinybms_event_log_t *log, const tinybms_event_t *events, size_t count, uint8_t unordered)
{
    if (contains(log, events, count)) {
        return;
    }
    const size_t alike = overlap(log, events, count);
    for (size_t i = 0; unordered == 0 && i < alike; i++) { /* what came in no known order is in one now */
        log->entries[log->count - alike + i].unordered = 0;
    }
    for (size_t i = alike; i < count; i++) {
        const tinybms_log_entry_t entry = entry_of(&events[i], known_as_over(log, &events[i]), unordered);
        append(log, &entry);
    }
}

static uint8_t next_number(tinybms_event_log_t *log)
{
    log->unordered_answers = log->unordered_answers == UINT8_MAX ? 1 : (uint8_t)(log->unordered_answers + 1);
    return log->unordered_answers;
}

static int32_t bounded(int32_t value, int32_t most)
{
    return value < -most ? -most : (value > most ? most : value);
}

/**
 * What an answer tells of its order counts as long as it agrees with those before it; a list that has told nothing yet
 * is expected to run as the other one does.
 * @param told above 0 oldest first, below 0 newest first, 0 nothing
 */
static bool order_known(tinybms_event_log_t *log, int32_t told, tinybms_event_list_t list, bool fresh)
{
    const int32_t other = log->forward[list == TINYBMS_LIST_ALL ? TINYBMS_LIST_NEWEST : TINYBMS_LIST_ALL];
    const int32_t before = log->forward[list] != 0 ? log->forward[list] : bounded(other, PRIOR_MAX);
    if (fresh) {
        const int32_t sum = before + told != 0 ? before + told : told; /* 0 would be a list that has told nothing */
        log->forward[list] = (int16_t)bounded(sum, REMEMBERED_MAX);
    }
    return (told > 0 && before >= 0) || (told < 0 && before <= 0);
}

size_t tinybms_event_log_take(tinybms_event_log_t *log, tinybms_event_t *events, size_t count,
                              tinybms_event_list_t list)
{
    const int32_t told = tinybms_events_forward(events, count);
    if (told < 0) { /* also where that is in doubt: an answer that tells nothing new by its own stamps adds nothing */
        turn_round(events, count);
    }
    const uint64_t fresh = mark_fresh(log, events, count);
    const bool ordered = order_known(log, told, list, fresh != 0);
    const uint8_t unordered = ordered || count <= 1 ? 0 : next_number(log);
    if (list == TINYBMS_LIST_ALL) {
        replace(log, events, count, unordered);
    } else {
        follow(log, events, count, unordered);
    }
    return keep_marked(events, count, fresh);
}

static void set_all_over(tinybms_event_log_t *log, bool over)
{
    for (size_t i = 0; i < log->count; i++) {
        log->entries[i].over = over;
    }
}

static tinybms_event_t event_of(const tinybms_log_entry_t *entry)
{
    return (tinybms_event_t){.time_s = entry->time_s, .id = entry->id};
}

tinybms_event_t tinybms_event_log_end_all(tinybms_event_log_t *log)
{
    tinybms_event_t newest = {0};
    for (size_t i = 0; i < log->count; i++) {
        newest = holds(log, i) ? event_of(&log->entries[i]) : newest;
    }
    set_all_over(log, true);
    return newest;
}

bool tinybms_event_log_lists(const tinybms_event_log_t *log, const tinybms_event_t *event)
{
    return find(log, event) != NULL;
}

void tinybms_event_log_end_until(tinybms_event_log_t *log, const tinybms_events_over_t *over, uint32_t bms_time_s)
{
    const tinybms_log_entry_t *const last = find(log, &over->event);
    const uint32_t calm_age_s = bms_time_s - over->bms_time_s;
    const bool sure = abs(log->forward[TINYBMS_LIST_ALL]) >= SURE || abs(log->forward[TINYBMS_LIST_NEWEST]) >= SURE;
    if (last == NULL || last->unordered != 0 || !sure) {
        return;
    }
    for (size_t i = 0; i <= (size_t)(last - log->entries); i++) {
        const uint32_t age_s = (bms_time_s - log->entries[i].time_s) & STAMP_MASK;
        log->entries[i].over = log->entries[i].over || age_s >= calm_age_s;
    }
}

void tinybms_event_log_doubt_all(tinybms_event_log_t *log)
{
    set_all_over(log, false);
}

tinybms_event_t tinybms_event_log_newest(const tinybms_event_log_t *log, uint8_t id)
{
    for (size_t i = log->count; i > 0; i--) {
        const tinybms_log_entry_t *const entry = &log->entries[i - 1];
        if (entry->id == id) {
            return event_of(entry);
        }
    }
    return (tinybms_event_t){0};
}

size_t tinybms_event_log_unrecovered(const tinybms_event_log_t *log, uint8_t *ids, size_t capacity)
{
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++) {
        const uint8_t id = log->entries[i].id;
        if (holds(log, i) && memchr(ids, id, count) == NULL && count < capacity) {
            ids[count++] = id;
        }
    }
    return count;
}
