/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Typed settings: the factory value comes from Kconfig, a saved value overrides it.
 *
 * A new value is saved and then takes effect, unless its entry says SETTINGS_APPLIES_RESTART: that one waits for the
 * next start. Services read the settings at start, and again whenever settings_generation() has changed. What reads the
 * values in effect never waits for flash. Saved values are kept in two places (settings_keep.h).
 *
 * @code{.c}
 * settings_handle_t settings = NULL;
 * settings_refusal_t refusal;
 * const settings_change_t change = {.id = SETTINGS_CHARGE_MAX_A, .value = {.number = 80}};
 * ESP_ERROR_CHECK(settings_open(&settings));
 * const int32_t poll_ms = settings_number(settings, SETTINGS_UART_POLL_MS);
 * const esp_err_t err = settings_save(settings, &change, 1, &refusal);
 * @endcode
 */

#include "esp_err.h"
#include "settings_rules.h"
#include "settings_table.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct settings *settings_handle_t;

/**
 * @brief Reads the saved values and puts them into effect. Whatever is wrong with them, the gateway starts, and the log
 * says what was wrong; what is lost in one place comes from the other. Creates the flash gate if there is none.
 * @param[out] handle settings; there is only one set, and a second call reads it again
 * @return
 * - ESP_OK: the settings can be used, even if saved values were lost: see settings_restricted()
 * - ESP_ERR_INVALID_ARG: `handle` is NULL
 * - ESP_ERR_NO_MEM: no memory for the lock, for reading or for the flash gate, or no free slot for its shutdown handler
 */
esp_err_t settings_open(settings_handle_t *handle);

/** @brief Number in effect, in the unit of its entry; not for texts. */
int32_t settings_number(settings_handle_t handle, settings_id_t id);

/** @brief Copies all values in effect: one set, never half of a save. */
void settings_get_all(settings_handle_t handle, settings_values_t *values);

/**
 * @brief Whether saved values were lost. Those in effect may then be looser than what a person had set, so charging and
 * discharging are restricted (charge_control_configure()) until settings_confirm(). Whoever needs both asks this before
 * settings_get_all(): the values are then at least as new.
 */
bool settings_restricted(settings_handle_t handle);

/**
 * @brief Changes whenever a value in effect, or settings_restricted(), has changed. Whoever keeps values remembers it
 * from before they were read, and reads them again when it differs. Cheap enough for each turn of a task.
 */
uint32_t settings_generation(settings_handle_t handle);

/**
 * @brief Copies all saved values: those in effect, and those that wait for the next start. It waits for a save that is
 * under way: not for tasks of the control path.
 * @param handle settings
 * @param[out] values filled
 * @param[out] unconfirmed as settings_restricted()
 */
void settings_get_saved(settings_handle_t handle, settings_values_t *values, bool *unconfirmed);

/**
 * @brief Tells one state of what is saved from another: for whoever changes values and wants to know whether somebody
 * else did so meanwhile. It changes with each save, stays over a restart, and says nothing about secrets. Ask before
 * settings_get_saved(): the values are then at least as new. Not for tasks of the control path.
 */
uint32_t settings_revision(settings_handle_t handle);

/**
 * @brief Reads a long text as it is saved: of most settings, what the next start will use. Not for tasks of the control
 * path: a save in progress is waited for.
 * @param handle settings
 * @param id a long text
 * @param[out] buffer the text with a NUL behind it; empty if none was saved
 * @param size of the buffer: SETTINGS_LONG_MAX + 1 is enough for every text
 * @param[out] length of the text, also if the buffer is too small
 * @return
 * - ESP_OK: read
 * - ESP_ERR_INVALID_ARG: not a long text, or a pointer is NULL
 * - ESP_ERR_INVALID_SIZE: the buffer is too small
 * - ESP_FAIL: the text cannot be read any more; `buffer` is not to be used
 */
esp_err_t settings_read_long(settings_handle_t handle, settings_id_t id, char *buffer, size_t size, size_t *length);

/**
 * @brief Saves new values: all or none, even if the power is cut. Then they take effect, all at once. Not for tasks of
 * the control path: it waits for up to two turns at the flash gate, and for one more for each 1024 bytes of a text of
 * more than 63 characters. With any other code than ESP_OK nothing has changed.
 * @param handle settings
 * @param changes new values
 * @param count number of changes
 * @param[out] refusal why a value is refused; filled only when that is the cause of ESP_ERR_INVALID_ARG
 * @return
 * - ESP_OK: saved, in the first place at least, and in effect unless the entry says SETTINGS_APPLIES_RESTART
 * - ESP_ERR_INVALID_ARG: a value is out of range, the values do not fit together, or a pointer is NULL
 * - ESP_ERR_NOT_SUPPORTED: a newer firmware has saved something here; settings_confirm() discards it
 * - ESP_ERR_NO_MEM: no memory for the save
 * - ESP_FAIL: no turn at the flash gate within 3 s, or the storage cannot be written
 */
esp_err_t settings_save(settings_handle_t handle, const settings_change_t *changes, size_t count,
                        settings_refusal_t *refusal);

/**
 * @brief Writes the second place if a save could not. Call it now and then, but not from tasks of the control path:
 * until it succeeds, a loss of the first place may loosen a limit.
 * @param handle settings
 * @return
 * - ESP_OK: both places hold what is saved
 * - ESP_ERR_INVALID_ARG: `handle` is NULL
 * - ESP_FAIL: not yet: no turn at the flash gate, no memory, or the second place cannot be written
 */
esp_err_t settings_make_good(settings_handle_t handle);

/**
 * @brief A person has checked the saved values and accepts them: nothing is restricted any more, and limits rise again.
 * Settings saved by a newer firmware are discarded; a storage that a newer ESP-IDF has made is not.
 * @param handle settings
 * @return
 * - ESP_OK: saved, in the first place at least
 * - ESP_ERR_INVALID_ARG: `handle` is NULL
 * - ESP_ERR_NO_MEM: no memory for the save
 * - ESP_FAIL: no turn at the flash gate within 3 s, or the storage cannot be written or belongs to a newer ESP-IDF
 */
esp_err_t settings_confirm(settings_handle_t handle);

/**
 * @brief Factory reset: factory values for all settings, and nothing is restricted, because a person wants it so. All
 * or nothing, even if the power is cut; like settings_save(), it takes effect at once where entries allow that.
 * Settings saved by a newer firmware are discarded. The battery memory stays: whoever moves the gateway to another
 * battery has it forget the sensors. Not for tasks of the control path: it waits for up to four turns at the flash
 * gate.
 * @param handle settings
 * @return
 * - ESP_OK: saved, in the first place at least
 * - ESP_ERR_INVALID_ARG: `handle` is NULL
 * - ESP_ERR_NO_MEM: no memory for the save
 * - ESP_FAIL: no turn at the flash gate within 3 s, or the storage cannot be written or belongs to a newer ESP-IDF
 */
esp_err_t settings_reset(settings_handle_t handle);

/** @brief The battery memory: what restarts must not lose about the battery. No settings. Zeroed = nothing. */
typedef struct {
    uint8_t sensors_seen; /**< external temperature sensors of the BMS that were ever there, one bit each */
    tinybms_events_over_t events_over;
} settings_memory_t;

/** @brief Whether two battery memories are equal. */
bool settings_memory_same(const settings_memory_t *a, const settings_memory_t *b);

/** @brief The stored battery memory. If the events cannot be read there are none, and the log says so. */
settings_memory_t settings_memory(settings_handle_t handle);

/**
 * @brief Stores those parts of the battery memory that have changed. The others are left alone: they may merely have
 * been unreadable. Sensors are kept with the settings, in both places. Writes flash: not for tasks of the control path.
 * @param handle settings
 * @param before what was stored, as far as the caller knows
 * @param memory what to store
 * @return
 * - ESP_OK: all changed parts are stored
 * - ESP_ERR_NO_MEM: no memory to store the sensors
 * - ESP_ERR_NOT_SUPPORTED: sensors not stored: a newer firmware has saved something here
 * - ESP_FAIL: sensors not stored: no turn at the flash gate within 3 s, or the storage cannot be written
 * - ESP_ERR_TIMEOUT: events not stored: no turn at the flash gate within 3 s
 * - ESP_ERR_INVALID_STATE: events not stored: this task already has the turn
 * - any other code comes from NVS: events not stored
 *
 * If both parts fail, the code is that of the sensors. A part that failed may be stored as it was or as it is now.
 */
esp_err_t settings_remember(settings_handle_t handle, const settings_memory_t *before, const settings_memory_t *memory);

#ifdef __cplusplus
}
#endif
