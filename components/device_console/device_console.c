/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Reads the console without waiting, and does its commands. Answers are printed and not logged: the log can be read
 * over the network, and the set-up code must not be in it. What is typed is not echoed: log lines would tear it apart.
 */
#include "device_console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access_audit.h"
#include "console_line.h"
#include "esp_check.h"
#include "service_task.h"

static const char *TAG = "console";

#define BYTES_A_POLL   512         /**< and one command at most, whatever comes in */
#define AUDIT_EVERY_MS (60 * 1000) /**< a code that is asked for again and again must not wear out the flash */

typedef struct {
    const char *name;
    void (*run)(void);
} command_t;

static struct {
    access_handle_t access;
    int fd; /**< -1: the input has ended */
    console_line_t line;
    bool may_reset; /**< the line before asked for it */
    bool has_told;  /**< the set-up code, which is in the audit log since `told_ms` */
    int64_t told_ms;
} s_console = {.fd = -1};

static const access_actor_t s_actor = {.name = "console"};

/** One line, at once: standard output may be a pipe. */
static void answer(const char *text, const char *value)
{
    (void)printf("console: %s%s\n", text, value);
    (void)fflush(stdout);
}

static void tell_commands(void)
{
    answer("commands: help, setup-code, reset-password", "");
}

static void tell_code(void)
{
    char code[ACCESS_CODE_LENGTH + 1];
    const int64_t now_ms = service_now_ms();
    const esp_err_t err = access_setup_code(s_console.access, code);
    if (err == ESP_OK) {
        if (!s_console.has_told || now_ms - s_console.told_ms >= AUDIT_EVERY_MS) {
            access_audit_end(s_console.access, access_audit_begin(s_console.access, &s_actor, "set-up code shown"),
                             "done");
            s_console.has_told = true;
            s_console.told_ms = now_ms;
        }
        answer("the set-up code is ", code);
    } else if (err == ESP_ERR_INVALID_STATE) {
        answer("the set-up code is void: a password is set; reset-password takes it back", "");
    } else {
        answer("there is no set-up code: it could not be stored", "");
    }
}

static void ask_reset(void)
{
    answer("this takes back the password and all tokens, and ends all sessions; to do it, type: reset-password yes",
           "");
    s_console.may_reset = true;
}

static void reset(void)
{
    if (!s_console.may_reset) {
        answer("type reset-password first", "");
        return;
    }
    const uint32_t entry = access_audit_begin(s_console.access, &s_actor, "password and tokens taken back");
    const esp_err_t err = access_reset(s_console.access);
    access_audit_end(s_console.access, entry, err == ESP_OK ? "done" : "failed");
    s_console.has_told = false; /* there is another code */
    answer(err == ESP_OK ? "password and tokens are taken back; setup-code shows the new set-up code"
                         : "flash cannot be written: sessions have ended, but the password may come back",
           "");
}

static void run(const char *line)
{
    static const command_t commands[] = {
        {"help", tell_commands},
        {"setup-code", tell_code},
        {"reset-password", ask_reset},
        {"reset-password yes", reset},
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(line, commands[i].name) == 0) {
            commands[i].run();
            s_console.may_reset = commands[i].run == ask_reset;
            return;
        }
    }
    s_console.may_reset = false;
    answer("unknown command; help lists all", "");
}

esp_err_t device_console_open(access_handle_t access)
{
    ESP_RETURN_ON_FALSE(access != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    const int fd = open("/dev/console", O_RDONLY | O_NONBLOCK);
    /* Once more: ESP-IDF opens the port itself only once, for standard output, and does not look at the flags again. */
    const int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL, 0);
    ESP_RETURN_ON_FALSE(flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0, ESP_FAIL, TAG,
                        "standard input cannot be read without waiting: error %d", errno);
    s_console.access = access;
    s_console.fd = fd;
    return ESP_OK;
}

void device_console_poll(void)
{
    char c = '\0';
    for (int bytes = 0; bytes < BYTES_A_POLL && s_console.fd >= 0; bytes++) {
        const ssize_t got = read(s_console.fd, &c, 1);
        if (got < 0) {
            return; /* nothing there */
        }
        if (got == 0) { /* never on the chip */
            (void)close(s_console.fd);
            s_console.fd = -1;
            return;
        }
        if (console_line_put(&s_console.line, c)) {
            run(s_console.line.text);
            return;
        }
    }
}
