/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Revision and factory reset, in a directory. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flash_gate.h"
#include "host.h"
#include "storage.h"
#include "unity.h"

#define PHRASE "correct horse battery"
#define PEM    "-----BEGIN CERTIFICATE-----\nMIIB\n"

static void save(settings_handle_t settings, settings_change_t change)
{
    settings_refusal_t refusal;
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
}

static settings_change_t current(int32_t ampere)
{
    return (settings_change_t){.id = SETTINGS_CHARGE_MAX_A, .value = {.number = ampere}};
}

/** A gateway with a setting of each kind. */
static settings_handle_t set_up(void)
{
    settings_handle_t settings = first_start();
    save(settings, current(20));
    save(settings, text_change(SETTINGS_WIFI_STA_PASS, PHRASE));
    save(settings, text_change(SETTINGS_MQTT_URL, "mqtt://broker"));
    save(settings, text_change(SETTINGS_MQTT_CA, PEM));
    save(settings, (settings_change_t){.id = SETTINGS_WEB_READ_OPEN, .value = {.number = 1}});
    return settings;
}

static bool has_factory_values(settings_handle_t settings)
{
    settings_values_t factory;
    settings_values_t saved;
    bool unconfirmed = true;
    settings_factory_all(&factory);
    settings_get_saved(settings, &saved, &unconfirmed);
    return memcmp(factory.number, saved.number, sizeof(factory.number)) == 0 &&
           memcmp(&factory.texts, &saved.texts, sizeof(factory.texts)) == 0 &&
           saved.apart[SETTINGS_MQTT_CA - SETTINGS_APART].length == 0 && !unconfirmed;
}

TEST_CASE("the revision changes with each save, of whatever kind, and stays over restarts", "[settings]")
{
    const settings_change_t changes[] = {
        current(20),
        current(21),
        current(20),
        text_change(SETTINGS_WIFI_STA_PASS, PHRASE),
        text_change(SETTINGS_WIFI_STA_PASS, PHRASE "2"),
        text_change(SETTINGS_MQTT_URL, "mqtt://broker"),
        text_change(SETTINGS_MQTT_CA, PEM),
    };
    uint32_t seen[8];
    settings_handle_t settings = first_start();
    seen[0] = settings_revision(settings);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        save(settings, changes[i]);
        seen[i + 1] = settings_revision(settings);
        for (size_t j = 0; j <= i; j++) {
            TEST_ASSERT_TRUE(seen[j] != seen[i + 1]);
        }
        restart();
        TEST_ASSERT_EQUAL_UINT32(seen[i + 1], settings_revision(settings));
    }
}

TEST_CASE("a save that is refused leaves the revision alone", "[settings]")
{
    settings_refusal_t refusal;
    settings_handle_t settings = set_up();
    const uint32_t before = settings_revision(settings);
    const settings_change_t wrong = current(100000);
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, settings_save(settings, &wrong, 1, &refusal));
    TEST_ASSERT_EQUAL(SETTINGS_CHARGE_MAX_A, refusal.id);
    TEST_ASSERT_EQUAL(SETTINGS_COUNT, refusal.other);
    TEST_ASSERT_EQUAL_UINT32(before, settings_revision(settings));
}

TEST_CASE("a factory reset is complete, and is there after a restart", "[settings]")
{
    const settings_memory_t none = {0};
    const settings_memory_t sensors = {.sensors_seen = 3};
    size_t length = 1;
    char text[8];
    settings_handle_t settings = set_up();
    TEST_ASSERT_EQUAL(ESP_OK, settings_remember(settings, &none, &sensors));
    const uint32_t before = settings_revision(settings);
    TEST_ASSERT_EQUAL(ESP_OK, settings_reset(settings));
    TEST_ASSERT_TRUE(before != settings_revision(settings));
    TEST_ASSERT_EQUAL(0, settings_number(settings, SETTINGS_CHARGE_MAX_A));
    TEST_ASSERT_EQUAL(0, settings_number(settings, SETTINGS_WEB_READ_OPEN));
    for (int i = 0; i < 2; i++) {
        TEST_ASSERT_TRUE(has_factory_values(settings));
        TEST_ASSERT_FALSE(settings_restricted(settings));
        TEST_ASSERT_EQUAL(ESP_OK, settings_read_long(settings, SETTINGS_MQTT_CA, text, sizeof(text), &length));
        TEST_ASSERT_EQUAL(0, length);
        TEST_ASSERT_EQUAL_HEX8(3, settings_memory(settings).sensors_seen);
        restart();
    }
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, settings_reset(NULL));
}

TEST_CASE("behind a factory reset texts can be saved anew", "[settings]")
{
    settings_handle_t settings = set_up();
    TEST_ASSERT_EQUAL(ESP_OK, settings_reset(settings));
    save(settings, text_change(SETTINGS_MQTT_URL, "mqtt://other"));
    TEST_ASSERT_EQUAL_STRING("mqtt://other", text_after_restart(SETTINGS_MQTT_URL));
}

static void path_of(char *path, size_t size, const char *key)
{
    (void)snprintf(path, size, "%s/nvs/settings/%s", host_options.data_dir, key);
}

TEST_CASE("a factory reset leaves no password in a record, so that a lost half brings none back", "[settings]")
{
    char path[256];
    static char content[4096];
    settings_handle_t settings = set_up();
    TEST_ASSERT_EQUAL(ESP_OK, settings_reset(settings));
    for (int half = 0; half < 2; half++) {
        path_of(path, sizeof(path), half == 0 ? "record0" : "record1");
        FILE *const file = fopen(path, "rb");
        TEST_ASSERT_NOT_NULL(file);
        const size_t length = fread(content, 1, sizeof(content), file);
        TEST_ASSERT_EQUAL(0, fclose(file));
        TEST_ASSERT_NULL(memmem(content, length, PHRASE, strlen(PHRASE)));
    }
    path_of(path, sizeof(path), "record0");
    TEST_ASSERT_EQUAL(0, unlink(path));
    restart();
    TEST_ASSERT_TRUE(has_factory_values(settings));
}

TEST_CASE("a factory reset ends a restriction and discards what a newer firmware has saved", "[settings]")
{
    static const uint8_t newer[3000] = "TBWS\x02";
    char path[256];
    settings_handle_t settings = set_up();
    for (int half = 0; half < 2; half++) {
        path_of(path, sizeof(path), half == 0 ? "record0" : "record1");
        FILE *const file = fopen(path, "wb");
        TEST_ASSERT_NOT_NULL(file);
        TEST_ASSERT_EQUAL(sizeof(newer), fwrite(newer, 1, sizeof(newer), file));
        TEST_ASSERT_EQUAL(0, fclose(file));
    }
    restart();
    TEST_ASSERT_EQUAL(ESP_OK, settings_reset(settings));
    TEST_ASSERT_FALSE(settings_restricted(settings));
    restart();
    TEST_ASSERT_TRUE(has_factory_values(settings));
    save(settings, current(20));
    TEST_ASSERT_EQUAL(20, number_after_restart(SETTINGS_CHARGE_MAX_A));
}

TEST_CASE("a factory reset that cannot be written changes nothing", "[settings]")
{
    settings_handle_t settings = set_up();
    const uint32_t before = settings_revision(settings);
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0)); /* nobody else gets a turn meanwhile */
    TEST_ASSERT_EQUAL(ESP_FAIL, settings_reset(settings));
    flash_gate_give();
    TEST_ASSERT_EQUAL_UINT32(before, settings_revision(settings));
    TEST_ASSERT_EQUAL(20, settings_number(settings, SETTINGS_CHARGE_MAX_A));
    TEST_ASSERT_EQUAL(20, number_after_restart(SETTINGS_CHARGE_MAX_A));
    TEST_ASSERT_EQUAL_STRING("mqtt://broker", settings_text(&s_values, SETTINGS_MQTT_URL));
}
