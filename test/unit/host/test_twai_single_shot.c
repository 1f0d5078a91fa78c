/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* A node that tries each frame once, as can_victron has it: a suite of its own, because there is one controller. The
 * expectations are those of test_twai_states.c. For Linux only. */
#include "twai_probe.h"
#include "unity.h"

static void fail(twai_node_handle_t node, const twai_frame_t *frame, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        const size_t done = probe_count(PROBE_TX_DONE);
        TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, frame, 5000));
        probe_wait_for(PROBE_TX_DONE, done + 1);
    }
}

TEST_CASE("a frame that nobody acknowledges is tried once and told as failed", "[host]")
{
    static uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static twai_frame_t frame;
    twai_node_handle_t node = probe_begin(0);
    frame = probe_frame(0x351, data, 8);
    fail(node, &frame, 1);
    TEST_ASSERT_EQUAL(2, probe_events());
    TEST_ASSERT_EQUAL(PROBE_ERROR, probe_event(0)->kind); /* the reason first */
    TEST_ASSERT_TRUE(probe_event(0)->flags.ack_err);
    TEST_ASSERT_EQUAL(PROBE_TX_DONE, probe_event(1)->kind);
    TEST_ASSERT_FALSE(probe_event(1)->success);
    TEST_ASSERT_EQUAL(&frame, probe_event(1)->frame);
    TEST_ASSERT_EQUAL(8, probe_event(1)->status.tx_error_count);
    bus_connect_peer();
    TEST_ASSERT_TRUE(bus_peer_hears_nothing());
    TEST_ASSERT_EQUAL(2, probe_events());
    probe_end();
}

TEST_CASE("twelve frames that fail are a warning, which outlasts what it warned of", "[host]")
{
    static uint8_t data[1] = {1};
    static twai_frame_t frame;
    twai_node_handle_t node = probe_begin(0);
    frame = probe_frame(0x351, data, 1);
    fail(node, &frame, 11);
    TEST_ASSERT_EQUAL(0, probe_count(PROBE_STATE));
    fail(node, &frame, 1);
    TEST_ASSERT_EQUAL(1, probe_count(PROBE_STATE));
    TEST_ASSERT_EQUAL(TWAI_ERROR_WARNING, probe_event_of(PROBE_STATE, 0)->new_sta);
    TEST_ASSERT_EQUAL(96, probe_status().tx_error_count);
    bus_connect_peer();
    for (size_t i = 0; i < 96; i++) {
        TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, 5000));
        probe_wait_for(PROBE_TX_DONE, 13 + i);
    }
    TEST_ASSERT_EQUAL(0, probe_status().tx_error_count);
    TEST_ASSERT_EQUAL(TWAI_ERROR_WARNING, probe_status().state);
    TEST_ASSERT_EQUAL(1, probe_count(PROBE_STATE));
    probe_end();
}

TEST_CASE("the queue goes on after a frame that failed", "[host]")
{
    static uint8_t data[1] = {1};
    static twai_frame_t frames[3];
    twai_node_handle_t node = probe_begin(0);
    for (unsigned i = 0; i < 3; i++) {
        frames[i] = probe_frame(0x401 + i, data, 1);
        TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frames[i], 5000));
    }
    probe_wait_for(PROBE_TX_DONE, 3);
    for (unsigned i = 0; i < 3; i++) {
        TEST_ASSERT_EQUAL(&frames[i], probe_event_of(PROBE_TX_DONE, i)->frame);
        TEST_ASSERT_FALSE(probe_event_of(PROBE_TX_DONE, i)->success);
    }
    probe_end();
}
