/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Median of the last three readings: a single wrong reading changes nothing.
 *
 * @code{.c}
 * battery_median_t median = {0};
 * (void)battery_median_take(&median, 3300);
 * (void)battery_median_take(&median, 3301);
 * const int32_t with_outlier = battery_median_take(&median, 4200); // 3301
 * const int32_t after_it = battery_median_take(&median, 3302); // 3302
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief The last readings. Zeroed, or `filled == false`: there are none. */
typedef struct {
    bool filled;
    int32_t last[2]; /**< the second is the newer one */
} battery_median_t;

/**
 * @brief Takes a reading.
 * @param median the readings before it
 * @param value the reading, in any unit
 * @return median of the last three readings; the first reading also counts for the two before it
 */
int32_t battery_median_take(battery_median_t *median, int32_t value);

#ifdef __cplusplus
}
#endif
