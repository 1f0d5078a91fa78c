/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Task that turns each BMS snapshot into the battery state that the GX is shown.
 *
 * @code{.c}
 * settings_handle_t settings = NULL;
 * event_bus_handle_t bus = NULL;
 * ESP_ERROR_CHECK(settings_open(&settings));
 * ESP_ERROR_CHECK(event_bus_create(&bus));
 * ESP_ERROR_CHECK(battery_start(bus, settings));
 * @endcode
 */

#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Starts the task. It publishes EVENT_BUS_STATE for every snapshot, and when data becomes stale without one.
 * @param bus source of snapshots and destination of states
 * @param settings limits, alarm thresholds and the ages at which data is stale or silent: what changes counts from the
 * next snapshot on. Also the place where the battery memory is kept
 * @return
 * - ESP_OK: the task is running
 * - ESP_ERR_INVALID_ARG: `bus` or `settings` is NULL
 * - ESP_ERR_INVALID_STATE: an earlier call has already started it, or failed half-way
 * - ESP_ERR_NO_MEM: no memory for a task, queue or lock, no free subscription on the bus, or no free slot for a
 *   shutdown handler
 */
esp_err_t battery_start(event_bus_handle_t bus, settings_handle_t settings);

/**
 * @brief Forgets that an external temperature sensor was ever connected. Call it when the user has removed the sensor:
 * charging may then continue without it. A sensor that is still connected is detected again. Callable from any task.
 * @param sensor 1 or 2
 * @return
 * - ESP_OK: noted; the battery task forgets the sensor within 100 ms
 * - ESP_ERR_INVALID_ARG: `sensor` is neither 1 nor 2
 */
esp_err_t battery_forget_sensor(uint8_t sensor);

#ifdef __cplusplus
}
#endif
