/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Decides how much of a snapshot to believe. A block, a register or a sensor can be lost, stuck or damaged: what
 * tightens a limit counts at once, what loosens one has to be seen again.
 *
 * @code{.c}
 * battery_bms_t bms;
 * battery_state_t state;
 * battery_belief_t belief;
 * battery_belief_init(&belief, 0); // no sensor has been seen yet
 * const bool believed = battery_belief_take(&belief, snapshot, &bms, &state);
 * @endcode
 */

#include "battery_bms.h"
#include "battery_median.h"
#include "battery_state.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Consecutive blocks after which a value that differs from before is believed. */
#define BATTERY_BELIEF_BLOCKS 3

/** @brief A temperature sensor and whether it is there; private to battery_belief.c. */
typedef struct {
    battery_quantity_t value;
    uint8_t there;   /**< consecutive blocks that had it, 3 at most */
    uint8_t missing; /**< consecutive blocks that did not */
} battery_belief_sensor_t;

/** @brief A value that changes only when three consecutive blocks agree; private to battery_belief.c. */
typedef struct {
    bool filled;
    int32_t value;
    int32_t other;
    uint8_t count; /**< consecutive blocks that said `other` */
} battery_belief_fact_t;

/** @brief State; private to battery_belief.c. */
typedef struct {
    battery_bms_t settings;                               /**< the believed settings; the rest is unused */
    battery_belief_sensor_t sensors[BATTERY_SENSORS_MAX]; /**< external */
    battery_belief_sensor_t board;                        /**< of the BMS itself */
    bool board_seen;
    uint8_t sensors_seen;        /**< one bit for each external sensor that was ever there */
    uint8_t contradicting;       /**< consecutive blocks whose cells contradict the pack, 3 at most */
    battery_belief_fact_t cells; /**< number of cells, and whether it is disputed */
    battery_belief_fact_t fully_charged;
    battery_median_t soc_ppm;
    uint8_t low_blocks;  /**< consecutive blocks of an unexplained fault with a cell below 316; 3 = counts as 0x02 */
    uint8_t high_blocks; /**< same, with a cell at or above 315; 3 = counts as 0x03 */
} battery_belief_t;

/**
 * @brief Starts.
 * @param[out] belief state
 * @param sensors_seen external sensors that were there before the restart, one bit each
 */
void battery_belief_init(battery_belief_t *belief, uint8_t sensors_seen);

/** @brief After a silence: earlier measurements no longer count. The settings and the sensors seen still do. */
void battery_belief_resume(battery_belief_t *belief);

/**
 * @brief Forgets that an external sensor was ever there. A sensor that is still connected is detected again.
 * @param belief state
 * @param sensor 0 or 1
 */
void battery_belief_forget_sensor(battery_belief_t *belief, uint8_t sensor);

/**
 * @brief Takes a new snapshot; each one only once.
 * @param belief state
 * @param snapshot a valid one
 * @param[out] bms believed settings and state of the BMS
 * @param[out] state believed measurements, capacity, identity
 * @return false: the cells contradict the pack, which one or two blocks may do; nothing is filled then
 */
bool battery_belief_take(battery_belief_t *belief, const tinybms_snapshot_t *snapshot, battery_bms_t *bms,
                         battery_state_t *state);

#ifdef __cplusplus
}
#endif
