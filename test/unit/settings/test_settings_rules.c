/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "settings_rules.h"
#include "unity.h"

static bool number_allowed(settings_id_t id, int32_t number)
{
    const settings_value_t value = {.number = number};
    settings_refusal_t refusal;
    return settings_value_valid(id, &value, &refusal);
}

static bool text_allowed(settings_id_t id, const char *text)
{
    settings_value_t value = {0};
    settings_refusal_t refusal;
    (void)snprintf(value.text, sizeof(value.text), "%s", text);
    return settings_value_valid(id, &value, &refusal);
}

static settings_values_t factory(void)
{
    settings_values_t values;
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        settings_factory(id, &values.value[id]);
    }
    return values;
}

static void set_text(settings_values_t *values, settings_id_t id, const char *text)
{
    (void)snprintf(values->value[id].text, sizeof(values->value[id].text), "%s", text);
}

TEST_CASE("every factory value is allowed and all of them fit together", "[settings]")
{
    const settings_values_t values = factory();
    settings_refusal_t refusal;
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        TEST_ASSERT_TRUE(settings_value_valid(id, &values.value[id], &refusal));
    }
    TEST_ASSERT_TRUE(settings_fit_together(&values, &refusal));
}

TEST_CASE("keys fit into NVS, are there once, and are found", "[settings]")
{
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        const char *const key = settings_entry(id)->key;
        TEST_ASSERT_LESS_OR_EQUAL(15, strlen(key));
        TEST_ASSERT_EQUAL(id, settings_find(key));
    }
    TEST_ASSERT_EQUAL(SETTINGS_COUNT, settings_find("uart.poll"));
    TEST_ASSERT_EQUAL(SETTINGS_COUNT, settings_find(""));
    TEST_ASSERT_NULL(settings_entry(SETTINGS_COUNT));
}

TEST_CASE("a number is allowed up to both ends of its range", "[settings]")
{
    TEST_ASSERT_TRUE(number_allowed(SETTINGS_UART_POLL_MS, 100));
    TEST_ASSERT_TRUE(number_allowed(SETTINGS_UART_POLL_MS, 2000));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_UART_POLL_MS, 99));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_UART_POLL_MS, 2001));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_UART_POLL_MS, INT32_MIN));
}

TEST_CASE("the bit rate is one that a GX has", "[settings]")
{
    TEST_ASSERT_TRUE(number_allowed(SETTINGS_CAN_BITRATE, 250000));
    TEST_ASSERT_TRUE(number_allowed(SETTINGS_CAN_BITRATE, 500000));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_CAN_BITRATE, 300000));
}

TEST_CASE("texts have their lengths and are printable ASCII", "[settings]")
{
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_ID_MANUFACTURER, "12345678"));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_ID_MANUFACTURER, "123456789"));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_ID_MANUFACTURER, ""));
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_ID_BATTERY_NAME, ""));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_ID_FAMILY, "a\tb"));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_ID_FAMILY, "b\xC3\xA9"));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_ID_FAMILY, "\x7F"));
}

TEST_CASE("a password is empty or has the length of a WPA2 passphrase", "[settings]")
{
    char longest[SETTINGS_TEXT_MAX + 1] = {0};
    memset(longest, 'x', SETTINGS_TEXT_MAX);
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_WIFI_AP_PASS, ""));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_WIFI_AP_PASS, "1234567"));
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_WIFI_AP_PASS, "12345678"));
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_WIFI_STA_PASS, longest));
}

TEST_CASE("a text without an end is refused", "[settings]")
{
    settings_value_t value;
    settings_refusal_t refusal;
    memset(&value, 'x', sizeof(value));
    TEST_ASSERT_FALSE(settings_value_valid(SETTINGS_WIFI_STA_PASS, &value, &refusal));
}

TEST_CASE("a refusal names what is allowed and never the secret", "[settings]")
{
    settings_value_t value = {.text = "hunter2"};
    settings_refusal_t refusal;
    TEST_ASSERT_FALSE(settings_value_valid(SETTINGS_WIFI_STA_PASS, &value, &refusal));
    TEST_ASSERT_EQUAL_STRING("wifi.sta_pass: allowed are 8..63 characters, or none", refusal.text);
    value.number = 5;
    TEST_ASSERT_FALSE(settings_value_valid(SETTINGS_CAN_BITRATE, &value, &refusal));
    TEST_ASSERT_EQUAL_STRING("can.bitrate: allowed are 250000..500000 bit/s in steps of 250000", refusal.text);
}

TEST_CASE("names that a GX would take for another maker's do not fit", "[settings]")
{
    settings_values_t values = factory();
    settings_refusal_t refusal;
    set_text(&values, SETTINGS_ID_MANUFACTURER, "PYLON");
    TEST_ASSERT_FALSE(settings_fit_together(&values, &refusal));
    TEST_ASSERT_TRUE(settings_repair(&values));
    TEST_ASSERT_EQUAL_STRING("TinyBMS", values.value[SETTINGS_ID_MANUFACTURER].text);
    TEST_ASSERT_FALSE(settings_repair(&values));
}

TEST_CASE("a long name has to begin with the manufacturer", "[settings]")
{
    settings_values_t values = factory();
    settings_refusal_t refusal;
    set_text(&values, SETTINGS_ID_BATTERY_NAME, "TinyBMS garage");
    TEST_ASSERT_TRUE(settings_fit_together(&values, &refusal));
    set_text(&values, SETTINGS_ID_MANUFACTURER, "House");
    TEST_ASSERT_FALSE(settings_fit_together(&values, &refusal));
    TEST_ASSERT_TRUE(settings_repair(&values));
    TEST_ASSERT_EQUAL_STRING("TinyBMS", values.value[SETTINGS_ID_BATTERY_NAME].text);
}

TEST_CASE("the names for the GX are the settings", "[settings]")
{
    settings_values_t values = factory();
    set_text(&values, SETTINGS_ID_MANUFACTURER, "12345678");
    set_text(&values, SETTINGS_ID_BATTERY_NAME, "1234567890123456");
    set_text(&values, SETTINGS_ID_FAMILY, "");
    const victron_identity_t identity = settings_identity(&values);
    TEST_ASSERT_EQUAL_STRING("12345678", identity.manufacturer);
    TEST_ASSERT_EQUAL_STRING("1234567890123456", identity.battery_name);
    TEST_ASSERT_EQUAL_STRING("", identity.family);
}
