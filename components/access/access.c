/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Who may do what, for all who ask: what is saved, sessions and tokens behind two locks. One is held by whoever changes
 * something, for seconds; the other, which a request takes, for microseconds only.
 */
#include "access.h"

#include <stdlib.h>
#include <string.h>

#include "access_code.h"
#include "access_cookie.h"
#include "access_private.h"
#include "esp_check.h"
#include "esp_log.h"

static const char *TAG = "access";

#define PREFIX "tbg_"

static struct access s_access; /* there is one, as long as the program lives */

static void lock(struct access *access)
{
    (void)xSemaphoreTake(access->lock, portMAX_DELAY);
}

static void unlock(struct access *access)
{
    (void)xSemaphoreGive(access->lock);
}

/* ---- changes ---- */

access_record_t *access_change_begin(struct access *access)
{
    access_record_t *const record = malloc(sizeof(access_record_t));
    if (record == NULL) {
        ESP_LOGE(TAG, "no memory");
        return NULL;
    }
    memset(record, 0, sizeof(*record));
    record->saved = access->saved;
    return record;
}

bool access_change_keep(struct access *access, access_record_t *record, bool end_sessions)
{
    if (access->newer || !access_store_save(&access->store, record)) {
        return false;
    }
    lock(access);
    access->saved = record->saved;
    if (end_sessions) {
        access_sessions_end_all(&access->sessions);
    }
    unlock(access);
    return true;
}

void access_change_end(access_record_t *record)
{
    if (record != NULL) {
        access_crypto_forget(record, sizeof(*record));
        free(record);
    }
}

/** As new, with a new code. With `changes` held. */
static bool start_afresh(struct access *access)
{
    uint8_t random[ACCESS_CODE_RANDOM];
    access_record_t *const record = access_change_begin(access);
    if (record == NULL) {
        return false;
    }
    memset(&record->saved, 0, sizeof(record->saved));
    const bool made = access_crypto_random(random, sizeof(random));
    access_code_make(random, record->saved.code);
    access_crypto_forget(random, sizeof(random));
    const bool kept = made && access_change_keep(access, record, true);
    access_change_end(record);
    return kept;
}

/* ---- start ---- */

static void log_found(access_store_found_t found)
{
    if (found == ACCESS_STORE_DAMAGED) {
        ESP_LOGE(TAG,
                 "password and tokens are damaged and are ignored: set a password again, with the set-up code that "
                 "the console tells");
    } else if (found == ACCESS_STORE_NEWER) {
        ESP_LOGE(TAG, "password and tokens are of a newer firmware and are kept; nobody can log in. Return to that "
                      "firmware, or reset the password at the console");
    }
}

/** With `changes` held: forgets everything that is in memory. */
static esp_err_t read_all(struct access *access)
{
    access_record_t *const record = access_change_begin(access);
    ESP_RETURN_ON_FALSE(record != NULL, ESP_ERR_NO_MEM, TAG, "no memory to read what is stored");
    const access_store_found_t found = access_store_load(&access->store, record);
    log_found(found);
    access->newer = found == ACCESS_STORE_NEWER;
    lock(access);
    access->saved = record->saved;
    access_sessions_end_all(&access->sessions);
    memset(&access->throttle, 0, sizeof(access->throttle));
    for (size_t i = ACCESS_KNOWN_MAX; i > 0; i--) {
        if (access->saved.known[i - 1] != 0) {
            (void)access_throttle_good(&access->throttle, access->saved.known[i - 1]);
        }
    }
    unlock(access);
    access_change_end(record);
    access_audit_open(access);
    if (access->saved.iterations == 0 && access->saved.code[0] == '\0' && !start_afresh(access)) {
        ESP_LOGE(TAG, "there is no set-up code, so nobody can set a password");
        return ESP_FAIL;
    }
    return ESP_OK;
}

esp_err_t access_open(access_handle_t *handle)
{
    ESP_RETURN_ON_FALSE(handle != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    if (s_access.lock == NULL) {
        access_crypto_seed();
        s_access.changes = xSemaphoreCreateMutex();
        s_access.lock = xSemaphoreCreateMutex();
    }
    ESP_RETURN_ON_FALSE(s_access.lock != NULL && s_access.changes != NULL, ESP_ERR_NO_MEM, TAG,
                        "no memory for the locks");
    (void)xSemaphoreTake(s_access.changes, portMAX_DELAY);
    const esp_err_t err = read_all(&s_access);
    (void)xSemaphoreGive(s_access.changes);
    *handle = &s_access;
    return err;
}

bool access_is_set_up(access_handle_t handle)
{
    lock(handle);
    const bool is_set_up = handle->saved.iterations != 0;
    unlock(handle);
    return is_set_up;
}

esp_err_t access_setup_code(access_handle_t handle, char code[ACCESS_CODE_LENGTH + 1])
{
    lock(handle);
    const bool is_set_up = handle->saved.iterations != 0;
    memcpy(code, handle->saved.code, ACCESS_CODE_LENGTH + 1);
    unlock(handle);
    if (is_set_up) {
        return ESP_ERR_INVALID_STATE;
    }
    return code[0] == '\0' ? ESP_ERR_NOT_FOUND : ESP_OK;
}

esp_err_t access_reset(access_handle_t handle)
{
    const access_actor_t gateway = {.name = ACCESS_GATEWAY, .address = NULL};
    (void)xSemaphoreTake(handle->changes, portMAX_DELAY);
    lock(handle);
    access_sessions_end_all(&handle->sessions);
    unlock(handle);
    const uint32_t entry = access_audit_store(handle, &gateway, "password, sessions and tokens reset", NULL);
    const bool newer = handle->newer;
    handle->newer = false; /* a person wants to start afresh */
    const bool done = start_afresh(handle);
    handle->newer = newer && !done;
    if (done) {
        lock(handle);
        memset(&handle->throttle, 0, sizeof(handle->throttle));
        unlock(handle);
        ESP_LOGW(TAG, "password, sessions and tokens are reset; there is a new set-up code");
    }
    access_audit_outcome(handle, entry, done ? "done" : "failed");
    (void)xSemaphoreGive(handle->changes);
    return done ? ESP_OK : ESP_FAIL;
}

/* ---- who asks ---- */

/** Tells a token from one that had its place before. */
static uint32_t serial_of(const access_saved_token_t *token)
{
    uint32_t serial = 0;
    memcpy(&serial, token->hash, sizeof(serial));
    return serial;
}

/** Under the lock. */
static void take_token(struct access *access, const uint8_t hash[ACCESS_HASH_SIZE], access_client_t *client)
{
    for (uint8_t i = 0; i < ACCESS_TOKENS_MAX && access->saved.iterations != 0; i++) {
        const access_saved_token_t *const token = &access->saved.token[i];
        if (token->right != ACCESS_NOTHING && access_crypto_same(token->hash, hash, ACCESS_HASH_SIZE)) {
            client->right = (access_right_t)token->right;
            client->by = ACCESS_BY_TOKEN;
            client->may_change = true;
            client->slot = i;
            client->serial = serial_of(token);
            memcpy(client->name, token->name, sizeof(client->name));
        }
    }
}

/** Under the lock. */
static void take_session(struct access *access, const uint8_t hash[ACCESS_HASH_SIZE], int64_t now_ms,
                         access_client_t *client)
{
    const uint8_t slot = access_sessions_use(&access->sessions, hash, now_ms);
    if (slot < ACCESS_SESSIONS_MAX && access->saved.iterations != 0) {
        client->right = ACCESS_FULL;
        client->by = ACCESS_BY_SESSION;
        client->slot = slot;
        client->serial = access->sessions.session[slot].serial;
        memcpy(client->name, ACCESS_ADMINISTRATOR, sizeof(ACCESS_ADMINISTRATOR));
    }
}

static bool csrf_fits(const char *secret, const char *csrf)
{
    char right[ACCESS_CSRF_LENGTH + 1];
    if (csrf == NULL || strnlen(csrf, ACCESS_CSRF_LENGTH + 1) != ACCESS_CSRF_LENGTH) {
        return false;
    }
    const bool fits = access_csrf_of(secret, right) &&
                      access_crypto_same((const uint8_t *)right, (const uint8_t *)csrf, ACCESS_CSRF_LENGTH);
    access_crypto_forget(right, sizeof(right));
    return fits;
}

static access_client_t identify_session(struct access *access, const access_credentials_t *credentials, int64_t now_ms)
{
    access_client_t client = {.right = ACCESS_NOTHING};
    char secret[ACCESS_SECRET_LENGTH + 1];
    uint8_t hash[ACCESS_HASH_SIZE];
    if (access_cookie_find(credentials->cookie, secret) && access_crypto_hash(secret, ACCESS_SECRET_LENGTH, hash)) {
        lock(access);
        take_session(access, hash, now_ms, &client);
        unlock(access);
        client.may_change = client.by == ACCESS_BY_SESSION && csrf_fits(secret, credentials->csrf);
        access_crypto_forget(secret, sizeof(secret));
    }
    return client;
}

access_client_t access_identify(access_handle_t handle, const access_credentials_t *credentials, int64_t now_ms)
{
    access_client_t client = {.right = ACCESS_NOTHING};
    char token[ACCESS_TOKEN_LENGTH + 1];
    uint8_t hash[ACCESS_HASH_SIZE];
    const access_bearer_t bearer = access_bearer_find(credentials->authorization, token);
    if (bearer == ACCESS_BEARER_NONE) {
        return identify_session(handle, credentials, now_ms);
    }
    if (bearer == ACCESS_BEARER_TOKEN && access_crypto_hash(token, ACCESS_TOKEN_LENGTH, hash)) {
        lock(handle);
        take_token(handle, hash, &client);
        unlock(handle);
        access_crypto_forget(token, sizeof(token));
    }
    return client;
}

/** Under the lock. */
static bool token_valid(const struct access *access, const access_client_t *client)
{
    if (client->slot >= ACCESS_TOKENS_MAX || access->saved.iterations == 0) {
        return false;
    }
    const access_saved_token_t *const token = &access->saved.token[client->slot];
    return token->right != ACCESS_NOTHING && token->right == (uint8_t)client->right &&
           serial_of(token) == client->serial;
}

bool access_still_valid(access_handle_t handle, const access_client_t *client, int64_t now_ms)
{
    bool valid = false;
    lock(handle);
    if (client->by == ACCESS_BY_SESSION) {
        valid = access_sessions_use_slot(&handle->sessions, client->slot, client->serial, now_ms);
    } else if (client->by == ACCESS_BY_TOKEN) {
        valid = token_valid(handle, client);
    }
    unlock(handle);
    return valid;
}

bool access_csrf(access_handle_t handle, const char *cookie, char csrf[ACCESS_CSRF_LENGTH + 1])
{
    char secret[ACCESS_SECRET_LENGTH + 1];
    uint8_t hash[ACCESS_HASH_SIZE];
    csrf[0] = '\0';
    if (!access_cookie_find(cookie, secret) || !access_crypto_hash(secret, ACCESS_SECRET_LENGTH, hash)) {
        return false;
    }
    lock(handle);
    const bool is_session = access_sessions_have(&handle->sessions, hash);
    unlock(handle);
    const bool made = is_session && access_csrf_of(secret, csrf);
    access_crypto_forget(secret, sizeof(secret));
    return made;
}

void access_logout(access_handle_t handle, const access_client_t *client)
{
    if (client->by == ACCESS_BY_SESSION) {
        lock(handle);
        access_sessions_end(&handle->sessions, client->slot, client->serial);
        unlock(handle);
    }
}

/* ---- tokens ---- */

static bool name_valid(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    static const char *const others[] = {ACCESS_ADMINISTRATOR, ACCESS_CONSOLE, ACCESS_GATEWAY};
    const size_t length = strnlen(name, ACCESS_NAME_MAX + 1);
    if (length == 0 || length > ACCESS_NAME_MAX || strspn(name, allowed) != length) {
        return false;
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(name, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

/** ACCESS_TOKENS_MAX: none. An empty name: a free place. */
static size_t find_token(const access_saved_t *saved, const char *name)
{
    size_t i = 0;
    while (i < ACCESS_TOKENS_MAX &&
           strcmp(saved->token[i].right == ACCESS_NOTHING ? "" : saved->token[i].name, name) != 0) {
        i++;
    }
    return i;
}

static bool make_token(access_saved_token_t *saved, const char *name, access_right_t right,
                       char token[ACCESS_TOKEN_LENGTH + 1])
{
    uint8_t random[(ACCESS_TOKEN_LENGTH - (sizeof(PREFIX) - 1)) / 2];
    const bool made = access_crypto_random(random, sizeof(random));
    memcpy(token, PREFIX, sizeof(PREFIX));
    access_crypto_hex(random, sizeof(random), &token[sizeof(PREFIX) - 1]);
    access_crypto_forget(random, sizeof(random));
    *saved = (access_saved_token_t){.right = (uint8_t)right};
    memcpy(saved->name, name, strlen(name));
    return made && access_crypto_hash(token, ACCESS_TOKEN_LENGTH, saved->hash);
}

/** With `changes` held. */
static esp_err_t create_token(struct access *access, const char *name, access_right_t right,
                              char token[ACCESS_TOKEN_LENGTH + 1])
{
    const size_t place = find_token(&access->saved, "");
    if (find_token(&access->saved, name) < ACCESS_TOKENS_MAX) {
        return ESP_ERR_INVALID_STATE;
    }
    if (place == ACCESS_TOKENS_MAX) {
        return ESP_ERR_NO_MEM;
    }
    access_record_t *const record = access_change_begin(access);
    const bool kept = record != NULL && make_token(&record->saved.token[place], name, right, token) &&
                      access_change_keep(access, record, false);
    access_change_end(record);
    if (!kept) {
        access_crypto_forget(token, ACCESS_TOKEN_LENGTH + 1);
    }
    return kept ? ESP_OK : ESP_FAIL;
}

esp_err_t access_token_create(access_handle_t handle, const char *name, access_right_t right,
                              char token[ACCESS_TOKEN_LENGTH + 1])
{
    token[0] = '\0';
    if (!name_valid(name) || (right != ACCESS_READ && right != ACCESS_FULL)) {
        return ESP_ERR_INVALID_ARG;
    }
    (void)xSemaphoreTake(handle->changes, portMAX_DELAY);
    const esp_err_t err = create_token(handle, name, right, token);
    (void)xSemaphoreGive(handle->changes);
    return err;
}

/** With `changes` held. Out first: flash may take a second, or fail. */
static esp_err_t revoke_token(struct access *access, const char *name)
{
    const size_t place = name[0] == '\0' ? ACCESS_TOKENS_MAX : find_token(&access->saved, name);
    if (place == ACCESS_TOKENS_MAX) {
        return ESP_ERR_NOT_FOUND;
    }
    lock(access);
    access->saved.token[place] = (access_saved_token_t){.right = ACCESS_NOTHING};
    unlock(access);
    access_record_t *const record = access_change_begin(access);
    const bool kept = record != NULL && access_change_keep(access, record, false);
    access_change_end(record);
    return kept ? ESP_OK : ESP_FAIL;
}

esp_err_t access_token_revoke(access_handle_t handle, const char *name)
{
    (void)xSemaphoreTake(handle->changes, portMAX_DELAY);
    const esp_err_t err = revoke_token(handle, name);
    (void)xSemaphoreGive(handle->changes);
    return err;
}

bool access_token_at(access_handle_t handle, size_t index, access_token_t *token)
{
    bool found = false;
    lock(handle);
    for (size_t i = 0; i < ACCESS_TOKENS_MAX && !found; i++) {
        const access_saved_token_t *const saved = &handle->saved.token[i];
        if (saved->right == ACCESS_NOTHING) {
            continue;
        }
        found = index == 0;
        if (found) {
            memcpy(token->name, saved->name, sizeof(token->name));
            token->right = (access_right_t)saved->right;
        }
        index--;
    }
    unlock(handle);
    return found;
}
