/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Turns a BMS snapshot into what the GX is shown: measurements, alarms, limits, energy, staleness. Pure.
 *
 * It decides the order of everything between the serial line and the CAN bus. The caller owns the state and supplies
 * the time; a clock that is set back counts as one that stood still.
 *
 * @code{.c}
 * static battery_pipeline_t pipeline;
 * static battery_state_t state; // zeroed before the first step
 * battery_alarm_change_t changes[BATTERY_ALARM_CHANGES_MAX];
 * const battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
 * battery_pipeline_init(&pipeline, &config, NULL);
 * const size_t count = battery_pipeline_step(&pipeline, snapshot, now_ms, &state, changes);
 * @endcode
 */

#include "battery_alarms.h"
#include "battery_belief.h"
#include "battery_state.h"
#include "charge_control.h"
#include "energy_meter.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Settings of all parts. */
typedef struct {
    int32_t data_stale_ms; /**< age of the data at which CCL becomes 0, status offline, warning "BMS internal" active */
    int32_t data_silent_ms; /**< age at which publish becomes false: nothing may be sent; > data_stale_ms */
    charge_control_config_t charge;
    battery_alarms_config_t alarms;
} battery_pipeline_config_t;

/** @brief Factory values; Kconfig has the same. */
#define BATTERY_PIPELINE_DEFAULT_CONFIG()                                                                              \
    {                                                                                                                  \
        .data_stale_ms = 3000, .data_silent_ms = 10000, .charge = CHARGE_CONTROL_DEFAULT_CONFIG(),                     \
        .alarms = BATTERY_ALARMS_DEFAULT_CONFIG()                                                                      \
    }

/** @brief A BMS that answers counts as frozen when no word of its live block has changed for this long. */
#define BATTERY_PIPELINE_FROZEN_MS 5000

/** @brief Whether the BMS still measures; private to battery_pipeline.c. All times on the pipeline's own clock. */
typedef struct {
    bool armed;         /**< the lifetime counter has advanced for a minute */
    bool filled;        /**< there has been a block */
    bool counted;       /**< the counter has changed in this window */
    uint8_t windows;    /**< consecutive windows in which it did */
    int64_t window_ms;  /**< when this window began */
    int64_t seen_ms;    /**< when the newest block came */
    int64_t changed_ms; /**< when anything in the live block last changed */
    uint16_t live[TINYBMS_LIVE_COUNT];
} battery_pipeline_watch_t;

/** @brief What was kept over a restart. Zeroed = nothing. */
typedef struct {
    const energy_totals_t *energy;       /**< NULL = none */
    uint8_t sensors_seen;                /**< external temperature sensors that were there, one bit each */
    bool settings_lost;                  /**< what a person had set is lost: charging and discharging are restricted */
    const charge_control_kept_t *limits; /**< of an orderly restart; NULL = none */
    int32_t limits_age_ms;
} battery_pipeline_kept_t;

/** @brief Limits kept over a restart count up to this age. */
#define BATTERY_PIPELINE_KEPT_MS 3000

/** @brief State of the pipeline; private to battery_pipeline.c. */
typedef struct {
    int32_t stale_ms;
    int32_t silent_ms;
    bool started;
    bool has_sequence; /**< a snapshot has arrived */
    bool has_snapshot; /**< a snapshot has been believed */
    bool publishing;   /**< the last believed one was enough for limits and frames */
    bool was_stale;
    bool was_silent;
    int64_t last_now_ms;        /**< as the caller passed it */
    int64_t time_ms;            /**< since the start; never goes back */
    int64_t snapshot_ms;        /**< of the newest believed snapshot, on time_ms */
    int64_t kept_until_ms;      /**< on time_ms: limits from before the restart count until then */
    uint32_t sequence;          /**< of the newest snapshot */
    battery_bms_t bms;          /**< of the newest snapshot */
    charge_voltages_t voltages; /**< of the newest snapshot */
    battery_pipeline_watch_t watch;
    battery_belief_t belief;
    charge_control_t charge;
    battery_alarms_t alarms;
    energy_meter_t energy;
} battery_pipeline_t;

/**
 * @brief Starts. Nothing is sent before the first complete and plausible snapshot.
 * @param[out] pipeline state
 * @param config settings; copied
 * @param kept what was kept over a restart; NULL = nothing
 */
void battery_pipeline_init(battery_pipeline_t *pipeline, const battery_pipeline_config_t *config,
                           const battery_pipeline_kept_t *kept);

/**
 * @brief New settings while it runs: ages count from the next step on, all others from the next snapshot on. What falls
 * by them falls at once, what rises rises as slowly as ever; nothing that is under way starts anew. Data that is stale
 * or silent stays so until a snapshot is believed.
 * @param pipeline state
 * @param config settings; copied
 * @param settings_lost what a person had set is lost: charging and discharging are restricted
 */
void battery_pipeline_configure(battery_pipeline_t *pipeline, const battery_pipeline_config_t *config,
                                bool settings_lost);

/**
 * @brief Brings the state up to `now_ms`. Call it for each new snapshot, and at least ten times a second.
 * @param pipeline state
 * @param snapshot last valid one (the same again if there is no newer one); NULL before the first
 * @param now_ms present time, same clock as snapshot->taken_ms
 * @param[in,out] state as the previous call left it, zeroed before the first: without newer data it keeps its values
 * @param[out] changes of the alarms, room for BATTERY_ALARM_CHANGES_MAX
 * @return number of changes, 0..BATTERY_ALARM_CHANGES_MAX
 */
size_t battery_pipeline_step(battery_pipeline_t *pipeline, const tinybms_snapshot_t *snapshot, int64_t now_ms,
                             battery_state_t *state, battery_alarm_change_t *changes);

/** @brief External temperature sensors that were ever there, one bit each; keep them over a restart. */
uint8_t battery_pipeline_sensors_seen(const battery_pipeline_t *pipeline);

/** @brief Forgets that an external temperature sensor (0 or 1) was ever there: the user has removed it. */
void battery_pipeline_forget_sensor(battery_pipeline_t *pipeline, uint8_t sensor);

/** @brief Whether a frozen BMS, which keeps answering with the same measurements, would be noticed. */
bool battery_pipeline_watches_freeze(const battery_pipeline_t *pipeline);

/** @brief Energy counters; keep them over a restart. */
const energy_totals_t *battery_pipeline_energy(const battery_pipeline_t *pipeline);

#ifdef __cplusplus
}
#endif
