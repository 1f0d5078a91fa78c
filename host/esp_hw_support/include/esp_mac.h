/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stdint.h>

#include "esp_err.h"

typedef enum {
    ESP_MAC_WIFI_STA,
    ESP_MAC_WIFI_SOFTAP,
    ESP_MAC_BT,
    ESP_MAC_ETH,
    ESP_MAC_IEEE802154, /* not on the ESP32: not supported */
    ESP_MAC_BASE,
    ESP_MAC_EFUSE_FACTORY,
} esp_mac_type_t;

/** Six bytes that belong to the directory of --data, where they are kept in the file `mac`; without it they are random.
 */
esp_err_t esp_read_mac(uint8_t *mac, esp_mac_type_t type);
