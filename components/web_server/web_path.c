/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Only names that cannot lead elsewhere: what is not allowed is not repaired but refused. */
#include "web_path.h"

#include <stdio.h>
#include <string.h>

static bool plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/** Every part begins with a plain character: no "..", no hidden file, no "//". */
static bool harmless(const char *path, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const bool begins = i > 0 && path[i - 1] == '/';
        const bool allowed = plain(path[i]) || (path[i] == '.' && !begins) || (path[i] == '/' && !begins);
        if (!allowed) {
            return false;
        }
    }
    return length > 0 && path[0] == '/';
}

bool web_path_name(const char *path, size_t length, char name[WEB_PATH_NAME_MAX + 1])
{
    static const char index[] = "/index.html";
    if (!harmless(path, length)) {
        return false;
    }
    if (length == 1) {
        path = index;
        length = sizeof(index) - 1;
    }
    if (path[length - 1] == '/' || length > WEB_PATH_NAME_MAX - strlen(".gz")) {
        return false;
    }
    (void)snprintf(name, WEB_PATH_NAME_MAX + 1, "%.*s.gz", (int)length, path);
    return true;
}

const char *web_path_type(const char *path, size_t length)
{
    static const struct {
        const char *ending;
        const char *type;
    } types[] = {
        {"/", "text/html; charset=utf-8"},
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css"},
        {".js", "text/javascript"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".webmanifest", "application/manifest+json"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const size_t ending = strlen(types[i].ending);
        if (length >= ending && memcmp(&path[length - ending], types[i].ending, ending) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}
