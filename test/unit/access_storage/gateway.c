/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flash_gate.h"
#include "host.h"
#include "nvs_flash.h"
#include "unity.h"

static char s_directory[] = "/tmp/tinybms-access-XXXXXX";

access_handle_t restart(void)
{
    access_handle_t access = NULL;
    TEST_ASSERT_EQUAL(ESP_OK, access_open(&access));
    return access;
}

access_handle_t first_start(void)
{
    if (host_options.data_dir == NULL) {
        host_options.data_dir = mkdtemp(s_directory);
    }
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_init());
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_flash_erase());
    TEST_ASSERT_EQUAL(ESP_OK, nvs_flash_init());
    flash_gate_give();
    return restart();
}

access_handle_t set_up(void)
{
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    char code[ACCESS_CODE_LENGTH + 1];
    access_handle_t access = first_start();
    TEST_ASSERT_EQUAL(ESP_OK, access_setup_code(access, code));
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_set_first_password(access, &owner, code, PASSWORD).outcome);
    return restart();
}

const char *path_of(const char *key)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/nvs/access/%s", host_options.data_dir, key);
    return path;
}

const char *state_key(void)
{
    const bool first = access(path_of("state0"), F_OK) == 0;
    const bool second = access(path_of("state1"), F_OK) == 0;
    TEST_ASSERT_TRUE_MESSAGE(first != second, "one record, and not two");
    return first ? "state0" : "state1";
}

access_login_t login_from(access_handle_t access, const char *address, const char *password, int64_t now_ms)
{
    const access_try_t who = {.address = address, .now_ms = now_ms};
    return access_login(access, &who, password);
}

access_client_t by_cookie(access_handle_t access, const char *secret, const char *csrf, int64_t now_ms)
{
    char cookie[128];
    (void)snprintf(cookie, sizeof(cookie), "theme=dark; session=%s", secret);
    const access_credentials_t credentials = {.cookie = secret == NULL ? NULL : cookie, .csrf = csrf};
    return access_identify(access, &credentials, now_ms);
}

access_client_t by_token(access_handle_t access, const char *token)
{
    char header[128];
    (void)snprintf(header, sizeof(header), "Bearer %s", token);
    const access_credentials_t credentials = {.authorization = header};
    return access_identify(access, &credentials, 0);
}

unsigned audit_entries(access_handle_t access, access_audit_entry_t *newest)
{
    access_audit_entry_t entry = {.number = 0};
    unsigned count = 0;
    while (access_audit_next(access, entry.number, &entry)) {
        count++;
        if (newest != NULL) {
            *newest = entry;
        }
    }
    return count;
}
