/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A pack under charge control: what the BMS says and measures, and the control that is fed with it.
 */

#include "charge_control.h"

#define PACK_PERIOD_MS 200 /**< as the BMS is polled */
#define PACK_SEEN_MS                                                                                                   \
    (2 * PACK_PERIOD_MS) /**< a change of the cells counts with its second snapshot (median of three) */
#define PACK_MINUTE_MS  60000
#define PACK_SETTLED_MS (5 * PACK_MINUTE_MS) /**< from float to the target takes at most so long after a start */

/* Of pack_nmc(): 14 cells; CCL ends at 4180 mV. */
#define PACK_TARGET_MV (14 * 4150)
#define PACK_FLOAT_MV  (14 * 4075)
#define PACK_TAIL_MA   2640 /**< 4 % of 66 Ah in an hour */

/** @brief A value, and what of a limit is left at it. */
typedef struct {
    int32_t value;
    int32_t limit_ma;
} pack_point_t;

#define PACK_POINTS(name) (sizeof(name) / sizeof((name)[0]))

typedef struct {
    charge_control_config_t config;
    battery_bms_t bms;
    battery_state_t state;
    charge_control_t control;
    int64_t now_ms;
} pack_t;

/**
 * @brief 14 cells of the real device, 25 degC, half full, at rest.
 *
 * 300 = 4150, 301 = 3000, 306 = 66 Ah, 315 = 4200, 316 = 2900, 317 = 60 A, 318 = 20 A, 319 = 60 degC, 320 = 0 degC.
 */
void pack_nmc(pack_t *pack);

/** @brief 16 LFP cells: 300 = 3550, 301 = 2900, 315 = 3650, 316 = 2800, else as the other. */
void pack_lfp(pack_t *pack);

/** @brief The highest and the lowest cell. */
void pack_set_cells(pack_t *pack, int32_t highest_mv, int32_t lowest_mv);

/** @brief All cells alike. */
void pack_set_all_cells(pack_t *pack, int32_t cell_mv);

/** @brief Begins anew with `pack->config`. */
void pack_restart(pack_t *pack);

/** @brief One new snapshot, so long after the one before. */
void pack_step(pack_t *pack, int32_t after_ms);

/** @brief Snapshots, PACK_PERIOD_MS apart, for so long. */
void pack_run(pack_t *pack, int32_t duration_ms);

/** @brief A start, the ramps that follow it, and the rise of CVL. */
void pack_settle(pack_t *pack);

/** @brief A start with this CVL of the pack and without ramps, as after an orderly restart. */
void pack_begin_at(pack_t *pack, int32_t cvl_mv);

/** @brief One more event holds in the fault of the BMS; and the end of the fault. */
void pack_fault(pack_t *pack, uint8_t event);
void pack_recover(pack_t *pack);

/** @brief pack_nmc() after its ramps, with these cells and this current. */
void pack_charging(pack_t *pack, int32_t cell_mv, int32_t current_ma);

/** @brief All cells alike, and so many snapshots that they count. */
void pack_set_cells_seen(pack_t *pack, int32_t cell_mv);

/** @brief The same pack once more, to be changed; there until the next call of this function and of those below. */
pack_t *pack_copy(const pack_t *pack);

/** @brief What the first step of a new control lets a limiter of CCL or DCL allow; -1 = it is left out. */
int32_t pack_charge_limiter(const pack_t *pack, battery_limit_reason_t reason);
int32_t pack_discharge_limiter(const pack_t *pack, battery_limit_reason_t reason);

/** @brief Value and reason of a limit that has to be known. */
void pack_expect(const battery_limit_t *limit, int32_t value, battery_limit_reason_t reason);

static inline battery_quantity_t pack_known(int32_t value)
{
    return (battery_quantity_t){.known = true, .value = value};
}
