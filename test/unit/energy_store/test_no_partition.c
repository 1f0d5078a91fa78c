/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* A gateway whose flash has no partition for the counters keeps the sensors all the same; this suite is for Linux only.
 * The cases follow one another: there is one store. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../../components/battery/energy_store.h"
#include "esp_partition.h"
#include "host.h"
#include "service_task.h"
#include "unity.h"

#define LONGEST_MS 300000
#define RETRY_MS   60000
#define TIME_SCALE 20.0 /* of the minute until a save is tried again nobody waits for the whole */

/* In place of those of the host. */
const esp_partition_t *esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char *label)
{
    (void)type;
    (void)subtype;
    (void)label;
    return NULL;
}

esp_err_t esp_partition_read(const esp_partition_t *partition, size_t src_offset, void *dst, size_t size)
{
    (void)partition;
    (void)src_offset;
    (void)dst;
    (void)size;
    abort();
}

esp_err_t esp_partition_write(const esp_partition_t *partition, size_t dst_offset, const void *src, size_t size)
{
    (void)partition;
    (void)dst_offset;
    (void)src;
    (void)size;
    abort();
}

esp_err_t esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size)
{
    (void)partition;
    (void)offset;
    (void)size;
    abort();
}

static char s_directory[] = "/tmp/tinybms-energy-XXXXXX";
static settings_handle_t s_settings;
static energy_totals_t s_totals;

static void start_once(void)
{
    event_bus_handle_t bus = NULL;
    bool has_totals = true;
    if (s_settings != NULL) {
        return;
    }
    host_options.time_scale = TIME_SCALE;
    host_options.data_dir = mkdtemp(s_directory);
    TEST_ASSERT_EQUAL(ESP_OK, settings_open(&s_settings));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&bus));
    const settings_memory_t memory = settings_memory(s_settings);
    TEST_ASSERT_EQUAL(ESP_OK, energy_store_start(bus, s_settings, &memory, 1, &s_totals, &has_totals));
    TEST_ASSERT_FALSE(has_totals);
}

/* These sensors are there from now on; the store is told more than a second after the last time. */
static void find_sensors(uint8_t sensors)
{
    vTaskDelay(pdMS_TO_TICKS(1100));
    const settings_memory_t memory = {.sensors_seen = sensors};
    s_totals.in_mwh += 1000;
    energy_store_put(&s_totals, &memory);
}

/* Waits until these are kept, at most so long. @return when that was seen; 0 = it was not */
static int64_t wait_for_sensors(uint8_t sensors, int32_t within_ms)
{
    const int64_t end_ms = service_now_ms() + within_ms;
    while (service_now_ms() < end_ms) {
        if (settings_memory(s_settings).sensors_seen == sensors) {
            return service_now_ms();
        }
        vTaskDelay(pdMS_TO_TICKS(20));
    }
    return 0;
}

TEST_CASE("without a partition for the counters the sensors are kept", "[energy_store]")
{
    start_once();
    find_sensors(2);
    TEST_ASSERT_GREATER_THAN(0, wait_for_sensors(2, LONGEST_MS));
}

TEST_CASE("sensors that cannot be kept are kept a minute later", "[energy_store]")
{
    char kept[64];
    char aside[72];
    (void)snprintf(kept, sizeof(kept), "%s/nvs/settings", host_options.data_dir);
    (void)snprintf(aside, sizeof(aside), "%s.aside", kept);
    TEST_ASSERT_EQUAL(0, rename(kept, aside));
    const int file = open(kept, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* where the directory has to be */
    TEST_ASSERT_GREATER_OR_EQUAL(0, file);
    TEST_ASSERT_EQUAL(0, close(file));
    const int64_t told_ms = service_now_ms();
    find_sensors(1);
    TEST_ASSERT_EQUAL(0, wait_for_sensors(1, RETRY_MS / 2));
    TEST_ASSERT_EQUAL(0, unlink(kept));
    TEST_ASSERT_EQUAL(0, rename(aside, kept));
    TEST_ASSERT_EQUAL(2, settings_memory(s_settings).sensors_seen);
    TEST_ASSERT_GREATER_OR_EQUAL(told_ms + RETRY_MS, wait_for_sensors(1, LONGEST_MS));
}

TEST_CASE("without a partition for the counters an orderly restart keeps the sensors", "[energy_store]")
{
    char command[64];
    find_sensors(3);
    host_run_shutdown_handlers();
    TEST_ASSERT_EQUAL(3, settings_memory(s_settings).sensors_seen);
    (void)snprintf(command, sizeof(command), "rm -r '%s'", host_options.data_dir);
    TEST_ASSERT_EQUAL(0, system(command));
}
