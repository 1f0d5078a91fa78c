/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief How the gateway itself is: one status struct, gathered from the bus and the system.
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

/** @brief Tasks whose stacks are watched. */
#define DIAGNOSTICS_TASKS_MAX 12

/** @brief Everything known of the gateway's own health. */
typedef struct {
    esp_reset_reason_t boot_reason;
    boot_guard_status_t boot;
    int64_t uptime_ms;
    uint32_t heap_free_bytes;
    uint32_t heap_least_free_bytes; /**< since start */
    uint32_t messages_dropped;      /**< lost by slow subscribers of the event bus */
    uint32_t tasks_overdue;         /**< background tasks that hang; see tasks[].overdue */
    uint32_t task_count;
    event_bus_task_health_t tasks[DIAGNOSTICS_TASKS_MAX];
    event_bus_uart_status_t uart;
    event_bus_can_status_t can;
    flash_gate_status_t flash; /**< turns, and erases of each partition */
} diagnostics_status_t;

typedef struct diagnostics *diagnostics_handle_t;

/**
 * @brief Starts the task that gathers the status and writes a summary to the log; behind boot_guard_begin().
 * @param bus where the services publish their status
 * @param[out] handle for diagnostics_get()
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NO_MEM
 */
esp_err_t diagnostics_start(event_bus_handle_t bus, diagnostics_handle_t *handle);

/**
 * @brief The status as it is now; callable from any task that is not on the control path.
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
