/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Reads JSON (RFC 8259) piece by piece out of a text in memory. No allocation, no recursion, no RTOS.
 *
 * Strings are unescaped in place: the text is changed, and what the reader points to stays in it. Refused are: what is
 * not JSON, text that is not UTF-8, a NUL in a string, half of a surrogate pair, more than JSON_READER_DEPTH_MAX
 * levels, a byte order mark, and anything behind the value but white space. Only JSON_END says that all of the text is
 * JSON. Keys may come twice; that is up to the caller.
 *
 * @code{.c}
 * char text[] = "{\"cell_mv\": 4200}";
 * json_reader_t json;
 * json_reader_init(&json, text, sizeof(text) - 1);
 * const bool is_object = json_next(&json) == JSON_OBJECT;
 * const bool is_number = json_next(&json) == JSON_NUMBER; // json.key is "cell_mv"; json_integer() has the value
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Deepest nesting of objects and arrays. */
#define JSON_READER_DEPTH_MAX 8

/** @brief What was read. */
typedef enum {
    JSON_ERROR = 0, /**< not JSON; stays so */
    JSON_END,       /**< the value is complete, and nothing follows; stays so */
    JSON_OBJECT,    /**< its members follow, up to JSON_CLOSE */
    JSON_ARRAY,     /**< its elements follow, up to JSON_CLOSE */
    JSON_CLOSE,     /**< of the object or array that was opened last */
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
} json_token_t;

/** @brief A text on its way; `key`, `text` and `token` may be read, the rest is private to json_reader.c. */
typedef struct {
    const char *key;  /**< of this member of an object, with a NUL; NULL in an array, at the top and at JSON_CLOSE */
    const char *text; /**< of a string, without escapes, or of a number as it was written; with a NUL, which that of a
                         number loses at the next json_next() */
    char *bytes;
    size_t length;
    size_t at;
    uint32_t is_array; /**< one bit for each level */
    uint8_t depth;
    uint8_t expects;
    uint8_t token; /**< json_token_t: what was read last */
    char hidden;   /**< what the NUL behind a number stands for */
} json_reader_t;

/**
 * @brief Starts to read.
 * @param[out] reader state
 * @param text,length the text; it is changed. One byte behind it must be writable: a number at the end gets its NUL
 */
void json_reader_init(json_reader_t *reader, char *text, size_t length);

/** @brief Reads on. Of an object or array only its beginning: json_skip() passes over the rest. */
json_token_t json_next(json_reader_t *reader);

/**
 * @brief Passes over what is left of the value that json_next() has just begun, up to and with its JSON_CLOSE; over
 * nothing if that is no object or array. False: an error in it.
 */
bool json_skip(json_reader_t *reader);

/** @brief The number just read, if it is a whole one (also 1e2, 3.0) that fits; exact. Anything else: false. */
bool json_integer(const json_reader_t *reader, int64_t *value);

/**
 * @brief The number just read times 10^digits, if that is a whole number that fits: 4.2 with 3 digits is 4200. Exact.
 * @param digits 0..9
 */
bool json_scaled(const json_reader_t *reader, unsigned digits, int64_t *value);

/** @brief Where in the text reading stands, in bytes: behind JSON_ERROR, where it is wrong. */
size_t json_reader_error_at(const json_reader_t *reader);

#ifdef __cplusplus
}
#endif
