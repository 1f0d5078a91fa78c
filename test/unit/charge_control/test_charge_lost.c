/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What a register, a sensor or a cell that is lost or contradicts does to the limits: nothing that is lost loosens one.
 */
#include "../row.h"
#include "pack.h"
#include "unity.h"

#define CCL_CAP_MA 18000
#define DCL_CAP_MA 54000

static charge_voltages_t voltages_of(const pack_t *pack)
{
    return charge_control_voltages(&pack->config, &pack->bms, pack->state.cell_count);
}

/** The register is not usable now; the strictest that it was since the start, 0 = never usable. */
static void lose(pack_t *pack, battery_register_t id, int32_t strictest)
{
    battery_register_set(&pack->bms, id, (battery_quantity_t){.known = false});
    pack->bms.strictest[id] = (battery_quantity_t){.known = strictest != 0, .value = strictest};
    pack->bms.discharge_max_ma = battery_discharge_max_ma(&pack->bms);
}

/* ---- over-voltage cutoff (315) ---- */

TEST_CASE("without an over-voltage cutoff and a charge voltage that is set nothing is charged", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    lose(&pack, BATTERY_REGISTER_OVER_VOLTAGE, 0);
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_SETTING_MISSING);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_EQUAL_INT32(0, pack_charge_limiter(&pack, BATTERY_REASON_SETTING_MISSING));
    lose(&pack, BATTERY_REGISTER_OVER_VOLTAGE, 4200); /* what it was does not say what it is */
    TEST_ASSERT_EQUAL_INT32(0, pack_charge_limiter(&pack, BATTERY_REASON_SETTING_MISSING));
    TEST_ASSERT_FALSE(voltages_of(&pack).contradictory);
    pack.config.charge_cell_mv = 1;
    TEST_ASSERT_FALSE(voltages_of(&pack).unprotected);
    TEST_ASSERT_EQUAL_INT32(1, voltages_of(&pack).ceiling_mv);
    TEST_ASSERT_EQUAL_INT32(-1, pack_charge_limiter(&pack, BATTERY_REASON_SETTING_MISSING));
    pack_nmc(&pack);
    TEST_ASSERT_EQUAL_INT32(-1, pack_charge_limiter(&pack, BATTERY_REASON_SETTING_MISSING));
}

TEST_CASE("without an over-voltage cutoff it is taken as 50 mV above the target that is set", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    lose(&pack, BATTERY_REGISTER_OVER_VOLTAGE, 0);
    pack.config.charge_cell_mv = 4100;
    const charge_voltages_t v = voltages_of(&pack);
    TEST_ASSERT_EQUAL_INT32(4150, v.cutoff_mv);
    TEST_ASSERT_EQUAL_INT32(4100, v.ceiling_mv); /* not 4101: what a person sets is a ceiling as well */
    TEST_ASSERT_EQUAL_INT32(4100, v.target_mv);
    TEST_ASSERT_EQUAL_INT32(4075, v.float_mv);
    TEST_ASSERT_FALSE(v.contradictory);
    pack.config.charge_cell_mv = 4300;
    TEST_ASSERT_EQUAL_INT32(4200, voltages_of(&pack).cutoff_mv); /* a target above the full voltage is none */
    pack.config.charge_cell_mv = 1;
    TEST_ASSERT_EQUAL_INT32(51, voltages_of(&pack).cutoff_mv);
    pack.config.charge_cell_mv = 0;
    TEST_ASSERT_EQUAL_INT32(4200, voltages_of(&pack).cutoff_mv);
}

TEST_CASE("an over-voltage cutoff that is lost holds as it was strictest, whatever is set", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    lose(&pack, BATTERY_REGISTER_OVER_VOLTAGE, 4180);
    pack.config.charge_cell_mv = 4150; /* 4200 without it */
    TEST_ASSERT_EQUAL_INT32(4180, voltages_of(&pack).cutoff_mv);
    TEST_ASSERT_EQUAL_INT32(4131, voltages_of(&pack).target_mv); /* less 20 mV and 29 mV */
    pack.config.charge_cell_mv = 4100; /* 4150 without it: what was known is no reason for less */
    TEST_ASSERT_EQUAL_INT32(4180, voltages_of(&pack).cutoff_mv);
    pack.bms.over_voltage_mv = pack_known(4200);
    TEST_ASSERT_EQUAL_INT32(4200, voltages_of(&pack).cutoff_mv);
}

TEST_CASE("cells of which nothing tells the chemistry float as LFP cells do", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    lose(&pack, BATTERY_REGISTER_OVER_VOLTAGE, 0);
    TEST_ASSERT_EQUAL_INT32(3375, voltages_of(&pack).float_mv);
    pack.config.charge_cell_mv = 4100;
    TEST_ASSERT_EQUAL_INT32(4075, voltages_of(&pack).float_mv);
    pack.config.charge_cell_mv = 3750; /* a cutoff of 3800 mV */
    TEST_ASSERT_EQUAL_INT32(3375, voltages_of(&pack).float_mv);
    pack.config.charge_cell_mv = 3751;
    TEST_ASSERT_EQUAL_INT32(3751, voltages_of(&pack).float_mv);
}

/* ---- discharge floor (301, 316) ---- */

TEST_CASE("an empty voltage that is lost gives way to the under-voltage cutoff, but not below what it was",
          "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    lose(&pack, BATTERY_REGISTER_EMPTY, 3000);
    TEST_ASSERT_EQUAL_INT32(3000, voltages_of(&pack).floor_mv);
    pack.bms.under_voltage_mv = pack_known(3050);
    TEST_ASSERT_EQUAL_INT32(3050, voltages_of(&pack).floor_mv);
    lose(&pack, BATTERY_REGISTER_EMPTY, 0);
    pack.bms.under_voltage_mv = pack_known(2900);
    TEST_ASSERT_EQUAL_INT32(2900, voltages_of(&pack).floor_mv);
    pack_nmc(&pack);
    pack.bms.strictest[BATTERY_REGISTER_EMPTY] = pack_known(3100);
    TEST_ASSERT_EQUAL_INT32(3000, voltages_of(&pack).floor_mv); /* a register that is usable counts as it is */
}

TEST_CASE("a floor that is set raises the one of the registers and never lowers it", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.disch_cell_mv = 2999;
    TEST_ASSERT_EQUAL_INT32(3000, voltages_of(&pack).floor_mv);
    pack.config.disch_cell_mv = 3001;
    TEST_ASSERT_EQUAL_INT32(3001, voltages_of(&pack).floor_mv);
    pack_set_all_cells(&pack, 3101);
    TEST_ASSERT_EQUAL_INT32(27000, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
    lose(&pack, BATTERY_REGISTER_EMPTY, 0);
    pack.config.disch_cell_mv = 2901;
    TEST_ASSERT_EQUAL_INT32(2901, voltages_of(&pack).floor_mv);
}

TEST_CASE("with no register that says where a cell is empty nothing is discharged, unless a floor is set",
          "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    lose(&pack, BATTERY_REGISTER_EMPTY, 3000);
    lose(&pack, BATTERY_REGISTER_UNDER_VOLTAGE, 2900);
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_SETTING_MISSING);
    TEST_ASSERT_FALSE(pack.state.dvl_mv.known);
    TEST_ASSERT_EQUAL_INT32(0, pack_discharge_limiter(&pack, BATTERY_REASON_SETTING_MISSING));
    TEST_ASSERT_EQUAL_INT32(-1, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
    pack.config.disch_cell_mv = 3100;
    pack_settle(&pack);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dvl_mv, 14 * 3100, BATTERY_REASON_BMS_SETTING);
    pack.config.disch_cell_mv = 1;
    lose(&pack, BATTERY_REGISTER_EMPTY, 0);
    lose(&pack, BATTERY_REGISTER_UNDER_VOLTAGE, 0);
    TEST_ASSERT_EQUAL_INT32(-1, pack_discharge_limiter(&pack, BATTERY_REASON_SETTING_MISSING));
    TEST_ASSERT_EQUAL_INT32(DCL_CAP_MA, pack_discharge_limiter(&pack, BATTERY_REASON_CELL_VOLTAGE));
}

TEST_CASE("a floor that is set does not lower what a register that is lost forbade", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.disch_cell_mv = 2500;
    lose(&pack, BATTERY_REGISTER_EMPTY, 3000);
    lose(&pack, BATTERY_REGISTER_UNDER_VOLTAGE, 2900);
    TEST_ASSERT_EQUAL_INT32(3000, voltages_of(&pack).floor_mv);
    lose(&pack, BATTERY_REGISTER_EMPTY, 0);
    TEST_ASSERT_EQUAL_INT32(2900, voltages_of(&pack).floor_mv);
}

/* ---- current cutoffs (317 and 305, 318) ---- */

TEST_CASE("a current cutoff that is lost still bounds the cap that is set, as it was strictest", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    lose(&pack, BATTERY_REGISTER_CHARGE_CURRENT, 16000);
    lose(&pack, BATTERY_REGISTER_DISCHARGE_CURRENT, 40000);
    pack.config.charge_max_ma = 20000;
    pack.config.disch_max_ma = 50000;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 14400, BATTERY_REASON_BMS_SETTING);
    pack_expect(&pack.state.dcl_ma, 36000, BATTERY_REASON_BMS_SETTING);
    pack.config.charge_max_ma = 10000;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 10000, BATTERY_REASON_USER_CAP);
    pack.bms.charge_max_ma = pack_known(30000);
    pack.config.charge_max_ma = 40000;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 27000, BATTERY_REASON_BMS_SETTING); /* usable again: as it is */
}

TEST_CASE("a current cutoff that is lost forbids its direction when no cap is set", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    lose(&pack, BATTERY_REGISTER_CHARGE_CURRENT, 16000);
    lose(&pack, BATTERY_REGISTER_DISCHARGE_CURRENT, 40000);
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_SETTING_MISSING);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_SETTING_MISSING);
    TEST_ASSERT_FALSE(pack.state.ccl_limiter_ma[BATTERY_REASON_BMS_SETTING].known);
    TEST_ASSERT_FALSE(pack.state.dcl_limiter_ma[BATTERY_REASON_BMS_SETTING].known);
    pack.config.charge_max_ma = 1; /* the least cap is one */
    TEST_ASSERT_EQUAL_INT32(14400, pack_charge_limiter(&pack, BATTERY_REASON_BMS_SETTING));
}

/* ---- cells and pack ---- */

TEST_CASE("cells that contradict the voltage of the pack stop charging and leave discharging", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    TEST_ASSERT_EQUAL_INT32(-1, pack_charge_limiter(&pack, BATTERY_REASON_CELLS_CONTRADICT));
    pack.bms.cells_contradict = true;
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_CELLS_CONTRADICT);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

#define CUTOFF_MV (14 * 4200)

static bool pack_voltage_stops(pack_t *pack, int32_t pack_mv)
{
    pack->state.pack_checked_mv = pack_known(pack_mv);
    pack_step(pack, PACK_PERIOD_MS);
    const battery_quantity_t *const limiter = &pack->state.ccl_limiter_ma[BATTERY_REASON_PACK_VOLTAGE];
    TEST_ASSERT_EQUAL_INT32(0, limiter->known ? limiter->value : 0);
    return limiter->known;
}

TEST_CASE("a pack at its cutoff in three blocks in a row stops charging, whatever its cells tell", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    for (int round = 0; round < 2; round++) {
        TEST_ASSERT_FALSE(pack_voltage_stops(&pack, CUTOFF_MV));
        TEST_ASSERT_FALSE(pack_voltage_stops(&pack, CUTOFF_MV));
        TEST_ASSERT_FALSE(pack_voltage_stops(&pack, CUTOFF_MV - 1));
    }
    TEST_ASSERT_FALSE(pack_voltage_stops(&pack, CUTOFF_MV));
    TEST_ASSERT_FALSE(pack_voltage_stops(&pack, CUTOFF_MV));
    TEST_ASSERT_TRUE(pack_voltage_stops(&pack, CUTOFF_MV));
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_PACK_VOLTAGE);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    for (int block = 0; block < 600; block++) { /* more than a byte counts */
        TEST_ASSERT_TRUE(pack_voltage_stops(&pack, CUTOFF_MV + 1000));
    }
    TEST_ASSERT_FALSE(pack_voltage_stops(&pack, CUTOFF_MV - 1));
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_RISING);
}

TEST_CASE("blocks before a gap in the data are not in a row with those after it", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    for (int gap = 0; gap < 2; gap++) {
        TEST_ASSERT_FALSE(pack_voltage_stops(&pack, CUTOFF_MV));
        TEST_ASSERT_FALSE(pack_voltage_stops(&pack, CUTOFF_MV));
        charge_control_resume(&pack.control, CHARGE_CONTROL_RAMP_CHARGE, pack.now_ms);
    }
    TEST_ASSERT_FALSE(pack_voltage_stops(&pack, CUTOFF_MV));
    TEST_ASSERT_FALSE(pack_voltage_stops(&pack, CUTOFF_MV));
    TEST_ASSERT_TRUE(pack_voltage_stops(&pack, CUTOFF_MV));
}

TEST_CASE("a pack is held against the cutoff that was lost, and against none when there was none", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.charge_cell_mv = 4100;
    lose(&pack, BATTERY_REGISTER_OVER_VOLTAGE, 4150);
    pack_settle(&pack);
    for (int block = 1; block <= 4; block++) {
        ROW("block %d", block);
        TEST_ASSERT_EQUAL(block >= 3, pack_voltage_stops(&pack, 14 * 4150));
    }
    lose(&pack, BATTERY_REGISTER_OVER_VOLTAGE, 0);
    pack_settle(&pack);
    for (int block = 1; block <= 4; block++) {
        TEST_ASSERT_FALSE(pack_voltage_stops(&pack, 100000));
    }
}

TEST_CASE("a voltage of the pack that is not known stops nothing", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.pack_checked_mv = (battery_quantity_t){.known = false, .value = 100000};
    pack_settle(&pack);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

/* ---- faults ---- */

static bool one_of(uint8_t event, const uint8_t *events, size_t count)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        found = found || events[i] == event;
    }
    return found;
}

static void expect_stops(const pack_t *pack, bool charge, bool discharge)
{
    TEST_ASSERT_EQUAL_INT32(charge ? 0 : -1, pack_charge_limiter(pack, BATTERY_REASON_BMS_FAULT));
    TEST_ASSERT_EQUAL_INT32(discharge ? 0 : -1, pack_discharge_limiter(pack, BATTERY_REASON_BMS_FAULT));
}

TEST_CASE("a fault stops what it forbids and nothing else; one that nobody knows stops both", "[charge_control]")
{
    static const uint8_t charge_alone[] = {0x03, 0x06, 0x07, 0x37};
    static const uint8_t discharge_alone[] = {0x02, 0x05, 0x31};
    for (int event = 0; event <= UINT8_MAX; event++) {
        ROW("event 0x%02X", event);
        pack_t pack;
        pack_nmc(&pack);
        pack_fault(&pack, (uint8_t)event);
        const bool leaves_discharge = one_of((uint8_t)event, charge_alone, sizeof(charge_alone));
        const bool leaves_charge = one_of((uint8_t)event, discharge_alone, sizeof(discharge_alone));
        expect_stops(&pack, !leaves_charge, !leaves_discharge);
    }
}

TEST_CASE("of several faults each stops what it forbids, in whatever order they came", "[charge_control]")
{
    pack_t pack;
    for (int order = 0; order < 2; order++) {
        pack_nmc(&pack);
        pack_fault(&pack, order == 0 ? 0x03 : 0x02);
        pack_fault(&pack, order == 0 ? 0x02 : 0x03);
        expect_stops(&pack, true, true);
        pack_step(&pack, 0);
        pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_BMS_FAULT);
        pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_BMS_FAULT);
    }
    pack.bms.fault_count = 1; /* what stands behind the count holds no more */
    expect_stops(&pack, false, true);
}

TEST_CASE("the events of a fault that is over stop nothing", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_fault(&pack, 0x04);
    pack.bms.fault = false;
    expect_stops(&pack, false, false);
}

TEST_CASE("cells that are known not to be LFP go on floating as they did when their cutoff is lost", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    pack.bms.strictest[BATTERY_REGISTER_OVER_VOLTAGE] = pack_known(4200);
    pack.bms.over_voltage_mv.known = false;
    pack_step(&pack, PACK_PERIOD_MS);
    TEST_ASSERT_EQUAL_INT32(PACK_FLOAT_MV, pack.state.cvl_mv.value);
}

/** A voltage of the cells is read otherwise once: CVL stays. @return CCL */
static int32_t read_once(pack_t *pack, battery_quantity_t *setting, int32_t cell_mv)
{
    const int32_t cvl_mv = pack->state.cvl_mv.value;
    const int32_t was_mv = setting->value;
    pack->bms.settings_unconfirmed = true;
    setting->value = cell_mv;
    pack_run(pack, 2000);
    const int32_t ccl_ma = pack->state.ccl_ma.value;
    TEST_ASSERT_EQUAL_INT32(cvl_mv, pack->state.cvl_mv.value);
    setting->value = was_mv;
    pack->bms.settings_unconfirmed = false;
    pack_run(pack, 2000);
    TEST_ASSERT_EQUAL_INT32(cvl_mv, pack->state.cvl_mv.value);
    return ccl_ma;
}

TEST_CASE("settings that were read once do not move CVL; currents go by the stricter of both", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack_settle(&pack);
    TEST_ASSERT_LESS_THAN(3600, read_once(&pack, &pack.bms.full_mv, 3750)); /* above the target: less than 20 % */
    (void)read_once(&pack, &pack.bms.over_voltage_mv, 4160);
    const int32_t cvl_mv = pack.state.cvl_mv.value;
    pack.bms.full_mv.value = 3900;
    pack_step(&pack, 200);
    TEST_ASSERT_LESS_THAN(cvl_mv, pack.state.cvl_mv.value);
}

TEST_CASE("limits that cannot have been told do not count after an orderly restart", "[charge_control]")
{
    static const charge_control_kept_t wrong[] = {
        {.cvl_mv = 0, .ccl_ma = 1000, .dcl_ma = 1000},
        {.cvl_mv = 50000, .ccl_ma = -1, .dcl_ma = 1000},
        {.cvl_mv = 50000, .ccl_ma = 1000, .dcl_ma = -1},
    };
    static const charge_control_kept_t least = {.cvl_mv = 1, .ccl_ma = 0, .dcl_ma = 0};
    pack_t pack;
    pack_nmc(&pack);
    pack_step(&pack, 0);
    const int32_t start_mv = pack.state.cvl_mv.value;
    for (size_t i = 0; i < 3; i++) {
        ROW("wrong[%zu]", i);
        pack_restart(&pack);
        charge_control_keep(&pack.control, &wrong[i]);
        pack_step(&pack, 0);
        TEST_ASSERT_EQUAL_INT32(start_mv, pack.state.cvl_mv.value);
        pack_expect(&pack.state.ccl_ma, 1800, BATTERY_REASON_RAMP);
    }
    pack_restart(&pack);
    charge_control_keep(&pack.control, &least);
    pack_step(&pack, 0);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.ccl_ma.value);
    TEST_ASSERT_EQUAL_INT32(0, pack.state.dcl_ma.value);
}

/* ---- settings of the gateway ---- */

/** A start that finds none of what was saved. */
static void lose_settings(pack_t *pack)
{
    charge_control_init(&pack->control, &pack->config, true);
}

TEST_CASE("while the settings are lost CVL is N x float, CCL a tenth of what the BMS allows, DCL the BMS's own",
          "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    lose_settings(&pack);
    pack_run(&pack, PACK_SETTLED_MS);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_SETTINGS_LOST);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA / 10, BATTERY_REASON_SETTINGS_LOST);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("while the settings are lost an LFP pack stays at its float voltage as well", "[charge_control]")
{
    pack_t pack;
    pack_lfp(&pack);
    lose_settings(&pack);
    pack_run(&pack, PACK_SETTLED_MS);
    pack_expect(&pack.state.cvl_mv, 16 * 3375, BATTERY_REASON_SETTINGS_LOST);
}

TEST_CASE("while the settings are lost DCL is 0 at an SOC of 20 %, or at the setting where that is higher",
          "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.state.soc_ppm = (battery_quantity_t){.known = true, .value = 200000};
    lose_settings(&pack);
    pack_run(&pack, PACK_SETTLED_MS);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_SOC);
    pack.state.soc_ppm.value = 210000;
    lose_settings(&pack);
    pack_run(&pack, PACK_SETTLED_MS);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA / 5, BATTERY_REASON_SOC); /* 1 % of the 5 % over which DCL falls */
    pack.config.disch_soc_pct = 40;
    pack.state.soc_ppm.value = 400000;
    lose_settings(&pack);
    pack_run(&pack, PACK_SETTLED_MS);
    pack_expect(&pack.state.dcl_ma, 0, BATTERY_REASON_SOC);
    pack.state.soc_ppm.value = 470000;
    lose_settings(&pack);
    pack_run(&pack, PACK_SETTLED_MS);
    pack_expect(&pack.state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("what holds the battery down anyway still does while the settings are lost", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.charge_max_ma = 1000;
    pack.bms.sensors_lost = 1;
    lose_settings(&pack);
    pack_run(&pack, PACK_SETTLED_MS);
    pack_expect(&pack.state.ccl_ma, 0, BATTERY_REASON_SENSOR_LOST);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
}

TEST_CASE("a full restart does not lift CVL above float while the settings are lost", "[charge_control]")
{
    pack_t pack;
    const charge_control_kept_t kept = {.cvl_mv = PACK_TARGET_MV, .ccl_ma = CCL_CAP_MA, .dcl_ma = DCL_CAP_MA};
    pack_nmc(&pack);
    lose_settings(&pack);
    charge_control_keep(&pack.control, &kept);
    pack_run(&pack, PACK_SETTLED_MS);
    pack_expect(&pack.state.cvl_mv, PACK_FLOAT_MV, BATTERY_REASON_SETTINGS_LOST);
    pack_expect(&pack.state.ccl_ma, CCL_CAP_MA / 10, BATTERY_REASON_SETTINGS_LOST);
}
