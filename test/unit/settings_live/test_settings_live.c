/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Settings are saved while frames go out, through settings, battery and can_victron to a peer on the bus that
 * acknowledges them. The flash stalls every task for 100 ms an erase. The cases go on from one another, because a
 * gateway is started once. This suite is for Linux only. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/peer_bus.h"
#include "../row.h"
#include "battery.h"
#include "can_victron.h"
#include "flash_gate.h"
#include "host.h"
#include "service_task.h"
#include "settings.h"
#include "twai_controller.h"
#include "unity.h"

#define POLL_MS       200
#define FALL_MS       (POLL_MS + 100) /* a limit that falls is in a frame by then */
#define LATE_MS       500             /* what a busy machine adds; the next frame would come after a second */
#define GAP_MAX_MS    1500
#define PATIENCE_MS   30000
#define FRAMES_MAX    2048
#define DIGITS_PER_A  10
#define WAIT_S        5
#define RISE_A_PER_S  2
#define STEP_S        10
#define CELLS         14
#define BMS_CCL_A     18 /* 90 % of 20 A */
#define BMS_DCL_A     54
#define FULL_CVL_DV   581 /* 14 x 4.150 V */
#define CAPPED_CVL_DV 574 /* 14 x 4.100 V */

/** Where a limit stands in 0x351. */
typedef enum {
    CVL_AT = 0,
    CCL_AT = 2,
    DCL_AT = 4,
} limit_at_t;

/** A 0x351. */
typedef struct {
    int64_t time_ms;
    uint8_t data[8];
} limits_t;

static event_bus_handle_t s_bus;
static event_bus_subscription_t s_frames;
static settings_handle_t s_settings;
static tinybms_snapshot_t s_snapshot;
static bool s_silent;
static int64_t s_next_poll_ms;
static limits_t s_limits[FRAMES_MAX]; /* 0x351 since the start */
static size_t s_count;
static event_bus_can_frame_t s_manufacturer; /* newest 0x35E */

/** A save in a task of its own: it waits for turns at the flash gate, which this one must not. */
typedef struct {
    const settings_change_t *changes;
    size_t count;
    settings_refusal_t refusal;
    esp_err_t err;
    int64_t done_ms;
    atomic_bool done;
} save_t;

static int32_t limit_in(const limits_t *frame, limit_at_t at)
{
    return frame->data[at] | frame->data[at + 1] << 8;
}

static int32_t newest(limit_at_t at)
{
    return s_count == 0 ? -1 : limit_in(&s_limits[s_count - 1], at);
}

static void fill_snapshot(tinybms_snapshot_t *snapshot)
{
    static const uint16_t settings[][2] = {{300, 4150}, {301, 3000}, {306, 6600}, {307, CELLS}, {315, 4200},
                                           {316, 2900}, {317, 60},   {318, 20},   {319, 60},    {320, 0}};
    static const uint16_t live[][2] = {{36, 7864},  {37, 16991}, {40, 3980}, {41, 3980}, {42, 0x8000}, {43, 0x8000},
                                       {46, 61960}, {47, 1274},  {48, 250},  {50, 0x97}, {53, CELLS}};
    for (size_t i = 16 - CELLS; i < 16; i++) {
        snapshot->live[i] = 39800;
    }
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
        snapshot->live[live[i][0]] = live[i][1];
    }
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        snapshot->settings[settings[i][0] - 300] = settings[i][1];
    }
    snapshot->settings_known = true;
}

static void poll_bms(void)
{
    const int64_t now_ms = service_now_ms();
    if (!s_silent && now_ms >= s_next_poll_ms) {
        s_next_poll_ms = now_ms + POLL_MS;
        s_snapshot.taken_ms = now_ms;
        s_snapshot.sequence++;
        event_bus_publish_snapshot(s_bus, &s_snapshot);
    }
}

static void note_frame(const event_bus_can_frame_t *frame)
{
    if (frame->sent && frame->id == 0x351 && s_count < FRAMES_MAX) {
        s_limits[s_count].time_ms = frame->time_ms;
        memcpy(s_limits[s_count].data, frame->data, sizeof(s_limits[s_count].data));
        s_count++;
    } else if (frame->sent && frame->id == 0x35E) {
        s_manufacturer = *frame;
    }
}

/** A moment of the gateway's life. */
static void live_on(void)
{
    event_bus_can_frame_t frame;
    poll_bms();
    while (event_bus_receive_can_frame(s_frames, &frame, pdMS_TO_TICKS(10))) {
        note_frame(&frame);
        poll_bms();
    }
}

static void live_for(int64_t ms)
{
    for (const int64_t end_ms = service_now_ms() + ms; service_now_ms() < end_ms;) {
        live_on();
    }
}

static void live_until(limit_at_t at, int32_t value)
{
    for (const int64_t end_ms = service_now_ms() + PATIENCE_MS; newest(at) != value && service_now_ms() < end_ms;) {
        live_on();
    }
    TEST_ASSERT_EQUAL_INT32(value, newest(at));
}

static void save_in_task(void *argument)
{
    save_t *const save = argument;
    save->err = settings_save(s_settings, save->changes, save->count, &save->refusal);
    save->done_ms = service_now_ms();
    atomic_store(&save->done, true);
    vTaskDelete(NULL);
}

/** @return when it was done; frames go on meanwhile */
static int64_t save_while_living(const settings_change_t *changes, size_t count, esp_err_t expected)
{
    save_t save = {.changes = changes, .count = count};
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(save_in_task, "saver", 8192, &save, 1, NULL));
    while (!atomic_load(&save.done)) {
        live_on();
    }
    TEST_ASSERT_EQUAL(expected, save.err);
    return save.done_ms;
}

static int64_t save_number(settings_id_t id, int32_t number)
{
    const settings_change_t change = {.id = id, .value = {.number = number}};
    return save_while_living(&change, 1, ESP_OK);
}

/** From frame `first` on there is the old value, and then, in time, the new one and no other. */
static void expect_fall(size_t first, limit_at_t at, int32_t old, int32_t new, int64_t saved_ms)
{
    int64_t fell_ms = 0;
    live_for(2 * FALL_MS + LATE_MS);
    for (size_t i = first; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        const int32_t value = limit_in(&s_limits[i], at);
        TEST_ASSERT_EQUAL_INT32(fell_ms == 0 && value == old ? old : new, value);
        fell_ms = fell_ms == 0 && value == new ? s_limits[i].time_ms : fell_ms;
    }
    TEST_ASSERT_TRUE(fell_ms != 0);
    TEST_ASSERT_LESS_OR_EQUAL(saved_ms + FALL_MS + LATE_MS, fell_ms);
}

/** From frame `first` on a current limit stays for `limit.wait_s` after its last fall, and rises by `limit.a_per_s`. */
static void expect_rise(size_t first, limit_at_t at, int64_t fell_ms)
{
    for (size_t i = first + 1; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        const int32_t rise = limit_in(&s_limits[i], at) - limit_in(&s_limits[i - 1], at);
        const int64_t since_ms = s_limits[i].time_ms - s_limits[i - 1].time_ms;
        TEST_ASSERT_GREATER_OR_EQUAL(0, rise);
        TEST_ASSERT_TRUE(rise == 0 || s_limits[i].time_ms - fell_ms >= WAIT_S * 1000 - POLL_MS);
        /* A frame is up to a poll older than it is sent. */
        TEST_ASSERT_LESS_OR_EQUAL(RISE_A_PER_S * DIGITS_PER_A * (since_ms + POLL_MS + LATE_MS) / 1000 + 1, rise);
    }
}

static void save_before_the_start(void)
{
    static const settings_change_t quick[] = {
        {.id = SETTINGS_RAMP_TIME_S, .value = {.number = 5}},
        {.id = SETTINGS_LIMIT_WAIT_S, .value = {.number = WAIT_S}},
        {.id = SETTINGS_LIMIT_A_PER_S, .value = {.number = RISE_A_PER_S}},
        {.id = SETTINGS_CVL_WAIT_S, .value = {.number = 10}},
        {.id = SETTINGS_CVL_STEP_S, .value = {.number = STEP_S}},
        {.id = SETTINGS_CVL_RAISE_MV_S, .value = {.number = 10}},
        {.id = SETTINGS_DATA_STALE_MS, .value = {.number = 8000}},
    };
    settings_refusal_t refusal;
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(s_settings, quick, sizeof(quick) / sizeof(quick[0]), &refusal));
}

TEST_CASE("the gateway starts, and its limits come to what the BMS allows", "[settings_live]")
{
    static char directory[] = "/tmp/tinybms-live-XXXXXX";
    host_options.data_dir = mkdtemp(directory);
    TEST_ASSERT_EQUAL(ESP_OK, settings_open(&s_settings));
    save_before_the_start();
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&s_bus));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(s_bus, EVENT_BUS_CAN_FRAME, 64, "test", NULL, &s_frames));
    fill_snapshot(&s_snapshot);
    bus_open();
    bus_connect_peer();
    flash_gate_pace();
    TEST_ASSERT_EQUAL(ESP_OK, can_victron_start(s_bus, s_settings));
    TEST_ASSERT_EQUAL(ESP_OK, battery_start(s_bus, s_settings));
    live_until(CCL_AT, BMS_CCL_A * DIGITS_PER_A);
    live_until(DCL_AT, BMS_DCL_A * DIGITS_PER_A);
    live_until(CVL_AT, FULL_CVL_DV);
}

TEST_CASE("a lower cap of a current is in a frame within a poll, and the way there has no other value",
          "[settings_live]")
{
    static const settings_change_t lower[] = {
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 10}},
        {.id = SETTINGS_DISCH_MAX_A, .value = {.number = 45}},
    };
    const size_t first = s_count;
    const int64_t saved_ms = save_while_living(lower, 2, ESP_OK);
    expect_fall(first, CCL_AT, BMS_CCL_A * DIGITS_PER_A, 10 * DIGITS_PER_A, saved_ms);
    expect_fall(first, DCL_AT, BMS_DCL_A * DIGITS_PER_A, 45 * DIGITS_PER_A, saved_ms);
}

TEST_CASE("a higher cap is waited for, and risen to slowly", "[settings_live]")
{
    static const settings_change_t back[] = {
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 0}},
        {.id = SETTINGS_DISCH_MAX_A, .value = {.number = 0}},
    };
    const size_t first = s_count;
    const int64_t before_ms = service_now_ms();
    (void)save_while_living(back, 2, ESP_OK);
    live_until(CCL_AT, BMS_CCL_A * DIGITS_PER_A);
    live_until(DCL_AT, BMS_DCL_A * DIGITS_PER_A);
    expect_rise(first, CCL_AT, before_ms);
    expect_rise(first, DCL_AT, before_ms);
}

TEST_CASE("a lower charge voltage is in a frame within a poll, a higher one is risen to in steps", "[settings_live]")
{
    size_t first = s_count;
    const int64_t saved_ms = save_number(SETTINGS_CHARGE_CELL_MV, 4100);
    expect_fall(first, CVL_AT, FULL_CVL_DV, CAPPED_CVL_DV, saved_ms);
    first = s_count;
    (void)save_number(SETTINGS_CHARGE_CELL_MV, 0);
    live_until(CVL_AT, FULL_CVL_DV);
    int64_t rose_ms = 0;
    for (size_t i = first; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        const int32_t rise = limit_in(&s_limits[i], CVL_AT) - limit_in(&s_limits[i - 1], CVL_AT);
        TEST_ASSERT_GREATER_OR_EQUAL(0, rise);
        TEST_ASSERT_TRUE(rise == 0 || rose_ms == 0 || s_limits[i].time_ms - rose_ms >= STEP_S * 1000 - POLL_MS);
        rose_ms = rise > 0 ? s_limits[i].time_ms : rose_ms;
    }
}

TEST_CASE("a save that is refused changes nothing", "[settings_live]")
{
    static const settings_change_t wrong[] = {
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 5}},
        {.id = SETTINGS_CHARGE_CELL_MV, .value = {.number = 3400}},
        {.id = SETTINGS_FLOAT_CELL_MV, .value = {.number = 3450}}, /* above the one before */
    };
    const size_t first = s_count;
    (void)save_while_living(wrong, 3, ESP_ERR_INVALID_ARG);
    live_for(GAP_MAX_MS);
    TEST_ASSERT_GREATER_THAN(first, s_count);
    for (size_t i = first; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        TEST_ASSERT_EQUAL_INT32(FULL_CVL_DV, limit_in(&s_limits[i], CVL_AT));
        TEST_ASSERT_EQUAL_INT32(BMS_CCL_A * DIGITS_PER_A, limit_in(&s_limits[i], CCL_AT));
        TEST_ASSERT_EQUAL_INT32(BMS_DCL_A * DIGITS_PER_A, limit_in(&s_limits[i], DCL_AT));
    }
}

TEST_CASE("another name is sent from the next frame with it on", "[settings_live]")
{
    static const settings_change_t names[] = {
        {.id = SETTINGS_ID_MANUFACTURER, .value = {.text = "House"}},
        {.id = SETTINGS_ID_BATTERY_NAME, .value = {.text = "House 1"}},
    };
    TEST_ASSERT_EQUAL_MEMORY("TinyBMS", s_manufacturer.data, 8);
    (void)save_while_living(names, 2, ESP_OK);
    for (const int64_t end_ms = service_now_ms() + PATIENCE_MS;
         s_manufacturer.data[0] != 'H' && service_now_ms() < end_ms;) {
        live_on();
    }
    TEST_ASSERT_EQUAL_MEMORY("House\0\0", s_manufacturer.data, 8);
}

TEST_CASE("another bit rate: the controller has it, no frame is missed, and none has old content", "[settings_live]")
{
    static const settings_change_t both[] = {
        {.id = SETTINGS_CAN_BITRATE, .value = {.number = 250000}},
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 10}},
    };
    const size_t first = s_count;
    TEST_ASSERT_EQUAL(500000, twai_controller_registers().bitrate);
    const int64_t saved_ms = save_while_living(both, 2, ESP_OK);
    expect_fall(first, CCL_AT, BMS_CCL_A * DIGITS_PER_A, 10 * DIGITS_PER_A, saved_ms);
    TEST_ASSERT_EQUAL(250000, twai_controller_registers().bitrate);
    const size_t changed = s_count;
    live_for(2 * GAP_MAX_MS);
    TEST_ASSERT_GREATER_OR_EQUAL(changed + 2, s_count);
}

TEST_CASE("data between the old and the new age is stale at once, and a higher age does not bring it back",
          "[settings_live]")
{
    s_silent = true;
    live_for(1500);
    size_t first = s_count;
    const int64_t saved_ms = save_number(SETTINGS_DATA_STALE_MS, 1000);
    expect_fall(first, CCL_AT, 10 * DIGITS_PER_A, 0, saved_ms);
    first = s_count;
    (void)save_number(SETTINGS_DATA_STALE_MS, 8000);
    live_for(FALL_MS);
    for (size_t i = first; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        TEST_ASSERT_EQUAL_INT32(0, limit_in(&s_limits[i], CCL_AT));
    }
    s_silent = false;
    live_until(CCL_AT, 10 * DIGITS_PER_A);
}

/** An adversary's way of saving: without a pause, each time something else. */
TEST_CASE("whatever is saved without a pause, each frame has one of the values, and comes in time", "[settings_live]")
{
    const size_t first = s_count;
    for (int32_t i = 0; i < 4; i++) {
        ROW("save %d", (int)i);
        (void)save_number(SETTINGS_CHARGE_MAX_A, i % 2 == 0 ? 4 : 10);
    }
    live_for(GAP_MAX_MS);
    for (size_t i = first; i < s_count; i++) {
        ROW("frame %zu of %zu", i - first, s_count - first);
        const int32_t value = limit_in(&s_limits[i], CCL_AT);
        TEST_ASSERT_TRUE(value <= 10 * DIGITS_PER_A && value >= 4 * DIGITS_PER_A);
    }
}

TEST_CASE("through all of it 0x351 has come in time, and no flash was changed without a turn", "[settings_live]")
{
    char command[64];
    flash_gate_status_t status;
    flash_gate_status(&status);
    TEST_ASSERT_EQUAL(0, status.without_turn);
    TEST_ASSERT_LESS_THAN(FRAMES_MAX, s_count);
    for (size_t i = 1; i < s_count; i++) {
        ROW("frame %zu of %zu", i, s_count);
        TEST_ASSERT_LESS_THAN(GAP_MAX_MS, s_limits[i].time_ms - s_limits[i - 1].time_ms);
    }
    (void)snprintf(command, sizeof(command), "rm -r '%s'", host_options.data_dir);
    TEST_ASSERT_EQUAL(0, system(command));
}
