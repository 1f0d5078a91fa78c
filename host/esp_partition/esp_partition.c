/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Partitions as NOR flash has them: a write only clears bits, an erase sets a sector to 0xFF and takes 100 ms, in
 * which every task and interrupt stands still at its next queue, notification or delay. Each is a file
 * <data>/flash/<label>.bin that is made by the first write or erase; what is missing in it reads 0xFF. Without --data
 * they are in memory. */
#include "esp_partition.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp_log.h"
#include "host.h"

static const char *TAG = "flash";

#define SECTOR_SIZE 4096
#define ERASE_US    100000
#define PATH_LENGTH 512

static const esp_partition_t s_partitions[] = {
#include "partitions.inc"
};

#define PARTITIONS (sizeof(s_partitions) / sizeof(s_partitions[0]))

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the files and what follows */
static int s_memory[PARTITIONS];                           /* without --data; 0 = not there yet */
static uint8_t s_piece[SECTOR_SIZE];                       /* not on the stack of a task, which is the chip's */

const esp_partition_t *esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char *label)
{
    for (size_t i = 0; i < PARTITIONS; i++) {
        const esp_partition_t *const p = &s_partitions[i];
        if ((type == ESP_PARTITION_TYPE_ANY || type == p->type) &&
            (subtype == ESP_PARTITION_SUBTYPE_ANY || subtype == p->subtype) &&
            (label == NULL || strcmp(label, p->label) == 0)) {
            return p;
        }
    }
    return NULL;
}

static int open_memory(const esp_partition_t *partition)
{
    int *const fd = &s_memory[partition - s_partitions];
    if (*fd == 0) {
        *fd = memfd_create(partition->label, MFD_CLOEXEC);
    }
    return *fd < 0 ? -1 : dup(*fd);
}

/** Under the lock. A file that is not there yet can be opened for writing only. */
static int open_partition(const esp_partition_t *partition, bool writing)
{
    static char s_path[PATH_LENGTH]; /* as s_piece */
    if (host_options.data_dir == NULL) {
        return open_memory(partition);
    }
    const size_t length = strlen(host_options.data_dir);
    if (length + sizeof("/flash/.bin") + sizeof(partition->label) > sizeof(s_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    char *const folder_end = stpcpy(stpcpy(s_path, host_options.data_dir), "/flash"); /* printf takes too much stack */
    if (writing && mkdir(s_path, 0700) != 0 && errno != EEXIST) {
        return -1;
    }
    (void)stpcpy(stpcpy(stpcpy(folder_end, "/"), partition->label), ".bin");
    return open(s_path, O_CLOEXEC | (writing ? O_RDWR | O_CREAT : O_RDONLY), 0600);
}

static esp_err_t check_range(const esp_partition_t *partition, size_t offset, size_t size)
{
    if (offset > partition->size) {
        return ESP_ERR_INVALID_ARG;
    }
    return size > partition->size - offset ? ESP_ERR_INVALID_SIZE : ESP_OK;
}

static bool read_bytes(int fd, size_t offset, uint8_t *bytes, size_t size)
{
    const ssize_t length = fd < 0 ? 0 : pread(fd, bytes, size, (off_t)offset);
    if (length < 0) {
        return false;
    }
    memset(&bytes[length], 0xFF, size - (size_t)length);
    return true;
}

/** What is between the end of the file and `offset` must not become 0. */
static bool fill_up(int fd, size_t offset)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return false;
    }
    memset(s_piece, 0xFF, sizeof(s_piece));
    for (size_t end = (size_t)info.st_size; end < offset;) {
        const size_t size = offset - end < sizeof(s_piece) ? offset - end : sizeof(s_piece);
        if (pwrite(fd, s_piece, size, (off_t)end) != (ssize_t)size) {
            return false;
        }
        end += size;
    }
    return true;
}

/** At most a sector; `bytes` NULL = erase it. */
static bool change_piece(int fd, size_t offset, const uint8_t *bytes, size_t size)
{
    if (!fill_up(fd, offset)) {
        return false;
    }
    memset(s_piece, 0xFF, sizeof(s_piece));
    if (bytes != NULL && !read_bytes(fd, offset, s_piece, size)) {
        return false;
    }
    for (size_t i = 0; i < size && bytes != NULL; i++) {
        s_piece[i] &= bytes[i];
    }
    return pwrite(fd, s_piece, size, (off_t)offset) == (ssize_t)size && fdatasync(fd) == 0;
}

/** Ends what began with the lock and open_partition(). */
static esp_err_t finish(const esp_partition_t *partition, int fd, bool done)
{
    if (!done) {
        ESP_LOGE(TAG, "%s: %s", partition->label, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)pthread_mutex_unlock(&s_lock);
    return done ? ESP_OK : ESP_FAIL;
}

static esp_err_t change(const esp_partition_t *partition, size_t offset, const uint8_t *bytes, size_t size)
{
    (void)pthread_mutex_lock(&s_lock);
    const int fd = open_partition(partition, true);
    bool done = fd >= 0;
    for (size_t at = 0; at < size && done; at += SECTOR_SIZE) {
        const size_t piece = size - at < SECTOR_SIZE ? size - at : SECTOR_SIZE;
        done = change_piece(fd, offset + at, bytes == NULL ? NULL : &bytes[at], piece);
    }
    return finish(partition, fd, done);
}

esp_err_t esp_partition_read(const esp_partition_t *partition, size_t src_offset, void *dst, size_t size)
{
    const esp_err_t err = check_range(partition, src_offset, size);
    if (err != ESP_OK) {
        return err;
    }
    (void)pthread_mutex_lock(&s_lock);
    const int fd = open_partition(partition, false);
    const bool missing = fd < 0 && errno == ENOENT;
    const bool done = (fd >= 0 || missing) && read_bytes(fd, src_offset, dst, size);
    return finish(partition, fd, done);
}

esp_err_t esp_partition_write(const esp_partition_t *partition, size_t dst_offset, const void *src, size_t size)
{
    host_refuse_in_isr(__func__, 1);
    host_refuse_without_turn(__func__);
    const esp_err_t err = check_range(partition, dst_offset, size);
    return err != ESP_OK ? err : change(partition, dst_offset, src, size);
}

esp_err_t host_partition_rewrite(const char *label, size_t offset, const void *bytes, size_t size)
{
    const esp_partition_t *const partition =
        esp_partition_find_first(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_ANY, label);
    const esp_err_t err = change(partition, offset, NULL, SECTOR_SIZE);
    return err != ESP_OK ? err : change(partition, offset, bytes, size);
}

static void hold_all_tasks(void)
{
    host_kernel_lock();
    host_sleep_us(ERASE_US);
    host_kernel_unlock();
}

esp_err_t esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size)
{
    host_refuse_in_isr(__func__, 1);
    host_refuse_without_turn(__func__);
    const esp_err_t err = check_range(partition, offset, size);
    if (err != ESP_OK) {
        return err;
    }
    if (size % SECTOR_SIZE != 0) {
        return ESP_ERR_INVALID_SIZE;
    }
    if (offset % SECTOR_SIZE != 0) {
        return ESP_ERR_INVALID_ARG;
    }
    for (size_t at = 0; at < size; at += SECTOR_SIZE) {
        hold_all_tasks();
    }
    return change(partition, offset, NULL, size);
}
