/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What was changed, by whom and when. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../row.h"
#include "flash_gate.h"
#include "gateway.h"
#include "unity.h"

#define MINUTE_MS INT64_C(60000)
#define WRONG     "wrong password"

static const access_actor_t s_owner = {.name = "administrator", .address = OWNER};

static void change(access_handle_t access, const char *what, const char *outcome)
{
    const uint32_t entry = access_audit_begin(access, &s_owner, what);
    TEST_ASSERT_GREATER_THAN(0, entry);
    if (outcome != NULL) {
        access_audit_end(access, entry, outcome);
    }
}

/** Numbers of all entries, and that they count up. */
static unsigned numbers(access_handle_t access, uint32_t found[ACCESS_AUDIT_ENTRIES])
{
    access_audit_entry_t entry = {.number = 0};
    unsigned count = 0;
    while (access_audit_next(access, entry.number, &entry)) {
        TEST_ASSERT_LESS_THAN(ACCESS_AUDIT_ENTRIES, count);
        TEST_ASSERT_TRUE(count == 0 || entry.number > found[count - 1]);
        found[count++] = entry.number;
    }
    return count;
}

TEST_CASE("an entry says who did what, when, and how it ended", "[access_audit]")
{
    access_audit_entry_t entry = {.number = 0};
    access_handle_t access = set_up();
    const unsigned before = audit_entries(access, NULL);
    const uint32_t number = access_audit_begin(access, &s_owner, "settings: charge.max_a 100 -> 80");
    TEST_ASSERT_EQUAL(before + 1, audit_entries(access, &entry));
    TEST_ASSERT_EQUAL_STRING("", entry.outcome);
    access_audit_end(access, number, "done");
    TEST_ASSERT_EQUAL(before + 1, audit_entries(access, &entry));
    TEST_ASSERT_EQUAL(number, entry.number);
    TEST_ASSERT_EQUAL(2, entry.start);
    TEST_ASSERT_GREATER_THAN(1577836800, entry.time_s);
    TEST_ASSERT_EQUAL_STRING("administrator", entry.name);
    TEST_ASSERT_EQUAL_STRING(OWNER, entry.address);
    TEST_ASSERT_EQUAL_STRING("settings: charge.max_a 100 -> 80", entry.what);
    TEST_ASSERT_EQUAL_STRING("done", entry.outcome);
    access_audit_end(access, 0, "done");
    access_audit_end(access, number + 1, "done");
    TEST_ASSERT_FALSE(access_audit_next(access, number, &entry));
    TEST_ASSERT_FALSE(access_audit_next(access, UINT32_MAX, &entry));
}

TEST_CASE("entries are there after a restart, numbers and starts go on", "[access_audit]")
{
    access_audit_entry_t entry = {.number = 0};
    access_handle_t access = set_up();
    change(access, "first", "done");
    (void)audit_entries(access, &entry);
    const uint32_t number = entry.number;
    access = restart();
    change(access, "second", NULL);
    (void)audit_entries(restart(), &entry);
    TEST_ASSERT_EQUAL_STRING("second", entry.what);
    TEST_ASSERT_EQUAL_STRING("", entry.outcome); /* the gateway went off meanwhile */
    TEST_ASSERT_EQUAL(number + 1, entry.number);
    TEST_ASSERT_EQUAL(3, entry.start);
}

TEST_CASE("the oldest entries make room, and a reset keeps all", "[access_audit]")
{
    uint32_t found[ACCESS_AUDIT_ENTRIES];
    access_audit_entry_t entry = {.number = 0};
    access_handle_t access = set_up();
    char what[16];
    for (unsigned i = 0; i < 3 * ACCESS_AUDIT_ENTRIES; i++) {
        (void)snprintf(what, sizeof(what), "change %u", i);
        change(access, what, "done");
    }
    for (unsigned restarts = 0; restarts < 2; restarts++) {
        const unsigned count = numbers(access, found);
        TEST_ASSERT_GREATER_OR_EQUAL(14, count);
        TEST_ASSERT_EQUAL(count - 1, found[count - 1] - found[0]);
        (void)audit_entries(access, &entry);
        TEST_ASSERT_EQUAL_STRING("change 71", entry.what);
        access = restart();
    }
    TEST_ASSERT_EQUAL(ESP_OK, access_reset(access));
    TEST_ASSERT_GREATER_OR_EQUAL(14, audit_entries(access, &entry));
    TEST_ASSERT_EQUAL_STRING("password, sessions and tokens reset", entry.what);
    TEST_ASSERT_EQUAL_STRING("gateway", entry.name);
    TEST_ASSERT_EQUAL_STRING("done", entry.outcome);
}

TEST_CASE("texts are cut to their room and hold nothing but printable ASCII", "[access_audit]")
{
    char lengthy[400];
    access_audit_entry_t entry = {.number = 0};
    const access_actor_t who = {.name = lengthy, .address = lengthy};
    access_handle_t access = set_up();
    memset(lengthy, 'x', sizeof(lengthy));
    lengthy[sizeof(lengthy) - 1] = '\0';
    const uint32_t number = access_audit_begin(access, &who, lengthy);
    access_audit_end(access, number, lengthy);
    (void)audit_entries(access, &entry);
    TEST_ASSERT_EQUAL(ACCESS_NAME_MAX, strlen(entry.name));
    TEST_ASSERT_EQUAL(ACCESS_ADDRESS_MAX, strlen(entry.address));
    TEST_ASSERT_EQUAL(ACCESS_AUDIT_WHAT_MAX, strlen(entry.what));
    TEST_ASSERT_EQUAL(ACCESS_AUDIT_OUTCOME_MAX, strlen(entry.outcome));
    const access_actor_t nobody = {.name = "a\x1b[31m", .address = NULL};
    (void)access_audit_begin(access, &nobody, "caf\xC3\xA9\r\n\x7f");
    (void)audit_entries(access, &entry);
    TEST_ASSERT_EQUAL_STRING("a?[31m", entry.name);
    TEST_ASSERT_EQUAL_STRING("", entry.address);
    TEST_ASSERT_EQUAL_STRING("caf?????", entry.what);
}

TEST_CASE("a power cut while an entry is written costs no other entry", "[access_audit]")
{
    uint32_t before[ACCESS_AUDIT_ENTRIES];
    uint32_t after[ACCESS_AUDIT_ENTRIES];
    char key[8];
    for (unsigned slot = 0; slot < ACCESS_AUDIT_ENTRIES; slot++) {
        ROW("slot %u", slot);
        access_handle_t access = set_up();
        for (unsigned i = 0; i < ACCESS_AUDIT_ENTRIES; i++) {
            change(access, "change", "done");
        }
        const unsigned count = numbers(access, before);
        (void)snprintf(key, sizeof(key), "log%u", slot);
        const bool there = truncate(path_of(key), 30) == 0; /* the old one is gone too */
        access = restart();
        const unsigned left = numbers(access, after);
        TEST_ASSERT_EQUAL(there ? count - 1 : count, left);
        change(access, "next", "done");
        TEST_ASSERT_EQUAL(count, numbers(access, after));
        TEST_ASSERT_GREATER_OR_EQUAL(before[count - 1], after[count - 1]); /* it may be the newest that was lost */
    }
}

TEST_CASE("an entry that cannot be written is none, and the others stay", "[access_audit]")
{
    uint32_t before[ACCESS_AUDIT_ENTRIES];
    uint32_t after[ACCESS_AUDIT_ENTRIES];
    char key[16];
    access_handle_t access = set_up();
    for (unsigned i = 0; i < ACCESS_AUDIT_ENTRIES; i++) {
        change(access, "change", "done");
    }
    const unsigned count = numbers(access, before);
    for (unsigned slot = 0; slot < ACCESS_AUDIT_ENTRIES; slot++) {
        (void)snprintf(key, sizeof(key), "log%u.new", slot);
        TEST_ASSERT_EQUAL(0, mkdir(path_of(key), 0700));
    }
    TEST_ASSERT_EQUAL(0, access_audit_begin(access, &s_owner, "lost"));
    TEST_ASSERT_EQUAL(count, numbers(access, after));
    TEST_ASSERT_EQUAL_MEMORY(before, after, count * sizeof(before[0]));
    for (unsigned slot = 0; slot < ACCESS_AUDIT_ENTRIES; slot++) {
        (void)snprintf(key, sizeof(key), "log%u.new", slot);
        TEST_ASSERT_EQUAL(0, rmdir(path_of(key)));
    }
    change(access, "next", "done");
    TEST_ASSERT_EQUAL(count, numbers(access, after));
    TEST_ASSERT_EQUAL(before[count - 1] + 1, after[count - 1]);
}

TEST_CASE("what a value of the log holds instead of an entry is left out", "[access_audit]")
{
    access_handle_t access = set_up();
    const unsigned count = audit_entries(access, NULL);
    FILE *const file = fopen(path_of("log20"), "we");
    TEST_ASSERT_NOT_NULL(file);
    TEST_ASSERT_GREATER_THAN(0, fputs("garbage that is longer than an entry has to be, in no form at all", file));
    TEST_ASSERT_EQUAL(0, fclose(file));
    TEST_ASSERT_EQUAL(count, audit_entries(restart(), NULL));
}

TEST_CASE("logins, and changes of the password, have their entries", "[access_audit]")
{
    const access_try_t owner = {.address = OWNER, .now_ms = 0};
    access_audit_entry_t entry = {.number = 0};
    access_handle_t access = set_up();
    TEST_ASSERT_EQUAL(1, audit_entries(access, &entry));
    TEST_ASSERT_EQUAL_STRING("first password set", entry.what);
    TEST_ASSERT_EQUAL_STRING("done", entry.outcome);
    const access_login_t login = login_from(access, OWNER, PASSWORD, 0);
    TEST_ASSERT_EQUAL(2, audit_entries(access, &entry));
    TEST_ASSERT_EQUAL_STRING("login", entry.what);
    TEST_ASSERT_EQUAL_STRING("administrator", entry.name);
    TEST_ASSERT_EQUAL_STRING(OWNER, entry.address);
    const access_client_t client = by_cookie(access, login.secret, login.csrf, 0);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, access_change_password(access, &owner, &client, PASSWORD, "battery staple").outcome);
    TEST_ASSERT_EQUAL(3, audit_entries(access, &entry));
    TEST_ASSERT_EQUAL_STRING("password changed", entry.what);
    TEST_ASSERT_EQUAL_STRING("done", entry.outcome);
}

TEST_CASE("of an address one wrong login in ten minutes is stored, and the others are counted", "[access_audit]")
{
    access_audit_entry_t entry = {.number = 0};
    access_handle_t access = set_up();
    for (unsigned i = 0; i < 4; i++) {
        TEST_ASSERT_EQUAL(ACCESS_WRONG, login_from(access, STRANGER, WRONG, i).outcome);
        TEST_ASSERT_EQUAL(2, audit_entries(access, &entry));
    }
    TEST_ASSERT_EQUAL_STRING("login: wrong password", entry.what);
    TEST_ASSERT_EQUAL_STRING("refused", entry.outcome);
    TEST_ASSERT_EQUAL_STRING("", entry.name);
    TEST_ASSERT_EQUAL_STRING(STRANGER, entry.address);
    TEST_ASSERT_EQUAL(ACCESS_WRONG, login_from(access, STRANGER, WRONG, 10 * MINUTE_MS - 1).outcome);
    TEST_ASSERT_EQUAL(2, audit_entries(access, &entry));
    TEST_ASSERT_EQUAL(ACCESS_WRONG, login_from(access, STRANGER, WRONG, 10 * MINUTE_MS).outcome);
    TEST_ASSERT_EQUAL(3, audit_entries(access, &entry));
    TEST_ASSERT_EQUAL_STRING("login: wrong password; wrong tries before that are not listed: 4", entry.what);
    TEST_ASSERT_EQUAL(ACCESS_WRONG, login_from(access, STRANGER, WRONG, 11 * MINUTE_MS).outcome);
    TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, PASSWORD, 11 * MINUTE_MS).outcome);
    TEST_ASSERT_EQUAL(4, audit_entries(access, &entry));
    TEST_ASSERT_EQUAL_STRING("login; wrong tries before that are not listed: 1", entry.what);
}

TEST_CASE("strangers that guess all the time write little, and push out no change", "[access_audit]")
{
    access_audit_entry_t entry = {.number = 0};
    flash_gate_status_t before;
    flash_gate_status_t after;
    char address[32];
    unsigned wrong = 0;
    access_handle_t access = set_up();
    for (unsigned i = 0; i < 13; i++) {
        change(access, "change", "done");
    }
    flash_gate_status(&before);
    for (unsigned i = 0; i < 200; i++) { /* each from another address: 40 minutes */
        (void)snprintf(address, sizeof(address), "10.1.%u.%u", i / 256, i % 256);
        wrong += login_from(access, address, WRONG, i * INT64_C(12000)).outcome == ACCESS_WRONG ? 1 : 0;
    }
    flash_gate_status(&after);
    TEST_ASSERT_EQUAL(200, wrong);
    TEST_ASSERT_LESS_OR_EQUAL(4 * 4, after.turns - before.turns);
    TEST_ASSERT_EQUAL(13 + 1 + 6, audit_entries(access, &entry));
    unsigned changes = 0;
    entry.number = 0;
    while (access_audit_next(access, entry.number, &entry)) {
        changes += strcmp(entry.what, "change") == 0 ? 1 : 0;
    }
    TEST_ASSERT_EQUAL(13, changes);
}

TEST_CASE("who logs in every day pushes out no change, and no wrong login", "[access_audit]")
{
    access_audit_entry_t entry = {.number = 0};
    unsigned changes = 0;
    unsigned wrong = 0;
    access_handle_t access = set_up();
    change(access, "settings: charge.max_a 100 -> 80", "done");
    TEST_ASSERT_EQUAL(ACCESS_WRONG, login_from(access, STRANGER, WRONG, 0).outcome);
    for (unsigned i = 0; i < 30; i++) {
        TEST_ASSERT_EQUAL(ACCESS_GOOD, login_from(access, OWNER, PASSWORD, i * 24 * 60 * MINUTE_MS).outcome);
    }
    access = restart();
    while (access_audit_next(access, entry.number, &entry)) {
        changes += strcmp(entry.what, "settings: charge.max_a 100 -> 80") == 0 ? 1 : 0;
        wrong += strcmp(entry.address, STRANGER) == 0 ? 1 : 0;
    }
    TEST_ASSERT_EQUAL(1, changes);
    TEST_ASSERT_EQUAL(1, wrong);
    TEST_ASSERT_EQUAL_STRING("login", entry.what); /* the newest one */
}
