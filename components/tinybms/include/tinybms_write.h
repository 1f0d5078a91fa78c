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
} tinybms_write_kind_t;

/** @brief One write. */
typedef struct {
    tinybms_write_kind_t kind;
    const tinybms_register_t *entry; /**< SETTING: from the register table; NULL is refused as unknown register */
    int64_t raw;                     /**< SETTING: raw value, in the entry's range */
} tinybms_write_request_t;

/** @brief How a write stands or ended. */
typedef enum {
    TINYBMS_WRITE_PENDING = 0,      /**< accepted, the result follows */
    TINYBMS_WRITE_OK,               /**< done and verified */
    TINYBMS_WRITE_UNKNOWN_REGISTER, /**< refused, nothing sent */
    TINYBMS_WRITE_NOT_WRITABLE,     /**< refused, nothing sent */
    TINYBMS_WRITE_OUT_OF_RANGE,     /**< refused, nothing sent; result has the allowed range */
    TINYBMS_WRITE_BUSY,             /**< refused, nothing sent: another write is under way */
    TINYBMS_WRITE_NOT_ANSWERED,     /**< the BMS did not answer; the value may or may not have been written */
    TINYBMS_WRITE_REFUSED_BY_BMS,   /**< negative answer */
    TINYBMS_WRITE_NOT_VERIFIED,     /**< another value was read back */
} tinybms_write_status_t;

/** @brief Result of a write. */
typedef struct {
    tinybms_write_status_t status;
    int32_t min;       /**< OUT_OF_RANGE: lowest allowed raw value */
    int32_t max;       /**< OUT_OF_RANGE: highest allowed raw value */
    int64_t read_back; /**< OK and NOT_VERIFIED of a setting: raw value that was read */
} tinybms_write_result_t;

/** @brief What the next step of a write is. */
typedef enum {
    TINYBMS_STEP_READ = 0, /**< read-modify-write: the register as it is */
    TINYBMS_STEP_WRITE,
    TINYBMS_STEP_VERIFY,
} tinybms_write_step_t;

/** @brief A write under way; the session owns it, the members are private to tinybms_write.c. */
typedef struct {
    tinybms_write_request_t request;
    tinybms_write_step_t step;
    uint16_t words[2]; /**< to write */
    uint8_t verify_tries;
    tinybms_event_t last_start; /**< RESET_BMS: newest start that was known before; id 0 = none */
} tinybms_write_t;

/**
 * @brief Checks a request; nothing is sent for one that is refused.
 * @return PENDING when it may be done, else why not
 */
tinybms_write_result_t tinybms_write_check(const tinybms_write_request_t *request);

/** @brief Begins a checked request; a reset shows as a start that is another one than `last_start`. */
void tinybms_write_begin(tinybms_write_t *write, const tinybms_write_request_t *request, tinybms_event_t last_start);

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
