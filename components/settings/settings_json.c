/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The values of all settings as JSON; secrets are told apart here. */
#include "settings_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "settings_input.h"

static void write_value(json_stream_t *json, const char *key, settings_id_t id, const settings_value_t *value)
{
    if (settings_is_number(id)) {
        json_int(json, key, value->number);
    } else {
        json_text(json, key, value->text);
    }
}

static void write_open(json_stream_t *json, settings_id_t id, const settings_values_t *in_effect,
                       const settings_values_t *saved)
{
    const settings_value_t value = settings_get(in_effect, id);
    const settings_value_t next = settings_get(saved, id);
    settings_value_t factory;
    settings_factory(id, &factory);
    write_value(json, "value", id, &value);
    write_value(json, "saved", id, &next);
    write_value(json, "factory", id, &factory);
}

static void write_long(json_stream_t *json, const settings_apart_t *apart)
{
    json_int(json, "length", apart->length);
    json_int(json, "crc32", apart->crc32);
}

void settings_write_revision(json_stream_t *json, const char *key, uint32_t revision)
{
    char text[SETTINGS_REVISION_LENGTH + 1];
    (void)snprintf(text, sizeof(text), "%08" PRIx32, revision);
    json_text(json, key, text);
}

void settings_write_json(json_stream_t *json, const settings_values_t *in_effect, const settings_values_t *saved,
                         bool unconfirmed, bool restricted, uint32_t revision)
{
    json_object(json, NULL);
    settings_write_revision(json, "revision", revision);
    json_bool(json, "unconfirmed", unconfirmed);
    json_bool(json, "restricted", restricted);
    json_object(json, "settings");
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        const settings_entry_t *const entry = settings_entry(id);
        json_object(json, entry->key);
        if (entry->secret) {
            json_bool(json, "set", settings_text(saved, id)[0] != '\0');
        } else if (settings_is_long(id)) {
            write_long(json, &saved->apart[id - SETTINGS_APART]);
        } else {
            write_open(json, id, in_effect, saved);
        }
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

void settings_write_export(json_stream_t *json, const settings_export_t *contents)
{
    json_object(json, NULL);
    json_text(json, "format", SETTINGS_EXPORT_FORMAT);
    json_int(json, "version", SETTINGS_EXPORT_VERSION);
    json_text(json, "device", contents->device);
    json_text(json, "firmware", contents->firmware);
    json_object(json, "settings");
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        const settings_entry_t *const entry = settings_entry(id);
        settings_value_t value = settings_get(contents->saved, id);
        if (settings_is_long(id)) {
            value.text = contents->long_texts[id - SETTINGS_LONG];
        }
        if (!entry->secret || contents->secrets) {
            write_value(json, entry->key, id, &value);
        }
    }
    json_close(json);
    json_close(json);
}
