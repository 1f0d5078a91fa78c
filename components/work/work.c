/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** One queue, one task. It is looked after like every background task, so a job that never ends is told. */
#include "work.h"

#include <stdatomic.h>

#include "esp_check.h"
#include "freertos/queue.h"
#include "sdkconfig.h"
#include "service_task.h"

static const char *TAG = "work";

#define IDLE_EVERY_MS 100

typedef struct {
    work_job_t run;
    void *argument;
} job_t;

static atomic_bool s_started; /**< also by a call that then failed */
static _Atomic(QueueHandle_t) s_jobs;
static void (*s_idle)(void);

static void run(service_task_t *task, void *argument)
{
    const QueueHandle_t jobs = argument;
    for (;;) {
        job_t job;
        service_task_alive(task);
        if (xQueueReceive(jobs, &job, pdMS_TO_TICKS(IDLE_EVERY_MS)) == pdTRUE) {
            job.run(job.argument);
        }
        if (s_idle != NULL) {
            s_idle();
        }
    }
}

esp_err_t work_start(event_bus_handle_t bus, void (*idle)(void))
{
    ESP_RETURN_ON_FALSE(bus != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    ESP_RETURN_ON_FALSE(!atomic_exchange(&s_started, true), ESP_ERR_INVALID_STATE, TAG, "already started");
    const service_task_config_t task = {
        .name = TAG,
        .kind = SERVICE_TASK_BACKGROUND,
        .stack_bytes = CONFIG_TINYBMS_WORK_TASK_STACK,
        .priority = CONFIG_TINYBMS_WORK_TASK_PRIORITY,
        .run = run,
    };
    const QueueHandle_t jobs = xQueueCreate(CONFIG_TINYBMS_WORK_QUEUE, sizeof(job_t));
    ESP_RETURN_ON_FALSE(jobs != NULL, ESP_ERR_NO_MEM, TAG, "no memory for the queue");
    s_idle = idle;
    ESP_RETURN_ON_ERROR(service_task_start(&task, bus, jobs), TAG, "cannot start the task");
    atomic_store(&s_jobs, jobs);
    return ESP_OK;
}

esp_err_t work_submit(work_job_t job, void *argument)
{
    const QueueHandle_t jobs = atomic_load(&s_jobs);
    const job_t entry = {.run = job, .argument = argument};
    if (jobs == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    return xQueueSend(jobs, &entry, 0) == pdTRUE ? ESP_OK : ESP_ERR_NO_MEM;
}
