/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The TWAI node with one frame in flight at a time, so that the driver never holds a frame that has grown old.
 *
 * The driver keeps the caller's frame pointer until the frame is done, cannot take a frame back, and after a bus-off
 * sends what is queued. Its queue is therefore never used: it gets the next frame, encoded at that moment, when the
 * last one is done. Transmission is single-shot; a frame without an acknowledge is reported as failed and comes back
 * from the schedule with fresh content.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"
#include "esp_twai.h"
#include "event_bus_messages.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "victron_pgn.h"

/** @brief What became of the frame in flight. */
typedef enum {
    CAN_NODE_IDLE = 0, /**< no frame in flight: the next one may be sent */
    CAN_NODE_BUSY,     /**< in flight */
    CAN_NODE_SENT,     /**< acknowledged */
    CAN_NODE_FAILED,   /**< not acknowledged, or lost to a bus error or bus-off */
    CAN_NODE_STALLED,  /**< not done for too long, or the node is not enabled: call can_node_restart() */
} can_node_tx_t;

/** @brief The node. Lives in internal RAM (interrupts use it while the flash is busy); private to can_node.c. */
typedef struct {
    twai_node_handle_t node;
    int32_t bitrate;   /**< wanted, bit/s */
    int32_t node_has;  /**< bit rate of the node: with another one than the wanted it is not enabled */
    TaskHandle_t task; /**< notified on every interrupt that has news */
    QueueHandle_t received;
    twai_frame_t frame; /**< the one in flight; not touched until it is done */
    uint8_t data[8];
    bool in_flight;
    bool halted; /**< not enabled: it refuses, or no frame may replace one that was stuck */
    int64_t sent_at_ms;
    unsigned heard_before;     /**< `heard` when the driver got the frame in flight */
    int64_t refusing_since_ms; /**< while status.refusing */
    int64_t refused_ms;        /**< earlier refusal that still counts, pauses in which nothing might be sent left out */
    int64_t try_again_ms;
    int64_t complain_ms;
    int64_t busy_since_ms; /**< since when the driver holds a frame that is not ours; 0 = it does not */
    int64_t recover_at_ms;
    int recoveries_tried;  /**< consecutive recoveries that did not end the bus-off */
    bool recovery_overdue; /**< can_node_restart() has to check whether it has ended */
    bool in_bus_off;
    uint32_t bus_errors_before; /**< counted by the driver before its last recovery */
    atomic_int tx_result;       /**< 0 none, 1 acknowledged, 2 failed: set by the interrupt */
    atomic_uint rx_dropped;
    atomic_uint heard; /**< frames received, including dropped ones */
    event_bus_can_status_t status;
} can_node_t;

/**
 * @brief Creates the node and enables it. A node that refuses to be enabled is not an error: see
 * can_node_refusing_ms().
 * @param[out] node filled; must stay where it is
 * @param task to notify
 * @param bitrate bit/s
 * @param now_ms present time
 * @return
 * - ESP_OK: the node exists
 * - ESP_ERR_INVALID_ARG: the driver refuses the bit rate or a GPIO
 * - ESP_ERR_NOT_FOUND: the controller is in use
 * - ESP_ERR_NO_MEM: no memory for the receive queue or the driver
 * - any other code comes from the driver
 */
esp_err_t can_node_open(can_node_t *node, TaskHandle_t task, int32_t bitrate, int64_t now_ms);

/**
 * @brief Asks for another bit rate: the next can_node_poll() disables the node, and it is enabled with the new rate and
 * without an old frame. A node in bus-off comes out of that first. One that cannot be disabled or set refuses: it gets
 * no more frames, and can_node_refusing_ms() counts.
 */
void can_node_set_bitrate(can_node_t *node, int32_t bitrate);

/** @brief Gives the driver a frame; only after can_node_poll() returned IDLE. False: refused (counted), try later. */
bool can_node_send(can_node_t *node, const victron_frame_t *frame, int64_t now_ms);

/**
 * @brief Follows the frame in flight, and bus-off; never blocks.
 * @param node the node
 * @param now_ms present time
 * @param[out] frame the frame that SENT, FAILED or STALLED refers to; the last one if none is in flight
 * @return
 * - CAN_NODE_IDLE: no frame is in flight
 * - CAN_NODE_BUSY: the frame is still in flight, the driver is not idle yet, or the node is in bus-off or cannot be set
 *   to another bit rate
 * - CAN_NODE_SENT: acknowledged; told once
 * - CAN_NODE_FAILED: not acknowledged, or lost to a bus error or bus-off; told once
 * - CAN_NODE_STALLED: call can_node_restart()
 */
can_node_tx_t can_node_poll(can_node_t *node, int64_t now_ms, victron_frame_t *frame);

/**
 * @brief Removes a stuck frame from the controller, or enables a node that is disabled or has missed the end of its
 * bus-off. A node is never enabled without a fresh frame, because the driver then sends the frame that it holds.
 * @param node the node
 * @param fresh what to send instead of the stuck frame; NULL if nothing may be sent: the node then stays disabled until
 * the next can_node_restart() with a frame
 * @param now_ms present time
 */
void can_node_restart(can_node_t *node, const victron_frame_t *fresh, int64_t now_ms);

/**
 * @brief How long the node has refused to be enabled or disabled, ms; 0 = it does not refuse.
 *
 * A node that is disabled because nothing may be sent does not count: that is intended. Nor does one in bus-off: a
 * recovery always begins, and ends as soon as the bus allows it.
 */
int64_t can_node_refusing_ms(const can_node_t *node, int64_t now_ms);

/** @brief Whether the node is enabled and on the bus. */
bool can_node_works(const can_node_t *node);

/** @brief Next received frame; false = there is none. */
bool can_node_receive(can_node_t *node, event_bus_can_frame_t *frame);

/** @brief Counters and error state as they are now. */
const event_bus_can_status_t *can_node_status(can_node_t *node);
