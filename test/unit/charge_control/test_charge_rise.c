/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* CCL and DCL fall at once and rise slowly; ramps. The caps of the pack: CCL 90 % of 20 A, DCL 90 % of 60 A. */
#include "../row.h"
#include "pack.h"
#include "unity.h"

#define CCL_CAP_MA 18000
#define DCL_CAP_MA 54000

/* ---- falling and rising ---- */

TEST_CASE("CCL falls at once, waits 30 s and rises by 5 A/s", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.state.bms_temperature_ddegc = pack_known(50);
    pack_run(&pack, 400); /* the median of three */
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_BMS_TEMPERATURE);
    pack.state.bms_temperature_ddegc = pack_known(250);
    pack_step(&pack, 200);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_BMS_TEMPERATURE); /* as the median has it still */
    pack_run(&pack, 29800);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_RISING);
    TEST_ASSERT_EQUAL_INT32(9000, pack.state.ccl_limiter_ma[BATTERY_REASON_RISING].value);
    pack_step(&pack, 200);
    pack_expect(&pack.state.ccl_ma, 10000, BATTERY_REASON_RISING);
    pack_run(&pack, 1400);
    pack_expect(&pack.state.ccl_ma, 17000, BATTERY_REASON_RISING);
    pack_run(&pack, 200);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_FALSE(pack.state.ccl_limiter_ma[BATTERY_REASON_RISING].known);
}

TEST_CASE("a limit waits for all of the 30 s", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_all_cells(&pack, 4190);
    pack_settle(&pack);
    pack_set_all_cells(&pack, 3800);
    pack_step(&pack, 0); /* the median does not have it yet */
    pack_step(&pack, 0);
    pack_step(&pack, 29999);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_RISING);
    pack_step(&pack, 1);
    pack_step(&pack, 20);
    pack_expect(&pack.state.ccl_ma, 105, BATTERY_REASON_RISING); /* 5 mA in 1 ms, 100 mA in 20 ms */
}

TEST_CASE("DCL falls at once, waits 30 s and rises by 5 A/s", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.disch_back_pct = 0;
    pack_settle(&pack);
    pack_set_cells(&pack, 3800, 2990);
    pack_run(&pack, 400);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    pack_set_all_cells(&pack, 3800);
    pack_run(&pack, 30000);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_RISING);
    pack_run(&pack, 1000);
    pack_expect(&pack.state.dcl_ma, 5000, BATTERY_REASON_RISING);
    pack_run(&pack, 9800);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("a limit that is reached again while it waits waits anew", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.state.bms_temperature_ddegc = pack_known(50);
    pack_run(&pack, 400);
    pack.state.bms_temperature_ddegc = pack_known(250);
    pack_run(&pack, 20000);
    pack.state.bms_temperature_ddegc = pack_known(50);
    pack_run(&pack, 400);
    pack.state.bms_temperature_ddegc = pack_known(250);
    pack_run(&pack, 30000);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_RISING);
    pack_run(&pack, 200);
    pack_expect(&pack.state.ccl_ma, 10000, BATTERY_REASON_RISING);
}

TEST_CASE("a limit rises no further than what is allowed, and falls while it rises", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.state.bms_temperature_ddegc = pack_known(50);
    pack_run(&pack, 400);
    pack.state.bms_temperature_ddegc = pack_known(58); /* 10.44 A */
    pack_run(&pack, 30400);
    pack_expect(&pack.state.ccl_ma, 10440, BATTERY_REASON_BMS_TEMPERATURE);
    pack.state.bms_temperature_ddegc = pack_known(250);
    pack_run(&pack, 30600);
    TEST_ASSERT_GREATER_THAN(10440, pack.state.ccl_ma.value);
    pack.state.bms_temperature_ddegc = pack_known(50);
    pack_run(&pack, 400);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_BMS_TEMPERATURE);
}

TEST_CASE("after a pause of the snapshots a limit rises by what it would have in 10 s at most", "[charge_control]")
{
    static const pack_point_t points[] = {{9000, 45000}, {10000, 50000}, {11000, 50000}, {100000, 50000}};
    for (size_t i = 0; i < PACK_POINTS(points); i++) {
        ROW("points[%zu]", i);
        pack_t pack;
        pack_nmc(&pack);
        pack.bms.charge_max_ma = pack_known(200000);
        pack_set_all_cells(&pack, 4190);
        pack_settle(&pack);
        pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
        pack_set_all_cells(&pack, 3800);
        pack_run(&pack, 30000);
        pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_RISING);
        pack_step(&pack, points[i].value);
        pack_expect(&pack.state.ccl_ma, points[i].limit_ma, BATTERY_REASON_RISING);
    }
}

/* ---- ramps ---- */

TEST_CASE("after a start both limits rise from 10 % to all in 30 s", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, 1800, BATTERY_REASON_RAMP);
    pack_expect(&pack.state.dcl_ma, 5400, BATTERY_REASON_RAMP);
    pack_run(&pack, 15000);
    pack_expect(&pack.state.ccl_ma, 9900, BATTERY_REASON_RAMP);
    pack_expect(&pack.state.dcl_ma, 29700, BATTERY_REASON_RAMP);
    pack_run(&pack, 14800);
    pack_step(&pack, 199);
    TEST_ASSERT_LESS_THAN(CCL_CAP_MA, pack.state.ccl_ma.value);
    TEST_ASSERT_EQUAL(BATTERY_REASON_RAMP, pack.state.ccl_ma.reason);
    TEST_ASSERT_TRUE(pack.state.dcl_limiter_ma[BATTERY_REASON_RAMP].known);
    pack_step(&pack, 1);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_FALSE(pack.state.ccl_limiter_ma[BATTERY_REASON_RAMP].known);
}

TEST_CASE("a ramp begins with the first snapshot, not with the program", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_step(&pack, 3600000);
    pack_expect(&pack.state.ccl_ma, 1800, BATTERY_REASON_RAMP);
    pack_expect(&pack.state.dcl_ma, 5400, BATTERY_REASON_RAMP);
}

TEST_CASE("a limiter that allows less than the ramp counts", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_cells(&pack, 4165, 3004); /* 10 %, 2 % */
    pack_step(&pack, 0);
    pack_run(&pack, 3000);
    pack_expect(&pack.state.ccl_ma, 1800, BATTERY_REASON_CELL_VOLTAGE);
    pack_expect(&pack.state.dcl_ma, 1080, BATTERY_REASON_CELL_VOLTAGE);
    TEST_ASSERT_EQUAL_INT32(3420, pack.state.ccl_limiter_ma[BATTERY_REASON_RAMP].value);
}

TEST_CASE("when charging was stopped CCL rises from zero in 30 s and DCL is left alone", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_CHARGE, pack.now_ms);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_RAMP);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_run(&pack, 15000);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_RAMP);
    pack_run(&pack, 14800);
    TEST_ASSERT_EQUAL(BATTERY_REASON_RAMP, pack.state.ccl_ma.reason);
    pack_run(&pack, 200);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("when nothing was sent both limits rise from 10 %", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_BOTH, pack.now_ms);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, 1800, BATTERY_REASON_RAMP);
    pack_expect(&pack.state.dcl_ma, 5400, BATTERY_REASON_RAMP);
    pack_run(&pack, 30000);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("after silence a limit that was rising slowly follows the ramp", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_all_cells(&pack, 4190);
    pack_settle(&pack);
    pack_set_all_cells(&pack, 3800);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_CHARGE, pack.now_ms);
    pack_step(&pack, 0);
    pack_run(&pack, 15000);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_RAMP);
}

TEST_CASE("ramps come from the settings, and one of no length is none", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.ramp_start_pct = 50;
    pack.config.ramp_time_s = 10;
    pack_restart(&pack);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_RAMP);
    pack_run(&pack, 5000);
    pack_expect(&pack.state.ccl_ma, 13500, BATTERY_REASON_RAMP);
    pack_run(&pack, 5000);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack.config.ramp_time_s = 0;
    pack_restart(&pack);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}
