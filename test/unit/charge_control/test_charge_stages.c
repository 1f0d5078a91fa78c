/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Bulk, absorption and float: when CVL goes from one to the other. */
#include "../row.h"
#include "pack.h"
#include "unity.h"

#define FLOAT_WAY_MS 75000 /**< from the target to float at 1 mV/s */

TEST_CASE("CVL does not depend on the measured pack voltage", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    static const int32_t voltages_mv[] = {0, 30000, 58100, 80000};
    for (size_t i = 0; i < sizeof(voltages_mv) / sizeof(voltages_mv[0]); i++) {
        ROW("voltages_mv[%zu]", i);
        pack.state.pack_voltage_mv = pack_known(voltages_mv[i]);
        pack_run(&pack, 2 * PACK_MINUTE_MS);
        pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
    }
    pack.state.pack_voltage_mv.known = false;
    pack_run(&pack, 1000);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
}

static void expect_start(const pack_t *pack, int32_t soc_ppm, charge_stage_t stage)
{
    pack_t *const copy = pack_copy(pack);
    copy->state.soc_ppm = pack_known(soc_ppm);
    pack_restart(copy);
    pack_step(copy, 0);
    TEST_ASSERT_EQUAL(stage, copy->control.stage);
}

TEST_CASE("a battery that is charged to where float ends is not charged anew by a restart", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    expect_start(&pack, 899999, CHARGE_STAGE_BULK);
    expect_start(&pack, 900000, CHARGE_STAGE_FLOAT);
    pack.bms.restart_ppm = pack_known(800000);
    expect_start(&pack, 799999, CHARGE_STAGE_BULK);
    expect_start(&pack, 800000, CHARGE_STAGE_FLOAT);
    pack.config.float_end_pct = 70;
    expect_start(&pack, 699999, CHARGE_STAGE_BULK);
    expect_start(&pack, 700000, CHARGE_STAGE_FLOAT);
    pack.config.float_end_pct = 1;
    expect_start(&pack, 9999, CHARGE_STAGE_BULK);
    expect_start(&pack, 10000, CHARGE_STAGE_FLOAT);
    pack_nmc(&pack);
    pack.bms.fully_charged = true;
    expect_start(&pack, 100000, CHARGE_STAGE_FLOAT);
    pack.bms.fully_charged = false;
    pack.state.soc_ppm.known = false;
    pack_step(&pack, 0);
    TEST_ASSERT_EQUAL(CHARGE_STAGE_BULK, pack.control.stage);
}

TEST_CASE("the first step neither lowers nor raises", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.pack_current_ma = pack_known(20000);
    pack_set_cells(&pack, 4179, 4000);
    pack_begin_at(&pack, PACK_TARGET_MV);
    TEST_ASSERT_GREATER_THAN(0, pack.state.ccl_ma.value);
    TEST_ASSERT_EQUAL_INT32(PACK_TARGET_MV, pack.state.cvl_mv.value);
}

TEST_CASE("absorption begins 10 mV before the target and ends back in bulk below 50 mV before it", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4139, 10000);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
    pack_set_cells_seen(&pack, 4140);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_ABSORPTION);
    pack_set_cells_seen(&pack, 4100);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_ABSORPTION);
    pack_set_cells_seen(&pack, 4099);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
}

/** In absorption since one step ago. */
static void absorbing(pack_t *pack, int32_t highest_mv, int32_t lowest_mv, int32_t current_ma)
{
    pack_charging(pack, 4000, 10000);
    pack_set_cells(pack, highest_mv, lowest_mv);
    pack->state.pack_current_ma = pack_known(current_ma);
    pack_run(pack, PACK_SEEN_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack->state.cvl_mv.reason);
}

static void expect_float_after(pack_t *pack, int32_t seconds)
{
    pack_run(pack, seconds * 1000 - PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack->state.cvl_mv.reason);
    pack_step(pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack->state.cvl_mv.reason);
}

TEST_CASE("float comes after 900 s of balanced cells and little current", "[charge_control]")
{
    pack_t pack;
    absorbing(&pack, 4150, 4150, 0);
    expect_float_after(&pack, 900);
    absorbing(&pack, 4150, 4140, PACK_TAIL_MA);
    expect_float_after(&pack, 900);
}

TEST_CASE("float comes after 7200 s when the cells differ or much current flows", "[charge_control]")
{
    pack_t pack;
    absorbing(&pack, 4150, 4139, 0);
    expect_float_after(&pack, 7200);
    absorbing(&pack, 4150, 4150, PACK_TAIL_MA + 1);
    expect_float_after(&pack, 7200);
}

TEST_CASE("the 900 s begin anew when the cells differ in between", "[charge_control]")
{
    pack_t pack;
    absorbing(&pack, 4150, 4145, 0);
    pack_run(&pack, 600000);
    pack_set_cells(&pack, 4150, 4100);
    pack_run(&pack, PACK_SEEN_MS);
    pack_set_cells(&pack, 4150, 4145);
    pack_run(&pack, PACK_PERIOD_MS); /* the median still has the other one */
    expect_float_after(&pack, 900);
}

TEST_CASE("the current that the BMS calls finished counts when it is the higher one", "[charge_control]")
{
    pack_t pack;
    absorbing(&pack, 4150, 4150, 3000);
    pack.bms.charge_finish_ma = pack_known(3000);
    pack_step(&pack, PACK_PERIOD_MS); /* 200 ms of the 900 s, of which the step before was none */
    pack_run(&pack, 900000 - 2 * PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
    pack_run(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
    absorbing(&pack, 4150, 4150, 3001);
    pack.bms.charge_finish_ma = pack_known(3000);
    pack_run(&pack, 1800000);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
    absorbing(&pack, 4150, 4150, PACK_TAIL_MA);
    pack.bms.charge_finish_ma = pack_known(1000);
    expect_float_after(&pack, 900);
}

TEST_CASE("without a capacity and a finished current every charge current is much", "[charge_control]")
{
    pack_t pack;
    absorbing(&pack, 4150, 4150, 1);
    pack.state.installed_capacity_mah.known = false;
    pack_run(&pack, 1800000);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
    pack.state.pack_current_ma.known = false; /* counts as none */
    pack_run(&pack, 900000);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
}

TEST_CASE("a battery that the BMS calls full floats at once", "[charge_control]")
{
    pack_t pack;
    absorbing(&pack, 4150, 4120, 10000);
    pack.bms.fully_charged = true;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
    pack_charging(&pack, 3800, 10000);
    pack.bms.fully_charged = true;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
}

/** In float since the BMS called the battery full at this state of charge. */
static void floating(pack_t *pack, int32_t soc_ppm)
{
    pack_charging(pack, 3900, 10000);
    pack->state.soc_ppm = pack_known(soc_ppm);
    pack->bms.fully_charged = true;
    pack_step(pack, PACK_PERIOD_MS);
    pack_step(pack, PACK_PERIOD_MS);
    pack->bms.fully_charged = false;
    pack_step(pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack->state.cvl_mv.reason);
}

static void expect_float_ends_below(const pack_t *pack, int32_t soc_ppm)
{
    pack_t *const copy = pack_copy(pack);
    copy->state.soc_ppm = pack_known(soc_ppm);
    pack_step(copy, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(CHARGE_STAGE_FLOAT, copy->control.stage);
    copy->state.soc_ppm = pack_known(soc_ppm - 1);
    pack_step(copy, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(CHARGE_STAGE_BULK, copy->control.stage);
}

TEST_CASE("float ends when a tenth has been taken out, wherever the estimate stood when the battery was full",
          "[charge_control]")
{
    pack_t pack;
    floating(&pack, 1000000);
    expect_float_ends_below(&pack, 900000);
    floating(&pack, 800000);
    expect_float_ends_below(&pack, 700000);
    pack.state.soc_ppm = pack_known(950000);
    pack_step(&pack, PACK_PERIOD_MS);
    expect_float_ends_below(&pack, 850000);
}

TEST_CASE("register 321 and the setting say when float ends", "[charge_control]")
{
    pack_t pack;
    floating(&pack, 1000000);
    pack.bms.restart_ppm = pack_known(600000);
    expect_float_ends_below(&pack, 600000);
    pack.config.float_end_pct = 50;
    pack.control.config.float_end_pct = 50;
    expect_float_ends_below(&pack, 500000);
}

TEST_CASE("a state of charge that is not known any more counts as 0 %", "[charge_control]")
{
    pack_t pack;
    floating(&pack, 100001); /* float ends a tenth below: at 0.0001 % */
    pack.state.soc_ppm.known = false;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(CHARGE_STAGE_BULK, pack.control.stage);
    floating(&pack, 100000);
    pack.state.soc_ppm.known = false;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(CHARGE_STAGE_FLOAT, pack.control.stage);
}

TEST_CASE("a restart of a full battery keeps the estimate that it found", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.soc_ppm = pack_known(800000);
    pack.bms.fully_charged = true;
    pack_step(&pack, 0);
    pack.bms.fully_charged = false;
    expect_float_ends_below(&pack, 700000);
}

TEST_CASE("float does not end while the BMS calls the battery full", "[charge_control]")
{
    pack_t pack;
    floating(&pack, 1000000);
    pack.bms.fully_charged = true;
    pack.state.soc_ppm = pack_known(100000);
    pack_run(&pack, PACK_MINUTE_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
}

TEST_CASE("float is approached at 1 mV/s per cell", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4000, 0);
    pack.state.soc_ppm = pack_known(1000000);
    pack.bms.fully_charged = true;
    pack_run(&pack, 1000);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV - 14, BATTERY_REASON_FLOAT);
    pack_run(&pack, FLOAT_WAY_MS - 2000);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV + 14, BATTERY_REASON_FLOAT);
    pack_run(&pack, 1000);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_FLOAT);
    pack_run(&pack, PACK_MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_FLOAT);
}

TEST_CASE("on its way to float CVL stays 10 mV above the highest cell and does not rise with it", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4120, 0);
    pack.bms.fully_charged = true;
    pack_run(&pack, FLOAT_WAY_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_FLOAT);
    pack_set_cells(&pack, 4090, 4000);
    pack_run(&pack, FLOAT_WAY_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4100, BATTERY_REASON_FLOAT);
    pack_set_cells(&pack, 4110, 4000);
    pack_run(&pack, 5 * PACK_MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4100, BATTERY_REASON_FLOAT);
}

TEST_CASE("after float CVL rises slowly to the target", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 3900, 0);
    pack.bms.fully_charged = true;
    pack.state.soc_ppm = pack_known(1000000);
    pack_run(&pack, 3 * PACK_MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_FLOAT);
    pack.bms.fully_charged = false;
    pack.state.soc_ppm = pack_known(850000);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4095, BATTERY_REASON_RISING);
    pack_run(&pack, 19800);
    pack_expect(&pack.state.cvl_mv, 14 * 4095, BATTERY_REASON_RISING);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4115, BATTERY_REASON_RISING);
    pack_run(&pack, 20000);
    pack_expect(&pack.state.cvl_mv, 14 * 4135, BATTERY_REASON_RISING);
    pack_run(&pack, 20000);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
}
