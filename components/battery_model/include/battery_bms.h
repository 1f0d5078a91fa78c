/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the TinyBMS reports about itself: its settings in fixed point, its state, and what a fault forbids.
 *
 * A register that reads 0 or a value out of its range is not set, and then has `known == false`. The exception is
 * register 320, where 0 means 0 degC. All voltages are per cell.
 *
 * @code{.c}
 * int32_t ccl_ma = 100000;
 * const battery_quantity_t cutoff_ma = battery_register_limit(bms, BATTERY_REGISTER_CHARGE_CURRENT);
 * if (!cutoff_ma.known || battery_faults_effect(bms).stops_charge) {
 *     ccl_ma = 0;
 * }
 * @endcode
 */

#include "battery_state.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Registers that limit something. */
typedef enum {
    BATTERY_REGISTER_EMPTY = 0,         /**< 301 */
    BATTERY_REGISTER_OVER_VOLTAGE,      /**< 315 */
    BATTERY_REGISTER_UNDER_VOLTAGE,     /**< 316 */
    BATTERY_REGISTER_PEAK_CURRENT,      /**< 305 */
    BATTERY_REGISTER_DISCHARGE_CURRENT, /**< 317 */
    BATTERY_REGISTER_CHARGE_CURRENT,    /**< 318 */
    BATTERY_REGISTER_OVER_HEAT,         /**< 319 */
    BATTERY_REGISTER_COLD_CHARGE,       /**< 320 */
    BATTERY_REGISTER_COUNT
} battery_register_t;

/** @brief Settings and state of the BMS, as of one snapshot. */
typedef struct {
    bool settings_known;                     /**< the settings have been read */
    battery_quantity_t full_mv;              /**< 300 */
    battery_quantity_t empty_mv;             /**< 301 */
    battery_quantity_t balance_mv;           /**< 303, early balancing threshold */
    battery_quantity_t charge_finish_ma;     /**< 304 */
    battery_quantity_t capacity_mah;         /**< 306 */
    battery_quantity_t series_cells;         /**< 307 */
    battery_quantity_t over_voltage_mv;      /**< 315 */
    battery_quantity_t under_voltage_mv;     /**< 316 */
    battery_quantity_t peak_current_ma;      /**< 305 */
    battery_quantity_t discharge_current_ma; /**< 317 */
    battery_quantity_t discharge_max_ma;  /**< lower of 305 and 317; a lost register counts with its strictest value */
    battery_quantity_t charge_max_ma;     /**< 318 */
    battery_quantity_t over_heat_ddegc;   /**< 319 */
    battery_quantity_t cold_charge_ddegc; /**< 320 */
    battery_quantity_t restart_ppm;       /**< 321, when bit 2 of 329 enables it */
    battery_quantity_t strictest[BATTERY_REGISTER_COUNT]; /**< values since the start, mV, mA or 0.1 degC */
    bool settings_unconfirmed; /**< they differ from the last read: tightened now, and about to be read again */
    uint8_t registers_lost;    /**< one bit for each limit register that was usable since the start and now is not */

    bool fully_charged;                     /**< register 50 reads 0x92 */
    bool fault;                             /**< register 50 reads 0x9B */
    uint8_t fault_count;                    /**< at least one during a fault */
    uint8_t faults[TINYBMS_FAULTS_MAX + 1]; /**< events still in force, oldest first; 0 = an unknown one */
    uint8_t sensors_lost;    /**< one bit for each external temperature sensor that was there and is gone */
    bool cell_count_differs; /**< registers 307 and 53 and the measured cells contradict one another */
    bool cells_contradict;   /**< no cell is measured, or their sum is not the pack voltage */
} battery_bms_t;

/** @brief What BMS faults and warnings forbid. */
typedef struct {
    bool stops_charge;
    bool stops_discharge;
} battery_fault_effect_t;

/**
 * @brief What one event forbids. The way back to safety stays open: over-voltage, for example, still allows discharge.
 * @param event_id id of the event; 0 or an unlisted one forbids both directions
 */
battery_fault_effect_t battery_fault_effect(uint8_t event_id);

/** @brief Alarm that shows an event; BATTERY_ALARM_BMS_INTERNAL for 0 or an unlisted event. */
battery_alarm_id_t battery_fault_alarm(uint8_t event_id);

/** @brief What all events in force forbid together; nothing without a fault. */
battery_fault_effect_t battery_faults_effect(const battery_bms_t *bms);

/**
 * @brief Whether an event in force raises this alarm.
 * @param bms state
 * @param alarm to look for
 * @param[out] event_id the newest such event; unchanged when there is none
 */
bool battery_faults_alarm(const battery_bms_t *bms, battery_alarm_id_t alarm, uint8_t *event_id);

/** @brief Address of a limit register (317); 0 for an id outside the enumeration. */
uint16_t battery_register_address(battery_register_t id);

/** @brief Present value of a limit register, in mV, mA or 0.1 degC. */
battery_quantity_t battery_register_get(const battery_bms_t *bms, battery_register_t id);

/** @brief Sets a limit register, in mV, mA or 0.1 degC. */
void battery_register_set(battery_bms_t *bms, battery_register_t id, battery_quantity_t value);

/** @brief The one of two values of a limit register that allows less; an unknown value allows everything. */
battery_quantity_t battery_register_stricter(battery_register_t id, battery_quantity_t a, battery_quantity_t b);

/** @brief Value of a limit register; while it is not usable, its strictest value since the start. */
battery_quantity_t battery_register_limit(const battery_bms_t *bms, battery_register_t id);

/**
 * @brief The lower of registers 305 and 317, mA; while one of them is lost, its strictest value counts. Not known when
 * neither is.
 */
battery_quantity_t battery_discharge_max_ma(const battery_bms_t *bms);

#ifdef __cplusplus
}
#endif
