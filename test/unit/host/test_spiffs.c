/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Files below a base path, as components of the chip open them; for Linux only. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../row.h"
#include "esp_spiffs.h"
#include "host.h"
#include "unity.h"

#define NAME_30 "123456789012345678901234567890"

static char s_top[64]; /* has the directory of --web and a file beside it */
static char s_web[80];

static void write_file(const char *path, const char *text)
{
    FILE *const file = fopen(path, "we");
    TEST_ASSERT_NOT_NULL(file);
    TEST_ASSERT_TRUE(fputs(text, file) >= 0);
    TEST_ASSERT_EQUAL(0, fclose(file));
}

static void write_web(const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", s_web, name);
    write_file(path, text);
}

static void link_web(const char *to, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", s_web, name);
    TEST_ASSERT_EQUAL(0, symlink(to, path));
}

static void make_files(void)
{
    char path[256];
    (void)strcpy(s_top, "/tmp/tinybms-spiffs-XXXXXX");
    TEST_ASSERT_NOT_NULL(mkdtemp(s_top));
    (void)snprintf(s_web, sizeof(s_web), "%s/web", s_top);
    TEST_ASSERT_EQUAL(0, mkdir(s_web, 0777));
    (void)snprintf(path, sizeof(path), "%s/assets", s_web);
    TEST_ASSERT_EQUAL(0, mkdir(path, 0777));
    (void)snprintf(path, sizeof(path), "%s/secret", s_top);
    write_file(path, "secret");
    write_web("index.html.gz", "index");
    write_web("assets/app.js.gz", "app");
    write_web(NAME_30, "long");
    write_web(NAME_30 "1", "too long");
    (void)snprintf(path, sizeof(path), "%s/pipe", s_web);
    TEST_ASSERT_EQUAL(0, mkfifo(path, 0666));
    link_web("index.html.gz", "inside");
    link_web("../secret", "outside");
    link_web("/etc/passwd", "absolute");
    link_web("..", "up");
}

static void begin(size_t max_files)
{
    const esp_vfs_spiffs_conf_t conf = {.base_path = "/web", .partition_label = "web_0", .max_files = max_files};
    make_files();
    host_options.web_dir = s_web;
    TEST_ASSERT_EQUAL(ESP_OK, esp_vfs_spiffs_register(&conf));
}

static void end(void)
{
    char command[128];
    TEST_ASSERT_EQUAL(ESP_OK, esp_vfs_spiffs_unregister("web_0"));
    host_options.web_dir = NULL;
    (void)snprintf(command, sizeof(command), "rm -r '%s'", s_top);
    TEST_ASSERT_EQUAL(0, system(command)); // NOLINT(cert-env33-c): a name of mkdtemp()
}

TEST_CASE("without a directory there is no partition with files", "[host]")
{
    const esp_vfs_spiffs_conf_t conf = {.base_path = "/web", .partition_label = "web_0", .max_files = 4};
    size_t total = 0;
    size_t used = 0;
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, esp_vfs_spiffs_register(&conf));
    TEST_ASSERT_FALSE(esp_spiffs_mounted("web_0"));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, esp_spiffs_info("web_0", &total, &used));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, esp_vfs_spiffs_unregister("web_0"));
    TEST_ASSERT_EQUAL(-1, open("/web/index.html.gz", O_RDONLY));
    TEST_ASSERT_EQUAL(ENOENT, errno);
}

TEST_CASE("a partition that is not in the table, or mounted already, is refused", "[host]")
{
    const esp_vfs_spiffs_conf_t again = {.base_path = "/web2", .partition_label = "web_0", .max_files = 4};
    const esp_vfs_spiffs_conf_t same_path = {.base_path = "/web", .partition_label = "web_1", .max_files = 4};
    const esp_vfs_spiffs_conf_t unknown = {.base_path = "/web2", .partition_label = "web_2", .max_files = 4};
    const esp_vfs_spiffs_conf_t no_path = {.base_path = "web", .partition_label = "web_1", .max_files = 4};
    const esp_vfs_spiffs_conf_t slash = {.base_path = "/web/", .partition_label = "web_1", .max_files = 4};
    const esp_vfs_spiffs_conf_t longer = {.base_path = "/sixteen-letters", .partition_label = "web_1", .max_files = 4};
    begin(4);
    TEST_ASSERT_TRUE(esp_spiffs_mounted("web_0"));
    TEST_ASSERT_TRUE(esp_spiffs_mounted(NULL)); /* the first one */
    TEST_ASSERT_FALSE(esp_spiffs_mounted("web_1"));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, esp_vfs_spiffs_register(&again));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, esp_vfs_spiffs_register(&same_path));
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, esp_vfs_spiffs_register(&unknown));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, esp_vfs_spiffs_register(&no_path));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, esp_vfs_spiffs_register(&slash));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, esp_vfs_spiffs_register(&longer));
    end();
}

TEST_CASE("files below the base path are those of the directory", "[host]")
{
    static const struct {
        const char *path;
        const char *text; /* NULL: cannot be opened */
        int error;
    } cases[] = {
        {"/web/index.html.gz", "index", 0},
        {"/web/assets/app.js.gz", "app", 0},
        {"/web/" NAME_30, "long", 0},
        {"/web/" NAME_30 "1", NULL, ENAMETOOLONG},
        {"/web/nothing", NULL, ENOENT},
        {"/web/assets", NULL, ENOENT}, /* SPIFFS has no directories */
        {"/web/assets/", NULL, ENOENT},
        {"/web/", NULL, ENOENT},
        {"/web", NULL, ENOENT},
        {"/web//index.html.gz", NULL, ENOENT},
        {"/web/./index.html.gz", NULL, ENOENT},
        {"/web/assets/../index.html.gz", NULL, ENOENT},
        {"/web/../secret", NULL, ENOENT},
        {"/web/inside", NULL, ENOENT}, /* a link: the image for the chip is made without links */
        {"/web/outside", NULL, ENOENT},
        {"/web/pipe", NULL, ENOENT},
        {"/web/absolute", NULL, ENOENT},
        {"/web/up/secret", NULL, ENOENT},
        {"/website/index.html.gz", NULL, ENOENT},
    };
    begin(4);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[16] = "";
        struct stat info;
        ROW("%s", cases[i].path);
        const int fd = open(cases[i].path, O_RDONLY);
        if (cases[i].text == NULL) {
            TEST_ASSERT_EQUAL(-1, fd);
            TEST_ASSERT_EQUAL(cases[i].error, errno);
            TEST_ASSERT_EQUAL(-1, stat(cases[i].path, &info));
            TEST_ASSERT_EQUAL(cases[i].error, errno);
            continue;
        }
        TEST_ASSERT_TRUE(fd >= 0);
        TEST_ASSERT_EQUAL(0, fstat(fd, &info));
        TEST_ASSERT_EQUAL(strlen(cases[i].text), info.st_size);
        TEST_ASSERT_EQUAL(strlen(cases[i].text), read(fd, text, sizeof(text) - 1));
        TEST_ASSERT_EQUAL_STRING(cases[i].text, text);
        TEST_ASSERT_EQUAL(0, close(fd));
        TEST_ASSERT_EQUAL(0, stat(cases[i].path, &info));
        TEST_ASSERT_EQUAL(strlen(cases[i].text), info.st_size);
    }
    end();
}

TEST_CASE("no more files are open than were asked for", "[host]")
{
    begin(2);
    for (int i = 0; i < 3; i++) {
        const int one = open("/web/index.html.gz", O_RDONLY);
        const int two = open("/web/index.html.gz", O_RDONLY);
        TEST_ASSERT_TRUE(one >= 0 && two >= 0);
        TEST_ASSERT_EQUAL(-1, open("/web/index.html.gz", O_RDONLY));
        TEST_ASSERT_EQUAL(ENFILE, errno);
        const int elsewhere = open("/dev/null", O_RDONLY);
        TEST_ASSERT_TRUE(elsewhere >= 0);
        (void)close(elsewhere);
        (void)close(one);
        (void)close(two);
    }
    end();
}

TEST_CASE("files are for reading", "[host]")
{
    begin(4);
    TEST_ASSERT_EQUAL(-1, open("/web/index.html.gz", O_RDWR));
    TEST_ASSERT_EQUAL(EROFS, errno);
    TEST_ASSERT_EQUAL(-1, open("/web/new", O_WRONLY | O_CREAT, 0666));
    TEST_ASSERT_EQUAL(EROFS, errno);
    end();
}

TEST_CASE("the size of the partition and of its files", "[host]")
{
    size_t total = 0;
    size_t used = 0;
    begin(4);
    TEST_ASSERT_EQUAL(ESP_OK, esp_spiffs_info("web_0", &total, &used));
    TEST_ASSERT_EQUAL(192 * 1024, total);
    TEST_ASSERT_EQUAL(strlen("index") + strlen("app") + strlen("long") + strlen("too long"), used);
    end();
}

TEST_CASE("paths elsewhere are those of Linux, also new ones", "[host]")
{
    struct stat info;
    char path[256];
    begin(4);
    (void)snprintf(path, sizeof(path), "%s/new", s_top);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);
    TEST_ASSERT_TRUE(fd >= 0);
    TEST_ASSERT_EQUAL(0, fstat(fd, &info));
    TEST_ASSERT_EQUAL(0, info.st_mode & 0027);
    TEST_ASSERT_EQUAL(0, close(fd));
    TEST_ASSERT_EQUAL(-1, close(fd));
    end();
}
