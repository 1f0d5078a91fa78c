/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The service with its task, on a driver that refuses: the restart itself. For Linux only. */
#include "can_victron.h"

#include "../../../components/can_victron/can_restart_memory.h"
#include "esp_system.h"
#include "fake_log.h"
#include "fake_twai.h"
#include "freertos/semphr.h"
#include "host.h"
#include "unity.h"

#define TIME_SCALE  100
#define PATIENCE_MS 100000 /* a second of ours */

static SemaphoreHandle_t s_restarting;
static SemaphoreHandle_t s_never;

/** Runs in the task that restarts, which does not get any further. */
static void at_shutdown(void)
{
    (void)xSemaphoreGive(s_restarting);
    (void)xSemaphoreTake(s_never, portMAX_DELAY);
}

TEST_CASE("a node that refuses from the start on: the gateway restarts in order, and the restart is counted",
          "[can_victron_faults]")
{
    settings_handle_t settings = NULL;
    event_bus_handle_t bus = NULL;
    const battery_state_t state = {
        .snapshot_ms = INT64_MAX / 2, /* does not grow old */
        .publish = true,
        .cvl_mv = {true, 56000, BATTERY_REASON_BMS_SETTING},
        .ccl_ma = {true, 100000, BATTERY_REASON_BMS_SETTING},
        .dcl_ma = {true, 120000, BATTERY_REASON_BMS_SETTING},
    };
    host_options.time_scale = TIME_SCALE;
    fake_log_reset("");
    fake_twai_reset();
    fake_twai.refuse_enable = FAKE_FOR_EVER;
    can_restart_memory_write(0);
    s_restarting = xSemaphoreCreateBinary();
    s_never = xSemaphoreCreateBinary();
    TEST_ASSERT_EQUAL(ESP_OK, esp_register_shutdown_handler(at_shutdown));
    TEST_ASSERT_EQUAL(ESP_OK, settings_open(&settings));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&bus));
    TEST_ASSERT_EQUAL(ESP_OK, can_victron_start(bus, settings));
    event_bus_publish_state(bus, &state);
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_restarting, pdMS_TO_TICKS(PATIENCE_MS)));
    TEST_ASSERT_EQUAL(1, can_restart_memory_read());
    TEST_ASSERT_EQUAL(0, fake_twai.started);
}
