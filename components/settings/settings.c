/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The settings as services see them: start, what is in effect, saving, locking and logging. NVS and flash are in
 * settings_storage.c. The table, the rules and the record format have files of their own, without NVS and RTOS.
 */
#include <stdlib.h>
#include <string.h>

#include "esp_check.h"
#include "esp_log.h"
#include "flash_gate.h"
#include "settings_private.h"
#include "tinybms_crc.h"

#define PARTITION "limits" /**< the second place */

static const char *TAG = "settings";

static struct settings s_settings; /* there is one set, as long as the program lives */

/**
 * Guards what is in effect for as long as it takes to copy it, some microseconds: tasks of the control path must not
 * wait for the lock, which is held while flash is written. A sequence lock would let them wait for nobody, but make
 * them copy what is being written, which C calls a race.
 */
static portMUX_TYPE s_in_effect = portMUX_INITIALIZER_UNLOCKED;

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
settings_room_t *settings_borrow_room(void)
{
    return malloc(sizeof(settings_room_t));
}

/* ---- start ---- */

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
    const settings_pieces_t pieces = settings_storage_pieces(settings);
    const uint32_t lost = settings_apart_load(&pieces, &settings->saved, room->bytes);
    for (settings_id_t id = SETTINGS_APART; id < SETTINGS_COUNT; id++) {
        if ((lost & UINT32_C(1) << (unsigned)(id - SETTINGS_APART)) != 0) {
            ESP_LOGE(TAG, "%s: the saved text is lost; the factory value is used", settings_entry(id)->key);
        }
    }
}

/** Under the lock. */
static void read_all(struct settings *settings, settings_room_t *room)
{
    const settings_places_t places = settings_storage_places(settings);
    settings->starting = true;
    settings->storage = settings_storage_open();
    settings_found_t found = settings_keep_open(&settings->keep, &places, &settings->saved, room);
    const bool nothing = found.first == SETTINGS_PLACE_NOTHING && found.second == SETTINGS_PLACE_NOTHING;
    if (nothing && settings_storage_first_layout(&settings->saved)) {
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
    settings_room_t *const room = settings_borrow_room();
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

/** The number of the record rather than a secret's checksum, which could be guessed at. */
static uint32_t revision_of(const settings_keep_t *keep, const settings_values_t *saved)
{
    uint32_t crc = tinybms_crc32((const uint8_t *)&keep->number, sizeof(keep->number));
    for (settings_id_t id = 0; id < SETTINGS_COUNT; id++) {
        if (settings_is_number(id)) {
            crc = tinybms_crc32_more(crc, (const uint8_t *)&saved->number[id], sizeof(saved->number[id]));
        } else if (settings_is_long(id)) {
            const uint32_t text = saved->apart[id - SETTINGS_APART].crc32;
            crc = tinybms_crc32_more(crc, (const uint8_t *)&text, sizeof(text));
        } else if (!settings_entry(id)->secret) {
            const char *const text = settings_text(saved, id);
            crc = tinybms_crc32_more(crc, (const uint8_t *)text, strlen(text) + 1);
        }
    }
    return crc;
}

uint32_t settings_revision(settings_handle_t handle)
{
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    const uint32_t revision = revision_of(&handle->keep, &handle->saved.values);
    (void)xSemaphoreGive(handle->lock);
    return revision;
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
        const settings_pieces_t pieces = settings_storage_pieces(handle);
        err = settings_apart_read(&pieces, id, &apart, buffer) ? ESP_OK : ESP_FAIL;
    }
    (void)xSemaphoreGive(handle->lock);
    return err;
}

/* ---- saving ---- */

/** Under the lock; what is to be saved is in room->other, and takes effect. */
esp_err_t settings_keep_room(struct settings *settings, settings_room_t *room, bool over_newer)
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
    const settings_pieces_t pieces = settings_storage_pieces(settings);
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
    return err == ESP_OK ? settings_keep_room(settings, room, false) : err;
}

esp_err_t settings_save(settings_handle_t handle, const settings_change_t *changes, size_t count,
                        settings_refusal_t *refusal)
{
    ESP_RETURN_ON_FALSE(handle != NULL && changes != NULL && refusal != NULL, ESP_ERR_INVALID_ARG, TAG,
                        "NULL argument");
    settings_room_t *const room = settings_borrow_room();
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
    settings_room_t *const room = handle->second_behind ? settings_borrow_room() : NULL;
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
    settings_room_t *const room = settings_borrow_room();
    ESP_RETURN_ON_FALSE(room != NULL, ESP_ERR_NO_MEM, TAG, "no memory");
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    room->other = handle->saved;
    room->other.unconfirmed = false;
    const esp_err_t err = settings_keep_room(handle, room, true);
    (void)xSemaphoreGive(handle->lock);
    free(room);
    if (err == ESP_OK) {
        ESP_LOGW(TAG, "a person has confirmed the settings");
    }
    return err;
}

/** Under the lock. Twice: the record before it is in the other half, with passwords, and would be found if a half is
 * lost. */
static esp_err_t reset(struct settings *settings, settings_room_t *room)
{
    const uint8_t sensors_seen = settings->saved.sensors_seen;
    esp_err_t err = ESP_OK;
    for (int half = 0; half < 2; half++) {
        settings_saved_nothing(&room->other);
        room->other.sensors_seen = sensors_seen;
        const esp_err_t saved = settings_keep_room(settings, room, true);
        err = half == 0 ? saved : err;
        if (saved != ESP_OK) {
            break;
        }
    }
    return err;
}

esp_err_t settings_reset(settings_handle_t handle)
{
    ESP_RETURN_ON_FALSE(handle != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    settings_room_t *const room = settings_borrow_room();
    ESP_RETURN_ON_FALSE(room != NULL, ESP_ERR_NO_MEM, TAG, "no memory");
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    const esp_err_t err = reset(handle, room);
    (void)xSemaphoreGive(handle->lock);
    free(room);
    if (err == ESP_OK) {
        ESP_LOGW(TAG, "all settings have their factory values");
    }
    return err;
}
