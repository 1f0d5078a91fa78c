/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Every byte goes through put(): there is one place that can run out of room or fail. */
#include "json_stream.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FORMATTED_MAX   128
#define DECIMAL_MAX     9
#define LOWEST_PRINTED  ' '
#define HIGHEST_PRINTED '~'

void json_stream_init(json_stream_t *stream, char *buffer, size_t size, json_stream_sink_t sink, void *context)
{
    assert(buffer != NULL && size >= 2);
    *stream = (json_stream_t){.buffer = buffer, .size = size, .sink = sink, .context = context};
}

static void flush(json_stream_t *stream)
{
    if (!stream->failed && stream->used > 0 && !stream->sink(stream->context, stream->buffer, stream->used)) {
        stream->failed = true;
    }
    stream->used = 0;
}

static void put(json_stream_t *stream, const char *bytes, size_t length)
{
    while (length > 0 && !stream->failed) {
        const size_t room = stream->size - 1 - stream->used; /* the NUL of json_stream_end() has its place */
        const size_t part = length < room ? length : room;
        memcpy(&stream->buffer[stream->used], bytes, part);
        stream->used += part;
        bytes += part;
        length -= part;
        if (length > 0 && stream->sink == NULL) {
            stream->failed = true;
        } else if (length > 0) {
            flush(stream);
        }
    }
}

static void put_text(json_stream_t *stream, const char *text)
{
    put(stream, text, strlen(text));
}

bool json_stream_end(json_stream_t *stream)
{
    if (stream->sink != NULL) {
        flush(stream);
    } else {
        stream->buffer[stream->used] = '\0';
    }
    return !stream->failed && stream->depth == 0;
}

size_t json_stream_length(const json_stream_t *stream)
{
    return stream->used;
}

void json_raw(json_stream_t *stream, const char *bytes, size_t length)
{
    put(stream, bytes, length);
}

void json_rawf(json_stream_t *stream, const char *format, ...)
{
    char text[FORMATTED_MAX];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof(text)) {
        stream->failed = true;
        return;
    }
    put(stream, text, (size_t)length);
}

/** The comma that is due, and the key of a member. */
static void begin(json_stream_t *stream, const char *key)
{
    const uint32_t level = 1U << stream->depth;
    if ((stream->has_member & level) != 0) {
        put(stream, ",", 1);
    }
    stream->has_member |= level;
    if (key != NULL) {
        put(stream, "\"", 1);
        put_text(stream, key);
        put(stream, "\":", 2);
    }
}

static void open_level(json_stream_t *stream, const char *key, bool array)
{
    assert(stream->depth < JSON_STREAM_DEPTH_MAX);
    begin(stream, key);
    stream->depth++;
    const uint32_t level = 1U << stream->depth;
    stream->has_member &= ~level;
    stream->is_array = array ? stream->is_array | level : stream->is_array & ~level;
    put(stream, array ? "[" : "{", 1);
}

void json_object(json_stream_t *stream, const char *key)
{
    open_level(stream, key, false);
}

void json_array(json_stream_t *stream, const char *key)
{
    open_level(stream, key, true);
}

void json_close(json_stream_t *stream)
{
    assert(stream->depth > 0);
    put(stream, (stream->is_array & 1U << stream->depth) != 0 ? "]" : "}", 1);
    stream->depth--;
}

void json_int(json_stream_t *stream, const char *key, int64_t value)
{
    begin(stream, key);
    json_rawf(stream, "%" PRId64, value);
}

void json_bool(json_stream_t *stream, const char *key, bool value)
{
    begin(stream, key);
    put_text(stream, value ? "true" : "false");
}

void json_null(json_stream_t *stream, const char *key)
{
    begin(stream, key);
    put_text(stream, "null");
}

void json_int_or_null(json_stream_t *stream, const char *key, bool known, int64_t value)
{
    if (known) {
        json_int(stream, key, value);
    } else {
        json_null(stream, key);
    }
}

void json_decimal(json_stream_t *stream, const char *key, int64_t value, unsigned digits)
{
    assert(digits <= DECIMAL_MAX);
    begin(stream, key);
    json_put_decimal(stream, value, digits);
}

void json_put_decimal(json_stream_t *stream, int64_t value, unsigned digits)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t unit = 1;
    for (; digits > 0 && magnitude % 10 == 0; digits--) {
        magnitude /= 10;
    }
    for (unsigned i = 0; i < digits; i++) {
        unit *= 10;
    }
    json_rawf(stream, "%s%" PRIu64, value < 0 ? "-" : "", magnitude / unit);
    if (digits > 0) {
        json_rawf(stream, ".%0*" PRIu64, (int)digits, magnitude % unit);
    }
}

static void put_escaped(json_stream_t *stream, char byte, bool as_utf8)
{
    const bool beyond_ascii = (unsigned char)byte > HIGHEST_PRINTED + 1;
    if (byte == '"' || byte == '\\') {
        put(stream, "\\", 1);
        put(stream, &byte, 1);
    } else if (!(beyond_ascii && as_utf8) && (byte < LOWEST_PRINTED || byte > HIGHEST_PRINTED)) {
        json_rawf(stream, "\\u%04x", (unsigned)(unsigned char)byte);
    } else {
        put(stream, &byte, 1);
    }
}

static void put_string(json_stream_t *stream, const char *key, const char *text, bool as_utf8)
{
    if (text == NULL) {
        json_null(stream, key);
        return;
    }
    begin(stream, key);
    put(stream, "\"", 1);
    for (; *text != '\0'; text++) {
        put_escaped(stream, *text, as_utf8);
    }
    put(stream, "\"", 1);
}

void json_text(json_stream_t *stream, const char *key, const char *text)
{
    put_string(stream, key, text, false);
}

void json_utf8(json_stream_t *stream, const char *key, const char *text)
{
    put_string(stream, key, text, true);
}

void json_fail(json_stream_t *stream)
{
    stream->failed = true;
}
