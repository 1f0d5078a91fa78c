/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unity.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

static unity_case_t *s_first;
static unity_case_t *s_running;
static jmp_buf s_failed;

void unity_register(unity_case_t *test_case)
{
    unity_case_t **place = &s_first;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    *place = test_case;
}

static void fail(int line, const char *what, const char *detail)
{
    printf("%s:%d:%s:FAIL: %s%s\n", s_running->file, line, s_running->name, what, detail);
    longjmp(s_failed, 1);
}

void unity_assert(bool ok, int line, const char *what)
{
    if (!ok) {
        fail(line, what, "");
    }
}

void unity_assert_int(int64_t expected, int64_t actual, int line, const char *what)
{
    char detail[80];
    if (expected != actual) {
        (void)snprintf(detail, sizeof(detail), ": expected %" PRId64 " was %" PRId64, expected, actual);
        fail(line, what, detail);
    }
}

void unity_assert_uint(uint64_t expected, uint64_t actual, int line, const char *what)
{
    char detail[96];
    if (expected != actual) {
        (void)snprintf(detail, sizeof(detail), ": expected %" PRIu64 " (0x%" PRIX64 ") was %" PRIu64 " (0x%" PRIX64 ")",
                       expected, expected, actual, actual);
        fail(line, what, detail);
    }
}

void unity_assert_memory(const void *expected, const void *actual, size_t length, int line, const char *what)
{
    const uint8_t *const e = expected;
    const uint8_t *const a = actual;
    for (size_t i = 0; i < length; i++) {
        if (e[i] != a[i]) {
            char detail[80];
            (void)snprintf(detail, sizeof(detail), ": byte %zu expected 0x%02X was 0x%02X", i, e[i], a[i]);
            fail(line, what, detail);
        }
    }
}

void unity_assert_string(const char *expected, const char *actual, int line, const char *what)
{
    if (strcmp(expected, actual) != 0) {
        char detail[256];
        (void)snprintf(detail, sizeof(detail), ": expected '%s' was '%s'", expected, actual);
        fail(line, what, detail);
    }
}

/** Runs the cases whose name or tag contains the first argument, all without one. */
int main(int argc, char **argv)
{
    static int tests; /* static: a local would be lost in longjmp() */
    static int failures;
    for (s_running = s_first; s_running != NULL; s_running = s_running->next) {
        const char *const filter = argc > 1 ? argv[1] : "";
        if (strstr(s_running->name, filter) == NULL && strstr(s_running->tag, filter) == NULL) {
            continue;
        }
        tests++;
        if (setjmp(s_failed) == 0) {
            s_running->run();
            printf("%s:%d:%s:PASS\n", s_running->file, s_running->line, s_running->name);
        } else {
            failures++;
        }
    }
    printf("-----------------------\n%d Tests %d Failures 0 Ignored\n%s\n", tests, failures,
           failures == 0 && tests > 0 ? "OK" : "FAIL");
    return failures == 0 && tests > 0 ? 0 : 1;
}
