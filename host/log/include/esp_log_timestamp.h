/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stdint.h>

/** Milliseconds since the start, in scaled time; 32 bits as on the chip. */
uint32_t esp_log_timestamp(void);
