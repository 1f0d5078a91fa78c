/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Registers of the BMS in the bodies of requests. */
#include <stdio.h>
#include <string.h>

#include "../row.h"
#include "unity.h"
#include "web_registers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static uint16_t s_settings[TINYBMS_SETTINGS_COUNT];
static tinybms_write_request_t s_requests[WEB_WRITABLE_COUNT];
static size_t s_count;
static char s_told[1024]; /**< "PATH: MESSAGE|" of each complaint */

static void note(void *context, const char *path, const char *message)
{
    const size_t used = strlen(s_told);
    TEST_ASSERT_TRUE(context == s_told);
    (void)snprintf(&s_told[used], sizeof(s_told) - used, "%s: %s|", path, message);
}

static char *body_of(const char *text)
{
    static char body[1024];
    s_told[0] = '\0';
    memset(body, '#', sizeof(body));
    memcpy(body, text, strlen(text));
    return body;
}

static web_body_t values(const char *text)
{
    return web_registers_values(body_of(text), strlen(text), s_settings, s_requests, &s_count, note, s_told);
}

static web_body_t changes(const char *text)
{
    return web_registers_changes(body_of(text), strlen(text), s_requests, &s_count, note, s_told);
}

TEST_CASE("values are decimals in the unit of the register", "[web_registers]")
{
    static const struct {
        const char *text;
        uint16_t address;
        int64_t raw;
    } cases[] = {
        {"{\"registers\":{\"over_voltage_cutoff\":3.65}}", 315, 3650},
        {"{\"registers\":{\"over_voltage_cutoff\":4}}", 315, 4000},
        {"{\"registers\":{\"over_voltage_cutoff\":3650e-3}}", 315, 3650},
        {"{\"registers\":{\"low_temperature_charger_cutoff\":-5}}", 320, -5},
        {"{\"registers\":{\"low_temperature_charger_cutoff\":-0.0}}", 320, 0},
        {"{\"registers\":{\"state_of_charge_set\":84.552}}", 328, 42276},
        {"{\"registers\":{\"battery_capacity\":279.99}}", 306, 27999},
        {"{\"registers\":{\"pulses_per_unit\":100000}}", 312, 100000},
        {"{\"registers\":{\"discharge_over_current_timeout\":7}}", 330, 7},
        {" {\"a\":[1,{\"registers\":2}],\"registers\":{\"broadcast_protocol\":2},\"b\":\"c\"} ", 343, 2},
        {"{\"format\":\"tinybms-bms-profile\",\"version\":1,\"registers\":{\"broadcast_protocol\":1}}", 343, 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ROW("cases[%u]", (unsigned)i);
        TEST_ASSERT_EQUAL(WEB_BODY_GOOD, values(cases[i].text));
        TEST_ASSERT_EQUAL_STRING("", s_told);
        TEST_ASSERT_EQUAL(1, s_count);
        TEST_ASSERT_EQUAL(TINYBMS_WRITE_SETTING, s_requests[0].kind);
        TEST_ASSERT_EQUAL_UINT16(cases[i].address, s_requests[0].entry->address);
        TEST_ASSERT_EQUAL_INT64(cases[i].raw, s_requests[0].raw);
        TEST_ASSERT_FALSE(s_requests[0].confirmed || s_requests[0].expects);
    }
}

TEST_CASE("what is wrong is told with its place, all of it", "[web_registers]")
{
    TEST_ASSERT_EQUAL(WEB_BODY_INVALID,
                      values("{\"registers\":{\"x\":1,\"over_voltage_cutoff\":9,\"over_heat_cutoff\":60.5,"
                             "\"pack_voltage\":[1],\"under_voltage_cutoff\":\"2\",\"fully_charged_voltage\":3.5}}"));
    TEST_ASSERT_EQUAL_STRING("/registers/x: there is no register of this name|"
                             "/registers/over_voltage_cutoff: over_voltage_cutoff must be 1.2 V to 4.5 V|"
                             "/registers/over_heat_cutoff: must be a multiple of 1 degC, and not too large|"
                             "/registers/pack_voltage: can only be read|"
                             "/registers/under_voltage_cutoff: must be a number|",
                             s_told);
    TEST_ASSERT_EQUAL(1, s_count);
}

TEST_CASE("a value that the BMS has already may be out of range: nothing is to be written", "[web_registers]")
{
    s_settings[321 - 300] = 30;
    TEST_ASSERT_EQUAL(WEB_BODY_GOOD, values("{\"registers\":{\"charge_restart_level\":30}}"));
    TEST_ASSERT_EQUAL(WEB_BODY_INVALID, values("{\"registers\":{\"charge_restart_level\":31}}"));
    s_settings[321 - 300] = 0;
}

TEST_CASE("a change says from what, and its members come in any order", "[web_registers]")
{
    static const char *const texts[] = {
        "{\"changes\":[{\"name\":\"over_voltage_cutoff\",\"from\":3.7,\"to\":3.65}],\"confirm\":true}",
        "{\"confirm\":true,\"changes\":[{\"to\":3.65,\"from\":3.7,\"name\":\"over_voltage_cutoff\"}]}",
        "{\"confirm\":true,\"changes\":[{\"to\":3.65,\"name\":\"over_voltage_cutoff\",\"from\":3.70}]}",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        ROW("texts[%u]", (unsigned)i);
        TEST_ASSERT_EQUAL(WEB_BODY_GOOD, changes(texts[i]));
        TEST_ASSERT_EQUAL(1, s_count);
        TEST_ASSERT_EQUAL_UINT16(315, s_requests[0].entry->address);
        TEST_ASSERT_EQUAL_INT64(3700, s_requests[0].from);
        TEST_ASSERT_EQUAL_INT64(3650, s_requests[0].raw);
        TEST_ASSERT_TRUE(s_requests[0].confirmed && s_requests[0].expects);
    }
    TEST_ASSERT_EQUAL(WEB_BODY_GOOD, changes("{\"changes\":[{\"name\":\"over_heat_cutoff\",\"from\":600,\"to\":55}],"
                                             "\"confirm\":false}"));
    TEST_ASSERT_FALSE(s_requests[0].confirmed);
    TEST_ASSERT_EQUAL_INT64(600, s_requests[0].from); /* whatever the BMS has */
}

TEST_CASE("of a change that is not whole nothing is left", "[web_registers]")
{
    static const struct {
        const char *text;
        const char *told;
    } cases[] = {
        {"{\"changes\":[{\"name\":\"over_heat_cutoff\",\"from\":60}],\"confirm\":true}",
         "/changes/0: must have name, from and to|"},
        {"{\"changes\":[{\"name\":1,\"from\":60,\"to\":61}],\"confirm\":true}", "/changes/0/name: must be a text|"},
        {"{\"changes\":[{\"name\":\"over_heat_cutoff\",\"from\":null,\"to\":61}],\"confirm\":true}",
         "/changes/0/from: must be a number|"},
        {"{\"changes\":[{\"name\":\"over_heat_cutoff\",\"from\":60,\"to\":[]}],\"confirm\":true}",
         "/changes/0/to: must be a number|"},
        {"{\"changes\":[{\"name\":\"over_heat_cutoff\",\"from\":60,\"to\":91}],\"confirm\":true}",
         "/changes/0/to: over_heat_cutoff must be 20 degC to 90 degC|"},
        {"{\"changes\":[[]],\"confirm\":true}", "/changes/0: must be an object|"},
        {"{\"changes\":[],\"confirm\":true}", "/changes: must have one change or more|"},
        {"{\"changes\":1,\"confirm\":true}", "/changes: must be an array|"},
        {"{\"confirm\":true}", ": must have changes and confirm|"},
        {"{\"changes\":[{\"name\":\"over_heat_cutoff\",\"from\":60,\"to\":61}],\"confirm\":\"yes\"}",
         "/confirm: must be true or false|"},
        {"7", ": must be an object|"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ROW("cases[%u]", (unsigned)i);
        TEST_ASSERT_EQUAL(WEB_BODY_INVALID, changes(cases[i].text));
        TEST_ASSERT_EQUAL_STRING(cases[i].told, s_told);
    }
}

TEST_CASE("a body that ends anywhere is no JSON", "[web_registers]")
{
    static const char whole[] =
        "{\"changes\":[{\"name\":\"over_heat_cutoff\",\"from\":60,\"to\":61}],\"confirm\":true}";
    static const char profile[] = "{\"format\":\"tinybms-bms-profile\",\"registers\":{\"over_heat_cutoff\":61}}";
    for (size_t length = 0; length < sizeof(whole) - 1; length++) {
        ROW("length %u", (unsigned)length);
        TEST_ASSERT_EQUAL(WEB_BODY_BAD_JSON,
                          web_registers_changes(body_of(whole), length, s_requests, &s_count, NULL, NULL));
    }
    for (size_t length = 0; length < sizeof(profile) - 1; length++) {
        ROW("length %u", (unsigned)length);
        TEST_ASSERT_EQUAL(WEB_BODY_BAD_JSON,
                          web_registers_values(body_of(profile), length, s_settings, s_requests, &s_count, NULL, NULL));
    }
}

TEST_CASE("a strange name is not repeated in the path", "[web_registers]")
{
    static const struct {
        const char *text;
        const char *path;
    } cases[] = {
        {"{\"registers\":{\"a~/b\":1}}", "/registers/a~0~1b: "},
        {"{\"registers\":{\"\":1}}", "/registers/: "},
        {"{\"registers\":{\"\\u00e9\":1}}", "/registers: "},
        {"{\"registers\":{\"a\\nb\":1}}", "/registers: "},
        {"{\"registers\":{\"12345678901234567890123456789012345678901\":1}}", "/registers: "},
        {"{\"registers\":{\"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\":1}}", "/registers"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ROW("cases[%u]", (unsigned)i);
        TEST_ASSERT_EQUAL(WEB_BODY_INVALID, values(cases[i].text));
        TEST_ASSERT_EQUAL(0, strncmp(cases[i].path, s_told, strlen(cases[i].path)));
    }
}

TEST_CASE("every register of a profile is written as it is read", "[web_registers]")
{
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        const tinybms_register_t *const entry = tinybms_register_at(i);
        const int32_t low = entry->min <= entry->max ? entry->min : 0;
        const int32_t high = entry->min <= entry->max ? entry->max : UINT16_MAX;
        for (int64_t raw = low; web_register_in_profile(entry) && raw <= high; raw += 1 + (high - low) / 977) {
            ROW("%s, %ld", entry->name, (long)raw);
            char text[128];
            json_stream_t json;
            json_stream_init(&json, text, sizeof(text), NULL, NULL);
            json_object(&json, NULL);
            json_object(&json, "registers");
            web_register_value(&json, entry->name, entry, raw);
            json_close(&json);
            json_close(&json);
            TEST_ASSERT_TRUE(json_stream_end(&json));
            TEST_ASSERT_EQUAL(WEB_BODY_GOOD, values(text));
            TEST_ASSERT_EQUAL_INT64(raw, s_requests[0].raw);
        }
    }
    TEST_ASSERT_FALSE(web_register_in_profile(tinybms_register_by_name("state_of_charge_set")));
    TEST_ASSERT_FALSE(web_register_in_profile(tinybms_register_by_name("state_of_health_set")));
    TEST_ASSERT_FALSE(web_register_in_profile(tinybms_register_by_name("pack_voltage")));
}
