/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "../row.h"
#include "report.h"
#include "unity.h"

static report_view_t s_view; /* too large for the stack of a chip */
static char s_text[24576];
static json_stream_t s_json;

static void begin(void)
{
    json_stream_init(&s_json, s_text, sizeof(s_text), NULL, NULL);
}

static report_view_t *nothing_known(void)
{
    s_view = (report_view_t){.version = "1.2.3", .device = "tinybms-a1b2c3"};
    begin();
    return &s_view;
}

static void assert_has(const char *piece)
{
    TEST_ASSERT_TRUE_MESSAGE(json_stream_end(&s_json), "not whole");
    TEST_ASSERT_TRUE_MESSAGE(strstr(s_text, piece) != NULL, piece);
}

static void assert_has_not(const char *piece)
{
    TEST_ASSERT_TRUE_MESSAGE(strstr(s_text, piece) == NULL, piece);
}

TEST_CASE("the status tells version, name and interface, and nothing else", "[report]")
{
    report_status(&s_json, nothing_known());
    TEST_ASSERT_TRUE(json_stream_end(&s_json));
    TEST_ASSERT_EQUAL_STRING("{\"version\":\"1.2.3\",\"device\":\"tinybms-a1b2c3\",\"api\":1}", s_text);
}

TEST_CASE("before the first state everything is null, and nothing is 0 by convention", "[report]")
{
    report_state(&s_json, NULL, nothing_known());
    assert_has("\"age_ms\":null");
    assert_has("\"status\":\"unknown\",\"publishing\":false");
    assert_has("\"pack_voltage_mv\":null,\"pack_current_ma\":null,\"soc_ppm\":null");
    assert_has("\"cell_count\":null,\"cell_100uv\":[]");
    assert_has("\"cell_min_number\":null");
    assert_has("\"ccl_ma\":{\"value\":null,\"reason\":\"none\"}");
    assert_has("\"energy_in_wh\":null");
}

TEST_CASE("a measured 0 is 0, and a current out of the battery is negative", "[report]")
{
    report_view_t *const view = nothing_known();
    view->state.pack_current_ma = (battery_quantity_t){.known = true, .value = -12500};
    view->state.soc_ppm = (battery_quantity_t){.known = true, .value = 0};
    view->state.ccl_ma = (battery_limit_t){.known = true, .value = 0, .reason = BATTERY_REASON_BMS_FAULT};
    report_state(&s_json, NULL, view);
    assert_has("\"pack_current_ma\":-12500,\"soc_ppm\":0");
    assert_has("\"ccl_ma\":{\"value\":0,\"reason\":\"bms_fault\"}");
}

TEST_CASE("cells keep their places: a place without a cell is 0 in the list, and no cell of its own", "[report]")
{
    report_view_t *const view = nothing_known();
    view->state.cell_count = 2;
    view->state.cell_100uv[1] = 33500;
    view->state.cell_100uv[2] = 33400;
    view->state.cell_min_register = (battery_quantity_t){.known = true, .value = 2};
    report_state(&s_json, NULL, view);
    assert_has("\"cell_100uv\":[0,33500,33400]");
    assert_has("\"cell_min_number\":3");
    begin();
    report_cells(&s_json, view);
    assert_has("\"cells\":[{\"number\":2,\"voltage_100uv\":33500,\"lowest\":false,\"highest\":false},"
               "{\"number\":3,\"voltage_100uv\":33400,\"lowest\":true,\"highest\":false}]");
}

TEST_CASE("each limiter says what it allows, and null if it does not limit", "[report]")
{
    report_view_t *const view = nothing_known();
    view->state.ccl_limiter_ma[BATTERY_REASON_SOC] = (battery_quantity_t){.known = true, .value = 7000};
    report_limits(&s_json, view);
    assert_has("{\"reason\":\"soc\",\"text\":\"");
    assert_has("\"allows_ma\":7000}");
    assert_has("{\"reason\":\"bms_setting\",\"text\":\"");
    TEST_ASSERT_TRUE_MESSAGE(strstr(s_text, "{\"reason\":\"none\",\"text\":\"none\",\"allows_ma\"") == NULL,
                             "none is no limiter");
}

TEST_CASE("open faults are told with their text", "[report]")
{
    report_view_t *const view = nothing_known();
    view->has_snapshot = true;
    view->snapshot.fault_count = 2;
    view->snapshot.faults[0] = 0x02;
    view->snapshot.faults[1] = 0x03;
    report_alarms(&s_json, view);
    assert_has("\"faults\":[{\"id\":2,\"text\":\"");
    assert_has("{\"id\":3,\"text\":\"");
    assert_has("\"faults_known\":false");
}

TEST_CASE("the newest 49 events are told, the newest last", "[report]")
{
    report_view_t *const view = nothing_known();
    for (uint32_t i = 0; i < 60; i++) {
        view->now_ms = 1000 + i;
        report_note_event(view, &(tinybms_event_t){.id = 0x03, .time_s = i});
    }
    report_events(&s_json, view);
    assert_has("\"bms_time_s\":11,\"seen_ms\":1011}");
    assert_has("\"bms_time_s\":59,\"seen_ms\":1059}]}");
    assert_has_not("\"bms_time_s\":10,");
}

static void know_settings(report_view_t *view)
{
    view->has_snapshot = true;
    view->now_ms = 5000;
    view->snapshot.settings_known = true;
    view->snapshot.settings_ms = 2000;
    view->snapshot.settings[315 - TINYBMS_SETTINGS_FIRST] = 4200;
}

TEST_CASE("a register has its value in its unit, and the limits of the BMS once it has told them", "[report]")
{
    report_view_t *const view = nothing_known();
    know_settings(view);
    report_registers(&s_json, view);
    assert_has("\"settings_known\":true,\"settings_age_ms\":3000");
    assert_has("{\"address\":315,\"name\":\"over_voltage_cutoff\",\"unit\":\"V\"");
    assert_has("\"writable\":true,\"value\":4.2,\"min\":null,\"max\":null,\"default\":null}");
    view->option_max.known = true;
    view->option_max.words[315 - TINYBMS_SETTINGS_FIRST] = 4500;
    begin();
    report_registers(&s_json, view);
    assert_has("\"value\":4.2,\"min\":null,\"max\":4.5,\"default\":null}");
}

TEST_CASE("a sensor that is not connected and a float that is no number are null", "[report]")
{
    report_view_t *const view = nothing_known();
    view->has_snapshot = true;
    view->snapshot.live[42] = 0x8000;
    view->snapshot.live[36] = 0x0000;
    view->snapshot.live[37] = 0x7FC0; /* NaN */
    view->snapshot.live[45] = 49000;  /* 98 %, in 1/500 */
    report_registers(&s_json, view);
    assert_has("\"name\":\"temperature_external_1\",\"unit\":\"degC\",\"description\":\"external sensor 1; raw -32768 "
               "= not connected\","
               "\"writable\":false,\"value\":null");
    assert_has(
        "\"name\":\"pack_voltage\",\"unit\":\"V\",\"description\":\"pack voltage\",\"writable\":false,\"value\":null");
    assert_has("\"name\":\"state_of_health\",\"unit\":\"%\",\"description\":\"state of health; 0 = not "
               "estimated\",\"writable\":false,\"value\":98,");
}

/** Every number as long as it can be, every reason and text the longest. */
static report_view_t *longest(void)
{
    report_view_t *const view = nothing_known();
    battery_state_t *const state = &view->state;
    const battery_quantity_t most = {.known = true, .value = INT32_MIN + 1};
    const battery_limit_t limit = {.known = true, .value = INT32_MIN, .reason = BATTERY_REASON_SETTINGS_CONTRADICTORY};
    view->now_ms = INT64_MAX;
    view->has_state = true;
    view->has_snapshot = true;
    *state = (battery_state_t){.sequence = UINT32_MAX,
                               .status = BATTERY_STATUS_OFFLINE,
                               .cell_count = 16,
                               .pack_voltage_mv = most,
                               .pack_current_ma = most,
                               .soc_ppm = most,
                               .soh_ppm = most,
                               .cell_min_mv = most,
                               .cell_max_mv = most,
                               .cell_min_register = most,
                               .cell_max_register = most,
                               .bms_temperature_ddegc = most,
                               .sensor_ddegc = {most, most},
                               .cvl_mv = limit,
                               .ccl_ma = limit,
                               .dcl_ma = limit,
                               .dvl_mv = limit,
                               .energy_in_wh = {true, INT64_MIN},
                               .energy_out_wh = {true, INT64_MIN},
                               .cycles_milli = most,
                               .time_to_full_min = most,
                               .time_to_empty_min = most,
                               .installed_capacity_mah = most,
                               .usable_capacity_mah = most};
    memset(state->cell_100uv, 0xFF, sizeof(state->cell_100uv));
    for (battery_alarm_id_t id = 0; id < BATTERY_ALARM_COUNT; id++) {
        state->alarm[id] = BATTERY_ALARM_ACTIVE;
        state->warning[id] = BATTERY_ALARM_ACTIVE;
    }
    view->snapshot.fault_count = TINYBMS_FAULTS_MAX;
    memset(view->snapshot.faults, 0x0B, sizeof(view->snapshot.faults));
    return view;
}

TEST_CASE("the longest state fits into a message of a WebSocket", "[report]")
{
    report_state(&s_json, "state", longest());
    TEST_ASSERT_TRUE(json_stream_end(&s_json));
    TEST_ASSERT_LESS_OR_EQUAL(REPORT_STATE_MAX, json_stream_length(&s_json));
}

TEST_CASE("frames are told as hexadecimal digits, a remote frame without data", "[report]")
{
    const event_bus_can_frame_t frame = {.time_ms = 7, .sent = true, .id = 0x351, .dlc = 2, .data = {0x01, 0xAF}};
    const event_bus_can_frame_t remote = {.time_ms = 8, .extended = true, .remote = true, .id = 0x1FFFFFFF, .dlc = 8};
    (void)nothing_known();
    json_array(&s_json, NULL);
    report_can_frame(&s_json, &frame);
    report_can_frame(&s_json, &remote);
    json_close(&s_json);
    TEST_ASSERT_TRUE(json_stream_end(&s_json));
    TEST_ASSERT_EQUAL_STRING(
        "[{\"time_ms\":7,\"sent\":true,\"id\":849,\"extended\":false,\"remote\":false,\"data\":\"01af\"},"
        "{\"time_ms\":8,\"sent\":false,\"id\":536870911,\"extended\":true,\"remote\":true,\"data\":\"\"}]",
        s_text);
}

TEST_CASE("metrics are in base units, and what is not known or not supported is absent", "[report]")
{
    report_view_t *const view = nothing_known();
    view->now_ms = 1500;
    view->state.pack_voltage_mv = (battery_quantity_t){.known = true, .value = 53600};
    view->state.soc_ppm = (battery_quantity_t){.known = true, .value = 642000};
    view->state.energy_in_wh = (battery_energy_t){.known = true, .value = 2};
    view->state.installed_capacity_mah = (battery_quantity_t){.known = true, .value = 100};
    view->state.sensor_ddegc[1] = (battery_quantity_t){.known = true, .value = -55};
    view->state.ccl_ma = (battery_limit_t){.known = true, .value = 90000, .reason = BATTERY_REASON_BMS_SETTING};
    view->state.alarm[BATTERY_ALARM_HIGH_VOLTAGE] = BATTERY_ALARM_ACTIVE;
    view->state.alarm[BATTERY_ALARM_LOW_VOLTAGE] = BATTERY_ALARM_OK;
    report_metrics(&s_json, view);
    assert_has("\ntinybms_uptime_seconds 1.5\n");
    assert_has("\ntinybms_pack_voltage_volts 53.6\n");
    assert_has("\ntinybms_state_of_charge_ratio 0.642\n");
    assert_has("# TYPE tinybms_energy_in_joules gauge\ntinybms_energy_in_joules 7200\n");
    assert_has("\ntinybms_capacity_coulombs{kind=\"installed\"} 360\n");
    assert_has("\ntinybms_temperature_celsius{sensor=\"2\"} -5.5\n");
    assert_has("\ntinybms_limit_reason{limit=\"ccl\",reason=\"bms_setting\"} 1\n");
    assert_has("\ntinybms_alarm{alarm=\"high_voltage\"} 1\ntinybms_alarm{alarm=\"low_voltage\"} 0\n");
    assert_has_not("tinybms_pack_current_amperes");
    assert_has_not("sensor=\"1\"");
    assert_has_not("alarm=\"contactor\"");
    assert_has_not("limit=\"cvl\"");
}

TEST_CASE("what is outside an enumeration has a name too", "[report]")
{
    TEST_ASSERT_EQUAL_STRING("unknown", report_reason_name(BATTERY_REASON_COUNT));
    TEST_ASSERT_EQUAL_STRING("unknown", report_alarm_name((battery_alarm_id_t)-1));
    TEST_ASSERT_EQUAL_STRING("unknown", report_can_state_name((event_bus_can_state_t)9));
    TEST_ASSERT_EQUAL_STRING("unknown", report_status_name((battery_status_t)9));
}
