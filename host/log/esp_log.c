/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Log lines go to standard output, one write each, unless esp_log_set_vprintf() says otherwise. */
#include "esp_log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "host.h"

static int write_line(const char *format, va_list arguments);

static atomic_int s_level = ESP_LOG_INFO;
static _Atomic(vprintf_like_t) s_vprintf = write_line;

void esp_log_level_set(const char *tag, esp_log_level_t level)
{
    (void)tag;
    atomic_store(&s_level, (int)level);
}

static int write_line(const char *format, va_list arguments)
{
    char line[512];
    int length = vsnprintf(line, sizeof(line), format, arguments);
    if (length < 0) {
        return length;
    }
    if (length >= (int)sizeof(line)) {
        length = (int)sizeof(line) - 1;
        line[length - 1] = '\n';
    }
    const ssize_t written = write(STDOUT_FILENO, line, (size_t)length); /* one call: lines never mix */
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
    (void)tag;
    if ((int)level > atomic_load(&s_level)) {
        return;
    }
    const vprintf_like_t print = atomic_load(&s_vprintf);
    va_start(arguments, format);
    (void)print(format, arguments);
    va_end(arguments);
}
