/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What the CAN task does in its turns, on a driver that plays its races: which frames go out, when there are none, and
 * when a restart is asked for. Time is an argument, so that hours take milliseconds. For Linux only. */
#include "../row.h"
#include "../../../components/can_victron/can_turn.h"

#include <string.h>

#include "../../../components/can_victron/can_restart_memory.h"
#include "fake_log.h"
#include "fake_twai.h"
#include "sdkconfig.h"
#include "unity.h"

#define TURN_MS    50    /* the task looks that often */
#define MAX_AGE_MS 12000 /* docs/architecture.md: 2 s after the battery task should have fallen silent */
#define GX_WARN_MS 10000
#define MINUTE_MS  60000
#define HOUR_MS    3600000

static const victron_identity_t s_identity = {
    .manufacturer = "TinyBMS", .battery_name = "TinyBMS", .family = "TinyBMS"};

static can_victron_t s_can;
static event_bus_handle_t s_bus;
static event_bus_subscription_t s_frames;
static event_bus_subscription_t s_statuses;
static event_bus_can_status_t s_status; /* the newest that was published */
static int64_t s_now_ms;
static uint32_t s_sequence;
static bool s_battery_task; /* it runs */
static bool s_publish;      /* and wants frames to be sent */
static uint32_t s_stale;    /* frames with which the controller began with what the newest state would not give */
static int64_t s_limits_ms; /* when 0x351 was last acknowledged */
static int64_t s_gap_ms;    /* longest time between two */

/** Whatever the controller begins with is what the newest state says, or not sent at all. */
static void look_at_start(const twai_frame_t *frame)
{
    victron_frame_t fresh;
    const bool allowed = victron_schedule_encode(&s_can.schedule, (uint16_t)frame->header.id, &fresh);
    s_stale += allowed && memcmp(frame->buffer, fresh.data, fresh.dlc) == 0 ? 0 : 1;
}

/** The limits, the state of charge and the voltage are other ones in each state. */
static void publish_state(void)
{
    s_sequence++;
    const int32_t step = (int32_t)(s_sequence % 200);
    const battery_state_t state = {
        .snapshot_ms = s_now_ms,
        .sequence = s_sequence,
        .status = BATTERY_STATUS_ONLINE,
        .publish = s_publish,
        .pack_voltage_mv = {true, 53000 + 10 * step},
        .pack_current_ma = {true, 100 * step},
        .soc_ppm = {true, 500000 + 1000 * step},
        .cell_min_mv = {true, 3310 + step},
        .cell_max_mv = {true, 3315 + step},
        .bms_temperature_ddegc = {true, 250},
        .cvl_mv = {true, 56000, BATTERY_REASON_BMS_SETTING},
        .ccl_ma = {true, 50000 + 100 * step, BATTERY_REASON_BMS_SETTING},
        .dcl_ma = {true, 60000 + 100 * step, BATTERY_REASON_BMS_SETTING},
    };
    event_bus_publish_state(s_bus, &state);
}

static void take_messages(void)
{
    event_bus_can_frame_t frame;
    while (event_bus_receive_can_status(s_statuses, &s_status, 0)) {
    }
    while (event_bus_receive_can_frame(s_frames, &frame, 0)) {
        if (frame.sent && frame.id == 0x351) {
            s_gap_ms = s_now_ms - s_limits_ms > s_gap_ms ? s_now_ms - s_limits_ms : s_gap_ms;
            s_limits_ms = s_now_ms;
        }
    }
}

static bool turn(void)
{
    fake_twai_run();
    if (s_battery_task) {
        publish_state();
    }
    const bool restart = can_turn(&s_can, s_now_ms);
    take_messages();
    s_now_ms += TURN_MS;
    return restart;
}

/** False: a restart was asked for. */
static bool run_for(int64_t ms)
{
    const int64_t end_ms = s_now_ms + ms;
    bool restart = false;
    while (s_now_ms < end_ms && !restart) {
        restart = turn();
    }
    return !restart;
}

/** The chip has been reset; what is set in `fake_twai` before it is what the driver does from the first call on. */
static void start(void)
{
    const fake_twai_t faults = fake_twai;
    fake_twai_reset();
    fake_twai.wires = faults.wires;
    fake_twai.race = faults.race;
    fake_twai.races = faults.races;
    fake_twai.refuse_enable = faults.refuse_enable;
    fake_twai.on_start = look_at_start;
    const event_bus_subscription_t states = s_can.states;
    if (s_can.node.received != NULL) {
        vQueueDelete(s_can.node.received);
    }
    memset(&s_can, 0, sizeof(s_can));
    s_can.states = states;
    s_can.max_age_ms = MAX_AGE_MS;
    s_can.gx_warn_ms = GX_WARN_MS;
    s_now_ms = 1000;
    s_limits_ms = s_now_ms;
    s_gap_ms = 0;
    can_turn_begin(&s_can, s_bus, &s_identity, s_now_ms);
    TEST_ASSERT_EQUAL(ESP_OK, can_node_open(&s_can.node, xTaskGetCurrentTaskHandle(), 500000, s_now_ms));
}

/** A gateway that was switched on, with a battery task that wants frames to be sent. */
static void begin(void)
{
    if (s_bus == NULL) {
        TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&s_bus));
        TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(s_bus, EVENT_BUS_STATE, 1, "can", NULL, &s_can.states));
        TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(s_bus, EVENT_BUS_CAN_FRAME, 64, "test", NULL, &s_frames));
        TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(s_bus, EVENT_BUS_CAN_STATUS, 1, "test", NULL, &s_statuses));
    }
    fake_twai_reset();
    fake_log_reset("refuses");
    can_restart_memory_write(0);
    s_battery_task = true;
    s_publish = true;
    s_stale = 0;
    start();
}

/** The bus is free: limits come every second, nothing old has been sent, nothing was queued. */
static void assert_it_sends(void)
{
    fake_twai.wires = WIRES_FREE;
    TEST_ASSERT_TRUE(run_for(2000));
    s_gap_ms = 0;
    TEST_ASSERT_TRUE(run_for(10000));
    TEST_ASSERT_GREATER_THAN(0, s_gap_ms);
    TEST_ASSERT_LESS_OR_EQUAL(1500, s_gap_ms);
    TEST_ASSERT_EQUAL(0, s_stale);
    TEST_ASSERT_EQUAL(0, fake_twai.queued);
}

TEST_CASE("the bus is held for a second in ten, and each stop of the node raced, for an hour", "[can_victron_faults]")
{
    begin();
    fake_twai.race = RACE_STATE;
    for (int64_t ms = 0; ms < HOUR_MS; ms += 10000) {
        fake_twai.races = 1;
        fake_twai.wires = WIRES_HELD;
        TEST_ASSERT_TRUE(run_for(1000));
        fake_twai.races = 0;
        fake_twai.wires = WIRES_FREE;
        TEST_ASSERT_TRUE(run_for(9000));
    }
    TEST_ASSERT_LESS_OR_EQUAL(2500, s_gap_ms); /* a GX waits for 3 s */
    TEST_ASSERT_EQUAL(HOUR_MS / 10000, s_status.enable_refused);
    TEST_ASSERT_EQUAL(0, s_status.restarts);
    TEST_ASSERT_EQUAL(0, fake_log_found());
    assert_it_sends();
}

TEST_CASE("a node that refuses for ever: restarts after 30 s three times, then every 30 min", "[can_victron_faults]")
{
    begin();
    fake_twai.refuse_enable = FAKE_FOR_EVER;
    for (uint32_t made = 0; made < 6; made++) {
        ROW("%u restarts before", (unsigned)made);
        const int64_t expected_ms = made < 3 ? 30000 : 30 * MINUTE_MS;
        start();
        TEST_ASSERT_TRUE(run_for(expected_ms));
        TEST_ASSERT_EQUAL(made, s_status.restarts);
        TEST_ASSERT_TRUE(s_status.refusing);
        TEST_ASSERT_EQUAL(EVENT_BUS_CAN_STOPPED, s_status.state);
        TEST_ASSERT_FALSE(run_for(2 * TURN_MS));
        TEST_ASSERT_EQUAL(made + 1, can_restart_memory_read());
    }
    TEST_ASSERT_EQUAL(0, fake_twai.started);
    fake_twai.refuse_enable = 0;
    start();
    assert_it_sends();
    TEST_ASSERT_FALSE(s_status.refusing);
    TEST_ASSERT_EQUAL(6, s_status.restarts);
}

TEST_CASE("a node that refuses in service: the same, told once a minute and with the restart", "[can_victron_faults]")
{
    begin();
    assert_it_sends();
    can_restart_memory_write(3);
    s_can.restart.made = 3;
    fake_twai.race = RACE_STATE;
    fake_twai.races = FAKE_FOR_EVER;
    fake_twai.wires = WIRES_HELD;
    TEST_ASSERT_TRUE(run_for(30 * MINUTE_MS));
    TEST_ASSERT_EQUAL(30, fake_log_found());
    TEST_ASSERT_FALSE(run_for(2000));
    TEST_ASSERT_EQUAL(32, fake_log_found());
    TEST_ASSERT_EQUAL(0, s_stale);
}

TEST_CASE("30 min of a node that works make the next refusal the first one again, over any reset",
          "[can_victron_faults]")
{
    begin();
    can_restart_memory_write(3);
    start();
    TEST_ASSERT_TRUE(run_for(29 * MINUTE_MS));
    TEST_ASSERT_EQUAL(3, can_restart_memory_read());
    TEST_ASSERT_TRUE(run_for(2 * MINUTE_MS));
    TEST_ASSERT_EQUAL(0, can_restart_memory_read());
    TEST_ASSERT_EQUAL(0, s_status.restarts);
    fake_twai.refuse_enable = FAKE_FOR_EVER;
    start();
    TEST_ASSERT_TRUE(run_for(30000));
    TEST_ASSERT_FALSE(run_for(2 * TURN_MS));
    TEST_ASSERT_EQUAL(1, can_restart_memory_read());
}

TEST_CASE("a node that is off because nothing may be sent costs no restart in an hour", "[can_victron_faults]")
{
    begin();
    TEST_ASSERT_TRUE(run_for(2000));
    fake_twai.wires = WIRES_HELD;
    TEST_ASSERT_TRUE(run_for(1000));
    s_publish = false;
    TEST_ASSERT_TRUE(run_for(HOUR_MS));
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_STOPPED, s_status.state);
    TEST_ASSERT_FALSE(s_status.refusing);
    const uint32_t started = fake_twai.started;
    fake_twai.wires = WIRES_FREE;
    TEST_ASSERT_TRUE(run_for(MINUTE_MS));
    TEST_ASSERT_EQUAL(started, fake_twai.started);
    s_publish = true;
    assert_it_sends();
}

TEST_CASE("a node that refuses while nothing may be sent costs no restart, and one 30 s after that",
          "[can_victron_faults]")
{
    begin();
    s_publish = false;
    fake_twai.refuse_enable = FAKE_FOR_EVER;
    start();
    TEST_ASSERT_TRUE(run_for(HOUR_MS));
    s_publish = true;
    TEST_ASSERT_TRUE(run_for(29000));
    TEST_ASSERT_FALSE(run_for(1000 + 2 * TURN_MS));
}

TEST_CASE("a battery that comes and goes does not put the restart of a node that refuses off", "[can_victron_faults]")
{
    begin();
    TEST_ASSERT_TRUE(run_for(2000));
    fake_twai.wires = WIRES_HELD;
    fake_twai.refuse_enable = FAKE_FOR_EVER;
    bool restart = false;
    for (int minutes = 0; minutes < 5 && !restart; minutes++) {
        s_publish = true;
        restart = !run_for(20000);
        s_publish = false;
        restart = restart || !run_for(20000);
    }
    TEST_ASSERT_TRUE(restart);
}

TEST_CASE("bus-off on a bus that is held costs no restart in an hour", "[can_victron_faults]")
{
    begin();
    TEST_ASSERT_TRUE(run_for(2000));
    fake_twai.wires = WIRES_HELD;
    fake_twai_go_bus_off();
    TEST_ASSERT_TRUE(run_for(HOUR_MS));
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_BUS_OFF, s_status.state);
    TEST_ASSERT_EQUAL(1, s_status.bus_off_count);
    assert_it_sends();
}

TEST_CASE("bus-off and a battery that falls silent: when both have ended only fresh frames go out",
          "[can_victron_faults]")
{
    begin();
    TEST_ASSERT_TRUE(run_for(2000));
    fake_twai.wires = WIRES_HELD;
    fake_twai_go_bus_off();
    s_battery_task = false;
    TEST_ASSERT_TRUE(run_for(20000));
    const uint32_t started = fake_twai.started;
    fake_twai.wires = WIRES_FREE;
    TEST_ASSERT_TRUE(run_for(20000));
    TEST_ASSERT_EQUAL(started, fake_twai.started);
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_ERROR_ACTIVE, s_status.state);
    s_battery_task = true;
    assert_it_sends();
}

TEST_CASE("a frame is stuck and the battery falls silent: it does not go out when the bus is free",
          "[can_victron_faults]")
{
    begin();
    TEST_ASSERT_TRUE(run_for(2000));
    fake_twai.wires = WIRES_HELD;
    TEST_ASSERT_TRUE(run_for(2000));
    s_battery_task = false;
    TEST_ASSERT_TRUE(run_for(20000));
    const uint32_t sent = fake_twai.sent;
    fake_twai.wires = WIRES_FREE;
    TEST_ASSERT_TRUE(run_for(MINUTE_MS));
    TEST_ASSERT_EQUAL(sent, fake_twai.sent);
    s_battery_task = true;
    assert_it_sends();
}

TEST_CASE("likewise when the stop of the node is raced", "[can_victron_faults]")
{
    begin();
    TEST_ASSERT_TRUE(run_for(2000));
    fake_twai.wires = WIRES_HELD;
    fake_twai.race = RACE_STATE;
    fake_twai.races = FAKE_FOR_EVER;
    TEST_ASSERT_TRUE(run_for(2000));
    s_battery_task = false;
    TEST_ASSERT_TRUE(run_for(20000));
    fake_twai.races = 0;
    const uint32_t sent = fake_twai.sent;
    fake_twai.wires = WIRES_FREE;
    TEST_ASSERT_TRUE(run_for(MINUTE_MS));
    TEST_ASSERT_EQUAL(sent, fake_twai.sent);
    s_battery_task = true;
    assert_it_sends();
}

TEST_CASE("a battery task that has stopped: no frame from 12 s after its last snapshot on", "[can_victron_faults]")
{
    begin();
    fake_log_reset("older than");
    TEST_ASSERT_TRUE(run_for(5000));
    const int64_t last_ms = s_now_ms - TURN_MS;
    s_battery_task = false;
    while (s_now_ms <= last_ms + MAX_AGE_MS) {
        TEST_ASSERT_FALSE(turn());
    }
    TEST_ASSERT_TRUE(s_can.publishing);
    const uint32_t started = fake_twai.started;
    TEST_ASSERT_TRUE(run_for(HOUR_MS));
    TEST_ASSERT_EQUAL(started, fake_twai.started);
    TEST_ASSERT_FALSE(s_status.publishing);
    TEST_ASSERT_EQUAL(1, fake_log_found());
    s_battery_task = true;
    assert_it_sends();
}

TEST_CASE("a battery task that wants nothing sent: nothing is sent", "[can_victron_faults]")
{
    begin();
    s_publish = false;
    TEST_ASSERT_TRUE(run_for(MINUTE_MS));
    TEST_ASSERT_EQUAL(0, fake_twai.started);
    TEST_ASSERT_EQUAL(EVENT_BUS_CAN_ERROR_ACTIVE, s_status.state);
    s_publish = true;
    assert_it_sends();
}

TEST_CASE("a frame that the driver has forgotten costs two seconds, with a GX on the bus", "[can_victron_faults]")
{
    begin();
    TEST_ASSERT_TRUE(run_for(2000));
    s_limits_ms = s_now_ms;
    s_gap_ms = 0;
    fake_twai.lose_callbacks = 1;
    for (int i = 0; i < 5; i++) {
        fake_twai_receive(0x305);
        TEST_ASSERT_TRUE(run_for(500));
        fake_twai_receive(0x307);
        TEST_ASSERT_TRUE(run_for(500));
    }
    TEST_ASSERT_LESS_OR_EQUAL(2500, s_gap_ms);
    assert_it_sends();
}

TEST_CASE("more frames than can wait are counted as dropped, and the GX is seen all the same", "[can_victron_faults]")
{
    begin();
    for (uint32_t i = 0; i < 3 * CONFIG_TINYBMS_CAN_VICTRON_RX_QUEUE; i++) {
        fake_twai_receive(0x305);
    }
    TEST_ASSERT_TRUE(run_for(1100));
    TEST_ASSERT_EQUAL(2 * CONFIG_TINYBMS_CAN_VICTRON_RX_QUEUE, s_status.rx_dropped);
    TEST_ASSERT_EQUAL(CONFIG_TINYBMS_CAN_VICTRON_RX_QUEUE, s_status.rx_frames);
    TEST_ASSERT_TRUE(s_status.gx_alive);
    assert_it_sends();
}
