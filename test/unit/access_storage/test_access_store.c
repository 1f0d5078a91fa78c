/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What is lost or damaged opens nothing. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../row.h"
#include "flash_gate.h"
#include "gateway.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "unity.h"

/** What everybody may do after something has happened to the storage: nothing, but set it up with a new code. */
static void assert_closed(const char *old_code, const char *token)
{
    const access_try_t stranger = {.address = STRANGER, .now_ms = 0};
    char code[ACCESS_CODE_LENGTH + 1];
    access_handle_t access = restart();
    TEST_ASSERT_FALSE(access_is_set_up(access));
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_token(access, token).right);
    TEST_ASSERT_EQUAL(ACCESS_NOT_SET_UP, login_from(access, STRANGER, PASSWORD, 0).outcome);
    TEST_ASSERT_EQUAL(ACCESS_NOT_SET_UP, login_from(access, STRANGER, "", 0).outcome);
    TEST_ASSERT_EQUAL(ACCESS_WRONG, access_set_first_password(access, &stranger, old_code, PASSWORD).outcome);
    TEST_ASSERT_EQUAL(ACCESS_WRONG, access_set_first_password(access, &stranger, "", PASSWORD).outcome);
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(access, code));
    TEST_ASSERT_FALSE(strcmp(code, old_code) == 0);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_set_first_password(access, &stranger, code, PASSWORD).outcome);
}

static size_t read_state(nvs_handle_t nvs, uint8_t *bytes, size_t size)
{
    size_t length = size;
    TEST_ASSERT_EQUAL(ESP_OK, nvs_get_blob(nvs, state_key(), bytes, &length));
    return length;
}

static void write_state(const char *key, const uint8_t *bytes, size_t length)
{
    nvs_handle_t nvs = 0;
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_open("access", NVS_READWRITE, &nvs));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_set_blob(nvs, key, bytes, length));
    nvs_close(nvs);
    flash_gate_give();
}

/** A gateway with a password and a token, and what is stored of it. */
static size_t prepare(char code[ACCESS_CODE_LENGTH + 1], char token[ACCESS_TOKEN_LENGTH + 1], uint8_t *bytes,
                      size_t size)
{
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    nvs_handle_t nvs = 0;
    access_handle_t access = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(access, code));
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_set_first_password(access, &owner, code, PASSWORD).outcome);
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "a", ACCESS_FULL, token));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_open("access", NVS_READONLY, &nvs));
    const size_t length = read_state(nvs, bytes, size);
    nvs_close(nvs);
    return length;
}

TEST_CASE("any bit of the record that flips closes the gateway", "[access]")
{
    uint8_t bytes[1024];
    char code[ACCESS_CODE_LENGTH + 1];
    char token[ACCESS_TOKEN_LENGTH + 1];
    const size_t length = prepare(code, token, bytes, sizeof(bytes));
    access_handle_t access = restart();
    for (size_t bit = 0; bit < 8 * length; bit += 31) {
        if (bit / 8 == 4 || bit / 8 == 5) {
            continue; /* of the version: see below */
        }
        ROW("bit %zu", bit);
        const char *const key = state_key();
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        write_state(key, bytes, length);
        access = restart();
        TEST_ASSERT_FALSE(access_is_set_up(access));
        TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_token(access, token).right);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        write_state(state_key(), bytes, length);
        access = restart();
        TEST_ASSERT_EQUAL(ACCESS_FULL, by_token(access, token).right);
    }
}

TEST_CASE("a record that is cut, empty, or of another kind closes the gateway", "[access]")
{
    uint8_t bytes[1024];
    char code[ACCESS_CODE_LENGTH + 1];
    char token[ACCESS_TOKEN_LENGTH + 1];
    static const size_t lengths[] = {0, 1, 4, 15, 16, 17, 100, 500};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        ROW("%zu bytes", lengths[i]);
        TEST_ASSERT_LESS_THAN(prepare(code, token, bytes, sizeof(bytes)), lengths[i]);
        write_state(state_key(), bytes, lengths[i]);
        assert_closed(code, token);
    }
    const size_t length = prepare(code, token, bytes, sizeof(bytes));
    memset(bytes, 0, sizeof(bytes));
    write_state(state_key(), bytes, length);
    assert_closed(code, token);
    (void)prepare(code, token, bytes, sizeof(bytes));
    memset(bytes, 0xFF, sizeof(bytes));
    write_state(state_key(), bytes, length);
    assert_closed(code, token);
}

TEST_CASE("a value that the storage itself finds damaged, or lost altogether, closes the gateway", "[access]")
{
    uint8_t bytes[1024];
    char code[ACCESS_CODE_LENGTH + 1];
    char token[ACCESS_TOKEN_LENGTH + 1];
    (void)prepare(code, token, bytes, sizeof(bytes));
    TEST_ASSERT_EQUAL(0, truncate(path_of(state_key()), 100));
    assert_closed(code, token);
    (void)prepare(code, token, bytes, sizeof(bytes));
    TEST_ASSERT_EQUAL(0, unlink(path_of(state_key())));
    assert_closed(code, token);
    (void)prepare(code, token, bytes, sizeof(bytes));
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_flash_erase());
    TEST_ASSERT_EQUAL(ESP_OK, nvs_flash_init());
    flash_gate_give();
    assert_closed(code, token);
}

TEST_CASE("a power cut behind a write leaves the new state, and the old one never comes back", "[access]")
{
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    uint8_t old[1024];
    char code[ACCESS_CODE_LENGTH + 1];
    char token[ACCESS_TOKEN_LENGTH + 1];
    const size_t length = prepare(code, token, old, sizeof(old));
    const char *const old_key = state_key();
    access_handle_t access = restart();
    const access_login_t login = login_from(access, OWNER, PASSWORD, 0);
    const access_client_t client = by_cookie(access, login.secret, login.csrf, 0);
    TEST_ASSERT_EQUAL(ESP_OK, access_token_revoke(access, "a"));
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_change_password(access, &owner, &client, PASSWORD, "battery staple").outcome);
    write_state(strcmp(state_key(), "state0") == 0 ? "state1" : "state0", old, length); /* was not erased */
    access = restart();
    TEST_ASSERT_EQUAL(ACCESS_WRONG, login_from(access, OWNER, PASSWORD, 0).outcome);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, "battery staple", 0).outcome);
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_token(access, token).right);
    TEST_ASSERT_EQUAL(0, truncate(path_of(state_key()), 100)); /* and if the new one is lost later */
    TEST_ASSERT_NOT_NULL(old_key);
    assert_closed(code, token);
}

TEST_CASE("a power cut during a write leaves the old state", "[access]")
{
    uint8_t old[1024];
    char code[ACCESS_CODE_LENGTH + 1];
    char token[ACCESS_TOKEN_LENGTH + 1];
    (void)prepare(code, token, old, sizeof(old));
    write_state(strcmp(state_key(), "state0") == 0 ? "state1" : "state0", old, 50); /* as far as it came */
    access_handle_t access = restart();
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, PASSWORD, 0).outcome);
    TEST_ASSERT_EQUAL(ACCESS_FULL, by_token(access, token).right);
    (void)state_key(); /* the rest is gone */
}

TEST_CASE("a record of a newer firmware is kept, opens nothing, and is overwritten by a reset only", "[access]")
{
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    uint8_t bytes[1024];
    uint8_t found[1024];
    char code[ACCESS_CODE_LENGTH + 1];
    char token[ACCESS_TOKEN_LENGTH + 1];
    nvs_handle_t nvs = 0;
    const size_t length = prepare(code, token, bytes, sizeof(bytes));
    access_handle_t access = NULL;
    bytes[4] = 2; /* the version */
    write_state(state_key(), bytes, length);
    TEST_ASSERT_EQUAL(ESP_FAIL, access_open(&access));
    TEST_ASSERT_FALSE(access_is_set_up(access));
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, access_setup_code(access, code));
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_token(access, token).right);
    TEST_ASSERT_EQUAL(ACCESS_NOT_SET_UP, login_from(access, OWNER, PASSWORD, 0).outcome);
    TEST_ASSERT_EQUAL(ACCESS_WRONG, access_set_first_password(access, &owner, "", PASSWORD).outcome);
    TEST_ASSERT_EQUAL(ESP_FAIL, access_token_create(access, "b", ACCESS_READ, token));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_open("access", NVS_READONLY, &nvs));
    TEST_ASSERT_EQUAL(length, read_state(nvs, found, sizeof(found)));
    nvs_close(nvs);
    TEST_ASSERT_EQUAL_MEMORY(bytes, found, length);
    TEST_ASSERT_EQUAL(ESP_OK, access_reset(access));
    access = restart();
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(access, code));
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_set_first_password(access, &owner, code, PASSWORD).outcome);
}

/** A directory where the storage would write a value. */
static void block_writes(void)
{
    TEST_ASSERT_EQUAL(0, mkdir(path_of("state0.new"), 0700));
    TEST_ASSERT_EQUAL(0, mkdir(path_of("state1.new"), 0700));
}

static void allow_writes(void)
{
    TEST_ASSERT_EQUAL(0, rmdir(path_of("state0.new")));
    TEST_ASSERT_EQUAL(0, rmdir(path_of("state1.new")));
}

TEST_CASE("what cannot be stored does not happen, but what is revoked is out at once", "[access]")
{
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    uint8_t bytes[1024];
    char code[ACCESS_CODE_LENGTH + 1];
    char token[ACCESS_TOKEN_LENGTH + 1];
    char other[ACCESS_TOKEN_LENGTH + 1];
    (void)prepare(code, token, bytes, sizeof(bytes));
    access_handle_t access = restart();
    const access_login_t login = login_from(access, OWNER, PASSWORD, 0);
    const access_client_t client = by_cookie(access, login.secret, login.csrf, 0);
    block_writes();
    TEST_ASSERT_EQUAL(ESP_FAIL, access_token_create(access, "b", ACCESS_READ, other));
    TEST_ASSERT_EQUAL_STRING("", other);
    TEST_ASSERT_EQUAL(ACCESS_FAILED,
                      access_change_password(access, &owner, &client, PASSWORD, "battery staple").outcome);
    TEST_ASSERT_TRUE(access_still_valid(access, &client, 0));
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, PASSWORD, 0).outcome);
    TEST_ASSERT_EQUAL(ACCESS_GOOD,
                      login_from(access, STRANGER, PASSWORD, 0).outcome); /* only its address is not kept */
    TEST_ASSERT_EQUAL(ESP_FAIL, access_token_revoke(access, "a"));
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_token(access, token).right);
    TEST_ASSERT_EQUAL(ESP_FAIL, access_reset(access));
    TEST_ASSERT_FALSE(access_still_valid(access, &client, 0));
    TEST_ASSERT_TRUE(access_is_set_up(access));
    allow_writes();
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, PASSWORD, 0).outcome);
}

TEST_CASE("a new gateway whose storage cannot be written lets nobody in", "[access]")
{
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    char code[ACCESS_CODE_LENGTH + 1];
    access_handle_t access = first_start();
    TEST_ASSERT_EQUAL(0, unlink(path_of(state_key())));
    block_writes();
    TEST_ASSERT_EQUAL(ESP_FAIL, access_open(&access));
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, access_setup_code(access, code));
    TEST_ASSERT_EQUAL_STRING("", code);
    TEST_ASSERT_EQUAL(ACCESS_WRONG, access_set_first_password(access, &owner, "", PASSWORD).outcome);
    TEST_ASSERT_EQUAL(ACCESS_WRONG, access_set_first_password(access, &owner, "0000000000", PASSWORD).outcome);
    TEST_ASSERT_FALSE(access_is_set_up(access));
    allow_writes();
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, access_open(NULL));
}

TEST_CASE("the code stays the same until it is used", "[access]")
{
    char before[ACCESS_CODE_LENGTH + 1];
    char after[ACCESS_CODE_LENGTH + 1];
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(first_start(), before));
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(restart(), after));
    TEST_ASSERT_EQUAL_STRING(before, after);
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(first_start(), after));
    TEST_ASSERT_FALSE(strcmp(before, after) == 0); /* another gateway */
}
