/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A new firmware image confirms itself once it works; else the boot loader returns to the image before it.
 *
 * @code{.c}
 * event_bus_handle_t bus = NULL;
 * ESP_ERROR_CHECK(event_bus_create(&bus));
 * // ... start the services whose work shows that the image is good ...
 * ESP_ERROR_CHECK(ota_start(bus));
 * @endcode
 */

#include "esp_err.h"
#include "event_bus.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Starts the task that records which parts of the gateway work, and confirms the running image accordingly.
 * @param bus where the parts publish their status
 * @return
 * - ESP_OK: the task is running
 * - ESP_ERR_INVALID_ARG: `bus` is NULL
 * - ESP_ERR_INVALID_STATE: an earlier call has already started it, or failed half-way
 * - ESP_ERR_NO_MEM: no memory for the task or its queues, or no free subscription on the bus
 */
esp_err_t ota_start(event_bus_handle_t bus);

#ifdef __cplusplus
}
#endif
