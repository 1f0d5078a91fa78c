/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "battery_state.h"
#include "tinybms_frame.h"

/* Sizes of the structs that a caller in another language has to make room for. */
extern const size_t tinybms_pure_size_of_parser;
extern const size_t tinybms_pure_size_of_state;

const size_t tinybms_pure_size_of_parser = sizeof(tinybms_parser_t);
const size_t tinybms_pure_size_of_state = sizeof(battery_state_t);
