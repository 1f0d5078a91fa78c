/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Makes lines of single characters. */
#include "console_line.h"

#define BACKSPACE '\x08'
#define DELETE    '\x7F' /* what most terminals send for the key backspace */

static bool end_line(console_line_t *line)
{
    const bool is_line = line->used > 0 && !line->spoilt;
    line->text[line->used] = '\0';
    line->used = 0;
    line->spoilt = false;
    return is_line;
}

bool console_line_put(console_line_t *line, char c)
{
    if (c == '\r' || c == '\n') {
        return end_line(line);
    }
    if (c == BACKSPACE || c == DELETE) {
        line->used = (uint8_t)(line->used > 0 ? line->used - 1 : 0);
    } else if (c < ' ' || c > '~' || line->used == CONSOLE_LINE_MAX) {
        line->spoilt = true;
    } else {
        line->text[line->used++] = c;
    }
    return false;
}
