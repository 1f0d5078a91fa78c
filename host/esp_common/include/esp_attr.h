/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#define IRAM_ATTR
#define DRAM_ATTR
#define NOINLINE_ATTR __attribute__((noinline))

/** Kept over esp_restart(); undefined after a power-on. */
#define RTC_NOINIT_ATTR __attribute__((section("rtc_noinit")))
