/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What is saved, as bytes: one record for all of it, so that it is replaced as a whole. No NVS, no RTOS.
 *
 * A record is a header of 20 bytes (magic, schema, flags, number, length, CRC-32), which no schema changes, and an
 * entry for each value that was ever set: length of the key, kind ('n', 't'), length of the value, key, value. A value
 * that was never set has no entry: it is the factory value, of whatever firmware reads the record. Entries whose key
 * this firmware does not know are those of another one, and are handed on. Little-endian, as all chips that this runs
 * on.
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

/** @brief Bytes of the longest record. */
#define SETTINGS_RECORD_MAX                                                                                            \
    (20 + SETTINGS_FOREIGN_MAX + (SETTINGS_NUMBERS + 1) * (3 + SETTINGS_KEY_MAX + 4) +                                 \
     SETTINGS_TEXTS * (3 + SETTINGS_KEY_MAX + SETTINGS_TEXT_MAX))

/** @brief Everything that is saved. */
typedef struct {
    settings_values_t values; /**< what was never set has the factory value */
    uint64_t ever_set;        /**< one bit each, by id */
    uint8_t sensors_seen;     /**< external temperature sensors of the BMS that were ever there, one bit each */
    bool unconfirmed;         /**< what was saved before was lost, and no person has confirmed what there is now */
    uint16_t foreign_length;
    uint8_t foreign[SETTINGS_FOREIGN_MAX]; /**< entries of another firmware, as they are */
} settings_saved_t;

/** @brief What a place holds. */
typedef enum {
    SETTINGS_PLACE_NOTHING = 0, /**< nothing was ever written there */
    SETTINGS_PLACE_RECORD,
    SETTINGS_PLACE_NEWER,   /**< a record of a later schema, or more entries than this firmware can hand on */
    SETTINGS_PLACE_DAMAGED, /**< something else */
} settings_place_t;

/** @brief Nothing saved: factory values. */
void settings_saved_nothing(settings_saved_t *saved);

/** @brief A value that a person has set; it is not looked at. */
void settings_saved_set(settings_saved_t *saved, settings_id_t id, const settings_value_t *value);

/**
 * @brief Writes a record.
 * @param saved what goes into it
 * @param number counts up from record to record
 * @param texts whether texts go into it as well; without them no password does
 * @param[out] bytes SETTINGS_RECORD_MAX
 * @return length
 */
size_t settings_record_write(const settings_saved_t *saved, uint32_t number, bool texts, uint8_t *bytes);

/**
 * @brief Reads a record; what is behind its end is not looked at.
 *
 * A value that this firmware does not allow gives way to the factory value; where it is a number the record counts as
 * not confirmed, for it may have been one that tightens. So do numbers that do not fit together.
 * @param bytes,length what was found; all 0xFF = nothing
 * @param[out] saved filled with RECORD only
 * @param[out] number of the record, filled with RECORD and NEWER
 */
settings_place_t settings_record_read(const uint8_t *bytes, size_t length, settings_saved_t *saved, uint32_t *number);

#ifdef __cplusplus
}
#endif
