/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * A text through the JSON reader. The input is the text. Whether it is JSON is decided here once more, by recursion
 * along the grammar of RFC 8259, without a look at components/; and what was read is written by json_stream and read
 * again.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "json_reader.h"
#include "json_stream.h"

#define LEVELS 8

/* ---- the grammar ---- */

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} grammar_t;

static bool is_value(grammar_t *text, int levels);

static int next(const grammar_t *text)
{
    return text->at < text->end ? *text->at : -1;
}

static bool is_one_of(grammar_t *text, const char *bytes)
{
    const int byte = next(text);
    if (byte <= 0 || strchr(bytes, byte) == NULL) {
        return false;
    }
    text->at++;
    return true;
}

static void space(grammar_t *text)
{
    while (is_one_of(text, " \t\n\r")) {
    }
}

static bool is_digits(grammar_t *text)
{
    bool any = false;
    while (is_one_of(text, "0123456789")) {
        any = true;
    }
    return any;
}

static bool is_number(grammar_t *text)
{
    (void)is_one_of(text, "-");
    if (!is_one_of(text, "0") && !is_digits(text)) {
        return false;
    }
    if (is_one_of(text, ".") && !is_digits(text)) {
        return false;
    }
    if (is_one_of(text, "eE")) {
        (void)is_one_of(text, "+-");
        return is_digits(text);
    }
    return true;
}

/** By the code point, unlike the reader, which goes by the bytes. */
static bool is_utf8(grammar_t *text)
{
    const int lead = next(text);
    const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    static const uint32_t lowest[] = {0, 0x80, 0x800, 0x10000};
    if (lead < 0xC0 || lead > 0xF7) {
        return false;
    }
    uint32_t code = (uint32_t)lead & (0x3FU >> more);
    text->at++;
    for (int i = 0; i < more; i++, text->at++) {
        if (next(text) < 0x80 || next(text) > 0xBF) {
            return false;
        }
        code = code << 6 | (uint32_t)(next(text) & 0x3F);
    }
    return code >= lowest[more] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

/** Four digits; -1 = none. */
static long unit(grammar_t *text)
{
    char digits[5] = "";
    for (int i = 0; i < 4; i++) {
        digits[i] = (char)(next(text) > 0 ? next(text) : ' ');
        if (!is_one_of(text, "0123456789abcdefABCDEF")) {
            return -1;
        }
    }
    return strtol(digits, NULL, 16);
}

static bool is_escape(grammar_t *text)
{
    if (is_one_of(text, "\"\\/bfnrt")) {
        return true;
    }
    if (!is_one_of(text, "u")) {
        return false;
    }
    const long code = unit(text);
    if (code >= 0xD800 && code < 0xDC00) {
        const bool pair = is_one_of(text, "\\") && is_one_of(text, "u");
        const long low = pair ? unit(text) : -1;
        return low >= 0xDC00 && low < 0xE000;
    }
    return code > 0 && (code < 0xDC00 || code >= 0xE000);
}

static bool is_string(grammar_t *text)
{
    if (!is_one_of(text, "\"")) {
        return false;
    }
    while (!is_one_of(text, "\"")) {
        bool good = next(text) >= 0x20;
        if (next(text) >= 0x80) {
            good = is_utf8(text);
        } else if (is_one_of(text, "\\")) {
            good = is_escape(text);
        } else if (good) {
            text->at++;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool is_members(grammar_t *text, int levels, bool object)
{
    const char *const close = object ? "}" : "]";
    space(text);
    if (is_one_of(text, close)) {
        return true;
    }
    do {
        space(text);
        if (object) {
            if (!is_string(text)) {
                return false;
            }
            space(text);
            if (!is_one_of(text, ":")) {
                return false;
            }
        }
        if (!is_value(text, levels)) {
            return false;
        }
        space(text);
    } while (is_one_of(text, ","));
    return is_one_of(text, close);
}

static bool is_word(grammar_t *text, const char *word)
{
    const size_t length = strlen(word);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0) {
        return false;
    }
    text->at += length;
    return true;
}

static bool is_value(grammar_t *text, int levels)
{
    space(text);
    if (is_one_of(text, "{")) {
        return levels > 0 && is_members(text, levels - 1, true);
    }
    if (is_one_of(text, "[")) {
        return levels > 0 && is_members(text, levels - 1, false);
    }
    if (next(text) == '"') {
        return is_string(text);
    }
    return is_word(text, "true") || is_word(text, "false") || is_word(text, "null") || is_number(text);
}

static bool is_json(const uint8_t *data, size_t size)
{
    grammar_t text = {.at = data, .end = &data[size]};
    if (!is_value(&text, LEVELS)) {
        return false;
    }
    space(&text);
    return text.at == text.end;
}

/* ---- the reader ---- */

/** Exactly as long as it is, and one byte. */
static char *copy_of(const uint8_t *data, size_t size)
{
    char *const text = malloc(size + 1);
    if (text != NULL && size > 0) {
        memcpy(text, data, size);
    }
    if (text != NULL) {
        text[size] = 'x';
    }
    return text;
}

static void check_inside(const json_reader_t *reader, const char *part)
{
    fuzz_check(part >= reader->bytes && part <= &reader->bytes[reader->length] &&
                   memchr(part, '\0', (size_t)(&reader->bytes[reader->length + 1] - part)) != NULL,
               "a text stays inside, and ends there");
}

static void write_number(json_stream_t *json, const json_reader_t *reader)
{
    int64_t value = 0;
    if (json_integer(reader, &value)) {
        json_int(json, NULL, value);
    } else {
        json_utf8(json, NULL, reader->text);
    }
}

/** Keys and values, one behind the other. @return the last token */
static json_token_t read_all(char *text, size_t size, json_stream_t *json)
{
    json_reader_t reader;
    json_token_t token = JSON_ERROR;
    json_reader_init(&reader, text, size);
    do {
        token = json_next(&reader);
        if (reader.key != NULL) {
            check_inside(&reader, reader.key);
            json_utf8(json, NULL, reader.key);
        }
        if (reader.text != NULL) {
            check_inside(&reader, reader.text);
        }
        if (token == JSON_NUMBER) {
            write_number(json, &reader);
        } else if (token == JSON_STRING) {
            json_utf8(json, NULL, reader.text);
        } else {
            fuzz_check(reader.text == NULL, "only strings and numbers have a text");
        }
        fuzz_check(json_reader_error_at(&reader) <= size, "reading stays inside");
    } while (token != JSON_ERROR && token != JSON_END);
    fuzz_check(json_next(&reader) == token, "an end stays");
    return token;
}

static void begin(json_stream_t *json, char *buffer, size_t size)
{
    json_stream_init(json, buffer, size, NULL, NULL);
    json_array(json, NULL);
}

static size_t end(json_stream_t *json)
{
    json_close(json);
    fuzz_check(json_stream_end(json), "what was read can be written");
    return json_stream_length(json);
}

/** What the parts of the text are, written; and read and written again. */
static void check_again(const char *first, size_t length, char *again, size_t size)
{
    json_stream_t json;
    char *const text = copy_of((const uint8_t *)first, length);
    if (text == NULL) {
        return;
    }
    begin(&json, again, size);
    fuzz_check(read_all(text, length, &json) == JSON_END, "what json_stream writes is JSON");
    fuzz_check(end(&json) == length && memcmp(first, again, length) == 0, "what was written is read as it was");
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t room = 8 * size + 64; /* an escaped byte is 6, and a number may be longer in full */
    char *const text = copy_of(data, size);
    char *const first = malloc(room + 20 * size);
    char *const again = malloc(room + 20 * size);
    json_stream_t json;
    if (text != NULL && first != NULL && again != NULL) {
        begin(&json, first, room + 20 * size);
        const json_token_t last = read_all(text, size, &json);
        fuzz_check((last == JSON_END) == is_json(data, size), "what is JSON is accepted, and nothing else");
        check_again(first, end(&json), again, room + 20 * size);
    }
    free(text);
    free(first);
    free(again);
    return 0;
}
