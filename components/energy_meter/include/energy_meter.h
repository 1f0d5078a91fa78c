/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Energy and charge in and out, cycles, the last full charge, time to full and empty. Pure.
 */

#include "battery_bms.h"
#include "battery_state.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What is kept over power cycles. */
typedef struct {
    int64_t in_mwh;  /**< charged since ever */
    int64_t out_mwh; /**< discharged since ever */
    int64_t in_mah;  /**< likewise, charge */
    int64_t out_mah;
    uint32_t full_count;  /**< times the BMS became fully charged */
    uint32_t metered_min; /**< minutes that were metered since ever */
    uint32_t full_at_min; /**< `metered_min` when the BMS was fully charged last; meaningless with full_count 0 */
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
    int32_t mean_ua; /**< current, smoothed over 2 minutes: what the times to full and empty go by */
} energy_meter_t;

/** @brief Begins; `totals` are those that were kept, NULL = there are none. */
void energy_meter_init(energy_meter_t *meter, const energy_totals_t *totals);

/**
 * @brief One sample, for each new snapshot.
 *
 * Between two samples current and power count as straight lines. Where the current changes its sign the time is split
 * at its zero, at which the power is zero as well, and each part goes to its own counter; what is left below 1 mWh and
 * 1 mAh is carried on. Not integrated is a gap of more than 5 s, and what is next to a sample whose voltage or current
 * is not known, above 80 V or above 1000 A. No counter ever goes back.
 *
 * `since_full_min` and the edge that `full_count` counts go by metered time: there is no other that survives a restart.
 * The times to full and to empty go by the mean current of about 2 minutes and are not known below 1 % of the usable
 * capacity per hour.
 * @param meter state
 * @param bms state of the BMS
 * @param now_ms time of the snapshot; one that is not later than the last is not integrated
 * @param[in,out] state measurements in; energies, cycles and times out
 */
void energy_meter_step(energy_meter_t *meter, const battery_bms_t *bms, int64_t now_ms, battery_state_t *state);

#ifdef __cplusplus
}
#endif
