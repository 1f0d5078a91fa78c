/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "settings.h"

#include <stdio.h>

#include "esp_check.h"
#include "esp_log.h"
#include "flash_gate.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "nvs.h"
#include "nvs_flash.h"

static const char *TAG = "settings";

#define NVS_NAMESPACE     "settings"
#define BATTERY_NAMESPACE "battery" /**< what is remembered of the battery: no setting */
#define SENSORS_SEEN      "sensors_seen"
#define EVENTS_OVER       "events_over" /**< id, stamp (24 bits) and the BMS time (32 bits) */

#define TURN_WAIT_MS 3000 /**< for a turn at the flash gate */

struct settings {
    SemaphoreHandle_t lock; /**< guards values; services take it at start only */
    settings_values_t values;
};

/** A storage that another layout or a damaged page makes unusable is begun anew: it could never be written again. */
static esp_err_t open_storage(void)
{
    const esp_err_t err = nvs_flash_init();
    if (err != ESP_ERR_NVS_NO_FREE_PAGES && err != ESP_ERR_NVS_NEW_VERSION_FOUND) {
        return err;
    }
    ESP_LOGE(TAG, "the storage of settings is unusable (%s) and is erased", esp_err_to_name(err));
    ESP_RETURN_ON_ERROR(nvs_flash_erase(), TAG, "cannot erase it");
    return nvs_flash_init();
}

static esp_err_t read_value(nvs_handle_t nvs, settings_id_t id, settings_value_t *value)
{
    const char *const key = settings_entry(id)->key;
    size_t length = sizeof(value->text);
    return settings_is_text(id) ? nvs_get_str(nvs, key, value->text, &length) : nvs_get_i32(nvs, key, &value->number);
}

static esp_err_t write_value(nvs_handle_t nvs, settings_id_t id, const settings_value_t *value)
{
    const char *const key = settings_entry(id)->key;
    return settings_is_text(id) ? nvs_set_str(nvs, key, value->text) : nvs_set_i32(nvs, key, value->number);
}

static void read_saved(nvs_handle_t nvs, settings_values_t *values)
{
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        settings_value_t saved = {0};
        settings_refusal_t refusal;
        const esp_err_t err = read_value(nvs, id, &saved);
        if (err == ESP_ERR_NVS_NOT_FOUND) {
            continue;
        }
        if (err != ESP_OK) {
            ESP_LOGE(TAG, "%s cannot be read (%s): the factory value is used", settings_entry(id)->key,
                     esp_err_to_name(err));
        } else if (!settings_value_valid(id, &saved, &refusal)) {
            ESP_LOGE(TAG, "saved value refused, the factory value is used: %s", refusal.text);
        } else {
            settings_set(values, id, &saved);
        }
    }
}

static void read_all(settings_values_t *values)
{
    nvs_handle_t nvs = 0;
    settings_refusal_t refusal;
    settings_factory_all(values);
    esp_err_t err = open_storage();
    if (err == ESP_OK) {
        err = nvs_open(NVS_NAMESPACE, NVS_READONLY, &nvs);
    }
    if (err == ESP_ERR_NVS_NOT_FOUND) {
        return; /* nothing was ever saved */
    }
    if (err != ESP_OK) {
        ESP_LOGW(TAG, "no saved settings (%s): factory values are used", esp_err_to_name(err));
        return;
    }
    read_saved(nvs, values);
    nvs_close(nvs);
    if (!settings_fit_together(values, &refusal)) {
        ESP_LOGE(TAG, "saved values do not fit together, factory values are used: %s", refusal.text);
        (void)settings_repair(values);
    }
}

esp_err_t settings_open(settings_handle_t *handle)
{
    static struct settings the_settings; /* there is one set, as long as the program lives */
    ESP_RETURN_ON_FALSE(handle != NULL, ESP_ERR_INVALID_ARG, TAG, "no place for the handle");
    if (the_settings.lock == NULL) {
        the_settings.lock = xSemaphoreCreateMutex();
    }
    ESP_RETURN_ON_FALSE(the_settings.lock != NULL, ESP_ERR_NO_MEM, TAG, "no memory for the lock");
    (void)xSemaphoreTake(the_settings.lock, portMAX_DELAY);
    ESP_ERROR_CHECK(flash_gate_init());
    ESP_ERROR_CHECK(flash_gate_take(TURN_WAIT_MS));
    read_all(&the_settings.values);
    flash_gate_give();
    (void)xSemaphoreGive(the_settings.lock);
    *handle = &the_settings;
    return ESP_OK;
}

void settings_get_all(settings_handle_t handle, settings_values_t *values)
{
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    *values = handle->values;
    (void)xSemaphoreGive(handle->lock);
}

int32_t settings_number(settings_handle_t handle, settings_id_t id)
{
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    const int32_t number = handle->values.number[id];
    (void)xSemaphoreGive(handle->lock);
    return number;
}

static esp_err_t write_changes(const settings_change_t *changes, size_t count)
{
    nvs_handle_t nvs = 0;
    ESP_RETURN_ON_ERROR(flash_gate_take(TURN_WAIT_MS), TAG, "no turn to save");
    esp_err_t err = nvs_open(NVS_NAMESPACE, NVS_READWRITE, &nvs);
    for (size_t i = 0; i < count && err == ESP_OK; i++) {
        err = write_value(nvs, changes[i].id, &changes[i].value);
    }
    if (err == ESP_OK) {
        err = nvs_commit(nvs);
    }
    nvs_close(nvs);
    flash_gate_give();
    return err;
}

/** Under the lock. */
static esp_err_t save(struct settings *settings, const settings_change_t *changes, size_t count,
                      settings_refusal_t *refusal)
{
    static settings_values_t next; /* under the lock; too large for a stack */
    next = settings->values;
    for (size_t i = 0; i < count; i++) {
        if (!settings_value_valid(changes[i].id, &changes[i].value, refusal)) {
            return ESP_ERR_INVALID_ARG;
        }
        settings_set(&next, changes[i].id, &changes[i].value);
    }
    if (!settings_fit_together(&next, refusal)) {
        return ESP_ERR_INVALID_ARG;
    }
    ESP_RETURN_ON_ERROR(write_changes(changes, count), TAG, "cannot save");
    settings->values = next;
    return ESP_OK;
}

esp_err_t settings_save(settings_handle_t handle, const settings_change_t *changes, size_t count,
                        settings_refusal_t *refusal)
{
    ESP_RETURN_ON_FALSE(handle != NULL && changes != NULL && refusal != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL given");
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    const esp_err_t err = save(handle, changes, count, refusal);
    (void)xSemaphoreGive(handle->lock);
    for (size_t i = 0; i < count && err == ESP_OK; i++) {
        ESP_LOGI(TAG, "%s saved", settings_entry(changes[i].id)->key);
    }
    return err;
}

static void note_unreadable(esp_err_t err, const char *what)
{
    if (err != ESP_OK && err != ESP_ERR_NVS_NOT_FOUND) {
        ESP_LOGE(TAG, "%s cannot be read (%s)", what, esp_err_to_name(err));
    }
}

static void read_memory(nvs_handle_t nvs, settings_memory_t *memory)
{
    uint64_t over = 0;
    note_unreadable(nvs_get_u8(nvs, SENSORS_SEEN, &memory->sensors_seen), "which temperature sensors were ever there");
    note_unreadable(nvs_get_u64(nvs, EVENTS_OVER, &over), "which events of the BMS are over");
    memory->events_over = (tinybms_events_over_t){
        .event = {.time_s = (uint32_t)(over >> 32) & 0xFFFFFFU, .id = (uint8_t)(over >> 56)},
        .bms_time_s = (uint32_t)over,
    };
}

settings_memory_t settings_memory(settings_handle_t handle)
{
    nvs_handle_t nvs = 0;
    settings_memory_t memory = {0};
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    const esp_err_t err = nvs_open(BATTERY_NAMESPACE, NVS_READONLY, &nvs);
    note_unreadable(err, "what is remembered of the battery");
    if (err == ESP_OK) {
        read_memory(nvs, &memory);
        nvs_close(nvs);
    }
    (void)xSemaphoreGive(handle->lock);
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

/** One number for each part, so that a power cut leaves none by half. */
static esp_err_t write_memory(nvs_handle_t nvs, const settings_memory_t *before, const settings_memory_t *memory)
{
    const tinybms_events_over_t *const over = &memory->events_over;
    const uint64_t event = (uint64_t)over->event.id << 24 | over->event.time_s;
    if (before->sensors_seen != memory->sensors_seen) {
        ESP_RETURN_ON_ERROR(nvs_set_u8(nvs, SENSORS_SEEN, memory->sensors_seen), TAG, "cannot save the sensors");
    }
    if (!same_over(&before->events_over, over)) {
        ESP_RETURN_ON_ERROR(nvs_set_u64(nvs, EVENTS_OVER, event << 32 | over->bms_time_s), TAG, "cannot save events");
    }
    return nvs_commit(nvs);
}

esp_err_t settings_remember(settings_handle_t handle, const settings_memory_t *before, const settings_memory_t *memory)
{
    nvs_handle_t nvs = 0;
    ESP_RETURN_ON_ERROR(flash_gate_take(TURN_WAIT_MS), TAG, "no turn to save");
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    esp_err_t err = nvs_open(BATTERY_NAMESPACE, NVS_READWRITE, &nvs);
    if (err == ESP_OK) {
        err = write_memory(nvs, before, memory);
        nvs_close(nvs);
    }
    flash_gate_give();
    (void)xSemaphoreGive(handle->lock);
    return err;
}
