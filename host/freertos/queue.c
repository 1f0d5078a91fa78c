/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Queues and semaphores, under the kernel lock. */
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "host.h"

/** Queues and semaphores are one thing, as in FreeRTOS: a semaphore is a queue of items without content. */
struct host_queue {
    UBaseType_t length;
    UBaseType_t item_size;
    UBaseType_t count;
    UBaseType_t head; /**< the oldest item */
    pthread_cond_t changed;
    uint8_t items[];
};

QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t item_size)
{
    QueueHandle_t queue = calloc(1, sizeof(*queue) + (size_t)length * item_size);
    if (queue != NULL) {
        queue->length = length;
        queue->item_size = item_size;
        host_cond_init(&queue->changed);
    }
    return queue;
}

void vQueueDelete(QueueHandle_t queue)
{
    (void)pthread_cond_destroy(&queue->changed);
    free(queue);
}

static uint8_t *place(QueueHandle_t queue, UBaseType_t index)
{
    return &queue->items[(size_t)((queue->head + index) % queue->length) * queue->item_size];
}

static void copy(void *to, const void *from, UBaseType_t size)
{
    if (to != NULL && from != NULL && size > 0) {
        memcpy(to, from, size);
    }
}

static BaseType_t put(QueueHandle_t queue, const void *item, TickType_t ticks, bool front)
{
    const int64_t deadline_us = host_deadline_us(ticks);
    BaseType_t done = pdFALSE;
    host_kernel_lock();
    while (queue->count == queue->length && ticks > 0 && host_kernel_wait(&queue->changed, deadline_us)) {
    }
    if (queue->count < queue->length) {
        if (front) {
            queue->head = (queue->head + queue->length - 1) % queue->length;
            copy(place(queue, 0), item, queue->item_size);
        } else {
            copy(place(queue, queue->count), item, queue->item_size);
        }
        queue->count++;
        done = pdTRUE;
        (void)pthread_cond_broadcast(&queue->changed);
    }
    host_kernel_unlock();
    return done;
}

static BaseType_t take(QueueHandle_t queue, void *item, TickType_t ticks, bool keep)
{
    const int64_t deadline_us = host_deadline_us(ticks);
    BaseType_t done = pdFALSE;
    host_kernel_lock();
    while (queue->count == 0 && ticks > 0 && host_kernel_wait(&queue->changed, deadline_us)) {
    }
    if (queue->count > 0) {
        copy(item, place(queue, 0), queue->item_size);
        if (!keep) {
            queue->head = (queue->head + 1) % queue->length;
            queue->count--;
            (void)pthread_cond_broadcast(&queue->changed);
        }
        done = pdTRUE;
    }
    host_kernel_unlock();
    return done;
}

BaseType_t xQueueSend(QueueHandle_t queue, const void *item, TickType_t ticks)
{
    host_refuse_in_isr(__func__, ticks);
    return put(queue, item, ticks, false);
}

BaseType_t xQueueSendToFront(QueueHandle_t queue, const void *item, TickType_t ticks)
{
    host_refuse_in_isr(__func__, ticks);
    return put(queue, item, ticks, true);
}

static void note_woken(BaseType_t *woken, BaseType_t done)
{
    if (woken != NULL && done == pdTRUE) {
        *woken = pdTRUE;
    }
}

BaseType_t xQueueSendFromISR(QueueHandle_t queue, const void *item, BaseType_t *woken)
{
    const BaseType_t done = put(queue, item, 0, false);
    note_woken(woken, done);
    return done;
}

BaseType_t xQueueOverwrite(QueueHandle_t queue, const void *item)
{
    host_kernel_lock();
    queue->count = 1;
    copy(place(queue, 0), item, queue->item_size);
    (void)pthread_cond_broadcast(&queue->changed);
    host_kernel_unlock();
    return pdTRUE;
}

BaseType_t xQueueReceive(QueueHandle_t queue, void *item, TickType_t ticks)
{
    host_refuse_in_isr(__func__, ticks);
    return take(queue, item, ticks, false);
}

BaseType_t xQueueReceiveFromISR(QueueHandle_t queue, void *item, BaseType_t *woken)
{
    const BaseType_t done = take(queue, item, 0, false);
    note_woken(woken, done);
    return done;
}

BaseType_t xQueuePeek(QueueHandle_t queue, void *item, TickType_t ticks)
{
    host_refuse_in_isr(__func__, ticks);
    return take(queue, item, ticks, true);
}

BaseType_t xQueueReset(QueueHandle_t queue)
{
    host_kernel_lock();
    queue->count = 0;
    queue->head = 0;
    (void)pthread_cond_broadcast(&queue->changed);
    host_kernel_unlock();
    return pdPASS;
}

UBaseType_t uxQueueMessagesWaiting(QueueHandle_t queue)
{
    host_kernel_lock();
    const UBaseType_t count = queue->count;
    host_kernel_unlock();
    return count;
}

UBaseType_t uxQueueSpacesAvailable(QueueHandle_t queue)
{
    return queue->length - uxQueueMessagesWaiting(queue);
}

SemaphoreHandle_t xSemaphoreCreateCounting(UBaseType_t max_count, UBaseType_t initial_count)
{
    SemaphoreHandle_t semaphore = xQueueCreate(max_count, 0);
    if (semaphore != NULL) {
        semaphore->count = initial_count;
    }
    return semaphore;
}

SemaphoreHandle_t xSemaphoreCreateMutex(void)
{
    return xSemaphoreCreateCounting(1, 1);
}

SemaphoreHandle_t xSemaphoreCreateBinary(void)
{
    return xSemaphoreCreateCounting(1, 0);
}

void vSemaphoreDelete(SemaphoreHandle_t semaphore)
{
    vQueueDelete(semaphore);
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks)
{
    return xQueueReceive(semaphore, NULL, ticks);
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore)
{
    return put(semaphore, NULL, 0, false);
}

BaseType_t xSemaphoreGiveFromISR(SemaphoreHandle_t semaphore, BaseType_t *woken)
{
    return xQueueSendFromISR(semaphore, NULL, woken);
}
