/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Typed settings: the factory value comes from Kconfig, a saved value (NVS) wins. Services read them at start.
 */

#include "esp_err.h"
#include "settings_rules.h"
#include "settings_table.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct settings *settings_handle_t;

/** @brief A new value for a setting. */
typedef struct {
    settings_id_t id;
    settings_value_t value; /**< the member of the setting's kind counts */
} settings_change_t;

/**
 * @brief Reads the saved values. Whatever is wrong with them, the gateway starts: a value out of range, values that do
 * not fit together and a storage that cannot be read are logged, and the factory values take their place.
 * @param[out] handle settings; there is one set, a second call reads it anew
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NO_MEM
 */
esp_err_t settings_open(settings_handle_t *handle);

/** @brief Value of a number; not for texts. */
int32_t settings_number(settings_handle_t handle, settings_id_t id);

/** @brief Copy of all values, taken at one time. */
void settings_get_all(settings_handle_t handle, settings_values_t *values);

/**
 * @brief Saves new values, all or none. They hold from the next start on. Not for tasks of the control path.
 *
 * A power cut in the middle may leave some of them saved; settings_open() sees to it that what is used fits together.
 * @param handle settings
 * @param changes new values
 * @param count how many
 * @param[out] refusal why they are refused; filled with ESP_ERR_INVALID_ARG only
 * @return ESP_OK; ESP_ERR_INVALID_ARG (out of range, or not fitting together); an error of the storage: nothing changed
 * in use, and what was saved before may have been replaced in part
 */
esp_err_t settings_save(settings_handle_t handle, const settings_change_t *changes, size_t count,
                        settings_refusal_t *refusal);

/** @brief What is remembered of the battery over restarts: no settings. Zeroed = nothing. */
typedef struct {
    uint8_t sensors_seen; /**< external temperature sensors of the BMS that were ever there, one bit each */
    tinybms_events_over_t events_over;
} settings_memory_t;

/** @brief Whether two memories are alike. */
bool settings_memory_same(const settings_memory_t *a, const settings_memory_t *b);

/** @brief What is remembered; what cannot be read counts as nothing, and the log says so. */
settings_memory_t settings_memory(settings_handle_t handle);

/**
 * @brief Remembers the parts that differ from what was remembered; the others are left alone, for they may only not
 * have been readable. Writes flash: not for tasks of the control path.
 * @return ESP_OK; an error of the storage: some of it may be remembered, each part as it was or as it is now
 */
esp_err_t settings_remember(settings_handle_t handle, const settings_memory_t *before, const settings_memory_t *memory);

#ifdef __cplusplus
}
#endif
