/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Which temperature counts, against what, and what holds when one is lost. 319 = 60 degC, 320 = 0 degC. */
#include "../row.h"
#include "pack.h"
#include "unity.h"

#define CCL_CAP_MA 18000
#define DCL_CAP_MA 54000

static const battery_quantity_t missing = {.known = false};

TEST_CASE("the BMS's own temperature stands in for the sensors when none is connected", "[charge_control]")
{
    static const pack_point_t cold[] = {{-1, 0}, {0, 0}, {1, 180}, {50, 9000}, {100, CCL_CAP_MA}};
    static const pack_point_t hot[] = {{450, CCL_CAP_MA}, {515, 9000}, {580, 0}};
    pack_t pack;
    pack_nmc(&pack);
    for (size_t i = 0; i < PACK_POINTS(cold); i++) {
        ROW("cold[%zu]", i);
        pack.state.bms_temperature_ddegc = pack_known(cold[i].value);
        TEST_ASSERT_EQUAL_INT32(cold[i].limit_ma, pack_charge_limiter(&pack, BATTERY_REASON_BMS_TEMPERATURE));
    }
    for (size_t i = 0; i < PACK_POINTS(hot); i++) {
        ROW("hot[%zu]", i);
        pack.state.bms_temperature_ddegc = pack_known(hot[i].value);
        TEST_ASSERT_EQUAL_INT32(hot[i].limit_ma, pack_charge_limiter(&pack, BATTERY_REASON_BMS_TEMPERATURE));
    }
    TEST_ASSERT_EQUAL_INT32(-1, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    TEST_ASSERT_EQUAL_INT32(-1, pack_discharge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
    pack.state.bms_temperature_ddegc = pack_known(550);
    TEST_ASSERT_EQUAL_INT32(27000, pack_discharge_limiter(&pack, BATTERY_REASON_BMS_TEMPERATURE));
    pack.state.bms_temperature_ddegc = pack_known(50);
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_BMS_TEMPERATURE);
}

TEST_CASE("beside a sensor the BMS's own temperature counts against its own hot cutoff of 80 degC", "[charge_control]")
{
    static const pack_point_t charge[] = {{-400, CCL_CAP_MA}, {649, CCL_CAP_MA}, {650, CCL_CAP_MA}, {663, 16200},
                                          {715, 9000},        {767, 1800},       {780, 0},          {781, 0}};
    static const pack_point_t discharge[] = {{-400, DCL_CAP_MA}, {699, DCL_CAP_MA}, {700, DCL_CAP_MA}, {701, 53460},
                                             {750, 27000},       {799, 540},        {800, 0},          {801, 0}};
    for (size_t sensor = 0; sensor < BATTERY_SENSORS_MAX; sensor++) {
        ROW("sensor %zu", sensor);
        pack_t pack;
        pack_nmc(&pack);
        pack.state.sensor_ddegc[sensor] = pack_known(250);
        for (size_t i = 0; i < PACK_POINTS(charge); i++) {
            ROW("charge[%zu]", i);
            pack.state.bms_temperature_ddegc = pack_known(charge[i].value);
            TEST_ASSERT_EQUAL_INT32(charge[i].limit_ma, pack_charge_limiter(&pack, BATTERY_REASON_BMS_TEMPERATURE));
            TEST_ASSERT_EQUAL_INT32(CCL_CAP_MA, pack_charge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
        }
        for (size_t i = 0; i < PACK_POINTS(discharge); i++) {
            ROW("discharge[%zu]", i);
            pack.state.bms_temperature_ddegc = pack_known(discharge[i].value);
            TEST_ASSERT_EQUAL_INT32(discharge[i].limit_ma,
                                    pack_discharge_limiter(&pack, BATTERY_REASON_BMS_TEMPERATURE));
            TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, pack_discharge_limiter(&pack, BATTERY_REASON_TEMPERATURE));
        }
        pack.config.temp_bms_hot_ddegc = 900;
        pack.state.bms_temperature_ddegc = pack_known(850);
        TEST_ASSERT_EQUAL_INT32(27000, pack_discharge_limiter(&pack, BATTERY_REASON_BMS_TEMPERATURE));
    }
}

TEST_CASE("a cold that stops charging leaves discharging", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.sensor_ddegc[0] = pack_known(-50);
    pack_settle(&pack);
    TEST_ASSERT_TRUE(pack.state.too_cold_to_charge);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_TEMPERATURE);
    pack_run(&pack, 1000);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("beside a sensor the BMS's own temperature is not needed", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.sensor_ddegc[0] = pack_known(250);
    pack.state.bms_temperature_ddegc = missing;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_FALSE(pack.state.ccl_limiter_ma[BATTERY_REASON_BMS_TEMPERATURE].known);
    TEST_ASSERT_FALSE(pack.state.dcl_limiter_ma[BATTERY_REASON_BMS_TEMPERATURE].known);
    TEST_ASSERT_FALSE(pack.state.ccl_limiter_ma[BATTERY_REASON_NO_TEMPERATURE].known);
}

TEST_CASE("without any temperature nothing is charged, and discharging goes on", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.bms_temperature_ddegc = missing;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_NO_TEMPERATURE);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_FALSE(pack.state.too_cold_to_charge);
    TEST_ASSERT_FALSE(pack.state.too_hot_to_charge);
    TEST_ASSERT_EQUAL_INT32(0, pack_charge_limiter(&pack, BATTERY_REASON_NO_TEMPERATURE));
    TEST_ASSERT_FALSE(pack.state.ccl_limiter_ma[BATTERY_REASON_TEMPERATURE].known);
    TEST_ASSERT_FALSE(pack.state.ccl_limiter_ma[BATTERY_REASON_BMS_TEMPERATURE].known);
    TEST_ASSERT_FALSE(pack.state.dcl_limiter_ma[BATTERY_REASON_BMS_TEMPERATURE].known);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, pack.state.dcl_limiter_ma[BATTERY_REASON_TEMPERATURE].value);
}

TEST_CASE("a heat that cannot be measured any more limits DCL as before, whoever measured it", "[charge_control]")
{
    for (int sensors = 0; sensors < 2; sensors++) {
        pack_t pack;
        pack_nmc(&pack);
        pack.state.sensor_ddegc[0] = sensors != 0 ? pack_known(550) : missing;
        pack.state.bms_temperature_ddegc = pack_known(550);
        pack_settle(&pack);
        TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA / 2, pack.state.dcl_ma.value);
        pack.state.sensor_ddegc[0] = missing;
        pack.state.bms_temperature_ddegc = missing;
        pack.bms.sensors_lost = (uint8_t)sensors;
        pack_run(&pack, 600000);
        TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA / 2, pack.state.dcl_ma.value);
    }
}

TEST_CASE("a sensor that was there and is gone stops charging, whatever the others tell", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    TEST_ASSERT_EQUAL_INT32(-1, pack_charge_limiter(&pack, BATTERY_REASON_SENSOR_LOST));
    for (uint8_t lost = 1; lost <= 2; lost++) {
        pack_nmc(&pack);
        pack.state.sensor_ddegc[0] = pack_known(250);
        pack.bms.sensors_lost = lost;
        pack_settle(&pack);
        pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_SENSOR_LOST);
        pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
        pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    }
}

TEST_CASE("a hot sensor that is lost leaves DCL no more than it did, until it is back or forgotten", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.sensor_ddegc[0] = pack_known(550); /* half way from 50 degC to the cutoff */
    pack.state.sensor_ddegc[1] = pack_known(250);
    pack_settle(&pack);
    const battery_quantity_t *const left = &pack.state.dcl_limiter_ma[BATTERY_REASON_TEMPERATURE];
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA / 2, left->value);
    pack.state.sensor_ddegc[0].known = false;
    pack.bms.sensors_lost = 1;
    pack_run(&pack, 3600000);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA / 2, left->value);
    pack.state.sensor_ddegc[1].value = 575; /* it may take more */
    pack_run(&pack, 1000);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA / 4, left->value);
    pack.state.sensor_ddegc[1].value = 250;
    pack_run(&pack, 1000);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA / 2, left->value);
    pack.bms.sensors_lost = 0;
    pack_run(&pack, 1000);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, left->value);
}

/* ---- cutoffs that are not usable ---- */

static void expect_charge(pack_t *pack, int32_t sensor_ddegc, int32_t limit_ma)
{
    pack->state.sensor_ddegc[0] = pack_known(sensor_ddegc);
    TEST_ASSERT_EQUAL_INT32(limit_ma, pack_charge_limiter(pack, BATTERY_REASON_TEMPERATURE));
}

static void expect_discharge(pack_t *pack, int32_t sensor_ddegc, int32_t limit_ma)
{
    pack->state.sensor_ddegc[0] = pack_known(sensor_ddegc);
    TEST_ASSERT_EQUAL_INT32(limit_ma, pack_discharge_limiter(pack, BATTERY_REASON_TEMPERATURE));
}

TEST_CASE("a heat cutoff that was never usable is 45 degC", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.over_heat_ddegc = missing;
    expect_charge(&pack, 300, CCL_CAP_MA);
    expect_charge(&pack, 313, 16200);
    expect_charge(&pack, 365, 9000);
    expect_charge(&pack, 430, 0);
    expect_discharge(&pack, 350, DCL_CAP_MA);
    expect_discharge(&pack, 351, 53460);
    expect_discharge(&pack, 449, 540);
    expect_discharge(&pack, 450, 0);
}

TEST_CASE("a cold cutoff that was never usable is 0 degC", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.cold_charge_ddegc = missing;
    expect_charge(&pack, 0, 0);
    expect_charge(&pack, 1, 180);
    expect_charge(&pack, 99, 17820);
    expect_charge(&pack, 100, CCL_CAP_MA);
}

TEST_CASE("a temperature cutoff that is lost holds as it was strictest", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.strictest[BATTERY_REGISTER_OVER_HEAT] = pack_known(550);
    pack.bms.strictest[BATTERY_REGISTER_COLD_CHARGE] = pack_known(50);
    expect_charge(&pack, 50, 9000); /* usable registers count as they are */
    expect_charge(&pack, 515, 9000);
    pack.bms.over_heat_ddegc = missing;
    expect_charge(&pack, 465, 9000);
    expect_charge(&pack, 50, 9000);
    expect_discharge(&pack, 500, 27000);
    pack.bms.cold_charge_ddegc = missing;
    expect_charge(&pack, 50, 0);
    expect_charge(&pack, 100, 9000);
}

/* ---- what is told of it ---- */

static void expect_too(pack_t *pack, bool cold, bool hot)
{
    pack_restart(pack);
    pack_step(pack, 0);
    TEST_ASSERT_EQUAL(cold, pack->state.too_cold_to_charge);
    TEST_ASSERT_EQUAL(hot, pack->state.too_hot_to_charge);
}

TEST_CASE("a pack is called too cold or too hot to be charged where a temperature leaves nothing of CCL",
          "[charge_control]")
{
    static const struct {
        int32_t temperature_ddegc;
        bool cold;
        bool hot;
    } cases[] = {{-50, true, false},  {0, true, false},   {1, false, false}, {250, false, false},
                 {579, false, false}, {580, false, true}, {700, false, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        pack_t pack;
        pack_nmc(&pack);
        pack.state.bms_temperature_ddegc = pack_known(cases[i].temperature_ddegc);
        expect_too(&pack, cases[i].cold, cases[i].hot);
        pack.state.bms_temperature_ddegc = pack_known(250);
        pack.state.sensor_ddegc[1] = pack_known(cases[i].temperature_ddegc);
        expect_too(&pack, cases[i].cold, cases[i].hot);
        pack.state.bms_temperature_ddegc = missing;
        expect_too(&pack, cases[i].cold, cases[i].hot);
    }
}

TEST_CASE("a BMS that is too hot beside its sensors is told too, a cold one is not", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.sensor_ddegc[0] = pack_known(250);
    pack.state.bms_temperature_ddegc = pack_known(-50);
    expect_too(&pack, false, false);
    pack.state.bms_temperature_ddegc = pack_known(779);
    expect_too(&pack, false, false);
    pack.state.bms_temperature_ddegc = pack_known(780);
    expect_too(&pack, false, true);
    pack_run(&pack, 1000);
    pack.state.bms_temperature_ddegc = missing; /* as it was last does not count on */
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_FALSE(pack.state.too_hot_to_charge);
}

TEST_CASE("one wrong reading of the BMS's own temperature moves nothing, the second in a row does", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.sensor_ddegc[0] = pack_known(250);
    pack_settle(&pack);
    pack.state.bms_temperature_ddegc = pack_known(1000);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_BMS_TEMPERATURE);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_BMS_TEMPERATURE);
}

TEST_CASE("a heat of the BMS that was there before it went missing is there after it", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.sensor_ddegc[0] = pack_known(250);
    pack.state.bms_temperature_ddegc = pack_known(650);
    pack_settle(&pack);
    pack.state.bms_temperature_ddegc = pack_known(715);
    pack_step(&pack, PACK_PERIOD_MS); /* the last one: it stands for those that are missing */
    pack.state.bms_temperature_ddegc = missing;
    pack_run(&pack, 1000);
    pack.state.bms_temperature_ddegc = pack_known(250);
    pack_step(&pack, PACK_PERIOD_MS); /* one cool reading after many hot ones */
    TEST_ASSERT_EQUAL_INT32(9000, pack.state.ccl_limiter_ma[BATTERY_REASON_BMS_TEMPERATURE].value);
}

TEST_CASE("a temperature that comes after a start is not mixed with one that was never there", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.bms_temperature_ddegc.known = false;
    pack_settle(&pack);
    pack.state.sensor_ddegc[0] = pack_known(250);
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_FALSE(pack.state.too_cold_to_charge);
}
