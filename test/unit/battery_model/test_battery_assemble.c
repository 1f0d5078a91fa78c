/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
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
    battery_assemble_settings(snapshot, &bms);
    battery_assemble_live(snapshot, &bms, &state);
    return state;
}

static void put_pack_volts(tinybms_snapshot_t *s, float volts)
{
    uint32_t bits;
    memcpy(&bits, &volts, sizeof(bits));
    s->live[36] = (uint16_t)(bits & 0xFFFFU);
    s->live[37] = (uint16_t)(bits >> 16);
}

static void expect(int32_t value, const battery_quantity_t *quantity)
{
    TEST_ASSERT_TRUE(quantity->known);
    TEST_ASSERT_EQUAL_INT32(value, quantity->value);
}

static void expect_field(int32_t value, battery_quantity_t quantity)
{
    expect(value, &quantity);
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
    expect(97, &state.bms_temperature_ddegc);
    expect(3980, &state.cell_min_mv);
    expect(3990, &state.cell_max_mv);
    expect(2, &state.cell_min_register);
    expect(9, &state.cell_max_register);
    TEST_ASSERT_EQUAL_UINT16(0, state.cell_100uv[1]);
    TEST_ASSERT_EQUAL_UINT16(39800, state.cell_100uv[2]);
    TEST_ASSERT_EQUAL_UINT16(39880, state.cell_100uv[15]);
    TEST_ASSERT_FALSE(state.soh_ppm.known);
    TEST_ASSERT_FALSE(state.sensor_ddegc[0].known || state.sensor_ddegc[1].known);
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
        ROW("limiter %d", i);
        TEST_ASSERT_FALSE(state.ccl_limiter_ma[i].known || state.dcl_limiter_ma[i].known);
    }
    for (int i = 0; i < BATTERY_ALARM_COUNT; i++) {
        ROW("alarm %d", i);
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
        ROW("cases[%zu]", i);
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
    TEST_ASSERT_FALSE(state.sensor_ddegc[0].known);
    expect(-52, &state.sensor_ddegc[1]);
    expect(-1, &state.bms_temperature_ddegc);
    s.live[42] = 250;
    const battery_state_t other = state_of(&s);
    expect(250, &other.sensor_ddegc[0]);
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

TEST_CASE("register 0 is a cell, register 16 is none", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    battery_bms_t bms;
    battery_state_t state;
    s.live[0] = 39790;
    s.live[1] = 39790;
    s.live[16] = 65535;
    s.live[53] = 16;
    s.settings[7] = 16;
    s.live[37] = 0x7FC0; /* no voltage of the pack */
    battery_assemble_settings(&s, &bms);
    battery_assemble_live(&s, &bms, &state);
    TEST_ASSERT_EQUAL_UINT8(16, state.cell_count);
    TEST_ASSERT_FALSE(bms.cell_count_differs);
    TEST_ASSERT_EQUAL_UINT16(39790, state.cell_100uv[0]);
    expect(0, &state.cell_min_register);
    expect(9, &state.cell_max_register);
    expect(3979, &state.cell_min_mv);
    expect(3990, &state.cell_max_mv);
    put_pack_volts(&s, 63.74F); /* 14 cells sum up to 55.781 V, and two have 3.979 V */
    expect_field(63739, state_of(&s).pack_checked_mv);
}

TEST_CASE("a cell that reads a tenth of a millivolt is there, and counts as one", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    battery_bms_t bms;
    battery_state_t state;
    s.live[7] = 1;
    battery_assemble_settings(&s, &bms);
    battery_assemble_live(&s, &bms, &state);
    TEST_ASSERT_FALSE(bms.cell_count_differs);
    expect(7, &state.cell_min_register);
}

TEST_CASE("a BMS that detects a single cell contradicts what is set, and what is measured", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    battery_bms_t bms;
    battery_state_t state;
    s.live[53] = 1;
    battery_assemble_settings(&s, &bms);
    battery_assemble_live(&s, &bms, &state);
    TEST_ASSERT_TRUE(bms.cell_count_differs);
    TEST_ASSERT_EQUAL_UINT8(14, state.cell_count); /* 14 are measured */
    s.settings[7] = 0;
    battery_assemble_settings(&s, &bms);
    battery_assemble_live(&s, &bms, &state);
    TEST_ASSERT_TRUE(bms.cell_count_differs);
    TEST_ASSERT_EQUAL_UINT8(0, state.cell_count);
}

TEST_CASE("a single cell, detected and measured, contradicts fourteen that are set", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    battery_bms_t bms;
    battery_state_t state;
    memset(&s.live[3], 0, 13 * sizeof(s.live[0]));
    s.live[53] = 1;
    battery_assemble_settings(&s, &bms);
    battery_assemble_live(&s, &bms, &state);
    TEST_ASSERT_TRUE(bms.cell_count_differs);
    TEST_ASSERT_EQUAL_UINT8(0, state.cell_count);
}

TEST_CASE("the highest cell that the BMS tells counts when no cell is measured and there is no pack to compare",
          "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    memset(s.live, 0, 16 * sizeof(s.live[0]));
    s.live[37] = 0x7FC0;
    s.live[41] = 0;
    TEST_ASSERT_FALSE(state_of(&s).cell_max_mv.known);
    s.live[41] = 1;
    expect_field(1, state_of(&s).cell_max_mv);
}

/** Cells that sum up to so many mV, all but the last alike. */
static void put_sum(tinybms_snapshot_t *s, uint32_t sum_mv)
{
    const uint32_t cell_100uv = sum_mv * 10 / 14;
    for (size_t i = 2; i < 15; i++) {
        s->live[i] = (uint16_t)cell_100uv;
    }
    s->live[15] = (uint16_t)(sum_mv * 10 - 13 * cell_100uv);
}

TEST_CASE("the sum of the cells is right up to 1 % and 100 mV beside the meter", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    put_sum(&s, 50000);
    put_pack_volts(&s, 50.600F);
    expect_field(50000, state_of(&s).pack_checked_mv);
    put_pack_volts(&s, 50.601F);
    expect_field(50601, state_of(&s).pack_checked_mv);
    put_sum(&s, 49950); /* 1 % are 499.5 mV */
    put_pack_volts(&s, 49.950F - 0.599F);
    expect_field(49950, state_of(&s).pack_checked_mv);
    put_pack_volts(&s, 49.950F - 0.600F);
    expect_field(49350, state_of(&s).pack_checked_mv);
}

TEST_CASE("what the cells have beyond a millivolt is left off their sum", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    put_sum(&s, 50000);
    s.live[15] = (uint16_t)(s.live[15] + 9);
    put_pack_volts(&s, 50.0F);
    expect_field(50000, state_of(&s).pack_checked_mv);
}

TEST_CASE("without cells none is the lowest; what counts is the mean of the pack", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    memset(s.live, 0, 16 * sizeof(s.live[0]));
    s.live[40] = 0;
    s.live[41] = 0;
    const battery_state_t state = state_of(&s);
    TEST_ASSERT_FALSE(state.cell_min_register.known || state.cell_max_register.known);
    expect(3984, &state.cell_min_mv); /* 55.78 V / 14 */
    expect(3984, &state.cell_max_mv);
    s.live[40] = 3900;
    s.live[41] = 4100;
    expect_field(3900, state_of(&s).cell_min_mv);
    expect_field(4100, state_of(&s).cell_max_mv);
    s.live[40] = 3990; /* the lowest cell cannot be above the mean */
    s.live[41] = 3900;
    expect_field(3984, state_of(&s).cell_min_mv);
    expect_field(3984, state_of(&s).cell_max_mv);
    s.live[53] = 0;
    s.settings[7] = 0; /* no mean without a number of cells */
    expect_field(3990, state_of(&s).cell_min_mv);
    s.live[40] = 0;
    TEST_ASSERT_FALSE(state_of(&s).cell_min_mv.known);
}

TEST_CASE("of the registers 40 and 41 and the cells the worse counts", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.live[40] = 3979;
    s.live[41] = 3991;
    expect_field(3979, state_of(&s).cell_min_mv);
    expect_field(3991, state_of(&s).cell_max_mv);
    s.live[2] = 39789; /* to the worse side where a cell has a tenth */
    s.live[9] = 39911;
    expect_field(3978, state_of(&s).cell_min_mv);
    expect_field(3992, state_of(&s).cell_max_mv);
    s.live[40] = 0; /* not told */
    s.live[41] = 0;
    expect_field(3978, state_of(&s).cell_min_mv);
    expect_field(3992, state_of(&s).cell_max_mv);
}

static void set_volts(tinybms_snapshot_t *s, float volts)
{
    uint32_t bits;
    memcpy(&bits, &volts, sizeof(bits));
    s->live[36] = (uint16_t)(bits & 0xFFFFU);
    s->live[37] = (uint16_t)(bits >> 16);
}

/* The cells of the real pack make 55.781 V. */
TEST_CASE("cells contradict the pack when their sum is more than 3 % beside it, or none is measured", "[battery_model]")
{
    static const struct {
        float volts;
        bool contradict;
    } cases[] = {{55.781F, false}, {54.157F, false}, {54.155F, true}, {57.505F, false}, {57.508F, true}, {0.0F, true}};
    tinybms_snapshot_t s = real_pack();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        set_volts(&s, cases[i].volts);
        TEST_ASSERT_EQUAL(cases[i].contradict, battery_cells_contradict(&s));
    }
    memset(s.live, 0, 16 * sizeof(s.live[0]));
    TEST_ASSERT_TRUE(battery_cells_contradict(&s));
}

TEST_CASE("the voltage of the pack is the sum of its cells, unless the meter differs by more than 1 %",
          "[battery_model]")
{
    static const struct {
        float volts;
        int32_t expected_mv;
    } cases[] = {{55.781F, 55781}, {56.438F, 55781}, {56.440F, 56440}, {55.124F, 55781}, {55.122F, 55122}};
    tinybms_snapshot_t s = real_pack();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        set_volts(&s, cases[i].volts);
        expect_field(cases[i].expected_mv, state_of(&s).pack_checked_mv);
    }
}

TEST_CASE("a temperature that no sensor can have is none", "[battery_model]")
{
    static const struct {
        int16_t register_ddegc;
        bool known;
    } cases[] = {{-500, true}, {-501, false}, {1500, true}, {1501, false}, {INT16_MAX, false}, {-32767, false}};
    tinybms_snapshot_t s = real_pack();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        s.live[42] = (uint16_t)cases[i].register_ddegc;
        s.live[48] = (uint16_t)cases[i].register_ddegc;
        TEST_ASSERT_EQUAL(cases[i].known, state_of(&s).sensor_ddegc[0].known);
        TEST_ASSERT_EQUAL(cases[i].known, state_of(&s).bms_temperature_ddegc.known);
    }
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

TEST_CASE("a usable capacity is rounded down", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.settings[6] = 65500;
    s.live[45] = 49999; /* 99.998 % of 655 Ah are 654.9869 Ah */
    expect_field(654986, state_of(&s).usable_capacity_mah);
}

TEST_CASE("a firmware version is the whole low byte", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.version[1] = 0x01FF;
    s.version[2] = 0x01FF;
    const battery_state_t state = state_of(&s);
    expect(0xFF, &state.firmware_major);
    expect(0xFF, &state.firmware_minor);
}

TEST_CASE("a capacity that is not set is not known", "[battery_model]")
{
    static const uint16_t unset[] = {0, 9, 65501};
    tinybms_snapshot_t s = real_pack();
    for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++) {
        ROW("unset[%zu]", i);
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

TEST_CASE("a blank serial number is blank whatever else is known", "[battery_model]")
{
    tinybms_snapshot_t s = real_pack();
    s.statistics_known = true;
    TEST_ASSERT_FALSE(state_of(&s).serial_known);
}

TEST_CASE("of the connected external sensors the coldest and the warmest are found", "[battery_model]")
{
    battery_state_t state = {.sensor_ddegc = {{.value = 100}, {.value = -50}}};
    TEST_ASSERT_EQUAL(-1, battery_extreme_sensor(&state, true));
    TEST_ASSERT_EQUAL(-1, battery_extreme_sensor(&state, false));
    state.sensor_ddegc[1].known = true;
    TEST_ASSERT_EQUAL(1, battery_extreme_sensor(&state, true));
    TEST_ASSERT_EQUAL(1, battery_extreme_sensor(&state, false));
    state.sensor_ddegc[0].known = true;
    TEST_ASSERT_EQUAL(0, battery_extreme_sensor(&state, true));
    TEST_ASSERT_EQUAL(1, battery_extreme_sensor(&state, false));
    state.sensor_ddegc[1].value = 100;
    TEST_ASSERT_EQUAL(0, battery_extreme_sensor(&state, true));
    TEST_ASSERT_EQUAL(0, battery_extreme_sensor(&state, false));
    state.bms_temperature_ddegc = (battery_quantity_t){.known = true, .value = 500}; /* no external one */
    TEST_ASSERT_EQUAL(0, battery_extreme_sensor(&state, true));
    state.bms_temperature_ddegc.value = -500;
    TEST_ASSERT_EQUAL(0, battery_extreme_sensor(&state, false));
}
