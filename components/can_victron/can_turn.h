/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the CAN task does in each turn. Time is an argument, and nothing waits: the task does.
 */

#include <stdbool.h>
#include <stdint.h>

#include "can_node.h"
#include "can_restart.h"
#include "event_bus.h"
#include "settings.h"
#include "victron_keepalive.h"
#include "victron_schedule.h"

/** @brief The service. */
typedef struct {
    event_bus_handle_t bus;
    settings_handle_t settings;
    uint32_t generation; /**< of the settings that are in use */
    event_bus_subscription_t states;
    can_node_t node;
    victron_schedule_t schedule;
    victron_keepalive_t keepalive;
    can_restart_t restart;
    int32_t bitrate;       /**< bit/s */
    int32_t max_age_ms;    /**< oldest snapshot that may be sent */
    int32_t gx_warn_ms;    /**< silence of the GX after which the log warns */
    battery_state_t state; /**< newest one; its `publish` is cleared when it grows too old */
    bool publishing;
    int64_t next_status_ms;
} can_victron_t;

/** @brief Starts. Set the times before it; open the node and the subscription after it. */
void can_turn_begin(can_victron_t *can, event_bus_handle_t bus, const victron_identity_t *identity, int64_t now_ms);

/**
 * @brief One turn: takes states and frames, sends what is due, publishes the status.
 * @return true: the node refuses, and a restart is due; it has been counted
 */
bool can_turn(can_victron_t *can, int64_t now_ms);
