/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The settings without their storage, by keys: for a caller that knows neither the ids nor the structs. */
#include <stdio.h>
#include <string.h>

#include "pure_library.h"
#include "settings_input.h"
#include "settings_json.h"
#include "settings_keep.h"
#include "settings_pipeline.h"
#include "settings_rules.h"
#include "tinybms_crc.h"

SIZE_OF(settings, settings_values_t);
SIZE_OF(settings_refusal, settings_refusal_t);
SIZE_OF(settings_saved, settings_saved_t);
SIZE_OF(settings_keep, settings_keep_t);
SIZE_OF(settings_room, settings_room_t);

/* Settings by their keys, for a caller that does not know the ids. */
bool tinybms_pure_settings_set(settings_values_t *values, const char *key, int32_t number, settings_refusal_t *refusal);
void tinybms_pure_settings_pipeline(const settings_values_t *values, battery_pipeline_config_t *config);

bool tinybms_pure_settings_set(settings_values_t *values, const char *key, int32_t number, settings_refusal_t *refusal)
{
    const settings_id_t id = settings_find(key);
    const settings_value_t value = {.number = number};
    if (id == SETTINGS_COUNT || !settings_is_number(id)) {
        (void)snprintf(refusal->text, sizeof(refusal->text), "no such number: %s", key);
        return false;
    }
    if (!settings_value_valid(id, &value, refusal)) {
        return false;
    }
    settings_set(values, id, &value);
    return true;
}

void tinybms_pure_settings_pipeline(const settings_values_t *values, battery_pipeline_config_t *config)
{
    *config = settings_pipeline(values);
}

/* What is saved, by keys. */
void tinybms_pure_saved_set(settings_saved_t *saved, const char *key, int32_t number);
int32_t tinybms_pure_saved_number(const settings_saved_t *saved, const char *key);
bool tinybms_pure_saved_unconfirmed(const settings_saved_t *saved);

void tinybms_pure_saved_set(settings_saved_t *saved, const char *key, int32_t number)
{
    const settings_value_t value = {.number = number};
    settings_saved_set(saved, settings_find(key), &value);
}

int32_t tinybms_pure_saved_number(const settings_saved_t *saved, const char *key)
{
    return saved->values.number[settings_find(key)];
}

bool tinybms_pure_saved_unconfirmed(const settings_saved_t *saved)
{
    return saved->unconfirmed;
}

/* Whether a value of any kind is allowed; `text` counts for texts. */
bool tinybms_pure_setting_valid(const char *key, int32_t number, const char *text, settings_refusal_t *refusal);

bool tinybms_pure_setting_valid(const char *key, int32_t number, const char *text, settings_refusal_t *refusal)
{
    const settings_value_t value = {.number = number, .text = text};
    const settings_id_t id = settings_find(key);
    return id < SETTINGS_COUNT && settings_value_valid(id, &value, refusal);
}

/* Sets a value of any kind but a long text, unchecked; of that only what its record would say. */
void tinybms_pure_values_set(settings_values_t *values, const char *key, int32_t number, const char *text);

void tinybms_pure_values_set(settings_values_t *values, const char *key, int32_t number, const char *text)
{
    const settings_value_t value = {.number = number, .text = text};
    const settings_id_t id = settings_find(key);
    settings_set(values, id, &value);
    if (settings_is_apart(id)) {
        const size_t length = strlen(text);
        values->apart[id - SETTINGS_APART] =
            (settings_apart_t){.crc32 = tinybms_crc32((const uint8_t *)text, length), .length = (uint16_t)length};
    }
}

/* JSON through a buffer as small as the web server's. */
typedef struct {
    char *to;
    size_t size;
    size_t length;
} text_t;

static bool append(void *context, const char *bytes, size_t length)
{
    text_t *const text = context;
    if (length > text->size - text->length) {
        return false;
    }
    memcpy(&text->to[text->length], bytes, length);
    text->length += length;
    return true;
}

/** What is written: 's' schema, 'f' form, else the values. @return its length, 0 = it did not fit */
size_t tinybms_pure_settings_json(char what, const settings_values_t *in_effect, const settings_values_t *saved,
                                  char *to, size_t size);

size_t tinybms_pure_settings_json(char what, const settings_values_t *in_effect, const settings_values_t *saved,
                                  char *to, size_t size)
{
    char buffer[512];
    text_t text = {.to = to, .size = size};
    json_stream_t json;
    json_stream_init(&json, buffer, sizeof(buffer), append, &text);
    if (what == 's') {
        settings_write_schema(&json);
    } else if (what == 'f') {
        settings_write_form(&json);
    } else {
        settings_write_json(&json, in_effect, saved, false, true, 0x0123ABCD);
    }
    return json_stream_end(&json) ? text.length : 0;
}

/* A document through the reader and the rules: what it wants and what is wrong with it, as JSON. */

/** @param text with one byte of room behind it. @return length of what was written; 0 = it did not fit */
size_t tinybms_pure_settings_input(char *text, size_t length, bool export, const settings_values_t *saved, char *to,
                                   size_t size);

static void write_change(json_stream_t *json, const settings_change_t *change)
{
    const char *const key = settings_entry(change->id)->key;
    if (settings_is_number(change->id)) {
        json_int(json, key, change->value.number);
    } else {
        json_text(json, key, change->value.text);
    }
}

size_t tinybms_pure_settings_input(char *text, size_t length, bool export, const settings_values_t *saved, char *to,
                                   size_t size)
{
    static settings_input_t input;
    static settings_values_t next;
    json_stream_t json;
    const bool is_json =
        export ? settings_input_read_export(&input, text, length) : settings_input_read(&input, text, length);
    json_stream_init(&json, to, size, NULL, NULL);
    json_object(&json, NULL);
    json_bool(&json, "json", is_json);
    if (is_json) {
        settings_input_fit(&input, saved, &next);
        json_object(&json, "changes");
        for (size_t i = 0; i < input.count; i++) {
            write_change(&json, &input.changes[i]);
        }
        json_close(&json);
        json_array(&json, "problems");
        settings_input_write_problems(&input, &json, size);
        json_close(&json);
    }
    json_close(&json);
    return json_stream_end(&json) ? strlen(to) : 0;
}

/** An export of what is saved. @return its length, 0 = it did not fit */
size_t tinybms_pure_settings_export(const settings_values_t *saved, const char *long_text, bool secrets, char *to,
                                    size_t size);

size_t tinybms_pure_settings_export(const settings_values_t *saved, const char *long_text, bool secrets, char *to,
                                    size_t size)
{
    char buffer[512];
    text_t text = {.to = to, .size = size};
    json_stream_t json;
    const settings_export_t contents = {
        .device = "house", .firmware = "1.2.3", .saved = saved, .long_texts = {long_text}, .secrets = secrets};
    json_stream_init(&json, buffer, sizeof(buffer), append, &text);
    settings_write_export(&json, &contents);
    return json_stream_end(&json) ? text.length : 0;
}
