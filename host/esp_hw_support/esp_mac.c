/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** A MAC address for a gateway without a chip: locally administered, and the same at each start with the same data. */
#include "esp_mac.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "esp_log.h"
#include "host.h"

static const char *TAG = "mac";

#define MAC_SIZE 6
#define FORMAT   "%02hhx:%02hhx:%02hhx:%02hhx:%02hhx:%02hhx"

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t s_base[MAC_SIZE]; /* all 0: not made yet */

static bool load(const char *path, uint8_t mac[MAC_SIZE])
{
    char text[32] = "";
    char rest = '\0';
    FILE *const file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    const bool read = fgets(text, sizeof(text), file) != NULL;
    (void)fclose(file);
    return read &&
           sscanf(text, FORMAT " %c", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &rest) == MAC_SIZE &&
           (mac[0] & 0x03U) == 0x02U;
}

static bool save(const char *path, const uint8_t mac[MAC_SIZE])
{
    char temporary[520];
    (void)snprintf(temporary, sizeof(temporary), "%s.new", path);
    FILE *const file = fopen(temporary, "we");
    if (file == NULL) {
        return false;
    }
    const bool written = fprintf(file, FORMAT "\n", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]) > 0;
    return fclose(file) == 0 && written && rename(temporary, path) == 0;
}

static bool make(uint8_t mac[MAC_SIZE])
{
    if (getrandom(mac, MAC_SIZE, 0) != MAC_SIZE) {
        return false;
    }
    mac[0] = (uint8_t)((mac[0] & 0xFCU) | 0x02U); /* locally administered, of one station */
    mac[5] = (uint8_t)(mac[5] & 0xFCU);           /* four interfaces count on from here */
    return true;
}

/** Under the lock. */
static bool provide(void)
{
    char path[512];
    if (s_base[0] != 0) {
        return true;
    }
    (void)snprintf(path, sizeof(path), "%s/mac", host_options.data_dir == NULL ? "" : host_options.data_dir);
    if (host_options.data_dir != NULL && load(path, s_base)) {
        return true;
    }
    if (!make(s_base)) {
        return false;
    }
    if (host_options.data_dir != NULL && !save(path, s_base)) {
        ESP_LOGW(TAG, "cannot write %s: the address changes at the next start", path);
    }
    return true;
}

esp_err_t esp_read_mac(uint8_t *mac, esp_mac_type_t type)
{
    static const uint8_t offsets[] = {
        [ESP_MAC_WIFI_STA] = 0, [ESP_MAC_WIFI_SOFTAP] = 1, [ESP_MAC_BT] = 2, [ESP_MAC_ETH] = 3, [ESP_MAC_BASE] = 0,
    };
    if (mac == NULL || type > ESP_MAC_EFUSE_FACTORY) {
        return ESP_ERR_INVALID_ARG;
    }
    if (type == ESP_MAC_IEEE802154) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    (void)pthread_mutex_lock(&s_lock);
    const bool provided = provide();
    memcpy(mac, s_base, MAC_SIZE);
    (void)pthread_mutex_unlock(&s_lock);
    mac[5] = (uint8_t)(mac[5] + (type < sizeof(offsets) ? offsets[type] : 0));
    return provided ? ESP_OK : ESP_FAIL;
}
