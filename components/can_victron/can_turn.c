/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * One turn of the CAN task: states in, frames out, status published. Apart from can_victron.c so that tests can run
 * turns without a task and a clock.
 */
#include "can_turn.h"

#include <inttypes.h>
#include <string.h>

#include "can_restart_memory.h"
#include "esp_log.h"
#include "flash_gate.h"

static const char *TAG = "can_victron";

#define STATUS_EVERY_MS 1000
#define LIMITS_ID       0x351 /**< can be made whenever anything may be sent */

void can_turn_begin(can_victron_t *can, event_bus_handle_t bus, const victron_identity_t *identity, int64_t now_ms)
{
    can->bus = bus;
    victron_schedule_init(&can->schedule, identity, now_ms);
    victron_keepalive_init(&can->keepalive, can->gx_warn_ms, now_ms);
    can_restart_begin(&can->restart, can_restart_memory_read(), now_ms);
}

static void note_publishing(can_victron_t *can)
{
    if (can->state.publish == can->publishing) {
        return;
    }
    can->publishing = can->state.publish;
    if (can->publishing) {
        ESP_LOGI(TAG, "PGN publication started, snapshot %" PRIu32, can->state.sequence);
    } else {
        ESP_LOGW(TAG, "PGN publication stopped: no frame is sent until fresh data arrives");
    }
}

/** The battery task decides when to fall silent; this is the second guard, should that task have stopped. */
static void enforce_max_age(can_victron_t *can, int64_t now_ms)
{
    if (can->state.publish && now_ms - can->state.snapshot_ms > can->max_age_ms) {
        ESP_LOGE(TAG, "the newest battery state is older than %" PRId32 " ms", can->max_age_ms);
        can->state.publish = false;
        victron_schedule_set_state(&can->schedule, &can->state, now_ms);
    }
}

static void take_states(can_victron_t *can, int64_t now_ms)
{
    while (event_bus_receive_state(can->states, &can->state, 0)) {
        victron_schedule_set_state(&can->schedule, &can->state, now_ms);
    }
    enforce_max_age(can, now_ms);
    note_publishing(can);
}

static void take_received(can_victron_t *can, int64_t now_ms)
{
    event_bus_can_frame_t frame;
    while (can_node_receive(&can->node, &frame)) {
        if (!frame.remote) {
            victron_keepalive_on_frame(&can->keepalive, frame.id, frame.dlc, frame.data, frame.extended, now_ms);
        }
        event_bus_publish_can_frame(can->bus, &frame);
    }
}

static void watch_gx(can_victron_t *can, int64_t now_ms)
{
    switch (victron_keepalive_poll(&can->keepalive, now_ms)) {
    case VICTRON_KEEPALIVE_FOUND:
        ESP_LOGI(TAG, "keepalive OK: a GX is on the bus");
        break;
    case VICTRON_KEEPALIVE_LOST:
        ESP_LOGW(TAG, "no keepalive (0x305) for %" PRId32 " ms: GX off, rebooting or disconnected; still sending",
                 can->gx_warn_ms);
        break;
    default:
        break;
    }
}

static void publish_sent(const can_victron_t *can, const victron_frame_t *sent, int64_t now_ms)
{
    event_bus_can_frame_t frame = {.time_ms = now_ms, .sent = true, .id = sent->id, .dlc = sent->dlc};
    if (sent->id == LIMITS_ID) {
        flash_gate_limits_sent();
    }
    memcpy(frame.data, sent->data, sizeof(frame.data));
    ESP_LOGD(TAG, "0x%03X sent, snapshot %" PRIu32 " is %" PRId64 " ms old", (unsigned)sent->id, can->state.sequence,
             now_ms - can->state.snapshot_ms);
    event_bus_publish_can_frame(can->bus, &frame);
}

static void send_next(can_victron_t *can, int64_t now_ms)
{
    victron_frame_t frame;
    if (!victron_schedule_next(&can->schedule, now_ms, &frame)) {
        return;
    }
    if (!can_node_send(&can->node, &frame, now_ms)) {
        victron_schedule_failed(&can->schedule, frame.id, now_ms);
    }
}

/** The stuck frame is replaced by a fresh one of the same id, or by the limits when that one cannot be made any more.
 */
static void restart_node(can_victron_t *can, const victron_frame_t *stuck, int64_t now_ms)
{
    victron_frame_t fresh;
    const bool may_send = victron_schedule_encode(&can->schedule, stuck->id, &fresh) ||
                          victron_schedule_encode(&can->schedule, LIMITS_ID, &fresh);
    can_node_restart(&can->node, may_send ? &fresh : NULL, now_ms);
}

static void look_after_transmission(can_victron_t *can, int64_t now_ms)
{
    victron_frame_t frame;
    can_node_tx_t tx = can_node_poll(&can->node, now_ms, &frame);
    if (tx == CAN_NODE_SENT) {
        publish_sent(can, &frame, now_ms);
        tx = can_node_poll(&can->node, now_ms, &frame);
    }
    switch (tx) {
    case CAN_NODE_FAILED:
        victron_schedule_failed(&can->schedule, frame.id, now_ms);
        break;
    case CAN_NODE_STALLED:
        restart_node(can, &frame, now_ms);
        break;
    case CAN_NODE_IDLE:
        send_next(can, now_ms);
        break;
    case CAN_NODE_BUSY:
    case CAN_NODE_SENT:
    default:
        break;
    }
}

static const char *state_text(event_bus_can_state_t state)
{
    switch (state) {
    case EVENT_BUS_CAN_ERROR_ACTIVE:
        return "error-active";
    case EVENT_BUS_CAN_ERROR_WARNING:
        return "error-warning";
    case EVENT_BUS_CAN_ERROR_PASSIVE:
        return "error-passive";
    case EVENT_BUS_CAN_BUS_OFF:
        return "bus-off";
    case EVENT_BUS_CAN_STOPPED:
    default:
        return "stopped";
    }
}

static void report(can_victron_t *can, int64_t now_ms)
{
    const event_bus_can_state_t last = can->next_status_ms == 0 ? EVENT_BUS_CAN_STOPPED : can->node.status.state;
    event_bus_can_status_t status = *can_node_status(&can->node);
    if (now_ms < can->next_status_ms && status.state == last) {
        return;
    }
    can->next_status_ms = now_ms + STATUS_EVERY_MS;
    if (status.state != last) {
        ESP_LOGI(TAG, "CAN %s -> %s, TEC %u, REC %u", state_text(last), state_text(status.state),
                 (unsigned)status.tx_error_count, (unsigned)status.rx_error_count);
    }
    status.publishing = can->publishing;
    status.restarts = can->restart.made;
    status.gx_alive = victron_keepalive_alive(&can->keepalive, now_ms);
    status.gx_last_seen_ms = can->keepalive.last_seen_ms;
    event_bus_publish_can_status(can->bus, &status);
}

/** The count is kept before the restart, so that a restart that crashes counts too. */
static bool restart_is_due(can_victron_t *can, int64_t now_ms)
{
    const uint32_t before = can->restart.made;
    const int64_t refusing_ms = can_node_refusing_ms(&can->node, now_ms);
    const bool due = can_restart_due(&can->restart, refusing_ms, can_node_works(&can->node), now_ms);
    if (can->restart.made != before) {
        can_restart_memory_write(can->restart.made);
    }
    if (due) {
        ESP_LOGE(TAG, "CAN node refuses to start, for %" PRId64 " s: restart %" PRIu32, refusing_ms / 1000,
                 can->restart.made);
    }
    return due;
}

bool can_turn(can_victron_t *can, int64_t now_ms)
{
    take_states(can, now_ms);
    take_received(can, now_ms);
    watch_gx(can, now_ms);
    look_after_transmission(can, now_ms);
    report(can, now_ms);
    return restart_is_due(can, now_ms);
}
