/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "esp_log.h"

static const char *s_text = "";
static atomic_uint s_complaints;
static atomic_uint s_found;

void fake_log_reset(const char *text)
{
    s_text = text;
    atomic_store(&s_complaints, 0);
    atomic_store(&s_found, 0);
}

uint32_t fake_log_complaints(void)
{
    return atomic_load(&s_complaints);
}

uint32_t fake_log_found(void)
{
    return atomic_load(&s_found);
}

void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
{
    char line[256];
    va_list args;
    (void)tag;
    if (level != ESP_LOG_ERROR && level != ESP_LOG_WARN) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    atomic_fetch_add(&s_complaints, 1);
    if (strstr(line, s_text) != NULL) {
        atomic_fetch_add(&s_found, 1);
    }
}
