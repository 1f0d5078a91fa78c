/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A task of low priority for what takes long: passwords, writes to flash, requests to the BMS.
 *
 * Jobs run one after another, so changes never overlap. A job takes less than 30 s.
 *
 * @code{.c}
 * ESP_ERROR_CHECK(work_start(bus, NULL));
 * // job(): does something that takes long
 * const esp_err_t err = work_submit(job, NULL); // for ESP_ERR_NO_MEM, try again later
 * @endcode
 */

#include "esp_err.h"
#include "event_bus.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Something to do; runs in the task `work`. */
typedef void (*work_job_t)(void *argument);

/**
 * @brief Starts the task.
 * @param bus where it publishes its health
 * @param idle called between jobs, at least 5 times a second while there are none; must not wait. NULL = nothing
 * @return
 * - ESP_OK: running
 * - ESP_ERR_INVALID_ARG: `bus` is NULL
 * - ESP_ERR_INVALID_STATE: started already
 * - ESP_ERR_NO_MEM: no memory for task or queue
 */
esp_err_t work_start(event_bus_handle_t bus, void (*idle)(void));

/**
 * @brief Hands over a job. Never waits. From any task.
 * @return
 * - ESP_OK: it will run
 * - ESP_ERR_INVALID_STATE: not started
 * - ESP_ERR_NO_MEM: 4 jobs wait already
 */
esp_err_t work_submit(work_job_t job, void *argument);

#ifdef __cplusplus
}
#endif
