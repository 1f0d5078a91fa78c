/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Writes text, JSON above all, through a small buffer that the caller owns. No allocation, no RTOS, no clock.
 *
 * A full buffer goes to the sink; without a sink the text must fit into the buffer. After an error nothing more is
 * written, so that only the end has to ask for it: json_stream_end().
 *
 * @code{.c}
 * char buffer[64];
 * json_stream_t json;
 * json_stream_init(&json, buffer, sizeof(buffer), NULL, NULL);
 * json_int(&json, NULL, 56000);
 * const bool whole = json_stream_end(&json); // "56000" in buffer
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Deepest nesting of objects and arrays. */
#define JSON_STREAM_DEPTH_MAX 16

/** @brief Takes what the buffer held; false = it cannot, and nothing more will be written. */
typedef bool (*json_stream_sink_t)(void *context, const char *bytes, size_t length);

/** @brief A text on its way; the members are private to json_stream.c, except what json_stream_length() tells. */
typedef struct {
    char *buffer;
    size_t size;
    size_t used;
    json_stream_sink_t sink;
    void *context;
    uint32_t has_member; /**< one bit for each level: a comma is due */
    uint32_t is_array;   /**< one bit for each level */
    uint8_t depth;
    bool failed;
} json_stream_t;

/**
 * @brief Starts a text.
 * @param[out] stream state
 * @param buffer,size where the text is collected, 2 bytes or more
 * @param sink takes a full buffer; NULL = the whole text stays in the buffer, with a NUL behind it
 * @param context for the sink
 */
void json_stream_init(json_stream_t *stream, char *buffer, size_t size, json_stream_sink_t sink, void *context);

/**
 * @brief Ends the text: what is left goes to the sink, or gets a NUL behind it.
 * @return false: it is not whole. It did not fit, the sink failed, or objects and arrays are not closed
 */
bool json_stream_end(json_stream_t *stream);

/** @brief Bytes in the buffer; without a sink, of the whole text. */
size_t json_stream_length(const json_stream_t *stream);

/** @brief Writes bytes as they are: for text that is not JSON. */
void json_raw(json_stream_t *stream, const char *bytes, size_t length);

/** @brief Writes formatted text as it is, at most 127 characters at once; a longer one is an error. */
void json_rawf(json_stream_t *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One member of an object, or one element of an array: then `key` is NULL. Keys are written as they are. */

/** @brief Opens an object; json_close() closes it. */
void json_object(json_stream_t *stream, const char *key);

/** @brief Opens an array; json_close() closes it. */
void json_array(json_stream_t *stream, const char *key);

/** @brief Closes what was opened last. */
void json_close(json_stream_t *stream);

void json_int(json_stream_t *stream, const char *key, int64_t value);
void json_bool(json_stream_t *stream, const char *key, bool value);
void json_null(json_stream_t *stream, const char *key);

/** @brief A number if it is known, else null. */
void json_int_or_null(json_stream_t *stream, const char *key, bool known, int64_t value);

/**
 * @brief `value / 10^digits` exactly, without trailing zeros: 4200 with 3 digits is 4.2.
 * @param digits 0..9
 */
void json_decimal(json_stream_t *stream, const char *key, int64_t value, unsigned digits);

/** @brief The same number as text that is not JSON, such as a metric. */
void json_put_decimal(json_stream_t *stream, int64_t value, unsigned digits);

/** @brief A string, escaped; bytes above 0x7E and below 0x20 as \u00XX, so that the output is ASCII. NULL is null. */
void json_text(json_stream_t *stream, const char *key, const char *text);

/** @brief The same for a text that is UTF-8, such as one of json_reader.h: what is beyond ASCII is written as it is. */
void json_utf8(json_stream_t *stream, const char *key, const char *text);

/** @brief What has to come next is not available: nothing more is written, and json_stream_end() returns false. */
void json_fail(json_stream_t *stream);

#ifdef __cplusplus
}
#endif
