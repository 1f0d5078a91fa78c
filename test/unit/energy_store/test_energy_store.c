/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* When counters are saved, and what is remembered; this suite is for Linux only. The cases follow one another: there is
 * one store.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../../components/battery/energy_store.h"
#include "esp_partition.h"
#include "flash_gate.h"
#include "host.h"
#include "service_task.h"
#include "unity.h"

#define SAVE_MS    1000
#define LONGEST_MS 30000
#define RECORD     64
#define TIME_SCALE 2.0

static char s_directory[] = "/tmp/tinybms-energy-XXXXXX";
static event_bus_handle_t s_bus;
static settings_handle_t s_settings;
static settings_memory_t s_memory;
static energy_totals_t s_totals;
static int64_t s_not_yet_ms; /* the last save came after this */

static int records(void)
{
    const esp_partition_t *const energy =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "energy");
    int found = 0;
    for (size_t at = 0; at < energy->size; at += RECORD) {
        uint8_t first = 0;
        TEST_ASSERT_EQUAL(ESP_OK, esp_partition_read(energy, at + 4, &first, 1));
        found += first != 0xFF ? 1 : 0;
    }
    return found;
}

static void start_once(void)
{
    bool has_totals = true;
    if (s_bus != NULL) {
        return;
    }
    host_options.time_scale = TIME_SCALE;
    host_options.data_dir = mkdtemp(s_directory);
    TEST_ASSERT_EQUAL(ESP_OK, settings_open(&s_settings));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&s_bus));
    s_not_yet_ms = service_now_ms();
    s_memory = settings_memory(s_settings);
    TEST_ASSERT_EQUAL(ESP_OK, energy_store_start(s_bus, s_settings, &s_memory, SAVE_MS / 1000, &s_totals, &has_totals));
    TEST_ASSERT_FALSE(has_totals);
}

/* Counters change; the store is told once more than a second after the last time. */
static void count_on(void)
{
    vTaskDelay(pdMS_TO_TICKS(1100));
    s_totals.in_mwh += 1000;
    energy_store_put(&s_totals, &s_memory);
}

/* Waits for more records than there were, at most so long. */
static bool wait_for_save(int before, int32_t within_ms)
{
    const int64_t end_ms = service_now_ms() + within_ms;
    while (service_now_ms() < end_ms) {
        const int64_t now_ms = service_now_ms();
        if (records() > before) {
            return true;
        }
        s_not_yet_ms = now_ms;
        vTaskDelay(pdMS_TO_TICKS(20));
    }
    return false;
}

TEST_CASE("counters are saved when their time has come", "[energy_store]")
{
    start_once();
    const int64_t earliest_ms = s_not_yet_ms + SAVE_MS;
    const int before = records();
    count_on();
    TEST_ASSERT_TRUE(wait_for_save(before, LONGEST_MS));
    TEST_ASSERT_GREATER_OR_EQUAL(earliest_ms, service_now_ms());
}

TEST_CASE("a save that is due waits for a turn at the flash gate", "[energy_store]")
{
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(LONGEST_MS));
    const int before = records();
    count_on();
    TEST_ASSERT_FALSE(wait_for_save(before, SAVE_MS + 500));
    flash_gate_give();
    TEST_ASSERT_TRUE(wait_for_save(before, LONGEST_MS));
}

TEST_CASE("a period that is made longer counts from the next save on, a shorter one at once", "[energy_store]")
{
    energy_store_set_period(100 * SAVE_MS / 1000);
    const int before = records();
    TEST_ASSERT_FALSE(wait_for_save(before, 2 * SAVE_MS)); /* the last save by the old period: nothing has changed */
    count_on();
    TEST_ASSERT_FALSE(wait_for_save(before, 3 * SAVE_MS));
    energy_store_set_period(SAVE_MS / 1000);
    TEST_ASSERT_TRUE(wait_for_save(before, LONGEST_MS));
}

TEST_CASE("counters that did not change are not saved again", "[energy_store]")
{
    TEST_ASSERT_FALSE(wait_for_save(records(), 3 * SAVE_MS));
}

/* ---- what is remembered ---- */

/* This is to be remembered from now on; the store is told more than a second after the last time. */
static void learn(uint8_t sensors_seen, uint32_t bms_time_s)
{
    vTaskDelay(pdMS_TO_TICKS(1100));
    s_memory.sensors_seen = sensors_seen;
    s_memory.events_over.bms_time_s = bms_time_s;
    energy_store_put(&s_totals, &s_memory);
}

static bool remembered(void)
{
    const settings_memory_t memory = settings_memory(s_settings);
    return settings_memory_same(&memory, &s_memory);
}

/* Waits until it is remembered, at most so long. */
static bool wait_for_memory(int32_t within_ms)
{
    const int64_t end_ms = service_now_ms() + within_ms;
    while (service_now_ms() < end_ms) {
        if (remembered()) {
            return true;
        }
        vTaskDelay(pdMS_TO_TICKS(20));
    }
    return false;
}

TEST_CASE("what is learned is remembered", "[energy_store]")
{
    learn(1, 0);
    TEST_ASSERT_TRUE(wait_for_memory(LONGEST_MS));
}

TEST_CASE("events that are over are remembered as sensors are", "[energy_store]")
{
    learn(3, 5000);
    TEST_ASSERT_TRUE(wait_for_memory(LONGEST_MS));
}

TEST_CASE("a sensor that is forgotten is forgotten", "[energy_store]")
{
    learn(2, 5000);
    TEST_ASSERT_TRUE(wait_for_memory(LONGEST_MS));
}

TEST_CASE("an orderly restart saves at once", "[energy_store]")
{
    int before = 0;
    count_on();
    before = records();
    s_totals.in_mwh += 1000;
    learn(3, 6000);
    host_run_shutdown_handlers();
    TEST_ASSERT_TRUE(remembered());
    TEST_ASSERT_GREATER_THAN(before, records());
}

TEST_CASE("the directory is taken away again", "[energy_store]")
{
    char command[64];
    (void)snprintf(command, sizeof(command), "rm -r '%s'", host_options.data_dir);
    TEST_ASSERT_EQUAL(0, system(command));
}
