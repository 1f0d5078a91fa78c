/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Converts the settings into the configuration of the battery pipeline. No NVS, no RTOS.
 *
 * @code{.c}
 * settings_values_t values;
 * battery_pipeline_t pipeline;
 * settings_factory_all(&values);
 * const battery_pipeline_config_t config = settings_pipeline(&values);
 * battery_pipeline_init(&pipeline, &config, NULL);
 * @endcode
 */

#include "battery_pipeline.h"
#include "settings_table.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief The numbers of charge control, alarms and staleness, in the units that the pipeline calculates with. */
battery_pipeline_config_t settings_pipeline(const settings_values_t *values);

#ifdef __cplusplus
}
#endif
