/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Runs the cases of a suite: those that the first argument chooses, or, without one, by the menu that ESP-IDF's
 *        Unity shows on the serial line. What is printed is what Unity and ESP-IDF print. The cases run in a task whose
 *        stack is held against that of the chip's main task.
 */
#include "unity.h"

#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

struct UNITY_STORAGE_T Unity;
static unity_case_t *s_first;
static const unity_case_t *s_running;
static jmp_buf s_case_left;
static int s_tests;
static int s_failures;
static int s_ignored;
static bool s_stack_exceeded;
static volatile sig_atomic_t s_terminated;

static bool comes_before(const unity_case_t *a, const unity_case_t *b)
{
    const int order = strcmp(a->file, b->file);
    return order < 0 || (order == 0 && a->line < b->line);
}

/** In the order of files and lines, as CONFIG_UNITY_TEST_ORDER_BY_FILE_PATH_AND_LINE has them on the chip. */
void unity_register(unity_case_t *test_case)
{
    unity_case_t **place = &s_first;
    while (*place != NULL && comes_before(*place, test_case)) {
        place = &(*place)->next;
    }
    test_case->next = *place;
    *place = test_case;
}

/** Says how the running case ended, counts it and leaves it. */
__attribute__((noreturn, format(printf, 4, 5))) static void leave(int *count, const char *result, int line,
                                                                  const char *why, ...)
{
    va_list args;
    va_start(args, why);
    printf("%s:%d:%s:%s: ", s_running->file, line, s_running->name, result);
    vprintf(why, args);
    if (Unity.CurrentDetail1 != NULL) {
        printf(". Row %s", Unity.CurrentDetail1);
    }
    putchar('\n');
    va_end(args);
    (*count)++;
    longjmp(s_case_left, 1);
}

void unity_assert(bool ok, int line, const char *expected, const char *what)
{
    if (!ok) {
        leave(&s_failures, "FAIL", line, "%s. %s", expected, what);
    }
}

void unity_assert_int(int64_t expected, int64_t actual, int line, const char *what)
{
    if (expected != actual) {
        leave(&s_failures, "FAIL", line, "Expected %" PRId64 " Was %" PRId64 ". %s", expected, actual, what);
    }
}

void unity_assert_hex(uint64_t expected, uint64_t actual, int line, const char *what)
{
    if (expected != actual) {
        leave(&s_failures, "FAIL", line, "Expected 0x%" PRIX64 " Was 0x%" PRIX64 ". %s", expected, actual, what);
    }
}

void unity_assert_order(bool less, bool or_equal, int64_t threshold, int64_t actual, int line, const char *what)
{
    const bool ordered = less ? actual < threshold : actual > threshold;
    if (!ordered && !(or_equal && actual == threshold)) {
        leave(&s_failures, "FAIL", line, "Expected %" PRId64 " to be %s than %s%" PRId64 ". %s", actual,
              less ? "less" : "greater", or_equal ? "or equal to " : "", threshold, what);
    }
}

void unity_assert_memory(const void *expected, const void *actual, size_t length, int line, const char *what)
{
    const uint8_t *const e = expected;
    const uint8_t *const a = actual;
    if (length == 0) { /* Unity takes it for a mistake of the test */
        leave(&s_failures, "FAIL", line, "You Asked Me To Compare Nothing, Which Was Pointless. %s", what);
    }
    for (size_t i = 0; i < length; i++) {
        if (e[i] != a[i]) {
            leave(&s_failures, "FAIL", line, "Byte %zu Expected 0x%02X Was 0x%02X. %s", i, e[i], a[i], what);
        }
    }
}

void unity_assert_string(const char *expected, const char *actual, int line, const char *what)
{
    if (strcmp(expected, actual) != 0) {
        leave(&s_failures, "FAIL", line, "Expected '%s' Was '%s'. %s", expected, actual, what);
    }
}

void unity_ignore(int line, const char *why)
{
    leave(&s_ignored, "IGNORE", line, "%s", why);
}

/** What tearDown() in test/chip asserts behind each case: on the chip the next thing would be a heap that is
 * overwritten. */
static void check_stack(void)
{
    if (!s_stack_exceeded && uxTaskGetStackHighWaterMark(NULL) == 0) {
        s_stack_exceeded = true; /* the paint is gone, so that what follows cannot be told from this case */
        leave(&s_failures, "FAIL", s_running->line, "needs more stack than the %d bytes that the chip's main task has",
              UNITY_MAIN_STACK_BYTES);
    }
}

static void run_case(const unity_case_t *test_case)
{
    printf("Running %s...\n", test_case->name);
    (void)fflush(stdout); /* a case that crashes has to be seen to have begun */
    s_running = test_case;
    Unity.CurrentDetail1 = NULL;
    s_tests++;
    if (setjmp(s_case_left) == 0) {
        test_case->run();
        check_stack();
        printf("%s:%d:%s:PASS\n", test_case->file, test_case->line, test_case->name);
    }
}

/** A choice is what ESP-IDF's menu takes: a number, "name", [tag], ![tag], or * for all. */
static bool is_chosen(const unity_case_t *test_case, int number, const char *choice)
{
    const size_t length = strlen(test_case->name);
    switch (choice[0]) {
    case '*':
        return true;
    case '[':
        return strstr(test_case->tag, choice) != NULL;
    case '!':
        return strstr(test_case->tag, choice + 1) == NULL;
    case '"':
        return strncmp(choice + 1, test_case->name, length) == 0 && strcmp(choice + 1 + length, "\"") == 0;
    default:
        return strtol(choice, NULL, 10) == number;
    }
}

static void run_choice(const char *choice)
{
    int number = 0;
    s_tests = s_failures = s_ignored = 0;
    for (const unity_case_t *c = s_first; c != NULL; c = c->next) {
        if (is_chosen(c, ++number, choice)) {
            run_case(c);
        }
    }
    printf("\n-----------------------\n%d Tests %d Failures %d Ignored \n%s\n", s_tests, s_failures, s_ignored,
           s_failures == 0 ? "OK" : "FAIL");
}

static void print_menu(void)
{
    int number = 0;
    printf("\n\nHere's the test menu, pick your combo:\n");
    for (const unity_case_t *c = s_first; c != NULL; c = c->next) {
        printf("(%d)\t\"%s\" %s\n", ++number, c->name, c->tag);
    }
    printf("\nEnter test for running.\n");
}

static void on_sigterm(int signal_number)
{
    (void)signal_number;
    s_terminated = 1;
}

/** Next line of input without its end. False: SIGTERM came, or the input has ended. */
static bool read_line(char *line, int size, const sigset_t *signals_while_waiting)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    (void)fflush(stdout);
    (void)ppoll(&input, 1, NULL, signals_while_waiting);
    if (s_terminated || fgets(line, size, stdin) == NULL) {
        return false;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static void run_menu(void)
{
    char line[256];
    sigset_t while_waiting;
    /* SIGTERM is let in only while the menu waits: a case is never interrupted, and no thread of a case takes it. */
    (void)pthread_sigmask(SIG_SETMASK, NULL, &while_waiting);
    (void)sigdelset(&while_waiting, SIGTERM);
    (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_sigterm}, NULL);
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* what ppoll() does not see must not be left in a buffer */
    printf("\n\nPress ENTER to see the list of tests.\n");
    while (read_line(line, sizeof(line), &while_waiting)) {
        if (line[0] == '\0') {
            print_menu();
        } else {
            run_choice(line);
            printf("Enter next test, or 'enter' to see menu\n");
        }
    }
}

/** The argument: what to run; NULL: the menu. */
static void main_task(void *argument)
{
    if (argument == NULL) {
        run_menu();
        exit(0);
    }
    run_choice(argument);
    exit(s_failures == 0 && s_tests > 0 ? 0 : 1);
}

int main(int argc, char **argv)
{
    sigset_t sigterm;
    (void)sigemptyset(&sigterm);
    (void)sigaddset(&sigterm, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &sigterm, NULL);
    if (xTaskCreate(main_task, "main", UNITY_MAIN_STACK_BYTES, argc > 1 ? argv[1] : NULL, 1, NULL) != pdPASS) {
        (void)fprintf(stderr, "no memory for the main task\n");
        return 1;
    }
    for (;;) {
        (void)pause();
    }
}
