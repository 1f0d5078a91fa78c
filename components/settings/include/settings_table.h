/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The table of all settings: key, type, range, unit and factory value of each, and the groups that they are in.
 *
 * There are three kinds. Numbers and texts are in settings_values_t. Of a **long text** only length and CRC-32 are
 * there; the text itself stays in flash (settings_read_long()).
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

/* Most characters of the texts. */
#define SETTINGS_MANUFACTURER_MAX 8
#define SETTINGS_BATTERY_NAME_MAX 16
#define SETTINGS_SSID_MAX         32 /**< IEEE 802.11 */
#define SETTINGS_PASSPHRASE_MAX   63 /**< WPA2 */
#define SETTINGS_DEVICE_MAX       32
#define SETTINGS_URL_MAX          255
#define SETTINGS_HOSTS_MAX        63
#define SETTINGS_LONG_MAX         4096 /**< of a long text */

/** @brief Every setting: numbers, texts, long texts. The id is also the index in the table. */
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
    SETTINGS_WEB_READ_OPEN,
    SETTINGS_NUMBERS, /**< number of numbers; the texts follow */
    SETTINGS_ID_MANUFACTURER = SETTINGS_NUMBERS,
    SETTINGS_ID_BATTERY_NAME,
    SETTINGS_ID_FAMILY,
    SETTINGS_WIFI_STA_SSID,
    SETTINGS_WIFI_STA_PASS,
    SETTINGS_WIFI_AP_SSID,
    SETTINGS_WIFI_AP_PASS,
    SETTINGS_NET_DEVICE,
    SETTINGS_WEB_HOSTS,
    SETTINGS_APART, /**< from here on the text is kept apart from the record (settings_apart.h) */
    SETTINGS_MQTT_URL = SETTINGS_APART,
    SETTINGS_LONG, /**< the long texts follow */
    SETTINGS_MQTT_CA = SETTINGS_LONG,
    SETTINGS_COUNT
} settings_id_t;

/** @brief A group of settings: those whose key begins with its id and a dot. */
typedef struct {
    const char *id;
    const char *title; /**< for people */
    const char *help;  /**< one line */
} settings_group_t;

/** @brief When a saved value takes effect. */
typedef enum {
    SETTINGS_APPLIES_LIVE = 0, /**< at once */
    SETTINGS_APPLIES_SERVICE,  /**< at once; the service that uses it restarts itself for that */
    SETTINGS_APPLIES_RESTART,  /**< at the next start of the gateway */
} settings_applies_t;

/** @brief One setting. A text is printable 7-bit ASCII; a long text has line ends as well. */
typedef struct {
    const char *key;          /**< "group.name": at most 15 characters */
    const char *symbol;       /**< Kconfig option with the factory value, without CONFIG_; NULL = none */
    const char *unit;         /**< of a number; NULL for a text */
    const char *help;         /**< one line */
    const char *zero_means;   /**< what 0 means, if it is allowed beside `min`..`max`; NULL = it is not */
    const char *pattern;      /**< regular expression that a text matches unless it is empty; NULL = any text */
    const char *factory_text; /**< NULL for a number */
    int32_t min;              /**< lowest number, or fewest characters */
    int32_t max;
    int32_t step; /**< a number is a multiple of it; 0 = any number */
    int32_t factory_number;
    settings_applies_t applies;
    uint16_t offset;   /**< of a text in settings_texts_t */
    bool may_be_empty; /**< a text may be empty even if `min` is above 0 */
    bool secret;       /**< never shown, never logged */
} settings_entry_t;

/** @brief A value of any kind. */
typedef struct {
    int32_t number;
    const char *text; /**< with a NUL at its end; of a text or a long text */
} settings_value_t;

/** @brief A new value for a setting. */
typedef struct {
    settings_id_t id;
    settings_value_t value; /**< `number` or `text`, whichever kind the setting is; the caller's text is not kept */
} settings_change_t;

/** @brief Room for every text but the long ones, with a NUL each; read them with settings_text(). */
typedef struct {
    char id_manufacturer[SETTINGS_MANUFACTURER_MAX + 1];
    char id_battery_name[SETTINGS_BATTERY_NAME_MAX + 1];
    char id_family[SETTINGS_MANUFACTURER_MAX + 1];
    char wifi_sta_ssid[SETTINGS_SSID_MAX + 1];
    char wifi_sta_pass[SETTINGS_PASSPHRASE_MAX + 1];
    char wifi_ap_ssid[SETTINGS_SSID_MAX + 1];
    char wifi_ap_pass[SETTINGS_PASSPHRASE_MAX + 1];
    char net_device[SETTINGS_DEVICE_MAX + 1];
    char web_hosts[SETTINGS_HOSTS_MAX + 1];
    char mqtt_url[SETTINGS_URL_MAX + 1]; /**< the first that is kept apart */
} settings_texts_t;

/** @brief What the record says about a text that is kept apart. Zeroed = an empty one. */
typedef struct {
    uint32_t crc32;  /**< of the text, as zlib has it */
    uint16_t length; /**< in bytes */
    uint16_t half;   /**< where it is: 0 or 1 */
} settings_apart_t;

/** @brief Values of all settings. */
typedef struct {
    int32_t number[SETTINGS_NUMBERS]; /**< by id */
    settings_texts_t texts;
    settings_apart_t apart[SETTINGS_COUNT - SETTINGS_APART];
} settings_values_t;

/** @brief Whether a setting is a number. */
static inline bool settings_is_number(settings_id_t id)
{
    return id < SETTINGS_NUMBERS;
}

/** @brief Whether a setting is a text in settings_values_t. */
static inline bool settings_is_text(settings_id_t id)
{
    return id >= SETTINGS_NUMBERS && id < SETTINGS_LONG;
}

/** @brief Whether a setting is a long text. */
static inline bool settings_is_long(settings_id_t id)
{
    return id >= SETTINGS_LONG;
}

/** @brief Whether a text is kept apart from the record: long texts, and others that a record has no room for. */
static inline bool settings_is_apart(settings_id_t id)
{
    return id >= SETTINGS_APART;
}

/** @brief Group of the form at this place, from 0; NULL behind the last. */
const settings_group_t *settings_group_at(size_t index);

/** @brief Whether a setting is in a group. */
bool settings_in_group(settings_id_t id, const settings_group_t *group);

/** @brief What `applies` of an entry is called in JSON and in tables: "live", "service", "restart". */
const char *settings_applies_text(settings_applies_t applies);

/** @brief Value of a text, not of a long one. */
const char *settings_text(const settings_values_t *values, settings_id_t id);

/** @brief Entry of a setting; NULL for an unknown id. */
const settings_entry_t *settings_entry(settings_id_t id);

/** @brief Id of the setting with this key; SETTINGS_COUNT if there is none. */
settings_id_t settings_find(const char *key);

/** @brief Factory value of a setting; that of a long text is empty. */
void settings_factory(settings_id_t id, settings_value_t *value);

/** @brief Factory values of all settings. */
void settings_factory_all(settings_values_t *values);

/** @brief Value of a number or a text, which stays in `values`; `text` is NULL for a long text. */
settings_value_t settings_get(const settings_values_t *values, settings_id_t id);

/** @brief Sets a number or a text; it is not checked. A long text is left alone. */
void settings_set(settings_values_t *values, settings_id_t id, const settings_value_t *value);

/** @brief Copies the value of one setting, of whatever kind. */
void settings_copy(settings_values_t *to, const settings_values_t *from, settings_id_t id);

#ifdef __cplusplus
}
#endif
