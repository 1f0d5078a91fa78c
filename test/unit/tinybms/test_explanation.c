/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* A fault of the BMS, the events that explain it, and settings that change: what a session does about them. */
#include <string.h>

#include "../row.h"
#include "line.h"
#include "unity.h"

static line_t s_line;

/** A BMS at rest of either order whose lists the session knows, just after it asked for the newest events. */
static void begin(bool newest_first)
{
    line_begin(&s_line, 0);
    s_line.newest_first = newest_first;
    s_line.events[s_line.event_count++] = (tinybms_event_t){.time_s = 4000, .id = 0x64};
    line_run(&s_line, 2050);
    line_run_until_more(&s_line, &s_line.requests[0x11]);
    line_run(&s_line, 20);
}

static void happen(uint8_t event_id)
{
    s_line.bms_time_s++;
    s_line.events[s_line.event_count++] = (tinybms_event_t){.time_s = s_line.bms_time_s, .id = event_id};
}

static void begin_fault(uint8_t event_id)
{
    s_line.registers[50] = 0x9B;
    happen(event_id);
}

static const tinybms_snapshot_t *newest(void)
{
    return tinybms_session_snapshot(&s_line.session);
}

/** The ids that hold, in a text of such characters. */
static void expect(const char *ids)
{
    TEST_ASSERT_EQUAL_UINT8(strlen(ids), newest()->fault_count);
    for (size_t i = 0; i < newest()->fault_count; i++) {
        ROW("faults[%zu]", i);
        TEST_ASSERT_EQUAL_HEX8((uint8_t)ids[i], newest()->faults[i]);
    }
}

TEST_CASE("a fault is told together with the event that names it", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        begin_fault(0x03);
        const int snapshots = s_line.snapshots;
        line_run(&s_line, 230);
        TEST_ASSERT_EQUAL(snapshots + 1, s_line.snapshots);
        TEST_ASSERT_EQUAL(0, s_line.unnamed_faults);
        TEST_ASSERT_EQUAL(1, s_line.requests[0x12]); /* at the start */
        expect("\x03");
    }
}

TEST_CASE("a second fault during a fault is seen within two polls, and both hold", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        begin_fault(0x0B);
        line_run(&s_line, 500);
        happen(0x31);
        line_run(&s_line, 450);
        expect("\x0B\x31");
    }
}

TEST_CASE("two faults of one second both hold", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        begin_fault(0x03);
        s_line.events[s_line.event_count++] = (tinybms_event_t){.time_s = s_line.bms_time_s, .id = 0x05};
        line_run(&s_line, 250);
        expect("\x03\x05");
        TEST_ASSERT_EQUAL(0, s_line.unnamed_faults);
    }
}

TEST_CASE("a damaged list that told of the fault is made good by the whole list, before the fault is told", "[tinybms]")
{
    for (int which = 0; which < 4; which++) {
        ROW("which %d", which);
        begin(which / 2 != 0);
        s_line.tells_once = true;
        begin_fault(0x03);
        s_line.flip_newest = which % 2;
        s_line.lose_newest = 1 - which % 2;
        line_run(&s_line, 900);
        TEST_ASSERT_EQUAL(2, s_line.requests[0x12]);
        TEST_ASSERT_EQUAL(0, s_line.unnamed_faults);
        expect("\x03");
        TEST_ASSERT_FALSE(newest()->events_doubtful);
    }
}

TEST_CASE("a list that had to be asked for twice may have lost an event also while there is no fault", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        s_line.flip_newest = 1;
        const int snapshots = s_line.snapshots;
        line_run(&s_line, 2000);
        TEST_ASSERT_EQUAL(2, s_line.requests[0x12]);
        TEST_ASSERT_GREATER_OR_EQUAL(snapshots + 9, s_line.snapshots); /* nothing waits for it */
    }
}

TEST_CASE("a fault whose events cannot be read is told after a second, as one that nothing explains", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        s_line.tells_once = true;
        begin_fault(0x03);
        s_line.lose_newest = 1000;
        s_line.lose_all = 1000;
        const int snapshots = s_line.snapshots;
        line_run(&s_line, 990);
        TEST_ASSERT_EQUAL(snapshots, s_line.snapshots);
        line_run(&s_line, 230);
        TEST_ASSERT_EQUAL(snapshots + 1, s_line.snapshots);
        TEST_ASSERT_EQUAL(1, s_line.unnamed_faults);
        TEST_ASSERT_TRUE(newest()->events_doubtful);
        TEST_ASSERT_LESS_OR_EQUAL(1200, s_line.oldest_age_ms);
        line_run(&s_line, 5000); /* the others do not wait */
        TEST_ASSERT_GREATER_OR_EQUAL(snapshots + 10, s_line.snapshots);
        s_line.lose_all = 0;
        line_run(&s_line, 2000);
        expect("\x03");
        TEST_ASSERT_FALSE(newest()->events_doubtful);
    }
}

TEST_CASE("a fault is told a second after the BMS told it, to the millisecond, when its events cannot be read",
          "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        begin_fault(0x03);
        s_line.lose_newest = 1000;
        s_line.lose_all = 1000;
        line_run_until_more(&s_line, &s_line.requests[0x03]);
        const int64_t seen_ms = s_line.last_request_ms + s_line.answer_ms;
        line_run_until_more(&s_line, &s_line.snapshots);
        TEST_ASSERT_EQUAL_INT64(seen_ms + 1000, s_line.now_ms - 1);
        s_line.oldest_age_ms = 0;
        line_run(&s_line, 10000); /* then each at once: a poll waits for one exchange that is lost */
        TEST_ASSERT_LESS_OR_EQUAL(200 + 300 + 12, s_line.oldest_age_ms);
    }
}

TEST_CASE("newest events that had to be asked for twice explain nothing before the whole list is there", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        begin_fault(0x03);
        s_line.flip_newest = 1;
        line_run(&s_line, 500);
        TEST_ASSERT_EQUAL(2, s_line.requests[0x12]);
        TEST_ASSERT_EQUAL(0, s_line.unnamed_faults);
        expect("\x03");
    }
}

TEST_CASE("a fault that only the whole list explains waits for it, which is asked for at once", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        s_line.tells_once = true;
        begin_fault(0x03);
        s_line.told_count_by_bms = s_line.event_count;
        line_run_until_more(&s_line, &s_line.requests[0x11]);
        const int64_t newest_ms = s_line.last_request_ms;
        line_run_until_more(&s_line, &s_line.requests[0x12]);
        TEST_ASSERT_EQUAL_INT64(newest_ms + s_line.answer_ms, s_line.last_request_ms);
        line_run(&s_line, 300);
        TEST_ASSERT_EQUAL(0, s_line.unnamed_faults);
        expect("\x03");
    }
}

TEST_CASE("all events are asked for 10 s after the last time while nothing explains a fault", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        tinybms_session_set_poll_ms(&s_line.session, 2000);
        s_line.registers[50] = 0x9B;
        line_run_until_more(&s_line, &s_line.requests[0x12]);
        const int64_t first_ms = s_line.last_request_ms;
        line_run_until_more(&s_line, &s_line.requests[0x12]);
        TEST_ASSERT_EQUAL_INT64(first_ms + s_line.answer_ms + 10000, s_line.last_request_ms);
    }
}

TEST_CASE("a fault of which no list tells is told when the whole list is there, which is asked for every 10 s",
          "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        s_line.registers[50] = 0x9B;
        const int snapshots = s_line.snapshots;
        const int asked = s_line.requests[0x12];
        line_run(&s_line, 300);
        TEST_ASSERT_EQUAL(asked + 1, s_line.requests[0x12]);
        TEST_ASSERT_GREATER_THAN(snapshots, s_line.snapshots);
        expect("");
        TEST_ASSERT_FALSE(newest()->events_doubtful);
        line_run(&s_line, 9600);
        TEST_ASSERT_EQUAL(asked + 1, s_line.requests[0x12]);
        line_run(&s_line, 400);
        TEST_ASSERT_EQUAL(asked + 2, s_line.requests[0x12]);
        line_run(&s_line, 10000);
        TEST_ASSERT_EQUAL(asked + 3, s_line.requests[0x12]);
        TEST_ASSERT_LESS_OR_EQUAL(500, s_line.oldest_age_ms);
    }
}

TEST_CASE("a fault that goes on after its event has ended is one that nothing explains", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        begin_fault(0x03);
        line_run(&s_line, 1000);
        const int asked = s_line.requests[0x12];
        happen(0x79);
        line_run(&s_line, 700);
        expect("");
        line_run(&s_line, 10000);
        TEST_ASSERT_EQUAL(asked + 1, s_line.requests[0x12]);
    }
}

TEST_CASE("three blocks in a row out of the fault state end all that is listed, two do not", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        begin_fault(0x0B);
        line_run(&s_line, 1000);
        expect("\x0B");
        s_line.registers[50] = 0x97;
        line_run_until_more(&s_line, &s_line.snapshots);
        line_run_until_more(&s_line, &s_line.snapshots);
        expect("\x0B");
        s_line.registers[50] = 0x9B;
        line_run(&s_line, 400);
        expect("\x0B");
        s_line.registers[50] = 0x97;
        line_run(&s_line, 650);
        expect("");
        begin_fault(0x02); /* a year later */
        line_run(&s_line, 400);
        expect("\x02");
    }
}

TEST_CASE("an event that comes while the BMS is calm is over three blocks later, not before", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        line_run(&s_line, 1000);
        happen(0x06);
        line_run_until_more(&s_line, &s_line.requests[0x11]);
        line_run(&s_line, 20);
        expect("\x06");
        line_run(&s_line, 380);
        expect("\x06");
        line_run(&s_line, 250);
        expect("");
    }
}

TEST_CASE("a gateway that starts in a fault tells it before the lists have been read as one that may lack events",
          "[tinybms]")
{
    line_begin(&s_line, 0);
    begin_fault(0x03);
    s_line.deaf_to = 0x12;
    line_run(&s_line, 1000);
    TEST_ASSERT_GREATER_THAN(0, s_line.snapshots);
    TEST_ASSERT_EQUAL(s_line.snapshots, s_line.unnamed_faults);
    TEST_ASSERT_TRUE(newest()->events_doubtful);
    s_line.deaf_to = 0;
    line_run(&s_line, 1500);
    expect("\x03");
    TEST_ASSERT_FALSE(newest()->events_doubtful);
}

TEST_CASE("a BMS that refuses the whole list at the start is asked for the newest events a second later", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.refused = 0x12;
    begin_fault(0x0B);
    line_run_until_more(&s_line, &s_line.requests[0x12]);
    line_run(&s_line, 100);
    TEST_ASSERT_FALSE(newest()->events_doubtful);
    TEST_ASSERT_FALSE(newest()->events_known);
    line_run(&s_line, 1100);
    TEST_ASSERT_EQUAL(1, s_line.requests[0x11]);
    TEST_ASSERT_TRUE(newest()->events_known);
    expect("\x0B");
}

/** A fault of a BMS that never gives its whole list, and one answer of it is lost. */
static void lose_one_without_a_list(bool tells_once)
{
    line_begin(&s_line, 0);
    s_line.refused = 0x12;
    s_line.tells_once = tells_once;
    begin_fault(0x02);
    line_run(&s_line, 2500);
    expect("\x02");
    TEST_ASSERT_FALSE(newest()->events_doubtful);
    s_line.lose_newest = 1;
    line_run_until_more(&s_line, &s_line.requests[0x12]);
    line_run(&s_line, 2000);
}

TEST_CASE("without a whole list, newest events that go back to a known one show that none is missing", "[tinybms]")
{
    lose_one_without_a_list(false);
    TEST_ASSERT_FALSE(newest()->events_doubtful);
    expect("\x02");
    lose_one_without_a_list(true); /* a BMS that tells each once shows nothing of the kind */
    TEST_ASSERT_TRUE(newest()->events_doubtful);
}

TEST_CASE("a BMS that refuses the newest events is asked for all", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        s_line.refused = 0x11;
        begin_fault(0x03);
        line_run(&s_line, 300);
        TEST_ASSERT_EQUAL(0, s_line.unnamed_faults);
        expect("\x03");
    }
}

TEST_CASE("a whole list that is refused while an event may be missing is asked for again every second", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        s_line.registers[50] = 0x9B;
        s_line.lose_newest = 2;
        s_line.refused = 0x12;
        line_run(&s_line, 3000);
        const int asked = s_line.requests[0x12];
        line_run(&s_line, 4000);
        TEST_ASSERT_GREATER_OR_EQUAL(asked + 3, s_line.requests[0x12]);
        TEST_ASSERT_LESS_OR_EQUAL(asked + 5, s_line.requests[0x12]);
    }
}

TEST_CASE("a fault that is over before it could be explained is told at once", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        s_line.registers[50] = 0x9B;
        s_line.lose_newest = 1000;
        s_line.lose_all = 1000;
        line_run(&s_line, 400);
        s_line.registers[50] = 0x97;
        const int snapshots = s_line.snapshots;
        line_run(&s_line, 300);
        TEST_ASSERT_GREATER_THAN(snapshots, s_line.snapshots);
    }
}

TEST_CASE("a clock that is set back does not prolong the wait for an explanation", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        begin_fault(0x03);
        s_line.lose_newest = 1000;
        s_line.lose_all = 1000;
        line_run(&s_line, 500);
        s_line.now_ms -= 3600000;
        s_line.answer_at_ms = INT64_MAX;
        const int snapshots = s_line.snapshots;
        line_run(&s_line, 800);
        TEST_ASSERT_GREATER_THAN(snapshots, s_line.snapshots);
    }
}

TEST_CASE("a doubt about the lists ends when the BMS is out of its fault, for they do not matter then", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        s_line.registers[50] = 0x9B;
        s_line.lose_newest = 1000;
        s_line.lose_all = 1000;
        line_run(&s_line, 5000);
        TEST_ASSERT_TRUE(newest()->events_doubtful);
        s_line.registers[50] = 0x97;
        line_run(&s_line, 1500);
        TEST_ASSERT_FALSE(newest()->events_doubtful);
    }
}

TEST_CASE("a doubt that comes up out of a fault ends with the next block", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        line_run(&s_line, 1000);
        s_line.lose_newest = 2;
        s_line.lose_all = 1000;
        line_run_until_more(&s_line, &s_line.requests[0x12]);
        line_run(&s_line, 300);
        TEST_ASSERT_FALSE(newest()->events_doubtful);
    }
}

TEST_CASE("after a restart of the BMS what is listed is over with the third block out of the fault", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        begin_fault(0x03);
        line_run(&s_line, 500);
        s_line.registers[50] = 0x97;
        line_run(&s_line, 1000);
        expect("");
        s_line.bms_time_s = 10;
        line_run_until_more(&s_line, &s_line.requests[0x11]);
        line_run(&s_line, 20);
        expect("\x03");
        line_run(&s_line, 430); /* two blocks */
        expect("\x03");
        line_run(&s_line, 250);
        expect("");
    }
}

TEST_CASE("a fault whose stamp is that of an old one after a restart of the BMS is told, and its settings are read",
          "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        begin_fault(0x03);
        line_run(&s_line, 500);
        expect("\x03");
        s_line.registers[50] = 0x97;
        line_run_until_more(&s_line, &s_line.requests[0x11]);
        line_run(&s_line, 1000);
        expect("");
        const int settings_requests = s_line.settings_requests;
        s_line.bms_time_s = 10;
        s_line.registers[50] = 0x9B; /* the list is the same */
        line_run(&s_line, 1500);
        expect("\x03");
        TEST_ASSERT_EQUAL(settings_requests + 1, s_line.settings_requests);
    }
}

/* ---- settings ---- */

TEST_CASE("settings are read at once when the BMS tells that it was started", "[tinybms]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin(order != 0);
        const int asked = s_line.settings_requests;
        happen(0x64);
        line_run(&s_line, 1500);
        TEST_ASSERT_EQUAL(asked, s_line.settings_requests);
        happen(0x61);
        line_run(&s_line, 1200);
        TEST_ASSERT_EQUAL(asked + 1, s_line.settings_requests);
    }
}

TEST_CASE("settings that are new, or have changed, are read again half a second later", "[tinybms]")
{
    line_begin(&s_line, 0);
    line_run_until_more(&s_line, &s_line.settings_requests);
    const int64_t first_ms = s_line.settings_request_ms;
    line_run_until_more(&s_line, &s_line.settings_requests);
    TEST_ASSERT_EQUAL_INT64(first_ms + 12 + 500, s_line.settings_request_ms);
    tinybms_session_set_poll_ms(&s_line.session, 2000);
    line_run(&s_line, 59000);
    s_line.registers[300] = 4100;
    line_run_until_more(&s_line, &s_line.settings_requests);
    const int64_t from_ms = s_line.settings_request_ms;
    line_run_until_more(&s_line, &s_line.settings_requests);
    TEST_ASSERT_EQUAL_INT64(from_ms + 12 + 500, s_line.settings_request_ms);
}

static void run_until_settings_are_read(void)
{
    line_run_until_more(&s_line, &s_line.settings_requests);
    line_run(&s_line, 20);
}

TEST_CASE("settings that have changed are read a second time within a second; readings that are alike are counted",
          "[tinybms]")
{
    begin(false);
    TEST_ASSERT_EQUAL_UINT8(2, newest()->settings_alike);
    run_until_settings_are_read();
    TEST_ASSERT_EQUAL_UINT8(3, newest()->settings_alike);
    static const uint16_t used[] = {300, 301, 303, 304, 305, 306, 307, 315, 316, 317, 318, 319, 320, 321, 329};
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        ROW("register %u", used[i]);
        s_line.registers[used[i]] ^= 1U;
        run_until_settings_are_read();
        TEST_ASSERT_EQUAL_UINT8(1, newest()->settings_alike);
        const int asked = s_line.settings_requests;
        line_run(&s_line, 900);
        TEST_ASSERT_EQUAL(asked + 1, s_line.settings_requests);
        TEST_ASSERT_EQUAL_UINT8(2, newest()->settings_alike);
    }
}

TEST_CASE("settings that limit nothing may change as they like", "[tinybms]")
{
    begin(false);
    static const uint16_t unused[] = {302, 308, 314, 322, 323, 328, 330, 343};
    uint8_t alike = newest()->settings_alike;
    for (size_t i = 0; i < sizeof(unused) / sizeof(unused[0]); i++) {
        ROW("register %u", unused[i]);
        s_line.registers[unused[i]] ^= 1U;
        run_until_settings_are_read();
        TEST_ASSERT_EQUAL_UINT8(++alike, newest()->settings_alike);
    }
}

TEST_CASE("the count of readings that are alike does not wrap", "[tinybms]")
{
    begin(false);
    s_line.session.snapshot.settings_alike = 254;
    run_until_settings_are_read();
    TEST_ASSERT_EQUAL_UINT8(255, newest()->settings_alike);
    run_until_settings_are_read();
    TEST_ASSERT_EQUAL_UINT8(255, newest()->settings_alike);
}
