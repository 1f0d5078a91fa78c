/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The pipeline, fed with the snapshots of the real pack: CCL 90 % of 20 A, DCL 90 % of 60 A once the ramps are
 * over; CVL begins at 14 x 4075 mV and is at 14 x 4150 mV in bulk, four steps of 20 mV a cell later: 60 s and 3 x 20 s.
 */

#include "battery_pipeline.h"

#define GATEWAY_POLL_MS    200
#define GATEWAY_CVL_MV     (14 * 4150)
#define GATEWAY_FLOAT_MV   (14 * 4075)
#define GATEWAY_SETTLED_MS 130000
#define GATEWAY_CCL_MA     18000
#define GATEWAY_DCL_MA     54000
#define GATEWAY_HOUR_MS    INT64_C(3600000)

typedef struct {
    battery_pipeline_t pipeline;
    tinybms_snapshot_t snapshot;
    battery_state_t state;
    battery_alarm_change_t changes[BATTERY_ALARM_CHANGES_MAX];
    int64_t now_ms;
} gateway_t;

/** @brief The one there is, begun at a time; the pack has no external sensor and is at rest at 83.55 %. */
gateway_t *gateway_started_at(int64_t now_ms);

/** @brief And run until nothing rises any more. */
gateway_t *gateway_settled_at(int64_t now_ms);

/** @brief A step with a snapshot of the caller's, or none. */
void gateway_step(gateway_t *g, const tinybms_snapshot_t *snapshot);

/** @brief So much later there is a new snapshot. */
void gateway_feed(gateway_t *g, int32_t after_ms);

/** @brief New snapshots for so long. */
void gateway_feed_for(gateway_t *g, int32_t duration_ms);

/** @brief So much later there is still the same one. */
void gateway_wait(gateway_t *g, int32_t after_ms);

void gateway_expect(const battery_limit_t *limit, int32_t value, battery_limit_reason_t reason);

/** @brief All limits at their caps. */
void gateway_expect_online(const gateway_t *g);

/** @brief Charging stopped for stale data, the rest held. */
void gateway_expect_stage_one(const gateway_t *g);
