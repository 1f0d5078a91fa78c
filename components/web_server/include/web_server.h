/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief HTTP server of the gateway: JSON under /api/v1, /metrics, WebSocket /ws, static files. Reading only.
 *
 * docs/openapi.yaml describes all of it. ESP-IDF's server has one task, which answers one request after the other; a
 * client that is slow, silent or malformed is closed after a stated time, and never reaches the control path.
 *
 * @code{.c}
 * const web_server_sources_t sources = {0}; // no limits of the BMS and no log to show
 * ESP_ERROR_CHECK(web_server_start(bus, settings, &sources));
 * @endcode
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"
#include "tinybms_command.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What the server asks others for; `main` connects it. Called in the server's task, one at a time. */
typedef struct {
    void *context; /**< for both functions */
    /** Limits of registers 300..343; ESP_OK: `words` (TINYBMS_SETTINGS_COUNT) is filled. NULL = not available. */
    esp_err_t (*read_option)(void *context, tinybms_option_t option, uint16_t *words, uint32_t timeout_ms);
    /** Text of the log from `position` on, 0 = oldest; advances it; 0 bytes = the end. NULL = not available. */
    size_t (*read_log)(void *context, uint32_t *position, char *buffer, size_t size);
} web_server_sources_t;

/**
 * @brief Starts server and task. The network stack must be initialised (esp_netif_init()); it need not be up.
 *
 * A missing or damaged web image is not an error: the recovery page inside the application answers instead.
 * @param bus source of everything that is shown
 * @param settings shown, secrets never
 * @param sources copied
 * @return
 * - ESP_OK: the server is running
 * - ESP_ERR_INVALID_ARG: a pointer is NULL
 * - ESP_ERR_INVALID_STATE: an earlier call has already started it, or failed half-way
 * - ESP_ERR_NO_MEM: no memory for task or server, or no free subscription on the bus
 * - any other code comes from ESP-IDF's server, which could not start
 */
esp_err_t web_server_start(event_bus_handle_t bus, settings_handle_t settings, const web_server_sources_t *sources);

#ifdef __cplusplus
}
#endif
