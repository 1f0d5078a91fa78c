/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Addresses of the registers that C code uses, with the names of the register table (tinybms_register_table.c).
 *
 * A value of two registers (U32, FLOAT32) has its low word at the address and its high word at the next. Source: Rev D,
 * chapter 2.
 *
 * @code{.c}
 * #include "tinybms_registers.h"
 * const uint16_t status = snapshot->live[TINYBMS_REG_ONLINE_STATUS];
 * const tinybms_register_t *entry = tinybms_register_by_address(TINYBMS_REG_OVER_VOLTAGE_CUTOFF);
 * const uint16_t raw = snapshot->settings[entry->address - TINYBMS_SETTINGS_FIRST];
 * @endcode
 */

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Cells in series that a TinyBMS measures: registers 0..15, one for each cell. */
#define TINYBMS_CELL_REGISTERS 16

/** @brief Counters of protective cutoffs: registers 105..109. */
#define TINYBMS_PROTECTION_COUNTS 5

/** @brief Words of the serial number: registers 504..509. */
#define TINYBMS_SERIAL_REGISTERS 6

/** @brief Addresses; the name after TINYBMS_REG_ is the name in the table. */
enum {
    /* live block */
    TINYBMS_REG_LIFETIME = 32,
    TINYBMS_REG_PACK_VOLTAGE = 36,
    TINYBMS_REG_PACK_CURRENT = 38,
    TINYBMS_REG_CELL_VOLTAGE_MIN = 40,
    TINYBMS_REG_CELL_VOLTAGE_MAX = 41,
    TINYBMS_REG_TEMPERATURE_EXTERNAL_1 = 42,
    TINYBMS_REG_STATE_OF_HEALTH = 45,
    TINYBMS_REG_STATE_OF_CHARGE = 46,
    TINYBMS_REG_TEMPERATURE_INTERNAL = 48,
    TINYBMS_REG_ONLINE_STATUS = 50,
    TINYBMS_REG_CELLS_DETECTED = 53,
    /* statistics */
    TINYBMS_REG_UNDER_VOLTAGE_COUNT = 105,
    /* settings */
    TINYBMS_REG_FULLY_CHARGED_VOLTAGE = 300,
    TINYBMS_REG_FULLY_DISCHARGED_VOLTAGE = 301,
    TINYBMS_REG_EARLY_BALANCING_THRESHOLD = 303,
    TINYBMS_REG_CHARGE_FINISHED_CURRENT = 304,
    TINYBMS_REG_PEAK_DISCHARGE_CURRENT_CUTOFF = 305,
    TINYBMS_REG_BATTERY_CAPACITY = 306,
    TINYBMS_REG_SERIES_CELLS = 307,
    TINYBMS_REG_OVER_VOLTAGE_CUTOFF = 315,
    TINYBMS_REG_UNDER_VOLTAGE_CUTOFF = 316,
    TINYBMS_REG_DISCHARGE_OVER_CURRENT_CUTOFF = 317,
    TINYBMS_REG_CHARGE_OVER_CURRENT_CUTOFF = 318,
    TINYBMS_REG_OVER_HEAT_CUTOFF = 319,
    TINYBMS_REG_LOW_TEMPERATURE_CHARGER_CUTOFF = 320,
    TINYBMS_REG_CHARGE_RESTART_LEVEL = 321,
    TINYBMS_REG_STATE_OF_HEALTH_SET = 323,
    TINYBMS_REG_STATE_OF_CHARGE_SET = 328,
    TINYBMS_REG_CHARGE_RESTART_LEVEL_ENABLED = 329, /**< bit 2 of the flags */
    /* version */
    TINYBMS_REG_HARDWARE_VERSION = 500,
    TINYBMS_REG_FIRMWARE_PUBLIC = 501,
    TINYBMS_REG_FIRMWARE_INTERNAL = 502,
    TINYBMS_REG_SERIAL_NUMBER_0 = 504,
};

#ifdef __cplusplus
}
#endif
