/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The settings without their storage, by keys: for a caller that knows neither the ids nor the structs. */
#include <stdio.h>
#include <string.h>

#include "pure_library.h"
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
        settings_write_json(&json, in_effect, saved, false, true);
    }
    return json_stream_end(&json) ? text.length : 0;
}
