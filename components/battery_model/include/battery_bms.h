/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the TinyBMS says of itself: its settings as fixed-point values, its state, what a fault forbids.
 *
 * The plausibility of a setting is decided here and nowhere else: a register that reads 0 or is out of its range is not
 * set, and then `known == false`. Register 320 alone may be 0: it then means 0 degC. All voltages are per cell.
 */

#include "battery_state.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Settings and state of the BMS, as of one snapshot. */
typedef struct {
    battery_quantity_t full_mv;           /**< 300 */
    battery_quantity_t empty_mv;          /**< 301 */
    battery_quantity_t balance_mv;        /**< 303, early balancing threshold */
    battery_quantity_t charge_finish_ma;  /**< 304 */
    battery_quantity_t peak_discharge_ma; /**< 305 */
    battery_quantity_t over_voltage_mv;   /**< 315 */
    battery_quantity_t under_voltage_mv;  /**< 316 */
    battery_quantity_t discharge_max_ma;  /**< 317 */
    battery_quantity_t charge_max_ma;     /**< 318 */
    battery_quantity_t over_heat_dc;      /**< 319 */
    battery_quantity_t cold_charge_dc;    /**< 320 */
    battery_quantity_t restart_ppm;       /**< 321, when bit 2 of 329 enables it */
    bool settings_known;                  /**< the settings have been read at all */
    bool fully_charged;                   /**< register 50 reads 0x92 */
    bool fault;                           /**< register 50 reads 0x9B */
    uint8_t fault_event;                  /**< the event that decides what the fault forbids; 0 = none is known */
    bool cell_count_differs;              /**< 307, 53 and the cells that are measured contradict one another */
} battery_bms_t;

/** @brief What a fault or warning event of the BMS forbids, and the alarm that shows it. */
typedef struct {
    bool stops_charge;
    bool stops_discharge;
    battery_alarm_id_t alarm;
} battery_fault_effect_t;

/**
 * @brief Effect of a fault. The battery must be able to discharge itself back to safety, so over-voltage leaves
 * discharge open, and so on.
 * @param event_id event that decides; 0 or one that is not listed: both directions are forbidden
 */
battery_fault_effect_t battery_fault_effect(uint8_t event_id);

#ifdef __cplusplus
}
#endif
