/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "battery_pipeline.h"

#include <string.h>

#include "battery_assemble.h"

void battery_pipeline_init(battery_pipeline_t *pipeline, const battery_pipeline_config_t *config,
                           const energy_totals_t *totals)
{
    memset(pipeline, 0, sizeof(*pipeline));
    pipeline->stale_ms = config->stale_ms;
    pipeline->silent_ms = config->silent_ms;
    charge_control_init(&pipeline->charge, &config->charge);
    battery_alarms_init(&pipeline->alarms, &config->alarms);
    energy_meter_init(&pipeline->energy, totals);
}

/** A clock that is set back counts as one that stood still. */
static void note_time(battery_pipeline_t *pipeline, int64_t now_ms)
{
    if (pipeline->started && now_ms > pipeline->last_now_ms) {
        pipeline->time_ms += now_ms - pipeline->last_now_ms;
    }
    pipeline->started = true;
    pipeline->last_now_ms = now_ms;
}

/** Whether the snapshot is one that has not been seen yet. A snapshot from the future was taken just now. */
static bool note_snapshot(battery_pipeline_t *pipeline, const tinybms_snapshot_t *snapshot)
{
    if (pipeline->has_snapshot && snapshot->sequence == pipeline->sequence) {
        return false;
    }
    const int64_t age_ms = pipeline->last_now_ms - snapshot->taken_ms;
    const int64_t taken_ms = pipeline->time_ms - (age_ms > 0 ? age_ms : 0);
    if (!pipeline->has_snapshot || taken_ms > pipeline->snapshot_ms) {
        pipeline->snapshot_ms = taken_ms;
    }
    pipeline->has_snapshot = true;
    pipeline->sequence = snapshot->sequence;
    return true;
}

/**
 * After stage one of a silence charging starts from zero; after stage two, and with the first snapshot that is sent,
 * both directions start anew.
 */
static void resume(battery_pipeline_t *pipeline)
{
    if (pipeline->was_silent || !pipeline->was_complete) {
        charge_control_resume(&pipeline->charge, CHARGE_CONTROL_RAMP_BOTH, pipeline->snapshot_ms);
    } else if (pipeline->was_stale) {
        charge_control_resume(&pipeline->charge, CHARGE_CONTROL_RAMP_CHARGE, pipeline->snapshot_ms);
    }
    pipeline->was_silent = false;
    pipeline->was_stale = false;
}

/** The start-up gate: limits can be made, and the frames that a GX needs. */
static bool complete(const battery_bms_t *bms, const battery_state_t *state)
{
    return bms->settings_known && state->cvl_mv.known && state->pack_voltage_mv.known && state->pack_current_ma.known &&
           state->soc_ppm.known;
}

static void take(battery_pipeline_t *pipeline, const tinybms_snapshot_t *snapshot, battery_state_t *state)
{
    battery_bms_t *const bms = &pipeline->bms;
    resume(pipeline);
    battery_assemble(snapshot, bms, state);
    pipeline->voltages = charge_control_voltages(&pipeline->charge.config, bms, state->cell_count);
    charge_control_step(&pipeline->charge, bms, &pipeline->voltages, pipeline->snapshot_ms, state);
    energy_meter_step(&pipeline->energy, bms, pipeline->snapshot_ms, state);
    state->publish = complete(bms, state);
    if (state->publish) {
        pipeline->was_complete = true;
        state->status = bms->fault ? BATTERY_STATUS_OFFLINE : BATTERY_STATUS_ONLINE;
    }
}

/** CVL and DCL are held while data is stale: the last known ones are better than a jump. */
static void apply_staleness(battery_pipeline_t *pipeline, int64_t age_ms, battery_state_t *state)
{
    const battery_quantity_t nothing = {.known = true, .value = 0};
    if (age_ms < pipeline->stale_ms) {
        return;
    }
    pipeline->was_stale = true;
    state->status = state->publish ? BATTERY_STATUS_OFFLINE : state->status;
    state->ccl_limiter_ma[BATTERY_REASON_STALE_DATA] = nothing;
    state->ccl_ma = (battery_limit_t){.known = true, .value = 0, .reason = BATTERY_REASON_STALE_DATA};
    if (age_ms >= pipeline->silent_ms) {
        pipeline->was_silent = true;
        state->publish = false;
    }
}

size_t battery_pipeline_step(battery_pipeline_t *pipeline, const tinybms_snapshot_t *snapshot, int64_t now_ms,
                             battery_state_t *state, battery_alarm_change_t *changes)
{
    note_time(pipeline, now_ms);
    if (snapshot == NULL) {
        memset(state, 0, sizeof(*state));
        return 0;
    }
    const bool fresh = note_snapshot(pipeline, snapshot);
    if (fresh) {
        take(pipeline, snapshot, state);
    }
    const int64_t age_ms = pipeline->time_ms - pipeline->snapshot_ms;
    apply_staleness(pipeline, age_ms, state);
    const battery_alarms_input_t input = {
        .bms = &pipeline->bms,
        .target_mv = pipeline->voltages.known ? pipeline->voltages.target_mv : 0,
        .settings_contradictory = pipeline->voltages.contradictory,
        .fresh = fresh,
        .stale = age_ms >= pipeline->stale_ms,
        .age_ms = age_ms < INT32_MAX ? (int32_t)age_ms : INT32_MAX,
    };
    return battery_alarms_step(&pipeline->alarms, &input, state, changes);
}

const energy_totals_t *battery_pipeline_energy(const battery_pipeline_t *pipeline)
{
    return &pipeline->energy.totals;
}
