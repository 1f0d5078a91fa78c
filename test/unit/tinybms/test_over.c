/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* How far the events of the BMS are over, and that a session which begins within a fault is told so. */
#include <string.h>

#include "../row.h"
#include "line.h"
#include "tinybms_event_log.h"
#include "unity.h"

static tinybms_event_log_t s_log; /* too large for the stack of a chip */
static line_t s_line;

static void expect_ids(const char *ids, const uint8_t *found, size_t count)
{
    TEST_ASSERT_EQUAL_UINT32(strlen(ids), count);
    for (size_t i = 0; i < count; i++) {
        ROW("found[%zu]", i);
        TEST_ASSERT_EQUAL_HEX8((uint8_t)ids[i], found[i]);
    }
}

/* ---- the log ---- */

/** What still holds, by the log. */
static void expect_held(const char *ids)
{
    uint8_t found[TINYBMS_FAULTS_MAX];
    expect_ids(ids, found, tinybms_event_log_unrecovered(&s_log, found, TINYBMS_FAULTS_MAX));
}

static void expect_of_kind(tinybms_event_list_t kind, const tinybms_event_t *list, size_t count, bool newest_first,
                           tinybms_event_t last, const char *ids)
{
    tinybms_event_t sent[TINYBMS_EVENTS_KEPT];
    for (size_t i = 0; i < count; i++) {
        sent[i] = list[newest_first ? count - 1 - i : i];
    }
    memset(&s_log, 0, sizeof(s_log));
    (void)tinybms_event_log_take(&s_log, sent, count, kind);
    tinybms_event_log_end_until(&s_log, &(tinybms_events_over_t){.event = last, .bms_time_s = 1000}, 1000);
    expect_held(ids);
}

/** A first list of either kind, and what still holds when it is over until `last`. */
static void expect_until(const tinybms_event_t *list, size_t count, bool newest_first, tinybms_event_t last,
                         const char *ids)
{
    for (tinybms_event_list_t kind = TINYBMS_LIST_NEWEST; kind <= TINYBMS_LIST_ALL; kind++) {
        ROW("kind %d", (int)kind);
        expect_of_kind(kind, list, count, newest_first, last, ids);
    }
}

#define EXPECT_UNTIL(list, newest_first, time, event, ids)                                                             \
    expect_until(list, sizeof(list) / sizeof((list)[0]), newest_first, (tinybms_event_t){.time_s = time, .id = event}, \
                 ids)

TEST_CASE("what is listed up to an event is over, what comes after it is not, in either order", "[tinybms]")
{
    static const tinybms_event_t list[] = {{10, 0x0B}, {20, 0x64}, {30, 0x31}, {30, 0x05}, {900, 0x02}};
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        EXPECT_UNTIL(list, newest_first != 0, 10, 0x0B, "\x31\x05\x02");
        EXPECT_UNTIL(list, newest_first != 0, 20, 0x64, "\x31\x05\x02");
        EXPECT_UNTIL(list, newest_first != 0, 30, 0x31, "\x05\x02");
        EXPECT_UNTIL(list, newest_first != 0, 30, 0x05, "\x02");
        EXPECT_UNTIL(list, newest_first != 0, 900, 0x02, "");
    }
}

TEST_CASE("nothing is over up to an event that is not listed, or was never", "[tinybms]")
{
    static const tinybms_event_t list[] = {{0, 0x0B}, {20, 0x64}, {30, 0x65}, {900, 0x02}};
    EXPECT_UNTIL(list, false, 20, 0x65, "\x0B\x02");
    EXPECT_UNTIL(list, false, 21, 0x64, "\x0B\x02");
    EXPECT_UNTIL(list, false, 0, 0, "\x0B\x02");
}

TEST_CASE("nothing is over in a list whose order is not known", "[tinybms]")
{
    static const tinybms_event_t list[] = {{10, 0x0B}, {900, 0x64}, {10, 0x02}};
    EXPECT_UNTIL(list, false, 900, 0x64, "\x0B\x02");
}

TEST_CASE("nothing is over in a list that runs otherwise than the one before it", "[tinybms]")
{
    tinybms_event_t newest[] = {{10, 0x0B}, {20, 0x64}, {30, 0x65}, {40, 0x64}};
    tinybms_event_t all[] = {{50, 0x31}, {40, 0x64}, {10, 0x0B}};
    memset(&s_log, 0, sizeof(s_log));
    (void)tinybms_event_log_take(&s_log, newest, 4, TINYBMS_LIST_NEWEST);
    (void)tinybms_event_log_take(&s_log, all, 3, TINYBMS_LIST_ALL);
    const tinybms_events_over_t over = {.event = {.time_s = 40, .id = 0x64}, .bms_time_s = 45};
    tinybms_event_log_end_until(&s_log, &over, 60);
    expect_held("\x0B\x31");
}

TEST_CASE("nothing is over in a list so short that one wrong stamp could have turned it round", "[tinybms]")
{
    static const tinybms_event_t shorter[] = {{10, 0x0B}, {20, 0x64}, {30, 0x02}};
    static const tinybms_event_t list[] = {{10, 0x0B}, {20, 0x64}, {30, 0x02}, {40, 0x65}};
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        EXPECT_UNTIL(shorter, newest_first != 0, 20, 0x64, "\x0B\x02");
        EXPECT_UNTIL(list, newest_first != 0, 20, 0x64, "\x02");
    }
}

/** {0x0B, 0x31, 0x02} at 10, 20, 50 s, over until 0x02 by a calm at `calm_s`, seen at `now_s`. */
static void expect_by_age(uint32_t calm_s, uint32_t now_s, const char *ids)
{
    tinybms_event_t list[] = {{10, 0x0B}, {20, 0x31}, {30, 0x64}, {50, 0x02}};
    const tinybms_events_over_t over = {.event = {.time_s = 50, .id = 0x02}, .bms_time_s = calm_s};
    memset(&s_log, 0, sizeof(s_log));
    (void)tinybms_event_log_take(&s_log, list, 4, TINYBMS_LIST_ALL);
    tinybms_event_log_end_until(&s_log, &over, now_s);
    expect_held(ids);
}

TEST_CASE("nothing is over that is younger than the calm, nor by a calm that was half a year ago", "[tinybms]")
{
    expect_by_age(55, 60, "");
    expect_by_age(50, 60, "");
    expect_by_age(49, 60, "\x02");
    expect_by_age(20, 60, "\x02");
    expect_by_age(19, 60, "\x31\x02");
    expect_by_age(9, 60, "\x0B\x31\x02");
    expect_by_age(55, 0xFFFFFF, "");
    expect_by_age(55, 55 + 0x1000000, "\x0B\x31\x02");
    expect_by_age(60, 59, "\x0B\x31\x02"); /* before it */
}

TEST_CASE("pauses of months turn a list round, and end nothing all the same", "[tinybms]")
{
    const uint32_t day_s = 86400;
    tinybms_event_t list[] = {
        {day_s, 0x0C}, {111 * day_s, 0x64}, {(221 * day_s) & 0xFFFFFF, 0x65}, {(331 * day_s) & 0xFFFFFF, 0x0B}};
    const tinybms_events_over_t over = {.event = {.time_s = day_s, .id = 0x0C}, .bms_time_s = 320 * day_s};
    memset(&s_log, 0, sizeof(s_log));
    (void)tinybms_event_log_take(&s_log, list, 4, TINYBMS_LIST_ALL);
    tinybms_event_log_end_until(&s_log, &over, 331 * day_s);
    expect_held("\x0B");
}

TEST_CASE("of two events that are alike the older one is where the list is over", "[tinybms]")
{
    static const tinybms_event_t list[] = {{90, 0x64},  {92, 0x65},  {95, 0x64}, {100, 0x02},
                                           {120, 0x31}, {100, 0x02}, {130, 0x65}};
    EXPECT_UNTIL(list, false, 100, 0x02, "\x31\x02");
}

static void expect_end(uint32_t time_s, uint8_t id)
{
    const tinybms_event_t ended = tinybms_event_log_end_all(&s_log);
    TEST_ASSERT_EQUAL_HEX8(id, ended.id);
    TEST_ASSERT_EQUAL_UINT32(time_s, ended.time_s);
}

TEST_CASE("the newest fault that nothing else has ended is where the log is over", "[tinybms]")
{
    tinybms_event_t list[] = {{10, 0x0B}, {20, 0x31}, {30, 0x03}, {40, 0x79}, {50, 0x64}};
    memset(&s_log, 0, sizeof(s_log));
    expect_end(0, 0);
    (void)tinybms_event_log_take(&s_log, list, 1, TINYBMS_LIST_ALL);
    expect_end(10, 0x0B);
    (void)tinybms_event_log_take(&s_log, list, 5, TINYBMS_LIST_ALL);
    expect_end(20, 0x31);
    expect_end(0, 0);
}

/* ---- the session ---- */

static void happen(uint8_t event_id)
{
    s_line.bms_time_s++;
    s_line.events[s_line.event_count++] = (tinybms_event_t){.time_s = s_line.bms_time_s, .id = event_id};
}

/** A BMS that had a switch fault long ago, which nothing but its calm has ended. @return what is to be kept */
static tinybms_events_over_t calm_after_old_fault(bool newest_first)
{
    line_begin(&s_line, 0);
    s_line.newest_first = newest_first;
    happen(0x64);
    happen(0x65);
    happen(0x64);
    happen(0x0B);
    line_run(&s_line, 3000);
    return tinybms_session_snapshot(&s_line.session)->over;
}

/** The gateway is restarted; the BMS and its line stay as they are. */
static void restart(const tinybms_events_over_t *over)
{
    const tinybms_session_config_t config = TINYBMS_SESSION_DEFAULT_CONFIG();
    tinybms_session_init(&s_line.session, &config, s_line.now_ms);
    tinybms_session_recall(&s_line.session, over);
    s_line.answer_at_ms = INT64_MAX;
    s_line.deadline_ms = s_line.now_ms;
    line_run(&s_line, 2000);
}

static void expect(const char *ids)
{
    const tinybms_snapshot_t *const snapshot = tinybms_session_snapshot(&s_line.session);
    TEST_ASSERT_TRUE(snapshot->events_known);
    expect_ids(ids, snapshot->faults, snapshot->fault_count);
}

TEST_CASE("a start within a fault knows of a fault that was over before it", "[tinybms]")
{
    static const tinybms_events_over_t nothing;
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        const tinybms_events_over_t over = calm_after_old_fault(order != 0);
        TEST_ASSERT_EQUAL_HEX8(0x0B, over.event.id);
        TEST_ASSERT_EQUAL_UINT32(5004, over.event.time_s);
        TEST_ASSERT_EQUAL_UINT32(5004, over.bms_time_s);
        s_line.registers[50] = 0x9B;
        happen(0x02);
        restart(&over);
        expect("\x02");
        TEST_ASSERT_FALSE(tinybms_session_snapshot(&s_line.session)->events_doubtful);
        restart(&nothing);
        expect("\x0B\x02");
    }
}

TEST_CASE("what a start was told stays to be kept, and is told anew only when another fault is over", "[tinybms]")
{
    const tinybms_events_over_t over = calm_after_old_fault(false);
    s_line.bms_time_s += 100;
    restart(&over);
    TEST_ASSERT_EQUAL_UINT32(5004, tinybms_session_snapshot(&s_line.session)->over.bms_time_s);
    s_line.registers[50] = 0x9B;
    happen(0x02);
    line_run(&s_line, 1000);
    expect("\x02");
    TEST_ASSERT_EQUAL_HEX8(0x0B, tinybms_session_snapshot(&s_line.session)->over.event.id);
    s_line.registers[50] = 0x97;
    line_run(&s_line, 1000);
    expect("");
    TEST_ASSERT_EQUAL_HEX8(0x02, tinybms_session_snapshot(&s_line.session)->over.event.id);
    TEST_ASSERT_EQUAL_UINT32(5105, tinybms_session_snapshot(&s_line.session)->over.bms_time_s);
}

TEST_CASE("a fault is over until the next start only when the BMS was out of it in three blocks", "[tinybms]")
{
    tinybms_events_over_t over = calm_after_old_fault(false);
    s_line.registers[50] = 0x9B;
    happen(0x31);
    line_run(&s_line, 1000);
    s_line.registers[50] = 0x97;
    line_run_until_more(&s_line, &s_line.snapshots);
    line_run_until_more(&s_line, &s_line.snapshots);
    s_line.registers[50] = 0x9B;
    over = tinybms_session_snapshot(&s_line.session)->over;
    restart(&over);
    expect("\x31");
}

TEST_CASE("after a clock that has gone back nothing of before it is over", "[tinybms]")
{
    const tinybms_events_over_t over = calm_after_old_fault(false);
    s_line.registers[50] = 0x9B;
    s_line.bms_time_s = 10;
    happen(0x64);
    happen(0x65);
    happen(0x02);
    restart(&over);
    expect("\x0B\x02");
    TEST_ASSERT_EQUAL_HEX8(0, tinybms_session_snapshot(&s_line.session)->over.event.id);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_snapshot(&s_line.session)->over.event.time_s);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_snapshot(&s_line.session)->over.bms_time_s);
}

TEST_CASE("a clock that goes back while the gateway runs ends what was over, within a fault", "[tinybms]")
{
    TEST_ASSERT_EQUAL_HEX8(0x0B, calm_after_old_fault(false).event.id);
    s_line.registers[50] = 0x9B;
    s_line.bms_time_s = 10;
    line_run(&s_line, 500);
    expect("\x0B");
    TEST_ASSERT_EQUAL_HEX8(0, tinybms_session_snapshot(&s_line.session)->over.event.id);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_snapshot(&s_line.session)->over.event.time_s);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_snapshot(&s_line.session)->over.bms_time_s);
}

TEST_CASE("where the list was over is forgotten with the events", "[tinybms]")
{
    const tinybms_events_over_t over = calm_after_old_fault(false);
    s_line.event_count = 0;
    restart(&over);
    TEST_ASSERT_EQUAL_HEX8(0, tinybms_session_snapshot(&s_line.session)->over.event.id);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_snapshot(&s_line.session)->over.event.time_s);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_snapshot(&s_line.session)->over.bms_time_s);
}

TEST_CASE("the time of the calm is told again after a day, while it lasts", "[tinybms]")
{
    const tinybms_events_over_t over = calm_after_old_fault(false);
    s_line.bms_time_s = over.bms_time_s + 86399;
    line_run(&s_line, 2000);
    TEST_ASSERT_EQUAL_UINT32(over.bms_time_s, tinybms_session_snapshot(&s_line.session)->over.bms_time_s);
    s_line.bms_time_s = over.bms_time_s + 86400;
    s_line.registers[50] = 0x9B;
    line_run(&s_line, 2000);
    TEST_ASSERT_EQUAL_UINT32(over.bms_time_s, tinybms_session_snapshot(&s_line.session)->over.bms_time_s);
    s_line.registers[50] = 0x97;
    line_run(&s_line, 2000);
    TEST_ASSERT_EQUAL_UINT32(over.bms_time_s + 86400, tinybms_session_snapshot(&s_line.session)->over.bms_time_s);
    TEST_ASSERT_EQUAL_HEX8(0x0B, tinybms_session_snapshot(&s_line.session)->over.event.id);
}

TEST_CASE("a BMS without events has none that is over", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.bms_time_s = 100000;
    line_run(&s_line, 3000);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_snapshot(&s_line.session)->over.bms_time_s);
}

TEST_CASE("what was told to a start counts for its first lists alone: a stamp that is wrong later ends nothing",
          "[tinybms]")
{
    const tinybms_events_over_t over = calm_after_old_fault(false);
    restart(&over);
    s_line.registers[50] = 0x9B;
    s_line.events[4] = s_line.events[3];
    s_line.events[3] = (tinybms_event_t){.time_s = 5003, .id = 0x31}; /* before the one that is over */
    s_line.event_count = 5;
    s_line.bms_time_s++;
    s_line.lose_newest = 1; /* so that the whole list is read */
    const int asked = s_line.requests[0x12];
    line_run(&s_line, 3000);
    TEST_ASSERT_GREATER_THAN(asked, s_line.requests[0x12]);
    expect("\x31");
}

TEST_CASE("it counts for the newest events too, where the BMS refuses its whole list", "[tinybms]")
{
    const tinybms_events_over_t over = calm_after_old_fault(false);
    s_line.registers[50] = 0x9B;
    happen(0x02);
    s_line.refused = 0x12;
    restart(&over);
    expect("\x02");
    s_line.refused = 0;
    line_run(&s_line, 70000);
    expect("\x02");
}
