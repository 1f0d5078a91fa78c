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
 * The driver keeps the caller's frame pointer until the frame is done, cannot take a frame back, and sends what is
 * queued after a bus-off. Therefore its queue is never used: the next frame is given to it when the last one is done,
 * and is encoded at that moment. Transmission is single-shot; a frame that got no acknowledge is reported as failed and
 * comes back from the schedule with fresh content.
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
    CAN_NODE_STALLED,  /**< not done after a long time, or the node is not enabled: can_node_restart() */
} can_node_tx_t;

/** @brief The node. Lives in internal RAM (interrupts use it while the flash is busy); private to can_node.c. */
typedef struct {
    twai_node_handle_t node;
    TaskHandle_t task; /**< notified on every interrupt that has news */
    QueueHandle_t received;
    twai_frame_t frame; /**< the one in flight; not touched until it is done */
    uint8_t data[8];
    bool in_flight;
    bool halted; /**< not enabled: it refuses, or nothing may be sent in place of a frame that was stuck */
    int64_t sent_at_ms;
    unsigned heard_before;     /**< `heard` when the frame in flight was given to the driver */
    int64_t refusing_since_ms; /**< while status.refusing */
    int64_t refused_ms;        /**< before that, in a row but for times in which nothing might be sent */
    int64_t try_again_ms;
    int64_t complain_ms;
    int64_t busy_since_ms; /**< the driver holds a frame that is not ours; 0 = it does not */
    int64_t recover_at_ms;
    int recoveries_tried;  /**< in a row, without an end of the bus-off */
    bool recovery_overdue; /**< can_node_restart() has to look whether it has ended */
    bool in_bus_off;
    uint32_t bus_errors_before; /**< those that the driver has counted before its last recovery */
    atomic_int tx_result;       /**< 0 none, 1 acknowledged, 2 failed: set by the interrupt */
    atomic_uint rx_dropped;
    atomic_uint heard; /**< frames received, those that were dropped too */
    event_bus_can_status_t status;
} can_node_t;

/**
 * @brief Makes the node and enables it. One that refuses to be enabled is no error: see can_node_refusing_ms().
 * @param[out] node filled; must stay where it is
 * @param task that is notified
 * @param bitrate bit/s
 * @param now_ms present time
 * @return ESP_OK; ESP_ERR_NO_MEM; an error of the driver
 */
esp_err_t can_node_open(can_node_t *node, TaskHandle_t task, int32_t bitrate, int64_t now_ms);

/** @brief Gives the driver a frame; only when can_node_poll() said IDLE. False: not taken (counted), try later. */
bool can_node_send(can_node_t *node, const victron_frame_t *frame, int64_t now_ms);

/**
 * @brief Looks after the frame in flight and after bus-off; never blocks.
 * @param node the node
 * @param now_ms present time
 * @param[out] frame the frame that SENT, FAILED or STALLED speak of; the last one, where none is in flight
 * @return what became of the frame in flight
 */
can_node_tx_t can_node_poll(can_node_t *node, int64_t now_ms, victron_frame_t *frame);

/**
 * @brief Takes a stuck frame out of the controller, or enables a node that is not enabled, or one that has missed the
 * end of its bus-off. A node is never enabled without a fresh frame: the driver then sends what it holds.
 * @param node the node
 * @param fresh what to send in place of the stuck frame; NULL when nothing may be sent: the node then stays disabled
 * until the next can_node_restart() with a frame
 * @param now_ms present time
 */
void can_node_restart(can_node_t *node, const victron_frame_t *fresh, int64_t now_ms);

/**
 * @brief For how long the node has been neither enabled nor allowed to be; 0 = it is not so.
 *
 * Neither a node that is disabled because nothing may be sent nor one in bus-off counts: the first is wanted, and a
 * recovery always begins, and ends as soon as the bus lets it.
 */
int64_t can_node_refusing_ms(const can_node_t *node, int64_t now_ms);

/** @brief Whether the node is enabled and on the bus. */
bool can_node_works(const can_node_t *node);

/** @brief Next received frame; false when there is none. */
bool can_node_receive(can_node_t *node, event_bus_can_frame_t *frame);

/** @brief Counters and error state as they are now. */
const event_bus_can_status_t *can_node_status(can_node_t *node);
