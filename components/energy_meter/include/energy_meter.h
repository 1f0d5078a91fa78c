/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Counts energy and charge in and out, cycles, and the time since full, to full and to empty. Pure.
 *
 * @code{.c}
 * energy_meter_t meter;
 * energy_meter_init(&meter, NULL); // no saved totals
 * energy_meter_step(&meter, bms, now_ms, state); // for each new snapshot
 * const int64_t charged_wh = state->energy_in_wh.value;
 * const bool charging = state->time_to_full_min.known;
 * @endcode
 */

#include "battery_bms.h"
#include "battery_state.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Totals that are kept over power cycles. */
typedef struct {
    int64_t in_mwh;       /**< charged energy, lifetime total */
    int64_t out_mwh;      /**< discharged energy */
    int64_t in_mah;       /**< charged charge */
    int64_t out_mah;      /**< discharged charge */
    uint32_t full_count;  /**< times the BMS became fully charged */
    uint32_t metered_min; /**< minutes metered, lifetime total */
    uint32_t full_at_min; /**< `metered_min` when the BMS was last fully charged; meaningless with full_count 0 */
} energy_totals_t;

/** @brief State of the meter; private to energy_meter.c. */
typedef struct {
    energy_totals_t totals;
    int64_t rest_pj[2];  /**< less than 1 mWh, in 0.5 pJ; out, in */
    int64_t rest_nas[2]; /**< less than 1 mAh, in 0.5 nAs; out, in */
    int32_t rest_ms;     /**< less than a minute */
    bool has_last;
    bool was_full;
    int64_t last_ms; /**< of the last sample */
    int64_t last_uw;
    int32_t last_ma;
    int32_t mean_ua; /**< current, smoothed over 2 minutes: basis of the times to full and empty */
} energy_meter_t;

/**
 * @brief Starts.
 * @param[out] meter state
 * @param totals those that were saved; NULL = there are none
 */
void energy_meter_init(energy_meter_t *meter, const energy_totals_t *totals);

/**
 * @brief One sample, for each new snapshot.
 *
 * Between two samples, current and power follow straight lines. Where the current changes sign, the interval is split
 * at zero current, where the power is zero as well, and each part goes to its own counter. What remains below 1 mWh and
 * 1 mAh is carried over. Not integrated are gaps of more than 5 s, and intervals next to a sample whose voltage or
 * current is unknown, above 80 V or above 1000 A. No counter ever goes back.
 *
 * `since_full_min`, and the edge that `full_count` counts, rely on metered time: no other time survives a restart. The
 * times to full and to empty use the mean current of about 2 minutes; below 1 % of the usable capacity per hour they
 * are not known.
 * @param meter state
 * @param bms state of the BMS
 * @param now_ms time of the snapshot; one that is not later than the last is not integrated
 * @param[in,out] state measurements in; energies, cycles and times out
 */
void energy_meter_step(energy_meter_t *meter, const battery_bms_t *bms, int64_t now_ms, battery_state_t *state);

#ifdef __cplusplus
}
#endif
