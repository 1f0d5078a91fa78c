/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The log of ESP-IDF on Linux: what a function that takes its place gets. */
#include <stdio.h>

#include "esp_log.h"
#include "host.h"
#include "unity.h"

static char s_text[256];
static int s_calls;

static int take(const char *format, va_list arguments)
{
    s_calls++;
    return vsnprintf(s_text, sizeof(s_text), format, arguments);
}

static int ignore(const char *format, va_list arguments)
{
    (void)format;
    (void)arguments;
    return 0;
}

static void begin(void)
{
    (void)esp_log_set_vprintf(take);
    s_calls = 0;
    s_text[0] = '\0';
}

TEST_CASE("a line is one call, with level, time, tag and newline, as in version 1 of ESP-IDF's log", "[host]")
{
    char expected[64];
    host_options.start_uptime_ms = 0x100000000 + 7000000; /* the time has 32 bits */
    begin();
    ESP_LOGE("tag", "%s %d", "text", 5);
    TEST_ASSERT_EQUAL(1, s_calls);
    unsigned time_ms = 0;
    TEST_ASSERT_EQUAL(1, sscanf(s_text, "E (%u)", &time_ms)); // NOLINT(cert-err34-c): our own text
    TEST_ASSERT_GREATER_OR_EQUAL(7000000, time_ms);
    TEST_ASSERT_LESS_THAN(7100000, time_ms);
    (void)snprintf(expected, sizeof(expected), "E (%u) tag: text 5\n", time_ms);
    TEST_ASSERT_EQUAL_STRING(expected, s_text);
    host_options.start_uptime_ms = 0;
}

TEST_CASE("what is written by itself gets nothing added", "[host]")
{
    begin();
    esp_log_write(ESP_LOG_INFO, "tag", "%s", "raw");
    TEST_ASSERT_EQUAL_STRING("raw", s_text);
}

TEST_CASE("a level that is off is not even passed on", "[host]")
{
    begin();
    ESP_LOGD("tag", "detail");
    TEST_ASSERT_EQUAL(0, s_calls);
    esp_log_level_set("*", ESP_LOG_ERROR);
    ESP_LOGW("tag", "warning");
    TEST_ASSERT_EQUAL(0, s_calls);
    ESP_LOGE("tag", "error");
    TEST_ASSERT_EQUAL(1, s_calls);
    esp_log_level_set("*", ESP_LOG_INFO);
}

TEST_CASE("the function before is returned, so that it can be called", "[host]")
{
    begin();
    TEST_ASSERT_TRUE(esp_log_set_vprintf(ignore) == take);
    ESP_LOGI("tag", "unseen");
    TEST_ASSERT_EQUAL(0, s_calls);
    TEST_ASSERT_TRUE(esp_log_set_vprintf(take) == ignore);
}
