/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flash_pace.h"
#include "unity.h"

#define NEXT_FRAME_MS 1000 /* Victron: 0x351 each second */
#define LONGEST_ERASE 400  /* data sheets of the flash chips */

static flash_pace_t sent_at(int64_t sent_ms)
{
    flash_pace_t pace = {0};
    flash_pace_sent(&pace, sent_ms);
    return pace;
}

TEST_CASE("no turn begins within 10 ms after a 0x351", "[flash_pace]")
{
    const flash_pace_t pace = sent_at(5000);
    TEST_ASSERT_EQUAL(10, flash_pace_wait_ms(&pace, 5000));
    TEST_ASSERT_EQUAL(1, flash_pace_wait_ms(&pace, 5009));
    TEST_ASSERT_EQUAL(0, flash_pace_wait_ms(&pace, 5010));
}

TEST_CASE("two turns come after a 0x351, the second one 300 ms after it", "[flash_pace]")
{
    flash_pace_t pace = sent_at(5000);
    flash_pace_turn(&pace, 5010);
    TEST_ASSERT_EQUAL(250, flash_pace_wait_ms(&pace, 5050));
    TEST_ASSERT_EQUAL(0, flash_pace_wait_ms(&pace, 5300));
    flash_pace_turn(&pace, 5300);
    TEST_ASSERT_GREATER_THAN(0, flash_pace_wait_ms(&pace, 5301));
    TEST_ASSERT_GREATER_THAN(0, flash_pace_wait_ms(&pace, 5590));
}

TEST_CASE("a third turn waits for the next 0x351", "[flash_pace]")
{
    flash_pace_t pace = sent_at(5000);
    flash_pace_turn(&pace, 5010);
    flash_pace_turn(&pace, 5300);
    flash_pace_sent(&pace, 6000);
    TEST_ASSERT_EQUAL(0, flash_pace_wait_ms(&pace, 6010));
}

TEST_CASE("the longest erase of any turn has ended when the next 0x351 is due", "[flash_pace]")
{
    for (int64_t first = 0; first < 1000; first++) {
        const flash_pace_t pace = sent_at(5000);
        if (flash_pace_wait_ms(&pace, 5000 + first) == 0) {
            TEST_ASSERT_LESS_OR_EQUAL(NEXT_FRAME_MS, first + LONGEST_ERASE);
        }
    }
}

TEST_CASE("who comes late in the first half still leaves the second turn where it is", "[flash_pace]")
{
    flash_pace_t pace = sent_at(5000);
    flash_pace_turn(&pace, 5299);
    TEST_ASSERT_EQUAL(0, flash_pace_wait_ms(&pace, 5300));
    flash_pace_turn(&pace, 5300);
    TEST_ASSERT_GREATER_THAN(0, flash_pace_wait_ms(&pace, 5310));
}

TEST_CASE("while a 0x351 is due or late no turn begins, until there is none for 1.5 s", "[flash_pace]")
{
    const flash_pace_t pace = sent_at(5000);
    for (int64_t since = 591; since < 1500; since++) {
        TEST_ASSERT_GREATER_THAN(0, flash_pace_wait_ms(&pace, 5000 + since));
    }
    TEST_ASSERT_EQUAL(0, flash_pace_wait_ms(&pace, 6500));
}

TEST_CASE("without 0x351 a turn comes each 500 ms", "[flash_pace]")
{
    flash_pace_t pace = {0};
    TEST_ASSERT_EQUAL(0, flash_pace_wait_ms(&pace, 100));
    flash_pace_turn(&pace, 100);
    TEST_ASSERT_EQUAL(500, flash_pace_wait_ms(&pace, 100));
    TEST_ASSERT_EQUAL(1, flash_pace_wait_ms(&pace, 599));
    TEST_ASSERT_EQUAL(0, flash_pace_wait_ms(&pace, 600));
}

TEST_CASE("frames that stop and come back are kept clear of again", "[flash_pace]")
{
    flash_pace_t pace = sent_at(5000);
    TEST_ASSERT_EQUAL(0, flash_pace_wait_ms(&pace, 60000));
    flash_pace_turn(&pace, 60000);
    flash_pace_sent(&pace, 60100);
    TEST_ASSERT_EQUAL(10, flash_pace_wait_ms(&pace, 60100));
    TEST_ASSERT_GREATER_THAN(0, flash_pace_wait_ms(&pace, 60900));
}

TEST_CASE("a clock that went back does not keep turns away for long", "[flash_pace]")
{
    flash_pace_t pace = sent_at(1000000);
    flash_pace_turn(&pace, 1000010);
    TEST_ASSERT_LESS_OR_EQUAL(500, flash_pace_wait_ms(&pace, 5));
}
