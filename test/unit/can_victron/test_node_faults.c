/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The node on a driver that plays its races, and what else leaves it in a state that only a good day ends. Time is an
 * argument, so that an hour takes milliseconds. For Linux only. Long, because all cases play on the same fake node. */
#include "../row.h"
#include "../../../components/can_victron/can_node.h"

#include <string.h>

#include "fake_log.h"
#include "fake_twai.h"
#include "sdkconfig.h"
#include "unity.h"

#define TURN_MS    50  /* the task looks that often */
#define SEND_MS    100 /* and has a frame that often */
#define STALLED_MS 250 /* docs/architecture.md: a frame on which the controller sits for longer is taken out */
#define AGAIN_MS   500 /* a node that is in order sends within this time, whatever was before */
#define HOUR_MS    3600000

static can_node_t s_node;
static int64_t s_now_ms;
static int64_t s_next_frame_ms;
static bool s_may_send;
static uint32_t s_stale; /* frames with which the controller began although they were not made at that moment */
static uint32_t s_told;  /* frames that the node has told as sent */

/** Every frame holds the time at which it was made. */
static victron_frame_t frame_of_now(uint16_t id)
{
    victron_frame_t frame = {.id = id, .dlc = sizeof(s_now_ms)};
    memcpy(frame.data, &s_now_ms, sizeof(s_now_ms));
    return frame;
}

static void look_at_start(const twai_frame_t *frame)
{
    int64_t made_ms = 0;
    memcpy(&made_ms, frame->buffer, sizeof(made_ms));
    s_stale += made_ms == s_now_ms ? 0 : 1;
}

/** What can_victron does with the node in a turn. */
static can_node_tx_t turn(void)
{
    victron_frame_t frame;
    fake_twai_run();
    can_node_tx_t tx = can_node_poll(&s_node, s_now_ms, &frame);
    if (tx == CAN_NODE_SENT) {
        s_told++;
        tx = can_node_poll(&s_node, s_now_ms, &frame);
    }
    if (tx == CAN_NODE_STALLED) {
        const victron_frame_t fresh = frame_of_now(0x351);
        can_node_restart(&s_node, s_may_send ? &fresh : NULL, s_now_ms);
    } else if (tx == CAN_NODE_IDLE && s_may_send && s_now_ms >= s_next_frame_ms) {
        const victron_frame_t next = frame_of_now(0x355);
        s_next_frame_ms = s_now_ms + SEND_MS;
        (void)can_node_send(&s_node, &next, s_now_ms);
    }
    return tx;
}

static void run_for(int64_t ms)
{
    for (const int64_t end_ms = s_now_ms + ms; s_now_ms < end_ms; s_now_ms += TURN_MS) {
        (void)turn();
    }
}

static void open_node(void)
{
    if (s_node.received != NULL) {
        vQueueDelete(s_node.received); /* of the case before */
    }
    s_now_ms = 1000;
    s_next_frame_ms = 0;
    s_may_send = true;
    s_stale = 0;
    s_told = 0;
    fake_log_reset("refuses");
    TEST_ASSERT_EQUAL(ESP_OK, can_node_open(&s_node, xTaskGetCurrentTaskHandle(), 500000, s_now_ms));
}

static void begin(void)
{
    fake_twai_reset();
    fake_twai.on_start = look_at_start;
    open_node();
}

/** A frame is stuck, and would be taken out in the next turn. */
static void begin_with_a_stuck_frame(void)
{
    begin();
    fake_twai.wires = WIRES_HELD;
    run_for(STALLED_MS);
    TEST_ASSERT_EQUAL(1, fake_twai.started);
    TEST_ASSERT_EQUAL(0, fake_twai.disables);
}

/** The bus is free: the node is on it and sends, nothing old was sent before that, and nothing has been queued. */
static void assert_it_sends(int64_t within_ms)
{
    fake_twai.wires = WIRES_FREE;
    run_for(within_ms);
    const uint32_t sent = fake_twai.sent;
    const uint32_t told = s_told;
    run_for(1000);
    TEST_ASSERT_GREATER_OR_EQUAL(sent + 9, fake_twai.sent);
    TEST_ASSERT_EQUAL(fake_twai.sent - sent, s_told - told);
    TEST_ASSERT_TRUE(can_node_works(&s_node));
    TEST_ASSERT_EQUAL(0, can_node_refusing_ms(&s_node, s_now_ms));
    TEST_ASSERT_EQUAL(0, s_stale);
    TEST_ASSERT_EQUAL(0, fake_twai.queued);
}

TEST_CASE("a node that an interrupt has left off and counted as on is enabled in the same turn", "[can_victron_faults]")
{
    const fake_race_t races[] = {RACE_STATE, RACE_BUS_OFF};
    for (size_t i = 0; i < 2; i++) {
        ROW("races[%zu]", i);
        begin_with_a_stuck_frame();
        fake_twai.race = races[i];
        fake_twai.races = 1;
        TEST_ASSERT_EQUAL(CAN_NODE_STALLED, turn());
        TEST_ASSERT_TRUE(can_node_works(&s_node));
        TEST_ASSERT_EQUAL(races[i] == RACE_STATE ? 1 : 0, can_node_status(&s_node)->enable_refused);
        TEST_ASSERT_EQUAL(2, fake_twai.started); /* a fresh one in its place */
        assert_it_sends(AGAIN_MS);
    }
}

TEST_CASE("the interrupt runs into every stop of the node for an hour: never off for a turn", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.race = RACE_STATE;
    for (int64_t ms = 0; ms < HOUR_MS; ms += TURN_MS) {
        fake_twai.races = 1;
        run_for(TURN_MS);
        TEST_ASSERT_TRUE(can_node_works(&s_node));
    }
    TEST_ASSERT_EQUAL(HOUR_MS / STALLED_MS, can_node_status(&s_node)->enable_refused);
    TEST_ASSERT_EQUAL(HOUR_MS / STALLED_MS, can_node_status(&s_node)->tx_stalled);
    TEST_ASSERT_EQUAL(0, fake_log_complaints());
    fake_twai.races = 0;
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("a node that refuses for an hour comes back, is counted, and told once a minute", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.race = RACE_STATE;
    fake_twai.races = FAKE_FOR_EVER;
    const int64_t since_ms = s_now_ms;
    run_for(HOUR_MS);
    TEST_ASSERT_FALSE(can_node_works(&s_node));
    TEST_ASSERT_EQUAL(HOUR_MS, can_node_refusing_ms(&s_node, since_ms + HOUR_MS));
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_STOPPED, can_node_status(&s_node)->state);
    TEST_ASSERT_TRUE(can_node_status(&s_node)->refusing);
    TEST_ASSERT_EQUAL(HOUR_MS / 250, can_node_status(&s_node)->enable_refused);
    TEST_ASSERT_EQUAL(60, fake_log_found());
    TEST_ASSERT_EQUAL(60, fake_log_complaints());
    TEST_ASSERT_EQUAL(1, fake_twai.started);
    fake_twai.races = 0;
    assert_it_sends(AGAIN_MS);
    TEST_ASSERT_FALSE(can_node_status(&s_node)->refusing);
}

TEST_CASE("a node that refuses no more on a bus that is still held for an hour does not count as refusing",
          "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.refuse_enable = FAKE_FOR_EVER;
    run_for(10000);
    fake_twai.refuse_enable = 0;
    run_for(AGAIN_MS);
    for (int64_t ms = 0; ms < HOUR_MS; ms += TURN_MS) {
        run_for(TURN_MS);
        TEST_ASSERT_EQUAL(0, can_node_refusing_ms(&s_node, s_now_ms));
    }
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("a node that fails to be enabled without a trace is tried on", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.refuse_enable = FAKE_FOR_EVER;
    run_for(60000);
    TEST_ASSERT_EQUAL(60000, can_node_refusing_ms(&s_node, s_now_ms));
    fake_twai.refuse_enable = 0;
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("a node that refuses at the start is tried on", "[can_victron_faults]")
{
    fake_twai_reset();
    fake_twai.on_start = look_at_start;
    fake_twai.refuse_enable = FAKE_FOR_EVER;
    open_node();
    TEST_ASSERT_FALSE(can_node_works(&s_node));
    run_for(10000);
    TEST_ASSERT_EQUAL(10000, can_node_refusing_ms(&s_node, s_now_ms));
    TEST_ASSERT_EQUAL(0, fake_twai.started);
    fake_twai.refuse_enable = 0;
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("a node that cannot be disabled refuses too, until its frame is done", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.refuse_disable = FAKE_FOR_EVER;
    run_for(30000);
    TEST_ASSERT_EQUAL(30000, can_node_refusing_ms(&s_node, s_now_ms));
    TEST_ASSERT_EQUAL(30000 / 250, fake_twai.disables);
    assert_it_sends(AGAIN_MS); /* of what was stuck the controller has begun with at its time */
    TEST_ASSERT_EQUAL(0, can_node_status(&s_node)->tx_stalled);
}

TEST_CASE("a node that was disabled, and has told the contrary, comes back within 7 s", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.disable_unsure = 1;
    run_for(TURN_MS);
    assert_it_sends(7000);
}

TEST_CASE("a node in which nothing may be sent is disabled, which is no refusal, for an hour", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    s_may_send = false;
    run_for(TURN_MS);
    const uint32_t enables = fake_twai.enables;
    for (int64_t ms = 0; ms < HOUR_MS; ms += TURN_MS) {
        run_for(TURN_MS);
        TEST_ASSERT_EQUAL(0, can_node_refusing_ms(&s_node, s_now_ms));
    }
    TEST_ASSERT_FALSE(can_node_works(&s_node));
    TEST_ASSERT_EQUAL(enables, fake_twai.enables);
    fake_twai.wires = WIRES_FREE;
    run_for(1000);
    TEST_ASSERT_EQUAL(0, fake_twai.sent);
    s_may_send = true;
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("a node that refuses stops counting while nothing may be sent, and counts on", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.refuse_enable = FAKE_FOR_EVER;
    run_for(20000);
    TEST_ASSERT_EQUAL(20000, can_node_refusing_ms(&s_node, s_now_ms));
    s_may_send = false;
    run_for(20000);
    TEST_ASSERT_EQUAL(0, can_node_refusing_ms(&s_node, s_now_ms));
    s_may_send = true;
    run_for(20000);
    TEST_ASSERT_EQUAL(40000, can_node_refusing_ms(&s_node, s_now_ms));
    fake_twai.refuse_enable = 0;
    assert_it_sends(AGAIN_MS);
    TEST_ASSERT_EQUAL(0, can_node_refusing_ms(&s_node, s_now_ms));
}

TEST_CASE("bus-off on a bus that is held for an hour is no refusal, and brings nothing old", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai_go_bus_off();
    for (int64_t ms = 0; ms < HOUR_MS; ms += TURN_MS) {
        run_for(TURN_MS);
        TEST_ASSERT_EQUAL(0, can_node_refusing_ms(&s_node, s_now_ms));
    }
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_BUS_OFF, can_node_status(&s_node)->state);
    TEST_ASSERT_EQUAL(1, can_node_status(&s_node)->bus_off_count);
    TEST_ASSERT_EQUAL(1, fake_log_complaints());
    TEST_ASSERT_EQUAL(1, fake_twai.started);
    TEST_ASSERT_EQUAL(HOUR_MS / 6000 * 5, fake_twai.recoveries); /* every sixth time it is looked at */
    TEST_ASSERT_EQUAL(0, can_node_status(&s_node)->recoveries);
    assert_it_sends(AGAIN_MS);
    TEST_ASSERT_EQUAL(1, can_node_status(&s_node)->recoveries);
}

TEST_CASE("each bus-off is given 5 s to end by itself", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    for (int i = 0; i < 3; i++) {
        const uint32_t enables = fake_twai.enables;
        fake_twai.wires = WIRES_HELD;
        fake_twai_go_bus_off();
        run_for(5000);
        fake_twai.wires = WIRES_FREE;
        run_for(TURN_MS);
        TEST_ASSERT_EQUAL(enables, fake_twai.enables);
        TEST_ASSERT_EQUAL(i + 1, can_node_status(&s_node)->recoveries);
    }
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("a recovery of which the driver has missed the end is ended within 7 s, with a fresh frame",
          "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.lose_recoveries = FAKE_FOR_EVER;
    fake_twai_go_bus_off();
    assert_it_sends(7000);
    TEST_ASSERT_EQUAL(1, can_node_status(&s_node)->recoveries);
}

TEST_CASE("a recovery of which the driver has missed the end is not ended while nothing may be sent",
          "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.lose_recoveries = FAKE_FOR_EVER;
    fake_twai.wires = WIRES_FREE;
    fake_twai_go_bus_off();
    s_may_send = false;
    run_for(60000);
    TEST_ASSERT_EQUAL(1, fake_twai.started);
    s_may_send = true;
    assert_it_sends(7000);
}

TEST_CASE("bus-off right behind a refusal ends the refusal, and is recovered from", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.refuse_disable = FAKE_FOR_EVER;
    run_for(10000);
    TEST_ASSERT_EQUAL(10000, can_node_refusing_ms(&s_node, s_now_ms));
    fake_twai_go_bus_off();
    run_for(10000);
    TEST_ASSERT_EQUAL(0, can_node_refusing_ms(&s_node, s_now_ms));
    fake_twai.refuse_disable = 0;
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("bus-off between look and stop of the node is recovered from, not taken for a refusal",
          "[can_victron_faults]")
{
    victron_frame_t frame;
    begin_with_a_stuck_frame();
    TEST_ASSERT_EQUAL(CAN_NODE_STALLED, can_node_poll(&s_node, s_now_ms, &frame));
    fake_twai_go_bus_off();
    const victron_frame_t fresh = frame_of_now(0x351);
    can_node_restart(&s_node, &fresh, s_now_ms);
    TEST_ASSERT_FALSE(can_node_status(&s_node)->refusing);
    TEST_ASSERT_EQUAL(1, fake_twai.started);
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("bus-off and a node that refuses behind it: both end, in either order", "[can_victron_faults]")
{
    for (int order = 0; order < 2; order++) {
        ROW("order %d", order);
        begin_with_a_stuck_frame();
        fake_twai_go_bus_off();
        run_for(3000);
        fake_twai.race = RACE_STATE;
        fake_twai.races = 40;
        if (order == 1) { /* the recovered node is held up at once, and raced each time it is stopped */
            fake_twai.wires = WIRES_FREE;
            run_for(1100);
            fake_twai.wires = WIRES_HELD;
            run_for(30000);
            fake_twai_go_bus_off();
        }
        assert_it_sends(11000);
    }
}

TEST_CASE("a frame of which the driver never hears is taken out after 250 ms", "[can_victron_faults]")
{
    begin();
    fake_twai.lose_interrupts = 1;
    run_for(STALLED_MS);
    TEST_ASSERT_EQUAL(1, fake_twai.sent);
    TEST_ASSERT_EQUAL(0, fake_twai.disables);
    fake_twai_receive(0x305);
    fake_twai_receive(0x307);
    run_for(TURN_MS);
    TEST_ASSERT_EQUAL(1, fake_twai.disables);
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("a frame is stalled although the driver says that it holds none, and its place in the queue stays empty",
          "[can_victron_faults]")
{
    begin();
    fake_twai.hold_timer_task = true;
    fake_twai_receive(0x305);
    fake_twai_receive(0x307);
    fake_twai_receive(0x305);
    run_for(SEND_MS);
    TEST_ASSERT_EQUAL(1, fake_twai.sent);
    fake_twai.wires = WIRES_HELD;
    run_for(TURN_MS);
    TEST_ASSERT_EQUAL(2, fake_twai.started);
    fake_twai_receive(0x305); /* whose frame it was that has held the bus up */
    fake_twai.hold_timer_task = false;
    run_for(TURN_MS);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit_wait_all_done(s_node.node, 0));
    run_for(10000);
    TEST_ASSERT_GREATER_OR_EQUAL(10000 / (STALLED_MS + TURN_MS), can_node_status(&s_node)->tx_stalled);
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("a frame that the driver has forgotten is given up when others are heard", "[can_victron_faults]")
{
    for (int how = 0; how < 2; how++) {
        ROW("how %d", how);
        if (how == 0) {
            begin();
            fake_twai.lose_callbacks = 1;
        } else {
            begin_with_a_stuck_frame();
            fake_twai.race = RACE_FORGETS;
            fake_twai.races = 1;
            run_for(TURN_MS);
            fake_twai.wires = WIRES_FREE;
        }
        run_for(5000); /* nobody is there */
        const uint32_t started = fake_twai.started;
        run_for(5000);
        TEST_ASSERT_EQUAL(started, fake_twai.started);
        fake_twai_receive(0x305);
        run_for(TURN_MS);
        fake_twai_receive(0x307);
        assert_it_sends(AGAIN_MS);
    }
}

TEST_CASE("a frame that is done while the node is being stopped is told once, and the node goes on",
          "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.race = RACE_DONE;
    fake_twai.races = 1;
    run_for(TURN_MS);
    TEST_ASSERT_FALSE(can_node_works(&s_node));
    run_for(TURN_MS);
    TEST_ASSERT_EQUAL(1, s_told);
    TEST_ASSERT_TRUE(can_node_works(&s_node));
    TEST_ASSERT_EQUAL(1, fake_twai.started);
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("likewise when nothing may be sent any more: it stays off until something may", "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    fake_twai.race = RACE_DONE;
    fake_twai.races = 1;
    s_may_send = false;
    run_for(10000);
    TEST_ASSERT_EQUAL(1, s_told);
    TEST_ASSERT_EQUAL(1, fake_twai.started);
    s_may_send = true;
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("callbacks that come late, and twice, behind a restart of the node do no harm", "[can_victron_faults]")
{
    begin();
    fake_twai.hold_callbacks = true;
    run_for(STALLED_MS + TURN_MS);
    TEST_ASSERT_EQUAL(2, fake_twai.started);
    fake_twai_tell_done();
    fake_twai_tell_done();
    run_for(2 * TURN_MS);
    fake_twai_tell_done();
    fake_twai.hold_callbacks = false;
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("without a peer every try is a failed one with fresh content, for an hour", "[can_victron_faults]")
{
    begin();
    fake_twai.wires = WIRES_SILENT;
    run_for(HOUR_MS);
    TEST_ASSERT_EQUAL(0, can_node_status(&s_node)->tx_stalled);
    TEST_ASSERT_GREATER_THAN(HOUR_MS / SEND_MS / 2, can_node_status(&s_node)->tx_failed);
    TEST_ASSERT_EQUAL(0, fake_log_complaints());
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("a frame that the driver does not take is counted and not in flight", "[can_victron_faults]")
{
    begin();
    fake_twai_go_bus_off();
    const victron_frame_t frame = frame_of_now(0x351);
    TEST_ASSERT_FALSE(can_node_send(&s_node, &frame, s_now_ms));
    TEST_ASSERT_EQUAL(1, can_node_status(&s_node)->tx_refused);
    assert_it_sends(AGAIN_MS);
}

TEST_CASE("received frames that find the queue full are dropped and counted, the others are there in order",
          "[can_victron_faults]")
{
    event_bus_can_frame_t frame;
    begin();
    for (uint32_t i = 0; i < CONFIG_TINYBMS_CAN_VICTRON_RX_QUEUE + 5; i++) {
        fake_twai_receive(0x100 + i);
    }
    for (uint32_t i = 0; i < CONFIG_TINYBMS_CAN_VICTRON_RX_QUEUE; i++) {
        TEST_ASSERT_TRUE(can_node_receive(&s_node, &frame));
        TEST_ASSERT_EQUAL(0x100 + i, frame.id);
    }
    TEST_ASSERT_FALSE(can_node_receive(&s_node, &frame));
    TEST_ASSERT_EQUAL(5, can_node_status(&s_node)->rx_dropped);
    TEST_ASSERT_EQUAL(CONFIG_TINYBMS_CAN_VICTRON_RX_QUEUE, can_node_status(&s_node)->rx_frames);
    assert_it_sends(AGAIN_MS);
}

/* ---- another bit rate ---- */

static void assert_it_has(uint32_t bitrate)
{
    TEST_ASSERT_EQUAL(bitrate, fake_twai.bitrate);
    assert_it_sends(AGAIN_MS);
    TEST_ASSERT_EQUAL(bitrate, fake_twai.bitrate);
}

TEST_CASE("another bit rate is there in the next turn, and back in the next, while frames go out",
          "[can_victron_faults]")
{
    begin();
    TEST_ASSERT_EQUAL(500000, fake_twai.bitrate);
    run_for(1000);
    can_node_set_bitrate(&s_node, 250000);
    (void)turn();
    assert_it_has(250000);
    can_node_set_bitrate(&s_node, 500000);
    (void)turn();
    assert_it_has(500000);
    TEST_ASSERT_EQUAL(0, can_node_status(&s_node)->tx_stalled);
    TEST_ASSERT_EQUAL(0, can_node_status(&s_node)->enable_refused);
}

TEST_CASE("the bit rate that it has takes no node off the bus", "[can_victron_faults]")
{
    begin();
    run_for(1000);
    can_node_set_bitrate(&s_node, 500000);
    run_for(1000);
    TEST_ASSERT_EQUAL(0, fake_twai.disables);
}

TEST_CASE("a node in which nothing is to be sent has another bit rate in the next turn, and hears",
          "[can_victron_faults]")
{
    begin();
    s_may_send = false;
    run_for(1000);
    can_node_set_bitrate(&s_node, 250000);
    (void)turn();
    TEST_ASSERT_EQUAL(250000, fake_twai.bitrate);
    TEST_ASSERT_TRUE(can_node_works(&s_node));
    s_may_send = true;
    assert_it_has(250000);
}

TEST_CASE("a frame in flight is not waited for at another bit rate: a fresh one goes out in its place",
          "[can_victron_faults]")
{
    begin();
    fake_twai.wires = WIRES_HELD;
    run_for(2 * TURN_MS);
    TEST_ASSERT_EQUAL(1, fake_twai.started);
    can_node_set_bitrate(&s_node, 250000);
    TEST_ASSERT_EQUAL(CAN_NODE_STALLED, turn());
    TEST_ASSERT_EQUAL(2, fake_twai.started);
    TEST_ASSERT_EQUAL(0, s_stale);
    assert_it_has(250000);
}

TEST_CASE("a stuck frame that may not be replaced: the node stays off, and comes back with the other bit rate",
          "[can_victron_faults]")
{
    begin_with_a_stuck_frame();
    s_may_send = false;
    can_node_set_bitrate(&s_node, 250000);
    run_for(5000);
    TEST_ASSERT_EQUAL(1, fake_twai.started);
    TEST_ASSERT_EQUAL(0, can_node_refusing_ms(&s_node, s_now_ms));
    s_may_send = true;
    assert_it_sends(AGAIN_MS);
    TEST_ASSERT_EQUAL(250000, fake_twai.bitrate);
}

TEST_CASE("a node that cannot be set to another bit rate refuses, and sends nothing at the old one",
          "[can_victron_faults]")
{
    int32_t *const refusals[] = {&fake_twai.refuse_disable, &fake_twai.refuse_timing};
    for (size_t i = 0; i < 2; i++) {
        ROW("refusals[%zu]", i);
        begin();
        run_for(1000);
        *refusals[i] = FAKE_FOR_EVER;
        can_node_set_bitrate(&s_node, 250000);
        (void)turn();
        const uint32_t started = fake_twai.started;
        run_for(30000);
        TEST_ASSERT_EQUAL(started, fake_twai.started);
        TEST_ASSERT_EQUAL(500000, fake_twai.bitrate);
        TEST_ASSERT_FALSE(can_node_works(&s_node));
        TEST_ASSERT_GREATER_OR_EQUAL(30000 - TURN_MS, can_node_refusing_ms(&s_node, s_now_ms));
        TEST_ASSERT_GREATER_OR_EQUAL(1, fake_log_complaints());
        *refusals[i] = 0;
        run_for(AGAIN_MS);
        assert_it_has(250000);
    }
}

TEST_CASE("the interrupt runs into the stop for another bit rate: it is set all the same", "[can_victron_faults]")
{
    const fake_race_t races[] = {RACE_STATE, RACE_BUS_OFF, RACE_DONE};
    for (size_t i = 0; i < sizeof(races) / sizeof(races[0]); i++) {
        ROW("races[%zu]", i);
        begin();
        fake_twai.wires = WIRES_HELD;
        run_for(2 * TURN_MS);
        fake_twai.race = races[i];
        fake_twai.races = 1;
        can_node_set_bitrate(&s_node, 250000);
        run_for(AGAIN_MS);
        fake_twai.wires = WIRES_FREE;
        run_for(AGAIN_MS);
        assert_it_has(250000);
    }
}

TEST_CASE("a node in bus-off comes out of it first, and has the other bit rate then", "[can_victron_faults]")
{
    begin();
    run_for(1000);
    fake_twai_go_bus_off();
    fake_twai.wires = WIRES_HELD;
    run_for(2000);
    can_node_set_bitrate(&s_node, 250000);
    run_for(2000);
    TEST_ASSERT_EQUAL(0, can_node_refusing_ms(&s_node, s_now_ms));
    fake_twai.wires = WIRES_FREE;
    run_for(7000);
    assert_it_has(250000);
}
