/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Typed publish/subscribe between tasks. It carries state and events only, no requests that need an answer.
 *
 * A publisher never waits: a subscriber whose queue is full loses its own oldest message, and a counter counts it.
 *
 * @code{.c}
 * battery_state_t newest;
 * event_bus_subscription_t states = NULL;
 * ESP_ERROR_CHECK(event_bus_subscribe(bus, EVENT_BUS_STATE, 1, "my_task", NULL, &states));
 * while (event_bus_receive_state(states, &newest, pdMS_TO_TICKS(100))) {
 *     // use the newest state
 * }
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#include "battery_state.h"
#include "esp_err.h"
#include "event_bus_messages.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Topics, and the type of their messages. */
typedef enum {
    EVENT_BUS_SNAPSHOT = 0,  /**< tinybms_snapshot_t, from uart_bms */
    EVENT_BUS_BMS_EVENT,     /**< tinybms_event_t, from uart_bms */
    EVENT_BUS_UART_STATUS,   /**< event_bus_uart_status_t, from uart_bms, every second */
    EVENT_BUS_STATE,         /**< battery_state_t, from battery */
    EVENT_BUS_CAN_FRAME,     /**< event_bus_can_frame_t, from can_victron: every frame sent or received */
    EVENT_BUS_CAN_STATUS,    /**< event_bus_can_status_t, from can_victron, every second and on each change */
    EVENT_BUS_TASK_HEALTH,   /**< event_bus_task_health_t, from every task, every 10 s */
    EVENT_BUS_UART_FRAME,    /**< event_bus_uart_frame_t, from uart_bms: every request, and what came after it */
    EVENT_BUS_SYSTEM_STATUS, /**< event_bus_system_status_t, from diagnostics, every second */
    EVENT_BUS_TOPIC_COUNT
} event_bus_topic_t;

typedef struct event_bus *event_bus_handle_t;
typedef struct event_bus_subscription *event_bus_subscription_t;

/** @brief Counters of one subscription. */
typedef struct {
    const char *name; /**< of the subscriber, as passed in */
    event_bus_topic_t topic;
    uint32_t received; /**< messages put into its queue */
    uint32_t dropped;  /**< messages lost because the subscriber was slow, the oldest first */
} event_bus_subscription_info_t;

/**
 * @brief Creates the bus. It allocates memory only here and in event_bus_subscribe().
 * @param[out] bus handle
 * @return
 * - ESP_OK: the bus exists
 * - ESP_ERR_INVALID_ARG: `bus` is NULL
 * - ESP_ERR_NO_MEM: no memory for the bus
 */
esp_err_t event_bus_create(event_bus_handle_t *bus);

/**
 * @brief Subscribes to a topic. Call it at start only.
 * @param bus handle
 * @param topic what to receive
 * @param depth messages that can wait, 1..64
 * @param name of the subscriber, a static string, for counters and logs
 * @param notify task to notify of each message, or NULL
 * @param[out] subscription handle
 * @return
 * - ESP_OK: subscribed
 * - ESP_ERR_INVALID_ARG: `bus`, `name` or `subscription` is NULL, `topic` does not exist, or `depth` is out of range
 * - ESP_ERR_NO_MEM: all CONFIG_TINYBMS_EVENT_BUS_SUBSCRIPTIONS are taken, or no memory for the queue
 */
esp_err_t event_bus_subscribe(event_bus_handle_t bus, event_bus_topic_t topic, uint32_t depth, const char *name,
                              TaskHandle_t notify, event_bus_subscription_t *subscription);

/** @brief Whether anybody receives a topic. It costs little: for a publisher that would have to make the message first.
 */
bool event_bus_has_subscriber(event_bus_handle_t bus, event_bus_topic_t topic);

/**
 * @brief Counters of a subscription.
 * @param bus handle
 * @param index 0.. in the order of subscription
 * @param[out] info counters
 * @return false: there is no such subscription
 */
bool event_bus_subscription_info(event_bus_handle_t bus, uint32_t index, event_bus_subscription_info_t *info);

/** @brief Messages that this subscription has lost. */
uint32_t event_bus_subscription_dropped(event_bus_subscription_t subscription);

/** @brief Messages lost by all subscribers together. */
uint32_t event_bus_dropped(event_bus_handle_t bus);

/* One pair of functions for each topic, so that the compiler checks the type of a message.
 * publish: never waits; from any task, not from an interrupt.
 * receive: true = *message filled; false = nothing came within `ticks`, or the subscription is for another topic. Only
 * the subscriber's own task calls it. */
void event_bus_publish_snapshot(event_bus_handle_t bus, const tinybms_snapshot_t *message);
bool event_bus_receive_snapshot(event_bus_subscription_t subscription, tinybms_snapshot_t *message, TickType_t ticks);

void event_bus_publish_bms_event(event_bus_handle_t bus, const tinybms_event_t *message);
bool event_bus_receive_bms_event(event_bus_subscription_t subscription, tinybms_event_t *message, TickType_t ticks);

void event_bus_publish_uart_status(event_bus_handle_t bus, const event_bus_uart_status_t *message);
bool event_bus_receive_uart_status(event_bus_subscription_t subscription, event_bus_uart_status_t *message,
                                   TickType_t ticks);

void event_bus_publish_state(event_bus_handle_t bus, const battery_state_t *message);
bool event_bus_receive_state(event_bus_subscription_t subscription, battery_state_t *message, TickType_t ticks);

void event_bus_publish_can_frame(event_bus_handle_t bus, const event_bus_can_frame_t *message);
bool event_bus_receive_can_frame(event_bus_subscription_t subscription, event_bus_can_frame_t *message,
                                 TickType_t ticks);

void event_bus_publish_can_status(event_bus_handle_t bus, const event_bus_can_status_t *message);
bool event_bus_receive_can_status(event_bus_subscription_t subscription, event_bus_can_status_t *message,
                                  TickType_t ticks);

void event_bus_publish_task_health(event_bus_handle_t bus, const event_bus_task_health_t *message);
bool event_bus_receive_task_health(event_bus_subscription_t subscription, event_bus_task_health_t *message,
                                   TickType_t ticks);

void event_bus_publish_uart_frame(event_bus_handle_t bus, const event_bus_uart_frame_t *message);
bool event_bus_receive_uart_frame(event_bus_subscription_t subscription, event_bus_uart_frame_t *message,
                                  TickType_t ticks);

void event_bus_publish_system_status(event_bus_handle_t bus, const event_bus_system_status_t *message);
bool event_bus_receive_system_status(event_bus_subscription_t subscription, event_bus_system_status_t *message,
                                     TickType_t ticks);

#ifdef __cplusplus
}
#endif
