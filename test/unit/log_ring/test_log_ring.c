/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The newest lines of the log in RAM; this suite is for Linux only: its console is caught, and its writers are threads.
 */
#include <printf.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../row.h"
#include "esp_log.h"
#include "log_ring.h"
#include "sdkconfig.h"
#include "unity.h"

#define RING    CONFIG_TINYBMS_DIAGNOSTICS_LOG_RING
#define WRITERS 8
#define ROUNDS  60000

static atomic_uint s_printed; /**< lines that reached the console */
static char s_console[1024];  /**< the last one */

static int catch (const char *format, va_list arguments)
{
    atomic_fetch_add(&s_printed, 1);
    return vsnprintf(s_console, sizeof(s_console), format, arguments);
}

static int count(const char *format, va_list arguments)
{
    (void)format;
    (void)arguments;
    return (int)atomic_fetch_add(&s_printed, 1);
}

static uint32_t end_of_log(void)
{
    char text[512];
    uint32_t position = 0;
    while (log_ring_read(&position, text, sizeof(text)) > 0) {
    }
    return position;
}

/** Lets the console go to `console`, and tells where the log ends now. */
static uint32_t begin(vprintf_like_t console)
{
    static bool begun;
    if (!begun) {
        (void)esp_log_set_vprintf(catch);
        log_ring_begin();
        begun = true;
    }
    const vprintf_like_t ring = esp_log_set_vprintf(console);
    log_ring_begin(); /* with this console */
    (void)ring;
    atomic_store(&s_printed, 0);
    return end_of_log();
}

/** Everything that follows `position`, up to the end. */
static char *text_from(uint32_t position)
{
    static char all[2 * RING];
    size_t length = 0;
    for (;;) {
        const size_t got = log_ring_read(&position, &all[length], sizeof(all) - 1 - length);
        if (got == 0) {
            all[length] = '\0';
            return all;
        }
        length += got;
    }
}

static void write_raw(const char *text)
{
    esp_log_write(ESP_LOG_INFO, "test", "%s", text);
}

TEST_CASE("a line of the log is kept as the console shows it, and the console still shows it", "[log_ring]")
{
    const uint32_t position = begin(catch);
    ESP_LOGW("can_victron", "no keepalive (0x%X) for %d ms", 0x305, 10000);
    TEST_ASSERT_EQUAL_UINT32(1, atomic_load(&s_printed));
    TEST_ASSERT_EQUAL_STRING(s_console, text_from(position));
    TEST_ASSERT_NOT_NULL(strstr(s_console, "W ("));
    TEST_ASSERT_NOT_NULL(strstr(s_console, ") can_victron: no keepalive (0x305) for 10000 ms\n"));
}

TEST_CASE("to begin twice keeps and prints each line once", "[log_ring]")
{
    const uint32_t position = begin(catch);
    log_ring_begin();
    write_raw("once\n");
    TEST_ASSERT_EQUAL_UINT32(1, atomic_load(&s_printed));
    TEST_ASSERT_EQUAL_STRING("once\n", text_from(position));
}

TEST_CASE("colours and control characters are not kept, and a text cannot look like a line of its own", "[log_ring]")
{
    static const struct {
        const char *written;
        const char *kept;
    } rows[] = {
        {"\x1b[0;31mE (1) tag: red\x1b[0m\n", "E (1) tag: red\n"},
        {"a\tb\x01\x7f\r\n", "a b\n"},
        {"name 'x\nE (9) tag: forged'\n", "name 'x E (9) tag: forged'\n"},
        {"20 \xc2\xb0"
         "C\n",
         "20 ??C\n"},
        {"cut \x1b[\n", "cut \n"},
        {"cut \x1b\n", "cut \n"},
        {"bell \x1b[31;\n", "bell \n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ROW("rows[%zu]", i);
        const uint32_t position = begin(count);
        write_raw(rows[i].written);
        TEST_ASSERT_EQUAL_STRING(rows[i].kept, text_from(position));
    }
}

TEST_CASE("a line of 255 characters is kept whole; a longer one is cut, marked, and still a line", "[log_ring]")
{
    char line[1001];
    uint32_t position = begin(count);
    memset(line, 'x', sizeof(line));
    line[254] = '\n';
    line[255] = '\0';
    write_raw(line);
    TEST_ASSERT_EQUAL_STRING(line, text_from(position));
    for (size_t length = 256; length <= 1000; length += 744) {
        ROW("%zu characters", length);
        position = begin(count);
        memset(line, 'x', sizeof(line));
        memcpy(line, "head", 4);
        line[length - 1] = '\n';
        line[length] = '\0';
        write_raw(line);
        const char *const kept = text_from(position);
        TEST_ASSERT_LESS_OR_EQUAL(255, strlen(kept));
        TEST_ASSERT_EQUAL(0, strncmp(kept, "headxxx", 7));
        TEST_ASSERT_EQUAL_STRING("x...\n", &kept[strlen(kept) - 5]);
    }
}

TEST_CASE("a line that is logged in pieces is read once it is whole", "[log_ring]")
{
    const uint32_t position = begin(count);
    write_raw("wifi: ");
    TEST_ASSERT_EQUAL_STRING("", text_from(position));
    write_raw("mode sta");
    write_raw("\n");
    TEST_ASSERT_EQUAL_STRING("wifi: mode sta\n", text_from(position));
}

TEST_CASE("when the ring has wrapped the oldest whole line is the first, and none is missing after it", "[log_ring]")
{
    char line[64];
    (void)begin(count);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(line, sizeof(line), "line %d of all\n", i);
        write_raw(line);
    }
    const char *at = text_from(0);
    TEST_ASSERT_GREATER_THAN(RING - 64, strlen(at));
    TEST_ASSERT_LESS_OR_EQUAL(RING, strlen(at));
    int next = -1;
    for (; *at != '\0'; at = strchr(at, '\n') + 1) {
        const int number = atoi(&at[5]); // NOLINT(cert-err34-c): our own text
        TEST_ASSERT_EQUAL(0, strncmp(at, "line ", 5));
        TEST_ASSERT_TRUE(next == -1 || number == next);
        next = number + 1;
    }
    TEST_ASSERT_EQUAL(1000, next);
}

TEST_CASE("a reader that is overtaken goes on at the oldest whole line", "[log_ring]")
{
    char text[64];
    uint32_t position = begin(count);
    write_raw("first\n");
    write_raw("second\n");
    TEST_ASSERT_EQUAL(6, log_ring_read(&position, text, 10)); /* the second line does not fit */
    for (int i = 0; i < 1000; i++) {
        write_raw("one of many lines\n");
    }
    const size_t length = log_ring_read(&position, text, sizeof(text));
    TEST_ASSERT_EQUAL(3 * strlen("one of many lines\n"), length);
    TEST_ASSERT_EQUAL_MEMORY("one of many lines\none of many lines\n", text, 36);
    const uint32_t nonsense = position + 123456;
    position = nonsense;
    TEST_ASSERT_EQUAL(length, log_ring_read(&position, text, sizeof(text)));
    TEST_ASSERT_TRUE(position != nonsense);
}

TEST_CASE("a line that is longer than the reader's buffer comes in parts", "[log_ring]")
{
    char text[8];
    uint32_t position = begin(count);
    write_raw("0123456789\n");
    TEST_ASSERT_EQUAL(8, log_ring_read(&position, text, sizeof(text)));
    TEST_ASSERT_EQUAL_MEMORY("01234567", text, 8);
    TEST_ASSERT_EQUAL(3, log_ring_read(&position, text, sizeof(text)));
    TEST_ASSERT_EQUAL_MEMORY("89\n", text, 3);
    TEST_ASSERT_EQUAL(0, log_ring_read(&position, text, sizeof(text)));
    TEST_ASSERT_EQUAL(0, log_ring_read(&position, text, 0));
}

static sem_t s_in_line; /**< a task has begun to make its line */
static sem_t s_may_end; /**< and may end it */

/** A conversion that takes as long as the test wants. */
static int convert_slowly(FILE *stream, const struct printf_info *info, const void *const *arguments)
{
    (void)info;
    (void)arguments;
    (void)sem_post(&s_in_line);
    (void)sem_wait(&s_may_end);
    return fprintf(stream, "slow");
}

static int takes_no_argument(const struct printf_info *info, size_t count, int *types, int *sizes)
{
    (void)info;
    (void)count;
    (void)types;
    (void)sizes;
    return 0;
}

static void *write_slowly(void *argument)
{
    const char *const format = argument; /* from there, as the compiler does not know the conversion */
    esp_log_write(ESP_LOG_INFO, "test", format);
    return NULL;
}

TEST_CASE("when four tasks are in the middle of their lines a fifth does not wait, and the log tells what is missing",
          "[log_ring]")
{
    static char format[] = "%Y line\n";
    pthread_t threads[4];
    TEST_ASSERT_EQUAL(0, register_printf_specifier('Y', convert_slowly, takes_no_argument));
    TEST_ASSERT_EQUAL(0, sem_init(&s_in_line, 0, 0) + sem_init(&s_may_end, 0, 0));
    const uint32_t position = begin(count);
    for (size_t i = 0; i < 4; i++) {
        TEST_ASSERT_EQUAL(0, pthread_create(&threads[i], NULL, write_slowly, format));
        TEST_ASSERT_EQUAL(0, sem_wait(&s_in_line));
    }
    write_raw("missing\n");
    write_raw("missing too\n");
    TEST_ASSERT_EQUAL_UINT32(2, atomic_load(&s_printed));
    TEST_ASSERT_EQUAL_STRING("", text_from(position));
    for (size_t i = 0; i < 4; i++) {
        TEST_ASSERT_EQUAL(0, sem_post(&s_may_end));
    }
    for (size_t i = 0; i < 4; i++) {
        TEST_ASSERT_EQUAL(0, pthread_join(threads[i], NULL));
    }
    write_raw("next\n");
    TEST_ASSERT_EQUAL_UINT32(7, atomic_load(&s_printed));
    TEST_ASSERT_EQUAL_STRING("slow line\nslow line\nslow line\nslow line\n(lines missing: 2)\nnext\n",
                             text_from(position));
}

static atomic_bool s_done;
static pthread_barrier_t s_start;

static void *write_lines(void *argument)
{
    const int writer = *(const int *)argument;
    (void)pthread_barrier_wait(&s_start);
    for (int i = 0; i < ROUNDS; i++) {
        /* The length follows from the numbers, so that a line that was mixed with another one shows. */
        esp_log_write(ESP_LOG_INFO, "test", "w%d n%d %.*s$\n", writer, i, (writer * 31 + i) % 150,
                      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
                      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    }
    return NULL;
}

typedef struct {
    int newest[WRITERS];
    unsigned lines;
    unsigned lost;
    const char *bad;
} seen_t;

static bool take_whole_line(seen_t *seen, const char *line, size_t length)
{
    int writer = 0;
    int number = 0;
    int head = 0;
    unsigned lost = 0;
    if (sscanf(line, "(lines missing: %u)", &lost) == 1) { // NOLINT(cert-err34-c)
        seen->lost += lost;
        return true;
    }
    if (sscanf(line, "w%d n%d %n", &writer, &number, &head) != 2 || writer < 0 || writer >= WRITERS) { // NOLINT
        return false;
    }
    const bool in_order = number > seen->newest[writer];
    seen->newest[writer] = number;
    seen->lines++;
    const int expected = head + (writer * 31 + number) % 150 + 2;
    return in_order && (int)length == expected && line[length - 2] == '$';
}

static void *read_lines(void *argument)
{
    seen_t *const seen = argument;
    char text[513];
    uint32_t position = end_of_log();
    (void)pthread_barrier_wait(&s_start);
    for (bool last = false;;) {
        const size_t length = log_ring_read(&position, text, sizeof(text) - 1);
        text[length] = '\0';
        for (const char *at = text; *at != '\0' && seen->bad == NULL;) {
            const char *const newline = strchr(at, '\n');
            if (newline == NULL || !take_whole_line(seen, at, (size_t)(newline + 1 - at))) {
                seen->bad = strdup(at);
                break;
            }
            at = newline + 1;
        }
        if (length == 0 && last) {
            return NULL;
        }
        last = atomic_load(&s_done);
    }
}

TEST_CASE("many tasks log at the same time, others read: lines stay whole and in the order of their writer",
          "[log_ring]")
{
    pthread_t writers[WRITERS];
    pthread_t readers[2];
    static seen_t seen[2];
    int numbers[WRITERS];
    (void)begin(count);
    atomic_store(&s_done, false);
    TEST_ASSERT_EQUAL(0, pthread_barrier_init(&s_start, NULL, WRITERS + 2));
    for (int i = 0; i < 2; i++) {
        memset(seen[i].newest, -1, sizeof(seen[i].newest));
        TEST_ASSERT_EQUAL(0, pthread_create(&readers[i], NULL, read_lines, &seen[i]));
    }
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        TEST_ASSERT_EQUAL(0, pthread_create(&writers[i], NULL, write_lines, &numbers[i]));
    }
    for (int i = 0; i < WRITERS; i++) {
        TEST_ASSERT_EQUAL(0, pthread_join(writers[i], NULL));
    }
    write_raw("w0 n99999 "
              "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
              "abcdefghijklmnopqrstu$\n"); /* tells what was lost before it */
    atomic_store(&s_done, true);
    for (int i = 0; i < 2; i++) {
        ROW("reader %d", i);
        TEST_ASSERT_EQUAL(0, pthread_join(readers[i], NULL));
        TEST_ASSERT_TRUE_MESSAGE(seen[i].bad == NULL, seen[i].bad);
        TEST_ASSERT_EQUAL(99999, seen[i].newest[0]);
        TEST_ASSERT_LESS_OR_EQUAL(WRITERS * ROUNDS + 1, seen[i].lines + seen[i].lost);
    }
    TEST_ASSERT_EQUAL_UINT32(WRITERS * ROUNDS + 1, atomic_load(&s_printed));
}
