/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Checks values against the table and against one another, and repairs what does not fit. Also builds the names for the
 * GX, whose rules are those of victron_pgn.
 */
#include "settings_rules.h"

#include <assert.h>
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

static bool in_range(const settings_entry_t *entry, int32_t number)
{
    return (number == 0 && entry->zero_means != NULL) ||
           (number >= entry->min && number <= entry->max && (entry->step == 0 || number % entry->step == 0));
}

static bool number_valid(const settings_entry_t *entry, int32_t number, settings_refusal_t *refusal)
{
    if (in_range(entry, number)) {
        return true;
    }
    char more[48] = "";
    if (entry->step != 0) {
        (void)snprintf(more, sizeof(more), " in steps of %" PRId32, entry->step);
    } else if (entry->zero_means != NULL) {
        (void)snprintf(more, sizeof(more), ", or 0 = %s", entry->zero_means);
    }
    (void)snprintf(refusal->text, sizeof(refusal->text), "%s: the allowed range is %" PRId32 "..%" PRId32 " %s%s",
                   entry->key, entry->min, entry->max, entry->unit, more);
    return false;
}

static bool text_valid(const settings_entry_t *entry, const char *text, settings_refusal_t *refusal)
{
    const int32_t length = (int32_t)strnlen(text, SETTINGS_TEXT_MAX + 1);
    if (!(length == 0 && entry->may_be_empty) && (length < entry->min || length > entry->max)) {
        (void)snprintf(refusal->text, sizeof(refusal->text),
                       "%s: the allowed length is %" PRId32 "..%" PRId32 " characters%s", entry->key, entry->min,
                       entry->max, entry->may_be_empty ? ", or none" : "");
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
    return settings_is_text(id) ? text_valid(entry, value->text, refusal) : number_valid(entry, value->number, refusal);
}

/** `size` is that of `to`, which is all zero; the table sees to it that nothing is cut off. */
static void copy_text(char *to, size_t size, const char *from)
{
    memcpy(to, from, strnlen(from, size - 1));
}

victron_identity_t settings_identity(const settings_values_t *values)
{
    victron_identity_t identity = {0};
    copy_text(identity.manufacturer, sizeof(identity.manufacturer), settings_text(values, SETTINGS_ID_MANUFACTURER));
    copy_text(identity.battery_name, sizeof(identity.battery_name), settings_text(values, SETTINGS_ID_BATTERY_NAME));
    copy_text(identity.family, sizeof(identity.family), settings_text(values, SETTINGS_ID_FAMILY));
    return identity;
}

/** Two numbers of which the first is the lower one. 0 in one that the BMS decides is no number. */
typedef struct {
    settings_id_t low;
    settings_id_t high;
    bool may_be_equal;
} order_t;

static const order_t s_orders[] = {
    {SETTINGS_FLOAT_CELL_MV, SETTINGS_CHARGE_CELL_MV, true},   {SETTINGS_ABSORB_TIME_S, SETTINGS_ABSORB_MAX_S, true},
    {SETTINGS_ABSORB_DIFF_MV, SETTINGS_CHARGE_KNEE_MV, false}, {SETTINGS_TEMP_STOP_K, SETTINGS_TEMP_HOT_K, false},
    {SETTINGS_DIFF_WARN_MV, SETTINGS_DIFF_ALARM_MV, false},    {SETTINGS_HYST_CELL_MV, SETTINGS_DIFF_WARN_MV, false},
};

static bool in_order(const settings_values_t *values, const order_t *order)
{
    const int32_t low = values->number[order->low];
    const int32_t high = values->number[order->high];
    return low < high || (low == high && order->may_be_equal) ||
           (high == 0 && settings_entry(order->high)->zero_means != NULL);
}

/** First pair that is in the wrong order; NULL = there is none. */
static const order_t *find_disorder(const settings_values_t *values)
{
    for (size_t i = 0; i < sizeof(s_orders) / sizeof(s_orders[0]); i++) {
        if (!in_order(values, &s_orders[i])) {
            return &s_orders[i];
        }
    }
    return NULL;
}

static bool names_fit(const settings_values_t *values)
{
    const victron_identity_t identity = settings_identity(values);
    return victron_identity_valid(&identity);
}

bool settings_numbers_fit(const settings_values_t *values)
{
    return find_disorder(values) == NULL;
}

bool settings_fit_together(const settings_values_t *values, settings_refusal_t *refusal)
{
    const order_t *const disorder = find_disorder(values);
    if (disorder != NULL) {
        (void)snprintf(refusal->text, sizeof(refusal->text), "%s: must be %s %s", settings_entry(disorder->low)->key,
                       disorder->may_be_equal ? "at most" : "less than", settings_entry(disorder->high)->key);
        return false;
    }
    if (!names_fit(values)) {
        (void)snprintf(refusal->text, sizeof(refusal->text),
                       "id.*: a battery name longer than 8 characters must begin with the manufacturer, and no name "
                       "may be that of another maker");
        return false;
    }
    return true;
}

static void reset(settings_values_t *values, settings_id_t id)
{
    settings_value_t factory;
    settings_factory(id, &factory);
    settings_set(values, id, &factory);
}

bool settings_repair(settings_values_t *values)
{
    bool repaired = false;
    const order_t *pair = find_disorder(values);
    /* Factory values fit together, so each pass resets at least one setting that was not reset before. */
    for (size_t passes = 0; pair != NULL && passes < SETTINGS_NUMBERS; passes++) {
        reset(values, pair->low);
        reset(values, pair->high);
        repaired = true;
        pair = find_disorder(values);
    }
    assert(pair == NULL);
    if (!names_fit(values)) {
        reset(values, SETTINGS_ID_MANUFACTURER);
        reset(values, SETTINGS_ID_BATTERY_NAME);
        reset(values, SETTINGS_ID_FAMILY);
        repaired = true;
    }
    return repaired;
}
