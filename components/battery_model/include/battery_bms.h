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

/** @brief Settings and state of the BMS, as of one snapshot. A setting that reads 0 or out of its range is not known.
 */
typedef struct {
    bool settings_known;                     /**< the settings have been read at all */
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
    battery_quantity_t
        discharge_max_ma;               /**< the lower one of 305 and 317; one that is lost counts with its strictest */
    battery_quantity_t charge_max_ma;   /**< 318 */
    battery_quantity_t over_heat_ddegc; /**< 319 */
    battery_quantity_t cold_charge_ddegc;                 /**< 320 */
    battery_quantity_t restart_ppm;                       /**< 321, when bit 2 of 329 enables it */
    battery_quantity_t strictest[BATTERY_REGISTER_COUNT]; /**< values since the start, in the unit of each register */
    bool settings_unconfirmed; /**< they differ from what was read before: tightened, and to be read again */
    uint8_t registers_lost;    /**< one bit for each limit register that was usable since the start and is not now */

    bool fully_charged;                     /**< register 50 reads 0x92 */
    bool fault;                             /**< register 50 reads 0x9B */
    uint8_t fault_count;                    /**< in a fault at least one */
    uint8_t faults[TINYBMS_FAULTS_MAX + 1]; /**< events that hold, oldest first; 0 = one that nobody knows */
    uint8_t sensors_lost;    /**< one bit for each external temperature sensor that was there and is gone */
    bool cell_count_differs; /**< 307, 53 and the cells that are measured contradict one another */
    bool cells_contradict;   /**< no cell is measured, or their sum is not the voltage of the pack */
} battery_bms_t;

/** @brief What faults and warnings of the BMS forbid. */
typedef struct {
    bool stops_charge;
    bool stops_discharge;
} battery_fault_effect_t;

/**
 * @brief Effect of one event. The battery must be able to discharge itself back to safety, so over-voltage leaves
 * discharge open, and so on.
 * @param event_id 0 or one that is not listed: both directions are forbidden
 */
battery_fault_effect_t battery_fault_effect(uint8_t event_id);

/** @brief Alarm that shows an event; BATTERY_ALARM_BMS_INTERNAL for 0 or one that is not listed. */
battery_alarm_id_t battery_fault_alarm(uint8_t event_id);

/** @brief What all events that hold forbid together; nothing without a fault. */
battery_fault_effect_t battery_faults_effect(const battery_bms_t *bms);

/**
 * @brief Whether an event that holds has this alarm.
 * @param bms state
 * @param alarm looked for
 * @param[out] event_id the newest one, when there is one
 */
bool battery_faults_alarm(const battery_bms_t *bms, battery_alarm_id_t alarm, uint8_t *event_id);

/** @brief Address of a limit register (317); 0 for one that is not in the enumeration. */
uint16_t battery_register_address(battery_register_t id);

/** @brief Value of a limit register as of now, in its unit. */
battery_quantity_t battery_register_get(const battery_bms_t *bms, battery_register_t id);

/** @brief Gives a limit register another value. */
void battery_register_set(battery_bms_t *bms, battery_register_t id, battery_quantity_t value);

/** @brief Of two values of a limit register the one that allows less; one that is not known allows all. */
battery_quantity_t battery_register_stricter(battery_register_t id, battery_quantity_t a, battery_quantity_t b);

/** @brief The register; while it is not usable, the strictest value since the start. */
battery_quantity_t battery_register_limit(const battery_bms_t *bms, battery_register_t id);

/** @brief The lower one of registers 305 and 317; while one is lost its strictest value. Not known when both are not.
 */
battery_quantity_t battery_discharge_max_ma(const battery_bms_t *bms);

#ifdef __cplusplus
}
#endif
