/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The caps of the pack: CCL 90 % of 20 A, DCL 90 % of 60 A. */
#include "../row.h"
#include "pack.h"
#include "unity.h"

#define CCL_CAP_MA 18000
#define DCL_CAP_MA 54000

/* ---- caps ---- */

TEST_CASE("CCL and DCL are 90 % of the current cutoffs of the BMS", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_EQUAL_INT32(CCL_CAP_MA, pack.state.ccl_limiter_ma[BATTERY_REASON_BMS_SETTING].value);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, pack.state.dcl_limiter_ma[BATTERY_REASON_BMS_SETTING].value);
}

TEST_CASE("the share of the cutoffs is exact to the milliampere", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.charge_max_ma = pack_known(21000);
    TEST_ASSERT_EQUAL_INT32(18900, pack_charge_limiter(&pack, BATTERY_REASON_BMS_SETTING));
    pack.bms.charge_max_ma = pack_known(750000);
    TEST_ASSERT_EQUAL_INT32(675000, pack_charge_limiter(&pack, BATTERY_REASON_BMS_SETTING));
    pack.config.limit_bms_pct = 100;
    TEST_ASSERT_EQUAL_INT32(750000, pack_charge_limiter(&pack, BATTERY_REASON_BMS_SETTING));
}

TEST_CASE("a user cap lowers a limit, and the others are a share of it", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.charge_max_ma = 12345;
    pack.config.disch_max_ma = 30000;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 12345, BATTERY_REASON_USER_CAP);
    pack_expect(&pack.state.dcl_ma, 30000, BATTERY_REASON_USER_CAP);
    TEST_ASSERT_EQUAL_INT32(CCL_CAP_MA, pack.state.ccl_limiter_ma[BATTERY_REASON_BMS_SETTING].value);
    pack_set_cells(&pack, 4125, 3100);
    TEST_ASSERT_EQUAL_INT32(7407, pack_charge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
    TEST_ASSERT_EQUAL_INT32(15000, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
}

TEST_CASE("a user cap above the share of the BMS changes nothing", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.charge_max_ma = CCL_CAP_MA + 1;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_EQUAL_INT32(CCL_CAP_MA + 1, pack.state.ccl_limiter_ma[BATTERY_REASON_USER_CAP].value);
}

TEST_CASE("a user cap alone is a cap", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.charge_max_ma.known = false;
    pack.bms.discharge_max_ma.known = false;
    pack.config.charge_max_ma = 7000;
    pack.config.disch_max_ma = 9000;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 7000, BATTERY_REASON_USER_CAP);
    pack_expect(&pack.state.dcl_ma, 9000, BATTERY_REASON_USER_CAP);
    TEST_ASSERT_FALSE(pack.state.ccl_limiter_ma[BATTERY_REASON_BMS_SETTING].known);
    TEST_ASSERT_FALSE(pack.state.ccl_limiter_ma[BATTERY_REASON_SETTING_MISSING].known);
    pack.config.charge_max_ma = 1;
    TEST_ASSERT_EQUAL_INT32(1, pack_charge_limiter(&pack, BATTERY_REASON_USER_CAP));
}

TEST_CASE("with neither a cutoff nor a cap nothing may flow", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.charge_max_ma.known = false;
    pack.bms.discharge_max_ma.known = false;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_SETTING_MISSING);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_SETTING_MISSING);
    TEST_ASSERT_TRUE(pack.state.ccl_limiter_ma[BATTERY_REASON_SETTING_MISSING].known);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.ccl_limiter_ma[BATTERY_REASON_SETTING_MISSING].value);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.ccl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE].value); /* all of nothing */
    pack_nmc(&pack);
    pack.bms.charge_max_ma.known = false;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_SETTING_MISSING);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("a limit below 0.1 A is none", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.charge_max_ma = 100;
    pack.config.disch_max_ma = 100;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 100, BATTERY_REASON_USER_CAP);
    pack_expect(&pack.state.dcl_ma, 100, BATTERY_REASON_USER_CAP);
    pack.config.charge_max_ma = 99;
    pack.config.disch_max_ma = 99;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_USER_CAP);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_USER_CAP);
}

/* ---- cells ---- */

TEST_CASE("CCL falls to 20 % at the target and to nothing 20 mV before the cutoff", "[charge_control]")
{
    static const pack_point_t points[] = {{3000, CCL_CAP_MA}, {4099, CCL_CAP_MA}, {4100, CCL_CAP_MA}, {4101, 17712},
                                          {4125, 10800},      {4149, 3888},       {4150, 3600},       {4165, 1800},
                                          {4180, 0},          {4181, 0},          {4300, 0}};
    pack_t pack;
    pack_nmc(&pack);
    for (size_t i = 0; i < PACK_POINTS(points); i++) {
        ROW("points[%zu]", i);
        pack_set_cells(&pack, points[i].value, 3800);
        TEST_ASSERT_EQUAL_INT32(points[i].limit_ma, pack_charge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
    }
    pack_set_cells(&pack, 4179, 3800);
    const int32_t last_ma = pack_charge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE);
    TEST_ASSERT_GREATER_OR_EQUAL(100, last_ma); /* a thirtieth of 3.6 A */
    TEST_ASSERT_LESS_OR_EQUAL(120, last_ma);
}

TEST_CASE("DCL is nothing at the discharge floor and all 200 mV above it", "[charge_control]")
{
    static const pack_point_t points[] = {{2500, 0},          {2999, 0},          {3000, 0},
                                          {3001, 270},        {3100, 27000},      {3199, 53730},
                                          {3200, DCL_CAP_MA}, {3201, DCL_CAP_MA}, {4000, DCL_CAP_MA}};
    pack_t pack;
    pack_nmc(&pack);
    for (size_t i = 0; i < PACK_POINTS(points); i++) {
        ROW("points[%zu]", i);
        pack_set_cells(&pack, 4000, points[i].value);
        TEST_ASSERT_EQUAL_INT32(points[i].limit_ma, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
    }
}

TEST_CASE("the under-voltage cutoff is the floor when there is no empty voltage", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.empty_mv.known = false;
    pack_set_cells(&pack, 4000, 2950);
    TEST_ASSERT_EQUAL_INT32(13500, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
    pack.bms.under_voltage_mv = pack_known(1);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
}

TEST_CASE("a target where CCL ends is charged to with nothing", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.cvl_charger_mv = 0;
    pack.bms.full_mv = pack_known(4180);
    pack_set_cells(&pack, 4179, 3800);
    TEST_ASSERT_EQUAL_INT32(3888, pack_charge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
    pack_set_cells(&pack, 4180, 3800);
    TEST_ASSERT_EQUAL_INT32(0, pack_charge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
}

TEST_CASE("without any cell voltage nothing may flow", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.cell_max_mv.known = false;
    pack.state.cell_min_mv.known = false;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.ccl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE].value);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.dcl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE].value);
    pack_nmc(&pack);
    pack.state.cell_min_mv.known = false;
    TEST_ASSERT_EQUAL_INT32(0, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
    pack.bms.empty_mv = pack_known(1);
    TEST_ASSERT_EQUAL_INT32(0, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
}

/* ---- temperature ---- */

TEST_CASE("CCL is nothing at the cold cutoff and all 10 degC above it", "[charge_control]")
{
    static const pack_point_t points[] = {{-200, 0},   {-1, 0},           {0, 0},           {1, 180}, {50, 9000},
                                          {99, 17820}, {100, CCL_CAP_MA}, {101, CCL_CAP_MA}};
    pack_t pack;
    pack_nmc(&pack);
    for (size_t i = 0; i < PACK_POINTS(points); i++) {
        ROW("points[%zu]", i);
        pack.state.sensor_ddegc[0] = pack_known(points[i].value);
        TEST_ASSERT_EQUAL_INT32(points[i].limit_ma, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    }
    pack.bms.cold_charge_ddegc = pack_known(-100);
    pack.state.sensor_ddegc[0] = pack_known(-50);
    TEST_ASSERT_EQUAL_INT32(9000, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
}

TEST_CASE("CCL is all 15 degC below the heat cutoff and nothing 2 degC below it", "[charge_control]")
{
    static const pack_point_t points[] = {{449, CCL_CAP_MA}, {450, CCL_CAP_MA}, {463, 16200}, {515, 9000},
                                          {567, 1800},       {580, 0},          {581, 0},     {700, 0}};
    pack_t pack;
    pack_nmc(&pack);
    for (size_t i = 0; i < PACK_POINTS(points); i++) {
        ROW("points[%zu]", i);
        pack.state.sensor_ddegc[1] = pack_known(points[i].value);
        TEST_ASSERT_EQUAL_INT32(points[i].limit_ma, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    }
    pack.state.sensor_ddegc[1] = pack_known(451);
    TEST_ASSERT_LESS_THAN(CCL_CAP_MA, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    pack.state.sensor_ddegc[1] = pack_known(579);
    TEST_ASSERT_GREATER_THAN(0, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
}

TEST_CASE("DCL is all 10 degC below the heat cutoff and nothing at it; cold leaves it alone", "[charge_control]")
{
    static const pack_point_t points[] = {{-300, DCL_CAP_MA}, {499, DCL_CAP_MA}, {500, DCL_CAP_MA}, {501, 53460},
                                          {550, 27000},       {599, 540},        {600, 0},          {601, 0}};
    pack_t pack;
    pack_nmc(&pack);
    for (size_t i = 0; i < PACK_POINTS(points); i++) {
        ROW("points[%zu]", i);
        pack.state.sensor_ddegc[0] = pack_known(points[i].value);
        TEST_ASSERT_EQUAL_INT32(points[i].limit_ma, pack_discharge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    }
}

TEST_CASE("of two sensors the colder one counts for cold and the hotter one for heat", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    for (size_t i = 0; i < 2; i++) {
        ROW("sensor %zu", i);
        pack.state.sensor_ddegc[i] = pack_known(50);
        pack.state.sensor_ddegc[1 - i] = pack_known(300);
        TEST_ASSERT_EQUAL_INT32(9000, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
        pack.state.sensor_ddegc[i] = pack_known(550);
        TEST_ASSERT_EQUAL_INT32(27000, pack_discharge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
        pack.state.sensor_ddegc[i] = pack_known(515);
        TEST_ASSERT_EQUAL_INT32(9000, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    }
}

/* ---- state of charge ---- */

TEST_CASE("DCL is nothing at the lowest state of charge and all 5 % above it", "[charge_control]")
{
    static const pack_point_t points[] = {
        {0, 0},          {99999, 0},      {100000, 0},          {101000, 1080},
        {125000, 27000}, {149000, 52920}, {150000, DCL_CAP_MA}, {1000000, DCL_CAP_MA}};
    pack_t pack;
    pack_nmc(&pack);
    pack.config.disch_soc_pct = 10;
    for (size_t i = 0; i < PACK_POINTS(points); i++) {
        ROW("points[%zu]", i);
        pack.state.soc_ppm = pack_known(points[i].value);
        TEST_ASSERT_EQUAL_INT32(points[i].limit_ma, pack_discharge_limiter(&pack, BATTERY_REASON_SOC));
        TEST_ASSERT_EQUAL_INT32(-1, pack_charge_limiter(&pack, BATTERY_REASON_SOC));
    }
    pack.config.disch_soc_pct = 1;
    pack.state.soc_ppm = pack_known(10000);
    pack_settle(&pack);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_SOC);
}

static void expect_by_soc(pack_t *pack, int32_t soc_ppm, int32_t limit_ma)
{
    pack->state.soc_ppm = pack_known(soc_ppm);
    pack_step(pack, 200);
    TEST_ASSERT_EQUAL_INT32(limit_ma, pack->state.dcl_limiter_ma[BATTERY_REASON_SOC].value);
}

TEST_CASE("a DCL that the state of charge made 0 comes back 2 % above the lowest", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.disch_soc_pct = 10;
    pack_restart(&pack);
    expect_by_soc(&pack, 101000, 1080); /* on its way down */
    expect_by_soc(&pack, 100001, 0);    /* less than 0.1 A, and not at the end of the way */
    expect_by_soc(&pack, 101000, 1080);
    expect_by_soc(&pack, 100000, 0);
    expect_by_soc(&pack, 101000, 0);
    expect_by_soc(&pack, 119999, 0);
    expect_by_soc(&pack, 120000, 21600);
    expect_by_soc(&pack, 101000, 1080);
    pack.config.disch_back_pct = 0;
    pack_restart(&pack);
    expect_by_soc(&pack, 100000, 0);
    expect_by_soc(&pack, 101000, 1080);
}

TEST_CASE("state of charge does not limit when it is not known or not wanted", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.soc_ppm = pack_known(0);
    TEST_ASSERT_EQUAL_INT32(-1, pack_discharge_limiter(&pack, BATTERY_REASON_SOC));
    pack.config.disch_soc_pct = 10;
    pack.state.soc_ppm.known = false;
    TEST_ASSERT_EQUAL_INT32(-1, pack_discharge_limiter(&pack, BATTERY_REASON_SOC));
}

TEST_CASE("a knee of no width is a step: nothing at the edge, all beside it", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.disch_knee_mv = 0;
    pack.config.disch_soc_pct = 10;
    pack.config.disch_taper_pct = 0;
    pack.config.temp_cold_ddegc = 0;
    pack.config.temp_hot_ddegc = pack.config.temp_stop_ddegc;
    pack.config.temp_disch_ddegc = 0;
    pack_set_all_cells(&pack, 3000);
    TEST_ASSERT_EQUAL_INT32(0, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
    pack_set_all_cells(&pack, 3001);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
    pack.state.soc_ppm = pack_known(90000);
    TEST_ASSERT_EQUAL_INT32(0, pack_discharge_limiter(&pack, BATTERY_REASON_SOC));
    pack.state.soc_ppm = pack_known(110000);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, pack_discharge_limiter(&pack, BATTERY_REASON_SOC));
    pack.state.sensor_ddegc[0] = pack_known(-1);
    TEST_ASSERT_EQUAL_INT32(0, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    pack.state.sensor_ddegc[0] = pack_known(1);
    TEST_ASSERT_EQUAL_INT32(CCL_CAP_MA, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    pack.state.sensor_ddegc[0] = pack_known(581);
    TEST_ASSERT_EQUAL_INT32(0, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, pack_discharge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    pack.state.sensor_ddegc[0] = pack_known(601);
    TEST_ASSERT_EQUAL_INT32(0, pack_discharge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
}

/* ---- what stops a direction ---- */

TEST_CASE("contradictory settings and numbers of cells stop charging and leave discharging", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.under_voltage_mv = pack_known(3000);
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_SETTINGS_CONTRADICTORY);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_nmc(&pack);
    pack.bms.cell_count_differs = true;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_CELL_COUNT);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_nmc(&pack);
    TEST_ASSERT_EQUAL_INT32(-1, pack_charge_limiter(&pack, BATTERY_REASON_SETTINGS_CONTRADICTORY));
    TEST_ASSERT_EQUAL_INT32(-1, pack_charge_limiter(&pack, BATTERY_REASON_CELL_COUNT));
}

TEST_CASE("the least limiter gives the reason", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_all_cells(&pack, 4125);             /* 60 % */
    pack.state.sensor_ddegc[0] = pack_known(61); /* 61 % */
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 10800, BATTERY_REASON_CELL_VOLTAGE);
    pack.state.sensor_ddegc[0] = pack_known(59);
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 10620, BATTERY_REASON_TEMPERATURE);
    TEST_ASSERT_EQUAL_INT32(10800, pack.state.ccl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE].value);
}

TEST_CASE("of several that stop charging the one that a person has to mend gives the reason", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_all_cells(&pack, 4190);
    pack.state.sensor_ddegc[0] = pack_known(-50);
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_TEMPERATURE);
    pack_fault(&pack, 0x03);
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_BMS_FAULT);
    pack.bms.empty_mv = pack_known(2900);
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_SETTINGS_CONTRADICTORY);
    pack.bms.cell_count_differs = true;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_CELL_COUNT);
}
