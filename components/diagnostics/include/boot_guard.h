/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Keeps count of crashes over resets, so that a gateway that crashes again and again runs with control alone.
 */

#include <stdint.h>

#include "boot_loop.h"
#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief How the starts have gone. */
typedef struct {
    boot_loop_stage_t stage;
    uint32_t crashes;    /**< panics and resets by a watchdog since power-on */
    int64_t next_try_ms; /**< BOOT_LOOP_REDUCED: so long until everything is started; else 0 */
} boot_guard_status_t;

/**
 * @brief Takes note of this start and of what made the reset. Once, and first: a crash before it is not counted.
 * @return ESP_OK; ESP_ERR_NO_MEM
 */
esp_err_t boot_guard_begin(void);

/** @brief Waits until what control does not need may be started: no time, or in a boot loop 15 minutes, then an hour.
 */
void boot_guard_wait(void);

/** @brief How the starts have gone; callable from any task that is not on the control path, behind the begin. */
boot_guard_status_t boot_guard_status(void);

#ifdef __cplusplus
}
#endif
