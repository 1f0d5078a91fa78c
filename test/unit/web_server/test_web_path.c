/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "unity.h"
#include "web_path.h"

TEST_CASE("a plain path names its gzipped file", "[web_path]")
{
    static const struct {
        const char *path;
        const char *name;
    } cases[] = {
        {"/", "/index.html.gz"},
        {"/index.html", "/index.html.gz"},
        {"/assets/app-1a2B_3.min.js", "/assets/app-1a2B_3.min.js.gz"},
        {"/a", "/a.gz"},
        {"/123456789012345678901234567", "/123456789012345678901234567.gz"}, /* 31 characters: SPIFFS's longest */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        char name[WEB_PATH_NAME_MAX + 1] = "";
        TEST_ASSERT_TRUE(web_path_name(cases[i].path, strlen(cases[i].path), name));
        TEST_ASSERT_EQUAL_STRING(cases[i].name, name);
    }
}

TEST_CASE("a path that could lead elsewhere names nothing", "[web_path]")
{
    static const char *const paths[] = {
        "",          "index.html", "/..",          "/../secret",
        "/a/../b",   "/a/..",      "/./a",         "/.hidden",
        "/a/.git",   "//etc",      "/a//b",        "/a/",
        "/%2e%2e/x", "/a%00.html", "/a\\..\\b",    "/a b",
        "/a;b",      "/~root",     "/caf\xc3\xa9", "/a\x7f",
        "/a\n",      "/a:b",       "/a*",          "/1234567890123456789012345678",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ROW("paths[%zu]", i);
        char name[WEB_PATH_NAME_MAX + 1] = "";
        TEST_ASSERT_FALSE(web_path_name(paths[i], strlen(paths[i]), name));
    }
}

TEST_CASE("a NUL within a path names nothing", "[web_path]")
{
    char name[WEB_PATH_NAME_MAX + 1] = "";
    TEST_ASSERT_FALSE(web_path_name("/a\0b", 4, name));
}

TEST_CASE("the ending of a path says the type", "[web_path]")
{
    static const struct {
        const char *path;
        const char *type;
    } cases[] = {
        {"/", "text/html; charset=utf-8"},
        {"/x.html", "text/html; charset=utf-8"},
        {"/x.js", "text/javascript"},
        {"/x.css", "text/css"},
        {"/x.svg", "image/svg+xml"},
        {"/x.json", "application/json"},
        {"/x", "application/octet-stream"},
        {"/html", "application/octet-stream"},
        {"/x.js.map", "application/octet-stream"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        TEST_ASSERT_EQUAL_STRING(cases[i].type, web_path_type(cases[i].path, strlen(cases[i].path)));
    }
}
