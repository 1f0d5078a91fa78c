/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "line.h"
#include "unity.h"

static line_t s_line;

TEST_CASE("the live block is read every 200 ms, the rest at its own pace", "[tinybms]")
{
    line_begin(&s_line, 0);
    line_run(&s_line, 60000);
    TEST_ASSERT_GREATER_OR_EQUAL(299, s_line.snapshots);
    TEST_ASSERT_LESS_OR_EQUAL(301, s_line.snapshots);
    /* 300 live blocks, 6 statistics, settings and version once. */
    TEST_ASSERT_GREATER_OR_EQUAL(306, s_line.requests[0x03]);
    TEST_ASSERT_LESS_OR_EQUAL(310, s_line.requests[0x03]);
    TEST_ASSERT_EQUAL(1, s_line.requests[0x12]);
    TEST_ASSERT_GREATER_OR_EQUAL(55, s_line.requests[0x11]);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_counters(&s_line.session)->retries);
}

TEST_CASE("settings, version and statistics are known within half a second of the start", "[tinybms]")
{
    line_begin(&s_line, 0);
    line_run(&s_line, 500);
    const tinybms_snapshot_t *const snapshot = tinybms_session_snapshot(&s_line.session);
    TEST_ASSERT_NOT_NULL(snapshot);
    TEST_ASSERT_TRUE(snapshot->settings_known && snapshot->version_known && snapshot->statistics_known);
    TEST_ASSERT_TRUE(snapshot->events_known);
    TEST_ASSERT_EQUAL_UINT16(4150, snapshot->settings[0]);
    TEST_ASSERT_EQUAL_UINT16(7864, snapshot->live[36]);
}

TEST_CASE("the first snapshot with settings and events does not wait for the next poll, and later ones keep theirs",
          "[tinybms]")
{
    line_begin(&s_line, 0);
    line_run(&s_line, 190);
    const tinybms_snapshot_t *const snapshot = tinybms_session_snapshot(&s_line.session);
    TEST_ASSERT_TRUE(snapshot->settings_known && snapshot->events_known);
    TEST_ASSERT_EQUAL(2, s_line.snapshots);
    TEST_ASSERT_EQUAL_UINT16(0x97, snapshot->live[50]);
    s_line.registers[300] = 4100; /* as after a minute: what has been complete once is not hurried again */
    line_run(&s_line, 70000);
    TEST_ASSERT_EQUAL_UINT16(4100, snapshot->settings[0]);
    TEST_ASSERT_GREATER_OR_EQUAL(2 + 349, s_line.snapshots);
    TEST_ASSERT_LESS_OR_EQUAL(2 + 351, s_line.snapshots);
}

TEST_CASE("settings are read again after 60 s", "[tinybms]")
{
    line_begin(&s_line, 0);
    line_run(&s_line, 30000);
    s_line.registers[300] = 4100;
    line_run(&s_line, 29000);
    TEST_ASSERT_EQUAL_UINT16(4150, tinybms_session_snapshot(&s_line.session)->settings[0]);
    line_run(&s_line, 2000);
    TEST_ASSERT_EQUAL_UINT16(4100, tinybms_session_snapshot(&s_line.session)->settings[0]);
}

TEST_CASE("a sleeping BMS is woken by the second send", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.swallow = 1;
    line_run(&s_line, 400);
    TEST_ASSERT_GREATER_OR_EQUAL(1, s_line.snapshots);
    TEST_ASSERT_EQUAL_UINT32(1, tinybms_session_counters(&s_line.session)->retries);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_counters(&s_line.session)->timeouts);
}

TEST_CASE("an answer is waited for 150 ms, then asked for once more at once", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.fault = LINE_SILENT;
    line_run(&s_line, 150);
    TEST_ASSERT_EQUAL(1, s_line.requests[0x03]);
    line_run(&s_line, 1);
    TEST_ASSERT_EQUAL(2, s_line.requests[0x03]);
    TEST_ASSERT_EQUAL_INT64(150, s_line.last_request_ms);
}

TEST_CASE("a silent BMS is asked every second and found again within one", "[tinybms]")
{
    line_begin(&s_line, 0);
    line_run(&s_line, 2000);
    s_line.fault = LINE_SILENT;
    line_run(&s_line, 20000);
    const int before = s_line.requests[0x03];
    line_run(&s_line, 10000);
    /* A pair of requests 150 ms apart, then at most 1 s of pause: 7 to 10 pairs in 10 s. */
    TEST_ASSERT_GREATER_OR_EQUAL(14, s_line.requests[0x03] - before);
    TEST_ASSERT_LESS_OR_EQUAL(20, s_line.requests[0x03] - before);
    s_line.fault = LINE_GOOD;
    const int snapshots = s_line.snapshots;
    line_run(&s_line, 1350);
    TEST_ASSERT_GREATER_THAN(snapshots, s_line.snapshots);
}

TEST_CASE("a snapshot is never made of a damaged answer", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.fault = LINE_FLIPPED;
    line_run(&s_line, 10000);
    TEST_ASSERT_EQUAL(0, s_line.snapshots);
    TEST_ASSERT_NULL(tinybms_session_snapshot(&s_line.session));
    TEST_ASSERT_GREATER_THAN(20, tinybms_session_counters(&s_line.session)->retries);
}

TEST_CASE("with half of the answers bad the snapshot is almost never older than a second", "[tinybms]")
{
    const int64_t duration_ms = 600000;
    line_begin(&s_line, 0);
    s_line.fault = LINE_HALF_BAD;
    line_run(&s_line, duration_ms);
    TEST_ASSERT_LESS_THAN(duration_ms / 100, s_line.ages_over_1s_ms);
    TEST_ASSERT_LESS_THAN(3000, s_line.oldest_age_ms);
    TEST_ASSERT_TRUE(tinybms_session_snapshot(&s_line.session)->settings_known);
}

TEST_CASE("ASCII lines between the answers do no harm", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.chatter = "83.55\t55.78\t0.00\t0.0\t0.0\r\n";
    line_run(&s_line, 10000);
    TEST_ASSERT_GREATER_OR_EQUAL(49, s_line.snapshots);
    TEST_ASSERT_GREATER_THAN(1000, tinybms_session_counters(&s_line.session)->bytes_skipped);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_counters(&s_line.session)->timeouts);
}

TEST_CASE("a live block that the protocol cannot mean is refused", "[tinybms]")
{
    static const struct {
        uint16_t address;
        uint16_t value;
    } impossible[] = {
        {37, 0x7FC0}, /* pack voltage: not a number */
        {37, 0x42FA}, /* 125 V: 16 cells have 72 V at most */
        {39, 0xFF80}, /* pack current: minus infinity */
        {47, 0x05F6}, /* SOC 100.0 % and more */
        {45, 50001},  /* SOH above 100 % */
        {50, 0x0000}, /* no such status */
        {53, 17},     /* no such number of cells */
    };
    for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
        ROW("register %u", impossible[i].address);
        line_begin(&s_line, 0);
        line_run(&s_line, 1000);
        const int snapshots = s_line.snapshots;
        s_line.registers[impossible[i].address] = impossible[i].value;
        line_run(&s_line, 1000);
        TEST_ASSERT_EQUAL(snapshots, s_line.snapshots);
        TEST_ASSERT_GREATER_OR_EQUAL(4, tinybms_session_counters(&s_line.session)->implausible);
    }
}

TEST_CASE("events of before the start are history, later ones are told once", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.events[0] = (tinybms_event_t){.time_s = 4000, .id = 0x64};
    s_line.event_count = 1;
    line_run(&s_line, 3000);
    TEST_ASSERT_EQUAL(0, s_line.told_count);
    s_line.events[1] = (tinybms_event_t){.time_s = 5001, .id = 0x03};
    s_line.event_count = 2;
    line_run(&s_line, 5000);
    TEST_ASSERT_EQUAL(1, s_line.told_count);
    TEST_ASSERT_EQUAL_HEX8(0x03, s_line.told[0].id);
}

TEST_CASE("an event that only the whole list shows is told as well", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.session.config.events_ms = INT32_MAX; /* the newest events are asked for once, at the start */
    line_run(&s_line, 30000);
    s_line.events[0] = (tinybms_event_t){.time_s = 5001, .id = 0x64};
    s_line.event_count = 1;
    line_run(&s_line, 29000);
    TEST_ASSERT_EQUAL(0, s_line.told_count);
    line_run(&s_line, 63000);
    TEST_ASSERT_EQUAL(1, s_line.told_count);
    TEST_ASSERT_EQUAL_HEX8(0x64, s_line.told[0].id);
}

TEST_CASE("a request that came to the BMS damaged is repeated soon", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.crc_refusals = 6; /* one of each block, and one more */
    line_run(&s_line, 1000);
    const tinybms_snapshot_t *const snapshot = tinybms_session_snapshot(&s_line.session);
    TEST_ASSERT_NOT_NULL(snapshot);
    TEST_ASSERT_TRUE(snapshot->settings_known && snapshot->version_known && snapshot->events_known);
    TEST_ASSERT_EQUAL_UINT32(6, tinybms_session_counters(&s_line.session)->nacks);
}

TEST_CASE("settings that were refused once are asked for again after a second", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.fault = LINE_REFUSING;
    line_run(&s_line, 100);
    s_line.fault = LINE_GOOD;
    line_run(&s_line, 1500);
    TEST_ASSERT_TRUE(tinybms_session_snapshot(&s_line.session)->settings_known);
    TEST_ASSERT_TRUE(tinybms_session_snapshot(&s_line.session)->events_known);
}

TEST_CASE("a BMS that refuses everything is no reason to hurry", "[tinybms]")
{
    line_begin(&s_line, 0);
    s_line.fault = LINE_REFUSING;
    line_run(&s_line, 10000);
    TEST_ASSERT_EQUAL(0, s_line.snapshots);
    TEST_ASSERT_GREATER_THAN(40, tinybms_session_counters(&s_line.session)->nacks);
    TEST_ASSERT_LESS_THAN(120, tinybms_session_counters(&s_line.session)->requests);
}

TEST_CASE("the polling period is kept within 100 to 2000 ms", "[tinybms]")
{
    line_begin(&s_line, 0);
    tinybms_session_set_poll_ms(&s_line.session, 10);
    line_run(&s_line, 10000);
    TEST_ASSERT_LESS_OR_EQUAL(102, s_line.snapshots);
    TEST_ASSERT_GREATER_OR_EQUAL(98, s_line.snapshots);
    line_begin(&s_line, 0);
    tinybms_session_set_poll_ms(&s_line.session, 100000);
    line_run(&s_line, 20000);
    TEST_ASSERT_GREATER_OR_EQUAL(9, s_line.snapshots);
    TEST_ASSERT_LESS_OR_EQUAL(11, s_line.snapshots);
}

TEST_CASE("a good frame that nobody asked for is counted and not believed", "[tinybms]")
{
    static const uint8_t cells[] = {0xAA, 0x03, 0x0A, 0x97, 0x40, 0x97, 0x40, 0x97,
                                    0x2C, 0x97, 0x2C, 0x97, 0x2C, 0x3E, 0xC7};
    line_begin(&s_line, 0);
    line_run(&s_line, 1100);
    const int snapshots = s_line.snapshots;
    tinybms_session_feed(&s_line.session, cells, sizeof(cells), s_line.now_ms);
    line_run(&s_line, 5);
    TEST_ASSERT_EQUAL(snapshots, s_line.snapshots);
}

TEST_CASE("a clock that jumps back does not stop the polling", "[tinybms]")
{
    line_begin(&s_line, 1000000);
    line_run(&s_line, 5000);
    const int snapshots = s_line.snapshots;
    s_line.now_ms = 1000;
    s_line.answer_at_ms = INT64_MAX;
    line_run(&s_line, 2000);
    TEST_ASSERT_GREATER_OR_EQUAL(snapshots + 8, s_line.snapshots);
}

/** A minute with everything that has a timer: silence, a bad line, a write, a fault. What came of it, as one number. */
static uint64_t eventful_minute(int64_t from_ms)
{
    const tinybms_write_request_t write = {
        .kind = TINYBMS_WRITE_SETTING, .entry = tinybms_register_by_name("fully_charged_voltage"), .raw = 4100};
    line_begin(&s_line, from_ms);
    line_run(&s_line, 5000);
    s_line.fault = LINE_SILENT;
    line_run(&s_line, 15000);
    s_line.fault = LINE_FLIPPED;
    line_run(&s_line, 5000);
    s_line.fault = LINE_GOOD;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, line_write(&s_line, &write).status);
    s_line.registers[50] = 0x9B;
    line_run(&s_line, 30000);
    uint64_t trace = (uint64_t)(s_line.last_request_ms - from_ms);
    trace = trace * 31 + (uint64_t)(s_line.snapshot_ms - from_ms);
    trace = trace * 31 + (uint64_t)s_line.oldest_age_ms;
    trace = trace * 31 + (uint64_t)s_line.snapshots;
    for (size_t command = 0; command < 256; command++) {
        trace = trace * 31 + (uint64_t)s_line.requests[command];
    }
    return trace;
}

TEST_CASE("2^31 and 2^32 ms of uptime change nothing on the line", "[tinybms]")
{
    const uint64_t expected = eventful_minute(0);
    for (int64_t before_ms = 1000; before_ms < 60000; before_ms += 7000) {
        TEST_ASSERT_TRUE(eventful_minute((INT64_C(1) << 31) - before_ms) == expected);
        TEST_ASSERT_TRUE(eventful_minute((INT64_C(1) << 32) - before_ms) == expected);
    }
}
