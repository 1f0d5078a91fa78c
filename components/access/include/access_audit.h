/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What was changed, by whom and when: the newest entries, in NVS, so that they survive a restart.
 *
 * An entry is stored before its change begins, and again when its outcome is known: a power cut in the middle leaves
 * one without an outcome. Never a secret: names of settings, and the values of those that are numbers.
 *
 * Logins, wrong ones, and changes of the password write their own entries. Of wrong ones, so that strangers wear out no
 * flash, an address has at most one in 10 min and all have at most 4; the others are counted, and the next entry of a
 * login says how many. They have 6 of the places, so that strangers cannot push out what was changed; logins have 4, so
 * that who logs in every day does not either; what was changed has 14.
 *
 * @code{.c}
 * const access_actor_t who = {.name = "administrator", .address = "192.168.1.7"};
 * const uint32_t entry = access_audit_begin(access, &who, "charge.max_a 100 -> 80");
 * access_audit_end(access, entry, "done");
 * @endcode
 */

#include "access.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACCESS_AUDIT_ENTRIES     24
#define ACCESS_AUDIT_WHAT_MAX    119
#define ACCESS_AUDIT_OUTCOME_MAX 23

/** @brief Who changes something. */
typedef struct {
    const char *name;    /**< "administrator", name of a token, "console", "gateway" (itself); empty: not known */
    const char *address; /**< NULL = none */
} access_actor_t;

/** @brief One entry. */
typedef struct {
    uint32_t number;   /**< counts up from 1, over restarts and resets */
    uint32_t start;    /**< which start of the gateway, from 1 */
    uint32_t uptime_s; /**< in that start */
    int64_t time_s;    /**< Unix time; 0 = the clock was not set */
    char name[ACCESS_NAME_MAX + 1];
    char address[ACCESS_ADDRESS_MAX + 1];
    char what[ACCESS_AUDIT_WHAT_MAX + 1];
    char outcome[ACCESS_AUDIT_OUTCOME_MAX + 1]; /**< empty: not known */
} access_audit_entry_t;

/**
 * @brief Stores an entry in place of the oldest one that is no login. Only in the task `work`. Characters other
 * than printable ASCII become '?', and what is too long is cut.
 * @return its number; 0 = cannot be stored, which the log says
 */
uint32_t access_audit_begin(access_handle_t handle, const access_actor_t *who, const char *what);

/** @brief Stores the outcome of an entry. Only in the task `work`; 0 is ignored. */
void access_audit_end(access_handle_t handle, uint32_t number, const char *outcome);

/**
 * @brief Reads the oldest entry with a number above `after`. Any task but those of control.
 * @return false: there is none
 */
bool access_audit_next(access_handle_t handle, uint32_t after, access_audit_entry_t *entry);

#ifdef __cplusplus
}
#endif
