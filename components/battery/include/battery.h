/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Task that turns snapshots of the BMS into the battery state that the GX is shown.
 */

#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Starts the task. It publishes EVENT_BUS_STATE for every snapshot, and when data becomes stale without one.
 * @param bus where snapshots come from and states go to
 * @param settings ages at which data is stale and at which nothing is sent; read here only
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NO_MEM
 */
esp_err_t battery_start(event_bus_handle_t bus, settings_handle_t settings);

/**
 * @brief Forgets that an external temperature sensor was ever there: a person has taken it off, and charging may go on
 * without it. One that is there is noticed again. From any task.
 * @param sensor 1 or 2
 * @return ESP_OK; ESP_ERR_INVALID_ARG
 */
esp_err_t battery_forget_sensor(uint8_t sensor);

#ifdef __cplusplus
}
#endif
