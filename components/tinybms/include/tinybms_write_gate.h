/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Decides what may be written to the BMS: judges the resulting settings, and finds the order of several writes.
 *
 * Only what a write changes is judged, so that a pack whose settings already contradict one another can be corrected.
 *
 * @code{.c}
 * tinybms_write_request_t requests[] = {
 *     {.entry = tinybms_register_by_name("over_voltage_cutoff"), .raw = 3650},
 *     {.entry = tinybms_register_by_name("fully_charged_voltage"), .raw = 3550},
 * };
 * const tinybms_write_result_t result = tinybms_write_gate_order(snapshot->settings, 16, requests, 2);
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_snapshot.h"
#include "tinybms_write.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief A relation that must hold between two settings: lower + apart <= upper, in raw values. */
typedef struct {
    uint16_t lower; /**< address */
    uint16_t upper; /**< address */
    uint8_t apart;
    bool refused; /**< a write that breaks it is refused; else it needs a confirmation */
} tinybms_relation_t;

/** @brief Relation by index; NULL after the last one. */
const tinybms_relation_t *tinybms_relation_at(size_t index);

/**
 * @brief Judges one write that tinybms_write_check() has accepted.
 * @param settings registers 300..343, read just now
 * @param cells measured cells, 1..16; 0 = not known, then the number of cells (307) cannot be changed
 * @param request a setting
 * @return `status` is
 * - TINYBMS_WRITE_PENDING: may be written; also if the setting has the value already
 * - TINYBMS_WRITE_CHANGED: the setting does not have the value that the request expects
 * - TINYBMS_WRITE_CELL_COUNT: register 307 would differ from `cells`
 * - TINYBMS_WRITE_CONTRADICTS: would not fit the setting `against`
 * - TINYBMS_WRITE_NEEDS_CONFIRMATION: would put a charge cutoff above the discharge cutoff `against`, or loosen a
 *   protection (`against` is then this setting)
 */
tinybms_write_result_t tinybms_write_gate_judge(const uint16_t settings[TINYBMS_SETTINGS_COUNT], uint8_t cells,
                                                const tinybms_write_request_t *request);

/**
 * @brief Judges several writes by the settings that they end with, and puts them in an order in which each one alone is
 * allowed. Writes that loosen a protection come as late as possible, so that an interruption leaves the battery
 * protected.
 *
 * Each relation is between two settings, and holds at the end. So at most one of two writes must wait for the other,
 * and a write that may go now never blocks one that may go later: an order is found whenever there is one, and there is
 * one unless the settings already contradict one another.
 * @param settings registers 300..343, read just now
 * @param cells measured cells, 1..16; 0 = not known
 * @param[in,out] requests settings, each at most once; sorted into the order of writing
 * @param count number of requests
 * @return `status` is one of the following; after a refusal requests[0] is the one that it is about
 * - TINYBMS_WRITE_PENDING: may be written, in the present order of `requests`
 * - TINYBMS_WRITE_UNKNOWN_REGISTER, TINYBMS_WRITE_OUT_OF_RANGE: as tinybms_write_check()
 * - TINYBMS_WRITE_NOT_WRITABLE: the register is read-only, or the request is not a setting
 * - TINYBMS_WRITE_REPEATED: an earlier request is to the same setting
 * - TINYBMS_WRITE_CHANGED, TINYBMS_WRITE_CELL_COUNT, TINYBMS_WRITE_CONTRADICTS, TINYBMS_WRITE_NEEDS_CONFIRMATION: as
 *   tinybms_write_gate_judge(), by the settings at the end
 * - TINYBMS_WRITE_NO_ORDER: whichever write goes first contradicts another setting
 */
tinybms_write_result_t tinybms_write_gate_order(const uint16_t settings[TINYBMS_SETTINGS_COUNT], uint8_t cells,
                                                tinybms_write_request_t *requests, size_t count);

/** @brief Changes a setting in a copy of registers 300..343, as the write would. */
void tinybms_write_gate_put(uint16_t settings[TINYBMS_SETTINGS_COUNT], const tinybms_write_request_t *request);

#ifdef __cplusplus
}
#endif
