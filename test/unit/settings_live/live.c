/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "live.h"

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
#include "unity.h"

#define CELLS 14

static event_bus_handle_t s_bus;
static event_bus_subscription_t s_frames;
static settings_handle_t s_settings;
static tinybms_snapshot_t s_snapshot;
static int64_t s_next_poll_ms;
limits_t s_limits[FRAMES_MAX];
size_t s_count;
event_bus_can_frame_t s_manufacturer;
bool s_silent;

/** A save in a task of its own: it waits for turns at the flash gate, which this one must not. */
typedef struct {
    const settings_change_t *changes;
    size_t count;
    settings_refusal_t refusal;
    esp_err_t err;
    int64_t done_ms;
    atomic_bool done;
} save_t;

int32_t limit_in(const limits_t *frame, limit_at_t at)
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

void live_on(void)
{
    event_bus_can_frame_t frame;
    poll_bms();
    while (event_bus_receive_can_frame(s_frames, &frame, pdMS_TO_TICKS(10))) {
        note_frame(&frame);
        poll_bms();
    }
}

void live_for(int64_t ms)
{
    for (const int64_t end_ms = service_now_ms() + ms; service_now_ms() < end_ms;) {
        live_on();
    }
}

void live_until(limit_at_t at, int32_t value)
{
    for (const int64_t end_ms = service_now_ms() + PATIENCE_MS; newest(at) != value && service_now_ms() < end_ms;) {
        live_on();
    }
    TEST_ASSERT_EQUAL_INT32(value, newest(at));
}

void live_through_frames(size_t frames)
{
    const size_t enough = s_count + frames;
    const int64_t end_ms = service_now_ms() + (int64_t)frames * GAP_MAX_MS;
    while (s_count < enough && service_now_ms() < end_ms) {
        live_on();
    }
    TEST_ASSERT_GREATER_OR_EQUAL(enough, s_count);
}

static void save_in_task(void *argument)
{
    save_t *const save = argument;
    save->err = settings_save(s_settings, save->changes, save->count, &save->refusal);
    save->done_ms = service_now_ms();
    atomic_store(&save->done, true);
    vTaskDelete(NULL);
}

int64_t save_while_living(const settings_change_t *changes, size_t count, esp_err_t expected)
{
    save_t save = {.changes = changes, .count = count};
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(save_in_task, "saver", 8192, &save, 1, NULL));
    while (!atomic_load(&save.done)) {
        live_on();
    }
    TEST_ASSERT_EQUAL(expected, save.err);
    return save.done_ms;
}

int64_t save_number(settings_id_t id, int32_t number)
{
    const settings_change_t change = {.id = id, .value = {.number = number}};
    return save_while_living(&change, 1, ESP_OK);
}

void expect_fall(size_t first, limit_at_t at, int32_t old, int32_t new, int64_t saved_ms)
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

void start_gateway(void)
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
}

void expect_frames_in_time(void)
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
