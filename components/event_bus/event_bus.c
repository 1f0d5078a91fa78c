/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The bus: one FreeRTOS queue for each subscription, and one typed pair of functions for each topic. */
#include "event_bus.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "esp_check.h"
#include "freertos/queue.h"
#include "sdkconfig.h"

static const char *TAG = "event_bus";

#define MAX_DEPTH 64U

struct event_bus_subscription {
    QueueHandle_t queue;
    TaskHandle_t notify;
    const char *name;
    event_bus_topic_t topic;
    atomic_uint received;
    atomic_uint dropped;
};

struct event_bus {
    struct event_bus_subscription subscription[CONFIG_TINYBMS_EVENT_BUS_SUBSCRIPTIONS];
    atomic_uint count; /**< subscriptions are only ever added; each is complete before the count includes it */
};

static size_t message_size(event_bus_topic_t topic)
{
    static const size_t sizes[EVENT_BUS_TOPIC_COUNT] = {
        [EVENT_BUS_SNAPSHOT] = sizeof(tinybms_snapshot_t),
        [EVENT_BUS_BMS_EVENT] = sizeof(tinybms_event_t),
        [EVENT_BUS_UART_STATUS] = sizeof(event_bus_uart_status_t),
        [EVENT_BUS_STATE] = sizeof(battery_state_t),
        [EVENT_BUS_CAN_FRAME] = sizeof(event_bus_can_frame_t),
        [EVENT_BUS_CAN_STATUS] = sizeof(event_bus_can_status_t),
        [EVENT_BUS_TASK_HEALTH] = sizeof(event_bus_task_health_t),
        [EVENT_BUS_UART_FRAME] = sizeof(event_bus_uart_frame_t),
        [EVENT_BUS_SYSTEM_STATUS] = sizeof(event_bus_system_status_t),
    };
    return sizes[topic];
}

esp_err_t event_bus_create(event_bus_handle_t *bus)
{
    ESP_RETURN_ON_FALSE(bus != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    *bus = calloc(1, sizeof(struct event_bus));
    ESP_RETURN_ON_FALSE(*bus != NULL, ESP_ERR_NO_MEM, TAG, "no memory for the bus");
    return ESP_OK;
}

esp_err_t event_bus_subscribe(event_bus_handle_t bus, event_bus_topic_t topic, uint32_t depth, const char *name,
                              TaskHandle_t notify, event_bus_subscription_t *subscription)
{
    ESP_RETURN_ON_FALSE(bus != NULL && name != NULL && subscription != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    ESP_RETURN_ON_FALSE(topic < EVENT_BUS_TOPIC_COUNT && depth >= 1 && depth <= MAX_DEPTH, ESP_ERR_INVALID_ARG, TAG,
                        "%s: topic %d or depth %u out of range", name, (int)topic, (unsigned)depth);
    const unsigned index = atomic_load(&bus->count);
    ESP_RETURN_ON_FALSE(index < CONFIG_TINYBMS_EVENT_BUS_SUBSCRIPTIONS, ESP_ERR_NO_MEM, TAG,
                        "%s: no subscription left, raise CONFIG_TINYBMS_EVENT_BUS_SUBSCRIPTIONS", name);
    struct event_bus_subscription *const slot = &bus->subscription[index];
    slot->queue = xQueueCreate((UBaseType_t)depth, (UBaseType_t)message_size(topic));
    ESP_RETURN_ON_FALSE(slot->queue != NULL, ESP_ERR_NO_MEM, TAG, "%s: no memory for its queue", name);
    slot->notify = notify;
    slot->name = name;
    slot->topic = topic;
    atomic_store(&bus->count, index + 1);
    *subscription = slot;
    return ESP_OK;
}

/** Makes room by taking the oldest message out; two publishers at once may need a second try, never many. */
static void deliver(struct event_bus_subscription *slot, const void *message, void *scratch)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        if (xQueueSend(slot->queue, message, 0) == pdTRUE) {
            atomic_fetch_add(&slot->received, 1);
            if (slot->notify != NULL) {
                (void)xTaskNotifyGive(slot->notify);
            }
            return;
        }
        if (xQueueReceive(slot->queue, scratch, 0) == pdTRUE) {
            atomic_fetch_add(&slot->dropped, 1);
        }
    }
    atomic_fetch_add(&slot->dropped, 1);
}

static void publish(event_bus_handle_t bus, event_bus_topic_t topic, const void *message, void *scratch)
{
    const unsigned count = atomic_load(&bus->count);
    for (unsigned i = 0; i < count; i++) {
        if (bus->subscription[i].topic == topic) {
            deliver(&bus->subscription[i], message, scratch);
        }
    }
}

static bool receive(event_bus_subscription_t subscription, event_bus_topic_t topic, void *message, TickType_t ticks)
{
    return subscription->topic == topic && xQueueReceive(subscription->queue, message, ticks) == pdTRUE;
}

bool event_bus_has_subscriber(event_bus_handle_t bus, event_bus_topic_t topic)
{
    const unsigned count = atomic_load(&bus->count);
    for (unsigned i = 0; i < count; i++) {
        if (bus->subscription[i].topic == topic) {
            return true;
        }
    }
    return false;
}

bool event_bus_subscription_info(event_bus_handle_t bus, uint32_t index, event_bus_subscription_info_t *info)
{
    if (index >= atomic_load(&bus->count)) {
        return false;
    }
    struct event_bus_subscription *const slot = &bus->subscription[index];
    *info = (event_bus_subscription_info_t){
        .name = slot->name,
        .topic = slot->topic,
        .received = atomic_load(&slot->received),
        .dropped = atomic_load(&slot->dropped),
    };
    return true;
}

uint32_t event_bus_subscription_dropped(event_bus_subscription_t subscription)
{
    return atomic_load(&subscription->dropped);
}

uint32_t event_bus_dropped(event_bus_handle_t bus)
{
    uint32_t dropped = 0;
    event_bus_subscription_info_t info;
    for (uint32_t i = 0; event_bus_subscription_info(bus, i, &info); i++) {
        dropped += info.dropped;
    }
    return dropped;
}

void event_bus_publish_snapshot(event_bus_handle_t bus, const tinybms_snapshot_t *message)
{
    tinybms_snapshot_t scratch;
    publish(bus, EVENT_BUS_SNAPSHOT, message, &scratch);
}

bool event_bus_receive_snapshot(event_bus_subscription_t subscription, tinybms_snapshot_t *message, TickType_t ticks)
{
    return receive(subscription, EVENT_BUS_SNAPSHOT, message, ticks);
}

void event_bus_publish_bms_event(event_bus_handle_t bus, const tinybms_event_t *message)
{
    tinybms_event_t scratch;
    publish(bus, EVENT_BUS_BMS_EVENT, message, &scratch);
}

bool event_bus_receive_bms_event(event_bus_subscription_t subscription, tinybms_event_t *message, TickType_t ticks)
{
    return receive(subscription, EVENT_BUS_BMS_EVENT, message, ticks);
}

void event_bus_publish_uart_status(event_bus_handle_t bus, const event_bus_uart_status_t *message)
{
    event_bus_uart_status_t scratch;
    publish(bus, EVENT_BUS_UART_STATUS, message, &scratch);
}

bool event_bus_receive_uart_status(event_bus_subscription_t subscription, event_bus_uart_status_t *message,
                                   TickType_t ticks)
{
    return receive(subscription, EVENT_BUS_UART_STATUS, message, ticks);
}

void event_bus_publish_state(event_bus_handle_t bus, const battery_state_t *message)
{
    battery_state_t scratch;
    publish(bus, EVENT_BUS_STATE, message, &scratch);
}

bool event_bus_receive_state(event_bus_subscription_t subscription, battery_state_t *message, TickType_t ticks)
{
    return receive(subscription, EVENT_BUS_STATE, message, ticks);
}

void event_bus_publish_can_frame(event_bus_handle_t bus, const event_bus_can_frame_t *message)
{
    event_bus_can_frame_t scratch;
    publish(bus, EVENT_BUS_CAN_FRAME, message, &scratch);
}

bool event_bus_receive_can_frame(event_bus_subscription_t subscription, event_bus_can_frame_t *message,
                                 TickType_t ticks)
{
    return receive(subscription, EVENT_BUS_CAN_FRAME, message, ticks);
}

void event_bus_publish_can_status(event_bus_handle_t bus, const event_bus_can_status_t *message)
{
    event_bus_can_status_t scratch;
    publish(bus, EVENT_BUS_CAN_STATUS, message, &scratch);
}

bool event_bus_receive_can_status(event_bus_subscription_t subscription, event_bus_can_status_t *message,
                                  TickType_t ticks)
{
    return receive(subscription, EVENT_BUS_CAN_STATUS, message, ticks);
}

void event_bus_publish_task_health(event_bus_handle_t bus, const event_bus_task_health_t *message)
{
    event_bus_task_health_t scratch;
    publish(bus, EVENT_BUS_TASK_HEALTH, message, &scratch);
}

bool event_bus_receive_task_health(event_bus_subscription_t subscription, event_bus_task_health_t *message,
                                   TickType_t ticks)
{
    return receive(subscription, EVENT_BUS_TASK_HEALTH, message, ticks);
}

void event_bus_publish_uart_frame(event_bus_handle_t bus, const event_bus_uart_frame_t *message)
{
    event_bus_uart_frame_t scratch;
    publish(bus, EVENT_BUS_UART_FRAME, message, &scratch);
}

bool event_bus_receive_uart_frame(event_bus_subscription_t subscription, event_bus_uart_frame_t *message,
                                  TickType_t ticks)
{
    return receive(subscription, EVENT_BUS_UART_FRAME, message, ticks);
}

void event_bus_publish_system_status(event_bus_handle_t bus, const event_bus_system_status_t *message)
{
    event_bus_system_status_t scratch;
    publish(bus, EVENT_BUS_SYSTEM_STATUS, message, &scratch);
}

bool event_bus_receive_system_status(event_bus_subscription_t subscription, event_bus_system_status_t *message,
                                     TickType_t ticks)
{
    return receive(subscription, EVENT_BUS_SYSTEM_STATUS, message, ticks);
}
