/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The state that one gateway keeps for the pure components, which own no memory themselves: compiled only to be
 * measured. uart_bms has the session (with the parser, the newest snapshot and the events in it), battery has the last
 * snapshot, the pipeline, the log of its counters and the newest state, can_victron has the schedule (with its state)
 * and the newest state.
 */
#include "battery_pipeline.h"
#include "energy_log.h"
#include "tinybms_session.h"
#include "victron_keepalive.h"
#include "victron_schedule.h"

extern tinybms_session_t session;
extern tinybms_snapshot_t last_snapshot;
extern battery_pipeline_t pipeline;
extern energy_log_t energy_log;
extern battery_state_t state;
extern battery_state_t sent_state;
extern victron_schedule_t schedule;
extern victron_keepalive_t keepalive;

tinybms_session_t session;
tinybms_snapshot_t last_snapshot;
battery_pipeline_t pipeline;
energy_log_t energy_log;
battery_state_t state;
battery_state_t sent_state;
victron_schedule_t schedule;
victron_keepalive_t keepalive;
