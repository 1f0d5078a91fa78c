/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The one table of settings: key, type, range, unit and factory value of each.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SETTINGS_TEXT_MAX 63 /**< characters of the longest text: a WPA2 password */

/** @brief Every setting; also its index in the table. */
typedef enum {
    SETTINGS_UART_POLL_MS = 0,
    SETTINGS_DATA_STALE_MS,
    SETTINGS_DATA_SILENT_MS,
    SETTINGS_CAN_BITRATE,
    SETTINGS_CAN_GX_WARN_MS,
    SETTINGS_ID_MANUFACTURER,
    SETTINGS_ID_BATTERY_NAME,
    SETTINGS_ID_FAMILY,
    SETTINGS_WIFI_STA_SSID,
    SETTINGS_WIFI_STA_PASS,
    SETTINGS_WIFI_AP_SSID,
    SETTINGS_WIFI_AP_PASS,
    SETTINGS_COUNT
} settings_id_t;

typedef enum {
    SETTINGS_NUMBER = 0,
    SETTINGS_TEXT, /**< printable 7-bit ASCII */
} settings_type_t;

/** @brief One setting. */
typedef struct {
    const char *key;          /**< "group.name", also the key in NVS: at most 15 characters */
    const char *symbol;       /**< Kconfig option that is the factory value, without CONFIG_ */
    const char *unit;         /**< NULL = none */
    const char *help;         /**< one line */
    const char *factory_text; /**< NULL for a number */
    settings_type_t type;
    int32_t min; /**< of the number, or of the number of characters */
    int32_t max;
    int32_t step; /**< a number is a multiple of it; 0 = any number */
    int32_t factory_number;
    bool may_be_empty; /**< of a text: also when `min` is above 0 */
    bool secret;       /**< never shown, never logged */
} settings_entry_t;

/** @brief A value of either type. */
typedef struct {
    int32_t number;
    char text[SETTINGS_TEXT_MAX + 1];
} settings_value_t;

/** @brief Entry of a setting; NULL for an id that is none. */
const settings_entry_t *settings_entry(settings_id_t id);

/** @brief Setting with this key; SETTINGS_COUNT when there is none. */
settings_id_t settings_find(const char *key);

/** @brief Factory value. */
void settings_factory(settings_id_t id, settings_value_t *value);

#ifdef __cplusplus
}
#endif
