/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The CAN task: reads the settings, opens the node, waits, and calls can_turn(). Follows settings that change. */
#include "can_victron.h"

#include <inttypes.h>

#include "can_turn.h"
#include "esp_attr.h"
#include "esp_check.h"
#include "esp_log.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "sdkconfig.h"
#include "service_task.h"

static const char *TAG = "can_victron";

#define LONGEST_WAIT_MS 50   /* how late a stall, bus-off or loss of the GX may be noticed */
#define LATER_THAN_MS   2000 /**< the guard against a battery task that has stopped, behind that task's own limit */

/** Static, not on the heap: interrupts reach it while the flash is busy. */
static can_victron_t s_can;

/** In the task, which both notify. */
static esp_err_t open_bus(void *argument)
{
    can_victron_t *const can = argument;
    const TaskHandle_t task = xTaskGetCurrentTaskHandle();
    ESP_RETURN_ON_ERROR(event_bus_subscribe(can->bus, EVENT_BUS_STATE, 1, TAG, task, &can->states), TAG,
                        "cannot subscribe to states");
    return can_node_open(&can->node, task, can->bitrate, service_now_ms());
}

static esp_err_t read_settings(can_victron_t *can, victron_identity_t *identity)
{
    settings_values_t values;
    can->generation = settings_generation(can->settings);
    settings_get_all(can->settings, &values);
    *identity = settings_identity(&values);
    can->bitrate = values.number[SETTINGS_CAN_BITRATE];
    can->gx_warn_ms = values.number[SETTINGS_CAN_GX_WARN_MS];
    can->max_age_ms = values.number[SETTINGS_DATA_SILENT_MS] + LATER_THAN_MS;
    ESP_RETURN_ON_FALSE(victron_identity_valid(identity), ESP_ERR_INVALID_ARG, TAG,
                        "manufacturer \"%s\", name \"%s\", family \"%s\" must not be sent", identity->manufacturer,
                        identity->battery_name, identity->family);
    return ESP_OK;
}

/** Apart, so that the settings take no stack during a turn. */
NOINLINE_ATTR static void follow_settings(can_victron_t *can)
{
    victron_identity_t identity;
    const int32_t bitrate = can->bitrate;
    if (read_settings(can, &identity) == ESP_OK) {
        victron_schedule_set_identity(&can->schedule, &identity);
    }
    victron_keepalive_set_warning(&can->keepalive, can->gx_warn_ms);
    if (can->bitrate != bitrate) {
        ESP_LOGW(TAG, "bit rate changed from %" PRId32 " to %" PRId32 " bit/s; the CAN node is set anew", bitrate,
                 can->bitrate);
        can_node_set_bitrate(&can->node, can->bitrate);
    }
}

/**
 * A restart is an orderly one, so that counters and limits are kept. The shutdown handlers run in this task, which
 * sends nothing anyway, and wait for turns at the flash gate: for some seconds, each wait with an end. The watchdog
 * must not cut them in the middle of a write.
 */
static void run(service_task_t *task, void *argument)
{
    can_victron_t *const can = argument;
    for (;;) {
        const TickType_t wait = service_ticks_until(victron_schedule_deadline_ms(&can->schedule), LONGEST_WAIT_MS);
        (void)ulTaskNotifyTake(pdTRUE, wait);
        if (settings_generation(can->settings) != can->generation) {
            follow_settings(can);
        }
        const bool restart = can_turn(can, service_now_ms());
        service_task_alive(task);
        if (restart) {
            (void)esp_task_wdt_delete(NULL); /* fails only where it is not watched */
            esp_restart();
        }
    }
}

esp_err_t can_victron_start(event_bus_handle_t bus, settings_handle_t settings)
{
    victron_identity_t identity;
    ESP_RETURN_ON_FALSE(bus != NULL && settings != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    s_can.settings = settings;
    ESP_RETURN_ON_ERROR(read_settings(&s_can, &identity), TAG, "settings refused");
    can_turn_begin(&s_can, bus, &identity, service_now_ms());
    const service_task_config_t task = {
        .name = TAG,
        .kind = SERVICE_TASK_CONTROL,
        .stack_bytes = CONFIG_TINYBMS_CAN_VICTRON_TASK_STACK,
        .priority = CONFIG_TINYBMS_CAN_VICTRON_TASK_PRIORITY,
        .open = open_bus,
        .run = run,
    };
    return service_task_start(&task, bus, &s_can);
}
