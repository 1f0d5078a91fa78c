/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief CVL, CCL and DCL, each with the reason that set it. Pure: time is an argument; the caller owns the state.
 *
 * CVL goes bulk -> absorption -> float -> bulk. A slow controller lowers it while the highest cell is above the target;
 * it is never below N x float, and never a function of the measured pack voltage. CCL and DCL are the least of
 * independent limiters. Everything is per cell until the last step, where N makes the pack of it.
 */

#include "battery_bms.h"
#include "battery_median.h"
#include "battery_state.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Every number of the control; a setting each. 0 in a field that says so: the registers of the BMS decide. */
typedef struct {
    int32_t target_mv;           /**< highest charge target of a cell; 0 = register 300 alone */
    int32_t float_mv;            /**< highest float voltage of a cell; 0 = from the registers alone */
    int32_t charge_max_ma;       /**< highest CCL; 0 = from register 318 alone */
    int32_t discharge_max_ma;    /**< highest DCL; 0 = from registers 317 and 305 alone */
    int32_t floor_mv;            /**< lowest discharge floor of a cell; 0 = from registers 301 and 316 alone */
    int32_t current_percent;     /**< share of the current cutoffs of the BMS that is used, % */
    int32_t cutoff_margin_mv;    /**< ceiling of a cell below its over-voltage cutoff (315) */
    int32_t charger_offset_mv;   /**< what a solar charger with feed-in adds to CVL, pack */
    int32_t float_below_full_mv; /**< float voltage of a cell below register 300 */
    int32_t float_lfp_mv;        /**< highest float voltage of a cell when 315 <= 3800 mV, that is LFP */
    int32_t absorption_s;        /**< at the target, with balanced cells and little current, before float */
    int32_t absorption_max_s;    /**< longest absorption */
    int32_t balanced_mv;    /**< difference that counts as none: of the cells; of a cell and its target, when absorption
                               begins */
    int32_t tail_percent;   /**< current that counts as little, % of the capacity in an hour (304 at least) */
    int32_t rebulk_percent; /**< SOC below which float ends; 0 = register 321, else 90 % */
    int32_t lower_mv_per_s; /**< fastest lowering of CVL, pack */
    int32_t lower_s;        /**< an excess of the highest cell is taken off CVL in this time */
    int32_t look_ahead_s;   /**< where the highest cell will be then counts as its voltage already */
    int32_t raise_wait_s;   /**< no cell above the target for so long before CVL is raised */
    int32_t raise_mv_per_s; /**< fastest raising of CVL, per cell */
    int32_t step_s;         /**< least time between two raises of CVL */
    int32_t charge_knee_mv; /**< CCL falls from so far below the target on */
    int32_t charge_at_target_percent; /**< of the cap, what is left of CCL when a cell is at the target */
    int32_t discharge_knee_mv;        /**< DCL falls from so far above the discharge floor (301, else 316) on */
    int32_t refill_percent;           /**< of the capacity that has to be charged before DCL rises from 0 for a cell */
    int32_t soc_min_percent;          /**< DCL is 0 at this SOC; 0 = SOC does not limit */
    int32_t soc_knee_percent;         /**< DCL falls from so far above it on */
    int32_t cold_knee_dc;             /**< CCL rises from 0 at register 320 to full so far above it */
    int32_t hot_knee_dc;              /**< CCL falls from so far below register 319 on */
    int32_t hot_stop_dc;              /**< CCL is 0 so far below register 319 */
    int32_t hot_discharge_knee_dc;    /**< DCL falls from so far below register 319 to 0 at it */
    int32_t bms_hot_dc;               /**< takes the place of register 319 for the BMS's own temperature */
    int32_t rise_wait_s;              /**< CCL and DCL stay down so long */
    int32_t rise_ma_per_s;            /**< and rise so fast then */
    int32_t ramp_start_percent;       /**< of the cap, where a ramp starts after start or silence */
    int32_t ramp_s;                   /**< how long a ramp takes */
} charge_control_config_t;

/** @brief Factory values; Kconfig has the same. */
#define CHARGE_CONTROL_DEFAULT_CONFIG()                                                                                \
    {                                                                                                                  \
        .current_percent = 90, .cutoff_margin_mv = 20, .charger_offset_mv = 400, .float_below_full_mv = 75,            \
        .float_lfp_mv = 3375, .absorption_s = 900, .absorption_max_s = 7200, .balanced_mv = 10, .tail_percent = 4,     \
        .lower_mv_per_s = 200, .lower_s = 10, .look_ahead_s = 40, .raise_wait_s = 60, .raise_mv_per_s = 1,             \
        .step_s = 20, .charge_knee_mv = 50, .charge_at_target_percent = 20, .discharge_knee_mv = 200,                  \
        .refill_percent = 2, .soc_knee_percent = 5, .cold_knee_dc = 100, .hot_knee_dc = 150, .hot_stop_dc = 20,        \
        .hot_discharge_knee_dc = 100, .bms_hot_dc = 800, .rise_wait_s = 30, .rise_ma_per_s = 5000,                     \
        .ramp_start_percent = 10, .ramp_s = 30,                                                                        \
    }

/** @brief Voltages of one cell that follow from the registers of the BMS and the settings. */
typedef struct {
    bool known;         /**< there is a full voltage (300) */
    bool contradictory; /**< 301 (else 316) >= float, float > ceiling, or 316 >= 301: nothing is charged */
    bool unprotected;   /**< neither 315 nor a setting says where a cell is too full: nothing is charged */
    int32_t cutoff_mv;  /**< 315; while it is not usable its strictest value, else target + 50 mV */
    int32_t ceiling_mv; /**< N x this is the highest CVL */
    int32_t target_mv;  /**< the highest cell is charged to this */
    int32_t float_mv;   /**< N x this is the lowest CVL while online */
    int32_t floor_mv;   /**< DCL is 0 here: 301, else 316, or a higher setting; 0 = none of them: nothing flows out */
} charge_voltages_t;

/**
 * @brief Works the voltages out.
 * @param config settings
 * @param bms registers
 * @param cell_count N; 0 = not known, then nothing is
 */
charge_voltages_t charge_control_voltages(const charge_control_config_t *config, const battery_bms_t *bms,
                                          uint8_t cell_count);

/** @brief What an orderly restart keeps: the limits that were told, of the pack, and that the battery is empty. */
typedef struct {
    int32_t cvl_mv;
    int32_t ccl_ma;
    int32_t dcl_ma;
    bool empty;             /**< DCL is 0 for a cell until enough has been charged */
    int64_t refilled_ma_ms; /**< so much of it has been */
} charge_control_kept_t;

/** @brief What a gap in the data means for the currents that follow it. */
typedef enum {
    CHARGE_CONTROL_RAMP_BOTH = 0, /**< start, or nothing was sent: CCL and DCL rise from a tenth */
    CHARGE_CONTROL_RAMP_CHARGE,   /**< charging was stopped, DCL held: CCL alone rises, from zero */
} charge_control_ramp_t;

/** @brief One limit that falls at once and rises slowly; private to charge_control. */
typedef struct {
    int32_t value_ma;          /**< as of the last step, without the ramp */
    int64_t held_ms;           /**< last time that no more was allowed than this */
    int64_t ramp_since_ms;     /**< when the ramp began */
    int32_t ramp_from_percent; /**< where it began; 100 = there is none */
    bool restart;              /**< the next step takes what is allowed at once */
} charge_control_current_t;

/** @brief State of the control; private to charge_control. */
typedef struct {
    charge_control_config_t config;
    bool started;
    bool restart; /**< the next step begins CVL anew */
    bool settings_lost;
    bool has_kept;
    charge_control_kept_t kept;  /**< where the first step begins */
    charge_voltages_t confirmed; /**< of settings that have been read twice: CVL goes by them */
    int32_t hot_discharge;       /**< share of DCL that the temperature left while no sensor was lost, permille */
    bool soc_low;                /**< DCL is 0 for the SOC, and stays until that has risen */
    int64_t last_ms;
    uint8_t plain_blocks;        /**< in a row in which the cells contradict nothing, 3 at most */
    battery_median_t highest_mv; /**< cell */
    battery_median_t lowest_mv;  /**< cell */
    battery_median_t coldest_dc;
    battery_median_t hottest_dc;
    battery_median_t board_dc;
    uint8_t pack_high_blocks;     /**< in a row with the pack at N x 315, 3 at most */
    bool empty;                   /**< DCL is 0 for a cell, and stays until enough has been charged */
    int64_t refilled_ma_ms;       /**< since then */
    battery_limit_reason_t stage; /**< BATTERY_REASON_BULK, _ABSORPTION or _FLOAT */
    bool lowered;                 /**< CVL is where the highest cell has brought it */
    int32_t slope_from_mv;        /**< highest cell as of the last step */
    int32_t slope_uv_per_s;       /**< how fast it rises */
    int32_t cvl_uv;               /**< CVL of a cell, 0.001 mV */
    uint8_t cell_count;           /**< of the last step; 0 = none */
    int64_t stepped_ms;           /**< last time CVL was raised, or lowered by a digit */
    int64_t above_ms;             /**< last time a cell was above the target, or charging was inhibited */
    int64_t absorbing_ms;         /**< absorption began */
    int64_t unbalanced_ms;        /**< last time in absorption that the cells differed or much current flowed */
    int32_t float_soc_ppm;        /**< highest SOC in float */
    charge_control_current_t ccl;
    charge_control_current_t dcl;
} charge_control_t;

/** @brief Begins; the first step starts both ramps. */
void charge_control_init(charge_control_t *control, const charge_control_config_t *config);

/**
 * @brief A person may have set less than the config says, which is lost: CVL is N x float, CCL a tenth of its highest
 * value, and DCL is 0 from an SOC of 20 % down. Behind charge_control_init(); there is no way back but that.
 */
void charge_control_settings_lost(charge_control_t *control);

/**
 * @brief The first step goes on from here in place of the start-up ramp: each limit begins at the least of what was
 * kept and what is allowed then. To be called before the first step.
 */
void charge_control_keep(charge_control_t *control, const charge_control_kept_t *kept);

/** @brief What an orderly restart has to keep; `state` is the one that was told. */
charge_control_kept_t charge_control_to_keep(const charge_control_t *control, const battery_state_t *state);

/** @brief The limits that were kept are too old by now. */
void charge_control_forget_kept(charge_control_t *control);

/** @brief The next step starts a ramp: data is back after silence. */
void charge_control_resume(charge_control_t *control, charge_control_ramp_t ramp, int64_t now_ms);

/**
 * @brief One step, for each new snapshot.
 * @param control state
 * @param bms settings and state of the BMS
 * @param voltages of charge_control_voltages()
 * @param now_ms present time, never less than at the step before
 * @param[in,out] state measurements in; cvl_mv, ccl_ma, dcl_ma, dvl_mv and the limiters out. Without `voltages->known`
 * CVL stays not known, and nothing may be sent
 */
void charge_control_step(charge_control_t *control, const battery_bms_t *bms, const charge_voltages_t *voltages,
                         int64_t now_ms, battery_state_t *state);

#ifdef __cplusplus
}
#endif
