/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Saved settings as bytes: one record for everything, so that it is replaced as a whole. No NVS, no RTOS.
 *
 * A record has a header of 20 bytes (magic, schema, flags, number, length, CRC-32), which is the same in every schema,
 * and one entry for each value that was ever set: length of the key, kind ('n', 't', 'a'), length of the value, key,
 * value. A value that was never set has no entry: it has the factory value of the firmware that reads the record.
 * Entries with an unknown key belong to another firmware, and are passed on unchanged; there is room for 256 bytes of
 * them, so a text of more than 63 characters is kept apart, and its entry is a settings_apart_t (settings_apart.h).
 * Little-endian, like every supported chip.
 *
 * @code{.c}
 * uint32_t number = 0;
 * settings_saved_t saved;
 * uint8_t record[SETTINGS_RECORD_MAX];
 * settings_saved_nothing(&saved);
 * const size_t size = settings_record_write(&saved, 1, true, record);
 * const settings_place_t place = settings_record_read(record, size, &saved, &number);
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings_table.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SETTINGS_RECORD_SCHEMA 1
#define SETTINGS_FOREIGN_MAX   256 /**< bytes of entries that this firmware does not know */
#define SETTINGS_KEY_MAX       15

/** @brief Bytes of the longest record: header, numbers and sensors, texts, texts that are kept apart. */
#define SETTINGS_RECORD_MAX                                                                                            \
    (20 + SETTINGS_FOREIGN_MAX + (SETTINGS_NUMBERS + 1) * (3 + SETTINGS_KEY_MAX + 4) +                                 \
     (SETTINGS_APART - SETTINGS_NUMBERS) * (3 + SETTINGS_KEY_MAX) + offsetof(settings_texts_t, mqtt_url) +             \
     (SETTINGS_COUNT - SETTINGS_APART) * (3 + SETTINGS_KEY_MAX + sizeof(settings_apart_t)))

/** @brief Everything that is saved. */
typedef struct {
    settings_values_t values;                   /**< a value that was never set is the factory value */
    uint8_t ever_set[(SETTINGS_COUNT + 7) / 8]; /**< one bit each, by id */
    uint8_t sensors_seen; /**< external temperature sensors of the BMS that were ever there, one bit each */
    bool unconfirmed;     /**< earlier saved values were lost, and no person has confirmed the present ones */
    uint16_t foreign_length;
    uint8_t foreign[SETTINGS_FOREIGN_MAX]; /**< entries of another firmware, as they are */
} settings_saved_t;

/** @brief What a place holds. */
typedef enum {
    SETTINGS_PLACE_NOTHING = 0, /**< nothing was ever written there */
    SETTINGS_PLACE_RECORD,
    SETTINGS_PLACE_NEWER,   /**< a record of a later schema, or with more unknown entries than can be passed on */
    SETTINGS_PLACE_DAMAGED, /**< something else */
} settings_place_t;

/** @brief Nothing saved: factory values only. */
void settings_saved_nothing(settings_saved_t *saved);

/** @brief Notes a number or a text that a person has set; it is not checked. Not for texts that are kept apart. */
void settings_saved_set(settings_saved_t *saved, settings_id_t id, const settings_value_t *value);

/** @brief Notes where a text is that is kept apart; in `values` the text itself is not changed. */
void settings_saved_set_apart(settings_saved_t *saved, settings_id_t id, const settings_apart_t *apart);

/** @brief Whether a person has set this setting. */
bool settings_saved_ever(const settings_saved_t *saved, settings_id_t id);

/** @brief Copies the value of one setting, and whether a person has set it. */
void settings_saved_copy(settings_saved_t *to, const settings_saved_t *from, settings_id_t id);

/** @brief Puts the factory value back, as if nobody had set it. */
void settings_saved_reset(settings_saved_t *saved, settings_id_t id);

/**
 * @brief Writes a record.
 * @param saved contents
 * @param number of the record, one more than that of the last
 * @param texts whether to include the texts; without them the record has no passwords
 * @param[out] bytes room for SETTINGS_RECORD_MAX
 * @return length in bytes
 */
size_t settings_record_write(const settings_saved_t *saved, uint32_t number, bool texts, uint8_t *bytes);

/**
 * @brief Reads a record; bytes after its end are ignored.
 *
 * Texts that are kept apart still have their factory values: settings_apart_load() reads them.
 * The factory value replaces a value that this firmware does not allow. If that is a number, the record counts as
 * unconfirmed, because the number may have tightened a limit. The same applies to numbers that do not fit together.
 * @param bytes,length what was found
 * @param[out] saved valid with RECORD only
 * @param[out] number of the record; valid with RECORD and NEWER only
 * @return
 * - SETTINGS_PLACE_NOTHING: all bytes are 0xFF
 * - SETTINGS_PLACE_RECORD: a record of this schema
 * - SETTINGS_PLACE_NEWER: a record of a later schema, or with more than SETTINGS_FOREIGN_MAX bytes of unknown entries
 * - SETTINGS_PLACE_DAMAGED: no record, a wrong CRC, or entries that cannot be read
 */
settings_place_t settings_record_read(const uint8_t *bytes, size_t length, settings_saved_t *saved, uint32_t *number);

#ifdef __cplusplus
}
#endif
