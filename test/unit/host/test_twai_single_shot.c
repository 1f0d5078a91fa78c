/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* A node that tries each frame once, as can_victron has it: a suite of its own, because there is one controller. The
 * expectations are those of test_twai_states.c. For Linux only. */
#include "twai_bench.h"
#include "unity.h"

static void fail(twai_node_handle_t node, const twai_frame_t *frame, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        const size_t done = bench_count(BENCH_TX_DONE);
        TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, frame, 5000));
        bench_wait_for(BENCH_TX_DONE, done + 1);
    }
}

TEST_CASE("a frame that nobody acknowledges is tried once and told as failed", "[host]")
{
    static uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static twai_frame_t frame;
    twai_node_handle_t node = bench_begin(0);
    frame = bench_frame(0x351, data, 8);
    fail(node, &frame, 1);
    TEST_ASSERT_EQUAL(2, bench_events());
    TEST_ASSERT_EQUAL(BENCH_ERROR, bench_event(0)->kind); /* the reason first */
    TEST_ASSERT_TRUE(bench_event(0)->flags.ack_err);
    TEST_ASSERT_EQUAL(BENCH_TX_DONE, bench_event(1)->kind);
    TEST_ASSERT_FALSE(bench_event(1)->success);
    TEST_ASSERT_EQUAL(&frame, bench_event(1)->frame);
    TEST_ASSERT_EQUAL(8, bench_event(1)->status.tx_error_count);
    bench_connect_peer();
    TEST_ASSERT_TRUE(bench_peer_hears_nothing());
    TEST_ASSERT_EQUAL(2, bench_events());
    bench_end();
}

TEST_CASE("twelve frames that fail are a warning, which outlasts what it warned of", "[host]")
{
    static uint8_t data[1] = {1};
    static twai_frame_t frame;
    twai_node_handle_t node = bench_begin(0);
    frame = bench_frame(0x351, data, 1);
    fail(node, &frame, 11);
    TEST_ASSERT_EQUAL(0, bench_count(BENCH_STATE));
    fail(node, &frame, 1);
    TEST_ASSERT_EQUAL(1, bench_count(BENCH_STATE));
    TEST_ASSERT_EQUAL(TWAI_ERROR_WARNING, bench_event_of(BENCH_STATE, 0)->new_sta);
    TEST_ASSERT_EQUAL(96, bench_status().tx_error_count);
    bench_connect_peer();
    for (size_t i = 0; i < 96; i++) {
        TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, 5000));
        bench_wait_for(BENCH_TX_DONE, 13 + i);
    }
    TEST_ASSERT_EQUAL(0, bench_status().tx_error_count);
    TEST_ASSERT_EQUAL(TWAI_ERROR_WARNING, bench_status().state);
    TEST_ASSERT_EQUAL(1, bench_count(BENCH_STATE));
    bench_end();
}

TEST_CASE("the queue goes on after a frame that failed", "[host]")
{
    static uint8_t data[1] = {1};
    static twai_frame_t frames[3];
    twai_node_handle_t node = bench_begin(0);
    for (unsigned i = 0; i < 3; i++) {
        frames[i] = bench_frame(0x401 + i, data, 1);
        TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frames[i], 5000));
    }
    bench_wait_for(BENCH_TX_DONE, 3);
    for (unsigned i = 0; i < 3; i++) {
        TEST_ASSERT_EQUAL(&frames[i], bench_event_of(BENCH_TX_DONE, i)->frame);
        TEST_ASSERT_FALSE(bench_event_of(BENCH_TX_DONE, i)->success);
    }
    bench_end();
}
