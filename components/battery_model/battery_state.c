/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Small helpers on battery_state_t: comparing quantities that may be missing, and the texts of reasons and alarms. */
#include "battery_state.h"

#include <stddef.h>

battery_quantity_t battery_quantity_lower(battery_quantity_t a, battery_quantity_t b)
{
    return !b.known || (a.known && a.value <= b.value) ? a : b;
}

battery_quantity_t battery_quantity_higher(battery_quantity_t a, battery_quantity_t b)
{
    return !b.known || (a.known && a.value >= b.value) ? a : b;
}

int battery_extreme_sensor(const battery_state_t *state, bool warmest)
{
    int found = -1;
    for (int i = 0; i < BATTERY_SENSORS_MAX; i++) {
        const battery_quantity_t *const sensor = &state->sensor_ddegc[i];
        const bool beyond = found >= 0 && (warmest ? sensor->value > state->sensor_ddegc[found].value
                                                   : sensor->value < state->sensor_ddegc[found].value);
        if (sensor->known && (found < 0 || beyond)) {
            found = i;
        }
    }
    return found;
}

const char *battery_limit_reason_text(battery_limit_reason_t reason)
{
    static const char *const texts[BATTERY_REASON_COUNT] = {
        [BATTERY_REASON_NONE] = "none",
        [BATTERY_REASON_BMS_SETTING] = "BMS setting",
        [BATTERY_REASON_USER_CAP] = "user cap",
        [BATTERY_REASON_SETTINGS_LOST] = "settings of the gateway lost",
        [BATTERY_REASON_CELL_VOLTAGE] = "cell voltage",
        [BATTERY_REASON_PACK_VOLTAGE] = "pack voltage",
        [BATTERY_REASON_TEMPERATURE] = "temperature",
        [BATTERY_REASON_BMS_TEMPERATURE] = "temperature of the BMS",
        [BATTERY_REASON_SOC] = "state of charge",
        [BATTERY_REASON_RAMP] = "start-up ramp",
        [BATTERY_REASON_RISING] = "rising slowly",
        [BATTERY_REASON_BMS_FAULT] = "BMS fault",
        [BATTERY_REASON_STALE_DATA] = "stale data",
        [BATTERY_REASON_NO_TEMPERATURE] = "no temperature known",
        [BATTERY_REASON_SENSOR_LOST] = "temperature sensor lost",
        [BATTERY_REASON_CELLS_CONTRADICT] = "cells contradict",
        [BATTERY_REASON_SETTINGS_CONTRADICTORY] = "BMS settings contradictory",
        [BATTERY_REASON_SETTING_MISSING] = "BMS setting missing",
        [BATTERY_REASON_CELL_COUNT] = "BMS setting and detected number of cells differ",
        [BATTERY_REASON_BULK] = "bulk",
        [BATTERY_REASON_ABSORPTION] = "absorption",
        [BATTERY_REASON_FLOAT] = "float",
        [BATTERY_REASON_CHARGE_INHIBITED] = "charging inhibited",
    };
    return (size_t)reason < (size_t)BATTERY_REASON_COUNT ? texts[reason] : "unknown";
}

const char *battery_alarm_text(battery_alarm_id_t id)
{
    static const char *const texts[BATTERY_ALARM_COUNT] = {
        [BATTERY_ALARM_GENERAL] = "general",
        [BATTERY_ALARM_HIGH_VOLTAGE] = "high voltage",
        [BATTERY_ALARM_LOW_VOLTAGE] = "low voltage",
        [BATTERY_ALARM_HIGH_TEMPERATURE] = "high temperature",
        [BATTERY_ALARM_LOW_TEMPERATURE] = "low temperature",
        [BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE] = "high temperature while charging",
        [BATTERY_ALARM_LOW_TEMPERATURE_CHARGE] = "low temperature while charging",
        [BATTERY_ALARM_HIGH_DISCHARGE_CURRENT] = "high discharge current",
        [BATTERY_ALARM_HIGH_CHARGE_CURRENT] = "high charge current",
        [BATTERY_ALARM_CONTACTOR] = "contactor",
        [BATTERY_ALARM_SHORT_CIRCUIT] = "short circuit",
        [BATTERY_ALARM_BMS_INTERNAL] = "BMS internal",
        [BATTERY_ALARM_CELL_IMBALANCE] = "cell imbalance",
    };
    return (size_t)id < (size_t)BATTERY_ALARM_COUNT ? texts[id] : "unknown";
}
