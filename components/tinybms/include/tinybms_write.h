/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A write to the BMS, in small steps: checked before anything is sent, verified by reading back.
 *
 * @code{.c}
 * tinybms_write_t write;
 * const tinybms_register_t *const entry = tinybms_register_by_name("over_voltage_cutoff");
 * const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_SETTING, .entry = entry, .raw = 4200};
 * if (tinybms_write_check(&request).status == TINYBMS_WRITE_PENDING) {
 *     tinybms_write_begin(&write, &request, (tinybms_event_t){0}, 14);
 * }
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_command.h"
#include "tinybms_registers.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Kind of a write. */
typedef enum {
    TINYBMS_WRITE_SETTING = 0,
    TINYBMS_WRITE_CLEAR_EVENTS,
    TINYBMS_WRITE_CLEAR_STATISTICS,
    TINYBMS_WRITE_RESET_BMS,
    TINYBMS_WRITE_NOTHING, /**< only reads the settings, which decide the order of several writes */
    TINYBMS_WRITE_OPTIONS, /**< only reads the least, greatest or default value of every setting (command 0x1D) */
} tinybms_write_kind_t;

/** @brief One write. */
typedef struct {
    uint8_t kind;   /**< tinybms_write_kind_t */
    bool confirmed; /**< a person knows that it loosens a protection */
    bool expects;   /**< SETTING: refused unless it has the raw value `from` just before */
    union {
        const tinybms_register_t *entry; /**< SETTING: from the register table; NULL = unknown register, refused */
        uint16_t *words; /**< OPTIONS: TINYBMS_SETTINGS_COUNT words, filled when it has ended well; stay until then */
    };
    int64_t raw; /**< SETTING: raw value, in the entry's range; OPTIONS: tinybms_option_t */
    int64_t from;
    int64_t read_back; /**< filled by uart_bms_write_all() for what it has written: raw value that was read back */
} tinybms_write_request_t;

/** @brief State or outcome of a write. */
typedef enum {
    TINYBMS_WRITE_PENDING = 0,        /**< accepted, the result follows */
    TINYBMS_WRITE_OK,                 /**< done and verified */
    TINYBMS_WRITE_UNKNOWN_REGISTER,   /**< refused, nothing sent */
    TINYBMS_WRITE_NOT_WRITABLE,       /**< refused, nothing sent */
    TINYBMS_WRITE_OUT_OF_RANGE,       /**< refused, nothing sent; result has the allowed range */
    TINYBMS_WRITE_CONTRADICTS,        /**< refused: does not fit another setting, see tinybms_write_result_t.against */
    TINYBMS_WRITE_CELL_COUNT,         /**< refused: a different number of cells is measured, or none */
    TINYBMS_WRITE_NEEDS_CONFIRMATION, /**< refused: loosens a protection, or a charge cutoff above a discharge cutoff */
    TINYBMS_WRITE_REPEATED,           /**< refused: two of the writes are to the same setting */
    TINYBMS_WRITE_NO_ORDER,           /**< refused: whichever write goes first contradicts another setting */
    TINYBMS_WRITE_BUSY,               /**< refused, nothing sent: another write is in progress */
    TINYBMS_WRITE_NOT_ANSWERED,       /**< the BMS did not answer; the value may or may not have been written */
    TINYBMS_WRITE_REFUSED_BY_BMS,     /**< negative answer */
    TINYBMS_WRITE_NOT_VERIFIED,       /**< another value was read back */
    TINYBMS_WRITE_CHANGED,            /**< refused: it is not `from` any more */
} tinybms_write_status_t;

/** @brief Result of a write. */
typedef struct {
    tinybms_write_status_t status;
    int32_t min;       /**< OUT_OF_RANGE: lowest allowed raw value */
    int32_t max;       /**< OUT_OF_RANGE: highest allowed raw value */
    uint16_t against;  /**< CONTRADICTS and NEEDS_CONFIRMATION: address of the other setting, or of this one if it
                          loosens;  CHANGED and CELL_COUNT: of this one */
    int64_t read_back; /**< OK and NOT_VERIFIED of a setting: raw value read back; CELL_COUNT: cells measured, 0 = not
                          known; CONTRADICTS and NEEDS_CONFIRMATION: value that `against` would have, or its present
                          one; CHANGED: its present one */
} tinybms_write_result_t;

/** @brief Next step of a write. */
typedef enum {
    TINYBMS_STEP_READ = 0, /**< read the present settings, to judge the write and to keep the rest of the register */
    TINYBMS_STEP_WRITE,
    TINYBMS_STEP_VERIFY,
} tinybms_write_step_t;

/** @brief A write in progress; the session owns it, the members are private to tinybms_write.c. */
typedef struct {
    tinybms_write_request_t request;
    tinybms_write_step_t step;
    uint16_t words[2]; /**< to write */
    uint8_t verify_tries;
    uint8_t cells;              /**< measured; 0 = not known */
    tinybms_event_t last_start; /**< RESET_BMS: newest start known before it; id 0 = none */
} tinybms_write_t;

/**
 * @brief Checks a request by itself, before anything is sent. The settings of the BMS are checked when they have been
 * read (tinybms_write_gate.h), before anything is written.
 * @param request to check
 * @return `status` is
 * - TINYBMS_WRITE_PENDING: may be done
 * - TINYBMS_WRITE_UNKNOWN_REGISTER: a setting without `entry`
 * - TINYBMS_WRITE_NOT_WRITABLE: the register is read-only
 * - TINYBMS_WRITE_OUT_OF_RANGE: `raw` is below `min` or above `max` of the result, or no option
 */
tinybms_write_result_t tinybms_write_check(const tinybms_write_request_t *request);

/**
 * @brief Starts a checked request.
 * @param[out] write filled
 * @param request checked by tinybms_write_check()
 * @param last_start newest start event so far: a later one proves that a reset was performed
 * @param cells measured cells, 1..16; 0 = not known
 */
void tinybms_write_begin(tinybms_write_t *write, const tinybms_write_request_t *request, tinybms_event_t last_start,
                         uint8_t cells);

/**
 * @brief The request of the present step.
 * @param write in progress
 * @param[out] request its `values` point into `write`
 * @param[out] payload_length payload of the expected answer in bytes; -1 = any
 */
void tinybms_write_request(const tinybms_write_t *write, tinybms_request_t *request, int16_t *payload_length);

/**
 * @brief Takes the answer to the present step and moves on to the next one.
 * @param write in progress
 * @param answer to the request of tinybms_write_request()
 * @param[out] again_after_ms pause before the next step, ms: the BMS shows a new value at its next measurement
 * @return `status` is
 * - TINYBMS_WRITE_PENDING: there is a next step
 * - TINYBMS_WRITE_OK: written and verified
 * - TINYBMS_WRITE_CONTRADICTS, TINYBMS_WRITE_CELL_COUNT, TINYBMS_WRITE_NEEDS_CONFIRMATION, TINYBMS_WRITE_CHANGED:
 *   nothing is written; as tinybms_write_gate_judge()
 * - TINYBMS_WRITE_NOT_ANSWERED: the answer does not hold the settings that were asked for; nothing is written
 * - TINYBMS_WRITE_REFUSED_BY_BMS: the BMS sent a negative answer
 * - TINYBMS_WRITE_NOT_VERIFIED: the BMS confirmed a different write, or the last try still read another value
 */
tinybms_write_result_t tinybms_write_answer(tinybms_write_t *write, const tinybms_answer_t *answer,
                                            int32_t *again_after_ms);

/** @brief Text of a status, for logs and people. Never NULL. */
const char *tinybms_write_status_text(tinybms_write_status_t status);

#ifdef __cplusplus
}
#endif
