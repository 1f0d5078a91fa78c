/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Task that owns the TWAI node: sends what victron_schedule decides, recovers from bus-off, watches the GX.
 */

#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Starts the node and the task. A bus with no peer is not an error: frames are tried on with fresh content.
 *
 * Publishes EVENT_BUS_CAN_FRAME for every frame sent (acknowledged) or received, and EVENT_BUS_CAN_STATUS.
 * @param bus where states come from
 * @param settings bit rate, names to send, times; read here only
 * @return ESP_OK; ESP_ERR_INVALID_ARG (a name that must not be sent); ESP_ERR_NO_MEM; an error of the TWAI driver
 */
esp_err_t can_victron_start(event_bus_handle_t bus, settings_handle_t settings);

#ifdef __cplusplus
}
#endif
