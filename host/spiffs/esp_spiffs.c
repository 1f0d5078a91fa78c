/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** SPIFFS on Linux: the directory of --web takes the place of the partitions' contents, for reading only. */
#include "esp_spiffs.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "esp_log.h"
#include "esp_partition.h"
#include "host.h"
#include "host_vfs.h"

static const char *TAG = "SPIFFS";

#define MOUNTED_MAX 3 /* as on the chip */
#define TREE_DEPTH  8

static struct {
    const esp_partition_t *partition; /* NULL = free */
    char base_path[HOST_VFS_BASE_LONGEST + 1];
} s_mounted[MOUNTED_MAX];
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t s_used; /* while the files are counted, under the lock */

static const esp_partition_t *find_partition(const char *label)
{
    return esp_partition_find_first(
        ESP_PARTITION_TYPE_DATA, label == NULL ? ESP_PARTITION_SUBTYPE_DATA_SPIFFS : ESP_PARTITION_SUBTYPE_ANY, label);
}

/** Under the lock. Where it is mounted; without a partition, a place that is free. -1: nowhere. */
static int place_of(const esp_partition_t *partition)
{
    for (int i = 0; i < MOUNTED_MAX; i++) {
        if (s_mounted[i].partition == partition) {
            return i;
        }
    }
    return -1;
}

/** Under the lock. */
static esp_err_t mount(const esp_vfs_spiffs_conf_t *conf, const esp_partition_t *partition)
{
    const int place = place_of(NULL);
    if (place < 0 || place_of(partition) >= 0) {
        return ESP_ERR_INVALID_STATE;
    }
    const esp_err_t err = host_vfs_mount(conf->base_path, host_options.web_dir, conf->max_files);
    if (err == ESP_OK) {
        s_mounted[place].partition = partition;
        (void)snprintf(s_mounted[place].base_path, sizeof(s_mounted[place].base_path), "%s", conf->base_path);
    }
    return err;
}

esp_err_t esp_vfs_spiffs_register(const esp_vfs_spiffs_conf_t *conf)
{
    const esp_partition_t *const partition = find_partition(conf->partition_label);
    if (partition == NULL || host_options.web_dir == NULL) {
        ESP_LOGE(TAG, "no partition with files");
        return ESP_ERR_NOT_FOUND;
    }
    (void)pthread_mutex_lock(&s_lock);
    const esp_err_t err = mount(conf, partition);
    (void)pthread_mutex_unlock(&s_lock);
    return err;
}

esp_err_t esp_vfs_spiffs_unregister(const char *partition_label)
{
    const esp_partition_t *const partition = find_partition(partition_label);
    esp_err_t err = ESP_ERR_INVALID_STATE;
    (void)pthread_mutex_lock(&s_lock);
    const int place = partition == NULL ? -1 : place_of(partition);
    if (place >= 0) {
        err = host_vfs_unmount(s_mounted[place].base_path) ? ESP_OK : ESP_ERR_INVALID_STATE;
        s_mounted[place].partition = NULL;
    }
    (void)pthread_mutex_unlock(&s_lock);
    return err;
}

bool esp_spiffs_mounted(const char *partition_label)
{
    const esp_partition_t *const partition = find_partition(partition_label);
    (void)pthread_mutex_lock(&s_lock);
    const bool mounted = partition != NULL && place_of(partition) >= 0;
    (void)pthread_mutex_unlock(&s_lock);
    return mounted;
}

static int add_size(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)path;
    (void)where;
    s_used += kind == FTW_F ? (size_t)info->st_size : 0;
    return 0;
}

esp_err_t esp_spiffs_info(const char *partition_label, size_t *total_bytes, size_t *used_bytes)
{
    const esp_partition_t *const partition = find_partition(partition_label);
    if (!esp_spiffs_mounted(partition_label)) {
        return ESP_ERR_INVALID_STATE;
    }
    (void)pthread_mutex_lock(&s_lock);
    s_used = 0;
    const int error = nftw(host_options.web_dir, add_size, TREE_DEPTH, FTW_PHYS);
    *total_bytes = partition->size;
    *used_bytes = s_used;
    (void)pthread_mutex_unlock(&s_lock);
    return error == 0 ? ESP_OK : ESP_FAIL;
}
