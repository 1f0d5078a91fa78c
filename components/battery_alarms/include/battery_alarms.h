/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Alarms and warnings: thresholds with hysteresis and debounce, and the BMS's own fault state, which counts at
 * once.
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

/** @brief What raised an alarm or a warning. When that has ended and something else holds it, what holds it. */
typedef enum {
    BATTERY_ALARM_CAUSE_NONE = 0,    /**< cleared because what it looks at is no longer known; no value */
    BATTERY_ALARM_CAUSE_CELL,        /**< value: mV of the cell */
    BATTERY_ALARM_CAUSE_PACK,        /**< value: mV of the pack */
    BATTERY_ALARM_CAUSE_TEMPERATURE, /**< value: 0.1 degC */
    BATTERY_ALARM_CAUSE_CURRENT,     /**< value: mA, positive = charging */
    BATTERY_ALARM_CAUSE_SPREAD,      /**< value: mV between the highest and the lowest cell */
    BATTERY_ALARM_CAUSE_EVENT,       /**< value: event of the BMS that decides in its fault state; 0 = none */
    BATTERY_ALARM_CAUSE_STALE,       /**< value: ms since the last valid snapshot */
    BATTERY_ALARM_CAUSE_LIMIT,       /**< value: mA, beyond the limit that was told; positive = charging */
    BATTERY_ALARM_CAUSE_BLOCKED,     /**< charging is stopped for a temperature, of whatever; no value */
    BATTERY_ALARM_CAUSE_SETTINGS,    /**< contradictory settings or numbers of cells; no value */
    BATTERY_ALARM_CAUSE_SENSOR,      /**< a temperature sensor that was there is gone, or there is none; no value */
    BATTERY_ALARM_CAUSE_CELLS,       /**< the cells contradict the voltage of the pack; no value */
    BATTERY_ALARM_CAUSE_REGISTER,    /**< a limit register was usable and is not; no value */
    BATTERY_ALARM_CAUSE_LOST,        /**< settings of the gateway are lost, a person has to confirm them; no value */
    BATTERY_ALARM_CAUSE_OTHER,       /**< general: one of the others */
    BATTERY_ALARM_CAUSE_COUNT
} battery_alarm_cause_t;

/** @brief One line of the log: an alarm or a warning that was raised or cleared. */
typedef struct {
    battery_alarm_id_t id;
    bool warning; /**< false = alarm */
    bool active;  /**< raised, or cleared */
    battery_alarm_cause_t cause;
    int32_t value; /**< as the cause says */
} battery_alarm_change_t;

/** @brief So many changes there are at most in one step. */
#define BATTERY_ALARM_CHANGES_MAX (2 * BATTERY_ALARM_COUNT)

/** @brief What the alarms look at. */
typedef struct {
    const battery_bms_t *bms;
    int32_t target_mv;           /**< charge target of a cell; 0 = not known. A warning never comes at or below it */
    bool settings_contradictory; /**< registers do not fit together */
    bool settings_lost;          /**< those of the gateway are, and no person has confirmed what there is now */
    bool no_temperature;         /**< neither a sensor nor the BMS gives one */
    bool fresh;                  /**< the snapshot is a new one: counts for the debounce */
    bool stale;                  /**< data is older than the first stage of staleness */
    int32_t age_ms;              /**< of the data */
    int64_t now_ms;              /**< never goes back */
} battery_alarms_input_t;

/** @brief State of one field; private to battery_alarms.c. */
typedef struct {
    uint8_t count; /**< snapshots in a row that ask for the other state of `crossed` */
    bool crossed;  /**< the measurement is beyond its threshold: after debounce, until back by the hysteresis */
    bool active;   /**< as reported */
    battery_alarm_cause_t cause;
} battery_alarm_field_t;

/** @brief A current that is looked at beside its limit; private to battery_alarms.c. */
typedef struct {
    int32_t limit_ma;  /**< as of the last snapshot */
    int64_t since_ms;  /**< when the limit fell last, or was made first */
    int64_t within_ms; /**< last time that the current kept to it */
} battery_alarm_excess_t;

/** @brief State of all; private to battery_alarms.c. */
typedef struct {
    battery_alarms_config_t config;
    battery_alarm_field_t alarm[BATTERY_ALARM_COUNT];
    battery_alarm_field_t warning[BATTERY_ALARM_COUNT];
    int64_t balanced_ms; /**< last time that the difference of the cells was below its warning */
    bool limits_known;
    int64_t too_cold_until_ms; /**< the warning of blocked charging is held */
    int64_t too_hot_until_ms;  /**< likewise */
    battery_alarm_excess_t charge;
    battery_alarm_excess_t discharge;
} battery_alarms_t;

/** @brief Begins with nothing active. */
void battery_alarms_init(battery_alarms_t *alarms, const battery_alarms_config_t *config);

/**
 * @brief Evaluates all fields. A fault of the BMS, stale data and contradictory settings count at once, what is
 * measured after the debounce. A measurement that a fault of the BMS confirms needs none, so that the alarm does not
 * end between the two.
 * @param alarms state
 * @param input what to look at
 * @param[in,out] state measurements in; alarm[] and warning[] out, each unsupported, active or OK
 * @param[out] changes room for BATTERY_ALARM_CHANGES_MAX
 * @return how many changes there are
 */
size_t battery_alarms_step(battery_alarms_t *alarms, const battery_alarms_input_t *input, battery_state_t *state,
                           battery_alarm_change_t *changes);

/**
 * @brief Text of a cause and, after ", ", the unit of its value if it has one ("cell voltage, mV").
 * @param cause any value; one outside the enumeration gives "unknown"
 * @return static string, never NULL
 */
const char *battery_alarm_cause_text(battery_alarm_cause_t cause);

#ifdef __cplusplus
}
#endif
