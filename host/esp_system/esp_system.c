/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "esp_system.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "esp_app_desc.h"
#include "esp_log.h"
#include "esp_task_wdt.h"
#include "host.h"
#include "nvs.h"

#define HEAP_OF_THE_CHIP  (160U * 1024U)
#define SHUTDOWN_HANDLERS 5 /* as on the chip */
#define WATCHED_TASKS     32

static shutdown_handler_t s_handlers[SHUTDOWN_HANDLERS];
static size_t s_handler_count;

const char *esp_err_to_name(esp_err_t code)
{
    static const struct {
        esp_err_t code;
        const char *name;
    } names[] = {
        {ESP_OK, "ESP_OK"},
        {ESP_FAIL, "ESP_FAIL"},
        {ESP_ERR_NO_MEM, "ESP_ERR_NO_MEM"},
        {ESP_ERR_INVALID_ARG, "ESP_ERR_INVALID_ARG"},
        {ESP_ERR_INVALID_STATE, "ESP_ERR_INVALID_STATE"},
        {ESP_ERR_INVALID_SIZE, "ESP_ERR_INVALID_SIZE"},
        {ESP_ERR_NOT_FOUND, "ESP_ERR_NOT_FOUND"},
        {ESP_ERR_NOT_SUPPORTED, "ESP_ERR_NOT_SUPPORTED"},
        {ESP_ERR_TIMEOUT, "ESP_ERR_TIMEOUT"},
        {ESP_ERR_NVS_NOT_INITIALIZED, "ESP_ERR_NVS_NOT_INITIALIZED"},
        {ESP_ERR_NVS_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND"},
        {ESP_ERR_NVS_TYPE_MISMATCH, "ESP_ERR_NVS_TYPE_MISMATCH"},
        {ESP_ERR_NVS_INVALID_LENGTH, "ESP_ERR_NVS_INVALID_LENGTH"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return "UNKNOWN ERROR";
}

esp_err_t esp_register_shutdown_handler(shutdown_handler_t handle)
{
    esp_err_t err = ESP_ERR_NO_MEM;
    host_kernel_lock();
    if (s_handler_count < SHUTDOWN_HANDLERS) {
        s_handlers[s_handler_count++] = handle;
        err = ESP_OK;
    }
    host_kernel_unlock();
    return err;
}

static shutdown_handler_t take_newest_handler(void)
{
    host_kernel_lock();
    const shutdown_handler_t handler = s_handler_count > 0 ? s_handlers[--s_handler_count] : NULL;
    host_kernel_unlock();
    return handler;
}

void host_run_shutdown_handlers(void)
{
    for (shutdown_handler_t handler = take_newest_handler(); handler != NULL; handler = take_newest_handler()) {
        handler();
    }
}

/** The program starts itself anew with the same arguments: the kernel keeps them. */
void esp_restart(void)
{
    char arguments[4096];
    char *argv[64] = {NULL};
    host_run_shutdown_handlers();
    FILE *const file = fopen("/proc/self/cmdline", "re");
    const size_t length = file == NULL ? 0 : fread(arguments, 1, sizeof(arguments) - 1, file);
    arguments[length] = '\0';
    size_t count = 0;
    for (size_t at = 0; at < length && count < 63; at += strlen(&arguments[at]) + 1) {
        argv[count++] = &arguments[at];
    }
    host_rtc_memory_pass_on();
    (void)execv("/proc/self/exe", argv);
    abort();
}

/** What the program itself allocated, held against the heap that the chip has. */
uint32_t esp_get_free_heap_size(void)
{
    const size_t used = mallinfo2().uordblks;
    return used < HEAP_OF_THE_CHIP ? (uint32_t)(HEAP_OF_THE_CHIP - used) : 0;
}

uint32_t esp_get_minimum_free_heap_size(void)
{
    static uint32_t least = HEAP_OF_THE_CHIP;
    const uint32_t now = esp_get_free_heap_size();
    host_kernel_lock();
    least = now < least ? now : least;
    const uint32_t result = least;
    host_kernel_unlock();
    return result;
}

const esp_app_desc_t *esp_app_get_description(void)
{
    static const esp_app_desc_t description = {.version = TINYBMS_VERSION, .project_name = "tinybms-web-gateway"};
    return &description;
}

/* ---- task watchdog ---- */

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
            esp_log_write(ESP_LOG_ERROR, "task_wdt", "task %s did not reset the watchdog in time",
                          pcTaskGetName(s_watched[i].task));
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
