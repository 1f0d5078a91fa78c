/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "battery_state.h"
#include "tinybms_session.h"
#include "victron_schedule.h"

/* Sizes of the structs that a caller in another language has to make room for. */
extern const size_t tinybms_pure_size_of_session;
extern const size_t tinybms_pure_size_of_parser;
extern const size_t tinybms_pure_size_of_state;
extern const size_t tinybms_pure_size_of_snapshot;

const size_t tinybms_pure_size_of_session = sizeof(tinybms_session_t);
const size_t tinybms_pure_size_of_parser = sizeof(tinybms_parser_t);
const size_t tinybms_pure_size_of_state = sizeof(battery_state_t);
const size_t tinybms_pure_size_of_snapshot = sizeof(tinybms_snapshot_t);
