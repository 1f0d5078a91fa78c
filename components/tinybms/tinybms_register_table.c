/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The register table itself: one line for each entry. Apart from tinybms_registers.c, so that it reads as a table. */
#include "tinybms_registers.h"

/** A range that is not known: nothing is refused for its value. */
#define ANY 1, 0
/** Access, and which change loosens a protection: one at which the battery may be charged or discharged further, longer
 * or harder than before, or at which something else than before switches it off. What a register does: Rev D. */
#define RO      TINYBMS_READ_ONLY, TINYBMS_LOOSENS_NEVER
#define RW      TINYBMS_READ_WRITE, TINYBMS_LOOSENS_NEVER
#define RW_UP   TINYBMS_READ_WRITE, TINYBMS_LOOSENS_UP
#define RW_DOWN TINYBMS_READ_WRITE, TINYBMS_LOOSENS_DOWN
#define RW_ANY  TINYBMS_READ_WRITE, TINYBMS_LOOSENS_ANY

/* address, type, access and loosens, mask, name, unit, scale_den, min, max, description */
static const tinybms_register_t s_table[] = {
    /* One entry a line reads as the table it is. */
    /* clang-format off */
    {0, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_0", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {1, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_1", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {2, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_2", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {3, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_3", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {4, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_4", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {5, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_5", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {6, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_6", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {7, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_7", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {8, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_8", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {9, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_9", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {10, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_10", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {11, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_11", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {12, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_12", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {13, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_13", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {14, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_14", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {15, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_15", "V", 10000, ANY, "voltage of a cell; 0 = no cell here"},
    {32, TINYBMS_TYPE_U32, RO, 0, "lifetime", "s", 1, ANY, "lifetime counter"},
    {34, TINYBMS_TYPE_U32, RO, 0, "time_left", "s", 1, ANY, "estimated time left"},
    {36, TINYBMS_TYPE_FLOAT32, RO, 0, "pack_voltage", "V", 1, ANY, "pack voltage"},
    {38, TINYBMS_TYPE_FLOAT32, RO, 0, "pack_current", "A", 1, ANY, "pack current, positive = charging"},
    {40, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_min", "V", 1000, ANY, "lowest cell voltage"},
    {41, TINYBMS_TYPE_U16, RO, 0, "cell_voltage_max", "V", 1000, ANY, "highest cell voltage"},
    {42, TINYBMS_TYPE_I16, RO, 0, "temperature_external_1", "degC", 10, ANY, "external sensor 1; raw -32768 = not connected"},
    {43, TINYBMS_TYPE_I16, RO, 0, "temperature_external_2", "degC", 10, ANY, "external sensor 2; raw -32768 = not connected"},
    {44, TINYBMS_TYPE_U16, RO, 0, "distance_left", "km", 1, ANY, "distance left"},
    {45, TINYBMS_TYPE_U16, RO, 0, "state_of_health", "%", 500, ANY, "state of health; 0 = not estimated"},
    {46, TINYBMS_TYPE_U32, RO, 0, "state_of_charge", "%", 1000000, ANY, "state of charge"},
    {48, TINYBMS_TYPE_I16, RO, 0, "temperature_internal", "degC", 10, ANY, "temperature of the BMS itself"},
    {50, TINYBMS_TYPE_U16, RO, 0, "online_status", "", 1, ANY, "0x91 charging, 0x92 fully charged, 0x93 discharging, 0x96 regeneration, 0x97 idle, 0x9B fault"},
    {51, TINYBMS_TYPE_U16, RO, 0, "balancing_wanted", "", 1, ANY, "bit n = cell of register n"},
    {52, TINYBMS_TYPE_U16, RO, 0, "balancing_active", "", 1, ANY, "bit n = cell of register n"},
    {53, TINYBMS_TYPE_U16, RO, 0, "cells_detected", "", 1, ANY, "number of detected cells"},
    {54, TINYBMS_TYPE_FLOAT32, RO, 0, "speed", "km/h", 1, ANY, "speed"},
    {100, TINYBMS_TYPE_U32, RO, 0, "distance", "km", 100, ANY, "distance since the last clear"},
    {102, TINYBMS_TYPE_U16, RO, 0, "discharge_current_highest", "A", 10, ANY, "highest discharge current since the last clear"},
    {103, TINYBMS_TYPE_U16, RO, 0, "charge_current_highest", "A", 10, ANY, "highest charge current since the last clear"},
    {104, TINYBMS_TYPE_U16, RO, 0, "cell_difference_highest", "V", 10000, ANY, "highest cell difference since the last clear"},
    {105, TINYBMS_TYPE_U16, RO, 0, "under_voltage_count", "", 1, ANY, "under-voltage protections since the last clear"},
    {106, TINYBMS_TYPE_U16, RO, 0, "over_voltage_count", "", 1, ANY, "over-voltage protections since the last clear"},
    {107, TINYBMS_TYPE_U16, RO, 0, "discharge_over_current_count", "", 1, ANY, "discharge over-current protections since the last clear"},
    {108, TINYBMS_TYPE_U16, RO, 0, "charge_over_current_count", "", 1, ANY, "charge over-current protections since the last clear"},
    {109, TINYBMS_TYPE_U16, RO, 0, "over_heat_count", "", 1, ANY, "over-heat protections since the last clear"},
    {111, TINYBMS_TYPE_U16, RO, 0, "charging_count", "", 1, ANY, "charges begun since the last clear"},
    {112, TINYBMS_TYPE_U16, RO, 0, "full_charge_count", "", 1, ANY, "charges completed since the last clear"},
    {113, TINYBMS_TYPE_I8_LOW, RO, 0, "pack_temperature_lowest", "degC", 1, ANY, "lowest pack temperature since the last clear"},
    {113, TINYBMS_TYPE_I8_HIGH, RO, 0, "pack_temperature_highest", "degC", 1, ANY, "highest pack temperature since the last clear"},
    {114, TINYBMS_TYPE_U8_LOW, RO, 0, "last_reset_cause", "", 1, ANY, "cause of the last reset"},
    {114, TINYBMS_TYPE_U8_HIGH, RO, 0, "last_wakeup_cause", "", 1, ANY, "cause of the last wake-up"},
    {116, TINYBMS_TYPE_U32, RO, 0, "statistics_clear_time", "s", 1, ANY, "time of the last clear"},
    {300, TINYBMS_TYPE_U16, RW_UP, 0, "fully_charged_voltage", "V", 1000, 1200, 4500, "cell voltage at which the pack counts as full"},
    {301, TINYBMS_TYPE_U16, RW_DOWN, 0, "fully_discharged_voltage", "V", 1000, 1000, 3500, "cell voltage at which the pack counts as empty"},
    {303, TINYBMS_TYPE_U16, RW, 0, "early_balancing_threshold", "V", 1000, 1000, 4500, "cell voltage from which balancing begins"},
    {304, TINYBMS_TYPE_U16, RW_DOWN, 0, "charge_finished_current", "A", 1000, 100, 5000, "current below which charging is finished; range depends on the sensor"},
    {305, TINYBMS_TYPE_U16, RW_UP, 0, "peak_discharge_current_cutoff", "A", 1, ANY, "peak discharge current cutoff; Rev D gives no range"},
    {306, TINYBMS_TYPE_U16, RW_ANY, 0, "battery_capacity", "Ah", 100, 10, 65500, "battery capacity"},
    {307, TINYBMS_TYPE_U16, RW, 0, "series_cells", "", 1, 4, 16, "number of cells in series"},
    {308, TINYBMS_TYPE_U16, RW, 0, "allowed_disbalance", "V", 1000, 15, 100, "cell difference that is not balanced"},
    {310, TINYBMS_TYPE_U16, RW, 0, "charger_startup_delay", "s", 1, 5, 60, "charger start-up delay"},
    {311, TINYBMS_TYPE_U16, RW_UP, 0, "charger_disable_delay", "s", 1, 0, 60, "charger disable delay"},
    {312, TINYBMS_TYPE_U32, RW, 0, "pulses_per_unit", "", 1, 1, 100000, "speed sensor pulses per distance unit"},
    {314, TINYBMS_TYPE_U16, RW, 0, "distance_unit", "", 1, 1, 5, "1 m, 2 km, 3 ft, 4 mi, 5 yd"},
    {315, TINYBMS_TYPE_U16, RW_UP, 0, "over_voltage_cutoff", "V", 1000, 1200, 4500, "cell voltage at which charging is cut off"},
    {316, TINYBMS_TYPE_U16, RW_DOWN, 0, "under_voltage_cutoff", "V", 1000, 800, 3500, "cell voltage at which discharging is cut off"},
    {317, TINYBMS_TYPE_U16, RW_UP, 0, "discharge_over_current_cutoff", "A", 1, 1, 750, "discharge over-current cutoff; range depends on the sensor"},
    {318, TINYBMS_TYPE_U16, RW_UP, 0, "charge_over_current_cutoff", "A", 1, 1, 750, "charge over-current cutoff; range depends on the sensor"},
    {319, TINYBMS_TYPE_I16, RW_UP, 0, "over_heat_cutoff", "degC", 1, 20, 90, "over-heat cutoff"},
    {320, TINYBMS_TYPE_I16, RW_DOWN, 0, "low_temperature_charger_cutoff", "degC", 1, -40, 10, "temperature below which charging is cut off"},
    {321, TINYBMS_TYPE_U16, RW_UP, 0, "charge_restart_level", "%", 1, 60, 95, "state of charge below which charging restarts"},
    {322, TINYBMS_TYPE_U16, RW, 0, "battery_maximum_cycles", "", 1, 10, 65000, "battery maximum cycle count"},
    {323, TINYBMS_TYPE_U16, RW, 0, "state_of_health_set", "%", 500, 0, 50000, "sets register 45; reads 0xFFFF once accepted"},
    {328, TINYBMS_TYPE_U16, RW_ANY, 0, "state_of_charge_set", "%", 500, 0, 50000, "sets registers 46-47; reads 0xFFFF"},
    {329, TINYBMS_TYPE_BITS, RW_ANY, 0x1, "external_current_sensor_inverted", "", 1, 0, 1, "external current sensor inverted"},
    {329, TINYBMS_TYPE_BITS, RW_UP, 0x2, "switch_diagnostics_disabled", "", 1, 0, 1, "load and charger switch diagnostics disabled"},
    {329, TINYBMS_TYPE_BITS, RW_DOWN, 0x4, "charge_restart_level_enabled", "", 1, 0, 1, "charge restart level enabled"},
    {330, TINYBMS_TYPE_U8_LOW, RW_ANY, 0, "charger_type", "", 1, 0, 1, "1 = CC/CV"},
    {330, TINYBMS_TYPE_U8_HIGH, RW_UP, 0, "discharge_over_current_timeout", "s", 1, 0, 30, "discharge over-current timeout"},
    {331, TINYBMS_TYPE_U8_LOW, RW_ANY, 0, "load_switch", "", 1, 0, 8, "0 FET, 1 AIDO1, 2 AIDO2, 3 DIDO1, 4 DIDO2, 5/6 AIHO1 active low/high, 7/8 AIHO2 active low/high"},
    {332, TINYBMS_TYPE_U8_LOW, RW_DOWN, 0, "automatic_recovery", "s", 1, 1, 30, "automatic recovery"},
    {333, TINYBMS_TYPE_U8_LOW, RW_ANY, 0, "charger_switch", "", 1, 1, 9, "1 charge FET, 2 AIDO1, 3 AIDO2, 4 DIDO1, 5 DIDO2, 6/7 AIHO1 active low/high, 8/9 AIHO2 active low/high"},
    {334, TINYBMS_TYPE_U8_LOW, RW_ANY, 0, "ignition_input", "", 1, 0, 6, "0 off, 1 AIDO1, 2 AIDO2, 3 DIDO1, 4 DIDO2, 5 AIHO1, 6 AIHO2"},
    {335, TINYBMS_TYPE_U8_LOW, RW_ANY, 0, "charger_detection", "", 1, 1, 7, "1 internal, 2 AIDO1, 3 AIDO2, 4 DIDO1, 5 DIDO2, 6 AIHO1, 7 AIHO2"},
    {336, TINYBMS_TYPE_U8_LOW, RW, 0, "speed_sensor_input", "", 1, 0, 2, "0 off, 1 DIDO1, 2 DIDO2"},
    {337, TINYBMS_TYPE_U8_LOW, RW_ANY, 0, "precharge_pin", "", 1, 0, 16, "0 off, 2 discharge FET, 3 AIDO1, 4 AIDO2, 5 DIDO1, 6 DIDO2, 7/8 AIHO1 active low/high, 9/16 AIHO2 active low/high"},
    {338, TINYBMS_TYPE_U8_LOW, RW_DOWN, 0, "precharge_duration", "", 1, 0, 7, "0 to 7 = 0.1, 0.2, 0.5, 1, 2, 3, 4, 5 s"},
    {339, TINYBMS_TYPE_U8_LOW, RW_ANY, 0, "temperature_sensor_type", "", 1, 0, 1, "0 dual 10k NTC, 1 multipoint active"},
    {340, TINYBMS_TYPE_U8_LOW, RW_ANY, 0, "operation_mode", "", 1, 0, 1, "0 dual port, 1 single port"},
    {341, TINYBMS_TYPE_U8_LOW, RW_ANY, 0, "single_port_switch", "", 1, 0, 8, "as load_switch"},
    {342, TINYBMS_TYPE_U8_LOW, RW, 0, "broadcast_period", "", 1, 0, 7, "0 off, 1 to 7 = 0.1, 0.2, 0.5, 1, 2, 5, 10 s"},
    {343, TINYBMS_TYPE_U8_LOW, RW, 0, "broadcast_protocol", "", 1, 0, 2, "0 CA V3, 1 ASCII, 2 SOC bar"},
    {500, TINYBMS_TYPE_U8_LOW, RO, 0, "hardware_version", "", 1, ANY, "hardware version"},
    {500, TINYBMS_TYPE_U8_HIGH, RO, 0, "hardware_changes", "", 1, ANY, "hardware changes version"},
    {501, TINYBMS_TYPE_U8_LOW, RO, 0, "firmware_public", "", 1, ANY, "public firmware version"},
    {501, TINYBMS_TYPE_BITS, RO, 0x100, "power_type", "", 1, ANY, "0 low power, 1 high power"},
    {501, TINYBMS_TYPE_BITS, RO, 0x600, "current_sensor", "", 1, ANY, "0 resistor, 1 hall, 2 external"},
    {502, TINYBMS_TYPE_U16, RO, 0, "firmware_internal", "", 1, ANY, "internal firmware version"},
    {503, TINYBMS_TYPE_U8_LOW, RO, 0, "bootloader_version", "", 1, ANY, "bootloader version"},
    {503, TINYBMS_TYPE_U8_HIGH, RO, 0, "profile_version", "", 1, ANY, "profile version"},
    {504, TINYBMS_TYPE_U16, RO, 0, "serial_number_0", "", 1, ANY, "16 of the 96 bits of the serial number, binary"},
    {505, TINYBMS_TYPE_U16, RO, 0, "serial_number_1", "", 1, ANY, "16 of the 96 bits of the serial number, binary"},
    {506, TINYBMS_TYPE_U16, RO, 0, "serial_number_2", "", 1, ANY, "16 of the 96 bits of the serial number, binary"},
    {507, TINYBMS_TYPE_U16, RO, 0, "serial_number_3", "", 1, ANY, "16 of the 96 bits of the serial number, binary"},
    {508, TINYBMS_TYPE_U16, RO, 0, "serial_number_4", "", 1, ANY, "16 of the 96 bits of the serial number, binary"},
    {509, TINYBMS_TYPE_U16, RO, 0, "serial_number_5", "", 1, ANY, "16 of the 96 bits of the serial number, binary"},
    /* clang-format on */
};

size_t tinybms_register_count(void)
{
    return sizeof(s_table) / sizeof(s_table[0]);
}

const tinybms_register_t *tinybms_register_at(size_t index)
{
    return index < tinybms_register_count() ? &s_table[index] : NULL;
}

/** The table is in the order of addresses; of several entries with one address the first counts. */
const tinybms_register_t *tinybms_register_by_address(uint16_t address)
{
    size_t first = 0;
    size_t end = tinybms_register_count();
    while (first < end) {
        const size_t middle = (first + end) / 2;
        if (s_table[middle].address < address) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first < tinybms_register_count() && s_table[first].address == address ? &s_table[first] : NULL;
}
