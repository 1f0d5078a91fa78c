/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Health of the gateway itself: one status struct, gathered from the bus and the system.
 *
 * @code{.c}
 * diagnostics_status_t status;
 * diagnostics_handle_t diagnostics = NULL;
 * ESP_ERROR_CHECK(diagnostics_start(bus, &diagnostics));
 * diagnostics_get(diagnostics, &status);
 * const char *const boot_reason = diagnostics_boot_reason_text(status.boot_reason);
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

/** @brief Most tasks whose health is kept. */
#define DIAGNOSTICS_TASKS_MAX 12

/** @brief Everything known about the gateway's own health. */
typedef struct {
    esp_reset_reason_t boot_reason;
    boot_guard_status_t boot;
    int64_t uptime_ms;
    uint32_t heap_free_bytes;
    uint32_t heap_least_free_bytes; /**< since start */
    uint32_t messages_dropped;      /**< lost by slow subscribers of the event bus */
    uint32_t tasks_overdue;         /**< background tasks that have hung; see tasks[].overdue */
    uint32_t task_count;
    event_bus_task_health_t tasks[DIAGNOSTICS_TASKS_MAX];
    event_bus_uart_status_t uart;
    event_bus_can_status_t can;
    flash_gate_status_t flash; /**< turns, and erases of each partition */
} diagnostics_status_t;

typedef struct diagnostics *diagnostics_handle_t;

/**
 * @brief Starts the task that gathers the status and logs a summary. Call it after boot_guard_begin().
 * @param bus where the services publish their status
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
