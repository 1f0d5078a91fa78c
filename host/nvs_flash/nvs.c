/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** NVS in a directory: <data>/nvs/<namespace>/<key>, one file a value: a type byte, the value, a CRC-32.
 * A value is written to a temporary file that takes the old one's place when it is whole on the disk. */
#include "nvs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp_log.h"
#include "host.h"
#include "nvs_flash.h"

static const char *TAG = "nvs";

#define HANDLES_MAX 16
#define VALUE_MAX   4000 /* as a blob page on the chip */
#define PATH_LENGTH 512
#define CRC_LENGTH  4
#define LAYOUT      "1\n"

typedef enum {
    TYPE_U8 = 'b',
    TYPE_I32 = 'i',
    TYPE_U32 = 'u',
    TYPE_I64 = 'l',
    TYPE_U64 = 'q',
    TYPE_STR = 's',
    TYPE_BLOB = 'x',
} value_type_t;

static struct {
    bool open;
    bool writable;
    char directory[PATH_LENGTH];
} s_handles[HANDLES_MAX];
static bool s_initialised;

/** One call at a time, as on the chip; what a call needs to work in is not on the stack of a task, which is the chip's:
 * what was measured there would be that of Linux. */
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static char s_path[PATH_LENGTH];
static char s_temporary[PATH_LENGTH];
static uint8_t s_bytes[1 + VALUE_MAX + CRC_LENGTH];

static esp_err_t unlocked(esp_err_t err)
{
    (void)pthread_mutex_unlock(&s_lock);
    return err;
}

static uint32_t crc32_of(const uint8_t *bytes, size_t length)
{
    uint32_t crc = 0xFFFFFFFFU;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
        }
    }
    return ~crc;
}

/** Three parts, one behind the other; not by printf, which takes more of the stack than NVS does on the chip. False:
 * they are too long. */
static bool put_path(char path[PATH_LENGTH], const char *directory, const char *name, const char *end)
{
    const char *const parts[] = {directory, name, end};
    size_t used = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const size_t length = strlen(parts[i]);
        if (used + length >= PATH_LENGTH) {
            return false;
        }
        memcpy(&path[used], parts[i], length + 1);
        used += length;
    }
    return true;
}

static bool make_directory(const char *path)
{
    struct stat info;
    return host_options.read_only ? stat(path, &info) == 0 : mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool name_valid(const char *name)
{
    return name != NULL && name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static bool write_whole(const char *path, const uint8_t *bytes, size_t length)
{
    const int fd = host_options.read_only ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    const bool ok = write(fd, bytes, length) == (ssize_t)length && fsync(fd) == 0;
    return close(fd) == 0 && ok;
}

/** Under the lock. The file ".layout" says how values are stored; written when it is not there, or empty after a power
 * cut. */
static esp_err_t check_layout(const char *directory)
{
    char found[sizeof(LAYOUT)] = "";
    size_t length = 0;
    if (!put_path(s_temporary, directory, "/.layout", "")) {
        return ESP_FAIL;
    }
    FILE *const file = fopen(s_temporary, "rbe");
    if (file != NULL) {
        length = fread(found, 1, sizeof(found), file);
        (void)fclose(file);
    }
    if (length == 0) {
        return write_whole(s_temporary, (const uint8_t *)LAYOUT, sizeof(LAYOUT) - 1) ? ESP_OK : ESP_FAIL;
    }
    if (found[0] < '1' || found[0] > '9') {
        return ESP_ERR_NVS_NO_FREE_PAGES; /* no number of a layout: damaged beyond use */
    }
    const bool same = length == sizeof(LAYOUT) - 1 && memcmp(found, LAYOUT, length) == 0;
    return same ? ESP_OK : ESP_ERR_NVS_NEW_VERSION_FOUND;
}

esp_err_t nvs_flash_init(void)
{
    host_refuse_without_turn(__func__);
    if (host_options.data_dir == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    (void)pthread_mutex_lock(&s_lock);
    if (!put_path(s_path, host_options.data_dir, "/nvs", "") || !make_directory(host_options.data_dir) ||
        !make_directory(s_path)) {
        ESP_LOGE(TAG, "%s: %s", s_path, strerror(errno));
        return unlocked(ESP_FAIL);
    }
    const esp_err_t err = check_layout(s_path);
    s_initialised = err == ESP_OK;
    return unlocked(err);
}

esp_err_t nvs_flash_erase(void)
{
    host_refuse_without_turn(__func__);
    if (host_options.read_only) {
        return ESP_FAIL;
    }
    (void)pthread_mutex_lock(&s_lock);
    (void)snprintf(s_path, sizeof(s_path), "%s/nvs", host_options.data_dir);
    (void)snprintf(s_temporary, sizeof(s_temporary), "%s/nvs.erased.%lld", host_options.data_dir,
                   (long long)host_now_us());
    s_initialised = false;
    return unlocked(rename(s_path, s_temporary) == 0 || errno == ENOENT ? ESP_OK : ESP_FAIL);
}

/** Under the lock, with the path of the namespace in `s_path`. */
static esp_err_t take_handle(bool writable, nvs_handle_t *out_handle)
{
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        if (!s_handles[i].open) {
            s_handles[i].open = true;
            s_handles[i].writable = writable && !host_options.read_only;
            memcpy(s_handles[i].directory, s_path, sizeof(s_path));
            *out_handle = (nvs_handle_t)(i + 1);
            return ESP_OK;
        }
    }
    return ESP_ERR_NO_MEM;
}

esp_err_t nvs_open(const char *namespace_name, nvs_open_mode_t open_mode, nvs_handle_t *out_handle)
{
    const bool writable = open_mode == NVS_READWRITE;
    struct stat info;
    if (!s_initialised) {
        return ESP_ERR_NVS_NOT_INITIALIZED;
    }
    if (writable) {
        host_refuse_without_turn(__func__); /* a namespace that is new is written */
    }
    if (!name_valid(namespace_name) || strlen(namespace_name) >= NVS_KEY_NAME_MAX_SIZE) {
        return ESP_ERR_NVS_INVALID_NAME;
    }
    (void)pthread_mutex_lock(&s_lock);
    if (!put_path(s_path, host_options.data_dir, "/nvs/", namespace_name)) {
        return unlocked(ESP_FAIL);
    }
    if (writable ? !make_directory(s_path) : stat(s_path, &info) != 0) {
        return unlocked(writable ? ESP_FAIL : ESP_ERR_NVS_NOT_FOUND);
    }
    return unlocked(take_handle(writable, out_handle));
}

void nvs_close(nvs_handle_t handle)
{
    if (handle >= 1 && handle <= HANDLES_MAX) {
        (void)pthread_mutex_lock(&s_lock);
        s_handles[handle - 1].open = false;
        (void)pthread_mutex_unlock(&s_lock);
    }
}

/** Under the lock. The path of a value in `s_path`. */
static esp_err_t find_path(nvs_handle_t handle, const char *key, bool write)
{
    if (handle < 1 || handle > HANDLES_MAX || !s_handles[handle - 1].open) {
        return ESP_ERR_NVS_INVALID_HANDLE;
    }
    if (!name_valid(key)) {
        return ESP_ERR_NVS_INVALID_NAME;
    }
    if (strlen(key) >= NVS_KEY_NAME_MAX_SIZE) {
        return ESP_ERR_NVS_KEY_TOO_LONG;
    }
    if (write && !s_handles[handle - 1].writable) {
        return ESP_ERR_NVS_READ_ONLY;
    }
    return put_path(s_path, s_handles[handle - 1].directory, "/", key) ? ESP_OK : ESP_ERR_NVS_INVALID_NAME;
}

static bool sync_directory(nvs_handle_t handle)
{
    const int fd = open(s_handles[handle - 1].directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    const bool ok = fsync(fd) == 0;
    return close(fd) == 0 && ok;
}

/** Under the lock. */
static esp_err_t write_value(nvs_handle_t handle, value_type_t type, const void *value, size_t length)
{
    if (length > VALUE_MAX) {
        return ESP_ERR_NVS_INVALID_LENGTH;
    }
    s_bytes[0] = (uint8_t)type;
    memcpy(&s_bytes[1], value, length);
    const uint32_t crc = crc32_of(s_bytes, 1 + length);
    memcpy(&s_bytes[1 + length], &crc, CRC_LENGTH);
    if (!put_path(s_temporary, s_path, ".new", "") || !write_whole(s_temporary, s_bytes, 1 + length + CRC_LENGTH) ||
        rename(s_temporary, s_path) != 0 || !sync_directory(handle)) {
        ESP_LOGE(TAG, "%s: %s", s_path, strerror(errno));
        return ESP_FAIL;
    }
    return ESP_OK;
}

static esp_err_t set(nvs_handle_t handle, const char *key, value_type_t type, const void *value, size_t length)
{
    host_refuse_without_turn("nvs_set");
    (void)pthread_mutex_lock(&s_lock);
    const esp_err_t err = find_path(handle, key, true);
    return unlocked(err != ESP_OK ? err : write_value(handle, type, value, length));
}

/** Under the lock. `length`: in the room, out the length of the value; a NULL value asks for the length alone. */
static esp_err_t read_value(value_type_t type, void *value, size_t *length)
{
    uint32_t crc = 0;
    FILE *const file = fopen(s_path, "rbe");
    if (file == NULL) {
        return ESP_ERR_NVS_NOT_FOUND;
    }
    const size_t got = fread(s_bytes, 1, sizeof(s_bytes), file);
    (void)fclose(file);
    if (got >= 1 + CRC_LENGTH) {
        memcpy(&crc, &s_bytes[got - CRC_LENGTH], CRC_LENGTH);
    }
    if (got < 1 + CRC_LENGTH || crc != crc32_of(s_bytes, got - CRC_LENGTH)) {
        ESP_LOGE(TAG, "%s is damaged and is ignored", s_path);
        return ESP_ERR_NVS_NOT_FOUND;
    }
    if (s_bytes[0] != (uint8_t)type) {
        return ESP_ERR_NVS_TYPE_MISMATCH;
    }
    const size_t there = got - 1 - CRC_LENGTH;
    const size_t room = *length;
    *length = there;
    if (value == NULL) {
        return ESP_OK;
    }
    if (there > room) {
        return ESP_ERR_NVS_INVALID_LENGTH;
    }
    memcpy(value, &s_bytes[1], there);
    return ESP_OK;
}

static esp_err_t get(nvs_handle_t handle, const char *key, value_type_t type, void *value, size_t *length)
{
    (void)pthread_mutex_lock(&s_lock);
    const esp_err_t err = find_path(handle, key, false);
    return unlocked(err != ESP_OK ? err : read_value(type, value, length));
}

static esp_err_t get_number(nvs_handle_t handle, const char *key, value_type_t type, void *value, size_t size)
{
    size_t length = size;
    return get(handle, key, type, value, &length);
}

esp_err_t nvs_commit(nvs_handle_t handle)
{
    host_refuse_without_turn(__func__);
    return handle >= 1 && handle <= HANDLES_MAX && s_handles[handle - 1].open ? ESP_OK : ESP_ERR_NVS_INVALID_HANDLE;
}

esp_err_t nvs_erase_key(nvs_handle_t handle, const char *key)
{
    host_refuse_without_turn(__func__);
    (void)pthread_mutex_lock(&s_lock);
    const esp_err_t err = find_path(handle, key, true);
    if (err != ESP_OK) {
        return unlocked(err);
    }
    return unlocked(unlink(s_path) == 0 ? ESP_OK : ESP_ERR_NVS_NOT_FOUND);
}

esp_err_t nvs_set_u8(nvs_handle_t handle, const char *key, uint8_t value)
{
    return set(handle, key, TYPE_U8, &value, sizeof(value));
}

esp_err_t nvs_get_u8(nvs_handle_t handle, const char *key, uint8_t *out_value)
{
    return get_number(handle, key, TYPE_U8, out_value, sizeof(*out_value));
}

esp_err_t nvs_set_i32(nvs_handle_t handle, const char *key, int32_t value)
{
    return set(handle, key, TYPE_I32, &value, sizeof(value));
}

esp_err_t nvs_get_i32(nvs_handle_t handle, const char *key, int32_t *out_value)
{
    return get_number(handle, key, TYPE_I32, out_value, sizeof(*out_value));
}

esp_err_t nvs_set_u32(nvs_handle_t handle, const char *key, uint32_t value)
{
    return set(handle, key, TYPE_U32, &value, sizeof(value));
}

esp_err_t nvs_get_u32(nvs_handle_t handle, const char *key, uint32_t *out_value)
{
    return get_number(handle, key, TYPE_U32, out_value, sizeof(*out_value));
}

esp_err_t nvs_set_i64(nvs_handle_t handle, const char *key, int64_t value)
{
    return set(handle, key, TYPE_I64, &value, sizeof(value));
}

esp_err_t nvs_get_i64(nvs_handle_t handle, const char *key, int64_t *out_value)
{
    return get_number(handle, key, TYPE_I64, out_value, sizeof(*out_value));
}

esp_err_t nvs_set_u64(nvs_handle_t handle, const char *key, uint64_t value)
{
    return set(handle, key, TYPE_U64, &value, sizeof(value));
}

esp_err_t nvs_get_u64(nvs_handle_t handle, const char *key, uint64_t *out_value)
{
    return get_number(handle, key, TYPE_U64, out_value, sizeof(*out_value));
}

esp_err_t nvs_set_str(nvs_handle_t handle, const char *key, const char *value)
{
    return set(handle, key, TYPE_STR, value, strlen(value) + 1);
}

esp_err_t nvs_get_str(nvs_handle_t handle, const char *key, char *out_value, size_t *length)
{
    return get(handle, key, TYPE_STR, out_value, length);
}

esp_err_t nvs_set_blob(nvs_handle_t handle, const char *key, const void *value, size_t length)
{
    return set(handle, key, TYPE_BLOB, value, length);
}

esp_err_t nvs_get_blob(nvs_handle_t handle, const char *key, void *out_value, size_t *length)
{
    return get(handle, key, TYPE_BLOB, out_value, length);
}
