/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "event_bus.h"
#include "freertos/task.h"
#include "service_task.h"
#include "unity.h"

/** A bus lives as long as the program; kept here so that it is not taken for a leak. */
static event_bus_handle_t new_bus(void)
{
    static event_bus_handle_t buses[32];
    static size_t count;
    TEST_ASSERT_LESS_THAN(sizeof(buses) / sizeof(buses[0]), count);
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&buses[count]));
    return buses[count++];
}

static tinybms_event_t event(uint32_t time_s)
{
    return (tinybms_event_t){.time_s = time_s, .id = 0x61};
}

TEST_CASE("every subscriber of a topic gets every message in order", "[event_bus]")
{
    event_bus_handle_t bus = new_bus();
    event_bus_subscription_t subscriptions[2];
    for (int i = 0; i < 2; i++) {
        TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(bus, EVENT_BUS_BMS_EVENT, 4, "test", NULL, &subscriptions[i]));
    }
    for (uint32_t t = 1; t <= 3; t++) {
        const tinybms_event_t message = event(t);
        event_bus_publish_bms_event(bus, &message);
    }
    for (int i = 0; i < 2; i++) {
        ROW("subscription %d", i);
        tinybms_event_t got;
        for (uint32_t t = 1; t <= 3; t++) {
            TEST_ASSERT_TRUE(event_bus_receive_bms_event(subscriptions[i], &got, 0));
            TEST_ASSERT_EQUAL_UINT32(t, got.time_s);
        }
        TEST_ASSERT_FALSE(event_bus_receive_bms_event(subscriptions[i], &got, 0));
    }
}

TEST_CASE("a slow subscriber loses its oldest messages and a counter says so", "[event_bus]")
{
    event_bus_handle_t bus = new_bus();
    event_bus_subscription_t slow;
    event_bus_subscription_t quick;
    event_bus_subscription_info_t info;
    tinybms_event_t got;
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(bus, EVENT_BUS_BMS_EVENT, 2, "slow", NULL, &slow));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(bus, EVENT_BUS_BMS_EVENT, 8, "quick", NULL, &quick));
    for (uint32_t t = 1; t <= 5; t++) {
        const tinybms_event_t message = event(t);
        event_bus_publish_bms_event(bus, &message);
    }
    TEST_ASSERT_TRUE(event_bus_receive_bms_event(slow, &got, 0));
    TEST_ASSERT_EQUAL_UINT32(4, got.time_s);
    TEST_ASSERT_TRUE(event_bus_receive_bms_event(slow, &got, 0));
    TEST_ASSERT_EQUAL_UINT32(5, got.time_s);
    TEST_ASSERT_TRUE(event_bus_receive_bms_event(quick, &got, 0));
    TEST_ASSERT_EQUAL_UINT32(1, got.time_s);
    TEST_ASSERT_TRUE(event_bus_subscription_info(bus, 0, &info));
    TEST_ASSERT_EQUAL_STRING("slow", info.name);
    TEST_ASSERT_EQUAL_UINT32(3, info.dropped);
    TEST_ASSERT_TRUE(event_bus_subscription_info(bus, 1, &info));
    TEST_ASSERT_EQUAL_UINT32(0, info.dropped);
    TEST_ASSERT_EQUAL_UINT32(3, event_bus_dropped(bus));
}

TEST_CASE("a subscriber gets only the topic it asked for", "[event_bus]")
{
    event_bus_handle_t bus = new_bus();
    event_bus_subscription_t states;
    battery_state_t state;
    const tinybms_event_t message = event(1);
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(bus, EVENT_BUS_STATE, 1, "test", NULL, &states));
    event_bus_publish_bms_event(bus, &message);
    TEST_ASSERT_FALSE(event_bus_receive_state(states, &state, 0));
    tinybms_event_t wrong_type;
    memset(&state, 0, sizeof(state));
    event_bus_publish_state(bus, &state);
    TEST_ASSERT_FALSE(event_bus_receive_bms_event(states, &wrong_type, 0));
    TEST_ASSERT_TRUE(event_bus_receive_state(states, &state, 0));
}

TEST_CASE("a message wakes the task that asked to be notified", "[event_bus]")
{
    event_bus_handle_t bus = new_bus();
    event_bus_subscription_t subscription;
    const tinybms_event_t message = event(1);
    TEST_ASSERT_EQUAL(
        ESP_OK, event_bus_subscribe(bus, EVENT_BUS_BMS_EVENT, 1, "test", xTaskGetCurrentTaskHandle(), &subscription));
    event_bus_publish_bms_event(bus, &message);
    TEST_ASSERT_EQUAL_UINT32(1, ulTaskNotifyTake(pdTRUE, 0));
}

TEST_CASE("a publisher can ask whether anybody receives a topic", "[event_bus]")
{
    event_bus_handle_t bus = new_bus();
    event_bus_subscription_t s;
    TEST_ASSERT_FALSE(event_bus_has_subscriber(bus, EVENT_BUS_UART_FRAME));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(bus, EVENT_BUS_STATE, 1, "test", NULL, &s));
    TEST_ASSERT_FALSE(event_bus_has_subscriber(bus, EVENT_BUS_UART_FRAME));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(bus, EVENT_BUS_UART_FRAME, 1, "test", NULL, &s));
    TEST_ASSERT_TRUE(event_bus_has_subscriber(bus, EVENT_BUS_UART_FRAME));
}

TEST_CASE("a subscription that cannot be is refused with the reason", "[event_bus]")
{
    event_bus_handle_t bus = new_bus();
    event_bus_subscription_t s;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, event_bus_subscribe(bus, EVENT_BUS_TOPIC_COUNT, 1, "test", NULL, &s));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, event_bus_subscribe(bus, EVENT_BUS_STATE, 0, "test", NULL, &s));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, event_bus_subscribe(NULL, EVENT_BUS_STATE, 1, "test", NULL, &s));
    esp_err_t err = ESP_OK;
    for (int i = 0; i < 65 && err == ESP_OK; i++) {
        err = event_bus_subscribe(bus, EVENT_BUS_BMS_EVENT, 1, "test", NULL, &s);
    }
    TEST_ASSERT_EQUAL(ESP_ERR_NO_MEM, err);
}

TEST_CASE("a wait in ticks is as long as the deadline is away, from nothing to 24 days", "[event_bus]")
{
    const int64_t now_ms = service_now_ms();
    TEST_ASSERT_EQUAL_UINT32(1, service_ticks_until(now_ms - 5, INT32_MAX));
    TEST_ASSERT_EQUAL_UINT32(pdMS_TO_TICKS(50), service_ticks_until(now_ms + 5000, 50));
    static const int64_t waits_ms[] = {4294967, 4294968, 86400000, INT32_MAX};
    for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
        ROW("waits_ms[%zu]", i);
        const int64_t expected = waits_ms[i] * configTICK_RATE_HZ / 1000;
        const int64_t ticks = service_ticks_until(service_now_ms() + waits_ms[i], INT32_MAX);
        TEST_ASSERT_LESS_OR_EQUAL(expected, ticks);
        TEST_ASSERT_GREATER_OR_EQUAL(expected - configTICK_RATE_HZ, ticks); /* the test itself takes less than 1 s */
    }
    TEST_ASSERT_LESS_OR_EQUAL(INT32_MAX, service_ticks_until(INT64_MAX, INT32_MAX));
}
