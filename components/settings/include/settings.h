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

/** @brief External temperature sensors of the BMS that were ever there, one bit each; 0 = none, or not readable. */
uint8_t settings_sensors_seen(settings_handle_t handle);

/** @brief Remembers them over restarts. Writes flash: not for tasks of the control path. */
esp_err_t settings_keep_sensors_seen(settings_handle_t handle, uint8_t sensors);

#ifdef __cplusplus
}
#endif
