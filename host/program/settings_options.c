/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The options of the program that show, save, confirm and forget what the settings storage holds. */
#include "settings_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"

static settings_change_t s_changes[SETTINGS_OPTIONS_MAX];
static size_t s_count;

static bool parse_number(const char *text, int32_t *number)
{
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    *number = (int32_t)value;
    return end != text && *end == '\0' && errno == 0 && value >= INT32_MIN && value <= INT32_MAX;
}

static const char *parse_value(settings_id_t id, const char *text, settings_value_t *value)
{
    static settings_refusal_t refusal;
    if (!settings_is_text(id) && !parse_number(text, &value->number)) {
        return "the value must be a whole number";
    }
    if (settings_is_text(id)) {
        if (strlen(text) > SETTINGS_TEXT_MAX) {
            return "the text is too long";
        }
        (void)snprintf(value->text, sizeof(value->text), "%s", text);
    }
    return settings_value_valid(id, value, &refusal) ? NULL : refusal.text;
}

const char *settings_options_add(const char *assignment)
{
    char key[16];
    const char *const equals = strchr(assignment, '=');
    if (equals == NULL || (size_t)(equals - assignment) >= sizeof(key)) {
        return "must be KEY=VALUE; --settings lists the keys";
    }
    (void)snprintf(key, sizeof(key), "%.*s", (int)(equals - assignment), assignment);
    const settings_id_t id = settings_find(key);
    if (id == SETTINGS_COUNT) {
        return "unknown setting; --settings lists all";
    }
    if (s_count == SETTINGS_OPTIONS_MAX) {
        return "too many settings at once";
    }
    s_changes[s_count].id = id;
    return parse_value(id, equals + 1, &s_changes[s_count++].value);
}

const char *settings_options_save(void)
{
    static settings_refusal_t refusal;
    settings_handle_t settings = NULL;
    if (settings_open(&settings) != ESP_OK) {
        return "no memory";
    }
    const esp_err_t err = settings_save(settings, s_changes, s_count, &refusal);
    if (err == ESP_OK) {
        return NULL;
    }
    if (err == ESP_ERR_NOT_SUPPORTED) {
        return "the settings of a newer firmware are kept; --confirm-settings discards them";
    }
    return err == ESP_ERR_INVALID_ARG ? refusal.text : "cannot write to the data directory";
}

static void print_value(settings_id_t id, const settings_value_t *value)
{
    if (!settings_is_text(id)) {
        (void)printf("%" PRId32, value->number);
    } else if (settings_entry(id)->secret) {
        (void)fputs(value->text[0] == '\0' ? "" : "(hidden)", stdout);
    } else {
        (void)fputs(value->text, stdout);
    }
}

static void print_range(const settings_entry_t *entry)
{
    (void)printf("%" PRId32 "..%" PRId32 "%s%s", entry->min, entry->max,
                 entry->factory_text != NULL ? " characters" : "", entry->may_be_empty ? ", or none" : "");
    if (entry->step != 0) {
        (void)printf(" in steps of %" PRId32, entry->step);
    }
    if (entry->zero_means != NULL) {
        (void)printf(", or 0 = %s", entry->zero_means);
    }
}

void settings_options_print(void)
{
    static settings_values_t values;
    bool unconfirmed = false;
    settings_handle_t settings = NULL;
    if (settings_open(&settings) != ESP_OK) {
        return;
    }
    settings_get_saved(settings, &values, &unconfirmed);
    if (unconfirmed) {
        (void)fputs("saved settings are lost: the battery is held down until you confirm these (--confirm-settings)\n",
                    stderr);
    }
    (void)puts("key\tvalue\tunit\trange\tfactory value\tKconfig option\tmeaning");
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        const settings_entry_t *const entry = settings_entry(id);
        const settings_value_t value = settings_get(&values, id);
        settings_value_t factory;
        settings_factory(id, &factory);
        (void)printf("%s\t", entry->key);
        print_value(id, &value);
        (void)printf("\t%s\t", entry->unit == NULL ? "" : entry->unit);
        print_range(entry);
        (void)putchar('\t');
        print_value(id, &factory);
        (void)printf("\tCONFIG_%s\t%s\n", entry->symbol, entry->help);
    }
}

const char *settings_options_confirm(void)
{
    settings_handle_t settings = NULL;
    if (settings_open(&settings) != ESP_OK) {
        return "no memory";
    }
    if (settings_confirm(settings) != ESP_OK) {
        return "cannot write to the data directory";
    }
    (void)puts("settings confirmed");
    return NULL;
}

const char *settings_options_forget_sensor(int sensor)
{
    settings_handle_t settings = NULL;
    if (settings_open(&settings) != ESP_OK) {
        return "no memory";
    }
    const settings_memory_t before = settings_memory(settings);
    settings_memory_t memory = before;
    const unsigned bit = 1U << (sensor - 1);
    if ((memory.sensors_seen & bit) == 0) {
        (void)printf("external temperature sensor %d was never seen\n", sensor);
        return NULL;
    }
    memory.sensors_seen = (uint8_t)(memory.sensors_seen & ~bit);
    if (settings_remember(settings, &before, &memory) != ESP_OK) {
        return "cannot write to the data directory";
    }
    (void)printf("external temperature sensor %d forgotten\n", sensor);
    return NULL;
}
