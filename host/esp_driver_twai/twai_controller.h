/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The TWAI controller itself, an SJA1000 in what it does: error counters, status bits, one frame, interrupts.
 */

#include <stdbool.h>
#include <stdint.h>

#include "can_bus.h"
#include "hal/twai_types.h"

#define TWAI_WARNING_LIMIT 96U  /* where the error status bit stands: reset value of the register */
#define TWAI_PASSIVE_LIMIT 128U /* ISO 11898-1 */

/** @brief What an interrupt tells. */
typedef struct {
    twai_error_flags_t errors;       /**< a bus error, or a lost arbitration */
    bool status_changed;             /**< the error status or the bus status: "error warning interrupt" */
    bool passive_changed;            /**< error-passive began or ended: "error passive interrupt" */
    bool released;                   /**< the transmit buffer: the frame is done */
    bool complete;                   /**< the frame was acknowledged */
    const can_bus_frame_t *received; /**< NULL: none */
} twai_interrupt_t;

/** @brief What stands in the registers. */
typedef struct {
    bool bus_off;
    bool error_status; /**< a counter is at the warning limit or above it */
    uint16_t tec;
    uint16_t rec;
    uint32_t bitrate;
} twai_registers_t;

/** @brief The controller, in reset mode: it takes no part in the bus. `isr` runs one at a time, as an interrupt. */
void twai_controller_open(uint32_t bitrate, bool single_shot, void (*isr)(const twai_interrupt_t *));

/** @brief Another bit rate; not heard outside of reset mode. */
void twai_controller_set_bitrate(uint32_t bitrate);

/** @brief Leaves reset mode with counters at 0. A controller that has left it already does not hear this. */
void twai_controller_start(void);

/** @brief Into reset mode: a transmission is broken off, interrupts that wait are lost. */
void twai_controller_stop(void);

/** @brief Leaves reset mode as it is: out of bus-off this takes 128 x 11 recessive bits; else it only listens. */
void twai_controller_recover(void);

/** @brief Fills the transmit buffer and asks for its transmission; not heard in reset mode. */
void twai_controller_transmit(const can_bus_frame_t *frame);

twai_registers_t twai_controller_registers(void);
