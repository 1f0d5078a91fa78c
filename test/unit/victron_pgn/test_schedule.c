/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "unity.h"
#include "victron_schedule.h"

static const victron_identity_t s_identity = {
    .manufacturer = "TinyBMS", .battery_name = "TinyBMS", .family = "TinyBMS"};
static victron_schedule_t s_schedule;

static battery_state_t healthy(void)
{
    battery_state_t s = {
        .status = BATTERY_STATUS_ONLINE,
        .publish = true,
        .pack_voltage_mv = {true, 53000},
        .pack_current_ma = {true, 0},
        .soc_ppm = {true, 500000},
        .cell_min_mv = {true, 3310},
        .cell_max_mv = {true, 3315},
        .bms_temperature_dc = {true, 250},
        .cvl_mv = {true, 56000, BATTERY_REASON_BMS_SETTING},
        .ccl_ma = {true, 100000, BATTERY_REASON_BMS_SETTING},
        .dcl_ma = {true, 120000, BATTERY_REASON_BMS_SETTING},
        .model = {true, 1},
        .firmware_major = {true, 1},
        .firmware_minor = {true, 1},
        .installed_capacity_mah = {true, 280000},
    };
    s.alarm[BATTERY_ALARM_HIGH_VOLTAGE] = BATTERY_ALARM_OK;
    return s;
}

static void start_at(int64_t now_ms)
{
    const battery_state_t s = healthy();
    victron_schedule_init(&s_schedule, &s_identity, now_ms);
    victron_schedule_set_state(&s_schedule, &s, now_ms);
}

/** Runs the schedule in steps of 1 ms and counts the frames of an id (0 = all). */
static int count_frames(int64_t from_ms, int64_t to_ms, uint16_t id)
{
    int frames = 0;
    for (int64_t now_ms = from_ms; now_ms < to_ms; now_ms++) {
        victron_frame_t frame;
        while (victron_schedule_next(&s_schedule, now_ms, &frame)) {
            frames += id == 0 || frame.id == id ? 1 : 0;
        }
    }
    return frames;
}

/** Time of the next frame of an id, looked for up to `to_ms`; -1 = none. */
static int64_t next_time(int64_t from_ms, int64_t to_ms, uint16_t id, victron_frame_t *found)
{
    for (int64_t now_ms = from_ms; now_ms < to_ms; now_ms++) {
        while (victron_schedule_next(&s_schedule, now_ms, found)) {
            if (found->id == id) {
                return now_ms;
            }
        }
    }
    return -1;
}

TEST_CASE("nothing is sent before there is a state to publish", "[victron_pgn]")
{
    battery_state_t s = healthy();
    s.publish = false;
    victron_schedule_init(&s_schedule, &s_identity, 0);
    TEST_ASSERT_EQUAL(0, count_frames(0, 5000, 0));
    victron_schedule_set_state(&s_schedule, &s, 5000);
    TEST_ASSERT_EQUAL(0, count_frames(5000, 10000, 0));
    TEST_ASSERT_EQUAL_INT64(INT64_MAX, victron_schedule_deadline_ms(&s_schedule));
}

TEST_CASE("each frame keeps its period", "[victron_pgn]")
{
    static const struct {
        uint16_t id;
        int in_20_s;
    } expected[] = {{0x351, 20}, {0x355, 20}, {0x356, 20}, {0x35A, 20}, {0x372, 10}, {0x373, 10},
                    {0x379, 10}, {0x35E, 4},  {0x35F, 4},  {0x382, 4},  {0x305, 0},  {0x307, 0}};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        start_at(0);
        TEST_ASSERT_EQUAL(expected[i].in_20_s, count_frames(0, 20000, expected[i].id));
    }
}

TEST_CASE("the bus never sees a burst", "[victron_pgn]")
{
    int64_t last_ms = -1000;
    start_at(0);
    for (int64_t now_ms = 0; now_ms < 30000; now_ms++) {
        victron_frame_t frame;
        while (victron_schedule_next(&s_schedule, now_ms, &frame)) {
            TEST_ASSERT_GREATER_OR_EQUAL(20, now_ms - last_ms);
            last_ms = now_ms;
        }
    }
}

TEST_CASE("the period does not drift when the caller is a little late", "[victron_pgn]")
{
    start_at(0);
    int frames = 0;
    for (int64_t now_ms = 0; now_ms < 60000; now_ms += 7) {
        victron_frame_t frame;
        while (victron_schedule_next(&s_schedule, now_ms, &frame)) {
            frames += frame.id == 0x351 ? 1 : 0;
        }
    }
    TEST_ASSERT_EQUAL(60, frames);
}

TEST_CASE("a caller that was away does not make up for lost frames", "[victron_pgn]")
{
    victron_frame_t frame;
    start_at(0);
    TEST_ASSERT_EQUAL(2, count_frames(0, 1999, 0x351));
    TEST_ASSERT_EQUAL_INT64(10000, next_time(10000, 10100, 0x351, &frame));
    TEST_ASSERT_EQUAL_INT64(11000, next_time(10001, 12000, 0x351, &frame));
}

TEST_CASE("a falling limit is told at once by an extra frame", "[victron_pgn]")
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    start_at(0);
    (void)count_frames(0, 400, 0);
    s.ccl_ma.value = 50000;
    victron_schedule_set_state(&s_schedule, &s, 400);
    TEST_ASSERT_EQUAL_INT64(400, next_time(400, 500, 0x351, &frame));
    TEST_ASSERT_EQUAL_HEX8(0xF4, frame.data[2]); /* 50.0 A */
    TEST_ASSERT_EQUAL_HEX8(0x01, frame.data[3]);
    TEST_ASSERT_EQUAL_INT64(1000, next_time(401, 2000, 0x351, &frame));
}

TEST_CASE("a rising limit waits for its turn", "[victron_pgn]")
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    start_at(0);
    (void)count_frames(0, 400, 0);
    s.ccl_ma.value = 150000;
    victron_schedule_set_state(&s_schedule, &s, 400);
    TEST_ASSERT_EQUAL_INT64(1000, next_time(400, 2000, 0x351, &frame));
    TEST_ASSERT_EQUAL_HEX8(0xDC, frame.data[2]); /* 150.0 A */
}

TEST_CASE("a change of an alarm or of the online status is told at once, limits with it", "[victron_pgn]")
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    start_at(0);
    (void)count_frames(0, 400, 0);
    s.alarm[BATTERY_ALARM_HIGH_VOLTAGE] = BATTERY_ALARM_ACTIVE;
    victron_schedule_set_state(&s_schedule, &s, 400);
    TEST_ASSERT_EQUAL_INT64(400, next_time(400, 500, 0x35A, &frame));
    TEST_ASSERT_EQUAL_HEX8(0x04, frame.data[0]);
    (void)count_frames(400, 700, 0);
    s.status = BATTERY_STATUS_OFFLINE;
    victron_schedule_set_state(&s_schedule, &s, 700);
    TEST_ASSERT_EQUAL_INT64(700, next_time(700, 800, 0x351, &frame));
    TEST_ASSERT_EQUAL_INT64(1000, next_time(701, 2500, 0x351, &frame));
}

TEST_CASE("limits that fall again and again are told every 50 ms at most", "[victron_pgn]")
{
    battery_state_t s = healthy();
    int frames = 0;
    int64_t last_ms = 0;
    start_at(0);
    (void)count_frames(0, 500, 0);
    for (int64_t now_ms = 500; now_ms < 1500; now_ms++) {
        victron_frame_t frame;
        s.dcl_ma.value -= 100;
        victron_schedule_set_state(&s_schedule, &s, now_ms);
        while (victron_schedule_next(&s_schedule, now_ms, &frame)) {
            if (frame.id == 0x351) {
                TEST_ASSERT_GREATER_OR_EQUAL(50, now_ms - last_ms);
                last_ms = now_ms;
                frames++;
            }
        }
    }
    TEST_ASSERT_EQUAL(20, frames);
}

TEST_CASE("right after a regular frame a falling limit waits 50 ms at most", "[victron_pgn]")
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    start_at(0);
    (void)count_frames(0, 1001, 0); /* 0x351 went out at 1000 */
    s.ccl_ma.value = 0;
    victron_schedule_set_state(&s_schedule, &s, 1001);
    TEST_ASSERT_EQUAL_INT64(1050, next_time(1001, 1100, 0x351, &frame));
    TEST_ASSERT_EQUAL_INT64(2000, next_time(1051, 2500, 0x351, &frame));
}

TEST_CASE("a frame is made from the newest state, not from the one that made it due", "[victron_pgn]")
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    start_at(0);
    (void)count_frames(0, 999, 0);
    s.pack_voltage_mv.value = 54321;
    victron_schedule_set_state(&s_schedule, &s, 1140);
    (void)next_time(1140, 1300, 0x356, &frame);
    TEST_ASSERT_EQUAL_HEX8(0x38, frame.data[0]); /* 54.32 V = 5432 = 0x1538 */
    TEST_ASSERT_EQUAL_HEX8(0x15, frame.data[1]);
}

TEST_CASE("a frame that was not acknowledged comes back soon, with fresh content", "[victron_pgn]")
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    start_at(0);
    TEST_ASSERT_EQUAL_INT64(0, next_time(0, 10, 0x351, &frame));
    victron_schedule_failed(&s_schedule, 0x351, 1);
    s.cvl_mv.value = 57000;
    victron_schedule_set_state(&s_schedule, &s, 20);
    const int64_t again_ms = next_time(20, 300, 0x351, &frame);
    TEST_ASSERT_GREATER_OR_EQUAL(51, again_ms);
    TEST_ASSERT_LESS_OR_EQUAL(100, again_ms);
    TEST_ASSERT_EQUAL_HEX8(0x3A, frame.data[0]); /* 57.0 V = 570 = 0x023A */
}

TEST_CASE("publication that stops and starts again begins with the limits", "[victron_pgn]")
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    start_at(0);
    (void)count_frames(0, 2500, 0);
    s.publish = false;
    victron_schedule_set_state(&s_schedule, &s, 2500);
    TEST_ASSERT_EQUAL(0, count_frames(2500, 9000, 0));
    s.publish = true;
    victron_schedule_set_state(&s_schedule, &s, 9000);
    TEST_ASSERT_TRUE(victron_schedule_next(&s_schedule, 9000, &frame));
    TEST_ASSERT_EQUAL_HEX16(0x351, frame.id);
}

TEST_CASE("the deadline is when the next frame is due", "[victron_pgn]")
{
    victron_frame_t frame;
    start_at(0);
    for (int64_t now_ms = 0; now_ms < 10000;) {
        while (victron_schedule_next(&s_schedule, now_ms, &frame)) {
        }
        const int64_t deadline_ms = victron_schedule_deadline_ms(&s_schedule);
        TEST_ASSERT_GREATER_THAN(now_ms, deadline_ms);
        TEST_ASSERT_EQUAL(0, count_frames(now_ms + 1, deadline_ms, 0));
        now_ms = deadline_ms;
    }
}

/** Ten seconds with an urgent frame and failed ones: ids and times of all frames, as one number. */
static uint64_t eventful_seconds(int64_t from_ms)
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    uint64_t trace = 0;
    start_at(from_ms);
    for (int64_t now_ms = 0; now_ms < 10000; now_ms++) {
        if (now_ms == 3333) {
            s.ccl_ma.value = 0;
            victron_schedule_set_state(&s_schedule, &s, from_ms + now_ms);
        }
        while (victron_schedule_next(&s_schedule, from_ms + now_ms, &frame)) {
            trace = trace * 31 + (uint64_t)frame.id * 10000 + (uint64_t)now_ms;
            if (now_ms > 5000 && now_ms < 7000) {
                victron_schedule_failed(&s_schedule, frame.id, from_ms + now_ms);
            }
        }
    }
    return trace;
}

TEST_CASE("2^31 and 2^32 ms of uptime change nothing in the schedule", "[victron_pgn]")
{
    const uint64_t expected = eventful_seconds(0);
    for (int64_t before_ms = 0; before_ms < 10000; before_ms += 500) {
        TEST_ASSERT_TRUE(eventful_seconds((INT64_C(1) << 31) - before_ms) == expected);
        TEST_ASSERT_TRUE(eventful_seconds((INT64_C(1) << 32) - before_ms) == expected);
    }
}

TEST_CASE("a clock that is set back does not silence the schedule", "[victron_pgn]")
{
    start_at(100000);
    (void)count_frames(100000, 105000, 0);
    TEST_ASSERT_GREATER_OR_EQUAL(4, count_frames(2000, 7000, 0x351));
}
