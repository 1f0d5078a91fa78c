/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The table of all settings: key, type, range, unit and factory value of each.
 *
 * @code{.c}
 * settings_values_t values;
 * settings_factory_all(&values);
 * const settings_id_t id = settings_find("charge.max_a"); // SETTINGS_COUNT if there is no such key
 * const settings_value_t most = {.number = settings_entry(id)->max};
 * settings_set(&values, id, &most);
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SETTINGS_TEXT_MAX 63 /**< characters of the longest text: a WPA2 password */

/** @brief Every setting, numbers before texts. The id is also the index in the table. */
typedef enum {
    SETTINGS_UART_POLL_MS = 0,
    SETTINGS_DATA_STALE_MS,
    SETTINGS_DATA_SILENT_MS,
    SETTINGS_CAN_BITRATE,
    SETTINGS_CAN_GX_WARN_MS,
    SETTINGS_ENERGY_SAVE_S,
    SETTINGS_CHARGE_CELL_MV,
    SETTINGS_CHARGE_MAX_A,
    SETTINGS_CHARGE_KNEE_MV,
    SETTINGS_CHARGE_END_PCT,
    SETTINGS_DISCH_MAX_A,
    SETTINGS_DISCH_KNEE_MV,
    SETTINGS_DISCH_CELL_MV,
    SETTINGS_DISCH_BACK_PCT,
    SETTINGS_DISCH_SOC_PCT,
    SETTINGS_DISCH_TAPER_PCT,
    SETTINGS_LIMIT_BMS_PCT,
    SETTINGS_LIMIT_WAIT_S,
    SETTINGS_LIMIT_A_PER_S,
    SETTINGS_RAMP_START_PCT,
    SETTINGS_RAMP_TIME_S,
    SETTINGS_CVL_MARGIN_MV,
    SETTINGS_CVL_CHARGER_MV,
    SETTINGS_CVL_LOWER_MV_S,
    SETTINGS_CVL_OFF_S,
    SETTINGS_CVL_AHEAD_S,
    SETTINGS_CVL_WAIT_S,
    SETTINGS_CVL_RAISE_MV_S,
    SETTINGS_CVL_STEP_S,
    SETTINGS_ABSORB_TIME_S,
    SETTINGS_ABSORB_MAX_S,
    SETTINGS_ABSORB_DIFF_MV,
    SETTINGS_ABSORB_TAIL_PCT,
    SETTINGS_FLOAT_CELL_MV,
    SETTINGS_FLOAT_BELOW_MV,
    SETTINGS_FLOAT_LFP_MV,
    SETTINGS_FLOAT_END_PCT,
    SETTINGS_TEMP_COLD_K,
    SETTINGS_TEMP_HOT_K,
    SETTINGS_TEMP_STOP_K,
    SETTINGS_TEMP_DISCH_K,
    SETTINGS_TEMP_BMS_HOT_C,
    SETTINGS_ALARM_CELL_MV,
    SETTINGS_ALARM_TEMP_K,
    SETTINGS_ALARM_CUR_PCT,
    SETTINGS_ALARM_DEBOUNCE,
    SETTINGS_ALARM_BLOCKED,
    SETTINGS_DIFF_WARN_MV,
    SETTINGS_DIFF_WARN_S,
    SETTINGS_DIFF_ALARM_MV,
    SETTINGS_HYST_CELL_MV,
    SETTINGS_HYST_TEMP_K,
    SETTINGS_HYST_CUR_PCT,
    SETTINGS_NUMBERS, /**< number of numbers; the texts follow */
    SETTINGS_ID_MANUFACTURER = SETTINGS_NUMBERS,
    SETTINGS_ID_BATTERY_NAME,
    SETTINGS_ID_FAMILY,
    SETTINGS_WIFI_STA_SSID,
    SETTINGS_WIFI_STA_PASS,
    SETTINGS_WIFI_AP_SSID,
    SETTINGS_WIFI_AP_PASS,
    SETTINGS_COUNT
} settings_id_t;

#define SETTINGS_TEXTS (SETTINGS_COUNT - SETTINGS_NUMBERS)

/** @brief When a saved value takes effect. */
typedef enum {
    SETTINGS_APPLIES_LIVE = 0, /**< at once */
    SETTINGS_APPLIES_SERVICE,  /**< at once; the service that uses it restarts itself for that */
    SETTINGS_APPLIES_RESTART,  /**< at the next start of the gateway */
} settings_applies_t;

/** @brief One setting. A text is printable 7-bit ASCII. */
typedef struct {
    const char *key;          /**< "group.name", also the key in NVS: at most 15 characters */
    const char *symbol;       /**< Kconfig option with the factory value, without CONFIG_ */
    const char *unit;         /**< of a number; NULL for a text */
    const char *help;         /**< one line */
    const char *zero_means;   /**< what 0 means, if it is allowed beside `min`..`max`; NULL = it is not */
    const char *factory_text; /**< NULL for a number */
    int32_t min;              /**< lowest number, or fewest characters */
    int32_t max;
    int32_t step; /**< a number is a multiple of it; 0 = any number */
    int32_t factory_number;
    settings_applies_t applies;
    bool may_be_empty; /**< a text may be empty even if `min` is above 0 */
    bool secret;       /**< never shown, never logged */
} settings_entry_t;

/** @brief A value of either kind. */
typedef struct {
    int32_t number;
    char text[SETTINGS_TEXT_MAX + 1];
} settings_value_t;

/** @brief Values of all settings. */
typedef struct {
    int32_t number[SETTINGS_NUMBERS]; /**< by id */
    char text[SETTINGS_TEXTS][SETTINGS_TEXT_MAX + 1];
} settings_values_t;

/** @brief Whether a setting is a text; else it is a number. */
static inline bool settings_is_text(settings_id_t id)
{
    return id >= SETTINGS_NUMBERS;
}

/** @brief Value of a text. */
static inline const char *settings_text(const settings_values_t *values, settings_id_t id)
{
    return values->text[id - SETTINGS_NUMBERS];
}

/** @brief Entry of a setting; NULL for an unknown id. */
const settings_entry_t *settings_entry(settings_id_t id);

/** @brief Id of the setting with this key; SETTINGS_COUNT if there is none. */
settings_id_t settings_find(const char *key);

/** @brief Factory value of a setting. */
void settings_factory(settings_id_t id, settings_value_t *value);

/** @brief Factory values of all settings. */
void settings_factory_all(settings_values_t *values);

/** @brief Value of one setting. */
settings_value_t settings_get(const settings_values_t *values, settings_id_t id);

/** @brief Sets the value of one setting; it is not checked. */
void settings_set(settings_values_t *values, settings_id_t id, const settings_value_t *value);

#ifdef __cplusplus
}
#endif
