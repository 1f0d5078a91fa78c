/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Who may do what, as the web server and the console ask; with storage in a directory. */
#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../../components/access/access_crypto.h"
#include "../row.h"
#include "flash_gate.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "gateway.h"
#include "unity.h"

/** Time of the processor that this thread has used. */
static int64_t cpu_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

TEST_CASE("a new gateway lets nobody in, and its code sets the first password", "[access]")
{
    const access_try_t owner = {.address = OWNER, .now_ms = 1000};
    char code[ACCESS_CODE_LENGTH + 1];
    access_handle_t access = first_start();
    TEST_ASSERT_FALSE(access_is_set_up(access));
    TEST_ASSERT_EQUAL(ACCESS_NOT_SET_UP, access_login(access, &owner, PASSWORD).outcome);
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(access, code));
    TEST_ASSERT_EQUAL(ACCESS_CODE_LENGTH, strlen(code));
    const access_login_t login = access_set_first_password(access, &owner, code, PASSWORD);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login.outcome);
    TEST_ASSERT_TRUE(access_is_set_up(access));
    TEST_ASSERT_EQUAL(ACCESS_FULL, by_cookie(access, login.secret, NULL, 1000).right);
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, access_setup_code(access, code));
    TEST_ASSERT_EQUAL(ACCESS_SET_UP_ALREADY, access_set_first_password(access, &owner, code, PASSWORD).outcome);
}

TEST_CASE("a session may change something with its CSRF token only", "[access]")
{
    access_handle_t access = set_up();
    const access_login_t login = login_from(access, OWNER, PASSWORD, 0);
    const access_login_t other = login_from(access, OWNER, PASSWORD, 0);
    char csrf[ACCESS_CSRF_LENGTH + 1];
    char cookie[128] = "session=";
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login.outcome);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, other.outcome);
    TEST_ASSERT_FALSE(strcmp(login.secret, other.secret) == 0);
    TEST_ASSERT_TRUE(by_cookie(access, login.secret, login.csrf, 0).may_change);
    TEST_ASSERT_FALSE(by_cookie(access, login.secret, NULL, 0).may_change);
    TEST_ASSERT_FALSE(by_cookie(access, login.secret, "", 0).may_change);
    TEST_ASSERT_FALSE(by_cookie(access, login.secret, other.csrf, 0).may_change);
    TEST_ASSERT_EQUAL(ACCESS_FULL, by_cookie(access, login.secret, other.csrf, 0).right);
    TEST_ASSERT_TRUE(access_csrf(access, strcat(cookie, login.secret), csrf));
    TEST_ASSERT_EQUAL_STRING(login.csrf, csrf);
    TEST_ASSERT_EQUAL_STRING("administrator", by_cookie(access, login.secret, NULL, 0).name);
}

TEST_CASE("the first password takes the code, in capitals or not, and not the code as the password", "[access]")
{
    static const char *const weak[] = {"", "short", "123456789"};
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    char code[ACCESS_CODE_LENGTH + 1];
    char typed[2 * ACCESS_CODE_LENGTH];
    char tail[ACCESS_PASSWORD_MAX + 2];
    access_handle_t access = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(access, code));
    (void)snprintf(typed, sizeof(typed), "%.5s-%s", code, &code[5]);
    for (size_t i = 0; typed[i] != '\0'; i++) {
        typed[i] = (char)tolower(typed[i]);
    }
    for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
        TEST_ASSERT_EQUAL(ACCESS_WEAK, access_set_first_password(access, &owner, code, weak[i]).outcome);
    }
    memset(tail, 'x', sizeof(tail));
    tail[ACCESS_PASSWORD_MAX + 1] = '\0';
    TEST_ASSERT_EQUAL(ACCESS_WEAK, access_set_first_password(access, &owner, code, tail).outcome);
    TEST_ASSERT_EQUAL(ACCESS_WEAK, access_set_first_password(access, &owner, code, typed).outcome);
    TEST_ASSERT_FALSE(access_is_set_up(access));
    tail[ACCESS_PASSWORD_MAX] = '\0';
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_set_first_password(access, &owner, typed, tail).outcome);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, tail, 0).outcome);
    tail[ACCESS_PASSWORD_MAX] = 'x';
    TEST_ASSERT_EQUAL(ACCESS_WRONG, login_from(access, OWNER, tail, 0).outcome);
}

TEST_CASE("a weak password is no guess of the code, and five wrong codes pause all for a minute", "[access]")
{
    char code[ACCESS_CODE_LENGTH + 1];
    access_handle_t access = first_start();
    access_try_t who = {.address = STRANGER, .now_ms = 0};
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(access, code));
    char wrong[ACCESS_CODE_LENGTH + 1];
    memcpy(wrong, code, sizeof(wrong));
    wrong[0] = wrong[0] == '7' ? '8' : '7';
    for (unsigned i = 0; i < 10; i++) {
        TEST_ASSERT_EQUAL(ACCESS_WEAK, access_set_first_password(access, &who, wrong, "short").outcome);
    }
    for (unsigned i = 0; i < 5; i++) {
        TEST_ASSERT_EQUAL(0, access_pause_s(access, &who, true));
        TEST_ASSERT_EQUAL(ACCESS_WRONG, access_set_first_password(access, &who, i == 0 ? "" : wrong, PASSWORD).outcome);
    }
    who.address = OWNER;
    const access_login_t paused = access_set_first_password(access, &who, code, PASSWORD);
    TEST_ASSERT_EQUAL(ACCESS_PAUSED, paused.outcome);
    TEST_ASSERT_EQUAL(60, paused.retry_after_s);
    who.now_ms = 59001;
    TEST_ASSERT_EQUAL(1, access_pause_s(access, &who, true));
    who.now_ms = 60000;
    TEST_ASSERT_EQUAL(0, access_pause_s(access, &who, true));
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_set_first_password(access, &who, code, PASSWORD).outcome);
}

TEST_CASE("a wrong password is refused, and after five of an address also the right one for a while", "[access]")
{
    access_handle_t access = set_up();
    const access_try_t stranger = {.address = STRANGER, .now_ms = 0};
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    static const char *const wrong[] = {"", "x", "correct hors", "correct horse ", "Correct horse"};
    for (size_t i = 0; i < 5; i++) {
        const access_login_t login = access_login(access, &stranger, wrong[i]);
        TEST_ASSERT_EQUAL(ACCESS_WRONG, login.outcome);
        TEST_ASSERT_EQUAL_STRING("", login.secret);
        TEST_ASSERT_EQUAL_STRING("", login.csrf);
    }
    const access_login_t paused = access_login(access, &stranger, PASSWORD);
    TEST_ASSERT_EQUAL(ACCESS_PAUSED, paused.outcome);
    TEST_ASSERT_EQUAL(60, paused.retry_after_s);
    TEST_ASSERT_EQUAL(60, access_pause_s(access, &stranger, false));
    TEST_ASSERT_EQUAL(0, access_pause_s(access, &owner, false));
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_login(access, &owner, PASSWORD).outcome);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, STRANGER, PASSWORD, 60000).outcome);
}

TEST_CASE("the address of the owner is known after a restart as well", "[access]")
{
    access_handle_t access = set_up(); /* which ends with a restart */
    char address[16];
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(address, sizeof(address), "10.0.0.%u", i);
        TEST_ASSERT_EQUAL(ACCESS_WRONG, login_from(access, address, "wrong password", 0).outcome);
    }
    TEST_ASSERT_EQUAL(ACCESS_PAUSED, login_from(access, STRANGER, PASSWORD, 0).outcome);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, PASSWORD, 0).outcome);
}

TEST_CASE("sessions end with a restart, with a logout, and with time; the password stays", "[access]")
{
    access_handle_t access = set_up();
    const access_login_t first = login_from(access, OWNER, PASSWORD, 0);
    const access_login_t second = login_from(access, OWNER, PASSWORD, 0);
    const access_client_t client = by_cookie(access, first.secret, first.csrf, 0);
    TEST_ASSERT_TRUE(access_still_valid(access, &client, 1000));
    access_logout(access, &client);
    TEST_ASSERT_FALSE(access_still_valid(access, &client, 1000));
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_cookie(access, first.secret, first.csrf, 1000).right);
    TEST_ASSERT_EQUAL(ACCESS_FULL, by_cookie(access, second.secret, second.csrf, 1000).right);
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_cookie(access, second.secret, NULL, 1000 + ACCESS_SESSION_IDLE_MS).right);
    const access_login_t third = login_from(access, OWNER, PASSWORD, 0);
    access = restart();
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_cookie(access, third.secret, third.csrf, 0).right);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, PASSWORD, 0).outcome);
}

TEST_CASE("a login never takes up a session that is offered, so none can be fixed beforehand", "[access]")
{
    access_handle_t access = set_up();
    const access_login_t before = login_from(access, OWNER, PASSWORD, 0);
    const access_client_t client = by_cookie(access, before.secret, NULL, 0);
    access_logout(access, &client);
    const access_login_t after = login_from(access, OWNER, PASSWORD, 0);
    TEST_ASSERT_FALSE(strcmp(before.secret, after.secret) == 0);
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_cookie(access, before.secret, before.csrf, 0).right);
    TEST_ASSERT_FALSE(access_still_valid(access, &client, 0)); /* the same slot, another session */
}

TEST_CASE("a changed password ends all sessions but the new one; tokens stay", "[access]")
{
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    char token[ACCESS_TOKEN_LENGTH + 1];
    access_handle_t access = set_up();
    const access_login_t mine = login_from(access, OWNER, PASSWORD, 0);
    const access_login_t other = login_from(access, OWNER, PASSWORD, 0);
    const access_client_t client = by_cookie(access, mine.secret, mine.csrf, 0);
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "grafana", ACCESS_READ, token));
    TEST_ASSERT_EQUAL(ACCESS_WEAK, access_change_password(access, &owner, &client, PASSWORD, "short").outcome);
    TEST_ASSERT_EQUAL(ACCESS_WRONG,
                      access_change_password(access, &owner, &client, "wrong one", "battery staple").outcome);
    TEST_ASSERT_TRUE(access_still_valid(access, &client, 0));
    const access_login_t fresh = access_change_password(access, &owner, &client, PASSWORD, "battery staple");
    TEST_ASSERT_EQUAL(ACCESS_GOOD, fresh.outcome);
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_cookie(access, mine.secret, NULL, 0).right);
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_cookie(access, other.secret, NULL, 0).right);
    TEST_ASSERT_TRUE(by_cookie(access, fresh.secret, fresh.csrf, 0).may_change);
    TEST_ASSERT_EQUAL(ACCESS_READ, by_token(access, token).right);
    access = restart();
    TEST_ASSERT_EQUAL(ACCESS_WRONG, login_from(access, OWNER, PASSWORD, 0).outcome);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, "battery staple", 0).outcome);
}

TEST_CASE("of two who change the password at once, the second is refused", "[access]")
{
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    access_handle_t access = set_up();
    const access_login_t login = login_from(access, OWNER, PASSWORD, 0);
    const access_client_t client = by_cookie(access, login.secret, login.csrf, 0); /* both were accepted by now */
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_change_password(access, &owner, &client, PASSWORD, "battery staple").outcome);
    TEST_ASSERT_EQUAL(ACCESS_WRONG,
                      access_change_password(access, &owner, &client, "battery staple", "third password").outcome);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, "battery staple", 0).outcome);
}

TEST_CASE("a token does what it was made for, until it is revoked", "[access]")
{
    char reader[ACCESS_TOKEN_LENGTH + 1];
    char writer[ACCESS_TOKEN_LENGTH + 1];
    access_token_t token;
    access_handle_t access = set_up();
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "grafana", ACCESS_READ, reader));
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "home-assistant", ACCESS_FULL, writer));
    access = restart();
    const access_client_t client = by_token(access, reader);
    TEST_ASSERT_EQUAL(ACCESS_READ, client.right);
    TEST_ASSERT_EQUAL(ACCESS_BY_TOKEN, client.by);
    TEST_ASSERT_EQUAL_STRING("grafana", client.name);
    TEST_ASSERT_EQUAL(ACCESS_FULL, by_token(access, writer).right);
    TEST_ASSERT_TRUE(by_token(access, writer).may_change);
    TEST_ASSERT_TRUE(access_token_at(access, 1, &token));
    TEST_ASSERT_EQUAL_STRING("home-assistant", token.name);
    TEST_ASSERT_EQUAL(ACCESS_FULL, token.right);
    TEST_ASSERT_TRUE(access_still_valid(access, &client, 0));
    TEST_ASSERT_EQUAL(ESP_OK, access_token_revoke(access, "grafana"));
    TEST_ASSERT_FALSE(access_still_valid(access, &client, 0));
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_token(access, reader).right);
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, access_token_revoke(access, "grafana"));
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "prometheus", ACCESS_READ, reader));
    TEST_ASSERT_FALSE(access_still_valid(access, &client, 0)); /* its place, but not itself */
    access = restart();
    TEST_ASSERT_EQUAL(ACCESS_READ, by_token(access, reader).right);
    TEST_ASSERT_TRUE(access_token_at(access, 0, &token));
    TEST_ASSERT_EQUAL_STRING("prometheus", token.name);
    TEST_ASSERT_FALSE(access_token_at(access, 2, &token));
}

TEST_CASE("a token that is wrong is nobody, also beside a good cookie; another scheme does not count", "[access]")
{
    char token[ACCESS_TOKEN_LENGTH + 1];
    char cookie[128];
    access_handle_t access = set_up();
    const access_login_t login = login_from(access, OWNER, PASSWORD, 0);
    (void)snprintf(cookie, sizeof(cookie), "session=%s", login.secret);
    access_credentials_t both = {.cookie = cookie, .authorization = "Bearer tbg_x", .csrf = login.csrf};
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "a", ACCESS_READ, token));
    token[10] = token[10] == '0' ? '1' : '0';
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_token(access, token).right);
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_token(access, login.secret).right);
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, access_identify(access, &both, 0).right);
    both.authorization = "Basic YWRtaW46YWRtaW4=";
    TEST_ASSERT_EQUAL(ACCESS_FULL, access_identify(access, &both, 0).right);
    TEST_ASSERT_TRUE(access_identify(access, &both, 0).may_change);
}

TEST_CASE("names of tokens are few, different, plain, and none that the audit log uses", "[access]")
{
    static const char *const wrong[] = {
        "",        "a b",     "a/b", "a\"b", "caf\xC3\xA9", "a\n", "1234567890123456789012345", "administrator",
        "console", "gateway",
    };
    char token[ACCESS_TOKEN_LENGTH + 1];
    char name[8];
    access_handle_t access = set_up();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ROW("wrong[%zu]", i);
        TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, access_token_create(access, wrong[i], ACCESS_READ, token));
        TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, access_token_revoke(access, wrong[i]));
    }
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, access_token_create(access, "a", ACCESS_NOTHING, token));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, access_token_create(access, "a", (access_right_t)7, token));
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "123456789012345678901234", ACCESS_READ, token));
    for (unsigned i = 1; i < ACCESS_TOKENS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "t%u", i);
        TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, name, ACCESS_FULL, token));
        TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, access_token_create(access, name, ACCESS_READ, token));
    }
    TEST_ASSERT_EQUAL(ESP_ERR_NO_MEM, access_token_create(access, "one-more", ACCESS_READ, token));
    TEST_ASSERT_EQUAL_STRING("", token);
}

TEST_CASE("a reset ends everything, and the old code stays void", "[access]")
{
    const access_try_t stranger = {.address = STRANGER, .now_ms = 0};
    char old[ACCESS_CODE_LENGTH + 1];
    char code[ACCESS_CODE_LENGTH + 1];
    char token[ACCESS_TOKEN_LENGTH + 1];
    access_handle_t access = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(access, old));
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_set_first_password(access, &stranger, old, PASSWORD).outcome);
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "a", ACCESS_FULL, token));
    const access_login_t login = login_from(access, OWNER, PASSWORD, 0);
    TEST_ASSERT_EQUAL(ESP_OK, access_reset(access));
    for (unsigned i = 0; i < 2; i++) {
        ROW("%u restarts", i);
        TEST_ASSERT_FALSE(access_is_set_up(access));
        TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_cookie(access, login.secret, login.csrf, 0).right);
        TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_token(access, token).right);
        TEST_ASSERT_EQUAL(ACCESS_NOT_SET_UP, login_from(access, OWNER, PASSWORD, 0).outcome);
        TEST_ASSERT_EQUAL(ACCESS_WRONG, access_set_first_password(access, &stranger, old, PASSWORD).outcome);
        TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(access, code));
        TEST_ASSERT_FALSE(strcmp(old, code) == 0);
        access = restart();
    }
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_set_first_password(access, &stranger, code, "battery staple").outcome);
    TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_token(access, token).right);
}

/** Whether a file of the storage holds a text. */
static bool storage_holds(const char *text)
{
    static char bytes[8192];
    const char *const keys[] = {"state0", "state1", "log0", "log6", "log7", "log10", "log11", "log12"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        FILE *const file = fopen(path_of(keys[i]), "re");
        const size_t length = file == NULL ? 0 : fread(bytes, 1, sizeof(bytes), file);
        if (file != NULL) {
            (void)fclose(file);
        }
        if (memmem(bytes, length, text, strlen(text)) != NULL) {
            return true;
        }
    }
    return false;
}

TEST_CASE("neither password nor secrets are in the storage, nor a code that is void", "[access]")
{
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    char code[ACCESS_CODE_LENGTH + 1];
    char token[ACCESS_TOKEN_LENGTH + 1];
    access_handle_t access = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(access, code));
    TEST_ASSERT_TRUE(storage_holds(code));
    const access_login_t login = access_set_first_password(access, &owner, code, PASSWORD);
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "grafana", ACCESS_FULL, token));
    TEST_ASSERT_EQUAL(ACCESS_WRONG, login_from(access, OWNER, "wrong password", 0).outcome);
    TEST_ASSERT_TRUE(storage_holds("grafana"));
    TEST_ASSERT_TRUE(storage_holds("first password set"));
    TEST_ASSERT_FALSE(storage_holds(code));
    TEST_ASSERT_FALSE(storage_holds(PASSWORD));
    TEST_ASSERT_FALSE(storage_holds("wrong password!"));
    TEST_ASSERT_FALSE(storage_holds(login.secret));
    TEST_ASSERT_FALSE(storage_holds(login.csrf));
    TEST_ASSERT_FALSE(storage_holds(&token[4]));
}

TEST_CASE("a wrong password takes as long as the right one", "[access]")
{
    access_handle_t access = set_up();
    static const char *const passwords[] = {PASSWORD, "correct horsf", "", "x"};
    int64_t least_us = INT64_MAX;
    int64_t taken_us[4] = {0};
    for (unsigned round = 0; round < 5; round++) { /* the shortest of some: others use this machine too */
        for (size_t i = 0; i < 4; i++) {
            const int64_t begin_us = cpu_us();
            (void)login_from(access, OWNER, passwords[i], round * INT64_C(3600000));
            const int64_t us = cpu_us() - begin_us;
            taken_us[i] = round == 0 || us < taken_us[i] ? us : taken_us[i];
        }
    }
    for (size_t i = 0; i < 4; i++) {
        least_us = taken_us[i] < least_us ? taken_us[i] : least_us;
    }
    for (size_t i = 0; i < 4; i++) {
        ROW("%s: %d us", passwords[i], (int)taken_us[i]);
        TEST_ASSERT_LESS_THAN(2 * least_us, taken_us[i]);
    }
}

TEST_CASE("PBKDF2-HMAC-SHA256 is that of RFC 7914, section 11, for many iterations", "[access]")
{
    static const uint8_t expected[ACCESS_HASH_SIZE] = {0x4d, 0xdc, 0xd8, 0xf6, 0x0b, 0x98, 0xbe, 0x21, 0x83, 0x0c, 0xee,
                                                       0x5e, 0xf2, 0x27, 0x01, 0xf9, 0x64, 0x1a, 0x44, 0x18, 0xd0, 0x4c,
                                                       0x04, 0x14, 0xae, 0xff, 0x08, 0x87, 0x6b, 0x34, 0xab, 0x56};
    uint8_t hash[ACCESS_HASH_SIZE];
    TEST_ASSERT_TRUE(access_crypto_derive("Password", (const uint8_t *)"NaCl", 4, 80000, hash));
    TEST_ASSERT_EQUAL_HEX8_ARRAY(expected, hash, sizeof(hash));
}

#define ROUNDS 12

static atomic_bool s_working;

/** As the task `work`: whatever calculates or writes flash. */
static void work(void *argument)
{
    access_handle_t access = argument;
    char token[ACCESS_TOKEN_LENGTH + 1];
    const access_actor_t who = {.name = "administrator", .address = OWNER};
    for (int64_t i = 0; i < ROUNDS; i++) {
        (void)login_from(access, OWNER, PASSWORD, i);
        (void)login_from(access, STRANGER, "wrong password", i);
        (void)access_token_create(access, "other", ACCESS_READ, token);
        access_audit_end(access, access_audit_begin(access, &who, "change"), "done");
        (void)access_token_revoke(access, "other");
    }
    atomic_store(&s_working, false);
    vTaskDelete(NULL);
}

TEST_CASE("requests are answered while others log in, tokens come and go, and the log is written", "[access]")
{
    char token[ACCESS_TOKEN_LENGTH + 1];
    access_token_t found;
    access_handle_t access = set_up();
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "mine", ACCESS_READ, token));
    const access_try_t stranger = {.address = STRANGER, .now_ms = 0};
    atomic_store(&s_working, true);
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreatePinnedToCore(work, "work", 8192, access, 2, NULL, 0));
    while (atomic_load(&s_working)) {
        const access_client_t client = by_token(access, token);
        TEST_ASSERT_EQUAL(ACCESS_READ, client.right);
        TEST_ASSERT_TRUE(access_still_valid(access, &client, 0));
        TEST_ASSERT_TRUE(access_token_at(access, 0, &found));
        TEST_ASSERT_EQUAL_STRING("mine", found.name);
        TEST_ASSERT_EQUAL(ACCESS_NOTHING, by_cookie(access, &token[4], NULL, 0).right);
        TEST_ASSERT_LESS_OR_EQUAL(60, access_pause_s(access, &stranger, false));
        TEST_ASSERT_GREATER_OR_EQUAL(1, audit_entries(access, NULL));
        vTaskDelay(1);
    }
}

static access_login_t s_login;

static void log_in(void *access)
{
    s_login = login_from(access, OWNER, PASSWORD, 0);
    atomic_store(&s_working, false);
    vTaskDelete(NULL);
}

TEST_CASE("requests do not wait for a login that waits for flash", "[access]")
{
    char token[ACCESS_TOKEN_LENGTH + 1];
    access_handle_t access = set_up();
    TEST_ASSERT_EQUAL(ESP_OK, access_token_create(access, "mine", ACCESS_READ, token));
    atomic_store(&s_working, true);
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreatePinnedToCore(log_in, "work", 8192, access, 2, NULL, 0));
    for (unsigned i = 0; i < 100; i++) {
        TEST_ASSERT_EQUAL(ACCESS_READ, by_token(access, token).right);
        vTaskDelay(1);
    }
    TEST_ASSERT_TRUE(atomic_load(&s_working)); /* it has not got the turn that this task has */
    flash_gate_give();
    while (atomic_load(&s_working)) {
        vTaskDelay(1);
    }
    TEST_ASSERT_EQUAL(ACCESS_GOOD, s_login.outcome);
}
