/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Frames and error frames of Linux' SocketCAN in our words; pure.
 */

#include <linux/can.h>
#include <stdbool.h>
#include <stdint.h>

#include "can_bus.h"

/** @brief The classes of error frames that socketcan_read_errors() understands. */
extern const can_err_mask_t socketcan_error_classes;

/** @brief What an error frame says. */
typedef struct {
    bool bus_off;
    bool restarted;      /**< the kernel has taken the controller out of bus-off */
    bool dropped;        /**< the frame under way is lost: its time was over */
    bool no_acknowledge; /**< nobody acknowledged; the controller may still be trying */
    bool counters_known; /**< `tec` and `rec`, exactly or as far as the state of the controller tells */
    uint16_t tec;
    uint16_t rec;
} socketcan_errors_t;

/** @brief A frame for the kernel. */
struct can_frame socketcan_from_bus(const can_bus_frame_t *frame);

/** @brief A frame from the kernel; false: it is an error frame, or none that a classic bus can carry. */
bool socketcan_to_bus(const struct can_frame *from, can_bus_frame_t *frame);

/** @brief An error frame from the kernel; false: it is something else. */
bool socketcan_read_errors(const struct can_frame *from, socketcan_errors_t *errors);
