/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "esp_err.h"

typedef struct {
    const char *base_path;
    const char *partition_label; /**< NULL: the first partition of SPIFFS */
    size_t max_files;
    bool format_if_mount_failed; /**< no effect on Linux */
} esp_vfs_spiffs_conf_t;

/** ESP_ERR_NOT_FOUND without the option --web. */
esp_err_t esp_vfs_spiffs_register(const esp_vfs_spiffs_conf_t *conf);
esp_err_t esp_vfs_spiffs_unregister(const char *partition_label);
bool esp_spiffs_mounted(const char *partition_label);
/** Bytes of the partition, and of the files in the directory of --web. */
esp_err_t esp_spiffs_info(const char *partition_label, size_t *total_bytes, size_t *used_bytes);
