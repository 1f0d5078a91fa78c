/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Makes lines of what is typed. Pure.
 *
 * @code{.c}
 * console_line_t line = {.used = 0};
 * const bool complete = console_line_put(&line, '\r');
 * const bool asks_for_help = complete && line.text[0] == '?';
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Longest line. */
#define CONSOLE_LINE_MAX 31

/** @brief A line on its way; zeroed = empty. */
typedef struct {
    char text[CONSOLE_LINE_MAX + 1]; /**< of the last complete line, until the next character comes */
    uint8_t used;
    bool spoilt; /**< too long, or not text: the line is dropped as a whole */
} console_line_t;

/**
 * @brief Takes one character. A line ends with a carriage return or a newline, and backspace takes a character back.
 * @return true: `text` is a complete line of 1..CONSOLE_LINE_MAX printable characters. Empty and spoilt lines are
 * dropped: noise on an open pin gets no answer
 */
bool console_line_put(console_line_t *line, char c);

#ifdef __cplusplus
}
#endif
