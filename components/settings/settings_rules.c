/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "settings_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static bool number_valid(const settings_entry_t *entry, int32_t number, settings_refusal_t *refusal)
{
    if (number >= entry->min && number <= entry->max && (entry->step == 0 || number % entry->step == 0)) {
        return true;
    }
    (void)snprintf(refusal->text, sizeof(refusal->text), "%s: allowed are %" PRId32 "..%" PRId32 "%s%s", entry->key,
                   entry->min, entry->max, entry->unit == NULL ? "" : " ", entry->unit == NULL ? "" : entry->unit);
    if (entry->step != 0) {
        const size_t length = strlen(refusal->text);
        (void)snprintf(&refusal->text[length], sizeof(refusal->text) - length, " in steps of %" PRId32, entry->step);
    }
    return false;
}

static bool text_valid(const settings_entry_t *entry, const char *text, settings_refusal_t *refusal)
{
    const int32_t length = (int32_t)strnlen(text, SETTINGS_TEXT_MAX + 1);
    if (!(length == 0 && entry->may_be_empty) && (length < entry->min || length > entry->max)) {
        (void)snprintf(refusal->text, sizeof(refusal->text), "%s: allowed are %" PRId32 "..%" PRId32 " characters%s",
                       entry->key, entry->min, entry->max, entry->may_be_empty ? ", or none" : "");
        return false;
    }
    if (!printable(text)) {
        (void)snprintf(refusal->text, sizeof(refusal->text), "%s: only printable ASCII characters", entry->key);
        return false;
    }
    return true;
}

bool settings_value_valid(settings_id_t id, const settings_value_t *value, settings_refusal_t *refusal)
{
    const settings_entry_t *const entry = settings_entry(id);
    return entry->type == SETTINGS_NUMBER ? number_valid(entry, value->number, refusal)
                                          : text_valid(entry, value->text, refusal);
}

/** `size` is that of `to`, which is all zero; the table sees to it that nothing is cut off. */
static void copy_text(char *to, size_t size, const settings_value_t *from)
{
    memcpy(to, from->text, strnlen(from->text, size - 1));
}

victron_identity_t settings_identity(const settings_values_t *values)
{
    victron_identity_t identity = {0};
    copy_text(identity.manufacturer, sizeof(identity.manufacturer), &values->value[SETTINGS_ID_MANUFACTURER]);
    copy_text(identity.battery_name, sizeof(identity.battery_name), &values->value[SETTINGS_ID_BATTERY_NAME]);
    copy_text(identity.family, sizeof(identity.family), &values->value[SETTINGS_ID_FAMILY]);
    return identity;
}

bool settings_fit_together(const settings_values_t *values, settings_refusal_t *refusal)
{
    const victron_identity_t identity = settings_identity(values);
    if (victron_identity_valid(&identity)) {
        return true;
    }
    (void)snprintf(refusal->text, sizeof(refusal->text),
                   "id.*: a battery name of more than 8 characters begins with the manufacturer, and no name is that "
                   "of another maker");
    return false;
}

bool settings_repair(settings_values_t *values)
{
    settings_refusal_t refusal;
    if (settings_fit_together(values, &refusal)) {
        return false;
    }
    settings_factory(SETTINGS_ID_MANUFACTURER, &values->value[SETTINGS_ID_MANUFACTURER]);
    settings_factory(SETTINGS_ID_BATTERY_NAME, &values->value[SETTINGS_ID_BATTERY_NAME]);
    settings_factory(SETTINGS_ID_FAMILY, &values->value[SETTINGS_ID_FAMILY]);
    return true;
}
