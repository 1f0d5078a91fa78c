/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Texts that are kept apart, and the record that names them, under one power that is cut at every write. */
#include "../row.h"
#include "settings_apart.h"

#include <stdio.h>
#include <string.h>

#include "settings_keep.h"
#include "tinybms_crc.h"
#include "unity.h"

#define VALUES_MAX 12 /**< two records, an address and four pieces of a long text twice */
#define NEVER      (-1)

/* ---- a storage of keys, as NVS is, and two sectors ---- */

/* What the key that is being written is after a cut. */
typedef enum {
    CUT_OLD,
    CUT_NEW,
    CUT_GONE,
    CUT_KINDS
} cut_t;

typedef struct {
    char key[16];
    size_t length;
    uint8_t bytes[SETTINGS_RECORD_MAX];
} value_t;

typedef struct {
    value_t values[VALUES_MAX];
    uint8_t sectors[2][SETTINGS_RECORD_MAX]; /**< their beginnings: no more of them is used */
} flash_t;

static flash_t s_flash;
static int s_writes; /**< until now */
static int s_cut_at; /**< write in which the power goes */
static cut_t s_cut;

static settings_keep_t s_keep;
static settings_room_t s_room;
static settings_saved_t s_saved;
static uint32_t s_lost;

static value_t *find(const char *key)
{
    for (size_t i = 0; i < VALUES_MAX; i++) {
        if (strcmp(s_flash.values[i].key, key) == 0) {
            return &s_flash.values[i];
        }
    }
    return NULL;
}

/** False: there is no power any more. */
static bool write_begins(void)
{
    s_writes++;
    return s_writes < s_cut_at || s_cut_at == NEVER;
}

static bool store_value(const char *key, const uint8_t *bytes, size_t length)
{
    const bool whole = write_begins();
    value_t *value = find(key);
    value = value == NULL ? find("") : value;
    TEST_ASSERT_NOT_NULL(value);
    if (whole || (s_writes == s_cut_at && s_cut == CUT_NEW)) {
        (void)snprintf(value->key, sizeof(value->key), "%s", key);
        memcpy(value->bytes, bytes, length);
        value->length = length;
    } else if (s_writes == s_cut_at && s_cut == CUT_GONE) {
        value->key[0] = '\0';
    }
    return whole;
}

static bool load_piece(void *context, const char *key, uint8_t *bytes, size_t length)
{
    (void)context;
    TEST_ASSERT_LESS_OR_EQUAL(SETTINGS_PIECE_SIZE, length);
    const value_t *const value = find(key);
    if (value == NULL || value->length != length) {
        return false;
    }
    memcpy(bytes, value->bytes, length);
    return true;
}

static bool store_piece(void *context, const char *key, const uint8_t *bytes, size_t length)
{
    (void)context;
    TEST_ASSERT_LESS_OR_EQUAL(SETTINGS_PIECE_SIZE, length);
    TEST_ASSERT_LESS_OR_EQUAL(15, strlen(key)); /* of NVS */
    return store_value(key, bytes, length);
}

static settings_place_t load_record(void *context, unsigned half, uint8_t *bytes, size_t *length)
{
    (void)context;
    const value_t *const value = find(half == 0 ? "record0" : "record1");
    if (value == NULL) {
        return SETTINGS_PLACE_NOTHING;
    }
    memcpy(bytes, value->bytes, value->length);
    *length = value->length;
    return SETTINGS_PLACE_RECORD;
}

static bool store_record(void *context, unsigned half, const uint8_t *bytes, size_t length)
{
    (void)context;
    return store_value(half == 0 ? "record0" : "record1", bytes, length);
}

static bool read_sectors(void *context, uint32_t offset, void *data, uint32_t length)
{
    (void)context;
    memcpy(data, &s_flash.sectors[offset / SETTINGS_SECTOR_SIZE][offset % SETTINGS_SECTOR_SIZE], length);
    return true;
}

static bool replace_sector(void *context, uint32_t offset, const void *data, uint32_t length)
{
    (void)context;
    const bool whole = write_begins();
    if (whole || s_writes == s_cut_at) {
        uint8_t *const sector = s_flash.sectors[offset / SETTINGS_SECTOR_SIZE];
        memset(sector, 0xFF, SETTINGS_RECORD_MAX);
        memcpy(sector, data, whole ? length : length / 2);
    }
    return whole;
}

static const settings_pieces_t s_pieces = {.load = load_piece, .store = store_piece};
static const settings_places_t s_places = {
    .load = load_record, .store = store_record, .read = read_sectors, .replace = replace_sector};

/* ---- a device ---- */

static void start(void)
{
    s_cut_at = NEVER;
    const settings_found_t found = settings_keep_open(&s_keep, &s_places, &s_saved, &s_room);
    s_lost = settings_apart_load(&s_pieces, &s_saved, s_room.bytes);
    TEST_ASSERT_TRUE(settings_keep_heal(&s_keep, &found, &s_saved, &s_room));
}

static void begin(void)
{
    memset(&s_flash, 0, sizeof(s_flash));
    memset(s_flash.sectors, 0xFF, sizeof(s_flash.sectors));
    start();
}

typedef struct {
    int32_t charge_max_a;
    const char *url;
    const char *ca;
} set_t;

/** False: it was not saved. */
static bool save(const set_t *set)
{
    settings_saved_t *const next = &s_room.other;
    const settings_value_t number = {.number = set->charge_max_a};
    const settings_value_t url = {.text = set->url};
    const settings_value_t ca = {.text = set->ca};
    *next = s_saved;
    settings_saved_set(next, SETTINGS_CHARGE_MAX_A, &number);
    if (!settings_apart_save(&s_pieces, &s_saved, SETTINGS_MQTT_URL, &url, next) ||
        !settings_apart_save(&s_pieces, &s_saved, SETTINGS_MQTT_CA, &ca, next) ||
        settings_keep_save(&s_keep, next, false, &s_room) != SETTINGS_KEEP_DONE) {
        return false;
    }
    s_saved = *next;
    return true;
}

static const char *read_ca(void)
{
    static char text[SETTINGS_LONG_MAX + 1];
    const settings_apart_t *const apart = &s_saved.values.apart[SETTINGS_MQTT_CA - SETTINGS_APART];
    return settings_apart_read(&s_pieces, SETTINGS_MQTT_CA, apart, text) ? text : NULL;
}

static bool is_saved(const set_t *set)
{
    const char *const ca = read_ca();
    return s_lost == 0 && s_saved.values.number[SETTINGS_CHARGE_MAX_A] == set->charge_max_a &&
           strcmp(settings_text(&s_saved.values, SETTINGS_MQTT_URL), set->url) == 0 && ca != NULL &&
           strcmp(ca, set->ca) == 0;
}

/** Bytes that look like a certificate, different ones for each seed. */
static const char *make_pem(char *text, size_t length, unsigned seed)
{
    (void)snprintf(text, SETTINGS_LONG_MAX + 1, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = strlen(text); at < length; at++) {
        text[at] = (char)('A' + (at * 7 + seed + at / 64) % 26);
    }
    text[length] = '\0';
    return text;
}

static char s_pem[2][SETTINGS_LONG_MAX + 1];

TEST_CASE("a long text and an address come back after a start, whatever their lengths", "[settings_apart]")
{
    static const size_t lengths[] = {28, 1023, 1024, 1025, 2048, 4095, 4096};
    begin();
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        ROW("lengths[%zu]", i);
        const set_t set = {20 + (int32_t)i, "mqtts://broker.example.org:8883",
                           make_pem(s_pem[0], lengths[i], (unsigned)i)};
        TEST_ASSERT_TRUE(save(&set));
        start();
        TEST_ASSERT_TRUE(is_saved(&set));
        TEST_ASSERT_EQUAL_UINT32(tinybms_crc32((const uint8_t *)set.ca, strlen(set.ca)),
                                 s_saved.values.apart[SETTINGS_MQTT_CA - SETTINGS_APART].crc32);
    }
}

TEST_CASE("an empty text replaces one, and a shorter one a longer one", "[settings_apart]")
{
    const set_t full = {20, "mqtt://a-long-name.example.org", make_pem(s_pem[0], 4096, 1)};
    const set_t shorter = {20, "mqtt://b", make_pem(s_pem[1], 2000, 2)};
    const set_t none = {20, "", ""};
    begin();
    for (int round = 0; round < 2; round++) { /* over both halves */
        TEST_ASSERT_TRUE(save(&full));
        TEST_ASSERT_TRUE(save(&shorter));
        start();
        TEST_ASSERT_TRUE(is_saved(&shorter));
        TEST_ASSERT_TRUE(save(&none));
        start();
        TEST_ASSERT_TRUE(is_saved(&none));
    }
}

/** From `before` to `after`, cut at the write `cut_at`. @return whether the save was whole */
static bool save_with_cut(const set_t *before, const set_t *after, int cut_at)
{
    begin();
    TEST_ASSERT_TRUE(save(before));
    s_writes = 0;
    s_cut_at = cut_at;
    return save(after);
}

TEST_CASE("a cut in any write leaves the whole old set or the whole new one", "[settings_apart]")
{
    const set_t old = {40, "mqtt://old", make_pem(s_pem[0], 4096, 1)};
    const set_t new = {20, "mqtts://new:8883", make_pem(s_pem[1], 3000, 2)};
    const int writes = 1 + 3 + 2; /* an address, three pieces, two places */
    for (int cut = 0; cut < CUT_KINDS; cut++) {
        s_cut = (cut_t)cut;
        for (int at = 1; at <= writes + 1; at++) {
            ROW("cut %d, write %d", cut, at);
            TEST_ASSERT_EQUAL(at > writes, save_with_cut(&old, &new, at));
            start();
            TEST_ASSERT_TRUE(is_saved(&old) || is_saved(&new));
            TEST_ASSERT_TRUE(is_saved(&new) == (at >= writes || (at == writes - 1 && s_cut == CUT_NEW)));
            TEST_ASSERT_FALSE(s_saved.unconfirmed);
            TEST_ASSERT_TRUE(save(&old));
            start();
            TEST_ASSERT_TRUE(is_saved(&old));
        }
    }
}

TEST_CASE("saves of numbers leave the texts alone", "[settings_apart]")
{
    const set_t set = {40, "mqtt://broker", make_pem(s_pem[0], 1500, 1)};
    begin();
    TEST_ASSERT_TRUE(save(&set));
    for (int32_t ampere = 1; ampere < 5; ampere++) {
        const settings_value_t value = {.number = ampere};
        settings_saved_set(&s_saved, SETTINGS_CHARGE_MAX_A, &value);
        s_writes = 0;
        TEST_ASSERT_EQUAL(SETTINGS_KEEP_DONE, settings_keep_save(&s_keep, &s_saved, false, &s_room));
        TEST_ASSERT_EQUAL(2, s_writes);
        start();
        const set_t expected = {ampere, set.url, set.ca};
        TEST_ASSERT_TRUE(is_saved(&expected));
    }
}

static void lose_piece(const char *key)
{
    find(key)->key[0] = '\0';
}

static void flip_bit(const char *key)
{
    find(key)->bytes[5] ^= 1U;
}

static void cut_short(const char *key)
{
    find(key)->length--;
}

TEST_CASE("a piece that is lost or damaged loses its text and nothing else", "[settings_apart]")
{
    static void (*const ways[])(const char *key) = {lose_piece, flip_bit, cut_short};
    static const char *const keys[] = {"mqtt.url.10", "mqtt.ca.10", "mqtt.ca.11"};
    const set_t set = {40, "mqtt://broker", make_pem(s_pem[0], 1500, 1)};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            ROW("ways[%zu], %s", i, keys[k]);
            begin();
            TEST_ASSERT_TRUE(save(&set));
            ways[i](keys[k]);
            start();
            const bool url = k == 0;
            TEST_ASSERT_EQUAL(url ? 1 : 2, s_lost);
            TEST_ASSERT_FALSE(settings_saved_ever(&s_saved, url ? SETTINGS_MQTT_URL : SETTINGS_MQTT_CA));
            TEST_ASSERT_EQUAL_STRING(url ? "" : set.url, settings_text(&s_saved.values, SETTINGS_MQTT_URL));
            TEST_ASSERT_EQUAL_STRING(url ? set.ca : "", read_ca());
            TEST_ASSERT_EQUAL(40, s_saved.values.number[SETTINGS_CHARGE_MAX_A]);
            TEST_ASSERT_FALSE(s_saved.unconfirmed);
            TEST_ASSERT_TRUE(save(&set));
            start();
            TEST_ASSERT_TRUE(is_saved(&set));
        }
    }
}

TEST_CASE("an address that this firmware does not allow gives way to the factory value", "[settings_apart]")
{
    const set_t set = {40, "coap://broker", ""};
    begin();
    TEST_ASSERT_TRUE(save(&set));
    start();
    TEST_ASSERT_EQUAL(1, s_lost);
    TEST_ASSERT_EQUAL_STRING("", settings_text(&s_saved.values, SETTINGS_MQTT_URL));
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
}

TEST_CASE("the texts are lost with the first place, and the numbers are not", "[settings_apart]")
{
    const set_t set = {40, "mqtt://broker", make_pem(s_pem[0], 1500, 1)};
    const set_t left = {40, "", ""};
    begin();
    TEST_ASSERT_TRUE(save(&set));
    memset(s_flash.values, 0, sizeof(s_flash.values));
    start();
    TEST_ASSERT_TRUE(is_saved(&left));
    TEST_ASSERT_FALSE(s_saved.unconfirmed);
}
