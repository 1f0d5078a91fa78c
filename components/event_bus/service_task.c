/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "service_task.h"

#include "esp_log.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "freertos/task.h"

static const char *TAG = "service_task";

#define REPORT_EVERY_MS 10000

int64_t service_now_ms(void)
{
    return esp_timer_get_time() / 1000;
}

TickType_t service_ticks_until(int64_t deadline_ms, int32_t longest_ms)
{
    const int64_t wait_ms = deadline_ms - service_now_ms();
    if (wait_ms <= 0) {
        return 1;
    }
    /* In 64 bits: pdMS_TO_TICKS() overflows from 71 minutes on. */
    const int64_t ticks = (wait_ms < longest_ms ? wait_ms : longest_ms) * configTICK_RATE_HZ / 1000;
    return ticks > 0 ? (TickType_t)ticks : 1;
}

void service_task_begin(service_task_t *task, event_bus_handle_t bus, const char *name)
{
    *task = (service_task_t){.bus = bus, .name = name, .next_report_ms = service_now_ms()};
    const esp_err_t err = esp_task_wdt_add(NULL);
    if (err != ESP_OK) {
        ESP_LOGW(TAG, "%s is not under the task watchdog: %s", name, esp_err_to_name(err));
    }
}

void service_task_alive(service_task_t *task)
{
    (void)esp_task_wdt_reset(); /* fails only for a task that service_task_begin() has already warned about */
    const int64_t now_ms = service_now_ms();
    if (now_ms < task->next_report_ms) {
        return;
    }
    task->next_report_ms = now_ms + REPORT_EVERY_MS;
    const event_bus_task_health_t health = {
        .task = task->name,
        .stack_free_bytes = (uint32_t)uxTaskGetStackHighWaterMark(NULL),
    };
    event_bus_publish_task_health(task->bus, &health);
}
