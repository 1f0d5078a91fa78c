/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The battery task: runs the pipeline on each snapshot, publishes the state, and logs what changes. All decisions are
 * in battery_pipeline; what survives a restart is in energy_store.c and limits_store.c.
 */
#include "battery.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "battery_pipeline.h"
#include "energy_store.h"
#include "esp_attr.h"
#include "esp_check.h"
#include "esp_log.h"
#include "limits_store.h"
#include "sdkconfig.h"
#include "service_task.h"
#include "settings_pipeline.h"
#include "tinybms_addresses.h"

static const char *TAG = "battery";

#define SAME_LIMIT_QUIET_MS 10000
#define FREEZE_WATCH_MS     600000 /**< a BMS that measures is known as such after a minute */
#define STALENESS_CHECK_MS  100    /**< the stages of staleness are reached this much late at most */

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
    settings_handle_t settings;
    uint32_t generation; /**< of the settings that the pipeline has */
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
    uint8_t registers_lost; /**< as logged last */
    uint8_t sensors_lost;   /**< likewise */
    bool freeze_told;       /**< whether a frozen BMS is noticed has been logged */
    int64_t started_ms;
} battery_t;

static atomic_uint s_sensors_to_forget; /**< one bit each, from any task */

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

/** A limiter whose register is not usable works otherwise, or forbids: an installer has to know. */
static void log_not_usable(const battery_bms_t *bms)
{
    for (battery_register_t id = 0; id < BATTERY_REGISTER_COUNT; id++) {
        if (!battery_register_get(bms, id).known) {
            ESP_LOGW(TAG, "BMS register %u is not set; docs/charge_control.md says what applies instead",
                     (unsigned)battery_register_address(id));
        }
    }
}

static void log_lost(battery_t *battery)
{
    const battery_bms_t *const bms = &battery->pipeline.bms;
    const unsigned registers_changed = (unsigned)bms->registers_lost ^ battery->registers_lost;
    const unsigned sensors_changed = (unsigned)bms->sensors_lost ^ battery->sensors_lost;
    for (battery_register_t id = 0; id < BATTERY_REGISTER_COUNT; id++) {
        const bool lost = ((bms->registers_lost >> id) & 1U) != 0;
        if (((registers_changed >> id) & 1U) != 0) {
            ESP_LOGW(TAG, "BMS register %u %s", (unsigned)battery_register_address(id),
                     lost ? "has become unusable; no limit is raised because of it" : "is usable again");
        }
    }
    for (unsigned i = 0; i < BATTERY_SENSORS_MAX; i++) {
        const bool lost = ((bms->sensors_lost >> i) & 1U) != 0;
        if (((sensors_changed >> i) & 1U) != 0) {
            ESP_LOGW(TAG, "external temperature sensor %u %s", i + 1U,
                     lost ? "is missing; no charging until it is back or forgotten" : "is back");
        }
    }
    battery->registers_lost = bms->registers_lost;
    battery->sensors_lost = bms->sensors_lost;
}

static void log_freeze_watch(battery_t *battery)
{
    const bool watching = battery_pipeline_watches_freeze(&battery->pipeline);
    const bool late = battery->has_snapshot && service_now_ms() - battery->started_ms >= FREEZE_WATCH_MS;
    if (battery->freeze_told || (!watching && !late)) {
        return;
    }
    battery->freeze_told = true;
    if (watching) {
        ESP_LOGI(TAG, "the BMS lifetime counter advances; a frozen BMS will be detected");
    } else {
        ESP_LOGW(TAG, "the BMS lifetime counter does not advance; a frozen BMS would not be detected");
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
        log_not_usable(&battery->pipeline.bms);
    }
    battery->output = output;
    switch (output) {
    case OUTPUT_FRAMES:
        ESP_LOGI(TAG, "complete: %u cells, CVL %" PRId32 " mV, CCL %" PRId32 " mA, DCL %" PRId32 " mA",
                 (unsigned)state->cell_count, state->cvl_mv.value, state->ccl_ma.value, state->dcl_ma.value);
        break;
    case OUTPUT_NOTHING_TOO_OLD:
        ESP_LOGE(TAG, "no valid snapshot for %" PRId32 " ms; nothing is sent until the BMS answers again",
                 battery->pipeline.silent_ms);
        break;
    case OUTPUT_NOTHING_INCOMPLETE:
        ESP_LOGE(TAG,
                 "cannot determine CVL; nothing is sent. Check the fully charged voltage (register %d) and the number "
                 "of cells (%d: set, %d: detected, 0 to %d: measured)",
                 TINYBMS_REG_FULLY_CHARGED_VOLTAGE, TINYBMS_REG_SERIES_CELLS, TINYBMS_REG_CELLS_DETECTED,
                 TINYBMS_CELL_REGISTERS - 1);
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

static void forget_sensors(battery_t *battery)
{
    const unsigned sensors = atomic_exchange(&s_sensors_to_forget, 0U);
    for (uint8_t i = 0; i < BATTERY_SENSORS_MAX; i++) {
        if (((sensors >> i) & 1U) != 0) {
            battery_pipeline_forget_sensor(&battery->pipeline, i);
            ESP_LOGW(TAG, "external temperature sensor %u forgotten", i + 1U);
        }
    }
}

static void keep(const battery_t *battery)
{
    const battery_state_t *const state = &battery->state;
    const charge_control_kept_t limits = charge_control_to_keep(&battery->pipeline.charge, state);
    limits_store_put(state->publish ? &limits : NULL);
    const settings_memory_t memory = {.sensors_seen = battery_pipeline_sensors_seen(&battery->pipeline),
                                      .events_over = battery->snapshot.over};
    energy_store_put(battery_pipeline_energy(&battery->pipeline), &memory);
}

/** Apart, so that the values take no stack while the pipeline runs. */
NOINLINE_ATTR static void read_settings(battery_t *battery, battery_pipeline_config_t *config, int32_t *save_s,
                                        bool *lost)
{
    settings_values_t values;
    battery->generation = settings_generation(battery->settings);
    *lost = settings_restricted(battery->settings);
    settings_get_all(battery->settings, &values);
    *config = settings_pipeline(&values);
    *save_s = values.number[SETTINGS_ENERGY_SAVE_S];
}

/** What has been saved meanwhile counts for the snapshot that has just come. */
static void follow_settings(battery_t *battery)
{
    battery_pipeline_config_t config;
    int32_t save_s = 0;
    bool lost = false;
    if (settings_generation(battery->settings) == battery->generation) {
        return;
    }
    read_settings(battery, &config, &save_s, &lost);
    battery_pipeline_configure(&battery->pipeline, &config, lost);
    energy_store_set_period(save_s);
}

static void update(battery_t *battery)
{
    battery_alarm_change_t changes[BATTERY_ALARM_CHANGES_MAX];
    battery_state_t *const state = &battery->state;
    forget_sensors(battery);
    const size_t count = battery_pipeline_step(&battery->pipeline, battery->has_snapshot ? &battery->snapshot : NULL,
                                               service_now_ms(), state, changes);
    log_changes(changes, count);
    log_lost(battery);
    log_freeze_watch(battery);
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
    keep(battery);
}

static void run(service_task_t *task, void *argument)
{
    battery_t *const battery = argument;
    for (;;) {
        if (event_bus_receive_snapshot(battery->snapshots, &battery->snapshot, pdMS_TO_TICKS(STALENESS_CHECK_MS))) {
            battery->has_snapshot = true;
        }
        follow_settings(battery);
        update(battery);
        service_task_alive(task);
    }
}

esp_err_t battery_forget_sensor(uint8_t sensor)
{
    ESP_RETURN_ON_FALSE(sensor >= 1 && sensor <= BATTERY_SENSORS_MAX, ESP_ERR_INVALID_ARG, TAG, "no sensor %u",
                        (unsigned)sensor);
    (void)atomic_fetch_or(&s_sensors_to_forget, 1U << (sensor - 1U));
    return ESP_OK;
}

esp_err_t battery_start(event_bus_handle_t bus, settings_handle_t settings)
{
    ESP_RETURN_ON_FALSE(bus != NULL && settings != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    static battery_t the_battery; /* there is one, as long as the program lives */
    battery_t *const battery = &the_battery;
    ESP_RETURN_ON_FALSE(battery->bus == NULL, ESP_ERR_INVALID_STATE, TAG, "already started");
    battery->bus = bus;
    battery->settings = settings;
    battery_pipeline_config_t config;
    int32_t save_s = 0;
    energy_totals_t totals;
    charge_control_kept_t limits;
    bool has_totals = false;
    const settings_memory_t memory = settings_memory(settings);
    battery->snapshot.over = memory.events_over; /* until there is a snapshot */
    battery_pipeline_kept_t kept = {.sensors_seen = memory.sensors_seen};
    read_settings(battery, &config, &save_s, &kept.settings_lost);
    ESP_RETURN_ON_ERROR(energy_store_start(bus, settings, &memory, save_s, &totals, &has_totals), TAG,
                        "cannot keep the energy counters");
    kept.energy = has_totals ? &totals : NULL;
    const bool has_limits = limits_store_take(&limits, &kept.limits_age_ms);
    kept.limits = has_limits ? &limits : NULL;
    ESP_RETURN_ON_ERROR(limits_store_start(), TAG, "cannot keep the limits across a restart");
    battery_pipeline_init(&battery->pipeline, &config, &kept);
    battery->started_ms = service_now_ms();
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_SNAPSHOT, 2, TAG, NULL, &battery->snapshots), TAG,
                        "cannot subscribe to snapshots");
    const service_task_config_t task = {
        .name = TAG,
        .kind = SERVICE_TASK_CONTROL,
        .stack_bytes = CONFIG_TINYBMS_BATTERY_TASK_STACK,
        .priority = CONFIG_TINYBMS_BATTERY_TASK_PRIORITY,
        .run = run,
    };
    return service_task_start(&task, bus, battery);
}
