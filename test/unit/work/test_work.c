/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Jobs run one after the other in their own task, and whoever hands one over never waits. */
#include "work.h"

#include <stdatomic.h>

#include "freertos/semphr.h"
#include "freertos/task.h"
#include "sdkconfig.h"
#include "unity.h"

#define WITHIN pdMS_TO_TICKS(5000)

static event_bus_handle_t s_bus;
static atomic_int s_idle_turns;
static SemaphoreHandle_t s_entered;
static SemaphoreHandle_t s_gate;
static SemaphoreHandle_t s_done;
static int s_order[CONFIG_TINYBMS_WORK_QUEUE + 1];
static atomic_int s_count;
static TaskHandle_t s_task;

static void idle(void)
{
    s_idle_turns++;
}

static void wait_at_the_gate(void *argument)
{
    (void)argument;
    (void)xSemaphoreGive(s_entered);
    (void)xSemaphoreTake(s_gate, WITHIN);
}

static void note(void *argument)
{
    s_task = xTaskGetCurrentTaskHandle();
    s_order[s_count++] = *(const int *)argument;
    (void)xSemaphoreGive(s_done);
}

static void begin(void)
{
    s_count = 0;
    if (s_bus != NULL) {
        return;
    }
    s_entered = xSemaphoreCreateBinary();
    s_gate = xSemaphoreCreateBinary();
    s_done = xSemaphoreCreateCounting(CONFIG_TINYBMS_WORK_QUEUE + 1, 0);
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&s_bus));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, work_submit(note, NULL));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, work_start(NULL, idle));
    TEST_ASSERT_EQUAL(ESP_OK, work_start(s_bus, idle));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, work_start(s_bus, idle));
}

TEST_CASE("jobs run in their order in a task of their own, and one too many is refused at once", "[work]")
{
    static int numbers[CONFIG_TINYBMS_WORK_QUEUE + 1];
    begin();
    TEST_ASSERT_EQUAL(ESP_OK, work_submit(wait_at_the_gate, NULL));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_entered, WITHIN));
    for (int i = 0; i < CONFIG_TINYBMS_WORK_QUEUE; i++) {
        numbers[i] = i;
        TEST_ASSERT_EQUAL(ESP_OK, work_submit(note, &numbers[i]));
    }
    TEST_ASSERT_EQUAL(ESP_ERR_NO_MEM, work_submit(note, &numbers[0]));
    TEST_ASSERT_EQUAL(0, s_count);
    (void)xSemaphoreGive(s_gate);
    for (int i = 0; i < CONFIG_TINYBMS_WORK_QUEUE; i++) {
        TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_done, WITHIN));
    }
    for (int i = 0; i < CONFIG_TINYBMS_WORK_QUEUE; i++) {
        TEST_ASSERT_EQUAL(i, s_order[i]);
    }
    TEST_ASSERT_EQUAL(CONFIG_TINYBMS_WORK_QUEUE, s_count);
    TEST_ASSERT_TRUE(s_task != xTaskGetCurrentTaskHandle());
}

TEST_CASE("between jobs the hook is called 5 times a second or more, and not during one", "[work]")
{
    begin();
    vTaskDelay(pdMS_TO_TICKS(50));
    const int before = s_idle_turns;
    vTaskDelay(pdMS_TO_TICKS(2000));
    TEST_ASSERT_GREATER_OR_EQUAL(before + 10, s_idle_turns);
    TEST_ASSERT_EQUAL(ESP_OK, work_submit(wait_at_the_gate, NULL));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_entered, WITHIN));
    const int meanwhile = s_idle_turns;
    vTaskDelay(pdMS_TO_TICKS(500));
    TEST_ASSERT_EQUAL(meanwhile, s_idle_turns);
    (void)xSemaphoreGive(s_gate);
}
