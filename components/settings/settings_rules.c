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

/** Whether a text has only characters for which `allowed` is true. */
static bool only(const char *text, bool (*allowed)(char character))
{
    while (*text != '\0' && allowed(*text)) {
        text++;
    }
    return *text == '\0';
}

static bool printable(char character)
{
    return character >= ' ' && character <= '~';
}

static bool printable_or_line_end(char character)
{
    return printable(character) || character == '\n' || character == '\r';
}

static bool letter_or_digit(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9');
}

/* ---- texts with a form of their own; the patterns in the table say the same ---- */

static bool is_device(const char *text)
{
    const char *const start = text;
    while (letter_or_digit(*text) || (*text == '-' && text != start)) {
        text++;
    }
    return *text == '\0' && text[-1] != '-';
}

/** Names between commas; neither end of a name is a hyphen or a dot. */
static bool is_hosts(const char *text)
{
    bool in_name = false;
    for (char last = ','; *text != '\0'; last = *text++) {
        if (*text != ',' && !letter_or_digit(*text) && *text != '-' && *text != '.') {
            return false;
        }
        in_name = letter_or_digit(*text);
        if (!in_name && !letter_or_digit(last) && (*text == ',' || last == ',')) {
            return false;
        }
    }
    return in_name;
}

/** Behind the host: nothing, or ":PORT", and a slash. */
static bool is_end_of_url(const char *text)
{
    if (*text == ':') {
        uint32_t port = 0;
        const char *const digits = ++text;
        for (; *text >= '0' && *text <= '9' && port <= UINT16_MAX; text++) {
            port = 10 * port + (uint32_t)(*text - '0');
        }
        if (*digits == '0' || port == 0 || port > UINT16_MAX) {
            return false;
        }
    }
    return *text == '\0' || strcmp(text, "/") == 0;
}

/** No user, no password: a URL is shown to whoever may read settings. */
static bool is_mqtt_url(const char *text)
{
    static const char plain[] = "mqtt://";
    static const char tls[] = "mqtts://";
    size_t length = 0;
    if (strncmp(text, plain, strlen(plain)) == 0) {
        text += strlen(plain);
    } else if (strncmp(text, tls, strlen(tls)) == 0) {
        text += strlen(tls);
    } else {
        return false;
    }
    if (*text == '[') {
        length = strspn(++text, "0123456789abcdefABCDEF:.");
        return length > 0 && text[length] == ']' && is_end_of_url(&text[length + 1]);
    }
    while (letter_or_digit(text[length]) || (text[length] != '\0' && strchr("._-", text[length]) != NULL)) {
        length++;
    }
    return length > 0 && is_end_of_url(&text[length]);
}

static bool is_certificate(const char *text)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    return strncmp(text, begin, strlen(begin)) == 0;
}

static const struct {
    settings_id_t id;
    bool (*is)(const char *text); /**< never called with an empty text */
    const char *must_be;
} s_forms[] = {
    {SETTINGS_NET_DEVICE, is_device, "letters, digits and hyphens, no hyphen at either end"},
    {SETTINGS_WEB_HOSTS, is_hosts, "host names of letters, digits, hyphens and dots, commas between, no ports"},
    {SETTINGS_MQTT_URL, is_mqtt_url, "mqtt://HOST:PORT or mqtts://HOST:PORT, without user and password"},
    {SETTINGS_MQTT_CA, is_certificate, "a certificate in PEM: -----BEGIN CERTIFICATE-----"},
};

static bool form_valid(settings_id_t id, const char *text, settings_refusal_t *refusal)
{
    for (size_t i = 0; i < sizeof(s_forms) / sizeof(s_forms[0]); i++) {
        if (s_forms[i].id == id && *text != '\0' && !s_forms[i].is(text)) {
            (void)snprintf(refusal->text, sizeof(refusal->text), "%s: must be %s", settings_entry(id)->key,
                           s_forms[i].must_be);
            return false;
        }
    }
    return true;
}

/* ---- one value ---- */

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

static bool length_valid(const settings_entry_t *entry, int32_t length)
{
    return (length == 0 && entry->may_be_empty) || (length >= entry->min && length <= entry->max);
}

static bool text_valid(settings_id_t id, const char *text, settings_refusal_t *refusal)
{
    const settings_entry_t *const entry = settings_entry(id);
    if (text == NULL || !length_valid(entry, (int32_t)strnlen(text, (size_t)entry->max + 1))) {
        (void)snprintf(refusal->text, sizeof(refusal->text),
                       "%s: the allowed length is %" PRId32 "..%" PRId32 " characters%s", entry->key, entry->min,
                       entry->max, entry->may_be_empty ? ", or none" : "");
        return false;
    }
    if (!only(text, settings_is_long(id) ? printable_or_line_end : printable)) {
        (void)snprintf(refusal->text, sizeof(refusal->text), "%s: only printable ASCII characters%s", entry->key,
                       settings_is_long(id) ? " and line ends" : "");
        return false;
    }
    return form_valid(id, text, refusal);
}

bool settings_value_valid(settings_id_t id, const settings_value_t *value, settings_refusal_t *refusal)
{
    refusal->id = id;
    refusal->other = SETTINGS_COUNT;
    return settings_is_number(id) ? number_valid(settings_entry(id), value->number, refusal)
                                  : text_valid(id, value->text, refusal);
}

/* ---- values together ---- */

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

/** Pair that is in the wrong order, from 0; NULL = there is none. */
static const order_t *find_disorder(const settings_values_t *values, size_t index)
{
    for (size_t i = 0; i < sizeof(s_orders) / sizeof(s_orders[0]); i++) {
        if (!in_order(values, &s_orders[i]) && index-- == 0) {
            return &s_orders[i];
        }
    }
    return NULL;
}

static size_t disorders(const settings_values_t *values)
{
    size_t count = 0;
    while (find_disorder(values, count) != NULL) {
        count++;
    }
    return count;
}

static bool names_fit(const settings_values_t *values)
{
    const victron_identity_t identity = settings_identity(values);
    return victron_identity_valid(&identity);
}

bool settings_numbers_fit(const settings_values_t *values)
{
    return find_disorder(values, 0) == NULL;
}

bool settings_misfit(const settings_values_t *values, size_t index, settings_refusal_t *refusal)
{
    const order_t *const disorder = find_disorder(values, index);
    if (disorder != NULL) {
        refusal->id = disorder->low;
        refusal->other = disorder->high;
        (void)snprintf(refusal->text, sizeof(refusal->text), "%s: must be %s %s", settings_entry(disorder->low)->key,
                       disorder->may_be_equal ? "at most" : "less than", settings_entry(disorder->high)->key);
        return true;
    }
    if (!names_fit(values) && index == disorders(values)) {
        refusal->id = SETTINGS_ID_BATTERY_NAME;
        refusal->other = SETTINGS_ID_MANUFACTURER;
        (void)snprintf(refusal->text, sizeof(refusal->text),
                       "id.*: a battery name longer than 8 characters must begin with the manufacturer, and no name "
                       "may be that of another maker");
        return true;
    }
    return false;
}

bool settings_fit_together(const settings_values_t *values, settings_refusal_t *refusal)
{
    return !settings_misfit(values, 0, refusal);
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
    const order_t *pair = find_disorder(values, 0);
    /* Factory values fit together, so each pass resets at least one setting that was not reset before. */
    for (size_t passes = 0; pair != NULL && passes < SETTINGS_NUMBERS; passes++) {
        reset(values, pair->low);
        reset(values, pair->high);
        repaired = true;
        pair = find_disorder(values, 0);
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
