/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the sources of charge_control share.
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

/** @brief 0 at the beginning of a way and before it, 1000 at its end and beyond, in a straight line between them. */
static inline int32_t charge_permille_of(int32_t way, int32_t length)
{
    if (way <= 0) {
        return 0;
    }
    return way >= length ? PERMILLE : way * PERMILLE / length;
}

/** @brief A share of a current; its product does not overflow. */
static inline int32_t charge_share_of(int32_t cap_ma, int32_t permille)
{
    return cap_ma / PERMILLE * permille + cap_ma % PERMILLE * permille / PERMILLE;
}

/** @brief CCL by temperature, and whether that forbids charging; `cap_ma` is what the temperature gives a share of. */
void charge_temperature_limit_charge(const charge_control_config_t *config, const charge_step_t *step, int32_t cap_ma,
                                     battery_state_t *state);

/** @brief DCL by temperature. */
void charge_temperature_limit_discharge(charge_control_t *control, const charge_step_t *step, int32_t cap_ma,
                                        battery_quantity_t *limiters);

static inline battery_quantity_t charge_known(int32_t value)
{
    return (battery_quantity_t){.known = true, .value = value};
}

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
