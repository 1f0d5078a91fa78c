/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The battery: its state, limits, cells, alarms and energy. */
#include <stdlib.h>

#include "report.h"
#include "report_private.h"
#include "tinybms_events.h"

#define API_VERSION 1

void report_quantity(json_stream_t *json, const char *key, battery_quantity_t quantity)
{
    json_int_or_null(json, key, quantity.known, quantity.value);
}

int64_t report_age_ms(const report_view_t *view, int64_t then_ms)
{
    return view->now_ms > then_ms ? view->now_ms - then_ms : 0;
}

void report_status(json_stream_t *json, const report_view_t *view)
{
    json_object(json, NULL);
    json_text(json, "version", view->version);
    json_text(json, "device", view->device);
    json_int(json, "api", API_VERSION);
    json_close(json);
}

static void energy_of(json_stream_t *json, const char *key, battery_energy_t energy)
{
    json_int_or_null(json, key, energy.known, energy.value);
}

static void limit(json_stream_t *json, const char *key, const battery_limit_t *limit, bool with_text)
{
    json_object(json, key);
    json_int_or_null(json, "value", limit->known, limit->value);
    json_text(json, "reason", report_reason_name(limit->reason));
    if (with_text) {
        json_text(json, "text", battery_limit_reason_text(limit->reason));
    }
}

static void short_limit(json_stream_t *json, const char *key, const battery_limit_t *of)
{
    limit(json, key, of, false);
    json_close(json);
}

static void active_ones(json_stream_t *json, const char *key, const battery_alarm_level_t *levels)
{
    json_array(json, key);
    for (battery_alarm_id_t id = 0; id < BATTERY_ALARM_COUNT; id++) {
        if (levels[id] == BATTERY_ALARM_ACTIVE) {
            json_text(json, NULL, report_alarm_name(id));
        }
    }
    json_close(json);
}

static void faults(json_stream_t *json, const report_view_t *view)
{
    json_array(json, "faults");
    for (uint8_t i = 0; view->has_snapshot && i < view->snapshot.fault_count; i++) {
        json_object(json, NULL);
        json_int(json, "id", view->snapshot.faults[i]);
        json_text(json, "text", tinybms_event_text(view->snapshot.faults[i]));
        json_close(json);
    }
    json_close(json);
}

unsigned report_cells_end(const battery_state_t *state)
{
    unsigned end = BATTERY_CELLS_MAX;
    while (end > 0 && state->cell_100uv[end - 1] == 0) {
        end--;
    }
    return end;
}

static void measurements(json_stream_t *json, const battery_state_t *state)
{
    report_quantity(json, "pack_voltage_mv", state->pack_voltage_mv);
    report_quantity(json, "pack_current_ma", state->pack_current_ma);
    report_quantity(json, "soc_ppm", state->soc_ppm);
    report_quantity(json, "soh_ppm", state->soh_ppm);
    json_int_or_null(json, "cell_count", state->cell_count != 0, state->cell_count);
    json_array(json, "cell_100uv");
    for (unsigned i = 0; i < report_cells_end(state); i++) {
        json_int(json, NULL, state->cell_100uv[i]);
    }
    json_close(json);
    report_quantity(json, "cell_min_mv", state->cell_min_mv);
    report_quantity(json, "cell_max_mv", state->cell_max_mv);
    json_int_or_null(json, "cell_min_number", state->cell_min_register.known, state->cell_min_register.value + 1);
    json_int_or_null(json, "cell_max_number", state->cell_max_register.known, state->cell_max_register.value + 1);
    report_quantity(json, "sensor_1_ddegc", state->sensor_ddegc[0]);
    report_quantity(json, "sensor_2_ddegc", state->sensor_ddegc[1]);
    report_quantity(json, "bms_temperature_ddegc", state->bms_temperature_ddegc);
}

void report_state(json_stream_t *json, const char *key, const report_view_t *view)
{
    const battery_state_t *const state = &view->state;
    json_object(json, key);
    json_int(json, "uptime_ms", view->now_ms);
    json_int_or_null(json, "age_ms", view->has_state && state->sequence != 0, report_age_ms(view, state->snapshot_ms));
    json_int(json, "sequence", state->sequence);
    json_text(json, "status", report_status_name(state->status));
    json_bool(json, "publishing", state->publish);
    measurements(json, state);
    short_limit(json, "cvl_mv", &state->cvl_mv);
    short_limit(json, "ccl_ma", &state->ccl_ma);
    short_limit(json, "dcl_ma", &state->dcl_ma);
    short_limit(json, "dvl_mv", &state->dvl_mv);
    active_ones(json, "alarms", state->alarm);
    active_ones(json, "warnings", state->warning);
    faults(json, view);
    energy_of(json, "energy_in_wh", state->energy_in_wh);
    energy_of(json, "energy_out_wh", state->energy_out_wh);
    report_quantity(json, "cycles_milli", state->cycles_milli);
    report_quantity(json, "time_to_full_min", state->time_to_full_min);
    report_quantity(json, "time_to_empty_min", state->time_to_empty_min);
    report_quantity(json, "installed_capacity_mah", state->installed_capacity_mah);
    report_quantity(json, "usable_capacity_mah", state->usable_capacity_mah);
    json_close(json);
}

static void long_limit(json_stream_t *json, const char *key, const battery_limit_t *of)
{
    limit(json, key, of, true);
    json_close(json);
}

/** NONE is no limiter, and so has no entry. */
static void current_limit(json_stream_t *json, const char *key, const battery_limit_t *of,
                          const battery_quantity_t *limiters)
{
    limit(json, key, of, true);
    json_array(json, "limiters");
    for (battery_limit_reason_t reason = BATTERY_REASON_NONE + 1; reason < BATTERY_LIMITER_COUNT; reason++) {
        json_object(json, NULL);
        json_text(json, "reason", report_reason_name(reason));
        json_text(json, "text", battery_limit_reason_text(reason));
        report_quantity(json, "allows_ma", limiters[reason]);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

void report_limits(json_stream_t *json, const report_view_t *view)
{
    const battery_state_t *const state = &view->state;
    json_object(json, NULL);
    long_limit(json, "cvl_mv", &state->cvl_mv);
    current_limit(json, "ccl_ma", &state->ccl_ma, state->ccl_limiter_ma);
    current_limit(json, "dcl_ma", &state->dcl_ma, state->dcl_limiter_ma);
    long_limit(json, "dvl_mv", &state->dvl_mv);
    json_bool(json, "too_cold_to_charge", state->too_cold_to_charge);
    json_bool(json, "too_hot_to_charge", state->too_hot_to_charge);
    json_close(json);
}

static bool is_register(battery_quantity_t which, unsigned index)
{
    return which.known && which.value == (int32_t)index;
}

static void cell(json_stream_t *json, const battery_state_t *state, unsigned index)
{
    json_object(json, NULL);
    json_int(json, "number", index + 1);
    json_int(json, "voltage_100uv", state->cell_100uv[index]);
    json_bool(json, "lowest", is_register(state->cell_min_register, index));
    json_bool(json, "highest", is_register(state->cell_max_register, index));
    json_close(json);
}

void report_cells(json_stream_t *json, const report_view_t *view)
{
    const battery_state_t *const state = &view->state;
    const bool both = state->cell_min_mv.known && state->cell_max_mv.known;
    json_object(json, NULL);
    json_int_or_null(json, "count", state->cell_count != 0, state->cell_count);
    report_quantity(json, "min_mv", state->cell_min_mv);
    report_quantity(json, "max_mv", state->cell_max_mv);
    json_int_or_null(json, "difference_mv", both, state->cell_max_mv.value - state->cell_min_mv.value);
    report_quantity(json, "pack_checked_mv", state->pack_checked_mv);
    json_array(json, "cells");
    for (unsigned i = 0; i < BATTERY_CELLS_MAX; i++) {
        if (state->cell_100uv[i] != 0) {
            cell(json, state, i);
        }
    }
    json_close(json);
    json_close(json);
}

static const char *level_name(battery_alarm_level_t level)
{
    switch (level) {
    case BATTERY_ALARM_ACTIVE:
        return "active";
    case BATTERY_ALARM_OK:
        return "ok";
    case BATTERY_ALARM_UNSUPPORTED:
    default:
        return "unsupported";
    }
}

void report_alarms(json_stream_t *json, const report_view_t *view)
{
    json_object(json, NULL);
    json_array(json, "fields");
    for (battery_alarm_id_t id = 0; id < BATTERY_ALARM_COUNT; id++) {
        json_object(json, NULL);
        json_text(json, "id", report_alarm_name(id));
        json_text(json, "text", battery_alarm_text(id));
        json_text(json, "alarm", level_name(view->state.alarm[id]));
        json_text(json, "warning", level_name(view->state.warning[id]));
        json_close(json);
    }
    json_close(json);
    faults(json, view);
    json_bool(json, "faults_known", view->has_snapshot && view->snapshot.events_known);
    json_close(json);
}

void report_energy(json_stream_t *json, const report_view_t *view)
{
    const battery_state_t *const state = &view->state;
    json_object(json, NULL);
    energy_of(json, "energy_in_wh", state->energy_in_wh);
    energy_of(json, "energy_out_wh", state->energy_out_wh);
    report_quantity(json, "cycles_milli", state->cycles_milli);
    report_quantity(json, "since_full_min", state->since_full_min);
    report_quantity(json, "time_to_full_min", state->time_to_full_min);
    report_quantity(json, "time_to_empty_min", state->time_to_empty_min);
    report_quantity(json, "installed_capacity_mah", state->installed_capacity_mah);
    report_quantity(json, "usable_capacity_mah", state->usable_capacity_mah);
    json_close(json);
}
