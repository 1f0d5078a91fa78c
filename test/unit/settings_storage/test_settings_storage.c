/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Saved settings in a directory; this suite is for Linux only. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../row.h"
#include "flash_gate.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "storage.h"
#include "unity.h"

/** As the first firmware did: a key for each value. */
static void save_directly(settings_id_t id, int32_t number)
{
    nvs_handle_t nvs = 0;
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_open("settings", NVS_READWRITE, &nvs));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_i32(nvs, settings_entry(id)->key, number));
    nvs_close(nvs);
    flash_gate_give();
}

TEST_CASE("a saved value wins over the factory value", "[settings]")
{
    const settings_change_t change = {.id = SETTINGS_UART_POLL_MS, .value = {.number = 500}};
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(200, settings_number(settings, SETTINGS_UART_POLL_MS));
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
    TEST_ASSERT_EQUAL(500, number_after_restart(SETTINGS_UART_POLL_MS));
    TEST_ASSERT_EQUAL(3000, number_after_restart(SETTINGS_DATA_STALE_MS));
}

TEST_CASE("a saved value takes effect with the save, and is there after a restart", "[settings]")
{
    const settings_change_t changes[] = {
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 20}},
        {.id = SETTINGS_CAN_BITRATE, .value = {.number = 250000}}, /* its service restarts itself */
        text_change(SETTINGS_ID_FAMILY, "House"),
    };
    settings_refusal_t refusal;
    bool unconfirmed = true;
    settings_handle_t settings = first_start();
    const uint32_t before = settings_generation(settings);
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, changes, 3, &refusal));
    TEST_ASSERT_FALSE(settings_generation(settings) == before);
    TEST_ASSERT_EQUAL(20, settings_number(settings, SETTINGS_CHARGE_MAX_A));
    settings_get_all(settings, &s_values);
    TEST_ASSERT_EQUAL(20, s_values.number[SETTINGS_CHARGE_MAX_A]);
    TEST_ASSERT_EQUAL(250000, s_values.number[SETTINGS_CAN_BITRATE]);
    TEST_ASSERT_EQUAL_STRING("House", settings_text(&s_values, SETTINGS_ID_FAMILY));
    settings_get_saved(settings, &s_values, &unconfirmed);
    TEST_ASSERT_EQUAL(20, s_values.number[SETTINGS_CHARGE_MAX_A]);
    TEST_ASSERT_FALSE(unconfirmed);
    TEST_ASSERT_EQUAL(20, number_after_restart(SETTINGS_CHARGE_MAX_A));
    TEST_ASSERT_EQUAL(250000, number_after_restart(SETTINGS_CAN_BITRATE));
}

TEST_CASE("a value of the network is saved, and in effect from the next start on", "[settings]")
{
    const settings_change_t changes[] = {
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 20}},
        text_change(SETTINGS_WIFI_STA_SSID, "house"),
    };
    settings_refusal_t refusal;
    bool unconfirmed = true;
    settings_handle_t settings = first_start();
    const uint32_t before = settings_generation(settings);
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &changes[1], 1, &refusal));
    TEST_ASSERT_EQUAL(before, settings_generation(settings)); /* nobody has anything to read */
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &changes[0], 1, &refusal));
    settings_get_all(settings, &s_values);
    TEST_ASSERT_EQUAL_STRING("", settings_text(&s_values, SETTINGS_WIFI_STA_SSID));
    TEST_ASSERT_EQUAL(20, s_values.number[SETTINGS_CHARGE_MAX_A]);
    settings_get_saved(settings, &s_values, &unconfirmed);
    TEST_ASSERT_EQUAL_STRING("house", settings_text(&s_values, SETTINGS_WIFI_STA_SSID));
    TEST_ASSERT_EQUAL_STRING("house", text_after_restart(SETTINGS_WIFI_STA_SSID));
}

TEST_CASE("a save that is refused changes nothing that is in effect, whichever of its values is wrong", "[settings]")
{
    settings_change_t changes[] = {
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 20}},
        {.id = SETTINGS_UART_POLL_MS, .value = {.number = 1}}, /* out of range */
        {.id = SETTINGS_TEMP_STOP_K, .value = {.number = 10}},
        {.id = SETTINGS_TEMP_HOT_K, .value = {.number = 5}}, /* not below the one before */
    };
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    const uint32_t before = settings_generation(settings);
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, settings_save(settings, &changes[0], 2, &refusal));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, settings_save(settings, &changes[2], 2, &refusal));
    TEST_ASSERT_EQUAL(0, settings_number(settings, SETTINGS_CHARGE_MAX_A));
    TEST_ASSERT_EQUAL(2, settings_number(settings, SETTINGS_TEMP_STOP_K));
    TEST_ASSERT_EQUAL(before, settings_generation(settings));
}

TEST_CASE("the values that are in effect already are saved, and nobody reads them again", "[settings]")
{
    const settings_change_t change = {.id = SETTINGS_DATA_STALE_MS, .value = {.number = 3000}};
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    const uint32_t before = settings_generation(settings);
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
    TEST_ASSERT_EQUAL(before, settings_generation(settings));
}

#define ROUNDS 200

static atomic_bool s_saving;

/** Two values that are always saved together, so that either both are even or both are odd. */
static void save_pairs(void *settings)
{
    settings_refusal_t refusal;
    for (int32_t i = 0; i < ROUNDS; i++) {
        const settings_change_t pair[] = {
            {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 10 + i % 2}},
            {.id = SETTINGS_HYST_CUR_PCT, .value = {.number = 10 + i % 2}},
        };
        (void)settings_save(settings, pair, 2, &refusal); /* one that gets no turn in time changes nothing */
    }
    atomic_store(&s_saving, false);
    vTaskDelete(NULL);
}

TEST_CASE("what another task saves meanwhile is seen as a whole, and never waited for", "[settings]")
{
    settings_handle_t settings = first_start();
    uint32_t seen = 0;
    atomic_store(&s_saving, true);
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(save_pairs, "saver", 8192, settings, 1, NULL));
    for (uint32_t generation = settings_generation(settings); atomic_load(&s_saving);) {
        settings_get_all(settings, &s_values);
        const bool begun = s_values.number[SETTINGS_CHARGE_MAX_A] != 0;
        TEST_ASSERT_TRUE(!begun || s_values.number[SETTINGS_CHARGE_MAX_A] == s_values.number[SETTINGS_HYST_CUR_PCT]);
        const uint32_t now = settings_generation(settings);
        seen += now != generation ? 1U : 0U;
        generation = now;
    }
    TEST_ASSERT_GREATER_THAN(0, seen);
}

/** A save that waits for its turn has the lock; what control reads is there all the same. */
TEST_CASE("what is in effect can be read while a save waits for its turn at the flash gate", "[settings]")
{
    settings_handle_t settings = first_start();
    atomic_store(&s_saving, true);
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(save_pairs, "saver", 8192, settings, 1, NULL));
    for (int i = 0; i < 20; i++) {
        TEST_ASSERT_EQUAL(0, settings_number(settings, SETTINGS_CHARGE_MAX_A));
        TEST_ASSERT_FALSE(settings_restricted(settings));
        settings_get_all(settings, &s_values);
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    flash_gate_give();
    while (atomic_load(&s_saving)) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    TEST_ASSERT_EQUAL(11, settings_number(settings, SETTINGS_CHARGE_MAX_A));
}

TEST_CASE("several values are saved together or not at all", "[settings]")
{
    settings_change_t changes[] = {
        text_change(SETTINGS_ID_MANUFACTURER, "House"),
        text_change(SETTINGS_ID_BATTERY_NAME, "House battery 1"),
    };
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, settings_save(settings, &changes[1], 1, &refusal));
    TEST_ASSERT_EQUAL_STRING("TinyBMS", text_after_restart(SETTINGS_ID_BATTERY_NAME));
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, changes, 2, &refusal));
    TEST_ASSERT_EQUAL_STRING("House battery 1", text_after_restart(SETTINGS_ID_BATTERY_NAME));
    changes[0] = text_change(SETTINGS_ID_MANUFACTURER, "Garage");
    changes[1] = (settings_change_t){.id = SETTINGS_UART_POLL_MS, .value = {.number = 1}};
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, settings_save(settings, changes, 2, &refusal));
    TEST_ASSERT_EQUAL_STRING("House", text_after_restart(SETTINGS_ID_MANUFACTURER));
}

TEST_CASE("a saved value that is out of range now is not used", "[settings]")
{
    (void)first_start();
    save_directly(SETTINGS_UART_POLL_MS, 5);
    save_directly(SETTINGS_DATA_STALE_MS, 4000);
    TEST_ASSERT_EQUAL(200, number_after_restart(SETTINGS_UART_POLL_MS));
    TEST_ASSERT_EQUAL(4000, number_after_restart(SETTINGS_DATA_STALE_MS));
}

TEST_CASE("a saved value of another type is not used", "[settings]")
{
    (void)first_start();
    save_directly(SETTINGS_ID_FAMILY, 7);
    TEST_ASSERT_EQUAL_STRING("TinyBMS", text_after_restart(SETTINGS_ID_FAMILY));
}

TEST_CASE("half-saved names are not used: the power was cut between two of them", "[settings]")
{
    nvs_handle_t nvs = 0;
    (void)first_start();
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_open("settings", NVS_READWRITE, &nvs));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_str(nvs, "id.battery_name", "House battery 1"));
    nvs_close(nvs);
    flash_gate_give();
    TEST_ASSERT_EQUAL_STRING("TinyBMS", text_after_restart(SETTINGS_ID_BATTERY_NAME));
    TEST_ASSERT_EQUAL_STRING("TinyBMS", text_after_restart(SETTINGS_ID_MANUFACTURER));
}

TEST_CASE("half-saved numbers are not used, and leave the others alone", "[settings]")
{
    (void)first_start();
    save_directly(SETTINGS_TEMP_STOP_K, 9);
    save_directly(SETTINGS_TEMP_HOT_K, 9);
    save_directly(SETTINGS_CHARGE_MAX_A, 50);
    TEST_ASSERT_EQUAL(2, number_after_restart(SETTINGS_TEMP_STOP_K));
    TEST_ASSERT_EQUAL(15, number_after_restart(SETTINGS_TEMP_HOT_K));
    TEST_ASSERT_EQUAL(50, number_after_restart(SETTINGS_CHARGE_MAX_A));
}

TEST_CASE("what the first firmware saved is taken over once", "[settings]")
{
    const settings_change_t change = {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 60}};
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    save_directly(SETTINGS_CHARGE_MAX_A, 50);
    save_directly(SETTINGS_UART_POLL_MS, 500);
    TEST_ASSERT_EQUAL(50, number_after_restart(SETTINGS_CHARGE_MAX_A));
    TEST_ASSERT_FALSE(settings_restricted(settings));
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
    TEST_ASSERT_EQUAL(60, number_after_restart(SETTINGS_CHARGE_MAX_A));
    TEST_ASSERT_EQUAL(500, number_after_restart(SETTINGS_UART_POLL_MS));
}

static void write_layout(const char *layout)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/nvs/.layout", host_options.data_dir);
    FILE *const file = fopen(path, "we");
    TEST_ASSERT_NOT_NULL(file);
    TEST_ASSERT_GREATER_THAN(0, fputs(layout, file));
    TEST_ASSERT_EQUAL(0, fclose(file));
}

TEST_CASE("a storage of a newer ESP-IDF is kept, its numbers are taken from the second place, and nothing is saved",
          "[settings]")
{
    settings_change_t change = {.id = SETTINGS_UART_POLL_MS, .value = {.number = 500}};
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
    write_layout("2\n");
    TEST_ASSERT_EQUAL(500, number_after_restart(SETTINGS_UART_POLL_MS));
    TEST_ASSERT_FALSE(settings_restricted(settings));
    change.value.number = 600;
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_SUPPORTED, settings_save(settings, &change, 1, &refusal));
    write_layout("1\n");
    TEST_ASSERT_EQUAL(500, number_after_restart(SETTINGS_UART_POLL_MS));
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
}

TEST_CASE("a storage that is damaged beyond use is begun anew, with the numbers of the second place", "[settings]")
{
    settings_change_t changes[] = {
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 20}},
        text_change(SETTINGS_ID_FAMILY, "House"),
    };
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, changes, 2, &refusal));
    write_layout("\xFE\xFE");
    TEST_ASSERT_EQUAL(20, number_after_restart(SETTINGS_CHARGE_MAX_A));
    TEST_ASSERT_EQUAL_STRING("TinyBMS", settings_text(&s_values, SETTINGS_ID_FAMILY));
    TEST_ASSERT_FALSE(settings_restricted(settings));
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, changes, 2, &refusal));
    TEST_ASSERT_EQUAL_STRING("House", text_after_restart(SETTINGS_ID_FAMILY));
}

TEST_CASE("a storage that is damaged beyond use, and a second place that is lost: the battery is held down",
          "[settings]")
{
    const settings_change_t change = {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 20}};
    static const uint8_t zeros[2 * 4096];
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
    write_layout("\xFE\xFE");
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_write(limits(), 0, zeros, sizeof(zeros)));
    flash_gate_give();
    for (int starts = 0; starts < 2; starts++) {
        TEST_ASSERT_EQUAL(0, number_after_restart(SETTINGS_CHARGE_MAX_A));
        TEST_ASSERT_TRUE(settings_restricted(settings));
    }
    const uint32_t before = settings_generation(settings);
    TEST_ASSERT_EQUAL(ESP_OK, settings_confirm(settings));
    TEST_ASSERT_FALSE(settings_generation(settings) == before);
    TEST_ASSERT_FALSE(settings_restricted(settings)); /* at once */
    restart();
    TEST_ASSERT_FALSE(settings_restricted(settings));
}

TEST_CASE("a storage that cannot be written refuses and changes nothing", "[settings]")
{
    const settings_change_t change = {.id = SETTINGS_UART_POLL_MS, .value = {.number = 500}};
    char path[256];
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    (void)snprintf(path, sizeof(path), "%s/nvs/settings", host_options.data_dir);
    const int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* where the directory has to be */
    TEST_ASSERT_GREATER_OR_EQUAL(0, file);
    TEST_ASSERT_EQUAL(0, close(file));
    TEST_ASSERT_FALSE(settings_save(settings, &change, 1, &refusal) == ESP_OK);
    TEST_ASSERT_EQUAL(200, settings_number(settings, SETTINGS_UART_POLL_MS));
    TEST_ASSERT_EQUAL(0, unlink(path));
}

TEST_CASE("a second place that did not take a save is written as soon as it can be", "[settings]")
{
    const settings_change_t change = {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 20}};
    char path[256];
    char aside[264];
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, settings_make_good(settings));
    (void)snprintf(path, sizeof(path), "%s/flash/limits.bin", host_options.data_dir);
    (void)snprintf(aside, sizeof(aside), "%s.aside", path);
    TEST_ASSERT_EQUAL(0, rename(path, aside));
    TEST_ASSERT_EQUAL(0, mkdir(path, 0700)); /* where the file has to be */
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
    TEST_ASSERT_EQUAL(ESP_FAIL, settings_make_good(settings));
    TEST_ASSERT_EQUAL(0, rmdir(path));
    TEST_ASSERT_EQUAL(0, rename(aside, path));
    TEST_ASSERT_EQUAL(ESP_OK, settings_make_good(settings));
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_flash_erase());
    flash_gate_give();
    TEST_ASSERT_EQUAL(20, number_after_restart(SETTINGS_CHARGE_MAX_A));
    TEST_ASSERT_FALSE(settings_restricted(settings));
}

/* ---- what is remembered of the battery ---- */

/* A stamp of 24 bits and a BMS time of 32. */
static const settings_memory_t s_full = {
    .sensors_seen = 3, .events_over = {.event = {.time_s = 0xFEDCBA, .id = 0xFB}, .bms_time_s = 0x87654321}};
static const settings_memory_t s_nothing;

static void remember(settings_handle_t settings, const settings_memory_t *memory)
{
    const settings_memory_t before = settings_memory(settings);
    TEST_ASSERT_EQUAL(ESP_OK, settings_remember(settings, &before, memory));
}

static void expect_memory(settings_handle_t settings, const settings_memory_t *expected)
{
    const settings_memory_t found = settings_memory(settings);
    TEST_ASSERT_EQUAL_HEX8(expected->sensors_seen, found.sensors_seen);
    TEST_ASSERT_EQUAL_UINT32(expected->events_over.event.time_s, found.events_over.event.time_s);
    TEST_ASSERT_EQUAL_HEX8(expected->events_over.event.id, found.events_over.event.id);
    TEST_ASSERT_EQUAL_UINT32(expected->events_over.bms_time_s, found.events_over.bms_time_s);
}

TEST_CASE("what is remembered stays so over a restart, and can be forgotten", "[settings]")
{
    settings_handle_t settings = first_start();
    expect_memory(settings, &s_nothing);
    for (uint8_t sensors = 1; sensors <= 3; sensors++) {
        const settings_memory_t memory = {.sensors_seen = sensors,
                                          .events_over = {.event = {.time_s = sensors, .id = 2}, .bms_time_s = 9}};
        remember(settings, &memory);
        restart();
        expect_memory(settings, &memory);
    }
    remember(settings, &s_full);
    restart();
    expect_memory(settings, &s_full);
    remember(settings, &s_nothing);
    restart();
    expect_memory(settings, &s_nothing);
}

TEST_CASE("memories are alike when all of them is", "[settings]")
{
    settings_memory_t other[] = {s_full, s_full, s_full, s_full};
    other[0].sensors_seen ^= 1U;
    other[1].events_over.event.time_s ^= 1U;
    other[2].events_over.event.id ^= 1U;
    other[3].events_over.bms_time_s ^= 1U;
    const settings_memory_t alike = s_full;
    TEST_ASSERT_TRUE(settings_memory_same(&s_full, &alike));
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        ROW("other[%zu]", i);
        TEST_ASSERT_FALSE(settings_memory_same(&s_full, &other[i]));
    }
}

TEST_CASE("each part can change alone", "[settings]")
{
    settings_handle_t settings = first_start();
    settings_memory_t memory = s_full;
    remember(settings, &memory);
    memory.sensors_seen = 1;
    remember(settings, &memory);
    expect_memory(settings, &memory);
    memory.events_over.event.time_s++;
    remember(settings, &memory);
    expect_memory(settings, &memory);
}

TEST_CASE("what is remembered and the settings leave one another alone", "[settings]")
{
    const settings_change_t change = {.id = SETTINGS_UART_POLL_MS, .value = {.number = 500}};
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    remember(settings, &s_full);
    TEST_ASSERT_EQUAL(200, number_after_restart(SETTINGS_UART_POLL_MS));
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
    expect_memory(settings, &s_full);
    remember(settings, &s_nothing);
    TEST_ASSERT_EQUAL(500, number_after_restart(SETTINGS_UART_POLL_MS));
}

static void damage(const char *key)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/nvs/battery/%s", host_options.data_dir, key);
    TEST_ASSERT_EQUAL(0, truncate(path, 3));
}

TEST_CASE("sensors are in both places: one that is lost does not forget them", "[settings]")
{
    char path[256];
    settings_handle_t settings = first_start();
    remember(settings, &s_full);
    (void)snprintf(path, sizeof(path), "%s/nvs/settings/record0", host_options.data_dir);
    TEST_ASSERT_EQUAL(0, truncate(path, 3)); /* there is one: nothing has been saved before */
    restart();
    expect_memory(settings, &s_full);
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_erase_range(limits(), 0, 8192));
    flash_gate_give();
    restart();
    expect_memory(settings, &s_full);
}

TEST_CASE("damaged events are none, leave the sensors alone, and can be remembered anew", "[settings]")
{
    settings_handle_t settings = first_start();
    const settings_memory_t expected = {.sensors_seen = 3};
    remember(settings, &s_full);
    damage("events_over");
    expect_memory(settings, &expected);
    remember(settings, &s_full);
    expect_memory(settings, &s_full);
}

TEST_CASE("what could not be read when it was loaded is left alone when something else changes", "[settings]")
{
    const settings_memory_t loaded = {.sensors_seen = 0, .events_over = s_full.events_over};
    settings_memory_t told = loaded;
    settings_memory_t expected = s_full;
    settings_handle_t settings = first_start();
    remember(settings, &s_full);
    told.events_over.event.time_s++;
    expected.events_over.event.time_s++;
    TEST_ASSERT_EQUAL(ESP_OK, settings_remember(settings, &loaded, &told));
    expect_memory(settings, &expected);
}

TEST_CASE("events of another type are none", "[settings]")
{
    nvs_handle_t nvs = 0;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_open("battery", NVS_READWRITE, &nvs));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_i32(nvs, "events_over", 3));
    nvs_close(nvs);
    flash_gate_give();
    expect_memory(settings, &s_nothing);
}

/* Puts a file where the directory of a namespace has to be, or takes it away again. */
static void block(const char *name, bool blocked)
{
    char path[256];
    char aside[264];
    (void)snprintf(path, sizeof(path), "%s/nvs/%s", host_options.data_dir, name);
    (void)snprintf(aside, sizeof(aside), "%s.aside", path);
    if (!blocked) {
        TEST_ASSERT_EQUAL(0, unlink(path));
        TEST_ASSERT_EQUAL(0, rename(aside, path));
        return;
    }
    TEST_ASSERT_EQUAL(0, rename(path, aside));
    const int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    TEST_ASSERT_GREATER_OR_EQUAL(0, file);
    TEST_ASSERT_EQUAL(0, close(file));
}

TEST_CASE("what cannot be written is told as such, and what was remembered stays", "[settings]")
{
    settings_handle_t settings = first_start();
    settings_memory_t other = s_full;
    remember(settings, &s_full);
    block("settings", true);
    other.sensors_seen = 2;
    TEST_ASSERT_FALSE(settings_remember(settings, &s_full, &other) == ESP_OK);
    block("settings", false);
    block("battery", true);
    other = s_full;
    other.events_over.bms_time_s++;
    TEST_ASSERT_FALSE(settings_remember(settings, &s_full, &other) == ESP_OK);
    block("battery", false);
    restart();
    expect_memory(settings, &s_full);
}

TEST_CASE("the directory is taken away again", "[settings]")
{
    char command[300];
    (void)snprintf(command, sizeof(command), "rm -r '%s'", host_options.data_dir);
    TEST_ASSERT_EQUAL(0, system(command));
}
