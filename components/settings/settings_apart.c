/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Which half a text goes to, its pieces and their keys; the record that names the half is written by settings_keep.c.
 */
#include "settings_apart.h"

#include <stdio.h>
#include <string.h>

#include "settings_rules.h"
#include "tinybms_crc.h"

#define KEY_SIZE (SETTINGS_KEY_MAX + 1)

/** "mqtt.ca.03": half 0, piece 3. */
static void key_of(settings_id_t id, unsigned half, size_t piece, char *key)
{
    (void)snprintf(key, KEY_SIZE, "%s.%u%u", settings_entry(id)->key, half, (unsigned)piece);
}

static size_t length_at(size_t at, size_t length)
{
    return length - at < SETTINGS_PIECE_SIZE ? length - at : SETTINGS_PIECE_SIZE;
}

/** All pieces: one behind the other, or each to the same place, when only the CRC counts. */
static bool load(const settings_pieces_t *pieces, settings_id_t id, const settings_apart_t *apart, uint8_t *to,
                 bool together)
{
    uint32_t crc = 0;
    for (size_t at = 0; at < apart->length; at += SETTINGS_PIECE_SIZE) {
        char key[KEY_SIZE];
        uint8_t *const bytes = together ? &to[at] : to;
        const size_t length = length_at(at, apart->length);
        key_of(id, apart->half, at / SETTINGS_PIECE_SIZE, key);
        if (!pieces->load(pieces->context, key, bytes, length)) {
            return false;
        }
        crc = tinybms_crc32_more(crc, bytes, length);
    }
    return crc == apart->crc32;
}

static bool store(const settings_pieces_t *pieces, settings_id_t id, const settings_apart_t *apart,
                  const uint8_t *bytes)
{
    for (size_t at = 0; at < apart->length; at += SETTINGS_PIECE_SIZE) {
        char key[KEY_SIZE];
        key_of(id, apart->half, at / SETTINGS_PIECE_SIZE, key);
        if (!pieces->store(pieces->context, key, &bytes[at], length_at(at, apart->length))) {
            return false;
        }
    }
    return true;
}

bool settings_apart_save(const settings_pieces_t *pieces, const settings_saved_t *saved, settings_id_t id,
                         const settings_value_t *value, settings_saved_t *next)
{
    const uint8_t *const bytes = (const uint8_t *)value->text;
    const size_t length = strlen(value->text);
    const unsigned old_half = saved->values.apart[id - SETTINGS_APART].half;
    const settings_apart_t apart = {
        .crc32 = tinybms_crc32(bytes, length), .length = (uint16_t)length, .half = (uint16_t)(1U - old_half)};
    if (!store(pieces, id, &apart, bytes)) {
        return false;
    }
    settings_set(&next->values, id, value);
    settings_saved_set_apart(next, id, &apart);
    return true;
}

bool settings_apart_read(const settings_pieces_t *pieces, settings_id_t id, const settings_apart_t *apart, char *text)
{
    text[apart->length] = '\0';
    return load(pieces, id, apart, (uint8_t *)text, true);
}

/** False: it is lost, or this firmware does not allow it. */
static bool load_one(const settings_pieces_t *pieces, settings_saved_t *saved, settings_id_t id, uint8_t *bytes)
{
    const settings_apart_t *const apart = &saved->values.apart[id - SETTINGS_APART];
    const settings_value_t value = {.text = (const char *)bytes};
    settings_refusal_t refusal;
    if (settings_is_long(id)) {
        return load(pieces, id, apart, bytes, false);
    }
    if (!settings_apart_read(pieces, id, apart, (char *)bytes) || !settings_value_valid(id, &value, &refusal)) {
        return false;
    }
    settings_set(&saved->values, id, &value);
    return true;
}

uint32_t settings_apart_load(const settings_pieces_t *pieces, settings_saved_t *saved, uint8_t *bytes)
{
    uint32_t lost = 0;
    for (settings_id_t id = SETTINGS_APART; id < SETTINGS_COUNT; id++) {
        if (settings_saved_ever(saved, id) && !load_one(pieces, saved, id, bytes)) {
            settings_saved_reset(saved, id);
            lost |= UINT32_C(1) << (unsigned)(id - SETTINGS_APART);
        }
    }
    return lost;
}
