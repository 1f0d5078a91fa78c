/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "settings_record.h"

#include <stdio.h>
#include <string.h>

#include "settings_rules.h"
#include "tinybms_crc.h"
#include "unity.h"

#define HEADER 20

static uint8_t s_bytes[SETTINGS_RECORD_MAX];
static settings_saved_t s_saved;
static settings_saved_t s_found;
static uint32_t s_number;

static void set_number(settings_id_t id, int32_t number)
{
    const settings_value_t value = {.number = number};
    settings_saved_set(&s_saved, id, &value);
}

static void set_text(settings_id_t id, const char *text)
{
    const settings_value_t value = {.text = text};
    settings_saved_set(&s_saved, id, &value);
}

static void expect_same(const settings_saved_t *found)
{
    TEST_ASSERT_EQUAL(0, memcmp(&s_saved, found, sizeof(s_saved)));
}

/* The CRC as the layout says: one of header and entries each, and one of the two. */
static void seal(uint8_t *bytes, size_t length)
{
    const uint32_t crcs[] = {tinybms_crc32(bytes, HEADER - 4), tinybms_crc32(&bytes[HEADER], length - HEADER)};
    const uint32_t crc = tinybms_crc32((const uint8_t *)crcs, sizeof(crcs));
    memcpy(&bytes[HEADER - 4], &crc, sizeof(crc));
}

static size_t add_raw(size_t length, const char *key, uint8_t kind, const void *value, uint8_t value_length)
{
    const uint32_t entries = (uint32_t)(length - HEADER + 3 + strlen(key) + value_length);
    s_bytes[length] = (uint8_t)strlen(key);
    s_bytes[length + 1] = kind;
    s_bytes[length + 2] = value_length;
    memcpy(&s_bytes[length + 3], key, strlen(key));
    memcpy(&s_bytes[length + 3 + strlen(key)], value, value_length);
    memcpy(&s_bytes[12], &entries, sizeof(entries));
    seal(s_bytes, HEADER + entries);
    return HEADER + entries;
}

static size_t add_raw_number(size_t length, const char *key, int32_t number)
{
    return add_raw(length, key, 'n', &number, sizeof(number));
}

TEST_CASE("nothing that was never set is in a record", "[settings_record]")
{
    settings_saved_nothing(&s_saved);
    const size_t length = settings_record_write(&s_saved, 1, true, s_bytes);
    TEST_ASSERT_EQUAL(HEADER + 3 + strlen("sensors_seen") + 4, length);
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_EQUAL(1, s_number);
    expect_same(&s_found);
}

TEST_CASE("everything that was set comes back", "[settings_record]")
{
    settings_saved_nothing(&s_saved);
    for (settings_id_t id = 0; id < SETTINGS_NUMBERS; id++) {
        set_number(id, s_saved.values.number[id]);
    }
    set_number(SETTINGS_CHARGE_MAX_A, 20);
    set_text(SETTINGS_WIFI_STA_PASS, "012345678901234567890123456789012345678901234567890123456789012");
    set_text(SETTINGS_ID_BATTERY_NAME, "");
    s_saved.sensors_seen = 3;
    s_saved.unconfirmed = true;
    const size_t length = settings_record_write(&s_saved, 0xFFFFFFFEU, true, s_bytes);
    TEST_ASSERT_LESS_OR_EQUAL(SETTINGS_RECORD_MAX, length);
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_EQUAL_UINT32(0xFFFFFFFEU, s_number);
    expect_same(&s_found);
}

TEST_CASE("a record without texts holds no password", "[settings_record]")
{
    static const char phrase[] = "correct horse";
    settings_saved_nothing(&s_saved);
    set_text(SETTINGS_WIFI_STA_PASS, phrase);
    set_number(SETTINGS_CHARGE_MAX_A, 20);
    memset(s_bytes, 0, sizeof(s_bytes));
    const size_t length = settings_record_write(&s_saved, 1, false, s_bytes);
    for (size_t at = 0; at + sizeof(phrase) < sizeof(s_bytes); at++) {
        TEST_ASSERT_FALSE(memcmp(&s_bytes[at], phrase, sizeof(phrase) - 1) == 0);
    }
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_EQUAL(20, s_found.values.number[SETTINGS_CHARGE_MAX_A]);
    TEST_ASSERT_EQUAL_STRING("", settings_text(&s_found.values, SETTINGS_WIFI_STA_PASS));
}

TEST_CASE("every flipped bit of a record is noticed", "[settings_record]")
{
    settings_saved_nothing(&s_saved);
    set_number(SETTINGS_CHARGE_MAX_A, 20);
    const size_t length = settings_record_write(&s_saved, 1, true, s_bytes);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        ROW("bit %zu", bit);
        s_bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        TEST_ASSERT_EQUAL(SETTINGS_PLACE_DAMAGED, settings_record_read(s_bytes, length, &s_found, &s_number));
        s_bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
}

TEST_CASE("a record that is cut short is damaged, erased flash is nothing", "[settings_record]")
{
    settings_saved_nothing(&s_saved);
    const size_t length = settings_record_write(&s_saved, 1, true, s_bytes);
    for (size_t shorter = 1; shorter < length; shorter++) {
        TEST_ASSERT_EQUAL(SETTINGS_PLACE_DAMAGED, settings_record_read(s_bytes, shorter, &s_found, &s_number));
    }
    memset(s_bytes, 0xFF, sizeof(s_bytes));
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_NOTHING, settings_record_read(s_bytes, sizeof(s_bytes), &s_found, &s_number));
    s_bytes[sizeof(s_bytes) - 1] = 0xFE;
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_DAMAGED, settings_record_read(s_bytes, sizeof(s_bytes), &s_found, &s_number));
}

TEST_CASE("a number that is not allowed gives way to the factory value and is not confirmed", "[settings_record]")
{
    settings_saved_nothing(&s_saved);
    const size_t empty = settings_record_write(&s_saved, 1, true, s_bytes);
    const size_t length = add_raw_number(empty, "charge.max_a", 751);
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_EQUAL(0, s_found.values.number[SETTINGS_CHARGE_MAX_A]);
    TEST_ASSERT_TRUE(s_found.unconfirmed);
}

TEST_CASE("a number of another kind or length is not allowed", "[settings_record]")
{
    static const int32_t twenty = 20;
    settings_saved_nothing(&s_saved);
    size_t empty = settings_record_write(&s_saved, 1, true, s_bytes);
    size_t length = add_raw(empty, "charge.max_a", 't', &twenty, sizeof(twenty));
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_TRUE(s_found.unconfirmed);
    empty = settings_record_write(&s_saved, 1, true, s_bytes);
    length = add_raw(empty, "charge.max_a", 'n', &twenty, 2);
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_TRUE(s_found.unconfirmed);
}

TEST_CASE("a text that is not allowed gives way to the factory value and holds nothing down", "[settings_record]")
{
    settings_saved_nothing(&s_saved);
    const size_t empty = settings_record_write(&s_saved, 1, true, s_bytes);
    const size_t length = add_raw(empty, "id.manufacturer", 't', "much too long", 13);
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_EQUAL_STRING("TinyBMS", settings_text(&s_found.values, SETTINGS_ID_MANUFACTURER));
    TEST_ASSERT_FALSE(s_found.unconfirmed);
}

TEST_CASE("numbers that do not fit together are not confirmed", "[settings_record]")
{
    settings_saved_nothing(&s_saved);
    set_number(SETTINGS_CHARGE_CELL_MV, 3400);
    set_number(SETTINGS_FLOAT_CELL_MV, 3450);
    const size_t length = settings_record_write(&s_saved, 1, true, s_bytes);
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_TRUE(settings_numbers_fit(&s_found.values));
    TEST_ASSERT_TRUE(s_found.unconfirmed);
}

TEST_CASE("what another firmware has set is handed on, its texts in the first place only", "[settings_record]")
{
    settings_saved_nothing(&s_saved);
    size_t length = settings_record_write(&s_saved, 1, true, s_bytes);
    length = add_raw_number(length, "later.cap_a", 30);
    length = add_raw(length, "later.name", 't', "abc", 3);
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_FALSE(s_found.unconfirmed);
    static uint8_t again[SETTINGS_RECORD_MAX];
    TEST_ASSERT_EQUAL(length, settings_record_write(&s_found, 1, true, again));
    TEST_ASSERT_EQUAL(0, memcmp(s_bytes, again, length));
    TEST_ASSERT_EQUAL(length - 3 - strlen("later.name") - 3, settings_record_write(&s_found, 1, false, again));
}

TEST_CASE("more of another firmware than can be handed on is a newer record", "[settings_record]")
{
    char key[16];
    settings_saved_nothing(&s_saved);
    size_t length = settings_record_write(&s_saved, 7, true, s_bytes);
    for (int i = 0; i < 13; i++) { /* of 20 bytes each */
        (void)snprintf(key, sizeof(key), "later.cap_%03d", i);
        length = add_raw_number(length, key, 30);
    }
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_NEWER, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_EQUAL(7, s_number);
}

TEST_CASE("a record of a later schema is newer, whatever it holds", "[settings_record]")
{
    settings_saved_nothing(&s_saved);
    const size_t length = settings_record_write(&s_saved, 7, true, s_bytes);
    s_bytes[4] = SETTINGS_RECORD_SCHEMA + 1;
    memset(&s_bytes[HEADER], 0xEE, length - HEADER);
    seal(s_bytes, length);
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_NEWER, settings_record_read(s_bytes, length, &s_found, &s_number));
    TEST_ASSERT_EQUAL(7, s_number);
}

TEST_CASE("entries that go beyond the end are damage, though the CRC is right", "[settings_record]")
{
    static const uint8_t wrong[][3] = {{16, 'n', 0}, {0, 'n', 255}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ROW("wrong[%zu]", i);
        settings_saved_nothing(&s_saved);
        const size_t length = settings_record_write(&s_saved, 1, true, s_bytes);
        memcpy(&s_bytes[HEADER], wrong[i], sizeof(wrong[i]));
        seal(s_bytes, length);
        TEST_ASSERT_EQUAL(SETTINGS_PLACE_DAMAGED, settings_record_read(s_bytes, length, &s_found, &s_number));
    }
    const uint32_t two = 2; /* shorter than any entry */
    settings_saved_nothing(&s_saved);
    (void)settings_record_write(&s_saved, 1, true, s_bytes);
    memcpy(&s_bytes[12], &two, sizeof(two));
    seal(s_bytes, HEADER + two);
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_DAMAGED, settings_record_read(s_bytes, HEADER + two, &s_found, &s_number));
}

/* What the firmware before texts were kept apart has written: 80 A, names, a password, both sensors, and an entry that
 * this firmware does not know. */
static const char s_earlier[] = "TBWS"
                                "\x01\0\0\0"
                                "\x29\0\0\0"
                                "\x79\0\0\0"
                                "\x09\x20\x8D\x6C"
                                "\x0Cn\x04"
                                "charge.max_a"
                                "P\0\0\0"
                                "\x09t\x05"
                                "id.family"
                                "House"
                                "\x0Dt\x04"
                                "wifi.sta_ssid"
                                "Barn"
                                "\x0Dt\x0D"
                                "wifi.sta_pass"
                                "correct horse"
                                "\x0Cn\x04"
                                "sensors_seen"
                                "\x03\0\0\0"
                                "\x0An\x04"
                                "gone.cap_a"
                                "\x07\0\0"; /* and the NUL of the string */

TEST_CASE("a record of an earlier firmware is read as before, and handed on as it was", "[settings_record]")
{
    static uint8_t again[SETTINGS_RECORD_MAX];
    memcpy(s_bytes, s_earlier, sizeof(s_earlier));
    TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, sizeof(s_earlier), &s_found, &s_number));
    TEST_ASSERT_EQUAL(0x29, s_number);
    TEST_ASSERT_FALSE(s_found.unconfirmed);
    TEST_ASSERT_EQUAL(80, s_found.values.number[SETTINGS_CHARGE_MAX_A]);
    TEST_ASSERT_EQUAL_STRING("House", settings_text(&s_found.values, SETTINGS_ID_FAMILY));
    TEST_ASSERT_EQUAL_STRING("Barn", settings_text(&s_found.values, SETTINGS_WIFI_STA_SSID));
    TEST_ASSERT_EQUAL_STRING("correct horse", settings_text(&s_found.values, SETTINGS_WIFI_STA_PASS));
    TEST_ASSERT_EQUAL_HEX8(3, s_found.sensors_seen);
    for (settings_id_t id = SETTINGS_APART; id < SETTINGS_COUNT; id++) {
        TEST_ASSERT_FALSE(settings_saved_ever(&s_found, id));
    }
    TEST_ASSERT_EQUAL(sizeof(s_earlier), settings_record_write(&s_found, s_number, true, again));
    TEST_ASSERT_EQUAL(0, memcmp(s_earlier, again, sizeof(s_earlier)));
}

TEST_CASE("an earlier firmware has room to hand on what it does not know of this one", "[settings_record]")
{
    static const size_t room = 256; /* of every firmware so far */
    static const char longest[] = "123456789012345678901234567890123456789012345678901234567890123";
    const settings_apart_t apart = {.crc32 = 0x12345678, .length = 255, .half = 1};
    settings_saved_nothing(&s_saved);
    const size_t before = settings_record_write(&s_saved, 1, true, s_bytes);
    set_text(SETTINGS_NET_DEVICE, longest); /* as much of it as there is room for */
    set_text(SETTINGS_WEB_HOSTS, longest);
    set_number(SETTINGS_WEB_READ_OPEN, 1);
    settings_saved_set_apart(&s_saved, SETTINGS_MQTT_URL, &apart);
    settings_saved_set_apart(&s_saved, SETTINGS_MQTT_CA, &apart);
    TEST_ASSERT_LESS_OR_EQUAL(room, settings_record_write(&s_saved, 1, true, s_bytes) - before);
}

TEST_CASE("the longest record fits", "[settings_record]")
{
    static char full[SETTINGS_PASSPHRASE_MAX + 1];
    const settings_apart_t apart = {.length = 1};
    settings_saved_nothing(&s_saved);
    memset(full, 'x', SETTINGS_PASSPHRASE_MAX);
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        if (settings_is_apart(id)) {
            settings_saved_set_apart(&s_saved, id, &apart);
        } else if (settings_is_number(id)) {
            set_number(id, s_saved.values.number[id]);
        } else {
            set_text(id, full);
            TEST_ASSERT_EQUAL(settings_entry(id)->max, strlen(settings_text(&s_saved.values, id)));
        }
    }
    s_saved.foreign_length = SETTINGS_FOREIGN_MAX;
    s_saved.foreign[0] = 0;
    s_saved.foreign[1] = 'n';
    s_saved.foreign[2] = SETTINGS_FOREIGN_MAX - 3;
    TEST_ASSERT_LESS_OR_EQUAL(SETTINGS_RECORD_MAX, settings_record_write(&s_saved, 1, true, s_bytes));
}

TEST_CASE("where a text is that is kept apart comes back; what cannot be true counts as never set", "[settings_record]")
{
    static const struct {
        const char *key;
        settings_apart_t apart;
        uint8_t length;
        uint8_t kind;
        bool taken;
    } entries[] = {
        {"mqtt.ca", {.crc32 = 7, .length = 4096, .half = 1}, 8, 'a', true},
        {"mqtt.ca", {.crc32 = 7, .length = 4097, .half = 1}, 8, 'a', false},
        {"mqtt.ca", {.crc32 = 7, .length = 10, .half = 2}, 8, 'a', false},
        {"mqtt.ca", {.crc32 = 7, .length = 10, .half = 1}, 7, 'a', false},
        {"mqtt.ca", {.crc32 = 7, .length = 10, .half = 1}, 8, 't', false},
        {"mqtt.url", {.crc32 = 7, .length = 255, .half = 0}, 8, 'a', true},
        {"mqtt.url", {.crc32 = 7, .length = 256, .half = 0}, 8, 'a', false},
    };
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        ROW("entries[%zu]", i);
        const settings_id_t id = settings_find(entries[i].key);
        settings_saved_nothing(&s_saved);
        const size_t empty = settings_record_write(&s_saved, 1, true, s_bytes);
        const size_t length = add_raw(empty, entries[i].key, entries[i].kind, &entries[i].apart, entries[i].length);
        TEST_ASSERT_EQUAL(SETTINGS_PLACE_RECORD, settings_record_read(s_bytes, length, &s_found, &s_number));
        TEST_ASSERT_EQUAL(entries[i].taken, settings_saved_ever(&s_found, id));
        TEST_ASSERT_EQUAL(entries[i].taken ? entries[i].apart.length : 0,
                          s_found.values.apart[id - SETTINGS_APART].length);
        TEST_ASSERT_FALSE(s_found.unconfirmed);
    }
}
