/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The ESP-IDF API on Linux; this suite is for Linux only. */
#include <stdatomic.h>
#include <string.h>

#include "esp_event.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "freertos/event_groups.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "freertos/timers.h"
#include "host.h"
#include "unity.h"

static void wait_ms(uint32_t ms)
{
    vTaskDelay(pdMS_TO_TICKS(ms));
}

TEST_CASE("a queue keeps order, refuses when full and waits as long as told", "[host]")
{
    QueueHandle_t queue = xQueueCreate(2, sizeof(int));
    int item = 1;
    int got = 0;
    TEST_ASSERT_EQUAL(pdTRUE, xQueueSend(queue, &item, 0));
    item = 2;
    TEST_ASSERT_EQUAL(pdTRUE, xQueueSend(queue, &item, 0));
    TEST_ASSERT_EQUAL(pdFALSE, xQueueSend(queue, &item, 0));
    TEST_ASSERT_EQUAL(0, uxQueueSpacesAvailable(queue));
    TEST_ASSERT_EQUAL(pdTRUE, xQueueReceive(queue, &got, 0));
    TEST_ASSERT_EQUAL(1, got);
    TEST_ASSERT_EQUAL(pdTRUE, xQueuePeek(queue, &got, 0));
    TEST_ASSERT_EQUAL(2, got);
    TEST_ASSERT_EQUAL(1, uxQueueMessagesWaiting(queue));
    TEST_ASSERT_EQUAL(pdTRUE, xQueueReset(queue));
    const int64_t start_us = esp_timer_get_time();
    TEST_ASSERT_EQUAL(pdFALSE, xQueueReceive(queue, &got, pdMS_TO_TICKS(30)));
    TEST_ASSERT_GREATER_OR_EQUAL(29000, esp_timer_get_time() - start_us);
    vQueueDelete(queue);
}

TEST_CASE("a queue of one is overwritten", "[host]")
{
    QueueHandle_t queue = xQueueCreate(1, sizeof(int));
    int got = 0;
    for (int item = 1; item <= 3; item++) {
        TEST_ASSERT_EQUAL(pdTRUE, xQueueOverwrite(queue, &item));
    }
    TEST_ASSERT_EQUAL(pdTRUE, xQueueReceive(queue, &got, 0));
    TEST_ASSERT_EQUAL(3, got);
    vQueueDelete(queue);
}

TEST_CASE("a mutex is taken once, a counting semaphore as often as it counts", "[host]")
{
    SemaphoreHandle_t mutex = xSemaphoreCreateMutex();
    SemaphoreHandle_t counting = xSemaphoreCreateCounting(2, 1);
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(mutex, 0));
    TEST_ASSERT_EQUAL(pdFALSE, xSemaphoreTake(mutex, 0));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreGive(mutex));
    TEST_ASSERT_EQUAL(pdFALSE, xSemaphoreGive(mutex));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreGive(counting));
    TEST_ASSERT_EQUAL(pdFALSE, xSemaphoreGive(counting));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(counting, 0));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(counting, 0));
    TEST_ASSERT_EQUAL(pdFALSE, xSemaphoreTake(counting, 0));
    vSemaphoreDelete(mutex);
    vSemaphoreDelete(counting);
}

static atomic_int s_seen;
static TaskHandle_t s_tester;

static void echo_task(void *argument)
{
    (void)argument;
    for (;;) {
        uint32_t value = 0;
        (void)xTaskNotifyWait(0, UINT32_MAX, &value, portMAX_DELAY);
        atomic_store(&s_seen, (int)value);
        (void)xTaskNotifyGive(s_tester);
        if (value == 99) {
            vTaskDelete(NULL);
        }
    }
}

TEST_CASE("notifications carry bits and wake the task", "[host]")
{
    TaskHandle_t task = NULL;
    s_tester = xTaskGetCurrentTaskHandle();
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(echo_task, "echo", 2048, NULL, 5, &task));
    TEST_ASSERT_EQUAL_STRING("echo", pcTaskGetName(task));
    TEST_ASSERT_EQUAL(pdPASS, xTaskNotify(task, 0x5, eSetBits));
    TEST_ASSERT_EQUAL_UINT32(1, ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(2000)));
    TEST_ASSERT_EQUAL(5, atomic_load(&s_seen));
    TEST_ASSERT_EQUAL(pdPASS, xTaskNotify(task, 99, eSetValueWithOverwrite));
    TEST_ASSERT_EQUAL_UINT32(1, ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(2000)));
    TEST_ASSERT_EQUAL(99, atomic_load(&s_seen));
    TEST_ASSERT_EQUAL_UINT32(0, ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(20)));
}

static void hungry_task(void *argument)
{
    volatile char food[1500]; /* written one by one: the compiler may leave out a memset() that nobody reads */
    (void)argument;
    for (size_t i = 0; i < sizeof(food); i++) {
        food[i] = 1;
    }
    (void)xTaskNotifyGive(s_tester);
    for (;;) {
        (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    }
}

TEST_CASE("the stack's high-water mark shows what a task used", "[host]")
{
    TaskHandle_t task = NULL;
    s_tester = xTaskGetCurrentTaskHandle();
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(hungry_task, "hungry", 64 * 1024, NULL, 5, &task));
    (void)ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(2000));
    TEST_ASSERT_GREATER_THAN(0, uxTaskGetStackHighWaterMark(task));
    TEST_ASSERT_LESS_OR_EQUAL(64 * 1024 - 1500, uxTaskGetStackHighWaterMark(task));
}

TEST_CASE("event groups wait for any or for all bits", "[host]")
{
    EventGroupHandle_t group = xEventGroupCreate();
    (void)xEventGroupSetBits(group, 0x1);
    TEST_ASSERT_EQUAL_UINT32(0x1, xEventGroupWaitBits(group, 0x3, pdFALSE, pdFALSE, 0));
    TEST_ASSERT_EQUAL_UINT32(0x1, xEventGroupWaitBits(group, 0x3, pdTRUE, pdTRUE, pdMS_TO_TICKS(10)));
    (void)xEventGroupSetBits(group, 0x2);
    TEST_ASSERT_EQUAL_UINT32(0x3, xEventGroupWaitBits(group, 0x3, pdTRUE, pdTRUE, 0));
    TEST_ASSERT_EQUAL_UINT32(0, xEventGroupGetBits(group));
    vEventGroupDelete(group);
}

static void count_esp_timer(void *argument)
{
    atomic_fetch_add((atomic_int *)argument, 1);
}

/** A machine that is busy with other things may take its time. */
static void wait_for(atomic_int *count, int least)
{
    for (int i = 0; i < 500 && atomic_load(count) < least; i++) {
        wait_ms(10);
    }
}

TEST_CASE("esp_timer fires once or again and again, until it is stopped", "[host]")
{
    static atomic_int count;
    esp_timer_handle_t timer = NULL;
    const esp_timer_create_args_t arguments = {.callback = count_esp_timer, .arg = &count, .name = "test"};
    TEST_ASSERT_EQUAL(ESP_OK, esp_timer_create(&arguments, &timer));
    TEST_ASSERT_EQUAL(ESP_OK, esp_timer_start_once(timer, 100000));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, esp_timer_start_once(timer, 100000));
    wait_for(&count, 1);
    wait_ms(30);
    TEST_ASSERT_EQUAL(1, atomic_load(&count));
    TEST_ASSERT_EQUAL(ESP_OK, esp_timer_start_periodic(timer, 10000));
    wait_for(&count, 4);
    TEST_ASSERT_EQUAL(ESP_OK, esp_timer_stop(timer));
    wait_ms(30);
    const int after_stop = atomic_load(&count);
    TEST_ASSERT_GREATER_THAN(3, after_stop);
    wait_ms(60);
    TEST_ASSERT_EQUAL(after_stop, atomic_load(&count));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, esp_timer_stop(timer));
    TEST_ASSERT_EQUAL(ESP_OK, esp_timer_delete(timer));
}

static void count_timer(TimerHandle_t timer)
{
    atomic_fetch_add((atomic_int *)pvTimerGetTimerID(timer), 1);
}

TEST_CASE("a software timer fires", "[host]")
{
    static atomic_int count;
    TimerHandle_t timer = xTimerCreate("test", pdMS_TO_TICKS(10), pdTRUE, &count, count_timer);
    TEST_ASSERT_EQUAL(pdPASS, xTimerStart(timer, 0));
    wait_for(&count, 4);
    TEST_ASSERT_EQUAL(pdPASS, xTimerStop(timer, 0));
    TEST_ASSERT_GREATER_THAN(3, atomic_load(&count));
}

ESP_EVENT_DEFINE_BASE(TEST_EVENTS);

static void on_event(void *argument, esp_event_base_t base, int32_t id, void *data)
{
    (void)base;
    atomic_fetch_add((atomic_int *)argument, 100 * id + *(const int *)data);
}

static SemaphoreHandle_t s_held;
static SemaphoreHandle_t s_release;
static atomic_uint s_calls;

static void note_call(void *order, uint32_t value)
{
    *(uint32_t *)order = *(uint32_t *)order * 16U + value;
    atomic_fetch_add(&s_calls, 1);
}

static void hold_timer_task(void *unused)
{
    (void)unused;
    (void)xSemaphoreGive(s_held);
    (void)xSemaphoreTake(s_release, portMAX_DELAY);
}

TEST_CASE("what an interrupt leaves for the timer task is done in order, ten of it at most, and not at once", "[host]")
{
    const esp_timer_create_args_t args = {.callback = hold_timer_task};
    esp_timer_handle_t timer = NULL;
    uint32_t order = 0;
    uint32_t unused = 0;
    const TickType_t start = xTaskGetTickCount();
    atomic_store(&s_calls, 0);
    TEST_ASSERT_EQUAL(pdPASS, xTimerPendFunctionCallFromISR(note_call, &order, 1, NULL));
    TEST_ASSERT_EQUAL(pdPASS, xTimerPendFunctionCallFromISR(note_call, &order, 2, NULL));
    while (atomic_load(&s_calls) < 2) {
        vTaskDelay(1);
    }
    TEST_ASSERT_GREATER_THAN(start, xTaskGetTickCount());
    TEST_ASSERT_EQUAL_HEX16(0x12, order);

    s_held = xSemaphoreCreateBinary();
    s_release = xSemaphoreCreateBinary();
    TEST_ASSERT_EQUAL(ESP_OK, esp_timer_create(&args, &timer));
    TEST_ASSERT_EQUAL(ESP_OK, esp_timer_start_once(timer, 0));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_held, pdMS_TO_TICKS(5000)));
    for (int i = 0; i < 10; i++) {
        TEST_ASSERT_EQUAL(pdPASS, xTimerPendFunctionCallFromISR(note_call, &unused, 0, NULL));
    }
    TEST_ASSERT_EQUAL(pdFAIL, xTimerPendFunctionCallFromISR(note_call, &unused, 0, NULL));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreGive(s_release));
    while (atomic_load(&s_calls) < 12) {
        vTaskDelay(1);
    }
    TEST_ASSERT_EQUAL(ESP_OK, esp_timer_delete(timer));
}

TEST_CASE("bits that an interrupt sets come by way of the timer task", "[host]")
{
    EventGroupHandle_t group = xEventGroupCreate();
    BaseType_t woken = pdFALSE;
    TEST_ASSERT_EQUAL(pdPASS, xEventGroupSetBitsFromISR(group, 0x5, &woken));
    TEST_ASSERT_EQUAL(pdTRUE, woken);
    TEST_ASSERT_EQUAL_HEX8(0x5, xEventGroupWaitBits(group, 0x5, pdFALSE, pdTRUE, pdMS_TO_TICKS(5000)));
    vEventGroupDelete(group);
}

TEST_CASE("events reach the handlers of their id and of any id", "[host]")
{
    static atomic_int one;
    static atomic_int any;
    const int data = 7;
    TEST_ASSERT_EQUAL(ESP_OK, esp_event_loop_create_default());
    TEST_ASSERT_EQUAL(ESP_OK, esp_event_handler_register(TEST_EVENTS, 1, on_event, &one));
    TEST_ASSERT_EQUAL(ESP_OK, esp_event_handler_register(TEST_EVENTS, ESP_EVENT_ANY_ID, on_event, &any));
    TEST_ASSERT_EQUAL(ESP_OK, esp_event_post(TEST_EVENTS, 1, &data, sizeof(data), portMAX_DELAY));
    TEST_ASSERT_EQUAL(ESP_OK, esp_event_post(TEST_EVENTS, 2, &data, sizeof(data), portMAX_DELAY));
    for (int i = 0; i < 5000 && atomic_load(&any) != 314; i++) {
        vTaskDelay(1);
    }
    TEST_ASSERT_EQUAL(314, atomic_load(&any));
    TEST_ASSERT_EQUAL(107, atomic_load(&one));
}

TEST_CASE("an interrupt may send to a queue and must not wait", "[host]")
{
    QueueHandle_t queue = xQueueCreate(1, sizeof(int));
    const int item = 3;
    BaseType_t woken = pdFALSE;
    host_isr_enter();
    TEST_ASSERT_EQUAL(pdTRUE, xPortInIsrContext());
    TEST_ASSERT_EQUAL(pdTRUE, xQueueSendFromISR(queue, &item, &woken));
    TEST_ASSERT_EQUAL(pdFALSE, xQueueSendFromISR(queue, &item, &woken));
    host_isr_exit();
    TEST_ASSERT_EQUAL(pdFALSE, xPortInIsrContext());
    vQueueDelete(queue);
}

TEST_CASE("the heap is that of the chip", "[host]")
{
    TEST_ASSERT_LESS_OR_EQUAL(160 * 1024, esp_get_free_heap_size());
    TEST_ASSERT_LESS_OR_EQUAL(esp_get_free_heap_size(), esp_get_minimum_free_heap_size());
}
