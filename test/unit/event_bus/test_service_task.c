/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdatomic.h>

#include "esp_task_wdt.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "service_task.h"
#include "unity.h"

/** What a task has seen of itself. */
typedef struct {
    esp_err_t opening; /**< what its open shall return */
    BaseType_t core_of_open;
    TaskHandle_t opened_in;
    QueueHandle_t ran; /**< seen_t, from its run */
} service_t;

typedef struct {
    BaseType_t core;
    TaskHandle_t task;
} seen_t;

static service_t s_service;

static esp_err_t open_service(void *argument)
{
    service_t *const service = argument;
    service->core_of_open = xPortGetCoreID();
    service->opened_in = xTaskGetCurrentTaskHandle();
    return service->opening;
}

/** A service would stay; here the task ends, and nobody is to miss it. */
static void run_service(service_task_t *task, void *argument)
{
    service_t *const service = argument;
    const seen_t seen = {.core = xPortGetCoreID(), .task = xTaskGetCurrentTaskHandle()};
    service_task_alive(task);
    (void)esp_task_wdt_delete(NULL);
    (void)xQueueSend(service->ran, &seen, 0);
}

static esp_err_t start(service_task_kind_t kind, esp_err_t opening)
{
    static event_bus_handle_t bus;
    if (bus == NULL) {
        TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&bus));
        s_service.ran = xQueueCreate(1, sizeof(seen_t));
    }
    s_service.opening = opening;
    s_service.opened_in = NULL;
    const service_task_config_t config = {
        .name = "service",
        .kind = kind,
        .stack_bytes = 4096,
        .priority = 2,
        .open = open_service,
        .run = run_service,
    };
    return service_task_start(&config, bus, &s_service);
}

static void check_core(service_task_kind_t kind, BaseType_t core)
{
    seen_t seen;
    TEST_ASSERT_EQUAL(ESP_OK, start(kind, ESP_OK));
    TEST_ASSERT_TRUE(s_service.opened_in != NULL); /* it has opened when the start is over */
    TEST_ASSERT_EQUAL(core, s_service.core_of_open);
    TEST_ASSERT_EQUAL(pdTRUE, xQueueReceive(s_service.ran, &seen, pdMS_TO_TICKS(5000)));
    TEST_ASSERT_EQUAL(core, seen.core);
    TEST_ASSERT_TRUE(seen.task == s_service.opened_in);
}

TEST_CASE("a control task and what it opens are on core 1, a background task on core 0", "[service_task]")
{
    check_core(SERVICE_TASK_CONTROL, 1);
    check_core(SERVICE_TASK_BACKGROUND, 0);
}

TEST_CASE("a task that cannot open what it needs does not run, and its starter is told why", "[service_task]")
{
    seen_t seen;
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, start(SERVICE_TASK_CONTROL, ESP_ERR_NOT_FOUND));
    TEST_ASSERT_TRUE(s_service.opened_in != NULL);
    TEST_ASSERT_EQUAL(pdFALSE, xQueueReceive(s_service.ran, &seen, pdMS_TO_TICKS(20)));
    check_core(SERVICE_TASK_CONTROL, 1); /* it can be started again */
}
