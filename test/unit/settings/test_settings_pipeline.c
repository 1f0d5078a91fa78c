/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Every setting of the pipeline by its key, in the unit that its name says, against the field in calculation units. */
#include <stddef.h>
#include <string.h>

#include "settings_pipeline.h"
#include "settings_rules.h"
#include "unity.h"

#define OFFSET(field) offsetof(battery_pipeline_config_t, field)

static const struct {
    const char *key;
    int32_t number;
    size_t offset;
    int32_t expected;
} s_fields[] = {
    {"data.stale_ms", 4000, OFFSET(data_stale_ms), 4000},
    {"data.silent_ms", 12000, OFFSET(data_silent_ms), 12000},
    {"charge.cell_mv", 3450, OFFSET(charge.charge_cell_mv), 3450},
    {"charge.max_a", 80, OFFSET(charge.charge_max_ma), 80000},
    {"charge.knee_mv", 60, OFFSET(charge.charge_knee_mv), 60},
    {"charge.end_pct", 25, OFFSET(charge.charge_end_pct), 25},
    {"disch.max_a", 150, OFFSET(charge.disch_max_ma), 150000},
    {"disch.knee_mv", 150, OFFSET(charge.disch_knee_mv), 150},
    {"disch.cell_mv", 3050, OFFSET(charge.disch_cell_mv), 3050},
    {"disch.back_pct", 3, OFFSET(charge.disch_back_pct), 3},
    {"disch.soc_pct", 10, OFFSET(charge.disch_soc_pct), 10},
    {"disch.taper_pct", 7, OFFSET(charge.disch_taper_pct), 7},
    {"limit.bms_pct", 80, OFFSET(charge.limit_bms_pct), 80},
    {"limit.wait_s", 45, OFFSET(charge.limit_wait_s), 45},
    {"limit.a_per_s", 8, OFFSET(charge.limit_ma_per_s), 8000},
    {"ramp.start_pct", 20, OFFSET(charge.ramp_start_pct), 20},
    {"ramp.time_s", 40, OFFSET(charge.ramp_time_s), 40},
    {"cvl.margin_mv", 35, OFFSET(charge.cvl_margin_mv), 35},
    {"cvl.charger_mv", 0, OFFSET(charge.cvl_charger_mv), 0},
    {"cvl.lower_mv_s", 300, OFFSET(charge.cvl_lower_mv_s), 300},
    {"cvl.off_s", 15, OFFSET(charge.cvl_off_s), 15},
    {"cvl.ahead_s", 0, OFFSET(charge.cvl_ahead_s), 0},
    {"cvl.wait_s", 90, OFFSET(charge.cvl_wait_s), 90},
    {"cvl.raise_mv_s", 2, OFFSET(charge.cvl_raise_mv_s), 2},
    {"cvl.step_s", 25, OFFSET(charge.cvl_step_s), 25},
    {"absorb.time_s", 1800, OFFSET(charge.absorb_time_s), 1800},
    {"absorb.max_s", 5400, OFFSET(charge.absorb_max_s), 5400},
    {"absorb.diff_mv", 15, OFFSET(charge.absorb_diff_mv), 15},
    {"absorb.tail_pct", 6, OFFSET(charge.absorb_tail_pct), 6},
    {"float.cell_mv", 3350, OFFSET(charge.float_cell_mv), 3350},
    {"float.below_mv", 100, OFFSET(charge.float_below_mv), 100},
    {"float.lfp_mv", 3300, OFFSET(charge.float_lfp_mv), 3300},
    {"float.end_pct", 85, OFFSET(charge.float_end_pct), 85},
    {"temp.cold_k", 12, OFFSET(charge.temp_cold_ddegc), 120},
    {"temp.hot_k", 18, OFFSET(charge.temp_hot_ddegc), 180},
    {"temp.stop_k", 3, OFFSET(charge.temp_stop_ddegc), 30},
    {"temp.disch_k", 9, OFFSET(charge.temp_disch_ddegc), 90},
    {"temp.bms_hot_c", 75, OFFSET(charge.temp_bms_hot_ddegc), 750},
    {"alarm.cell_mv", 70, OFFSET(alarms.alarm_cell_mv), 70},
    {"alarm.temp_k", 4, OFFSET(alarms.alarm_temp_ddegc), 40},
    {"alarm.cur_pct", 85, OFFSET(alarms.alarm_cur_pct), 85},
    {"alarm.debounce", 4, OFFSET(alarms.alarm_debounce), 4},
    {"alarm.blocked", 0, OFFSET(alarms.alarm_blocked), 0},
    {"diff.warn_s", 300, OFFSET(alarms.diff_warn_s), 300},
    {"diff.warn_mv", 110, OFFSET(alarms.diff_warn_mv), 110},
    {"diff.alarm_mv", 250, OFFSET(alarms.diff_alarm_mv), 250},
    {"hyst.cell_mv", 30, OFFSET(alarms.hyst_cell_mv), 30},
    {"hyst.temp_k", 1, OFFSET(alarms.hyst_temp_ddegc), 10},
    {"hyst.cur_pct", 3, OFFSET(alarms.hyst_cur_pct), 3},
};

#define FIELDS (sizeof(s_fields) / sizeof(s_fields[0]))

TEST_CASE("the factory values are the defaults of the pipeline", "[settings]")
{
    const battery_pipeline_config_t defaults = BATTERY_PIPELINE_DEFAULT_CONFIG();
    settings_values_t values;
    settings_factory_all(&values);
    const battery_pipeline_config_t config = settings_pipeline(&values);
    TEST_ASSERT_EQUAL_MEMORY(&defaults, &config, sizeof(config));
}

TEST_CASE("every field of the pipeline has a setting", "[settings]")
{
    TEST_ASSERT_EQUAL(sizeof(battery_pipeline_config_t), FIELDS * sizeof(int32_t));
    for (size_t i = 0; i < FIELDS; i++) {
        for (size_t j = 0; j < i; j++) {
            TEST_ASSERT_TRUE_MESSAGE(s_fields[j].offset != s_fields[i].offset, s_fields[i].key);
        }
    }
}

TEST_CASE("each setting reaches its field, in its unit, and no other", "[settings]")
{
    for (size_t i = 0; i < FIELDS; i++) {
        battery_pipeline_config_t expected = BATTERY_PIPELINE_DEFAULT_CONFIG();
        const settings_value_t value = {.number = s_fields[i].number};
        const settings_id_t id = settings_find(s_fields[i].key);
        settings_refusal_t refusal;
        settings_values_t values;
        TEST_ASSERT_TRUE_MESSAGE(id < SETTINGS_COUNT, s_fields[i].key);
        TEST_ASSERT_TRUE_MESSAGE(settings_value_valid(id, &value, &refusal), s_fields[i].key);
        settings_factory_all(&values);
        settings_set(&values, id, &value);
        memcpy((char *)&expected + s_fields[i].offset, &s_fields[i].expected, sizeof(int32_t));
        const battery_pipeline_config_t config = settings_pipeline(&values);
        TEST_ASSERT_TRUE_MESSAGE(memcmp(&expected, &config, sizeof(config)) == 0, s_fields[i].key);
    }
}
