/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* NVS in a directory; this suite is for Linux only. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "unity.h"

static char s_directory[] = "/tmp/tinybms-nvs-XXXXXX";

static nvs_handle_t opened(nvs_open_mode_t mode)
{
    nvs_handle_t handle = 0;
    if (host_options.data_dir == NULL) {
        host_options.data_dir = mkdtemp(s_directory);
        TEST_ASSERT_EQUAL(ESP_OK, nvs_flash_init());
    }
    TEST_ASSERT_EQUAL(ESP_OK, nvs_open("test", mode, &handle));
    return handle;
}

static void path_of(const char *key, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/nvs/test/%s", host_options.data_dir, key);
}

/* Before any other case: there is no directory yet. */
TEST_CASE("a namespace that was never written is not found for reading", "[host]")
{
    nvs_handle_t handle = 0;
    nvs_close(opened(NVS_READWRITE));
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_NOT_FOUND, nvs_open("nowhere", NVS_READONLY, &handle));
}

TEST_CASE("values of every type come back", "[host]")
{
    nvs_handle_t handle = opened(NVS_READWRITE);
    uint8_t u8 = 0;
    int32_t i32 = 0;
    uint32_t u32 = 0;
    int64_t i64 = 0;
    uint64_t u64 = 0;
    char text[16];
    size_t length = sizeof(text);
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_u8(handle, "u8", 200));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_i32(handle, "i32", INT32_MIN));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_u32(handle, "u32", UINT32_MAX));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_i64(handle, "i64", INT64_MIN));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_u64(handle, "u64", UINT64_MAX - 1));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_str(handle, "str", "TinyBMS"));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_commit(handle));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_get_u8(handle, "u8", &u8));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_get_i32(handle, "i32", &i32));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_get_u32(handle, "u32", &u32));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_get_i64(handle, "i64", &i64));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_get_u64(handle, "u64", &u64));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_get_str(handle, "str", text, &length));
    TEST_ASSERT_EQUAL_UINT8(200, u8);
    TEST_ASSERT_EQUAL_INT32(INT32_MIN, i32);
    TEST_ASSERT_EQUAL_UINT32(UINT32_MAX, u32);
    TEST_ASSERT_TRUE(i64 == INT64_MIN);
    TEST_ASSERT_TRUE(u64 == UINT64_MAX - 1);
    TEST_ASSERT_EQUAL_STRING("TinyBMS", text);
    TEST_ASSERT_EQUAL(8, length);
    nvs_close(handle);
}

TEST_CASE("the length of a value can be asked for, and too little room is refused", "[host]")
{
    nvs_handle_t handle = opened(NVS_READWRITE);
    char text[4];
    size_t length = 0;
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_str(handle, "long", "a longer text"));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_get_str(handle, "long", NULL, &length));
    TEST_ASSERT_EQUAL(14, length);
    length = sizeof(text);
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_INVALID_LENGTH, nvs_get_str(handle, "long", text, &length));
    nvs_close(handle);
}

TEST_CASE("a wrong type, a missing key and a key that is too long are told apart", "[host]")
{
    nvs_handle_t handle = opened(NVS_READWRITE);
    uint32_t u32 = 0;
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_u8(handle, "small", 1));
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_TYPE_MISMATCH, nvs_get_u32(handle, "small", &u32));
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_NOT_FOUND, nvs_get_u32(handle, "missing", &u32));
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_KEY_TOO_LONG, nvs_set_u8(handle, "sixteen_letters_", 1));
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_INVALID_NAME, nvs_set_u8(handle, "../escape", 1));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_erase_key(handle, "small"));
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_NOT_FOUND, nvs_erase_key(handle, "small"));
    nvs_close(handle);
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_INVALID_HANDLE, nvs_get_u32(handle, "u32", &u32));
}

TEST_CASE("a handle for reading does not write", "[host]")
{
    nvs_handle_t handle = opened(NVS_READONLY);
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_READ_ONLY, nvs_set_u8(handle, "u8", 1));
    nvs_close(handle);
}

TEST_CASE("a damaged or cut value counts as not there, never as another value", "[host]")
{
    nvs_handle_t handle = opened(NVS_READWRITE);
    char path[256];
    uint32_t value = 0;
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_u32(handle, "victim", 0x12345678));
    path_of("victim", path, sizeof(path));
    FILE *file = fopen(path, "r+be");
    TEST_ASSERT_NOT_NULL(file);
    TEST_ASSERT_EQUAL(0, fseek(file, 2, SEEK_SET));
    TEST_ASSERT_EQUAL(0xFF, fputc(0xFF, file));
    TEST_ASSERT_EQUAL(0, fclose(file));
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_NOT_FOUND, nvs_get_u32(handle, "victim", &value));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_u32(handle, "victim", 1));
    TEST_ASSERT_EQUAL(0, truncate(path, 3));
    TEST_ASSERT_EQUAL(ESP_ERR_NVS_NOT_FOUND, nvs_get_u32(handle, "victim", &value));
    TEST_ASSERT_EQUAL_UINT32(0, value);
    nvs_close(handle);
}

TEST_CASE("what a power cut left half written does not replace the value", "[host]")
{
    nvs_handle_t handle = opened(NVS_READWRITE);
    char path[256];
    uint32_t value = 0;
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_u32(handle, "steady", 42));
    path_of("steady.new", path, sizeof(path));
    FILE *file = fopen(path, "wbe");
    TEST_ASSERT_NOT_NULL(file);
    TEST_ASSERT_EQUAL(0, fclose(file));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_get_u32(handle, "steady", &value));
    TEST_ASSERT_EQUAL_UINT32(42, value);
    nvs_close(handle);
}

TEST_CASE("the directory is taken away again", "[host]")
{
    char command[300];
    (void)snprintf(command, sizeof(command), "rm -r '%s'", host_options.data_dir);
    TEST_ASSERT_EQUAL(0, system(command));
}
