/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * From JSON to changes of settings. A problem holds what its sentence is made from, so that many of them cost little
 * memory until they are told.
 */
#include "settings_input.h"

#include <stdio.h>
#include <string.h>

#include "json_reader.h"
#include "tinybms_crc.h"

#define PATH_SIZE    72  /**< a key of a setting is shorter; what a hostile client calls its keys is cut */
#define MESSAGE_SIZE 152 /**< a refusal, and what a fraction adds to it */

/* ---- problems ---- */

static void add_problem(settings_input_t *input, const settings_problem_t *problem)
{
    if (input->problem_count < SETTINGS_PROBLEMS_MAX) {
        input->problems[input->problem_count++] = *problem;
    }
}

static void add_document_problem(settings_input_t *input, const char *key, const char *message)
{
    add_problem(input, &(settings_problem_t){
                           .kind = SETTINGS_PROBLEM_DOCUMENT, .key = key, .message = message, .id = SETTINGS_COUNT});
}

/* ---- one setting ---- */

/** Whether there was one already, good or bad. */
static bool is_there(const settings_input_t *input, settings_id_t id)
{
    for (size_t i = 0; i < input->count; i++) {
        if (input->changes[i].id == id) {
            return true;
        }
    }
    for (size_t i = 0; i < input->problem_count; i++) {
        if (input->problems[i].id == id) {
            return true;
        }
    }
    return false;
}

static void read_number(settings_input_t *input, const json_reader_t *json, settings_problem_t *problem)
{
    int64_t number = 0;
    settings_refusal_t refusal;
    if (!json_integer(json, &number)) {
        problem->kind = SETTINGS_PROBLEM_NOT_WHOLE;
        problem->value.number = INT32_MIN; /* of no setting */
        add_problem(input, problem);
        return;
    }
    problem->kind = SETTINGS_PROBLEM_VALUE;
    problem->value.number = number >= INT32_MIN && number <= INT32_MAX ? (int32_t)number : INT32_MIN;
    if (settings_value_valid(problem->id, &problem->value, &refusal)) {
        input->changes[input->count++] = (settings_change_t){.id = problem->id, .value = problem->value};
    } else {
        add_problem(input, problem);
    }
}

static void read_text(settings_input_t *input, const json_reader_t *json, settings_problem_t *problem)
{
    settings_refusal_t refusal;
    problem->kind = SETTINGS_PROBLEM_VALUE;
    problem->value.text = json->text;
    if (settings_value_valid(problem->id, &problem->value, &refusal)) {
        input->changes[input->count++] = (settings_change_t){.id = problem->id, .value = problem->value};
    } else {
        add_problem(input, problem);
    }
}

static void read_setting(settings_input_t *input, const json_reader_t *json, json_token_t token)
{
    const settings_id_t id = settings_find(json->key);
    settings_problem_t problem = {.kind = SETTINGS_PROBLEM_SETTING, .key = json->key, .id = id};
    if (id == SETTINGS_COUNT) {
        problem.message = "there is no such setting";
        add_problem(input, &problem);
    } else if (is_there(input, id)) {
        problem.message = "this setting is there twice";
        add_problem(input, &problem);
    } else if (settings_is_number(id) && token == JSON_NUMBER) {
        read_number(input, json, &problem);
    } else if (!settings_is_number(id) && token == JSON_STRING) {
        read_text(input, json, &problem);
    } else {
        problem.message = settings_is_number(id) ? "must be a number" : "must be a text";
        add_problem(input, &problem);
    }
}

/** Of the object that was opened last. */
static void read_settings(settings_input_t *input, json_reader_t *json)
{
    for (json_token_t token = json_next(json); token != JSON_CLOSE && token != JSON_ERROR; token = json_next(json)) {
        read_setting(input, json, token);
        if (!json_skip(json)) {
            return;
        }
    }
}

/* ---- documents ---- */

static void begin(settings_input_t *input, json_reader_t *json, char *body, size_t length, const char *parent)
{
    memset(input, 0, sizeof(*input));
    input->parent = parent;
    json_reader_init(json, body, length);
}

/** Behind the value: nothing may follow. */
static bool ended(settings_input_t *input, json_reader_t *json)
{
    input->error_at = json_reader_error_at(json);
    const json_token_t token = json_next(json);
    if (token != JSON_END) {
        input->error_at = json_reader_error_at(json);
    }
    return token == JSON_END;
}

bool settings_input_read(settings_input_t *input, char *body, size_t length)
{
    json_reader_t json;
    begin(input, &json, body, length, "");
    if (json_next(&json) == JSON_OBJECT) {
        read_settings(input, &json);
    } else {
        add_document_problem(input, NULL, "must be an object with settings");
        (void)json_skip(&json);
    }
    return ended(input, &json);
}

/** The members of an export that count, in the order of their bits. */
static const char *const s_members[] = {"format", "version", "settings"};

#define MEMBERS (sizeof(s_members) / sizeof(s_members[0]))

static void read_member(settings_input_t *input, json_reader_t *json, json_token_t token, size_t member)
{
    int64_t version = 0;
    switch (member) {
    case 0:
        if (token != JSON_STRING || strcmp(json->text, SETTINGS_EXPORT_FORMAT) != 0) {
            add_document_problem(input, s_members[member], "must be \"" SETTINGS_EXPORT_FORMAT "\"");
        }
        break;
    case 1:
        if (!json_integer(json, &version) || version != SETTINGS_EXPORT_VERSION) {
            add_document_problem(input, s_members[member], "this firmware knows version 1 only");
        }
        break;
    default:
        if (token == JSON_OBJECT) {
            read_settings(input, json);
        } else {
            add_document_problem(input, s_members[member], "must be an object with settings");
        }
        break;
    }
}

static size_t member_of(const char *key)
{
    size_t member = 0;
    while (member < MEMBERS && strcmp(s_members[member], key) != 0) {
        member++;
    }
    return member;
}

static void read_members(settings_input_t *input, json_reader_t *json)
{
    bool there[MEMBERS] = {false};
    for (json_token_t token = json_next(json); token != JSON_CLOSE; token = json_next(json)) {
        if (token == JSON_ERROR) {
            return;
        }
        const size_t member = member_of(json->key);
        if (member < MEMBERS && there[member]) {
            add_document_problem(input, s_members[member], "is there twice");
        } else if (member < MEMBERS) {
            there[member] = true;
            read_member(input, json, token, member);
        }
        /* read_settings() leaves nothing of its object. */
        if (json->token != JSON_CLOSE && !json_skip(json)) {
            return;
        }
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        if (!there[i]) {
            add_document_problem(input, s_members[i], "is missing");
        }
    }
}

bool settings_input_read_export(settings_input_t *input, char *body, size_t length)
{
    json_reader_t json;
    begin(input, &json, body, length, "/settings");
    if (json_next(&json) == JSON_OBJECT) {
        read_members(input, &json);
    } else {
        add_document_problem(input, NULL, "must be an export of settings");
        (void)json_skip(&json);
    }
    return ended(input, &json);
}

/* ---- together with what is saved ---- */

static bool is_changed(const settings_input_t *input, settings_id_t id)
{
    size_t i = 0;
    while (i < input->count && input->changes[i].id != id) {
        i++;
    }
    return i < input->count;
}

void settings_input_fit(settings_input_t *input, const settings_values_t *saved, settings_values_t *next)
{
    settings_refusal_t refusal;
    if (input->problem_count > 0) {
        return;
    }
    *next = *saved;
    for (size_t i = 0; i < input->count; i++) {
        settings_set(next, input->changes[i].id, &input->changes[i].value);
    }
    input->next = next;
    for (size_t i = 0; settings_misfit(next, i, &refusal); i++) {
        const settings_id_t id = is_changed(input, refusal.id) ? refusal.id : refusal.other;
        add_problem(input, &(settings_problem_t){.kind = SETTINGS_PROBLEM_MISFIT,
                                                 .key = settings_entry(id)->key,
                                                 .id = id,
                                                 .value = {.number = (int32_t)i}});
    }
}

static bool is_same(const settings_change_t *change, const settings_values_t *saved)
{
    const settings_value_t old = settings_get(saved, change->id);
    if (settings_is_number(change->id)) {
        return change->value.number == old.number;
    }
    if (settings_is_text(change->id)) {
        return strcmp(change->value.text, old.text) == 0;
    }
    const size_t length = strlen(change->value.text);
    const settings_apart_t *const apart = &saved->apart[change->id - SETTINGS_APART];
    return length == apart->length && tinybms_crc32((const uint8_t *)change->value.text, length) == apart->crc32;
}

void settings_input_drop_same(settings_input_t *input, const settings_values_t *saved, bool secrets)
{
    size_t kept = 0;
    for (size_t i = 0; i < input->count; i++) {
        const settings_change_t change = input->changes[i];
        if ((settings_entry(change.id)->secret && !secrets) || !is_same(&change, saved)) {
            input->changes[kept++] = change;
        }
    }
    input->count = kept;
}

/* ---- telling ---- */

/** A member of a JSON pointer (RFC 6901); a character of UTF-8 is there as a whole or not at all. */
static void add_to_path(char *path, const char *key)
{
    size_t length = strlen(path);
    path[length++] = '/';
    while (*key != '\0') {
        size_t bytes = 1;
        while (((uint8_t)key[bytes] & 0xC0) == 0x80) {
            bytes++;
        }
        if (length + bytes + sizeof("...") > PATH_SIZE - 1) {
            memcpy(&path[length], "...", 3);
            length += 3;
            break;
        }
        if (*key == '~' || *key == '/') {
            path[length++] = '~';
            path[length++] = *key == '~' ? '0' : '1';
        } else {
            memcpy(&path[length], key, bytes);
            length += bytes;
        }
        key += bytes;
    }
    path[length] = '\0';
}

static void write_path(const settings_input_t *input, const settings_problem_t *problem, char *path)
{
    const bool inside = problem->kind != SETTINGS_PROBLEM_DOCUMENT;
    (void)snprintf(path, PATH_SIZE, "%s", inside ? input->parent : "");
    if (problem->key != NULL) {
        add_to_path(path, problem->key);
    }
}

static void write_message(const settings_input_t *input, const settings_problem_t *problem, char *message)
{
    settings_refusal_t refusal = {.text = ""};
    const bool whole = problem->kind == SETTINGS_PROBLEM_NOT_WHOLE;
    if (problem->kind == SETTINGS_PROBLEM_VALUE || whole) {
        (void)settings_value_valid(problem->id, &problem->value, &refusal);
    } else if (problem->kind == SETTINGS_PROBLEM_MISFIT) {
        (void)settings_misfit(input->next, (size_t)problem->value.number, &refusal);
    }
    (void)snprintf(message, MESSAGE_SIZE, "%s%s", problem->message == NULL ? refusal.text : problem->message,
                   whole ? ", whole numbers only" : "");
}

static size_t escaped_length(const char *text)
{
    size_t length = 2; /* the quotes */
    for (; *text != '\0'; text++) {
        const bool quoted = *text == '"' || *text == '\\';
        const bool control = (uint8_t)*text < ' ' || *text == '\x7F';
        length += control ? sizeof("\\u0000") - 1 : quoted ? 2 : 1;
    }
    return length;
}

void settings_input_write_problems(const settings_input_t *input, json_stream_t *json, size_t room)
{
    char path[PATH_SIZE];
    char message[MESSAGE_SIZE];
    for (size_t i = 0; i < input->problem_count; i++) {
        write_path(input, &input->problems[i], path);
        write_message(input, &input->problems[i], message);
        const size_t length = sizeof(",{\"path\":,\"message\":}") - 1 + escaped_length(path) + escaped_length(message);
        if (json_stream_length(json) + length > room) {
            return;
        }
        json_object(json, NULL);
        json_utf8(json, "path", path);
        json_utf8(json, "message", message);
        json_close(json);
    }
}
