/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "tinybms_command.h"
#include "tinybms_event_log.h"
#include "unity.h"

#define ALL    TINYBMS_LIST_ALL
#define NEWEST TINYBMS_LIST_NEWEST

static tinybms_event_log_t s_log; /* too large for the stack of a chip */

static void begin(void)
{
    memset(&s_log, 0, sizeof(s_log));
}

/** An answer; `newest_first`: as a BMS of the other order sends it. @return how many events were not known */
static size_t take(tinybms_event_list_t list, const tinybms_event_t *events, size_t count, bool newest_first)
{
    tinybms_event_t sent[TINYBMS_EVENTS_MAX];
    for (size_t i = 0; i < count; i++) {
        sent[i] = events[newest_first ? count - 1 - i : i];
    }
    return tinybms_event_log_take(&s_log, sent, count, list);
}

#define TAKE(list, events, newest_first) take(list, events, sizeof(events) / sizeof((events)[0]), newest_first)

/** The ids that hold, in a text of such characters. */
static void expect(const char *ids)
{
    uint8_t found[TINYBMS_FAULTS_MAX];
    const size_t count = tinybms_event_log_unrecovered(&s_log, found, TINYBMS_FAULTS_MAX);
    TEST_ASSERT_EQUAL_UINT32(strlen(ids), count);
    for (size_t i = 0; i < count; i++) {
        ROW("found[%zu]", i);
        TEST_ASSERT_EQUAL_HEX8((uint8_t)ids[i], found[i]);
    }
}

TEST_CASE("all faults without a later recovery hold, in either order of the list", "[tinybms]")
{
    static const tinybms_event_t events[] = {{100, 0x03}, {200, 0x79}, {250, 0x04}, {300, 0x0B}, {310, 0x31}};
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        begin();
        TEST_ASSERT_EQUAL_UINT32(5, TAKE(ALL, events, newest_first != 0));
        expect("\x04\x0B\x31");
        begin();
        (void)TAKE(NEWEST, events, newest_first != 0);
        expect("\x04\x0B\x31");
    }
}

TEST_CASE("the place in the list decides, not the stamp: in one second, ahead of time, over the wrap", "[tinybms]")
{
    static const tinybms_event_t over[] = {{90, 0x64}, {100, 0x03}, {100, 0x79}};
    static const tinybms_event_t holds[] = {{90, 0x64}, {100, 0x79}, {100, 0x03}};
    static const tinybms_event_t ahead[] = {{100, 0x03}, {200, 0x64}, {150, 0x79}, {300, 0x65}};
    static const tinybms_event_t wrap[] = {{0xFFFFF0, 0x03}, {0x000010, 0x79}};
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        begin();
        (void)TAKE(ALL, over, newest_first != 0);
        expect("");
        begin();
        (void)TAKE(ALL, holds, newest_first != 0);
        expect("\x03");
        begin();
        (void)TAKE(ALL, ahead, newest_first != 0);
        expect("");
        begin();
        (void)TAKE(ALL, wrap, newest_first != 0);
        expect("");
    }
}

TEST_CASE("where the order cannot be found every fault holds, until an answer with an order comes", "[tinybms]")
{
    static const tinybms_event_t first[] = {{100, 0x03}, {100, 0x79}};
    static const tinybms_event_t then[] = {{100, 0x03}, {100, 0x79}, {101, 0x64}};
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        begin();
        (void)TAKE(NEWEST, first, newest_first != 0);
        expect("\x03");
        TEST_ASSERT_EQUAL_UINT32(1, TAKE(NEWEST, then, newest_first != 0));
        expect("");
    }
}

TEST_CASE("an answer that runs otherwise than the lists before it has no known order: a stamp may be wrong",
          "[tinybms]")
{
    static const tinybms_event_t history[] = {{10, 0x64}, {20, 0x65}, {30, 0x64}, {40, 0x73}};
    static const tinybms_event_t early[] = {{40, 0x73}, {39, 0x04}}; /* its stamp is a second early */
    static const tinybms_event_t end[] = {{41, 0x64}, {42, 0x73}};
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        begin();
        (void)TAKE(ALL, history, newest_first != 0);
        (void)TAKE(NEWEST, early, newest_first != 0);
        expect("\x04");
        (void)TAKE(NEWEST, early, newest_first != 0);
        expect("\x04");
        (void)TAKE(NEWEST, end, newest_first != 0);
        expect("");
    }
}

TEST_CASE("the two lists of a BMS may run each its own way", "[tinybms]")
{
    static const tinybms_event_t history[] = {{10, 0x64}, {20, 0x65}, {30, 0x64}, {40, 0x65}, {50, 0x64}};
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        begin();
        (void)TAKE(ALL, history, newest_first != 0);
        for (uint32_t at = 60; at < 100; at += 10) { /* four steps outweigh what the other list lets expect */
            const tinybms_event_t answer[] = {{at - 10, 0x64}, {at, 0x64}};
            (void)TAKE(NEWEST, answer, newest_first == 0);
        }
        static const tinybms_event_t fault[] = {{110, 0x79}, {120, 0x03}};
        static const tinybms_event_t over[] = {{130, 0x64}, {140, 0x79}};
        (void)TAKE(NEWEST, fault, newest_first == 0);
        expect("\x03");
        (void)TAKE(NEWEST, over, newest_first == 0);
        expect("");
        static const tinybms_event_t both[] = {{150, 0x03}, {160, 0x79}};
        (void)TAKE(NEWEST, both, newest_first == 0);
        expect("");
    }
}

TEST_CASE("newest events that run against the list and tell nothing new change nothing", "[tinybms]")
{
    static const tinybms_event_t all[] = {{50, 0x65}, {100, 0x03}, {200, 0x79}, {900, 0x02}};
    static const tinybms_event_t twice[] = {{900, 0x02}, {200, 0x79}, {100, 0x03}, {100, 0x03}};
    begin();
    for (size_t newest = 2; newest <= 4; newest++) {
        ROW("newest %zu", newest);
        (void)TAKE(ALL, all, false);
        TEST_ASSERT_EQUAL_UINT32(0, take(NEWEST, &all[4 - newest], newest, true));
        TEST_ASSERT_EQUAL_UINT32(4, s_log.count);
        expect("\x02");
    }
    (void)TAKE(NEWEST, twice, false); /* one of them is not in the list */
    expect("\x02\x03");
}

TEST_CASE("known events of one second whose order is not known may have come again", "[tinybms]")
{
    static const tinybms_event_t over[] = {{90, 0x64}, {100, 0x03}, {100, 0x79}};
    begin();
    (void)TAKE(ALL, over, false);
    expect("");
    (void)take(NEWEST, &over[1], 2, true);
    expect("\x03");
}

TEST_CASE("one step of a list is enough to doubt an answer that runs the other way", "[tinybms]")
{
    static const tinybms_event_t first[] = {{10, 0x64}, {20, 0x65}};
    static const tinybms_event_t then[] = {{30, 0x79}, {40, 0x03}};
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        begin();
        (void)TAKE(ALL, first, newest_first != 0);
        (void)TAKE(ALL, then, newest_first == 0);
        TEST_ASSERT_GREATER_THAN(0, s_log.entries[0].unordered);
        expect("\x03");
    }
}

TEST_CASE("three steps of its own outweigh how the other list runs", "[tinybms]")
{
    static const tinybms_event_t history[] = {{10, 0x64}, {20, 0x65}, {30, 0x64}, {40, 0x65}, {50, 0x64}, {60, 0x65}};
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        begin();
        (void)TAKE(ALL, history, newest_first != 0);
        for (uint32_t i = 1; i <= 4; i++) {
            const tinybms_event_t answer[] = {{100 * i, 0x64}, {100 * i + 1, 0x65}};
            (void)TAKE(NEWEST, answer, newest_first == 0);
            TEST_ASSERT_EQUAL(i <= 3, s_log.entries[s_log.count - 1].unordered != 0);
        }
    }
}

TEST_CASE("events of unknown order are told as they came", "[tinybms]")
{
    tinybms_event_t events[] = {{10, 0x64}, {10, 0x65}, {10, 0x66}};
    begin();
    TEST_ASSERT_EQUAL_UINT32(3, tinybms_event_log_take(&s_log, events, 3, NEWEST));
    TEST_ASSERT_EQUAL_HEX8(0x64, events[0].id);
    TEST_ASSERT_EQUAL_HEX8(0x66, events[2].id);
    TEST_ASSERT_EQUAL_HEX8(0x64, s_log.entries[0].id);
}

TEST_CASE("a list that is read again and again tells its order once", "[tinybms]")
{
    static const tinybms_event_t misleading[] = {{40, 0x64}, {39, 0x65}};
    static const tinybms_event_t right[] = {{40, 0x64}, {39, 0x65}, {50, 0x03}, {60, 0x79}, {70, 0x64}};
    begin();
    for (int i = 0; i < 1000; i++) {
        (void)TAKE(ALL, misleading, false);
    }
    (void)TAKE(ALL, right, false); /* three steps forward, one back; one back was told before */
    (void)TAKE(ALL, right, false);
    expect("");
}

TEST_CASE("a recovery in an answer of unknown order ends a fault that was known before", "[tinybms]")
{
    static const tinybms_event_t before[] = {{90, 0x64}, {95, 0x03}};
    static const tinybms_event_t answer[] = {{100, 0x79}, {100, 0x02}};
    begin();
    (void)TAKE(ALL, before, false);
    expect("\x03");
    (void)TAKE(NEWEST, answer, false);
    expect("\x02");
}

TEST_CASE("a fault that comes back after its recovery holds again", "[tinybms]")
{
    static const tinybms_event_t events[] = {{100, 0x03}, {110, 0x79}};
    static const tinybms_event_t again[] = {{120, 0x03}};
    begin();
    (void)TAKE(ALL, events, false);
    expect("");
    TEST_ASSERT_EQUAL_UINT32(1, TAKE(NEWEST, again, false));
    expect("\x03");
}

TEST_CASE("switch and sensor faults hold until the BMS was restarted later", "[tinybms]")
{
    for (uint8_t fault = 0x0B; fault <= 0x0F; fault++) {
        const tinybms_event_t before[] = {{100, 0x61}, {110, fault}, {120, 0x7C}, {121, 0x7D}};
        const tinybms_event_t after[] = {{100, 0x61}, {110, fault}, {120, 0x7C}, {121, 0x7D}, {130, 0x61}};
        const char expected[] = {(char)fault, '\0'};
        begin();
        (void)TAKE(ALL, before, false);
        expect(expected);
        (void)TAKE(ALL, after, false);
        expect("");
    }
    static const tinybms_event_t other[] = {{100, 0x03}, {110, 0x61}};
    begin();
    (void)TAKE(ALL, other, false);
    expect("\x03");
}

TEST_CASE("what is listed is over once the BMS was out of its fault state, also in lists that come later", "[tinybms]")
{
    static const tinybms_event_t old[] = {{10, 0x0B}, {20, 0x64}};
    static const tinybms_event_t now[] = {{10, 0x0B}, {20, 0x64}, {900, 0x02}};
    begin();
    (void)TAKE(ALL, old, false);
    expect("\x0B");
    tinybms_event_log_end_all(&s_log);
    expect("");
    (void)TAKE(ALL, old, true);
    expect("");
    (void)TAKE(NEWEST, now, true);
    expect("\x02");
    (void)TAKE(ALL, now, true);
    expect("\x02");
}

TEST_CASE("each event is new once", "[tinybms]")
{
    static const tinybms_event_t first[] = {{100, 0x64}, {110, 0x65}};
    static const tinybms_event_t second[] = {{110, 0x65}, {120, 0x64}, {130, 0x65}};
    tinybms_event_t answer[3];
    begin();
    TEST_ASSERT_EQUAL_UINT32(2, TAKE(ALL, first, true));
    TEST_ASSERT_EQUAL_UINT32(0, TAKE(NEWEST, first, true));
    for (size_t i = 0; i < 3; i++) {
        answer[i] = second[2 - i]; /* newest first */
    }
    TEST_ASSERT_EQUAL_UINT32(2, tinybms_event_log_take(&s_log, answer, 3, NEWEST));
    TEST_ASSERT_EQUAL_UINT32(120, answer[0].time_s);
    TEST_ASSERT_EQUAL_UINT32(130, answer[1].time_s);
    TEST_ASSERT_EQUAL_UINT32(4, s_log.count);
}

TEST_CASE("the newest events may be told again and again, each once, or some of them", "[tinybms]")
{
    static const tinybms_event_t all[] = {{100, 0x03}, {110, 0x79}, {120, 0x64}, {130, 0x02}};
    static const tinybms_event_t some[] = {{110, 0x79}, {120, 0x64}};
    static const tinybms_event_t scattered[] = {{100, 0x03}, {130, 0x02}};
    static const tinybms_event_t recovered[] = {{140, 0x7B}};
    begin();
    (void)TAKE(ALL, all, false);
    (void)TAKE(NEWEST, all, false);
    (void)TAKE(NEWEST, some, false);
    (void)TAKE(NEWEST, scattered, false);
    expect("\x02");
    TEST_ASSERT_EQUAL_UINT32(4, s_log.count);
    (void)TAKE(NEWEST, recovered, false);
    expect("");
    (void)take(NEWEST, NULL, 0, false);
    TEST_ASSERT_EQUAL_UINT32(5, s_log.count);
}

TEST_CASE("what the BMS has cleared is forgotten", "[tinybms]")
{
    static const tinybms_event_t events[] = {{100, 0x02}, {110, 0x64}};
    begin();
    (void)TAKE(ALL, events, false);
    expect("\x02");
    (void)take(ALL, NULL, 0, false);
    expect("");
    TEST_ASSERT_EQUAL_UINT32(0, s_log.count);
}

TEST_CASE("what the BMS has cleared is as if it had never been, should it come again with the same stamp", "[tinybms]")
{
    static const tinybms_event_t events[] = {{100, 0x03}, {110, 0x79}, {120, 0x64}};
    for (int list = ALL; list <= NEWEST; list++) {
        begin();
        (void)TAKE(ALL, events, false);
        (void)take(ALL, NULL, 0, false);
        TEST_ASSERT_EQUAL_UINT32(1, take((tinybms_event_list_t)list, events, 1, false));
        TEST_ASSERT_EQUAL_UINT32(1, s_log.count);
        expect("\x03");
    }
    begin();
    (void)TAKE(ALL, events, false);
    (void)take(ALL, events, 1, false);
    expect("\x03"); /* the recovery is gone */
    TEST_ASSERT_EQUAL_UINT32(1, take(NEWEST, events, 2, false));
    TEST_ASSERT_EQUAL_UINT32(2, s_log.count);
    expect("");
}

TEST_CASE("of an answer that begins with what is known only the rest is new", "[tinybms]")
{
    static const tinybms_event_t events[] = {{100, 0x03}, {110, 0x79}, {120, 0x64}, {130, 0x65}};
    for (size_t known = 1; known <= 3; known++) {
        for (size_t again = 1; again <= known; again++) {
            ROW("%zu known, %zu again", known, again);
            tinybms_event_t answer[4];
            const size_t count = 4 - known + again;
            memcpy(answer, &events[known - again], count * sizeof(answer[0]));
            begin();
            (void)take(ALL, events, known, false);
            TEST_ASSERT_EQUAL_UINT32(4 - known, tinybms_event_log_take(&s_log, answer, count, NEWEST));
            TEST_ASSERT_EQUAL_UINT32(4, s_log.count);
            for (size_t i = 0; i < 4; i++) {
                TEST_ASSERT_EQUAL_UINT32(events[i].time_s, s_log.entries[i].time_s);
            }
        }
    }
}

TEST_CASE("what stands behind an answer is no part of it", "[tinybms]")
{
    static const tinybms_event_t events[] = {{100, 0x03}, {110, 0x79}, {120, 0x64}};
    tinybms_event_t answer[3];
    memcpy(answer, events, sizeof(answer));
    begin();
    (void)TAKE(ALL, events, false);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_event_log_take(&s_log, answer, 2, NEWEST));
    TEST_ASSERT_EQUAL_UINT32(3, s_log.count);
}

TEST_CASE("all events that came in no known order are in one as soon as an answer shows it", "[tinybms]")
{
    static const tinybms_event_t first[] = {{100, 0x64}, {100, 0x65}, {100, 0x03}, {100, 0x79}};
    static const tinybms_event_t then[] = {{100, 0x64}, {100, 0x65}, {100, 0x03}, {100, 0x79}, {101, 0x64}};
    begin();
    (void)TAKE(NEWEST, first, false);
    expect("\x03");
    TEST_ASSERT_EQUAL_UINT32(1, TAKE(NEWEST, then, false));
    expect("");
}

TEST_CASE("an event that never was has no time", "[tinybms]")
{
    begin();
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_event_log_newest(&s_log, 0x61).time_s);
    TEST_ASSERT_EQUAL_HEX8(0, tinybms_event_log_newest(&s_log, 0x61).id);
}

TEST_CASE("a fault counts once however often it is listed, and a full log forgets where it was first", "[tinybms]")
{
    begin();
    for (uint32_t i = 0; i < TINYBMS_EVENT_LOG_SIZE + 10; i++) {
        const tinybms_event_t event = {.time_s = 1000 + i, .id = i == 0 ? 0x02 : 0x03};
        (void)take(NEWEST, &event, 1, false);
    }
    TEST_ASSERT_EQUAL_UINT32(TINYBMS_EVENT_LOG_SIZE, s_log.count);
    expect("\x02\x03");
    TEST_ASSERT_EQUAL_UINT32(1000, s_log.entries[0].time_s);
    TEST_ASSERT_EQUAL_UINT32(1011, s_log.entries[1].time_s);
    TEST_ASSERT_EQUAL_UINT32(1000 + TINYBMS_EVENT_LOG_SIZE + 9, tinybms_event_log_newest(&s_log, 0x03).time_s);
}

TEST_CASE("a log that is full of faults of all kinds forgets the oldest", "[tinybms]")
{
    begin();
    for (uint32_t i = 0; i <= TINYBMS_EVENT_LOG_SIZE; i++) {
        const tinybms_event_t event = {.time_s = 1000 + i, .id = (uint8_t)(0x80 + i)};
        (void)take(NEWEST, &event, 1, false);
    }
    TEST_ASSERT_EQUAL_UINT32(TINYBMS_EVENT_LOG_SIZE, s_log.count);
    TEST_ASSERT_EQUAL_UINT32(1001, s_log.entries[0].time_s);
    TEST_ASSERT_EQUAL_UINT32(1000 + TINYBMS_EVENT_LOG_SIZE, s_log.entries[s_log.count - 1].time_s);
}

/** The whole list: so many messages, the first of them with this stamp. */
static void take_messages(size_t count, uint32_t first_s)
{
    tinybms_event_t events[TINYBMS_EVENTS_KEPT];
    for (size_t i = 0; i < count; i++) {
        events[i] = (tinybms_event_t){.time_s = first_s + (uint32_t)i, .id = 0x65};
    }
    (void)take(ALL, events, count, false);
}

TEST_CASE("a fault that 49 later events have pushed out of the list of the BMS holds", "[tinybms]")
{
    static const tinybms_event_t before[] = {{90, 0x02}, {95, 0x7A}, {100, 0x0B}};
    begin();
    (void)TAKE(ALL, before, false);
    for (uint32_t i = 0; i < 10; i++) {
        take_messages(TINYBMS_EVENTS_KEPT, 200 + i);
        expect("\x02\x0B");
        TEST_ASSERT_EQUAL_UINT32(TINYBMS_EVENTS_KEPT + 2, s_log.count);
    }
    take_messages(TINYBMS_EVENTS_KEPT - 1, 300); /* a list that was cleared has room */
    expect("");
    TEST_ASSERT_EQUAL_UINT32(TINYBMS_EVENTS_KEPT - 1, s_log.count);
}

TEST_CASE("of a fault that is pushed out where it came twice one is kept, and none beside one that is listed",
          "[tinybms]")
{
    static const tinybms_event_t twice[] = {{100, 0x0B}, {105, 0x0B}};
    tinybms_event_t events[TINYBMS_EVENTS_KEPT];
    begin();
    (void)TAKE(ALL, twice, false);
    take_messages(TINYBMS_EVENTS_KEPT, 200);
    TEST_ASSERT_EQUAL_UINT32(TINYBMS_EVENTS_KEPT + 1, s_log.count);
    TEST_ASSERT_EQUAL_UINT32(105, s_log.entries[0].time_s);
    for (size_t place = 0; place < TINYBMS_EVENTS_KEPT; place += TINYBMS_EVENTS_KEPT - 1) {
        begin();
        (void)TAKE(ALL, twice, false);
        for (size_t i = 0; i < TINYBMS_EVENTS_KEPT; i++) {
            events[i] = (tinybms_event_t){.time_s = 200 + (uint32_t)i, .id = i == place ? 0x0B : 0x65};
        }
        (void)TAKE(ALL, events, false);
        TEST_ASSERT_EQUAL_UINT32(TINYBMS_EVENTS_KEPT, s_log.count);
        expect("\x0B");
    }
}

TEST_CASE("what stands behind the log, or behind an answer, is no reason to forget a fault", "[tinybms]")
{
    static const tinybms_event_t twice[] = {{100, 0x0B}, {105, 0x0B}};
    tinybms_event_t events[TINYBMS_EVENTS_KEPT + 1];
    for (size_t i = 0; i <= TINYBMS_EVENTS_KEPT; i++) {
        events[i] = (tinybms_event_t){.time_s = 200 + (uint32_t)i, .id = i == TINYBMS_EVENTS_KEPT ? 0x0B : 0x65};
    }
    begin();
    (void)TAKE(ALL, twice, false);
    (void)take(ALL, twice, 1, false);
    (void)tinybms_event_log_take(&s_log, events, TINYBMS_EVENTS_KEPT, ALL);
    expect("\x0B");
}

TEST_CASE("an answer with more events than any BMS keeps is taken, faults before all else", "[tinybms]")
{
    tinybms_event_t events[TINYBMS_EVENTS_MAX];
    begin();
    for (uint32_t i = 0; i < TINYBMS_EVENTS_MAX; i++) {
        events[i] = (tinybms_event_t){.time_s = 100 + i, .id = i < 2 ? 0x03 : 0x65};
    }
    for (int round = 0; round < 3; round++) {
        ROW("round %d", round);
        (void)TAKE(round == 1 ? NEWEST : ALL, events, false);
        TEST_ASSERT_EQUAL_UINT32(TINYBMS_EVENT_LOG_SIZE, s_log.count);
        TEST_ASSERT_EQUAL_UINT32(100 + TINYBMS_EVENTS_MAX - 1, s_log.entries[s_log.count - 1].time_s);
        expect("\x03");
    }
}

TEST_CASE("a full log forgets what forbids nothing any more before a fault that holds", "[tinybms]")
{
    static const tinybms_event_t fault[] = {{100, 0x64}, {101, 0x0B}};
    begin();
    (void)TAKE(NEWEST, fault, false);
    for (uint32_t i = 0; i < 3 * TINYBMS_EVENT_LOG_SIZE; i++) {
        const tinybms_event_t message = {.time_s = 1000 + i, .id = 0x65};
        TEST_ASSERT_EQUAL_UINT32(1, take(NEWEST, &message, 1, false));
        expect("\x0B");
    }
    TEST_ASSERT_EQUAL_UINT32(TINYBMS_EVENT_LOG_SIZE, s_log.count);
    TEST_ASSERT_EQUAL_UINT32(101, s_log.entries[0].time_s);
    TEST_ASSERT_EQUAL_UINT32(1000 + 2 * TINYBMS_EVENT_LOG_SIZE + 1, s_log.entries[1].time_s);
}

TEST_CASE("what was over holds again when its stamp may have come twice", "[tinybms]")
{
    static const tinybms_event_t events[] = {{100, 0x02}, {110, 0x03}};
    begin();
    (void)TAKE(ALL, events, false);
    tinybms_event_log_end_all(&s_log);
    expect("");
    tinybms_event_log_doubt_all(&s_log);
    expect("\x02\x03");
}

TEST_CASE("of many unknown events enough are told to forbid everything", "[tinybms]")
{
    tinybms_event_t events[40];
    uint8_t found[TINYBMS_FAULTS_MAX];
    for (uint32_t i = 0; i < 40; i++) {
        events[i] = (tinybms_event_t){.time_s = 100 + i, .id = (uint8_t)(0x80 + i)};
    }
    begin();
    (void)TAKE(ALL, events, false);
    TEST_ASSERT_EQUAL_UINT32(TINYBMS_FAULTS_MAX, tinybms_event_log_unrecovered(&s_log, found, TINYBMS_FAULTS_MAX));
}

TEST_CASE("answers of unknown order are told apart also after 255 of them", "[tinybms]")
{
    static const tinybms_event_t fault[] = {{5000, 0x03}, {5000, 0x64}};
    begin();
    for (uint32_t i = 0; i < 300; i++) {
        const tinybms_event_t pair[] = {{100 + i, 0x64}, {100 + i, 0x65}};
        (void)TAKE(NEWEST, pair, false);
        TEST_ASSERT_GREATER_THAN(0, s_log.entries[s_log.count - 1].unordered);
    }
    (void)TAKE(NEWEST, fault, false);
    expect("\x03");
    static const tinybms_event_t end[] = {{5001, 0x79}, {5001, 0x64}};
    (void)TAKE(NEWEST, end, false);
    expect("");
}
