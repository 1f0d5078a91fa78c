/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The edges of what a live block can say. */
#include <string.h>

#include "../row.h"
#include "tinybms_snapshot.h"
#include "unity.h"

static uint16_t s_live[TINYBMS_LIVE_COUNT];

/** Registers 36-37 and 38-39 are floats, low word first. */
static void put_float(size_t address, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    s_live[address] = (uint16_t)(bits & 0xFFFFU);
    s_live[address + 1] = (uint16_t)(bits >> 16);
}

static void begin(void)
{
    memset(s_live, 0, sizeof(s_live));
    put_float(36, 55.78F);
    s_live[45] = 49000;
    s_live[50] = 0x97;
    s_live[53] = 14;
}

static bool with_float(size_t address, float value)
{
    begin();
    put_float(address, value);
    return tinybms_live_plausible(s_live);
}

static bool with(size_t address, uint16_t value)
{
    begin();
    s_live[address] = value;
    return tinybms_live_plausible(s_live);
}

/** Registers 46-47 count 1e-6 %. */
static bool with_soc(uint32_t millionths_of_a_percent)
{
    begin();
    s_live[46] = (uint16_t)(millionths_of_a_percent & 0xFFFFU);
    s_live[47] = (uint16_t)(millionths_of_a_percent >> 16);
    return tinybms_live_plausible(s_live);
}

TEST_CASE("a pack voltage of 0 to 80 V is one that a BMS can tell", "[tinybms]")
{
    TEST_ASSERT_FALSE(with_float(36, -0.001F));
    TEST_ASSERT_TRUE(with_float(36, 0.0F));
    TEST_ASSERT_TRUE(with_float(36, 80.0F));
    TEST_ASSERT_FALSE(with_float(36, 80.001F));
}

TEST_CASE("a current of up to 1000 A either way is one that a BMS can tell", "[tinybms]")
{
    TEST_ASSERT_FALSE(with_float(38, -1000.001F));
    TEST_ASSERT_TRUE(with_float(38, -1000.0F));
    TEST_ASSERT_TRUE(with_float(38, 1000.0F));
    TEST_ASSERT_FALSE(with_float(38, 1000.001F));
}

TEST_CASE("charge and health are 100 % at most, and there are 16 cells at most", "[tinybms]")
{
    TEST_ASSERT_TRUE(with_soc(0));
    TEST_ASSERT_TRUE(with_soc(100000000));
    TEST_ASSERT_FALSE(with_soc(100000001));
    TEST_ASSERT_TRUE(with(45, 0));
    TEST_ASSERT_TRUE(with(45, 50000)); /* counts 0.002 % */
    TEST_ASSERT_FALSE(with(45, 50001));
    TEST_ASSERT_TRUE(with(53, 0));
    TEST_ASSERT_TRUE(with(53, 16));
    TEST_ASSERT_FALSE(with(53, 17));
}

TEST_CASE("a status is charging, fully charged, discharging, regeneration, idle or fault", "[tinybms]")
{
    static const uint8_t known[] = {0x91, 0x92, 0x93, 0x96, 0x97, 0x9B};
    for (uint16_t status = 0; status < 0x200; status++) {
        ROW("status 0x%02X", status);
        const bool is_known = status < 0x100 && memchr(known, status, sizeof(known)) != NULL;
        TEST_ASSERT_EQUAL(is_known, with(50, status));
    }
}
