/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The state that one gateway keeps for the pure components, which own no memory themselves: compiled only to be
 * measured. uart_bms has the session (with the parser, the newest snapshot and the events in it), battery has the last
 * snapshot, the last state and the one that is being made, can_victron has the schedule (with its state) and the newest
 * state.
 */
#include "battery_assemble.h"
#include "tinybms_session.h"
#include "victron_keepalive.h"
#include "victron_schedule.h"

extern tinybms_session_t session;
extern tinybms_snapshot_t last_snapshot;
extern battery_state_t last_state;
extern battery_state_t next_state;
extern battery_state_t sent_state;
extern victron_schedule_t schedule;
extern victron_keepalive_t keepalive;
extern victron_identity_t identity;

tinybms_session_t session;
tinybms_snapshot_t last_snapshot;
battery_state_t last_state;
battery_state_t next_state;
battery_state_t sent_state;
victron_schedule_t schedule;
victron_keepalive_t keepalive;
victron_identity_t identity;
