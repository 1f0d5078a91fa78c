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

/** A long text from a file. */
static const char *read_file(const char *path, const char **text)
{
    static char read[SETTINGS_LONG_MAX + 2]; /* one too many tells that there is more */
    FILE *const file = fopen(path, "re");
    if (file == NULL) {
        return strerror(errno);
    }
    const size_t length = fread(read, 1, sizeof(read) - 1, file);
    const bool failed = ferror(file) != 0;
    (void)fclose(file);
    read[length] = '\0';
    *text = read;
    if (failed) {
        return "cannot read the file";
    }
    return strlen(read) == length ? NULL : "the file is not a text";
}

static const char *parse_value(settings_id_t id, const char *text, settings_value_t *value)
{
    static settings_refusal_t refusal;
    const char *problem = NULL;
    value->text = text;
    if (settings_is_number(id) && !parse_number(text, &value->number)) {
        problem = "the value must be a whole number";
    } else if (settings_is_long(id) && text[0] == '@') {
        problem = read_file(&text[1], &value->text);
    }
    if (problem != NULL) {
        return problem;
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
    if (settings_is_number(id)) {
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

static void print_setting(settings_id_t id, const settings_group_t *group, const settings_values_t *saved)
{
    const settings_entry_t *const entry = settings_entry(id);
    const settings_value_t value = settings_get(saved, id);
    settings_value_t factory;
    settings_factory(id, &factory);
    (void)printf("%s\t", entry->key);
    if (settings_is_long(id)) {
        (void)printf("%u characters", saved->apart[id - SETTINGS_APART].length);
    } else {
        print_value(id, &value);
    }
    (void)printf("\t%s\t", entry->unit == NULL ? "" : entry->unit);
    print_range(entry);
    (void)putchar('\t');
    print_value(id, &factory);
    (void)printf("\t%s%s\t%s\t%s\t%s\t%s\n", entry->symbol == NULL ? "" : "CONFIG_",
                 entry->symbol == NULL ? "" : entry->symbol, entry->help, settings_applies_text(entry->applies),
                 group->title, group->help);
}

void settings_options_print(void)
{
    static settings_values_t values;
    bool unconfirmed = false;
    settings_handle_t settings = NULL;
    const settings_group_t *group = NULL;
    if (settings_open(&settings) != ESP_OK) {
        return;
    }
    settings_get_saved(settings, &values, &unconfirmed);
    if (unconfirmed) {
        (void)fputs("saved settings are lost: the battery is held down until you confirm these (--confirm-settings)\n",
                    stderr);
    }
    (void)puts("key\tvalue\tunit\trange\tfactory value\tKconfig option\tmeaning\tapplies\tgroup\tabout the group");
    for (size_t i = 0; (group = settings_group_at(i)) != NULL; i++) {
        for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
            if (settings_in_group(id, group)) {
                print_setting(id, group, &values);
            }
        }
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
