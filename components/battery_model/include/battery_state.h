/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The words every part speaks: what is known of the battery at one moment, in fixed point, units in every name.
 *
 * Suffixes: _mv 0.001 V, _ma 0.001 A, _mah 0.001 Ah, _ddegc 0.1 degC, _ppm 1e-6 of the whole, _ms milliseconds, _wh Wh.
 * A value that is not there has `known == false`; its `value` then means nothing.
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

/** @brief A quantity that may not be there; its unit is in the name of the field that has this type. */
typedef struct {
    bool known;
    int32_t value;
} battery_quantity_t;

/** @brief The lower one of those that are known. */
battery_quantity_t battery_quantity_lower(battery_quantity_t a, battery_quantity_t b);

/** @brief The higher one of those that are known. */
battery_quantity_t battery_quantity_higher(battery_quantity_t a, battery_quantity_t b);

/** @brief A counter in Wh that may not be there; 64 bits because years of energy outgrow 32. */
typedef struct {
    bool known;
    int64_t value;
} battery_energy_t;

/**
 * @brief Why a limit has the value it has. The limiters of CCL and DCL are numbered by it too: what each of them allows
 * is in `battery_state_t.ccl_limiter_ma` and `dcl_limiter_ma`.
 *
 * **The order is a priority.** Of limiters that allow nothing, the last one in this order is the reason: those that a
 * person has to mend stand last. Of limiters that allow equally much, the first one is.
 */
typedef enum {
    BATTERY_REASON_NONE = 0, /**< no limit was computed */
    /* limiters of CCL and DCL */
    BATTERY_REASON_BMS_SETTING,      /**< share of the current cutoffs of the BMS (317, 305; 318) */
    BATTERY_REASON_USER_CAP,         /**< a setting of the gateway */
    BATTERY_REASON_CELL_VOLTAGE,     /**< the highest or the lowest cell; of CVL: lowered because of the highest cell */
    BATTERY_REASON_PACK_VOLTAGE,     /**< the pack is at N x the over-voltage cutoff: no charging */
    BATTERY_REASON_TEMPERATURE,      /**< of the external sensors */
    BATTERY_REASON_BMS_TEMPERATURE,  /**< of the BMS itself: no external sensor is connected, or the BMS is too hot */
    BATTERY_REASON_SOC,              /**< state of charge */
    BATTERY_REASON_RAMP,             /**< start-up, or data is back after silence */
    BATTERY_REASON_RISING,           /**< a limit that fell rises slowly */
    BATTERY_REASON_BMS_FAULT,        /**< the TinyBMS reports a fault that forbids this direction */
    BATTERY_REASON_STALE_DATA,       /**< no valid snapshot for too long */
    BATTERY_REASON_NO_TEMPERATURE,   /**< neither a sensor nor the BMS gives one: no charging */
    BATTERY_REASON_SENSOR_LOST,      /**< an external sensor that was there is gone: no charging */
    BATTERY_REASON_CELLS_CONTRADICT, /**< no cells, or their sum is not the pack's voltage: no charging */
    BATTERY_REASON_SETTINGS_CONTRADICTORY, /**< registers 300, 301, 315, 316 do not fit together: no charging */
    BATTERY_REASON_SETTING_MISSING,        /**< neither a register nor a setting gives what it needs: 0 */
    BATTERY_REASON_CELL_COUNT,             /**< register 307 and what the BMS detects or measures differ: no charging */
    BATTERY_REASON_SETTINGS_LOST, /**< those of the gateway are, and no person has confirmed what there is now; takes
                                     the place of the limiter USER_CAP */
    /* states of CVL */
    BATTERY_REASON_BULK,             /**< charging to the target */
    BATTERY_REASON_ABSORPTION,       /**< the highest cell is at the target */
    BATTERY_REASON_FLOAT,            /**< full: going down to, or at, the float voltage */
    BATTERY_REASON_CHARGE_INHIBITED, /**< CCL is 0: CVL is the float voltage, so that solar chargers stop as well */
    BATTERY_REASON_COUNT
} battery_limit_reason_t;

/** @brief Limiters: the reasons from BATTERY_REASON_NONE to here. */
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
    BATTERY_ALARM_UNSUPPORTED = 0, /**< the battery cannot know */
    BATTERY_ALARM_ACTIVE,
    BATTERY_ALARM_OK,
} battery_alarm_level_t;

/** @brief Whether the battery stands behind the values of this state. */
typedef enum {
    BATTERY_STATUS_UNKNOWN = 0, /**< nothing complete has been read yet */
    BATTERY_STATUS_OFFLINE,     /**< data is stale or the BMS reports a fault */
    BATTERY_STATUS_ONLINE,
} battery_status_t;

/** @brief Everything the gateway says about the battery: snapshot plus alarms, limits and energy. */
typedef struct {
    int64_t snapshot_ms; /**< when the snapshot behind this state was taken */
    uint32_t sequence;   /**< number of that snapshot; the same number means the same data */
    battery_status_t status;
    bool publish; /**< false: nothing may be sent to the GX (start-up not complete, or data too old) */

    battery_quantity_t pack_voltage_mv;
    battery_quantity_t pack_current_ma; /**< positive = charging */
    battery_quantity_t soc_ppm;         /**< 0..1000000, rounded down */
    battery_quantity_t soh_ppm;         /**< 0..1000000; not known when the BMS has not estimated it */

    uint8_t cell_count;                     /**< series cells, 0 = not known */
    uint16_t cell_100uv[BATTERY_CELLS_MAX]; /**< by register 0..15, 0.1 mV; 0 = no cell here */
    battery_quantity_t cell_min_mv;         /**< the lower one of register 40 and the lowest cell */
    battery_quantity_t cell_max_mv;         /**< the higher one of register 41 and the highest cell */
    battery_quantity_t pack_checked_mv;     /**< sum of the cells; register 36 where that is more than 1 % beside it */
    battery_quantity_t cell_min_register;   /**< 0..15: which register holds the lowest cell */
    battery_quantity_t cell_max_register;   /**< 0..15: which register holds the highest cell */
    battery_quantity_t sensor_ddegc[BATTERY_SENSORS_MAX]; /**< external sensors; not known = not connected */
    battery_quantity_t bms_temperature_ddegc;             /**< the BMS's own sensor */

    battery_limit_t cvl_mv;                                   /**< charge voltage limit, pack */
    battery_limit_t ccl_ma;                                   /**< charge current limit, >= 0 */
    battery_limit_t dcl_ma;                                   /**< discharge current limit, >= 0 */
    battery_limit_t dvl_mv;                                   /**< discharge voltage limit, pack */
    battery_quantity_t ccl_limiter_ma[BATTERY_LIMITER_COUNT]; /**< by reason; not known = left out; CCL is the least */
    battery_quantity_t dcl_limiter_ma[BATTERY_LIMITER_COUNT]; /**< likewise */

    bool too_cold_to_charge; /**< CCL is 0 for a temperature */
    bool too_hot_to_charge;  /**< likewise */

    battery_alarm_level_t alarm[BATTERY_ALARM_COUNT];
    battery_alarm_level_t warning[BATTERY_ALARM_COUNT];

    battery_quantity_t installed_capacity_mah; /**< register 306 */
    battery_quantity_t usable_capacity_mah;    /**< of it, what the state of health leaves */
    battery_energy_t energy_in_wh;             /**< charged since ever */
    battery_energy_t energy_out_wh;            /**< discharged since ever */
    battery_quantity_t cycles_milli;           /**< full cycles by charge that was taken out, 0.001 */
    battery_quantity_t since_full_min;         /**< minutes of metered time since the BMS was last fully charged */
    battery_quantity_t time_to_full_min;       /**< at the present mean current; not known when not charging */
    battery_quantity_t time_to_empty_min;      /**< likewise, when not discharging */

    battery_quantity_t model;          /**< register 500, 0..65535 */
    battery_quantity_t firmware_major; /**< public firmware version, low byte of register 501 */
    battery_quantity_t firmware_minor; /**< low byte of the internal version, register 502 */
    bool serial_known;
    char serial[BATTERY_SERIAL_LEN + 1]; /**< upper-case hexadecimal digits, NUL-terminated */
} battery_state_t;

/**
 * @brief The coldest or the warmest external sensor that is connected.
 * @return its index in `sensor_ddegc`; the first of equal ones; -1 = none is connected
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
