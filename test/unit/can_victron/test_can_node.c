/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The node of can_victron on the driver of host/, in cases that need the timer task or the controller to do something
 * at a given moment. What it does over longer times is in test/integration/test_can_bus.py. For Linux only. */
#include "../../../components/can_victron/can_node.h"

#include <string.h>

#include "../host/peer_bus.h"
#include "can_bus_backend.h"
#include "freertos/task.h"
#include "unity.h"

#define STALLED_MS 250 /* docs/architecture.md: a frame on which the controller sits for longer is taken out */

static can_node_t s_node;

static void begin(void)
{
    if (s_node.node == NULL) {
        bus_open();
        TEST_ASSERT_EQUAL(ESP_OK, can_node_open(&s_node, xTaskGetCurrentTaskHandle(), 500000, 1));
    }
}

/** What becomes of the frame that is in flight at `now_ms`, once the node has news. */
static can_node_tx_t outcome(int64_t now_ms, victron_frame_t *frame)
{
    can_node_tx_t tx = CAN_NODE_BUSY;
    while ((tx = can_node_poll(&s_node, now_ms, frame)) == CAN_NODE_BUSY) {
        TEST_ASSERT_GREATER_THAN(0, ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(BUS_PATIENCE_MS)));
    }
    return tx;
}

static void wait_until_idle(int64_t now_ms)
{
    victron_frame_t frame;
    while (can_node_poll(&s_node, now_ms, &frame) != CAN_NODE_IDLE) {
    }
}

TEST_CASE("a frame that was not told as done is stalled, although the driver says that it holds none", "[can_victron]")
{
    const victron_frame_t sent = {.id = 0x351, .dlc = 1, .data = {1}};
    const victron_frame_t stuck = {.id = 0x355, .dlc = 1, .data = {2}};
    const victron_frame_t fresh = {.id = 0x355, .dlc = 1, .data = {3}};
    victron_frame_t frame;
    begin();
    bus_connect_peer();
    bus_hold_timer_task();
    wait_until_idle(1000);
    TEST_ASSERT_TRUE(can_node_send(&s_node, &sent, 1000));
    TEST_ASSERT_EQUAL(CAN_NODE_SENT, outcome(1000, &frame));
    TEST_ASSERT_NOT_NULL(strstr(bus_peer_hears(), "frame 351 "));
    wait_until_idle(1000);
    bus_fault("stuck");
    TEST_ASSERT_TRUE(can_node_send(&s_node, &stuck, 1000));
    bus_release_timer_task(); /* now the driver is told that the first frame was the last */
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit_wait_all_done(s_node.node, BUS_PATIENCE_MS));
    TEST_ASSERT_EQUAL(CAN_NODE_BUSY, can_node_poll(&s_node, 1000 + STALLED_MS - 1, &frame));
    TEST_ASSERT_EQUAL(CAN_NODE_STALLED, can_node_poll(&s_node, 1000 + STALLED_MS, &frame));
    TEST_ASSERT_EQUAL(0x355, frame.id);

    can_node_restart(&s_node, &fresh, 1000 + STALLED_MS);
    bus_fault("none");
    TEST_ASSERT_EQUAL(CAN_NODE_SENT, outcome(1000 + STALLED_MS, &frame));
    const char *const heard = bus_peer_hears();
    TEST_ASSERT_NOT_NULL(strstr(heard, "frame 355 "));
    TEST_ASSERT_EQUAL_STRING(" 03 >", &heard[strlen(heard) - 5]);
    bus_disconnect_peer();
}

TEST_CASE("a frame lost to bus-off is told as failed, once, and the recovered node sends again", "[can_victron]")
{
    const victron_frame_t lost = {.id = 0x351, .dlc = 1, .data = {1}};
    const victron_frame_t next = {.id = 0x351, .dlc = 1, .data = {2}};
    victron_frame_t frame;
    begin();
    bus_connect_peer();
    wait_until_idle(5000);
    bus_fault("stuck");
    TEST_ASSERT_TRUE(can_node_send(&s_node, &lost, 5000));
    can_bus_went_off();
    TEST_ASSERT_EQUAL(CAN_NODE_FAILED, can_node_poll(&s_node, 5000, &frame));
    TEST_ASSERT_EQUAL(0x351, frame.id);
    TEST_ASSERT_EQUAL(CAN_NODE_BUSY, can_node_poll(&s_node, 5001, &frame));
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_BUS_OFF, can_node_status(&s_node)->state);
    const uint32_t bus_errors = can_node_status(&s_node)->bus_errors;
    TEST_ASSERT_GREATER_THAN(0, bus_errors);
    bus_fault("none");
    TEST_ASSERT_EQUAL(CAN_NODE_BUSY, can_node_poll(&s_node, 5100, &frame)); /* starts the recovery */
    wait_until_idle(5100);
    TEST_ASSERT_TRUE(can_node_send(&s_node, &next, 5100));
    TEST_ASSERT_EQUAL(CAN_NODE_SENT, outcome(5100, &frame));
    const char *const heard = bus_peer_hears();
    TEST_ASSERT_EQUAL_STRING(" 02 >", &heard[strlen(heard) - 5]);
    TEST_ASSERT_EQUAL(1, can_node_status(&s_node)->recoveries);
    TEST_ASSERT_EQUAL(bus_errors, can_node_status(&s_node)->bus_errors); /* a recovery sets the driver's count to 0 */
    bus_disconnect_peer();
}

TEST_CASE("a warning ends when the error counters are below its limit, although the driver keeps it", "[can_victron]")
{
    begin();
    can_bus_counted(96, 0);
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_ERROR_WARNING, can_node_status(&s_node)->state);
    can_bus_counted(95, 0);
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_ERROR_ACTIVE, can_node_status(&s_node)->state);
    can_bus_counted(95, 96);
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_ERROR_WARNING, can_node_status(&s_node)->state);
    can_bus_counted(128, 96);
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_ERROR_PASSIVE, can_node_status(&s_node)->state);
    can_bus_counted(127, 0);
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_ERROR_ACTIVE, can_node_status(&s_node)->state); /* as the driver says */
    can_bus_counted(0, 0);
}
