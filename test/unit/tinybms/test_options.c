/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "line.h"
#include "unity.h"

#define UNTOUCHED 0xDEAD

static line_t s_line;
static uint16_t s_words[TINYBMS_SETTINGS_COUNT + 1]; /**< and one that must stay as it is */

static void begin(void)
{
    line_begin(&s_line, 0);
    line_run(&s_line, 1000);
    for (size_t i = 0; i < TINYBMS_SETTINGS_COUNT + 1; i++) {
        s_words[i] = UNTOUCHED;
    }
}

static tinybms_write_status_t read_option(int64_t option)
{
    const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_OPTIONS, .words = s_words, .raw = option};
    return line_write(&s_line, &request).status;
}

static void expect_untouched(void)
{
    for (size_t i = 0; i < TINYBMS_SETTINGS_COUNT + 1; i++) {
        ROW("word %zu", i);
        TEST_ASSERT_EQUAL_HEX16(UNTOUCHED, s_words[i]);
    }
}

TEST_CASE("least, greatest, default and present values of all settings are read on request", "[tinybms]")
{
    for (unsigned option = 1; option <= 4; option++) {
        begin();
        TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, read_option(option));
        for (unsigned i = 0; i < TINYBMS_SETTINGS_COUNT; i++) {
            ROW("option %u, register %u", option, 300 + i);
            TEST_ASSERT_EQUAL_HEX16(line_option(&s_line, option, 300 + i), s_words[i]);
        }
        TEST_ASSERT_EQUAL_HEX16(UNTOUCHED, s_words[TINYBMS_SETTINGS_COUNT]);
        TEST_ASSERT_EQUAL(1, s_line.requests[0x1D]);
    }
}

TEST_CASE("what is no option is refused, and nothing is sent", "[tinybms]")
{
    static const int64_t wrong[] = {0, 5, -1, 257};
    begin();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ROW("wrong[%zu]", i);
        const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_OPTIONS, .words = s_words, .raw = wrong[i]};
        const tinybms_write_result_t result = tinybms_session_write(&s_line.session, &request, s_line.now_ms);
        TEST_ASSERT_EQUAL(TINYBMS_WRITE_OUT_OF_RANGE, result.status);
    }
    line_run(&s_line, 1000);
    TEST_ASSERT_EQUAL(0, s_line.requests[0x1D]);
    expect_untouched();
}

TEST_CASE("a BMS that does not know the command refuses it once, and nothing is filled", "[tinybms]")
{
    begin();
    s_line.refused = 0x1D;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_REFUSED_BY_BMS, read_option(TINYBMS_OPTION_MIN));
    TEST_ASSERT_EQUAL(1, s_line.requests[0x1D]);
    expect_untouched();
}

TEST_CASE("a request that came to the BMS damaged is sent again", "[tinybms]")
{
    begin();
    s_line.crc_refusals = 1;
    s_line.crc_refused = 0x1D;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, read_option(TINYBMS_OPTION_MAX));
    TEST_ASSERT_EQUAL(2, s_line.requests[0x1D]);
}

TEST_CASE("an answer that is short, long or damaged fills nothing and ends as not answered", "[tinybms]")
{
    static const struct {
        int options_more;
        line_fault_t fault;
    } rows[] = {{-1, LINE_GOOD}, {-44, LINE_GOOD}, {1, LINE_GOOD}, {56, LINE_GOOD}, {0, LINE_BAD_CRC}, {0, LINE_CUT}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ROW("rows[%zu]", i);
        begin();
        s_line.options_more = rows[i].options_more;
        s_line.fault = rows[i].fault;
        TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_ANSWERED, read_option(TINYBMS_OPTION_DEFAULT));
        expect_untouched();
        s_line.options_more = 0;
        s_line.fault = LINE_GOOD;
        TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, read_option(TINYBMS_OPTION_DEFAULT));
        TEST_ASSERT_EQUAL_HEX16(line_option(&s_line, 3, 343), s_words[43]);
    }
}

TEST_CASE("a silent BMS is given up after a few seconds; live blocks are polled between the tries", "[tinybms]")
{
    begin();
    s_line.deaf_to = 0x1D;
    const int64_t since_ms = s_line.now_ms;
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_ANSWERED, read_option(TINYBMS_OPTION_MIN));
    TEST_ASSERT_LESS_THAN(since_ms + 5000, s_line.now_ms);
    TEST_ASSERT_LESS_THAN(600, s_line.oldest_age_ms); /* limits are not held up */
    expect_untouched();
}

TEST_CASE("live blocks come as often while ranges are read, and events and settings are not read for them", "[tinybms]")
{
    begin();
    s_line.oldest_age_ms = 0;
    const int settings = s_line.settings_requests;
    const int lists = s_line.requests[0x12];
    const int snapshots = s_line.snapshots;
    const int64_t since_ms = s_line.now_ms;
    for (unsigned round = 0; round < 10; round++) {
        TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, read_option(1 + round % 4));
        line_run(&s_line, 150);
    }
    TEST_ASSERT_GREATER_OR_EQUAL((s_line.now_ms - since_ms) / 200, s_line.snapshots - snapshots);
    TEST_ASSERT_LESS_OR_EQUAL(230, s_line.oldest_age_ms);
    TEST_ASSERT_EQUAL(settings, s_line.settings_requests);
    TEST_ASSERT_EQUAL(lists, s_line.requests[0x12]);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_counters(&s_line.session)->writes);
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_session_counters(&s_line.session)->writes_failed);
}

TEST_CASE("ranges are not read while a write is in progress, and the other way round", "[tinybms]")
{
    const tinybms_write_request_t options = {.kind = TINYBMS_WRITE_OPTIONS, .words = s_words, .raw = 1};
    const tinybms_write_request_t setting = {
        .confirmed = true, .entry = tinybms_register_by_name("fully_charged_voltage"), .raw = 4100};
    begin();
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_PENDING, tinybms_session_write(&s_line.session, &options, s_line.now_ms).status);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_BUSY, tinybms_session_write(&s_line.session, &setting, s_line.now_ms).status);
    line_run(&s_line, 500);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, s_line.write_result.status);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_PENDING, tinybms_session_write(&s_line.session, &setting, s_line.now_ms).status);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_BUSY, tinybms_session_write(&s_line.session, &options, s_line.now_ms).status);
    line_run(&s_line, 500);
    TEST_ASSERT_EQUAL_UINT16(4100, s_line.registers[300]);
}
