/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
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
        .bms_temperature_ddegc = {true, 250},
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
        ROW("0x%03X", expected[i].id);
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

TEST_CASE("a frame that is up to 50 ms late keeps its turn, a later one begins anew", "[victron_pgn]")
{
    victron_frame_t frame;
    start_at(0);
    TEST_ASSERT_EQUAL(1, count_frames(0, 999, 0x351));
    TEST_ASSERT_EQUAL_INT64(1050, next_time(1050, 1051, 0x351, &frame));
    TEST_ASSERT_EQUAL_INT64(2000, next_time(1051, 2100, 0x351, &frame));
    TEST_ASSERT_EQUAL(0, count_frames(2001, 2999, 0x351));
    TEST_ASSERT_EQUAL_INT64(3051, next_time(3051, 3052, 0x351, &frame));
    TEST_ASSERT_EQUAL(0, count_frames(3052, 4050, 0x351));
    TEST_ASSERT_EQUAL(1, count_frames(4051, 4100, 0x351));
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

/* The timetable of docs/pgn_conversions.md: id, period, phase, ms. */
static const struct {
    uint16_t id;
    int32_t period_ms;
    int32_t phase_ms;
} s_timetable[] = {
    {0x351, 1000, 0},    {0x35A, 1000, 50},   {0x355, 1000, 100},  {0x356, 1000, 150},  {0x372, 2000, 300},
    {0x373, 2000, 400},  {0x374, 2000, 500},  {0x375, 2000, 600},  {0x376, 2000, 700},  {0x377, 2000, 800},
    {0x378, 2000, 1300}, {0x379, 2000, 1400}, {0x35E, 5000, 200},  {0x35F, 5000, 250},  {0x370, 5000, 1500},
    {0x371, 5000, 1600}, {0x380, 5000, 1700}, {0x381, 5000, 1800}, {0x382, 5000, 1900},
};
#define FRAMES (sizeof(s_timetable) / sizeof(s_timetable[0]))

/** A state of which every frame can be made. */
static battery_state_t complete(void)
{
    battery_state_t s = healthy();
    s.cell_min_register = (battery_quantity_t){true, 1};
    s.cell_max_register = (battery_quantity_t){true, 2};
    s.sensor_ddegc[0] = (battery_quantity_t){true, 250};
    s.energy_in_wh = (battery_energy_t){true, 1};
    s.energy_out_wh = (battery_energy_t){true, 1};
    s.serial_known = true;
    memset(s.serial, '1', sizeof(s.serial));
    return s;
}

static void start_complete_at(int64_t now_ms)
{
    static const victron_identity_t long_name = {
        .manufacturer = "TinyBMS", .battery_name = "TinyBMS of house", .family = "TinyBMS"};
    const battery_state_t s = complete();
    victron_schedule_init(&s_schedule, &long_name, now_ms);
    victron_schedule_set_state(&s_schedule, &s, now_ms);
}

static size_t row_of(uint16_t id)
{
    size_t row = 0;
    while (row < FRAMES && s_timetable[row].id != id) {
        row++;
    }
    TEST_ASSERT_LESS_THAN(FRAMES, row);
    return row;
}

/** Whether another frame has its turn at the same time and a shorter period, so that it goes first. */
static bool gives_way(size_t row, int64_t since_ms)
{
    bool found = false;
    for (size_t i = 0; i < FRAMES; i++) {
        found = found || (s_timetable[i].period_ms < s_timetable[row].period_ms &&
                          (since_ms - s_timetable[i].phase_ms) % s_timetable[i].period_ms == 0);
    }
    return found;
}

/** Ten seconds in which each frame comes at its turn, or 20 ms later where it gives way, and as often as it has turns.
 */
static void assert_timetable(int64_t start_ms, int64_t from_ms)
{
    int frames[FRAMES] = {0};
    for (int64_t now_ms = from_ms; now_ms < from_ms + 10000; now_ms++) {
        victron_frame_t frame;
        while (victron_schedule_next(&s_schedule, now_ms, &frame)) {
            const size_t row = row_of(frame.id);
            const int64_t late_ms = (now_ms - start_ms - s_timetable[row].phase_ms) % s_timetable[row].period_ms;
            TEST_ASSERT_EQUAL_INT64(gives_way(row, now_ms - start_ms - late_ms) ? 20 : 0, late_ms);
            frames[row]++;
        }
    }
    for (size_t row = 0; row < FRAMES; row++) {
        ROW("0x%03X", s_timetable[row].id);
        TEST_ASSERT_EQUAL(10000 / s_timetable[row].period_ms, frames[row]);
    }
}

TEST_CASE("every frame comes at its time in the period, 20 ms later where two have the same", "[victron_pgn]")
{
    start_complete_at(0);
    assert_timetable(0, 0);
    assert_timetable(0, 10000);
    start_complete_at(123456);
    assert_timetable(123456, 123456);
}

TEST_CASE("publication that stops for a moment starts anew, however the limits were before", "[victron_pgn]")
{
    battery_state_t s = complete();
    start_complete_at(0);
    (void)count_frames(0, 2500, 0);
    s.publish = false;
    victron_schedule_set_state(&s_schedule, &s, 2500);
    s = complete();
    s.ccl_ma.value = 1000;
    victron_schedule_set_state(&s_schedule, &s, 2600);
    assert_timetable(2600, 2600);
}

TEST_CASE("a clock that is set back, by weeks too, changes nothing for the frames", "[victron_pgn]")
{
    static const int64_t before_ms[] = {100000, 2000000000};
    for (size_t i = 0; i < 2; i++) {
        ROW("before_ms[%zu]", i);
        const battery_state_t s = complete();
        start_complete_at(before_ms[i]);
        (void)count_frames(before_ms[i], before_ms[i] + 5000, 0); /* the last time it saw is 4999 ms after the start */
        victron_schedule_set_state(&s_schedule, &s, 7000);
        assert_timetable(7000 - 4999, 7000);
    }
}

TEST_CASE("a limit that falls after the clock was set back is told at once", "[victron_pgn]")
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    start_at(100000);
    (void)count_frames(100000, 100500, 0);
    s.cvl_mv.value -= 100;
    victron_schedule_set_state(&s_schedule, &s, 7000);
    TEST_ASSERT_EQUAL_INT64(7000, next_time(7000, 7100, 0x351, &frame));
}

TEST_CASE("each limit is told at once when it alone falls, by one step", "[victron_pgn]")
{
    for (int i = 0; i < 3; i++) {
        ROW("limits[%d]", i);
        battery_state_t s = healthy();
        victron_frame_t frame;
        battery_limit_t *const limits[] = {&s.cvl_mv, &s.ccl_ma, &s.dcl_ma};
        start_at(0);
        (void)count_frames(0, 400, 0);
        limits[i]->value -= 100;
        victron_schedule_set_state(&s_schedule, &s, 400);
        TEST_ASSERT_EQUAL_INT64(400, next_time(400, 500, 0x351, &frame));
    }
}

TEST_CASE("a limit that falls right after the start is told with the alarms at once", "[victron_pgn]")
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    start_at(1000);
    (void)count_frames(1000, 1005, 0);
    s.ccl_ma.value = 0;
    victron_schedule_set_state(&s_schedule, &s, 1005);
    TEST_ASSERT_TRUE(victron_schedule_next(&s_schedule, 1005, &frame));
    TEST_ASSERT_EQUAL_HEX16(0x35A, frame.id);
    TEST_ASSERT_EQUAL_INT64(1050, next_time(1005, 1200, 0x351, &frame)); /* 50 ms after the first */
}

TEST_CASE("an extra frame just before its turn does not take the place of the regular one", "[victron_pgn]")
{
    battery_state_t s = healthy();
    victron_frame_t frame;
    start_at(0);
    (void)count_frames(0, 999, 0);
    s.ccl_ma.value = 0;
    victron_schedule_set_state(&s_schedule, &s, 999);
    TEST_ASSERT_EQUAL_INT64(999, next_time(999, 1000, 0x351, &frame));
    const int64_t regular_ms = next_time(1000, 2000, 0x351, &frame);
    TEST_ASSERT_GREATER_OR_EQUAL(1000, regular_ms);
    TEST_ASSERT_LESS_OR_EQUAL(1050, regular_ms);
    TEST_ASSERT_EQUAL_INT64(2000, next_time(regular_ms + 1, 3000, 0x351, &frame));
}

TEST_CASE("what was not acknowledged comes back after 50 ms, after 500 ms what nothing depends on", "[victron_pgn]")
{
    static const struct {
        uint16_t id;
        int64_t after_ms;
    } expected[] = {{0x351, 50}, {0x35A, 50}, {0x355, 50}, {0x356, 50}, {0x372, 500}, {0x35E, 500}, {0x382, 500}};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        ROW("0x%03X", expected[i].id);
        victron_frame_t frame;
        start_at(0);
        (void)count_frames(0, 2410, 0);
        victron_schedule_failed(&s_schedule, expected[i].id, 2410);
        const int64_t again_ms = 2410 + expected[i].after_ms;
        TEST_ASSERT_EQUAL_INT64(again_ms, next_time(2410, 2999, expected[i].id, &frame));
    }
}

TEST_CASE("a frame that is not ours and was not acknowledged changes nothing", "[victron_pgn]")
{
    start_complete_at(0);
    victron_schedule_failed(&s_schedule, 0x305, 0);
    assert_timetable(0, 0);
}

TEST_CASE("any frame of ours can be asked for at any time, while something is published", "[victron_pgn]")
{
    victron_frame_t frame;
    start_complete_at(0);
    (void)count_frames(0, 10, 0);
    for (size_t i = 0; i < FRAMES; i++) {
        ROW("0x%03X", s_timetable[i].id);
        TEST_ASSERT_TRUE(victron_schedule_encode(&s_schedule, s_timetable[i].id, &frame));
        TEST_ASSERT_EQUAL_HEX16(s_timetable[i].id, frame.id);
    }
    TEST_ASSERT_FALSE(victron_schedule_encode(&s_schedule, 0x305, &frame));
    assert_timetable(0, 10); /* which takes no turn away */
    victron_schedule_init(&s_schedule, &s_identity, 0);
    TEST_ASSERT_FALSE(victron_schedule_encode(&s_schedule, 0x351, &frame));
}
