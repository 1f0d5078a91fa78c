/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Task that owns the TWAI node: sends the frames that victron_schedule chooses, recovers from bus-off, watches
 * the GX.
 *
 * @code{.c}
 * settings_handle_t settings = NULL;
 * event_bus_handle_t bus = NULL;
 * ESP_ERROR_CHECK(settings_open(&settings));
 * ESP_ERROR_CHECK(event_bus_create(&bus));
 * ESP_ERROR_CHECK(can_victron_start(bus, settings));
 * @endcode
 */

#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Starts the node and the task. A bus without a peer is not an error: frames are retried with fresh content.
 *
 * Publishes EVENT_BUS_CAN_FRAME for every frame sent (acknowledged) or received, and EVENT_BUS_CAN_STATUS.
 * @param bus source of states
 * @param settings bit rate, names to send, times. What changes counts at once; for another bit rate the task takes the
 * node off the bus for a moment
 * @return
 * - ESP_OK: the task is running. A node that refuses to be enabled is retried, and shows in EVENT_BUS_CAN_STATUS
 * - ESP_ERR_INVALID_ARG: `bus` or `settings` is NULL, a name in the settings must not be sent, or the TWAI driver
 *   refuses the bit rate or a GPIO
 * - ESP_ERR_NOT_FOUND: the TWAI controller is in use: the service has been started before
 * - ESP_ERR_NO_MEM: no memory for the task, the receive queue or the driver, or no free subscription on the bus
 * - any other code comes from the TWAI driver, which could not create the node
 */
esp_err_t can_victron_start(event_bus_handle_t bus, settings_handle_t settings);

#ifdef __cplusplus
}
#endif
