/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Lines of the Lawicel protocol, from its manual; for Linux only. */
#include <string.h>

#include "../row.h"
#include "slcan.h"
#include "unity.h"

static slcan_reader_t s_reader;
static int s_garbage;

/** The last event that is worth a word. */
static slcan_event_t hear(const char *bytes, size_t length)
{
    slcan_event_t last = SLCAN_NOTHING;
    for (size_t i = 0; i < length; i++) {
        const slcan_event_t event = slcan_feed(&s_reader, bytes[i]);
        s_garbage += event == SLCAN_GARBAGE ? 1 : 0;
        last = event != SLCAN_NOTHING ? event : last;
    }
    return last;
}

static slcan_event_t hear_line(const char *line)
{
    return hear(line, strlen(line));
}

static void begin(void)
{
    memset(&s_reader, 0, sizeof(s_reader));
    s_garbage = 0;
}

TEST_CASE("a frame becomes a command with upper case digits", "[host]")
{
    char text[SLCAN_FRAME_SIZE];
    const can_bus_frame_t limits = {.id = 0x351, .dlc = 8, .data = {0x38, 0x02, 0xE8, 0x03, 0xB0, 0x04, 0xD0, 0x01}};
    const can_bus_frame_t empty = {.id = 0x7, .dlc = 0};
    const can_bus_frame_t extended = {.id = 0x1ABCDEF0, .extended = true, .dlc = 8, .data = {1, 2, 3, 4, 5, 6, 7, 8}};
    TEST_ASSERT_EQUAL(22, slcan_encode(&limits, text));
    TEST_ASSERT_EQUAL_STRING("t35183802E803B004D001\r", text);
    TEST_ASSERT_EQUAL(6, slcan_encode(&empty, text));
    TEST_ASSERT_EQUAL_STRING("t0070\r", text);
    TEST_ASSERT_EQUAL(27, slcan_encode(&extended, text));
    TEST_ASSERT_EQUAL_STRING("T1ABCDEF080102030405060708\r", text);
}

TEST_CASE("a remote frame becomes a command with a length and no data", "[host]")
{
    char text[SLCAN_FRAME_SIZE];
    const can_bus_frame_t standard = {.id = 0x305, .remote = true, .dlc = 8};
    const can_bus_frame_t extended = {.id = 0x1ABCDEF0, .extended = true, .remote = true, .dlc = 0};
    TEST_ASSERT_EQUAL(6, slcan_encode(&standard, text));
    TEST_ASSERT_EQUAL_STRING("r3058\r", text);
    TEST_ASSERT_EQUAL(11, slcan_encode(&extended, text));
    TEST_ASSERT_EQUAL_STRING("R1ABCDEF00\r", text);
}

TEST_CASE("bit rates have the digits of the manual; where adapters differ there is none", "[host]")
{
    TEST_ASSERT_EQUAL('6', slcan_bit_rate_code(500000));
    TEST_ASSERT_EQUAL('5', slcan_bit_rate_code(250000));
    TEST_ASSERT_EQUAL('0', slcan_bit_rate_code(10000));
    TEST_ASSERT_EQUAL('\0', slcan_bit_rate_code(800000));
    TEST_ASSERT_EQUAL('\0', slcan_bit_rate_code(400000));
    TEST_ASSERT_EQUAL('\0', slcan_bit_rate_code(0));
}

TEST_CASE("received frames are understood, with and without a time behind them", "[host]")
{
    begin();
    TEST_ASSERT_EQUAL(SLCAN_FRAME, hear_line("t30580000000000000000\r"));
    TEST_ASSERT_EQUAL(0x305, s_reader.frame.id);
    TEST_ASSERT_EQUAL(8, s_reader.frame.dlc);
    TEST_ASSERT_FALSE(s_reader.frame.extended || s_reader.frame.remote);
    TEST_ASSERT_EQUAL(SLCAN_FRAME, hear_line("T1fffffff2aBCd\r"));
    TEST_ASSERT_EQUAL(0x1FFFFFFF, s_reader.frame.id);
    TEST_ASSERT_EQUAL(2, s_reader.frame.dlc);
    TEST_ASSERT_EQUAL(0xAB, s_reader.frame.data[0]);
    TEST_ASSERT_EQUAL(0xCD, s_reader.frame.data[1]);
    TEST_ASSERT_TRUE(s_reader.frame.extended);
    TEST_ASSERT_EQUAL(SLCAN_FRAME, hear_line("t3071FF1A2B\r"));
    TEST_ASSERT_EQUAL(0xFF, s_reader.frame.data[0]);
    TEST_ASSERT_EQUAL(1, s_reader.frame.dlc);
    TEST_ASSERT_EQUAL(SLCAN_FRAME, hear_line("t307000001A2B\r"));
    TEST_ASSERT_EQUAL(0, s_reader.frame.dlc);
}

TEST_CASE("remote frames have a length and no data", "[host]")
{
    begin();
    TEST_ASSERT_EQUAL(SLCAN_FRAME, hear_line("r3058\r"));
    TEST_ASSERT_TRUE(s_reader.frame.remote);
    TEST_ASSERT_EQUAL(8, s_reader.frame.dlc);
    TEST_ASSERT_EQUAL(SLCAN_FRAME, hear_line("R0000030580123\r"));
    TEST_ASSERT_TRUE(s_reader.frame.remote && s_reader.frame.extended);
    TEST_ASSERT_EQUAL(0x305, s_reader.frame.id);
}

TEST_CASE("answers are told apart", "[host]")
{
    begin();
    TEST_ASSERT_EQUAL(SLCAN_NOTHING, hear_line("\r\rz\rZ\r\n"));
    TEST_ASSERT_EQUAL(SLCAN_REFUSED, hear_line("\a"));
    TEST_ASSERT_EQUAL(SLCAN_STATUS, hear_line("FA2\r"));
    TEST_ASSERT_EQUAL(0xA2, s_reader.flags);
    TEST_ASSERT_EQUAL(SLCAN_TEXT, hear_line("V1013\r"));
    TEST_ASSERT_EQUAL_STRING("V1013", s_reader.line);
    TEST_ASSERT_EQUAL(SLCAN_TEXT, hear_line("8ca5d39 https://example.org/firmware.git\r"));
    TEST_ASSERT_EQUAL(SLCAN_TEXT, hear_line("F\r"));
}

TEST_CASE("a line that is no frame is no frame", "[host]")
{
    static const char *const lines[] = {
        "t\r",
        "t305\r",
        "t3058\r",
        "t305800000000000000\r",
        "t30590000000000000000\r",
        "t8000\r",
        "t30g0\r",
        "t305100123\r",
        "t3051001\r",
        "T200000000\r",
        "T3050\r",
        "t305F\r",
        "r305\r",
        "t30510012345\r",
        "t30510012345678901\r",
        "t3051\x80\xFF\r",
        "t305 1 00\r",
        "V10\x01"
        "13\r",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ROW("lines[%zu]", i);
        begin();
        TEST_ASSERT_EQUAL(SLCAN_GARBAGE, hear_line(lines[i]));
        TEST_ASSERT_EQUAL(SLCAN_FRAME, hear_line("t0010\r")); /* the next one is heard again */
    }
}

TEST_CASE("a zero byte does not hide the rest of a line", "[host]")
{
    begin();
    TEST_ASSERT_EQUAL(SLCAN_GARBAGE, hear("t0010\0abc\r", 10));
}

TEST_CASE("a line without end is garbage once, and what follows it is heard", "[host]")
{
    begin();
    for (int i = 0; i < 100000; i++) {
        (void)hear("t", 1);
    }
    TEST_ASSERT_EQUAL(1, s_garbage);
    TEST_ASSERT_EQUAL(SLCAN_NOTHING, hear_line("\r"));
    TEST_ASSERT_EQUAL(SLCAN_FRAME, hear_line("t0010\r"));
}

TEST_CASE("whatever bytes come, frames that are told are possible ones", "[host]")
{
    static const char usual[] = "tTrRFz000011112\r\r\r\r\a\n";
    unsigned seed = 1;
    int frames = 0;
    begin();
    for (int i = 0; i < 2000000; i++) {
        seed = seed * 1103515245U + 12345U;
        const unsigned pick = seed >> 16;
        const char byte = pick % 64 == 0 ? (char)(seed >> 8) : usual[pick % (sizeof(usual) - 1)];
        if (slcan_feed(&s_reader, byte) == SLCAN_FRAME) {
            frames++;
            TEST_ASSERT_TRUE(s_reader.frame.dlc <= 8);
            TEST_ASSERT_TRUE(s_reader.frame.id <= (s_reader.frame.extended ? 0x1FFFFFFFU : 0x7FFU));
        }
        TEST_ASSERT_TRUE(s_reader.length < sizeof(s_reader.line));
    }
    TEST_ASSERT_GREATER_THAN(100, frames);
}
