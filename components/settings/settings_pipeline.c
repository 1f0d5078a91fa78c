/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Copies settings into the fields of battery_pipeline_config_t, and converts A to mA and K to 0.1 degC. The only place
 * that knows both sides.
 */
#include "settings_pipeline.h"

#define MA_PER_A    1000
#define DDEGC_PER_K 10

static charge_control_config_t charge_config(const int32_t *number)
{
    return (charge_control_config_t){
        .charge_cell_mv = number[SETTINGS_CHARGE_CELL_MV],
        .float_cell_mv = number[SETTINGS_FLOAT_CELL_MV],
        .charge_max_ma = number[SETTINGS_CHARGE_MAX_A] * MA_PER_A,
        .disch_max_ma = number[SETTINGS_DISCH_MAX_A] * MA_PER_A,
        .limit_bms_pct = number[SETTINGS_LIMIT_BMS_PCT],
        .cvl_margin_mv = number[SETTINGS_CVL_MARGIN_MV],
        .cvl_charger_mv = number[SETTINGS_CVL_CHARGER_MV],
        .float_below_mv = number[SETTINGS_FLOAT_BELOW_MV],
        .float_lfp_mv = number[SETTINGS_FLOAT_LFP_MV],
        .absorb_time_s = number[SETTINGS_ABSORB_TIME_S],
        .absorb_max_s = number[SETTINGS_ABSORB_MAX_S],
        .absorb_diff_mv = number[SETTINGS_ABSORB_DIFF_MV],
        .absorb_tail_pct = number[SETTINGS_ABSORB_TAIL_PCT],
        .float_end_pct = number[SETTINGS_FLOAT_END_PCT],
        .cvl_lower_mv_s = number[SETTINGS_CVL_LOWER_MV_S],
        .cvl_off_s = number[SETTINGS_CVL_OFF_S],
        .cvl_ahead_s = number[SETTINGS_CVL_AHEAD_S],
        .cvl_wait_s = number[SETTINGS_CVL_WAIT_S],
        .cvl_raise_mv_s = number[SETTINGS_CVL_RAISE_MV_S],
        .cvl_step_s = number[SETTINGS_CVL_STEP_S],
        .charge_knee_mv = number[SETTINGS_CHARGE_KNEE_MV],
        .charge_end_pct = number[SETTINGS_CHARGE_END_PCT],
        .disch_knee_mv = number[SETTINGS_DISCH_KNEE_MV],
        .disch_cell_mv = number[SETTINGS_DISCH_CELL_MV],
        .disch_back_pct = number[SETTINGS_DISCH_BACK_PCT],
        .disch_soc_pct = number[SETTINGS_DISCH_SOC_PCT],
        .disch_taper_pct = number[SETTINGS_DISCH_TAPER_PCT],
        .temp_cold_ddegc = number[SETTINGS_TEMP_COLD_K] * DDEGC_PER_K,
        .temp_hot_ddegc = number[SETTINGS_TEMP_HOT_K] * DDEGC_PER_K,
        .temp_stop_ddegc = number[SETTINGS_TEMP_STOP_K] * DDEGC_PER_K,
        .temp_disch_ddegc = number[SETTINGS_TEMP_DISCH_K] * DDEGC_PER_K,
        .temp_bms_hot_ddegc = number[SETTINGS_TEMP_BMS_HOT_C] * DDEGC_PER_K,
        .limit_wait_s = number[SETTINGS_LIMIT_WAIT_S],
        .limit_ma_per_s = number[SETTINGS_LIMIT_A_PER_S] * MA_PER_A,
        .ramp_start_pct = number[SETTINGS_RAMP_START_PCT],
        .ramp_time_s = number[SETTINGS_RAMP_TIME_S],
    };
}

static battery_alarms_config_t alarms_config(const int32_t *number)
{
    return (battery_alarms_config_t){
        .alarm_cell_mv = number[SETTINGS_ALARM_CELL_MV],
        .alarm_temp_ddegc = number[SETTINGS_ALARM_TEMP_K] * DDEGC_PER_K,
        .alarm_cur_pct = number[SETTINGS_ALARM_CUR_PCT],
        .diff_warn_mv = number[SETTINGS_DIFF_WARN_MV],
        .diff_alarm_mv = number[SETTINGS_DIFF_ALARM_MV],
        .hyst_cell_mv = number[SETTINGS_HYST_CELL_MV],
        .hyst_temp_ddegc = number[SETTINGS_HYST_TEMP_K] * DDEGC_PER_K,
        .hyst_cur_pct = number[SETTINGS_HYST_CUR_PCT],
        .alarm_debounce = number[SETTINGS_ALARM_DEBOUNCE],
        .diff_warn_s = number[SETTINGS_DIFF_WARN_S],
        .alarm_blocked = number[SETTINGS_ALARM_BLOCKED],
    };
}

battery_pipeline_config_t settings_pipeline(const settings_values_t *values)
{
    return (battery_pipeline_config_t){
        .data_stale_ms = values->number[SETTINGS_DATA_STALE_MS],
        .data_silent_ms = values->number[SETTINGS_DATA_SILENT_MS],
        .charge = charge_config(values->number),
        .alarms = alarms_config(values->number),
    };
}
