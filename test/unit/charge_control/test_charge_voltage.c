/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The controller on the highest cell, the bounds of CVL, and charging inhibited. */
#include "../row.h"
#include "pack.h"
#include "unity.h"

/* ---- the controller on the highest cell ---- */

TEST_CASE("the excess of the highest cell is taken off CVL in 10 s", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4150, 10000);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_ABSORPTION);
    pack_set_cells(&pack, 4160, 4140);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_ABSORPTION);
    pack_run(&pack, 1000); /* 10 mV / 10 s = 1 mV/s per cell */
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV - 14, BATTERY_REASON_CELL_VOLTAGE);
    pack_run(&pack, 9000);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV - 140, BATTERY_REASON_CELL_VOLTAGE);
}

/** An excess of 10 mV for 10 s, of which 10 A take off 10 mV per cell. */
static void expect_lowered(int32_t current_ma, int32_t lower_mv)
{
    pack_t pack;
    pack_charging(&pack, 4150, current_ma);
    pack_set_cells(&pack, 4160, 4140);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_run(&pack, 10000);
    TEST_ASSERT_EQUAL_INT32(PACK_TARGET_MV - lower_mv, pack.state.cvl_mv.value);
}

TEST_CASE("CVL comes down the slower the less more than the tail current flows", "[charge_control]")
{
    expect_lowered(3 * PACK_TAIL_MA, 140);
    expect_lowered(3 * PACK_TAIL_MA - 528, 126); /* 90 % of twice the tail current above it */
    expect_lowered(2 * PACK_TAIL_MA, 70);
    expect_lowered(PACK_TAIL_MA + 528, 14);
}

TEST_CASE("without a capacity and a finished current any charge current takes all of the excess off",
          "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4150, 1);
    pack.state.installed_capacity_mah.known = false;
    pack_set_cells(&pack, 4160, 4140);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_run(&pack, 10000);
    TEST_ASSERT_EQUAL_INT32(PACK_TARGET_MV - 140, pack.state.cvl_mv.value);
}

/** A cell that rises by 1 mV each second, from 4000 mV on, until it has this voltage; look-ahead as given. */
static void rising(pack_t *pack, int32_t until_mv, int32_t cvl_ahead_s)
{
    pack_nmc(pack);
    pack->config.cvl_ahead_s = cvl_ahead_s;
    pack_set_all_cells(pack, 4000);
    pack->state.pack_current_ma = pack_known(10000);
    pack_settle(pack);
    for (int32_t cell_mv = 4000; cell_mv <= until_mv; cell_mv++) {
        pack_set_all_cells(pack, cell_mv);
        pack_step(pack, 1000);
    }
}

TEST_CASE("where the highest cell will be in 40 s counts as its voltage", "[charge_control]")
{
    pack_t pack;
    rising(&pack, 4110, 40); /* the median is one second late, and the slope a little below 1 mV/s */
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
    rising(&pack, 4113, 40);
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_VOLTAGE, pack.state.cvl_mv.reason);
    rising(&pack, 4113, 20);
    TEST_ASSERT_EQUAL_INT32(PACK_TARGET_MV, pack.state.cvl_mv.value);
    rising(&pack, 4149, 0);
    TEST_ASSERT_EQUAL_INT32(PACK_TARGET_MV, pack.state.cvl_mv.value);
}

TEST_CASE("a cell that falls counts as it is", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4150, 10000);
    pack.control.config.cvl_ahead_s = 40;
    for (int32_t cell_mv = 4150; cell_mv >= 4100; cell_mv--) {
        pack_set_all_cells(&pack, cell_mv);
        pack_step(&pack, 1000);
        TEST_ASSERT_EQUAL_INT32(PACK_TARGET_MV, pack.state.cvl_mv.value);
    }
    pack_set_all_cells(&pack, 4151);
    for (int32_t seconds = 0; seconds < 4; seconds++) {
        pack_step(&pack, 1000);
    }
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_VOLTAGE, pack.state.cvl_mv.reason);
}

TEST_CASE("a slope is a mean over 10 s, and is forgotten in a gap of 10 s", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4100, 10000);
    pack.control.config.cvl_ahead_s = 40;
    pack_set_cells_seen(&pack, 4110); /* 10 mV / 10 s = 1 mV/s, in 40 s 40 mV: 4150 */
    TEST_ASSERT_EQUAL_INT32(PACK_TARGET_MV, pack.state.cvl_mv.value);
    pack_charging(&pack, 4100, 10000);
    pack.control.config.cvl_ahead_s = 40;
    pack_set_cells_seen(&pack, 4111);
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_VOLTAGE, pack.state.cvl_mv.reason);
    pack_charging(&pack, 4100, 10000);
    pack.control.config.cvl_ahead_s = 40;
    pack_set_all_cells(&pack, 4130);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_step(&pack, 9999);
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_VOLTAGE, pack.state.cvl_mv.reason);
    pack_charging(&pack, 4100, 10000);
    pack.control.config.cvl_ahead_s = 40;
    pack_set_all_cells(&pack, 4130);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_step(&pack, 10000);
    TEST_ASSERT_EQUAL_INT32(PACK_TARGET_MV, pack.state.cvl_mv.value);
}

TEST_CASE("a cell at the target lowers nothing", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4150, 10000);
    pack_run(&pack, PACK_MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_ABSORPTION);
    pack_set_cells_seen(&pack, 4151);
    TEST_ASSERT_EQUAL(BATTERY_REASON_CELL_VOLTAGE, pack.state.cvl_mv.reason);
}

/** Float far below a low target, so that a cell can be far above it. */
static void pack_with_low_target(pack_t *pack)
{
    pack_lfp(pack);
    pack->config.charge_cell_mv = 3300;
    pack->config.float_cell_mv = 3000;
    pack->bms.empty_mv = pack_known(2700);
    pack->bms.under_voltage_mv = pack_known(2600);
    pack->bms.charge_max_ma = pack_known(500000);
    pack->state.pack_current_ma = pack_known(10000);
    pack_set_all_cells(pack, 3300);
    pack_settle(pack);
}

TEST_CASE("CVL is lowered by 200 mV/s at most", "[charge_control]")
{
    pack_t pack;
    pack_with_low_target(&pack);
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
    pack_t pack;
    pack_charging(&pack, 4150, current_ma);
    pack_set_cells_seen(&pack, highest_mv);
    pack_run(&pack, 10000);
    TEST_ASSERT_EQUAL(lowers, pack.state.cvl_mv.value < PACK_TARGET_MV);
    TEST_ASSERT_EQUAL(lowers ? BATTERY_REASON_CELL_VOLTAGE : BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
}

TEST_CASE("the less current flows the further above the target a cell has to be to lower CVL", "[charge_control]")
{
    expect_lowering(4151, PACK_TAIL_MA, true);
    expect_lowering(4150, PACK_TAIL_MA, false);
    expect_lowering(4168, 1000, false); /* 30 mV from target to end x 1.6 of 2.6 A = 18.5 mV */
    expect_lowering(4169, 1000, true);
    expect_lowering(4179, 1, false);
    expect_lowering(4179, 0, false);
    expect_lowering(4179, -20000, false);
}

TEST_CASE("with little current CVL goes down by one digit of the frame every 20 s", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4150, 1000);
    pack_set_cells_seen(&pack, 4170);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV - 100, BATTERY_REASON_CELL_VOLTAGE);
    pack_run(&pack, 19800);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV - 100, BATTERY_REASON_CELL_VOLTAGE);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV - 200, BATTERY_REASON_CELL_VOLTAGE);
}

TEST_CASE("CVL is never lowered below N times float", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4150, 10000);
    pack_set_cells_seen(&pack, 4170);
    pack_run(&pack, 3 * PACK_MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CELL_VOLTAGE);
}

/** Lowered by 40 mV per cell; the highest cell has been below the target since the last step. */
static void lowered(pack_t *pack, int32_t highest_mv)
{
    pack_charging(pack, 4150, 10000);
    pack_set_cells_seen(pack, 4160);
    pack_run(pack, 40000 - PACK_PERIOD_MS);
    pack_expect(&pack->state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
    pack->state.pack_current_ma = pack_known(0);
    pack_set_all_cells(pack, highest_mv);
    pack_step(pack, 0); /* the last one above the target, as the median has it */
    pack_step(pack, PACK_PERIOD_MS);
}

TEST_CASE("CVL is raised 60 s after the last cell above the target, and then every 20 s", "[charge_control]")
{
    pack_t pack;
    lowered(&pack, 4100);
    pack_run(&pack, 59600);
    pack_step(&pack, PACK_PERIOD_MS - 1);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
    pack_step(&pack, 1);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
    pack_run(&pack, 19800);
    pack_step(&pack, PACK_PERIOD_MS - 1);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
    pack_step(&pack, 1);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_ABSORPTION);
}

TEST_CASE("CVL is raised by half of what the highest cell lacks, 20 mV at most", "[charge_control]")
{
    static const struct {
        int32_t highest_mv;
        int32_t raised_mv;
    } cases[] = {{4130, 10}, {4112, 19}, {4110, 20}, {4108, 20}, {4144, 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        pack_t pack;
        lowered(&pack, cases[i].highest_mv);
        pack_run(&pack, PACK_MINUTE_MS);
        pack_expect(&pack.state.cvl_mv, 14 * (4110 + cases[i].raised_mv), BATTERY_REASON_RISING);
    }
}

TEST_CASE("a cell that has all but reached the target holds CVL where it is", "[charge_control]")
{
    pack_t pack;
    lowered(&pack, 4145);
    pack_run(&pack, 5 * PACK_MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
}

TEST_CASE("a cell at the target does not delay the raise", "[charge_control]")
{
    pack_t pack;
    lowered(&pack, 4150);
    pack_run(&pack, PACK_MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
    pack_set_cells_seen(&pack, 4100);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
}

TEST_CASE("an excess that lowers nothing still delays the raise", "[charge_control]")
{
    pack_t pack;
    lowered(&pack, 4155);
    pack_run(&pack, 5 * PACK_MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
    pack_set_cells_seen(&pack, 4100);
    pack_run(&pack, 59600);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_CELL_VOLTAGE);
    pack_run(&pack, 400);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
}

/* ---- bounds ---- */

TEST_CASE("a target that is set lower is approached by 200 mV/s, one that is set higher slowly", "[charge_control]")
{
    pack_t pack;
    pack_lfp(&pack);
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
    pack_t pack;
    pack_lfp(&pack);
    pack_settle(&pack);
    pack.bms.over_voltage_mv = pack_known(3500);
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_LESS_OR_EQUAL(16 * 3455, pack.state.cvl_mv.value);
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
    pack_t pack;
    pack_charging(&pack, 4000, 0);
    pack_set_all_cells(&pack, 4180);
    expect_inhibited(&pack, PACK_FLOAT_MV);
    pack_charging(&pack, 4000, 0);
    pack.state.sensor_ddegc[0] = pack_known(0);
    expect_inhibited(&pack, PACK_FLOAT_MV);
    pack_charging(&pack, 4000, 0);
    pack_fault(&pack, 0x03);
    expect_inhibited(&pack, PACK_FLOAT_MV);
    pack_charging(&pack, 4000, 0);
    pack.bms.charge_max_ma.known = false;
    expect_inhibited(&pack, PACK_FLOAT_MV);
    pack_charging(&pack, 4000, 0);
    pack.bms.cell_count_differs = true;
    expect_inhibited(&pack, PACK_FLOAT_MV);
    pack_charging(&pack, 4000, 0);
    pack.bms.under_voltage_mv = pack_known(3000);
    expect_inhibited(&pack, PACK_FLOAT_MV);
    pack_charging(&pack, 4000, 0);
    pack.bms.over_voltage_mv = pack_known(4100);
    expect_inhibited(&pack, 14 * 4051); /* the ceiling, which float contradicts */
}

TEST_CASE("a limit of 0.1 A does not inhibit", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.charge_max_ma = 100;
    pack_settle(&pack);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
    pack.config.charge_max_ma = 99;
    pack_settle(&pack);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
}

TEST_CASE("a discharge that is forbidden leaves CVL alone", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4000, 0);
    pack_fault(&pack, 0x02);
    pack_run(&pack, 1000);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.dcl_ma.value);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
}

TEST_CASE("a ramp from zero leaves CVL where it was", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4000, 0);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_CHARGE, pack.now_ms);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_RAMP);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
}

TEST_CASE("what forbids charging inhibits it in a ramp from zero too", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4000, 0);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_CHARGE, pack.now_ms);
    pack.state.bms_temperature_ddegc = pack_known(-50);
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
}

TEST_CASE("after charging was inhibited CVL waits 60 s and rises slowly", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4000, 0);
    pack_fault(&pack, 0x03);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
    pack_recover(&pack);
    pack_run(&pack, 29800); /* CCL is 0 for 30 s more */
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, 1000, BATTERY_REASON_RISING);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_RISING);
    pack_run(&pack, 59600);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_RISING);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4095, BATTERY_REASON_RISING);
}

TEST_CASE("nothing that was lowered before charging was inhibited is the reason after it", "[charge_control]")
{
    pack_t pack;
    lowered(&pack, 4100);
    pack.bms.cell_count_differs = true;
    pack_step(&pack, PACK_PERIOD_MS);
    pack.bms.cell_count_differs = false;
    pack_run(&pack, 31000);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_RISING);
}
