/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <inttypes.h>

#include "esp_log_level.h"
#include "esp_log_timestamp.h"
#include "esp_log_write.h"

#define LOG_FORMAT(letter, format) #letter " (%" PRIu32 ") %s: " format "\n"

#define LOG_LINE(level, letter, tag, format, ...)                                                                      \
    esp_log_write(level, tag, LOG_FORMAT(letter, format), esp_log_timestamp(), tag, ##__VA_ARGS__)

#define ESP_LOGE(tag, format, ...) LOG_LINE(ESP_LOG_ERROR, E, tag, format, ##__VA_ARGS__)
#define ESP_LOGW(tag, format, ...) LOG_LINE(ESP_LOG_WARN, W, tag, format, ##__VA_ARGS__)
#define ESP_LOGI(tag, format, ...) LOG_LINE(ESP_LOG_INFO, I, tag, format, ##__VA_ARGS__)
#define ESP_LOGD(tag, format, ...) LOG_LINE(ESP_LOG_DEBUG, D, tag, format, ##__VA_ARGS__)
#define ESP_LOGV(tag, format, ...) LOG_LINE(ESP_LOG_VERBOSE, V, tag, format, ##__VA_ARGS__)
