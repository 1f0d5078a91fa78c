/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Health of the gateway itself: one status struct, gathered from the bus and the system. What others need of it
 * is on the bus every second (EVENT_BUS_SYSTEM_STATUS).
 *
 * @code{.c}
 * diagnostics_status_t status;
 * diagnostics_handle_t diagnostics = NULL;
 * ESP_ERROR_CHECK(diagnostics_start(bus, &diagnostics));
 * diagnostics_get(diagnostics, &status);
 * const uint32_t free_bytes = status.system.heap_free_bytes;
 * @endcode
 */

#include <stdint.h>

#include "boot_guard.h"
#include "esp_err.h"
#include "esp_system.h"
#include "event_bus.h"
#include "flash_gate.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Everything known about the gateway's own health. */
typedef struct {
    event_bus_system_status_t system; /**< as published */
    boot_guard_status_t boot;
    uint32_t tasks_overdue; /**< background tasks that have hung; see system.tasks[].overdue */
    event_bus_uart_status_t uart;
    event_bus_can_status_t can;
    flash_gate_status_t flash; /**< turns, and erases of each partition */
} diagnostics_status_t;

typedef struct diagnostics *diagnostics_handle_t;

/**
 * @brief Starts the task that gathers the status and logs a summary. Call it after boot_guard_begin().
 * @param bus where the services publish their status, and this task the gateway's
 * @param[out] handle for diagnostics_get()
 * @return
 * - ESP_OK: the task is running
 * - ESP_ERR_INVALID_ARG: `bus` or `handle` is NULL
 * - ESP_ERR_INVALID_STATE: an earlier call has already started it, or failed half-way
 * - ESP_ERR_NO_MEM: no memory for the task, its lock or its queues, or no free subscription on the bus
 */
esp_err_t diagnostics_start(event_bus_handle_t bus, diagnostics_handle_t *handle);

/**
 * @brief Copies the present status. From any task off the control path.
 * @param handle from diagnostics_start()
 * @param[out] status filled
 */
void diagnostics_get(diagnostics_handle_t handle, diagnostics_status_t *status);

/**
 * @brief Text of a boot reason ("power on", "task watchdog").
 * @param reason any value
 * @return static string, never NULL
 */
const char *diagnostics_boot_reason_text(esp_reset_reason_t reason);

#ifdef __cplusplus
}
#endif
