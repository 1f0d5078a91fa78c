/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "access.h"
#include "access_audit.h"

#define PASSWORD "correct horse"
#define OWNER    "192.168.1.7"
#define STRANGER "192.168.1.66"

/** @brief A gateway that has never been started, with storage in a temporary directory. */
access_handle_t first_start(void);

/** @brief Reads everything again. */
access_handle_t restart(void);

/** @brief A gateway whose password is PASSWORD, set from OWNER at 0 ms; nobody has a session. */
access_handle_t set_up(void);

/** @brief Path of a value in the storage; valid until the next call. */
const char *path_of(const char *key);

/** @brief The key, "state0" or "state1", under which the newest record is. */
const char *state_key(void);

/** @brief Logs in from an address. */
access_login_t login_from(access_handle_t access, const char *address, const char *password, int64_t now_ms);

/** @brief Who somebody with this cookie and CSRF token is; NULL = without. */
access_client_t by_cookie(access_handle_t access, const char *secret, const char *csrf, int64_t now_ms);

/** @brief Who somebody with this token is. */
access_client_t by_token(access_handle_t access, const char *token);

/** @brief Number of entries in the audit log; the newest is put into `newest` unless it is NULL. */
unsigned audit_entries(access_handle_t access, access_audit_entry_t *newest);
