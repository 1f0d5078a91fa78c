/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Finds good answers in the byte stream, among noise and damaged frames. What an answer means is decoded in
 * tinybms_command.c.
 */
#include "tinybms_frame.h"

#include <string.h>

#define MIN_HEAD 3 /**< start, command, and length or answered command */

void tinybms_parser_expect(tinybms_parser_t *parser, uint8_t command, int16_t payload_length)
{
    parser->expecting = true;
    parser->expected_command = command;
    parser->expected_payload = payload_length;
}

void tinybms_parser_reset(tinybms_parser_t *parser)
{
    parser->length = 0;
    parser->consumed = 0;
    parser->expecting = false;
}

static void drop(tinybms_parser_t *parser, size_t count)
{
    memmove(parser->bytes, &parser->bytes[count], parser->length - count);
    parser->length -= count;
}

static void drop_handed_out(tinybms_parser_t *parser)
{
    drop(parser, parser->consumed);
    parser->consumed = 0;
}

static void skip(tinybms_parser_t *parser, size_t count)
{
    drop(parser, count);
    parser->bytes_skipped += (uint32_t)count;
}

static void skip_to_start(tinybms_parser_t *parser)
{
    const uint8_t *const start = memchr(parser->bytes, TINYBMS_START, parser->length);
    skip(parser, start == NULL ? parser->length : (size_t)(start - parser->bytes));
}

/** Length of the candidate at the front: > 0, 0 = not known yet, -1 = not what is awaited. */
static int candidate_length(const tinybms_parser_t *parser)
{
    const uint8_t *const b = parser->bytes;
    const int length = tinybms_answer_length(b, parser->length);
    if (length < 0 || !parser->expecting || parser->length < 2) {
        return length;
    }
    if (b[1] == TINYBMS_CMD_NACK || b[1] == TINYBMS_CMD_ACK) {
        return parser->length < MIN_HEAD ? 0 : (b[2] == parser->expected_command ? length : -1);
    }
    if (b[1] != parser->expected_command) {
        return -1;
    }
    if (length <= 0 || parser->expected_payload < 0) {
        return length;
    }
    const int with_length_byte = MIN_HEAD + parser->expected_payload + 2;
    return length == with_length_byte || length == with_length_byte - 1 ? length : -1;
}

size_t tinybms_parser_feed(tinybms_parser_t *parser, const uint8_t *bytes, size_t length)
{
    drop_handed_out(parser);
    const size_t room = sizeof(parser->bytes) - parser->length;
    const size_t taken = length < room ? length : room;
    memcpy(&parser->bytes[parser->length], bytes, taken);
    parser->length += taken;
    return taken;
}

bool tinybms_parser_next(tinybms_parser_t *parser, tinybms_answer_t *answer)
{
    drop_handed_out(parser);
    for (;;) {
        skip_to_start(parser);
        const int length = candidate_length(parser);
        if (length == 0 || (length > 0 && parser->length < (size_t)length)) {
            return false;
        }
        if (length > 0 && tinybms_answer_decode(parser->bytes, (size_t)length, answer)) {
            parser->consumed = (size_t)length;
            return true;
        }
        if (length > 0) {
            parser->crc_errors++;
        }
        skip(parser, 1);
    }
}

bool tinybms_parser_flush(tinybms_parser_t *parser, tinybms_answer_t *answer)
{
    while (!tinybms_parser_next(parser, answer)) {
        if (parser->length == 0) {
            return false;
        }
        skip(parser, 1);
    }
    return true;
}
