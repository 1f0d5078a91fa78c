/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Settings that change while control runs. What may happen in any order is in test_live_settings.py. */
#include "../row.h"
#include "pack.h"
#include "unity.h"

#define CCL_CAP_MA 18000
#define DCL_CAP_MA 54000
#define STEP_MV    280 /* 14 cells x 20 mV */

static void configure(pack_t *pack)
{
    charge_control_configure(&pack->control, &pack->config, false);
}

TEST_CASE("a cap that is lowered counts in the next step; one that is raised waits 30 s and rises by 5 A/s",
          "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.config.charge_max_ma = 10000;
    pack.config.disch_max_ma = 40000;
    configure(&pack);
    pack_run(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, 10000, BATTERY_REASON_USER_CAP);
    pack_expect(&pack.state.dcl_ma, 40000, BATTERY_REASON_USER_CAP);
    pack.config.charge_max_ma = 0;
    pack.config.disch_max_ma = 0;
    configure(&pack);
    pack_run(&pack, 30000 - PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, 10000, BATTERY_REASON_RISING);
    pack_run(&pack, 1000);
    pack_expect(&pack.state.ccl_ma, 15000, BATTERY_REASON_RISING);
    pack_expect(&pack.state.dcl_ma, 45000, BATTERY_REASON_RISING);
    pack_run(&pack, 3000);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("a wait that is made shorter or longer counts for the limit that waits", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.config.charge_max_ma = 10000;
    configure(&pack);
    pack_run(&pack, PACK_PERIOD_MS);
    pack.config.charge_max_ma = 0;
    pack.config.limit_wait_s = 600;
    configure(&pack);
    pack_run(&pack, 40000);
    pack_expect(&pack.state.ccl_ma, 10000, BATTERY_REASON_RISING);
    pack.config.limit_wait_s = 30;
    configure(&pack);
    pack_run(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, 11000, BATTERY_REASON_RISING); /* not more than in one period */
}

TEST_CASE("a ramp keeps the time that it began with, whatever the next one will take", "[charge_control]")
{
    const int32_t times_s[] = {5, 600};
    for (size_t i = 0; i < 2; i++) {
        ROW("times_s[%zu]", i);
        pack_t pack;
        pack_nmc(&pack);
        pack_step(&pack, 0);
        pack_run(&pack, 15000);
        pack.config.ramp_time_s = times_s[i];
        pack.config.ramp_start_pct = 50;
        configure(&pack);
        pack_step(&pack, 0);
        pack_expect(&pack.state.ccl_ma, 9900, BATTERY_REASON_RAMP);
        pack_run(&pack, 15000);
        pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
        pack_run(&pack, PACK_PERIOD_MS);
        pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    }
}

TEST_CASE("a cap that is raised during a ramp leaves the ramp alone, and rises behind it", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.charge_max_ma = 10000;
    pack_restart(&pack);
    pack_step(&pack, 0);
    pack_run(&pack, 15000);
    pack_expect(&pack.state.ccl_ma, 5500, BATTERY_REASON_RAMP);
    pack.config.charge_max_ma = 0;
    configure(&pack);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, 5500, BATTERY_REASON_RAMP);
    pack_run(&pack, 15000);
    TEST_ASSERT_EQUAL_INT32(10000, pack.state.ccl_ma.value);
    pack_run(&pack, 30000 - 2 * PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, 10000, BATTERY_REASON_RISING);
    pack_run(&pack, 2 * PACK_PERIOD_MS + 1600);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("a cap that falls and comes back during a ramp does not let the limit jump back", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_step(&pack, 0);
    pack_run(&pack, 15000);
    pack.config.charge_max_ma = 9000;
    configure(&pack);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, 4950, BATTERY_REASON_RAMP);
    pack.config.charge_max_ma = 0;
    configure(&pack);
    pack_step(&pack, 0);
    pack_expect(&pack.state.ccl_ma, 4950, BATTERY_REASON_RAMP);
    pack_run(&pack, 15000);
    pack_expect(&pack.state.ccl_ma, 9000, BATTERY_REASON_RISING);
}

TEST_CASE("a charge voltage that a person lowers is CVL in the next step, and raised comes back in steps of 20 mV",
          "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
    pack.config.charge_cell_mv = 4100;
    configure(&pack);
    pack_run(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4100, BATTERY_REASON_BULK);
    pack_run(&pack, PACK_MINUTE_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4100, BATTERY_REASON_BULK);
    pack.config.charge_cell_mv = 0;
    configure(&pack);
    pack_run(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4100 + STEP_MV, BATTERY_REASON_RISING);
    pack_run(&pack, 20000 - PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4100 + STEP_MV, BATTERY_REASON_RISING);
    pack_run(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.cvl_mv, 14 * 4100 + 2 * STEP_MV, BATTERY_REASON_RISING);
}

TEST_CASE("a full voltage that the BMS lowers brings CVL down slowly, also when other settings change",
          "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.bms.full_mv.value = 4100;
    pack.config.charge_knee_mv = 60;
    configure(&pack);
    pack_run(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(PACK_TARGET_MV - 40, (pack.state.cvl_mv.value + 5) / 10 * 10); /* 0.2 V/s */
}

TEST_CASE("a margin that is raised lowers the ceiling, and CVL with it, in the next step", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.config.cvl_margin_mv = 60; /* 4200 - 60 - 29 */
    configure(&pack);
    pack_run(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(14 * 4111, pack.state.cvl_mv.value);
}

TEST_CASE("a limit by the SOC that was off begins without what it knew before", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.disch_soc_pct = 50;
    pack_settle(&pack);
    pack.state.soc_ppm.value = 500000;
    pack_run(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_SOC);
    pack.config.disch_soc_pct = 0;
    configure(&pack);
    pack_run(&pack, PACK_PERIOD_MS);
    pack.config.disch_soc_pct = 49; /* 1 % below the SOC, less than disch.back_pct */
    configure(&pack);
    pack_run(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA / 5, pack.state.dcl_limiter_ma[BATTERY_REASON_SOC].value);
}

TEST_CASE("settings that were lost and are confirmed: CCL and CVL rise as after any other fall", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    charge_control_init(&pack.control, &pack.config, true);
    pack_run(&pack, PACK_SETTLED_MS);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA / 10, BATTERY_REASON_SETTINGS_LOST);
    pack.state.soc_ppm.value = 150000;
    pack_run(&pack, PACK_PERIOD_MS);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_SOC);
    configure(&pack);
    pack_run(&pack, 30000 - PACK_PERIOD_MS);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA / 10, BATTERY_REASON_RISING);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_RISING);
    pack_run(&pack, 1000);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA / 10 + 5000, BATTERY_REASON_RISING);
    pack_expect(&pack.state.dcl_ma, 5000, BATTERY_REASON_RISING);
    TEST_ASSERT_LESS_OR_EQUAL(PACK_FLOAT_MV + 2 * STEP_MV, pack.state.cvl_mv.value);
    pack_run(&pack, PACK_SETTLED_MS);
    pack_expect(&pack.state.cvl_mv, PACK_TARGET_MV, BATTERY_REASON_BULK);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("absorption goes on when settings change", "[charge_control]")
{
    pack_t pack;
    pack_charging(&pack, 4145, 1000); /* for five minutes */
    pack_run(&pack, 5 * PACK_MINUTE_MS);
    TEST_ASSERT_EQUAL(BATTERY_REASON_ABSORPTION, pack.state.cvl_mv.reason);
    configure(&pack);
    pack_run(&pack, 4 * PACK_MINUTE_MS);
    TEST_ASSERT_EQUAL(CHARGE_STAGE_ABSORPTION, pack.control.stage);
    pack_run(&pack, 2 * PACK_MINUTE_MS); /* 900 s altogether */
    TEST_ASSERT_EQUAL(CHARGE_STAGE_FLOAT, pack.control.stage);
}
