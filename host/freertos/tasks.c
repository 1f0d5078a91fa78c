/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Tasks are threads; their stacks are painted, and notifications wait under the kernel lock. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host.h"

static const char *TAG = "freertos";

#define LINUX_EXTRA_STACK (1024U * 1024U) /* printf, sanitizers and signals need more here than on the chip */
#define STACK_PAINT       0xA5

struct host_task {
    TaskFunction_t function;
    void *argument;
    char name[32];
    uint32_t stack_bytes;
    BaseType_t core; /**< that the chip would run it on */
    uint8_t *stack;
    size_t stack_size;
    const uint8_t *stack_top; /**< where the task begins; above it are the thread's own data, which the chip has not */
    pthread_cond_t notified;
    uint32_t notify_value;
    bool notify_pending;
    struct host_task *next;
};

static _Thread_local struct host_task *s_current;
static struct host_task *s_tasks; /* all there ever were: a handle stays valid when its task has ended */

static struct host_task *new_task(const char *name)
{
    struct host_task *const task = calloc(1, sizeof(*task));
    if (task != NULL) {
        (void)snprintf(task->name, sizeof(task->name), "%s", name);
        host_cond_init(&task->notified);
        host_kernel_lock();
        task->next = s_tasks;
        s_tasks = task;
        host_kernel_unlock();
    }
    return task;
}

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    if (s_current == NULL) {
        s_current = new_task("thread"); /* a thread that is not a task, such as the main of a test */
    }
    return s_current;
}

static void *run_task(void *argument)
{
    s_current = argument;
    s_current->stack_top = __builtin_frame_address(0);
    host_name_thread(s_current->name);
    ESP_LOGD(TAG, "task %s on core %d", s_current->name, s_current->core);
    s_current->function(s_current->argument);
    (void)fprintf(stderr, "task %s returned: the chip would crash\n", s_current->name);
    abort();
}

BaseType_t xTaskCreatePinnedToCore(TaskFunction_t function, const char *name, uint32_t stack_bytes, void *argument,
                                   UBaseType_t priority, TaskHandle_t *handle, BaseType_t core)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t before;
    (void)priority; /* Linux shares its cores fairly; see host/README.md */
    struct host_task *const task = new_task(name);
    if (task == NULL) {
        return pdFAIL;
    }
    task->function = function;
    task->argument = argument;
    task->stack_bytes = stack_bytes;
    task->core = core;
    task->stack_size = ((size_t)stack_bytes + LINUX_EXTRA_STACK + 4095U) & ~(size_t)4095U;
    task->stack = mmap(NULL, task->stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (task->stack == MAP_FAILED) {
        return pdFAIL;
    }
    memset(task->stack, STACK_PAINT, task->stack_size);
    task->stack_top = &task->stack[task->stack_size];
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstack(&attributes, task->stack, task->stack_size);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    host_block_signals(&before);
    if (handle != NULL) {
        *handle = task;
    }
    const int failed = pthread_create(&thread, &attributes, run_task, task);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return failed == 0 ? pdPASS : pdFAIL;
}

BaseType_t xTaskCreate(TaskFunction_t function, const char *name, uint32_t stack_bytes, void *argument,
                       UBaseType_t priority, TaskHandle_t *handle)
{
    return xTaskCreatePinnedToCore(function, name, stack_bytes, argument, priority, handle, tskNO_AFFINITY);
}

/** Linux runs it where it likes; a task that is pinned to no core counts as one of core 0. */
BaseType_t xPortGetCoreID(void)
{
    return s_current != NULL && s_current->core == 1 ? 1 : 0;
}

void vTaskDelete(TaskHandle_t task)
{
    if (task != NULL && task != s_current) {
        (void)fprintf(stderr, "vTaskDelete of another task is not supported on Linux: let the task end itself\n");
        abort();
    }
    pthread_exit(NULL);
}

void vTaskDelay(TickType_t ticks)
{
    host_refuse_in_isr(__func__, ticks);
    host_sleep_us((int64_t)ticks * 1000000 / configTICK_RATE_HZ);
    host_kernel_lock(); /* an erase of the flash holds it, and with it every task */
    host_kernel_unlock();
}

BaseType_t xTaskDelayUntil(TickType_t *previous_wake_time, TickType_t increment)
{
    const TickType_t next = *previous_wake_time + increment;
    const TickType_t wait = next - xTaskGetTickCount();
    *previous_wake_time = next;
    if (wait == 0 || wait > increment) {
        return pdFALSE;
    }
    vTaskDelay(wait);
    return pdTRUE;
}

TickType_t xTaskGetTickCount(void)
{
    return (TickType_t)(host_now_us() * configTICK_RATE_HZ / 1000000);
}

char *pcTaskGetName(TaskHandle_t task)
{
    return (task == NULL ? xTaskGetCurrentTaskHandle() : task)->name;
}

/** Bytes of the stack that the chip would have given which were never used; 0 when Linux needed more. */
UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task)
{
    const struct host_task *const t = task == NULL ? xTaskGetCurrentTaskHandle() : task;
    size_t untouched = 0;
    while (untouched < t->stack_size && t->stack[untouched] == STACK_PAINT) {
        untouched++;
    }
    const size_t used = (uintptr_t)t->stack_top - (uintptr_t)t->stack - untouched;
    return used < t->stack_bytes ? (UBaseType_t)(t->stack_bytes - used) : 0;
}

static void apply_notification(struct host_task *task, uint32_t value, eNotifyAction action)
{
    switch (action) {
    case eSetBits:
        task->notify_value |= value;
        break;
    case eIncrement:
        task->notify_value++;
        break;
    case eSetValueWithOverwrite:
    case eSetValueWithoutOverwrite:
        task->notify_value = value;
        break;
    case eNoAction:
    default:
        break;
    }
    task->notify_pending = true;
    (void)pthread_cond_broadcast(&task->notified);
}

BaseType_t xTaskNotify(TaskHandle_t task, uint32_t value, eNotifyAction action)
{
    BaseType_t done = pdPASS;
    host_kernel_lock();
    if (action == eSetValueWithoutOverwrite && task->notify_pending) {
        done = pdFAIL;
    } else {
        apply_notification(task, value, action);
    }
    host_kernel_unlock();
    return done;
}

BaseType_t xTaskNotifyGive(TaskHandle_t task)
{
    return xTaskNotify(task, 0, eIncrement);
}

void vTaskNotifyGiveFromISR(TaskHandle_t task, BaseType_t *woken)
{
    (void)xTaskNotifyGive(task);
    if (woken != NULL) {
        *woken = pdTRUE;
    }
}

uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks)
{
    struct host_task *const task = xTaskGetCurrentTaskHandle();
    const int64_t deadline_us = host_deadline_us(ticks);
    host_refuse_in_isr(__func__, ticks);
    host_kernel_lock();
    while (task->notify_value == 0 && ticks > 0 && host_kernel_wait(&task->notified, deadline_us)) {
    }
    const uint32_t value = task->notify_value;
    if (value > 0) {
        task->notify_value = clear != pdFALSE ? 0 : value - 1;
    }
    task->notify_pending = false;
    host_kernel_unlock();
    return value;
}

BaseType_t xTaskNotifyWait(uint32_t clear_on_entry, uint32_t clear_on_exit, uint32_t *value, TickType_t ticks)
{
    struct host_task *const task = xTaskGetCurrentTaskHandle();
    const int64_t deadline_us = host_deadline_us(ticks);
    host_refuse_in_isr(__func__, ticks);
    host_kernel_lock();
    if (!task->notify_pending) {
        task->notify_value &= ~clear_on_entry;
    }
    while (!task->notify_pending && ticks > 0 && host_kernel_wait(&task->notified, deadline_us)) {
    }
    const BaseType_t got = task->notify_pending ? pdTRUE : pdFALSE;
    if (value != NULL) {
        *value = task->notify_value;
    }
    if (got == pdTRUE) {
        task->notify_value &= ~clear_on_exit;
    }
    task->notify_pending = false;
    host_kernel_unlock();
    return got;
}
