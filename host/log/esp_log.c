/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Log lines go to standard output, one write each. */
#include "esp_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "host.h"

static atomic_int s_level = ESP_LOG_INFO;

void esp_log_level_set(const char *tag, esp_log_level_t level)
{
    (void)tag;
    atomic_store(&s_level, (int)level);
}

void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
{
    static const char letters[] = "-EWIDV";
    char line[512];
    va_list arguments;
    if ((int)level > atomic_load(&s_level)) {
        return;
    }
    int length = snprintf(line, sizeof(line), "%c (%" PRId64 ") %s: ", letters[level], host_now_us() / 1000, tag);
    va_start(arguments, format);
    length += vsnprintf(&line[length], sizeof(line) - (size_t)length, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof(line) - 2) {
        length = (int)sizeof(line) - 2;
    }
    line[length] = '\n';
    const ssize_t written = write(STDOUT_FILENO, line, (size_t)length + 1); /* one call: lines never mix */
    (void)written; /* a log that nobody reads any more is no reason to stop */
}
