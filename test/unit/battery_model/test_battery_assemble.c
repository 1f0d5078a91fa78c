/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "battery_assemble.h"
#include "unity.h"

/* A 14-cell pack as a real TinyBMS showed it: 55.78 V, no current, 83.554824 %, no external sensor. */
static tinybms_snapshot_t real_pack(void)
{
    tinybms_snapshot_t s = {.taken_ms = 5000, .sequence = 7, .settings_known = true, .version_known = true};
    static const uint16_t cells[14] = {39800, 39810, 39820, 39830, 39830, 39840, 39890,
                                       39900, 39830, 39830, 39830, 39840, 39880, 39880};
    memcpy(&s.live[2], cells, sizeof(cells));
    s.live[36] = 7864;
    s.live[37] = 16991;
    s.live[40] = 3980;
    s.live[41] = 3990;
    s.live[42] = 0x8000;
    s.live[43] = 0x8000;
    s.live[46] = 61960;
    s.live[47] = 1274;
    s.live[48] = 97;
    s.live[50] = 0x97;
    s.live[53] = 14;
    s.settings[0] = 4150;  /* 300 */
    s.settings[1] = 3000;  /* 301 */
    s.settings[6] = 6600;  /* 306 */
    s.settings[7] = 14;    /* 307 */
    s.settings[15] = 4200; /* 315 */
    s.settings[16] = 2900; /* 316 */
    s.settings[17] = 60;   /* 317 */
    s.settings[18] = 20;   /* 318 */
    s.version[0] = 258;
    s.version[1] = 769;
    s.version[2] = 242;
    return s;
}

static battery_state_t state_at(const tinybms_snapshot_t *snapshot, int64_t now_ms)
{
    const battery_assemble_config_t config = BATTERY_ASSEMBLE_DEFAULT_CONFIG();
    battery_state_t state;
    battery_assemble(snapshot, &config, now_ms, &state);
    return state;
}

static battery_state_t fault_state(uint8_t event_id)
{
    tinybms_snapshot_t s = real_pack();
    s.live[50] = 0x9B;
    s.live[42] = 250; /* an external sensor, so that temperature alarms are supported */
    s.fault_event.id = event_id;
    return state_at(&s, 5000);
}

TEST_CASE("measurements of the real pack keep their fixed-point values", "[battery_model]")
{
    const tinybms_snapshot_t s = real_pack();
    const battery_state_t state = state_at(&s, 5000);
    TEST_ASSERT_TRUE(state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, state.status);
    TEST_ASSERT_EQUAL_INT32(55780, state.pack_voltage_mv.value);
    TEST_ASSERT_EQUAL_INT32(0, state.pack_current_ma.value);
    TEST_ASSERT_EQUAL_INT32(835548, state.soc_ppm.value);
    TEST_ASSERT_FALSE(state.soh_ppm.known);
    TEST_ASSERT_EQUAL_INT32(97, state.bms_temperature_dc.value);
    TEST_ASSERT_FALSE(state.sensor_dc[0].known);
    TEST_ASSERT_EQUAL_INT32(2, state.cell_min_register.value);
    TEST_ASSERT_EQUAL_INT32(9, state.cell_max_register.value);
    TEST_ASSERT_EQUAL_INT32(66000, state.installed_capacity_mah.value);
    TEST_ASSERT_EQUAL_INT32(258, state.model.value);
    TEST_ASSERT_EQUAL_INT32(1, state.firmware_major.value);
    TEST_ASSERT_EQUAL_INT32(242, state.firmware_minor.value);
}

TEST_CASE("limits per cell become limits of the pack", "[battery_model]")
{
    const tinybms_snapshot_t s = real_pack();
    const battery_state_t state = state_at(&s, 5000);
    TEST_ASSERT_EQUAL_INT32(14 * 4150, state.cvl_mv.value);
    TEST_ASSERT_EQUAL_INT32(14 * 3000, state.dvl_mv.value);
    TEST_ASSERT_EQUAL_INT32(20000, state.ccl_ma.value);
    TEST_ASSERT_EQUAL_INT32(60000, state.dcl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_REASON_BMS_SETTING, state.dcl_ma.reason);
}

TEST_CASE("the lower of the two discharge cutoffs counts when both are set", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.settings[5] = 45; /* 305 */
    TEST_ASSERT_EQUAL_INT32(45000, state_at(&s, 5000).dcl_ma.value);
    s.settings[5] = 75;
    TEST_ASSERT_EQUAL_INT32(60000, state_at(&s, 5000).dcl_ma.value);
}

TEST_CASE("a full voltage above the over-voltage cutoff is capped by the cutoff", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.settings[0] = 4300;
    TEST_ASSERT_EQUAL_INT32(14 * 4200, state_at(&s, 5000).cvl_mv.value);
}

TEST_CASE("without a usable current cutoff nothing may flow", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.settings[17] = 0;
    s.settings[18] = 9999;
    const battery_state_t state = state_at(&s, 5000);
    TEST_ASSERT_TRUE(state.ccl_ma.known && state.dcl_ma.known);
    TEST_ASSERT_EQUAL_INT32(0, state.ccl_ma.value);
    TEST_ASSERT_EQUAL_INT32(0, state.dcl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_REASON_SETTING_MISSING, state.ccl_ma.reason);
}

TEST_CASE("nothing is published before there is a snapshot, settings and a full voltage", "[battery_model]")
{
    TEST_ASSERT_FALSE(state_at(NULL, 5000).publish);
    tinybms_snapshot_t s = real_pack();
    s.settings_known = false;
    TEST_ASSERT_FALSE(state_at(&s, 5000).publish);
    s = real_pack();
    s.settings[0] = 0;
    TEST_ASSERT_FALSE(state_at(&s, 5000).publish);
    s = real_pack();
    s.settings[7] = 0; /* 307: then the detected cells count */
    TEST_ASSERT_TRUE(state_at(&s, 5000).publish);
    s.live[53] = 0;
    TEST_ASSERT_FALSE(state_at(&s, 5000).publish);
}

TEST_CASE("stale data stops charging after 3 s and everything after 10 s", "[battery_model]")
{
    const tinybms_snapshot_t s = real_pack();
    battery_state_t state = state_at(&s, 5000 + 2999);
    TEST_ASSERT_EQUAL_INT32(20000, state.ccl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, state.warning[BATTERY_ALARM_BMS_INTERNAL]);
    state = state_at(&s, 5000 + 3000);
    TEST_ASSERT_TRUE(state.publish);
    TEST_ASSERT_EQUAL_INT32(0, state.ccl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_REASON_STALE_DATA, state.ccl_ma.reason);
    TEST_ASSERT_EQUAL_INT32(14 * 4150, state.cvl_mv.value);
    TEST_ASSERT_EQUAL_INT32(60000, state.dcl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, state.status);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, state.warning[BATTERY_ALARM_BMS_INTERNAL]);
    TEST_ASSERT_TRUE(state_at(&s, 5000 + 9999).publish);
    TEST_ASSERT_FALSE(state_at(&s, 5000 + 10000).publish);
}

TEST_CASE("staleness counts the same beyond 2^31 and 2^32 ms of uptime", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    const int64_t starts_ms[] = {INT64_C(2147483647) - 1000, INT64_C(4294967295) - 1000};
    for (size_t i = 0; i < 2; i++) {
        s.taken_ms = starts_ms[i];
        TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, state_at(&s, starts_ms[i] + 2999).status);
        TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, state_at(&s, starts_ms[i] + 3000).status);
    }
}

TEST_CASE("an over-voltage fault stops charging and lets the pack discharge itself", "[battery_model]")
{
    const battery_state_t state = fault_state(0x03);
    TEST_ASSERT_EQUAL_INT32(0, state.ccl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_REASON_BMS_FAULT, state.ccl_ma.reason);
    TEST_ASSERT_EQUAL_INT32(60000, state.dcl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, state.alarm[BATTERY_ALARM_HIGH_VOLTAGE]);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, state.alarm[BATTERY_ALARM_GENERAL]);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, state.alarm[BATTERY_ALARM_LOW_VOLTAGE]);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, state.status);
}

TEST_CASE("an under-voltage fault stops discharging and lets the pack be charged", "[battery_model]")
{
    const battery_state_t state = fault_state(0x02);
    TEST_ASSERT_EQUAL_INT32(20000, state.ccl_ma.value);
    TEST_ASSERT_EQUAL_INT32(0, state.dcl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, state.alarm[BATTERY_ALARM_LOW_VOLTAGE]);
}

TEST_CASE("a fault without a known cause stops both directions", "[battery_model]")
{
    const uint8_t causes[] = {0, 0x0B, 0x0F, 0x7F};
    for (size_t i = 0; i < sizeof(causes); i++) {
        const battery_state_t state = fault_state(causes[i]);
        TEST_ASSERT_EQUAL_INT32(0, state.ccl_ma.value);
        TEST_ASSERT_EQUAL_INT32(0, state.dcl_ma.value);
        TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, state.alarm[BATTERY_ALARM_BMS_INTERNAL]);
    }
}

TEST_CASE("an old fault event counts for nothing when the BMS is not in fault", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.fault_event.id = 0x03;
    const battery_state_t state = state_at(&s, 5000);
    TEST_ASSERT_EQUAL_INT32(20000, state.ccl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, state.alarm[BATTERY_ALARM_HIGH_VOLTAGE]);
}

TEST_CASE("temperature alarms are unsupported without an external sensor", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    TEST_ASSERT_EQUAL(BATTERY_ALARM_UNSUPPORTED, state_at(&s, 5000).alarm[BATTERY_ALARM_HIGH_TEMPERATURE]);
    s.live[43] = (uint16_t)-52;
    const battery_state_t state = state_at(&s, 5000);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, state.alarm[BATTERY_ALARM_HIGH_TEMPERATURE]);
    TEST_ASSERT_EQUAL_INT32(-52, state.sensor_dc[1].value);
}

TEST_CASE("a serial number is 24 hexadecimal digits, and not known when the registers are blank", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    TEST_ASSERT_FALSE(state_at(&s, 5000).serial_known);
    static const uint16_t words[6] = {0x0123, 0x4567, 0x89AB, 0xCDEF, 0x0001, 0xFFFE};
    memcpy(&s.version[4], words, sizeof(words));
    const battery_state_t state = state_at(&s, 5000);
    TEST_ASSERT_TRUE(state.serial_known);
    TEST_ASSERT_EQUAL_STRING("0123456789ABCDEF0001FFFE", state.serial);
}

static void expect_no_charging(const battery_state_t *state, int32_t cvl_mv)
{
    TEST_ASSERT_TRUE(state->publish);
    TEST_ASSERT_EQUAL_INT32(cvl_mv, state->cvl_mv.value);
    TEST_ASSERT_EQUAL_INT32(0, state->ccl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_COUNT, state->ccl_ma.reason);
    TEST_ASSERT_EQUAL_INT32(60000, state->dcl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, state->warning[BATTERY_ALARM_BMS_INTERNAL]);
}

TEST_CASE("a wrong number of detected cells stops charging and leaves CVL where it is", "[battery_model]")
{
    static const uint16_t wrong[] = {1, 4, 13, 15, 16};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        tinybms_snapshot_t s = real_pack();
        s.live[53] = wrong[i];
        const battery_state_t state = state_at(&s, 5000);
        expect_no_charging(&state, 14 * 4150);
    }
}

TEST_CASE("a number of cells that nothing confirms and something contradicts is not used", "[battery_model]")
{
    static const struct {
        uint16_t set;
        uint16_t detected;
    } unconfirmed[] = {{16, 14}, {13, 14}, {16, 0}, {16, 12}, {0, 16}, {0, 13}};
    for (size_t i = 0; i < sizeof(unconfirmed) / sizeof(unconfirmed[0]); i++) { /* 14 cells are measured */
        tinybms_snapshot_t s = real_pack();
        s.settings[7] = unconfirmed[i].set; /* 307 */
        s.live[53] = unconfirmed[i].detected;
        TEST_ASSERT_FALSE(state_at(&s, 5000).publish);
    }
}

TEST_CASE("a broken sense wire that the BMS notices silences the gateway and does not lower CVL", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.live[7] = 0;
    s.live[53] = 13;
    TEST_ASSERT_FALSE(state_at(&s, 5000).publish);
}

TEST_CASE("a cell that reads 0 stops charging and leaves CVL where it is", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.live[7] = 0;
    const battery_state_t state = state_at(&s, 5000);
    expect_no_charging(&state, 14 * 4150);
}
