/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Carries the limits over an orderly restart, in memory that a reset does not clear. A power cut loses them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "charge_control.h"
#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Takes what the last restart has left. Works once: a second call finds nothing.
 * @param[out] limits filled when the function returns true
 * @param[out] age_ms time since they were stored, ms; filled when the function returns true
 * @return false: the last restart was not an orderly one, or the stored limits are damaged or of unknown age
 */
bool limits_store_take(charge_control_kept_t *limits, int32_t *age_ms);

/**
 * @brief From now on an orderly restart keeps the limits that limits_store_put() was last given.
 * @return
 * - ESP_OK: done
 * - ESP_ERR_INVALID_STATE: called before
 * - ESP_ERR_NO_MEM: no memory for the queue, or no free slot for a shutdown handler
 */
esp_err_t limits_store_start(void);

/** @brief The limits that the GX gets now; NULL = none are sent. From the battery task; never waits. */
void limits_store_put(const charge_control_kept_t *limits);

#ifdef __cplusplus
}
#endif
