/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The default event loop: one thread calls the handlers, one event after the other. */
#include "esp_event.h"

#include <stdlib.h>
#include <string.h>

#include "freertos/queue.h"
#include "host.h"

#define HANDLERS_MAX 32
#define QUEUE_DEPTH  32 /* as ESP-IDF's default loop */

typedef struct {
    esp_event_base_t base;
    int32_t id;
    void *data;
} posted_t;

static struct {
    esp_event_base_t base;
    int32_t id;
    esp_event_handler_t handler;
    void *arg;
} s_handlers[HANDLERS_MAX];
static size_t s_handler_count;
static QueueHandle_t s_queue;

static void *serve(void *argument)
{
    posted_t posted;
    (void)argument;
    while (xQueueReceive(s_queue, &posted, portMAX_DELAY) == pdTRUE) {
        host_kernel_lock();
        const size_t count = s_handler_count;
        host_kernel_unlock();
        for (size_t i = 0; i < count; i++) {
            if (s_handlers[i].base == posted.base &&
                (s_handlers[i].id == ESP_EVENT_ANY_ID || s_handlers[i].id == posted.id)) {
                s_handlers[i].handler(s_handlers[i].arg, posted.base, posted.id, posted.data);
            }
        }
        free(posted.data);
    }
    return NULL;
}

esp_err_t esp_event_loop_create_default(void)
{
    if (s_queue != NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    s_queue = xQueueCreate(QUEUE_DEPTH, sizeof(posted_t));
    if (s_queue == NULL) {
        return ESP_ERR_NO_MEM;
    }
    host_start_thread("sys_evt", serve, NULL);
    return ESP_OK;
}

esp_err_t esp_event_handler_register(esp_event_base_t base, int32_t id, esp_event_handler_t handler, void *arg)
{
    esp_err_t err = ESP_ERR_NO_MEM;
    if (s_queue == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    host_kernel_lock();
    if (s_handler_count < HANDLERS_MAX) {
        s_handlers[s_handler_count].base = base;
        s_handlers[s_handler_count].id = id;
        s_handlers[s_handler_count].handler = handler;
        s_handlers[s_handler_count].arg = arg;
        s_handler_count++;
        err = ESP_OK;
    }
    host_kernel_unlock();
    return err;
}

esp_err_t esp_event_post(esp_event_base_t base, int32_t id, const void *data, size_t size, TickType_t ticks)
{
    posted_t posted = {.base = base, .id = id};
    if (s_queue == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    if (size > 0) {
        posted.data = malloc(size);
        if (posted.data == NULL) {
            return ESP_ERR_NO_MEM;
        }
        memcpy(posted.data, data, size);
    }
    if (xQueueSend(s_queue, &posted, ticks) != pdTRUE) {
        free(posted.data);
        return ESP_ERR_TIMEOUT;
    }
    return ESP_OK;
}
