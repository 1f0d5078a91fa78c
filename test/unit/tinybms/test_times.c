/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* When exactly a session sends what, and what it counts. */
#include <string.h>

#include "../row.h"
#include "line.h"
#include "tinybms_crc.h"
#include "unity.h"

static line_t s_line;

/** Counts of `requests` by command. */
static int *const LIVE_AND_BLOCKS = &s_line.requests[0x03];
static int *const NEWEST = &s_line.requests[0x11];
static int *const ALL = &s_line.requests[0x12];

static const tinybms_counters_t *counters(void)
{
    return tinybms_session_counters(&s_line.session);
}

/** When the next one of these requests goes out. */
static int64_t next(const int *requests)
{
    line_run_until_more(&s_line, requests);
    return s_line.last_request_ms;
}

static void expect_next(const int *requests, int64_t ms)
{
    TEST_ASSERT_EQUAL_INT64(ms, next(requests));
}

/** A session with these times that has read everything once, and is asked for nothing else than that again. */
static void begin_with(int32_t poll_ms, int32_t events_ms, int32_t statistics_ms)
{
    const tinybms_session_config_t config = {.poll_ms = poll_ms,
                                             .settings_ms = INT32_MAX,
                                             .statistics_ms = statistics_ms,
                                             .events_ms = events_ms,
                                             .answer_timeout_ms = 150,
                                             .backoff_max_ms = 1000};
    line_begin(&s_line, 0);
    tinybms_session_init(&s_line.session, &config, 0);
    s_line.answer_ms = 10;
    line_run(&s_line, 1005);
}

static void begin_quiet(int32_t poll_ms)
{
    begin_with(poll_ms, INT32_MAX, INT32_MAX);
}

/* ---- periods ---- */

TEST_CASE("periods below the shortest are the shortest, above the longest the longest", "[tinybms]")
{
    static const struct {
        int32_t given_ms;
        int64_t kept_ms;
    } polls[] = {{INT32_MIN, 100}, {99, 100}, {100, 100}, {101, 101}, {1999, 1999}, {2000, 2000}, {2001, 2000}};
    for (size_t i = 0; i < sizeof(polls) / sizeof(polls[0]); i++) {
        ROW("polls[%zu]", i);
        begin_quiet(polls[i].given_ms);
        const int64_t from_ms = next(LIVE_AND_BLOCKS);
        expect_next(LIVE_AND_BLOCKS, from_ms + polls[i].kept_ms);
    }
}

TEST_CASE("settings and statistics are read once a second, new events five times, and not more often", "[tinybms]")
{
    const tinybms_session_config_t config = {.poll_ms = 2000};
    line_begin(&s_line, 0);
    tinybms_session_init(&s_line.session, &config, 0);
    s_line.answer_ms = 1; /* the next time counts from the answer */
    line_run_until_more(&s_line, &s_line.settings_requests);
    line_run_until_more(&s_line, &s_line.settings_requests); /* the first ones are read twice */
    const int64_t settings_ms = s_line.settings_request_ms;
    const int64_t newest_ms = next(NEWEST);
    expect_next(NEWEST, newest_ms + 201);
    line_run_until_more(&s_line, &s_line.settings_requests);
    TEST_ASSERT_EQUAL_INT64(settings_ms + 1001, s_line.settings_request_ms);
}

TEST_CASE("statistics are read once a second and not more often", "[tinybms]")
{
    const tinybms_session_config_t config = {
        .poll_ms = 2000, .settings_ms = INT32_MAX, .events_ms = INT32_MAX, .statistics_ms = 999};
    line_begin(&s_line, 0);
    tinybms_session_init(&s_line.session, &config, 0);
    s_line.answer_ms = 1;
    line_run(&s_line, 600); /* live, settings, events, version, newest events and statistics at 6 ms; settings again */
    expect_next(LIVE_AND_BLOCKS, 5 + 1001);
}

TEST_CASE("an answer is waited for 50 ms at least and a second at most", "[tinybms]")
{
    static const int32_t given_ms[] = {0, 50, 51, 999, 1000, INT32_MAX};
    static const int64_t kept_ms[] = {50, 50, 51, 999, 1000, 1000};
    for (size_t i = 0; i < sizeof(given_ms) / sizeof(given_ms[0]); i++) {
        ROW("given_ms[%zu]", i);
        const tinybms_session_config_t config = {.answer_timeout_ms = given_ms[i]};
        line_begin(&s_line, 0);
        tinybms_session_init(&s_line.session, &config, 0);
        s_line.fault = LINE_SILENT;
        expect_next(LIVE_AND_BLOCKS, 0);
        expect_next(LIVE_AND_BLOCKS, kept_ms[i]);
    }
}

TEST_CASE("the longest pause is 100 ms at least and a second at most", "[tinybms]")
{
    static const int32_t given_ms[] = {0, 100, 101, 999, 1000, INT32_MAX};
    static const int64_t kept_ms[] = {100, 100, 101, 999, 1000, 1000};
    for (size_t i = 0; i < sizeof(given_ms) / sizeof(given_ms[0]); i++) {
        ROW("given_ms[%zu]", i);
        const tinybms_session_config_t config = {.answer_timeout_ms = 50, .backoff_max_ms = given_ms[i]};
        line_begin(&s_line, 0);
        tinybms_session_init(&s_line.session, &config, 0);
        s_line.fault = LINE_SILENT;
        line_run(&s_line, 20000);
        int64_t sent_ms[4];
        for (size_t k = 0; k < 4; k++) {
            sent_ms[k] = next(LIVE_AND_BLOCKS);
        }
        const size_t second = sent_ms[1] - sent_ms[0] == 50 ? 1 : 2; /* the pause begins 50 ms after the second send */
        TEST_ASSERT_EQUAL_INT64(kept_ms[i] + 50, sent_ms[second + 1] - sent_ms[second]);
    }
}

TEST_CASE("a session may begin at any time, also before 0", "[tinybms]")
{
    static const int64_t starts_ms[] = {-3600000, 0, 3600000};
    for (size_t i = 0; i < sizeof(starts_ms) / sizeof(starts_ms[0]); i++) {
        ROW("starts_ms[%zu]", i);
        line_begin(&s_line, starts_ms[i]);
        TEST_ASSERT_EQUAL_INT64(starts_ms[i], tinybms_session_deadline_ms(&s_line.session));
        line_run(&s_line, 500);
        TEST_ASSERT_TRUE(tinybms_session_snapshot(&s_line.session)->version_known);
        TEST_ASSERT_TRUE(tinybms_session_snapshot(&s_line.session)->statistics_known);
        line_run(&s_line, 60000);
        TEST_ASSERT_EQUAL_UINT8(2, tinybms_session_snapshot(&s_line.session)->settings_alike);
    }
}

/* ---- writes that hold up the line ---- */

static int *const WRITES = &s_line.requests[0x10];

/** The settings are asked for at once when nothing else is due, and the write goes out when they are there. @return
 * when */
static int64_t begin_write(void)
{
    const tinybms_write_request_t request = {
        .kind = TINYBMS_WRITE_SETTING, .entry = tinybms_register_by_name("fully_charged_voltage"), .raw = 4100};
    const int64_t asked_ms = s_line.now_ms;
    s_line.write_done = false;
    s_line.deadline_ms = INT64_MAX; /* the caller's task is woken by it */
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_PENDING, tinybms_session_write(&s_line.session, &request, s_line.now_ms).status);
    expect_next(&s_line.settings_requests, asked_ms);
    return asked_ms + 10;
}

TEST_CASE("a late poll does not make the following ones early or late", "[tinybms]")
{
    begin_quiet(200);
    const int64_t poll_ms = next(LIVE_AND_BLOCKS);
    line_run(&s_line, 50);
    s_line.deaf_to = 0x10;
    const int64_t write_ms = begin_write();
    expect_next(LIVE_AND_BLOCKS, write_ms + 300);
    expect_next(LIVE_AND_BLOCKS, poll_ms + 400);
    expect_next(LIVE_AND_BLOCKS, poll_ms + 600);
}

TEST_CASE("a poll that is late by a whole period is not followed by another one at once", "[tinybms]")
{
    begin_quiet(160);
    const int64_t poll_ms = next(LIVE_AND_BLOCKS);
    line_run(&s_line, 9);
    s_line.deaf_to = 0x10;
    TEST_ASSERT_EQUAL_INT64(poll_ms + 20, begin_write());
    expect_next(LIVE_AND_BLOCKS, poll_ms + 320);
    expect_next(LIVE_AND_BLOCKS, poll_ms + 480);
}

TEST_CASE("a write that is not answered is sent six times in pairs, half a second between them, each time anew",
          "[tinybms]")
{
    begin_quiet(2000);
    (void)next(LIVE_AND_BLOCKS);
    line_run(&s_line, 20);
    s_line.deaf_to = 0x10;
    for (int again = 0; again < 2; again++) {
        *WRITES = 0;
        const int64_t from_ms = begin_write();
        expect_next(WRITES, from_ms);
        expect_next(WRITES, from_ms + 150);
        expect_next(WRITES, from_ms + 800);
        expect_next(WRITES, from_ms + 950);
        expect_next(WRITES, from_ms + 1600);
        expect_next(WRITES, from_ms + 1750);
        line_run(&s_line, 2000);
        TEST_ASSERT_TRUE(s_line.write_done);
        TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_ANSWERED, s_line.write_result.status);
        TEST_ASSERT_EQUAL(6, *WRITES);
    }
    TEST_ASSERT_EQUAL_UINT32(2, counters()->writes_failed);
    TEST_ASSERT_EQUAL_UINT32(0, counters()->writes);
}

TEST_CASE("a write whose answer breaks off is sent again after 40 ms, and the next pair 50 ms after the last",
          "[tinybms]")
{
    begin_quiet(2000);
    (void)next(LIVE_AND_BLOCKS);
    line_run(&s_line, 20);
    const int64_t from_ms = begin_write();
    s_line.fault = LINE_CUT;
    expect_next(WRITES, from_ms);
    expect_next(WRITES, from_ms + 10 + 40);
    expect_next(WRITES, from_ms + 100 + 50);
    expect_next(WRITES, from_ms + 150 + 10 + 40);
}

TEST_CASE("an answer with a wrong CRC is asked for again at once", "[tinybms]")
{
    begin_quiet(2000);
    (void)next(LIVE_AND_BLOCKS);
    line_run(&s_line, 20);
    const int64_t from_ms = begin_write();
    s_line.fault = LINE_BAD_CRC;
    expect_next(WRITES, from_ms);
    expect_next(WRITES, from_ms + 10);
    expect_next(WRITES, from_ms + 20 + 50);
}

TEST_CASE("an answer to the write gives its verification three tries of its own", "[tinybms]")
{
    const tinybms_write_request_t clear = {.kind = TINYBMS_WRITE_CLEAR_EVENTS};
    begin_quiet(2000);
    (void)next(LIVE_AND_BLOCKS);
    line_run(&s_line, 20);
    s_line.deaf_to = 0x02;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_PENDING, tinybms_session_write(&s_line.session, &clear, s_line.now_ms).status);
    s_line.deadline_ms = INT64_MAX;
    for (int sent = 0; sent < 4; sent++) {
        (void)next(&s_line.requests[0x02]);
    }
    s_line.deaf_to = 0x12;
    *ALL = 0;
    while (!s_line.write_done) {
        line_run(&s_line, 1);
    }
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_ANSWERED, s_line.write_result.status);
    TEST_ASSERT_EQUAL(6, *ALL);
}

TEST_CASE("a value that is not there yet is looked for every 120 ms, six times", "[tinybms]")
{
    begin_quiet(2000);
    (void)next(LIVE_AND_BLOCKS);
    line_run(&s_line, 20);
    s_line.forget_writes = true;
    const int64_t from_ms = begin_write();
    for (int i = 0; i < 6; i++) {
        expect_next(LIVE_AND_BLOCKS, from_ms + 10 + i * (120 + 10));
    }
    line_run(&s_line, 10);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_VERIFIED, s_line.write_result.status);
}

TEST_CASE("a reset that is not answered is looked for nine times in pairs before it is given up", "[tinybms]")
{
    const tinybms_write_request_t reset = {.kind = TINYBMS_WRITE_RESET_BMS};
    begin_quiet(2000);
    (void)next(LIVE_AND_BLOCKS);
    line_run(&s_line, 20);
    s_line.swallow = 1;
    s_line.deaf_to = 0x12;
    *ALL = 0;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_ANSWERED, line_write(&s_line, &reset).status);
    TEST_ASSERT_EQUAL(1, s_line.requests[0x02]);
    TEST_ASSERT_EQUAL(18, *ALL);
}

TEST_CASE("while a reset waits for the line a lost live block is asked for again at once", "[tinybms]")
{
    const tinybms_write_request_t reset = {.kind = TINYBMS_WRITE_RESET_BMS};
    begin_quiet(2000);
    s_line.swallow = 1;
    const int64_t from_ms = next(LIVE_AND_BLOCKS);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_PENDING, tinybms_session_write(&s_line.session, &reset, s_line.now_ms).status);
    expect_next(LIVE_AND_BLOCKS, from_ms + 150);
    expect_next(&s_line.requests[0x02], from_ms + 160);
}

/* ---- a line that is silent, or bad ---- */

static void expect_live(int64_t from_ms, const int16_t *after_ms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ROW("after_ms[%zu]", i);
        expect_next(LIVE_AND_BLOCKS, from_ms + after_ms[i]);
    }
}

TEST_CASE("from the third lost live block on the pauses grow: 0.2, 0.4, 0.8, 1 s", "[tinybms]")
{
    static const int16_t after_ms[] = {150,  300,  450,  600,  750,  1100, 1250, 1800,
                                       1950, 2900, 3050, 4200, 4350, 5500, 5650, 6800};
    begin_quiet(200);
    const int64_t from_ms = next(LIVE_AND_BLOCKS);
    s_line.answer_at_ms = INT64_MAX;
    s_line.fault = LINE_SILENT;
    expect_live(from_ms, after_ms, sizeof(after_ms) / sizeof(after_ms[0]));
}

TEST_CASE("an answer, or a part of one, between lost live blocks begins the count anew", "[tinybms]")
{
    static const int16_t after_part_ms[] = {650, 720, 870, 1020, 1170, 1320};
    static const int16_t after_answer_ms[] = {800, 950, 1100, 1250, 1400};
    for (int answered = 0; answered < 2; answered++) {
        ROW("answered %d", answered);
        begin_quiet(200);
        const int64_t from_ms = next(LIVE_AND_BLOCKS);
        s_line.answer_at_ms = INT64_MAX;
        s_line.fault = LINE_SILENT;
        expect_live(from_ms, (const int16_t[]){150, 300, 450}, 3);
        s_line.fault = answered != 0 ? LINE_GOOD : LINE_CUT;
        expect_live(from_ms, (const int16_t[]){600}, 1);
        if (answered == 0) {
            expect_live(from_ms, after_part_ms, 1);
        }
        line_run(&s_line, 20);
        s_line.fault = LINE_SILENT;
        expect_live(from_ms, answered != 0 ? after_answer_ms : &after_part_ms[1], 5);
    }
}

TEST_CASE("a live block that came garbled twice is asked for 20 ms later, or when it is due before that", "[tinybms]")
{
    static const int16_t slow_ms[] = {10, 40, 50, 80};
    begin_quiet(2000);
    s_line.fault = LINE_BAD_CRC;
    expect_live(next(LIVE_AND_BLOCKS), slow_ms, 4);
    static const int16_t fast_ms[] = {50, 100};
    begin_quiet(100);
    s_line.fault = LINE_CUT; /* each try ends 40 ms after 10 */
    expect_live(next(LIVE_AND_BLOCKS), fast_ms, 2);
}

TEST_CASE("one byte is the beginning of an answer, none is not", "[tinybms]")
{
    static const uint8_t start = 0xAA;
    for (size_t bytes = 0; bytes < 2; bytes++) {
        ROW("bytes %zu", bytes);
        begin_quiet(2000);
        s_line.swallow = 1;
        const int64_t from_ms = next(LIVE_AND_BLOCKS);
        line_run(&s_line, 29);
        tinybms_session_feed(&s_line.session, &start, bytes, s_line.now_ms);
        expect_next(LIVE_AND_BLOCKS, from_ms + (bytes > 0 ? 30 + 40 : 150));
    }
}

TEST_CASE("more bytes than a parser holds may come at once, with the answer at their end", "[tinybms]")
{
    static uint8_t bytes[3000];
    begin_quiet(2000);
    (void)next(LIVE_AND_BLOCKS);
    const int snapshots = s_line.snapshots;
    memset(bytes, 'x', sizeof(bytes)); /* those behind the answer are not given */
    memcpy(&bytes[1000], s_line.answer, s_line.answer_length);
    s_line.answer_at_ms = INT64_MAX;
    tinybms_session_feed(&s_line.session, bytes, 1000 + s_line.answer_length, s_line.now_ms);
    line_run(&s_line, 1);
    TEST_ASSERT_EQUAL(snapshots + 1, s_line.snapshots);
    TEST_ASSERT_EQUAL_UINT32(1000, counters()->bytes_skipped);
}

TEST_CASE("a line that garbles all is no silent one: everything goes on being asked for", "[tinybms]")
{
    begin_with(200, 700, INT32_MAX);
    s_line.fault = LINE_CUT;
    const int asked = *ALL;
    line_run(&s_line, 3000);
    TEST_ASSERT_GREATER_THAN(asked + 10, *ALL); /* in place of the newest ones */
}

/* ---- other blocks ---- */

static void begin_with_events(int32_t events_ms)
{
    begin_with(2000, events_ms, INT32_MAX);
    (void)next(NEWEST);
    line_run(&s_line, 20);
}

TEST_CASE("new events that are not answered are asked for after half a second, all events at once", "[tinybms]")
{
    begin_with_events(700);
    s_line.lose_newest = 2;
    s_line.lose_all = 2;
    const int64_t from_ms = next(NEWEST);
    expect_next(NEWEST, from_ms + 150);
    expect_next(ALL, from_ms + 300);
    expect_next(ALL, from_ms + 450);
    expect_next(NEWEST, from_ms + 800);
    expect_next(ALL, from_ms + 1100);
}

TEST_CASE("what was refused is asked for after a second if it is needed, at its own pace if not", "[tinybms]")
{
    line_begin(&s_line, 0);
    tinybms_session_set_poll_ms(&s_line.session, 2000);
    s_line.refused = 0x12;
    const int64_t from_ms = next(ALL);
    expect_next(ALL, from_ms + 12 + 1000);
    begin_with(2000, INT32_MAX, 3000);
    (void)next(LIVE_AND_BLOCKS);
    line_run(&s_line, 20);
    s_line.refused = 0x03;
    const int64_t statistics_ms = next(LIVE_AND_BLOCKS);
    TEST_ASSERT_LESS_THAN(3100, statistics_ms);
    line_run(&s_line, 20);
    s_line.refused = 0;
    (void)next(LIVE_AND_BLOCKS); /* two polls */
    (void)next(LIVE_AND_BLOCKS);
    expect_next(LIVE_AND_BLOCKS, statistics_ms + 10 + 3000);
}

TEST_CASE("a refusal of all events does not take away the doubt about what was lost", "[tinybms]")
{
    begin_with_events(700);
    s_line.lose_newest = 2;
    s_line.refused = 0x12;
    line_run(&s_line, 1500);
    TEST_ASSERT_TRUE(tinybms_session_snapshot(&s_line.session)->events_doubtful);
    s_line.refused = 0;
    s_line.lose_newest = 2;
    line_run(&s_line, 1500);
    TEST_ASSERT_FALSE(tinybms_session_snapshot(&s_line.session)->events_doubtful);
}

/* ---- what is counted ---- */

TEST_CASE("everything on the line is counted", "[tinybms]")
{
    const tinybms_write_request_t clear = {.kind = TINYBMS_WRITE_CLEAR_STATISTICS};
    begin_quiet(2000); /* live, settings, all events, live, version, statistics, settings */
    TEST_ASSERT_EQUAL_UINT32(7, counters()->requests);
    TEST_ASSERT_EQUAL_UINT32(7, counters()->answers);
    TEST_ASSERT_EQUAL_UINT32(2, counters()->snapshots);
    TEST_ASSERT_EQUAL_UINT32(2, tinybms_session_snapshot(&s_line.session)->sequence);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, line_write(&s_line, &clear).status);
    TEST_ASSERT_EQUAL_UINT32(1, counters()->writes);
    line_run(&s_line, 100); /* settings and all events */
    TEST_ASSERT_EQUAL_UINT32(11, counters()->answers);
    TEST_ASSERT_EQUAL_UINT32(0, counters()->unexpected);
    tinybms_session_feed(&s_line.session, s_line.answer, s_line.answer_length, s_line.now_ms); /* the last one again */
    TEST_ASSERT_EQUAL_UINT32(1, counters()->unexpected);
    TEST_ASSERT_EQUAL_UINT32(11, counters()->answers);
    const tinybms_write_request_t unknown = {.kind = TINYBMS_WRITE_SETTING};
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_UNKNOWN_REGISTER, line_write(&s_line, &unknown).status);
    TEST_ASSERT_EQUAL_UINT32(1, counters()->writes_failed);
    TEST_ASSERT_EQUAL_UINT32(0, counters()->timeouts);
    s_line.registers[53] = 17;
    (void)next(LIVE_AND_BLOCKS);
    line_run(&s_line, 20);
    TEST_ASSERT_EQUAL_UINT32(1, counters()->implausible);
    s_line.fault = LINE_SILENT;
    (void)next(LIVE_AND_BLOCKS);
    line_run(&s_line, 310);
    TEST_ASSERT_EQUAL_UINT32(1, counters()->timeouts);
    TEST_ASSERT_EQUAL_UINT32(1, counters()->retries);
}

TEST_CASE("events of one answer are told in their order and counted", "[tinybms]")
{
    begin_with_events(700);
    for (uint8_t i = 0; i < 3; i++) {
        s_line.events[s_line.event_count++] = (tinybms_event_t){.time_s = 5000U + i, .id = (uint8_t)(0x62 + i)};
    }
    (void)next(NEWEST);
    line_run(&s_line, 20);
    TEST_ASSERT_EQUAL(3, s_line.told_count);
    for (uint8_t i = 0; i < 3; i++) {
        TEST_ASSERT_EQUAL_HEX8(0x62 + i, s_line.told[i].id);
    }
    TEST_ASSERT_EQUAL_UINT32(3, counters()->events);
}

static bool has_to_be_called_at_once(void)
{
    return tinybms_session_deadline_ms(&s_line.session) <= s_line.now_ms;
}

static void step(tinybms_action_type_t expected)
{
    TEST_ASSERT_EQUAL(expected, tinybms_session_step(&s_line.session, s_line.now_ms).type);
}

/** Gives the session the answer that is on its way, and no more. */
static void give_answer(void)
{
    tinybms_session_feed(&s_line.session, s_line.answer, s_line.answer_length, s_line.now_ms);
}

TEST_CASE("a session has to be called again at once as long as it has something to tell", "[tinybms]")
{
    const tinybms_write_request_t clear = {.kind = TINYBMS_WRITE_CLEAR_STATISTICS};
    begin_with(2000, 700, INT32_MAX);
    s_line.events[s_line.event_count++] = (tinybms_event_t){.time_s = 5000, .id = 0x62};
    s_line.events[s_line.event_count++] = (tinybms_event_t){.time_s = 5001, .id = 0x63};
    (void)next(NEWEST);
    give_answer();
    for (int i = 0; i < 2; i++) {
        TEST_ASSERT_TRUE(has_to_be_called_at_once());
        step(TINYBMS_ACTION_EVENT);
    }
    step(TINYBMS_ACTION_NONE);
    TEST_ASSERT_FALSE(has_to_be_called_at_once());
    (void)next(LIVE_AND_BLOCKS);
    give_answer();
    TEST_ASSERT_TRUE(has_to_be_called_at_once());
    step(TINYBMS_ACTION_SNAPSHOT);
    step(TINYBMS_ACTION_NONE);
    TEST_ASSERT_FALSE(has_to_be_called_at_once());
    s_line.answer_at_ms = INT64_MAX;
    s_line.refused = 0x02;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_PENDING, tinybms_session_write(&s_line.session, &clear, s_line.now_ms).status);
    (void)next(&s_line.requests[0x02]);
    give_answer();
    TEST_ASSERT_TRUE(has_to_be_called_at_once());
    step(TINYBMS_ACTION_WRITE_DONE);
}

TEST_CASE("a list of events that is none is counted, and asked for again", "[tinybms]")
{
    uint8_t list[] = {0xAA, 0x11, 0x03, 0x01, 0x02, 0x03, 0, 0}; /* the time of the BMS alone takes four bytes */
    const uint16_t crc = tinybms_crc16(list, 6);
    list[6] = (uint8_t)(crc & 0xFFU);
    list[7] = (uint8_t)(crc >> 8);
    begin_with(2000, 700, INT32_MAX);
    s_line.swallow = 1;
    const int64_t from_ms = next(NEWEST);
    tinybms_session_feed(&s_line.session, list, sizeof(list), s_line.now_ms);
    TEST_ASSERT_EQUAL_UINT32(1, counters()->implausible);
    expect_next(ALL, from_ms + 1);
}

/* ---- a clock that is set back ---- */

static void set_back(void)
{
    TEST_ASSERT_EQUAL(TINYBMS_ACTION_NONE, tinybms_session_step(&s_line.session, s_line.now_ms).type);
    s_line.now_ms -= 3600000;
    s_line.answer_at_ms = INT64_MAX;
    s_line.deadline_ms = INT64_MAX;
}

TEST_CASE("a clock that is set back changes no period and no wait", "[tinybms]")
{
    begin_with_events(700);
    const int64_t newest_ms = next(NEWEST);
    line_run(&s_line, 20);
    set_back();
    expect_next(NEWEST, newest_ms + 710 - 3600000);
    line_run(&s_line, 5); /* a request is open */
    set_back();
    expect_next(NEWEST, newest_ms + 710 + 150 - 2 * 3600000);
    line_run(&s_line, 4); /* and now half an answer is there */
    tinybms_session_feed(&s_line.session, s_line.answer, 1, s_line.now_ms);
    set_back();
    expect_next(ALL, newest_ms + 710 + 150 + 5 + 40 - 3 * 3600000);
}

TEST_CASE("a clock that is set back before the lists were read does not hold back a fault", "[tinybms]")
{
    line_begin(&s_line, 7200000);
    s_line.deaf_to = 0x12;
    line_run(&s_line, 500);
    s_line.now_ms -= 3600000;
    s_line.answer_at_ms = INT64_MAX;
    s_line.deadline_ms = INT64_MAX;
    line_run(&s_line, 500);
    s_line.registers[50] = 0x9B;
    line_run(&s_line, 700);
    TEST_ASSERT_EQUAL_HEX16(0x9B, tinybms_session_snapshot(&s_line.session)->live[50]);
    TEST_ASSERT_GREATER_THAN(0, s_line.unnamed_faults);
    TEST_ASSERT_EQUAL(0, *NEWEST);
}
