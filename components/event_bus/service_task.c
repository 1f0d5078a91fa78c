/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** How every service starts and watches its task. It is in this component because health reports go over the bus. */
#include "service_task.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "esp_log.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "freertos/task.h"

static const char *TAG = "service_task";

#define BACKGROUND_CORE 0 /* that of ESP-IDF's own tasks, Wi-Fi among them */
#define CONTROL_CORE    1
#define REPORT_EVERY_MS 10000
#define OVERDUE_AFTER_S 30
#define WATCHED_TASKS   12

/** A background task, as the others see it. In seconds, because the chip has atomic access to 32 bits. */
typedef struct service_watched {
    const char *name;
    atomic_uint alive_s; /**< since start, in its last turn */
    atomic_bool overdue; /**< it has been told that it hangs */
} service_watched_t;

/** A start under way, on the stack of the starter. */
typedef struct {
    const service_task_config_t *config;
    event_bus_handle_t bus;
    void *argument;
    TaskHandle_t starter;
    esp_err_t result;
    atomic_bool opened;
} launch_t;

static service_watched_t s_watched[WATCHED_TASKS];
static atomic_uint s_watched_count;

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

static uint32_t now_s(void)
{
    return (uint32_t)(service_now_ms() / 1000);
}

static service_watched_t *watch(const char *name)
{
    const uint32_t count = atomic_load(&s_watched_count);
    if (count == WATCHED_TASKS) {
        ESP_LOGW(TAG, "too many tasks: a hang of %s will not be detected", name);
        return NULL;
    }
    service_watched_t *const watched = &s_watched[count];
    watched->name = name;
    atomic_store(&watched->alive_s, now_s());
    atomic_store(&s_watched_count, count + 1); /* from here on the other tasks look at it */
    return watched;
}

static void begin(service_task_t *task, const service_task_config_t *config, event_bus_handle_t bus)
{
    *task =
        (service_task_t){.bus = bus, .name = config->name, .kind = config->kind, .next_report_ms = service_now_ms()};
    if (config->kind == SERVICE_TASK_BACKGROUND) {
        task->watched = watch(config->name);
        return;
    }
    const esp_err_t err = esp_task_wdt_add(NULL);
    if (err != ESP_OK) {
        ESP_LOGW(TAG, "the task watchdog does not watch %s: %s", config->name, esp_err_to_name(err));
    }
}

static void run_task(void *argument)
{
    launch_t *const launch = argument;
    void (*const run)(service_task_t *, void *) = launch->config->run;
    void *const of_service = launch->argument;
    const TaskHandle_t starter = launch->starter;
    service_task_t task;
    const esp_err_t err = launch->config->open == NULL ? ESP_OK : launch->config->open(of_service);
    if (err == ESP_OK) {
        begin(&task, launch->config, launch->bus);
    }
    launch->result = err;
    atomic_store(&launch->opened, true); /* the launch may be gone from here on */
    (void)xTaskNotifyGive(starter);
    if (err == ESP_OK) {
        run(&task, of_service);
    }
    vTaskDelete(NULL);
}

esp_err_t service_task_start(const service_task_config_t *config, event_bus_handle_t bus, void *argument)
{
    launch_t launch = {
        .config = config, .bus = bus, .argument = argument, .starter = xTaskGetCurrentTaskHandle(), .result = ESP_OK};
    const BaseType_t core = config->kind == SERVICE_TASK_CONTROL ? CONTROL_CORE : BACKGROUND_CORE;
    if (xTaskCreatePinnedToCore(run_task, config->name, config->stack_bytes, &launch, config->priority, NULL, core) !=
        pdPASS) {
        ESP_LOGE(TAG, "no memory for the task %s", config->name);
        return ESP_ERR_NO_MEM;
    }
    while (!atomic_load(&launch.opened)) {
        (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    }
    return launch.result;
}

/** Background tasks watch one another; what one of them finds is told once. */
static void watch_others(const service_task_t *task)
{
    for (uint32_t i = 0; i < atomic_load(&s_watched_count); i++) {
        service_watched_t *const other = &s_watched[i];
        const int32_t silent_s = (int32_t)(now_s() - atomic_load(&other->alive_s));
        if (silent_s >= OVERDUE_AFTER_S && !atomic_exchange(&other->overdue, true)) {
            ESP_LOGE(TAG, "%s has hung for %" PRId32 " s; limits are still sent", other->name, silent_s);
            const event_bus_task_health_t health = {.task = other->name, .overdue = true};
            event_bus_publish_task_health(task->bus, &health);
        }
    }
}

static void note_alive(service_task_t *task)
{
    if (task->kind == SERVICE_TASK_CONTROL) {
        (void)esp_task_wdt_reset(); /* fails only for a task that begin() has already warned about */
    } else if (task->watched != NULL) {
        atomic_store(&task->watched->alive_s, now_s());
        if (atomic_exchange(&task->watched->overdue, false)) {
            ESP_LOGW(TAG, "%s runs again", task->name);
            task->next_report_ms = service_now_ms();
        }
    }
}

void service_task_alive(service_task_t *task)
{
    note_alive(task);
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
    if (task->kind == SERVICE_TASK_BACKGROUND) {
        watch_others(task);
    }
}
