/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Task watchdog: one thread looks whether every watched task has reset it in time. */
#include <stdlib.h>

#include "esp_log.h"
#include "esp_task_wdt.h"
#include "host.h"

static const char *TAG = "task_wdt";

#define WATCHED_TASKS 32

static struct {
    TaskHandle_t task;
    int64_t fed_us;
} s_watched[WATCHED_TASKS];
static size_t s_watched_count;
static esp_task_wdt_config_t s_wdt;

static void *watch(void *argument)
{
    (void)argument;
    for (;;) {
        host_sleep_us(100000);
        host_kernel_lock();
        const int64_t now_us = host_now_us();
        for (size_t i = 0; i < s_watched_count; i++) {
            if (now_us - s_watched[i].fed_us < (int64_t)s_wdt.timeout_ms * 1000) {
                continue;
            }
            ESP_LOGE(TAG, "task %s did not reset the watchdog in time", pcTaskGetName(s_watched[i].task));
            if (s_wdt.trigger_panic) {
                host_crash_reason("task watchdog");
                abort();
            }
            s_watched[i].fed_us = now_us;
        }
        host_kernel_unlock();
    }
    return NULL;
}

esp_err_t esp_task_wdt_init(const esp_task_wdt_config_t *config)
{
    if (s_wdt.timeout_ms != 0) {
        return ESP_ERR_INVALID_STATE;
    }
    s_wdt = *config;
    host_start_thread("task_wdt", watch, NULL);
    return ESP_OK;
}

esp_err_t esp_task_wdt_add(TaskHandle_t task_handle)
{
    esp_err_t err = ESP_ERR_INVALID_STATE;
    TaskHandle_t task = task_handle == NULL ? xTaskGetCurrentTaskHandle() : task_handle;
    host_kernel_lock();
    if (s_wdt.timeout_ms != 0 && s_watched_count < WATCHED_TASKS) {
        s_watched[s_watched_count].task = task;
        s_watched[s_watched_count].fed_us = host_now_us();
        s_watched_count++;
        err = ESP_OK;
    }
    host_kernel_unlock();
    return err;
}

esp_err_t esp_task_wdt_reset(void)
{
    esp_err_t err = ESP_ERR_NOT_FOUND;
    TaskHandle_t task = xTaskGetCurrentTaskHandle();
    host_kernel_lock();
    for (size_t i = 0; i < s_watched_count; i++) {
        if (s_watched[i].task == task) {
            s_watched[i].fed_us = host_now_us();
            err = ESP_OK;
        }
    }
    host_kernel_unlock();
    return err;
}

esp_err_t esp_task_wdt_delete(TaskHandle_t task_handle)
{
    esp_err_t err = ESP_ERR_NOT_FOUND;
    TaskHandle_t task = task_handle == NULL ? xTaskGetCurrentTaskHandle() : task_handle;
    host_kernel_lock();
    for (size_t i = 0; i < s_watched_count && err != ESP_OK; i++) {
        if (s_watched[i].task == task) {
            s_watched[i] = s_watched[--s_watched_count];
            err = ESP_OK;
        }
    }
    host_kernel_unlock();
    return err;
}
