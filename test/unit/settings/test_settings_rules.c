/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "../row.h"
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
    const settings_value_t value = {.text = text};
    settings_refusal_t refusal;
    return settings_value_valid(id, &value, &refusal);
}

static settings_values_t factory(void)
{
    settings_values_t values;
    settings_factory_all(&values);
    return values;
}

static void set_text(settings_values_t *values, settings_id_t id, const char *text)
{
    const settings_value_t value = {.text = text};
    settings_set(values, id, &value);
}

TEST_CASE("every factory value is allowed and all of them fit together", "[settings]")
{
    const settings_values_t values = factory();
    settings_refusal_t refusal;
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        settings_value_t value;
        settings_factory(id, &value);
        TEST_ASSERT_TRUE_MESSAGE(settings_value_valid(id, &value, &refusal), settings_entry(id)->key);
    }
    TEST_ASSERT_TRUE(settings_fit_together(&values, &refusal));
}

TEST_CASE("keys fit into NVS, are there once, and are found", "[settings]")
{
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        ROW("%s", settings_entry(id)->key);
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
    char longest[SETTINGS_PASSPHRASE_MAX + 1] = {0};
    memset(longest, 'x', SETTINGS_PASSPHRASE_MAX);
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_WIFI_AP_PASS, ""));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_WIFI_AP_PASS, "1234567"));
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_WIFI_AP_PASS, "12345678"));
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_WIFI_STA_PASS, longest));
}

TEST_CASE("a text that is missing is refused, whatever its kind", "[settings]")
{
    const settings_value_t value = {.text = NULL};
    settings_refusal_t refusal;
    for (settings_id_t id = SETTINGS_NUMBERS; id < SETTINGS_COUNT; id++) {
        ROW("%s", settings_entry(id)->key);
        TEST_ASSERT_FALSE(settings_value_valid(id, &value, &refusal));
    }
}

TEST_CASE("a refusal names what is allowed and never the secret", "[settings]")
{
    settings_value_t value = {.text = "hunter2"};
    settings_refusal_t refusal;
    TEST_ASSERT_FALSE(settings_value_valid(SETTINGS_WIFI_STA_PASS, &value, &refusal));
    TEST_ASSERT_EQUAL_STRING("wifi.sta_pass: the allowed length is 8..63 characters, or none", refusal.text);
    value.number = 5;
    TEST_ASSERT_FALSE(settings_value_valid(SETTINGS_CAN_BITRATE, &value, &refusal));
    TEST_ASSERT_EQUAL_STRING("can.bitrate: the allowed range is 250000..500000 bit/s in steps of 250000", refusal.text);
}

TEST_CASE("names that a GX would take for another maker's do not fit", "[settings]")
{
    settings_values_t values = factory();
    settings_refusal_t refusal;
    set_text(&values, SETTINGS_ID_MANUFACTURER, "PYLON");
    TEST_ASSERT_FALSE(settings_fit_together(&values, &refusal));
    TEST_ASSERT_TRUE(settings_repair(&values));
    TEST_ASSERT_EQUAL_STRING("TinyBMS", settings_text(&values, SETTINGS_ID_MANUFACTURER));
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
    TEST_ASSERT_EQUAL_STRING("TinyBMS", settings_text(&values, SETTINGS_ID_BATTERY_NAME));
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

TEST_CASE("0 is allowed where the BMS decides then, and nothing between it and the range", "[settings]")
{
    settings_value_t value = {.number = 3};
    settings_refusal_t refusal;
    TEST_ASSERT_TRUE(number_allowed(SETTINGS_CHARGE_CELL_MV, 0));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_CHARGE_CELL_MV, 1));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_CHARGE_CELL_MV, -1));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_CHARGE_CELL_MV, 2499));
    TEST_ASSERT_TRUE(number_allowed(SETTINGS_CHARGE_CELL_MV, 2500));
    TEST_ASSERT_TRUE(number_allowed(SETTINGS_CHARGE_CELL_MV, 4500));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_CHARGE_CELL_MV, 4501));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_CVL_MARGIN_MV, 0));
    TEST_ASSERT_FALSE(settings_value_valid(SETTINGS_CHARGE_CELL_MV, &value, &refusal));
    TEST_ASSERT_EQUAL_STRING("charge.cell_mv: the allowed range is 2500..4500 mV, or 0 = from the BMS", refusal.text);
    TEST_ASSERT_TRUE(number_allowed(SETTINGS_DISCH_CELL_MV, 0));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_DISCH_CELL_MV, 1999));
    TEST_ASSERT_TRUE(number_allowed(SETTINGS_DISCH_CELL_MV, 2000));
    TEST_ASSERT_TRUE(number_allowed(SETTINGS_DISCH_CELL_MV, 3500));
    TEST_ASSERT_FALSE(number_allowed(SETTINGS_DISCH_CELL_MV, 3501));
    value.number = 51;
    TEST_ASSERT_FALSE(settings_value_valid(SETTINGS_DISCH_SOC_PCT, &value, &refusal));
    TEST_ASSERT_EQUAL_STRING("disch.soc_pct: the allowed range is 1..50 %, or 0 = no limit", refusal.text);
}

TEST_CASE("a name of the gateway is one that a network takes", "[settings]")
{
    static const char *const good[] = {"", "a", "7", "tinybms-a1b2c3", "A--b", "12345678901234567890123456789012"};
    static const char *const bad[] = {"-",   "-a",  "a-",  "a b",      "a.b",
                                      "a_b", "a/b", "a\n", "\xC3\xA9", "123456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        TEST_ASSERT_TRUE_MESSAGE(text_allowed(SETTINGS_NET_DEVICE, good[i]), good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        TEST_ASSERT_TRUE_MESSAGE(!text_allowed(SETTINGS_NET_DEVICE, bad[i]), bad[i]);
    }
}

TEST_CASE("host names are separated by commas", "[settings]")
{
    static const char *const good[] = {"", "a", "bms.example.org", "nas,bms.example.org,10-0-0-1.home", "a--b..c"};
    static const char *const bad[] = {
        ",",    "a,",    ",a",     "a,,b",     "a, b",
        "-a",   "a-",    ".a",     "a.",       "a,.",
        "a,-b", "a.,b",  "a:8080", "http://a", "*",
        "a_",   "[::1]", "a\n",    "\xC3\xA9", "1234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        TEST_ASSERT_TRUE_MESSAGE(text_allowed(SETTINGS_WEB_HOSTS, good[i]), good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        TEST_ASSERT_TRUE_MESSAGE(!text_allowed(SETTINGS_WEB_HOSTS, bad[i]), bad[i]);
    }
}

TEST_CASE("the address of a broker is MQTT, with a port or without, and never holds a password", "[settings]")
{
    static const char *const good[] = {
        "",
        "mqtt://broker",
        "mqtts://broker.example.org:8883",
        "mqtt://192.168.1.2:1",
        "mqtt://[fe80::1]:1883",
        "mqtt://my_broker-2.local/",
        "mqtt://broker:65535",
    };
    static const char *const bad[] = {
        "broker",
        "http://broker",
        "ws://broker",
        "MQTT://broker",
        "mqtt:/broker",
        "mqtt://",
        "mqtt:///",
        "mqtt://:1883",
        "mqtt://broker:",
        "mqtt://broker:0",
        "mqtt://broker:x",
        "mqtt://broker:01",
        "mqtt://broker/top",
        "mqtt://a b",
        "mqtt://broker:65536",
        "mqtt://me@host",
        "mqtts://me:@h:1",
        "mqtt://h:1@2",
        "mqtt://broker:99999999999",
        "mqtt://[::1",
        "mqtt://[]",
        "mqtt://[::1]x",
        "mqtt://broker#x",
        "mqtt://broker?x",
        "mqtt://broker\n",
        "mqtt://br\xC3\xB6",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        TEST_ASSERT_TRUE_MESSAGE(text_allowed(SETTINGS_MQTT_URL, good[i]), good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        TEST_ASSERT_TRUE_MESSAGE(!text_allowed(SETTINGS_MQTT_URL, bad[i]), bad[i]);
    }
}

TEST_CASE("an address is as long as 255 characters", "[settings]")
{
    char url[SETTINGS_URL_MAX + 2] = "mqtt://";
    memset(&url[strlen(url)], 'x', SETTINGS_URL_MAX + 1 - strlen(url));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_MQTT_URL, url));
    url[SETTINGS_URL_MAX] = '\0';
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_MQTT_URL, url));
}

TEST_CASE("a certificate is PEM of at most 4096 characters; the refusal says so", "[settings]")
{
    static char pem[SETTINGS_LONG_MAX + 2] = "-----BEGIN CERTIFICATE-----\r\n";
    const settings_value_t key = {.text = "-----BEGIN EC PARAMETERS-----\n"};
    settings_refusal_t refusal;
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_MQTT_CA, ""));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_MQTT_CA, " -----BEGIN CERTIFICATE-----\n"));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_MQTT_CA, "-----BEGIN CERTIFICATE-----\t"));
    TEST_ASSERT_FALSE(settings_value_valid(SETTINGS_MQTT_CA, &key, &refusal));
    TEST_ASSERT_EQUAL_STRING("mqtt.ca: must be a certificate in PEM: -----BEGIN CERTIFICATE-----", refusal.text);
    memset(&pem[strlen(pem)], 'x', SETTINGS_LONG_MAX + 1 - strlen(pem));
    TEST_ASSERT_FALSE(text_allowed(SETTINGS_MQTT_CA, pem));
    pem[SETTINGS_LONG_MAX] = '\0';
    TEST_ASSERT_TRUE(text_allowed(SETTINGS_MQTT_CA, pem));
}

TEST_CASE("every setting is in one group, and every group has settings", "[settings]")
{
    size_t groups = 0;
    size_t members = 0;
    for (; settings_group_at(groups) != NULL; groups++) {
        const size_t before = members;
        for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
            members += settings_in_group(id, settings_group_at(groups)) ? 1 : 0;
        }
        TEST_ASSERT_TRUE_MESSAGE(members > before, settings_group_at(groups)->id);
    }
    TEST_ASSERT_EQUAL(SETTINGS_COUNT, members); /* with the next case: none is in two */
    for (size_t i = 0; i < groups; i++) {
        for (size_t j = 0; j < i; j++) {
            TEST_ASSERT_TRUE(strcmp(settings_group_at(i)->id, settings_group_at(j)->id) != 0);
        }
    }
}

TEST_CASE("only what belongs to a driver or to the network waits", "[settings]")
{
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        const char *const key = settings_entry(id)->key;
        const bool network =
            strncmp(key, "wifi.", 5) == 0 || strncmp(key, "net.", 4) == 0 || strncmp(key, "mqtt.", 5) == 0;
        const char *const expected = strcmp(key, "can.bitrate") == 0 ? "service" : network ? "restart" : "live";
        ROW("%s", key);
        TEST_ASSERT_EQUAL_STRING(expected, settings_applies_text(settings_entry(id)->applies));
    }
}

TEST_CASE("texts lie side by side and leave one another alone", "[settings]")
{
    settings_values_t values;
    char full[SETTINGS_URL_MAX + 1] = {0};
    memset(full, 'x', SETTINGS_URL_MAX);
    for (settings_id_t id = SETTINGS_NUMBERS; id < SETTINGS_LONG; id++) {
        ROW("%s", settings_entry(id)->key);
        memset(&values, 0, sizeof(values));
        set_text(&values, id, full);
        for (settings_id_t other = SETTINGS_NUMBERS; other < SETTINGS_LONG; other++) {
            TEST_ASSERT_EQUAL(other == id ? settings_entry(id)->max : 0, strlen(settings_text(&values, other)));
        }
    }
}

TEST_CASE("a copy takes a setting of any kind, and nothing else", "[settings]")
{
    settings_values_t from;
    settings_values_t to;
    memset(&from, 0, sizeof(from));
    from.number[SETTINGS_CHARGE_MAX_A] = 80;
    set_text(&from, SETTINGS_MQTT_URL, "mqtt://broker");
    from.apart[SETTINGS_MQTT_URL - SETTINGS_APART].length = 13;
    from.apart[SETTINGS_MQTT_CA - SETTINGS_APART].length = 99;
    memset(&to, 0, sizeof(to));
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        settings_copy(&to, &from, id);
        const bool at_last = id >= SETTINGS_MQTT_CA;
        TEST_ASSERT_EQUAL(at_last, memcmp(&from, &to, sizeof(to)) == 0);
    }
}

/** Lowest and highest value with which a pack stays safe, and no knee is a step. */
static const struct {
    settings_id_t id;
    int32_t min;
    int32_t max;
} s_safe_ranges[] = {
    {SETTINGS_CVL_MARGIN_MV, 10, 200},  {SETTINGS_LIMIT_BMS_PCT, 10, 100}, {SETTINGS_CVL_LOWER_MV_S, 20, 1000},
    {SETTINGS_ALARM_DEBOUNCE, 1, 10},   {SETTINGS_ENERGY_SAVE_S, 60, 600}, {SETTINGS_FLOAT_LFP_MV, 3200, 3500},
    {SETTINGS_CHARGE_KNEE_MV, 10, 300}, {SETTINGS_DISCH_KNEE_MV, 10, 500}, {SETTINGS_DISCH_TAPER_PCT, 1, 50},
    {SETTINGS_TEMP_COLD_K, 1, 30},      {SETTINGS_TEMP_HOT_K, 2, 30},      {SETTINGS_TEMP_DISCH_K, 1, 30},
    {SETTINGS_CVL_STEP_S, 10, 60},      {SETTINGS_ALARM_CUR_PCT, 50, 99},  {SETTINGS_RAMP_TIME_S, 5, 600},
    {SETTINGS_CHARGE_END_PCT, 1, 50},   {SETTINGS_CVL_OFF_S, 5, 60},       {SETTINGS_DISCH_BACK_PCT, 0, 20},
    {SETTINGS_TEMP_BMS_HOT_C, 60, 100}, {SETTINGS_ALARM_BLOCKED, 0, 1},    {SETTINGS_DIFF_WARN_S, 0, 7200},
};

TEST_CASE("no number can be set beyond what is safe", "[settings]")
{
    for (size_t i = 0; i < sizeof(s_safe_ranges) / sizeof(s_safe_ranges[0]); i++) {
        const char *const key = settings_entry(s_safe_ranges[i].id)->key;
        TEST_ASSERT_TRUE_MESSAGE(!number_allowed(s_safe_ranges[i].id, s_safe_ranges[i].min - 1), key);
        TEST_ASSERT_TRUE_MESSAGE(number_allowed(s_safe_ranges[i].id, s_safe_ranges[i].min), key);
        TEST_ASSERT_TRUE_MESSAGE(number_allowed(s_safe_ranges[i].id, s_safe_ranges[i].max), key);
        TEST_ASSERT_TRUE_MESSAGE(!number_allowed(s_safe_ranges[i].id, s_safe_ranges[i].max + 1), key);
    }
}

static const struct {
    const char *ending;
    const char *unit;
} s_units[] = {
    {"_mv_s", "mV/s"}, {"a_per_s", "A/s"}, {"_mv", "mV"},  {"_ms", "ms"},         {"_pct", "%"},      {"_a", "A"},
    {"_k", "K"},       {"_s", "s"},        {"_c", "degC"}, {"blocked", "1 = on"}, {"open", "1 = on"},
};

static const char *unit_by_name(const char *key)
{
    for (size_t i = 0; i < sizeof(s_units) / sizeof(s_units[0]); i++) {
        const size_t length = strlen(s_units[i].ending);
        if (strlen(key) > length && strcmp(&key[strlen(key) - length], s_units[i].ending) == 0) {
            return s_units[i].unit;
        }
    }
    return strcmp(key, "can.bitrate") == 0 ? "bit/s" : "readings";
}

TEST_CASE("every number has a range and the unit that its name ends with, no text has one", "[settings]")
{
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        ROW("%s", settings_entry(id)->key);
        const settings_entry_t *const entry = settings_entry(id);
        if (!settings_is_number(id)) {
            TEST_ASSERT_NULL(entry->unit);
            TEST_ASSERT_NOT_NULL(entry->factory_text);
        } else {
            TEST_ASSERT_TRUE_MESSAGE(strcmp(unit_by_name(entry->key), entry->unit) == 0, entry->key);
            TEST_ASSERT_TRUE_MESSAGE(entry->min < entry->max, entry->key);
        }
    }
}

/** Numbers that do not fit together, each with what is said. */
static const struct {
    settings_id_t low;
    int32_t low_value;
    settings_id_t high;
    int32_t high_value;
    const char *refusal;
} s_misfits[] = {
    {SETTINGS_FLOAT_CELL_MV, 3401, SETTINGS_CHARGE_CELL_MV, 3400, "float.cell_mv: must be at most charge.cell_mv"},
    {SETTINGS_ABSORB_TIME_S, 601, SETTINGS_ABSORB_MAX_S, 600, "absorb.time_s: must be at most absorb.max_s"},
    {SETTINGS_ABSORB_DIFF_MV, 30, SETTINGS_CHARGE_KNEE_MV, 30, "absorb.diff_mv: must be less than charge.knee_mv"},
    {SETTINGS_TEMP_STOP_K, 5, SETTINGS_TEMP_HOT_K, 5, "temp.stop_k: must be less than temp.hot_k"},
    {SETTINGS_DIFF_WARN_MV, 50, SETTINGS_DIFF_ALARM_MV, 50, "diff.warn_mv: must be less than diff.alarm_mv"},
    {SETTINGS_HYST_CELL_MV, 60, SETTINGS_DIFF_WARN_MV, 60, "hyst.cell_mv: must be less than diff.warn_mv"},
};

TEST_CASE("numbers that do not fit together are refused, and repaired without touching others", "[settings]")
{
    for (size_t i = 0; i < sizeof(s_misfits) / sizeof(s_misfits[0]); i++) {
        ROW("s_misfits[%zu]", i);
        settings_values_t values = factory();
        settings_values_t expected = factory();
        settings_refusal_t refusal;
        values.number[s_misfits[i].low] = s_misfits[i].low_value;
        values.number[s_misfits[i].high] = s_misfits[i].high_value;
        values.number[SETTINGS_UART_POLL_MS] = 500;
        expected.number[SETTINGS_UART_POLL_MS] = 500;
        TEST_ASSERT_FALSE(settings_fit_together(&values, &refusal));
        TEST_ASSERT_EQUAL_STRING(s_misfits[i].refusal, refusal.text);
        TEST_ASSERT_TRUE(settings_repair(&values));
        TEST_ASSERT_EQUAL_MEMORY(&expected, &values, sizeof(values));
        TEST_ASSERT_FALSE(settings_repair(&values));
    }
}

TEST_CASE("a repair that disturbs another pair repairs that one too", "[settings]")
{
    settings_values_t values = factory();
    settings_refusal_t refusal;
    values.number[SETTINGS_HYST_CELL_MV] = 150;
    values.number[SETTINGS_DIFF_WARN_MV] = 30;
    values.number[SETTINGS_DIFF_ALARM_MV] = 40; /* the factory value of the warning is above it */
    TEST_ASSERT_TRUE(settings_repair(&values));
    TEST_ASSERT_TRUE(settings_fit_together(&values, &refusal));
    TEST_ASSERT_EQUAL(200, values.number[SETTINGS_DIFF_ALARM_MV]);
}

TEST_CASE("a float voltage fits when the BMS decides the charge voltage, and up to it when not", "[settings]")
{
    settings_values_t values = factory();
    settings_refusal_t refusal;
    values.number[SETTINGS_FLOAT_CELL_MV] = 3400;
    TEST_ASSERT_TRUE(settings_fit_together(&values, &refusal));
    values.number[SETTINGS_CHARGE_CELL_MV] = 3400;
    TEST_ASSERT_TRUE(settings_fit_together(&values, &refusal));
    values.number[SETTINGS_FLOAT_CELL_MV] = 0;
    TEST_ASSERT_TRUE(settings_fit_together(&values, &refusal));
}
