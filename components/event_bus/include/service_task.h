/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What every service's task does: watchdog, clock, waiting, and saying how much stack is left.
 */

#include <stdint.h>

#include "esp_err.h"
#include "event_bus.h"
#include "freertos/FreeRTOS.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief One task of a service; lives on the stack of that task. */
typedef struct {
    event_bus_handle_t bus;
    const char *name;
    int64_t next_report_ms;
} service_task_t;

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
 * @brief First call of a service's task: puts it under the task watchdog.
 * @param[out] task filled
 * @param bus where the task's health is published
 * @param name static string
 */
void service_task_begin(service_task_t *task, event_bus_handle_t bus, const char *name);

/**
 * @brief Call it in every turn of the task's loop, at least once a second: feeds the watchdog, reports every 10 s.
 * @param task as filled by service_task_begin()
 */
void service_task_alive(service_task_t *task);

#ifdef __cplusplus
}
#endif
