#pragma once
#include "esp_err.h"
#include <stdint.h>
typedef enum {ESP_MAC_WIFI_STA} esp_mac_type_t;
static inline esp_err_t esp_read_mac(uint8_t *mac, esp_mac_type_t t) {(void)t; mac[3]=1; return ESP_OK;}
