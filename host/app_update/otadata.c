/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Which slot runs and whether it is confirmed, in the partition otadata as the chip has it: what of that the boot
 * loader does, at the start of the program, and what esp_ota_ops.h promises. There is one program, whatever the slot.
 */
#include <stdio.h>

#include "esp_log.h"
#include "esp_ota_ops.h"
#include "host.h"

static const char *TAG = "boot";

#define ENTRIES     2
#define SECTOR_SIZE 4096
#define SLOTS       2
#define NONE        (-1)

static uint32_t s_running; /**< slot */

/** CRC-32 of the sequence number alone, begun as the chip's ROM does. */
static uint32_t crc_of(const esp_ota_select_entry_t *entry)
{
    uint32_t crc = 0;
    for (int bit = 0; bit < 32; bit++) {
        crc = (crc >> 1) ^ ((crc ^ entry->ota_seq >> bit) & 1U ? 0xEDB88320U : 0U);
    }
    return ~crc;
}

static bool is_whole(const esp_ota_select_entry_t *entry)
{
    return entry->ota_seq != UINT32_MAX && entry->crc == crc_of(entry);
}

static bool may_run(const esp_ota_select_entry_t *entry)
{
    return is_whole(entry) && entry->ota_state != ESP_OTA_IMG_INVALID && entry->ota_state != ESP_OTA_IMG_ABORTED;
}

static int active(const esp_ota_select_entry_t entries[ENTRIES])
{
    int found = NONE;
    for (int i = 0; i < ENTRIES; i++) {
        if (may_run(&entries[i]) && (found == NONE || entries[i].ota_seq > entries[found].ota_seq)) {
            found = i;
        }
    }
    return found;
}

static uint32_t slot_of(const esp_ota_select_entry_t *entry)
{
    return (entry->ota_seq - 1) % SLOTS;
}

static const esp_partition_t *read_entries(esp_ota_select_entry_t entries[ENTRIES])
{
    const esp_partition_t *const partition =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, NULL);
    bool read = partition != NULL;
    for (uint32_t i = 0; i < ENTRIES && read; i++) {
        read = esp_partition_read(partition, (size_t)i * SECTOR_SIZE, &entries[i], sizeof(entries[i])) == ESP_OK;
    }
    return read ? partition : NULL;
}

/** The boot loader is no task and has no turn at the flash gate. */
static void boot_with(const char *label, int index, esp_ota_select_entry_t *entry, esp_ota_img_states_t state)
{
    entry->ota_state = state;
    if (host_partition_rewrite(label, (size_t)index * SECTOR_SIZE, entry, sizeof(*entry)) != ESP_OK) {
        (void)fprintf(stderr, "cannot write otadata\n");
    }
}

void host_boot_loader(void)
{
    esp_ota_select_entry_t entries[ENTRIES];
    const esp_partition_t *const partition = read_entries(entries);
    if (partition == NULL) {
        return;
    }
    for (int i = 0; i < ENTRIES; i++) {
        if (entries[i].ota_state == ESP_OTA_IMG_PENDING_VERIFY) {
            boot_with(partition->label, i, &entries[i], ESP_OTA_IMG_ABORTED);
        }
    }
    const int index = active(entries);
    s_running = index == NONE ? 0 : slot_of(&entries[index]);
    if (index != NONE && entries[index].ota_state == ESP_OTA_IMG_NEW) {
        boot_with(partition->label, index, &entries[index], ESP_OTA_IMG_PENDING_VERIFY);
    }
}

const esp_partition_t *esp_ota_get_running_partition(void)
{
    return esp_partition_find_first(ESP_PARTITION_TYPE_APP,
                                    (esp_partition_subtype_t)(ESP_PARTITION_SUBTYPE_APP_OTA_0 + s_running), NULL);
}

esp_err_t esp_ota_get_state_partition(const esp_partition_t *partition, esp_ota_img_states_t *ota_state)
{
    esp_ota_select_entry_t entries[ENTRIES];
    if (partition == NULL || ota_state == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (partition->type != ESP_PARTITION_TYPE_APP) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    if (read_entries(entries) == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    for (int i = 0; i < ENTRIES; i++) {
        if (is_whole(&entries[i]) &&
            slot_of(&entries[i]) == (uint32_t)(partition->subtype - ESP_PARTITION_SUBTYPE_APP_OTA_0)) {
            *ota_state = (esp_ota_img_states_t)entries[i].ota_state;
            return ESP_OK;
        }
    }
    return ESP_ERR_NOT_FOUND;
}

esp_err_t esp_ota_mark_app_valid_cancel_rollback(void)
{
    esp_ota_select_entry_t entries[ENTRIES];
    const esp_partition_t *const partition = read_entries(entries);
    if (partition == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    const int index = active(entries);
    if (index == NONE) {
        ESP_LOGE(TAG, "Running firmware is factory");
        return ESP_FAIL;
    }
    if (entries[index].ota_state == ESP_OTA_IMG_VALID) {
        return ESP_OK;
    }
    entries[index].ota_state = ESP_OTA_IMG_VALID;
    const size_t offset = (size_t)index * SECTOR_SIZE;
    const esp_err_t err = esp_partition_erase_range(partition, offset, SECTOR_SIZE);
    return err != ESP_OK ? err : esp_partition_write(partition, offset, &entries[index], sizeof(entries[index]));
}
