/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "device.h"
#include "unity.h"

/* ---- settings ---- */

static const struct {
    uint16_t address;
    battery_register_t id;
    int32_t factor;
    int32_t usual;
    int32_t stricter;
    int32_t looser;
} s_limits[] = {
    {301, BATTERY_REGISTER_EMPTY, 1, 3000, 3001, 2999},
    {315, BATTERY_REGISTER_OVER_VOLTAGE, 1, 4200, 4199, 4201},
    {316, BATTERY_REGISTER_UNDER_VOLTAGE, 1, 2900, 2901, 2899},
    {317, BATTERY_REGISTER_DISCHARGE_CURRENT, 1000, 60, 59, 61},
    {318, BATTERY_REGISTER_CHARGE_CURRENT, 1000, 20, 19, 21},
    {319, BATTERY_REGISTER_OVER_HEAT, 10, 60, 59, 61},
    {320, BATTERY_REGISTER_COLD_CHARGE, 10, 5, 6, 4},
};

#define LIMITS (sizeof(s_limits) / sizeof(s_limits[0]))

static int32_t limit_of(const device_t *d, size_t index)
{
    const battery_quantity_t limit = battery_register_get(&d->bms, s_limits[index].id);
    TEST_ASSERT_TRUE(limit.known);
    return limit.value / s_limits[index].factor;
}

TEST_CASE("a limit register that changes tightens at once and loosens when it is read a second time", "[battery_model]")
{
    for (size_t i = 0; i < LIMITS; i++) {
        ROW("register %u", s_limits[i].address);
        device_t *const d = device_healthy();
        (void)device_block(d);
        device_set(d, s_limits[i].address, s_limits[i].usual);
        (void)device_block(d);
        TEST_ASSERT_FALSE(d->bms.settings_unconfirmed);
        device_set(d, s_limits[i].address, s_limits[i].looser);
        device_blocks(d, 20);
        TEST_ASSERT_TRUE(d->bms.settings_unconfirmed);
        TEST_ASSERT_EQUAL_INT32(s_limits[i].usual, limit_of(d, i));
        device_read_again(d);
        TEST_ASSERT_EQUAL_INT32(s_limits[i].looser, limit_of(d, i));
        TEST_ASSERT_FALSE(d->bms.settings_unconfirmed);
        device_set(d, s_limits[i].address, s_limits[i].stricter);
        (void)device_block(d);
        TEST_ASSERT_TRUE(d->bms.settings_unconfirmed);
        TEST_ASSERT_EQUAL_INT32(s_limits[i].stricter, limit_of(d, i));
    }
}

TEST_CASE("one flipped bit of a limit register never loosens it", "[battery_model]")
{
    for (size_t i = 0; i < LIMITS; i++) {
        for (unsigned bit = 0; bit < 16; bit++) {
            ROW("register %u, bit %u", s_limits[i].address, bit);
            device_t *const d = device_healthy();
            (void)device_block(d);
            device_set(d, s_limits[i].address, (int32_t)((unsigned)s_limits[i].usual ^ (1U << bit)));
            (void)device_block(d);
            const int32_t limit = limit_of(d, i);
            TEST_ASSERT_TRUE(s_limits[i].stricter < s_limits[i].usual ? limit <= s_limits[i].usual
                                                                      : limit >= s_limits[i].usual);
            device_set(d, s_limits[i].address, s_limits[i].usual);
            device_read_again(d);
            TEST_ASSERT_EQUAL_INT32(s_limits[i].usual, limit_of(d, i));
        }
    }
}

TEST_CASE("a limit register that becomes unusable is told as lost, and its strictest value is remembered",
          "[battery_model]")
{
    for (size_t i = 0; i < LIMITS; i++) {
        ROW("register %u", s_limits[i].address);
        device_t *const d = device_healthy();
        (void)device_block(d);
        device_set(d, s_limits[i].address, s_limits[i].stricter);
        device_read_again(d);
        device_set(d, s_limits[i].address, s_limits[i].usual);
        device_read_again(d);
        TEST_ASSERT_EQUAL_UINT8(0, d->bms.registers_lost);
        device_set(d, s_limits[i].address, 0x7000);
        (void)device_block(d);
        TEST_ASSERT_EQUAL_INT32(s_limits[i].usual, limit_of(d, i)); /* read once */
        device_read_again(d);
        TEST_ASSERT_FALSE(battery_register_get(&d->bms, s_limits[i].id).known);
        TEST_ASSERT_EQUAL_UINT8(1U << s_limits[i].id, d->bms.registers_lost);
        TEST_ASSERT_EQUAL_INT32(s_limits[i].stricter * s_limits[i].factor,
                                battery_register_limit(&d->bms, s_limits[i].id).value);
        device_set(d, s_limits[i].address, s_limits[i].usual);
        device_read_again(d);
        TEST_ASSERT_EQUAL_UINT8(0, d->bms.registers_lost);
    }
}

TEST_CASE("of the two cutoffs of the discharge current one that is lost counts with its strictest value",
          "[battery_model]")
{
    device_t *const d = device_healthy();
    device_set(d, 305, 150);
    (void)device_block(d);
    TEST_ASSERT_EQUAL_INT32(60000, d->bms.discharge_max_ma.value);
    device_set(d, 317, 0);
    device_read_again(d);
    TEST_ASSERT_EQUAL_UINT8(1U << BATTERY_REGISTER_DISCHARGE_CURRENT, d->bms.registers_lost);
    TEST_ASSERT_TRUE(d->bms.discharge_max_ma.known);
    TEST_ASSERT_EQUAL_INT32(60000, d->bms.discharge_max_ma.value);
    device_set(d, 305, 0);
    device_read_again(d);
    TEST_ASSERT_FALSE(d->bms.discharge_max_ma.known);
    device_set(d, 317, 70);
    device_read_again(d);
    TEST_ASSERT_EQUAL_INT32(70000, d->bms.discharge_max_ma.value);
}

TEST_CASE("a limit register that was never usable is not lost", "[battery_model]")
{
    device_t *const d = device_healthy();
    device_set(d, 318, 0);
    (void)device_block(d);
    TEST_ASSERT_EQUAL_UINT8(0, d->bms.registers_lost);
    TEST_ASSERT_FALSE(battery_register_limit(&d->bms, BATTERY_REGISTER_CHARGE_CURRENT).known);
    device_set(d, 318, 20); /* what was not limited may be: at the second reading */
    (void)device_block(d);
    TEST_ASSERT_FALSE(d->bms.charge_max_ma.known);
    device_read_again(d);
    TEST_ASSERT_EQUAL_INT32(20000, d->bms.charge_max_ma.value);
}

TEST_CASE("the full voltage falls at once, and rises or gets lost at the second reading", "[battery_model]")
{
    device_t *const d = device_healthy();
    (void)device_block(d);
    static const int32_t looser[] = {4151, 0, 4501};
    for (size_t i = 0; i < sizeof(looser) / sizeof(looser[0]); i++) {
        ROW("looser[%zu]", i);
        device_set(d, 300, looser[i]);
        device_blocks(d, 5);
        TEST_ASSERT_TRUE(d->bms.full_mv.known);
        TEST_ASSERT_EQUAL_INT32(4150, d->bms.full_mv.value);
    }
    device_set(d, 300, 4149);
    (void)device_block(d);
    TEST_ASSERT_EQUAL_INT32(4149, d->bms.full_mv.value);
    device_set(d, 300, 0);
    device_read_again(d);
    TEST_ASSERT_FALSE(d->bms.full_mv.known);
}

TEST_CASE("number of cells, capacity and what is no limit wait for the second reading", "[battery_model]")
{
    device_t *const d = device_healthy();
    (void)device_block(d);
    device_set(d, 307, 13);
    device_set(d, 306, 1000);
    device_set(d, 303, 3800);
    device_blocks(d, 5);
    TEST_ASSERT_EQUAL_INT32(14, d->bms.series_cells.value);
    TEST_ASSERT_EQUAL_INT32(66000, d->state.installed_capacity_mah.value);
    TEST_ASSERT_EQUAL_INT32(3900, d->bms.balance_mv.value);
    device_read_again(d);
    TEST_ASSERT_EQUAL_INT32(13, d->bms.series_cells.value);
    TEST_ASSERT_EQUAL_INT32(10000, d->state.installed_capacity_mah.value);
    TEST_ASSERT_EQUAL_INT32(3800, d->bms.balance_mv.value);
}

TEST_CASE("settings that have been read are not forgotten when a snapshot comes without them", "[battery_model]")
{
    device_t *const d = device_healthy();
    d->s.settings_known = false;
    (void)device_block(d);
    TEST_ASSERT_FALSE(d->bms.settings_known);
    d->s.settings_known = true;
    (void)device_block(d);
    d->s.settings_known = false;
    (void)device_block(d);
    TEST_ASSERT_TRUE(d->bms.settings_known);
    TEST_ASSERT_EQUAL_INT32(4150, d->bms.full_mv.value);
}

/* ---- temperature sensors ---- */

TEST_CASE("a sensor that was there for three blocks is missed from the third block without it on", "[battery_model]")
{
    device_t *const d = device_healthy();
    device_blocks(d, 3);
    TEST_ASSERT_EQUAL_UINT8(1, d->belief.sensors_seen);
    d->s.live[42] = 0x8000;
    for (int i = 0; i < 2; i++) {
        (void)device_block(d);
        TEST_ASSERT_EQUAL_UINT8(0, d->bms.sensors_lost);
        TEST_ASSERT_EQUAL_INT32(200, d->state.sensor_ddegc[0].value);
        TEST_ASSERT_TRUE(d->state.sensor_ddegc[0].known);
    }
    (void)device_block(d);
    TEST_ASSERT_EQUAL_UINT8(1, d->bms.sensors_lost);
    TEST_ASSERT_FALSE(d->state.sensor_ddegc[0].known);
    device_blocks(d, 100);
    TEST_ASSERT_EQUAL_UINT8(1, d->bms.sensors_lost);
    d->s.live[42] = 0xFFCE; /* -5 degC */
    (void)device_block(d);
    TEST_ASSERT_EQUAL_UINT8(0, d->bms.sensors_lost);
    TEST_ASSERT_EQUAL_INT32(-50, d->state.sensor_ddegc[0].value);
}

TEST_CASE("a sensor that shows in two blocks counts in them and is not missed after them", "[battery_model]")
{
    device_t *const d = device_healthy();
    device_blocks(d, 5);
    d->s.live[43] = 0; /* one flipped bit of "not connected" */
    for (int i = 0; i < 2; i++) {
        (void)device_block(d);
        TEST_ASSERT_TRUE(d->state.sensor_ddegc[1].known);
        TEST_ASSERT_EQUAL_INT32(0, d->state.sensor_ddegc[1].value);
    }
    d->s.live[43] = 0x8000;
    device_blocks(d, 5);
    TEST_ASSERT_FALSE(d->state.sensor_ddegc[1].known);
    TEST_ASSERT_EQUAL_UINT8(0, d->bms.sensors_lost);
    TEST_ASSERT_EQUAL_UINT8(1, d->belief.sensors_seen);
    d->s.live[43] = 0;
    device_blocks(d, 3);
    TEST_ASSERT_EQUAL_UINT8(3, d->belief.sensors_seen);
}

TEST_CASE("a pack without sensors misses none", "[battery_model]")
{
    device_t *const d = device_healthy();
    d->s.live[42] = 0x8000;
    device_blocks(d, 10);
    TEST_ASSERT_EQUAL_UINT8(0, d->belief.sensors_seen);
    TEST_ASSERT_EQUAL_UINT8(0, d->bms.sensors_lost);
}

TEST_CASE("after a gap a sensor has to show in three blocks again before it is missed", "[battery_model]")
{
    device_t *const d = device_healthy();
    d->s.live[42] = 0x8000;
    device_blocks(d, 5);
    battery_belief_resume(&d->belief);
    d->s.live[42] = 200;
    device_blocks(d, 2);
    d->s.live[42] = 0x8000;
    (void)device_block(d);
    TEST_ASSERT_EQUAL_UINT8(0, d->bms.sensors_lost);
    TEST_ASSERT_EQUAL_UINT8(0, d->belief.sensors_seen);
}

TEST_CASE("a sensor that was there before the restart is missed at once, until a person forgets it", "[battery_model]")
{
    device_t *const d = device_healthy();
    battery_belief_init(&d->belief, 2);
    (void)device_block(d);
    TEST_ASSERT_EQUAL_UINT8(2, d->bms.sensors_lost);
    battery_belief_forget_sensor(&d->belief, 0);
    (void)device_block(d);
    TEST_ASSERT_EQUAL_UINT8(2, d->bms.sensors_lost);
    battery_belief_forget_sensor(&d->belief, 1);
    (void)device_block(d);
    TEST_ASSERT_EQUAL_UINT8(0, d->bms.sensors_lost);
    d->s.live[43] = 200;
    device_blocks(d, 3);
    TEST_ASSERT_EQUAL_UINT8(3, d->belief.sensors_seen);
}

TEST_CASE("the temperature of the BMS is held for two blocks without it", "[battery_model]")
{
    device_t *const d = device_healthy();
    device_blocks(d, 3);
    d->s.live[48] = 0x8000;
    device_blocks(d, 2);
    TEST_ASSERT_EQUAL_INT32(250, d->state.bms_temperature_ddegc.value);
    TEST_ASSERT_TRUE(d->state.bms_temperature_ddegc.known);
    (void)device_block(d);
    TEST_ASSERT_FALSE(d->state.bms_temperature_ddegc.known);
}

/* ---- one bad block ---- */

TEST_CASE("cells that contradict the pack are refused twice and a fact from the third block on", "[battery_model]")
{
    device_t *const d = device_healthy();
    (void)device_block(d);
    d->s.live[5] = 0; /* one cell of 14: 7 % */
    TEST_ASSERT_FALSE(device_block(d));
    TEST_ASSERT_FALSE(device_block(d));
    TEST_ASSERT_TRUE(device_block(d));
    TEST_ASSERT_TRUE(d->bms.cells_contradict);
    TEST_ASSERT_TRUE(device_block(d));
    d->s.live[5] = 39800;
    TEST_ASSERT_TRUE(device_block(d));
    TEST_ASSERT_FALSE(d->bms.cells_contradict);
    d->s.live[5] = 0;
    TEST_ASSERT_FALSE(device_block(d));
    d->s.live[5] = 39800;
    TEST_ASSERT_TRUE(device_block(d));
    d->s.live[5] = 0;
    TEST_ASSERT_FALSE(device_block(d)); /* not in a row with the one before */
    TEST_ASSERT_FALSE(device_block(d));
}

TEST_CASE("another number of cells counts from the third block in a row on", "[battery_model]")
{
    device_t *const d = device_healthy();
    (void)device_block(d);
    d->s.live[53] = 13;
    device_blocks(d, 2);
    TEST_ASSERT_FALSE(d->bms.cell_count_differs);
    d->s.live[53] = 14;
    (void)device_block(d);
    d->s.live[53] = 13;
    device_blocks(d, 2);
    TEST_ASSERT_FALSE(d->bms.cell_count_differs);
    (void)device_block(d);
    TEST_ASSERT_TRUE(d->bms.cell_count_differs);
    TEST_ASSERT_EQUAL_UINT8(14, d->state.cell_count);
    d->s.live[53] = 14;
    device_blocks(d, 2);
    TEST_ASSERT_TRUE(d->bms.cell_count_differs);
    (void)device_block(d);
    TEST_ASSERT_FALSE(d->bms.cell_count_differs);
}

TEST_CASE("a disputed number of cells is told as it is, odd or even", "[battery_model]")
{
    for (uint16_t cells = 13; cells <= 14; cells++) {
        ROW("%u cells", cells);
        device_t *const d = device_healthy();
        d->s.settings[307 - 300] = cells;
        d->s.live[53] = 16;
        d->s.live[2] = cells == 13 ? 0 : 39800;
        device_blocks(d, 5);
        TEST_ASSERT_TRUE(d->bms.cell_count_differs);
        TEST_ASSERT_EQUAL_UINT8(cells, d->state.cell_count);
    }
}

TEST_CASE("numbers of cells that come and go change nothing", "[battery_model]")
{
    device_t *const d = device_healthy();
    device_set(d, 307, 0); /* the detected one counts */
    (void)device_block(d);
    static const uint16_t detected[] = {13, 0, 13, 0, 13, 13};
    for (size_t i = 0; i < sizeof(detected) / sizeof(detected[0]); i++) {
        ROW("detected[%zu]", i);
        d->s.live[53] = detected[i];
        (void)device_block(d);
        TEST_ASSERT_EQUAL_UINT8(14, d->state.cell_count);
    }
}

TEST_CASE("fully charged begins and ends with the third block in a row", "[battery_model]")
{
    device_t *const d = device_healthy();
    (void)device_block(d);
    d->s.live[50] = 0x92;
    device_blocks(d, 2);
    TEST_ASSERT_FALSE(d->bms.fully_charged);
    (void)device_block(d);
    TEST_ASSERT_TRUE(d->bms.fully_charged);
    d->s.live[50] = 0x97;
    device_blocks(d, 2);
    TEST_ASSERT_TRUE(d->bms.fully_charged);
    (void)device_block(d);
    TEST_ASSERT_FALSE(d->bms.fully_charged);
}

static void set_soc(device_t *d, uint32_t percent)
{
    d->s.live[46] = (uint16_t)((percent * 1000000U) & 0xFFFFU);
    d->s.live[47] = (uint16_t)((percent * 1000000U) >> 16);
}

TEST_CASE("of the state of charge the middle one of three blocks counts", "[battery_model]")
{
    device_t *const d = device_healthy();
    static const uint32_t told[] = {80, 0, 81, 82, 100, 79, 78};
    static const int32_t expected[] = {80, 80, 80, 81, 82, 82, 79};
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        ROW("told[%zu]", i);
        set_soc(d, told[i]);
        (void)device_block(d);
        TEST_ASSERT_EQUAL_INT32(expected[i] * 10000, d->state.soc_ppm.value);
    }
}

TEST_CASE("after a gap what was measured before counts no more, settings and sensors do", "[battery_model]")
{
    device_t *const d = device_healthy();
    device_blocks(d, 3);
    battery_belief_resume(&d->belief);
    set_soc(d, 10);
    d->s.live[50] = 0x92;
    d->s.live[42] = 0x8000;
    d->s.live[48] = 0x8000;
    d->s.live[53] = 13;
    (void)device_block(d);
    TEST_ASSERT_EQUAL_INT32(100000, d->state.soc_ppm.value);
    TEST_ASSERT_TRUE(d->bms.fully_charged);
    TEST_ASSERT_TRUE(d->bms.cell_count_differs);
    TEST_ASSERT_EQUAL_UINT8(1, d->bms.sensors_lost);
    TEST_ASSERT_FALSE(d->state.bms_temperature_ddegc.known);
    device_set(d, 318, 100);
    (void)device_block(d);
    TEST_ASSERT_EQUAL_INT32(20000, d->bms.charge_max_ma.value);
}
