/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "line.h"
#include "unity.h"

static line_t s_line;

static tinybms_write_request_t setting(const char *name, int64_t raw)
{
    return (tinybms_write_request_t){
        .kind = TINYBMS_WRITE_SETTING, .confirmed = true, .entry = tinybms_register_by_name(name), .raw = raw};
}

static tinybms_write_result_t write_setting(const char *name, int64_t raw)
{
    const tinybms_write_request_t request = setting(name, raw);
    return line_write(&s_line, &request);
}

static void begin(void)
{
    line_begin(&s_line, 0);
    line_run(&s_line, 1000);
}

TEST_CASE("a setting is written and read back", "[tinybms]")
{
    begin();
    const tinybms_write_result_t result = write_setting("over_voltage_cutoff", 4200);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, result.status);
    TEST_ASSERT_EQUAL_INT64(4200, result.read_back);
    TEST_ASSERT_EQUAL_UINT16(4200, s_line.registers[315]);
    TEST_ASSERT_EQUAL(1, s_line.writes);
}

TEST_CASE("settings are read again after a write", "[tinybms]")
{
    begin();
    (void)write_setting("fully_charged_voltage", 4100);
    line_run(&s_line, 300);
    TEST_ASSERT_EQUAL_UINT16(4100, tinybms_session_snapshot(&s_line.session)->settings[0]);
}

TEST_CASE("a value out of range is refused with the range and nothing is sent", "[tinybms]")
{
    begin();
    tinybms_write_result_t result = write_setting("over_voltage_cutoff", 4501);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OUT_OF_RANGE, result.status);
    TEST_ASSERT_EQUAL_INT32(1200, result.min);
    TEST_ASSERT_EQUAL_INT32(4500, result.max);
    result = write_setting("low_temperature_charger_cutoff", -41);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OUT_OF_RANGE, result.status);
    TEST_ASSERT_EQUAL_INT32(-40, result.min);
    line_run(&s_line, 1000);
    TEST_ASSERT_EQUAL(0, s_line.writes);
}

TEST_CASE("an unknown or read-only register is refused and nothing is sent", "[tinybms]")
{
    begin();
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_UNKNOWN_REGISTER, write_setting("no such register", 1).status);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_WRITABLE, write_setting("pack_voltage", 1).status);
    line_run(&s_line, 1000);
    TEST_ASSERT_EQUAL(0, s_line.writes);
}

TEST_CASE("a negative value goes out as two's complement", "[tinybms]")
{
    begin();
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, write_setting("low_temperature_charger_cutoff", -20).status);
    TEST_ASSERT_EQUAL_HEX16(0xFFEC, s_line.registers[320]);
}

TEST_CASE("a packed register is read, modified and written", "[tinybms]")
{
    begin();
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, write_setting("discharge_over_current_timeout", 30).status);
    TEST_ASSERT_EQUAL_HEX16(0x1E01, s_line.registers[330]);
    s_line.registers[329] = 0x0006;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, write_setting("external_current_sensor_inverted", 1).status);
    TEST_ASSERT_EQUAL_HEX16(0x0007, s_line.registers[329]);
}

TEST_CASE("a value of 32 bits goes out low word first, in one request", "[tinybms]")
{
    begin();
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, write_setting("pulses_per_unit", 100000).status);
    TEST_ASSERT_EQUAL_HEX16(0x86A0, s_line.registers[312]);
    TEST_ASSERT_EQUAL_HEX16(0x0001, s_line.registers[313]);
    TEST_ASSERT_EQUAL(1, s_line.writes);
}

TEST_CASE("state of charge is verified by the live value, because its setting reads FFFF", "[tinybms]")
{
    begin();
    const tinybms_write_result_t result = write_setting("state_of_charge_set", 25000); /* 50 % */
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, result.status);
    TEST_ASSERT_EQUAL_HEX16(0xFFFF, s_line.registers[328]);
    TEST_ASSERT_EQUAL_UINT32(50000000, s_line.registers[46] | (uint32_t)s_line.registers[47] << 16);
}

TEST_CASE("state of health is verified by register 45", "[tinybms]")
{
    begin();
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, write_setting("state_of_health_set", 47500).status);
    TEST_ASSERT_EQUAL_UINT16(47500, s_line.registers[45]);
    s_line.forget_writes = true;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_VERIFIED, write_setting("state_of_health_set", 40000).status);
}

TEST_CASE("a write that the BMS forgets is reported with what was read back", "[tinybms]")
{
    begin();
    s_line.forget_writes = true;
    const tinybms_write_result_t result = write_setting("fully_charged_voltage", 4000);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_VERIFIED, result.status);
    TEST_ASSERT_EQUAL_INT64(4150, result.read_back);
    TEST_ASSERT_EQUAL_UINT32(1, tinybms_session_counters(&s_line.session)->writes_failed);
}

TEST_CASE("a write that the BMS refuses says so", "[tinybms]")
{
    begin();
    s_line.fault = LINE_REFUSING;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_REFUSED_BY_BMS, write_setting("fully_charged_voltage", 4000).status);
}

TEST_CASE("a write to a silent BMS ends, and polling goes on", "[tinybms]")
{
    begin();
    s_line.fault = LINE_SILENT;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_ANSWERED, write_setting("fully_charged_voltage", 4000).status);
    TEST_ASSERT_LESS_THAN(10000, s_line.now_ms);
    s_line.fault = LINE_GOOD;
    const int snapshots = s_line.snapshots;
    line_run(&s_line, 3000);
    TEST_ASSERT_GREATER_THAN(snapshots + 8, s_line.snapshots);
}

TEST_CASE("a write gets through a line on which half of the answers are bad", "[tinybms]")
{
    int done = 0;
    begin();
    s_line.fault = LINE_HALF_BAD;
    for (int i = 0; i < 50; i++) {
        const tinybms_write_result_t result = write_setting("fully_charged_voltage", 4000 + i);
        TEST_ASSERT_TRUE(result.status == TINYBMS_WRITE_OK || result.status == TINYBMS_WRITE_NOT_ANSWERED);
        done += result.status == TINYBMS_WRITE_OK ? 1 : 0;
    }
    TEST_ASSERT_GREATER_OR_EQUAL(45, done);
}

TEST_CASE("polling goes on while a write is under way", "[tinybms]")
{
    begin();
    s_line.forget_writes = true; /* the verification is tried for a while */
    const int snapshots = s_line.snapshots;
    const int64_t start_ms = s_line.now_ms;
    (void)write_setting("fully_charged_voltage", 4000);
    TEST_ASSERT_GREATER_OR_EQUAL((s_line.now_ms - start_ms) / 200 - 1, s_line.snapshots - snapshots);
}

TEST_CASE("one write at a time", "[tinybms]")
{
    begin();
    const tinybms_write_request_t first = setting("fully_charged_voltage", 4000);
    const tinybms_write_request_t second = setting("fully_charged_voltage", 4100);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_PENDING, tinybms_session_write(&s_line.session, &first, s_line.now_ms).status);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_BUSY, tinybms_session_write(&s_line.session, &second, s_line.now_ms).status);
    line_run(&s_line, 1000);
    TEST_ASSERT_EQUAL_UINT16(4000, s_line.registers[300]);
}

TEST_CASE("clearing the events is verified by the list", "[tinybms]")
{
    const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_CLEAR_EVENTS};
    begin();
    s_line.events[0] = (tinybms_event_t){.time_s = 1000, .id = 0x64};
    s_line.event_count = 1;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, line_write(&s_line, &request).status);
    TEST_ASSERT_EQUAL(0, s_line.event_count);
    s_line.events[0] = (tinybms_event_t){.time_s = 1000, .id = 0x64};
    s_line.event_count = 1;
    s_line.forget_writes = true;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_VERIFIED, line_write(&s_line, &request).status);
}

TEST_CASE("clearing the statistics is verified by the counters of protections", "[tinybms]")
{
    const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_CLEAR_STATISTICS};
    begin();
    s_line.registers[106] = 3;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, line_write(&s_line, &request).status);
    s_line.registers[106] = 3;
    s_line.forget_writes = true;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_VERIFIED, line_write(&s_line, &request).status);
}

TEST_CASE("a write that came to the BMS damaged is repeated", "[tinybms]")
{
    begin();
    const tinybms_write_request_t request = setting("fully_charged_voltage", 4000);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_PENDING, tinybms_session_write(&s_line.session, &request, s_line.now_ms).status);
    s_line.crc_refusals = 1;
    s_line.crc_refused = 0x10;
    line_run(&s_line, 1000);
    TEST_ASSERT_EQUAL(2, s_line.requests[0x10]);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, s_line.write_result.status);
    TEST_ASSERT_EQUAL_UINT16(4000, s_line.registers[300]);
}

TEST_CASE("a reset is sent once, however its answer comes", "[tinybms]")
{
    static const line_fault_t faults[] = {LINE_GOOD, LINE_FLIPPED, LINE_CUT, LINE_SILENT};
    const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_RESET_BMS};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        ROW("faults[%zu]", i);
        begin();
        TEST_ASSERT_EQUAL(TINYBMS_WRITE_PENDING,
                          tinybms_session_write(&s_line.session, &request, s_line.now_ms).status);
        s_line.fault = faults[i];
        while (s_line.requests[0x02] == 0) {
            line_run(&s_line, 1);
        }
        line_run(&s_line, 300);
        s_line.fault = LINE_GOOD;
        line_run(&s_line, 5000);
        TEST_ASSERT_TRUE(s_line.write_done);
        TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, s_line.write_result.status);
        TEST_ASSERT_EQUAL(1, s_line.requests[0x02]);
    }
}

TEST_CASE("a reset that the BMS says came damaged is sent again", "[tinybms]")
{
    const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_RESET_BMS};
    begin();
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_PENDING, tinybms_session_write(&s_line.session, &request, s_line.now_ms).status);
    s_line.crc_refusals = 1;
    s_line.crc_refused = 0x02;
    line_run(&s_line, 5000);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, s_line.write_result.status);
    TEST_ASSERT_EQUAL(2, s_line.requests[0x02]);
    TEST_ASSERT_EQUAL(1, s_line.event_count);
}

TEST_CASE("an earlier start is no proof of a reset", "[tinybms]")
{
    const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_RESET_BMS};
    line_begin(&s_line, 0);
    s_line.events[0] = (tinybms_event_t){.time_s = s_line.bms_time_s - 10, .id = 0x61};
    s_line.event_count = 1;
    line_run(&s_line, 1000);
    s_line.deaf_to = 0x02;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_VERIFIED, line_write(&s_line, &request).status);
}

TEST_CASE("a reset is verified by the event of the start", "[tinybms]")
{
    const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_RESET_BMS};
    begin();
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, line_write(&s_line, &request).status);
    begin();
    s_line.forget_writes = true;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_VERIFIED, line_write(&s_line, &request).status);
}

TEST_CASE("a write is judged by what the BMS holds then, not by what was read before", "[tinybms]")
{
    begin();
    s_line.registers[315] = 4100; /* since the settings were read */
    const tinybms_write_result_t result = write_setting("fully_charged_voltage", 4120);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_CONTRADICTS, result.status);
    TEST_ASSERT_EQUAL_UINT16(315, result.against);
    TEST_ASSERT_EQUAL_INT64(4100, result.read_back);
    s_line.registers[315] = 4300;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, write_setting("fully_charged_voltage", 4290).status);
    TEST_ASSERT_EQUAL(1, s_line.writes);
}

TEST_CASE("a write that loosens a protection and is not confirmed is not sent", "[tinybms]")
{
    tinybms_write_request_t request = setting("over_voltage_cutoff", 4250);
    request.confirmed = false;
    begin();
    const tinybms_write_result_t result = line_write(&s_line, &request);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NEEDS_CONFIRMATION, result.status);
    TEST_ASSERT_EQUAL_UINT16(315, result.against);
    TEST_ASSERT_EQUAL_INT64(4200, result.read_back);
    request.raw = 4180;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, line_write(&s_line, &request).status);
    TEST_ASSERT_EQUAL(1, s_line.writes);
    TEST_ASSERT_EQUAL_UINT32(1, tinybms_session_counters(&s_line.session)->writes_failed);
}

TEST_CASE("without the settings nothing is written", "[tinybms]")
{
    begin();
    s_line.refused = 0x03;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_REFUSED_BY_BMS, write_setting("over_heat_cutoff", 50).status);
    s_line.refused = 0;
    s_line.deaf_to = 0x03;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_ANSWERED, write_setting("over_heat_cutoff", 50).status);
    TEST_ASSERT_EQUAL(0, s_line.requests[0x10]);
}

TEST_CASE("the number of cells is set to what a live block of the last 3 s measures", "[tinybms]")
{
    begin();
    s_line.registers[307] = 16;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_CELL_COUNT, write_setting("series_cells", 13).status);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, write_setting("series_cells", 14).status);
    const int64_t seen_ms = tinybms_session_snapshot(&s_line.session)->taken_ms;
    tinybms_session_feed(&s_line.session, NULL, 0, seen_ms + 3000);
    TEST_ASSERT_EQUAL_UINT8(14, tinybms_session_cells(&s_line.session));
    tinybms_session_feed(&s_line.session, NULL, 0, seen_ms + 3001);
    TEST_ASSERT_EQUAL_UINT8(0, tinybms_session_cells(&s_line.session));
}

TEST_CASE("a cell is a register of 0 to 15 that reads anything but 0", "[tinybms]")
{
    begin();
    s_line.registers[0] = 1;
    s_line.registers[1] = 1;
    s_line.registers[7] = 0;
    s_line.registers[16] = 1;
    line_run_until_more(&s_line, &s_line.snapshots);
    TEST_ASSERT_EQUAL_UINT8(15, tinybms_session_cells(&s_line.session));
}

TEST_CASE("before the first live block no number of cells is known, nor a setting", "[tinybms]")
{
    line_begin(&s_line, 0);
    TEST_ASSERT_EQUAL_UINT8(0, tinybms_session_cells(&s_line.session));
    TEST_ASSERT_NULL(tinybms_session_settings(&s_line.session));
    const tinybms_write_result_t result = write_setting("series_cells", 13);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_CELL_COUNT, result.status);
    TEST_ASSERT_EQUAL_INT64(0, result.read_back);
    TEST_ASSERT_EQUAL(0, s_line.writes);
}

TEST_CASE("the settings can be read without a write, which counts as none", "[tinybms]")
{
    const tinybms_write_request_t look = {.kind = TINYBMS_WRITE_NOTHING};
    begin();
    s_line.registers[319] = 55;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, line_write(&s_line, &look).status);
    TEST_ASSERT_EQUAL_UINT16(55, tinybms_session_settings(&s_line.session)[19]);
    TEST_ASSERT_EQUAL_UINT16(4150, tinybms_session_settings(&s_line.session)[0]);
    TEST_ASSERT_EQUAL(0, s_line.requests[0x10]);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_counters(&s_line.session)->writes);
    s_line.deaf_to = 0x03;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_ANSWERED, line_write(&s_line, &look).status);
    TEST_ASSERT_EQUAL_UINT32(1, tinybms_session_counters(&s_line.session)->writes_failed);
}

TEST_CASE("every status has a text of its own", "[tinybms]")
{
    for (int status = TINYBMS_WRITE_PENDING; status <= TINYBMS_WRITE_CHANGED; status++) {
        for (int other = TINYBMS_WRITE_PENDING; other < status; other++) {
            ROW("statuses %d and %d", status, other);
            TEST_ASSERT_TRUE(strcmp(tinybms_write_status_text((tinybms_write_status_t)other),
                                    tinybms_write_status_text((tinybms_write_status_t)status)) != 0);
        }
    }
    TEST_ASSERT_EQUAL_STRING("unknown", tinybms_write_status_text((tinybms_write_status_t)999));
}
