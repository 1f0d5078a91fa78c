/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Decides whether the running image is good. Pure, so that tests can go through every combination. */
#include "ota_confirm.h"

#include <stddef.h>

void ota_seen(ota_seen_t *seen, ota_part_t part, int64_t now_ms)
{
    seen->seen_ms[part] = now_ms;
    seen->ever = (uint8_t)(seen->ever | (1U << part));
}

uint8_t ota_seen_within(const ota_seen_t *seen, int64_t now_ms, int64_t within_ms)
{
    uint8_t parts = 0;
    for (unsigned part = 0; part < OTA_PART_COUNT; part++) {
        const bool ever = ((seen->ever >> part) & 1U) != 0;
        if (ever && now_ms - seen->seen_ms[part] <= within_ms) {
            parts = (uint8_t)(parts | (1U << part));
        }
    }
    return parts;
}

uint8_t ota_confirm_asked(const uint8_t *stored)
{
    return stored == NULL ? OTA_PARTS_ALL : *stored & OTA_PARTS_ALL;
}

bool ota_confirm_good(uint8_t asked, uint8_t works, int64_t now_ms)
{
    return now_ms >= OTA_CONFIRM_AT_MS && (asked & ~works) == 0;
}
