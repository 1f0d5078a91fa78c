/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The bus behind the TWAI controller: what a frame on the wires is, and whether somebody acknowledges it.
 */

#include <stdbool.h>
#include <stdint.h>

/** @brief A classic CAN frame as it is on the wires. */
typedef struct {
    uint32_t id;
    bool extended;
    bool remote; /**< asks for a frame and has no data */
    uint8_t dlc; /**< 0..8 */
    uint8_t data[8];
} can_bus_frame_t;

/** @brief What the bus tells the controller; called from threads of the bus. */
typedef struct {
    void (*on_frame)(const can_bus_frame_t *frame);
    void (*on_bus_off)(void);
    void (*on_counters)(uint16_t tec, uint16_t rec); /**< error counters, from a bus that knows them */
} can_bus_listener_t;

/**
 * @brief Opens the bus that `backend` names.
 * @param backend "socketcand:PORT" listens on 127.0.0.1:PORT (0 = a free port; it is logged, and written to `can_port`
 * in the data directory); "socketcan:INTERFACE", "slcan:DEVICE" and "slcan:HOST:PORT" look for it until it is there
 * @param data_dir NULL: there is none
 * @return NULL; a text that says what is wrong with `backend`
 */
const char *can_bus_open(const char *backend, const char *data_dir);

/** @brief The controller is there and has this bit rate: a bus that sets it itself begins now, or with another one. */
void can_bus_start(uint32_t bitrate);

/** @brief Who is told of frames and of errors; at most one. */
void can_bus_listen(const can_bus_listener_t *listener);

/** @brief What became of a frame. */
typedef enum {
    CAN_BUS_ACKNOWLEDGED,
    CAN_BUS_NOT_ACKNOWLEDGED,
    CAN_BUS_BUSY, /**< not known yet, or the bus has no room for it */
} can_bus_result_t;

/** @brief Puts a frame on the bus; while the answer is BUSY, call it again with the same frame, or abandon that. */
can_bus_result_t can_bus_transmit(const can_bus_frame_t *frame);

/** @brief Whether somebody holds the bus dominant, as far as the bus knows. */
bool can_bus_held(void);

/** @brief The frame of can_bus_transmit() is no longer wanted: the bus takes it back as far as it can. */
void can_bus_abandon(void);
