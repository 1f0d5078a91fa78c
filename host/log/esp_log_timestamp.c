/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The time in log lines; a file of its own, so that a test can replace the log without it. */
#include "esp_log_timestamp.h"

#include "host.h"

uint32_t esp_log_timestamp(void)
{
    return (uint32_t)(host_now_us() / 1000);
}
