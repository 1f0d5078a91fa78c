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
    s.settings[6] = 6600; /* 306 */
    s.settings[7] = 14;   /* 307 */
    s.version[0] = 258;
    s.version[1] = 769;
    s.version[2] = 242;
    return s;
}

static battery_state_t state_of(const tinybms_snapshot_t *snapshot)
{
    battery_bms_t bms;
    battery_state_t state;
    memset(&state, 0xA5, sizeof(state)); /* what was there before must not show */
    battery_assemble(snapshot, &bms, &state);
    return state;
}

static void expect(int32_t value, const battery_quantity_t *quantity)
{
    TEST_ASSERT_TRUE(quantity->known);
    TEST_ASSERT_EQUAL_INT32(value, quantity->value);
}

TEST_CASE("measurements of the real pack keep their fixed-point values", "[battery_model]")
{
    const tinybms_snapshot_t s = real_pack();
    const battery_state_t state = state_of(&s);
    TEST_ASSERT_EQUAL_INT64(5000, state.snapshot_ms);
    TEST_ASSERT_EQUAL_UINT32(7, state.sequence);
    TEST_ASSERT_EQUAL_UINT8(14, state.cell_count);
    expect(55780, &state.pack_voltage_mv);
    expect(0, &state.pack_current_ma);
    expect(835548, &state.soc_ppm);
    expect(97, &state.bms_temperature_dc);
    expect(3980, &state.cell_min_mv);
    expect(3990, &state.cell_max_mv);
    expect(2, &state.cell_min_register);
    expect(9, &state.cell_max_register);
    TEST_ASSERT_EQUAL_UINT16(0, state.cell_100uv[1]);
    TEST_ASSERT_EQUAL_UINT16(39800, state.cell_100uv[2]);
    TEST_ASSERT_EQUAL_UINT16(39880, state.cell_100uv[15]);
    TEST_ASSERT_FALSE(state.soh_ppm.known);
    TEST_ASSERT_FALSE(state.sensor_dc[0].known || state.sensor_dc[1].known);
}

TEST_CASE("limits, alarms and energy are left for those who make them", "[battery_model]")
{
    const tinybms_snapshot_t s = real_pack();
    const battery_state_t state = state_of(&s);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_UNKNOWN, state.status);
    TEST_ASSERT_FALSE(state.publish);
    TEST_ASSERT_FALSE(state.cvl_mv.known || state.ccl_ma.known || state.dcl_ma.known || state.dvl_mv.known);
    TEST_ASSERT_FALSE(state.energy_in_wh.known || state.energy_out_wh.known || state.cycles_milli.known);
    TEST_ASSERT_FALSE(state.since_full_min.known || state.time_to_full_min.known || state.time_to_empty_min.known);
    for (int i = 0; i < BATTERY_LIMITER_COUNT; i++) {
        TEST_ASSERT_FALSE(state.ccl_limiter_ma[i].known || state.dcl_limiter_ma[i].known);
    }
    for (int i = 0; i < BATTERY_ALARM_COUNT; i++) {
        TEST_ASSERT_EQUAL(BATTERY_ALARM_UNSUPPORTED, state.alarm[i]);
        TEST_ASSERT_EQUAL(BATTERY_ALARM_UNSUPPORTED, state.warning[i]);
    }
}

TEST_CASE("a current keeps its sign, and a float that is no number is not known", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.live[38] = 0x0000; /* -12.5 as a float, low word first */
    s.live[39] = 0xC148;
    battery_state_t state = state_of(&s);
    expect(-12500, &state.pack_current_ma);
    s.live[39] = 0x7FC0;
    s.live[37] = 0x7F80;
    state = state_of(&s);
    TEST_ASSERT_FALSE(state.pack_current_ma.known);
    TEST_ASSERT_FALSE(state.pack_voltage_mv.known);
}

TEST_CASE("a state of charge is rounded down and not known above 100 %", "[battery_model]")
{
    static const struct {
        uint32_t raw; /**< 1e-6 % */
        int32_t ppm;
    } cases[] = {{0, 0}, {99, 0}, {100, 1}, {99999999, 999999}, {100000000, 1000000}};
    tinybms_snapshot_t s = real_pack();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        s.live[46] = (uint16_t)cases[i].raw;
        s.live[47] = (uint16_t)(cases[i].raw >> 16);
        const battery_state_t state = state_of(&s);
        expect(cases[i].ppm, &state.soc_ppm);
    }
    s.live[46] = (uint16_t)100000001;
    s.live[47] = (uint16_t)(100000001 >> 16);
    TEST_ASSERT_FALSE(state_of(&s).soc_ppm.known);
    s.live[46] = 0xFFFF;
    s.live[47] = 0xFFFF;
    TEST_ASSERT_FALSE(state_of(&s).soc_ppm.known);
}

TEST_CASE("a state of health of 0 has not been estimated, and above 100 % there is none", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.live[45] = 1;
    battery_state_t state = state_of(&s);
    expect(20, &state.soh_ppm);
    s.live[45] = 50000;
    state = state_of(&s);
    expect(1000000, &state.soh_ppm);
    s.live[45] = 50001;
    TEST_ASSERT_FALSE(state_of(&s).soh_ppm.known);
}

TEST_CASE("a sensor is signed and may be missing", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.live[43] = (uint16_t)-52;
    s.live[48] = (uint16_t)-1;
    const battery_state_t state = state_of(&s);
    TEST_ASSERT_FALSE(state.sensor_dc[0].known);
    expect(-52, &state.sensor_dc[1]);
    expect(-1, &state.bms_temperature_dc);
    s.live[42] = 250;
    const battery_state_t other = state_of(&s);
    expect(250, &other.sensor_dc[0]);
}

TEST_CASE("of equal cells the first register is the lowest and the highest", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    for (size_t i = 2; i < 16; i++) {
        s.live[i] = 40000;
    }
    const battery_state_t state = state_of(&s);
    expect(2, &state.cell_min_register);
    expect(2, &state.cell_max_register);
}

TEST_CASE("without cells none is the lowest", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    memset(s.live, 0, 16 * sizeof(s.live[0]));
    s.live[40] = 0;
    s.live[41] = 0;
    const battery_state_t state = state_of(&s);
    TEST_ASSERT_FALSE(state.cell_min_register.known || state.cell_max_register.known);
    TEST_ASSERT_FALSE(state.cell_min_mv.known || state.cell_max_mv.known);
}

TEST_CASE("the usable capacity is what the state of health leaves of the installed one", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    battery_state_t state = state_of(&s);
    expect(66000, &state.installed_capacity_mah);
    expect(66000, &state.usable_capacity_mah); /* health not known */
    s.live[45] = 45000;                        /* 90 % */
    state = state_of(&s);
    expect(66000, &state.installed_capacity_mah);
    expect(59400, &state.usable_capacity_mah);
    s.settings[6] = 65500;
    s.live[45] = 50000;
    state = state_of(&s);
    expect(655000, &state.usable_capacity_mah);
    s.settings[6] = 10;
    state = state_of(&s);
    expect(100, &state.installed_capacity_mah);
}

TEST_CASE("a capacity that is not set is not known", "[battery_model]")
{
    static const uint16_t unset[] = {0, 9, 65501};
    tinybms_snapshot_t s = real_pack();
    for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++) {
        s.settings[6] = unset[i];
        const battery_state_t state = state_of(&s);
        TEST_ASSERT_FALSE(state.installed_capacity_mah.known || state.usable_capacity_mah.known);
    }
    s = real_pack();
    s.settings_known = false;
    TEST_ASSERT_FALSE(state_of(&s).installed_capacity_mah.known);
}

TEST_CASE("versions are known once they have been read", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    const battery_state_t state = state_of(&s);
    expect(258, &state.model);
    expect(1, &state.firmware_major);
    expect(242, &state.firmware_minor);
    s.version_known = false;
    const battery_state_t unread = state_of(&s);
    TEST_ASSERT_FALSE(unread.model.known || unread.firmware_major.known || unread.firmware_minor.known);
    TEST_ASSERT_FALSE(unread.serial_known);
}

TEST_CASE("a serial number is 24 hexadecimal digits, and not known when the registers are blank", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    TEST_ASSERT_FALSE(state_of(&s).serial_known);
    memset(&s.version[4], 0xFF, 6 * sizeof(s.version[0]));
    TEST_ASSERT_FALSE(state_of(&s).serial_known);
    static const uint16_t words[6] = {0x0123, 0x4567, 0x89AB, 0xCDEF, 0x0001, 0xFFFE};
    memcpy(&s.version[4], words, sizeof(words));
    const battery_state_t state = state_of(&s);
    TEST_ASSERT_TRUE(state.serial_known);
    TEST_ASSERT_EQUAL_STRING("0123456789ABCDEF0001FFFE", state.serial);
}

TEST_CASE("of the connected external sensors the coldest and the warmest are found", "[battery_model]")
{
    battery_state_t state = {.sensor_dc = {{.value = 100}, {.value = -50}}};
    TEST_ASSERT_EQUAL(-1, battery_extreme_sensor(&state, true));
    TEST_ASSERT_EQUAL(-1, battery_extreme_sensor(&state, false));
    state.sensor_dc[1].known = true;
    TEST_ASSERT_EQUAL(1, battery_extreme_sensor(&state, true));
    TEST_ASSERT_EQUAL(1, battery_extreme_sensor(&state, false));
    state.sensor_dc[0].known = true;
    TEST_ASSERT_EQUAL(0, battery_extreme_sensor(&state, true));
    TEST_ASSERT_EQUAL(1, battery_extreme_sensor(&state, false));
    state.sensor_dc[1].value = 100;
    TEST_ASSERT_EQUAL(0, battery_extreme_sensor(&state, true));
    TEST_ASSERT_EQUAL(0, battery_extreme_sensor(&state, false));
}
