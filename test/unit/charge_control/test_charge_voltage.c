/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/*
 * 14 cells, target 4150, float 4075, CCL ends at 4180 mV; 4 % of 66 Ah in an hour are 2.64 A. A change of the cells
 * counts with its second snapshot (the median of three), hence SEEN_MS.
 */
#include "pack.h"
#include "unity.h"

#define SEEN_MS      (2 * PACK_PERIOD_MS)
#define TARGET_MV    (14 * 4150)
#define FLOAT_MV     (14 * 4075)
#define TAIL_MA      2640
#define MINUTE_MS    60000
#define FLOAT_WAY_MS 75000 /**< from the target to float at 1 mV/s */

static pack_t charging(int32_t cell_mv, int32_t current_ma)
{
    pack_t pack = pack_nmc();
    pack_set_all_cells(&pack, cell_mv);
    pack.state.pack_current_ma = pack_known(current_ma);
    pack_settle(&pack);
    return pack;
}

static void set_cells_seen(pack_t *pack, int32_t cell_mv)
{
    pack_set_all_cells(pack, cell_mv);
    pack_run(pack, SEEN_MS);
}

/* ---- start, and the stages ---- */

TEST_CASE("CVL is N times the target from the first step on", "[charge_control]")
{
    pack_t pack = pack_nmc();
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
    pack = pack_lfp();
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, 16 * 3550, BATTERY_REASON_BULK);
}

TEST_CASE("CVL does not depend on the measured pack voltage", "[charge_control]")
{
    pack_t pack = pack_nmc();
    pack_step(&pack, 0);
    static const int32_t voltages_mv[] = {0, 30000, 58100, 80000};
    for (size_t i = 0; i < sizeof(voltages_mv) / sizeof(voltages_mv[0]); i++) {
        pack.state.pack_voltage_mv = pack_known(voltages_mv[i]);
        pack_run(&pack, 2 * MINUTE_MS);
        pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
    }
    pack.state.pack_voltage_mv.known = false;
    pack_run(&pack, 1000);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
}

static void expect_start(const pack_t *pack, int32_t soc_ppm, battery_limit_reason_t stage)
{
    pack_t copy = *pack;
    copy.state.soc_ppm = pack_known(soc_ppm);
    pack_restart(&copy);
    pack_step(&copy, 0);
    TEST_ASSERT_EQUAL(stage, copy.state.cvl_mv.reason);
}

TEST_CASE("a battery that is charged to where float ends is not charged anew by a restart", "[charge_control]")
{
    pack_t pack = pack_nmc();
    expect_start(&pack, 899999, BATTERY_REASON_BULK);
    expect_start(&pack, 900000, BATTERY_REASON_FLOAT);
    pack.bms.restart_ppm = pack_known(800000);
    expect_start(&pack, 799999, BATTERY_REASON_BULK);
    expect_start(&pack, 800000, BATTERY_REASON_FLOAT);
    pack.config.rebulk_percent = 70;
    expect_start(&pack, 699999, BATTERY_REASON_BULK);
    expect_start(&pack, 700000, BATTERY_REASON_FLOAT);
    pack.config.rebulk_percent = 1;
    expect_start(&pack, 9999, BATTERY_REASON_BULK);
    expect_start(&pack, 10000, BATTERY_REASON_FLOAT);
    pack = pack_nmc();
    pack.bms.fully_charged = true;
    expect_start(&pack, 100000, BATTERY_REASON_FLOAT);
    pack.bms.fully_charged = false;
    pack.state.soc_ppm.known = false;
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
}

TEST_CASE("a start in float begins 10 mV above the highest cell, between float and target", "[charge_control]")
{
    static const struct {
        int32_t highest_mv;
        int32_t cvl_mv;
    } cases[] = {{3900, FLOAT_MV},  {4065, FLOAT_MV},  {4066, 14 * 4076},
                 {4100, 14 * 4110}, {4140, TARGET_MV}, {4141, TARGET_MV}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pack_t pack = pack_nmc();
        pack.state.soc_ppm = pack_known(950000);
        pack_set_cells(&pack, cases[i].highest_mv, 3900);
        pack_step(&pack, 0);
        pack_expect(&pack.state.cvl_mv, cases[i].cvl_mv, BATTERY_REASON_FLOAT);
    }
}

TEST_CASE("the first step neither lowers nor raises", "[charge_control]")
{
    pack_t pack = pack_nmc();
    pack.state.pack_current_ma = pack_known(20000);
    pack_set_cells(&pack, 4179, 4000);
    pack_step(&pack, 0);
    TEST_ASSERT_GREATER_THAN(0, pack.state.ccl_ma.value);
    TEST_ASSERT_EQUAL_INT32(TARGET_MV, pack.state.cvl_mv.value);
}

TEST_CASE("absorption begins 10 mV before the target and ends back in bulk below 50 mV before it", "[charge_control]")
{
    pack_t pack = charging(4139, 10000);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
    set_cells_seen(&pack, 4140);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_ABSORPTION);
    set_cells_seen(&pack, 4100);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_ABSORPTION);
    set_cells_seen(&pack, 4099);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
}

/** In absorption since one step ago. */
static pack_t absorbing(int32_t highest_mv, int32_t lowest_mv, int32_t current_ma)
{
    pack_t pack = charging(4000, 10000);
    pack_set_cells(&pack, highest_mv, lowest_mv);
    pack.state.pack_current_ma = pack_known(current_ma);
    pack_run(&pack, SEEN_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
    return pack;
}

static void expect_float_after(pack_t pack, int32_t seconds)
{
    pack_run(&pack, seconds * 1000 - PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
}

TEST_CASE("float comes after 900 s of balanced cells and little current", "[charge_control]")
{
    expect_float_after(absorbing(4150, 4150, 0), 900);
    expect_float_after(absorbing(4150, 4140, TAIL_MA), 900);
}

TEST_CASE("float comes after 7200 s when the cells differ or much current flows", "[charge_control]")
{
    expect_float_after(absorbing(4150, 4139, 0), 7200);
    expect_float_after(absorbing(4150, 4150, TAIL_MA + 1), 7200);
}

TEST_CASE("the 900 s begin anew when the cells differ in between", "[charge_control]")
{
    pack_t pack = absorbing(4150, 4145, 0);
    pack_run(&pack, 600000);
    pack_set_cells(&pack, 4150, 4100);
    pack_run(&pack, SEEN_MS);
    pack_set_cells(&pack, 4150, 4145);
    pack_run(&pack, PACK_PERIOD_MS); /* the median still has the other one */
    expect_float_after(pack, 900);
}

TEST_CASE("the current that the BMS calls finished counts when it is the higher one", "[charge_control]")
{
    pack_t pack = absorbing(4150, 4150, 3000);
    pack.bms.charge_finish_ma = pack_known(3000);
    pack_step(&pack, PACK_PERIOD_MS); /* 200 ms of the 900 s, of which the step before was none */
    pack_run(&pack, 900000 - 2 * PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
    pack_run(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
    pack = absorbing(4150, 4150, 3001);
    pack.bms.charge_finish_ma = pack_known(3000);
    pack_run(&pack, 1800000);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
    pack = absorbing(4150, 4150, TAIL_MA);
    pack.bms.charge_finish_ma = pack_known(1000);
    expect_float_after(pack, 900);
}

TEST_CASE("without a capacity and a finished current every charge current is much", "[charge_control]")
{
    pack_t pack = absorbing(4150, 4150, 1);
    pack.state.installed_capacity_mah.known = false;
    pack_run(&pack, 1800000);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
    pack.state.pack_current_ma.known = false; /* counts as none */
    pack_run(&pack, 900000);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
}

TEST_CASE("a battery that the BMS calls full floats at once", "[charge_control]")
{
    pack_t pack = absorbing(4150, 4120, 10000);
    pack.bms.fully_charged = true;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
    pack = charging(3800, 10000);
    pack.bms.fully_charged = true;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
}

/** In float since the BMS called the battery full at this state of charge. */
static pack_t floating(int32_t soc_ppm)
{
    pack_t pack = charging(3900, 10000);
    pack.state.soc_ppm = pack_known(soc_ppm);
    pack.bms.fully_charged = true;
    pack_step(&pack, PACK_PERIOD_MS);
    pack_step(&pack, PACK_PERIOD_MS);
    pack.bms.fully_charged = false;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
    return pack;
}

static void expect_float_ends_below(pack_t pack, int32_t soc_ppm)
{
    pack.state.soc_ppm = pack_known(soc_ppm);
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.control.stage);
    pack.state.soc_ppm = pack_known(soc_ppm - 1);
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_BULK, pack.control.stage);
}

TEST_CASE("float ends when a tenth has been taken out, wherever the estimate stood when the battery was full",
          "[charge_control]")
{
    expect_float_ends_below(floating(1000000), 900000);
    expect_float_ends_below(floating(800000), 700000);
    pack_t pack = floating(800000);
    pack.state.soc_ppm = pack_known(950000);
    pack_step(&pack, PACK_PERIOD_MS);
    expect_float_ends_below(pack, 850000);
}

TEST_CASE("register 321 and the setting say when float ends", "[charge_control]")
{
    pack_t pack = floating(1000000);
    pack.bms.restart_ppm = pack_known(600000);
    expect_float_ends_below(pack, 600000);
    pack.config.rebulk_percent = 50;
    pack.control.config.rebulk_percent = 50;
    expect_float_ends_below(pack, 500000);
}

TEST_CASE("a state of charge that is not known any more counts as 0 %", "[charge_control]")
{
    pack_t pack = floating(100001); /* float ends a tenth below: at 0.0001 % */
    pack.state.soc_ppm.known = false;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_BULK, pack.control.stage);
    pack = floating(100000);
    pack.state.soc_ppm.known = false;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.control.stage);
}

TEST_CASE("a restart of a full battery keeps the estimate that it found", "[charge_control]")
{
    pack_t pack = pack_nmc();
    pack.state.soc_ppm = pack_known(800000);
    pack.bms.fully_charged = true;
    pack_step(&pack, 0);
    pack.bms.fully_charged = false;
    expect_float_ends_below(pack, 700000);
}

TEST_CASE("float does not end while the BMS calls the battery full", "[charge_control]")
{
    pack_t pack = floating(1000000);
    pack.bms.fully_charged = true;
    pack.state.soc_ppm = pack_known(100000);
    pack_run(&pack, MINUTE_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, pack.state.cvl_mv.reason);
}

TEST_CASE("float is approached at 1 mV/s per cell", "[charge_control]")
{
    pack_t pack = charging(4000, 0);
    pack.state.soc_ppm = pack_known(1000000);
    pack.bms.fully_charged = true;
    pack_run(&pack, 1000);
    pack_expect(&pack.state.cvl_mv, TARGET_MV - 14, BATTERY_REASON_FLOAT);
    pack_run(&pack, FLOAT_WAY_MS - 2000);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV + 14, BATTERY_REASON_FLOAT);
    pack_run(&pack, 1000);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_FLOAT);
    pack_run(&pack, MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_FLOAT);
}

TEST_CASE("on its way to float CVL stays 10 mV above the highest cell and does not rise with it", "[charge_control]")
{
    pack_t pack = charging(4120, 0);
    pack.bms.fully_charged = true;
    pack_run(&pack, FLOAT_WAY_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_FLOAT);
    pack_set_cells(&pack, 4090, 4000);
    pack_run(&pack, FLOAT_WAY_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4100, BATTERY_REASON_FLOAT);
    pack_set_cells(&pack, 4110, 4000);
    pack_run(&pack, 5 * MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4100, BATTERY_REASON_FLOAT);
}

TEST_CASE("after float CVL rises slowly to the target", "[charge_control]")
{
    pack_t pack = charging(3900, 0);
    pack.bms.fully_charged = true;
    pack.state.soc_ppm = pack_known(1000000);
    pack_run(&pack, 3 * MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_FLOAT);
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
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
}

/* ---- the controller on the highest cell ---- */

TEST_CASE("the excess of the highest cell is taken off CVL in 10 s", "[charge_control]")
{
    pack_t pack = charging(4150, 10000);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_ABSORPTION);
    pack_set_cells(&pack, 4160, 4140);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_ABSORPTION);
    pack_run(&pack, 1000); /* 10 mV / 10 s = 1 mV/s per cell */
    pack_expect(&pack.state.cvl_mv, TARGET_MV - 14, BATTERY_REASON_CELL_VOLTAGE);
    pack_run(&pack, 9000);
    pack_expect(&pack.state.cvl_mv, TARGET_MV - 140, BATTERY_REASON_CELL_VOLTAGE);
}

/** An excess of 10 mV for 10 s, of which 10 A take off 10 mV per cell. */
static void expect_lowered(int32_t current_ma, int32_t lower_mv)
{
    pack_t pack = charging(4150, current_ma);
    pack_set_cells(&pack, 4160, 4140);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_run(&pack, 10000);
    TEST_ASSERT_EQUAL_INT32(TARGET_MV - lower_mv, pack.state.cvl_mv.value);
}

TEST_CASE("CVL comes down the slower the less more than the tail current flows", "[charge_control]")
{
    expect_lowered(3 * TAIL_MA, 140);
    expect_lowered(3 * TAIL_MA - 528, 126); /* 90 % of twice the tail current above it */
    expect_lowered(2 * TAIL_MA, 70);
    expect_lowered(TAIL_MA + 528, 14);
}

TEST_CASE("without a capacity and a finished current any charge current takes all of the excess off",
          "[charge_control]")
{
    pack_t pack = charging(4150, 1);
    pack.state.installed_capacity_mah.known = false;
    pack_set_cells(&pack, 4160, 4140);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_run(&pack, 10000);
    TEST_ASSERT_EQUAL_INT32(TARGET_MV - 140, pack.state.cvl_mv.value);
}

/** A cell that rises by 1 mV each second, from 4000 mV on, until it has this voltage; look-ahead as given. */
static pack_t rising(int32_t until_mv, int32_t look_ahead_s)
{
    pack_t pack = pack_nmc();
    pack.config.look_ahead_s = look_ahead_s;
    pack_set_all_cells(&pack, 4000);
    pack.state.pack_current_ma = pack_known(10000);
    pack_settle(&pack);
    for (int32_t cell_mv = 4000; cell_mv <= until_mv; cell_mv++) {
        pack_set_all_cells(&pack, cell_mv);
        pack_step(&pack, 1000);
    }
    return pack;
}

TEST_CASE("where the highest cell will be in 40 s counts as its voltage", "[charge_control]")
{
    pack_t pack = rising(4110, 40); /* the median is one second late, and the slope a little below 1 mV/s */
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
    pack = rising(4113, 40);
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_VOLTAGE, pack.state.cvl_mv.reason);
    pack = rising(4113, 20);
    TEST_ASSERT_EQUAL_INT32(TARGET_MV, pack.state.cvl_mv.value);
    pack = rising(4149, 0);
    TEST_ASSERT_EQUAL_INT32(TARGET_MV, pack.state.cvl_mv.value);
}

TEST_CASE("a cell that falls counts as it is", "[charge_control]")
{
    pack_t pack = charging(4150, 10000);
    pack.control.config.look_ahead_s = 40;
    for (int32_t cell_mv = 4150; cell_mv >= 4100; cell_mv--) {
        pack_set_all_cells(&pack, cell_mv);
        pack_step(&pack, 1000);
        TEST_ASSERT_EQUAL_INT32(TARGET_MV, pack.state.cvl_mv.value);
    }
    pack_set_all_cells(&pack, 4151);
    for (int32_t seconds = 0; seconds < 4; seconds++) {
        pack_step(&pack, 1000);
    }
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_VOLTAGE, pack.state.cvl_mv.reason);
}

TEST_CASE("a slope is a mean over 10 s, and is forgotten in a gap of 10 s", "[charge_control]")
{
    pack_t pack = charging(4100, 10000);
    pack.control.config.look_ahead_s = 40;
    set_cells_seen(&pack, 4110); /* 10 mV / 10 s = 1 mV/s, in 40 s 40 mV: 4150 */
    TEST_ASSERT_EQUAL_INT32(TARGET_MV, pack.state.cvl_mv.value);
    pack = charging(4100, 10000);
    pack.control.config.look_ahead_s = 40;
    set_cells_seen(&pack, 4111);
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_VOLTAGE, pack.state.cvl_mv.reason);
    pack = charging(4100, 10000);
    pack.control.config.look_ahead_s = 40;
    pack_set_all_cells(&pack, 4130);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_step(&pack, 9999);
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_VOLTAGE, pack.state.cvl_mv.reason);
    pack = charging(4100, 10000);
    pack.control.config.look_ahead_s = 40;
    pack_set_all_cells(&pack, 4130);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_step(&pack, 10000);
    TEST_ASSERT_EQUAL_INT32(TARGET_MV, pack.state.cvl_mv.value);
}

TEST_CASE("a cell at the target lowers nothing", "[charge_control]")
{
    pack_t pack = charging(4150, 10000);
    pack_run(&pack, MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_ABSORPTION);
    set_cells_seen(&pack, 4151);
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_VOLTAGE, pack.state.cvl_mv.reason);
}

/** Float far below a low target, so that a cell can be far above it. */
static pack_t pack_with_low_target(void)
{
    pack_t pack = pack_lfp();
    pack.config.target_mv = 3300;
    pack.config.float_mv = 3000;
    pack.bms.empty_mv = pack_known(2700);
    pack.bms.under_voltage_mv = pack_known(2600);
    pack.bms.charge_max_ma = pack_known(500000);
    pack.state.pack_current_ma = pack_known(10000);
    pack_set_all_cells(&pack, 3300);
    pack_settle(&pack);
    return pack;
}

TEST_CASE("CVL is lowered by 200 mV/s at most", "[charge_control]")
{
    pack_t pack = pack_with_low_target();
    pack_set_cells(&pack, 3460, 3300); /* an excess of 160 mV: 256 mV/s of the pack */
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 16 * 3300, BATTERY_REASON_ABSORPTION);
    pack_run(&pack, 1000);
    pack_expect(&pack.state.cvl_mv, 16 * 3300 - 200, BATTERY_REASON_CELL_VOLTAGE);
    pack_step(&pack, 1000);
    pack_expect(&pack.state.cvl_mv, 16 * 3300 - 400, BATTERY_REASON_CELL_VOLTAGE);
    pack_set_cells(&pack, 3420, 3300); /* 120 mV: 192 mV/s */
    pack_step(&pack, 0);
    pack_step(&pack, 0);
    pack_step(&pack, 1000);
    pack_expect(&pack.state.cvl_mv, 16 * 3300 - 592, BATTERY_REASON_CELL_VOLTAGE);
}

static void expect_lowering(int32_t highest_mv, int32_t current_ma, bool lowers)
{
    pack_t pack = charging(4150, current_ma);
    set_cells_seen(&pack, highest_mv);
    pack_run(&pack, 10000);
    TEST_ASSERT_EQUAL(lowers, pack.state.cvl_mv.value < TARGET_MV);
    TEST_ASSERT_EQUAL(lowers ? BATTERY_REASON_CELL_VOLTAGE : BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
}

TEST_CASE("the less current flows the further above the target a cell has to be to lower CVL", "[charge_control]")
{
    expect_lowering(4151, TAIL_MA, true);
    expect_lowering(4150, TAIL_MA, false);
    expect_lowering(4168, 1000, false); /* 30 mV from target to end x 1.6 of 2.6 A = 18.5 mV */
    expect_lowering(4169, 1000, true);
    expect_lowering(4179, 1, false);
    expect_lowering(4179, 0, false);
    expect_lowering(4179, -20000, false);
}

TEST_CASE("with little current CVL goes down by one digit of the frame every 20 s", "[charge_control]")
{
    pack_t pack = charging(4150, 1000);
    set_cells_seen(&pack, 4170);
    pack_expect(&pack.state.cvl_mv, TARGET_MV - 100, BATTERY_REASON_CELL_VOLTAGE);
    pack_run(&pack, 19800);
    pack_expect(&pack.state.cvl_mv, TARGET_MV - 100, BATTERY_REASON_CELL_VOLTAGE);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, TARGET_MV - 200, BATTERY_REASON_CELL_VOLTAGE);
}

TEST_CASE("CVL is never lowered below N times float", "[charge_control]")
{
    pack_t pack = charging(4150, 10000);
    set_cells_seen(&pack, 4170);
    pack_run(&pack, 3 * MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_CELL_VOLTAGE);
}

/** Lowered by 40 mV per cell; the highest cell has been below the target since the last step. */
static pack_t lowered(int32_t highest_mv)
{
    pack_t pack = charging(4150, 10000);
    set_cells_seen(&pack, 4160);
    pack_run(&pack, 40000 - PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
    pack.state.pack_current_ma = pack_known(0);
    pack_set_all_cells(&pack, highest_mv);
    pack_step(&pack, 0); /* the last one above the target, as the median has it */
    pack_step(&pack, PACK_PERIOD_MS);
    return pack;
}

TEST_CASE("CVL is raised 60 s after the last cell above the target, and then every 20 s", "[charge_control]")
{
    pack_t pack = lowered(4100);
    pack_run(&pack, 59600);
    pack_step(&pack, PACK_PERIOD_MS - 1);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
    pack_step(&pack, 1);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
    pack_run(&pack, 19800);
    pack_step(&pack, PACK_PERIOD_MS - 1);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
    pack_step(&pack, 1);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_ABSORPTION);
}

TEST_CASE("CVL is raised by half of what the highest cell lacks, 20 mV at most", "[charge_control]")
{
    static const struct {
        int32_t highest_mv;
        int32_t raised_mv;
    } cases[] = {{4130, 10}, {4112, 19}, {4110, 20}, {4108, 20}, {4144, 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pack_t pack = lowered(cases[i].highest_mv);
        pack_run(&pack, MINUTE_MS);
        pack_expect(&pack.state.cvl_mv, 14 * (4110 + cases[i].raised_mv), BATTERY_REASON_RISING);
    }
}

TEST_CASE("a cell that has all but reached the target holds CVL where it is", "[charge_control]")
{
    pack_t pack = lowered(4145);
    pack_run(&pack, 5 * MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
}

TEST_CASE("a cell at the target does not delay the raise", "[charge_control]")
{
    pack_t pack = lowered(4150);
    pack_run(&pack, MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
    set_cells_seen(&pack, 4100);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
}

TEST_CASE("an excess that lowers nothing still delays the raise", "[charge_control]")
{
    pack_t pack = lowered(4155);
    pack_run(&pack, 5 * MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
    set_cells_seen(&pack, 4100);
    pack_run(&pack, 59600);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
    pack_run(&pack, 400);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
}

/* ---- bounds ---- */

TEST_CASE("a target that is set lower is approached by 200 mV/s, one that is set higher slowly", "[charge_control]")
{
    pack_t pack = pack_lfp();
    pack_settle(&pack);
    pack.bms.full_mv = pack_known(3500); /* 800 mV of the pack */
    pack_step(&pack, 1000);
    pack_expect(&pack.state.cvl_mv, 16 * 3550 - 200, BATTERY_REASON_BULK);
    pack_step(&pack, 3000);
    pack_expect(&pack.state.cvl_mv, 16 * 3500, BATTERY_REASON_BULK);
    pack_run(&pack, 10000);
    pack_expect(&pack.state.cvl_mv, 16 * 3500, BATTERY_REASON_BULK);
    pack.bms.full_mv = pack_known(3530);
    pack_run(&pack, 20000);
    pack_expect(&pack.state.cvl_mv, 16 * 3520, BATTERY_REASON_RISING);
    pack_run(&pack, 20000);
    pack_expect(&pack.state.cvl_mv, 16 * 3530, BATTERY_REASON_BULK);
}

TEST_CASE("a ceiling that comes down holds at once", "[charge_control]")
{
    pack_t pack = pack_lfp();
    pack_settle(&pack);
    pack.bms.over_voltage_mv = pack_known(3500);
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_LESS_OR_EQUAL(16 * 3455, pack.state.cvl_mv.value);
}

TEST_CASE("a float voltage that goes up holds at once", "[charge_control]")
{
    pack_t pack = pack_lfp();
    pack.bms.fully_charged = true;
    pack_settle(&pack);
    pack_expect(&pack.state.cvl_mv, 16 * 3375, BATTERY_REASON_FLOAT);
    pack.bms.over_voltage_mv = pack_known(3801); /* not LFP any more */
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 16 * 3475, BATTERY_REASON_FLOAT);
}

/* ---- charging inhibited ---- */

static void expect_inhibited(pack_t *pack, int32_t float_mv)
{
    pack_step(pack, PACK_PERIOD_MS);
    pack_step(pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(0, pack->state.ccl_ma.value);
    pack_expect(&pack->state.cvl_mv, float_mv, BATTERY_REASON_CHARGE_INHIBITED);
}

TEST_CASE("when nothing may be charged CVL is N times float at once, whatever the reason", "[charge_control]")
{
    pack_t pack = charging(4000, 0);
    pack_set_all_cells(&pack, 4180);
    expect_inhibited(&pack, FLOAT_MV);
    pack = charging(4000, 0);
    pack.state.sensor_dc[0] = pack_known(0);
    expect_inhibited(&pack, FLOAT_MV);
    pack = charging(4000, 0);
    pack.bms.fault = true;
    pack.bms.fault_event = 0x03;
    expect_inhibited(&pack, FLOAT_MV);
    pack = charging(4000, 0);
    pack.bms.charge_max_ma.known = false;
    expect_inhibited(&pack, FLOAT_MV);
    pack = charging(4000, 0);
    pack.bms.cell_count_differs = true;
    expect_inhibited(&pack, FLOAT_MV);
    pack = charging(4000, 0);
    pack.bms.under_voltage_mv = pack_known(3000);
    expect_inhibited(&pack, FLOAT_MV);
    pack = charging(4000, 0);
    pack.bms.over_voltage_mv = pack_known(4100);
    expect_inhibited(&pack, 14 * 4051); /* the ceiling, which float contradicts */
}

TEST_CASE("a limit of 0.1 A does not inhibit", "[charge_control]")
{
    pack_t pack = pack_nmc();
    pack.config.charge_max_ma = 100;
    pack_settle(&pack);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
    pack.config.charge_max_ma = 99;
    pack_settle(&pack);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
}

TEST_CASE("a discharge that is forbidden leaves CVL alone", "[charge_control]")
{
    pack_t pack = charging(4000, 0);
    pack.bms.fault = true;
    pack.bms.fault_event = 0x02;
    pack_run(&pack, 1000);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.dcl_ma.value);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
}

TEST_CASE("a ramp from zero leaves CVL where it was", "[charge_control]")
{
    pack_t pack = charging(4000, 0);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_CHARGE, pack.now_ms);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_RAMP);
    pack_expect(&pack.state.cvl_mv, TARGET_MV, BATTERY_REASON_BULK);
}

TEST_CASE("what forbids charging inhibits it in a ramp from zero too", "[charge_control]")
{
    pack_t pack = charging(4000, 0);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_CHARGE, pack.now_ms);
    pack.state.bms_temperature_dc = pack_known(-50);
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
}

TEST_CASE("after charging was inhibited CVL waits 60 s and rises slowly", "[charge_control]")
{
    pack_t pack = charging(4000, 0);
    pack.bms.fault = true;
    pack.bms.fault_event = 0x03;
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
    pack.bms.fault = false;
    pack_run(&pack, 29800); /* CCL is 0 for 30 s more */
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, 1000, BATTERY_REASON_RISING);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_RISING);
    pack_run(&pack, 59600);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_RISING);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4095, BATTERY_REASON_RISING);
}

TEST_CASE("nothing that was lowered before charging was inhibited is the reason after it", "[charge_control]")
{
    pack_t pack = lowered(4100);
    pack.bms.cell_count_differs = true;
    pack_step(&pack, PACK_PERIOD_MS);
    pack.bms.cell_count_differs = false;
    pack_run(&pack, 31000);
    pack_expect(&pack.state.cvl_mv, FLOAT_MV, BATTERY_REASON_RISING);
}
