/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "settings_table.h"

#include <stdio.h>
#include <string.h>

#include "sdkconfig.h"

#define MANUFACTURER_MAX 8
#define BATTERY_NAME_MAX 16
#define SSID_MAX         32 /* IEEE 802.11 */
#define PASSPHRASE_MIN   8  /* WPA2 */
#define PASSPHRASE_MAX   63

_Static_assert(sizeof(CONFIG_TINYBMS_CAN_MANUFACTURER) <= MANUFACTURER_MAX + 1, "TINYBMS_CAN_MANUFACTURER is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_CAN_BATTERY_NAME) <= BATTERY_NAME_MAX + 1, "TINYBMS_CAN_BATTERY_NAME is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_CAN_BATTERY_FAMILY) <= MANUFACTURER_MAX + 1,
               "TINYBMS_CAN_BATTERY_FAMILY is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_WIFI_STA_SSID) <= SSID_MAX + 1, "TINYBMS_WIFI_STA_SSID is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_WIFI_STA_PASSWORD) <= PASSPHRASE_MAX + 1, "TINYBMS_WIFI_STA_PASSWORD is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_WIFI_AP_SSID) <= SSID_MAX + 1, "TINYBMS_WIFI_AP_SSID is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_WIFI_AP_PASSWORD) <= PASSPHRASE_MAX + 1, "TINYBMS_WIFI_AP_PASSWORD is too long");
_Static_assert(CONFIG_TINYBMS_CAN_VICTRON_BITRATE % 250000 == 0, "TINYBMS_CAN_VICTRON_BITRATE is 250000 or 500000");

static const settings_entry_t s_entries[SETTINGS_COUNT] = {
    [SETTINGS_UART_POLL_MS] =
        {
            .key = "uart.poll_ms",
            .unit = "ms",
            .min = 100,
            .max = 2000,
            .symbol = "TINYBMS_UART_POLL_MS",
            .factory_number = CONFIG_TINYBMS_UART_POLL_MS,
            .help = "Period at which the BMS is read",
        },
    [SETTINGS_DATA_STALE_MS] =
        {
            .key = "data.stale_ms",
            .unit = "ms",
            .min = 1000,
            .max = 8000,
            .symbol = "TINYBMS_BATTERY_STALE_MS",
            .factory_number = CONFIG_TINYBMS_BATTERY_STALE_MS,
            .help = "Silence of the BMS after which charging is stopped",
        },
    [SETTINGS_DATA_SILENT_MS] =
        {
            .key = "data.silent_ms",
            .unit = "ms",
            .min = 8001,
            .max = 60000,
            .symbol = "TINYBMS_BATTERY_SILENT_MS",
            .factory_number = CONFIG_TINYBMS_BATTERY_SILENT_MS,
            .help = "Silence of the BMS after which no frame is sent",
        },
    [SETTINGS_CAN_BITRATE] =
        {
            .key = "can.bitrate",
            .unit = "bit/s",
            .min = 250000,
            .max = 500000,
            .step = 250000,
            .symbol = "TINYBMS_CAN_VICTRON_BITRATE",
            .factory_number = CONFIG_TINYBMS_CAN_VICTRON_BITRATE,
            .help = "Bit rate of the CAN bus",
        },
    [SETTINGS_CAN_GX_WARN_MS] =
        {
            .key = "can.gx_warn_ms",
            .unit = "ms",
            .min = 2000,
            .max = 600000,
            .symbol = "TINYBMS_CAN_KEEPALIVE_WARN_MS",
            .factory_number = CONFIG_TINYBMS_CAN_KEEPALIVE_WARN_MS,
            .help = "Silence of the GX after which a warning is given",
        },
    [SETTINGS_ID_MANUFACTURER] =
        {
            .key = "id.manufacturer",
            .type = SETTINGS_TEXT,
            .min = 1,
            .max = MANUFACTURER_MAX,
            .symbol = "TINYBMS_CAN_MANUFACTURER",
            .factory_text = CONFIG_TINYBMS_CAN_MANUFACTURER,
            .help = "Manufacturer name that the GX gets (0x35E)",
        },
    [SETTINGS_ID_BATTERY_NAME] =
        {
            .key = "id.battery_name",
            .type = SETTINGS_TEXT,
            .min = 0,
            .max = BATTERY_NAME_MAX,
            .symbol = "TINYBMS_CAN_BATTERY_NAME",
            .factory_text = CONFIG_TINYBMS_CAN_BATTERY_NAME,
            .help = "Battery name that the GX gets (0x370, 0x371); when longer than 8 it begins with the manufacturer",
        },
    [SETTINGS_ID_FAMILY] =
        {
            .key = "id.family",
            .type = SETTINGS_TEXT,
            .min = 0,
            .max = MANUFACTURER_MAX,
            .symbol = "TINYBMS_CAN_BATTERY_FAMILY",
            .factory_text = CONFIG_TINYBMS_CAN_BATTERY_FAMILY,
            .help = "Battery family that the GX gets (0x382)",
        },
    [SETTINGS_WIFI_STA_SSID] =
        {
            .key = "wifi.sta_ssid",
            .type = SETTINGS_TEXT,
            .min = 0,
            .max = SSID_MAX,
            .symbol = "TINYBMS_WIFI_STA_SSID",
            .factory_text = CONFIG_TINYBMS_WIFI_STA_SSID,
            .help = "Network to join; empty = none",
        },
    [SETTINGS_WIFI_STA_PASS] =
        {
            .key = "wifi.sta_pass",
            .type = SETTINGS_TEXT,
            .min = PASSPHRASE_MIN,
            .max = PASSPHRASE_MAX,
            .may_be_empty = true,
            .secret = true,
            .symbol = "TINYBMS_WIFI_STA_PASSWORD",
            .factory_text = CONFIG_TINYBMS_WIFI_STA_PASSWORD,
            .help = "Password of that network; empty = an open one",
        },
    [SETTINGS_WIFI_AP_SSID] =
        {
            .key = "wifi.ap_ssid",
            .type = SETTINGS_TEXT,
            .min = 0,
            .max = SSID_MAX,
            .symbol = "TINYBMS_WIFI_AP_SSID",
            .factory_text = CONFIG_TINYBMS_WIFI_AP_SSID,
            .help = "Name of the gateway's own network; empty = made from the MAC address",
        },
    [SETTINGS_WIFI_AP_PASS] =
        {
            .key = "wifi.ap_pass",
            .type = SETTINGS_TEXT,
            .min = PASSPHRASE_MIN,
            .max = PASSPHRASE_MAX,
            .may_be_empty = true,
            .secret = true,
            .symbol = "TINYBMS_WIFI_AP_PASSWORD",
            .factory_text = CONFIG_TINYBMS_WIFI_AP_PASSWORD,
            .help = "Password of the gateway's own network; empty = a random one is made",
        },
};

const settings_entry_t *settings_entry(settings_id_t id)
{
    return (unsigned)id < SETTINGS_COUNT ? &s_entries[id] : NULL;
}

settings_id_t settings_find(const char *key)
{
    settings_id_t id = 0;
    while (id < SETTINGS_COUNT && strcmp(s_entries[id].key, key) != 0) {
        id++;
    }
    return id;
}

void settings_factory(settings_id_t id, settings_value_t *value)
{
    const settings_entry_t *const entry = &s_entries[id];
    *value = (settings_value_t){.number = entry->factory_number};
    if (entry->type == SETTINGS_TEXT) {
        (void)snprintf(value->text, sizeof(value->text), "%s", entry->factory_text);
    }
}
