/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Settings, counters and logs are written as fast as the flash gate lets them, on a flash that stalls every task for
 * 100 ms an erase: the frames go on. This suite is for Linux only. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../row.h"
#include "../host/peer_bus.h"
#include "can_victron.h"
#include "esp_partition.h"
#include "flash_gate.h"
#include "host.h"
#include "service_task.h"
#include "settings.h"
#include "unity.h"

#define STRESS_MS  10000
#define GAP_MAX_MS 1500 /* a GX stops charging after 3 s; stated in docs/architecture.md */
#define TURN_MS    5000
#define SECTOR     4096
#define WRITERS    3

static event_bus_handle_t s_bus;
static event_bus_subscription_t s_frames;
static settings_handle_t s_settings;
static atomic_bool s_stop;
static atomic_int s_running;
static atomic_int s_written[WRITERS];

static void begin_task(void (*task)(void *), void *argument)
{
    (void)atomic_fetch_add(&s_running, 1);
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(task, "writer", 8192, argument, 1, NULL));
}

static void end_task(void)
{
    (void)atomic_fetch_sub(&s_running, 1);
    vTaskDelete(NULL);
}

static void write_settings(void *argument)
{
    atomic_int *const written = argument;
    settings_refusal_t refusal;
    for (int32_t value = 1; !atomic_load(&s_stop); value++) {
        const settings_change_t change = {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = value}};
        (void)atomic_fetch_add(written, settings_save(s_settings, &change, 1, &refusal) == ESP_OK ? 1 : 0);
    }
    end_task();
}

/* As a log does: a sector is erased and filled. */
static void write_log(const char *label, atomic_int *written)
{
    static const uint8_t content[SECTOR];
    const esp_partition_t *const partition =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, label);
    for (size_t at = 0; !atomic_load(&s_stop); at = (at + SECTOR) % partition->size) {
        if (flash_gate_take(TURN_MS) == ESP_OK) {
            const bool done = esp_partition_erase_range(partition, at, SECTOR) == ESP_OK &&
                              esp_partition_write(partition, at, content, SECTOR) == ESP_OK;
            flash_gate_give();
            (void)atomic_fetch_add(written, done ? 1 : 0);
        }
    }
    end_task();
}

static void write_energy(void *argument)
{
    write_log("energy", argument);
}

static void write_history(void *argument)
{
    write_log("history", argument);
}

static void publish_state(uint32_t sequence)
{
    const battery_state_t state = {
        .snapshot_ms = service_now_ms(),
        .sequence = sequence,
        .status = BATTERY_STATUS_ONLINE,
        .publish = true,
        .pack_voltage_mv = {.known = true, .value = 53000},
        .pack_current_ma = {.known = true, .value = 0},
        .soc_ppm = {.known = true, .value = 500000},
        .cvl_mv = {.known = true, .value = 54000},
        .ccl_ma = {.known = true, .value = 90000},
        .dcl_ma = {.known = true, .value = 90000},
    };
    event_bus_publish_state(s_bus, &state);
}

static void start_once(void)
{
    static char directory[] = "/tmp/tinybms-stress-XXXXXX";
    host_options.data_dir = mkdtemp(directory);
    TEST_ASSERT_EQUAL(ESP_OK, settings_open(&s_settings));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&s_bus));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(s_bus, EVENT_BUS_CAN_FRAME, 64, "stress", NULL, &s_frames));
    bus_open();
    bus_connect_peer();
    flash_gate_pace();
    TEST_ASSERT_EQUAL(ESP_OK, can_victron_start(s_bus, s_settings));
}

TEST_CASE("0x351 comes each second while settings, counters and logs are written without a pause", "[flash_stress]")
{
    event_bus_can_frame_t frame;
    int64_t last_ms = 0;
    int64_t longest_ms = 0;
    uint32_t sequence = 0;
    uint32_t frames = 0;
    flash_gate_status_t before;
    start_once();
    flash_gate_status(&before);
    begin_task(write_settings, &s_written[0]);
    begin_task(write_energy, &s_written[1]);
    begin_task(write_history, &s_written[2]);
    for (const int64_t end_ms = service_now_ms() + STRESS_MS; service_now_ms() < end_ms;) {
        publish_state(++sequence);
        while (event_bus_receive_can_frame(s_frames, &frame, pdMS_TO_TICKS(100))) {
            if (frame.sent && frame.id == 0x351) {
                longest_ms =
                    last_ms != 0 && frame.time_ms - last_ms > longest_ms ? frame.time_ms - last_ms : longest_ms;
                last_ms = frame.time_ms;
                frames++;
            }
        }
    }
    const int64_t silent_ms = service_now_ms() - last_ms;
    atomic_store(&s_stop, true);
    TEST_ASSERT_LESS_THAN(GAP_MAX_MS, longest_ms);
    TEST_ASSERT_LESS_THAN(GAP_MAX_MS, silent_ms);
    for (int i = 0; i < WRITERS; i++) {
        ROW("writer %d", i);
        TEST_ASSERT_GREATER_OR_EQUAL(1, atomic_load(&s_written[i]));
    }
    flash_gate_status_t after;
    flash_gate_status(&after);
    const uint32_t turns = after.turns - before.turns;
    TEST_ASSERT_GREATER_OR_EQUAL(STRESS_MS / 1000, turns); /* the gate did not stand still */
    TEST_ASSERT_LESS_OR_EQUAL(2 * (frames + 1), turns);
    TEST_ASSERT_EQUAL(0, after.without_turn);
}

TEST_CASE("the directory is taken away again", "[flash_stress]")
{
    char command[64];
    while (atomic_load(&s_running) > 0) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    (void)snprintf(command, sizeof(command), "rm -r '%s'", host_options.data_dir);
    TEST_ASSERT_EQUAL(0, system(command));
}
