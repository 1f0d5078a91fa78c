/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Password, code, tokens and audit log in NVS. */
#include "access_store.h"

#include <string.h>

#include "esp_log.h"
#include "flash_gate.h"
#include "nvs.h"
#include "tinybms_crc.h"

static const char *TAG = "access";

#define NVS_NAMESPACE   "access"
#define MAGIC           0x43414254U /* "TBAC" */
#define VERSION         1
#define TURN_WAIT_MS    3000
#define MOST_ITERATIONS 1000000 /* more would be a login of minutes */

_Static_assert(sizeof(access_saved_t) ==
                   sizeof(uint64_t) * ACCESS_KNOWN_MAX + 64 + sizeof(access_saved_token_t) * ACCESS_TOKENS_MAX,
               "no bytes between the members, which would not be those that were saved");

static const char *key_of(unsigned half)
{
    return half == 0 ? "state0" : "state1";
}

size_t access_store_read(const char *key, void *bytes, size_t size)
{
    nvs_handle_t nvs = 0;
    size_t length = size;
    if (nvs_open(NVS_NAMESPACE, NVS_READONLY, &nvs) != ESP_OK) {
        return 0;
    }
    const esp_err_t err = nvs_get_blob(nvs, key, bytes, &length);
    nvs_close(nvs);
    return err == ESP_OK ? length : 0;
}

/** Under a turn. */
static esp_err_t write_value(nvs_handle_t nvs, const char *key, const void *bytes, size_t length)
{
    esp_err_t err = nvs_set_blob(nvs, key, bytes, length);
    if (err == ESP_ERR_NVS_REMOVE_FAILED) {
        err = ESP_OK; /* it has been written, and the old one goes with the next start */
    }
    return err == ESP_OK ? nvs_commit(nvs) : err;
}

/** Writes one value and erases another; NULL: none. */
static bool change(const char *key, const void *bytes, size_t length, const char *erased)
{
    nvs_handle_t nvs = 0;
    if (flash_gate_take(TURN_WAIT_MS) != ESP_OK) {
        ESP_LOGE(TAG, "no turn at the flash gate");
        return false;
    }
    esp_err_t err = nvs_open(NVS_NAMESPACE, NVS_READWRITE, &nvs);
    if (err == ESP_OK) {
        err = key == NULL ? ESP_OK : write_value(nvs, key, bytes, length);
        if (err == ESP_OK && erased != NULL && nvs_erase_key(nvs, erased) == ESP_OK) {
            (void)nvs_commit(nvs);
        }
        nvs_close(nvs);
    }
    flash_gate_give();
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "cannot save: %s", esp_err_to_name(err));
    }
    return err == ESP_OK;
}

bool access_store_write(const char *key, const void *bytes, size_t length)
{
    return change(key, bytes, length, NULL);
}

/* ---- the record ---- */

static uint32_t crc_of(const access_record_t *record)
{
    const uint32_t parts[] = {
        tinybms_crc32((const uint8_t *)record, offsetof(access_record_t, crc)),
        tinybms_crc32((const uint8_t *)&record->saved, sizeof(record->saved)),
    };
    return tinybms_crc32((const uint8_t *)parts, sizeof(parts));
}

static bool is_ended(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool is_sound(const access_saved_t *saved)
{
    bool sound = saved->iterations <= MOST_ITERATIONS && is_ended(saved->code, sizeof(saved->code));
    for (size_t i = 0; i < ACCESS_TOKENS_MAX; i++) {
        const access_saved_token_t *const token = &saved->token[i];
        sound = sound && is_ended(token->name, sizeof(token->name)) && token->right <= ACCESS_FULL;
    }
    return sound;
}

static access_store_found_t load_half(unsigned half, access_record_t *record)
{
    nvs_handle_t nvs = 0;
    size_t length = sizeof(*record);
    esp_err_t err = nvs_open(NVS_NAMESPACE, NVS_READONLY, &nvs);
    if (err == ESP_OK) {
        err = nvs_get_blob(nvs, key_of(half), record, &length);
        nvs_close(nvs);
    }
    if (err == ESP_ERR_NVS_NOT_FOUND || err == ESP_ERR_NVS_NOT_INITIALIZED) { /* none, or no place for it */
        return ACCESS_STORE_NOTHING;
    }
    if (err == ESP_ERR_NVS_INVALID_LENGTH) { /* longer than any of ours */
        return ACCESS_STORE_NEWER;
    }
    if (err != ESP_OK || length < offsetof(access_record_t, saved) || record->magic != MAGIC) {
        return ACCESS_STORE_DAMAGED;
    }
    if (record->version > VERSION) {
        return ACCESS_STORE_NEWER;
    }
    const bool fine = length == sizeof(*record) && record->length == sizeof(record->saved) &&
                      record->crc == crc_of(record) && record->number != 0 && is_sound(&record->saved);
    return fine ? ACCESS_STORE_FOUND : ACCESS_STORE_DAMAGED;
}

/** Both are there only if the power was cut between writing the one and erasing the other. */
access_store_found_t access_store_load(access_store_t *store, access_record_t *record)
{
    access_store_found_t found[2];
    uint32_t number[2] = {0};
    *store = (access_store_t){.number = 0};
    for (unsigned half = 0; half < 2; half++) {
        found[half] = load_half(half, record);
        number[half] = found[half] == ACCESS_STORE_FOUND ? record->number : 0;
    }
    memset(record, 0, sizeof(*record));
    store->two = true;
    if (found[0] == ACCESS_STORE_NEWER || found[1] == ACCESS_STORE_NEWER) {
        return ACCESS_STORE_NEWER;
    }
    store->half = number[1] > number[0] ? 1 : 0;
    store->number = number[store->half];
    if (store->number == 0) {
        const bool nothing = found[0] == ACCESS_STORE_NOTHING && found[1] == ACCESS_STORE_NOTHING;
        return nothing ? ACCESS_STORE_NOTHING : ACCESS_STORE_DAMAGED;
    }
    store->two = found[1 - store->half] != ACCESS_STORE_NOTHING;
    const access_store_found_t again = load_half(store->half, record);
    if (store->two) {
        store->two = !change(NULL, NULL, 0, key_of(1U - store->half));
    }
    return again;
}

bool access_store_save(access_store_t *store, access_record_t *record)
{
    const uint8_t half = (uint8_t)(1U - store->half);
    const bool other = store->number != 0 || store->two;
    record->magic = MAGIC;
    record->version = VERSION;
    record->length = sizeof(record->saved);
    record->number = store->number + 1;
    record->crc = crc_of(record);
    if (!change(key_of(half), record, sizeof(*record), other ? key_of(store->half) : NULL)) {
        return false;
    }
    *store = (access_store_t){.number = record->number, .half = half};
    return true;
}
