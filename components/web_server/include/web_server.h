/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief HTTP server of the gateway: JSON under /api/v1, /metrics, WebSocket /ws, static files.
 *
 * docs/openapi.yaml describes all of it. ESP-IDF's server has one task, which answers one request after the other; a
 * client that is slow, silent or malformed is closed after a stated time, and never reaches the control path. What
 * changes something is done in the task `work`, one change at a time; work_start() comes first.
 *
 * @code{.c}
 * const web_server_services_t services = {0}; // nothing of the BMS, no log, no restart
 * ESP_ERROR_CHECK(web_server_start(bus, settings, access, &services));
 * @endcode
 */

#include <stddef.h>
#include <stdint.h>

#include "access.h"
#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"
#include "tinybms_command.h"
#include "tinybms_write.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What the server asks others for; `main` connects it. A function that is NULL is not available. */
typedef struct {
    void *context; /**< for all functions */
    /** Limits of registers 300..343; ESP_OK: `words` (TINYBMS_SETTINGS_COUNT) is filled. In the server's task. */
    esp_err_t (*read_option)(void *context, tinybms_option_t option, uint16_t *words, uint32_t timeout_ms);
    /** Text of the log from `position` on, 0 = oldest; advances it; 0 bytes = the end. In the server's task. */
    size_t (*read_log)(void *context, uint32_t *position, char *buffer, size_t size);
    /** As uart_bms_write_all(). In the task `work`. */
    esp_err_t (*write_registers)(void *context, tinybms_write_request_t *requests, size_t count, uint32_t timeout_ms,
                                 tinybms_write_result_t *result, size_t *written);
    /** As battery_forget_sensor(). In the task `work`. */
    esp_err_t (*forget_sensor)(void *context, uint8_t sensor);
    /** An orderly restart; does not return. In the task `work`. */
    void (*restart)(void *context);
} web_server_services_t;

/**
 * @brief Starts server and task. The network stack must be initialised (esp_netif_init()); it need not be up.
 *
 * A missing or damaged web image is not an error: the recovery page inside the application answers instead.
 * @param bus source of everything that is shown
 * @param settings shown and changed; secrets are shown to the administrator alone, on request
 * @param access who may do what
 * @param services copied
 * @return
 * - ESP_OK: the server is running
 * - ESP_ERR_INVALID_ARG: a pointer is NULL
 * - ESP_ERR_INVALID_STATE: an earlier call has already started it, or failed half-way
 * - ESP_ERR_NO_MEM: no memory for task or server, or no free subscription on the bus
 * - any other code comes from ESP-IDF's server, which could not start
 */
esp_err_t web_server_start(event_bus_handle_t bus, settings_handle_t settings, access_handle_t access,
                           const web_server_services_t *services);

#ifdef __cplusplus
}
#endif
