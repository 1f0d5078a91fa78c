/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What is known about the battery at one moment, in fixed point: the vocabulary that all parts share.
 *
 * Unit suffixes: _mv 0.001 V, _ma 0.001 A, _mah 0.001 Ah, _ddegc 0.1 degC, _ppm 1e-6 of the whole, _ms milliseconds,
 * _wh Wh. A missing value has `known == false`; its `value` then means nothing.
 *
 * @code{.c}
 * const char *why = "";
 * const battery_quantity_t hottest_ddegc = battery_quantity_higher(state->sensor_ddegc[0], state->sensor_ddegc[1]);
 * if (state->ccl_ma.known && state->ccl_ma.value == 0) {
 *     why = battery_limit_reason_text(state->ccl_ma.reason); // "temperature"
 * }
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief A TinyBMS has at most 16 cells in series (Rev D, register 307). */
#define BATTERY_CELLS_MAX 16

/** @brief A TinyBMS has at most two external temperature sensors (registers 42 and 43). */
#define BATTERY_SENSORS_MAX 2

/** @brief Characters of a serial number: 96 bits as hexadecimal digits (registers 504-509). */
#define BATTERY_SERIAL_LEN 24

/** @brief A quantity that may be missing; the name of the field that has this type says its unit. */
typedef struct {
    bool known;
    int32_t value;
} battery_quantity_t;

/** @brief The lower of two quantities; if only one is known, that one. */
battery_quantity_t battery_quantity_lower(battery_quantity_t a, battery_quantity_t b);

/** @brief The higher of two quantities; if only one is known, that one. */
battery_quantity_t battery_quantity_higher(battery_quantity_t a, battery_quantity_t b);

/** @brief A counter in Wh that may be missing; 64 bits, because years of energy exceed 32. */
typedef struct {
    bool known;
    int64_t value;
} battery_energy_t;

/**
 * @brief Why a limit has its value. It is also the index of the limiters of CCL and DCL: what each of them allows is in
 * `battery_state_t.ccl_limiter_ma` and `dcl_limiter_ma`.
 *
 * **The order is a priority.** If several limiters allow nothing, the last of them is the reason: those that a person
 * has to fix come last. If several allow the same current above 0, the first of them is.
 */
typedef enum {
    BATTERY_REASON_NONE = 0, /**< no limit was computed */
    /* limiters of CCL and DCL */
    BATTERY_REASON_BMS_SETTING,      /**< share of the BMS current cutoffs (317, 305; 318) */
    BATTERY_REASON_USER_CAP,         /**< a setting of the gateway */
    BATTERY_REASON_CELL_VOLTAGE,     /**< the highest or the lowest cell; CVL: lowered because of the highest cell */
    BATTERY_REASON_PACK_VOLTAGE,     /**< the pack is at N x the over-voltage cutoff: no charging */
    BATTERY_REASON_TEMPERATURE,      /**< of the external sensors */
    BATTERY_REASON_BMS_TEMPERATURE,  /**< of the BMS itself: no external sensor is connected, or the BMS is too hot */
    BATTERY_REASON_SOC,              /**< state of charge */
    BATTERY_REASON_RAMP,             /**< start-up, or data is back after a silence */
    BATTERY_REASON_RISING,           /**< a limit that fell is rising slowly */
    BATTERY_REASON_BMS_FAULT,        /**< the TinyBMS reports a fault that forbids this direction */
    BATTERY_REASON_STALE_DATA,       /**< no valid snapshot for too long */
    BATTERY_REASON_NO_TEMPERATURE,   /**< neither a sensor nor the BMS has one: no charging */
    BATTERY_REASON_SENSOR_LOST,      /**< an external sensor that was there is gone: no charging */
    BATTERY_REASON_CELLS_CONTRADICT, /**< no cell is measured, or their sum is not the pack voltage: no charging */
    BATTERY_REASON_SETTINGS_CONTRADICTORY, /**< registers 300, 301, 315, 316 do not fit together: no charging */
    BATTERY_REASON_SETTING_MISSING,        /**< neither a register nor a setting provides what is needed: 0 */
    BATTERY_REASON_CELL_COUNT,             /**< register 307 and the cells detected or measured differ: no charging */
    BATTERY_REASON_SETTINGS_LOST, /**< gateway settings are lost, and no person has confirmed those in use; given
                                     instead of USER_CAP */
    /* states of CVL */
    BATTERY_REASON_BULK,             /**< charging to the target */
    BATTERY_REASON_ABSORPTION,       /**< the highest cell is at the target */
    BATTERY_REASON_FLOAT,            /**< full: at the float voltage, or falling to it */
    BATTERY_REASON_CHARGE_INHIBITED, /**< CCL is 0: CVL is the float voltage, so that solar chargers stop too */
    BATTERY_REASON_COUNT
} battery_limit_reason_t;

/** @brief Size of the limiter arrays: the reasons BATTERY_REASON_NONE to BATTERY_REASON_CELL_COUNT. */
#define BATTERY_LIMITER_COUNT (BATTERY_REASON_CELL_COUNT + 1)

/** @brief A limit for the whole pack and the reason that set it. */
typedef struct {
    bool known;
    int32_t value;
    battery_limit_reason_t reason;
} battery_limit_t;

/** @brief Alarm and warning fields, in the order of the fields of frame 0x35A. */
typedef enum {
    BATTERY_ALARM_GENERAL = 0,
    BATTERY_ALARM_HIGH_VOLTAGE,
    BATTERY_ALARM_LOW_VOLTAGE,
    BATTERY_ALARM_HIGH_TEMPERATURE,
    BATTERY_ALARM_LOW_TEMPERATURE,
    BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE,
    BATTERY_ALARM_LOW_TEMPERATURE_CHARGE,
    BATTERY_ALARM_HIGH_DISCHARGE_CURRENT,
    BATTERY_ALARM_HIGH_CHARGE_CURRENT,
    BATTERY_ALARM_CONTACTOR,
    BATTERY_ALARM_SHORT_CIRCUIT,
    BATTERY_ALARM_BMS_INTERNAL,
    BATTERY_ALARM_CELL_IMBALANCE,
    BATTERY_ALARM_COUNT
} battery_alarm_id_t;

/** @brief State of one alarm or warning field. */
typedef enum {
    BATTERY_ALARM_UNSUPPORTED = 0, /**< cannot be known */
    BATTERY_ALARM_ACTIVE,
    BATTERY_ALARM_OK,
} battery_alarm_level_t;

/** @brief Whether the values of this state can be trusted. */
typedef enum {
    BATTERY_STATUS_UNKNOWN = 0, /**< no complete snapshot yet */
    BATTERY_STATUS_OFFLINE,     /**< data is stale or the BMS reports a fault */
    BATTERY_STATUS_ONLINE,
} battery_status_t;

/** @brief Everything the gateway reports about the battery: measurements, alarms, limits and energy. */
typedef struct {
    int64_t snapshot_ms; /**< when the snapshot of this state was taken */
    uint32_t sequence;   /**< number of that snapshot; the same number means the same data */
    battery_status_t status;
    bool publish; /**< false: nothing may be sent to the GX (start-up not complete, or data too old) */

    battery_quantity_t pack_voltage_mv;
    battery_quantity_t pack_current_ma; /**< positive = charging */
    battery_quantity_t soc_ppm;         /**< 0..1000000, rounded down */
    battery_quantity_t soh_ppm;         /**< 0..1000000; not known until the BMS has estimated it */

    uint8_t cell_count;                     /**< series cells, 0 = not known */
    uint16_t cell_100uv[BATTERY_CELLS_MAX]; /**< by register 0..15, 0.1 mV; 0 = no cell here */
    battery_quantity_t cell_min_mv;         /**< the lower of register 40 and the lowest cell */
    battery_quantity_t cell_max_mv;         /**< the higher of register 41 and the highest cell */
    battery_quantity_t pack_checked_mv;     /**< sum of the cells; register 36 if the two differ by more than 1 % */
    battery_quantity_t cell_min_register;   /**< 0..15: which register holds the lowest cell */
    battery_quantity_t cell_max_register;   /**< 0..15: which register holds the highest cell */
    battery_quantity_t sensor_ddegc[BATTERY_SENSORS_MAX]; /**< external sensors; not known = not connected */
    battery_quantity_t bms_temperature_ddegc;             /**< the BMS's own sensor */

    battery_limit_t cvl_mv;                                   /**< charge voltage limit, pack */
    battery_limit_t ccl_ma;                                   /**< charge current limit, >= 0 */
    battery_limit_t dcl_ma;                                   /**< discharge current limit, >= 0 */
    battery_limit_t dvl_mv;                                   /**< discharge voltage limit, pack */
    battery_quantity_t ccl_limiter_ma[BATTERY_LIMITER_COUNT]; /**< by reason; not known = no limit; CCL is the lowest */
    battery_quantity_t dcl_limiter_ma[BATTERY_LIMITER_COUNT]; /**< same for DCL */

    bool too_cold_to_charge; /**< CCL is 0 because of a low temperature */
    bool too_hot_to_charge;  /**< CCL is 0 because of a high temperature */

    battery_alarm_level_t alarm[BATTERY_ALARM_COUNT];
    battery_alarm_level_t warning[BATTERY_ALARM_COUNT];

    battery_quantity_t installed_capacity_mah; /**< register 306 */
    battery_quantity_t usable_capacity_mah;    /**< installed capacity times state of health */
    battery_energy_t energy_in_wh;             /**< charged, lifetime total */
    battery_energy_t energy_out_wh;            /**< discharged, lifetime total */
    battery_quantity_t cycles_milli;           /**< full cycles, counted by the charge taken out, 0.001 */
    battery_quantity_t since_full_min;         /**< minutes of metered time since the BMS was last fully charged */
    battery_quantity_t time_to_full_min;       /**< at the present mean current; not known when not charging */
    battery_quantity_t time_to_empty_min;      /**< same; not known when not discharging */

    battery_quantity_t model;          /**< register 500, 0..65535 */
    battery_quantity_t firmware_major; /**< public firmware version, low byte of register 501 */
    battery_quantity_t firmware_minor; /**< low byte of the internal version, register 502 */
    bool serial_known;
    char serial[BATTERY_SERIAL_LEN + 1]; /**< upper-case hexadecimal digits, NUL-terminated */
} battery_state_t;

/**
 * @brief The coldest or the warmest of the connected external sensors.
 * @param state measurements
 * @param warmest true = the warmest one, false = the coldest one
 * @return its index in `sensor_ddegc`; of equal ones the first; -1 = none is connected
 */
int battery_extreme_sensor(const battery_state_t *state, bool warmest);

/**
 * @brief Text of a limit's reason, for logs and people.
 * @param reason any value; one outside the enumeration gives "unknown"
 * @return static string, never NULL
 */
const char *battery_limit_reason_text(battery_limit_reason_t reason);

/**
 * @brief Text of an alarm field, for logs and people ("high voltage").
 * @param id any value; one outside the enumeration gives "unknown"
 * @return static string, never NULL
 */
const char *battery_alarm_text(battery_alarm_id_t id);

#ifdef __cplusplus
}
#endif
