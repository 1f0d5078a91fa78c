/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tinybms_frame.h"
#include "unity.h"

static const uint8_t s_cells[] = {0xAA, 0x03, 0x0A, 0x97, 0x40, 0x97, 0x40, 0x97,
                                  0x2C, 0x97, 0x2C, 0x97, 0x2C, 0x3E, 0xC7};
static const uint8_t s_temperatures[] = {0xAA, 0x1B, 0x06, 0x16, 0x01, 0x14, 0x01, 0x16, 0x01, 0x0E, 0x4E};

static tinybms_parser_t s_parser;

static void begin(void)
{
    memset(&s_parser, 0, sizeof(s_parser));
}

/** Feeds bytes one at a time; returns how many good answers came, the last command in *command. */
static int feed_slowly(const uint8_t *bytes, size_t length, uint8_t *command)
{
    int answers = 0;
    tinybms_answer_t answer;
    for (size_t i = 0; i < length; i++) {
        TEST_ASSERT_EQUAL(1, tinybms_parser_feed(&s_parser, &bytes[i], 1));
        while (tinybms_parser_next(&s_parser, &answer)) {
            *command = (uint8_t)answer.command;
            answers++;
        }
    }
    return answers;
}

TEST_CASE("a frame that comes byte by byte is found once", "[tinybms]")
{
    uint8_t command = 0;
    begin();
    TEST_ASSERT_EQUAL(1, feed_slowly(s_cells, sizeof(s_cells), &command));
    TEST_ASSERT_EQUAL_HEX8(0x03, command);
    TEST_ASSERT_EQUAL_UINT32(0, s_parser.bytes_skipped);
}

TEST_CASE("two frames in one piece are both found", "[tinybms]")
{
    uint8_t both[sizeof(s_cells) + sizeof(s_temperatures)];
    tinybms_answer_t answer;
    memcpy(both, s_cells, sizeof(s_cells));
    memcpy(&both[sizeof(s_cells)], s_temperatures, sizeof(s_temperatures));
    begin();
    TEST_ASSERT_EQUAL(sizeof(both), tinybms_parser_feed(&s_parser, both, sizeof(both)));
    TEST_ASSERT_TRUE(tinybms_parser_next(&s_parser, &answer));
    TEST_ASSERT_EQUAL(TINYBMS_CMD_READ_MODBUS, answer.command);
    TEST_ASSERT_TRUE(tinybms_parser_next(&s_parser, &answer));
    TEST_ASSERT_EQUAL(TINYBMS_CMD_TEMPERATURES, answer.command);
    TEST_ASSERT_FALSE(tinybms_parser_next(&s_parser, &answer));
}

TEST_CASE("an ASCII broadcast line before a frame is skipped", "[tinybms]")
{
    static const char line[] = "83.55\t55.78\t0.00\t0.0\t0.0\r\n";
    uint8_t command = 0;
    begin();
    TEST_ASSERT_EQUAL(0, feed_slowly((const uint8_t *)line, strlen(line), &command));
    TEST_ASSERT_EQUAL(1, feed_slowly(s_temperatures, sizeof(s_temperatures), &command));
    TEST_ASSERT_EQUAL_UINT32(strlen(line), s_parser.bytes_skipped);
}

TEST_CASE("a frame with a wrong CRC does not take the next one with it", "[tinybms]")
{
    uint8_t damaged[sizeof(s_cells)];
    uint8_t command = 0;
    memcpy(damaged, s_cells, sizeof(damaged));
    damaged[5] ^= 0x10;
    begin();
    TEST_ASSERT_EQUAL(0, feed_slowly(damaged, sizeof(damaged), &command));
    TEST_ASSERT_EQUAL(1, feed_slowly(s_cells, sizeof(s_cells), &command));
    TEST_ASSERT_EQUAL_UINT32(1, s_parser.crc_errors);
}

TEST_CASE("a good frame behind one that was cut off is found inside of it", "[tinybms]")
{
    /* A length byte that promises 254 bytes swallows the following frame until the parser gives the start up. */
    static const uint8_t false_start[] = {0xAA, 0x03, 0xFE, 0x12};
    uint8_t command = 0;
    tinybms_answer_t answer;
    begin();
    TEST_ASSERT_EQUAL(0, feed_slowly(false_start, sizeof(false_start), &command));
    TEST_ASSERT_EQUAL(0, feed_slowly(s_cells, sizeof(s_cells), &command));
    TEST_ASSERT_TRUE(tinybms_parser_flush(&s_parser, &answer));
    TEST_ASSERT_EQUAL(TINYBMS_CMD_READ_MODBUS, answer.command);
    TEST_ASSERT_EQUAL(10, answer.payload_length);
}

TEST_CASE("with an expected answer a false start is seen at once", "[tinybms]")
{
    static const uint8_t false_start[] = {0xAA, 0x03, 0xFE, 0x12};
    uint8_t command = 0;
    begin();
    tinybms_parser_expect(&s_parser, 0x03, 10);
    TEST_ASSERT_EQUAL(0, feed_slowly(false_start, sizeof(false_start), &command));
    TEST_ASSERT_EQUAL(1, feed_slowly(s_cells, sizeof(s_cells), &command));
}

TEST_CASE("start bytes in the payload do not confuse the parser", "[tinybms]")
{
    static const uint8_t payload[] = {0xAA, 0xAA, 0x03, 0xAA};
    const tinybms_answer_t answer = {.command = TINYBMS_CMD_READ_MODBUS, .payload = payload, .payload_length = 4};
    uint8_t frame[TINYBMS_FRAME_MAX];
    uint8_t command = 0;
    const size_t length = tinybms_answer_encode(&answer, frame, sizeof(frame));
    begin();
    TEST_ASSERT_EQUAL(9, length);
    TEST_ASSERT_EQUAL(1, feed_slowly(frame, length, &command));
}

TEST_CASE("a line of nothing but start bytes never fills the parser up", "[tinybms]")
{
    uint8_t command = 0;
    uint8_t starts[3 * TINYBMS_FRAME_MAX];
    memset(starts, 0xAA, sizeof(starts));
    begin();
    TEST_ASSERT_EQUAL(0, feed_slowly(starts, sizeof(starts), &command));
    TEST_ASSERT_EQUAL(1, feed_slowly(s_cells, sizeof(s_cells), &command));
}
