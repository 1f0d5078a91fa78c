/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Paths of the chip on Linux: what is opened below a base path is a file of a directory. The linker gives every
 * open(), close() and stat() of the program to this part (--wrap); what is not below a base path goes to Linux.
 */

#include <stdbool.h>
#include <stddef.h>

#include "esp_err.h"

#define HOST_VFS_BASE_LONGEST 15 /**< of a base path, as on the chip */
#define HOST_VFS_NAME_LONGEST 31 /**< of what is behind it, with the '/', as SPIFFS has it */

/**
 * @brief Makes the files of `dir` readable below `base_path`, at most `max_files` at a time.
 * @return ESP_OK; ESP_ERR_INVALID_ARG: not a base path; ESP_ERR_INVALID_STATE: in use; ESP_ERR_NO_MEM: no place;
 *         ESP_ERR_NOT_FOUND: no such directory
 */
esp_err_t host_vfs_mount(const char *base_path, const char *dir, size_t max_files);

/** @brief Files that are open stay open. False: not mounted. */
bool host_vfs_unmount(const char *base_path);
