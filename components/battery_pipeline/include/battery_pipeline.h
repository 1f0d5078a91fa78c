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
#include "battery_state.h"
#include "charge_control.h"
#include "energy_meter.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Settings of all parts. */
typedef struct {
    int32_t stale_ms;  /**< age of the data from which on CCL is 0, status offline, warning "BMS internal" active */
    int32_t silent_ms; /**< age from which on publish = false: nothing may be sent; > stale_ms */
    charge_control_config_t charge;
    battery_alarms_config_t alarms;
} battery_pipeline_config_t;

/** @brief Factory values; Kconfig has the same. */
#define BATTERY_PIPELINE_DEFAULT_CONFIG()                                                                              \
    {                                                                                                                  \
        .stale_ms = 3000, .silent_ms = 10000, .charge = CHARGE_CONTROL_DEFAULT_CONFIG(),                               \
        .alarms = BATTERY_ALARMS_DEFAULT_CONFIG()                                                                      \
    }

/** @brief State of the pipeline; private to battery_pipeline.c. */
typedef struct {
    int32_t stale_ms;
    int32_t silent_ms;
    bool started;
    bool has_snapshot;
    bool was_complete; /**< the start-up gate has been open */
    bool was_stale;
    bool was_silent;
    int64_t last_now_ms;        /**< as the caller gave it */
    int64_t time_ms;            /**< never goes back */
    int64_t snapshot_ms;        /**< of the newest snapshot, on time_ms */
    uint32_t sequence;          /**< of the newest snapshot */
    battery_bms_t bms;          /**< of the newest snapshot */
    charge_voltages_t voltages; /**< likewise */
    charge_control_t charge;
    battery_alarms_t alarms;
    energy_meter_t energy;
} battery_pipeline_t;

/**
 * @brief Begins: nothing is sent before the first complete and plausible snapshot.
 * @param[out] pipeline state
 * @param config settings
 * @param totals energy that was kept over the restart; NULL = none
 */
void battery_pipeline_init(battery_pipeline_t *pipeline, const battery_pipeline_config_t *config,
                           const energy_totals_t *totals);

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

/** @brief What has to be kept over a restart. */
const energy_totals_t *battery_pipeline_energy(const battery_pipeline_t *pipeline);

#ifdef __cplusplus
}
#endif
