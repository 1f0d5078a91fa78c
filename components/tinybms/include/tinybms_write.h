/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A write to the BMS: checked before anything is sent, verified by reading back, as a plan of small steps.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_command.h"
#include "tinybms_registers.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What is to be done to the BMS. */
typedef enum {
    TINYBMS_WRITE_SETTING = 0,
    TINYBMS_WRITE_CLEAR_EVENTS,
    TINYBMS_WRITE_CLEAR_STATISTICS,
    TINYBMS_WRITE_RESET_BMS,
    TINYBMS_WRITE_NOTHING, /**< only reads the settings: what many writes are ordered by */
} tinybms_write_kind_t;

/** @brief One write. */
typedef struct {
    uint8_t kind;                    /**< tinybms_write_kind_t */
    bool confirmed;                  /**< a person knows that it loosens a protection */
    const tinybms_register_t *entry; /**< SETTING: from the register table; NULL is refused as unknown register */
    int64_t raw;                     /**< SETTING: raw value, in the entry's range */
} tinybms_write_request_t;

/** @brief How a write stands or ended. */
typedef enum {
    TINYBMS_WRITE_PENDING = 0,        /**< accepted, the result follows */
    TINYBMS_WRITE_OK,                 /**< done and verified */
    TINYBMS_WRITE_UNKNOWN_REGISTER,   /**< refused, nothing sent */
    TINYBMS_WRITE_NOT_WRITABLE,       /**< refused, nothing sent */
    TINYBMS_WRITE_OUT_OF_RANGE,       /**< refused, nothing sent; result has the allowed range */
    TINYBMS_WRITE_CONTRADICTS,        /**< refused: does not fit with the setting that the result has */
    TINYBMS_WRITE_CELL_COUNT,         /**< refused: another number of cells is measured, or none */
    TINYBMS_WRITE_NEEDS_CONFIRMATION, /**< refused: loosens a protection, or a charge cutoff above a discharge cutoff */
    TINYBMS_WRITE_REPEATED,           /**< refused: of many writes two are of one setting */
    TINYBMS_WRITE_NO_ORDER,           /**< refused: whichever of them goes first contradicts another setting */
    TINYBMS_WRITE_BUSY,               /**< refused, nothing sent: another write is under way */
    TINYBMS_WRITE_NOT_ANSWERED,       /**< the BMS did not answer; the value may or may not have been written */
    TINYBMS_WRITE_REFUSED_BY_BMS,     /**< negative answer */
    TINYBMS_WRITE_NOT_VERIFIED,       /**< another value was read back */
} tinybms_write_status_t;

/** @brief Result of a write. */
typedef struct {
    tinybms_write_status_t status;
    int32_t min; /**< OUT_OF_RANGE: lowest allowed raw value */
    int32_t max; /**< OUT_OF_RANGE: highest allowed raw value */
    uint16_t
        against; /**< CONTRADICTS and NEEDS_CONFIRMATION: address of the other setting, or its own that is loosened */
    int64_t
        read_back; /**< OK and NOT_VERIFIED of a setting: raw value that was read; CELL_COUNT: cells measured, 0 = not
                      known; CONTRADICTS and NEEDS_CONFIRMATION: what `against` would hold, or its own value now */
} tinybms_write_result_t;

/** @brief What the next step of a write is. */
typedef enum {
    TINYBMS_STEP_READ = 0, /**< the settings as they are: what the write is judged by, and what it keeps */
    TINYBMS_STEP_WRITE,
    TINYBMS_STEP_VERIFY,
} tinybms_write_step_t;

/** @brief A write under way; the session owns it, the members are private to tinybms_write.c. */
typedef struct {
    tinybms_write_request_t request;
    tinybms_write_step_t step;
    uint16_t words[2]; /**< to write */
    uint8_t verify_tries;
    uint8_t cells;              /**< measured; 0 = not known */
    tinybms_event_t last_start; /**< RESET_BMS: newest start that was known before; id 0 = none */
} tinybms_write_t;

/**
 * @brief Checks a request by itself, before anything is sent. By the settings of the BMS it is judged once these have
 * been read (tinybms_write_gate.h), before anything is written.
 * @return PENDING when it may be done, else why not
 */
tinybms_write_result_t tinybms_write_check(const tinybms_write_request_t *request);

/**
 * @brief Begins a checked request.
 * @param[out] write filled
 * @param request checked
 * @param last_start a reset shows as a start that is another one
 * @param cells that are measured, 0 = not known
 */
void tinybms_write_begin(tinybms_write_t *write, const tinybms_write_request_t *request, tinybms_event_t last_start,
                         uint8_t cells);

/**
 * @brief The request of the present step.
 * @param write under way
 * @param[out] request its `values` point into `write`
 * @param[out] payload_length bytes of payload of the awaited answer, -1 = any
 */
void tinybms_write_request(const tinybms_write_t *write, tinybms_request_t *request, int16_t *payload_length);

/**
 * @brief Takes the answer to the present step and goes on to the next one.
 * @param write under way
 * @param answer to the request of tinybms_write_request()
 * @param[out] again_after_ms pause before the next step: the BMS shows a new value at its next measurement
 * @return PENDING: there is a next step; else the result
 */
tinybms_write_result_t tinybms_write_answer(tinybms_write_t *write, const tinybms_answer_t *answer,
                                            int32_t *again_after_ms);

/** @brief Text of a status, for logs and people. Never NULL. */
const char *tinybms_write_status_text(tinybms_write_status_t status);

#ifdef __cplusplus
}
#endif
