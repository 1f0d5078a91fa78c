/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What is believed of what the BMS says. One block, one register, one sensor can be lost, stuck or damaged: what
 * tightens counts at once, what loosens has to be seen again.
 */

#include "battery_bms.h"
#include "battery_median.h"
#include "battery_state.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Blocks in a row that make a fact of what differs from before. */
#define BATTERY_BELIEF_BLOCKS 3

/** @brief A temperature that is there or not; private to battery_belief.c. */
typedef struct {
    battery_quantity_t value;
    uint8_t there;   /**< blocks in a row that had it, 3 at most */
    uint8_t missing; /**< blocks in a row that did not */
} battery_belief_sensor_t;

/** @brief Something that changes only when three blocks in a row say the same; private to battery_belief.c. */
typedef struct {
    bool filled;
    int32_t value;
    int32_t other;
    uint8_t count; /**< blocks in a row that said `other` */
} battery_belief_fact_t;

/** @brief State; private to battery_belief.c. */
typedef struct {
    battery_bms_t settings;                               /**< its settings are those that are believed */
    battery_belief_sensor_t sensors[BATTERY_SENSORS_MAX]; /**< external */
    battery_belief_sensor_t board;                        /**< of the BMS itself */
    bool board_seen;
    uint8_t sensors_seen;        /**< one bit for each external sensor that was ever there */
    uint8_t contradicting;       /**< blocks in a row whose cells contradict, 3 at most */
    battery_belief_fact_t cells; /**< number of cells, and whether it is disputed */
    battery_belief_fact_t fully_charged;
    battery_median_t soc_ppm;
    uint8_t low_blocks;  /**< blocks in a row of an unexplained fault with a cell below 316; 3 = counts as 0x02 */
    uint8_t high_blocks; /**< likewise at or above 315; 3 = counts as 0x03 */
} battery_belief_t;

/**
 * @brief Begins.
 * @param[out] belief state
 * @param sensors_seen external sensors that were there before the restart, one bit each
 */
void battery_belief_init(battery_belief_t *belief, uint8_t sensors_seen);

/** @brief Nothing was heard or sent for a while: what was measured before counts no more. Settings and sensors do. */
void battery_belief_resume(battery_belief_t *belief);

/** @brief Forgets that an external sensor was ever there; one that is there is noticed again. */
void battery_belief_forget_sensor(battery_belief_t *belief, uint8_t sensor);

/**
 * @brief Takes a snapshot that has not been seen yet.
 * @param belief state
 * @param snapshot a valid one
 * @param[out] bms settings and state of the BMS as they are believed
 * @param[out] state measurements as they are believed, capacity, identity
 * @return false: the cells contradict, which one or two blocks may do; nothing is filled then
 */
bool battery_belief_take(battery_belief_t *belief, const tinybms_snapshot_t *snapshot, battery_bms_t *bms,
                         battery_state_t *state);

#ifdef __cplusplus
}
#endif
