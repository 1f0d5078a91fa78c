/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What BMS faults forbid and which alarms show them, and the limit registers as a table: the strictest value counts
 * while a register is lost.
 */
#include "battery_bms.h"

#include <stddef.h>
#include <string.h>

#include "tinybms_addresses.h"

battery_fault_effect_t battery_fault_effect(uint8_t event_id)
{
    switch (event_id) {
    case 0x02:
    case 0x05:
    case 0x31:
        return (battery_fault_effect_t){.stops_discharge = true};
    case 0x03:
    case 0x06:
    case 0x07:
    case 0x37:
        return (battery_fault_effect_t){.stops_charge = true};
    default:
        return (battery_fault_effect_t){.stops_charge = true, .stops_discharge = true};
    }
}

battery_alarm_id_t battery_fault_alarm(uint8_t event_id)
{
    switch (event_id) {
    case 0x02:
    case 0x31:
        return BATTERY_ALARM_LOW_VOLTAGE;
    case 0x03:
        return BATTERY_ALARM_HIGH_VOLTAGE;
    case 0x04:
        return BATTERY_ALARM_HIGH_TEMPERATURE;
    case 0x05:
        return BATTERY_ALARM_HIGH_DISCHARGE_CURRENT;
    case 0x06:
    case 0x07:
        return BATTERY_ALARM_HIGH_CHARGE_CURRENT;
    case 0x0A:
        return BATTERY_ALARM_LOW_TEMPERATURE;
    case 0x37:
        return BATTERY_ALARM_LOW_TEMPERATURE_CHARGE;
    default:
        return BATTERY_ALARM_BMS_INTERNAL;
    }
}

battery_fault_effect_t battery_faults_effect(const battery_bms_t *bms)
{
    battery_fault_effect_t all = {0};
    for (size_t i = 0; bms->fault && i < bms->fault_count; i++) {
        const battery_fault_effect_t one = battery_fault_effect(bms->faults[i]);
        all.stops_charge = all.stops_charge || one.stops_charge;
        all.stops_discharge = all.stops_discharge || one.stops_discharge;
    }
    return all;
}

bool battery_faults_alarm(const battery_bms_t *bms, battery_alarm_id_t alarm, uint8_t *event_id)
{
    bool found = false;
    for (size_t i = 0; bms->fault && i < bms->fault_count; i++) {
        if (battery_fault_alarm(bms->faults[i]) == alarm) {
            *event_id = bms->faults[i];
            found = true;
        }
    }
    return found;
}

uint16_t battery_register_address(battery_register_t id)
{
    static const uint16_t addresses[BATTERY_REGISTER_COUNT] = {
        [BATTERY_REGISTER_EMPTY] = TINYBMS_REG_FULLY_DISCHARGED_VOLTAGE,
        [BATTERY_REGISTER_OVER_VOLTAGE] = TINYBMS_REG_OVER_VOLTAGE_CUTOFF,
        [BATTERY_REGISTER_UNDER_VOLTAGE] = TINYBMS_REG_UNDER_VOLTAGE_CUTOFF,
        [BATTERY_REGISTER_PEAK_CURRENT] = TINYBMS_REG_PEAK_DISCHARGE_CURRENT_CUTOFF,
        [BATTERY_REGISTER_DISCHARGE_CURRENT] = TINYBMS_REG_DISCHARGE_OVER_CURRENT_CUTOFF,
        [BATTERY_REGISTER_CHARGE_CURRENT] = TINYBMS_REG_CHARGE_OVER_CURRENT_CUTOFF,
        [BATTERY_REGISTER_OVER_HEAT] = TINYBMS_REG_OVER_HEAT_CUTOFF,
        [BATTERY_REGISTER_COLD_CHARGE] = TINYBMS_REG_LOW_TEMPERATURE_CHARGER_CUTOFF,
    };
    return (size_t)id < (size_t)BATTERY_REGISTER_COUNT ? addresses[id] : 0;
}

static size_t offset_of(battery_register_t id)
{
    static const size_t offsets[BATTERY_REGISTER_COUNT] = {
        [BATTERY_REGISTER_EMPTY] = offsetof(battery_bms_t, empty_mv),
        [BATTERY_REGISTER_OVER_VOLTAGE] = offsetof(battery_bms_t, over_voltage_mv),
        [BATTERY_REGISTER_UNDER_VOLTAGE] = offsetof(battery_bms_t, under_voltage_mv),
        [BATTERY_REGISTER_PEAK_CURRENT] = offsetof(battery_bms_t, peak_current_ma),
        [BATTERY_REGISTER_DISCHARGE_CURRENT] = offsetof(battery_bms_t, discharge_current_ma),
        [BATTERY_REGISTER_CHARGE_CURRENT] = offsetof(battery_bms_t, charge_max_ma),
        [BATTERY_REGISTER_OVER_HEAT] = offsetof(battery_bms_t, over_heat_ddegc),
        [BATTERY_REGISTER_COLD_CHARGE] = offsetof(battery_bms_t, cold_charge_ddegc),
    };
    return offsets[id];
}

battery_quantity_t battery_register_get(const battery_bms_t *bms, battery_register_t id)
{
    battery_quantity_t value;
    memcpy(&value, (const char *)bms + offset_of(id), sizeof(value));
    return value;
}

void battery_register_set(battery_bms_t *bms, battery_register_t id, battery_quantity_t value)
{
    memcpy((char *)bms + offset_of(id), &value, sizeof(value));
}

static bool less_is_stricter(battery_register_t id)
{
    return id != BATTERY_REGISTER_EMPTY && id != BATTERY_REGISTER_UNDER_VOLTAGE && id != BATTERY_REGISTER_COLD_CHARGE;
}

battery_quantity_t battery_register_stricter(battery_register_t id, battery_quantity_t a, battery_quantity_t b)
{
    return less_is_stricter(id) ? battery_quantity_lower(a, b) : battery_quantity_higher(a, b);
}

battery_quantity_t battery_register_limit(const battery_bms_t *bms, battery_register_t id)
{
    const battery_quantity_t value = battery_register_get(bms, id);
    return value.known ? value : bms->strictest[id];
}

battery_quantity_t battery_discharge_max_ma(const battery_bms_t *bms)
{
    const battery_quantity_t peak = battery_register_limit(bms, BATTERY_REGISTER_PEAK_CURRENT);
    const battery_quantity_t cutoff = battery_register_limit(bms, BATTERY_REGISTER_DISCHARGE_CURRENT);
    battery_quantity_t lower = battery_register_stricter(BATTERY_REGISTER_DISCHARGE_CURRENT, peak, cutoff);
    lower.known = bms->peak_current_ma.known || bms->discharge_current_ma.known;
    return lower;
}
