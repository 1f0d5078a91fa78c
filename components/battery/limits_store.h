/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Limits that survive an orderly restart, in memory that a reset does not clear. A power cut forgets them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "charge_control.h"
#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief What the restart before this start has left. Once: a second call finds nothing.
 * @param[out] limits filled when the function returns true
 * @param[out] age_ms since they were kept; likewise
 * @return false: the restart was not an orderly one, or what is there is damaged or of unknown age
 */
bool limits_store_take(charge_control_kept_t *limits, int32_t *age_ms);

/** @brief From now on an orderly restart keeps what limits_store_put() gave last. */
esp_err_t limits_store_start(void);

/** @brief The limits that are being sent; NULL = none are. From the battery task; never waits. */
void limits_store_put(const charge_control_kept_t *limits);

#ifdef __cplusplus
}
#endif
