/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What a kind of bus provides to can_bus.c, and what it reports to it.
 */

#include "can_bus.h"

/** @brief What a bus did with a frame that it got. */
typedef enum {
    CAN_BUS_PUT_ACKNOWLEDGED,
    CAN_BUS_PUT_REFUSED,   /**< nobody is there to acknowledge it */
    CAN_BUS_PUT_NO_ROOM,   /**< not taken: try again */
    CAN_BUS_PUT_UNDER_WAY, /**< taken; can_bus_done() will follow */
} can_bus_put_t;

/** @brief A kind of bus. */
typedef struct {
    const char *name; /**< what stands before the colon */
    /** Starts it. `where` is what stands behind the colon. Returns NULL, or a text that says what is wrong. */
    const char *(*open)(const char *where, const char *data_dir);
    /** The controller is there and has this bit rate, or another one than before; NULL: the bus does not set it. */
    void (*start)(uint32_t bitrate);
    /** Takes a frame; never while another one is under way. Must not block. */
    can_bus_put_t (*put)(const can_bus_frame_t *frame);
    /** Takes back the frame that is under way, then can_bus_done(); NULL: it is done soon anyway. Must not block. */
    void (*take_back)(void);
    /** Whether the bus is held, so that nothing can be sent; NULL: the bus does not know. */
    bool (*held)(void);
} can_bus_backend_t;

extern const can_bus_backend_t can_bus_socketcand;
extern const can_bus_backend_t can_bus_socketcan;
extern const can_bus_backend_t can_bus_slcan;

/* Reports; never with a lock held that put() or take_back() take. */

/** @brief The frame that was under way is done; nothing happens when there was none. */
void can_bus_done(bool acknowledged);

/** @brief A frame was received. */
void can_bus_received(const can_bus_frame_t *frame);

/** @brief The controller of the bus went bus-off. */
void can_bus_went_off(void);

/** @brief Error counters of the controller of the bus. */
void can_bus_counted(uint16_t tec, uint16_t rec);

/** @brief Milliseconds of the world outside, which know nothing of the program's scaled time. */
int64_t can_bus_now_ms(void);
