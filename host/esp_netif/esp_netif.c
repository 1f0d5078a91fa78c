/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The network of Linux is there when the program starts. */
#include "esp_netif.h"

esp_err_t esp_netif_init(void)
{
    return ESP_OK;
}
