/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tinybms_crc.h"
#include "unity.h"

/** Low byte of the CRC goes first on the wire: frames of the maker and of other clients that talked to real devices. */
static void check(const uint8_t *frame, size_t length, bool right)
{
    const uint16_t crc = tinybms_crc16(frame, length - 2);
    const bool matches = frame[length - 2] == (crc & 0xFF) && frame[length - 1] == crc >> 8;
    TEST_ASSERT_EQUAL(right, matches);
}

TEST_CASE("the CRC of the check string is that of CRC-16/MODBUS", "[tinybms]")
{
    TEST_ASSERT_EQUAL_HEX16(0x4B37, tinybms_crc16((const uint8_t *)"123456789", 9));
    TEST_ASSERT_EQUAL_HEX16(0xFFFF, tinybms_crc16((const uint8_t *)"", 0));
}

TEST_CASE("the CRC-32 of the check string is that of ISO 3309", "[tinybms]")
{
    TEST_ASSERT_EQUAL_UINT32(0xCBF43926, tinybms_crc32((const uint8_t *)"123456789", 9));
    TEST_ASSERT_EQUAL_UINT32(0, tinybms_crc32((const uint8_t *)"", 0));
}

TEST_CASE("frames seen on real lines have the right CRC", "[tinybms]")
{
    static const uint8_t reset[] = {0xAA, 0x02, 0x05, 0x90, 0x83};
    static const uint8_t temperatures[] = {0xAA, 0x1B, 0x06, 0x16, 0x01, 0x14, 0x01, 0x16, 0x01, 0x0E, 0x4E};
    static const uint8_t individual[] = {0xAA, 0x09, 0x04, 0x24, 0x00, 0x25, 0x00, 0xF0, 0x33};
    static const uint8_t highest[] = {0xAA, 0x16, 0xFE, 0xDE};
    check(reset, sizeof(reset), true);
    check(temperatures, sizeof(temperatures), true);
    check(individual, sizeof(individual), true);
    check(highest, sizeof(highest), true);
}

TEST_CASE("frames published with a wrong CRC are told apart", "[tinybms]")
{
    static const uint8_t voltage[] = {0xAA, 0x14, 0x7E, 0xAF};
    static const uint8_t current[] = {0xAA, 0x15, 0xBF, 0x6F};
    check(voltage, sizeof(voltage), false);
    check(current, sizeof(current), false);
}
