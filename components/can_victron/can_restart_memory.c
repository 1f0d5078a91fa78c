/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Keeps the number of such restarts in RTC memory, with a CRC. Apart from can_restart.c, which stays pure. */
#include "can_restart_memory.h"

#include <stddef.h>

#include "esp_attr.h"
#include "tinybms_crc.h"

#define LAYOUT 1

typedef struct {
    uint32_t made;
    uint32_t layout;
    uint32_t crc; /**< CRC-16 of what stands before it */
} kept_count_t;

static RTC_NOINIT_ATTR kept_count_t s_kept;

static uint16_t crc_of(const kept_count_t *kept)
{
    return tinybms_crc16((const uint8_t *)kept, offsetof(kept_count_t, crc));
}

uint32_t can_restart_memory_read(void)
{
    const kept_count_t kept = s_kept;
    return kept.layout == LAYOUT && kept.crc == crc_of(&kept) ? kept.made : 0;
}

void can_restart_memory_write(uint32_t made)
{
    kept_count_t kept = {.made = made, .layout = LAYOUT};
    kept.crc = crc_of(&kept);
    s_kept = kept;
}
