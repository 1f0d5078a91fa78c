/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "battery.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "battery_pipeline.h"
#include "energy_store.h"
#include "esp_check.h"
#include "esp_log.h"
#include "sdkconfig.h"
#include "service_task.h"
#include "settings_pipeline.h"

static const char *TAG = "battery";

#define SAME_LIMIT_QUIET_MS 10000
#define STALENESS_CHECK_MS  100 /**< the stages of staleness are reached this much late at most */

/** What reaches the GX, and if nothing does, why. */
typedef enum {
    OUTPUT_NOT_YET = 0, /**< nothing complete has been read since the start */
    OUTPUT_FRAMES,
    OUTPUT_NOTHING_TOO_OLD,
    OUTPUT_NOTHING_INCOMPLETE,
} output_t;

/** A limit as it was logged last. */
typedef struct {
    battery_limit_reason_t reason;
    bool nothing; /**< it was 0 */
    int64_t logged_ms;
} told_limit_t;

typedef struct {
    event_bus_handle_t bus;
    event_bus_subscription_t snapshots;
    battery_pipeline_t pipeline;
    tinybms_snapshot_t snapshot; /**< last valid one */
    bool has_snapshot;
    battery_state_t state; /**< newest one */
    uint32_t sequence;     /**< of the state that was published last */
    bool publish;          /**< likewise */
    battery_status_t status;
    output_t output; /**< as it was logged last */
    told_limit_t cvl;
    told_limit_t ccl;
    told_limit_t dcl;
} battery_t;

static output_t output_of(const battery_t *battery)
{
    if (battery->state.publish) {
        return OUTPUT_FRAMES;
    }
    if (!battery->has_snapshot || !battery->snapshot.settings_known) {
        return OUTPUT_NOT_YET;
    }
    return battery->pipeline.was_silent ? OUTPUT_NOTHING_TOO_OLD : OUTPUT_NOTHING_INCOMPLETE;
}

/** A limiter whose register is not set is left out: an installer has to know. */
static void log_left_out(const battery_bms_t *bms)
{
    const struct {
        const battery_quantity_t *value;
        int address;
    } registers[] = {
        {&bms->empty_mv, 301},         {&bms->peak_discharge_ma, 305}, {&bms->over_voltage_mv, 315},
        {&bms->under_voltage_mv, 316}, {&bms->discharge_max_ma, 317},  {&bms->charge_max_ma, 318},
        {&bms->over_heat_dc, 319},     {&bms->cold_charge_dc, 320},
    };
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        if (!registers[i].value->known) {
            ESP_LOGW(TAG, "register %d of the BMS is not set: nothing is limited by it", registers[i].address);
        }
    }
}

static void log_output(battery_t *battery)
{
    const battery_state_t *const state = &battery->state;
    const output_t output = output_of(battery);
    if (output == battery->output) {
        return;
    }
    if (battery->output == OUTPUT_NOT_YET) {
        log_left_out(&battery->pipeline.bms);
    }
    battery->output = output;
    switch (output) {
    case OUTPUT_FRAMES:
        ESP_LOGI(TAG, "complete: %u cells, CVL %" PRId32 " mV, CCL %" PRId32 " mA, DCL %" PRId32 " mA",
                 (unsigned)state->cell_count, state->cvl_mv.value, state->ccl_ma.value, state->dcl_ma.value);
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

/** Where two limiters meet the reason changes often: one line in ten seconds, but each stop and each start. */
static void log_limit(const char *name, const char *unit, told_limit_t *told, const battery_limit_t *limit)
{
    const int64_t now_ms = service_now_ms();
    const bool nothing = limit->value == 0;
    const bool quiet = nothing == told->nothing && now_ms - told->logged_ms < SAME_LIMIT_QUIET_MS;
    if (!limit->known || quiet || (limit->reason == told->reason && nothing == told->nothing)) {
        return;
    }
    *told = (told_limit_t){.reason = limit->reason, .nothing = nothing, .logged_ms = now_ms};
    ESP_LOGI(TAG, "%s %" PRId32 " %s: %s", name, limit->value, unit, battery_limit_reason_text(limit->reason));
}

/** "cell voltage 3655 mV": the value goes before its unit. */
static void write_cause(char *text, size_t size, const battery_alarm_change_t *change)
{
    const char *const cause = battery_alarm_cause_text(change->cause);
    const char *const comma = strstr(cause, ", ");
    if (comma != NULL) {
        (void)snprintf(text, size, "%.*s %" PRId32 " %s", (int)(comma - cause), cause, change->value, comma + 2);
    } else if (change->cause == BATTERY_ALARM_CAUSE_EVENT) {
        (void)snprintf(text, size, "%s 0x%02" PRIX32, cause, (uint32_t)change->value);
    } else {
        (void)snprintf(text, size, "%s", cause);
    }
}

static void log_changes(const battery_alarm_change_t *changes, size_t count)
{
    char cause[48];
    for (size_t i = 0; i < count; i++) {
        write_cause(cause, sizeof(cause), &changes[i]);
        ESP_LOGW(TAG, "%s %s %s: %s", changes[i].warning ? "warning" : "alarm", battery_alarm_text(changes[i].id),
                 changes[i].active ? "raised" : "cleared", cause);
    }
}

static void update(battery_t *battery)
{
    battery_alarm_change_t changes[BATTERY_ALARM_CHANGES_MAX];
    battery_state_t *const state = &battery->state;
    const size_t count = battery_pipeline_step(&battery->pipeline, battery->has_snapshot ? &battery->snapshot : NULL,
                                               service_now_ms(), state, changes);
    log_changes(changes, count);
    if (count == 0 && state->sequence == battery->sequence && state->publish == battery->publish &&
        state->status == battery->status) {
        return;
    }
    log_output(battery);
    if (state->publish) {
        log_limit("CVL", "mV", &battery->cvl, &state->cvl_mv);
        log_limit("CCL", "mA", &battery->ccl, &state->ccl_ma);
        log_limit("DCL", "mA", &battery->dcl, &state->dcl_ma);
    }
    battery->sequence = state->sequence;
    battery->publish = state->publish;
    battery->status = state->status;
    event_bus_publish_state(battery->bus, state);
    energy_store_put(battery_pipeline_energy(&battery->pipeline));
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
    settings_values_t values;
    settings_get_all(settings, &values);
    const battery_pipeline_config_t config = settings_pipeline(&values);
    energy_totals_t totals;
    bool has_totals = false;
    ESP_RETURN_ON_ERROR(energy_store_start(bus, values.number[SETTINGS_ENERGY_SAVE_S], &totals, &has_totals), TAG,
                        "energy counters cannot be kept");
    battery_pipeline_init(&battery->pipeline, &config, has_totals ? &totals : NULL);
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_SNAPSHOT, 2, TAG, NULL, &battery->snapshots), TAG,
                        "cannot subscribe to snapshots");
    ESP_RETURN_ON_FALSE(xTaskCreate(battery_task, TAG, CONFIG_TINYBMS_BATTERY_TASK_STACK, battery,
                                    CONFIG_TINYBMS_BATTERY_TASK_PRIORITY, NULL) == pdPASS,
                        ESP_ERR_NO_MEM, TAG, "no memory for the task");
    return ESP_OK;
}
