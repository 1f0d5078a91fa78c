/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* A fault of the BMS that no event explains: what the cells tell of it. */
#include <string.h>

#include "../row.h"
#include "device.h"
#include "unity.h"

static void set_cells(device_t *d, uint16_t all_mv, uint16_t lowest_mv, uint16_t highest_mv)
{
    const float volts = (float)all_mv * 14.0F / 1000.0F;
    uint32_t bits;
    memcpy(&bits, &volts, sizeof(bits));
    for (size_t i = 2; i < 16; i++) {
        d->s.live[i] = (uint16_t)(all_mv * 10U);
    }
    d->s.live[36] = (uint16_t)(bits & 0xFFFFU);
    d->s.live[37] = (uint16_t)(bits >> 16);
    d->s.live[40] = lowest_mv;
    d->s.live[41] = highest_mv;
}

static void expect_one_fault(const device_t *d, uint8_t id)
{
    TEST_ASSERT_EQUAL_UINT8(1, d->bms.fault_count);
    TEST_ASSERT_EQUAL_HEX8(id, d->bms.faults[0]);
}

TEST_CASE("a cell below 316 explains a fault that no event explains, until the fault ends", "[battery_model]")
{
    device_t *const d = device_healthy();
    (void)device_block(d);
    d->s.live[50] = 0x9B;
    set_cells(d, 2950, 2900, 2960); /* at 316, not below it */
    device_blocks(d, 5);
    expect_one_fault(d, 0);
    d->s.live[40] = 2899;
    device_blocks(d, 2);
    expect_one_fault(d, 0);
    (void)device_block(d);
    expect_one_fault(d, 0x02);
    set_cells(d, 3300, 3290, 3310); /* it is being charged */
    device_blocks(d, 5);
    expect_one_fault(d, 0x02);
    d->s.live[50] = 0x97;
    (void)device_block(d);
    d->s.live[50] = 0x9B;
    device_blocks(d, 5);
    expect_one_fault(d, 0);
}

TEST_CASE("a cell at 315 explains a fault that no event explains, and with an empty one both hold", "[battery_model]")
{
    device_t *const d = device_healthy();
    (void)device_block(d);
    d->s.live[50] = 0x9B;
    set_cells(d, 4150, 4100, 4199);
    device_blocks(d, 5);
    expect_one_fault(d, 0);
    d->s.live[41] = 4200;
    device_blocks(d, 3);
    expect_one_fault(d, 0x03);
    d->s.live[40] = 2800;
    device_blocks(d, 3);
    TEST_ASSERT_EQUAL_UINT8(2, d->bms.fault_count);
    TEST_ASSERT_EQUAL_HEX8(0x02, d->bms.faults[0]);
    TEST_ASSERT_EQUAL_HEX8(0x03, d->bms.faults[1]);
}

TEST_CASE("cells explain a fault by three blocks of it in a row, and then until it ends", "[battery_model]")
{
    device_t *const d = device_healthy();
    for (int high = 0; high < 2; high++) {
        const uint8_t id = high != 0 ? 0x03 : 0x02;
        d->s.live[50] = 0x97;
        set_cells(d, high != 0 ? 4150 : 2950, high != 0 ? 4150 : 2899, high != 0 ? 4200 : 2950);
        device_blocks(d, 5); /* those without a fault are not counted */
        d->s.live[50] = 0x9B;
        device_blocks(d, 2);
        expect_one_fault(d, 0);
        set_cells(d, 3300, 3290, 3310);
        (void)device_block(d);
        set_cells(d, high != 0 ? 4150 : 2950, high != 0 ? 4150 : 2899, high != 0 ? 4200 : 2950);
        device_blocks(d, 2);
        expect_one_fault(d, 0);
        (void)device_block(d);
        expect_one_fault(d, id);
        set_cells(d, 3300, 3290, 3310);
        device_blocks(d, 5);
        expect_one_fault(d, id);
    }
}

TEST_CASE("without cutoffs of the cells no cell explains a fault", "[battery_model]")
{
    device_t *const d = device_healthy();
    d->s.settings[315 - 300] = 0;
    d->s.settings[316 - 300] = 0;
    d->s.live[50] = 0x9B;
    device_blocks(d, 5);
    expect_one_fault(d, 0);
}

TEST_CASE("cutoffs that were read once explain no fault", "[battery_model]")
{
    for (int first = 0; first < 2; first++) {
        ROW("first %d", first);
        device_t *const d = device_healthy();
        device_blocks(d, 1 - first);
        d->s.live[50] = 0x9B;
        device_set(d, 315, 3900); /* the cells have 3980 mV */
        device_blocks(d, 10);
        TEST_ASSERT_EQUAL_UINT8(1, d->bms.fault_count);
        TEST_ASSERT_EQUAL_HEX8(0, d->bms.faults[0]);
        device_read_again(d);
        device_blocks(d, 3);
        TEST_ASSERT_EQUAL_HEX8(0x03, d->bms.faults[0]);
    }
}

TEST_CASE("cells explain no fault that an event explains, or whose event may be missing", "[battery_model]")
{
    device_t *const d = device_healthy();
    (void)device_block(d);
    d->s.live[50] = 0x9B;
    set_cells(d, 2850, 2800, 2860);
    d->s.events_doubtful = true;
    device_blocks(d, 5);
    expect_one_fault(d, 0);
    d->s.events_doubtful = false;
    d->s.fault_count = 1;
    d->s.faults[0] = 0x0B;
    device_blocks(d, 5);
    expect_one_fault(d, 0x0B);
}

TEST_CASE("cells that contradict the pack explain no fault", "[battery_model]")
{
    device_t *const d = device_healthy();
    (void)device_block(d);
    d->s.live[50] = 0x9B;
    memset(d->s.live, 0, 16 * sizeof(d->s.live[0]));
    d->s.live[40] = 2000;
    device_blocks(d, 10);
    TEST_ASSERT_TRUE(d->bms.cells_contradict);
    expect_one_fault(d, 0);
}
