/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A driver of the TWAI controller without a thread or a clock, with the rules of ESP-IDF's (v5.5.5) and with the
 *        races that it has on two cores. It stands in for that of host/, which has no races.
 *
 * Nothing happens by itself: fake_twai_run() is what controller, interrupts and timer task do up to this moment.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_twai.h"

typedef enum {
    WIRES_FREE,   /**< others are there and acknowledge */
    WIRES_SILENT, /**< nobody is there */
    WIRES_HELD,   /**< dominant: nothing goes out, and no recovery ends */
} fake_wires_t;

/** @brief What an interrupt on the other core does to a node that is being disabled. */
typedef enum {
    RACE_NONE,
    RACE_STATE,   /**< writes its own state over the one that says "disabled" */
    RACE_BUS_OFF, /**< likewise, and that state is bus-off: what can be seen of it is the same */
    RACE_FORGETS, /**< likewise; it takes the end of error-passive for that of a bus-off and forgets the frame */
    RACE_DONE,    /**< tells that the frame is done */
} fake_race_t;

/** @brief A count of faults that goes on for as long as a test wants. */
#define FAKE_FOR_EVER INT32_MAX

typedef struct {
    /* what is to happen: set by the test */
    fake_wires_t wires;
    fake_race_t race;
    int32_t races;           /**< so many times the node is disabled it happens */
    int32_t refuse_enable;   /**< so many times twai_node_enable() fails without a trace */
    int32_t refuse_disable;  /**< likewise twai_node_disable() */
    int32_t refuse_timing;   /**< likewise twai_node_reconfig_timing() */
    int32_t disable_unsure;  /**< so many times twai_node_disable() does its work and reports an error */
    int32_t lose_interrupts; /**< so many frames are done without an interrupt: the driver stays busy */
    int32_t lose_callbacks;  /**< so many frames are done, and only the driver knows */
    int32_t lose_recoveries; /**< so many recoveries end without an interrupt */
    bool hold_callbacks;     /**< frames are done, and it is told by fake_twai_tell_done() */
    bool hold_timer_task;    /**< it does not come to set the idle bit */
    void (*on_start)(const twai_frame_t *frame); /**< the controller begins with a frame */

    /* what has happened */
    uint32_t bitrate; /**< that the controller has */
    uint32_t enables;
    uint32_t disables;
    uint32_t recoveries;
    uint32_t started; /**< frames that the controller has begun with */
    uint32_t sent;    /**< frames that were on the wires, acknowledged */
    uint32_t queued;  /**< frames that went into the driver's queue */
} fake_twai_t;

extern fake_twai_t fake_twai;

/** @brief A chip that has just been switched on. */
void fake_twai_reset(void);

void fake_twai_run(void);

/** @brief A frame of eight zero bytes is on the wires. */
void fake_twai_receive(uint32_t id);

/** @brief Too many errors: the controller leaves the bus. */
void fake_twai_go_bus_off(void);

/** @brief The interrupt that was late: tells that the last frame is done, whatever has been begun since. */
void fake_twai_tell_done(void);
