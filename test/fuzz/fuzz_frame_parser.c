/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The frame parser under any order of calls. An input is a list of operations, each with its operands; what they mean
 * is in perform(). A shadow of all bytes that are still inside shows that none is lost, none is made up, and that every
 * answer is a frame that came in with a right CRC.
 */
#include <string.h>

#include "fuzz.h"
#include "tinybms_frame.h"

typedef struct {
    tinybms_parser_t parser;
    uint8_t inside[2 * TINYBMS_FRAME_MAX]; /**< bytes taken, neither yielded nor skipped nor forgotten */
    size_t length;
    uint32_t skipped; /**< parser's counter when `inside` was brought up to date */
} shadow_t;

static void leave(shadow_t *shadow, size_t count)
{
    fuzz_check(count <= shadow->length, "nothing leaves the parser that did not come in");
    shadow->length -= count;
    memmove(shadow->inside, &shadow->inside[count], shadow->length);
}

static void leave_skipped(shadow_t *shadow)
{
    const uint32_t skipped = shadow->parser.bytes_skipped - shadow->skipped;
    shadow->skipped = shadow->parser.bytes_skipped;
    leave(shadow, skipped);
}

static void check_answer(shadow_t *shadow, const tinybms_answer_t *answer)
{
    const size_t length = shadow->parser.consumed;
    leave_skipped(shadow);
    fuzz_check(length >= 5 && length <= TINYBMS_FRAME_MAX, "a frame has 5 to 260 bytes");
    fuzz_check(length <= shadow->length && memcmp(shadow->inside, shadow->parser.bytes, length) == 0,
               "an answer is made of the bytes that came in, in their order");
    const uint8_t *const frame = shadow->inside;
    const unsigned crc = fuzz_crc16(frame, length - 2);
    fuzz_check(frame[0] == 0xAA, "a frame begins with 0xAA");
    fuzz_check(frame[length - 2] == (crc & 0xFFU) && frame[length - 1] == crc >> 8, "the CRC of an answer is right");
    fuzz_check((uint8_t)answer->command == frame[1], "the command is that of the frame");
    const bool short_answer = frame[1] <= 0x01; /* NACK and ACK name the command they answer */
    if (short_answer) {
        fuzz_check(answer->request == frame[2] && answer->payload == NULL, "NACK and ACK have no payload");
        fuzz_check(length == (frame[1] == 0x00 ? 6 : 5), "NACK has 6 bytes, ACK 5");
    } else {
        const size_t head = length - 2U - answer->payload_length;
        fuzz_check(head == 2 || head == 3, "the payload is all of the frame but head and CRC");
        fuzz_check(memcmp(answer->payload, &frame[head], answer->payload_length) == 0, "the payload is the frame's");
    }
    if (shadow->parser.expecting) {
        const uint8_t answered = short_answer ? frame[2] : frame[1];
        fuzz_check(answered == shadow->parser.expected_command, "only an answer to the awaited command is yielded");
    }
    leave(shadow, length);
}

static void drain(shadow_t *shadow, bool flush)
{
    tinybms_answer_t answer;
    while (flush ? tinybms_parser_flush(&shadow->parser, &answer) : tinybms_parser_next(&shadow->parser, &answer)) {
        check_answer(shadow, &answer);
    }
    leave_skipped(shadow);
    fuzz_check(shadow->length == shadow->parser.length, "bytes are conserved");
    fuzz_check(!flush || shadow->length == 0, "a flush leaves nothing waiting");
    fuzz_check(memcmp(shadow->inside, shadow->parser.bytes, shadow->length) == 0, "what waits is what came in last");
}

static void feed(shadow_t *shadow, const uint8_t *bytes, size_t length)
{
    for (size_t taken = 0; taken < length;) {
        const size_t now = tinybms_parser_feed(&shadow->parser, &bytes[taken], length - taken);
        fuzz_check(now > 0 && now <= length - taken, "an empty parser takes bytes");
        memcpy(&shadow->inside[shadow->length], &bytes[taken], now);
        shadow->length += now;
        taken += now;
        drain(shadow, false);
    }
}

/** A frame of any command and payload with a right CRC: a mutation would hardly ever find one. */
static void feed_frame(shadow_t *shadow, fuzz_input_t *input)
{
    uint8_t frame[TINYBMS_FRAME_MAX + 2] = {0xAA, fuzz_take_u8(input)};
    const bool with_length = (fuzz_take_u8(input) & 1U) != 0;
    const uint8_t payload_length = fuzz_take_u8(input);
    const uint8_t *payload = NULL;
    size_t length = 2;
    if (with_length) {
        frame[length++] = payload_length;
    }
    const size_t got = fuzz_take(input, payload_length, &payload);
    if (got > 0) {
        memcpy(&frame[length], payload, got);
    }
    length += payload_length;
    const unsigned crc = fuzz_crc16(frame, length);
    frame[length++] = (uint8_t)(crc & 0xFFU);
    frame[length++] = (uint8_t)(crc >> 8);
    feed(shadow, frame, length);
}

static void perform(shadow_t *shadow, fuzz_input_t *input)
{
    const uint8_t *bytes = NULL;
    switch (fuzz_take_u8(input) % 6) {
    case 0: { /* LENGTH BYTE...: bytes from the line */
        const size_t length = fuzz_take(input, fuzz_take_u8(input), &bytes);
        feed(shadow, bytes, length);
        break;
    }
    case 1: /* COMMAND WITH-LENGTH-BYTE LENGTH PAYLOAD...: a good frame */
        feed_frame(shadow, input);
        break;
    case 2: { /* COMMAND LENGTH: expect; LENGTH 255 = any */
        const uint8_t command = fuzz_take_u8(input);
        const uint8_t length = fuzz_take_u8(input);
        tinybms_parser_expect(&shadow->parser, command, length == 255 ? -1 : length);
        break;
    }
    case 3: /* the line has fallen silent */
        drain(shadow, true);
        break;
    case 4: /* the next request */
        tinybms_parser_reset(&shadow->parser);
        shadow->length = 0;
        break;
    default: /* the longest frame there is, cut off by what follows */
        feed(shadow, (const uint8_t[]){0xAA, 0x03, 0xFF}, 3);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    shadow_t shadow = {.length = 0};
    fuzz_input_t input = {.bytes = data, .left = size};
    while (input.left > 0) {
        perform(&shadow, &input);
    }
    drain(&shadow, false);
    drain(&shadow, true);
    return 0;
}
