/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "pack.h"
#include "unity.h"

#define CCL_CAP_MA 18000
#define DCL_CAP_MA 54000

static void expect_free(const pack_t *pack)
{
    pack_expect(&pack->state.cvl_mv, 14 * 4150, BATTERY_REASON_BULK);
    pack_expect(&pack->state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack->state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

static void settled(pack_t *pack)
{
    pack_nmc(pack);
    pack->state.sensor_ddegc[0] = pack_known(250);
    pack->state.sensor_ddegc[1] = pack_known(260);
    pack_settle(pack);
}

TEST_CASE("one wrong reading of the highest cell moves nothing, the second in a row does", "[charge_control]")
{
    pack_t pack;
    settled(&pack);
    pack_set_cells(&pack, 4300, 3800);
    pack_step(&pack, PACK_PERIOD_MS);
    expect_free(&pack);
    pack_set_all_cells(&pack, 3800);
    pack_step(&pack, PACK_PERIOD_MS);
    expect_free(&pack);
    pack_set_cells(&pack, 4300, 3800);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    pack_expect(&pack.state.cvl_mv, 14 * 4075, BATTERY_REASON_CHARGE_INHIBITED);
}

TEST_CASE("one wrong reading of the lowest cell moves nothing, the second in a row does", "[charge_control]")
{
    pack_t pack;
    settled(&pack);
    pack_set_cells(&pack, 3800, 1000);
    pack_step(&pack, PACK_PERIOD_MS);
    expect_free(&pack);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
}

TEST_CASE("one wrong reading of a sensor moves nothing, the second in a row does", "[charge_control]")
{
    static const int32_t wrong_ddegc[] = {-400, 1200};
    for (size_t i = 0; i < 2; i++) {
        ROW("sensor %zu", i);
        pack_t pack;
        settled(&pack);
        pack.state.sensor_ddegc[i] = pack_known(wrong_ddegc[i]);
        pack_step(&pack, PACK_PERIOD_MS);
        expect_free(&pack);
        pack_step(&pack, PACK_PERIOD_MS);
        pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_TEMPERATURE);
    }
}

static void step_with_temperature(pack_t *pack, battery_quantity_t temperature_ddegc)
{
    pack->state.bms_temperature_ddegc = temperature_ddegc;
    pack_step(pack, PACK_PERIOD_MS);
}

static int32_t by_temperature(const pack_t *pack)
{
    return pack->state.ccl_limiter_ma[BATTERY_REASON_BMS_TEMPERATURE].value;
}

TEST_CASE("a temperature that is missing stops charging, and is not taken for 0 degC when it is back",
          "[charge_control]")
{
    static const int32_t wrong_ddegc[] = {-50, 700};
    const battery_quantity_t missing = {.known = false};
    for (size_t n = 0; n < 2; n++) {
        ROW("wrong_ddegc[%zu]", n);
        pack_t pack;
        pack_nmc(&pack);
        pack_settle(&pack);
        step_with_temperature(&pack, pack_known(wrong_ddegc[n]));
        step_with_temperature(&pack, pack_known(250));
        expect_free(&pack);
        for (int i = 0; i < 3; i++) {
            step_with_temperature(&pack, missing);
            pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_NO_TEMPERATURE);
            pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
        }
        step_with_temperature(&pack, pack_known(wrong_ddegc[n]));
        TEST_ASSERT_EQUAL_INT32(CCL_CAP_MA, by_temperature(&pack));
        step_with_temperature(&pack, pack_known(250));
        TEST_ASSERT_EQUAL_INT32(CCL_CAP_MA, by_temperature(&pack));
    }
}

TEST_CASE("a heat that was there before its sensor went missing is there after it", "[charge_control]")
{
    const battery_quantity_t missing = {.known = false};
    pack_t pack;
    pack_nmc(&pack);
    pack.state.bms_temperature_ddegc = pack_known(590);
    pack_settle(&pack);
    for (int i = 0; i < 3; i++) {
        step_with_temperature(&pack, missing);
    }
    step_with_temperature(&pack, pack_known(590));
    TEST_ASSERT_EQUAL_INT32(0, pack.state.ccl_limiter_ma[BATTERY_REASON_BMS_TEMPERATURE].value);
    TEST_ASSERT_EQUAL_INT32(5400, pack.state.dcl_limiter_ma[BATTERY_REASON_BMS_TEMPERATURE].value);
}

TEST_CASE("of three different readings the middle one counts, in whatever order they came", "[charge_control]")
{
    static const int32_t orders[6][3] = {{4110, 4125, 4140}, {4110, 4140, 4125}, {4125, 4110, 4140},
                                         {4125, 4140, 4110}, {4140, 4110, 4125}, {4140, 4125, 4110}};
    for (size_t i = 0; i < 6; i++) {
        ROW("orders[%zu]", i);
        pack_t pack;
        pack_nmc(&pack);
        for (size_t n = 0; n < 3; n++) {
            pack_set_cells(&pack, orders[i][n], 3800);
            pack_step(&pack, PACK_PERIOD_MS);
        }
        TEST_ASSERT_EQUAL_INT32(10800, pack.state.ccl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE].value);
    }
}

TEST_CASE("readings from before a silence do not count after it", "[charge_control]")
{
    pack_t pack;
    settled(&pack);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_CHARGE, pack.now_ms);
    pack_set_all_cells(&pack, 4190);
    pack_step(&pack, 5000);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    settled(&pack);
    pack_set_all_cells(&pack, 4190);
    pack_run(&pack, 1000);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_CHARGE, pack.now_ms);
    pack_set_all_cells(&pack, 3800);
    pack_step(&pack, 5000);
    pack_set_all_cells(&pack, 4190); /* one wrong reading */
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(CCL_CAP_MA, pack.state.ccl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE].value);
}

TEST_CASE("the discharge voltage limit is N times the floor", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_step(&pack, 0);
    pack_expect(&pack.state.dvl_mv, 14 * 3000, BATTERY_REASON_BMS_SETTING);
    pack.bms.empty_mv.known = false;
    pack_step(&pack, 200);
    pack_expect(&pack.state.dvl_mv, 14 * 2900, BATTERY_REASON_BMS_SETTING);
    pack.bms.under_voltage_mv = pack_known(1);
    pack_step(&pack, 200);
    pack_expect(&pack.state.dvl_mv, 14, BATTERY_REASON_BMS_SETTING);
    pack.bms.under_voltage_mv.known = false;
    pack_step(&pack, 200);
    TEST_ASSERT_FALSE(pack.state.dvl_mv.known);
}

TEST_CASE("without a full voltage no limit is known, and the first one with it begins a ramp", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.full_mv.known = false;
    pack_step(&pack, 0);
    pack_run(&pack, 60000);
    TEST_ASSERT_FALSE(pack.state.cvl_mv.known);
    TEST_ASSERT_FALSE(pack.state.ccl_ma.known);
    TEST_ASSERT_FALSE(pack.state.dcl_ma.known);
    TEST_ASSERT_FALSE(pack.state.dvl_mv.known);
    pack.bms.full_mv.known = true;
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4075, BATTERY_REASON_RISING);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA / 10, BATTERY_REASON_RAMP);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA / 10, BATTERY_REASON_RAMP);
}
