/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Median of three readings, shared by battery_belief.c and charge_control. */
#include "battery_median.h"

static int32_t middle(int32_t a, int32_t b, int32_t c)
{
    const int32_t low = a < b ? a : b;
    const int32_t high = a < b ? b : a;
    return c < low ? low : (c > high ? high : c);
}

int32_t battery_median_take(battery_median_t *median, int32_t value)
{
    if (!median->filled) {
        median->filled = true;
        median->last[1] = value;
    }
    const int32_t found = middle(median->last[0], median->last[1], value);
    median->last[0] = median->last[1];
    median->last[1] = value;
    return found;
}
