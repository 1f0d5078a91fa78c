/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A log that is counted, not printed: an hour of faults passes in a test within milliseconds.
 */

#include <stdint.h>

/** @brief Lines of errors and warnings since fake_log_reset(). */
uint32_t fake_log_complaints(void);

/** @brief Likewise those that hold this text. */
void fake_log_reset(const char *text);
uint32_t fake_log_found(void);
