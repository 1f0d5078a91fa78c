/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Background tasks watch one another; this suite is for Linux only, where time can be made to pass. */
#include <stdatomic.h>

#include "../row.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host.h"
#include "service_task.h"
#include "unity.h"

#define SCALE     200.0
#define TURN_MS   1000
#define WITHIN_MS 600000 /* of the time that passes so fast: 3 s here */

static event_bus_handle_t s_bus;
static event_bus_subscription_t s_health;
static atomic_bool s_hangs[3]; /* of the tasks that are started here */
static const char *const s_names[] = {"first", "second", "control"};

static void run(service_task_t *task, void *argument)
{
    const atomic_bool *const hangs = argument;
    for (;;) {
        vTaskDelay(pdMS_TO_TICKS(TURN_MS));
        if (!atomic_load(hangs)) {
            service_task_alive(task);
        }
    }
}

static void begin(void)
{
    if (s_bus != NULL) {
        return;
    }
    host_options.time_scale = SCALE;
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&s_bus));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(s_bus, EVENT_BUS_TASK_HEALTH, 64, "test", NULL, &s_health));
    for (size_t i = 0; i < 3; i++) {
        ROW("%s", s_names[i]);
        const service_task_config_t config = {
            .name = s_names[i],
            .kind = i == 2 ? SERVICE_TASK_CONTROL : SERVICE_TASK_BACKGROUND,
            .stack_bytes = 4096,
            .priority = 2,
            .run = run,
        };
        TEST_ASSERT_EQUAL(ESP_OK, service_task_start(&config, s_bus, &s_hangs[i]));
    }
}

/** @return the time of the next message of that kind of that task, -1 when none comes */
static int64_t told_ms(size_t task, bool overdue)
{
    event_bus_task_health_t health;
    const int64_t until_ms = service_now_ms() + WITHIN_MS;
    while (service_now_ms() < until_ms) {
        if (event_bus_receive_task_health(s_health, &health, pdMS_TO_TICKS(TURN_MS)) && health.task == s_names[task] &&
            health.overdue == overdue) {
            return service_now_ms();
        }
    }
    return -1;
}

static void check_hang(size_t task)
{
    begin();
    TEST_ASSERT_GREATER_OR_EQUAL(0, told_ms(task, false));
    const int64_t since_ms = service_now_ms();
    atomic_store(&s_hangs[task], true);
    const int64_t noticed_ms = told_ms(task, true);
    TEST_ASSERT_GREATER_OR_EQUAL(since_ms + 30000 - 2 * TURN_MS, noticed_ms);
    atomic_store(&s_hangs[task], false);
    TEST_ASSERT_GREATER_OR_EQUAL(noticed_ms, told_ms(task, false));
}

TEST_CASE("a background task that hangs for 30 s is told by another one, and that it goes on by itself", "[overdue]")
{
    check_hang(0);
    check_hang(1);
}

TEST_CASE("a hang is told once", "[overdue]")
{
    begin();
    atomic_store(&s_hangs[0], true);
    TEST_ASSERT_GREATER_OR_EQUAL(0, told_ms(0, true));
    for (int reports = 0; reports < 10; reports++) {
        event_bus_task_health_t health;
        do {
            TEST_ASSERT_TRUE(event_bus_receive_task_health(s_health, &health, pdMS_TO_TICKS(60000)));
            TEST_ASSERT_FALSE(health.overdue);
        } while (health.task != s_names[1]);
    }
    atomic_store(&s_hangs[0], false);
    TEST_ASSERT_GREATER_OR_EQUAL(0, told_ms(0, false));
}

TEST_CASE("a control task is left to the watchdog", "[overdue]")
{
    begin();
    atomic_store(&s_hangs[2], true);
    for (int reports = 0; reports < 10; reports++) { /* at least 90 s */
        event_bus_task_health_t health;
        do {
            TEST_ASSERT_TRUE(event_bus_receive_task_health(s_health, &health, pdMS_TO_TICKS(60000)));
            TEST_ASSERT_FALSE(health.overdue);
        } while (health.task != s_names[1]);
    }
    atomic_store(&s_hangs[2], false);
}
