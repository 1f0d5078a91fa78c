/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Frames and error frames of SocketCAN, bit by bit from Linux' documentation; for Linux only. */
#include <string.h>

#include "../row.h"
#include "socketcan_frame.h"
#include "unity.h"

#define EXTENDED 0x80000000U
#define REMOTE   0x40000000U
#define ERROR    0x20000000U

static struct can_frame error_frame(uint32_t classes, uint8_t controller, uint8_t tec, uint8_t rec)
{
    struct can_frame frame = {.can_id = ERROR | classes, .len = 8};
    frame.data[1] = controller;
    frame.data[6] = tec;
    frame.data[7] = rec;
    return frame;
}

static socketcan_errors_t errors_of(uint32_t classes, uint8_t controller, uint8_t tec, uint8_t rec)
{
    const struct can_frame frame = error_frame(classes, controller, tec, rec);
    socketcan_errors_t errors;
    can_bus_frame_t none;
    TEST_ASSERT_TRUE(socketcan_read_errors(&frame, &errors));
    TEST_ASSERT_FALSE(socketcan_to_bus(&frame, &none));
    return errors;
}

TEST_CASE("our frames for the kernel", "[host]")
{
    const can_bus_frame_t limits = {.id = 0x351, .dlc = 3, .data = {1, 2, 3}};
    const struct can_frame out = socketcan_from_bus(&limits);
    TEST_ASSERT_EQUAL(0x351, out.can_id);
    TEST_ASSERT_EQUAL(3, out.len);
    TEST_ASSERT_EQUAL_MEMORY("\1\2\3\0\0\0\0\0", out.data, 8);
    const can_bus_frame_t extended = {.id = 0x1ABCDEF0, .extended = true, .dlc = 0};
    TEST_ASSERT_EQUAL(EXTENDED | 0x1ABCDEF0U, socketcan_from_bus(&extended).can_id);
    const can_bus_frame_t remote = {.id = 0x305, .remote = true, .dlc = 8};
    TEST_ASSERT_EQUAL(REMOTE | 0x305U, socketcan_from_bus(&remote).can_id);
    TEST_ASSERT_EQUAL(8, socketcan_from_bus(&remote).len);
}

TEST_CASE("the kernel's frames for us", "[host]")
{
    struct can_frame in = {.can_id = 0x305, .len = 8, .data = {8, 7, 6, 5, 4, 3, 2, 1}};
    can_bus_frame_t frame;
    TEST_ASSERT_TRUE(socketcan_to_bus(&in, &frame));
    TEST_ASSERT_EQUAL(0x305, frame.id);
    TEST_ASSERT_EQUAL(8, frame.dlc);
    TEST_ASSERT_FALSE(frame.extended || frame.remote);
    TEST_ASSERT_EQUAL_MEMORY(in.data, frame.data, 8);
    in.can_id = EXTENDED | 0x1FFFFFFFU;
    TEST_ASSERT_TRUE(socketcan_to_bus(&in, &frame));
    TEST_ASSERT_EQUAL(0x1FFFFFFF, frame.id);
    TEST_ASSERT_TRUE(frame.extended);
    in.can_id = REMOTE | 0x305U;
    TEST_ASSERT_TRUE(socketcan_to_bus(&in, &frame));
    TEST_ASSERT_EQUAL(0x305, frame.id);
    TEST_ASSERT_TRUE(frame.remote);
    in.len = 9;
    TEST_ASSERT_FALSE(socketcan_to_bus(&in, &frame));
}

TEST_CASE("a frame is no error frame, and neither is a short one", "[host]")
{
    const struct can_frame data = {.can_id = 0x40, .len = 8};
    struct can_frame cut = error_frame(0x40, 0, 0, 0);
    socketcan_errors_t errors;
    cut.len = 7;
    TEST_ASSERT_FALSE(socketcan_read_errors(&data, &errors));
    TEST_ASSERT_FALSE(socketcan_read_errors(&cut, &errors));
}

TEST_CASE("bus-off, the restart, a frame whose time is over and a missing acknowledge are told apart", "[host]")
{
    const socketcan_errors_t off = errors_of(0x40, 0, 0, 0);
    TEST_ASSERT_TRUE(off.bus_off);
    TEST_ASSERT_FALSE(off.restarted || off.dropped || off.no_acknowledge || off.counters_known);
    const socketcan_errors_t restarted = errors_of(0x100, 0, 0, 0);
    TEST_ASSERT_TRUE(restarted.restarted);
    TEST_ASSERT_FALSE(restarted.bus_off || restarted.dropped || restarted.no_acknowledge);
    const socketcan_errors_t dropped = errors_of(0x01, 0, 0, 0);
    TEST_ASSERT_TRUE(dropped.dropped);
    TEST_ASSERT_FALSE(dropped.bus_off || dropped.restarted || dropped.no_acknowledge);
    const socketcan_errors_t alone = errors_of(0x20, 0, 0, 0);
    TEST_ASSERT_TRUE(alone.no_acknowledge);
    TEST_ASSERT_FALSE(alone.bus_off || alone.restarted || alone.dropped);
}

TEST_CASE("error counters are taken as they are told", "[host]")
{
    const socketcan_errors_t errors = errors_of(0x200 | 0x04, 0x20, 136, 3);
    TEST_ASSERT_TRUE(errors.counters_known);
    TEST_ASSERT_EQUAL(136, errors.tec);
    TEST_ASSERT_EQUAL(3, errors.rec);
}

TEST_CASE("without counters the state of the controller stands for them", "[host]")
{
    const struct {
        uint8_t controller;
        bool known;
        uint16_t tec;
        uint16_t rec;
    } cases[] = {
        {0x04, true, 0, 96},  {0x08, true, 96, 0},    {0x10, true, 0, 128}, {0x20, true, 128, 0},
        {0x28, true, 128, 0}, {0x30, true, 128, 128}, {0x40, true, 0, 0},   {0x01, false, 0, 0}, /* overflows */
        {0x02, false, 0, 0},  {0x00, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        const socketcan_errors_t errors = errors_of(0x04, cases[i].controller, 77, 77);
        TEST_ASSERT_EQUAL(cases[i].known, errors.counters_known);
        TEST_ASSERT_EQUAL(cases[i].tec, errors.tec);
        TEST_ASSERT_EQUAL(cases[i].rec, errors.rec);
    }
}

TEST_CASE("only error frames that mean something here are asked for", "[host]")
{
    TEST_ASSERT_EQUAL(0x01 | 0x04 | 0x20 | 0x40 | 0x100 | 0x200, socketcan_error_classes);
}
