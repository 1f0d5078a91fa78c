/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "settings_input.h"

#include <stdio.h>
#include <string.h>

#include "unity.h"

static char s_body[10000];
static char s_told[4096];
static settings_input_t s_input;
static settings_values_t s_saved;
static settings_values_t s_next;

static size_t put(const char *text)
{
    TEST_ASSERT_LESS_THAN(sizeof(s_body), strlen(text));
    memcpy(s_body, text, strlen(text) + 1);
    return strlen(text);
}

static bool read(const char *text)
{
    return settings_input_read(&s_input, s_body, put(text));
}

static bool read_export(const char *text)
{
    return settings_input_read_export(&s_input, s_body, put(text));
}

static const char *told_within(size_t room)
{
    json_stream_t json;
    settings_factory_all(&s_saved);
    settings_input_fit(&s_input, &s_saved, &s_next);
    json_stream_init(&json, s_told, sizeof(s_told), NULL, NULL);
    json_array(&json, NULL);
    settings_input_write_problems(&s_input, &json, room);
    json_close(&json);
    TEST_ASSERT_TRUE(json_stream_end(&json));
    return s_told;
}

static const char *told(void)
{
    return told_within(sizeof(s_told));
}

TEST_CASE("settings by their keys become changes", "[settings_input]")
{
    TEST_ASSERT_TRUE(read("{\"charge.max_a\": 80, \"id.family\": \"Ga\\u0072\\/1\", \"disch.max_a\": 1.5e2}"));
    TEST_ASSERT_EQUAL_STRING("[]", told());
    TEST_ASSERT_EQUAL(3, s_input.count);
    TEST_ASSERT_EQUAL(SETTINGS_CHARGE_MAX_A, s_input.changes[0].id);
    TEST_ASSERT_EQUAL(80, s_input.changes[0].value.number);
    TEST_ASSERT_EQUAL(SETTINGS_ID_FAMILY, s_input.changes[1].id);
    TEST_ASSERT_EQUAL_STRING("Gar/1", s_input.changes[1].value.text);
    TEST_ASSERT_EQUAL(150, s_input.changes[2].value.number);
    TEST_ASSERT_EQUAL(80, s_next.number[SETTINGS_CHARGE_MAX_A]);
    TEST_ASSERT_EQUAL_STRING("Gar/1", settings_text(&s_next, SETTINGS_ID_FAMILY));
}

TEST_CASE("an empty object wants nothing", "[settings_input]")
{
    TEST_ASSERT_TRUE(read("{}"));
    TEST_ASSERT_EQUAL_STRING("[]", told());
    TEST_ASSERT_EQUAL(0, s_input.count);
}

TEST_CASE("all settings at once fit", "[settings_input]")
{
    size_t length = 1;
    s_body[0] = '{';
    settings_factory_all(&s_saved);
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        const settings_value_t value = settings_get(&s_saved, id);
        length += (size_t)snprintf(&s_body[length], sizeof(s_body) - length, "%s\"%s\":", id == 0 ? "" : ",",
                                   settings_entry(id)->key);
        if (settings_is_number(id)) {
            length += (size_t)snprintf(&s_body[length], sizeof(s_body) - length, "%d", (int)value.number);
        } else {
            length += (size_t)snprintf(&s_body[length], sizeof(s_body) - length, "\"%s\"",
                                       value.text == NULL ? "" : value.text);
        }
    }
    s_body[length++] = '}';
    TEST_ASSERT_TRUE(settings_input_read(&s_input, s_body, length));
    TEST_ASSERT_EQUAL_STRING("[]", told());
    TEST_ASSERT_EQUAL(SETTINGS_COUNT, s_input.count);
    settings_input_drop_same(&s_input, &s_saved, true);
    TEST_ASSERT_EQUAL(0, s_input.count);
}

TEST_CASE("each problem is told at its place", "[settings_input]")
{
    static const struct {
        const char *text;
        const char *told;
    } rows[] = {
        {"[]", "[{\"path\":\"\",\"message\":\"must be an object with settings\"}]"},
        {"5", "[{\"path\":\"\",\"message\":\"must be an object with settings\"}]"},
        {"{\"charge.max\":80}", "[{\"path\":\"/charge.max\",\"message\":\"there is no such setting\"}]"},
        {"{\"\":80}", "[{\"path\":\"/\",\"message\":\"there is no such setting\"}]"},
        {"{\"a/b~c\":80}", "[{\"path\":\"/a~1b~0c\",\"message\":\"there is no such setting\"}]"},
        {"{\"a\\\"\\n\\u00e9\":1}", "[{\"path\":\"/a\\\"\\u000a\xC3\xA9\",\"message\":\"there is no such setting\"}]"},
        {"{\"charge\":{\"max_a\":80}}", "[{\"path\":\"/charge\",\"message\":\"there is no such setting\"}]"},
        {"{\"charge.max_a\":80,\"charge.max_a\":81}",
         "[{\"path\":\"/charge.max_a\",\"message\":\"this setting is there twice\"}]"},
        {"{\"charge.max_a\":\"80\"}", "[{\"path\":\"/charge.max_a\",\"message\":\"must be a number\"}]"},
        {"{\"charge.max_a\":null}", "[{\"path\":\"/charge.max_a\",\"message\":\"must be a number\"}]"},
        {"{\"charge.max_a\":[80]}", "[{\"path\":\"/charge.max_a\",\"message\":\"must be a number\"}]"},
        {"{\"mqtt.url\":5}", "[{\"path\":\"/mqtt.url\",\"message\":\"must be a text\"}]"},
        {"{\"mqtt.url\":{}}", "[{\"path\":\"/mqtt.url\",\"message\":\"must be a text\"}]"},
        {"{\"cvl.margin_mv\":9}", "[{\"path\":\"/cvl.margin_mv\",\"message\":\"cvl.margin_mv: the allowed range is "
                                  "10..200 mV\"}]"},
        {"{\"cvl.margin_mv\":4294967396}", "[{\"path\":\"/cvl.margin_mv\",\"message\":\"cvl.margin_mv: the allowed "
                                           "range is 10..200 mV\"}]"}, /* 2^32 + 100 */
        {"{\"cvl.margin_mv\":-4294967196}", "[{\"path\":\"/cvl.margin_mv\",\"message\":\"cvl.margin_mv: the allowed "
                                            "range is 10..200 mV\"}]"},
        {"{\"cvl.margin_mv\":20.5}", "[{\"path\":\"/cvl.margin_mv\",\"message\":\"cvl.margin_mv: the allowed range is "
                                     "10..200 mV, whole numbers only\"}]"},
        {"{\"net.device\":\"a b\"}", "[{\"path\":\"/net.device\",\"message\":\"net.device: must be letters, digits and "
                                     "hyphens, no hyphen at either end\"}]"},
        {"{\"temp.stop_k\":10,\"temp.hot_k\":10}",
         "[{\"path\":\"/temp.stop_k\",\"message\":\"temp.stop_k: must be less than temp.hot_k\"}]"},
        {"{\"temp.hot_k\":2}",
         "[{\"path\":\"/temp.hot_k\",\"message\":\"temp.stop_k: must be less than temp.hot_k\"}]"},
        {"{\"mqtt.url\":5,\"uart.poll_ms\":5}",
         "[{\"path\":\"/mqtt.url\",\"message\":\"must be a text\"},{\"path\":\"/uart.poll_ms\",\"message\":"
         "\"uart.poll_ms: the allowed range is 100..2000 ms\"}]"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ROW("rows[%zu]", i);
        TEST_ASSERT_TRUE(read(rows[i].text));
        TEST_ASSERT_EQUAL_STRING(rows[i].told, told());
    }
}

TEST_CASE("all that does not fit together is told", "[settings_input]")
{
    TEST_ASSERT_TRUE(read("{\"temp.stop_k\":10,\"temp.hot_k\":10,\"diff.warn_mv\":500,\"id.battery_name\":\"Pylontech "
                          "house\"}"));
    TEST_ASSERT_EQUAL_STRING(
        "[{\"path\":\"/temp.stop_k\",\"message\":\"temp.stop_k: must be less than temp.hot_k\"},"
        "{\"path\":\"/diff.warn_mv\",\"message\":\"diff.warn_mv: must be less than diff.alarm_mv\"},"
        "{\"path\":\"/id.battery_name\",\"message\":\"id.*: a battery name longer than 8 characters must begin with "
        "the "
        "manufacturer, and no name may be that of another maker\"}]",
        told());
}

TEST_CASE("what is not JSON says where", "[settings_input]")
{
    static const struct {
        const char *text;
        size_t at;
    } rows[] = {
        {"", 0},
        {"{\"charge.max_a\":80", 18},
        {"{\"charge.max_a\":80,}", 19},
        {"{\"charge.max_a\":80} x", 20},
        {"{\"no\":[1,2", 10},
        {"{\"charge.max_a\":{\"a\":nul}}", 24},
        {"[1,]", 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ROW("rows[%zu]", i);
        TEST_ASSERT_FALSE(read(rows[i].text));
        TEST_ASSERT_EQUAL(rows[i].at, s_input.error_at);
    }
}

TEST_CASE("sixteen problems are told, and those that find room", "[settings_input]")
{
    size_t length = 1;
    s_body[0] = '{';
    for (int i = 0; i < 100; i++) {
        length += (size_t)snprintf(&s_body[length], sizeof(s_body) - length, "\"x%02d\":1,", i);
    }
    memcpy(&s_body[length], "\"charge.max_a\":80}", 18);
    TEST_ASSERT_TRUE(settings_input_read(&s_input, s_body, length + 18));
    TEST_ASSERT_EQUAL(SETTINGS_PROBLEMS_MAX, s_input.problem_count);
    TEST_ASSERT_NOT_NULL(strstr(told(), "/x15"));
    TEST_ASSERT_NULL(strstr(told(), "/x16"));
    for (size_t room = 0; room < 1200; room += 7) {
        ROW("room %zu", room);
        TEST_ASSERT_LESS_OR_EQUAL(room < 2 ? 2 : room + 1, strlen(told_within(room)));
    }
}

TEST_CASE("a long key is cut between two characters", "[settings_input]")
{
    static char key[9000] = "{\"";
    for (size_t at = 2; at < 8100; at += 2) {
        memcpy(&key[at], "\xC3\xA9", 3);
    }
    memcpy(&key[8100], "\":1}", 5);
    TEST_ASSERT_TRUE(read(key));
    const char *const end = strstr(told(), "...");
    TEST_ASSERT_NOT_NULL(end);
    TEST_ASSERT_EQUAL_HEX8(0xA9, (uint8_t)end[-1]);
    TEST_ASSERT_LESS_THAN(150, strlen(s_told));
}

TEST_CASE("an export is read, whatever the order of its members and whatever else is in it", "[settings_input]")
{
    TEST_ASSERT_TRUE(
        read_export("{\"settings\":{\"charge.max_a\":80},\"device\":\"x\",\"more\":[{\"a\":1}],\"version\":"
                    "1,\"format\":\"tinybms-gateway-settings\"}"));
    TEST_ASSERT_EQUAL_STRING("[]", told());
    TEST_ASSERT_EQUAL(1, s_input.count);
    TEST_ASSERT_EQUAL(80, s_input.changes[0].value.number);
}

TEST_CASE("what is no export is told at its place", "[settings_input]")
{
#define GOOD "\"format\":\"tinybms-gateway-settings\",\"version\":1"
    static const struct {
        const char *text;
        const char *told;
    } rows[] = {
        {"[]", "[{\"path\":\"\",\"message\":\"must be an export of settings\"}]"},
        {"{" GOOD "}", "[{\"path\":\"/settings\",\"message\":\"is missing\"}]"},
        {"{" GOOD ",\"settings\":[{}]}", "[{\"path\":\"/settings\",\"message\":\"must be an object with settings\"}]"},
        {"{" GOOD ",\"settings\":{},\"settings\":{\"charge.max_a\":80}}",
         "[{\"path\":\"/settings\",\"message\":\"is there twice\"}]"},
        {"{" GOOD ",\"settings\":{\"charge.max_a\":-1}}",
         "[{\"path\":\"/settings/charge.max_a\",\"message\":\"charge.max_a: the allowed range is 1..750 A, or 0 = from "
         "the BMS\"}]"},
        {"{\"format\":\"tinybms-gateway-settings\",\"version\":2,\"settings\":{}}",
         "[{\"path\":\"/version\",\"message\":\"this firmware knows version 1 only\"}]"},
        {"{\"format\":\"tinybms-gateway-settings\",\"version\":\"1\",\"settings\":{}}",
         "[{\"path\":\"/version\",\"message\":\"this firmware knows version 1 only\"}]"},
        {"{\"format\":\"tinybms-bms-profile\",\"version\":1,\"settings\":{}}",
         "[{\"path\":\"/format\",\"message\":\"must be \\\"tinybms-gateway-settings\\\"\"}]"},
        {"{\"format\":{},\"version\":{},\"settings\":{}}",
         "[{\"path\":\"/format\",\"message\":\"must be \\\"tinybms-gateway-settings\\\"\"},"
         "{\"path\":\"/version\",\"message\":\"this firmware knows version 1 only\"}]"},
        {"{\"charge.max_a\":80}", "[{\"path\":\"/format\",\"message\":\"is missing\"},{\"path\":\"/version\","
                                  "\"message\":\"is missing\"},{\"path\":\"/settings\",\"message\":\"is missing\"}]"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ROW("rows[%zu]", i);
        TEST_ASSERT_TRUE(read_export(rows[i].text));
        TEST_ASSERT_EQUAL_STRING(rows[i].told, told());
    }
}

TEST_CASE("an export that is cut anywhere is not JSON", "[settings_input]")
{
    static const char whole[] =
        "{\"format\":\"tinybms-gateway-settings\",\"version\":1,\"settings\":{\"charge.max_a\":80,"
        "\"id.family\":\"a\\u00e9\"}}";
    for (size_t length = 0; length < sizeof(whole) - 1; length++) {
        ROW("length %zu", length);
        (void)put(whole);
        TEST_ASSERT_FALSE(settings_input_read_export(&s_input, s_body, length));
    }
}

TEST_CASE("changes that change nothing are dropped; of secrets only for whoever may read them", "[settings_input]")
{
    static const settings_value_t secret = {.text = "correct horse"};
    settings_factory_all(&s_saved);
    settings_set(&s_saved, SETTINGS_WIFI_STA_PASS, &secret);
    for (int secrets = 0; secrets < 2; secrets++) {
        TEST_ASSERT_TRUE(read("{\"wifi.sta_pass\":\"correct horse\",\"charge.max_a\":0,\"id.family\":\"TinyBMS\","
                              "\"mqtt.ca\":\"\",\"uart.poll_ms\":300}"));
        settings_input_drop_same(&s_input, &s_saved, secrets == 1);
        TEST_ASSERT_EQUAL(secrets == 1 ? 1 : 2, s_input.count);
        TEST_ASSERT_EQUAL(SETTINGS_UART_POLL_MS, s_input.changes[s_input.count - 1].id);
    }
}
