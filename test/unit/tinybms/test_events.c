/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "tinybms_events.h"
#include "unity.h"

TEST_CASE("every event of Rev D is known by its class and its text, and no other", "[tinybms]")
{
    enum {
        FAULT = TINYBMS_EVENT_FAULT,
        WARNING = TINYBMS_EVENT_WARNING,
        INFORMATION = TINYBMS_EVENT_INFORMATION
    };
    static const struct {
        uint8_t id;
        uint8_t class;
        const char *text;
    } listed[] = {
        {0x02, FAULT, "under-voltage cutoff"},
        {0x03, FAULT, "over-voltage cutoff"},
        {0x04, FAULT, "over-temperature cutoff"},
        {0x05, FAULT, "discharge over-current cutoff"},
        {0x06, FAULT, "charge over-current cutoff"},
        {0x07, FAULT, "regeneration over-current cutoff"},
        {0x0A, FAULT, "low temperature cutoff"},
        {0x0B, FAULT, "charger switch error"},
        {0x0C, FAULT, "load switch error"},
        {0x0D, FAULT, "single port switch error"},
        {0x0E, FAULT, "external current sensor disconnected, restart needed"},
        {0x0F, FAULT, "external current sensor connected, restart needed"},
        {0x31, WARNING, "fully discharged cutoff"},
        {0x37, WARNING, "low temperature charging cutoff"},
        {0x38, WARNING, "charging done, charger voltage too high"},
        {0x39, WARNING, "charging done, charger voltage too low"},
        {0x61, INFORMATION, "system started"},
        {0x62, INFORMATION, "charging started"},
        {0x63, INFORMATION, "charging done"},
        {0x64, INFORMATION, "charger connected"},
        {0x65, INFORMATION, "charger disconnected"},
        {0x66, INFORMATION, "dual port mode"},
        {0x67, INFORMATION, "single port mode"},
        {0x73, INFORMATION, "recovered from over-temperature"},
        {0x74, INFORMATION, "recovered from low temperature warning"},
        {0x75, INFORMATION, "recovered from low temperature fault"},
        {0x76, INFORMATION, "recovered from charge over-current"},
        {0x77, INFORMATION, "recovered from discharge over-current"},
        {0x78, INFORMATION, "recovered from regeneration over-current"},
        {0x79, INFORMATION, "recovered from over-voltage"},
        {0x7A, INFORMATION, "recovered from fully discharged"},
        {0x7B, INFORMATION, "recovered from under-voltage"},
        {0x7C, INFORMATION, "external current sensor connected"},
        {0x7D, INFORMATION, "external current sensor disconnected"},
    };
    size_t next = 0;
    for (unsigned id = 0; id <= 0xFF; id++) {
        ROW("event 0x%02X", id);
        const bool is_listed = next < sizeof(listed) / sizeof(listed[0]) && listed[next].id == id;
        TEST_ASSERT_EQUAL(is_listed ? listed[next].class : TINYBMS_EVENT_UNKNOWN, tinybms_event_class((uint8_t)id));
        TEST_ASSERT_EQUAL_STRING(is_listed ? listed[next].text : "unknown event", tinybms_event_text((uint8_t)id));
        next += is_listed ? 1 : 0;
    }
    TEST_ASSERT_EQUAL(sizeof(listed) / sizeof(listed[0]), next);
}

TEST_CASE("a recovery names what it ends, all else ends nothing", "[tinybms]")
{
    static const uint8_t ended_by[0x100] = {[0x73] = 0x04, [0x74] = 0x37, [0x75] = 0x0A, [0x76] = 0x06, [0x77] = 0x05,
                                            [0x78] = 0x07, [0x79] = 0x03, [0x7A] = 0x31, [0x7B] = 0x02};
    for (unsigned id = 0; id <= 0xFF; id++) {
        ROW("event 0x%02X", id);
        TEST_ASSERT_EQUAL_HEX8(ended_by[id], tinybms_event_recovers((uint8_t)id));
    }
}

TEST_CASE("faults, warnings and what is not listed forbid something, information and charging done do not", "[tinybms]")
{
    static const uint8_t forbids[] = {0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0A,
                                      0x0B, 0x0F, 0x31, 0x37, 0x08, 0x7F, 0xFF};
    static const uint8_t harmless[] = {0x38, 0x39, 0x61, 0x62, 0x63, 0x67, 0x73, 0x7B, 0x7C, 0x7D};
    for (size_t i = 0; i < sizeof(forbids); i++) {
        ROW("event 0x%02X", forbids[i]);
        TEST_ASSERT_TRUE(tinybms_event_forbids(forbids[i]));
    }
    for (size_t i = 0; i < sizeof(harmless); i++) {
        ROW("event 0x%02X", harmless[i]);
        TEST_ASSERT_FALSE(tinybms_event_forbids(harmless[i]));
    }
}

TEST_CASE("a fault ends with its own recovery, one that has none with a restart of the BMS", "[tinybms]")
{
    static const uint8_t with_recovery[][2] = {{0x02, 0x7B}, {0x03, 0x79}, {0x04, 0x73}, {0x05, 0x77}, {0x06, 0x76},
                                               {0x07, 0x78}, {0x0A, 0x75}, {0x31, 0x7A}, {0x37, 0x74}};
    for (size_t i = 0; i < sizeof(with_recovery) / sizeof(with_recovery[0]); i++) {
        ROW("event 0x%02X", with_recovery[i][0]);
        for (int id = 0x61; id <= 0x7D; id++) {
            ROW("recovery 0x%02X", id);
            TEST_ASSERT_EQUAL(id == with_recovery[i][1], tinybms_event_ends((uint8_t)id, with_recovery[i][0]));
        }
    }
    for (uint8_t fault = 0x0B; fault <= 0x0F; fault++) {
        ROW("event 0x%02X", fault);
        for (int id = 0x61; id <= 0x7D; id++) {
            ROW("recovery 0x%02X", id);
            TEST_ASSERT_EQUAL(id == 0x61, tinybms_event_ends((uint8_t)id, fault));
        }
    }
    TEST_ASSERT_FALSE(tinybms_event_ends(0x61, 0x0A));
    TEST_ASSERT_FALSE(tinybms_event_ends(0x61, 0x10)); /* nobody knows what it is */
}

TEST_CASE("the age of an event survives the overflow of the 24 bits of time", "[tinybms]")
{
    const tinybms_event_t event = {0xFFFFF0, 0x03};
    TEST_ASSERT_EQUAL_UINT32(0x30, tinybms_event_age_s(&event, 0x01000020));
}

TEST_CASE("a list runs the way that most of its steps go", "[tinybms]")
{
    static const struct {
        uint32_t times[5];
        size_t count;
        int32_t forward; /**< steps that go forward, less those that go back */
    } cases[] = {
        {{0}, 0, 0},
        {{100}, 1, 0},
        {{100, 100}, 2, 0},
        {{100, 101}, 2, 1},
        {{101, 100}, 2, -1},
        {{100, 100, 101}, 3, 1},
        {{101, 101, 100}, 3, -1},
        {{100, 200, 100}, 3, 0},
        {{100, 200, 150, 300}, 4, 1}, /* one stamp is ahead of its time */
        {{300, 150, 200, 100}, 4, -1},
        {{1, 2, 3, 4, 5}, 5, 4},
        {{0xFFFFFF, 0}, 2, 1}, /* 24 bits wrap */
        {{0, 0xFFFFFF}, 2, -1},
        {{0, 0x7FFFFF}, 2, 1}, /* the shorter way round */
        {{0, 0x800000}, 2, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        tinybms_event_t events[5] = {{0}};
        for (size_t k = 0; k < cases[i].count; k++) {
            events[k] = (tinybms_event_t){.time_s = cases[i].times[k], .id = 0x64};
        }
        TEST_ASSERT_EQUAL_INT32(cases[i].forward, tinybms_events_forward(events, cases[i].count));
    }
}
