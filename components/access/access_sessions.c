/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The sessions: few, in memory, and none for ever. */
#include "access_sessions.h"

#include <string.h>

static bool lives(const access_session_t *session, int64_t now_ms)
{
    return session->serial != 0 && now_ms - session->used_ms < ACCESS_SESSION_IDLE_MS &&
           now_ms - session->begun_ms < ACCESS_SESSION_LONGEST_MS;
}

/** One that is free or has expired, or else the one that was unused for longest. */
static uint8_t choose(const access_sessions_t *sessions, int64_t now_ms)
{
    uint8_t chosen = 0;
    for (uint8_t i = 0; i < ACCESS_SESSIONS_MAX; i++) {
        if (!lives(&sessions->session[i], now_ms)) {
            return i;
        }
        if (sessions->session[i].used_ms < sessions->session[chosen].used_ms) {
            chosen = i;
        }
    }
    return chosen;
}

uint8_t access_sessions_begin(access_sessions_t *sessions, const uint8_t hash[ACCESS_HASH_SIZE], int64_t now_ms)
{
    const uint8_t slot = choose(sessions, now_ms);
    access_session_t *const session = &sessions->session[slot];
    sessions->serial = sessions->serial == UINT32_MAX ? 1 : sessions->serial + 1;
    memcpy(session->hash, hash, ACCESS_HASH_SIZE);
    session->begun_ms = now_ms;
    session->used_ms = now_ms;
    session->serial = sessions->serial;
    return slot;
}

uint8_t access_sessions_use(access_sessions_t *sessions, const uint8_t hash[ACCESS_HASH_SIZE], int64_t now_ms)
{
    for (uint8_t i = 0; i < ACCESS_SESSIONS_MAX; i++) {
        access_session_t *const session = &sessions->session[i];
        if (lives(session, now_ms) && access_crypto_same(session->hash, hash, ACCESS_HASH_SIZE)) {
            session->used_ms = now_ms;
            return i;
        }
    }
    return ACCESS_SESSIONS_MAX;
}

bool access_sessions_have(const access_sessions_t *sessions, const uint8_t hash[ACCESS_HASH_SIZE])
{
    for (size_t i = 0; i < ACCESS_SESSIONS_MAX; i++) {
        if (sessions->session[i].serial != 0 && access_crypto_same(sessions->session[i].hash, hash, ACCESS_HASH_SIZE)) {
            return true;
        }
    }
    return false;
}

bool access_sessions_use_slot(access_sessions_t *sessions, uint8_t slot, uint32_t serial, int64_t now_ms)
{
    if (slot >= ACCESS_SESSIONS_MAX || sessions->session[slot].serial != serial ||
        !lives(&sessions->session[slot], now_ms)) {
        return false;
    }
    sessions->session[slot].used_ms = now_ms;
    return true;
}

void access_sessions_end(access_sessions_t *sessions, uint8_t slot, uint32_t serial)
{
    if (slot < ACCESS_SESSIONS_MAX && sessions->session[slot].serial == serial) {
        sessions->session[slot] = (access_session_t){.serial = 0};
    }
}

void access_sessions_end_all(access_sessions_t *sessions)
{
    memset(sessions->session, 0, sizeof(sessions->session));
}
