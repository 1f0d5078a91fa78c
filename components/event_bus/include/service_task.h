/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What every service's task does: its core, its watchdog, clock, waiting, and saying how much stack is left.
 *
 * Control tasks have core 1 for themselves; whatever takes the processor for seconds (network, TLS) runs on core 0 and
 * is not restarted for it.
 */

#include <stdint.h>

#include "esp_err.h"
#include "event_bus.h"
#include "freertos/FreeRTOS.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What a task is for: on which core it runs, and who notices that it hangs. */
typedef enum {
    SERVICE_TASK_BACKGROUND = 0, /**< core 0; the other background tasks notice after 30 s, and say so */
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

/** @brief What service_task_start() makes a task of. */
typedef struct {
    const char *name; /**< static string */
    service_task_kind_t kind;
    uint32_t stack_bytes;
    UBaseType_t priority;
    /** Runs first, in the task, or is NULL: a driver's interrupt stays on the core that has installed the driver. */
    esp_err_t (*open)(void *argument);
    /** Runs next and never returns; calls service_task_alive() in every turn of its loop. */
    void (*run)(service_task_t *task, void *argument);
} service_task_config_t;

/** @brief Milliseconds since start, 64 bits: does not wrap. */
int64_t service_now_ms(void);

/**
 * @brief Ticks from now to a deadline, for a wait that must not turn into a busy loop.
 * @param deadline_ms on the clock of service_now_ms()
 * @param longest_ms longest wait, so that the watchdog is fed
 * @return 1 tick at least, also for a deadline that has passed
 */
TickType_t service_ticks_until(int64_t deadline_ms, int32_t longest_ms);

/**
 * @brief Starts a task and waits until it has opened what it needs. From one task at a time, at start only.
 * @param config what task; read here only
 * @param bus where the task's health is published
 * @param argument for `open` and `run`; must stay where it is
 * @return ESP_OK; ESP_ERR_NO_MEM; what `open` returned: the task has ended then
 */
esp_err_t service_task_start(const service_task_config_t *config, event_bus_handle_t bus, void *argument);

/**
 * @brief Call it in every turn of the task's loop, at least once a second: feeds the watchdog, reports every 10 s.
 * @param task as given to `run`
 */
void service_task_alive(service_task_t *task);

#ifdef __cplusplus
}
#endif
