/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** What json_reader finds in a text, as JSON: an array of [token, key, text, scaled integer, offset]. */
#include <string.h>

#include "json_reader.h"
#include "json_stream.h"

/** @param text with one byte of room behind it. @return length of what was written; 0 = it did not fit */
size_t tinybms_pure_json_tokens(char *text, size_t length, unsigned digits, char *to, size_t size);

static void write_token(json_stream_t *json, const json_reader_t *reader, json_token_t token, unsigned digits)
{
    static const char *const names[] = {"error",  "end",    "object", "array", "close",
                                        "string", "number", "true",   "false", "null"};
    int64_t value = 0;
    const bool known = json_scaled(reader, digits, &value);
    json_array(json, NULL);
    json_text(json, NULL, names[token]);
    json_utf8(json, NULL, reader->key);
    json_utf8(json, NULL, reader->text);
    json_int_or_null(json, NULL, known, value);
    json_int(json, NULL, (int64_t)json_reader_error_at(reader));
    json_close(json);
}

size_t tinybms_pure_json_tokens(char *text, size_t length, unsigned digits, char *to, size_t size)
{
    json_reader_t reader;
    json_stream_t json;
    json_token_t token = JSON_ERROR;
    json_reader_init(&reader, text, length);
    json_stream_init(&json, to, size, NULL, NULL);
    json_array(&json, NULL);
    do {
        token = json_next(&reader);
        write_token(&json, &reader, token, digits);
    } while (token != JSON_ERROR && token != JSON_END);
    json_close(&json);
    return json_stream_end(&json) ? strlen(to) : 0;
}
