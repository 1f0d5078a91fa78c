/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What several writes would change, whether they may be written, and why not: for a person to look at first.
 *
 * @code{.c}
 * char why[WEB_PLAN_TEXT_MAX + 1];
 * size_t count = 1;
 * tinybms_write_request_t requests[] = {{.entry = tinybms_register_by_name("over_voltage_cutoff"), .raw = 3650}};
 * const web_verdict_t verdict =
 *     web_plan(snapshot->settings, 16, requests, &count, why, sizeof(why)); // count: 0 = nothing differs
 * @endcode
 */

#include <stddef.h>
#include <stdint.h>

#include "tinybms_write.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Settings that can be written. */
#define WEB_WRITABLE_COUNT 40

/** @brief Length of a text that is long enough for the reasons of a few settings. */
#define WEB_PLAN_TEXT_MAX 383

/** @brief Whether several writes may be done. */
typedef enum {
    WEB_VERDICT_MAY_WRITE = 0,
    WEB_VERDICT_NEEDS_CONFIRMATION, /**< a person has to agree to what the text says */
    WEB_VERDICT_REFUSED,
} web_verdict_t;

/**
 * @brief Drops the writes that would change nothing, and judges the others.
 * @param settings registers 300..343
 * @param cells measured cells, 1..16; 0 = not known
 * @param[in,out] requests settings with an entry of the table, each once. Those that differ come first, in the order in
 * which they would be written; if they are refused, the one that this is about is the first. `confirmed`
 * and `read_back` are overwritten
 * @param[in,out] count number of requests; then of those that differ
 * @param[out] why sentences for a person; empty: may be written. What is too long ends with "..."
 * @param size of `why`
 */
web_verdict_t web_plan(const uint16_t settings[TINYBMS_SETTINGS_COUNT], uint8_t cells,
                       tinybms_write_request_t *requests, size_t *count, char *why, size_t size);

/**
 * @brief Says why a write was refused or has failed, with names, values and units.
 * @param request a setting with an entry of the table
 * @param result of it
 * @param[out] text one sentence
 * @param size of `text`
 */
void web_plan_explain(const tinybms_write_request_t *request, const tinybms_write_result_t *result, char *text,
                      size_t size);

/** @brief Room for a value with its unit. */
#define WEB_VALUE_MAX 23

/** @brief Writes a value for people: "3.65 V". */
void web_plan_value_text(const tinybms_register_t *entry, int64_t raw, char text[WEB_VALUE_MAX + 1]);

#ifdef __cplusplus
}
#endif
