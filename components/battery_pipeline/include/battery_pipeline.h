/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief From a snapshot of the BMS to what the GX is told: measurements, alarms, limits, energy, staleness. Pure.
 *
 * The order of everything between the serial line and the CAN bus is decided here. The caller owns the state, and
 * brings the time; a clock that is set back counts as one that stood still.
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
    int32_t data_stale_ms; /**< age of the data from which on CCL is 0, status offline, warning "BMS internal" active */
    int32_t data_silent_ms; /**< age from which on publish = false: nothing may be sent; > stale_ms */
    charge_control_config_t charge;
    battery_alarms_config_t alarms;
} battery_pipeline_config_t;

/** @brief Factory values; Kconfig has the same. */
#define BATTERY_PIPELINE_DEFAULT_CONFIG()                                                                              \
    {                                                                                                                  \
        .data_stale_ms = 3000, .data_silent_ms = 10000, .charge = CHARGE_CONTROL_DEFAULT_CONFIG(),                     \
        .alarms = BATTERY_ALARMS_DEFAULT_CONFIG()                                                                      \
    }

/** @brief Silence of a BMS that answers: the lifetime counter and every word of the live block stand. */
#define BATTERY_PIPELINE_FROZEN_MS 5000

/** @brief Whether the BMS still measures; private to battery_pipeline.c. All times on its own clock. */
typedef struct {
    bool armed;         /**< the lifetime counter has been seen to advance for a minute */
    bool filled;        /**< there has been a block */
    bool counted;       /**< the counter has changed in this window */
    uint8_t windows;    /**< in a row in which it did */
    int64_t window_ms;  /**< when this window began */
    int64_t seen_ms;    /**< of the newest block */
    int64_t changed_ms; /**< last time that anything in the live block changed */
    uint16_t live[TINYBMS_LIVE_COUNT];
} battery_pipeline_watch_t;

/** @brief What was kept over a restart. Zeroed = nothing. */
typedef struct {
    const energy_totals_t *energy;       /**< NULL = none */
    uint8_t sensors_seen;                /**< external temperature sensors that were there, one bit each */
    bool settings_lost;                  /**< what a person has set is not known any more: the battery is held down */
    const charge_control_kept_t *limits; /**< of an orderly restart; NULL = none */
    int32_t limits_age_ms;
} battery_pipeline_kept_t;

/** @brief Limits that were kept over a restart count up to this age. */
#define BATTERY_PIPELINE_KEPT_MS 3000

/** @brief State of the pipeline; private to battery_pipeline.c. */
typedef struct {
    int32_t stale_ms;
    int32_t silent_ms;
    bool started;
    bool has_sequence; /**< a snapshot has been looked at */
    bool has_snapshot; /**< one has been taken */
    bool publishing;   /**< with the last one limits and frames could be made */
    bool was_stale;
    bool was_silent;
    int64_t last_now_ms;        /**< as the caller gave it */
    int64_t time_ms;            /**< since the start; never goes back */
    int64_t snapshot_ms;        /**< of the newest snapshot that was taken, on time_ms */
    int64_t kept_until_ms;      /**< on time_ms: limits of before the restart count until then */
    uint32_t sequence;          /**< of the newest snapshot */
    battery_bms_t bms;          /**< of the newest snapshot */
    charge_voltages_t voltages; /**< likewise */
    battery_pipeline_watch_t watch;
    battery_belief_t belief;
    charge_control_t charge;
    battery_alarms_t alarms;
    energy_meter_t energy;
} battery_pipeline_t;

/**
 * @brief Begins: nothing is sent before the first complete and plausible snapshot.
 * @param[out] pipeline state
 * @param config settings
 * @param kept of before a restart; NULL = nothing
 */
void battery_pipeline_init(battery_pipeline_t *pipeline, const battery_pipeline_config_t *config,
                           const battery_pipeline_kept_t *kept);

/**
 * @brief The state that holds at `now_ms`. Call it for each new snapshot, and at least ten times a second.
 * @param pipeline state
 * @param snapshot last valid one (the same again, when there is no newer one); NULL when there has been none
 * @param now_ms present time, same clock as snapshot->taken_ms
 * @param[in,out] state as the call before left it, zeroed at first: without newer data its values are held
 * @param[out] changes of the alarms, room for BATTERY_ALARM_CHANGES_MAX
 * @return how many changes there are
 */
size_t battery_pipeline_step(battery_pipeline_t *pipeline, const tinybms_snapshot_t *snapshot, int64_t now_ms,
                             battery_state_t *state, battery_alarm_change_t *changes);

/** @brief External temperature sensors that were ever there, one bit each: to be kept over a restart. */
uint8_t battery_pipeline_sensors_seen(const battery_pipeline_t *pipeline);

/** @brief Forgets that an external temperature sensor (0 or 1) was ever there: a person has taken it off. */
void battery_pipeline_forget_sensor(battery_pipeline_t *pipeline, uint8_t sensor);

/** @brief Whether a BMS that goes on answering with the same measurements is noticed. */
bool battery_pipeline_watches_freeze(const battery_pipeline_t *pipeline);

/** @brief Energy counters: to be kept over a restart. */
const energy_totals_t *battery_pipeline_energy(const battery_pipeline_t *pipeline);

#ifdef __cplusplus
}
#endif
