/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "settings_pipeline.h"

#define MA_PER_A 1000
#define DC_PER_K 10

static charge_control_config_t charge_config(const int32_t *number)
{
    return (charge_control_config_t){
        .target_mv = number[SETTINGS_CHARGE_CELL_MV],
        .float_mv = number[SETTINGS_FLOAT_CELL_MV],
        .charge_max_ma = number[SETTINGS_CHARGE_MAX_A] * MA_PER_A,
        .discharge_max_ma = number[SETTINGS_DISCH_MAX_A] * MA_PER_A,
        .current_percent = number[SETTINGS_LIMIT_BMS_PCT],
        .cutoff_margin_mv = number[SETTINGS_CVL_MARGIN_MV],
        .charger_offset_mv = number[SETTINGS_CVL_CHARGER_MV],
        .float_below_full_mv = number[SETTINGS_FLOAT_BELOW_MV],
        .float_lfp_mv = number[SETTINGS_FLOAT_LFP_MV],
        .absorption_s = number[SETTINGS_ABSORB_TIME_S],
        .absorption_max_s = number[SETTINGS_ABSORB_MAX_S],
        .balanced_mv = number[SETTINGS_ABSORB_DIFF_MV],
        .tail_percent = number[SETTINGS_ABSORB_TAIL_PCT],
        .rebulk_percent = number[SETTINGS_FLOAT_END_PCT],
        .lower_mv_per_s = number[SETTINGS_CVL_LOWER_MV_S],
        .lower_s = number[SETTINGS_CVL_OFF_S],
        .look_ahead_s = number[SETTINGS_CVL_AHEAD_S],
        .raise_wait_s = number[SETTINGS_CVL_WAIT_S],
        .raise_mv_per_s = number[SETTINGS_CVL_RAISE_MV_S],
        .step_s = number[SETTINGS_CVL_STEP_S],
        .charge_knee_mv = number[SETTINGS_CHARGE_KNEE_MV],
        .charge_at_target_percent = number[SETTINGS_CHARGE_END_PCT],
        .discharge_knee_mv = number[SETTINGS_DISCH_KNEE_MV],
        .floor_mv = number[SETTINGS_DISCH_CELL_MV],
        .refill_percent = number[SETTINGS_DISCH_BACK_PCT],
        .soc_min_percent = number[SETTINGS_DISCH_SOC_PCT],
        .soc_knee_percent = number[SETTINGS_DISCH_TAPER_PCT],
        .cold_knee_dc = number[SETTINGS_TEMP_COLD_K] * DC_PER_K,
        .hot_knee_dc = number[SETTINGS_TEMP_HOT_K] * DC_PER_K,
        .hot_stop_dc = number[SETTINGS_TEMP_STOP_K] * DC_PER_K,
        .hot_discharge_knee_dc = number[SETTINGS_TEMP_DISCH_K] * DC_PER_K,
        .bms_hot_dc = number[SETTINGS_TEMP_BMS_HOT_C] * DC_PER_K,
        .rise_wait_s = number[SETTINGS_LIMIT_WAIT_S],
        .rise_ma_per_s = number[SETTINGS_LIMIT_A_PER_S] * MA_PER_A,
        .ramp_start_percent = number[SETTINGS_RAMP_START_PCT],
        .ramp_s = number[SETTINGS_RAMP_TIME_S],
    };
}

static battery_alarms_config_t alarms_config(const int32_t *number)
{
    return (battery_alarms_config_t){
        .cell_margin_mv = number[SETTINGS_ALARM_CELL_MV],
        .temperature_margin_dc = number[SETTINGS_ALARM_TEMP_K] * DC_PER_K,
        .current_percent = number[SETTINGS_ALARM_CUR_PCT],
        .imbalance_warning_mv = number[SETTINGS_DIFF_WARN_MV],
        .imbalance_alarm_mv = number[SETTINGS_DIFF_ALARM_MV],
        .cell_hysteresis_mv = number[SETTINGS_HYST_CELL_MV],
        .temperature_hysteresis_dc = number[SETTINGS_HYST_TEMP_K] * DC_PER_K,
        .current_hysteresis_percent = number[SETTINGS_HYST_CUR_PCT],
        .debounce = number[SETTINGS_ALARM_DEBOUNCE],
        .imbalance_s = number[SETTINGS_DIFF_WARN_S],
        .blocked = number[SETTINGS_ALARM_BLOCKED],
    };
}

battery_pipeline_config_t settings_pipeline(const settings_values_t *values)
{
    return (battery_pipeline_config_t){
        .stale_ms = values->number[SETTINGS_DATA_STALE_MS],
        .silent_ms = values->number[SETTINGS_DATA_SILENT_MS],
        .charge = charge_config(values->number),
        .alarms = alarms_config(values->number),
    };
}
