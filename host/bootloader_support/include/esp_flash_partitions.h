/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stdint.h>

typedef enum {
    ESP_OTA_IMG_NEW = 0x0U,
    ESP_OTA_IMG_PENDING_VERIFY = 0x1U,
    ESP_OTA_IMG_VALID = 0x2U,
    ESP_OTA_IMG_INVALID = 0x3U,
    ESP_OTA_IMG_ABORTED = 0x4U,
    ESP_OTA_IMG_UNDEFINED = 0xFFFFFFFFU,
} esp_ota_img_states_t;

/** An entry of the partition otadata; one at the beginning of each of its two sectors. */
typedef struct {
    uint32_t ota_seq; /**< UINT32_MAX = empty; the entry with the higher one counts */
    uint8_t seq_label[20];
    uint32_t ota_state;
    uint32_t crc; /**< of ota_seq alone */
} esp_ota_select_entry_t;
