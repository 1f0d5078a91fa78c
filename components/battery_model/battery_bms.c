/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "battery_bms.h"

battery_fault_effect_t battery_fault_effect(uint8_t event_id)
{
    switch (event_id) {
    case 0x02:
    case 0x31:
        return (battery_fault_effect_t){.stops_discharge = true, .alarm = BATTERY_ALARM_LOW_VOLTAGE};
    case 0x03:
        return (battery_fault_effect_t){.stops_charge = true, .alarm = BATTERY_ALARM_HIGH_VOLTAGE};
    case 0x04:
        return (battery_fault_effect_t){
            .stops_charge = true, .stops_discharge = true, .alarm = BATTERY_ALARM_HIGH_TEMPERATURE};
    case 0x05:
        return (battery_fault_effect_t){.stops_discharge = true, .alarm = BATTERY_ALARM_HIGH_DISCHARGE_CURRENT};
    case 0x06:
    case 0x07:
        return (battery_fault_effect_t){.stops_charge = true, .alarm = BATTERY_ALARM_HIGH_CHARGE_CURRENT};
    case 0x0A:
        return (battery_fault_effect_t){
            .stops_charge = true, .stops_discharge = true, .alarm = BATTERY_ALARM_LOW_TEMPERATURE};
    case 0x37:
        return (battery_fault_effect_t){.stops_charge = true, .alarm = BATTERY_ALARM_LOW_TEMPERATURE_CHARGE};
    default:
        return (battery_fault_effect_t){
            .stops_charge = true, .stops_discharge = true, .alarm = BATTERY_ALARM_BMS_INTERNAL};
    }
}
