/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Task that owns the serial line to the TinyBMS: runs the session, publishes snapshots, performs writes,
 * and reads what the BMS allows for its settings.
 *
 * @code{.c}
 * uart_bms_handle_t handle = NULL;
 * tinybms_write_result_t result;
 * const tinybms_write_request_t request = {.entry = tinybms_register_by_name("over_voltage_cutoff"), .raw = 4200};
 * ESP_ERROR_CHECK(uart_bms_start(bus, settings, &handle));
 * const esp_err_t err = uart_bms_write(handle, &request, 5000, &result);
 * const bool written = err == ESP_OK && result.status == TINYBMS_WRITE_OK;
 * @endcode
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"
#include "tinybms_command.h"
#include "tinybms_write.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct uart_bms *uart_bms_handle_t;

/**
 * @brief Starts the driver and the task. A BMS that does not answer is not an error: the task keeps polling it.
 * @param bus where snapshots, events and the status of the line are published
 * @param settings polling period, which counts from the next poll on when it changes, and battery memory
 * @param[out] handle for uart_bms_write() and uart_bms_write_all()
 * @return
 * - ESP_OK: the task is running
 * - ESP_ERR_INVALID_ARG: `bus`, `settings` or `handle` is NULL
 * - ESP_ERR_INVALID_STATE: an earlier call has already started it, or failed half-way
 * - ESP_ERR_NO_MEM: no memory for the task, its queues or its lock
 * - any other code comes from the UART driver, which could not open the port
 */
esp_err_t uart_bms_start(event_bus_handle_t bus, settings_handle_t settings, uart_bms_handle_t *handle);

/**
 * @brief Writes several settings, a profile, and waits for the verified result. Not for tasks of the control path.
 *
 * They are judged by the settings that they end with, and written in an order in which each one alone is allowed
 * (tinybms_write_gate.h). The first write that is refused, not answered or not verified ends it.
 * @param handle from uart_bms_start()
 * @param[in,out] requests settings; sorted into the order of writing, and each one that is written gets its `read_back`
 * @param count number of requests, 1 or more
 * @param timeout_ms longest wait for all of them, ms; includes the wait for other callers
 * @param[out] result OK, or the outcome of the write that ended it
 * @param[out] written number of requests written and verified, the first ones. If these are not all, the next one ended
 * it (after NOT_ANSWERED or a timeout it may or may not have been written), and those after it were not sent
 * @return
 * - ESP_OK: `result` is filled, also with a refusal
 * - ESP_ERR_INVALID_ARG: a pointer is NULL, or `count` is 0
 * - ESP_ERR_INVALID_STATE: the task has not taken the previous write yet
 * - ESP_ERR_TIMEOUT: no result in time; requests after `written` may not have been sent
 */
esp_err_t uart_bms_write_all(uart_bms_handle_t handle, tinybms_write_request_t *requests, size_t count,
                             uint32_t timeout_ms, tinybms_write_result_t *result, size_t *written);

/**
 * @brief Writes a setting or runs a command, and waits for the verified result. Not for tasks of the control path.
 * @param handle from uart_bms_start()
 * @param request what to write
 * @param timeout_ms longest wait, ms; includes the wait for other callers
 * @param[out] result status; for a refusal also the reason and the allowed range
 * @return
 * - ESP_OK: `result` is filled, also with a refusal
 * - ESP_ERR_INVALID_ARG: a pointer is NULL
 * - ESP_ERR_INVALID_STATE: the task has not taken the previous write yet; nothing was sent
 * - ESP_ERR_TIMEOUT: no result in time; the write may or may not have been performed
 */
esp_err_t uart_bms_write(uart_bms_handle_t handle, const tinybms_write_request_t *request, uint32_t timeout_ms,
                         tinybms_write_result_t *result);

/**
 * @brief Asks the BMS for the least, greatest or default values of its settings, or the present ones (command 0x1D),
 * and waits for the answer. Not for tasks of the control path. One exchange between live blocks; nothing is remembered.
 *
 * Each word is taken to be laid out as its register (tinybms_registers.h): the maker does not say so, and no device has
 * confirmed it. Reserved registers are part of the answer.
 * @param handle from uart_bms_start()
 * @param option which values
 * @param[out] words registers from 300 on; filled only with ESP_OK
 * @param count number of registers, 1..44
 * @param timeout_ms longest wait, ms; includes the wait for other callers. A silent BMS is given up after some 3 s
 * @return
 * - ESP_OK: `words` are filled
 * - ESP_ERR_INVALID_ARG: a pointer is NULL, or `option` or `count` is out of range
 * - ESP_ERR_INVALID_STATE: the task has not taken the previous request yet
 * - ESP_ERR_NOT_SUPPORTED: the BMS refuses the command, as an older firmware may
 * - ESP_ERR_TIMEOUT: no answer, or none of the right length, in time
 */
esp_err_t uart_bms_read_options(uart_bms_handle_t handle, tinybms_option_t option, uint16_t *words, size_t count,
                                uint32_t timeout_ms);

#ifdef __cplusplus
}
#endif
