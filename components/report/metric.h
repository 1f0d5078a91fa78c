/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Prometheus's text format 0.0.4: a head for each metric, then its samples. Values are exact decimals.
 */

#include "report.h"

/** @brief Kind of a metric. */
typedef enum {
    METRIC_GAUGE = 0,
    METRIC_COUNTER,
} metric_type_t;

/** @brief A metric with one sample without labels: `value / 10^digits`. */
void metric(json_stream_t *text, metric_type_t type, const char *name, const char *help, int64_t value,
            unsigned digits);

/** @brief Same, but absent while the value is not known. */
void metric_known(json_stream_t *text, const char *name, const char *help, battery_quantity_t value, unsigned digits);

/** @brief The head of a metric whose samples follow. */
void metric_head(json_stream_t *text, metric_type_t type, const char *name, const char *help);

/** @brief A sample with one label; its value must need no escape, as all names of ours. */
void metric_sample(json_stream_t *text, const char *name, const char *label, const char *label_value, int64_t value,
                   unsigned digits);

/** @brief Metrics of links and gateway, after those of the battery. */
void report_metrics_of_gateway(json_stream_t *text, const report_view_t *view);
