/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Byte-fed parser of answers: finds good frames between noise, ASCII broadcasts, cut-off and damaged frames.
 *
 * There is no byte stuffing, so 0xAA may occur anywhere. A candidate that turns out to be no frame costs one byte: the
 * search goes on at the byte after its 0xAA, never after the whole candidate.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_command.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief State of a parser; the caller owns it, zero-initialised is ready. */
typedef struct {
    uint8_t bytes[2 * TINYBMS_FRAME_MAX];
    size_t length;   /**< bytes waiting */
    size_t consumed; /**< bytes of the frame handed out last, dropped at the next call */
    bool expecting;
    uint8_t expected_command;
    int16_t expected_payload; /**< -1 = any */
    uint32_t crc_errors;      /**< candidates of full length with a wrong CRC */
    uint32_t bytes_skipped;   /**< bytes that belonged to no good frame */
} tinybms_parser_t;

/**
 * @brief Says which answer is awaited, so that noise that looks like another one is rejected at once.
 * @param parser the parser
 * @param command command of the request; ACK and NACK of this command are always accepted
 * @param payload_length bytes of payload of the awaited answer, or -1 for any
 */
void tinybms_parser_expect(tinybms_parser_t *parser, uint8_t command, int16_t payload_length);

/** @brief Forgets what has been fed and what is expected; counters stay. */
void tinybms_parser_reset(tinybms_parser_t *parser);

/**
 * @brief Feeds bytes.
 * @return bytes taken; fewer than given when the buffer is full: call tinybms_parser_next() until false, then feed the
 * rest
 */
size_t tinybms_parser_feed(tinybms_parser_t *parser, const uint8_t *bytes, size_t length);

/**
 * @brief Next good answer.
 * @param[out] answer view into the parser, valid until the next call with this parser
 * @return false: more bytes are needed
 */
bool tinybms_parser_next(tinybms_parser_t *parser, tinybms_answer_t *answer);

/**
 * @brief The line has fallen silent: a candidate that still waits for bytes will not get them.
 * Searches on behind it; what is then left waiting is dropped.
 * @param[out] answer a good answer found behind it
 * @return true: *answer is filled; call again
 */
bool tinybms_parser_flush(tinybms_parser_t *parser, tinybms_answer_t *answer);

#ifdef __cplusplus
}
#endif
