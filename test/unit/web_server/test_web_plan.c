/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What a person is shown before several settings are written. */
#include <string.h>

#include "../row.h"
#include "tinybms_write_gate.h"
#include "web_plan.h"
#include "unity.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CELLS           14

static uint16_t s_settings[TINYBMS_SETTINGS_COUNT];
static char s_why[WEB_PLAN_TEXT_MAX + 1];
static size_t s_count;

static void hold(uint16_t address, uint16_t word)
{
    s_settings[address - 300] = word;
}

/** The settings of a pack of NMC cells. */
static void begin(void)
{
    static const struct {
        uint16_t address;
        uint16_t word;
    } nmc[] = {{300, 4150}, {301, 3000}, {305, 150},    {307, CELLS}, {315, 4200}, {316, 2900},  {317, 120},
               {318, 100},  {319, 60},   {320, 0xFFFB}, {321, 80},    {323, 5000}, {328, 65535}, {330, 0x0501}};
    memset(s_settings, 0, sizeof(s_settings));
    for (size_t i = 0; i < COUNT_OF(nmc); i++) {
        hold(nmc[i].address, nmc[i].word);
    }
}

static tinybms_write_request_t to(const char *name, int64_t raw)
{
    return (tinybms_write_request_t){
        .kind = TINYBMS_WRITE_SETTING, .entry = tinybms_register_by_name(name), .raw = raw};
}

static web_verdict_t plan(tinybms_write_request_t *requests, size_t count)
{
    s_count = count;
    return web_plan(s_settings, CELLS, requests, &s_count, s_why, sizeof(s_why));
}

TEST_CASE("only what differs is in a plan", "[tinybms]")
{
    tinybms_write_request_t requests[] = {to("over_heat_cutoff", 60), to("early_balancing_threshold", 3400),
                                          to("low_temperature_charger_cutoff", -5), to("charger_type", 1),
                                          to("fully_charged_voltage", 4150)};
    begin();
    TEST_ASSERT_EQUAL(WEB_VERDICT_MAY_WRITE, plan(requests, 5));
    TEST_ASSERT_EQUAL(1, s_count);
    TEST_ASSERT_EQUAL_UINT16(303, requests[0].entry->address);
    TEST_ASSERT_EQUAL_STRING("", s_why);
    requests[0] = to("over_heat_cutoff", 60);
    TEST_ASSERT_EQUAL(WEB_VERDICT_MAY_WRITE, plan(requests, 1));
    TEST_ASSERT_EQUAL(0, s_count);
    TEST_ASSERT_EQUAL(WEB_VERDICT_MAY_WRITE, plan(requests, 0));
}

TEST_CASE("a plan is in the order of writing", "[tinybms]")
{
    tinybms_write_request_t requests[] = {to("over_voltage_cutoff", 3650), to("fully_charged_voltage", 3550)};
    begin();
    TEST_ASSERT_EQUAL(WEB_VERDICT_MAY_WRITE, plan(requests, 2));
    TEST_ASSERT_EQUAL(2, s_count);
    TEST_ASSERT_EQUAL_UINT16(300, requests[0].entry->address);
    TEST_ASSERT_EQUAL_UINT16(315, requests[1].entry->address);
}

TEST_CASE("a plan names everything that a person has to confirm", "[tinybms]")
{
    tinybms_write_request_t requests[] = {to("over_heat_cutoff", 65), to("early_balancing_threshold", 3400),
                                          to("charge_over_current_cutoff", 130),
                                          to("low_temperature_charger_cutoff", -25)};
    begin();
    TEST_ASSERT_EQUAL(WEB_VERDICT_NEEDS_CONFIRMATION, plan(requests, 4));
    TEST_ASSERT_EQUAL(4, s_count);
    TEST_ASSERT_EQUAL_UINT16(303, requests[0].entry->address); /* what loosens comes last */
    TEST_ASSERT_NOT_NULL(strstr(s_why, "over_heat_cutoff 60 degC -> 65 degC loosens a protection"));
    TEST_ASSERT_NOT_NULL(
        strstr(s_why, "charge_over_current_cutoff 130 A would be above discharge_over_current_cutoff 120 A"));
    TEST_ASSERT_NOT_NULL(strstr(s_why, "low_temperature_charger_cutoff -5 degC -> -25 degC loosens a protection"));
    TEST_ASSERT_NULL(strstr(s_why, "early_balancing_threshold"));
}

TEST_CASE("a plan is refused for the worst that is in it", "[tinybms]")
{
    tinybms_write_request_t requests[] = {to("over_heat_cutoff", 65), to("fully_charged_voltage", 4250)};
    begin();
    TEST_ASSERT_EQUAL(WEB_VERDICT_REFUSED, plan(requests, 2));
    TEST_ASSERT_EQUAL(2, s_count);
    TEST_ASSERT_EQUAL_UINT16(300, requests[0].entry->address);
    TEST_ASSERT_EQUAL_STRING("fully_charged_voltage 4.25 V would be above over_voltage_cutoff 4.2 V", s_why);
}

TEST_CASE("whoever is refused learns what does not fit", "[tinybms]")
{
    static const struct {
        const char *name;
        int64_t raw;
        const char *why;
    } cases[] = {
        {"over_voltage_cutoff", 4100, "fully_charged_voltage 4.15 V would be above over_voltage_cutoff 4.1 V"},
        {"over_voltage_cutoff", 4501, "over_voltage_cutoff must be 1.2 V to 4.5 V"},
        {"under_voltage_cutoff", 3000, "under_voltage_cutoff 3 V would not be below fully_discharged_voltage 3 V"},
        {"low_temperature_charger_cutoff", -41, "low_temperature_charger_cutoff must be -40 degC to 10 degC"},
        {"state_of_charge_set", 50001, "state_of_charge_set must be 0 % to 100 %"},
        {"battery_capacity", 9, "battery_capacity must be 0.1 Ah to 655 Ah"},
        {"series_cells", 16, "series_cells cannot be 16: the BMS measures 14"},
        {"peak_discharge_current_cutoff", 65536, "peak_discharge_current_cutoff must be 0 A to 65535 A"},
    };
    begin();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ROW("cases[%u]", (unsigned)i);
        tinybms_write_request_t request = to(cases[i].name, cases[i].raw);
        TEST_ASSERT_EQUAL(WEB_VERDICT_REFUSED, plan(&request, 1));
        TEST_ASSERT_EQUAL_STRING(cases[i].why, s_why);
    }
}

TEST_CASE("a plan without a measured cell does not change their number", "[tinybms]")
{
    tinybms_write_request_t request = to("series_cells", 15);
    begin();
    s_count = 1;
    TEST_ASSERT_EQUAL(WEB_VERDICT_REFUSED, web_plan(s_settings, 0, &request, &s_count, s_why, sizeof(s_why)));
    TEST_ASSERT_EQUAL_STRING("series_cells cannot be 15: the BMS measures no cell", s_why);
}

TEST_CASE("more reasons than there is room for end with dots", "[tinybms]")
{
    tinybms_write_request_t requests[] = {to("over_heat_cutoff", 65), to("charge_over_current_cutoff", 110),
                                          to("low_temperature_charger_cutoff", -6), to("over_voltage_cutoff", 4300)};
    for (size_t size = 4; size < 250; size++) {
        ROW("room for %u", (unsigned)size);
        char why[256];
        size_t count = 4;
        memset(why, '#', sizeof(why));
        begin();
        TEST_ASSERT_EQUAL(WEB_VERDICT_NEEDS_CONFIRMATION, web_plan(s_settings, CELLS, requests, &count, why, size));
        TEST_ASSERT_NOT_NULL(memchr(why, '\0', size));
        TEST_ASSERT_EQUAL('#', why[size]);
        const size_t length = strlen(why);
        TEST_ASSERT_TRUE(length >= 3 &&
                         (strcmp(&why[length - 3], "...") == 0 || strcmp(&why[length - 10], "protection") == 0));
    }
}

TEST_CASE("whoever writes learns what has happened instead", "[tinybms]")
{
    static const struct {
        tinybms_write_result_t result;
        const char *text;
    } cases[] = {
        {{.status = TINYBMS_WRITE_CHANGED, .read_back = 4150}, "over_voltage_cutoff is 4.15 V now"},
        {{.status = TINYBMS_WRITE_NOT_VERIFIED, .read_back = 4190}, "over_voltage_cutoff: 4.19 V was read back"},
        {{.status = TINYBMS_WRITE_NOT_ANSWERED},
         "the BMS did not answer; over_voltage_cutoff may or may not have been written"},
        {{.status = TINYBMS_WRITE_REFUSED_BY_BMS}, "the BMS has refused over_voltage_cutoff"},
        {{.status = TINYBMS_WRITE_REPEATED}, "over_voltage_cutoff: named twice"},
        {{.status = TINYBMS_WRITE_BUSY}, "over_voltage_cutoff: another write is in progress"},
        {{.status = TINYBMS_WRITE_CONTRADICTS, .against = 99}, "over_voltage_cutoff: contradicts another setting"},
    };
    const tinybms_write_request_t request = to("over_voltage_cutoff", 4200);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ROW("cases[%u]", (unsigned)i);
        web_plan_explain(&request, &cases[i].result, s_why, sizeof(s_why));
        TEST_ASSERT_EQUAL_STRING(cases[i].text, s_why);
    }
}

TEST_CASE("a value is written as people do", "[tinybms]")
{
    static const struct {
        const char *name;
        int64_t raw;
        const char *text;
    } cases[] = {
        {"over_voltage_cutoff", 0, "0 V"},          {"over_voltage_cutoff", 1, "0.001 V"},
        {"over_voltage_cutoff", 3650, "3.65 V"},    {"over_voltage_cutoff", 65535, "65.535 V"},
        {"state_of_charge_set", 65535, "131.07 %"}, {"state_of_charge_set", 1, "0.002 %"},
        {"over_heat_cutoff", -5, "-5 degC"},        {"series_cells", 16, "16"},
        {"battery_capacity", 6600, "66 Ah"},        {"pulses_per_unit", 4294967295, "4294967295"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ROW("cases[%u]", (unsigned)i);
        char text[WEB_VALUE_MAX + 1];
        web_plan_value_text(tinybms_register_by_name(cases[i].name), cases[i].raw, text);
        TEST_ASSERT_EQUAL_STRING(cases[i].text, text);
    }
}

TEST_CASE("WEB_WRITABLE_COUNT counts the settings that can be written", "[tinybms]")
{
    size_t count = 0;
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        count += tinybms_register_at(i)->access == TINYBMS_READ_WRITE ? 1 : 0;
    }
    TEST_ASSERT_EQUAL(WEB_WRITABLE_COUNT, count);
}
