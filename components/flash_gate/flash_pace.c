/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** When a turn may begin, relative to the last 0x351. Pure, so that tests can go through every millisecond. */
#include "flash_pace.h"

/** Without 0x351, or with a clock that went back. */
static bool frames_lost(const flash_pace_t *pace, int64_t now_ms)
{
    return !pace->has_sent || now_ms < pace->sent_ms || now_ms - pace->sent_ms >= FLASH_PACE_LOST_MS;
}

static int32_t wait_without_frames_ms(const flash_pace_t *pace, int64_t now_ms)
{
    const int64_t since_ms = now_ms - pace->turn_ms;
    return !pace->has_turn || since_ms < 0 || since_ms >= FLASH_PACE_WITHOUT_MS
               ? 0
               : (int32_t)(FLASH_PACE_WITHOUT_MS - since_ms);
}

void flash_pace_sent(flash_pace_t *pace, int64_t sent_ms)
{
    pace->has_sent = true;
    pace->sent_ms = sent_ms;
    pace->first_taken = false;
    pace->second_taken = false;
}

int32_t flash_pace_wait_ms(const flash_pace_t *pace, int64_t now_ms)
{
    if (frames_lost(pace, now_ms)) {
        return wait_without_frames_ms(pace, now_ms);
    }
    const int32_t since_ms = (int32_t)(now_ms - pace->sent_ms);
    if (since_ms < FLASH_PACE_FIRST_MS) {
        return FLASH_PACE_FIRST_MS - since_ms;
    }
    if (since_ms < FLASH_PACE_SECOND_MS) {
        return pace->first_taken ? FLASH_PACE_SECOND_MS - since_ms : 0;
    }
    return since_ms <= FLASH_PACE_LATEST_MS && !pace->second_taken ? 0 : FLASH_PACE_LOST_MS - since_ms;
}

void flash_pace_turn(flash_pace_t *pace, int64_t now_ms)
{
    pace->has_turn = true;
    pace->turn_ms = now_ms;
    if (now_ms - pace->sent_ms < FLASH_PACE_SECOND_MS) {
        pace->first_taken = true;
    } else {
        pace->second_taken = true;
    }
}
