/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Counts crashes across resets, so that a gateway that keeps crashing runs with control alone.
 *
 * @code{.c}
 * ESP_ERROR_CHECK(boot_guard_begin());
 * // ... start what control needs ...
 * boot_guard_wait();
 * const bool in_loop = boot_guard_status().stage != BOOT_LOOP_NONE;
 * // ... start everything else ...
 * @endcode
 */

#include <stdint.h>

#include "boot_loop.h"
#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief How the recent starts went. */
typedef struct {
    boot_loop_stage_t stage;
    uint32_t crashes;    /**< panics and watchdog resets since power-on */
    int64_t next_try_ms; /**< BOOT_LOOP_REDUCED: time until everything is started; else 0 */
} boot_guard_status_t;

/**
 * @brief Records this start and the cause of the reset. Call it once, first of all: a crash before it is not counted.
 * @return
 * - ESP_OK: recorded
 * - ESP_ERR_NO_MEM: no memory for the lock; nothing is recorded
 */
esp_err_t boot_guard_begin(void);

/**
 * @brief Waits until everything that control does not need may be started. Normally it returns at once; in a boot loop
 * it waits 15 minutes the first time, then an hour.
 */
void boot_guard_wait(void);

/** @brief How the recent starts went. From any task off the control path, after boot_guard_begin(). */
boot_guard_status_t boot_guard_status(void);

#ifdef __cplusplus
}
#endif
