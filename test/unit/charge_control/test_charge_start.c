/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Where the limits begin: at a start, after silence, after an orderly restart, with registers that change. */
#include <string.h>

#include "../row.h"
#include "pack.h"
#include "unity.h"

#define CCL_CAP_MA 18000
#define DCL_CAP_MA 54000

/* ---- a start ---- */

static void expect_first_cvl(int32_t cell_mv, int32_t soc_ppm, int32_t cvl_cell_mv)
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.soc_ppm = pack_known(soc_ppm);
    pack_set_all_cells(&pack, cell_mv);
    pack_step(&pack, 0);
    TEST_ASSERT_TRUE(pack.state.cvl_mv.known);
    TEST_ASSERT_EQUAL_INT32(14 * cvl_cell_mv, pack.state.cvl_mv.value);
}

TEST_CASE("CVL begins at float, or 10 mV above cells that are higher, and never above the target", "[charge_control]")
{
    static const int32_t expected_mv[][2] = {{3000, 4075}, {4065, 4075}, {4066, 4076}, {4100, 4110},
                                             {4139, 4149}, {4140, 4150}, {4141, 4150}, {4150, 4150}};
    for (size_t i = 0; i < sizeof(expected_mv) / sizeof(expected_mv[0]); i++) {
        ROW("expected_mv[%zu]", i);
        expect_first_cvl(expected_mv[i][0], 500000, expected_mv[i][1]);
        expect_first_cvl(expected_mv[i][0], 950000, expected_mv[i][1]);
    }
}

TEST_CASE("CVL begins at float when a cell is above the target; in float when it is 10 mV above", "[charge_control]")
{
    expect_first_cvl(4151, 500000, 4075);
    expect_first_cvl(4151, 950000, 4150);
    expect_first_cvl(4160, 950000, 4150);
    expect_first_cvl(4161, 950000, 4075);
}

TEST_CASE("CVL begins above the mean of the cells that are there, not above the highest one", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_cells(&pack, 4140, 4060); /* two registers that are filled */
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_RISING);
    pack_nmc(&pack);
    pack_set_cells(&pack, 4140, 4060);
    for (size_t i = 0; i < BATTERY_CELLS_MAX; i++) {
        pack.state.cell_100uv[i] = i < 14 ? 40809 : 0; /* rounded down to 4080 mV */
    }
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, 14 * 4090, BATTERY_REASON_RISING);
    pack_nmc(&pack);
    pack_set_cells(&pack, 4140, 4060);
    memset(pack.state.cell_100uv, 0, sizeof(pack.state.cell_100uv));
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_RISING);
}

TEST_CASE("the first and the last register of a cell count for the mean", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    memset(pack.state.cell_100uv, 0, sizeof(pack.state.cell_100uv));
    pack.state.cell_100uv[0] = 41200;
    pack.state.cell_100uv[BATTERY_CELLS_MAX - 1] = 41000;
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, 14 * 4120, BATTERY_REASON_RISING);
    pack_restart(&pack);
    pack.state.cell_100uv[0] = 0;
    pack.state.cell_100uv[BATTERY_CELLS_MAX - 1] = 41009; /* alone, and rounded down */
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, 14 * 4110, BATTERY_REASON_RISING);
    pack_restart(&pack);
    pack.state.cell_100uv[0] = 1; /* a cell that is all but dead is one: 2050 mV on an average */
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_RISING);
}

TEST_CASE("CVL begins at float when nothing may be charged, however high the cells are", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_all_cells(&pack, 4130);
    pack.bms.sensors_lost = 1;
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
}

TEST_CASE("CVL rises 60 s after a start, in steps of 20 mV a cell every 20 s", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_step(&pack, 0);
    pack_run(&pack, 59800);
    pack_step(&pack, PACK_PERIOD_MS - 1);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_RISING);
    pack_step(&pack, 1);
    pack_expect(&pack.state.cvl_mv, 14 * 4095, BATTERY_REASON_RISING);
    pack_run(&pack, 60000);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
}

/* ---- after silence ---- */

static void resume(pack_t *pack, int32_t cell_mv)
{
    pack_set_all_cells(pack, cell_mv);
    charge_control_resume(&pack->control, CHARGE_CONTROL_RAMP_BOTH, pack->now_ms);
    pack_step(pack, 0);
}

TEST_CASE("after silence CVL begins as after a start", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    resume(&pack, 3800);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_RISING);
    pack_nmc(&pack);
    pack_settle(&pack);
    resume(&pack, 4120);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
    pack_run(&pack, 59800);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
    pack_step(&pack, PACK_PERIOD_MS); /* half of the 30 mV that lack */
    pack_expect(&pack.state.cvl_mv, 14 * 4145, BATTERY_REASON_RISING);
}

TEST_CASE("after silence CVL is not above what it was before", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_begin_at(&pack, 14 * 4100);
    resume(&pack, 4120);
    pack_expect(&pack.state.cvl_mv, 14 * 4100, BATTERY_REASON_RISING);
    pack_nmc(&pack);
    pack_begin_at(&pack, 14 * 4000); /* below float */
    resume(&pack, 3800);
    pack_expect(&pack.state.cvl_mv, 14 * 4000, BATTERY_REASON_RISING);
}

TEST_CASE("a ramp of charging alone leaves CVL where it was", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_CHARGE, pack.now_ms);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
}

/* ---- after an orderly restart ---- */

static void begin_with(pack_t *pack, int32_t cvl_mv, int32_t ccl_ma, int32_t dcl_ma)
{
    const charge_control_kept_t kept = {.cvl_mv = cvl_mv, .ccl_ma = ccl_ma, .dcl_ma = dcl_ma};
    pack_restart(pack);
    charge_control_keep(&pack->control, &kept);
}

TEST_CASE("limits that are kept go on without a ramp, and rise as any others", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    begin_with(&pack, 14 * 4120, 9000, 20000);
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, 14 * 4120, BATTERY_REASON_RISING);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_RISING);
    pack_expect(&pack.state.dcl_ma, 20000, BATTERY_REASON_RISING);
    pack_run(&pack, 29800);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_RISING);
    pack_expect(&pack.state.dcl_ma, 20000, BATTERY_REASON_RISING);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, 10000, BATTERY_REASON_RISING);
    pack_expect(&pack.state.dcl_ma, 21000, BATTERY_REASON_RISING);
    pack_run(&pack, 29800);
    pack_expect(&pack.state.cvl_mv, 14 * 4120, BATTERY_REASON_RISING);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4140, BATTERY_REASON_RISING);
}

TEST_CASE("limits that are kept in full hold at once", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    begin_with(&pack, PACK_TARGET_MV, CCL_CAP_MA, DCL_CAP_MA);
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_LESS_OR_EQUAL(CCL_CAP_MA, pack.state.ccl_limiter_ma[BATTERY_REASON_RAMP].value);
    pack_run(&pack, 29000); /* nor does a ramp that would have begun by now lower one */
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("a gap in the data before the first step does not take the limits that are kept", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    begin_with(&pack, 14 * 4120, 9000, 20000);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_BOTH, pack.now_ms);
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, 14 * 4120, BATTERY_REASON_RISING);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_RISING);
    pack_expect(&pack.state.dcl_ma, 20000, BATTERY_REASON_RISING);
}

TEST_CASE("what is allowed now bounds the limits that are kept", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.bms_temperature_ddegc = pack_known(50);
    pack_set_cells(&pack, 3800, 3100);
    begin_with(&pack, PACK_TARGET_MV + 14, 20000, 60000);
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_BMS_TEMPERATURE);
    pack_expect(&pack.state.dcl_ma, 27000, BATTERY_REASON_CELL_VOLTAGE);
}

TEST_CASE("a CVL that is kept goes on where it was lowered to, and below float does not jump", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_all_cells(&pack, 4155); /* a start would begin at float */
    begin_with(&pack, 14 * 4130, CCL_CAP_MA, DCL_CAP_MA);
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, 14 * 4130, BATTERY_REASON_RISING);
    pack_nmc(&pack);
    begin_with(&pack, 14 * 4000, CCL_CAP_MA, DCL_CAP_MA);
    pack_step(&pack, 0);
    pack_run(&pack, 59800);
    pack_expect(&pack.state.cvl_mv, 14 * 4000, BATTERY_REASON_RISING);
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4020, BATTERY_REASON_RISING);
}

TEST_CASE("a CCL of 0 that is kept inhibits charging until it rises", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    begin_with(&pack, PACK_FLOAT_MV, 0, DCL_CAP_MA);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_RISING);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
    pack_run(&pack, 30000);
    TEST_ASSERT_GREATER_THAN(0, pack.state.ccl_ma.value);
}

TEST_CASE("limits that are kept wait for the first step that is made, and are used once", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    begin_with(&pack, 14 * 4120, 9000, 20000);
    pack.bms.full_mv.known = false;
    pack_run(&pack, 1000);
    TEST_ASSERT_FALSE(pack.state.cvl_mv.known);
    pack.bms.full_mv.known = true;
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4120, BATTERY_REASON_RISING);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_RISING);
    resume(&pack, 3800);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_RISING);
    pack_expect(&pack.state.ccl_ma, 1800, BATTERY_REASON_RAMP);
    pack_expect(&pack.state.dcl_ma, 5400, BATTERY_REASON_RAMP);
}

TEST_CASE("limits that are kept for too long are forgotten: a start like any other", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    begin_with(&pack, PACK_TARGET_MV, CCL_CAP_MA, DCL_CAP_MA);
    charge_control_forget_kept(&pack.control);
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_RISING);
    pack_expect(&pack.state.ccl_ma, 1800, BATTERY_REASON_RAMP);
    pack_expect(&pack.state.dcl_ma, 5400, BATTERY_REASON_RAMP);
}

TEST_CASE("a CVL that is kept is one of the pack, however many cells it has now", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.cell_count = 16;
    begin_with(&pack, 14 * 4120, CCL_CAP_MA, DCL_CAP_MA);
    pack_step(&pack, 0);
    pack_expect(&pack.state.cvl_mv, 14 * 4120, BATTERY_REASON_RISING);
}

/* ---- registers and numbers of cells that change ---- */

TEST_CASE("a float voltage that goes up is approached slowly", "[charge_control]")
{
    pack_t pack;
    pack_lfp(&pack);
    pack.bms.fully_charged = true;
    pack_settle(&pack);
    pack_expect(&pack.state.cvl_mv, 16 * 3375, BATTERY_REASON_FLOAT);
    pack.bms.over_voltage_mv = pack_known(3801); /* not LFP any more: 3475 mV */
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 16 * 3395, BATTERY_REASON_RISING);
    pack_run(&pack, 19800);
    pack_expect(&pack.state.cvl_mv, 16 * 3395, BATTERY_REASON_RISING);
    pack_run(&pack, 80000);
    pack_expect(&pack.state.cvl_mv, 16 * 3475, BATTERY_REASON_FLOAT);
}

TEST_CASE("a float voltage that goes up does not lift CVL while nothing may be charged", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.full_mv = pack_known(4100);
    pack.bms.sensors_lost = 1;
    pack_settle(&pack);
    pack_expect(&pack.state.cvl_mv, 14 * 4025, BATTERY_REASON_CHARGE_INHIBITED);
    pack.bms.full_mv = pack_known(4150);
    pack_run(&pack, 5 * PACK_MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4025, BATTERY_REASON_CHARGE_INHIBITED);
    pack.bms.sensors_lost = 0;
    pack_run(&pack, 31000); /* CCL rises from 0 after 30 s */
    pack_expect(&pack.state.cvl_mv, 14 * 4025, BATTERY_REASON_RISING);
    pack_run(&pack, PACK_MINUTE_MS);
    TEST_ASSERT_EQUAL_INT32(14 * 4045, pack.state.cvl_mv.value);
}

TEST_CASE("CVL of the pack does not jump when it turns out to have more cells", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.cell_count = 13;
    pack_begin_at(&pack, 13 * 4140);
    pack_expect(&pack.state.cvl_mv, 13 * 4140, BATTERY_REASON_RISING);
    pack.state.cell_count = 14;
    pack_step(&pack, PACK_PERIOD_MS);
    /* 4140 mV x 13 / 14 are rounded down, to whole 13ths of a mV / 1000: less than 1 mV of the pack */
    pack_expect(&pack.state.cvl_mv, 13 * 4140 - 1, BATTERY_REASON_RISING);
    pack_run(&pack, 59600);
    pack_expect(&pack.state.cvl_mv, 13 * 4140 - 1, BATTERY_REASON_RISING);
    pack_run(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(13 * 4140 + 14 * 20 - 1, pack.state.cvl_mv.value);
}

TEST_CASE("CVL of a single cell does not jump either when there are two", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.cell_count = 1;
    pack_begin_at(&pack, 3700);
    pack.state.cell_count = 2;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(3700, pack.state.cvl_mv.value);
}

TEST_CASE("CVL of the pack follows at once when it turns out to have less cells", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.state.cell_count = 13;
    pack_step(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 13 * 4149, BATTERY_REASON_BULK); /* the ceiling: 400 mV / 13 are 31 mV */
}
