/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Log lines go to standard output, one write each, unless esp_log_set_vprintf() says otherwise. */
#include "esp_log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

static int write_line(const char *format, va_list arguments);

#define TAGS_MAX 16

/** A tag with a level of its own. */
typedef struct {
    const char *tag;
    esp_log_level_t level;
} tag_level_t;

static atomic_int s_level = ESP_LOG_INFO;
static tag_level_t s_tags[TAGS_MAX];
static atomic_uint
    s_tag_count; /**< tags are only ever added, while one task starts; each is complete before it counts */
static _Atomic(vprintf_like_t) s_vprintf = write_line;

/** "*" is for the tags that have no level of their own; on the chip it would take that away, which nobody needs. */
void esp_log_level_set(const char *tag, esp_log_level_t level)
{
    const unsigned count = atomic_load(&s_tag_count);
    if (strcmp(tag, "*") == 0) {
        atomic_store(&s_level, (int)level);
    } else if (count < TAGS_MAX) {
        s_tags[count] = (tag_level_t){.tag = tag, .level = level};
        atomic_store(&s_tag_count, count + 1);
    } else {
        (void)fprintf(stderr, "esp_log_level_set: more than %d tags\n", TAGS_MAX);
        abort();
    }
}

static int level_of(const char *tag)
{
    const unsigned count = atomic_load(&s_tag_count);
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(s_tags[i].tag, tag) == 0) {
            return (int)s_tags[i].level;
        }
    }
    return atomic_load(&s_level);
}

static int write_line(const char *format, va_list arguments)
{
    static _Thread_local char s_line[512]; /* not on the stack of a task, which is the chip's */
    int length = vsnprintf(s_line, sizeof(s_line), format, arguments);
    if (length < 0) {
        return length;
    }
    if (length >= (int)sizeof(s_line)) {
        length = (int)sizeof(s_line) - 1;
        s_line[length - 1] = '\n';
    }
    const ssize_t written = write(STDOUT_FILENO, s_line, (size_t)length); /* one call: lines never mix */
    (void)written; /* a log that nobody reads any more is no reason to stop */
    return length;
}

vprintf_like_t esp_log_set_vprintf(vprintf_like_t func)
{
    return atomic_exchange(&s_vprintf, func);
}

void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
{
    va_list arguments;
    if ((int)level > level_of(tag)) {
        return;
    }
    const vprintf_like_t print = atomic_load(&s_vprintf);
    va_start(arguments, format);
    (void)print(format, arguments);
    va_end(arguments);
}
