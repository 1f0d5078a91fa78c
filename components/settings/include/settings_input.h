/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief New values as JSON: a flat object as settings_write_schema() describes it, or what settings_write_export()
 * wrote. All of it is judged before anything is saved, and each problem has its place in the document. No heap, no NVS.
 *
 * @code{.c}
 * static settings_input_t input; // too large for a stack
 * static settings_values_t saved, next; // settings_get_saved() fills one
 * char body[] = "{\"charge.max_a\": 80}";
 * bool good = settings_input_read(&input, body, sizeof(body) - 1);
 * settings_input_fit(&input, &saved, &next);
 * good = good && input.problem_count == 0; // then input.changes can be saved
 * @endcode
 */

#include "json_stream.h"
#include "settings_rules.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What settings_write_export() calls itself. */
#define SETTINGS_EXPORT_FORMAT  "tinybms-gateway-settings"
#define SETTINGS_EXPORT_VERSION 1

/** @brief Most problems that are told; a document may have more. */
#define SETTINGS_PROBLEMS_MAX 16

/** @brief What is wrong. */
typedef enum {
    SETTINGS_PROBLEM_DOCUMENT = 0, /**< `message` says what; of a member outside the settings, or of all of it */
    SETTINGS_PROBLEM_SETTING,      /**< `message` says what */
    SETTINGS_PROBLEM_VALUE,        /**< settings_value_valid() says what of `value` */
    SETTINGS_PROBLEM_NOT_WHOLE,    /**< a number with a fraction */
    SETTINGS_PROBLEM_MISFIT,       /**< settings_misfit() says what, at the index `value.number` */
} settings_problem_kind_t;

/** @brief One problem; settings_input_write_problems() tells it. */
typedef struct {
    settings_problem_kind_t kind;
    const char *key; /**< of a member, in the body or in the table; NULL = the object itself */
    const char *message;
    settings_id_t id;
    settings_value_t value;
} settings_problem_t;

/** @brief What a document wants. Too large for a stack. */
typedef struct {
    settings_change_t changes[SETTINGS_COUNT]; /**< each in range by itself; texts are in the body */
    size_t count;
    settings_problem_t problems[SETTINGS_PROBLEMS_MAX];
    size_t problem_count;
    const char *parent;            /**< of the settings, as JSON pointer */
    const settings_values_t *next; /**< what would be saved, behind settings_input_fit() */
    size_t error_at;               /**< where the body is not JSON */
} settings_input_t;

/**
 * @brief Reads an object whose members are settings. A key that comes twice, an unknown key, and a value of the wrong
 * kind or out of range are problems.
 * @param[out] input what it wants
 * @param body,length the text, which is changed; one byte behind it must be writable. It must stay as long as `input`
 * @return false: not JSON; nothing in `input` but `error_at` is to be used
 */
bool settings_input_read(settings_input_t *input, char *body, size_t length);

/** @brief The same of an export: "format" and "version" must be right; members that are not known are passed over. */
bool settings_input_read_export(settings_input_t *input, char *body, size_t length);

/**
 * @brief Puts the changes over what is saved, and adds a problem for each pair that does not fit together then.
 * @param input without problems; otherwise nothing is added
 * @param saved from settings_get_saved()
 * @param[out] next what would be saved, without long texts; must stay as long as `input`
 */
void settings_input_fit(settings_input_t *input, const settings_values_t *saved, settings_values_t *next);

/**
 * @brief Drops the changes that change nothing.
 * @param input behind settings_input_fit()
 * @param saved from settings_get_saved()
 * @param secrets whether those of secrets too: whoever may not read a secret must not learn that a guess is right
 */
void settings_input_drop_same(settings_input_t *input, const settings_values_t *saved, bool secrets);

/**
 * @brief Writes the problems as elements of an array: {"path": JSON pointer, "message": sentence}.
 * @param input read
 * @param json stream without a sink
 * @param room bytes that its text may have in the end; problems that do not fit any more are left out
 */
void settings_input_write_problems(const settings_input_t *input, json_stream_t *json, size_t room);

#ifdef __cplusplus
}
#endif
