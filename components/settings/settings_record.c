/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The byte format of saved settings: encoding, decoding, and what becomes of values of another firmware. */
#include "settings_record.h"

#include <stddef.h>
#include <string.h>

#include "settings_rules.h"
#include "tinybms_crc.h"

#define MAGIC            0x53574254U /* "TBWS" */
#define FLAG_UNCONFIRMED 1U
#define NUMBER           'n'
#define TEXT             't'
#define APART            'a'
#define RECORD_TEXT_MAX  63
#define SENSORS_SEEN     "sensors_seen" /* no setting: those have a dot in their keys */

typedef struct {
    uint32_t magic;
    uint16_t schema;
    uint16_t flags;
    uint32_t number;
    uint32_t length; /**< of the entries */
    uint32_t crc;    /**< of the header before it and of the entries */
} header_t;

_Static_assert(sizeof(header_t) == 20, "every schema begins with it");
_Static_assert(sizeof(settings_apart_t) == 8, "its bytes are in the record");
_Static_assert(SETTINGS_PASSPHRASE_MAX <= RECORD_TEXT_MAX && SETTINGS_DEVICE_MAX <= RECORD_TEXT_MAX,
               "what is longer is kept apart");
_Static_assert(SETTINGS_HOSTS_MAX <= RECORD_TEXT_MAX, "what is longer is kept apart");

/** An entry, in place. */
typedef struct {
    const uint8_t *start;
    size_t length; /**< of all of it */
    char key[SETTINGS_KEY_MAX + 1];
    uint8_t kind;
    const uint8_t *value;
    uint8_t value_length;
} entry_t;

static void note_ever(settings_saved_t *saved, settings_id_t id, bool ever)
{
    const uint8_t bit = (uint8_t)(1U << ((unsigned)id % 8));
    uint8_t *const bits = &saved->ever_set[(unsigned)id / 8];
    *bits = (uint8_t)(ever ? *bits | bit : *bits & ~bit);
}

void settings_saved_nothing(settings_saved_t *saved)
{
    memset(saved, 0, sizeof(*saved));
    settings_factory_all(&saved->values);
}

void settings_saved_set(settings_saved_t *saved, settings_id_t id, const settings_value_t *value)
{
    settings_set(&saved->values, id, value);
    note_ever(saved, id, true);
}

void settings_saved_set_apart(settings_saved_t *saved, settings_id_t id, const settings_apart_t *apart)
{
    saved->values.apart[id - SETTINGS_APART] = *apart;
    note_ever(saved, id, true);
}

bool settings_saved_ever(const settings_saved_t *saved, settings_id_t id)
{
    return ((unsigned)saved->ever_set[(unsigned)id / 8] >> ((unsigned)id % 8) & 1U) != 0;
}

void settings_saved_copy(settings_saved_t *to, const settings_saved_t *from, settings_id_t id)
{
    settings_copy(&to->values, &from->values, id);
    note_ever(to, id, settings_saved_ever(from, id));
}

void settings_saved_reset(settings_saved_t *saved, settings_id_t id)
{
    settings_value_t factory;
    settings_factory(id, &factory);
    settings_set(&saved->values, id, &factory);
    if (settings_is_apart(id)) {
        saved->values.apart[id - SETTINGS_APART] = (settings_apart_t){0};
    }
    note_ever(saved, id, false);
}

static uint32_t crc_of(const header_t *header, const uint8_t *bytes)
{
    /* One for each part, and one of the two: they do not lie one behind the other, and neither has to be copied. */
    const uint32_t crcs[] = {tinybms_crc32((const uint8_t *)header, offsetof(header_t, crc)),
                             tinybms_crc32(&bytes[sizeof(*header)], header->length)};
    return tinybms_crc32((const uint8_t *)crcs, sizeof(crcs));
}

/* ---- writing ---- */

static size_t add_entry(uint8_t *to, const char *key, uint8_t kind, const void *value, size_t value_length)
{
    const size_t key_length = strlen(key);
    to[0] = (uint8_t)key_length;
    to[1] = kind;
    to[2] = (uint8_t)value_length;
    memcpy(&to[3], key, key_length); // NOLINT(bugprone-not-null-terminated-result): its length stands before it
    memcpy(&to[3 + key_length], value, value_length);
    return 3 + key_length + value_length;
}

static size_t add_setting(uint8_t *to, const settings_values_t *values, settings_id_t id)
{
    const char *const key = settings_entry(id)->key;
    if (settings_is_number(id)) {
        return add_entry(to, key, NUMBER, &values->number[id], sizeof(values->number[id]));
    }
    if (settings_is_apart(id)) {
        return add_entry(to, key, APART, &values->apart[id - SETTINGS_APART], sizeof(settings_apart_t));
    }
    const char *const text = settings_text(values, id);
    return add_entry(to, key, TEXT, text, strlen(text));
}

static size_t add_foreign(uint8_t *to, const settings_saved_t *saved, bool texts)
{
    size_t length = 0;
    for (size_t at = 0; at < saved->foreign_length;) {
        const uint8_t *const entry = &saved->foreign[at];
        const size_t size = 3U + entry[0] + entry[2];
        if (texts || entry[1] == NUMBER) {
            memcpy(&to[length], entry, size);
            length += size;
        }
        at += size;
    }
    return length;
}

size_t settings_record_write(const settings_saved_t *saved, uint32_t number, bool texts, uint8_t *bytes)
{
    header_t header = {.magic = MAGIC,
                       .schema = SETTINGS_RECORD_SCHEMA,
                       .flags = saved->unconfirmed ? FLAG_UNCONFIRMED : 0,
                       .number = number};
    const int32_t sensors = saved->sensors_seen;
    size_t end = sizeof(header);
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        if (settings_saved_ever(saved, id) && (texts || settings_is_number(id))) {
            end += add_setting(&bytes[end], &saved->values, id);
        }
    }
    end += add_entry(&bytes[end], SENSORS_SEEN, NUMBER, &sensors, sizeof(sensors));
    end += add_foreign(&bytes[end], saved, texts);
    header.length = (uint32_t)(end - sizeof(header));
    header.crc = crc_of(&header, bytes);
    memcpy(bytes, &header, sizeof(header));
    return end;
}

/* ---- reading ---- */

/** False: what is there is no entry. */
static bool entry_at(const uint8_t *bytes, size_t length, entry_t *entry)
{
    if (length < 3 || bytes[0] > SETTINGS_KEY_MAX || length < 3U + bytes[0] + bytes[2]) {
        return false;
    }
    *entry = (entry_t){.start = bytes,
                       .length = 3U + bytes[0] + bytes[2],
                       .kind = bytes[1],
                       .value = &bytes[3 + bytes[0]],
                       .value_length = bytes[2]};
    memcpy(entry->key, &bytes[3], bytes[0]);
    return true;
}

static bool keep_foreign(settings_saved_t *saved, const entry_t *entry)
{
    if (saved->foreign_length + entry->length > sizeof(saved->foreign)) {
        return false;
    }
    memcpy(&saved->foreign[saved->foreign_length], entry->start, entry->length);
    saved->foreign_length = (uint16_t)(saved->foreign_length + entry->length);
    return true;
}

static bool number_of(const entry_t *entry, int32_t *number)
{
    if (entry->kind != NUMBER || entry->value_length != sizeof(*number)) {
        return false;
    }
    memcpy(number, entry->value, sizeof(*number));
    return true;
}

static bool text_of(const entry_t *entry, char *text)
{
    if (entry->kind != TEXT || entry->value_length > RECORD_TEXT_MAX) {
        return false;
    }
    memcpy(text, entry->value, entry->value_length);
    text[entry->value_length] = '\0';
    return true;
}

/** The text itself is read later; it may be what a firmware with other rules has saved. */
static void take_apart(settings_saved_t *saved, settings_id_t id, const entry_t *entry)
{
    settings_apart_t apart;
    if (entry->kind != APART || entry->value_length != sizeof(apart)) {
        return;
    }
    memcpy(&apart, entry->value, sizeof(apart));
    if (apart.length <= settings_entry(id)->max && apart.half <= 1) {
        settings_saved_set_apart(saved, id, &apart);
    }
}

static void take_setting(settings_saved_t *saved, settings_id_t id, const entry_t *entry)
{
    char text[RECORD_TEXT_MAX + 1];
    settings_value_t value = {.text = text};
    settings_refusal_t refusal;
    if (settings_is_apart(id)) {
        take_apart(saved, id, entry);
        return;
    }
    const bool read = settings_is_number(id) ? number_of(entry, &value.number) : text_of(entry, text);
    if (read && settings_value_valid(id, &value, &refusal)) {
        settings_saved_set(saved, id, &value);
    } else if (settings_is_number(id)) {
        saved->unconfirmed = true;
    }
}

/** False: more of another firmware than can be handed on. */
static bool take_entry(settings_saved_t *saved, const entry_t *entry)
{
    const settings_id_t id = settings_find(entry->key);
    int32_t sensors = 0;
    if (id != SETTINGS_COUNT) {
        take_setting(saved, id, entry);
        return true;
    }
    if (strcmp(entry->key, SENSORS_SEEN) == 0 && number_of(entry, &sensors)) {
        saved->sensors_seen = (uint8_t)sensors;
        return true;
    }
    return keep_foreign(saved, entry);
}

static settings_place_t take_entries(const uint8_t *bytes, size_t length, settings_saved_t *saved)
{
    entry_t entry;
    for (size_t at = 0; at < length; at += entry.length) {
        if (!entry_at(&bytes[at], length - at, &entry)) {
            return SETTINGS_PLACE_DAMAGED;
        }
        if (!take_entry(saved, &entry)) {
            return SETTINGS_PLACE_NEWER;
        }
    }
    saved->unconfirmed = saved->unconfirmed || !settings_numbers_fit(&saved->values);
    (void)settings_repair(&saved->values);
    return SETTINGS_PLACE_RECORD;
}

static bool is_erased(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while (at < length && bytes[at] == 0xFF) {
        at++;
    }
    return at == length;
}

settings_place_t settings_record_read(const uint8_t *bytes, size_t length, settings_saved_t *saved, uint32_t *number)
{
    header_t header;
    if (is_erased(bytes, length)) {
        return SETTINGS_PLACE_NOTHING;
    }
    if (length < sizeof(header)) {
        return SETTINGS_PLACE_DAMAGED;
    }
    memcpy(&header, bytes, sizeof(header));
    if (header.magic != MAGIC || header.length > length - sizeof(header) || header.crc != crc_of(&header, bytes)) {
        return SETTINGS_PLACE_DAMAGED;
    }
    *number = header.number;
    if (header.schema > SETTINGS_RECORD_SCHEMA) {
        return SETTINGS_PLACE_NEWER;
    }
    settings_saved_nothing(saved);
    saved->unconfirmed = (header.flags & FLAG_UNCONFIRMED) != 0;
    return take_entries(&bytes[sizeof(header)], header.length, saved);
}
