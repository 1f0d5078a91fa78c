/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** NVS and the partition of the second place, behind the functions that settings_keep and settings_apart ask for. */
#include "esp_check.h"
#include "esp_log.h"
#include "flash_gate.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "settings_private.h"
#include "settings_rules.h"

static const char *TAG = "settings";

#define NVS_NAMESPACE  "settings"
#define SENSORS_SEEN   "sensors_seen" /**< where they were before they went into the record */
#define FIRST_TEXT_MAX 63             /**< of the texts that had a key of their own each */

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
    if (flash_gate_take(SETTINGS_TURN_WAIT_MS) != ESP_OK) {
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

settings_pieces_t settings_storage_pieces(struct settings *settings)
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
    if (settings->partition == NULL || flash_gate_take(SETTINGS_TURN_WAIT_MS) != ESP_OK) {
        return false;
    }
    const bool done = esp_partition_erase_range(settings->partition, offset, SETTINGS_SECTOR_SIZE) == ESP_OK &&
                      esp_partition_write(settings->partition, offset, data, length) == ESP_OK;
    flash_gate_give();
    return done;
}

settings_places_t settings_storage_places(struct settings *settings)
{
    return (settings_places_t){
        .context = settings, .load = load_first, .store = store_first, .read = read_second, .replace = replace_second};
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

bool settings_storage_first_layout(settings_saved_t *saved)
{
    nvs_handle_t nvs = 0;
    bool found = false;
    if (nvs_open(NVS_NAMESPACE, NVS_READONLY, &nvs) == ESP_OK) {
        for (settings_id_t id = 0; id < SETTINGS_APART; id++) {
            found = read_first_layout_value(nvs, id, saved) || found;
        }
        nvs_close(nvs);
    }
    if (nvs_open(SETTINGS_BATTERY_NAMESPACE, NVS_READONLY, &nvs) == ESP_OK) {
        (void)nvs_get_u8(nvs, SENSORS_SEEN, &saved->sensors_seen);
        nvs_close(nvs);
    }
    (void)settings_repair(&saved->values);
    return found || saved->sensors_seen != 0;
}

esp_err_t settings_storage_open(void)
{
    ESP_RETURN_ON_ERROR(flash_gate_take(SETTINGS_TURN_WAIT_MS), TAG,
                        "no turn at the flash gate to open the settings storage");
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
