/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The name of this gateway: apart from the table, because it asks the chip for its address. */
#include "settings_device.h"

#include <stdio.h>

#include "esp_mac.h"

void settings_device_name(settings_handle_t handle, char name[SETTINGS_DEVICE_MAX + 1])
{
    uint8_t mac[6] = {0};
    settings_values_t values;
    settings_get_all(handle, &values);
    const char *const chosen = settings_text(&values, SETTINGS_NET_DEVICE);
    if (chosen[0] != '\0') {
        (void)snprintf(name, SETTINGS_DEVICE_MAX + 1, "%s", chosen);
        return;
    }
    (void)esp_read_mac(mac, ESP_MAC_WIFI_STA); /* fails only for another kind of address */
    (void)snprintf(name, SETTINGS_DEVICE_MAX + 1, "tinybms-%02x%02x%02x", mac[3], mac[4], mac[5]);
}
