/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A measurement without its outliers: a single wrong reading moves nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief The last readings. Zeroed, or with `filled` false = none. */
typedef struct {
    bool filled;
    int32_t last[2]; /**< the newest one is the second */
} battery_median_t;

/**
 * @brief Takes a reading.
 * @return the middle one of the last three; the first reading counts for those before it
 */
int32_t battery_median_take(battery_median_t *median, int32_t value);

#ifdef __cplusplus
}
#endif
