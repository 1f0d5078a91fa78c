/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What the bus says of the gateway's own health; this suite is for Linux only, where the memory is known. */
#include <stdlib.h>
#include <string.h>

#include "../row.h"
#include "boot_guard.h"
#include "diagnostics.h"
#include "esp_task_wdt.h"
#include "host.h"
#include "unity.h"

#define SCALE 10.0

static event_bus_handle_t s_bus;
static event_bus_subscription_t s_system;
static diagnostics_handle_t s_diagnostics;

static void begin(void)
{
    const esp_task_wdt_config_t watchdog = {.timeout_ms = 5000, .trigger_panic = true};
    if (s_bus != NULL) {
        return;
    }
    host_options.time_scale = SCALE;
    host_rtc_memory_load();
    TEST_ASSERT_EQUAL(ESP_OK, esp_task_wdt_init(&watchdog));
    TEST_ASSERT_EQUAL(ESP_OK, boot_guard_begin());
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&s_bus));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(s_bus, EVENT_BUS_SYSTEM_STATUS, 1, "test", NULL, &s_system));
    TEST_ASSERT_EQUAL(ESP_OK, diagnostics_start(s_bus, &s_diagnostics));
}

static void next(event_bus_system_status_t *status)
{
    TEST_ASSERT_TRUE(event_bus_receive_system_status(s_system, status, pdMS_TO_TICKS(5000 * SCALE)));
}

TEST_CASE("the health of the gateway is on the bus every second", "[system_status]")
{
    event_bus_system_status_t status;
    begin();
    next(&status);
    next(&status);
    const int64_t before_ms = status.uptime_ms;
    next(&status);
    TEST_ASSERT_GREATER_OR_EQUAL(before_ms + 1000, status.uptime_ms);
    TEST_ASSERT_EQUAL_STRING("power on", status.boot_reason);
    TEST_ASSERT_FALSE(status.reduced);
    TEST_ASSERT_EQUAL_UINT32(0, status.crashes);
    TEST_ASSERT_EQUAL_UINT32(event_bus_dropped(s_bus), status.messages_dropped);
    diagnostics_status_t whole;
    diagnostics_get(s_diagnostics, &whole);
    TEST_ASSERT_EQUAL_STRING("power on", whole.system.boot_reason);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their heap does not tell what is taken */
#define CHIP_HEAP (160 * 1024)

TEST_CASE("what is free of the heap, and in one piece, follows what is taken", "[system_status]")
{
    event_bus_system_status_t before;
    event_bus_system_status_t after;
    begin();
    next(&before);
    TEST_ASSERT_GREATER_THAN(0, before.heap_largest_bytes);
    TEST_ASSERT_LESS_OR_EQUAL(before.heap_free_bytes, before.heap_largest_bytes);
    TEST_ASSERT_LESS_OR_EQUAL(before.heap_free_bytes, before.heap_least_free_bytes);
    TEST_ASSERT_LESS_THAN(CHIP_HEAP, before.heap_free_bytes);
    char *const taken = calloc(1, 20000);
    TEST_ASSERT_NOT_NULL(taken);
    next(&after); /* may have been made before */
    next(&after);
    TEST_ASSERT_LESS_OR_EQUAL(before.heap_free_bytes - 18000, after.heap_free_bytes);
    TEST_ASSERT_GREATER_OR_EQUAL(before.heap_free_bytes - 22000, after.heap_free_bytes);
    TEST_ASSERT_LESS_OR_EQUAL(after.heap_free_bytes, after.heap_largest_bytes);
    free(taken);
    next(&before);
    next(&before);
    TEST_ASSERT_LESS_OR_EQUAL(after.heap_free_bytes, before.heap_least_free_bytes);
    TEST_ASSERT_GREATER_OR_EQUAL(after.heap_free_bytes + 18000, before.heap_free_bytes);
}

#endif

static const event_bus_task_health_t *find(const event_bus_system_status_t *status, const char *task)
{
    for (uint32_t i = 0; i < status->task_count; i++) {
        if (strcmp(status->tasks[i].task, task) == 0) {
            return &status->tasks[i];
        }
    }
    return NULL;
}

TEST_CASE("every task that reports is listed once, sixteen of them, and one that hangs keeps its stack",
          "[system_status]")
{
    static const char *const names[EVENT_BUS_TASKS_MAX + 4] = {"t0",  "t1",  "t2",  "t3",  "t4",  "t5",  "t6",
                                                               "t7",  "t8",  "t9",  "t10", "t11", "t12", "t13",
                                                               "t14", "t15", "t16", "t17", "t18", "t19"};
    event_bus_system_status_t status;
    begin();
    for (uint32_t i = 0; i < EVENT_BUS_TASKS_MAX - 2; i++) { /* "diagnostics" is there or comes yet */
        const event_bus_task_health_t health = {.task = names[i], .stack_free_bytes = 1000 + i};
        event_bus_publish_task_health(s_bus, &health);
    }
    next(&status);
    next(&status);
    const event_bus_task_health_t hung = {.task = names[3], .overdue = true};
    event_bus_publish_task_health(s_bus, &hung);
    next(&status);
    next(&status);
    TEST_ASSERT_NOT_NULL(find(&status, "t13"));
    TEST_ASSERT_EQUAL_UINT32(1013, find(&status, "t13")->stack_free_bytes);
    TEST_ASSERT_TRUE(find(&status, "t3")->overdue);
    TEST_ASSERT_EQUAL_UINT32(1003, find(&status, "t3")->stack_free_bytes);
    TEST_ASSERT_FALSE(find(&status, "t4")->overdue);
    TEST_ASSERT_LESS_OR_EQUAL(EVENT_BUS_TASKS_MAX, status.task_count);
    for (uint32_t i = EVENT_BUS_TASKS_MAX - 2; i < EVENT_BUS_TASKS_MAX + 4; i++) {
        const event_bus_task_health_t health = {.task = names[i], .stack_free_bytes = 1000 + i};
        event_bus_publish_task_health(s_bus, &health);
    }
    next(&status);
    next(&status);
    TEST_ASSERT_EQUAL_UINT32(EVENT_BUS_TASKS_MAX, status.task_count);
}
