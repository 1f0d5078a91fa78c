/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Frames and error frames of the Linux kernel, to frames of the bus and to what they say about it. */
#include "socketcan_frame.h"

#include <linux/can/error.h>
#include <string.h>

#ifndef CAN_ERR_CNT /* headers before Linux 6.0 */
#define CAN_ERR_CNT 0x00000200U
#endif

const can_err_mask_t socketcan_error_classes =
    CAN_ERR_TX_TIMEOUT | CAN_ERR_CRTL | CAN_ERR_ACK | CAN_ERR_BUSOFF | CAN_ERR_RESTARTED | CAN_ERR_CNT;

enum {
    /* ISO 11898-1: where the error counters stand at least */
    WARNING = 96,
    PASSIVE = 128,
    /* bytes of an error frame */
    CONTROLLER = 1,
    TX_COUNTER = 6,
    RX_COUNTER = 7,
};

struct can_frame socketcan_from_bus(const can_bus_frame_t *frame)
{
    struct can_frame to = {.can_id = frame->id, .len = frame->dlc};
    to.can_id |= (frame->extended ? CAN_EFF_FLAG : 0U) | (frame->remote ? CAN_RTR_FLAG : 0U);
    memcpy(to.data, frame->data, frame->remote ? 0 : frame->dlc);
    return to;
}

bool socketcan_to_bus(const struct can_frame *from, can_bus_frame_t *frame)
{
    if ((from->can_id & CAN_ERR_FLAG) != 0 || from->len > CAN_MAX_DLEN) {
        return false;
    }
    *frame = (can_bus_frame_t){
        .extended = (from->can_id & CAN_EFF_FLAG) != 0,
        .remote = (from->can_id & CAN_RTR_FLAG) != 0,
        .dlc = from->len,
    };
    frame->id = from->can_id & (frame->extended ? CAN_EFF_MASK : CAN_SFF_MASK);
    memcpy(frame->data, from->data, frame->remote ? 0 : from->len);
    return true;
}

static uint16_t counter_of(uint8_t state, uint8_t warning, uint8_t passive)
{
    if ((state & passive) != 0) {
        return PASSIVE;
    }
    return (state & warning) != 0 ? WARNING : 0;
}

bool socketcan_read_errors(const struct can_frame *from, socketcan_errors_t *errors)
{
    const canid_t classes = from->can_id;
    if ((classes & CAN_ERR_FLAG) == 0 || from->len != CAN_ERR_DLC) {
        return false;
    }
    *errors = (socketcan_errors_t){
        .bus_off = (classes & CAN_ERR_BUSOFF) != 0,
        .restarted = (classes & CAN_ERR_RESTARTED) != 0,
        .dropped = (classes & CAN_ERR_TX_TIMEOUT) != 0,
        .no_acknowledge = (classes & CAN_ERR_ACK) != 0,
    };
    const uint8_t state = from->data[CONTROLLER];
    const uint8_t known = CAN_ERR_CRTL_RX_WARNING | CAN_ERR_CRTL_TX_WARNING | CAN_ERR_CRTL_RX_PASSIVE |
                          CAN_ERR_CRTL_TX_PASSIVE | CAN_ERR_CRTL_ACTIVE;
    if ((classes & CAN_ERR_CNT) != 0) {
        errors->counters_known = true;
        errors->tec = from->data[TX_COUNTER];
        errors->rec = from->data[RX_COUNTER];
    } else if ((classes & CAN_ERR_CRTL) != 0 && (state & known) != 0) { /* else an overflow, which tells nothing */
        errors->counters_known = true;
        errors->tec = counter_of(state, CAN_ERR_CRTL_TX_WARNING, CAN_ERR_CRTL_TX_PASSIVE);
        errors->rec = counter_of(state, CAN_ERR_CRTL_RX_WARNING, CAN_ERR_CRTL_RX_PASSIVE);
    }
    return true;
}
