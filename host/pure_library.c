/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "battery_state.h"
#include "energy_log.h"
#include "tinybms_frame.h"

/* Sizes of the structs that a caller in another language has to make room for. */
extern const size_t tinybms_pure_size_of_parser;
extern const size_t tinybms_pure_size_of_state;
extern const size_t tinybms_pure_size_of_energy_log;
extern const size_t tinybms_pure_size_of_energy_totals;

const size_t tinybms_pure_size_of_parser = sizeof(tinybms_parser_t);
const size_t tinybms_pure_size_of_state = sizeof(battery_state_t);
const size_t tinybms_pure_size_of_energy_log = sizeof(energy_log_t);
const size_t tinybms_pure_size_of_energy_totals = sizeof(energy_totals_t);
