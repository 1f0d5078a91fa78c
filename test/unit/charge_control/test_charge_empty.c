/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* A battery that was empty is discharged again only when enough has been charged. Of 66 Ah 2 % are 1.32 Ah: 13.2 A for
 * 360 s. The floor is 3000 mV, its knee 200 mV. */
#include "pack.h"
#include "unity.h"

#define DCL_CAP_MA 54000
#define REFILL_MA  13200
#define REFILL_S   360

static int32_t by_cell(const pack_t *pack)
{
    return pack->state.dcl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE].value;
}

static void flow(pack_t *pack, int32_t current_ma, int32_t seconds)
{
    pack->state.pack_current_ma = pack_known(current_ma);
    for (int32_t s = 0; s < seconds; s++) {
        pack_step(pack, 1000);
    }
}

/** The lowest cell was at the floor; now all cells have this voltage, and nothing flows. */
static void emptied(pack_t *pack, int32_t cell_mv)
{
    pack_settle(pack);
    pack_set_cells_seen(pack, 3000);
    pack_expect(&pack->state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    pack_set_cells_seen(pack, cell_mv);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(pack));
}

TEST_CASE("a cell that recovers when the load is gone does not let DCL rise", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    emptied(&pack, 3700);
    flow(&pack, 0, 3600);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    TEST_ASSERT_GREATER_THAN(0, pack.state.ccl_ma.value);
}

TEST_CASE("an emptied battery is discharged again when 2 % of it have been charged", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    emptied(&pack, 3700);
    flow(&pack, REFILL_MA, REFILL_S - 1);
    pack_step(&pack, 999);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
    pack_step(&pack, 1);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_RISING);
    flow(&pack, 0, 60);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

/** 1 % of 1 mAh: 1 mA for 36 s. */
static void pack_of_1_mah(pack_t *pack)
{
    pack_nmc(pack);
    pack->state.installed_capacity_mah = pack_known(1);
    pack->config.disch_back_pct = 1;
}

/** 1 mA for so long, less than 40 s. */
static void trickle(pack_t *pack, int32_t duration_ms)
{
    pack->state.pack_current_ma = pack_known(1);
    for (; duration_ms > 10000; duration_ms -= 10000) {
        pack_step(pack, 10000);
    }
    pack_step(pack, duration_ms);
}

TEST_CASE("what is charged is counted to the milliampere and the millisecond", "[charge_control]")
{
    pack_t pack;
    pack_of_1_mah(&pack);
    emptied(&pack, 3700);
    trickle(&pack, 35999);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
    trickle(&pack, 1);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

TEST_CASE("what is charged counts from the first moment on in which no cell is empty", "[charge_control]")
{
    pack_t pack;
    pack_of_1_mah(&pack);
    pack_settle(&pack);
    pack_set_cells_seen(&pack, 3000);
    pack_set_all_cells(&pack, 3700);
    pack_step(&pack, 0); /* still empty, as the median has it */
    trickle(&pack, 1);
    trickle(&pack, 35998);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
    trickle(&pack, 1);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

TEST_CASE("how much has to be charged is a setting", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.disch_back_pct = 5;
    emptied(&pack, 3700);
    flow(&pack, REFILL_MA, REFILL_S * 5 / 2 - 1);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
    flow(&pack, REFILL_MA, 1);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

TEST_CASE("what is discharged again has to be charged again", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    emptied(&pack, 3700);
    flow(&pack, REFILL_MA, 100);
    flow(&pack, -REFILL_MA, 60);
    flow(&pack, REFILL_MA, REFILL_S - 40 - 1);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
    flow(&pack, REFILL_MA, 1);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

TEST_CASE("what is discharged before anything is charged does not count", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    emptied(&pack, 3700);
    flow(&pack, -REFILL_MA, 1000);
    flow(&pack, REFILL_MA, REFILL_S - 1);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
    flow(&pack, REFILL_MA, 1);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

TEST_CASE("a charge that is in the battery counts until a cell is empty again", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    emptied(&pack, 3700);
    flow(&pack, REFILL_MA, 300);
    pack.state.pack_current_ma = pack_known(0);
    pack_set_cells_seen(&pack, 3000);
    pack_set_cells_seen(&pack, 3700);
    flow(&pack, REFILL_MA, REFILL_S - 1);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
    flow(&pack, REFILL_MA, 1);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

TEST_CASE("what was charged does not count in the next emptying", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    emptied(&pack, 3700);
    flow(&pack, REFILL_MA, REFILL_S);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
    emptied(&pack, 3700);
    flow(&pack, REFILL_MA, REFILL_S - 1);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
}

TEST_CASE("a refilled battery waits for its lowest cell to be above the knee", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    emptied(&pack, 3200);
    flow(&pack, REFILL_MA, 2 * REFILL_S);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
    pack_set_cells_seen(&pack, 3201);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
    pack_set_cells_seen(&pack, 3100); /* not empty: half of it */
    TEST_ASSERT_EQUAL_INT32(27000, by_cell(&pack));
}

static void expect_by_knee_alone(pack_t *pack)
{
    emptied(pack, 3200);
    flow(pack, 0, 600);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(pack));
    pack_set_cells_seen(pack, 3201);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(pack));
}

TEST_CASE("with nothing to be charged the lowest cell alone decides", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.disch_back_pct = 0;
    expect_by_knee_alone(&pack);
}

TEST_CASE("without a known capacity 2 % of 100 Ah have to be charged", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.installed_capacity_mah.known = false;
    emptied(&pack, 3700);
    flow(&pack, 20000, 359);
    pack_step(&pack, 999);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
    pack_step(&pack, 1);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

TEST_CASE("a battery whose knee is too wide for it is refilled half way to float", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.disch_knee_mv = 2000;
    const int32_t half_mv = 3537; /* of 3000 and 4075 */
    emptied(&pack, half_mv);
    flow(&pack, REFILL_MA, 2 * REFILL_S);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
    pack_set_cells_seen(&pack, half_mv + 1);
    TEST_ASSERT_GREATER_THAN(0, by_cell(&pack));
}

TEST_CASE("a battery that is empty at the start is treated as an emptied one", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_all_cells(&pack, 3000);
    pack_step(&pack, 0);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    pack_step(&pack, 200);
    pack_step(&pack, 200);
    pack_set_cells_seen(&pack, 3700);
    flow(&pack, 0, 600);
    TEST_ASSERT_EQUAL_INT32(0, by_cell(&pack));
}

TEST_CASE("one reading after a start does not call the battery empty", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_all_cells(&pack, 3000);
    pack_step(&pack, 200);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    pack_set_cells_seen(&pack, 3700);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

TEST_CASE("cells that contradict their own sum do not call the battery empty", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.bms.cells_contradict = true;
    pack_set_cells_seen(&pack, 3000);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    pack.bms.cells_contradict = false;
    pack_set_cells_seen(&pack, 3700);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

/** After a start, or a block whose cells contradict, so many blocks at the floor. @return DCL by the cells after that
 */
static int32_t after_blocks_at_floor(int blocks, bool contradicted)
{
    pack_t pack;
    pack_nmc(&pack);
    pack_set_all_cells(&pack, 3000);
    pack.bms.cells_contradict = true;
    for (int i = 0; contradicted && i < 5; i++) {
        pack_step(&pack, 200);
    }
    pack.bms.cells_contradict = false;
    for (int i = 0; i < blocks; i++) {
        pack_step(&pack, 200);
    }
    pack.state.cell_min_mv.known = false;
    pack_step(&pack, 200);
    pack_set_cells_seen(&pack, 3700);
    return by_cell(&pack);
}

TEST_CASE("three blocks in a row that contradict nothing call a battery empty, two do not", "[charge_control]")
{
    for (int contradicted = 0; contradicted < 2; contradicted++) {
        TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, after_blocks_at_floor(2, contradicted != 0));
        TEST_ASSERT_EQUAL_INT32(0, after_blocks_at_floor(3, contradicted != 0));
    }
}

TEST_CASE("a floor that was read once does not call the battery empty, and holds DCL at 0", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.bms.settings_unconfirmed = true;
    pack.bms.empty_mv.value = 3850;
    pack_run(&pack, 5000);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    pack.bms.settings_unconfirmed = false;
    pack.bms.empty_mv.value = 3000;
    pack_step(&pack, 200);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

/** What is left for a cell at 3800 mV after it was for a while at this voltage, with this cap. */
static int32_t after(int32_t cell_mv, int32_t cap_ma)
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.limit_bms_pct = 100;
    pack.bms.discharge_max_ma = pack_known(cap_ma);
    pack_set_all_cells(&pack, cell_mv);
    pack_settle(&pack);
    pack_set_cells_seen(&pack, 3800);
    return by_cell(&pack);
}

TEST_CASE("a cell has emptied the battery when it leaves less than 0.1 A, not when a cap does", "[charge_control]")
{
    TEST_ASSERT_EQUAL_INT32(200, after(3100, 200)); /* half of the cap: 100 mA */
    TEST_ASSERT_EQUAL_INT32(0, after(3099, 200));
    TEST_ASSERT_EQUAL_INT32(0, after(3100, 100));
    TEST_ASSERT_EQUAL_INT32(99, after(3100, 99));
}

TEST_CASE("a voltage of the lowest cell that is missing does not call the battery empty", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.state.cell_min_mv.known = false;
    pack_run(&pack, PACK_SEEN_MS);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
    charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_BOTH, pack.now_ms);
    pack.state.cell_min_mv.known = true;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

TEST_CASE("a voltage of the lowest cell that is back after some blocks does not call the battery empty",
          "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.state.cell_min_mv.known = false;
    pack_run(&pack, 1000);
    pack.state.cell_min_mv.known = true; /* 3800 mV, as before */
    pack_run(&pack, 1000);
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, by_cell(&pack));
}

TEST_CASE("a battery that was emptied is one after an orderly restart too", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    emptied(&pack, 3700);
    const charge_control_kept_t kept = charge_control_to_keep(&pack.control, &pack.state);
    TEST_ASSERT_EQUAL_INT32(0, kept.dcl_ma);
    pack_restart(&pack);
    charge_control_keep(&pack.control, &kept);
    pack_step(&pack, 0);
    flow(&pack, 0, 60);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.dcl_ma.value);
}
