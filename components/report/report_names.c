/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Names that programs read. They are part of the API: a new one may come, none may change. */
#include "report.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *name_in(const char *const *names, size_t count, unsigned index)
{
    return index < count && names[index] != NULL ? names[index] : "unknown";
}

const char *report_reason_name(battery_limit_reason_t reason)
{
    static const char *const names[] = {
        [BATTERY_REASON_NONE] = "none",
        [BATTERY_REASON_BMS_SETTING] = "bms_setting",
        [BATTERY_REASON_USER_CAP] = "user_cap",
        [BATTERY_REASON_CELL_VOLTAGE] = "cell_voltage",
        [BATTERY_REASON_PACK_VOLTAGE] = "pack_voltage",
        [BATTERY_REASON_TEMPERATURE] = "temperature",
        [BATTERY_REASON_BMS_TEMPERATURE] = "bms_temperature",
        [BATTERY_REASON_SOC] = "soc",
        [BATTERY_REASON_RAMP] = "ramp",
        [BATTERY_REASON_RISING] = "rising",
        [BATTERY_REASON_BMS_FAULT] = "bms_fault",
        [BATTERY_REASON_STALE_DATA] = "stale_data",
        [BATTERY_REASON_NO_TEMPERATURE] = "no_temperature",
        [BATTERY_REASON_SENSOR_LOST] = "sensor_lost",
        [BATTERY_REASON_CELLS_CONTRADICT] = "cells_contradict",
        [BATTERY_REASON_SETTINGS_CONTRADICTORY] = "settings_contradictory",
        [BATTERY_REASON_SETTING_MISSING] = "setting_missing",
        [BATTERY_REASON_CELL_COUNT] = "cell_count",
        [BATTERY_REASON_SETTINGS_LOST] = "settings_lost",
        [BATTERY_REASON_BULK] = "bulk",
        [BATTERY_REASON_ABSORPTION] = "absorption",
        [BATTERY_REASON_FLOAT] = "float",
        [BATTERY_REASON_CHARGE_INHIBITED] = "charge_inhibited",
    };
    _Static_assert(COUNT(names) == BATTERY_REASON_COUNT, "a reason has no name");
    return name_in(names, COUNT(names), (unsigned)reason);
}

const char *report_alarm_name(battery_alarm_id_t id)
{
    static const char *const names[] = {
        [BATTERY_ALARM_GENERAL] = "general",
        [BATTERY_ALARM_HIGH_VOLTAGE] = "high_voltage",
        [BATTERY_ALARM_LOW_VOLTAGE] = "low_voltage",
        [BATTERY_ALARM_HIGH_TEMPERATURE] = "high_temperature",
        [BATTERY_ALARM_LOW_TEMPERATURE] = "low_temperature",
        [BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE] = "high_temperature_charge",
        [BATTERY_ALARM_LOW_TEMPERATURE_CHARGE] = "low_temperature_charge",
        [BATTERY_ALARM_HIGH_DISCHARGE_CURRENT] = "high_discharge_current",
        [BATTERY_ALARM_HIGH_CHARGE_CURRENT] = "high_charge_current",
        [BATTERY_ALARM_CONTACTOR] = "contactor",
        [BATTERY_ALARM_SHORT_CIRCUIT] = "short_circuit",
        [BATTERY_ALARM_BMS_INTERNAL] = "bms_internal",
        [BATTERY_ALARM_CELL_IMBALANCE] = "cell_imbalance",
    };
    _Static_assert(COUNT(names) == BATTERY_ALARM_COUNT, "an alarm has no name");
    return name_in(names, COUNT(names), (unsigned)id);
}

const char *report_can_state_name(event_bus_can_state_t state)
{
    static const char *const names[] = {
        [EVENT_BUS_CAN_STOPPED] = "stopped",
        [EVENT_BUS_CAN_ERROR_ACTIVE] = "error_active",
        [EVENT_BUS_CAN_ERROR_WARNING] = "error_warning",
        [EVENT_BUS_CAN_ERROR_PASSIVE] = "error_passive",
        [EVENT_BUS_CAN_BUS_OFF] = "bus_off",
    };
    return name_in(names, COUNT(names), (unsigned)state);
}

const char *report_status_name(battery_status_t status)
{
    static const char *const names[] = {
        [BATTERY_STATUS_UNKNOWN] = "unknown",
        [BATTERY_STATUS_OFFLINE] = "offline",
        [BATTERY_STATUS_ONLINE] = "online",
    };
    return name_in(names, COUNT(names), (unsigned)status);
}
