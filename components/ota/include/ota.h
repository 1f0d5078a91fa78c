/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief An image that an update has brought confirms itself, or the boot loader returns to the one before it.
 */

#include "esp_err.h"
#include "event_bus.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Starts the task that keeps which parts of the gateway work, and confirms the running image with it.
 * @param bus where the parts publish their status
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_STATE (started already); ESP_ERR_NO_MEM
 */
esp_err_t ota_start(event_bus_handle_t bus);

#ifdef __cplusplus
}
#endif
