/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Typed settings: the factory value comes from Kconfig, a saved value wins. Services read them at start.
 *
 * What is saved and what is in effect are two things: a new value is saved at once and is in effect from the next start
 * on. What is saved is kept in two places (settings_keep.h).
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
 * @brief Reads the saved values, which are in effect then. Whatever is wrong with them, the gateway starts, and the log
 * says what was wrong; what is lost in one place is taken from the other. Makes the flash gate when there is none.
 * @param[out] handle settings; there is one set, a second call reads it anew
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NO_MEM
 */
esp_err_t settings_open(settings_handle_t *handle);

/** @brief Value of a number that is in effect; not for texts. */
int32_t settings_number(settings_handle_t handle, settings_id_t id);

/** @brief Copy of all values that are in effect. */
void settings_get_all(settings_handle_t handle, settings_values_t *values);

/**
 * @brief Whether values that were saved are lost: those in effect may be looser than what a person has set, so that
 * charging and discharging are held down (charge_control_config_t.settings_lost) until settings_confirm() and a start.
 */
bool settings_restricted(settings_handle_t handle);

/**
 * @brief Copy of all values that are saved: those of the next start.
 * @param handle settings
 * @param[out] values filled
 * @param[out] unconfirmed whether settings_restricted() will be true then
 */
void settings_get_saved(settings_handle_t handle, settings_values_t *values, bool *unconfirmed);

/**
 * @brief Saves new values, all or none, whenever the power is cut. Not for tasks of the control path: it waits for up
 * to two turns at the flash gate.
 * @param handle settings
 * @param changes new values
 * @param count how many
 * @param[out] refusal why they are refused; filled with ESP_ERR_INVALID_ARG only
 * @return ESP_OK; ESP_ERR_INVALID_ARG (out of range, or not fitting together); ESP_ERR_NOT_SUPPORTED (a newer firmware
 * has saved something here: settings_confirm() first); ESP_ERR_NO_MEM; ESP_FAIL: the storage cannot be written. Nothing
 * is changed then
 */
esp_err_t settings_save(settings_handle_t handle, const settings_change_t *changes, size_t count,
                        settings_refusal_t *refusal);

/**
 * @brief Writes the second place when it does not have what is saved, because a save could not write it. To be called
 * now and then, not from tasks of the control path: until it is good a loss of the first place may loosen something.
 * @return ESP_OK: both places have what is saved; ESP_FAIL: not yet
 */
esp_err_t settings_make_good(settings_handle_t handle);

/**
 * @brief A person has looked at the values that are saved and stands by them: from the next start on nothing is held
 * down any more. Settings that a newer firmware has saved are given up; a whole storage of a newer ESP-IDF is not.
 * @return as settings_save()
 */
esp_err_t settings_confirm(settings_handle_t handle);

/** @brief What is remembered of the battery over restarts: no settings. Zeroed = nothing. */
typedef struct {
    uint8_t sensors_seen; /**< external temperature sensors of the BMS that were ever there, one bit each */
    tinybms_events_over_t events_over;
} settings_memory_t;

/** @brief Whether two memories are alike. */
bool settings_memory_same(const settings_memory_t *a, const settings_memory_t *b);

/** @brief What is remembered; events that cannot be read count as none, and the log says so. */
settings_memory_t settings_memory(settings_handle_t handle);

/**
 * @brief Remembers the parts that differ from what was remembered; the others are left alone, for they may only not
 * have been readable. Sensors are kept with the settings, in both places. Writes flash: not for tasks of the control
 * path.
 * @return ESP_OK; an error of the storage: some of it may be remembered, each part as it was or as it is now
 */
esp_err_t settings_remember(settings_handle_t handle, const settings_memory_t *before, const settings_memory_t *memory);

#ifdef __cplusplus
}
#endif
