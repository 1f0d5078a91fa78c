/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Registers of the BMS in JSON: the names, decimals and errors of the bodies that plan and write them. */
#include "web_registers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json_reader.h"
#include "tinybms_addresses.h"

#define PATH_MAX_LENGTH 95
#define MESSAGE_MAX     95
#define NAME_MAX_LENGTH 40 /**< of a register: longer than any that there is */
#define NANO_DIGITS     9U
#define NO_VALUE        INT64_MIN /**< no number of 1e-9 units fits */
#define PROFILE_FORMAT  "tinybms-bms-profile"
#define PROFILE_VERSION 1

/** A body that is being read. */
typedef struct {
    json_reader_t json;
    web_complain_t complain;
    void *context;
    tinybms_write_request_t *requests;
    size_t count;
    bool invalid;
    bool bad; /**< no JSON */
} body_t;

static void complain(body_t *body, const char *path, const char *message)
{
    body->invalid = true;
    if (body->complain != NULL) {
        body->complain(body->context, path, message);
    }
}

/** Passes over what json_next() has just begun. */
static void pass_over(body_t *body, json_token_t token)
{
    if (token == JSON_ERROR || ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(&body->json))) {
        body->bad = true;
    }
}

/** The next member or element. False: the end of the object or array, or of what is JSON. */
static bool next(body_t *body, json_token_t *token)
{
    *token = body->bad ? JSON_ERROR : json_next(&body->json);
    body->bad = body->bad || *token == JSON_ERROR || *token == JSON_END;
    return !body->bad && *token != JSON_CLOSE;
}

/** The path to a member of an object. A long or strange key is not repeated. */
static const char *path_to(const char *object, const char *key, char path[PATH_MAX_LENGTH + 1])
{
    size_t used = (size_t)snprintf(path, PATH_MAX_LENGTH + 1, "%s/", object);
    const size_t root = used - 1;
    if (strlen(key) > NAME_MAX_LENGTH) {
        path[root] = '\0';
        return path;
    }
    for (const char *c = key; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~') {
            path[root] = '\0';
            return path;
        }
        if (*c == '~' || *c == '/') {
            path[used++] = '~';
            path[used++] = *c == '~' ? '0' : '1';
        } else {
            path[used++] = *c;
        }
        if (used + 2 > PATH_MAX_LENGTH) {
            path[root] = '\0';
            return path;
        }
    }
    path[used] = '\0';
    return path;
}

/** A number before it is known of which register; one that is too large or too fine is none of any. */
static int64_t nano_of(const body_t *body)
{
    int64_t nano = 0;
    return json_scaled(&body->json, NANO_DIGITS, &nano) ? nano : NO_VALUE;
}

/** A number in the unit of the register; one that is no raw value is told. */
static bool to_raw(body_t *body, const char *path, const tinybms_register_t *entry, int64_t nano, int64_t *raw)
{
    char message[MESSAGE_MAX + 1];
    char step[WEB_VALUE_MAX + 1];
    int32_t factor = 1;
    int64_t unit = 1;
    for (unsigned digits = tinybms_register_digits(entry, &factor); digits < NANO_DIGITS; digits++) {
        unit *= 10;
    }
    unit *= factor; /* of one step of the raw value, in 1e-9 */
    if (nano != NO_VALUE && nano % unit == 0) {
        *raw = nano / unit;
        return true;
    }
    web_plan_value_text(entry, 1, step);
    (void)snprintf(message, sizeof(message), "must be a multiple of %s, and not too large", step);
    complain(body, path, message);
    return false;
}

static bool check(body_t *body, const char *path, const tinybms_write_request_t *request)
{
    char message[MESSAGE_MAX + 1];
    const tinybms_write_result_t result = tinybms_write_check(request);
    if (result.status == TINYBMS_WRITE_PENDING) {
        return true;
    }
    web_plan_explain(request, &result, message, sizeof(message));
    complain(body, path, message);
    return false;
}

/** The setting of that name, if it can be written and has not been named before. */
static const tinybms_register_t *find(body_t *body, const char *path, const char *name)
{
    const tinybms_register_t *const entry = tinybms_register_by_name(name);
    if (entry == NULL || entry->access != TINYBMS_READ_WRITE) {
        complain(body, path, entry == NULL ? "there is no register of this name" : "can only be read");
        return NULL;
    }
    for (size_t i = 0; i < body->count; i++) {
        if (body->requests[i].entry == entry) {
            complain(body, path, "is named twice");
            return NULL;
        }
    }
    return body->count < WEB_WRITABLE_COUNT ? entry : NULL;
}

static web_body_t outcome(body_t *body, size_t *count)
{
    if (!body->bad && json_next(&body->json) != JSON_END) {
        body->bad = true;
    }
    *count = body->count;
    return body->bad ? WEB_BODY_BAD_JSON : body->invalid ? WEB_BODY_INVALID : WEB_BODY_GOOD;
}

static bool begin(body_t *body, char *text, size_t length)
{
    json_reader_init(&body->json, text, length);
    const json_token_t first = json_next(&body->json);
    if (first == JSON_OBJECT) {
        return true;
    }
    pass_over(body, first == JSON_END ? JSON_ERROR : first);
    complain(body, "", "must be an object");
    return false;
}

/* ---- values ---- */

static void take_value(body_t *body, json_token_t token, const uint16_t *settings)
{
    char path[PATH_MAX_LENGTH + 1];
    int64_t raw = 0;
    (void)path_to("/registers", body->json.key, path);
    const tinybms_register_t *const entry = find(body, path, body->json.key);
    if (entry == NULL) {
        pass_over(body, token);
        return;
    }
    if (token != JSON_NUMBER) {
        pass_over(body, token);
        complain(body, path, "must be a number");
        return;
    }
    if (!to_raw(body, path, entry, nano_of(body), &raw)) {
        return;
    }
    const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_SETTING, .entry = entry, .raw = raw};
    const bool has_it = tinybms_register_raw(entry, &settings[entry->address - TINYBMS_SETTINGS_FIRST]) == raw;
    if (has_it || check(body, path, &request)) {
        body->requests[body->count++] = request;
    }
}

static void take_values(body_t *body, json_token_t token, const uint16_t *settings)
{
    if (token != JSON_OBJECT) {
        pass_over(body, token);
        complain(body, "/registers", "must be an object");
        return;
    }
    while (next(body, &token)) {
        take_value(body, token, settings);
    }
}

/** What a profile says of itself, so that no other document is taken for one. */
static void take_about(body_t *body, json_token_t token)
{
    int64_t version = 0;
    if (strcmp(body->json.key, "format") == 0 &&
        (token != JSON_STRING || strcmp(body->json.text, PROFILE_FORMAT) != 0)) {
        complain(body, "/format", "must be " PROFILE_FORMAT);
    } else if (strcmp(body->json.key, "version") == 0 &&
               (token != JSON_NUMBER || !json_integer(&body->json, &version) || version != PROFILE_VERSION)) {
        complain(body, "/version", "this gateway knows version 1");
    }
    pass_over(body, token);
}

web_body_t web_registers_values(char *text, size_t length, const uint16_t settings[TINYBMS_SETTINGS_COUNT],
                                tinybms_write_request_t *requests, size_t *count, web_complain_t complain_to,
                                void *context)
{
    body_t body = {.complain = complain_to, .context = context, .requests = requests};
    json_token_t token = JSON_ERROR;
    bool there = false;
    if (!begin(&body, text, length)) {
        return outcome(&body, count);
    }
    while (next(&body, &token)) {
        if (strcmp(body.json.key, "registers") == 0) {
            there = true;
            take_values(&body, token, settings);
        } else {
            take_about(&body, token);
        }
    }
    if (!there) {
        complain(&body, "", "has no registers");
    }
    return outcome(&body, count);
}

/* ---- changes ---- */

/** One change as it is read: its members come in any order. */
typedef struct {
    const char *name;
    bool has_from;
    bool has_to;
    int64_t from; /**< 1e-9 of the unit */
    int64_t to;
} change_t;

static void take_member(body_t *body, const char *path, json_token_t token, change_t *change)
{
    const char *const key = body->json.key;
    char where[PATH_MAX_LENGTH + 1];
    if (strcmp(key, "name") == 0 && token == JSON_STRING) {
        change->name = body->json.text;
    } else if (strcmp(key, "from") == 0 && token == JSON_NUMBER) {
        change->has_from = true;
        change->from = nano_of(body);
    } else if (strcmp(key, "to") == 0 && token == JSON_NUMBER) {
        change->has_to = true;
        change->to = nano_of(body);
    } else {
        const bool known = strcmp(key, "name") == 0 || strcmp(key, "from") == 0 || strcmp(key, "to") == 0;
        complain(body, path_to(path, key, where),
                 !known                     ? "is not known here"
                 : strcmp(key, "name") == 0 ? "must be a text"
                                            : "must be a number");
        pass_over(body, token);
    }
}

/** A change whose members are all there. */
static void add_change(body_t *body, const char *path, const change_t *change)
{
    char where[PATH_MAX_LENGTH + 1];
    const tinybms_register_t *const entry = find(body, path_to(path, "name", where), change->name);
    tinybms_write_request_t request = {.kind = TINYBMS_WRITE_SETTING, .expects = true, .entry = entry};
    if (entry != NULL && to_raw(body, path_to(path, "from", where), entry, change->from, &request.from) &&
        to_raw(body, path_to(path, "to", where), entry, change->to, &request.raw) &&
        check(body, path_to(path, "to", where), &request)) {
        body->requests[body->count++] = request;
    }
}

static void take_change(body_t *body, json_token_t token, size_t index)
{
    char path[PATH_MAX_LENGTH + 1];
    change_t change = {.name = NULL};
    const bool was_invalid = body->invalid;
    (void)snprintf(path, sizeof(path), "/changes/%u", (unsigned)index);
    if (token != JSON_OBJECT) {
        pass_over(body, token);
        complain(body, path, "must be an object");
        return;
    }
    body->invalid = false;
    while (next(body, &token)) {
        take_member(body, path, token, &change);
    }
    if (!body->bad && !body->invalid) {
        if (change.name != NULL && change.has_from && change.has_to) {
            add_change(body, path, &change);
        } else {
            complain(body, path, "must have name, from and to");
        }
    }
    body->invalid = body->invalid || was_invalid;
}

static void take_changes(body_t *body, json_token_t token)
{
    size_t index = 0;
    if (token != JSON_ARRAY) {
        pass_over(body, token);
        complain(body, "/changes", "must be an array");
        return;
    }
    while (next(body, &token)) {
        take_change(body, token, index++);
    }
    if (index == 0) {
        complain(body, "/changes", "must have one change or more");
    }
}

web_body_t web_registers_changes(char *text, size_t length, tinybms_write_request_t *requests, size_t *count,
                                 web_complain_t complain_to, void *context)
{
    body_t body = {.complain = complain_to, .context = context, .requests = requests};
    char path[PATH_MAX_LENGTH + 1];
    json_token_t token = JSON_ERROR;
    bool has_changes = false;
    bool has_confirm = false;
    bool confirm = false;
    if (!begin(&body, text, length)) {
        return outcome(&body, count);
    }
    while (next(&body, &token)) {
        if (strcmp(body.json.key, "changes") == 0 && !has_changes) {
            has_changes = true;
            take_changes(&body, token);
        } else if (strcmp(body.json.key, "confirm") == 0 && (token == JSON_TRUE || token == JSON_FALSE)) {
            has_confirm = true;
            confirm = token == JSON_TRUE;
        } else {
            complain(&body, path_to("", body.json.key, path),
                     strcmp(body.json.key, "confirm") == 0 ? "must be true or false" : "is not known here");
            pass_over(&body, token);
        }
    }
    if (!body.bad && !body.invalid && !(has_changes && has_confirm)) {
        complain(&body, "", "must have changes and confirm");
    }
    for (size_t i = 0; i < body.count; i++) {
        requests[i].confirmed = confirm;
    }
    return outcome(&body, count);
}

/* ---- back ---- */

void web_register_value(json_stream_t *json, const char *key, const tinybms_register_t *entry, int64_t raw)
{
    int32_t factor = 1;
    const unsigned digits = tinybms_register_digits(entry, &factor);
    json_decimal(json, key, raw * factor, digits);
}

bool web_register_in_profile(const tinybms_register_t *entry)
{
    return entry->access == TINYBMS_READ_WRITE && entry->address != TINYBMS_REG_STATE_OF_HEALTH_SET &&
           entry->address != TINYBMS_REG_STATE_OF_CHARGE_SET;
}
