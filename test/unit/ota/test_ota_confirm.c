/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "ota_confirm.h"
#include "unity.h"

#define BMS 0x01
#define CAN 0x02

TEST_CASE("nothing is confirmed before two minutes, however well all works", "[ota]")
{
    TEST_ASSERT_FALSE(ota_confirm_good(0, 0, 0));
    TEST_ASSERT_FALSE(ota_confirm_good(BMS | CAN, BMS | CAN, 119999));
    TEST_ASSERT_TRUE(ota_confirm_good(BMS | CAN, BMS | CAN, 120000));
    TEST_ASSERT_TRUE(ota_confirm_good(0, 0, 120000));
}

TEST_CASE("each part that worked before has to work, and no other", "[ota]")
{
    TEST_ASSERT_FALSE(ota_confirm_good(BMS | CAN, BMS, 1000000));
    TEST_ASSERT_FALSE(ota_confirm_good(BMS | CAN, CAN, 1000000));
    TEST_ASSERT_FALSE(ota_confirm_good(BMS, CAN, 1000000));
    TEST_ASSERT_FALSE(ota_confirm_good(CAN, 0, INT64_MAX));
    TEST_ASSERT_TRUE(ota_confirm_good(CAN, CAN, 1000000));
    TEST_ASSERT_TRUE(ota_confirm_good(BMS, BMS | CAN, 1000000));
    TEST_ASSERT_TRUE(ota_confirm_good(0, BMS, 1000000));
}

TEST_CASE("where nothing says what worked before all is asked for", "[ota]")
{
    TEST_ASSERT_EQUAL_HEX8(BMS | CAN, ota_confirm_asked(NULL));
}

TEST_CASE("of what another version has stored only the parts of this one are asked for", "[ota]")
{
    static const struct {
        uint8_t stored;
        uint8_t asked;
    } cases[] = {{0, 0}, {BMS, BMS}, {CAN, CAN}, {BMS | CAN, BMS | CAN}, {0xFC, 0}, {0xFE, CAN}, {0xFF, BMS | CAN}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        TEST_ASSERT_EQUAL_HEX8(cases[i].asked, ota_confirm_asked(&cases[i].stored));
    }
}

TEST_CASE("a part counts for as long as it was seen, to the millisecond", "[ota]")
{
    ota_seen_t seen = {.ever = 0};
    TEST_ASSERT_EQUAL_HEX8(0, ota_seen_within(&seen, 0, 60000));
    ota_seen(&seen, OTA_PART_BMS, 1000);
    ota_seen(&seen, OTA_PART_CAN, 31000);
    TEST_ASSERT_EQUAL_HEX8(BMS | CAN, ota_seen_within(&seen, 61000, 60000));
    TEST_ASSERT_EQUAL_HEX8(CAN, ota_seen_within(&seen, 61001, 60000));
    ota_seen(&seen, OTA_PART_BMS, 61001);
    TEST_ASSERT_EQUAL_HEX8(BMS, ota_seen_within(&seen, 91001, 60000));
    TEST_ASSERT_EQUAL_HEX8(0, ota_seen_within(&seen, INT64_MAX, 60000));
}

TEST_CASE("a part that was never seen does not work right after the start either", "[ota]")
{
    ota_seen_t seen = {.ever = 0};
    ota_seen(&seen, OTA_PART_CAN, 0);
    TEST_ASSERT_EQUAL_HEX8(CAN, ota_seen_within(&seen, 0, 5000));
}
