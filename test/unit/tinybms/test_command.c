/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "tinybms_command.h"
#include "tinybms_crc.h"
#include "unity.h"

static void expect_request(const tinybms_request_t *request, const uint8_t *expected, size_t length)
{
    uint8_t frame[TINYBMS_FRAME_MAX];
    TEST_ASSERT_EQUAL(length, tinybms_request_encode(request, frame, sizeof(frame)));
    TEST_ASSERT_EQUAL_HEX8_ARRAY(expected, frame, length);
}

static void expect_refused(const tinybms_request_t *request)
{
    uint8_t frame[TINYBMS_FRAME_MAX];
    TEST_ASSERT_EQUAL(0, tinybms_request_encode(request, frame, sizeof(frame)));
}

/** Appends the CRC to `length` bytes; returns the whole length. */
static size_t close_frame(uint8_t *frame, size_t length)
{
    const uint16_t crc = tinybms_crc16(frame, length);
    frame[length] = (uint8_t)(crc & 0xFF);
    frame[length + 1] = (uint8_t)(crc >> 8);
    return length + 2;
}

static tinybms_answer_t decoded(uint8_t *frame, size_t length_without_crc)
{
    tinybms_answer_t answer = {0};
    const size_t length = close_frame(frame, length_without_crc);
    TEST_ASSERT_EQUAL((int64_t)length, tinybms_answer_length(frame, length));
    TEST_ASSERT_TRUE(tinybms_answer_decode(frame, length, &answer));
    return answer;
}

TEST_CASE("requests are those of the maker's examples", "[tinybms]")
{
    static const uint16_t cutoffs[] = {4200, 2500};
    static const uint8_t write[] = {0xAA, 0x10, 0x01, 0x3B, 0x00, 0x02, 0x04, 0x10, 0x68, 0x09, 0xC4, 0x19, 0x61};
    static const uint8_t read[] = {0xAA, 0x03, 0x00, 0x05, 0x00, 0x05, 0x8C, 0x13};
    static const uint8_t temperatures[] = {0xAA, 0x1B, 0x3F, 0x1B};
    static const uint8_t reset[] = {0xAA, 0x02, 0x05, 0x90, 0x83};
    expect_request(
        &(tinybms_request_t){.command = TINYBMS_CMD_WRITE_MODBUS, .address = 315, .count = 2, .values = cutoffs}, write,
        sizeof(write));
    expect_request(&(tinybms_request_t){.command = TINYBMS_CMD_READ_MODBUS, .address = 5, .count = 5}, read,
                   sizeof(read));
    expect_request(&(tinybms_request_t){.command = TINYBMS_CMD_TEMPERATURES}, temperatures, sizeof(temperatures));
    expect_request(&(tinybms_request_t){.command = TINYBMS_CMD_RESET, .option = TINYBMS_RESET_BMS}, reset,
                   sizeof(reset));
}

TEST_CASE("requests are those that other clients sent to real devices", "[tinybms]")
{
    static const uint16_t addresses[] = {36, 37};
    static const uint16_t one_address[] = {300};
    static const uint16_t one_value[] = {3650};
    static const uint8_t highest[] = {0xAA, 0x16, 0xFE, 0xDE};
    static const uint8_t status[] = {0xAA, 0x18, 0x7F, 0x1A};
    static const uint8_t soc[] = {0xAA, 0x1A, 0xFE, 0xDB};
    static const uint8_t newest[] = {0xAA, 0x11, 0xBF, 0x1C};
    static const uint8_t individual[] = {0xAA, 0x09, 0x04, 0x24, 0x00, 0x25, 0x00, 0xF0, 0x33};
    static const uint8_t block[] = {0xAA, 0x07, 0x01, 0x2C, 0x01, 0xB1, 0xAC};
    static const uint8_t write[] = {0xAA, 0x0D, 0x04, 0x2C, 0x01, 0x42, 0x0E, 0x09, 0xE3};
    expect_request(&(tinybms_request_t){.command = TINYBMS_CMD_CELL_MAX}, highest, sizeof(highest));
    expect_request(&(tinybms_request_t){.command = TINYBMS_CMD_ONLINE_STATUS}, status, sizeof(status));
    expect_request(&(tinybms_request_t){.command = TINYBMS_CMD_SOC}, soc, sizeof(soc));
    expect_request(&(tinybms_request_t){.command = TINYBMS_CMD_NEWEST_EVENTS}, newest, sizeof(newest));
    expect_request(&(tinybms_request_t){.command = TINYBMS_CMD_READ_INDIVIDUAL, .addresses = addresses, .count = 2},
                   individual, sizeof(individual));
    expect_request(&(tinybms_request_t){.command = TINYBMS_CMD_READ_BLOCK, .address = 300, .count = 1}, block,
                   sizeof(block));
    expect_request(
        &(tinybms_request_t){
            .command = TINYBMS_CMD_WRITE_INDIVIDUAL, .addresses = one_address, .values = one_value, .count = 1},
        write, sizeof(write));
}

TEST_CASE("a block write and a settings query are laid out as the protocol says", "[tinybms]")
{
    static const uint16_t values[] = {0x1068, 0x0B54};
    uint8_t write[] = {0xAA, 0x0B, 0x06, 0x3B, 0x01, 0x68, 0x10, 0x54, 0x0B, 0, 0};
    uint8_t settings[] = {0xAA, 0x1D, 0x02, 0x00, 0x64, 0, 0};
    (void)close_frame(write, sizeof(write) - 2);
    (void)close_frame(settings, sizeof(settings) - 2);
    expect_request(
        &(tinybms_request_t){.command = TINYBMS_CMD_WRITE_BLOCK, .address = 315, .values = values, .count = 2}, write,
        sizeof(write));
    expect_request(&(tinybms_request_t){.command = TINYBMS_CMD_SETTINGS, .option = 2, .count = 100}, settings,
                   sizeof(settings));
}

TEST_CASE("every command without data is its number and a CRC", "[tinybms]")
{
    static const tinybms_command_t commands[] = {
        TINYBMS_CMD_NEWEST_EVENTS,    TINYBMS_CMD_ALL_EVENTS,         TINYBMS_CMD_PACK_VOLTAGE,
        TINYBMS_CMD_PACK_CURRENT,     TINYBMS_CMD_CELL_MAX,           TINYBMS_CMD_CELL_MIN,
        TINYBMS_CMD_ONLINE_STATUS,    TINYBMS_CMD_LIFETIME,           TINYBMS_CMD_SOC,
        TINYBMS_CMD_TEMPERATURES,     TINYBMS_CMD_CELL_VOLTAGES,      TINYBMS_CMD_VERSION,
        TINYBMS_CMD_EXTENDED_VERSION, TINYBMS_CMD_SPEED_DISTANCE_TIME};
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        ROW("commands[%zu]", i);
        uint8_t expected[4] = {0xAA, (uint8_t)commands[i]};
        (void)close_frame(expected, 2);
        expect_request(&(tinybms_request_t){.command = commands[i]}, expected, sizeof(expected));
    }
}

TEST_CASE("a request that must not be sent is not encoded", "[tinybms]")
{
    static const uint16_t values[TINYBMS_VALUES_MAX + 1] = {0};
    static const uint16_t outside[] = {299};
    const tinybms_request_t refused[] = {
        {.command = TINYBMS_CMD_READ_MODBUS, .address = 0, .count = 0},
        {.command = TINYBMS_CMD_READ_MODBUS, .address = 0, .count = 128},
        {.command = TINYBMS_CMD_WRITE_MODBUS, .address = 299, .count = 1, .values = values},
        {.command = TINYBMS_CMD_WRITE_MODBUS, .address = 399, .count = 2, .values = values},
        {.command = TINYBMS_CMD_WRITE_MODBUS, .address = 300, .count = 101, .values = values},
        {.command = TINYBMS_CMD_WRITE_BLOCK, .address = 400, .count = 1, .values = values},
        {.command = TINYBMS_CMD_WRITE_INDIVIDUAL, .addresses = outside, .values = values, .count = 1},
        {.command = TINYBMS_CMD_SETTINGS, .option = 0, .count = 1},
        {.command = TINYBMS_CMD_SETTINGS, .option = 4, .count = 101},
        {.command = TINYBMS_CMD_RESET, .option = 3},
        {.command = TINYBMS_CMD_NACK},
        {.command = (tinybms_command_t)0x21},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ROW("refused[%zu]", i);
        expect_refused(&refused[i]);
    }
}

TEST_CASE("a buffer that is too small is not overrun", "[tinybms]")
{
    uint8_t frame[8] = {[7] = 0x55};
    const tinybms_request_t request = {.command = TINYBMS_CMD_READ_MODBUS, .address = 5, .count = 5};
    TEST_ASSERT_EQUAL(0, tinybms_request_encode(&request, frame, 7));
    TEST_ASSERT_EQUAL_HEX8(0x55, frame[7]);
    TEST_ASSERT_EQUAL(8, tinybms_request_encode(&request, frame, 8));
}

TEST_CASE("the maker's example of cells 5 to 9 is decoded, most significant byte first", "[tinybms]")
{
    uint8_t frame[] = {0xAA, 0x03, 0x0A, 0x97, 0x40, 0x97, 0x40, 0x97, 0x2C, 0x97, 0x2C, 0x97, 0x2C, 0x3E, 0xC7};
    static const uint16_t expected[] = {0x9740, 0x9740, 0x972C, 0x972C, 0x972C};
    tinybms_answer_t answer;
    uint16_t values[5];
    TEST_ASSERT_EQUAL(sizeof(frame), tinybms_answer_length(frame, 3));
    TEST_ASSERT_TRUE(tinybms_answer_decode(frame, sizeof(frame), &answer));
    TEST_ASSERT_EQUAL(5, tinybms_answer_registers(&answer, values, 5));
    TEST_ASSERT_EQUAL_MEMORY(expected, values, sizeof(expected));
    TEST_ASSERT_EQUAL(0, tinybms_answer_registers(&answer, values, 4));
}

TEST_CASE("the maker's example of the temperatures is decoded", "[tinybms]")
{
    uint8_t frame[] = {0xAA, 0x1B, 0x06, 0x16, 0x01, 0x14, 0x01, 0x16, 0x01, 0x0E, 0x4E};
    tinybms_answer_t answer;
    TEST_ASSERT_TRUE(tinybms_answer_decode(frame, sizeof(frame), &answer));
    TEST_ASSERT_EQUAL_UINT16(278, tinybms_answer_u16(&answer, 0)); /* 27.8 degC */
    TEST_ASSERT_EQUAL_UINT16(276, tinybms_answer_u16(&answer, 2));
    TEST_ASSERT_EQUAL_UINT16(278, tinybms_answer_u16(&answer, 4));
    TEST_ASSERT_EQUAL_UINT16(0, tinybms_answer_u16(&answer, 6));
}

TEST_CASE("the answer to the maker's write names address and count", "[tinybms]")
{
    uint8_t frame[] = {0xAA, 0x10, 0x01, 0x3B, 0x00, 0x02, 0x28, 0x22};
    static const uint8_t expected[] = {0x01, 0x3B, 0x00, 0x02};
    tinybms_answer_t answer;
    TEST_ASSERT_TRUE(tinybms_answer_decode(frame, sizeof(frame), &answer));
    TEST_ASSERT_EQUAL(4, answer.payload_length);
    TEST_ASSERT_EQUAL_MEMORY(expected, answer.payload, 4);
}

TEST_CASE("answers without a length byte have the lengths that the protocol gives them", "[tinybms]")
{
    static const struct {
        uint8_t command;
        int length;
    } lengths[] = {{0x14, 8}, {0x15, 8}, {0x19, 8}, {0x1A, 8}, {0x16, 6}, {0x17, 6}, {0x18, 6}, {0x20, 16}};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        ROW("lengths[%zu]", i);
        const uint8_t head[] = {0xAA, lengths[i].command};
        TEST_ASSERT_EQUAL(lengths[i].length, tinybms_answer_length(head, sizeof(head)));
    }
}

TEST_CASE("single measurements are decoded, least significant byte first", "[tinybms]")
{
    uint8_t soc[10] = {0xAA, 0x1A, 0x08, 0xF2, 0xFA, 0x04};
    uint8_t status[10] = {0xAA, 0x18, 0x97, 0x00};
    tinybms_answer_t answer = decoded(soc, 6);
    TEST_ASSERT_EQUAL_UINT32(83554824, tinybms_answer_u32(&answer, 0)); /* 83.554824 % */
    answer = decoded(status, 4);
    TEST_ASSERT_EQUAL_HEX16(0x97, tinybms_answer_u16(&answer, 0));
}

TEST_CASE("pairs of an individual read are decoded", "[tinybms]")
{
    uint8_t frame[16] = {0xAA, 0x09, 0x08, 0x24, 0x00, 0xB8, 0x1E, 0x25, 0x00, 0x5F, 0x42};
    uint16_t addresses[2];
    uint16_t values[2];
    const tinybms_answer_t answer = decoded(frame, 11);
    TEST_ASSERT_EQUAL(2, tinybms_answer_pairs(&answer, addresses, values, 2));
    TEST_ASSERT_EQUAL_UINT16(36, addresses[0]);
    TEST_ASSERT_EQUAL_HEX16(0x1EB8, values[0]);
    TEST_ASSERT_EQUAL_UINT16(37, addresses[1]);
    TEST_ASSERT_EQUAL_HEX16(0x425F, values[1]);
    TEST_ASSERT_EQUAL(0, tinybms_answer_pairs(&answer, addresses, values, 1));
}

TEST_CASE("events carry 24 bits of time and an id", "[tinybms]")
{
    uint8_t frame[16] = {0xAA, 0x11, 0x08, 0x10, 0x20, 0x00, 0x00, 0x26, 0x12, 0x00, 0x65};
    tinybms_event_t events[2];
    uint32_t time_s = 0;
    size_t count = 0;
    const tinybms_answer_t answer = decoded(frame, 11);
    TEST_ASSERT_TRUE(tinybms_answer_events(&answer, &time_s, events, 2, &count));
    TEST_ASSERT_EQUAL_UINT32(0x2010, time_s);
    TEST_ASSERT_EQUAL(1, count);
    TEST_ASSERT_EQUAL_UINT32(0x001226, events[0].time_s);
    TEST_ASSERT_EQUAL_HEX8(0x65, events[0].id);
}

TEST_CASE("events of an impossible length are refused", "[tinybms]")
{
    uint8_t frame[16] = {0xAA, 0x11, 0x06, 0x10, 0x20, 0x00, 0x00, 0x26, 0x12};
    tinybms_event_t events[2];
    uint32_t time_s = 0;
    size_t count = 0;
    const tinybms_answer_t answer = decoded(frame, 9);
    TEST_ASSERT_FALSE(tinybms_answer_events(&answer, &time_s, events, 2, &count));
}

TEST_CASE("positive and negative answers name the command they answer", "[tinybms]")
{
    uint8_t ack[8] = {0xAA, 0x01, 0x0D};
    uint8_t nack[8] = {0xAA, 0x00, 0x10, 0x01};
    tinybms_answer_t answer = decoded(ack, 3);
    TEST_ASSERT_EQUAL(TINYBMS_CMD_ACK, answer.command);
    TEST_ASSERT_EQUAL_HEX8(0x0D, answer.request);
    answer = decoded(nack, 4);
    TEST_ASSERT_EQUAL(TINYBMS_CMD_NACK, answer.command);
    TEST_ASSERT_EQUAL_HEX8(0x10, answer.request);
    TEST_ASSERT_EQUAL_HEX8(TINYBMS_ERROR_CRC, answer.error);
}

TEST_CASE("what no answer starts with is recognised from its first bytes", "[tinybms]")
{
    static const uint8_t more_packets[] = {0xAA, 0x07, 0x81};
    static const uint8_t no_command[] = {0xAA, 0x21};
    static const uint8_t only_start[] = {0xAA};
    TEST_ASSERT_EQUAL(-1, tinybms_answer_length(more_packets, 3));
    TEST_ASSERT_EQUAL(-1, tinybms_answer_length(no_command, 2));
    TEST_ASSERT_EQUAL(0, tinybms_answer_length(only_start, 1));
}

TEST_CASE("one wrong bit anywhere makes an answer invalid", "[tinybms]")
{
    uint8_t frame[] = {0xAA, 0x1B, 0x06, 0x16, 0x01, 0x14, 0x01, 0x16, 0x01, 0x0E, 0x4E};
    for (size_t bit = 0; bit < 8 * sizeof(frame); bit++) {
        ROW("bit %zu", bit);
        tinybms_answer_t answer;
        frame[bit / 8] = (uint8_t)(frame[bit / 8] ^ (1U << (bit % 8)));
        TEST_ASSERT_FALSE(tinybms_answer_decode(frame, sizeof(frame), &answer));
        frame[bit / 8] = (uint8_t)(frame[bit / 8] ^ (1U << (bit % 8)));
    }
}
