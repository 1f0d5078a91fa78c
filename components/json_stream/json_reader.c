/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * A state machine over the text: what may come next is one of five things. A text that ends is read as a NUL, which
 * JSON allows nowhere, so that every look ahead stays inside.
 */
#include "json_reader.h"

#include <string.h>

#define POWERS 19 /**< of ten, that a digit of 64 bits can have: 0..18 */

enum {
    VALUE = 0, /**< the only one, at the top */
    FIRST,     /**< a member or element, or the end: behind the opening bracket */
    FURTHER,   /**< a comma and one more, or the end */
    NOTHING,   /**< but white space: the value is complete */
    FAILED,
};

void json_reader_init(json_reader_t *reader, char *text, size_t length)
{
    *reader = (json_reader_t){.bytes = text, .length = length, .expects = VALUE};
}

static char peek(const json_reader_t *reader)
{
    return reader->at < reader->length ? reader->bytes[reader->at] : '\0';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool take(json_reader_t *reader, char byte)
{
    if (peek(reader) != byte) {
        return false;
    }
    reader->at++;
    return true;
}

static void skip_space(json_reader_t *reader)
{
    char byte = peek(reader);
    while (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r') {
        reader->at++;
        byte = peek(reader);
    }
}

/* ---- strings ---- */

/** Moves one character of two bytes or more; UTF-8 as RFC 3629 has it: shortest form, no surrogates. */
static bool take_utf8(json_reader_t *reader, size_t *to)
{
    const uint8_t lead = (uint8_t)peek(reader);
    uint8_t low = 0x80; /* of the second byte */
    uint8_t high = 0xBF;
    unsigned more = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        more = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        more = 2;
        low = lead == 0xE0 ? 0xA0 : low;
        high = lead == 0xED ? 0x9F : high;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        more = 3;
        low = lead == 0xF0 ? 0x90 : low;
        high = lead == 0xF4 ? 0x8F : high;
    } else {
        return false;
    }
    reader->bytes[(*to)++] = reader->bytes[reader->at++];
    for (; more > 0; more--) {
        const uint8_t byte = (uint8_t)peek(reader);
        if (byte < low || byte > high) {
            return false;
        }
        reader->bytes[(*to)++] = reader->bytes[reader->at++];
        low = 0x80;
        high = 0xBF;
    }
    return true;
}

/** The four digits behind \u. */
static bool take_hex(json_reader_t *reader, uint32_t *code)
{
    *code = 0;
    for (unsigned i = 0; i < 4; i++) {
        const char byte = peek(reader);
        uint32_t digit = 0;
        if (is_digit(byte)) {
            digit = (uint32_t)(byte - '0');
        } else if (byte >= 'a' && byte <= 'f') {
            digit = (uint32_t)(byte - 'a') + 10;
        } else if (byte >= 'A' && byte <= 'F') {
            digit = (uint32_t)(byte - 'A') + 10;
        } else {
            return false;
        }
        *code = *code << 4 | digit;
        reader->at++;
    }
    return true;
}

/** At most as many bytes as the escape had. */
static void put_utf8(json_reader_t *reader, size_t *to, uint32_t code)
{
    char *const bytes = &reader->bytes[*to];
    if (code < 0x80) {
        bytes[0] = (char)code;
        *to += 1;
    } else if (code < 0x800) {
        bytes[0] = (char)(0xC0 | code >> 6);
        bytes[1] = (char)(0x80 | (code & 0x3F));
        *to += 2;
    } else if (code < 0x10000) {
        bytes[0] = (char)(0xE0 | code >> 12);
        bytes[1] = (char)(0x80 | (code >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (code & 0x3F));
        *to += 3;
    } else {
        bytes[0] = (char)(0xF0 | code >> 18);
        bytes[1] = (char)(0x80 | (code >> 12 & 0x3F));
        bytes[2] = (char)(0x80 | (code >> 6 & 0x3F));
        bytes[3] = (char)(0x80 | (code & 0x3F));
        *to += 4;
    }
}

/** Behind \u: one unit, or the two of a surrogate pair. */
static bool take_unicode(json_reader_t *reader, size_t *to)
{
    uint32_t code = 0;
    uint32_t low = 0;
    if (!take_hex(reader, &code) || code == 0 || (code >= 0xDC00 && code <= 0xDFFF)) {
        return false;
    }
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (!take(reader, '\\') || !take(reader, 'u') || !take_hex(reader, &low) || low < 0xDC00 || low > 0xDFFF) {
            return false;
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    put_utf8(reader, to, code);
    return true;
}

static bool take_escape(json_reader_t *reader, size_t *to)
{
    static const char escapes[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char byte = peek(reader);
    const char *const found = byte == '\0' ? NULL : strchr(escapes, byte);
    if (byte == 'u') {
        reader->at++;
        return take_unicode(reader, to);
    }
    if (found == NULL) {
        return false;
    }
    reader->bytes[(*to)++] = meant[found - escapes];
    reader->at++;
    return true;
}

/** Without its escapes a string is not longer, so it is written where it is read. NULL: it is no string. */
static const char *take_string(json_reader_t *reader)
{
    if (!take(reader, '"')) {
        return NULL;
    }
    const size_t begin = reader->at;
    size_t to = begin;
    while (!take(reader, '"')) {
        const uint8_t byte = (uint8_t)peek(reader);
        bool good = byte >= ' ';
        if (byte == '\\') {
            reader->at++;
            good = take_escape(reader, &to);
        } else if (byte >= 0x80) {
            good = take_utf8(reader, &to);
        } else if (good) {
            reader->bytes[to++] = reader->bytes[reader->at++];
        }
        if (!good) {
            return NULL;
        }
    }
    reader->bytes[to] = '\0'; /* at the closing quote, or before it */
    return &reader->bytes[begin];
}

/* ---- numbers ---- */

static bool take_digits(json_reader_t *reader)
{
    const size_t begin = reader->at;
    while (is_digit(peek(reader))) {
        reader->at++;
    }
    return reader->at > begin;
}

static bool take_number(json_reader_t *reader)
{
    (void)take(reader, '-');
    if (!take(reader, '0') && !take_digits(reader)) {
        return false;
    }
    if (take(reader, '.') && !take_digits(reader)) {
        return false;
    }
    if (take(reader, 'e') || take(reader, 'E')) {
        if (!take(reader, '+')) {
            (void)take(reader, '-');
        }
        return take_digits(reader);
    }
    return true;
}

/** Its NUL stands where the text goes on: json_next() puts that back. */
static json_token_t read_number(json_reader_t *reader)
{
    const size_t begin = reader->at;
    if (!take_number(reader)) {
        return JSON_ERROR;
    }
    reader->text = &reader->bytes[begin];
    reader->hidden = reader->bytes[reader->at];
    reader->bytes[reader->at] = '\0';
    return JSON_NUMBER;
}

/** The power of ten behind a number; what is far out of range stays so. */
static int32_t exponent_of(const char *text)
{
    const char *const mark = strpbrk(text, "eE");
    if (mark == NULL) {
        return 0;
    }
    int32_t exponent = 0;
    for (const char *digit = &mark[1]; *digit != '\0' && exponent < INT32_MAX / 100; digit++) {
        exponent = is_digit(*digit) ? 10 * exponent + (*digit - '0') : 0;
    }
    return mark[1] == '-' ? -exponent : exponent;
}

bool json_scaled(const json_reader_t *reader, unsigned digits, int64_t *value)
{
    if (reader->token != JSON_NUMBER) {
        return false;
    }
    const bool negative = reader->text[0] == '-';
    const char *const first = negative ? &reader->text[1] : reader->text;
    const size_t whole = strspn(first, "0123456789");
    /* Each digit by itself: what one of them adds is 0, or exact, or it is too much. */
    int32_t power = (int32_t)whole - 1 + exponent_of(first) + (int32_t)digits;
    uint64_t magnitude = 0;
    for (const char *at = first; is_digit(*at) || *at == '.'; at++) {
        if (*at == '.') {
            continue;
        }
        if (*at != '0' && (power < 0 || power >= POWERS)) {
            return false;
        }
        uint64_t part = (uint64_t)(*at - '0');
        for (int32_t i = 0; part != 0 && i < power; i++) {
            part *= 10;
        }
        magnitude += part; /* less than 10^19 */
        power--;
    }
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1U : 0U)) {
        return false;
    }
    *value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

bool json_integer(const json_reader_t *reader, int64_t *value)
{
    return json_scaled(reader, 0, value);
}

/* ---- structure ---- */

static bool in_array(const json_reader_t *reader)
{
    return (reader->is_array & 1U << reader->depth) != 0;
}

static void value_is_complete(json_reader_t *reader)
{
    reader->expects = reader->depth == 0 ? NOTHING : FURTHER;
}

static json_token_t open_level(json_reader_t *reader, json_token_t token)
{
    if (reader->depth == JSON_READER_DEPTH_MAX) {
        return JSON_ERROR;
    }
    reader->at++;
    reader->depth++;
    const uint32_t level = 1U << reader->depth;
    reader->is_array = token == JSON_ARRAY ? reader->is_array | level : reader->is_array & ~level;
    reader->expects = FIRST;
    return token;
}

static json_token_t close_level(json_reader_t *reader)
{
    reader->at++;
    reader->depth--;
    value_is_complete(reader);
    return JSON_CLOSE;
}

static json_token_t read_word(json_reader_t *reader, const char *word, json_token_t token)
{
    while (*word != '\0') {
        if (!take(reader, *word++)) {
            return JSON_ERROR;
        }
    }
    return token;
}

static json_token_t read_scalar(json_reader_t *reader)
{
    switch (peek(reader)) {
    case '"':
        reader->text = take_string(reader);
        return reader->text == NULL ? JSON_ERROR : JSON_STRING;
    case 't':
        return read_word(reader, "true", JSON_TRUE);
    case 'f':
        return read_word(reader, "false", JSON_FALSE);
    case 'n':
        return read_word(reader, "null", JSON_NULL);
    default:
        return read_number(reader);
    }
}

static json_token_t read_value(json_reader_t *reader)
{
    if (peek(reader) == '{') {
        return open_level(reader, JSON_OBJECT);
    }
    if (peek(reader) == '[') {
        return open_level(reader, JSON_ARRAY);
    }
    value_is_complete(reader);
    return read_scalar(reader);
}

static bool read_key(json_reader_t *reader)
{
    reader->key = take_string(reader);
    skip_space(reader);
    if (reader->key == NULL || !take(reader, ':')) {
        return false;
    }
    skip_space(reader);
    return true;
}

static json_token_t read_token(json_reader_t *reader)
{
    if (reader->expects == FAILED) {
        return JSON_ERROR;
    }
    skip_space(reader);
    if (reader->expects == NOTHING) {
        return reader->at == reader->length ? JSON_END : JSON_ERROR;
    }
    if (reader->expects != VALUE && peek(reader) == (in_array(reader) ? ']' : '}')) {
        return close_level(reader);
    }
    if (reader->expects == FURTHER) {
        if (!take(reader, ',')) {
            return JSON_ERROR;
        }
        skip_space(reader);
    }
    if (reader->expects != VALUE && !in_array(reader) && !read_key(reader)) {
        return JSON_ERROR;
    }
    return read_value(reader);
}

json_token_t json_next(json_reader_t *reader)
{
    if (reader->token == JSON_NUMBER) {
        reader->bytes[reader->at] = reader->hidden;
    }
    reader->key = NULL;
    reader->text = NULL;
    reader->token = (uint8_t)read_token(reader);
    if (reader->token == JSON_ERROR) {
        reader->expects = FAILED;
        reader->key = NULL;
    }
    return (json_token_t)reader->token;
}

bool json_skip(json_reader_t *reader)
{
    if (reader->token != JSON_OBJECT && reader->token != JSON_ARRAY) {
        return reader->token != JSON_ERROR;
    }
    const uint8_t outside = (uint8_t)(reader->depth - 1);
    while (reader->depth > outside && json_next(reader) != JSON_ERROR) {
    }
    return reader->token != JSON_ERROR;
}

size_t json_reader_error_at(const json_reader_t *reader)
{
    return reader->at;
}
