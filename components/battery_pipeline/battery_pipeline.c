/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The order of belief, limits, energy and alarms, and everything that depends on time: start-up gate, stale data,
 * frozen BMS, resume. The calculations themselves are in the components that it calls.
 */
#include "battery_pipeline.h"

#include <assert.h>
#include <string.h>

#include "tinybms_addresses.h"

#define WINDOW_MS 2000 /**< the lifetime counter of a BMS that measures changes in each */
#define WINDOWS   30

void battery_pipeline_init(battery_pipeline_t *pipeline, const battery_pipeline_config_t *config,
                           const battery_pipeline_kept_t *kept)
{
    const battery_pipeline_kept_t nothing = {0};
    const battery_pipeline_kept_t *const before = kept != NULL ? kept : &nothing;
    memset(pipeline, 0, sizeof(*pipeline));
    pipeline->stale_ms = config->data_stale_ms;
    pipeline->silent_ms = config->data_silent_ms;
    battery_belief_init(&pipeline->belief, before->sensors_seen);
    charge_control_init(&pipeline->charge, &config->charge, before->settings_lost);
    battery_alarms_init(&pipeline->alarms, &config->alarms);
    energy_meter_init(&pipeline->energy, before->energy);
    if (before->limits != NULL) {
        charge_control_keep(&pipeline->charge, before->limits);
        pipeline->kept_until_ms = (int64_t)BATTERY_PIPELINE_KEPT_MS - before->limits_age_ms;
    }
}

void battery_pipeline_configure(battery_pipeline_t *pipeline, const battery_pipeline_config_t *config,
                                bool settings_lost)
{
    pipeline->stale_ms = config->data_stale_ms;
    pipeline->silent_ms = config->data_silent_ms;
    charge_control_configure(&pipeline->charge, &config->charge, settings_lost);
    battery_alarms_configure(&pipeline->alarms, &config->alarms);
}

/** A clock that is set back counts as one that stood still. */
static void note_time(battery_pipeline_t *pipeline, int64_t now_ms)
{
    if (pipeline->started && now_ms > pipeline->last_now_ms) {
        pipeline->time_ms += now_ms - pipeline->last_now_ms;
    }
    pipeline->started = true;
    pipeline->last_now_ms = now_ms;
    if (pipeline->time_ms > pipeline->kept_until_ms) {
        charge_control_forget_kept(&pipeline->charge);
    }
}

/** Whether the snapshot is one that has not been looked at yet. */
static bool is_new(battery_pipeline_t *pipeline, const tinybms_snapshot_t *snapshot)
{
    const bool seen = pipeline->has_sequence && snapshot->sequence == pipeline->sequence;
    pipeline->has_sequence = true;
    pipeline->sequence = snapshot->sequence;
    return !seen;
}

/** When it was taken, on the clock of the pipeline: never before the one before. From the future counts as just now. */
static int64_t time_of(const battery_pipeline_t *pipeline, const tinybms_snapshot_t *snapshot)
{
    const int64_t age_ms = pipeline->last_now_ms - snapshot->taken_ms;
    const int64_t taken_ms = pipeline->time_ms - (age_ms > 0 ? age_ms : 0);
    return !pipeline->has_snapshot || taken_ms > pipeline->snapshot_ms ? taken_ms : pipeline->snapshot_ms;
}

/** A counter that has changed in every window for a minute will go on changing, as long as the BMS measures. */
static void count_windows(battery_pipeline_watch_t *watch, bool counted, int64_t now_ms)
{
    const int64_t since_ms = now_ms - watch->window_ms;
    watch->counted = watch->counted || counted;
    if (since_ms < WINDOW_MS) {
        return;
    }
    watch->windows = (uint8_t)(watch->counted && since_ms < 2 * WINDOW_MS ? watch->windows + 1 : 0);
    watch->armed = watch->armed || watch->windows >= WINDOWS;
    watch->windows = watch->windows > WINDOWS ? WINDOWS : watch->windows;
    watch->window_ms = now_ms;
    watch->counted = false;
}

static void watch_for_freeze(battery_pipeline_watch_t *watch, const uint16_t *live, int64_t now_ms)
{
    const bool same = watch->filled && memcmp(watch->live, live, sizeof(watch->live)) == 0;
    const bool counted = watch->live[TINYBMS_REG_LIFETIME] != live[TINYBMS_REG_LIFETIME] ||
                         watch->live[TINYBMS_REG_LIFETIME + 1] != live[TINYBMS_REG_LIFETIME + 1];
    if (!watch->filled) {
        watch->window_ms = now_ms;
    } else {
        count_windows(watch, counted, now_ms);
    }
    if (!same) {
        watch->changed_ms = now_ms;
    }
    watch->filled = true;
    watch->seen_ms = now_ms;
    memcpy(watch->live, live, sizeof(watch->live));
}

/** How long the BMS has been answering with the same measurements; a silence is none. */
static int64_t frozen_ms(const battery_pipeline_watch_t *watch)
{
    return watch->armed ? watch->seen_ms - watch->changed_ms : 0;
}

/**
 * After stage one of a silence charging starts from zero; after stage two, and whenever frames are sent that were not
 * sent before, both directions start anew, and what was measured before counts no more.
 */
static void resume(battery_pipeline_t *pipeline, int64_t taken_ms)
{
    if (pipeline->was_silent || !pipeline->publishing) {
        charge_control_resume(&pipeline->charge, CHARGE_CONTROL_RAMP_BOTH, taken_ms);
        battery_belief_resume(&pipeline->belief);
    } else if (pipeline->was_stale) {
        charge_control_resume(&pipeline->charge, CHARGE_CONTROL_RAMP_CHARGE, taken_ms);
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

/** @return whether the snapshot is believed */
static bool take(battery_pipeline_t *pipeline, const tinybms_snapshot_t *snapshot, battery_state_t *state)
{
    battery_bms_t *const bms = &pipeline->bms;
    const int64_t taken_ms = time_of(pipeline, snapshot);
    watch_for_freeze(&pipeline->watch, snapshot->live, taken_ms);
    if (frozen_ms(&pipeline->watch) >= BATTERY_PIPELINE_FROZEN_MS) {
        return false;
    }
    resume(pipeline, taken_ms);
    if (!battery_belief_take(&pipeline->belief, snapshot, bms, state)) {
        return false;
    }
    pipeline->has_snapshot = true;
    pipeline->snapshot_ms = taken_ms;
    pipeline->voltages = charge_control_voltages(&pipeline->charge.config, bms, state->cell_count);
    charge_control_step(&pipeline->charge, bms, &pipeline->voltages, pipeline->snapshot_ms, state);
    energy_meter_step(&pipeline->energy, bms, pipeline->snapshot_ms, state);
    state->publish = complete(bms, state);
    pipeline->publishing = state->publish;
    if (state->publish) {
        state->status = bms->fault ? BATTERY_STATUS_OFFLINE : BATTERY_STATUS_ONLINE;
    }
    return true;
}

/** How old the data is, and from when on that is too old for charging. */
typedef struct {
    int64_t age_ms;
    bool stale;
    bool silent;
} freshness_t;

/** What has been called stale stays so until a snapshot is believed, whatever age is allowed meanwhile. */
static freshness_t freshness(const battery_pipeline_t *pipeline, const battery_state_t *state)
{
    const int64_t age_ms = pipeline->time_ms - pipeline->snapshot_ms;
    const int64_t same_ms = frozen_ms(&pipeline->watch);
    return (freshness_t){
        .age_ms = age_ms > same_ms ? age_ms : same_ms,
        .stale = age_ms >= pipeline->stale_ms || same_ms >= BATTERY_PIPELINE_FROZEN_MS ||
                 state->ccl_ma.reason == BATTERY_REASON_STALE_DATA,
        .silent = age_ms >= pipeline->silent_ms || same_ms >= pipeline->silent_ms,
    };
}

/** CVL and DCL are held while data is stale: the last known ones are better than a jump. */
static void apply_staleness(battery_pipeline_t *pipeline, const freshness_t *fresh, battery_state_t *state)
{
    const battery_quantity_t nothing = {.known = true, .value = 0};
    if (!fresh->stale) {
        return;
    }
    pipeline->was_stale = true;
    state->status = state->publish ? BATTERY_STATUS_OFFLINE : state->status;
    state->ccl_limiter_ma[BATTERY_REASON_STALE_DATA] = nothing;
    state->ccl_ma = (battery_limit_t){.known = true, .value = 0, .reason = BATTERY_REASON_STALE_DATA};
    if (fresh->silent) {
        pipeline->was_silent = true;
        state->publish = false;
    }
}

/** Nothing is sent without its limits, and nothing may charge by data that is stale. */
static bool safe(const freshness_t *fresh, const battery_state_t *state)
{
    const bool limits_known = state->cvl_mv.known && state->ccl_ma.known && state->dcl_ma.known;
    return fresh->age_ms >= 0 && (!fresh->stale || state->ccl_ma.value == 0) && (!state->publish || limits_known);
}

size_t battery_pipeline_step(battery_pipeline_t *pipeline, const tinybms_snapshot_t *snapshot, int64_t now_ms,
                             battery_state_t *state, battery_alarm_change_t *changes)
{
    note_time(pipeline, now_ms);
    const bool taken = snapshot != NULL && is_new(pipeline, snapshot) && take(pipeline, snapshot, state);
    if (!pipeline->has_snapshot) {
        memset(state, 0, sizeof(*state));
        return 0;
    }
    const freshness_t fresh = freshness(pipeline, state);
    apply_staleness(pipeline, &fresh, state);
    assert(safe(&fresh, state));
    const battery_alarms_input_t input = {
        .bms = &pipeline->bms,
        .target_mv = pipeline->voltages.known ? pipeline->voltages.target_mv : 0,
        .settings_contradictory = pipeline->voltages.contradictory,
        .settings_lost = pipeline->charge.settings_lost,
        .no_temperature = state->ccl_limiter_ma[BATTERY_REASON_NO_TEMPERATURE].known,
        .fresh = taken,
        .stale = fresh.stale,
        .age_ms = fresh.age_ms < INT32_MAX ? (int32_t)fresh.age_ms : INT32_MAX,
        .now_ms = pipeline->time_ms,
    };
    return battery_alarms_step(&pipeline->alarms, &input, state, changes);
}

uint8_t battery_pipeline_sensors_seen(const battery_pipeline_t *pipeline)
{
    return pipeline->belief.sensors_seen;
}

void battery_pipeline_forget_sensor(battery_pipeline_t *pipeline, uint8_t sensor)
{
    battery_belief_forget_sensor(&pipeline->belief, sensor);
}

bool battery_pipeline_watches_freeze(const battery_pipeline_t *pipeline)
{
    return pipeline->watch.armed;
}

const energy_totals_t *battery_pipeline_energy(const battery_pipeline_t *pipeline)
{
    return &pipeline->energy.totals;
}
