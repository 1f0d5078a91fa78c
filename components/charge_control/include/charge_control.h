/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Calculates CVL, CCL and DCL, each with its reason. Pure: time is an argument; the caller owns the state.
 *
 * CVL goes bulk -> absorption -> float -> bulk. A slow controller lowers it while the highest cell is above the target;
 * it is never below N x float, and never depends on the measured pack voltage. CCL and DCL are each the lowest of
 * several independent limiters. All voltages are per cell until the last step, which multiplies them by N.
 *
 * @code{.c}
 * charge_control_t control;
 * const charge_control_config_t config = CHARGE_CONTROL_DEFAULT_CONFIG();
 * charge_control_init(&control, &config, false);
 * // for each new snapshot:
 * const charge_voltages_t voltages = charge_control_voltages(&config, bms, state->cell_count);
 * charge_control_step(&control, bms, &voltages, now_ms, state);
 * @endcode
 */

#include "battery_bms.h"
#include "battery_median.h"
#include "battery_state.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Every number of the control. Each field is the setting of the same name (`charge.knee_mv` of settings_table.c
 * is `charge_knee_mv`), in the unit that the field names. Where "0 =" is said, 0 leaves the value to the BMS registers.
 */
typedef struct {
    int32_t charge_cell_mv;     /**< highest charge voltage of a cell; 0 = register 300 */
    int32_t float_cell_mv;      /**< highest float voltage of a cell; 0 = from the registers */
    int32_t charge_max_ma;      /**< highest CCL; 0 = from register 318 */
    int32_t disch_max_ma;       /**< highest DCL; 0 = from registers 317 and 305 */
    int32_t disch_cell_mv;      /**< lowest discharge floor of a cell; 0 = from registers 301 and 316 */
    int32_t limit_bms_pct;      /**< usable share of the BMS current cutoffs, % */
    int32_t cvl_margin_mv;      /**< distance of the cell ceiling below the over-voltage cutoff (315) */
    int32_t cvl_charger_mv;     /**< voltage that a solar charger with feed-in adds to CVL, pack */
    int32_t float_below_mv;     /**< distance of the cell float voltage below register 300 */
    int32_t float_lfp_mv;       /**< highest float voltage of an LFP cell (315 <= 3800 mV) */
    int32_t absorb_time_s;      /**< time at the target, with balanced cells and a tail current, before float */
    int32_t absorb_max_s;       /**< longest absorption */
    int32_t absorb_diff_mv;     /**< balanced cell difference; absorption starts this far below the target */
    int32_t absorb_tail_pct;    /**< tail current, % of the capacity in one hour (at least register 304) */
    int32_t float_end_pct;      /**< SOC below which float ends; 0 = register 321, else 90 % */
    int32_t cvl_lower_mv_s;     /**< fastest fall of CVL, pack */
    int32_t cvl_off_s;          /**< time in which the excess of the highest cell is taken off CVL */
    int32_t cvl_ahead_s;        /**< look-ahead: the highest cell counts with its voltage at this time from now */
    int32_t cvl_wait_s;         /**< time without a cell above the target before CVL rises */
    int32_t cvl_raise_mv_s;     /**< fastest rise of CVL, per cell */
    int32_t cvl_step_s;         /**< shortest time between two rises of CVL */
    int32_t charge_knee_mv;     /**< distance below the cell charge voltage at which CCL starts to fall */
    int32_t charge_end_pct;     /**< CCL with a cell at its charge voltage, % of the cap */
    int32_t disch_knee_mv;      /**< distance above the discharge floor (301, else 316) at which DCL starts to fall */
    int32_t disch_back_pct;     /**< charge, % of the capacity, before DCL rises again from 0 for a cell */
    int32_t disch_soc_pct;      /**< SOC at which DCL is 0; 0 = SOC does not limit */
    int32_t disch_taper_pct;    /**< distance above that SOC at which DCL starts to fall */
    int32_t temp_cold_ddegc;    /**< distance above register 320 at which CCL is full; at the register it is 0 */
    int32_t temp_hot_ddegc;     /**< distance below register 319 at which CCL starts to fall */
    int32_t temp_stop_ddegc;    /**< distance below register 319 at which CCL is 0 */
    int32_t temp_disch_ddegc;   /**< distance below register 319 at which DCL starts to fall; at the register it is 0 */
    int32_t temp_bms_hot_ddegc; /**< hot cutoff for the BMS's own temperature, in place of register 319 */
    int32_t limit_wait_s;       /**< time that CCL and DCL stay down before they rise */
    int32_t limit_ma_per_s;     /**< rate at which CCL and DCL rise */
    int32_t ramp_start_pct;     /**< start of the ramp after a start or silence, % of the cap */
    int32_t ramp_time_s;        /**< duration of the ramp */
} charge_control_config_t;

/** @brief Factory values; Kconfig has the same. */
#define CHARGE_CONTROL_DEFAULT_CONFIG()                                                                                \
    {                                                                                                                  \
        .limit_bms_pct = 90, .cvl_margin_mv = 20, .cvl_charger_mv = 400, .float_below_mv = 75, .float_lfp_mv = 3375,   \
        .absorb_time_s = 900, .absorb_max_s = 7200, .absorb_diff_mv = 10, .absorb_tail_pct = 4, .cvl_lower_mv_s = 200, \
        .cvl_off_s = 10, .cvl_ahead_s = 40, .cvl_wait_s = 60, .cvl_raise_mv_s = 1, .cvl_step_s = 20,                   \
        .charge_knee_mv = 50, .charge_end_pct = 20, .disch_knee_mv = 200, .disch_back_pct = 2, .disch_taper_pct = 5,   \
        .temp_cold_ddegc = 100, .temp_hot_ddegc = 150, .temp_stop_ddegc = 20, .temp_disch_ddegc = 100,                 \
        .temp_bms_hot_ddegc = 800, .limit_wait_s = 30, .limit_ma_per_s = 5000, .ramp_start_pct = 10,                   \
        .ramp_time_s = 30,                                                                                             \
    }

/** @brief Voltages of one cell that follow from the BMS registers and the settings. */
typedef struct {
    bool known;         /**< the full voltage (300) and the number of cells are known */
    bool contradictory; /**< 301 (else 316) >= float, float > ceiling, or 316 >= 301: no charging */
    bool unprotected;   /**< neither 315 nor a setting says at which voltage a cell is too full: no charging */
    int32_t cutoff_mv;  /**< 315; while it is not usable its strictest value, else target + 50 mV */
    int32_t ceiling_mv; /**< N x this is the highest CVL */
    int32_t target_mv;  /**< charge target of the highest cell */
    int32_t float_mv;   /**< N x this is the lowest CVL while online */
    int32_t floor_mv;   /**< DCL is 0 here: 301, else 316, or a higher setting; 0 = none of them: no discharging */
} charge_voltages_t;

/**
 * @brief Calculates the voltages.
 * @param config settings
 * @param bms registers
 * @param cell_count N, 1..16; 0 = not known, then the voltages are not known either
 */
charge_voltages_t charge_control_voltages(const charge_control_config_t *config, const battery_bms_t *bms,
                                          uint8_t cell_count);

/** @brief What an orderly restart keeps: the pack limits that the GX had, and whether the battery is empty. */
typedef struct {
    int32_t cvl_mv;
    int32_t ccl_ma;
    int32_t dcl_ma;
    bool empty;             /**< DCL is 0 because of a cell, until enough has been charged */
    int64_t refilled_ma_ms; /**< charged since then, mA x ms */
} charge_control_kept_t;

/** @brief How the currents start again after a gap in the data. */
typedef enum {
    CHARGE_CONTROL_RAMP_BOTH = 0, /**< start, or nothing was sent: CCL and DCL rise from ramp_start_pct */
    CHARGE_CONTROL_RAMP_CHARGE,   /**< charging was stopped, DCL held: only CCL rises, from 0 */
} charge_control_ramp_t;

/** @brief Stage of charging: bulk -> absorption -> float -> bulk. */
typedef enum {
    CHARGE_STAGE_BULK = 0,   /**< charging to the target */
    CHARGE_STAGE_ABSORPTION, /**< the highest cell is at the target */
    CHARGE_STAGE_FLOAT,      /**< full */
} charge_stage_t;

/** @brief One limit that falls at once and rises slowly; private to charge_control. */
typedef struct {
    int32_t value_ma;          /**< as of the last step, without the ramp */
    int64_t held_ms;           /**< when no more than this was last allowed */
    int64_t ramp_since_ms;     /**< when the ramp began */
    int32_t ramp_time_s;       /**< how long it takes */
    int32_t ramp_from_percent; /**< where it began; 100 = there is no ramp */
    int32_t ramp_cap_ma;       /**< where it leads: lowest cap since it began */
    bool restart;              /**< the next step takes the allowed value at once */
} charge_control_current_t;

/** @brief State of the control; private to charge_control. */
typedef struct {
    charge_control_config_t config;
    bool started;
    bool restart; /**< the next step starts CVL again */
    bool settings_lost;
    bool has_kept;
    charge_control_kept_t kept;  /**< where the first step starts */
    charge_voltages_t confirmed; /**< from settings that were read twice: CVL follows them */
    int32_t hot_discharge;       /**< share of DCL that the temperature allowed while no sensor was lost, permille */
    bool soc_low;                /**< DCL is 0 because of the SOC, until that has risen */
    int64_t last_ms;
    uint8_t plain_blocks;        /**< consecutive blocks whose cells contradict nothing, 3 at most */
    battery_median_t highest_mv; /**< cell */
    battery_median_t lowest_mv;  /**< cell */
    battery_median_t coldest_ddegc;
    battery_median_t hottest_ddegc;
    battery_median_t board_ddegc;
    uint8_t pack_high_blocks; /**< consecutive blocks with the pack at N x 315, 3 at most */
    bool empty;               /**< DCL is 0 because of a cell, until enough has been charged */
    int64_t refilled_ma_ms;   /**< charged since then */
    charge_stage_t stage;
    bool lowered;           /**< the highest cell has lowered CVL */
    int32_t slope_from_mv;  /**< highest cell as of the last step */
    int32_t slope_uv_per_s; /**< how fast it rises */
    int32_t cvl_uv;         /**< CVL of a cell, 0.001 mV */
    uint8_t cell_count;     /**< of the last step; 0 = none */
    int64_t stepped_ms;     /**< when CVL was last raised, or lowered by one digit */
    int64_t above_ms;       /**< when a cell was last above the target, or charging inhibited */
    int64_t absorbing_ms;   /**< when absorption began */
    int64_t unbalanced_ms;  /**< when, in absorption, the cells last differed or a high current flowed */
    int32_t float_soc_ppm;  /**< highest SOC in float */
    charge_control_current_t ccl;
    charge_control_current_t dcl;
} charge_control_t;

/**
 * @brief Starts. The first step begins both ramps.
 * @param[out] control state
 * @param config copied; its cvl_off_s is above 0
 * @param settings_lost a person may have set lower limits than the config has, and those are lost: CVL is N x float,
 * CCL a tenth of its highest value, and DCL is 0 at an SOC of 20 % or less
 */
void charge_control_init(charge_control_t *control, const charge_control_config_t *config, bool settings_lost);

/**
 * @brief New settings, from the next step on. What falls by them falls in that step; what rises by them rises as it
 * would otherwise. Ramps, hold times and stages go on; a ramp keeps its time.
 * @param control state
 * @param config copied; its cvl_off_s is above 0
 * @param settings_lost as in charge_control_init()
 */
void charge_control_configure(charge_control_t *control, const charge_control_config_t *config, bool settings_lost);

/**
 * @brief The first step continues from the kept limits instead of the start-up ramp: each limit starts at the lower of
 * the kept value and the value allowed then. Call it before the first step.
 */
void charge_control_keep(charge_control_t *control, const charge_control_kept_t *kept);

/** @brief What an orderly restart has to keep; `state` is the one that the GX has. */
charge_control_kept_t charge_control_to_keep(const charge_control_t *control, const battery_state_t *state);

/** @brief The kept limits have become too old. */
void charge_control_forget_kept(charge_control_t *control);

/** @brief Data is back after a silence: the next step begins a ramp. */
void charge_control_resume(charge_control_t *control, charge_control_ramp_t ramp, int64_t now_ms);

/**
 * @brief One step, for each new snapshot.
 * @param control state
 * @param bms settings and state of the BMS
 * @param voltages from charge_control_voltages()
 * @param now_ms present time, never less than at the previous step
 * @param[in,out] state measurements in; cvl_mv, ccl_ma, dcl_ma, dvl_mv and the limiters out. Unless `voltages->known`
 * CVL stays unknown, and nothing may be sent
 */
void charge_control_step(charge_control_t *control, const battery_bms_t *bms, const charge_voltages_t *voltages,
                         int64_t now_ms, battery_state_t *state);

#ifdef __cplusplus
}
#endif
