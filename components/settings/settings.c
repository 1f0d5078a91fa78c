/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The settings as services see them: NVS and flash behind settings_keep and settings_apart, locking, logging, and the
 * battery memory. The table, the rules and the record format have files of their own, without NVS and RTOS.
 */
#include "settings.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "esp_check.h"
#include "esp_log.h"
#include "esp_partition.h"
#include "flash_gate.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "settings_apart.h"
#include "settings_keep.h"

static const char *TAG = "settings";

#define NVS_NAMESPACE     "settings"
#define BATTERY_NAMESPACE "battery"      /**< what is remembered of the battery and is no setting */
#define SENSORS_SEEN      "sensors_seen" /**< where they were before they went into the record */
#define EVENTS_OVER       "events_over"  /**< id, stamp (24 bits) and the BMS time (32 bits) */
#define PARTITION         "limits"       /**< the second place */
#define TURN_WAIT_MS      3000           /**< for a turn at the flash gate */
#define FIRST_TEXT_MAX    63             /**< of the texts that had a key of their own each */

struct settings {
    settings_values_t in_effect; /**< copied under s_in_effect; written with the lock held too */
    bool restricted;             /**< likewise: what was saved is lost */
    atomic_uint generation;      /**< of the two; written under s_in_effect */
    SemaphoreHandle_t lock;      /**< guards what follows; who has a turn at the flash gate does not take it */
    settings_saved_t saved;
    settings_keep_t keep;
    bool second_behind;               /**< the second place does not have what is saved */
    bool starting;                    /**< control does not run yet */
    esp_err_t storage;                /**< what opening NVS came to */
    const esp_partition_t *partition; /**< NULL = there is no second place */
};

static struct settings s_settings; /* there is one set, as long as the program lives */

/**
 * Guards what is in effect for as long as it takes to copy it, some microseconds: tasks of the control path must not
 * wait for the lock, which is held while flash is written. A sequence lock would let them wait for nobody, but make
 * them copy what is being written, which C calls a race.
 */
static portMUX_TYPE s_in_effect = portMUX_INITIALIZER_UNLOCKED;

/* ---- the two places ---- */

/** NVS makes one value of a key whole or not at all, but a cut may take the old one as well: hence two. */
static const char *key_of(unsigned half)
{
    return half == 0 ? "record0" : "record1";
}

static settings_place_t load_record(unsigned half, uint8_t *bytes, size_t *length)
{
    nvs_handle_t nvs = 0;
    *length = SETTINGS_RECORD_MAX;
    esp_err_t err = nvs_open(NVS_NAMESPACE, NVS_READONLY, &nvs);
    if (err == ESP_OK) {
        err = nvs_get_blob(nvs, key_of(half), bytes, length);
        nvs_close(nvs);
    }
    switch (err) {
    case ESP_OK:
        return SETTINGS_PLACE_RECORD;
    case ESP_ERR_NVS_NOT_FOUND:
        return SETTINGS_PLACE_NOTHING;
    case ESP_ERR_NVS_INVALID_LENGTH: /* longer than any of ours */
        return SETTINGS_PLACE_NEWER;
    default:
        return SETTINGS_PLACE_DAMAGED;
    }
}

static settings_place_t load_first(void *context, unsigned half, uint8_t *bytes, size_t *length)
{
    const struct settings *const settings = context;
    switch (settings->storage) {
    case ESP_OK:
        return load_record(half, bytes, length);
    case ESP_ERR_NOT_FOUND: /* without a partition nothing was ever saved in it */
        return SETTINGS_PLACE_NOTHING;
    case ESP_ERR_NVS_NEW_VERSION_FOUND:
        return SETTINGS_PLACE_NEWER;
    default:
        return SETTINGS_PLACE_DAMAGED;
    }
}

/** Under a turn, before control starts: a storage that cannot be opened could never be written. That of a newer ESP-IDF
 * is kept. */
static bool storage_usable(struct settings *settings)
{
    if (settings->storage == ESP_OK) {
        return true;
    }
    if (!settings->starting || settings->storage == ESP_ERR_NVS_NEW_VERSION_FOUND ||
        settings->storage == ESP_ERR_NOT_FOUND || settings->storage == ESP_ERR_NO_MEM) {
        return false;
    }
    ESP_LOGE(TAG, "the settings storage is damaged (%s) and will be erased", esp_err_to_name(settings->storage));
    if (nvs_flash_erase() == ESP_OK) {
        settings->storage = nvs_flash_init();
    }
    return settings->storage == ESP_OK;
}

static esp_err_t store_blob(const char *key, const uint8_t *bytes, size_t length)
{
    nvs_handle_t nvs = 0;
    ESP_RETURN_ON_ERROR(nvs_open(NVS_NAMESPACE, NVS_READWRITE, &nvs), TAG, "cannot open the settings storage");
    esp_err_t err = nvs_set_blob(nvs, key, bytes, length);
    if (err == ESP_ERR_NVS_REMOVE_FAILED) {
        err = ESP_OK; /* it has been written, and the old one goes with the next start */
    }
    err = err == ESP_OK ? nvs_commit(nvs) : err;
    nvs_close(nvs);
    return err;
}

/** A turn for each: it may take an erase. */
static bool store(struct settings *settings, const char *key, const uint8_t *bytes, size_t length)
{
    if (flash_gate_take(TURN_WAIT_MS) != ESP_OK) {
        return false;
    }
    const esp_err_t err = storage_usable(settings) ? store_blob(key, bytes, length) : ESP_ERR_NVS_NOT_INITIALIZED;
    flash_gate_give();
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "cannot save: %s", esp_err_to_name(err));
    }
    return err == ESP_OK;
}

static bool store_first(void *context, unsigned half, const uint8_t *bytes, size_t length)
{
    return store(context, key_of(half), bytes, length);
}

static bool store_piece(void *context, const char *key, const uint8_t *bytes, size_t length)
{
    return store(context, key, bytes, length);
}

static bool load_piece(void *context, const char *key, uint8_t *bytes, size_t length)
{
    (void)context;
    nvs_handle_t nvs = 0;
    size_t found = length;
    if (nvs_open(NVS_NAMESPACE, NVS_READONLY, &nvs) != ESP_OK) {
        return false;
    }
    const esp_err_t err = nvs_get_blob(nvs, key, bytes, &found);
    nvs_close(nvs);
    return err == ESP_OK && found == length;
}

static settings_pieces_t pieces_of(struct settings *settings)
{
    return (settings_pieces_t){.context = settings, .load = load_piece, .store = store_piece};
}

static bool read_second(void *context, uint32_t offset, void *data, uint32_t length)
{
    const struct settings *const settings = context;
    return settings->partition != NULL && esp_partition_read(settings->partition, offset, data, length) == ESP_OK;
}

static bool replace_second(void *context, uint32_t offset, const void *data, uint32_t length)
{
    const struct settings *const settings = context;
    if (settings->partition == NULL || flash_gate_take(TURN_WAIT_MS) != ESP_OK) {
        return false;
    }
    const bool done = esp_partition_erase_range(settings->partition, offset, SETTINGS_SECTOR_SIZE) == ESP_OK &&
                      esp_partition_write(settings->partition, offset, data, length) == ESP_OK;
    flash_gate_give();
    return done;
}

/* ---- in effect ---- */

/** Member by member: the bytes between them mean nothing. */
static bool same_values(const settings_values_t *a, const settings_values_t *b)
{
    return memcmp(a->number, b->number, sizeof(a->number)) == 0 &&
           memcmp(&a->texts, &b->texts, sizeof(a->texts)) == 0 && memcmp(a->apart, b->apart, sizeof(a->apart)) == 0;
}

/** Under the lock. */
static void put_into_effect(struct settings *settings, const settings_values_t *values, bool restricted)
{
    if (settings->restricted == restricted && same_values(&settings->in_effect, values)) {
        return;
    }
    portENTER_CRITICAL(&s_in_effect);
    settings->in_effect = *values;
    settings->restricted = restricted;
    (void)atomic_fetch_add(&settings->generation, 1U);
    portEXIT_CRITICAL(&s_in_effect);
}

/** Under the lock: what is saved, but for values that wait for the next start. `next` is working memory. */
static void take_effect(struct settings *settings, settings_values_t *next)
{
    *next = settings->saved.values;
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        if (settings_entry(id)->applies == SETTINGS_APPLIES_RESTART) {
            settings_copy(next, &settings->in_effect, id);
        }
    }
    put_into_effect(settings, next, settings->saved.unconfirmed);
}

/** For one start or save, outside the control path; given back with free(). */
static settings_room_t *borrow_room(void)
{
    return malloc(sizeof(settings_room_t));
}

/* ---- start ---- */

static bool read_first_layout_value(nvs_handle_t nvs, settings_id_t id, settings_saved_t *saved)
{
    const char *const key = settings_entry(id)->key;
    char text[FIRST_TEXT_MAX + 1];
    size_t size = sizeof(text);
    settings_value_t value = {.text = text};
    settings_refusal_t refusal;
    const esp_err_t err =
        settings_is_text(id) ? nvs_get_str(nvs, key, text, &size) : nvs_get_i32(nvs, key, &value.number);
    if (err != ESP_OK || !settings_value_valid(id, &value, &refusal)) {
        return false;
    }
    settings_saved_set(saved, id, &value);
    return true;
}

/** Before there were records each value had a key of its own. @return whether anything was found */
static bool read_first_layout(settings_saved_t *saved)
{
    nvs_handle_t nvs = 0;
    bool found = false;
    if (nvs_open(NVS_NAMESPACE, NVS_READONLY, &nvs) == ESP_OK) {
        for (settings_id_t id = 0; id < SETTINGS_APART; id++) {
            found = read_first_layout_value(nvs, id, saved) || found;
        }
        nvs_close(nvs);
    }
    if (nvs_open(BATTERY_NAMESPACE, NVS_READONLY, &nvs) == ESP_OK) {
        (void)nvs_get_u8(nvs, SENSORS_SEEN, &saved->sensors_seen);
        nvs_close(nvs);
    }
    (void)settings_repair(&saved->values);
    return found || saved->sensors_seen != 0;
}

static void log_found(const settings_found_t *found, const settings_saved_t *saved)
{
    static const char *const places[] = {
        [SETTINGS_PLACE_NOTHING] = "empty",
        [SETTINGS_PLACE_RECORD] = "fine",
        [SETTINGS_PLACE_NEWER] = "of a newer firmware, which is kept",
        [SETTINGS_PLACE_DAMAGED] = "damaged",
    };
    const bool first_start = found->first == SETTINGS_PLACE_NOTHING && found->second == SETTINGS_PLACE_NOTHING;
    const bool fine = found->first == SETTINGS_PLACE_RECORD && found->second == SETTINGS_PLACE_RECORD;
    if (!first_start && !fine) {
        ESP_LOGE(TAG, "settings: the first place is %s, the second is %s", places[found->first], places[found->second]);
    }
    if (found->from_second && !found->lost) {
        ESP_LOGW(TAG, "using the numbers of the second place; lost names and passwords are reset to factory values");
    }
    if (saved->unconfirmed) {
        ESP_LOGE(TAG, "saved settings are lost or no longer allowed; charging is held down until a person checks and "
                      "confirms the settings");
    }
}

/** Texts that are kept apart, behind the record. */
static void read_apart(struct settings *settings, settings_room_t *room)
{
    const settings_pieces_t pieces = pieces_of(settings);
    const uint32_t lost = settings_apart_load(&pieces, &settings->saved, room->bytes);
    for (settings_id_t id = SETTINGS_APART; id < SETTINGS_COUNT; id++) {
        if ((lost & UINT32_C(1) << (unsigned)(id - SETTINGS_APART)) != 0) {
            ESP_LOGE(TAG, "%s: the saved text is lost; the factory value is used", settings_entry(id)->key);
        }
    }
}

/** To open it may take an erase. */
static esp_err_t open_storage(void)
{
    ESP_RETURN_ON_ERROR(flash_gate_take(TURN_WAIT_MS), TAG, "no turn at the flash gate to open the settings storage");
    const esp_err_t err = nvs_flash_init();
    flash_gate_give();
    if (err == ESP_ERR_NVS_NEW_VERSION_FOUND) {
        ESP_LOGE(TAG, "the settings storage belongs to a newer firmware and is kept; nothing is saved. Return to that "
                      "firmware, or erase the flash over the cable");
    } else if (err != ESP_OK && err != ESP_ERR_NOT_FOUND) {
        ESP_LOGE(TAG, "cannot read the settings storage: %s", esp_err_to_name(err));
    }
    return err;
}

/** Under the lock. */
static void read_all(struct settings *settings, settings_room_t *room)
{
    const settings_places_t places = {
        .context = settings, .load = load_first, .store = store_first, .read = read_second, .replace = replace_second};
    settings->starting = true;
    settings->storage = open_storage();
    settings_found_t found = settings_keep_open(&settings->keep, &places, &settings->saved, room);
    const bool nothing = found.first == SETTINGS_PLACE_NOTHING && found.second == SETTINGS_PLACE_NOTHING;
    if (nothing && read_first_layout(&settings->saved)) {
        found.heal_first = true;
        found.heal_second = true;
    }
    log_found(&found, &settings->saved);
    read_apart(settings, room);
    const bool healed = settings_keep_heal(&settings->keep, &found, &settings->saved, room);
    if (!healed) {
        ESP_LOGE(TAG, "settings are saved in one of two places; will retry");
    }
    settings->starting = false;
    settings->second_behind = found.heal_second && !healed;
    put_into_effect(settings, &settings->saved.values, settings->saved.unconfirmed);
}

esp_err_t settings_open(settings_handle_t *handle)
{
    ESP_RETURN_ON_FALSE(handle != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    ESP_RETURN_ON_ERROR(flash_gate_init(), TAG, "no flash gate");
    if (s_settings.lock == NULL) {
        s_settings.lock = xSemaphoreCreateMutex();
    }
    ESP_RETURN_ON_FALSE(s_settings.lock != NULL, ESP_ERR_NO_MEM, TAG, "no memory for the lock");
    settings_room_t *const room = borrow_room();
    ESP_RETURN_ON_FALSE(room != NULL, ESP_ERR_NO_MEM, TAG, "no memory");
    s_settings.partition =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_UNDEFINED, PARTITION);
    (void)xSemaphoreTake(s_settings.lock, portMAX_DELAY);
    read_all(&s_settings, room);
    (void)xSemaphoreGive(s_settings.lock);
    free(room);
    *handle = &s_settings;
    return ESP_OK;
}

void settings_get_all(settings_handle_t handle, settings_values_t *values)
{
    portENTER_CRITICAL(&s_in_effect);
    *values = handle->in_effect;
    portEXIT_CRITICAL(&s_in_effect);
}

int32_t settings_number(settings_handle_t handle, settings_id_t id)
{
    portENTER_CRITICAL(&s_in_effect);
    const int32_t number = handle->in_effect.number[id];
    portEXIT_CRITICAL(&s_in_effect);
    return number;
}

bool settings_restricted(settings_handle_t handle)
{
    portENTER_CRITICAL(&s_in_effect);
    const bool restricted = handle->restricted;
    portEXIT_CRITICAL(&s_in_effect);
    return restricted;
}

uint32_t settings_generation(settings_handle_t handle)
{
    return atomic_load(&handle->generation);
}

void settings_get_saved(settings_handle_t handle, settings_values_t *values, bool *unconfirmed)
{
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    *values = handle->saved.values;
    *unconfirmed = handle->saved.unconfirmed;
    (void)xSemaphoreGive(handle->lock);
}

esp_err_t settings_read_long(settings_handle_t handle, settings_id_t id, char *buffer, size_t size, size_t *length)
{
    ESP_RETURN_ON_FALSE(handle != NULL && buffer != NULL && length != NULL && settings_is_long(id) &&
                            id < SETTINGS_COUNT,
                        ESP_ERR_INVALID_ARG, TAG, "not a long text, or NULL");
    esp_err_t err = ESP_ERR_INVALID_SIZE;
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    const settings_apart_t apart = handle->saved.values.apart[id - SETTINGS_APART];
    *length = apart.length;
    if (apart.length < size) {
        const settings_pieces_t pieces = pieces_of(handle);
        err = settings_apart_read(&pieces, id, &apart, buffer) ? ESP_OK : ESP_FAIL;
    }
    (void)xSemaphoreGive(handle->lock);
    return err;
}

/* ---- saving ---- */

/** Under the lock; what is to be saved is in room->other, and takes effect. */
static esp_err_t keep(struct settings *settings, settings_room_t *room, bool over_newer)
{
    switch (settings_keep_save(&settings->keep, &room->other, over_newer, room)) {
    case SETTINGS_KEEP_DONE:
        settings->second_behind = false;
        break;
    case SETTINGS_KEEP_ONE_PLACE:
        settings->second_behind = true;
        ESP_LOGE(TAG, "saved in one of two places; will retry the other");
        break;
    case SETTINGS_KEEP_NEWER:
        ESP_LOGE(TAG, "not saved: the settings of a newer firmware are kept until a person confirms the present ones");
        return ESP_ERR_NOT_SUPPORTED;
    case SETTINGS_KEEP_FAILED:
    default:
        return ESP_FAIL;
    }
    settings->saved = room->other;
    take_effect(settings, &room->other.values);
    return ESP_OK;
}

/** The texts first: a record that names them says that they are there. */
static esp_err_t save_apart(struct settings *settings, const settings_change_t *changes, size_t count,
                            settings_saved_t *next)
{
    const settings_pieces_t pieces = pieces_of(settings);
    for (size_t i = 0; i < count; i++) {
        const settings_id_t id = changes[i].id;
        if (settings_is_apart(id) && !settings_apart_save(&pieces, &settings->saved, id, &changes[i].value, next)) {
            return ESP_FAIL;
        }
    }
    return ESP_OK;
}

/** Under the lock. */
static esp_err_t save(struct settings *settings, const settings_change_t *changes, size_t count, settings_room_t *room,
                      settings_refusal_t *refusal)
{
    settings_saved_t *const next = &room->other;
    *next = settings->saved;
    for (size_t i = 0; i < count; i++) {
        if (!settings_value_valid(changes[i].id, &changes[i].value, refusal)) {
            return ESP_ERR_INVALID_ARG;
        }
        if (!settings_is_apart(changes[i].id)) {
            settings_saved_set(next, changes[i].id, &changes[i].value);
        }
    }
    if (!settings_fit_together(&next->values, refusal)) {
        return ESP_ERR_INVALID_ARG;
    }
    /* A record that is kept may name a text that would be overwritten. */
    const bool refused = settings_keep_refuses(&settings->keep);
    const esp_err_t err = refused ? ESP_OK : save_apart(settings, changes, count, next);
    return err == ESP_OK ? keep(settings, room, false) : err;
}

esp_err_t settings_save(settings_handle_t handle, const settings_change_t *changes, size_t count,
                        settings_refusal_t *refusal)
{
    ESP_RETURN_ON_FALSE(handle != NULL && changes != NULL && refusal != NULL, ESP_ERR_INVALID_ARG, TAG,
                        "NULL argument");
    settings_room_t *const room = borrow_room();
    ESP_RETURN_ON_FALSE(room != NULL, ESP_ERR_NO_MEM, TAG, "no memory");
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    const esp_err_t err = save(handle, changes, count, room, refusal);
    (void)xSemaphoreGive(handle->lock);
    free(room);
    for (size_t i = 0; i < count && err == ESP_OK; i++) {
        ESP_LOGI(TAG, "%s saved", settings_entry(changes[i].id)->key);
    }
    return err;
}

esp_err_t settings_make_good(settings_handle_t handle)
{
    ESP_RETURN_ON_FALSE(handle != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    settings_room_t *const room = handle->second_behind ? borrow_room() : NULL;
    if (room != NULL) {
        handle->second_behind = !settings_keep_second(&handle->keep, &handle->saved, room);
        free(room);
    }
    const bool behind = handle->second_behind;
    (void)xSemaphoreGive(handle->lock);
    return behind ? ESP_FAIL : ESP_OK;
}

esp_err_t settings_confirm(settings_handle_t handle)
{
    ESP_RETURN_ON_FALSE(handle != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    settings_room_t *const room = borrow_room();
    ESP_RETURN_ON_FALSE(room != NULL, ESP_ERR_NO_MEM, TAG, "no memory");
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    room->other = handle->saved;
    room->other.unconfirmed = false;
    const esp_err_t err = keep(handle, room, true);
    (void)xSemaphoreGive(handle->lock);
    free(room);
    if (err == ESP_OK) {
        ESP_LOGW(TAG, "a person has confirmed the settings");
    }
    return err;
}

/* ---- what is remembered of the battery ---- */

settings_memory_t settings_memory(settings_handle_t handle)
{
    nvs_handle_t nvs = 0;
    uint64_t over = 0;
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    settings_memory_t memory = {.sensors_seen = handle->saved.sensors_seen};
    esp_err_t err = nvs_open(BATTERY_NAMESPACE, NVS_READONLY, &nvs);
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
    ESP_RETURN_ON_ERROR(flash_gate_take(TURN_WAIT_MS), TAG, "no turn at the flash gate to save");
    esp_err_t err = nvs_open(BATTERY_NAMESPACE, NVS_READWRITE, &nvs);
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
    settings_room_t *const room = borrow_room();
    ESP_RETURN_ON_FALSE(room != NULL, ESP_ERR_NO_MEM, TAG, "no memory");
    room->other = settings->saved;
    room->other.sensors_seen = sensors_seen;
    const esp_err_t err = keep(settings, room, false);
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
