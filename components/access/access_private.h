/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the files of this component share.
 */

#include "access.h"
#include "access_audit.h"
#include "access_crypto.h"
#include "access_sessions.h"
#include "access_store.h"
#include "access_throttle.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACCESS_ADMINISTRATOR "administrator"
#define ACCESS_CONSOLE       "console"
#define ACCESS_GATEWAY       "gateway" /**< in the audit log: the gateway itself */

/* So many of the entries are kept for wrong logins: strangers can push out only those. So many for logins: whoever
 * logs in often pushes out no change. The rest is for what was changed. */
#define ACCESS_AUDIT_WRONG   6
#define ACCESS_AUDIT_LOGINS  4
#define ACCESS_AUDIT_TOLD    4 /**< wrong logins that are stored in ACCESS_AUDIT_TOLD_MS, each of another address */
#define ACCESS_AUDIT_TOLD_MS (10 * 60 * 1000)

/** @brief An address of which a wrong login is stored. */
typedef struct {
    uint64_t address;
    int64_t until_ms; /**< until then its wrong logins are only counted */
} access_told_t;

/** @brief State of the audit log. */
typedef struct {
    uint32_t number[ACCESS_AUDIT_ENTRIES]; /**< of the entries; 0 = none. Wrong logins, then logins, then changes */
    uint32_t newest;
    uint32_t start;
    uint32_t counted; /**< wrong logins since the last entry that says how many there were */
    access_told_t told[ACCESS_AUDIT_TOLD];
} access_audit_t;

struct access {
    SemaphoreHandle_t changes; /**< whoever changes something has it, also while it calculates or writes flash */
    SemaphoreHandle_t lock;    /**< guards what follows, for microseconds; written with `changes` held as well */
    access_saved_t saved;
    access_sessions_t sessions; /**< a use counts without `changes` */
    access_throttle_t throttle;
    access_audit_t audit;
    access_store_t store; /**< of who holds `changes` */
    bool newer;           /**< what is stored is of a newer firmware, and kept; of who holds `changes` */
};

/** @brief Begins a change: a copy of what is saved, to be edited. With `changes` held. @return NULL: no memory */
access_record_t *access_change_begin(struct access *access);

/**
 * @brief Saves an edited copy. With `changes` held.
 * @param end_sessions all of them, in the same moment
 * @return false: not stored; nothing has changed
 */
bool access_change_keep(struct access *access, access_record_t *record, bool end_sessions);

/** @brief Forgets a copy; NULL is ignored. */
void access_change_end(access_record_t *record);

/** @brief The CSRF token of a session follows from its secret. @return false: SHA-256 failed */
bool access_csrf_of(const char *secret, char csrf[ACCESS_CSRF_LENGTH + 1]);

/** @brief Reads which entries there are, and counts the start. With `changes` held. */
void access_audit_open(struct access *access);

/** @brief Stores an entry whose outcome is known, or NULL. With `changes` held. @return as access_audit_begin() */
uint32_t access_audit_store(struct access *access, const access_actor_t *who, const char *what, const char *outcome);

/** @brief Stores or counts a wrong login. With `changes` held. @param what was tried */
void access_audit_wrong(struct access *access, const access_try_t *who, const char *what);

/** @brief Stores a login with its outcome, and how many wrong ones were only counted. With `changes` held. */
void access_audit_login(struct access *access, const access_actor_t *who, const char *outcome);

/** @brief As access_audit_end(), with `changes` held. */
void access_audit_outcome(struct access *access, uint32_t number, const char *outcome);

#ifdef __cplusplus
}
#endif
