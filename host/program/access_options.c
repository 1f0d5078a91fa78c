/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The options of the program that show the set-up code and take the password back. */
#include "access_options.h"

#include <stdio.h>
#include <unistd.h>

#include "access_audit.h"
#include "host.h"
#include "settings.h"

#define TRIES        50 /**< a gateway that has only just started stores its code within some 100 ms */
#define TRY_EVERY_US 100000

/** Settings first: they get the storage ready. What cannot be read or made shows when the code is asked for. */
static access_handle_t open_access(void)
{
    settings_handle_t settings = NULL;
    access_handle_t access = NULL;
    if (settings_open(&settings) == ESP_OK) {
        (void)access_open(&access);
    }
    return access;
}

access_options_outcome_t access_options_setup(void)
{
    char code[ACCESS_CODE_LENGTH + 1];
    esp_err_t err = ESP_FAIL;
    for (int tries = host_options.read_only ? TRIES : 1; tries > 0; tries--) {
        access_handle_t access = open_access();
        err = access == NULL ? ESP_FAIL : access_setup_code(access, code);
        if (err == ESP_OK || err == ESP_ERR_INVALID_STATE) {
            break;
        }
        if (tries > 1) {
            (void)usleep(TRY_EVERY_US);
        }
    }
    if (err == ESP_ERR_INVALID_STATE) {
        (void)fputs("the set-up code is void: a password is set; --reset-password takes it back\n", stderr);
        return ACCESS_OPTIONS_VOID;
    }
    if (err != ESP_OK) {
        return ACCESS_OPTIONS_FAILED;
    }
    (void)puts(code);
    return ACCESS_OPTIONS_DONE;
}

const char *access_options_reset(void)
{
    static const access_actor_t console = {.name = "console"};
    access_handle_t access = open_access();
    if (access == NULL) {
        return "cannot read the data directory";
    }
    const uint32_t entry = access_audit_begin(access, &console, "password and tokens taken back");
    const esp_err_t err = access_reset(access);
    access_audit_end(access, entry, err == ESP_OK ? "done" : "failed");
    if (err != ESP_OK) {
        return "cannot write to the data directory";
    }
    (void)puts("password and tokens are taken back; --setup shows the new set-up code");
    return NULL;
}
