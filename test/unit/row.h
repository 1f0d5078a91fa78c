/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Names the row of a table that a case is at, so that an assertion that fails says which it was.
 *
 *     for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
 *         ROW("cases[%zu]", i);
 *         TEST_ASSERT_EQUAL(cases[i].expected, answer_to(cases[i].question));
 *     }
 *
 * It holds to the end of the block, also in the functions that are called there; a row within a row is told with both.
 * Unity prints it as the detail of a failure; on a chip behind the tags of the case: "Function [tinybms], cases[2]".
 */

#include <stdarg.h>
#include <stdio.h>

#include "unity.h"

typedef struct {
    const char *outer; /**< the row around it, or NULL */
    char text[64];
} row_t;

__attribute__((format(printf, 2, 3))) static inline void row_begin(row_t *row, const char *format, ...)
{
    size_t length = 0;
    row->outer = Unity.CurrentDetail1;
    if (row->outer != NULL) {
        length = (size_t)snprintf(row->text, sizeof(row->text), "%s, ", row->outer);
    }
    if (length < sizeof(row->text)) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(&row->text[length], sizeof(row->text) - length, format, args);
        va_end(args);
    }
    UNITY_SET_DETAIL(row->text);
}

static inline void row_end(const row_t *row)
{
    UNITY_SET_DETAIL(row->outer);
}

#define ROW(...)                                                                                                       \
    row_t row_here __attribute__((cleanup(row_end)));                                                                  \
    row_begin(&row_here, __VA_ARGS__)
