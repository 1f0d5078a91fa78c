/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Partitions in files; this suite is for Linux only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp_partition.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "host.h"
#include "unity.h"

static char s_directory[] = "/tmp/tinybms-flash-XXXXXX";

static const esp_partition_t *energy(void)
{
    return esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_UNDEFINED, "energy");
}

static void path_of_energy(char *path, size_t size)
{
    (void)snprintf(path, size, "%s/flash/energy.bin", host_options.data_dir);
}

static void use_files(void)
{
    if (host_options.data_dir == NULL) {
        host_options.data_dir = mkdtemp(s_directory);
        TEST_ASSERT_NOT_NULL(host_options.data_dir);
    }
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_erase_range(energy(), 0, 8192));
}

static uint8_t byte_at(size_t offset)
{
    uint8_t byte = 0x77;
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_read(energy(), offset, &byte, 1));
    return byte;
}

static void write_byte(size_t offset, uint8_t byte)
{
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_write(energy(), offset, &byte, 1));
}

TEST_CASE("partitions are those of partitions.csv", "[host]")
{
    TEST_ASSERT_NOT_NULL(energy());
    TEST_ASSERT_EQUAL(0x3d0000, energy()->address);
    TEST_ASSERT_EQUAL(8192, energy()->size);
    TEST_ASSERT_EQUAL(4096, energy()->erase_size);
    TEST_ASSERT_EQUAL(0x1a0000,
                      esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_OTA_1, NULL)->address);
    TEST_ASSERT_NULL(esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_ANY, "energy"));
    TEST_ASSERT_NULL(esp_partition_find_first(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_ANY, "nosuch"));
}

/* Before the cases with files. */
TEST_CASE("without a directory partitions are in memory", "[host]")
{
    TEST_ASSERT_EQUAL_HEX8(0xFF, byte_at(100));
    write_byte(100, 0x5A);
    TEST_ASSERT_EQUAL_HEX8(0x5A, byte_at(100));
    TEST_ASSERT_EQUAL_HEX8(0xFF, byte_at(99));
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_erase_range(energy(), 0, 4096));
    TEST_ASSERT_EQUAL_HEX8(0xFF, byte_at(100));
}

TEST_CASE("a write clears bits and sets none, an erase sets its sector only", "[host]")
{
    use_files();
    write_byte(4095, 0xF0);
    write_byte(4095, 0x3C);
    write_byte(4096, 0x11);
    TEST_ASSERT_EQUAL_HEX8(0x30, byte_at(4095));
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_erase_range(energy(), 0, 4096));
    TEST_ASSERT_EQUAL_HEX8(0xFF, byte_at(4095));
    TEST_ASSERT_EQUAL_HEX8(0x11, byte_at(4096));
}

TEST_CASE("what is missing in a file reads as erased, also behind a write", "[host]")
{
    char path[128];
    use_files();
    path_of_energy(path, sizeof(path));
    TEST_ASSERT_EQUAL(0, truncate(path, 3));
    TEST_ASSERT_EQUAL_HEX8(0xFF, byte_at(8191));
    write_byte(5000, 0x00);
    TEST_ASSERT_EQUAL_HEX8(0xFF, byte_at(3));
    TEST_ASSERT_EQUAL_HEX8(0xFF, byte_at(4999));
    TEST_ASSERT_EQUAL_HEX8(0x00, byte_at(5000));
    TEST_ASSERT_EQUAL(0, unlink(path));
    TEST_ASSERT_EQUAL_HEX8(0xFF, byte_at(5000));
}

TEST_CASE("a full disk is an error", "[host]")
{
    char path[128];
    const uint8_t byte = 0;
    use_files();
    path_of_energy(path, sizeof(path));
    TEST_ASSERT_EQUAL(0, unlink(path));
    TEST_ASSERT_EQUAL(0, symlink("/dev/full", path));
    TEST_ASSERT_EQUAL(ESP_FAIL, esp_partition_write(energy(), 0, &byte, 1));
    TEST_ASSERT_EQUAL(ESP_FAIL, esp_partition_erase_range(energy(), 0, 4096));
    TEST_ASSERT_EQUAL(0, unlink(path));
}

TEST_CASE("what is outside of a partition or not a sector is refused", "[host]")
{
    uint8_t bytes[2] = {0};
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_SIZE, esp_partition_read(energy(), 8191, bytes, 2));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, esp_partition_read(energy(), 8193, bytes, 0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_SIZE, esp_partition_write(energy(), 8191, bytes, 2));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, esp_partition_write(energy(), 8193, bytes, 0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_SIZE, esp_partition_erase_range(energy(), 4096, 8192));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_SIZE, esp_partition_erase_range(energy(), 0, 4095));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, esp_partition_erase_range(energy(), 1, 4096));
}

static QueueHandle_t s_beats;

static void beat(void *argument)
{
    (void)argument;
    for (;;) {
        const int64_t now_us = esp_timer_get_time();
        (void)xQueueSend(s_beats, &now_us, 0);
        vTaskDelay(1);
    }
}

TEST_CASE("an erase holds all tasks for 100 ms", "[host]")
{
    int64_t last_us = 0;
    int64_t at_us = 0;
    int64_t longest_us = 0;
    use_files();
    s_beats = xQueueCreate(2000, sizeof(int64_t));
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(beat, "beat", 2048, NULL, 1, NULL));
    TEST_ASSERT_EQUAL(pdTRUE, xQueueReceive(s_beats, &last_us, 1000));
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_erase_range(energy(), 0, 4096));
    vTaskDelay(10);
    while (xQueueReceive(s_beats, &at_us, 0) == pdTRUE) {
        longest_us = at_us - last_us > longest_us ? at_us - last_us : longest_us;
        last_us = at_us;
    }
    TEST_ASSERT_GREATER_OR_EQUAL(98000, longest_us);
}

TEST_CASE("the directory is taken away again", "[partition]")
{
    char command[64];
    (void)snprintf(command, sizeof(command), "rm -r '%s'", s_directory);
    TEST_ASSERT_EQUAL(0, system(command));
}
