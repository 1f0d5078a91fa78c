/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Two places in memory; test/pure/test_settings_keep.py cuts the power in them. */
#include "../row.h"
#include "settings_keep.h"

#include <string.h>

#include "tinybms_crc.h"
#include "unity.h"

static uint8_t s_first[2][SETTINGS_RECORD_MAX];
static size_t s_first_length[2]; /**< 0 = nothing */
static settings_place_t s_first_place;
static bool s_first_writable;
static bool s_second_writable;
static uint8_t s_second[2 * SETTINGS_SECTOR_SIZE];
static int s_writes;

static settings_room_t s_room;
static settings_keep_t s_keep;
static settings_saved_t s_saved;
static settings_found_t s_found;
static const settings_value_t s_house = {.text = "House"};

static settings_place_t load(void *context, unsigned half, uint8_t *bytes, size_t *length)
{
    (void)context;
    memcpy(bytes, s_first[half], s_first_length[half]);
    *length = s_first_length[half];
    return *length == 0 && s_first_place == SETTINGS_PLACE_RECORD ? SETTINGS_PLACE_NOTHING : s_first_place;
}

static bool store(void *context, unsigned half, const uint8_t *bytes, size_t length)
{
    (void)context;
    if (!s_first_writable) {
        return false;
    }
    memcpy(s_first[half], bytes, length);
    s_first_length[half] = length;
    s_first_place = SETTINGS_PLACE_RECORD;
    s_writes++;
    return true;
}

static bool read(void *context, uint32_t offset, void *data, uint32_t length)
{
    (void)context;
    TEST_ASSERT_LESS_OR_EQUAL(sizeof(s_second), offset + length);
    memcpy(data, &s_second[offset], length);
    return true;
}

static bool replace(void *context, uint32_t offset, const void *data, uint32_t length)
{
    (void)context;
    if (!s_second_writable) {
        return false;
    }
    memset(&s_second[offset], 0xFF, SETTINGS_SECTOR_SIZE);
    memcpy(&s_second[offset], data, length);
    s_writes++;
    return true;
}

/** A start; it makes the places alike when that is wanted. */
static void start_and_heal(bool heal)
{
    static const settings_places_t places = {.load = load, .store = store, .read = read, .replace = replace};
    s_found = settings_keep_open(&s_keep, &places, &s_saved, &s_room);
    if (heal) {
        TEST_ASSERT_TRUE(settings_keep_heal(&s_keep, &s_found, &s_saved, &s_room));
    }
}

static void start(void)
{
    start_and_heal(true);
}

static void forget_first(void)
{
    s_first_length[0] = 0;
    s_first_length[1] = 0;
}

/** A device on which nothing was ever saved. */
static void begin(void)
{
    forget_first();
    s_first_place = SETTINGS_PLACE_RECORD;
    s_first_writable = true;
    s_second_writable = true;
    memset(s_second, 0xFF, sizeof(s_second));
    start();
}

static settings_keep_outcome_t save_cap(int32_t charge_max_a)
{
    const settings_value_t value = {.number = charge_max_a};
    settings_saved_set(&s_saved, SETTINGS_CHARGE_MAX_A, &value);
    return settings_keep_save(&s_keep, &s_saved, false, &s_room);
}

static int32_t cap(void)
{
    return s_saved.values.number[SETTINGS_CHARGE_MAX_A];
}

static void damage_second(void)
{
    s_second[30] ^= 1U;
    s_second[SETTINGS_SECTOR_SIZE + 30] ^= 1U;
}

static void damage_first(void)
{
    s_first[0][30] ^= 1U;
    s_first[1][30] ^= 1U;
}

/* Writes what a later firmware would: a schema that this one does not know. */
static void make_newer(uint8_t *record)
{
    static settings_saved_t found;
    uint32_t number = 0;
    uint32_t crcs[2];
    uint32_t length = 0;
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(record, SETTINGS_RECORD_MAX, &found, &number));
    record[4] = SETTINGS_RECORD_SCHEMA + 1;
    memcpy(&length, &record[12], sizeof(length));
    crcs[0] = tinybms_crc32(record, 16);
    crcs[1] = tinybms_crc32(&record[20], length);
    crcs[0] = tinybms_crc32((const uint8_t *)crcs, sizeof(crcs));
    memcpy(&record[16], crcs, sizeof(crcs[0]));
}

/* A newer firmware has been here, and has filled both halves of both places. */
static void begin_with_newer(void)
{
    begin();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(40));
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
    make_newer(s_first[0]);
    make_newer(s_first[1]);
    make_newer(s_second);
    make_newer(&s_second[SETTINGS_SECTOR_SIZE]);
}

/* Takes the newest record out of the first place, as if that had never been written. */
static void lose_newest_of_first(void)
{
    s_first_length[1U - s_keep.first] = 0;
}

TEST_CASE("a device on which nothing was ever saved has factory values, and nothing is written", "[settings_keep]")
{
    begin();
    s_writes = 0;
    start();
    TEST_ASSERT_EQUAL(0, s_writes);
    TEST_ASSERT_FALSE(s_found.lost);
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
    TEST_ASSERT_EQUAL(0, cap());
}

TEST_CASE("a start that finds both places alike writes nothing", "[settings_keep]")
{
    begin();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
    s_writes = 0;
    start();
    TEST_ASSERT_EQUAL(0, s_writes);
    TEST_ASSERT_EQUAL(20, cap());
    TEST_ASSERT_FALSE(s_found.from_second);
}

TEST_CASE("what the first place has lost comes from the second one, and is there again", "[settings_keep]")
{
    for (int way = 0; way < 2; way++) {
        ROW("way %d", way);
        begin();
        TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
        if (way == 0) {
            damage_first();
        } else {
            forget_first();
        }
        start();
        TEST_ASSERT_EQUAL(20, cap());
        TEST_ASSERT_TRUE(s_found.from_second);
        TEST_ASSERT_FALSE(s_saved.unconfirmed);
        damage_second();
        start();
        TEST_ASSERT_EQUAL(20, cap());
        TEST_ASSERT_FALSE(s_saved.unconfirmed);
    }
}

static settings_keep_outcome_t save_open(int32_t read_open)
{
    const settings_value_t value = {.number = read_open};
    settings_saved_set(&s_saved, SETTINGS_WEB_READ_OPEN, &value);
    return settings_keep_save(&s_keep, &s_saved, false, &s_room);
}

TEST_CASE("a loss never opens what a person may have closed", "[settings_keep]")
{
    static const struct {
        void (*lose_first)(void);
        void (*lose_second)(void);
        bool second_behind; /**< reading was closed when the second place could not be written */
        bool open;          /**< afterwards */
    } rows[] = {
        {NULL, NULL, false, true},
        {NULL, damage_second, false, true}, /* the first place has it */
        {forget_first, NULL, false, false},
        {damage_first, NULL, false, false},
        {forget_first, NULL, true, false},
        {damage_first, damage_second, false, false},
        {forget_first, damage_second, true, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ROW("rows[%zu]", i);
        begin();
        TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_open(1));
        if (rows[i].second_behind) {
            s_second_writable = false;
            TEST_ASSERT_EQUAL(SETTINGS_KEEP_ONE_PLACE, save_open(0));
            s_second_writable = true;
        }
        if (rows[i].lose_first != NULL) {
            rows[i].lose_first();
        }
        if (rows[i].lose_second != NULL) {
            rows[i].lose_second();
        }
        for (int starts = 0; starts < 3; starts++) {
            start();
            TEST_ASSERT_EQUAL(rows[i].open ? 1 : 0, s_saved.values.number[SETTINGS_WEB_READ_OPEN]);
        }
    }
}

TEST_CASE("what the second place has lost is there again after a start", "[settings_keep]")
{
    begin();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
    damage_second();
    start();
    TEST_ASSERT_EQUAL(20, cap());
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
    forget_first();
    start();
    TEST_ASSERT_EQUAL(20, cap());
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
}

TEST_CASE("lost in both places is not never set", "[settings_keep]")
{
    static const struct {
        bool first_empty; /**< else damaged */
    } ways[] = {{true}, {false}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        ROW("ways[%zu]", i);
        begin();
        TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
        TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(25)); /* both sectors are in use */
        damage_second();
        if (ways[i].first_empty) {
            forget_first();
        } else {
            damage_first();
        }
        for (int starts = 0; starts < 3; starts++) {
            start();
            TEST_ASSERT_TRUE(s_saved.unconfirmed);
            TEST_ASSERT_EQUAL(0, cap());
        }
    }
}

TEST_CASE("a first place that cannot be read, and nothing in the second one: something may have been saved",
          "[settings_keep]")
{
    begin();
    s_first_place = SETTINGS_PLACE_DAMAGED;
    start();
    TEST_ASSERT_TRUE(s_saved.unconfirmed);
}

TEST_CASE("a loss is remembered, also when the places that show it are begun anew", "[settings_keep]")
{
    begin();
    s_first_place = SETTINGS_PLACE_DAMAGED; /* and is erased to be written */
    start();
    TEST_ASSERT_TRUE(s_found.lost);
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, s_first_place);
    start();
    TEST_ASSERT_TRUE(s_saved.unconfirmed);
    forget_first();
    start();
    TEST_ASSERT_TRUE(s_saved.unconfirmed);
}

TEST_CASE("a record of a newer firmware that is newer than ours may be tighter", "[settings_keep]")
{
    for (int way = 0; way < 2; way++) {
        ROW("way %d", way);
        begin();
        TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(40));
        if (way == 0) { /* the newer firmware was cut between the places */
            s_second_writable = false;
            TEST_ASSERT_EQUAL(SETTINGS_KEEP_ONE_PLACE, save_cap(20));
            make_newer(s_first[1U - s_keep.first]);
        } else {
            TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
            make_newer(&s_second[(1U - s_keep.second) * SETTINGS_SECTOR_SIZE]);
            lose_newest_of_first();
        }
        s_second_writable = true;
        s_writes = 0;
        start();
        TEST_ASSERT_EQUAL(40, cap());
        TEST_ASSERT_TRUE(s_saved.unconfirmed);
        TEST_ASSERT_EQUAL(0, s_writes);
    }
}

TEST_CASE("a save does not confirm what was lost, a person does", "[settings_keep]")
{
    begin();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
    damage_first();
    damage_second();
    start();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(30));
    start();
    TEST_ASSERT_EQUAL(30, cap());
    TEST_ASSERT_TRUE(s_saved.unconfirmed);
    s_saved.unconfirmed = false;
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, settings_keep_save(&s_keep, &s_saved, true, &s_room));
    start();
    TEST_ASSERT_EQUAL(30, cap());
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
}

TEST_CASE("the newest record of the second place is damaged and the first place is lost: the older one is in doubt",
          "[settings_keep]")
{
    begin();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(40));
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
    const unsigned newest = 1U - s_keep.second;
    s_second[newest * SETTINGS_SECTOR_SIZE + 30] ^= 1U;
    forget_first();
    for (int starts = 0; starts < 3; starts++) {
        start();
        TEST_ASSERT_EQUAL(40, cap());
        TEST_ASSERT_TRUE(s_saved.unconfirmed);
    }
}

TEST_CASE("a sector that is damaged while the first place is fine is made good, and no doubt is left",
          "[settings_keep]")
{
    for (unsigned sector = 0; sector < 2; sector++) {
        ROW("sector %u", sector);
        begin();
        TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(40));
        TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
        s_second[sector * SETTINGS_SECTOR_SIZE + 30] ^= 1U;
        start();
        forget_first();
        start();
        TEST_ASSERT_EQUAL(20, cap());
        TEST_ASSERT_FALSE(s_saved.unconfirmed);
    }
}

TEST_CASE("a first place that went back to an older record does not loosen", "[settings_keep]")
{
    begin();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(40));
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
    lose_newest_of_first();
    start();
    TEST_ASSERT_EQUAL(20, cap());
    TEST_ASSERT_TRUE(s_found.from_second);
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
}

TEST_CASE("a save that is cut takes nothing of the one before with it, not even its texts", "[settings_keep]")
{
    begin();
    settings_saved_set(&s_saved, SETTINGS_ID_FAMILY, &s_house);
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(40));
    s_first_length[s_keep.first] = 0; /* the value that was being written is gone, as NVS may leave it */
    start();
    TEST_ASSERT_EQUAL(40, cap());
    TEST_ASSERT_EQUAL_STRING("House", settings_text(&s_saved.values, SETTINGS_ID_FAMILY));
}

TEST_CASE("a save that the second place does not take is done, told, and made good by the next start",
          "[settings_keep]")
{
    begin();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(40));
    s_second_writable = false;
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_ONE_PLACE, save_cap(20));
    start_and_heal(false);
    TEST_ASSERT_FALSE(settings_keep_heal(&s_keep, &s_found, &s_saved, &s_room));
    TEST_ASSERT_EQUAL(20, cap());
    s_second_writable = true;
    start();
    forget_first();
    start();
    TEST_ASSERT_EQUAL(20, cap());
}

TEST_CASE("the second place that a save could not write is written by the running program", "[settings_keep]")
{
    begin();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(40));
    s_second_writable = false;
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_ONE_PLACE, save_cap(20));
    TEST_ASSERT_FALSE(settings_keep_second(&s_keep, &s_saved, &s_room));
    s_second_writable = true;
    TEST_ASSERT_TRUE(settings_keep_second(&s_keep, &s_saved, &s_room));
    forget_first();
    start();
    TEST_ASSERT_EQUAL(20, cap());
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
}

TEST_CASE("a save that the first place does not take changes nothing", "[settings_keep]")
{
    begin();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(40));
    s_first_writable = false;
    s_writes = 0;
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_FAILED, save_cap(20));
    TEST_ASSERT_EQUAL(0, s_writes);
    s_first_writable = true;
    start();
    TEST_ASSERT_EQUAL(40, cap());
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(30));
    start();
    TEST_ASSERT_EQUAL(30, cap());
}

TEST_CASE("records of a newer firmware hold everything down, are kept, and refuse a save", "[settings_keep]")
{
    begin_with_newer();
    s_writes = 0;
    start();
    TEST_ASSERT_TRUE(s_saved.unconfirmed);
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_NEWER, save_cap(30));
    TEST_ASSERT_EQUAL(0, s_writes);
}

TEST_CASE("a person can give up what a newer firmware has saved", "[settings_keep]")
{
    begin_with_newer();
    start();
    s_saved.unconfirmed = false;
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, settings_keep_save(&s_keep, &s_saved, true, &s_room));
    start();
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(30));
    forget_first();
    start();
    TEST_ASSERT_EQUAL(30, cap());
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
}

TEST_CASE("a newer record in the second place alone is kept, and the first place counts", "[settings_keep]")
{
    begin();
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
    make_newer(&s_second[(1U - s_keep.second) * SETTINGS_SECTOR_SIZE]);
    s_writes = 0;
    start();
    TEST_ASSERT_EQUAL(20, cap());
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
    TEST_ASSERT_EQUAL(0, s_writes);
}

TEST_CASE("texts come from the first place, numbers from the newer one", "[settings_keep]")
{
    begin();
    settings_saved_set(&s_saved, SETTINGS_ID_FAMILY, &s_house);
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(40));
    TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, save_cap(20));
    lose_newest_of_first();
    start();
    TEST_ASSERT_EQUAL(20, cap());
    TEST_ASSERT_EQUAL_STRING("House", settings_text(&s_saved.values, SETTINGS_ID_FAMILY));
    start();
    TEST_ASSERT_EQUAL_STRING("House", settings_text(&s_saved.values, SETTINGS_ID_FAMILY));
    TEST_ASSERT_FALSE(s_found.from_second);
}
