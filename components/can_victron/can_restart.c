/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Decides when a node that refuses is worth a restart of the gateway. Pure, so that no test has to wait 30 min. */
#include "can_restart.h"

#define SOON_MS        30000
#define SOON_TIMES     3
#define LATER_MS       1800000
#define WORKS_AGAIN_MS 1800000

void can_restart_begin(can_restart_t *restart, uint32_t made, int64_t now_ms)
{
    *restart = (can_restart_t){.made = made, .works_since_ms = now_ms};
}

bool can_restart_due(can_restart_t *restart, int64_t refusing_ms, bool works, int64_t now_ms)
{
    if (!works) {
        restart->works_since_ms = now_ms;
    } else if (now_ms - restart->works_since_ms >= WORKS_AGAIN_MS) {
        restart->made = 0;
    }
    if (refusing_ms < (restart->made < SOON_TIMES ? SOON_MS : LATER_MS)) {
        return false;
    }
    restart->made++;
    return true;
}
