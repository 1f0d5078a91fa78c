/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** What restarts must not lose about the battery: sensors in the record of the settings, BMS events in NVS. */
#include <stdlib.h>

#include "esp_check.h"
#include "esp_log.h"
#include "flash_gate.h"
#include "nvs.h"
#include "settings_private.h"

static const char *TAG = "settings";

#define EVENTS_OVER "events_over" /**< id, stamp (24 bits) and the BMS time (32 bits) */

settings_memory_t settings_memory(settings_handle_t handle)
{
    nvs_handle_t nvs = 0;
    uint64_t over = 0;
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    settings_memory_t memory = {.sensors_seen = handle->saved.sensors_seen};
    esp_err_t err = nvs_open(SETTINGS_BATTERY_NAMESPACE, NVS_READONLY, &nvs);
    if (err == ESP_OK) {
        err = nvs_get_u64(nvs, EVENTS_OVER, &over);
        nvs_close(nvs);
    }
    (void)xSemaphoreGive(handle->lock);
    if (err != ESP_OK && err != ESP_ERR_NVS_NOT_FOUND) {
        ESP_LOGE(TAG, "cannot read which BMS events have ended (%s)", esp_err_to_name(err));
    }
    memory.events_over = (tinybms_events_over_t){
        .event = {.time_s = (uint32_t)(over >> 32) & 0xFFFFFFU, .id = (uint8_t)(over >> 56)},
        .bms_time_s = (uint32_t)over,
    };
    return memory;
}

static bool same_over(const tinybms_events_over_t *a, const tinybms_events_over_t *b)
{
    return a->bms_time_s == b->bms_time_s && a->event.time_s == b->event.time_s && a->event.id == b->event.id;
}

bool settings_memory_same(const settings_memory_t *a, const settings_memory_t *b)
{
    return a->sensors_seen == b->sensors_seen && same_over(&a->events_over, &b->events_over);
}

/** One number, so that a power cut leaves none by half. */
static esp_err_t remember_over(const tinybms_events_over_t *over)
{
    nvs_handle_t nvs = 0;
    const uint64_t event = (uint64_t)over->event.id << 24 | over->event.time_s;
    ESP_RETURN_ON_ERROR(flash_gate_take(SETTINGS_TURN_WAIT_MS), TAG, "no turn at the flash gate to save");
    esp_err_t err = nvs_open(SETTINGS_BATTERY_NAMESPACE, NVS_READWRITE, &nvs);
    if (err == ESP_OK) {
        err = nvs_set_u64(nvs, EVENTS_OVER, event << 32 | over->bms_time_s);
        err = err == ESP_OK ? nvs_commit(nvs) : err;
        nvs_close(nvs);
    }
    flash_gate_give();
    return err;
}

/** Under the lock. */
static esp_err_t remember_sensors(struct settings *settings, uint8_t sensors_seen)
{
    settings_room_t *const room = settings_borrow_room();
    ESP_RETURN_ON_FALSE(room != NULL, ESP_ERR_NO_MEM, TAG, "no memory");
    room->other = settings->saved;
    room->other.sensors_seen = sensors_seen;
    const esp_err_t err = settings_keep_room(settings, room, false);
    free(room);
    return err;
}

esp_err_t settings_remember(settings_handle_t handle, const settings_memory_t *before, const settings_memory_t *memory)
{
    esp_err_t err = ESP_OK;
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    if (before->sensors_seen != memory->sensors_seen) {
        err = remember_sensors(handle, memory->sensors_seen);
    }
    if (!same_over(&before->events_over, &memory->events_over)) {
        const esp_err_t over = remember_over(&memory->events_over);
        err = err == ESP_OK ? over : err;
    }
    (void)xSemaphoreGive(handle->lock);
    return err;
}
