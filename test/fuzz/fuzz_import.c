/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * A document of settings through reader and rules: as an import, and as an object of settings. The input is the
 * document. What is wanted is allowed, once each, and comes back from an export of it; what is wrong is told as JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "json_reader.h"
#include "settings_input.h"
#include "settings_json.h"

#define ROOM        2048
#define EXPORT_ROOM (64U * 1024U)

static settings_input_t s_input;
static settings_input_t s_again;
static settings_values_t s_saved;
static settings_values_t s_next;
static settings_values_t s_next_again;
static char s_told[ROOM + 1];
static char s_export[EXPORT_ROOM];

typedef bool (*reader_t)(settings_input_t *input, char *body, size_t length);

static bool is_json(char *text, size_t length)
{
    json_reader_t json;
    json_reader_init(&json, text, length);
    json_token_t token = json_next(&json);
    while (token != JSON_ERROR && token != JSON_END) {
        token = json_next(&json);
    }
    return token == JSON_END;
}

static void check_changes(const char *body, size_t size)
{
    settings_refusal_t refusal;
    fuzz_check(s_input.count <= SETTINGS_COUNT, "no more changes than settings");
    for (size_t i = 0; i < s_input.count; i++) {
        const settings_change_t *const change = &s_input.changes[i];
        fuzz_check(settings_value_valid(change->id, &change->value, &refusal), "what is wanted is allowed");
        fuzz_check(settings_is_number(change->id) || (change->value.text > body && change->value.text < &body[size]),
                   "a text is in the body");
        for (size_t j = 0; j < i; j++) {
            fuzz_check(s_input.changes[j].id != change->id, "each setting once");
        }
    }
}

static void check_problems(size_t room)
{
    json_stream_t json;
    json_stream_init(&json, s_told, sizeof(s_told), NULL, NULL);
    json_array(&json, NULL);
    settings_input_write_problems(&s_input, &json, room);
    json_close(&json);
    fuzz_check(json_stream_end(&json), "the problems that are told fit");
    const size_t length = json_stream_length(&json);
    fuzz_check(length <= room + 1 || length == 2, "the problems stay in their room");
    fuzz_check(s_input.problem_count == 0 || room < ROOM - 2 || length > 2, "a problem is told");
    fuzz_check(is_json(s_told, length), "problems are told as JSON");
}

static const char *long_text_of(const settings_input_t *input)
{
    for (size_t i = 0; i < input->count; i++) {
        if (settings_is_long(input->changes[i].id)) {
            return input->changes[i].value.text;
        }
    }
    return "";
}

/** What was accepted is exported, imported over the same, and changes nothing then. */
static void check_export(void)
{
    json_stream_t json;
    const settings_export_t contents = {
        .device = "house", .firmware = "1", .saved = &s_next, .long_texts = {long_text_of(&s_input)}, .secrets = true};
    json_stream_init(&json, s_export, sizeof(s_export), NULL, NULL);
    settings_write_export(&json, &contents);
    fuzz_check(json_stream_end(&json), "an export has room");
    fuzz_check(settings_input_read_export(&s_again, s_export, json_stream_length(&json)), "an export is JSON");
    settings_input_fit(&s_again, &s_next, &s_next_again);
    fuzz_check(s_again.problem_count == 0 && s_again.count == SETTINGS_COUNT, "an export can be imported");
    for (size_t i = 0; i < s_input.count; i++) {
        const settings_change_t *const wanted = &s_input.changes[i];
        const settings_change_t *const found = &s_again.changes[wanted->id]; /* an export goes by the table */
        fuzz_check(found->id == wanted->id, "an export has every setting in its order");
        fuzz_check(settings_is_number(wanted->id) ? found->value.number == wanted->value.number
                                                  : strcmp(found->value.text, wanted->value.text) == 0,
                   "what was imported is exported");
    }
}

static void check(reader_t read, const uint8_t *data, size_t size)
{
    /* Exactly as long as it is, and one byte. */
    char *const body = malloc(size + 1);
    char *const plain = malloc(size + 1);
    if (body != NULL && plain != NULL) {
        if (size > 0) {
            memcpy(body, data, size);
            memcpy(plain, data, size);
        }
        const bool good = read(&s_input, body, size);
        fuzz_check(good == is_json(plain, size), "JSON is read, and nothing else");
        fuzz_check(good || s_input.error_at <= size, "an error is inside");
        if (good) {
            settings_input_fit(&s_input, &s_saved, &s_next);
            check_changes(body, size);
            check_problems(ROOM - 2);
            check_problems(size % ROOM);
        }
        if (good && s_input.problem_count == 0) {
            check_export();
        }
    }
    free(body);
    free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    settings_factory_all(&s_saved);
    check(settings_input_read, data, size);
    check(settings_input_read_export, data, size);
    return 0;
}
