/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** What may be set, for programs (JSON Schema) and for people (form). The property tests hold the schema to the rules.
 */
#include "settings_json.h"

/* Everything else is forbidden: JSON Schema's '$' also matches before a last line end in some programs. */
#define NOT_PRINTABLE             "[^ -~]"
#define NOT_PRINTABLE_OR_LINE_END "[^ -~\n\r]"

/* ---- schema ---- */

static void write_range(json_stream_t *json, const settings_entry_t *entry)
{
    json_int(json, "minimum", entry->min);
    json_int(json, "maximum", entry->max);
    if (entry->step != 0) {
        json_int(json, "multipleOf", entry->step);
    }
}

static void write_number(json_stream_t *json, const settings_entry_t *entry)
{
    json_text(json, "type", "integer");
    if (entry->zero_means == NULL) {
        write_range(json, entry);
    } else {
        json_array(json, "anyOf");
        json_object(json, NULL);
        json_int(json, "const", 0);
        json_text(json, "title", entry->zero_means);
        json_close(json);
        json_object(json, NULL);
        write_range(json, entry);
        json_close(json);
        json_close(json);
    }
    json_int(json, "default", entry->factory_number);
    json_text(json, "x-unit", entry->unit);
}

static bool may_be_empty(const settings_entry_t *entry)
{
    return entry->min == 0 || entry->may_be_empty;
}

/** What a text that is not empty has to be. */
static void write_form_of_text(json_stream_t *json, const settings_entry_t *entry)
{
    json_int(json, "minLength", entry->min);
    if (entry->pattern != NULL) {
        json_text(json, "pattern", entry->pattern);
    }
}

static void write_text(json_stream_t *json, const settings_entry_t *entry, bool is_long)
{
    json_text(json, "type", "string");
    json_int(json, "maxLength", entry->max);
    json_object(json, "not");
    json_text(json, "pattern", is_long ? NOT_PRINTABLE_OR_LINE_END : NOT_PRINTABLE);
    json_close(json);
    if (may_be_empty(entry)) {
        json_array(json, "anyOf");
        json_object(json, NULL);
        json_text(json, "const", "");
        json_close(json);
        json_object(json, NULL);
        write_form_of_text(json, entry);
        json_close(json);
        json_close(json);
    } else {
        write_form_of_text(json, entry);
    }
    if (entry->secret) {
        json_bool(json, "writeOnly", true);
    } else {
        json_text(json, "default", entry->factory_text);
    }
}

void settings_write_schema(json_stream_t *json)
{
    json_object(json, NULL);
    json_text(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_text(json, "title", "Settings of a TinyBMS Web Gateway");
    json_text(json, "type", "object");
    json_bool(json, "additionalProperties", false);
    json_object(json, "properties");
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        const settings_entry_t *const entry = settings_entry(id);
        json_object(json, entry->key);
        json_text(json, "title", entry->help);
        if (settings_is_number(id)) {
            write_number(json, entry);
        } else {
            write_text(json, entry, settings_is_long(id));
        }
        json_text(json, "x-applies", settings_applies_text(entry->applies));
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

/* ---- form ---- */

static const char *type_of(settings_id_t id)
{
    const settings_entry_t *const entry = settings_entry(id);
    if (settings_is_number(id)) {
        return entry->min == 0 && entry->max == 1 ? "switch" : "number";
    }
    if (entry->secret) {
        return "secret";
    }
    return settings_is_long(id) ? "long_text" : "text";
}

static void write_field(json_stream_t *json, settings_id_t id)
{
    const settings_entry_t *const entry = settings_entry(id);
    json_object(json, NULL);
    json_text(json, "key", entry->key);
    json_text(json, "label", entry->help);
    json_text(json, "unit", entry->unit);
    json_text(json, "type", type_of(id));
    json_int(json, "min", entry->min);
    json_int(json, "max", entry->max);
    json_int_or_null(json, "step", settings_is_number(id), entry->step == 0 ? 1 : entry->step);
    json_text(json, "zero_means", entry->zero_means);
    json_bool(json, "may_be_empty", !settings_is_number(id) && may_be_empty(entry));
    json_text(json, "applies", settings_applies_text(entry->applies));
    json_close(json);
}

void settings_write_form(json_stream_t *json)
{
    json_object(json, NULL);
    json_array(json, "groups");
    const settings_group_t *group = NULL;
    for (size_t i = 0; (group = settings_group_at(i)) != NULL; i++) {
        json_object(json, NULL);
        json_text(json, "id", group->id);
        json_text(json, "title", group->title);
        json_text(json, "help", group->help);
        json_array(json, "fields");
        for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
            if (settings_in_group(id, group)) {
                write_field(json, id);
            }
        }
        json_close(json);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}
