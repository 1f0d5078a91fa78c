/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Task that owns the serial line to the TinyBMS: runs the session, publishes snapshots, performs writes.
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"
#include "tinybms_write.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct uart_bms *uart_bms_handle_t;

/**
 * @brief Starts the driver and the task. A BMS that does not answer is not an error: it is asked again for ever.
 * @param bus where snapshots, events and the line's status are published
 * @param settings the polling period; read here only
 * @param[out] handle for uart_bms_write()
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NO_MEM; an error of the UART driver
 */
esp_err_t uart_bms_start(event_bus_handle_t bus, settings_handle_t settings, uart_bms_handle_t *handle);

/**
 * @brief Writes many settings, a profile, and waits for the verified result. Not for tasks of the control path.
 *
 * They are judged by the settings that they end with, and written in an order in which each is allowed by itself
 * (tinybms_write_gate.h). It ends at the first that is refused, not answered or not verified.
 * @param handle from uart_bms_start()
 * @param requests settings; put in the order of writing
 * @param count of them, 1 or more
 * @param timeout_ms longest wait for all
 * @param[out] result OK, or how the one ended that it ended at
 * @param[out] written so many are written and verified, the first ones. When these are not all, the next one is where
 * it ended (after NOT_ANSWERED or a timeout that one may or may not have been written), and those behind it were not
 * sent
 * @return ESP_OK: result is filled (also with a refusal); ESP_ERR_TIMEOUT; ESP_ERR_INVALID_ARG
 */
esp_err_t uart_bms_write_all(uart_bms_handle_t handle, tinybms_write_request_t *requests, size_t count,
                             uint32_t timeout_ms, tinybms_write_result_t *result, size_t *written);

/**
 * @brief Writes a setting or runs a command, and waits for the verified result. Not for tasks of the control path.
 * @param handle from uart_bms_start()
 * @param request what to write
 * @param timeout_ms longest wait, the wait for other callers included
 * @param[out] result status, and for a refusal the reason and the allowed range
 * @return ESP_OK: result is filled (also with a refusal); ESP_ERR_TIMEOUT; ESP_ERR_INVALID_ARG
 */
esp_err_t uart_bms_write(uart_bms_handle_t handle, const tinybms_write_request_t *request, uint32_t timeout_ms,
                         tinybms_write_result_t *result);

#ifdef __cplusplus
}
#endif
