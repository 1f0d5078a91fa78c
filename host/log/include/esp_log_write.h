/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stdarg.h>

#include "esp_log_level.h"

typedef int (*vprintf_like_t)(const char *, va_list);

/**
 * Where the log goes from now on; returns where it went before. As with version 1 of ESP-IDF's log, the function is
 * called by the task that logs, by several at the same time, once for each line, with the prefix and the newline in
 * `format`; colours are off by default.
 */
vprintf_like_t esp_log_set_vprintf(vprintf_like_t func);

/** Writes as it is: prefix and newline come from the macros of esp_log.h. */
void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
