/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The settings as the battery pipeline takes them. No NVS, no RTOS.
 */

#include "battery_pipeline.h"
#include "settings_table.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief The numbers of charge control, alarms and staleness, in the units that are calculated with. */
battery_pipeline_config_t settings_pipeline(const settings_values_t *values);

#ifdef __cplusplus
}
#endif
