/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The settings as JSON: their values, a schema of what may be set, a form to set it with, and an export.
 *
 * All of them come from the table and are written into a stream with a small buffer. No value of a secret is ever
 * written, except into an export that is asked to have them.
 *
 * @code{.c}
 * char buffer[64];
 * json_stream_t json;
 * json_stream_init(&json, buffer, sizeof(buffer), NULL, NULL); // a sink takes what does not fit into the buffer
 * settings_write_schema(&json);
 * const bool whole = json_stream_end(&json);
 * @endcode
 */

#include <stdbool.h>

#include "json_stream.h"
#include "settings_table.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Writes all values: of each setting the one in effect, the saved one and the factory value. Of a secret only
 * whether one is saved; of a long text the length and the CRC-32 of what is saved.
 * @param json stream
 * @param in_effect from settings_get_all()
 * @param saved,unconfirmed from settings_get_saved()
 * @param restricted from settings_restricted()
 * @param revision from settings_revision(), asked before all others
 */
void settings_write_json(json_stream_t *json, const settings_values_t *in_effect, const settings_values_t *saved,
                         bool unconfirmed, bool restricted, uint32_t revision);

#define SETTINGS_REVISION_LENGTH 8

/** @brief Writes a revision as the interface has it: 8 hexadecimal digits. */
void settings_write_revision(json_stream_t *json, const char *key, uint32_t revision);

/** @brief What an export holds. */
typedef struct {
    const char *device;                                     /**< name of the gateway */
    const char *firmware;                                   /**< its version */
    const settings_values_t *saved;                         /**< from settings_get_saved() */
    const char *long_texts[SETTINGS_COUNT - SETTINGS_LONG]; /**< from settings_read_long() */
    bool secrets;                                           /**< include them */
} settings_export_t;

/** @brief Writes the saved values of all settings, as settings_input_read_export() reads them. */
void settings_write_export(json_stream_t *json, const settings_export_t *contents);

/**
 * @brief Writes a JSON Schema (2020-12) of a document that sets settings: an object whose members are all optional. It
 * accepts the values that settings_value_valid() accepts; which of them fit together it does not say.
 */
void settings_write_schema(json_stream_t *json);

/** @brief Writes what a form needs: groups in their order, and the fields of each. */
void settings_write_form(json_stream_t *json);

#ifdef __cplusplus
}
#endif
