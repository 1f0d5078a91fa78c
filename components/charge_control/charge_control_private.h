/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What charge_control.c, charge_voltage.c and charge_current.c share.
 */

#include "charge_control.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Input of one step; the measurements are filtered. */
typedef struct {
    const battery_bms_t *bms;
    const charge_voltages_t *voltages;     /**< for currents: what tightens counts at once */
    const charge_voltages_t *cvl_voltages; /**< for CVL, which must not follow one wrong reading */
    int64_t now_ms;
    int32_t elapsed_ms; /**< since the previous step, at most 10 s */
    bool cells_known;
    bool cells_certain; /**< the lowest cell is the median of three blocks, none of which is in doubt */
    bool sensor_known;  /**< an external temperature sensor is there: it provides coldest and hottest */
    bool board_known;   /**< the BMS has its own temperature: without a sensor it is coldest and hottest */
    int32_t highest_mv;
    int32_t lowest_mv;
    int32_t coldest_ddegc;
    int32_t hottest_ddegc;
    int32_t board_ddegc;
    int32_t current_ma;
} charge_step_t;

/** @brief Calculates CCL and DCL with their limiters. */
void charge_current_step(charge_control_t *control, const charge_step_t *step, battery_state_t *state);

/** @brief Calculates CVL, after `state->ccl_ma`. */
void charge_voltage_step(charge_control_t *control, const charge_step_t *step, battery_state_t *state);

#define PERMILLE 1000

/** An unknown quantity counts as 0. */
static inline int32_t charge_value(const battery_quantity_t *quantity)
{
    return quantity->known ? quantity->value : 0;
}

static inline int32_t charge_least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t charge_most(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

#ifdef __cplusplus
}
#endif
