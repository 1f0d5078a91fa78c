/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Parser of the bytes on the line: finds good answers among noise, ASCII broadcasts, cut-off and damaged frames.
 *
 * There is no byte stuffing, so 0xAA may occur anywhere. A candidate that turns out not to be a frame costs one byte:
 * the search continues at the byte after its 0xAA, never after the whole candidate.
 *
 * @code{.c}
 * tinybms_answer_t answer;
 * tinybms_parser_t parser = {0};
 * tinybms_parser_expect(&parser, TINYBMS_CMD_READ_MODBUS, 2 * TINYBMS_LIVE_COUNT);
 * const size_t taken = tinybms_parser_feed(&parser, bytes, length);
 * const bool found = tinybms_parser_next(&parser, &answer); // again until false, then feed the rest
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_command.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief State of a parser; the caller owns it. Zeroed = ready. */
typedef struct {
    uint8_t bytes[2 * TINYBMS_FRAME_MAX];
    size_t length;   /**< bytes waiting */
    size_t consumed; /**< bytes of the last frame returned, dropped at the next call */
    bool expecting;
    uint8_t expected_command;
    int16_t expected_payload; /**< -1 = any */
    uint32_t crc_errors;      /**< candidates of full length with a wrong CRC */
    uint32_t bytes_skipped;   /**< bytes that belonged to no good frame */
} tinybms_parser_t;

/**
 * @brief Says which answer is expected, so that noise that looks like another one is rejected at once.
 * @param parser the parser
 * @param command command of the request; an ACK or NACK of this command is always accepted
 * @param payload_length payload of the expected answer in bytes, or -1 for any
 */
void tinybms_parser_expect(tinybms_parser_t *parser, uint8_t command, int16_t payload_length);

/** @brief Discards all bytes and the expected answer; the counters stay. */
void tinybms_parser_reset(tinybms_parser_t *parser);

/**
 * @brief Feeds bytes.
 * @param parser the parser
 * @param bytes,length bytes from the line
 * @return bytes taken; fewer than `length` if the buffer is full: call tinybms_parser_next() until false, then feed the
 * rest
 */
size_t tinybms_parser_feed(tinybms_parser_t *parser, const uint8_t *bytes, size_t length);

/**
 * @brief Next good answer.
 * @param parser the parser
 * @param[out] answer view into the parser, valid until the next call with this parser
 * @return false: more bytes are needed
 */
bool tinybms_parser_next(tinybms_parser_t *parser, tinybms_answer_t *answer);

/**
 * @brief The line has fallen silent, so an incomplete candidate will not be completed: searches for an answer after it,
 * and drops what is then still incomplete.
 * @param parser the parser
 * @param[out] answer a good answer, if there is one
 * @return true: *answer is filled; call again
 */
bool tinybms_parser_flush(tinybms_parser_t *parser, tinybms_answer_t *answer);

#ifdef __cplusplus
}
#endif
