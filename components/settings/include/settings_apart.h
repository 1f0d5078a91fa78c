/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Texts that are kept apart from the record, in pieces with keys of their own. No NVS, no RTOS.
 *
 * Each has two halves. A new text goes to the half that the record does not name, so that the old one is there until a
 * record names the new one: a cut of the power leaves all of the old set or all of the new one. A piece is small enough
 * for one turn at the flash gate.
 *
 * @code{.c}
 * const settings_value_t value = {.text = "mqtts://broker:8883"};
 * settings_saved_t next = *kept;
 * if (settings_apart_save(pieces, kept, SETTINGS_MQTT_URL, &value, &next)) {
 *     // a record of `next` can be saved
 * }
 * @endcode
 */

#include "settings_record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SETTINGS_PIECE_SIZE 1024

/** @brief Where pieces are kept. The functions return whether they succeeded. */
typedef struct {
    void *context;
    /** Reads a piece of exactly this length. */
    bool (*load)(void *context, const char *key, uint8_t *bytes, size_t length);
    bool (*store)(void *context, const char *key, const uint8_t *bytes, size_t length);
} settings_pieces_t;

/**
 * @brief Stores a text, and notes it in the set that is to be saved.
 * @param pieces where
 * @param saved what the newest record says; the text that it names is left alone
 * @param id a text that is kept apart
 * @param value valid; `text` counts
 * @param[in,out] next what the next record will say
 * @return false: not stored, and nothing noted
 */
bool settings_apart_save(const settings_pieces_t *pieces, const settings_saved_t *saved, settings_id_t id,
                         const settings_value_t *value, settings_saved_t *next);

/**
 * @brief After a record was read: reads the texts of settings_values_t that are kept apart, and checks the others.
 * What is lost, damaged or no longer allowed gets its factory value.
 * @param pieces where
 * @param[in,out] saved from the record
 * @param bytes working memory of SETTINGS_PIECE_SIZE
 * @return one bit for each that is lost, by `id - SETTINGS_APART`
 */
uint32_t settings_apart_load(const settings_pieces_t *pieces, settings_saved_t *saved, uint8_t *bytes);

/**
 * @brief Reads a text.
 * @param pieces where
 * @param id a text that is kept apart
 * @param apart what the record says about it
 * @param[out] text room for `apart->length` and a NUL
 * @return false: it is lost or damaged
 */
bool settings_apart_read(const settings_pieces_t *pieces, settings_id_t id, const settings_apart_t *apart, char *text);

#ifdef __cplusplus
}
#endif
