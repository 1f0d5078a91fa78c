/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The partition otadata, as boot loader and application of ESP-IDF keep it; expectations from ESP-IDF's sources. */
#include <string.h>

#include "esp_ota_ops.h"
#include "host.h"
#include "unity.h"

#define LABEL "otadata"

static const uint32_t s_crc[] = {0, 0x4743989A, 0x55F63774, 0xED4A5011}; /* of the sequence numbers 1, 2 and 3 */

static void put(int index, uint32_t seq, uint32_t state)
{
    esp_ota_select_entry_t entry = {.ota_seq = seq, .ota_state = state, .crc = seq <= 3 ? s_crc[seq] : 0};
    memset(entry.seq_label, 0xFF, sizeof(entry.seq_label));
    TEST_ASSERT_EQUAL(ESP_OK, host_partition_rewrite(LABEL, (size_t)index * 4096, &entry, sizeof(entry)));
}

static void put_nothing(void)
{
    static const uint8_t erased[sizeof(esp_ota_select_entry_t)] = {[0 ... sizeof(esp_ota_select_entry_t) - 1] = 0xFF};
    for (size_t index = 0; index < 2; index++) {
        TEST_ASSERT_EQUAL(ESP_OK, host_partition_rewrite(LABEL, index * 4096, erased, sizeof(erased)));
    }
}

static uint32_t state_in_flash(int index)
{
    esp_ota_select_entry_t entry;
    const esp_partition_t *const partition =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, NULL);
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_read(partition, (size_t)index * 4096, &entry, sizeof(entry)));
    return entry.ota_state;
}

static void check_running(const char *label, esp_err_t err, esp_ota_img_states_t expected)
{
    esp_ota_img_states_t state = expected;
    TEST_ASSERT_EQUAL_STRING(label, esp_ota_get_running_partition()->label);
    TEST_ASSERT_EQUAL(err, esp_ota_get_state_partition(esp_ota_get_running_partition(), &state));
    TEST_ASSERT_EQUAL_UINT32(expected, state);
}

TEST_CASE("a device that was flashed over the cable runs ota_0, which has no state", "[host_otadata]")
{
    put_nothing();
    host_boot_loader();
    check_running("ota_0", ESP_ERR_NOT_FOUND, ESP_OTA_IMG_UNDEFINED);
    TEST_ASSERT_EQUAL(ESP_FAIL, esp_ota_mark_app_valid_cancel_rollback());
}

TEST_CASE("a new image runs once unconfirmed; confirmed it stays", "[host_otadata]")
{
    put_nothing();
    put(0, 1, ESP_OTA_IMG_VALID);
    put(1, 2, ESP_OTA_IMG_NEW);
    host_boot_loader();
    check_running("ota_1", ESP_OK, ESP_OTA_IMG_PENDING_VERIFY);
    TEST_ASSERT_EQUAL(ESP_OK, esp_ota_mark_app_valid_cancel_rollback());
    TEST_ASSERT_EQUAL(ESP_OK, esp_ota_mark_app_valid_cancel_rollback()); /* twice */
    for (int boots = 0; boots < 2; boots++) {
        check_running("ota_1", ESP_OK, ESP_OTA_IMG_VALID);
        host_boot_loader();
    }
    TEST_ASSERT_EQUAL_UINT32(ESP_OTA_IMG_VALID, state_in_flash(0));
}

TEST_CASE("an image that was not confirmed is given up at the next boot, and the one before runs again",
          "[host_otadata]")
{
    put_nothing();
    put(0, 3, ESP_OTA_IMG_NEW);
    put(1, 2, ESP_OTA_IMG_VALID);
    host_boot_loader();
    check_running("ota_0", ESP_OK, ESP_OTA_IMG_PENDING_VERIFY);
    host_boot_loader();
    check_running("ota_1", ESP_OK, ESP_OTA_IMG_VALID);
    TEST_ASSERT_EQUAL_UINT32(ESP_OTA_IMG_ABORTED, state_in_flash(0));
}

TEST_CASE("an entry with a wrong checksum counts for nothing, and an undefined state may run", "[host_otadata]")
{
    put_nothing();
    put(0, 1, ESP_OTA_IMG_UNDEFINED);
    put(1, 4, ESP_OTA_IMG_VALID);
    host_boot_loader();
    check_running("ota_0", ESP_OK, ESP_OTA_IMG_UNDEFINED);
}
