/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the tasks of all services share: core, watchdog, clock, waiting, and the report of free stack.
 *
 * Control tasks have core 1 to themselves. Whatever occupies the processor for seconds (network, TLS) runs on core 0,
 * where that causes no restart.
 *
 * @code{.c}
 * // run() never returns, and calls service_task_alive() in every turn of its loop
 * const service_task_config_t task = {
 *     .name = "battery", .kind = SERVICE_TASK_CONTROL, .stack_bytes = 4096, .priority = 14, .run = run,
 * };
 * ESP_ERROR_CHECK(service_task_start(&task, bus, NULL));
 * @endcode
 */

#include <stdint.h>

#include "esp_err.h"
#include "event_bus.h"
#include "freertos/FreeRTOS.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Kind of task: on which core it runs, and who notices that it hangs. */
typedef enum {
    SERVICE_TASK_BACKGROUND = 0, /**< core 0; the other background tasks notice after 30 s, and report it */
    SERVICE_TASK_CONTROL,        /**< core 1; the task watchdog restarts the gateway after 5 s */
} service_task_kind_t;

struct service_watched;

/** @brief One task of a service; lives on the stack of that task. */
typedef struct {
    event_bus_handle_t bus;
    const char *name;
    service_task_kind_t kind;
    struct service_watched *watched; /**< NULL: no other task notices when this one hangs */
    int64_t next_report_ms;
} service_task_t;

/** @brief What service_task_start() needs to know about a task. */
typedef struct {
    const char *name; /**< static string */
    service_task_kind_t kind;
    uint32_t stack_bytes;
    UBaseType_t priority;
    /** Runs first, in the task; may be NULL. A driver's interrupt stays on the core that installed the driver. */
    esp_err_t (*open)(void *argument);
    /** Runs next, and never returns; calls service_task_alive() in every turn of its loop. */
    void (*run)(service_task_t *task, void *argument);
} service_task_config_t;

/** @brief Milliseconds since the start. 64 bits, so that it never wraps. */
int64_t service_now_ms(void);

/**
 * @brief Ticks from now to a deadline, for a wait that must not become a busy loop.
 * @param deadline_ms on the clock of service_now_ms()
 * @param longest_ms longest wait, short enough to feed the watchdog
 * @return at least 1 tick, even when the deadline has passed
 */
TickType_t service_ticks_until(int64_t deadline_ms, int32_t longest_ms);

/**
 * @brief Starts a task and waits until its `open` has returned. From one task at a time, at start only.
 * @param config of the task; read only in this call
 * @param bus where the task publishes its health
 * @param argument for `open` and `run`; must stay where it is
 * @return
 * - ESP_OK: `open` has succeeded, and the task is running
 * - ESP_ERR_NO_MEM: no memory for the task
 * - any other code is what `open` returned; the task has ended
 */
esp_err_t service_task_start(const service_task_config_t *config, event_bus_handle_t bus, void *argument);

/**
 * @brief Feeds the watchdog, and reports every 10 s. Call it in every turn of the task's loop, at least once a second.
 * @param task as passed to `run`
 */
void service_task_alive(service_task_t *task);

#ifdef __cplusplus
}
#endif
