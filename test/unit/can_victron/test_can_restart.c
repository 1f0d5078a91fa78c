/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* When a CAN node that refuses is worth a restart, and what of that survives one. For Linux only, as the program is. */
#include "../row.h"
#include "../../../components/can_victron/can_restart.h"

#include <string.h>

#include "../../../components/can_victron/can_restart_memory.h"
#include "host.h"
#include "tinybms_crc.h"
#include "unity.h"

#define MINUTE_MS   60000
#define MEMORY_SIZE 12 /* count, layout and CRC in 32 bits each */
#define LAYOUT_AT   4
#define CRC_AT      8

extern uint8_t __start_rtc_noinit[]; // NOLINT
extern uint8_t __stop_rtc_noinit[];  // NOLINT

/** When the restart comes of a node that refuses from the start on, after so many restarts. */
static int64_t restarts_after_ms(uint32_t made)
{
    can_restart_t restart;
    int64_t ms = 0;
    can_restart_begin(&restart, made, 0);
    while (!can_restart_due(&restart, ms, false, ms)) {
        ms += 50;
    }
    TEST_ASSERT_EQUAL(made + 1, restart.made);
    return ms;
}

TEST_CASE("a node that refuses costs a restart after 30 s, three times, then one every 30 min", "[can_victron_faults]")
{
    TEST_ASSERT_EQUAL_INT64(30000, restarts_after_ms(0));
    TEST_ASSERT_EQUAL_INT64(30000, restarts_after_ms(1));
    TEST_ASSERT_EQUAL_INT64(30000, restarts_after_ms(2));
    TEST_ASSERT_EQUAL_INT64(30 * MINUTE_MS, restarts_after_ms(3));
    TEST_ASSERT_EQUAL_INT64(30 * MINUTE_MS, restarts_after_ms(4));
    TEST_ASSERT_EQUAL_INT64(30 * MINUTE_MS, restarts_after_ms(1000));
}

TEST_CASE("a node that works costs none", "[can_victron_faults]")
{
    can_restart_t restart;
    can_restart_begin(&restart, 0, 0);
    for (int64_t ms = 0; ms < 24 * 60 * MINUTE_MS; ms += 1000) {
        TEST_ASSERT_FALSE(can_restart_due(&restart, 0, true, ms));
    }
}

/** A node that works for so long after each start and refuses then, for a day. @return the restarts that it costs */
static int restarts_of_a_day(int64_t works_ms)
{
    can_restart_t restart;
    uint32_t made = 0;
    int count = 0;
    int64_t started_ms = 0;
    can_restart_begin(&restart, made, 0);
    for (int64_t ms = 0; ms < 24 * 60 * MINUTE_MS; ms += 50) {
        const int64_t refusing_ms = ms - started_ms - works_ms;
        const bool works = refusing_ms <= 0;
        if (can_restart_due(&restart, works ? 0 : refusing_ms, works, ms - started_ms)) {
            made = restart.made;
            started_ms = ms;
            can_restart_begin(&restart, made, 0);
            count++;
        }
    }
    return count;
}

TEST_CASE("in the long run there is no more than one restart in 30 min, whenever the node gives up",
          "[can_victron_faults]")
{
    TEST_ASSERT_LESS_OR_EQUAL(48 + 2, restarts_of_a_day(0));
    TEST_ASSERT_LESS_OR_EQUAL(48 + 2, restarts_of_a_day(10000));
    TEST_ASSERT_LESS_OR_EQUAL(48 + 2, restarts_of_a_day(29 * MINUTE_MS));
    TEST_ASSERT_LESS_OR_EQUAL(48 + 2, restarts_of_a_day(31 * MINUTE_MS));
    TEST_ASSERT_EQUAL(45, restarts_of_a_day(31 * MINUTE_MS)); /* every 31.5 min: each is a first one */
}

TEST_CASE("the count starts anew when the node has worked for 30 min in one piece", "[can_victron_faults]")
{
    can_restart_t restart;
    can_restart_begin(&restart, 3, 0);
    TEST_ASSERT_FALSE(can_restart_due(&restart, 0, true, 29 * MINUTE_MS));
    TEST_ASSERT_FALSE(can_restart_due(&restart, 0, false, 29 * MINUTE_MS + 1));
    TEST_ASSERT_FALSE(can_restart_due(&restart, 0, true, 59 * MINUTE_MS));
    TEST_ASSERT_EQUAL(3, restart.made);
    TEST_ASSERT_FALSE(can_restart_due(&restart, 0, true, 59 * MINUTE_MS + 1));
    TEST_ASSERT_EQUAL(0, restart.made);
    TEST_ASSERT_TRUE(can_restart_due(&restart, 30000, false, 60 * MINUTE_MS));
    TEST_ASSERT_EQUAL(1, restart.made);
}

TEST_CASE("the count of restarts is there after each kind of reset", "[can_victron_faults]")
{
    TEST_ASSERT_EQUAL(MEMORY_SIZE, __stop_rtc_noinit - __start_rtc_noinit);
    can_restart_memory_write(3);
    TEST_ASSERT_EQUAL(3, can_restart_memory_read());
    TEST_ASSERT_EQUAL(3, can_restart_memory_read());
    host_rtc_memory_pass_on();
    memset(__start_rtc_noinit, 0xFF, MEMORY_SIZE);
    host_rtc_memory_load();
    TEST_ASSERT_EQUAL(3, can_restart_memory_read());
    can_restart_memory_write(0);
    TEST_ASSERT_EQUAL(0, can_restart_memory_read());
}

TEST_CASE("what a power-on leaves in the memory is no count", "[can_victron_faults]")
{
    memset(__start_rtc_noinit, 0, MEMORY_SIZE);
    TEST_ASSERT_EQUAL(0, can_restart_memory_read());
    memset(__start_rtc_noinit, 0xFF, MEMORY_SIZE);
    TEST_ASSERT_EQUAL(0, can_restart_memory_read());
    host_rtc_memory_load();
    TEST_ASSERT_EQUAL(0, can_restart_memory_read());
}

TEST_CASE("a bit that is wrong anywhere makes the count void", "[can_victron_faults]")
{
    uint8_t image[MEMORY_SIZE];
    can_restart_memory_write(2);
    memcpy(image, __start_rtc_noinit, MEMORY_SIZE);
    for (int bit = 0; bit < 8 * MEMORY_SIZE; bit++) {
        ROW("bit %d", bit);
        memcpy(__start_rtc_noinit, image, MEMORY_SIZE);
        __start_rtc_noinit[bit / 8] = (uint8_t)(__start_rtc_noinit[bit / 8] ^ (1U << bit % 8));
        TEST_ASSERT_EQUAL(0, can_restart_memory_read());
    }
    memcpy(__start_rtc_noinit, image, MEMORY_SIZE);
    TEST_ASSERT_EQUAL(2, can_restart_memory_read());
}

TEST_CASE("a count that another version has kept in its own way is void", "[can_victron_faults]")
{
    uint8_t image[MEMORY_SIZE];
    can_restart_memory_write(2);
    memcpy(image, __start_rtc_noinit, MEMORY_SIZE);
    for (uint32_t layout = 0; layout <= 2; layout++) {
        ROW("layout %u", (unsigned)layout);
        memcpy(&image[LAYOUT_AT], &layout, sizeof(layout));
        const uint32_t crc = tinybms_crc16(image, CRC_AT);
        memcpy(&image[CRC_AT], &crc, sizeof(crc));
        memcpy(__start_rtc_noinit, image, MEMORY_SIZE);
        TEST_ASSERT_EQUAL(layout == 1 ? 2 : 0, can_restart_memory_read());
    }
}
