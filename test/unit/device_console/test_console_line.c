/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "console_line.h"
#include "unity.h"

#define LONGEST "1234567890123456789012345678901"

/** Types a text, and returns the complete lines, a '|' behind each. */
static const char *lines_of(const char *typed, size_t length)
{
    static char lines[256];
    console_line_t line = {.used = 0};
    lines[0] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (console_line_put(&line, typed[i])) {
            (void)strncat(lines, line.text, sizeof(lines) - strlen(lines) - 1);
            (void)strncat(lines, "|", sizeof(lines) - strlen(lines) - 1);
        }
    }
    return lines;
}

TEST_CASE("a line ends with what the terminal sends for the key enter", "[device_console]")
{
    static const struct {
        const char *typed;
        const char *lines;
    } cases[] = {
        {"help\n", "help|"},
        {"help\r", "help|"},
        {"help\r\n", "help|"},
        {"help", ""},
        {"\n\r\n\n", ""},
        {"help\nsetup-code\n", "help|setup-code|"},
        {"reset-password yes\n", "reset-password yes|"},
        {" help\n", " help|"},
        {LONGEST "\n", LONGEST "|"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%u]", (unsigned)i);
        TEST_ASSERT_EQUAL_STRING(cases[i].lines, lines_of(cases[i].typed, strlen(cases[i].typed)));
    }
}

TEST_CASE("backspace takes a character back, and nothing more when the line is empty", "[device_console]")
{
    static const struct {
        const char *typed;
        const char *lines;
    } cases[] = {
        {"helq\x08p\n", "help|"},
        {"helq\x7Fp\n", "help|"},
        {"x\x08\x08\x08help\n", "help|"},
        {"help\x08\x08\x08\x08\n", ""},
        {LONGEST "\x08"
                 "1\n",
         LONGEST "|"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%u]", (unsigned)i);
        TEST_ASSERT_EQUAL_STRING(cases[i].lines, lines_of(cases[i].typed, strlen(cases[i].typed)));
    }
}

TEST_CASE("a line that is too long or not text is dropped as a whole, and the next one counts", "[device_console]")
{
    static const char nul[] = "he\0lp\nhelp\n";
    static const struct {
        const char *typed;
        const char *lines;
    } cases[] = {
        {LONGEST "2\nhelp\n", "help|"},     {LONGEST LONGEST LONGEST "help\nhelp\n", "help|"},
        {LONGEST "2\x08\nhelp\n", "help|"}, /* where it would end is not known any more */
        {"\x1B[Ahelp\nhelp\n", "help|"},    {"h\tlp\nhelp\n", "help|"},
        {"\xC3\xA9\nhelp\n", "help|"},      {"\xFF\xFE\xFF\nhelp\n", "help|"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%u]", (unsigned)i);
        TEST_ASSERT_EQUAL_STRING(cases[i].lines, lines_of(cases[i].typed, strlen(cases[i].typed)));
    }
    TEST_ASSERT_EQUAL_STRING("help|", lines_of(nul, sizeof(nul) - 1));
}

TEST_CASE("noise without an end is taken for as long as it lasts", "[device_console]")
{
    console_line_t line = {.used = 0};
    for (unsigned i = 0; i < 100000; i++) {
        const char c = (char)(i * 7 % 256);
        const bool complete = c != '\n' && c != '\r' && console_line_put(&line, c);
        TEST_ASSERT_FALSE(complete);
        TEST_ASSERT_LESS_OR_EQUAL(CONSOLE_LINE_MAX, line.used);
    }
    TEST_ASSERT_FALSE(console_line_put(&line, '\n'));
    TEST_ASSERT_FALSE(console_line_put(&line, 'x'));
    TEST_ASSERT_TRUE(console_line_put(&line, '\n'));
}
