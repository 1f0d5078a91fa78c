/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The lines of the Lawicel protocol ("slcan"), as text adapters such as a CANable speak it; pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "can_bus.h"

#define SLCAN_FRAME_SIZE 32  /**< "T1FFFFFFF8", 16 digits, a carriage return and the end of the string */
#define SLCAN_LINE_SIZE  128 /**< a CANable's version has some 50 characters, all others fewer */

/* Status flags that an adapter answers to "F". */
#define SLCAN_TX_FULL       0x02U
#define SLCAN_WARNING       0x04U
#define SLCAN_ERROR_PASSIVE 0x20U
#define SLCAN_BUS_ERROR     0x80U

/** @brief What the adapter said. */
typedef enum {
    SLCAN_NOTHING, /**< the line goes on, or is a mere "done" */
    SLCAN_REFUSED, /**< BEL */
    SLCAN_FRAME,   /**< `frame` was received */
    SLCAN_STATUS,  /**< `flags` */
    SLCAN_TEXT,    /**< `line`: anything else that can be read, such as the version */
    SLCAN_GARBAGE,
} slcan_event_t;

/** @brief Puts lines together; zeroed before the first byte. */
typedef struct {
    char line[SLCAN_LINE_SIZE];
    size_t length;
    bool skipping; /**< a line without an end: until its end is there */
    can_bus_frame_t frame;
    uint8_t flags;
} slcan_reader_t;

/** @brief The command that sends a frame, with its carriage return; returns its length. */
size_t slcan_encode(const can_bus_frame_t *frame, char text[SLCAN_FRAME_SIZE]);

/** @brief Digit of the command "S" for bit/s; '\0': there is none. */
char slcan_bit_rate_code(uint32_t bit_rate);

/** @brief Takes a byte from the adapter. */
slcan_event_t slcan_feed(slcan_reader_t *reader, char byte);
