/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Table of sessions. Pure: time is an argument; the caller owns the state, and hashes secrets before it asks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access.h"
#include "access_crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief One session; private to access_sessions.c. */
typedef struct {
    uint8_t hash[ACCESS_HASH_SIZE]; /**< of its secret */
    int64_t begun_ms;
    int64_t used_ms;
    uint32_t serial; /**< 0 = the slot is free */
} access_session_t;

/** @brief State; zeroed = none. */
typedef struct {
    access_session_t session[ACCESS_SESSIONS_MAX];
    uint32_t serial; /**< of the newest; never again the same, so that nobody takes one session for another */
} access_sessions_t;

/** @brief Begins one, in place of the one that was unused for longest if all are in use. @return its slot */
uint8_t access_sessions_begin(access_sessions_t *sessions, const uint8_t hash[ACCESS_HASH_SIZE], int64_t now_ms);

/** @brief Finds one that has not expired, which counts as a use. @return its slot, or ACCESS_SESSIONS_MAX */
uint8_t access_sessions_use(access_sessions_t *sessions, const uint8_t hash[ACCESS_HASH_SIZE], int64_t now_ms);

/** @brief Whether there is one with this secret, also an expired one. That is no use. */
bool access_sessions_have(const access_sessions_t *sessions, const uint8_t hash[ACCESS_HASH_SIZE]);

/** @brief Whether the session of this slot and serial has not expired, which counts as a use. */
bool access_sessions_use_slot(access_sessions_t *sessions, uint8_t slot, uint32_t serial, int64_t now_ms);

/** @brief Ends the session of this slot and serial, if there still is one. */
void access_sessions_end(access_sessions_t *sessions, uint8_t slot, uint32_t serial);

/** @brief Ends all. Serials go on. */
void access_sessions_end_all(access_sessions_t *sessions);

#ifdef __cplusplus
}
#endif
