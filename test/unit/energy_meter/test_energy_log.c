/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What the log does on a flash that works; power cuts at every operation: test/pure/test_energy_log.py. */
#include <string.h>

#include "../row.h"
#include "energy_log.h"
#include "unity.h"

static uint8_t s_flash[ENERGY_LOG_SECTORS * ENERGY_LOG_SECTOR_SIZE];
static int s_erases;
static bool s_refuses;           /* writes and erases */
static bool s_refuses_erases;    /* these alone */
static uint8_t s_lost_bits;      /* what a write clears in its first byte though it should not */
static int s_kept[2];            /* the fewest and the most records that the other sector held at an erase */
static int s_erases_not_counted; /* how many erases s_kept leaves out */

#define RECORD          64
#define PAGE            256
#define RECORDS(sector) (&s_flash[(sector)*ENERGY_LOG_SECTOR_SIZE])

static bool read_ram(void *context, uint32_t offset, void *data, uint32_t length)
{
    TEST_ASSERT_LESS_OR_EQUAL(sizeof(s_flash), offset + length);
    memcpy(data, &((uint8_t *)context)[offset], length);
    return true;
}

static bool write_ram(void *context, uint32_t offset, const void *data, uint32_t length)
{
    if (s_refuses || offset + length > sizeof(s_flash)) {
        return false;
    }
    for (uint32_t i = 0; i < length; i++) {
        ((uint8_t *)context)[offset + i] &= ((const uint8_t *)data)[i];
    }
    ((uint8_t *)context)[offset] &= (uint8_t)~s_lost_bits;
    return true;
}

static bool is_erased(const uint8_t *data, size_t length)
{
    size_t i = 0;
    while (i < length && data[i] == 0xFF) {
        i++;
    }
    return i == length;
}

static int records_in(uint32_t sector)
{
    int records = 0;
    for (size_t at = 0; at < ENERGY_LOG_SECTOR_SIZE; at += RECORD) {
        records += is_erased(&RECORDS(sector)[at], RECORD) ? 0 : 1;
    }
    return records;
}

static bool erase_ram(void *context, uint32_t offset)
{
    if (s_refuses || s_refuses_erases) {
        return false;
    }
    const int kept = records_in(offset == 0 ? 1 : 0);
    memset(&((uint8_t *)context)[offset], 0xFF, ENERGY_LOG_SECTOR_SIZE);
    if (s_erases >= s_erases_not_counted) {
        s_kept[0] = kept < s_kept[0] ? kept : s_kept[0];
        s_kept[1] = kept > s_kept[1] ? kept : s_kept[1];
    }
    s_erases++;
    return true;
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
    s_refuses_erases = false;
    s_lost_bits = 0;
    s_kept[0] = INT32_MAX;
    s_kept[1] = 0;
    s_erases_not_counted = 0;
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
    TEST_ASSERT_TRUE(is_erased(s_flash, sizeof(s_flash)));
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

/* A record as it is in flash since the first version: numbers little-endian; at 60 the CRC-32 of what is before it, by
 * zlib.crc32 of Python. At 4 is the layout. */
static const uint8_t s_record[RECORD] = {
    0x04, 0x03, 0x02, 0x01, 0x01, 0x00, 0x00, 0x00, /* number, layout */
    0x0E, 0x0D, 0x0C, 0x0B, 0x0A, 0x00, 0x00, 0x00, /* mWh in */
    0x05, 0x04, 0x03, 0x02, 0x01, 0x00, 0x00, 0x00, /* mWh out */
    0x44, 0x33, 0x22, 0x11, 0x00, 0x00, 0x00, 0x00, /* mAh in */
    0x88, 0x77, 0x66, 0x55, 0x00, 0x00, 0x00, 0x00, /* mAh out */
    0x09, 0x00, 0x00, 0x00, 0xE8, 0x03, 0x00, 0x00, /* times full, minutes */
    0xBC, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* minute when it was full, unused */
    0x00, 0x00, 0x00, 0x00, 0xA5, 0xF3, 0xD7, 0x49, /* unused, CRC */
};

TEST_CASE("what an earlier firmware has saved is read", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals;
    const energy_flash_t flash = flash_of(0xFF);
    memcpy(RECORDS(1) + 5 * RECORD, s_record, RECORD);
    TEST_ASSERT_TRUE(energy_log_open(&log, &flash, &totals));
    TEST_ASSERT_EQUAL_INT64(0x0A0B0C0D0E, totals.in_mwh);
    TEST_ASSERT_EQUAL_INT64(0x0102030405, totals.out_mwh);
    TEST_ASSERT_EQUAL_INT64(0x11223344, totals.in_mah);
    TEST_ASSERT_EQUAL_INT64(0x55667788, totals.out_mah);
    TEST_ASSERT_EQUAL_UINT32(9, totals.full_count);
    TEST_ASSERT_EQUAL_UINT32(1000, totals.metered_min);
    TEST_ASSERT_EQUAL_UINT32(700, totals.full_at_min);
}

TEST_CASE("what a save writes is read by every firmware: layout, number and CRC are the same", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals;
    const energy_flash_t flash = flash_of(0xFF);
    memcpy(RECORDS(0), s_record, RECORD);
    RECORDS(0)[0] = 0x03; /* the number before */
    memcpy(RECORDS(0) + 60, (const uint8_t[]){0xCB, 0x50, 0x7E, 0x50}, 4);
    TEST_ASSERT_TRUE(energy_log_open(&log, &flash, &totals));
    TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
    TEST_ASSERT_EQUAL_HEX8_ARRAY(s_record, RECORDS(1), RECORD);
}

TEST_CASE("a record in which one bit is wrong is skipped for the one before", "[energy_log]")
{
    for (size_t bit = 0; bit < (size_t)8 * RECORD; bit += 13) {
        ROW("bit %zu", bit);
        energy_log_t log;
        energy_totals_t totals = totals_of(1);
        const energy_flash_t flash = flash_of(0xFF);
        (void)energy_log_open(&log, &flash, &totals);
        TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
        memcpy(RECORDS(1), s_record, RECORD); /* a much higher number, so it would be the newest */
        RECORDS(1)[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_saved(&flash, 1);
    }
}

TEST_CASE("a record of another layout is not taken for one of ours, however whole it is", "[energy_log]")
{
    static const uint8_t crc[2][4] = {{0x72, 0xE0, 0x42, 0x54}, {0xDC, 0xC7, 0x68, 0x6F}}; /* of layouts 0 and 2 */
    for (uint8_t layout = 0; layout <= 2; layout += 2) {
        ROW("layout %u", layout);
        energy_log_t log;
        energy_totals_t totals;
        const energy_flash_t flash = flash_of(0xFF);
        memcpy(RECORDS(0), s_record, RECORD);
        RECORDS(0)[4] = layout;
        memcpy(RECORDS(0) + 60, crc[layout / 2], 4);
        TEST_ASSERT_FALSE(energy_log_open(&log, &flash, &totals));
    }
}

TEST_CASE("a record of which a power cut left the first byte alone is written over by no save", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals;
    const energy_flash_t flash = flash_of(0xFF);
    RECORDS(0)[0] = 0x00;
    (void)energy_log_open(&log, &flash, &totals);
    totals = totals_of(1);
    TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
    assert_saved(&flash, 1);
}

TEST_CASE("when a sector is erased the other one holds some 30 records", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals = totals_of(1);
    const energy_flash_t flash = flash_of(0xFF);
    (void)energy_log_open(&log, &flash, &totals);
    for (int save = 0; save < 600; save++) {
        TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
    }
    TEST_ASSERT_GREATER_OR_EQUAL(28, s_kept[0]);
    TEST_ASSERT_LESS_OR_EQUAL(36, s_kept[1]);
}

TEST_CASE("the sectors are half a sector apart also where one held something else", "[energy_log]")
{
    for (uint32_t foreign = 0; foreign < 2; foreign++) {
        for (int old = 0; old < 2; old++) { /* the other sector holds nothing, or one record */
            ROW("foreign sector %u, old record %d", (unsigned)foreign, old);
            energy_log_t log;
            energy_totals_t totals = totals_of(1);
            const energy_flash_t flash = flash_of(0xFF);
            memset(RECORDS(foreign), 0x5A, ENERGY_LOG_SECTOR_SIZE);
            if (old == 1) {
                memcpy(RECORDS(1 - foreign), s_record, RECORD);
            }
            s_erases_not_counted = 1; /* that of what is not ours */
            TEST_ASSERT_EQUAL(old == 1, energy_log_open(&log, &flash, &totals));
            for (int save = 0; save < 300; save++) {
                TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
            }
            TEST_ASSERT_GREATER_OR_EQUAL(28, s_kept[0]);
            TEST_ASSERT_LESS_OR_EQUAL(36, s_kept[1]);
        }
    }
}

TEST_CASE("a sector that cannot be erased is not written beyond its end", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals = totals_of(1);
    const energy_flash_t flash = flash_of(0xFF);
    memset(RECORDS(0), 0x5A, ENERGY_LOG_SECTOR_SIZE);
    (void)energy_log_open(&log, &flash, &totals);
    s_refuses_erases = true;
    TEST_ASSERT_FALSE(energy_log_save(&log, &totals));
    TEST_ASSERT_TRUE(is_erased(RECORDS(1), ENERGY_LOG_SECTOR_SIZE));
}

TEST_CASE("a save that the flash has changed fails, and the next one goes to the page behind it", "[energy_log]")
{
    energy_log_t log;
    energy_totals_t totals = totals_of(1);
    const energy_flash_t flash = flash_of(0xFF);
    (void)energy_log_open(&log, &flash, &totals);
    TEST_ASSERT_TRUE(energy_log_save(&log, &totals)); /* the first of sector 0 */
    TEST_ASSERT_TRUE(energy_log_save(&log, &totals)); /* of sector 1 */
    totals = totals_of(2);
    s_lost_bits = 0xFF;
    TEST_ASSERT_FALSE(energy_log_save(&log, &totals));
    assert_saved(&flash, 1);
    s_lost_bits = 0;
    TEST_ASSERT_TRUE(energy_log_save(&log, &totals));
    assert_saved(&flash, 2);
    TEST_ASSERT_TRUE(is_erased(RECORDS(0) + 2 * RECORD, PAGE - 2 * RECORD));
    TEST_ASSERT_FALSE(is_erased(RECORDS(0) + PAGE, RECORD));
}
