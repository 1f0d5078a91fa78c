/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Error counters, error states and bus-off. What counts is ISO 11898-1 (a missing acknowledge: +8, a sent frame: -1, an
 * error-passive node does not count a missing acknowledge; limits 96 and 128), the interrupts those of an SJA1000, and
 * what they are made into twai_hal_v1.c and esp_twai_onchip.c of ESP-IDF v5.5.5. For Linux only. */
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

/** The next of the changes of state that the case has not looked at; `*number` counts them. */
static void expect_change(size_t *number, twai_error_state_t old_sta, twai_error_state_t new_sta)
{
    const probe_event_t *const event = probe_event_of(PROBE_STATE, *number);
    TEST_ASSERT_EQUAL(old_sta, event->old_sta);
    TEST_ASSERT_EQUAL(new_sta, event->new_sta);
    TEST_ASSERT_EQUAL(new_sta, event->status.state);
    (*number)++;
    TEST_ASSERT_EQUAL(*number, probe_count(PROBE_STATE));
}

static void expect_no_change(size_t number, twai_error_state_t state)
{
    TEST_ASSERT_EQUAL(number, probe_count(PROBE_STATE));
    TEST_ASSERT_EQUAL(state, probe_status().state);
}

TEST_CASE("on the way up 96 is a warning and 128 error-passive", "[host]")
{
    size_t number = 0;
    (void)begin();
    can_bus_counted(95, 0);
    expect_no_change(number, TWAI_ERROR_ACTIVE);
    can_bus_counted(96, 0);
    expect_change(&number, TWAI_ERROR_ACTIVE, TWAI_ERROR_WARNING);
    can_bus_counted(127, 127);
    expect_no_change(number, TWAI_ERROR_WARNING);
    can_bus_counted(127, 128);
    expect_change(&number, TWAI_ERROR_WARNING, TWAI_ERROR_PASSIVE);
    TEST_ASSERT_EQUAL(127, probe_status().tx_error_count);
    TEST_ASSERT_EQUAL(128, probe_status().rx_error_count);
    can_bus_counted(200, 128);
    expect_no_change(number, TWAI_ERROR_PASSIVE);
    probe_end();
}

TEST_CASE("on the way down 127 is error-active at once, and there is no warning", "[host]")
{
    size_t number = 2;
    (void)begin();
    can_bus_counted(96, 0);
    can_bus_counted(128, 0);
    can_bus_counted(127, 0);
    expect_change(&number, TWAI_ERROR_PASSIVE, TWAI_ERROR_ACTIVE);
    can_bus_counted(96, 0);
    expect_no_change(number, TWAI_ERROR_ACTIVE);
    can_bus_counted(126, 0); /* up again: the error status bit has not changed */
    expect_no_change(number, TWAI_ERROR_ACTIVE);
    can_bus_counted(128, 0);
    expect_change(&number, TWAI_ERROR_ACTIVE, TWAI_ERROR_PASSIVE);
    can_bus_counted(95, 0); /* both bits change at once */
    expect_change(&number, TWAI_ERROR_PASSIVE, TWAI_ERROR_ACTIVE);
    can_bus_counted(0, 0);
    expect_no_change(number, TWAI_ERROR_ACTIVE);
    probe_end();
}

TEST_CASE("a warning that does not grow into error-passive stays for ever, and is told again", "[host]")
{
    size_t number = 1;
    (void)begin();
    can_bus_counted(96, 0);
    can_bus_counted(95, 0);
    expect_no_change(number, TWAI_ERROR_WARNING);
    can_bus_counted(0, 0);
    expect_no_change(number, TWAI_ERROR_WARNING);
    can_bus_counted(0, 96);
    expect_change(&number, TWAI_ERROR_WARNING, TWAI_ERROR_WARNING);
    probe_end();
}

TEST_CASE("when both limits are passed at once the worse state is told", "[host]")
{
    size_t number = 0;
    (void)begin();
    can_bus_counted(136, 0);
    expect_change(&number, TWAI_ERROR_ACTIVE, TWAI_ERROR_PASSIVE);
    probe_end();
}

TEST_CASE("without a peer a frame is repeated, the node grows error-passive and never goes bus-off", "[host]")
{
    static uint8_t data[1] = {1};
    static twai_frame_t frame;
    twai_node_handle_t node = begin();
    frame = probe_frame(0x100, data, 1);
    const uint32_t errors_before = probe_bus_errors();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, 0));
    probe_wait_for(PROBE_ERROR, 40);
    TEST_ASSERT_EQUAL(128, probe_status().tx_error_count);
    TEST_ASSERT_EQUAL(TWAI_ERROR_PASSIVE, probe_status().state);
    TEST_ASSERT_EQUAL(0, probe_count(PROBE_TX_DONE));
    TEST_ASSERT_EQUAL(2, probe_count(PROBE_STATE));
    for (size_t i = 0; i < 12; i++) { /* each error is told before what it leads to */
        const probe_event_t *const error = probe_event(i);
        TEST_ASSERT_EQUAL(PROBE_ERROR, error->kind);
        TEST_ASSERT_TRUE(error->flags.ack_err);
        TEST_ASSERT_EQUAL(8 * (i + 1), error->status.tx_error_count);
        TEST_ASSERT_EQUAL(errors_before + i + 1, error->statistics.bus_err_num);
    }
    TEST_ASSERT_EQUAL(PROBE_STATE, probe_event(12)->kind);
    TEST_ASSERT_EQUAL(TWAI_ERROR_WARNING, probe_event(12)->new_sta);
    TEST_ASSERT_EQUAL(96, probe_event(12)->status.tx_error_count);
    TEST_ASSERT_EQUAL(PROBE_STATE, probe_event(17)->kind); /* 4 errors later */
    TEST_ASSERT_EQUAL(TWAI_ERROR_PASSIVE, probe_event(17)->new_sta);
    TEST_ASSERT_EQUAL(128, probe_event(17)->status.tx_error_count);
    probe_end();
}

TEST_CASE("the first frame that a peer acknowledges makes an error-passive node error-active with TEC 127", "[host]")
{
    static uint8_t data[1] = {1};
    static twai_frame_t frame;
    size_t number = 2;
    twai_node_handle_t node = begin();
    frame = probe_frame(0x100, data, 1);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, 0));
    probe_wait_for(PROBE_STATE, 2);
    bus_connect_peer();
    probe_wait_for(PROBE_TX_DONE, 1);
    expect_change(&number, TWAI_ERROR_PASSIVE, TWAI_ERROR_ACTIVE);
    TEST_ASSERT_EQUAL(127, probe_event_of(PROBE_STATE, 2)->status.tx_error_count);
    TEST_ASSERT_TRUE(probe_event_of(PROBE_STATE, 2) < probe_event_of(PROBE_TX_DONE, 0)); /* told first */
    for (size_t i = 0; i < 32; i++) {
        TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, TIMEOUT_MS));
        probe_wait_for(PROBE_TX_DONE, 2 + i);
    }
    TEST_ASSERT_EQUAL(95, probe_status().tx_error_count);
    expect_no_change(number, TWAI_ERROR_ACTIVE);
    probe_end();
}

TEST_CASE("bus-off tells of the error, of the state and of the frame in flight, and keeps the queue", "[host]")
{
    static uint8_t data[2][1] = {{1}, {2}};
    static twai_frame_t frames[2];
    twai_node_handle_t node = begin();
    frames[0] = probe_frame(0x101, data[0], 1);
    frames[1] = probe_frame(0x102, data[1], 1);
    bus_fault("stuck");
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frames[0], 0)); /* in flight */
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frames[1], 0)); /* queued */
    can_bus_went_off();
    TEST_ASSERT_EQUAL(3, probe_events());
    TEST_ASSERT_EQUAL(PROBE_ERROR, probe_event(0)->kind);
    TEST_ASSERT_EQUAL(PROBE_STATE, probe_event(1)->kind);
    TEST_ASSERT_EQUAL(TWAI_ERROR_ACTIVE, probe_event(1)->old_sta);
    TEST_ASSERT_EQUAL(TWAI_ERROR_BUS_OFF, probe_event(1)->new_sta);
    TEST_ASSERT_EQUAL(128, probe_event(1)->status.tx_error_count);
    TEST_ASSERT_EQUAL(0, probe_event(1)->status.rx_error_count);
    TEST_ASSERT_EQUAL(PROBE_TX_DONE, probe_event(2)->kind);
    TEST_ASSERT_FALSE(probe_event(2)->success);
    TEST_ASSERT_EQUAL(&frames[0], probe_event(2)->frame);
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_transmit(node, &frames[0], 0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_transmit_wait_all_done(node, 0));
    TEST_ASSERT_EQUAL(1, probe_status().tx_queue_remaining);
    can_bus_counted(0, 0); /* nobody counts in bus-off */
    TEST_ASSERT_EQUAL(128, probe_status().tx_error_count);

    bus_fault("none");
    bus_connect_peer();
    TEST_ASSERT_GREATER_THAN(0, probe_bus_errors());
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_recover(node));
    TEST_ASSERT_EQUAL(0, probe_bus_errors());
    TEST_ASSERT_NOT_NULL(strstr(bus_peer_hears(), "frame 102")); /* the queued one */
    probe_wait_for(PROBE_TX_DONE, 2);
    TEST_ASSERT_EQUAL(&frames[1], probe_event_of(PROBE_TX_DONE, 1)->frame);
    TEST_ASSERT_EQUAL(TWAI_ERROR_BUS_OFF, probe_event_of(PROBE_STATE, 1)->old_sta);
    TEST_ASSERT_EQUAL(TWAI_ERROR_ACTIVE, probe_event_of(PROBE_STATE, 1)->new_sta);
    TEST_ASSERT_EQUAL(0, probe_event_of(PROBE_STATE, 1)->status.tx_error_count);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit_wait_all_done(node, TIMEOUT_MS));
    probe_end();
}

TEST_CASE("bus-off without a frame in flight tells of none, and after the recovery the node is idle", "[host]")
{
    twai_node_handle_t node = begin();
    can_bus_went_off();
    TEST_ASSERT_EQUAL(0, probe_count(PROBE_TX_DONE));
    can_bus_went_off(); /* once more is nothing new */
    TEST_ASSERT_EQUAL(1, probe_count(PROBE_STATE));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_recover(node));
    probe_wait_for(PROBE_STATE, 2);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit_wait_all_done(node, TIMEOUT_MS));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_recover(node));
    probe_end();
}

/** Begins a recovery and waits until a part of it is over; 0: all of it was over before somebody looked. */
static uint16_t count_down_from_bus_off(twai_node_handle_t node)
{
    uint16_t tec = 128;
    can_bus_went_off();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_recover(node));
    while (tec > 100) {
        const twai_node_status_t status = probe_status();
        TEST_ASSERT_LESS_OR_EQUAL(tec, status.tx_error_count);
        tec = status.tx_error_count;
    }
    return tec;
}

TEST_CASE("in a recovery TEC counts down, and asking for it again does not make it begin anew", "[host]")
{
    uint16_t tec = 0;
    twai_node_handle_t node = begin();
    for (size_t changes = 2; (tec = count_down_from_bus_off(node)) == 0; changes += 2) {
        probe_wait_for(PROBE_STATE, changes);
    }
    (void)twai_node_recover(node);
    TEST_ASSERT_LESS_OR_EQUAL(tec, probe_status().tx_error_count);
    while (twai_node_recover(node) == ESP_OK) {
    }
    TEST_ASSERT_EQUAL(TWAI_ERROR_ACTIVE, probe_status().state);
    probe_end();
}

TEST_CASE("a bus that is held lets no recovery end, and enabling does not help", "[host]")
{
    twai_node_handle_t node = begin();
    bus_fault("stuck");
    can_bus_went_off();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_recover(node));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(node));
    bus_connect_peer();
    TEST_ASSERT_TRUE(bus_peer_hears_nothing()); /* 100 ms: it would have taken 2.8 */
    TEST_ASSERT_EQUAL(TWAI_ERROR_BUS_OFF, probe_status().state);
    TEST_ASSERT_GREATER_THAN(0, probe_status().tx_error_count);
    bus_fault("none");
    probe_wait_for(PROBE_STATE, 2);
    TEST_ASSERT_EQUAL(TWAI_ERROR_ACTIVE, probe_event_of(PROBE_STATE, 1)->new_sta);
    probe_end();
}

TEST_CASE("enabling a node in bus-off ends the bus-off without a word", "[host]")
{
    twai_node_handle_t node = begin();
    can_bus_went_off();
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_disable(node));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(node));
    TEST_ASSERT_EQUAL(TWAI_ERROR_ACTIVE, probe_status().state);
    TEST_ASSERT_EQUAL(0, probe_status().tx_error_count);
    TEST_ASSERT_EQUAL(1, probe_count(PROBE_STATE));
    probe_end();
}

TEST_CASE("a node that is only disabled does not come back by a recovery, it becomes mute", "[host]")
{
    static uint8_t data[1] = {1};
    static twai_frame_t frame;
    twai_node_handle_t node = begin();
    frame = probe_frame(0x104, data, 1);
    bus_connect_peer();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(node));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_recover(node));
    TEST_ASSERT_TRUE(bus_peer_hears_nothing());
    TEST_ASSERT_EQUAL(TWAI_ERROR_BUS_OFF, probe_status().state);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(node)); /* it left reset mode as a listener and stays one */
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(node, &frame, 0));
    TEST_ASSERT_TRUE(bus_peer_hears_nothing());
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(node));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(node));
    TEST_ASSERT_NOT_NULL(strstr(bus_peer_hears(), "frame 104"));
    probe_end();
}

TEST_CASE("disabling tells nothing and leaves the counters where they are, enabling clears them", "[host]")
{
    twai_node_handle_t node = begin();
    can_bus_counted(130, 40);
    const size_t told = probe_events();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(node));
    TEST_ASSERT_EQUAL(TWAI_ERROR_BUS_OFF, probe_status().state);
    TEST_ASSERT_EQUAL(130, probe_status().tx_error_count);
    TEST_ASSERT_EQUAL(40, probe_status().rx_error_count);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(node));
    TEST_ASSERT_EQUAL(TWAI_ERROR_ACTIVE, probe_status().state);
    TEST_ASSERT_EQUAL(0, probe_status().tx_error_count + probe_status().rx_error_count);
    TEST_ASSERT_EQUAL(told, probe_events());
    probe_end();
}
