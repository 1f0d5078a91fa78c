/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "tinybms_registers.h"
#include "unity.h"

TEST_CASE("every register has a name of its own and is found by it", "[tinybms]")
{
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        ROW("%s", tinybms_register_at(i)->name);
        const tinybms_register_t *const entry = tinybms_register_at(i);
        TEST_ASSERT_TRUE(tinybms_register_by_name(entry->name) == entry);
        TEST_ASSERT_NOT_NULL(tinybms_register_by_address(entry->address));
        TEST_ASSERT_GREATER_THAN(0, entry->scale_den);
    }
    TEST_ASSERT_NULL(tinybms_register_at(tinybms_register_count()));
}

TEST_CASE("a register is found by its address, and an address that has none finds nothing", "[tinybms]")
{
    uint16_t next = 0;
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        ROW("%s", tinybms_register_at(i)->name);
        const uint16_t address = tinybms_register_at(i)->address;
        TEST_ASSERT_TRUE(address + 1 >= next);
        for (; next < address; next++) {
            TEST_ASSERT_NULL(tinybms_register_by_address(next));
        }
        TEST_ASSERT_EQUAL_UINT16(address, tinybms_register_by_address(address)->address);
        next = (uint16_t)(address + 1);
    }
    TEST_ASSERT_NULL(tinybms_register_by_address(next));
    TEST_ASSERT_NULL(tinybms_register_by_address(UINT16_MAX));
}

TEST_CASE("only settings 300 to 399 may be written, reserved addresses are not there", "[tinybms]")
{
    static const uint16_t reserved[] = {16, 31, 49, 110, 298, 302, 309, 324, 327, 344, 399, 510};
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        ROW("%s", tinybms_register_at(i)->name);
        const tinybms_register_t *const entry = tinybms_register_at(i);
        const bool setting = entry->address >= 300 && entry->address <= 399;
        TEST_ASSERT_EQUAL(setting ? TINYBMS_READ_WRITE : TINYBMS_READ_ONLY, entry->access);
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        ROW("register %u", reserved[i]);
        TEST_ASSERT_NULL(tinybms_register_by_address(reserved[i]));
    }
    TEST_ASSERT_NULL(tinybms_register_by_name("no such register"));
}

TEST_CASE("packed registers share an address and never overlap", "[tinybms]")
{
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        for (size_t j = i + 1; j < tinybms_register_count(); j++) {
            ROW("%s, %s", tinybms_register_at(i)->name, tinybms_register_at(j)->name);
            const tinybms_register_t *const a = tinybms_register_at(i);
            const tinybms_register_t *const b = tinybms_register_at(j);
            const bool same = a->address == b->address;
            const unsigned shared = (unsigned)tinybms_register_mask(a) & tinybms_register_mask(b);
            TEST_ASSERT_TRUE(!same || shared == 0);
        }
    }
}

TEST_CASE("registers of the real device have the values that its display showed", "[tinybms]")
{
    static const uint16_t soc[] = {61960, 1274};
    static const uint16_t temperatures[] = {6408}; /* 0x1908: 8 degC lowest, 25 degC highest */
    static const uint16_t firmware[] = {769};      /* 0x0301: public 1, high power, hall sensor */
    const tinybms_register_t *const lowest = tinybms_register_by_name("pack_temperature_lowest");
    const tinybms_register_t *const highest = tinybms_register_by_name("pack_temperature_highest");
    TEST_ASSERT_EQUAL_INT64(83554824, tinybms_register_raw(tinybms_register_by_name("state_of_charge"), soc));
    TEST_ASSERT_EQUAL_INT64(8, tinybms_register_raw(lowest, temperatures));
    TEST_ASSERT_EQUAL_INT64(25, tinybms_register_raw(highest, temperatures));
    TEST_ASSERT_EQUAL_INT64(1, tinybms_register_raw(tinybms_register_by_name("firmware_public"), firmware));
    TEST_ASSERT_EQUAL_INT64(1, tinybms_register_raw(tinybms_register_by_name("power_type"), firmware));
    TEST_ASSERT_EQUAL_INT64(1, tinybms_register_raw(tinybms_register_by_name("current_sensor"), firmware));
}

TEST_CASE("negative values keep their sign", "[tinybms]")
{
    static const uint16_t not_connected[] = {0x8000};
    static const uint16_t minus_40[] = {0xFFD8};
    static const uint16_t cold[] = {0xFFF6}; /* high byte -1, low byte -10 */
    TEST_ASSERT_EQUAL_INT64(-32768,
                            tinybms_register_raw(tinybms_register_by_name("temperature_external_1"), not_connected));
    TEST_ASSERT_EQUAL_INT64(-40,
                            tinybms_register_raw(tinybms_register_by_name("low_temperature_charger_cutoff"), minus_40));
    TEST_ASSERT_EQUAL_INT64(-10, tinybms_register_raw(tinybms_register_by_name("pack_temperature_lowest"), cold));
    TEST_ASSERT_EQUAL_INT64(-1, tinybms_register_raw(tinybms_register_by_name("pack_temperature_highest"), cold));
}

TEST_CASE("merging into a packed register leaves its other bits alone", "[tinybms]")
{
    const tinybms_register_t *const timeout = tinybms_register_by_name("discharge_over_current_timeout");
    const tinybms_register_t *const restart = tinybms_register_by_name("charge_restart_level_enabled");
    TEST_ASSERT_EQUAL_HEX16(0x1E01, tinybms_register_merge(timeout, 0x0501, 30));
    TEST_ASSERT_EQUAL_HEX16(0xFFFB, tinybms_register_merge(restart, 0xFFFF, 0));
    TEST_ASSERT_EQUAL_HEX16(0x0004, tinybms_register_merge(restart, 0x0000, 1));
}

TEST_CASE("floats of the protocol become thousandths, rounded half away from zero", "[tinybms]")
{
    int32_t milli = 0;
    TEST_ASSERT_TRUE(tinybms_float_to_milli(7864, 16991, &milli)); /* 0x425F1EB8 = 55.779999 */
    TEST_ASSERT_EQUAL_INT32(55780, milli);
    TEST_ASSERT_TRUE(tinybms_float_to_milli(0x0000, 0xC120, &milli)); /* -10.0 */
    TEST_ASSERT_EQUAL_INT32(-10000, milli);
    TEST_ASSERT_TRUE(tinybms_float_to_milli(0x0000, 0x3F00, &milli)); /* 0.5 */
    TEST_ASSERT_EQUAL_INT32(500, milli);
    TEST_ASSERT_TRUE(tinybms_float_to_milli(0x0000, 0x8000, &milli)); /* -0.0 */
    TEST_ASSERT_EQUAL_INT32(0, milli);
    TEST_ASSERT_TRUE(tinybms_float_to_milli(0x0001, 0x0000, &milli)); /* smallest denormal */
    TEST_ASSERT_EQUAL_INT32(0, milli);
}

TEST_CASE("floats that are no number or too large are refused", "[tinybms]")
{
    int32_t milli = 7;
    TEST_ASSERT_FALSE(tinybms_float_to_milli(0x0000, 0x7FC0, &milli)); /* NaN */
    TEST_ASSERT_FALSE(tinybms_float_to_milli(0x0000, 0x7F80, &milli)); /* +infinity */
    TEST_ASSERT_FALSE(tinybms_float_to_milli(0x0000, 0xFF80, &milli)); /* -infinity */
    TEST_ASSERT_FALSE(tinybms_float_to_milli(0xFFFF, 0x7F7F, &milli)); /* largest float */
}
