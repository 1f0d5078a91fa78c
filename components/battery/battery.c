/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "battery.h"

#include <inttypes.h>

#include "battery_pipeline.h"
#include "energy_store.h"
#include "esp_check.h"
#include "esp_log.h"
#include "sdkconfig.h"
#include "service_task.h"

static const char *TAG = "battery";

#define STALENESS_CHECK_MS 100 /**< the stages of staleness are reached this much late at most */

/** What reaches the GX, and if nothing does, why. */
typedef enum {
    OUTPUT_NOT_YET = 0, /**< nothing complete has been read since the start */
    OUTPUT_FRAMES,
    OUTPUT_NOTHING_TOO_OLD,
    OUTPUT_NOTHING_INCOMPLETE,
} output_t;

typedef struct {
    event_bus_handle_t bus;
    event_bus_subscription_t snapshots;
    battery_pipeline_t pipeline;
    tinybms_snapshot_t snapshot; /**< last valid one */
    bool has_snapshot;
    output_t output;       /**< as it was logged last */
    battery_state_t state; /**< newest one */
    battery_state_t told;  /**< last one published */
} battery_t;

static output_t output_of(const battery_t *battery, const battery_state_t *state)
{
    if (state->publish) {
        return OUTPUT_FRAMES;
    }
    if (!battery->has_snapshot || !battery->snapshot.settings_known) {
        return OUTPUT_NOT_YET;
    }
    return battery->pipeline.was_silent ? OUTPUT_NOTHING_TOO_OLD : OUTPUT_NOTHING_INCOMPLETE;
}

static void log_output(battery_t *battery, const battery_state_t *next)
{
    const output_t output = output_of(battery, next);
    if (output == battery->output) {
        return;
    }
    battery->output = output;
    switch (output) {
    case OUTPUT_FRAMES:
        ESP_LOGI(TAG, "complete: %u cells, CVL %" PRId32 " mV, CCL %" PRId32 " mA, DCL %" PRId32 " mA",
                 (unsigned)next->cell_count, next->cvl_mv.value, next->ccl_ma.value, next->dcl_ma.value);
        break;
    case OUTPUT_NOTHING_TOO_OLD:
        ESP_LOGE(TAG, "no valid snapshot for %" PRId32 " ms: nothing is sent until the BMS answers again",
                 battery->pipeline.silent_ms);
        break;
    case OUTPUT_NOTHING_INCOMPLETE:
        ESP_LOGE(TAG, "no charge voltage limit can be made: nothing is sent; check full voltage (register 300) and "
                      "number of cells (307 is set, 53 detected, 0 to 15 measured)");
        break;
    case OUTPUT_NOT_YET:
    default:
        break;
    }
}

static void log_limit(const char *name, const battery_limit_t *last, const battery_limit_t *next)
{
    if (next->known && next->reason != last->reason) {
        ESP_LOGI(TAG, "%s %" PRId32 " mA: %s", name, next->value, battery_limit_reason_text(next->reason));
    }
}

static void log_status(const battery_t *battery, const battery_state_t *next)
{
    const battery_state_t *const last = &battery->told;
    if (next->publish) {
        log_limit("CCL", &last->ccl_ma, &next->ccl_ma);
        log_limit("DCL", &last->dcl_ma, &next->dcl_ma);
    }
    for (int id = 0; id < BATTERY_ALARM_COUNT; id++) {
        const bool was_active = last->alarm[id] == BATTERY_ALARM_ACTIVE;
        const bool is_active = next->alarm[id] == BATTERY_ALARM_ACTIVE;
        if (was_active != is_active) {
            ESP_LOGW(TAG, "alarm %s: %s", battery_alarm_text((battery_alarm_id_t)id), is_active ? "active" : "cleared");
        }
    }
}

static bool worth_publishing(const battery_state_t *last, const battery_state_t *next)
{
    return last->sequence != next->sequence || last->publish != next->publish || last->status != next->status ||
           last->ccl_ma.reason != next->ccl_ma.reason;
}

static void update(battery_t *battery)
{
    battery_alarm_change_t changes[BATTERY_ALARM_CHANGES_MAX];
    (void)battery_pipeline_step(&battery->pipeline, battery->has_snapshot ? &battery->snapshot : NULL, service_now_ms(),
                                &battery->state, changes);
    if (worth_publishing(&battery->told, &battery->state)) {
        log_output(battery, &battery->state);
        log_status(battery, &battery->state);
        battery->told = battery->state;
        event_bus_publish_state(battery->bus, &battery->told);
        energy_store_put(battery_pipeline_energy(&battery->pipeline));
    }
}

static void battery_task(void *argument)
{
    battery_t *const battery = argument;
    service_task_t task;
    service_task_begin(&task, battery->bus, TAG);
    for (;;) {
        if (event_bus_receive_snapshot(battery->snapshots, &battery->snapshot, pdMS_TO_TICKS(STALENESS_CHECK_MS))) {
            battery->has_snapshot = true;
        }
        update(battery);
        service_task_alive(&task);
    }
}

esp_err_t battery_start(event_bus_handle_t bus, settings_handle_t settings)
{
    ESP_RETURN_ON_FALSE(bus != NULL && settings != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL given");
    static battery_t the_battery; /* there is one, as long as the program lives */
    battery_t *const battery = &the_battery;
    ESP_RETURN_ON_FALSE(battery->bus == NULL, ESP_ERR_INVALID_STATE, TAG, "started already");
    battery->bus = bus;
    battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    config.stale_ms = settings_number(settings, SETTINGS_DATA_STALE_MS);
    config.silent_ms = settings_number(settings, SETTINGS_DATA_SILENT_MS);
    energy_totals_t totals;
    bool has_totals = false;
    ESP_RETURN_ON_ERROR(energy_store_start(bus, CONFIG_TINYBMS_ENERGY_SAVE_S, &totals, &has_totals), TAG,
                        "energy counters cannot be kept");
    battery_pipeline_init(&battery->pipeline, &config, has_totals ? &totals : NULL);
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_SNAPSHOT, 2, TAG, NULL, &battery->snapshots), TAG,
                        "cannot subscribe to snapshots");
    ESP_RETURN_ON_FALSE(xTaskCreate(battery_task, TAG, CONFIG_TINYBMS_BATTERY_TASK_STACK, battery,
                                    CONFIG_TINYBMS_BATTERY_TASK_PRIORITY, NULL) == pdPASS,
                        ESP_ERR_NO_MEM, TAG, "no memory for the task");
    return ESP_OK;
}
