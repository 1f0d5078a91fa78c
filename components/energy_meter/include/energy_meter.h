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
    int64_t rest_in_uj; /**< less than 1 mWh each */
    int64_t rest_out_uj;
    int64_t rest_in_uas; /**< less than 1 mAh each */
    int64_t rest_out_uas;
    int32_t rest_ms; /**< less than a minute */
    bool has_last;
    bool was_full;
    int64_t last_ms; /**< of the last sample */
    int32_t last_ma;
    int32_t last_mv;
    int32_t mean_ma; /**< current, smoothed over minutes: what the times to full and empty go by */
} energy_meter_t;

/** @brief Begins; `totals` are those that were kept, NULL = there are none. */
void energy_meter_init(energy_meter_t *meter, const energy_totals_t *totals);

/**
 * @brief One sample, for each new snapshot: trapezoid over time and power. A gap of more than 5 s is not integrated.
 * @param meter state
 * @param bms state of the BMS
 * @param now_ms time of the snapshot, never less than that of the one before
 * @param[in,out] state measurements in; energies, cycles and times out
 */
void energy_meter_step(energy_meter_t *meter, const battery_bms_t *bms, int64_t now_ms, battery_state_t *state);

#ifdef __cplusplus
}
#endif
