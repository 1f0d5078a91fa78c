/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Edges that only mutants of the code show to matter. */
#include "pack.h"
#include "unity.h"

/* Full at 3500 mV and CCL 0 at 4500 mV: a cell can be far above the target while charging goes on. */
static void pack_with_much_room(pack_t *pack)
{
    pack_nmc(pack);
    pack->bms.full_mv = pack_known(3500);
    pack->bms.over_voltage_mv = pack_known(4520);
    pack->bms.charge_finish_ma = pack_known(10000);
}

/* CVL so long after the start at this voltage and current. */
static int32_t cvl_after(pack_t *pack, int32_t cell_mv, int32_t current_ma, int32_t duration_ms)
{
    pack_set_all_cells(pack, cell_mv);
    pack->state.pack_current_ma = pack_known(current_ma);
    pack_begin_at(pack, pack->state.cell_count * 3500);
    pack_step(pack, duration_ms);
    return pack->state.cvl_mv.value;
}

TEST_CASE("with little current a cell lowers CVL from the share of the way to the ceiling that lacks in current",
          "[charge_control]")
{
    pack_t pack;
    pack_with_much_room(&pack);
    /* 10 A - 4.951 A is 50 of 100 steps: half of the 1000 mV. */
    TEST_ASSERT_EQUAL_INT32(14 * 3500, cvl_after(&pack, 4000, 4951, 20000));
    TEST_ASSERT_EQUAL_INT32(14 * 3500 - 100, cvl_after(&pack, 4005, 4951, 20000));
}

TEST_CASE("the least current that flows lowers CVL near the ceiling, none does not", "[charge_control]")
{
    pack_t pack;
    pack_with_much_room(&pack);
    pack.bms.charge_max_ma = pack_known(750000); /* CCL is not 0 yet */
    TEST_ASSERT_EQUAL_INT32(14 * 3500 - 100, cvl_after(&pack, 4495, 1, 20000));
    TEST_ASSERT_EQUAL_INT32(14 * 3500, cvl_after(&pack, 4495, 0, 20000));
}

TEST_CASE("a digit is taken off CVL after all of the 20 s", "[charge_control]")
{
    pack_t pack;
    pack_with_much_room(&pack);
    TEST_ASSERT_EQUAL_INT32(14 * 3500, cvl_after(&pack, 4400, 9000, 19999));
    TEST_ASSERT_EQUAL_INT32(14 * 3500 - 100, cvl_after(&pack, 4400, 9000, 20000));
    pack.state.cell_count = 11; /* 100 mV is no multiple of it: rounded towards less lowering */
    TEST_ASSERT_EQUAL_INT32(11 * 3500 - 100, cvl_after(&pack, 4400, 9000, 20000));
}

TEST_CASE("a digit is all of 100 mV of the pack, wherever CVL stands", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.cell_count = 16;
    pack.state.pack_current_ma = pack_known(10000);
    pack_set_all_cells(&pack, 4151);
    pack_begin_at(&pack, 16 * 4150);
    pack_step(&pack, 630); /* 1 mV in 10 s: 0.063 mV of each cell, 1.008 mV of the pack */
    TEST_ASSERT_EQUAL_INT32(16 * 4150 - 2, pack.state.cvl_mv.value);
    pack.state.pack_current_ma = pack_known(1000);
    pack_set_all_cells(&pack, 4172);
    pack_run(&pack, 20400); /* the first digit comes 20 s after the start */
    TEST_ASSERT_EQUAL_INT32(16 * 4150 - 102, pack.state.cvl_mv.value);
}

TEST_CASE("a battery that is called full in absorption floats at once, however low its cells are", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_all_cells(&pack, 4145);
    pack_settle(&pack);
    TEST_ASSERT_EQUAL(CHARGE_STAGE_ABSORPTION, pack.control.stage);
    pack_set_all_cells(&pack, 4050);
    pack_step(&pack, PACK_PERIOD_MS);
    pack.bms.fully_charged = true;
    pack_step(&pack, PACK_PERIOD_MS); /* the second low reading counts */
    TEST_ASSERT_EQUAL(CHARGE_STAGE_FLOAT, pack.control.stage);
}

TEST_CASE("what stops charging allows nothing, in the list of the limiters as well", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.cell_count_differs = true;
    pack.bms.under_voltage_mv = pack_known(3000);
    TEST_ASSERT_EQUAL_INT32(0, pack_charge_limiter(&pack, BATTERY_REASON_CELL_COUNT));
    TEST_ASSERT_EQUAL_INT32(0, pack_charge_limiter(&pack, BATTERY_REASON_SETTINGS_CONTRADICTORY));
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_TRUE(pack.state.ccl_limiter_ma[BATTERY_REASON_CELL_COUNT].known);
    TEST_ASSERT_TRUE(pack.state.ccl_limiter_ma[BATTERY_REASON_SETTINGS_CONTRADICTORY].known);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.ccl_limiter_ma[BATTERY_REASON_CELL_COUNT].value);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.ccl_limiter_ma[BATTERY_REASON_SETTINGS_CONTRADICTORY].value);
}

TEST_CASE("a cold that was there before its sensors went missing is there after it", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.bms_temperature_ddegc.known = false;
    pack.state.sensor_ddegc[0] = pack_known(50);
    pack.state.sensor_ddegc[1] = pack_known(300);
    pack_settle(&pack);
    pack.state.sensor_ddegc[0].known = false;
    pack.state.sensor_ddegc[1].known = false;
    pack_run(&pack, 1000);
    pack.state.sensor_ddegc[0] = pack_known(300);
    pack_step(&pack, PACK_PERIOD_MS); /* one warm reading after many cold ones: half way up the 10 degC */
    TEST_ASSERT_EQUAL_INT32(9000, pack.state.ccl_limiter_ma[BATTERY_REASON_TEMPERATURE].value);
}

TEST_CASE("a heat that was there before its sensors went missing is there after it", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.bms_temperature_ddegc.known = false;
    pack.state.sensor_ddegc[0] = pack_known(515);
    pack_settle(&pack);
    pack.state.sensor_ddegc[0].known = false;
    pack_run(&pack, 1000);
    pack.state.sensor_ddegc[0] = pack_known(250);
    pack_step(&pack, PACK_PERIOD_MS); /* one cool reading after many hot ones: half way down the 13 degC */
    TEST_ASSERT_EQUAL_INT32(9000, pack.state.ccl_limiter_ma[BATTERY_REASON_TEMPERATURE].value);
}

TEST_CASE("CVL looks ahead in proportion to the slope and to the time", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.cvl_ahead_s = 400;
    pack.config.cvl_lower_mv_s = 100000;
    pack.config.float_below_mv = 500;
    pack.state.pack_current_ma = pack_known(20000);
    pack_set_all_cells(&pack, 4000);
    pack_settle(&pack);
    TEST_ASSERT_EQUAL_INT32(14 * 4150, pack.state.cvl_mv.value);
    pack_set_all_cells(&pack, 4100);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_step(&pack, PACK_PERIOD_MS);
    /* 100 mV over 10 s are 4000 mV in 400 s: 3950 mV above the target, of which 0.2 s of 10 s are taken off. */
    TEST_ASSERT_EQUAL_INT32(14 * (4150 - 79), pack.state.cvl_mv.value);
}

TEST_CASE("a cell that rests is not expected to move, however far ahead CVL looks", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.cvl_ahead_s = 1000;
    pack.state.pack_current_ma = pack_known(20000);
    pack_set_all_cells(&pack, 4150);
    pack_restart(&pack);
    pack_step(&pack, 0);
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(14 * 4150, pack.state.cvl_mv.value);
    pack_step(&pack, 10000); /* a gap: the slope before it is forgotten */
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(14 * 4150, pack.state.cvl_mv.value);
}

TEST_CASE("a cell that falls is not expected to fall further", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.cvl_ahead_s = 1000;
    pack.config.cvl_off_s = 1;
    pack.state.pack_current_ma = pack_known(20000);
    pack_set_all_cells(&pack, 4159);
    pack_begin_at(&pack, 14 * 4150);
    pack_set_all_cells(&pack, 4151);
    pack_step(&pack, 0);
    pack_step(&pack, PACK_PERIOD_MS); /* 1 mV above the target, of which 0.2 s of 1 s are taken off */
    TEST_ASSERT_EQUAL_INT32((14 * (4150000 - 200)) / 1000, pack.state.cvl_mv.value);
}

TEST_CASE("alarms that are in the state already limit nothing", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    const int32_t dcl_ma = pack.state.dcl_ma.value;
    pack.state.alarm[BATTERY_ALARM_GENERAL] = BATTERY_ALARM_ACTIVE;
    pack.state.alarm[BATTERY_ALARM_HIGH_VOLTAGE] = BATTERY_ALARM_ACTIVE;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(dcl_ma, pack.state.dcl_ma.value);
}

/* A pack that lowers CVL by all of the excess in a second, and far. */
static void pack_that_lowers_fast(pack_t *pack, int32_t cell_mv)
{
    pack_nmc(pack);
    pack->config.cvl_off_s = 1;
    pack->config.cvl_lower_mv_s = 200000;
    pack->config.float_below_mv = 900;
    pack->config.cvl_raise_mv_s = 50; /* at the target in time */
    pack->state.pack_current_ma = pack_known(20000);
    pack_set_all_cells(pack, cell_mv);
    pack_settle(pack);
}

/* The second reading of a voltage counts. */
static void jump_to(pack_t *pack, int32_t cell_mv, int32_t cvl_ahead_s, int32_t period_ms)
{
    pack_set_all_cells(pack, cell_mv);
    pack_step(pack, period_ms);
    pack->control.config.cvl_ahead_s = cvl_ahead_s;
    pack_step(pack, period_ms);
}

TEST_CASE("a jump of a cell counts as one of 1 V at most", "[charge_control]")
{
    pack_t pack;
    pack_that_lowers_fast(&pack, 3240);
    jump_to(&pack, 3140, 0, PACK_PERIOD_MS);  /* -10 mV/s, and -9.8 mV/s a step later */
    jump_to(&pack, 4150, 40, PACK_PERIOD_MS); /* + 100 mV/s + 0.196 mV/s: 90.396 mV/s, 3615 mV in 40 s */
    TEST_ASSERT_EQUAL_INT32(14 * (4150 - 723), pack.state.cvl_mv.value);
}

TEST_CASE("a cell is expected to rise by 100 mV/s at most", "[charge_control]")
{
    pack_t pack;
    pack_that_lowers_fast(&pack, 3050);
    jump_to(&pack, 3150, 0, PACK_PERIOD_MS);
    jump_to(&pack, 4150, 40, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(14 * (4150 - 800), pack.state.cvl_mv.value); /* 0.2 of 4000 mV */
    pack_that_lowers_fast(&pack, 3050);
    pack.control.config.cvl_off_s = 10;
    jump_to(&pack, 3150, 0, PACK_PERIOD_MS);
    jump_to(&pack, 4150, 1000, 50);
    TEST_ASSERT_EQUAL_INT32(14 * (4150 - 500), pack.state.cvl_mv.value); /* 0.005 of 100 V */
}
