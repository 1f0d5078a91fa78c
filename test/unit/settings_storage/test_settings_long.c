/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Texts that are kept apart, in a directory. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flash_gate.h"
#include "host.h"
#include "nvs.h"
#include "storage.h"
#include "unity.h"

static char s_pem[SETTINGS_LONG_MAX + 1];
static char s_read[SETTINGS_LONG_MAX + 1];

/** A text of this length that begins as a certificate. */
static const char *make_pem(size_t length)
{
    memset(s_pem, 'x', length);
    s_pem[length] = '\0';
    memcpy(s_pem, "-----BEGIN CERTIFICATE-----\n", 28);
    return s_pem;
}

static const char *saved_ca(settings_handle_t settings)
{
    size_t length = 0;
    TEST_ASSERT_EQUAL(ESP_OK, settings_read_long(settings, SETTINGS_MQTT_CA, s_read, sizeof(s_read), &length));
    TEST_ASSERT_EQUAL(strlen(s_read), length);
    return s_read;
}

TEST_CASE("a long text is there after a restart, beside an address and a number", "[settings]")
{
    const settings_change_t changes[] = {
        text_change(SETTINGS_MQTT_CA, make_pem(4096)),
        text_change(SETTINGS_MQTT_URL, "mqtts://broker:8883"),
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 20}},
    };
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL_STRING("", saved_ca(settings));
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, changes, 3, &refusal));
    TEST_ASSERT_EQUAL_STRING(s_pem, saved_ca(settings));
    restart();
    TEST_ASSERT_EQUAL_STRING(s_pem, saved_ca(settings));
    TEST_ASSERT_EQUAL_STRING("mqtts://broker:8883", settings_text(&s_values, SETTINGS_MQTT_URL));
    TEST_ASSERT_EQUAL(20, s_values.number[SETTINGS_CHARGE_MAX_A]);
}

TEST_CASE("each piece of a long text takes a turn of its own", "[settings]")
{
    const settings_change_t change = text_change(SETTINGS_MQTT_CA, make_pem(4096));
    flash_gate_status_t before;
    flash_gate_status_t after;
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    flash_gate_status(&before);
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
    flash_gate_status(&after);
    TEST_ASSERT_EQUAL(4 + 2, after.turns - before.turns);
    TEST_ASSERT_EQUAL(before.without_turn, after.without_turn);
}

TEST_CASE("a long text that is refused saves nothing of its set", "[settings]")
{
    settings_change_t changes[] = {
        text_change(SETTINGS_MQTT_URL, "mqtt://broker"),
        text_change(SETTINGS_MQTT_CA, "no certificate"),
    };
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, settings_save(settings, changes, 2, &refusal));
    TEST_ASSERT_EQUAL_STRING("mqtt.ca: must be a certificate in PEM: -----BEGIN CERTIFICATE-----", refusal.text);
    TEST_ASSERT_EQUAL_STRING("", text_after_restart(SETTINGS_MQTT_URL));
}

TEST_CASE("a long text is read into a buffer that is large enough, and by its id only", "[settings]")
{
    const settings_change_t change = text_change(SETTINGS_MQTT_CA, make_pem(100));
    size_t length = 0;
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &change, 1, &refusal));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_SIZE, settings_read_long(settings, SETTINGS_MQTT_CA, s_read, 100, &length));
    TEST_ASSERT_EQUAL(100, length);
    TEST_ASSERT_EQUAL(ESP_OK, settings_read_long(settings, SETTINGS_MQTT_CA, s_read, 101, &length));
    TEST_ASSERT_EQUAL_STRING(s_pem, s_read);
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, settings_read_long(settings, SETTINGS_MQTT_URL, s_read, 101, &length));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, settings_read_long(settings, SETTINGS_COUNT, s_read, 101, &length));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, settings_read_long(settings, SETTINGS_MQTT_CA, NULL, 101, &length));
}

/** Makes a value of the settings storage shorter than it was. */
static void cut_value(const char *key)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/nvs/settings/%s", host_options.data_dir, key);
    TEST_ASSERT_EQUAL(0, truncate(path, 20));
}

TEST_CASE("a long text that is damaged cannot be read, is none from the next start on, and can be saved anew",
          "[settings]")
{
    const settings_change_t changes[] = {
        text_change(SETTINGS_MQTT_CA, make_pem(2000)),
        {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 20}},
    };
    size_t length = 0;
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, changes, 2, &refusal));
    cut_value("mqtt.ca.11");
    TEST_ASSERT_EQUAL(ESP_FAIL, settings_read_long(settings, SETTINGS_MQTT_CA, s_read, sizeof(s_read), &length));
    restart();
    TEST_ASSERT_EQUAL_STRING("", saved_ca(settings));
    TEST_ASSERT_EQUAL(20, s_values.number[SETTINGS_CHARGE_MAX_A]);
    TEST_ASSERT_FALSE(settings_restricted(settings));
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, changes, 2, &refusal));
    restart();
    TEST_ASSERT_EQUAL_STRING(s_pem, saved_ca(settings));
}

TEST_CASE("a long text that cannot be written changes nothing", "[settings]")
{
    const settings_change_t change = text_change(SETTINGS_MQTT_CA, make_pem(2000));
    char path[256];
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    const settings_change_t address = text_change(SETTINGS_MQTT_URL, "mqtt://broker");
    TEST_ASSERT_EQUAL(ESP_OK, settings_save(settings, &address, 1, &refusal));
    (void)snprintf(path, sizeof(path), "%s/nvs/settings/mqtt.ca.11", host_options.data_dir);
    TEST_ASSERT_EQUAL(0, mkdir(path, 0700)); /* where the second piece has to be */
    TEST_ASSERT_EQUAL(ESP_FAIL, settings_save(settings, &change, 1, &refusal));
    TEST_ASSERT_EQUAL(0, rmdir(path));
    TEST_ASSERT_EQUAL_STRING("mqtt://broker", text_after_restart(SETTINGS_MQTT_URL));
    TEST_ASSERT_EQUAL_STRING("", saved_ca(settings));
}

TEST_CASE("what a newer firmware has saved is not touched by a long text either", "[settings]")
{
    static const uint8_t newer[4096] = "TBWS\x02";
    const settings_change_t change = text_change(SETTINGS_MQTT_CA, make_pem(2000));
    nvs_handle_t nvs = 0;
    size_t length = 0;
    settings_refusal_t refusal;
    settings_handle_t settings = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_open("settings", NVS_READWRITE, &nvs));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_blob(nvs, "record0", newer, 4000)); /* longer than any of ours */
    nvs_close(nvs);
    flash_gate_give();
    restart();
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_SUPPORTED, settings_save(settings, &change, 1, &refusal));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_open("settings", NVS_READONLY, &nvs));
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_NOT_FOUND, nvs_get_blob(nvs, "mqtt.ca.10", NULL, &length));
    nvs_close(nvs);
}
