/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What may be written to a BMS, and in which order. */
#include <string.h>

#include "../row.h"
#include "tinybms_write_gate.h"
#include "unity.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CELLS           14

static uint16_t s_settings[TINYBMS_SETTINGS_COUNT];

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
    } nmc[] = {{300, 4150}, {301, 3000}, {304, 1000},   {305, 150}, {306, 6600},   {307, CELLS}, {315, 4200},
               {316, 2900}, {317, 120},  {318, 100},    {319, 60},  {320, 0xFFFB}, {321, 80},    {328, 65535},
               {329, 4},    {332, 5},    {330, 0x0501}, {333, 1},   {338, 2}};
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

static tinybms_write_request_t confirmed(tinybms_write_request_t request)
{
    request.confirmed = true;
    return request;
}

static tinybms_write_result_t judge(tinybms_write_request_t request)
{
    return tinybms_write_gate_judge(s_settings, CELLS, &request);
}

static void expect(tinybms_write_status_t status, uint16_t against, int64_t holds, tinybms_write_result_t result)
{
    TEST_ASSERT_EQUAL_STRING(tinybms_write_status_text(status), tinybms_write_status_text(result.status));
    TEST_ASSERT_EQUAL_UINT16(against, result.against);
    TEST_ASSERT_EQUAL_INT64(holds, result.read_back);
}

static void expect_allowed(tinybms_write_request_t request)
{
    expect(TINYBMS_WRITE_PENDING, 0, 0, judge(request));
}

/** Is refused without a confirmation, and allowed with one. */
static void expect_asked(uint16_t against, int64_t holds, tinybms_write_request_t request)
{
    expect(TINYBMS_WRITE_NEEDS_CONFIRMATION, against, holds, judge(request));
    expect_allowed(confirmed(request));
}

TEST_CASE("empty stays below full, and both between the cutoffs, whatever is confirmed", "[tinybms]")
{
    begin();
    expect(TINYBMS_WRITE_CONTRADICTS, 301, 3000, judge(confirmed(to("under_voltage_cutoff", 3000))));
    expect_allowed(confirmed(to("under_voltage_cutoff", 2999)));
    expect(TINYBMS_WRITE_CONTRADICTS, 316, 2900, judge(confirmed(to("fully_discharged_voltage", 2900))));
    expect_allowed(confirmed(to("fully_discharged_voltage", 2901)));
    expect(TINYBMS_WRITE_CONTRADICTS, 301, 3000, judge(confirmed(to("fully_charged_voltage", 3000))));
    expect_allowed(confirmed(to("fully_charged_voltage", 3001)));
    expect(TINYBMS_WRITE_CONTRADICTS, 315, 4200, judge(confirmed(to("fully_charged_voltage", 4201))));
    expect_allowed(confirmed(to("fully_charged_voltage", 4200)));
    expect(TINYBMS_WRITE_CONTRADICTS, 300, 4150, judge(confirmed(to("over_voltage_cutoff", 4149))));
    expect_allowed(confirmed(to("over_voltage_cutoff", 4150)));
    hold(300, 3400);
    expect(TINYBMS_WRITE_CONTRADICTS, 300, 3400, judge(confirmed(to("fully_discharged_voltage", 3400))));
    expect_allowed(to("fully_discharged_voltage", 3399));
}

TEST_CASE("a pack whose full voltage is its cutoff can be written", "[tinybms]")
{
    begin();
    hold(315, 4150);
    expect_allowed(to("fully_charged_voltage", 4100));
    expect_allowed(to("fully_discharged_voltage", 3100));
    expect_allowed(to("early_balancing_threshold", 4000));
}

TEST_CASE("what contradicted before can be put right, and does not forbid to write elsewhere", "[tinybms]")
{
    begin();
    hold(301, 4300); /* above full and its cutoff */
    expect_allowed(to("over_voltage_cutoff", 4180));
    expect_allowed(to("over_heat_cutoff", 55));
    expect(TINYBMS_WRITE_CONTRADICTS, 301, 4300, judge(to("fully_charged_voltage", 4100)));
    expect_allowed(confirmed(to("fully_discharged_voltage", 3000)));
    expect_allowed(to("fully_charged_voltage", 4150)); /* changes nothing */
    begin();
    hold(315, 0);
    expect(TINYBMS_WRITE_CONTRADICTS, 315, 0, judge(to("fully_charged_voltage", 4100)));
    expect_allowed(confirmed(to("over_voltage_cutoff", 4200)));
}

TEST_CASE("the number of cells is the one that is measured", "[tinybms]")
{
    begin();
    hold(307, 16);
    const tinybms_write_request_t right = to("series_cells", CELLS);
    const tinybms_write_request_t wrong = confirmed(to("series_cells", 15));
    expect_allowed(right);
    expect(TINYBMS_WRITE_CELL_COUNT, 307, CELLS, judge(wrong));
    expect(TINYBMS_WRITE_CELL_COUNT, 307, 0, tinybms_write_gate_judge(s_settings, 0, &right));
    expect_allowed(to("series_cells", 16)); /* is set already */
}

TEST_CASE("a charge cutoff above a discharge cutoff has to be confirmed, whichever of them is written", "[tinybms]")
{
    begin();
    expect_allowed(to("discharge_over_current_cutoff", 100));
    expect_asked(318, 100, to("discharge_over_current_cutoff", 99));
    expect_allowed(to("peak_discharge_current_cutoff", 100));
    expect_asked(318, 100, to("peak_discharge_current_cutoff", 99));
    hold(318, 300);
    expect_asked(305, 150, to("charge_over_current_cutoff", 151));
    expect_asked(317, 120, to("charge_over_current_cutoff", 121));
    expect_allowed(to("charge_over_current_cutoff", 120));
    expect_allowed(to("over_heat_cutoff", 50)); /* has nothing to do with it */
}

TEST_CASE("a peak cutoff of 0 is none: nothing is above it, and to set it so loosens it", "[tinybms]")
{
    begin();
    expect_asked(305, 150, to("peak_discharge_current_cutoff", 0));
    hold(305, 0);
    expect_allowed(to("charge_over_current_cutoff", 90));
    expect_allowed(to("peak_discharge_current_cutoff", 200));
    expect_allowed(to("peak_discharge_current_cutoff", 65535));
}

TEST_CASE("what loosens a protection has to be confirmed, what tightens it has not", "[tinybms]")
{
    static const struct {
        const char *name;
        uint16_t address;
        int64_t now;
        int64_t looser;
        int64_t tighter;
    } settings[] = {
        {"fully_charged_voltage", 300, 4150, 4151, 4149},
        {"fully_discharged_voltage", 301, 3000, 2999, 3001},
        {"charge_finished_current", 304, 1000, 999, 1001},
        {"peak_discharge_current_cutoff", 305, 150, 151, 149},
        {"charger_disable_delay", 311, 0, 1, 0},
        {"over_voltage_cutoff", 315, 4200, 4201, 4199},
        {"under_voltage_cutoff", 316, 2900, 2899, 2901},
        {"discharge_over_current_cutoff", 317, 120, 121, 119},
        {"charge_over_current_cutoff", 318, 100, 101, 99},
        {"over_heat_cutoff", 319, 60, 61, 59},
        {"low_temperature_charger_cutoff", 320, -5, -6, -4},
        {"charge_restart_level", 321, 80, 81, 79},
        {"switch_diagnostics_disabled", 329, 0, 1, 0},
        {"charge_restart_level_enabled", 329, 1, 0, 1},
        {"discharge_over_current_timeout", 330, 5, 6, 4},
        {"automatic_recovery", 332, 5, 4, 6},
        {"precharge_duration", 338, 2, 1, 3},
        /* which pin, sensor or mode protects: any other one; the one that it is changes nothing */
        {"battery_capacity", 306, 6600, 6601, 6600}, /* SOC follows it, and by SOC the gateway limits */
        {"ignition_input", 334, 0, 1, 0},
        {"state_of_charge_set", 328, 65535, 40000, 65535},
        {"external_current_sensor_inverted", 329, 0, 1, 0},
        {"charger_type", 330, 1, 0, 1},
        {"load_switch", 331, 0, 3, 0},
        {"charger_switch", 333, 1, 2, 1},
        {"charger_detection", 335, 0, 1, 0},
        {"precharge_pin", 337, 0, 2, 0},
        {"temperature_sensor_type", 339, 0, 1, 0},
        {"operation_mode", 340, 0, 1, 0},
        {"single_port_switch", 341, 0, 1, 0},
    };
    size_t guarded = 0;
    begin();
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        ROW("%s", settings[i].name);
        expect_asked(settings[i].address, settings[i].now, to(settings[i].name, settings[i].looser));
        expect_allowed(to(settings[i].name, settings[i].tighter));
    }
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        guarded += tinybms_register_at(i)->loosens != TINYBMS_LOOSENS_NEVER ? 1 : 0;
    }
    TEST_ASSERT_EQUAL(COUNT_OF(settings), guarded); /* none is missing above */
}

TEST_CASE("what protects nothing is not asked for", "[tinybms]")
{
    static const struct {
        const char *name;
        int64_t raw;
    } settings[] = {{"early_balancing_threshold", 4000},
                    {"allowed_disbalance", 100},
                    {"charger_startup_delay", 60},
                    {"pulses_per_unit", 100000},
                    {"distance_unit", 2},
                    {"battery_maximum_cycles", 65000},
                    {"state_of_health_set", 50000},
                    {"speed_sensor_input", 2},
                    {"broadcast_period", 7},
                    {"broadcast_protocol", 2}};
    begin();
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        ROW("%s", settings[i].name);
        expect_allowed(to(settings[i].name, settings[i].raw));
    }
}

TEST_CASE("charging below -20 degC has to be confirmed, also where it was allowed lower still", "[tinybms]")
{
    begin();
    hold(320, (uint16_t)-30);
    expect_asked(320, -30, to("low_temperature_charger_cutoff", -21));
    expect_allowed(to("low_temperature_charger_cutoff", -20));
    expect_allowed(to("low_temperature_charger_cutoff", -30)); /* changes nothing */
}

/* ---- many at once ---- */

/** Puts them in order and performs them, judging each by what the BMS has then. */
static void write_all(tinybms_write_request_t *requests, size_t count)
{
    expect(TINYBMS_WRITE_PENDING, 0, 0, tinybms_write_gate_order(s_settings, CELLS, requests, count));
    for (size_t i = 0; i < count; i++) {
        ROW("requests[%zu]", i);
        expect_allowed(requests[i]);
        tinybms_write_gate_put(s_settings, &requests[i]);
    }
}

static void expect_order(const uint16_t *addresses, const tinybms_write_request_t *requests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ROW("requests[%zu]", i);
        TEST_ASSERT_EQUAL_UINT16(addresses[i], requests[i].entry->address);
    }
}

static void expect_held(uint16_t full, uint16_t empty, uint16_t over, uint16_t under)
{
    TEST_ASSERT_EQUAL_UINT16(full, s_settings[0]);
    TEST_ASSERT_EQUAL_UINT16(empty, s_settings[1]);
    TEST_ASSERT_EQUAL_UINT16(over, s_settings[15]);
    TEST_ASSERT_EQUAL_UINT16(under, s_settings[16]);
}

/** The four voltages in the n-th of the 24 orders that they can be given in. */
static void four(tinybms_write_request_t *requests, int order, const int64_t *raws)
{
    static const char *const names[] = {"fully_charged_voltage", "fully_discharged_voltage", "over_voltage_cutoff",
                                        "under_voltage_cutoff"};
    bool used[4] = {false};
    for (int left = 4; left > 0; left--) {
        int skip = order % left;
        size_t i = 0;
        order /= left;
        while (used[i] || skip > 0) {
            skip -= used[i] ? 0 : 1;
            i++;
        }
        used[i] = true;
        requests[4 - left] = confirmed(to(names[i], raws[i]));
    }
}

TEST_CASE("from NMC to LFP and back, in whatever order they are given", "[tinybms]")
{
    static const int64_t lfp[] = {3450, 2950, 3650, 2800};
    static const int64_t nmc[] = {4150, 3200, 4200, 3000};
    static const int64_t lto[] = {2700, 1900, 2750, 1800}; /* full below what is empty for the others */
    tinybms_write_request_t requests[4];
    for (int order = 0; order < 24; order++) {
        ROW("order %d", order);
        begin();
        four(requests, order, lfp);
        write_all(requests, 4);
        expect_held(3450, 2950, 3650, 2800);
        four(requests, order, nmc);
        write_all(requests, 4);
        expect_held(4150, 3200, 4200, 3000);
        four(requests, order, lto);
        write_all(requests, 4);
        expect_held(2700, 1900, 2750, 1800);
        four(requests, order, lfp);
        write_all(requests, 4);
        expect_held(3450, 2950, 3650, 2800);
    }
}

TEST_CASE("what tightens goes first wherever it can, so that a cut leaves the battery protected", "[tinybms]")
{
    static const int64_t lfp[] = {3450, 2950, 3650, 2800};
    tinybms_write_request_t requests[4];
    begin();
    four(requests, 23, lfp);
    write_all(requests, 4);
    expect_order((const uint16_t[]){300, 315}, requests, 2); /* full, then its cutoff; empty gets looser */
}

TEST_CASE("a pack whose full voltage is its cutoff can be moved up and down", "[tinybms]")
{
    tinybms_write_request_t up[] = {confirmed(to("fully_charged_voltage", 4200)),
                                    confirmed(to("over_voltage_cutoff", 4200))};
    tinybms_write_request_t down[] = {to("over_voltage_cutoff", 4000), to("fully_charged_voltage", 4000)};
    begin();
    hold(315, 4150);
    write_all(up, 2);
    expect_order((const uint16_t[]){315, 300}, up, 2);
    write_all(down, 2);
    expect_order((const uint16_t[]){300, 315}, down, 2);
    expect_held(4000, 3000, 4000, 2900);
}

TEST_CASE("settings that tighten need no confirmation in any order, not even while one waits for the other",
          "[tinybms]")
{
    tinybms_write_request_t requests[] = {to("discharge_over_current_cutoff", 60), to("charge_over_current_cutoff", 50),
                                          to("peak_discharge_current_cutoff", 55)};
    begin();
    write_all(requests, 3);
    TEST_ASSERT_EQUAL_UINT16(318, requests[0].entry->address);
}

TEST_CASE("many are refused as a whole when the end contradicts, and the one that it is about is in front", "[tinybms]")
{
    tinybms_write_request_t requests[] = {to("over_heat_cutoff", 50), to("early_balancing_threshold", 3300),
                                          confirmed(to("over_voltage_cutoff", 3650))};
    begin();
    expect(TINYBMS_WRITE_CONTRADICTS, 300, 4150, tinybms_write_gate_order(s_settings, CELLS, requests, 3));
    expect_order((const uint16_t[]){315, 319, 303}, requests, 3);
}

TEST_CASE("each of many is judged, the first one too", "[tinybms]")
{
    tinybms_write_request_t requests[] = {confirmed(to("fully_charged_voltage", 4250)), to("over_heat_cutoff", 50),
                                          to("allowed_disbalance", 30), to("allowed_disbalance", 30)};
    begin();
    expect(TINYBMS_WRITE_CONTRADICTS, 315, 4200, tinybms_write_gate_order(s_settings, CELLS, requests, 3));
    expect(TINYBMS_WRITE_REPEATED, 0, 0, tinybms_write_gate_order(s_settings, CELLS, requests, 4));
}

TEST_CASE("what changes nothing keeps its place among many", "[tinybms]")
{
    tinybms_write_request_t requests[] = {to("over_voltage_cutoff", 4200), to("under_voltage_cutoff", 2900),
                                          to("charger_switch", 1), to("early_balancing_threshold", 4000),
                                          to("over_heat_cutoff", 50)};
    begin();
    write_all(requests, 5);
    expect_order((const uint16_t[]){315, 316, 333, 303, 319}, requests, 5);
}

TEST_CASE("the relations are between settings, and behind the last one is none", "[tinybms]")
{
    size_t count = 0;
    for (; tinybms_relation_at(count) != NULL; count++) {
        ROW("relation %zu", count);
        TEST_ASSERT_EQUAL(TINYBMS_READ_WRITE, tinybms_register_by_address(tinybms_relation_at(count)->lower)->access);
        TEST_ASSERT_EQUAL(TINYBMS_READ_WRITE, tinybms_register_by_address(tinybms_relation_at(count)->upper)->access);
    }
    TEST_ASSERT_EQUAL(5, count);
}

TEST_CASE("one that loosens among many has to be confirmed itself", "[tinybms]")
{
    tinybms_write_request_t requests[] = {confirmed(to("over_voltage_cutoff", 4250)), to("over_heat_cutoff", 70)};
    begin();
    expect(TINYBMS_WRITE_NEEDS_CONFIRMATION, 319, 60, tinybms_write_gate_order(s_settings, CELLS, requests, 2));
    expect_order((const uint16_t[]){319, 315}, requests, 2);
    requests[0].confirmed = true;
    write_all(requests, 2);
}

TEST_CASE("of many none is out of range, unknown, read-only, no setting, or named twice", "[tinybms]")
{
    const struct {
        tinybms_write_request_t request;
        tinybms_write_status_t status;
    } bad[] = {
        {to("over_heat_cutoff", 91), TINYBMS_WRITE_OUT_OF_RANGE},
        {to("no such register", 1), TINYBMS_WRITE_UNKNOWN_REGISTER},
        {to("pack_voltage", 1), TINYBMS_WRITE_NOT_WRITABLE},
        {{.kind = TINYBMS_WRITE_RESET_BMS}, TINYBMS_WRITE_NOT_WRITABLE},
        {to("allowed_disbalance", 30), TINYBMS_WRITE_REPEATED},
    };
    begin();
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        ROW("bad[%zu]", i);
        tinybms_write_request_t requests[] = {to("allowed_disbalance", 20), bad[i].request};
        const tinybms_write_result_t result = tinybms_write_gate_order(s_settings, CELLS, requests, 2);
        TEST_ASSERT_EQUAL(bad[i].status, result.status);
        TEST_ASSERT_TRUE(requests[0].entry == bad[i].request.entry && requests[0].raw == bad[i].request.raw);
    }
}

TEST_CASE("both halves of a packed register, and a value of 32 bits, go among the others", "[tinybms]")
{
    tinybms_write_request_t requests[] = {confirmed(to("discharge_over_current_timeout", 30)),
                                          confirmed(to("charger_type", 0)), to("pulses_per_unit", 99999),
                                          to("broadcast_protocol", 2)};
    begin();
    write_all(requests, 4);
    TEST_ASSERT_EQUAL_HEX16(0x1E00, s_settings[30]);
    TEST_ASSERT_EQUAL_HEX16(0x869F, s_settings[12]);
    TEST_ASSERT_EQUAL_HEX16(0x0001, s_settings[13]);
    TEST_ASSERT_EQUAL_HEX16(2, s_settings[43]);
}

TEST_CASE("settings that hold each other up are not forced: either first would contradict", "[tinybms]")
{
    tinybms_write_request_t requests[] = {to("early_balancing_threshold", 3300),
                                          confirmed(to("fully_discharged_voltage", 3300)),
                                          confirmed(to("fully_charged_voltage", 3400))};
    begin();
    hold(301, 3500); /* empty above full, and the one that is written first would be on the wrong side */
    hold(300, 3200);
    expect(TINYBMS_WRITE_NO_ORDER, 0, 0, tinybms_write_gate_order(s_settings, CELLS, requests, 3));
    TEST_ASSERT_EQUAL_UINT16(301, requests[0].entry->address);
}

TEST_CASE("no writes at all are in order", "[tinybms]")
{
    tinybms_write_request_t none = to("over_heat_cutoff", 500);
    begin();
    expect(TINYBMS_WRITE_PENDING, 0, 0, tinybms_write_gate_order(s_settings, CELLS, &none, 0));
}

/** A write of somebody who has seen `from`. */
static tinybms_write_request_t seen(tinybms_write_request_t request, int64_t from)
{
    request.expects = true;
    request.from = from;
    return request;
}

TEST_CASE("what somebody else has changed meanwhile is not written over", "[tinybms]")
{
    tinybms_write_request_t requests[] = {seen(to("over_voltage_cutoff", 4180), 4200),
                                          seen(to("fully_charged_voltage", 4100), 4140)};
    begin();
    expect_allowed(seen(to("over_voltage_cutoff", 4180), 4200));
    expect(TINYBMS_WRITE_CHANGED, 315, 4200, judge(seen(to("over_voltage_cutoff", 4180), 4190)));
    expect(TINYBMS_WRITE_CHANGED, 315, 4200, judge(seen(to("over_voltage_cutoff", 4200), 4190)));
    expect(TINYBMS_WRITE_CHANGED, 320, -5, judge(seen(to("low_temperature_charger_cutoff", 0), 5)));
    expect_allowed(seen(to("low_temperature_charger_cutoff", 0), -5));
    expect(TINYBMS_WRITE_CHANGED, 300, 4150, tinybms_write_gate_order(s_settings, CELLS, requests, 2));
    TEST_ASSERT_EQUAL_UINT16(300, requests[0].entry->address);
}
