/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * From the path of a request to the name of a file. The input is the path. What is allowed is decided here once more,
 * part by part, without a look at components/.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "web_path.h"

static bool allowed_part(const uint8_t *part, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    for (size_t i = 0; i < length; i++) {
        if (memchr(letters, part[i], sizeof(letters) - 1) == NULL) {
            return false;
        }
    }
    return length > 0 && part[0] != '.';
}

/** "/" and parts between slashes, none of them empty. */
static bool allowed(const uint8_t *path, size_t length)
{
    if (length == 0 || path[0] != '/') {
        return false;
    }
    if (length == 1) {
        return true;
    }
    for (size_t begin = 1; begin <= length;) {
        const uint8_t *const slash = begin < length ? memchr(&path[begin], '/', length - begin) : NULL;
        const size_t end = slash == NULL ? length : (size_t)(slash - path);
        if (!allowed_part(&path[begin], end - begin)) {
            return false;
        }
        begin = end + 1;
    }
    return true;
}

static void check_name(const uint8_t *data, size_t size)
{
    char name[WEB_PATH_NAME_MAX + 1];
    memset(name, 0x55, sizeof(name));
    const bool given = web_path_name((const char *)data, size, name);
    const bool fits = size + 3 <= 31; /* ".gz", and SPIFFS has 31 characters */
    fuzz_check(given == (allowed(data, size) && fits), "a name is given for what is allowed, and for nothing else");
    if (!given) {
        return;
    }
    fuzz_check(memchr(name, '\0', sizeof(name)) != NULL, "a name has an end");
    fuzz_check(name[0] == '/' && strstr(name, "/.") == NULL && strstr(name, "//") == NULL, "a name leads nowhere else");
    if (size == 1) {
        fuzz_check(strcmp(name, "/index.html.gz") == 0, "the front page");
    } else {
        fuzz_check(strlen(name) == size + 3 && memcmp(name, data, size) == 0 && strcmp(&name[size], ".gz") == 0,
                   "the path and .gz");
    }
}

static void check_type(const uint8_t *data, size_t size)
{
    static const char *const types[][2] = {
        {"html", "text/html; charset=utf-8"},
        {"css", "text/css"},
        {"js", "text/javascript"},
        {"json", "application/json"},
        {"svg", "image/svg+xml"},
        {"png", "image/png"},
        {"ico", "image/x-icon"},
        {"webmanifest", "application/manifest+json"},
    };
    const char *expected = size > 0 && data[size - 1] == '/' ? types[0][1] : "application/octet-stream";
    const uint8_t *const dot = size > 0 ? memrchr(data, '.', size) : NULL;
    for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
        const size_t length = size - (size_t)(&dot[1] - data);
        expected = length == strlen(types[i][0]) && memcmp(&dot[1], types[i][0], length) == 0 ? types[i][1] : expected;
    }
    fuzz_check(strcmp(web_path_type((const char *)data, size), expected) == 0,
               "the type of what stands behind the dot");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Exactly as long as it is: a byte behind it is not the function's. */
    uint8_t *const path = calloc(1, size > 0 ? size : 1);
    if (path == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(path, data, size);
    }
    check_name(path, size);
    check_type(path, size);
    free(path);
    return 0;
}
