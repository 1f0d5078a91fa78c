/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The TWAI driver of Linux against what that of ESP-IDF v5.5.5 does (esp_twai_onchip.c): frames, the queue, what is
 * told in which order, and when a node counts as idle. For Linux only. */
#include <stdatomic.h>
#include <string.h>

#include "can_bus_backend.h"
#include "twai_probe.h"
#include "unity.h"

#define FOR_EVER   (-1)
#define TIMEOUT_MS 5000

static twai_node_handle_t begin(void)
{
    return probe_begin(FOR_EVER);
}

/** The peer hears a frame next that begins and ends like this; between that stands a time. */
static void expect_heard(const char *head, const char *tail)
{
    const char *const text = bus_peer_hears();
    TEST_ASSERT_TRUE_MESSAGE(strncmp(text, head, strlen(head)) == 0, text);
    TEST_ASSERT_TRUE_MESSAGE(strlen(text) > strlen(tail), text);
    TEST_ASSERT_EQUAL_STRING(tail, &text[strlen(text) - strlen(tail)]);
}

TEST_CASE("a node that is not enabled neither sends nor hears", "[host]")
{
    uint8_t data[1] = {1};
    const twai_frame_t frame = probe_frame(0x100, data, 1);
    const can_bus_frame_t foreign = {.id = 0x123};
    twai_node_handle_t node = begin();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(node));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_transmit(node, &frame, 0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_transmit_wait_all_done(node, 0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_disable(node));
    TEST_ASSERT_EQUAL(TWAI_ERROR_BUS_OFF, probe_status().state);
    can_bus_received(&foreign);
    TEST_ASSERT_EQUAL(0, probe_events());
    probe_end();
}

TEST_CASE("an enabled node sends, hears, and refuses another set of callbacks", "[host]")
{
    uint8_t data[2] = {0xAB, 0xCD};
    const twai_frame_t frame = probe_frame(0x351, data, 2);
    const twai_event_callbacks_t none = {.on_tx_done = NULL};
    twai_node_handle_t node = begin();
    bus_connect_peer();
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_enable(node));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_recover(node));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_register_event_callbacks(node, &none, NULL));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, 0));
    expect_heard("< frame 351 ", " ABCD >");
    probe_wait_for(PROBE_TX_DONE, 1);
    TEST_ASSERT_TRUE(probe_event_of(PROBE_TX_DONE, 0)->success);
    TEST_ASSERT_EQUAL(&frame, probe_event_of(PROBE_TX_DONE, 0)->frame);
    bus_peer_sends("< send 305 3 1 2 3 >");
    probe_wait_for(PROBE_RX_DONE, 1);
    const probe_event_t *const got = probe_event_of(PROBE_RX_DONE, 0);
    const uint8_t expected[8] = {1, 2, 3, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE};
    TEST_ASSERT_EQUAL(0x305, got->received.id);
    TEST_ASSERT_EQUAL(3, got->received.dlc);
    TEST_ASSERT_EQUAL_MEMORY(expected, got->data, 8);
    TEST_ASSERT_EQUAL(0, probe_count(PROBE_STATE) + probe_count(PROBE_ERROR));
    probe_end();
}

TEST_CASE("NULL is refused", "[host]")
{
    const twai_event_callbacks_t none = {.on_tx_done = NULL};
    const twai_frame_t frame = {.header = {.id = 1}};
    twai_node_handle_t node = begin();
    twai_frame_t received = {.buffer_len = 0};
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_enable(NULL));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_disable(NULL));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_recover(NULL));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_get_info(NULL, NULL, NULL));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_register_event_callbacks(NULL, &none, NULL));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_register_event_callbacks(node, NULL, NULL));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_transmit(NULL, &frame, 0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_transmit(node, NULL, 0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_transmit_wait_all_done(NULL, 0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_receive_from_isr(NULL, &received));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_receive_from_isr(node, NULL));
    probe_end();
}

TEST_CASE("lengths that do not agree are refused, also while the node is off", "[host]")
{
    uint8_t data[9] = {0};
    twai_frame_t frame = probe_frame(0x100, data, 8);
    twai_node_handle_t node = begin();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(node));
    frame.header.dlc = 4;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_transmit(node, &frame, 0));
    frame.header.dlc = 9;
    frame.buffer_len = 9;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_transmit(node, &frame, 0));
    frame.header.dlc = 16;
    frame.buffer_len = 0;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_transmit(node, &frame, 0));
    frame.header.dlc = 8;
    frame.header.brs = 1;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_transmit(node, &frame, 0));
    frame.header.brs = 0;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_transmit(node, &frame, 0));
    probe_end();
}

TEST_CASE("the length of a frame is its DLC, or else that of its buffer", "[host]")
{
    static uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static twai_frame_t frames[2];
    twai_node_handle_t node = begin();
    frames[0] = (twai_frame_t){.header = {.id = 0x101, .dlc = 2}, .buffer = data};
    frames[1] = (twai_frame_t){.header = {.id = 0x102}, .buffer = data, .buffer_len = 3};
    bus_connect_peer();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frames[0], 0));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frames[1], 0));
    expect_heard("< frame 101 ", " 0102 >");
    expect_heard("< frame 102 ", " 010203 >");
    probe_end();
}

TEST_CASE("a remote frame goes out without data, and comes in without touching the buffer", "[host]")
{
    static const twai_frame_t ask = {.header = {.id = 0x305, .dlc = 8, .rtr = 1}};
    const can_bus_frame_t asked = {.id = 0x306, .remote = true, .dlc = 4};
    const uint8_t untouched[8] = {0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE};
    twai_node_handle_t node = begin();
    bus_connect_peer();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &ask, 0));
    expect_heard("< frame 305 ", "  >");
    can_bus_received(&asked);
    TEST_ASSERT_EQUAL(1, probe_event_of(PROBE_RX_DONE, 0)->received.rtr);
    TEST_ASSERT_EQUAL(4, probe_event_of(PROBE_RX_DONE, 0)->received.dlc);
    TEST_ASSERT_EQUAL_MEMORY(untouched, probe_event_of(PROBE_RX_DONE, 0)->data, 8);
    probe_end();
}

TEST_CASE("a frame can be received in the callback only", "[host]")
{
    uint8_t data[8];
    twai_frame_t frame = {.buffer = data, .buffer_len = sizeof(data)};
    twai_node_handle_t node = begin();
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_receive_from_isr(node, &frame));
    probe_end();
}

TEST_CASE("the queue holds pointers: what goes out late is what stands there then", "[host]")
{
    static uint8_t shared[1];
    static twai_frame_t frame;
    twai_node_handle_t node = begin();
    frame = probe_frame(0x100, shared, 1);
    shared[0] = 1;
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, 0)); /* in the controller: 1 */
    shared[0] = 2;
    TEST_ASSERT_EQUAL(2, probe_status().tx_queue_remaining);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, 0)); /* queued */
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, 0)); /* queued */
    TEST_ASSERT_EQUAL(0, probe_status().tx_queue_remaining);
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT, twai_node_transmit(node, &frame, 0));
    shared[0] = 9;
    bus_connect_peer();
    expect_heard("< frame 100 ", " 01 >");
    expect_heard("< frame 100 ", " 09 >");
    expect_heard("< frame 100 ", " 09 >");
    probe_wait_for(PROBE_TX_DONE, 3);
    probe_end();
}

TEST_CASE("enabling again sends the frame in flight anew, from where it stands", "[host]")
{
    static uint8_t data[1];
    static twai_frame_t frame;
    twai_node_handle_t node = begin();
    frame = probe_frame(0x103, data, 1);
    data[0] = 1;
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, 0));
    probe_wait_for(PROBE_ERROR, 3); /* nobody acknowledges it */
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(node));
    TEST_ASSERT_GREATER_THAN(0, probe_status().tx_error_count);
    TEST_ASSERT_EQUAL(0, probe_count(PROBE_TX_DONE));
    const uint32_t errors = probe_bus_errors();
    bus_connect_peer();
    data[0] = 7;
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(node));
    expect_heard("< frame 103 ", " 07 >");
    probe_wait_for(PROBE_TX_DONE, 1);
    TEST_ASSERT_EQUAL(0, probe_event_of(PROBE_TX_DONE, 0)->status.tx_error_count); /* enabling has cleared it */
    TEST_ASSERT_EQUAL(errors, probe_bus_errors());                                 /* but not this */
    probe_end();
}

static _Atomic(twai_node_handle_t) s_sender;
static twai_frame_t s_more[3];
static atomic_int s_results[3];

static void send_three(void)
{
    probe_on_done(NULL);
    for (int i = 0; i < 3; i++) {
        atomic_store(&s_results[i], twai_node_transmit(atomic_load(&s_sender), &s_more[i], TIMEOUT_MS));
    }
}

TEST_CASE("in an interrupt the timeout of a transmission plays no role: a full queue refuses at once", "[host]")
{
    static uint8_t data[1] = {0};
    static twai_frame_t first;
    twai_node_handle_t node = begin();
    atomic_store(&s_sender, node);
    first = probe_frame(0x200, data, 1);
    for (unsigned i = 0; i < 3; i++) {
        s_more[i] = probe_frame(0x201 + i, data, 1);
    }
    probe_on_done(send_three);
    bus_connect_peer();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &first, 0));
    expect_heard("< frame 200 ", " 00 >");
    expect_heard("< frame 201 ", " 00 >");
    expect_heard("< frame 202 ", " 00 >");
    probe_wait_for(PROBE_TX_DONE, 3);
    TEST_ASSERT_EQUAL(ESP_OK, atomic_load(&s_results[0])); /* the node still counts as busy: both are queued */
    TEST_ASSERT_EQUAL(ESP_OK, atomic_load(&s_results[1]));
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT, atomic_load(&s_results[2]));
    probe_end();
}

TEST_CASE("that all is done is told late, and then it may be told of the frame before", "[host]")
{
    static uint8_t data[1] = {0};
    static twai_frame_t frames[2];
    twai_node_handle_t node = begin();
    frames[0] = probe_frame(0x201, data, 1);
    frames[1] = probe_frame(0x202, data, 1);
    bus_hold_timer_task();
    bus_connect_peer();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frames[0], 0));
    probe_wait_for(PROBE_TX_DONE, 1);
    while (twai_node_transmit_wait_all_done(node, 0) != ESP_OK) { /* until the interrupt has ended: nothing is held */
    }
    bus_disconnect_peer();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frames[1], 0));
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT, twai_node_transmit_wait_all_done(node, 20));
    bus_release_timer_task();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit_wait_all_done(node, TIMEOUT_MS));
    TEST_ASSERT_EQUAL(1, probe_count(PROBE_TX_DONE)); /* the second frame is still under way */
    probe_end();
}

TEST_CASE("who waits for all to be done waits for the queue too", "[host]")
{
    static uint8_t data[1] = {0};
    static twai_frame_t frames[3];
    twai_node_handle_t node = begin();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit_wait_all_done(node, 0));
    for (unsigned i = 0; i < 3; i++) {
        frames[i] = probe_frame(0x301 + i, data, 1);
        TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frames[i], 0));
    }
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT, twai_node_transmit_wait_all_done(node, 0));
    bus_connect_peer();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit_wait_all_done(node, TIMEOUT_MS));
    TEST_ASSERT_EQUAL(3, probe_count(PROBE_TX_DONE));
    probe_end();
}
