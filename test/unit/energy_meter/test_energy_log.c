/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What the log does on a flash that works; power cuts at every operation: test/pure/test_energy_log.py. */
#include <string.h>

#include "energy_log.h"
#include "unity.h"

static uint8_t s_flash[ENERGY_LOG_SECTORS * ENERGY_LOG_SECTOR_SIZE];
static int s_erases;
static bool s_refuses; /* writes and erases */

static bool read_ram(void *context, uint32_t offset, void *data, uint32_t length)
{
    memcpy(data, &((uint8_t *)context)[offset], length);
    return true;
}

static bool write_ram(void *context, uint32_t offset, const void *data, uint32_t length)
{
    for (uint32_t i = 0; i < length && !s_refuses; i++) {
        ((uint8_t *)context)[offset + i] &= ((const uint8_t *)data)[i];
    }
    return !s_refuses;
}

static bool erase_ram(void *context, uint32_t offset)
{
    if (!s_refuses) {
        memset(&((uint8_t *)context)[offset], 0xFF, ENERGY_LOG_SECTOR_SIZE);
        s_erases++;
    }
    return !s_refuses;
}

static bool unreadable(void *context, uint32_t offset, void *data, uint32_t length)
{
    (void)context;
    (void)offset;
    memset(data, 0xFF, length);
    return false;
}

static energy_flash_t flash_of(uint8_t content)
{
    memset(s_flash, content, sizeof(s_flash));
    s_erases = 0;
    s_refuses = false;
    return (energy_flash_t){.context = s_flash, .read = read_ram, .write = write_ram, .erase = erase_ram};
}

static energy_totals_t totals_of(uint32_t save)
{
    return (energy_totals_t){.in_mwh = (int64_t)save << 33,
                             .out_mwh = save + 1,
                             .in_mah = save + 2,
                             .out_mah = save + 3,
                             .full_count = save + 4,
                             .metered_min = save + 5,
                             .full_at_min = save};
}

static void assert_saved(const energy_flash_t *flash, uint32_t save)
{
    energy_log_t log;
    energy_totals_t found;
    const energy_totals_t wanted = totals_of(save);
    TEST_ASSERT_TRUE(energy_log_open(&log, flash, &found));
    TEST_ASSERT_EQUAL_INT64(wanted.in_mwh, found.in_mwh);
    TEST_ASSERT_EQUAL_INT64(wanted.out_mwh, found.out_mwh);
    TEST_ASSERT_EQUAL_INT64(wanted.in_mah, found.in_mah);
    TEST_ASSERT_EQUAL_INT64(wanted.out_mah, found.out_mah);
    TEST_ASSERT_EQUAL_UINT32(wanted.full_count, found.full_count);
    TEST_ASSERT_EQUAL_UINT32(wanted.metered_min, found.metered_min);
    TEST_ASSERT_EQUAL_UINT32(wanted.full_at_min, found.full_at_min);
}

TEST_CASE("an area that was never used has no totals, and opening writes nothing", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals = totals_of(7);
    const energy_flash_t flash = flash_of(0xFF);
    TEST_ASSERT_FALSE(energy_log_open(&log, &flash, &totals));
    TEST_ASSERT_EQUAL(7, totals.full_at_min);
    for (size_t i = 0; i < sizeof(s_flash); i++) {
        TEST_ASSERT_EQUAL_HEX8(0xFF, s_flash[i]);
    }
}

TEST_CASE("every save is found again, through many erases and restarts", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals;
    const energy_flash_t flash = flash_of(0xFF);
    (void)energy_log_open(&log, &flash, &totals);
    for (uint32_t save = 1; save <= 1000; save++) {
        totals = totals_of(save);
        TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
        assert_saved(&flash, save);
        if (save % 7 == 0) {
            (void)energy_log_open(&log, &flash, &totals);
        }
    }
    TEST_ASSERT_GREATER_OR_EQUAL(1000 / 64 - 2, s_erases); /* the first 96 slots needed none */
    TEST_ASSERT_LESS_OR_EQUAL(1000 / 64, s_erases);
}

TEST_CASE("an area of other content is taken over by erasing", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals;
    const energy_flash_t flash = flash_of(0x5A);
    TEST_ASSERT_FALSE(energy_log_open(&log, &flash, &totals));
    totals = totals_of(1);
    TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
    TEST_ASSERT_EQUAL(1, s_erases);
    assert_saved(&flash, 1);
}

TEST_CASE("a flash that refuses is reported, and used again when it works", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals;
    const energy_flash_t flash = flash_of(0x00);
    (void)energy_log_open(&log, &flash, &totals);
    totals = totals_of(1);
    s_refuses = true;
    TEST_ASSERT_FALSE(energy_log_save(&log, &totals)); /* the erase */
    s_refuses = false;
    TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
    totals = totals_of(2);
    (void)energy_log_save(&log, &totals);
    s_refuses = true;
    totals = totals_of(3);
    TEST_ASSERT_FALSE(energy_log_save(&log, &totals)); /* the write */
    assert_saved(&flash, 2);
    s_refuses = false;
    TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
    assert_saved(&flash, 3);
}

TEST_CASE("a flash that cannot be read has no totals", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals = totals_of(1);
    energy_flash_t flash = flash_of(0xFF);
    (void)energy_log_open(&log, &flash, &totals);
    TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
    flash.read = unreadable;
    TEST_ASSERT_FALSE(energy_log_open(&log, &flash, &totals));
    TEST_ASSERT_FALSE(energy_log_save(&log, &totals));
}
