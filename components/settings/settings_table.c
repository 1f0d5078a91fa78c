/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The table itself: one entry for each setting, and access to it. The rules between settings are in settings_rules.c.
 */
#include "settings_table.h"

#include <stddef.h>
#include <string.h>

#include "sdkconfig.h"

#define PASSPHRASE_MIN 8 /* WPA2 */

#define CELL_MV_MIN       2500
#define CELL_MV_MAX       4500
#define FLOOR_MV_MIN      2000
#define FLOAT_END_PCT_MIN 50
#define BMS_DECIDES       "from the BMS"

#define HOST      "[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PORT      "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])" /**< 1..65535 */

_Static_assert(sizeof(CONFIG_TINYBMS_CAN_MANUFACTURER) <= SETTINGS_MANUFACTURER_MAX + 1,
               "TINYBMS_CAN_MANUFACTURER is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_CAN_BATTERY_NAME) <= SETTINGS_BATTERY_NAME_MAX + 1,
               "TINYBMS_CAN_BATTERY_NAME is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_CAN_BATTERY_FAMILY) <= SETTINGS_MANUFACTURER_MAX + 1,
               "TINYBMS_CAN_BATTERY_FAMILY is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_WIFI_STA_SSID) <= SETTINGS_SSID_MAX + 1, "TINYBMS_WIFI_STA_SSID is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_WIFI_STA_PASSWORD) <= SETTINGS_PASSPHRASE_MAX + 1,
               "TINYBMS_WIFI_STA_PASSWORD is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_WIFI_AP_SSID) <= SETTINGS_SSID_MAX + 1, "TINYBMS_WIFI_AP_SSID is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_WIFI_AP_PASSWORD) <= SETTINGS_PASSPHRASE_MAX + 1,
               "TINYBMS_WIFI_AP_PASSWORD is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_NET_DEVICE) <= SETTINGS_DEVICE_MAX + 1, "TINYBMS_NET_DEVICE is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_WEB_HOSTS) <= SETTINGS_HOSTS_MAX + 1, "TINYBMS_WEB_HOSTS is too long");
_Static_assert(sizeof(CONFIG_TINYBMS_MQTT_URL) <= SETTINGS_URL_MAX + 1, "TINYBMS_MQTT_URL is too long");
_Static_assert(CONFIG_TINYBMS_CAN_VICTRON_BITRATE % 250000 == 0, "TINYBMS_CAN_VICTRON_BITRATE is 250000 or 500000");

/* Kconfig knows one range only, so what lies between 0 and the range is refused here; also what does not fit together.
 */
_Static_assert(CONFIG_TINYBMS_CHARGE_CELL_MV == 0 || CONFIG_TINYBMS_CHARGE_CELL_MV >= CELL_MV_MIN,
               "TINYBMS_CHARGE_CELL_MV is 0 or a voltage of a cell");
_Static_assert(CONFIG_TINYBMS_FLOAT_CELL_MV == 0 || CONFIG_TINYBMS_FLOAT_CELL_MV >= CELL_MV_MIN,
               "TINYBMS_FLOAT_CELL_MV is 0 or a voltage of a cell");
_Static_assert(CONFIG_TINYBMS_DISCH_CELL_MV == 0 || CONFIG_TINYBMS_DISCH_CELL_MV >= FLOOR_MV_MIN,
               "TINYBMS_DISCH_CELL_MV is 0 or a voltage of a cell");
_Static_assert(CONFIG_TINYBMS_FLOAT_END_PCT == 0 || CONFIG_TINYBMS_FLOAT_END_PCT >= FLOAT_END_PCT_MIN,
               "TINYBMS_FLOAT_END_PCT is 0 or in its range");
_Static_assert(CONFIG_TINYBMS_CHARGE_CELL_MV == 0 || CONFIG_TINYBMS_FLOAT_CELL_MV <= CONFIG_TINYBMS_CHARGE_CELL_MV,
               "TINYBMS_FLOAT_CELL_MV is above TINYBMS_CHARGE_CELL_MV");
_Static_assert(CONFIG_TINYBMS_ABSORB_TIME_S <= CONFIG_TINYBMS_ABSORB_MAX_S,
               "TINYBMS_ABSORB_TIME_S is above TINYBMS_ABSORB_MAX_S");
_Static_assert(CONFIG_TINYBMS_ABSORB_DIFF_MV < CONFIG_TINYBMS_CHARGE_KNEE_MV,
               "TINYBMS_ABSORB_DIFF_MV is not below TINYBMS_CHARGE_KNEE_MV");
_Static_assert(CONFIG_TINYBMS_TEMP_STOP_K < CONFIG_TINYBMS_TEMP_HOT_K,
               "TINYBMS_TEMP_STOP_K is not below TINYBMS_TEMP_HOT_K");
_Static_assert(CONFIG_TINYBMS_DIFF_WARN_MV < CONFIG_TINYBMS_DIFF_ALARM_MV,
               "TINYBMS_DIFF_WARN_MV is not below TINYBMS_DIFF_ALARM_MV");
_Static_assert(CONFIG_TINYBMS_HYST_CELL_MV < CONFIG_TINYBMS_DIFF_WARN_MV,
               "TINYBMS_HYST_CELL_MV is not below TINYBMS_DIFF_WARN_MV");

static const settings_entry_t s_entries[SETTINGS_COUNT] = {
    /* clang-format off */
    [SETTINGS_UART_POLL_MS] = {.key = "uart.poll_ms", .unit = "ms", .min = 100, .max = 2000,
        .symbol = "TINYBMS_UART_POLL_MS", .factory_number = CONFIG_TINYBMS_UART_POLL_MS,
        .help = "BMS polling period"},
    [SETTINGS_DATA_STALE_MS] = {.key = "data.stale_ms", .unit = "ms", .min = 1000, .max = 8000,
        .symbol = "TINYBMS_BATTERY_STALE_MS", .factory_number = CONFIG_TINYBMS_BATTERY_STALE_MS,
        .help = "Time without BMS data before charging stops"},
    [SETTINGS_DATA_SILENT_MS] = {.key = "data.silent_ms", .unit = "ms", .min = 8001, .max = 60000,
        .symbol = "TINYBMS_BATTERY_SILENT_MS", .factory_number = CONFIG_TINYBMS_BATTERY_SILENT_MS,
        .help = "Time without BMS data before CAN transmission stops"},
    [SETTINGS_CAN_BITRATE] = {.key = "can.bitrate", .unit = "bit/s", .min = 250000, .max = 500000, .step = 250000,
        .symbol = "TINYBMS_CAN_VICTRON_BITRATE", .factory_number = CONFIG_TINYBMS_CAN_VICTRON_BITRATE,
        .applies = SETTINGS_APPLIES_SERVICE, .help = "CAN bus bit rate"},
    [SETTINGS_CAN_GX_WARN_MS] = {.key = "can.gx_warn_ms", .unit = "ms", .min = 2000, .max = 600000,
        .symbol = "TINYBMS_CAN_KEEPALIVE_WARN_MS", .factory_number = CONFIG_TINYBMS_CAN_KEEPALIVE_WARN_MS,
        .help = "Time without a GX keepalive before a warning"},
    [SETTINGS_ENERGY_SAVE_S] = {.key = "energy.save_s", .unit = "s", .min = 60, .max = 600,
        .symbol = "TINYBMS_ENERGY_SAVE_S", .factory_number = CONFIG_TINYBMS_ENERGY_SAVE_S,
        .help = "Interval between saves of the energy and charge counters"},
    [SETTINGS_CHARGE_CELL_MV] = {.key = "charge.cell_mv", .unit = "mV", .min = CELL_MV_MIN, .max = CELL_MV_MAX,
        .symbol = "TINYBMS_CHARGE_CELL_MV", .factory_number = CONFIG_TINYBMS_CHARGE_CELL_MV,
        .zero_means = BMS_DECIDES, .help = "Maximum cell charge voltage"},
    [SETTINGS_CHARGE_MAX_A] = {.key = "charge.max_a", .unit = "A", .min = 1, .max = 750,
        .symbol = "TINYBMS_CHARGE_MAX_A", .factory_number = CONFIG_TINYBMS_CHARGE_MAX_A,
        .zero_means = BMS_DECIDES, .help = "Maximum charge current, CCL"},
    [SETTINGS_CHARGE_KNEE_MV] = {.key = "charge.knee_mv", .unit = "mV", .min = 10, .max = 300,
        .symbol = "TINYBMS_CHARGE_KNEE_MV", .factory_number = CONFIG_TINYBMS_CHARGE_KNEE_MV,
        .help = "Distance below the cell charge voltage at which CCL starts to fall"},
    [SETTINGS_CHARGE_END_PCT] = {.key = "charge.end_pct", .unit = "%", .min = 1, .max = 50,
        .symbol = "TINYBMS_CHARGE_END_PCT", .factory_number = CONFIG_TINYBMS_CHARGE_END_PCT,
        .help = "CCL remaining when a cell reaches its charge voltage"},
    [SETTINGS_DISCH_MAX_A] = {.key = "disch.max_a", .unit = "A", .min = 1, .max = 750,
        .symbol = "TINYBMS_DISCH_MAX_A", .factory_number = CONFIG_TINYBMS_DISCH_MAX_A,
        .zero_means = BMS_DECIDES, .help = "Maximum discharge current, DCL"},
    [SETTINGS_DISCH_KNEE_MV] = {.key = "disch.knee_mv", .unit = "mV", .min = 10, .max = 500,
        .symbol = "TINYBMS_DISCH_KNEE_MV", .factory_number = CONFIG_TINYBMS_DISCH_KNEE_MV,
        .help = "Distance above the cell discharge floor at which DCL starts to fall"},
    [SETTINGS_DISCH_CELL_MV] = {.key = "disch.cell_mv", .unit = "mV", .min = FLOOR_MV_MIN, .max = 3500,
        .symbol = "TINYBMS_DISCH_CELL_MV", .factory_number = CONFIG_TINYBMS_DISCH_CELL_MV,
        .zero_means = BMS_DECIDES, .help = "Cell discharge floor"},
    [SETTINGS_DISCH_BACK_PCT] = {.key = "disch.back_pct", .unit = "%", .min = 0, .max = 20,
        .symbol = "TINYBMS_DISCH_BACK_PCT", .factory_number = CONFIG_TINYBMS_DISCH_BACK_PCT,
        .help = "Recharge required before DCL rises from 0"},
    [SETTINGS_DISCH_SOC_PCT] = {.key = "disch.soc_pct", .unit = "%", .min = 1, .max = 50,
        .symbol = "TINYBMS_DISCH_SOC_PCT", .factory_number = CONFIG_TINYBMS_DISCH_SOC_PCT,
        .zero_means = "no limit", .help = "Minimum SOC, at which DCL is 0"},
    [SETTINGS_DISCH_TAPER_PCT] = {.key = "disch.taper_pct", .unit = "%", .min = 1, .max = 50,
        .symbol = "TINYBMS_DISCH_TAPER_PCT", .factory_number = CONFIG_TINYBMS_DISCH_TAPER_PCT,
        .help = "Distance above the minimum SOC at which DCL starts to fall"},
    [SETTINGS_LIMIT_BMS_PCT] = {.key = "limit.bms_pct", .unit = "%", .min = 10, .max = 100,
        .symbol = "TINYBMS_LIMIT_BMS_PCT", .factory_number = CONFIG_TINYBMS_LIMIT_BMS_PCT,
        .help = "Share of the BMS current cutoffs used as limits"},
    [SETTINGS_LIMIT_WAIT_S] = {.key = "limit.wait_s", .unit = "s", .min = 5, .max = 600,
        .symbol = "TINYBMS_LIMIT_WAIT_S", .factory_number = CONFIG_TINYBMS_LIMIT_WAIT_S,
        .help = "Hold time before CCL and DCL rise again"},
    [SETTINGS_LIMIT_A_PER_S] = {.key = "limit.a_per_s", .unit = "A/s", .min = 1, .max = 100,
        .symbol = "TINYBMS_LIMIT_A_PER_S", .factory_number = CONFIG_TINYBMS_LIMIT_A_PER_S,
        .help = "Maximum rise rate of CCL and DCL"},
    [SETTINGS_RAMP_START_PCT] = {.key = "ramp.start_pct", .unit = "%", .min = 1, .max = 50,
        .symbol = "TINYBMS_RAMP_START_PCT", .factory_number = CONFIG_TINYBMS_RAMP_START_PCT,
        .help = "Start-up ramp: initial CCL and DCL"},
    [SETTINGS_RAMP_TIME_S] = {.key = "ramp.time_s", .unit = "s", .min = 5, .max = 600,
        .symbol = "TINYBMS_RAMP_TIME_S", .factory_number = CONFIG_TINYBMS_RAMP_TIME_S,
        .help = "Start-up ramp: time to reach the allowed CCL and DCL"},
    [SETTINGS_CVL_MARGIN_MV] = {.key = "cvl.margin_mv", .unit = "mV", .min = 10, .max = 200,
        .symbol = "TINYBMS_CVL_MARGIN_MV", .factory_number = CONFIG_TINYBMS_CVL_MARGIN_MV,
        .help = "Margin between the cell voltage ceiling and the over-voltage cutoff"},
    [SETTINGS_CVL_CHARGER_MV] = {.key = "cvl.charger_mv", .unit = "mV", .min = 0, .max = 2000,
        .symbol = "TINYBMS_CVL_CHARGER_MV", .factory_number = CONFIG_TINYBMS_CVL_CHARGER_MV,
        .help = "Voltage that a solar charger adds to CVL, whole pack"},
    [SETTINGS_CVL_LOWER_MV_S] = {.key = "cvl.lower_mv_s", .unit = "mV/s", .min = 20, .max = 1000,
        .symbol = "TINYBMS_CVL_LOWER_MV_S", .factory_number = CONFIG_TINYBMS_CVL_LOWER_MV_S,
        .help = "Maximum fall rate of CVL, whole pack"},
    [SETTINGS_CVL_OFF_S] = {.key = "cvl.off_s", .unit = "s", .min = 5, .max = 60,
        .symbol = "TINYBMS_CVL_OFF_S", .factory_number = CONFIG_TINYBMS_CVL_OFF_S,
        .help = "Time for CVL to remove the excess voltage of the highest cell"},
    [SETTINGS_CVL_AHEAD_S] = {.key = "cvl.ahead_s", .unit = "s", .min = 0, .max = 120,
        .symbol = "TINYBMS_CVL_AHEAD_S", .factory_number = CONFIG_TINYBMS_CVL_AHEAD_S,
        .help = "Look-ahead time for the voltage of the highest cell"},
    [SETTINGS_CVL_WAIT_S] = {.key = "cvl.wait_s", .unit = "s", .min = 10, .max = 600,
        .symbol = "TINYBMS_CVL_WAIT_S", .factory_number = CONFIG_TINYBMS_CVL_WAIT_S,
        .help = "Time without a cell above its target before CVL rises"},
    [SETTINGS_CVL_RAISE_MV_S] = {.key = "cvl.raise_mv_s", .unit = "mV/s", .min = 1, .max = 10,
        .symbol = "TINYBMS_CVL_RAISE_MV_S", .factory_number = CONFIG_TINYBMS_CVL_RAISE_MV_S,
        .help = "Maximum rise rate of CVL, per cell"},
    [SETTINGS_CVL_STEP_S] = {.key = "cvl.step_s", .unit = "s", .min = 10, .max = 60,
        .symbol = "TINYBMS_CVL_STEP_S", .factory_number = CONFIG_TINYBMS_CVL_STEP_S,
        .help = "Minimum time between two rises of CVL"},
    [SETTINGS_ABSORB_TIME_S] = {.key = "absorb.time_s", .unit = "s", .min = 60, .max = 14400,
        .symbol = "TINYBMS_ABSORB_TIME_S", .factory_number = CONFIG_TINYBMS_ABSORB_TIME_S,
        .help = "Absorption time with balanced cells and low current"},
    [SETTINGS_ABSORB_MAX_S] = {.key = "absorb.max_s", .unit = "s", .min = 600, .max = 43200,
        .symbol = "TINYBMS_ABSORB_MAX_S", .factory_number = CONFIG_TINYBMS_ABSORB_MAX_S,
        .help = "Maximum absorption time"},
    [SETTINGS_ABSORB_DIFF_MV] = {.key = "absorb.diff_mv", .unit = "mV", .min = 2, .max = 50,
        .symbol = "TINYBMS_ABSORB_DIFF_MV", .factory_number = CONFIG_TINYBMS_ABSORB_DIFF_MV,
        .help = "Cell voltage difference that counts as balanced"},
    [SETTINGS_ABSORB_TAIL_PCT] = {.key = "absorb.tail_pct", .unit = "%", .min = 1, .max = 20,
        .symbol = "TINYBMS_ABSORB_TAIL_PCT", .factory_number = CONFIG_TINYBMS_ABSORB_TAIL_PCT,
        .help = "Charge current below which absorption can end"},
    [SETTINGS_FLOAT_CELL_MV] = {.key = "float.cell_mv", .unit = "mV", .min = CELL_MV_MIN, .max = CELL_MV_MAX,
        .symbol = "TINYBMS_FLOAT_CELL_MV", .factory_number = CONFIG_TINYBMS_FLOAT_CELL_MV,
        .zero_means = BMS_DECIDES, .help = "Maximum cell float voltage"},
    [SETTINGS_FLOAT_BELOW_MV] = {.key = "float.below_mv", .unit = "mV", .min = 0, .max = 500,
        .symbol = "TINYBMS_FLOAT_BELOW_MV", .factory_number = CONFIG_TINYBMS_FLOAT_BELOW_MV,
        .help = "Distance of the cell float voltage below the fully charged voltage"},
    [SETTINGS_FLOAT_LFP_MV] = {.key = "float.lfp_mv", .unit = "mV", .min = 3200, .max = 3500,
        .symbol = "TINYBMS_FLOAT_LFP_MV", .factory_number = CONFIG_TINYBMS_FLOAT_LFP_MV,
        .help = "Maximum float voltage of an LFP cell"},
    [SETTINGS_FLOAT_END_PCT] = {.key = "float.end_pct", .unit = "%", .min = FLOAT_END_PCT_MIN, .max = 99,
        .symbol = "TINYBMS_FLOAT_END_PCT", .factory_number = CONFIG_TINYBMS_FLOAT_END_PCT,
        .zero_means = BMS_DECIDES, .help = "SOC below which float ends and charging restarts"},
    [SETTINGS_TEMP_COLD_K] = {.key = "temp.cold_k", .unit = "K", .min = 1, .max = 30,
        .symbol = "TINYBMS_TEMP_COLD_K", .factory_number = CONFIG_TINYBMS_TEMP_COLD_K,
        .help = "Distance above the cold cutoff at which CCL is full"},
    [SETTINGS_TEMP_HOT_K] = {.key = "temp.hot_k", .unit = "K", .min = 2, .max = 30,
        .symbol = "TINYBMS_TEMP_HOT_K", .factory_number = CONFIG_TINYBMS_TEMP_HOT_K,
        .help = "Distance below the hot cutoff at which CCL starts to fall"},
    [SETTINGS_TEMP_STOP_K] = {.key = "temp.stop_k", .unit = "K", .min = 0, .max = 10,
        .symbol = "TINYBMS_TEMP_STOP_K", .factory_number = CONFIG_TINYBMS_TEMP_STOP_K,
        .help = "Distance below the hot cutoff at which CCL is 0"},
    [SETTINGS_TEMP_DISCH_K] = {.key = "temp.disch_k", .unit = "K", .min = 1, .max = 30,
        .symbol = "TINYBMS_TEMP_DISCH_K", .factory_number = CONFIG_TINYBMS_TEMP_DISCH_K,
        .help = "Distance below the hot cutoff at which DCL starts to fall"},
    [SETTINGS_TEMP_BMS_HOT_C] = {.key = "temp.bms_hot_c", .unit = "degC", .min = 60, .max = 100,
        .symbol = "TINYBMS_TEMP_BMS_HOT_C", .factory_number = CONFIG_TINYBMS_TEMP_BMS_HOT_C,
        .help = "Hot cutoff for the internal temperature of the BMS"},
    [SETTINGS_ALARM_CELL_MV] = {.key = "alarm.cell_mv", .unit = "mV", .min = 10, .max = 300,
        .symbol = "TINYBMS_ALARM_CELL_MV", .factory_number = CONFIG_TINYBMS_ALARM_CELL_MV,
        .help = "Distance from the cell voltage cutoffs at which a warning is raised"},
    [SETTINGS_ALARM_TEMP_K] = {.key = "alarm.temp_k", .unit = "K", .min = 1, .max = 20,
        .symbol = "TINYBMS_ALARM_TEMP_K", .factory_number = CONFIG_TINYBMS_ALARM_TEMP_K,
        .help = "Distance from the temperature cutoffs at which a warning is raised"},
    [SETTINGS_ALARM_CUR_PCT] = {.key = "alarm.cur_pct", .unit = "%", .min = 50, .max = 99,
        .symbol = "TINYBMS_ALARM_CUR_PCT", .factory_number = CONFIG_TINYBMS_ALARM_CUR_PCT,
        .help = "Share of the current cutoffs at which a warning is raised"},
    [SETTINGS_ALARM_DEBOUNCE] = {.key = "alarm.debounce", .unit = "readings", .min = 1, .max = 10,
        .symbol = "TINYBMS_ALARM_DEBOUNCE", .factory_number = CONFIG_TINYBMS_ALARM_DEBOUNCE,
        .help = "Consecutive readings that raise or clear an alarm"},
    [SETTINGS_ALARM_BLOCKED] = {.key = "alarm.blocked", .unit = "1 = on", .min = 0, .max = 1,
        .symbol = "TINYBMS_ALARM_BLOCKED", .factory_number = CONFIG_TINYBMS_ALARM_BLOCKED,
        .help = "Warning when temperature blocks charging, even without current"},
    [SETTINGS_DIFF_WARN_MV] = {.key = "diff.warn_mv", .unit = "mV", .min = 20, .max = 500,
        .symbol = "TINYBMS_DIFF_WARN_MV", .factory_number = CONFIG_TINYBMS_DIFF_WARN_MV,
        .help = "Cell voltage difference that raises a warning"},
    [SETTINGS_DIFF_WARN_S] = {.key = "diff.warn_s", .unit = "s", .min = 0, .max = 7200,
        .symbol = "TINYBMS_DIFF_WARN_S", .factory_number = CONFIG_TINYBMS_DIFF_WARN_S,
        .help = "Time before a cell voltage difference raises a warning"},
    [SETTINGS_DIFF_ALARM_MV] = {.key = "diff.alarm_mv", .unit = "mV", .min = 30, .max = 1000,
        .symbol = "TINYBMS_DIFF_ALARM_MV", .factory_number = CONFIG_TINYBMS_DIFF_ALARM_MV,
        .help = "Cell voltage difference that raises an alarm"},
    [SETTINGS_HYST_CELL_MV] = {.key = "hyst.cell_mv", .unit = "mV", .min = 5, .max = 200,
        .symbol = "TINYBMS_HYST_CELL_MV", .factory_number = CONFIG_TINYBMS_HYST_CELL_MV,
        .help = "Hysteresis of voltage alarms and warnings"},
    [SETTINGS_HYST_TEMP_K] = {.key = "hyst.temp_k", .unit = "K", .min = 1, .max = 10,
        .symbol = "TINYBMS_HYST_TEMP_K", .factory_number = CONFIG_TINYBMS_HYST_TEMP_K,
        .help = "Hysteresis of temperature alarms and warnings"},
    [SETTINGS_HYST_CUR_PCT] = {.key = "hyst.cur_pct", .unit = "%", .min = 1, .max = 20,
        .symbol = "TINYBMS_HYST_CUR_PCT", .factory_number = CONFIG_TINYBMS_HYST_CUR_PCT,
        .help = "Hysteresis of current alarms and warnings"},
    [SETTINGS_WEB_READ_OPEN] = {.key = "web.read_open", .unit = "1 = on", .min = 0, .max = 1,
        .symbol = "TINYBMS_WEB_READ_OPEN", .factory_number = CONFIG_TINYBMS_WEB_READ_OPEN,
        .help = "Reading without a login, for everybody in the network"},
    [SETTINGS_ID_MANUFACTURER] = {.key = "id.manufacturer", .min = 1, .max = SETTINGS_MANUFACTURER_MAX,
        .offset = offsetof(settings_texts_t, id_manufacturer),
        .symbol = "TINYBMS_CAN_MANUFACTURER", .factory_text = CONFIG_TINYBMS_CAN_MANUFACTURER,
        .help = "Manufacturer name sent to the GX (0x35E)"},
    [SETTINGS_ID_BATTERY_NAME] = {.key = "id.battery_name", .max = SETTINGS_BATTERY_NAME_MAX,
        .offset = offsetof(settings_texts_t, id_battery_name),
        .symbol = "TINYBMS_CAN_BATTERY_NAME", .factory_text = CONFIG_TINYBMS_CAN_BATTERY_NAME,
        .help = "Battery name sent to the GX (0x370, 0x371)"},
    [SETTINGS_ID_FAMILY] = {.key = "id.family", .max = SETTINGS_MANUFACTURER_MAX,
        .offset = offsetof(settings_texts_t, id_family),
        .symbol = "TINYBMS_CAN_BATTERY_FAMILY", .factory_text = CONFIG_TINYBMS_CAN_BATTERY_FAMILY,
        .help = "Battery family sent to the GX (0x382)"},
    [SETTINGS_WIFI_STA_SSID] = {.key = "wifi.sta_ssid", .max = SETTINGS_SSID_MAX,
        .offset = offsetof(settings_texts_t, wifi_sta_ssid),
        .symbol = "TINYBMS_WIFI_STA_SSID", .factory_text = CONFIG_TINYBMS_WIFI_STA_SSID,
        .applies = SETTINGS_APPLIES_RESTART, .help = "Wi-Fi network to join, empty = none"},
    [SETTINGS_WIFI_STA_PASS] = {.key = "wifi.sta_pass", .min = PASSPHRASE_MIN, .max = SETTINGS_PASSPHRASE_MAX,
        .offset = offsetof(settings_texts_t, wifi_sta_pass),
        .symbol = "TINYBMS_WIFI_STA_PASSWORD", .factory_text = CONFIG_TINYBMS_WIFI_STA_PASSWORD,
        .may_be_empty = true, .secret = true, .applies = SETTINGS_APPLIES_RESTART,
        .help = "Password of the Wi-Fi network, empty = open network"},
    [SETTINGS_WIFI_AP_SSID] = {.key = "wifi.ap_ssid", .max = SETTINGS_SSID_MAX,
        .offset = offsetof(settings_texts_t, wifi_ap_ssid),
        .symbol = "TINYBMS_WIFI_AP_SSID", .factory_text = CONFIG_TINYBMS_WIFI_AP_SSID,
        .applies = SETTINGS_APPLIES_RESTART,
        .help = "Name of the gateway's own network, empty = made from the MAC address"},
    [SETTINGS_WIFI_AP_PASS] = {.key = "wifi.ap_pass", .min = PASSPHRASE_MIN, .max = SETTINGS_PASSPHRASE_MAX,
        .offset = offsetof(settings_texts_t, wifi_ap_pass),
        .symbol = "TINYBMS_WIFI_AP_PASSWORD", .factory_text = CONFIG_TINYBMS_WIFI_AP_PASSWORD,
        .may_be_empty = true, .secret = true, .applies = SETTINGS_APPLIES_RESTART,
        .help = "Password of the gateway's own network, empty = random"},
    [SETTINGS_NET_DEVICE] = {.key = "net.device", .max = SETTINGS_DEVICE_MAX,
        .offset = offsetof(settings_texts_t, net_device),
        .symbol = "TINYBMS_NET_DEVICE", .factory_text = CONFIG_TINYBMS_NET_DEVICE,
        .pattern = "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$", .applies = SETTINGS_APPLIES_RESTART,
        .help = "Name of the gateway in the network and in MQTT, empty = made from the MAC address"},
    [SETTINGS_WEB_HOSTS] = {.key = "web.hosts", .max = SETTINGS_HOSTS_MAX,
        .offset = offsetof(settings_texts_t, web_hosts),
        .symbol = "TINYBMS_WEB_HOSTS", .factory_text = CONFIG_TINYBMS_WEB_HOSTS,
        .pattern = "^" HOST "(," HOST ")*$",
        .help = "Further host names of the gateway, such as that of a proxy, commas between, empty = none"},
    [SETTINGS_MQTT_URL] = {.key = "mqtt.url", .max = SETTINGS_URL_MAX,
        .offset = offsetof(settings_texts_t, mqtt_url),
        .symbol = "TINYBMS_MQTT_URL", .factory_text = CONFIG_TINYBMS_MQTT_URL,
        .pattern = "^mqtts?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:" PORT ")?/?$",
        .applies = SETTINGS_APPLIES_RESTART, .help = "MQTT broker, mqtt://HOST:PORT or mqtts://HOST:PORT, empty = none"},
    [SETTINGS_MQTT_CA] = {.key = "mqtt.ca", .max = SETTINGS_LONG_MAX, .factory_text = "",
        .pattern = "^" PEM_BEGIN, .applies = SETTINGS_APPLIES_RESTART,
        .help = "Certificate that the MQTT broker's certificate is signed with (PEM), empty = none"},
    /* clang-format on */
};

/** In the order of the form: what a person sets first comes first. */
static const settings_group_t s_groups[] = {
    {"charge", "Charging", "How far and how fast the battery is charged"},
    {"disch", "Discharging", "How far and how fast the battery is discharged"},
    {"limit", "Current limits", "What CCL and DCL have in common"},
    {"ramp", "Start-up ramp", "How the limits come back after a start and after a silence of the BMS"},
    {"cvl", "Charge voltage limit", "How CVL follows the highest cell"},
    {"absorb", "Absorption", "When a full battery has been charged long enough"},
    {"float", "Float", "The voltage at which a full battery is kept, and when charging starts again"},
    {"temp", "Temperature", "How temperatures lower the limits"},
    {"alarm", "Alarms and warnings", "When the GX is told that something is wrong"},
    {"diff", "Cell voltage difference", "When cells that drift apart raise a warning or an alarm"},
    {"hyst", "Hysteresis", "How far a value has to come back before its alarm or warning ends"},
    {"id", "Names for the GX", "What the GX shows as the battery"},
    {"can", "CAN bus", "The bus to the GX"},
    {"uart", "Serial line", "The line to the TinyBMS"},
    {"data", "Silence of the BMS", "What happens when the TinyBMS no longer answers"},
    {"energy", "Counters", "How often energy and charge are saved"},
    {"net", "Network", "The gateway in the network"},
    {"web", "Web server", "Who may read without a login, and under which names the gateway answers"},
    {"wifi", "Wi-Fi", "The network that the gateway joins, and the one that it offers"},
    {"mqtt", "MQTT", "The broker that the gateway reports to"},
};

const settings_group_t *settings_group_at(size_t index)
{
    return index < sizeof(s_groups) / sizeof(s_groups[0]) ? &s_groups[index] : NULL;
}

bool settings_in_group(settings_id_t id, const settings_group_t *group)
{
    const size_t length = strlen(group->id);
    return strncmp(s_entries[id].key, group->id, length) == 0 && s_entries[id].key[length] == '.';
}

const char *settings_applies_text(settings_applies_t applies)
{
    static const char *const texts[] = {
        [SETTINGS_APPLIES_LIVE] = "live",
        [SETTINGS_APPLIES_SERVICE] = "service",
        [SETTINGS_APPLIES_RESTART] = "restart",
    };
    return texts[applies];
}

const settings_entry_t *settings_entry(settings_id_t id)
{
    return (unsigned)id < SETTINGS_COUNT ? &s_entries[id] : NULL;
}

settings_id_t settings_find(const char *key)
{
    settings_id_t id = 0;
    while (id < SETTINGS_COUNT && strcmp(s_entries[id].key, key) != 0) {
        id++;
    }
    return id;
}

void settings_factory(settings_id_t id, settings_value_t *value)
{
    const settings_entry_t *const entry = &s_entries[id];
    *value = (settings_value_t){.number = entry->factory_number, .text = entry->factory_text};
}

void settings_factory_all(settings_values_t *values)
{
    memset(values, 0, sizeof(*values));
    for (settings_id_t id = 0; id < SETTINGS_LONG; id++) {
        settings_value_t value;
        settings_factory(id, &value);
        settings_set(values, id, &value);
    }
}

const char *settings_text(const settings_values_t *values, settings_id_t id)
{
    return (const char *)&values->texts + s_entries[id].offset;
}

settings_value_t settings_get(const settings_values_t *values, settings_id_t id)
{
    if (settings_is_number(id)) {
        return (settings_value_t){.number = values->number[id]};
    }
    return (settings_value_t){.text = settings_is_text(id) ? settings_text(values, id) : NULL};
}

/** The rest is filled with zeros, so that equal values are equal bytes. */
static void set_text(settings_values_t *values, const settings_entry_t *entry, const char *text)
{
    char *const to = (char *)&values->texts + entry->offset;
    const size_t size = (size_t)entry->max;
    const size_t length = strnlen(text, size);
    memmove(to, text, length);
    memset(&to[length], 0, size + 1 - length);
}

void settings_set(settings_values_t *values, settings_id_t id, const settings_value_t *value)
{
    if (settings_is_number(id)) {
        values->number[id] = value->number;
    } else if (settings_is_text(id)) {
        set_text(values, &s_entries[id], value->text);
    }
}

void settings_copy(settings_values_t *to, const settings_values_t *from, settings_id_t id)
{
    const settings_value_t value = settings_get(from, id);
    settings_set(to, id, &value);
    if (settings_is_apart(id)) {
        to->apart[id - SETTINGS_APART] = from->apart[id - SETTINGS_APART];
    }
}
