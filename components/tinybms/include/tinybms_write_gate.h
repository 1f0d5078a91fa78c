/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What may be written to the BMS: judges the settings that result, and finds the order of many writes.
 *
 * Only what a write changes is judged, so that a pack whose settings contradict one another already can be put right.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_snapshot.h"
#include "tinybms_write.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What has to hold between two settings: lower + apart <= upper, in raw values. */
typedef struct {
    uint16_t lower; /**< address */
    uint16_t upper; /**< address */
    uint8_t apart;
    bool refused; /**< what breaks it is refused; else it has to be confirmed */
} tinybms_relation_t;

/** @brief Relation by index; NULL behind the last one. */
const tinybms_relation_t *tinybms_relation_at(size_t index);

/**
 * @brief Judges one write that tinybms_write_check() has let pass.
 * @param settings registers 300..343 as they are, read just now
 * @param cells that are measured; 0 = not known, then the number of cells (307) is not changed
 * @param request a setting
 * @return PENDING when it may be written; CONTRADICTS, CELL_COUNT or NEEDS_CONFIRMATION, with what it is against
 */
tinybms_write_result_t tinybms_write_gate_judge(const uint16_t settings[TINYBMS_SETTINGS_COUNT], uint8_t cells,
                                                const tinybms_write_request_t *request);

/**
 * @brief Judges many writes by the settings that they end with, and puts them in an order in which each is allowed by
 * itself; what loosens a protection comes as late as that allows, so that a cut leaves the battery protected.
 *
 * Each relation is between two settings, and holds at the end. So of two writes one at most must wait for the other,
 * and a write that may go now never blocks one that may go later: an order is found whenever there is one, and there is
 * one unless the settings contradict one another already.
 * @param settings registers 300..343 as they are, read just now
 * @param cells that are measured; 0 = not known
 * @param requests settings, each at most once; put in order
 * @param count of them
 * @return PENDING: may be written, in the order that they have now; else why not, and requests[0] is the one it is
 * about
 */
tinybms_write_result_t tinybms_write_gate_order(const uint16_t settings[TINYBMS_SETTINGS_COUNT], uint8_t cells,
                                                tinybms_write_request_t *requests, size_t count);

/** @brief Puts a setting into the registers 300..343, as a write would. */
void tinybms_write_gate_put(uint16_t settings[TINYBMS_SETTINGS_COUNT], const tinybms_write_request_t *request);

#ifdef __cplusplus
}
#endif
