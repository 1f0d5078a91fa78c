/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Watches the frames that the GX sends. Apart from the encoders: the gateway only receives these. */
#include "victron_keepalive.h"

#include <string.h>

void victron_keepalive_init(victron_keepalive_t *keepalive, int32_t warn_ms, int64_t now_ms)
{
    *keepalive = (victron_keepalive_t){.warn_ms = warn_ms, .since_ms = now_ms};
}

void victron_keepalive_on_frame(victron_keepalive_t *keepalive, uint32_t id, uint8_t dlc, const uint8_t *data,
                                bool extended, int64_t now_ms)
{
    static const uint8_t identity[8] = {0x12, 0x34, 0x56, 0x78, 'V', 'I', 'C', 0};
    if (extended) {
        return;
    }
    if (id == VICTRON_KEEPALIVE_ID) {
        keepalive->since_ms = now_ms;
        keepalive->last_seen_ms = now_ms;
        keepalive->count++;
    } else if (id == VICTRON_GX_IDENTITY_ID && dlc == sizeof(identity) &&
               memcmp(data, identity, sizeof(identity)) == 0) {
        keepalive->is_victron = true;
    }
}

bool victron_keepalive_alive(const victron_keepalive_t *keepalive, int64_t now_ms)
{
    return keepalive->count > 0 && now_ms - keepalive->since_ms < keepalive->warn_ms;
}

victron_keepalive_change_t victron_keepalive_poll(victron_keepalive_t *keepalive, int64_t now_ms)
{
    const bool alive = victron_keepalive_alive(keepalive, now_ms);
    if (alive && !keepalive->alive) {
        keepalive->alive = true;
        keepalive->lost = false;
        return VICTRON_KEEPALIVE_FOUND;
    }
    if (!alive && !keepalive->lost && now_ms - keepalive->since_ms >= keepalive->warn_ms) {
        keepalive->alive = false;
        keepalive->lost = true;
        return VICTRON_KEEPALIVE_LOST;
    }
    return VICTRON_KEEPALIVE_SAME;
}
