/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The tries: the first password, a login, and a change of the password. Each calculates PBKDF2 once for each password.
 */
#include <string.h>

#include "access_code.h"
#include "access_private.h"
#include "esp_log.h"

static const char *TAG = "access";

#define SECRET_SIZE 32
#define CSRF_SIZE   16
#define CSRF_LABEL  "csrf"

static int32_t seconds(int64_t ms)
{
    return (int32_t)((ms + 999) / 1000);
}

int32_t access_pause_s(access_handle_t handle, const access_try_t *who, bool first_password)
{
    const uint64_t address = access_address(who->address);
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    const int64_t wait_ms = first_password ? access_throttle_code_wait_ms(&handle->throttle, who->now_ms)
                                           : access_throttle_wait_ms(&handle->throttle, address, who->now_ms);
    (void)xSemaphoreGive(handle->lock);
    return seconds(wait_ms);
}

/* Each writes its outcome into a login that the caller began with nothing in it: secrets are not copied about. */

static bool must_wait(access_login_t *login, int64_t wait_ms)
{
    if (wait_ms > 0) {
        login->outcome = ACCESS_PAUSED;
        login->retry_after_s = seconds(wait_ms);
    }
    return wait_ms > 0;
}

static bool is_strong(const char *password)
{
    const size_t length = strnlen(password, ACCESS_PASSWORD_MAX + 1);
    return length >= ACCESS_PASSWORD_MIN && length <= ACCESS_PASSWORD_MAX;
}

/* ---- a new session ---- */

bool access_csrf_of(const char *secret, char csrf[ACCESS_CSRF_LENGTH + 1])
{
    char text[sizeof(CSRF_LABEL) - 1 + ACCESS_SECRET_LENGTH];
    uint8_t hash[ACCESS_HASH_SIZE];
    memcpy(text, CSRF_LABEL, sizeof(CSRF_LABEL) - 1);
    memcpy(&text[sizeof(CSRF_LABEL) - 1], secret, ACCESS_SECRET_LENGTH);
    const bool made = access_crypto_hash(text, sizeof(text), hash);
    access_crypto_hex(hash, CSRF_SIZE, csrf);
    access_crypto_forget(text, sizeof(text));
    access_crypto_forget(hash, sizeof(hash));
    return made;
}

/** Makes the secret; `hash` is what is kept of it. */
static bool make_secret(access_login_t *login, uint8_t hash[ACCESS_HASH_SIZE])
{
    uint8_t random[SECRET_SIZE];
    const bool made = access_crypto_random(random, sizeof(random));
    access_crypto_hex(random, sizeof(random), login->secret);
    access_crypto_forget(random, sizeof(random));
    return made && access_csrf_of(login->secret, login->csrf) &&
           access_crypto_hash(login->secret, ACCESS_SECRET_LENGTH, hash);
}

static bool begin_session(struct access *access, int64_t now_ms, access_login_t *login)
{
    uint8_t hash[ACCESS_HASH_SIZE];
    if (!make_secret(login, hash)) {
        access_crypto_forget(login, sizeof(*login));
        return false;
    }
    (void)xSemaphoreTake(access->lock, portMAX_DELAY);
    (void)access_sessions_begin(&access->sessions, hash, now_ms);
    (void)xSemaphoreGive(access->lock);
    return true;
}

/* ---- passwords ---- */

static bool set_password(access_saved_t *saved, const char *password)
{
    saved->iterations = ACCESS_ITERATIONS;
    memset(saved->code, 0, sizeof(saved->code));
    return access_crypto_random(saved->salt, sizeof(saved->salt)) &&
           access_crypto_derive(password, saved->salt, sizeof(saved->salt), saved->iterations, saved->hash);
}

/** GOOD, WRONG or FAILED. Also a password that cannot be one takes the time of one. */
static access_outcome_t check_password(const access_saved_t *saved, const char *password)
{
    uint8_t hash[ACCESS_HASH_SIZE];
    char bounded[ACCESS_PASSWORD_MAX + 2]; /* one more than can be right */
    const size_t length = strnlen(password, ACCESS_PASSWORD_MAX + 1);
    memcpy(bounded, password, length);
    bounded[length] = '\0';
    const bool derived = access_crypto_derive(bounded, saved->salt, sizeof(saved->salt), saved->iterations, hash);
    const bool same = access_crypto_same(hash, saved->hash, sizeof(hash));
    access_crypto_forget(bounded, sizeof(bounded));
    access_crypto_forget(hash, sizeof(hash));
    if (!derived) {
        return ACCESS_FAILED;
    }
    return same ? ACCESS_GOOD : ACCESS_WRONG;
}

/** The password that is set, by who tries; a wrong one counts. With `changes` held. */
static bool try_password(struct access *access, const access_try_t *who, const char *password, const char *what,
                         access_login_t *login)
{
    const uint64_t address = access_address(who->address);
    if (access->saved.iterations == 0) {
        login->outcome = ACCESS_NOT_SET_UP;
        return false;
    }
    if (must_wait(login, access_throttle_wait_ms(&access->throttle, address, who->now_ms))) {
        return false;
    }
    login->outcome = check_password(&access->saved, password);
    if (login->outcome == ACCESS_WRONG) {
        (void)xSemaphoreTake(access->lock, portMAX_DELAY);
        access_throttle_wrong(&access->throttle, address, who->now_ms);
        (void)xSemaphoreGive(access->lock);
        access_audit_wrong(access, who, what);
    }
    return login->outcome == ACCESS_GOOD;
}

/** The address is remembered, so that strangers cannot lock it out, not even with a restart. Best effort. */
static void remember_address(struct access *access, uint64_t address)
{
    (void)xSemaphoreTake(access->lock, portMAX_DELAY);
    const bool is_new = access_throttle_good(&access->throttle, address);
    (void)xSemaphoreGive(access->lock);
    access_record_t *const record = is_new ? access_change_begin(access) : NULL;
    if (record == NULL) {
        return;
    }
    for (size_t i = 0; i < ACCESS_KNOWN_MAX; i++) {
        record->saved.known[i] = access->throttle.known[i].address;
    }
    if (!access_change_keep(access, record, false)) {
        ESP_LOGW(TAG, "the address of a login is known until the next start only");
    }
    access_change_end(record);
}

/** Behind a try that was good. */
static void log_in(struct access *access, const access_try_t *who, access_login_t *login)
{
    const bool begun = begin_session(access, who->now_ms, login);
    login->outcome = begun ? ACCESS_GOOD : ACCESS_FAILED;
    if (begun) {
        remember_address(access, access_address(who->address));
    }
}

access_login_t access_login(access_handle_t handle, const access_try_t *who, const char *password)
{
    const access_actor_t actor = {.name = ACCESS_ADMINISTRATOR, .address = who->address};
    access_login_t login = {.outcome = ACCESS_FAILED};
    (void)xSemaphoreTake(handle->changes, portMAX_DELAY);
    if (try_password(handle, who, password, "login: wrong password", &login)) {
        log_in(handle, who, &login);
        access_audit_login(handle, &actor, login.outcome == ACCESS_GOOD ? "done" : "failed");
    }
    (void)xSemaphoreGive(handle->changes);
    return login;
}

/** Stores a password, ends all sessions, and begins one. */
static void replace_password(struct access *access, const access_try_t *who, const char *password, const char *what,
                             access_login_t *login)
{
    const access_actor_t actor = {.name = ACCESS_ADMINISTRATOR, .address = who->address};
    const uint32_t entry = access_audit_store(access, &actor, what, NULL);
    access_record_t *const record = access_change_begin(access);
    const bool replaced =
        record != NULL && set_password(&record->saved, password) && access_change_keep(access, record, true);
    access_change_end(record);
    access_audit_outcome(access, entry, replaced ? "done" : "failed");
    login->outcome = ACCESS_FAILED;
    if (replaced) {
        log_in(access, who, login);
    }
}

/** Of one that is set, and of the session that asks. With `changes` held. */
static void change_password(struct access *access, const access_try_t *who, const access_client_t *client,
                            const char *old, const char *fresh, access_login_t *login)
{
    if (access->saved.iterations != 0 && !is_strong(fresh)) {
        login->outcome = ACCESS_WEAK;
    } else if (access->saved.iterations != 0 && !access_still_valid(access, client, who->now_ms)) {
        login->outcome = ACCESS_WRONG; /* it has ended since it asked */
    } else if (try_password(access, who, old, "password: wrong old one", login)) {
        replace_password(access, who, fresh, "password changed", login);
    }
}

access_login_t access_change_password(access_handle_t handle, const access_try_t *who, const access_client_t *client,
                                      const char *old, const char *fresh)
{
    access_login_t login = {.outcome = ACCESS_FAILED};
    (void)xSemaphoreTake(handle->changes, portMAX_DELAY);
    change_password(handle, who, client, old, fresh, &login);
    (void)xSemaphoreGive(handle->changes);
    return login;
}

/* ---- the first password ---- */

static bool is_code(const char *code, const char *password)
{
    char as_code[ACCESS_CODE_LENGTH + 1];
    char typed[ACCESS_CODE_LENGTH + 1];
    return access_code_normalise(password, as_code) && access_code_normalise(code, typed) &&
           memcmp(as_code, typed, sizeof(typed)) == 0;
}

/** A code that is void is never right. */
static bool code_fits(const access_saved_t *saved, const char *code)
{
    char typed[sizeof(saved->code)] = {0};
    const bool form = access_code_normalise(code, typed);
    const bool fits = access_crypto_same((const uint8_t *)typed, (const uint8_t *)saved->code, sizeof(typed));
    access_crypto_forget(typed, sizeof(typed));
    return form && fits && saved->code[0] != '\0';
}

/** With `changes` held. */
static void set_first_password(struct access *access, const access_try_t *who, const char *code, const char *password,
                               access_login_t *login)
{
    if (access->saved.iterations != 0) {
        login->outcome = ACCESS_SET_UP_ALREADY;
        return;
    }
    if (must_wait(login, access_throttle_code_wait_ms(&access->throttle, who->now_ms))) {
        return;
    }
    if (!is_strong(password) || is_code(code, password)) {
        login->outcome = ACCESS_WEAK;
        return;
    }
    if (code_fits(&access->saved, code)) {
        replace_password(access, who, password, "first password set", login);
        return;
    }
    login->outcome = ACCESS_WRONG;
    (void)xSemaphoreTake(access->lock, portMAX_DELAY);
    access_throttle_code_wrong(&access->throttle, who->now_ms);
    (void)xSemaphoreGive(access->lock);
    access_audit_wrong(access, who, "set-up: wrong code");
}

access_login_t access_set_first_password(access_handle_t handle, const access_try_t *who, const char *code,
                                         const char *password)
{
    access_login_t login = {.outcome = ACCESS_FAILED};
    (void)xSemaphoreTake(handle->changes, portMAX_DELAY);
    set_first_password(handle, who, code, password, &login);
    (void)xSemaphoreGive(handle->changes);
    return login;
}
