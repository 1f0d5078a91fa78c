/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Who may do what: set-up code, the administrator's password, sessions, tokens, and how often a guess is
 * allowed.
 *
 * There is one account, the administrator, without a default password. Until a password is set nobody may read or
 * change anything; setting the first one takes the set-up code, which only the console tells. Sessions are in memory
 * and end with a restart. Password, tokens and code are in NVS, the first two as hashes. Times are arguments, on the
 * clock of service_now_ms().
 *
 * Guesses are limited, and strangers cannot lock the owner out: addresses from which a login succeeded have a limit of
 * their own, also after a restart, sessions and tokens go on, and the console resets the password without knowing it.
 *
 * @code{.c}
 * access_handle_t access = NULL;
 * ESP_ERROR_CHECK(access_open(&access));
 * const access_credentials_t from = {.cookie = "session=...", .authorization = NULL, .csrf = NULL};
 * const access_client_t client = access_identify(access, &from, now_ms);
 * const bool may_change = client.right == ACCESS_FULL && client.may_change;
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACCESS_CODE_LENGTH        10    /**< of the set-up code */
#define ACCESS_PASSWORD_MIN       10    /**< bytes */
#define ACCESS_PASSWORD_MAX       128   /**< bytes */
#define ACCESS_ITERATIONS         10000 /**< of PBKDF2-HMAC-SHA256; kept with the hash, so that it may be raised later */
#define ACCESS_NAME_MAX           24    /**< of a token */
#define ACCESS_TOKENS_MAX         8
#define ACCESS_SESSIONS_MAX       6
#define ACCESS_SECRET_LENGTH      64 /**< of the value of a cookie, hexadecimal digits */
#define ACCESS_TOKEN_LENGTH       68 /**< "tbg_" and 64 hexadecimal digits */
#define ACCESS_CSRF_LENGTH        32 /**< hexadecimal digits */
#define ACCESS_ADDRESS_MAX        45 /**< of an IP address as text */
#define ACCESS_SESSION_IDLE_MS    (30 * 60 * 1000)
#define ACCESS_SESSION_LONGEST_MS (12 * 60 * 60 * 1000)

typedef struct access *access_handle_t;

/** @brief What somebody may do. */
typedef enum {
    ACCESS_NOTHING = 0,
    ACCESS_READ,
    ACCESS_FULL,
} access_right_t;

/** @brief By what a client has shown who it is. */
typedef enum {
    ACCESS_BY_NOTHING = 0,
    ACCESS_BY_SESSION, /**< cookie: the administrator */
    ACCESS_BY_TOKEN,
} access_by_t;

/** @brief Who a request comes from. */
typedef struct {
    access_right_t right;
    access_by_t by;
    bool may_change;                /**< false: a cookie without its CSRF token */
    uint8_t slot;                   /**< of the session or token */
    uint32_t serial;                /**< tells it from what had the slot before */
    char name[ACCESS_NAME_MAX + 1]; /**< "administrator", the name of a token, or empty */
} access_client_t;

/** @brief What a request carries; each the value of its header, or NULL. */
typedef struct {
    const char *cookie;
    const char *authorization;
    const char *csrf; /**< X-CSRF-Token */
} access_credentials_t;

/** @brief Outcome of a try. */
typedef enum {
    ACCESS_GOOD = 0,
    ACCESS_WRONG,          /**< the code or the password is wrong */
    ACCESS_PAUSED,         /**< too many wrong ones; try again after `retry_after_s` */
    ACCESS_NOT_SET_UP,     /**< there is no password yet */
    ACCESS_SET_UP_ALREADY, /**< there is one, and the code is void */
    ACCESS_WEAK,           /**< shorter than ACCESS_PASSWORD_MIN, longer than ACCESS_PASSWORD_MAX, or the code itself */
    ACCESS_FAILED,         /**< memory or flash; nothing has changed, or only the password */
} access_outcome_t;

/** @brief Who tries, and when. */
typedef struct {
    const char *address; /**< of the client, as text */
    int64_t now_ms;
} access_try_t;

/** @brief A new session. The caller forgets `secret` once it is sent. */
typedef struct {
    access_outcome_t outcome;
    int32_t retry_after_s;                 /**< PAUSED */
    char secret[ACCESS_SECRET_LENGTH + 1]; /**< GOOD: value of the cookie */
    char csrf[ACCESS_CSRF_LENGTH + 1];     /**< GOOD */
} access_login_t;

/** @brief A token as it may be shown. */
typedef struct {
    char name[ACCESS_NAME_MAX + 1];
    access_right_t right;
} access_token_t;

/**
 * @brief Reads what is stored. Without a password, makes a set-up code unless there is one. Whatever is damaged counts
 * as not there, and the log says so: a lost password takes the code, not anybody.
 *
 * The first call takes true random numbers from the chip's converter: it has to come before the radio, the ADC and I2S
 * are used. NVS and the flash gate are there already, see settings_open().
 * @param[out] handle there is one; a second call reads it again, and all sessions end
 * @return
 * - ESP_OK: usable
 * - ESP_ERR_INVALID_ARG: `handle` is NULL
 * - ESP_ERR_NO_MEM: no memory; `handle` cannot be used
 * - ESP_FAIL: no turn at the flash gate, NVS cannot be written, or a newer firmware has written there, which is kept
 *   until access_reset(): there is no set-up code, so nobody can set it up. `handle` can be used
 */
esp_err_t access_open(access_handle_t *handle);

/** @brief Whether there is a password. */
bool access_is_set_up(access_handle_t handle);

/**
 * @brief The set-up code, for the console only.
 * @return
 * - ESP_OK: `code` is filled
 * - ESP_ERR_INVALID_STATE: void: a password is set
 * - ESP_ERR_NOT_FOUND: it could not be stored, see access_open()
 */
esp_err_t access_setup_code(access_handle_t handle, char code[ACCESS_CODE_LENGTH + 1]);

/**
 * @brief Whether a try from this address would be refused at once. Cheap: asked before a login takes up the task
 * `work`.
 * @param first_password the try would be one of the set-up code: 5 for all, then 60 s of pause. Else a password: 5 for
 * an address and one more each minute, 20 for all and one more every 10 s. The last 4 addresses from which a login
 * succeeded neither count for all nor wait for all: from there the owner may try again within a minute, unless others
 * guess from the same address (or /64 of IPv6)
 * @return seconds to wait; 0 = may try
 */
int32_t access_pause_s(access_handle_t handle, const access_try_t *who, bool first_password);

/* The following calculate PBKDF2 or write flash: only in the task `work`. */

/** @brief Sets the first password, voids the code, and logs in. `code` in capitals or not, with spaces or hyphens. */
access_login_t access_set_first_password(access_handle_t handle, const access_try_t *who, const char *code,
                                         const char *password);

/** @brief Logs in: always a new session, which takes the place of the one that was unused for longest. */
access_login_t access_login(access_handle_t handle, const access_try_t *who, const char *password);

/**
 * @brief Changes the password and ends all sessions; the new one takes the place of that of `client`. A wrong `old`
 * counts as a failed login. ACCESS_WRONG also if the session of `client` has ended meanwhile. Tokens stay.
 */
access_login_t access_change_password(access_handle_t handle, const access_try_t *who, const access_client_t *client,
                                      const char *old, const char *fresh);

/**
 * @brief Makes a token.
 * @param name 1..ACCESS_NAME_MAX of A-Z a-z 0-9 . _ - but none of those that the audit log uses: "administrator",
 * "console", "gateway"
 * @param right ACCESS_READ or ACCESS_FULL
 * @param[out] token told once, never again
 * @return
 * - ESP_OK: stored
 * - ESP_ERR_INVALID_ARG: name or right
 * - ESP_ERR_INVALID_STATE: there is one of this name
 * - ESP_ERR_NO_MEM: there are ACCESS_TOKENS_MAX
 * - ESP_FAIL: cannot be stored
 */
esp_err_t access_token_create(access_handle_t handle, const char *name, access_right_t right,
                              char token[ACCESS_TOKEN_LENGTH + 1]);

/**
 * @brief Takes a token back; who uses it is out at once.
 * @return
 * - ESP_OK: revoked
 * - ESP_ERR_NOT_FOUND: no token of this name
 * - ESP_FAIL: flash; it may come back with the next start, but is refused until then
 */
esp_err_t access_token_revoke(access_handle_t handle, const char *name);

/**
 * @brief As new: no password, no sessions, no tokens, a new set-up code. For the console and for a factory reset.
 * @return
 * - ESP_OK: done
 * - ESP_FAIL: no turn at the flash gate, or NVS cannot be written; sessions have ended
 */
esp_err_t access_reset(access_handle_t handle);

/* The following never wait for PBKDF2 or flash. */

/**
 * @brief Who a request comes from. A session that is used stays. A token beats a cookie, also one that is wrong; an
 * Authorization of another scheme, such as a proxy may add, does not count.
 */
access_client_t access_identify(access_handle_t handle, const access_credentials_t *credentials, int64_t now_ms);

/**
 * @brief Whether the session or token of a client found earlier is still there: for a WebSocket. Counts as a use of the
 * session. False for a client by nothing.
 */
bool access_still_valid(access_handle_t handle, const access_client_t *client, int64_t now_ms);

/** @brief CSRF token of a session, for a page that was loaded again. False: the cookie is none of a session. */
bool access_csrf(access_handle_t handle, const char *cookie, char csrf[ACCESS_CSRF_LENGTH + 1]);

/** @brief Ends the session of a client. */
void access_logout(access_handle_t handle, const access_client_t *client);

/** @brief Token by index, from 0; false behind the last. */
bool access_token_at(access_handle_t handle, size_t index, access_token_t *token);

#ifdef __cplusplus
}
#endif
