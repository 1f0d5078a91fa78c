/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief From the path of a request to the name of a static file. Pure: no files, no server.
 *
 * @code{.c}
 * char name[WEB_PATH_NAME_MAX + 1];
 * const bool allowed = web_path_name("/app.js", 7, name); // "/app.js.gz"
 * const char *const type = web_path_type("/app.js", 7);    // "text/javascript"
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Longest name of a file in the web image, with ".gz" and without the NUL: SPIFFS has 31 characters. */
#define WEB_PATH_NAME_MAX 31

/**
 * @brief Name of the gzipped file for a path.
 * @param path,length of the request, without query; not NUL-terminated
 * @param[out] name "/index.html.gz" for "/"
 * @return false: not the name of a file: a character other than A-Z a-z 0-9 . _ - /, an empty part, a part that begins
 * with a dot, or too long
 */
bool web_path_name(const char *path, size_t length, char name[WEB_PATH_NAME_MAX + 1]);

/** @brief Media type by the ending of a path; "application/octet-stream" for others. */
const char *web_path_type(const char *path, size_t length);

#ifdef __cplusplus
}
#endif
