/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Commands on the console (UART0): what only somebody with the device in hand may do.
 *
 * A line is a command: `help`, `setup-code`, `reset-password`. The answer is one line that begins with "console: ". It
 * is printed and not logged, because the log can be read over the network. Nothing is echoed.
 *
 * @code{.c}
 * ESP_ERROR_CHECK(device_console_open(access));
 * device_console_poll(); // several times a second, in the task `work`
 * @endcode
 */

#include "access.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Gets the console ready to be read without waiting.
 * @return
 * - ESP_OK: ready
 * - ESP_ERR_INVALID_ARG: `access` is NULL
 * - ESP_FAIL: standard input cannot be read so; the console stays silent
 */
esp_err_t device_console_open(access_handle_t access);

/**
 * @brief Takes what was typed, at most 512 bytes, and does one command that is complete. Only in the task `work`: it
 * may write flash. The end of the input ends the console quietly.
 */
void device_console_poll(void);

#ifdef __cplusplus
}
#endif
