/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Decides which alarms and warnings are active. Measured values pass a threshold with hysteresis and debounce; a
 * fault that the BMS reports counts at once.
 *
 * @code{.c}
 * battery_alarms_t alarms;
 * battery_alarm_change_t changes[BATTERY_ALARM_CHANGES_MAX];
 * const battery_alarms_config_t config = BATTERY_ALARMS_DEFAULT_CONFIG();
 * battery_alarms_init(&alarms, &config);
 * const battery_alarms_input_t input = {.bms = bms, .target_mv = 3450, .fresh = true, .now_ms = now_ms};
 * const size_t count = battery_alarms_step(&alarms, &input, state, changes);
 * @endcode
 */

#include <stddef.h>

#include "battery_bms.h"
#include "battery_state.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Every number of the alarms. Each field is the setting of the same name (`hyst.cell_mv` of settings_table.c is
 * `hyst_cell_mv`), in the unit that the field names.
 */
typedef struct {
    int32_t alarm_cell_mv;    /**< distance of the warning from the voltage cutoffs of a cell (315, 316) */
    int32_t alarm_temp_ddegc; /**< distance of the warning from the temperature cutoffs (319, 320) */
    int32_t alarm_cur_pct;    /**< share of the current cutoffs at which the warning comes, % */
    int32_t diff_warn_mv;     /**< cell difference of the warning, while charging above register 303 */
    int32_t diff_alarm_mv;    /**< cell difference of the alarm, likewise */
    int32_t hyst_cell_mv;     /**< distance from its threshold at which a voltage clears */
    int32_t hyst_temp_ddegc;  /**< distance from its threshold at which a temperature clears */
    int32_t hyst_cur_pct;     /**< distance from its threshold at which a current clears, % of the cutoff */
    int32_t alarm_debounce;   /**< snapshots in a row that raise or clear, 1..255; 1 = at once */
    int32_t diff_warn_s;      /**< duration of a cell difference before the warning, 0..7200 */
    int32_t alarm_blocked;    /**< 1: charging blocked by temperature warns even without current; 0: only with it */
} battery_alarms_config_t;

/** @brief Factory values; Kconfig has the same. */
#define BATTERY_ALARMS_DEFAULT_CONFIG()                                                                                \
    {                                                                                                                  \
        .alarm_cell_mv = 50, .alarm_temp_ddegc = 50, .alarm_cur_pct = 95, .diff_warn_mv = 100, .diff_alarm_mv = 200,   \
        .hyst_cell_mv = 20, .hyst_temp_ddegc = 20, .hyst_cur_pct = 5, .alarm_debounce = 3, .diff_warn_s = 600,         \
        .alarm_blocked = 1,                                                                                            \
    }

/**
 * @brief What raised an alarm or a warning. When that cause has ended and another one keeps the field active, the other
 * one.
 */
typedef enum {
    BATTERY_ALARM_CAUSE_NONE = 0,    /**< cleared because its input is no longer known; no value */
    BATTERY_ALARM_CAUSE_CELL,        /**< value: mV of the cell */
    BATTERY_ALARM_CAUSE_PACK,        /**< value: mV of the pack */
    BATTERY_ALARM_CAUSE_TEMPERATURE, /**< value: 0.1 degC */
    BATTERY_ALARM_CAUSE_CURRENT,     /**< value: mA, positive = charging */
    BATTERY_ALARM_CAUSE_SPREAD,      /**< value: mV between the highest and the lowest cell */
    BATTERY_ALARM_CAUSE_EVENT,       /**< value: BMS event that explains the fault; 0 = no event does */
    BATTERY_ALARM_CAUSE_STALE,       /**< value: ms since the last valid snapshot */
    BATTERY_ALARM_CAUSE_LIMIT,       /**< value: mA, a current beyond its limit; positive = charging */
    BATTERY_ALARM_CAUSE_BLOCKED,     /**< a temperature, of a sensor or of the BMS, stops charging; no value */
    BATTERY_ALARM_CAUSE_SETTINGS,    /**< BMS settings or cell counts contradict one another; no value */
    BATTERY_ALARM_CAUSE_SENSOR,      /**< a temperature sensor is lost, or there is none at all; no value */
    BATTERY_ALARM_CAUSE_CELLS,       /**< the cell voltages contradict the pack voltage; no value */
    BATTERY_ALARM_CAUSE_REGISTER,    /**< a limit register that was usable no longer is; no value */
    BATTERY_ALARM_CAUSE_LOST,        /**< gateway settings are lost, a person has to confirm them; no value */
    BATTERY_ALARM_CAUSE_OTHER,       /**< the general field: another field is active */
    BATTERY_ALARM_CAUSE_COUNT
} battery_alarm_cause_t;

/** @brief One line of the log: an alarm or a warning that was raised or cleared. */
typedef struct {
    battery_alarm_id_t id;
    bool warning; /**< false = alarm */
    bool active;  /**< raised, or cleared */
    battery_alarm_cause_t cause;
    int32_t value; /**< meaning and unit depend on the cause */
} battery_alarm_change_t;

/** @brief Most changes that one step can report. */
#define BATTERY_ALARM_CHANGES_MAX (2 * BATTERY_ALARM_COUNT)

/** @brief Input of one step. */
typedef struct {
    const battery_bms_t *bms;
    int32_t target_mv;           /**< charge target of a cell; 0 = not known. No voltage warning at or below it */
    bool settings_contradictory; /**< the BMS registers do not fit together */
    bool settings_lost;          /**< gateway settings are lost, and no person has confirmed those in use */
    bool no_temperature;         /**< neither an external sensor nor the BMS has one */
    bool fresh;                  /**< the snapshot is new: it counts for the debounce */
    bool stale;                  /**< the data has reached the first stage of staleness */
    int32_t age_ms;              /**< of the data */
    int64_t now_ms;              /**< never goes back */
} battery_alarms_input_t;

/** @brief State of one field; private to battery_alarms.c. */
typedef struct {
    uint8_t count; /**< consecutive snapshots that contradict `crossed` */
    bool crossed;  /**< the measurement is beyond its threshold, after debounce and hysteresis */
    bool active;   /**< as reported */
    battery_alarm_cause_t cause;
} battery_alarm_field_t;

/** @brief A current and its limit; private to battery_alarms.c. */
typedef struct {
    int32_t limit_ma;  /**< as of the last snapshot */
    int64_t since_ms;  /**< when the limit last fell, or was first made */
    int64_t within_ms; /**< when the current was last within the limit */
} battery_alarm_excess_t;

/** @brief State of all fields; private to battery_alarms.c. */
typedef struct {
    battery_alarms_config_t config;
    battery_alarm_field_t alarm[BATTERY_ALARM_COUNT];
    battery_alarm_field_t warning[BATTERY_ALARM_COUNT];
    int64_t balanced_ms; /**< when the cell difference was last below its warning */
    bool limits_known;
    int64_t too_cold_until_ms; /**< end of the hold of the warning that charging is blocked */
    int64_t too_hot_until_ms;  /**< same, for heat */
    battery_alarm_excess_t charge;
    battery_alarm_excess_t discharge;
} battery_alarms_t;

/**
 * @brief Starts with no field active.
 * @param[out] alarms state
 * @param config copied
 */
void battery_alarms_init(battery_alarms_t *alarms, const battery_alarms_config_t *config);

/**
 * @brief New thresholds and times, from the next step on. What is active stays so until the debounce has passed without
 * its condition, hysteresis included, by the new numbers.
 * @param alarms state
 * @param config copied
 */
static inline void battery_alarms_configure(battery_alarms_t *alarms, const battery_alarms_config_t *config)
{
    alarms->config = *config;
}

/**
 * @brief Evaluates all fields. A BMS fault, stale data and contradictory settings count at once; measurements count
 * after the debounce. A measurement that a BMS fault confirms skips the debounce, so that the alarm does not clear
 * between the two.
 * @param alarms state
 * @param input what to evaluate
 * @param[in,out] state measurements in; alarm[] and warning[] out, each unsupported, active or OK
 * @param[out] changes room for BATTERY_ALARM_CHANGES_MAX
 * @return number of changes, 0..BATTERY_ALARM_CHANGES_MAX
 */
size_t battery_alarms_step(battery_alarms_t *alarms, const battery_alarms_input_t *input, battery_state_t *state,
                           battery_alarm_change_t *changes);

/**
 * @brief Text of a cause, followed by ", " and the unit of its value if it has one ("cell voltage, mV").
 * @param cause any value; one outside the enumeration gives "unknown"
 * @return static string, never NULL
 */
const char *battery_alarm_cause_text(battery_alarm_cause_t cause);

#ifdef __cplusplus
}
#endif
