/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "pack.h"
#include "unity.h"

static charge_voltages_t voltages_of(const pack_t *pack)
{
    return charge_control_voltages(&pack->config, &pack->bms, pack->state.cell_count);
}

static void unset(battery_quantity_t *setting)
{
    setting->known = false;
}

TEST_CASE("the real pack of 14 cells can be charged to its full voltage", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    const charge_voltages_t v = voltages_of(&pack);
    TEST_ASSERT_TRUE(v.known);
    TEST_ASSERT_FALSE(v.contradictory);
    TEST_ASSERT_EQUAL_INT32(4200, v.cutoff_mv);
    TEST_ASSERT_EQUAL_INT32(4200 - 20 - 29, v.ceiling_mv); /* 400 mV / 14 = 28.6 mV, and the ceiling must hold */
    TEST_ASSERT_EQUAL_INT32(4150, v.target_mv);
    TEST_ASSERT_EQUAL_INT32(4075, v.float_mv);
    TEST_ASSERT_EQUAL_INT32(3000, v.floor_mv);
}

TEST_CASE("LFP cells float at 3375 mV", "[charge_control]")
{
    pack_t pack;
    pack_lfp(&pack);
    const charge_voltages_t v = voltages_of(&pack);
    TEST_ASSERT_EQUAL_INT32(3650, v.cutoff_mv);
    TEST_ASSERT_EQUAL_INT32(3605, v.ceiling_mv);
    TEST_ASSERT_EQUAL_INT32(3550, v.target_mv);
    TEST_ASSERT_EQUAL_INT32(3375, v.float_mv);
    TEST_ASSERT_EQUAL_INT32(2900, v.floor_mv);
    TEST_ASSERT_FALSE(v.contradictory);
}

TEST_CASE("a cutoff of 3800 mV is one of LFP cells, of 3801 mV not", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.full_mv = pack_known(3700);
    pack.bms.over_voltage_mv = pack_known(3800);
    TEST_ASSERT_EQUAL_INT32(3375, voltages_of(&pack).float_mv);
    pack.bms.over_voltage_mv = pack_known(3801);
    TEST_ASSERT_EQUAL_INT32(3625, voltages_of(&pack).float_mv);
}

TEST_CASE("LFP cells with a low full voltage float 75 mV below it", "[charge_control]")
{
    pack_t pack;
    pack_lfp(&pack);
    pack.bms.full_mv = pack_known(3440);
    TEST_ASSERT_EQUAL_INT32(3365, voltages_of(&pack).float_mv);
}

TEST_CASE("what a solar charger adds to CVL is spread over the cells, rounded to the safe side", "[charge_control]")
{
    static const struct {
        uint8_t cells;
        int32_t ceiling_mv;
    } cases[] = {{1, 3780}, {2, 3980}, {4, 4080}, {7, 4122}, {8, 4130}, {13, 4149}, {14, 4151}, {15, 4153}, {16, 4155}};
    pack_t pack;
    pack_nmc(&pack);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        pack.state.cell_count = cases[i].cells;
        TEST_ASSERT_EQUAL_INT32(cases[i].ceiling_mv, voltages_of(&pack).ceiling_mv);
    }
}

TEST_CASE("a full voltage above the ceiling is charged to the ceiling", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.full_mv = pack_known(4151);
    TEST_ASSERT_EQUAL_INT32(4151, voltages_of(&pack).target_mv);
    pack.bms.full_mv = pack_known(4152);
    TEST_ASSERT_EQUAL_INT32(4151, voltages_of(&pack).target_mv);
    TEST_ASSERT_EQUAL_INT32(4077, voltages_of(&pack).float_mv);
    TEST_ASSERT_FALSE(voltages_of(&pack).contradictory);
}

TEST_CASE("nothing is known without a full voltage or a number of cells", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    unset(&pack.bms.full_mv);
    TEST_ASSERT_FALSE(voltages_of(&pack).known);
    pack_nmc(&pack);
    pack.state.cell_count = 0;
    TEST_ASSERT_FALSE(voltages_of(&pack).known);
}

TEST_CASE("the discharge floor is the empty voltage, else the under-voltage cutoff, else there is none",
          "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    unset(&pack.bms.under_voltage_mv);
    TEST_ASSERT_EQUAL_INT32(3000, voltages_of(&pack).floor_mv);
    TEST_ASSERT_FALSE(voltages_of(&pack).contradictory);
    pack_nmc(&pack);
    unset(&pack.bms.empty_mv);
    TEST_ASSERT_EQUAL_INT32(2900, voltages_of(&pack).floor_mv);
    TEST_ASSERT_FALSE(voltages_of(&pack).contradictory);
    unset(&pack.bms.under_voltage_mv);
    TEST_ASSERT_EQUAL_INT32(0, voltages_of(&pack).floor_mv);
    TEST_ASSERT_FALSE(voltages_of(&pack).contradictory);
}

TEST_CASE("settings lower the target and the float voltage and never raise them", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.charge_cell_mv = 4149;
    TEST_ASSERT_EQUAL_INT32(4149, voltages_of(&pack).target_mv);
    TEST_ASSERT_EQUAL_INT32(4075, voltages_of(&pack).float_mv);
    pack.config.charge_cell_mv = 4151;
    TEST_ASSERT_EQUAL_INT32(4150, voltages_of(&pack).target_mv);
    pack.config.float_cell_mv = 4074;
    TEST_ASSERT_EQUAL_INT32(4074, voltages_of(&pack).float_mv);
    pack.config.float_cell_mv = 4076;
    TEST_ASSERT_EQUAL_INT32(4075, voltages_of(&pack).float_mv);
    pack.config.charge_cell_mv = 4050;
    TEST_ASSERT_EQUAL_INT32(4050, voltages_of(&pack).float_mv); /* never above the target */
    pack.config.charge_cell_mv = 1;
    pack.config.float_cell_mv = 1;
    TEST_ASSERT_EQUAL_INT32(1, voltages_of(&pack).target_mv);
    pack.config.charge_cell_mv = 0;
    TEST_ASSERT_EQUAL_INT32(1, voltages_of(&pack).float_mv);
}

TEST_CASE("margins come from the settings", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.cvl_margin_mv = 30;
    pack.config.cvl_charger_mv = 0;
    pack.config.float_below_mv = 100;
    charge_voltages_t v = voltages_of(&pack);
    TEST_ASSERT_EQUAL_INT32(4170, v.ceiling_mv);
    TEST_ASSERT_EQUAL_INT32(4050, v.float_mv);
    pack_lfp(&pack);
    pack.config.float_lfp_mv = 3400;
    v = voltages_of(&pack);
    TEST_ASSERT_EQUAL_INT32(3400, v.float_mv);
}

TEST_CASE("an empty voltage that is not below the float voltage is contradictory", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.empty_mv = pack_known(4074);
    TEST_ASSERT_FALSE(voltages_of(&pack).contradictory);
    pack.bms.empty_mv = pack_known(4075);
    TEST_ASSERT_TRUE(voltages_of(&pack).contradictory);
}

TEST_CASE("without an empty voltage the under-voltage cutoff has to be below the float voltage", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.empty_mv.known = false;
    pack.bms.under_voltage_mv = pack_known(4074);
    TEST_ASSERT_FALSE(voltages_of(&pack).contradictory);
    pack.bms.under_voltage_mv = pack_known(4075);
    TEST_ASSERT_TRUE(voltages_of(&pack).contradictory);
}

TEST_CASE("a target that is set so low that float meets the empty voltage is contradictory", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.config.charge_cell_mv = 3001;
    TEST_ASSERT_FALSE(voltages_of(&pack).contradictory);
    pack.config.charge_cell_mv = 3000;
    TEST_ASSERT_EQUAL_INT32(3000, voltages_of(&pack).float_mv);
    TEST_ASSERT_TRUE(voltages_of(&pack).contradictory);
}

TEST_CASE("a float voltage above the ceiling is contradictory, and the ceiling still holds", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.over_voltage_mv = pack_known(4075 + 49);
    TEST_ASSERT_EQUAL_INT32(4075, voltages_of(&pack).ceiling_mv);
    TEST_ASSERT_FALSE(voltages_of(&pack).contradictory);
    pack.bms.over_voltage_mv = pack_known(4074 + 49);
    TEST_ASSERT_TRUE(voltages_of(&pack).contradictory);
    TEST_ASSERT_EQUAL_INT32(4074, voltages_of(&pack).float_mv);
    TEST_ASSERT_EQUAL_INT32(4074, voltages_of(&pack).target_mv);
}

TEST_CASE("an under-voltage cutoff that is not below the empty voltage is contradictory", "[charge_control]")
{
    pack_t pack;
    pack_nmc(&pack);
    pack.bms.under_voltage_mv = pack_known(2999);
    TEST_ASSERT_FALSE(voltages_of(&pack).contradictory);
    pack.bms.under_voltage_mv = pack_known(3000);
    TEST_ASSERT_TRUE(voltages_of(&pack).contradictory);
}
