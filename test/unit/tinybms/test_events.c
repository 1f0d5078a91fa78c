/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tinybms_events.h"
#include "unity.h"

TEST_CASE("faults, warnings and information are told apart", "[tinybms]")
{
    TEST_ASSERT_EQUAL(TINYBMS_EVENT_FAULT, tinybms_event_class(0x02));
    TEST_ASSERT_EQUAL(TINYBMS_EVENT_FAULT, tinybms_event_class(0x0F));
    TEST_ASSERT_EQUAL(TINYBMS_EVENT_WARNING, tinybms_event_class(0x31));
    TEST_ASSERT_EQUAL(TINYBMS_EVENT_INFORMATION, tinybms_event_class(0x61));
    TEST_ASSERT_EQUAL(TINYBMS_EVENT_UNKNOWN, tinybms_event_class(0x08));
    TEST_ASSERT_EQUAL_STRING("over-voltage cutoff", tinybms_event_text(0x03));
    TEST_ASSERT_EQUAL_STRING("unknown event", tinybms_event_text(0xFF));
}

TEST_CASE("a recovery names what it ends", "[tinybms]")
{
    TEST_ASSERT_EQUAL_HEX8(0x03, tinybms_event_recovers(0x79));
    TEST_ASSERT_EQUAL_HEX8(0x02, tinybms_event_recovers(0x7B));
    TEST_ASSERT_EQUAL_HEX8(0, tinybms_event_recovers(0x61));
}

TEST_CASE("the newest fault without a recovery counts", "[tinybms]")
{
    static const tinybms_event_t events[] = {{100, 0x03}, {200, 0x79}, {300, 0x02}, {250, 0x04}};
    TEST_ASSERT_EQUAL_HEX8(0x02, tinybms_events_unrecovered(events, 4, 400).id);
    TEST_ASSERT_EQUAL_HEX8(0, tinybms_events_unrecovered(events, 2, 400).id);
    TEST_ASSERT_EQUAL_HEX8(0, tinybms_events_unrecovered(NULL, 0, 400).id);
}

TEST_CASE("a recovery that came before the fault does not end it", "[tinybms]")
{
    static const tinybms_event_t events[] = {{100, 0x79}, {200, 0x03}};
    TEST_ASSERT_EQUAL_HEX8(0x03, tinybms_events_unrecovered(events, 2, 300).id);
}

TEST_CASE("event order survives the overflow of the 24 bits of time", "[tinybms]")
{
    /* The fault came 16 s before the overflow, its recovery 16 s after it. */
    static const tinybms_event_t events[] = {{0xFFFFF0, 0x03}, {0x000010, 0x79}};
    TEST_ASSERT_EQUAL_UINT32(0x30, tinybms_event_age_s(&events[0], 0x01000020));
    TEST_ASSERT_EQUAL_HEX8(0, tinybms_events_unrecovered(events, 2, 0x01000020).id);
}

TEST_CASE("charging done is no fault", "[tinybms]")
{
    static const tinybms_event_t events[] = {{100, 0x38}, {110, 0x39}};
    TEST_ASSERT_EQUAL_HEX8(0, tinybms_events_unrecovered(events, 2, 200).id);
}
