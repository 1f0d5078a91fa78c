/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the files of this component share.
 */

#include "report.h"

/** @brief A quantity, or null. */
void report_quantity(json_stream_t *json, const char *key, battery_quantity_t quantity);

/** @brief Number of registers up to the last one that holds a cell. */
unsigned report_cells_end(const battery_state_t *state);

/** @brief Age of a moment, ms; 0 for one that lies ahead. */
int64_t report_age_ms(const report_view_t *view, int64_t then_ms);
