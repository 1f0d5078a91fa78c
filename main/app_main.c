/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** @file
 * @brief Creates the services and wires them; nothing else.
 */
#include "battery.h"
#include "can_victron.h"
#include "diagnostics.h"
#include "esp_app_desc.h"
#include "esp_err.h"
#include "esp_log.h"
#include "event_bus.h"
#include "settings.h"
#include "uart_bms.h"

static const char *TAG = "main";

void app_main(void)
{
    settings_handle_t settings = NULL;
    event_bus_handle_t bus = NULL;
    uart_bms_handle_t bms = NULL;
    diagnostics_handle_t diagnostics = NULL;

    ESP_LOGI(TAG, "TinyBMS Web Gateway %s", esp_app_get_description()->version);
    ESP_ERROR_CHECK(settings_open(&settings));
    ESP_ERROR_CHECK(event_bus_create(&bus));
    ESP_ERROR_CHECK(diagnostics_start(bus, &diagnostics));
    ESP_ERROR_CHECK(can_victron_start(bus, settings));
    ESP_ERROR_CHECK(battery_start(bus, settings));
    ESP_ERROR_CHECK(uart_bms_start(bus, settings, &bms));
}
