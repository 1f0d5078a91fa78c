/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The audit log: three rings of values in NVS, of wrong logins, logins and changes. Each entry is a value of its own,
 * so a cut costs at most the one that was being written, and that which it replaces.
 */
#include "access_audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "access_private.h"
#include "esp_log.h"
#include "service_task.h"

static const char *TAG = "access";

#define LAYOUT     1
#define CHANGES    (ACCESS_AUDIT_WRONG + ACCESS_AUDIT_LOGINS) /**< the first place of a change */
#define STARTS     "starts"
#define CLOCK_SET  1577836800 /**< 2020: the clock of the chip begins in 1970 */
#define TEXTS      4
#define TEXTS_SIZE (ACCESS_NAME_MAX + ACCESS_ADDRESS_MAX + ACCESS_AUDIT_WHAT_MAX + ACCESS_AUDIT_OUTCOME_MAX + TEXTS)

/** As it is in NVS; `texts` is as long as it has to be: name, address, what, outcome, each with its NUL. */
typedef struct {
    uint32_t layout;
    uint32_t number;
    uint32_t start;
    uint32_t uptime_s;
    int64_t time_s;
    char texts[TEXTS_SIZE];
} stored_t;

typedef struct {
    char text[8];
} slot_key_t;

_Static_assert(ACCESS_AUDIT_ENTRIES <= 100, "two digits");

/** "log7", "log23". Not by printf, which takes more of the stack than all else here, at its deepest place. */
static slot_key_t key_of(size_t slot)
{
    slot_key_t key = {"log"};
    char *at = &key.text[3];
    if (slot >= 10) {
        *at++ = (char)('0' + slot / 10);
    }
    *at = (char)('0' + slot % 10);
    return key;
}

/* ---- as bytes ---- */

typedef struct {
    char *text;
    size_t size;
} field_t;

static void fields_of(access_audit_entry_t *entry, field_t fields[TEXTS])
{
    fields[0] = (field_t){entry->name, sizeof(entry->name)};
    fields[1] = (field_t){entry->address, sizeof(entry->address)};
    fields[2] = (field_t){entry->what, sizeof(entry->what)};
    fields[3] = (field_t){entry->outcome, sizeof(entry->outcome)};
}

static void put_text(char *to, size_t size, const char *text)
{
    size_t length = 0;
    for (; text != NULL && text[length] != '\0' && length < size - 1; length++) {
        to[length] = text[length] >= ' ' && text[length] <= '~' ? text[length] : '?';
    }
    to[length] = '\0';
}

static bool write_entry(size_t slot, access_audit_entry_t *entry)
{
    stored_t stored = {.layout = LAYOUT,
                       .number = entry->number,
                       .start = entry->start,
                       .uptime_s = entry->uptime_s,
                       .time_s = entry->time_s};
    field_t fields[TEXTS];
    size_t length = 0;
    fields_of(entry, fields);
    for (size_t i = 0; i < TEXTS; i++) {
        const size_t size = strlen(fields[i].text) + 1;
        memcpy(&stored.texts[length], fields[i].text, size);
        length += size;
    }
    return access_store_write(key_of(slot).text, &stored, offsetof(stored_t, texts) + length);
}

/** False: there is none, or it is none of ours. */
static bool read_entry(size_t slot, access_audit_entry_t *entry)
{
    stored_t stored;
    field_t fields[TEXTS];
    const size_t size = access_store_read(key_of(slot).text, &stored, sizeof(stored));
    if (size <= offsetof(stored_t, texts) || stored.layout != LAYOUT || stored.number == 0) {
        return false;
    }
    *entry = (access_audit_entry_t){
        .number = stored.number, .start = stored.start, .uptime_s = stored.uptime_s, .time_s = stored.time_s};
    const char *at = stored.texts;
    const char *const end = (const char *)&stored + size;
    fields_of(entry, fields);
    for (size_t i = 0; i < TEXTS; i++) {
        const char *const nul = memchr(at, '\0', (size_t)(end - at));
        if (nul == NULL) {
            return false;
        }
        put_text(fields[i].text, fields[i].size, at);
        at = nul + 1;
    }
    return true;
}

/* ---- the rings ---- */

void access_audit_open(struct access *access)
{
    access_audit_t audit = {.newest = 0};
    access_audit_entry_t entry;
    (void)access_store_read(STARTS, &audit.start, sizeof(audit.start));
    for (size_t slot = 0; slot < ACCESS_AUDIT_ENTRIES; slot++) {
        if (read_entry(slot, &entry)) {
            audit.number[slot] = entry.number;
            audit.newest = entry.number > audit.newest ? entry.number : audit.newest;
            audit.start = entry.start > audit.start ? entry.start : audit.start; /* the counter may be lost */
        }
    }
    audit.start++;
    (void)access_store_write(STARTS, &audit.start, sizeof(audit.start));
    (void)xSemaphoreTake(access->lock, portMAX_DELAY);
    access->audit = audit;
    (void)xSemaphoreGive(access->lock);
}

static int64_t time_of_day_s(void)
{
    const int64_t now_s = (int64_t)time(NULL);
    return now_s >= CLOCK_SET ? now_s : 0;
}

/** The oldest of those from `first` to `end`. */
static size_t oldest(const access_audit_t *audit, size_t first, size_t end)
{
    size_t slot = first;
    for (size_t i = first; i < end; i++) {
        slot = audit->number[i] < audit->number[slot] ? i : slot;
    }
    return slot;
}

static uint32_t store(struct access *access, size_t slot, const access_actor_t *who, const char *what,
                      const char *outcome)
{
    access_audit_entry_t entry = {.number = access->audit.newest + 1,
                                  .start = access->audit.start,
                                  .uptime_s = (uint32_t)(service_now_ms() / 1000),
                                  .time_s = time_of_day_s()};
    put_text(entry.name, sizeof(entry.name), who->name);
    put_text(entry.address, sizeof(entry.address), who->address);
    put_text(entry.what, sizeof(entry.what), what);
    put_text(entry.outcome, sizeof(entry.outcome), outcome);
    if (!write_entry(slot, &entry)) {
        ESP_LOGE(TAG, "not in the audit log: %s: %s", entry.name, entry.what);
        return 0;
    }
    (void)xSemaphoreTake(access->lock, portMAX_DELAY);
    access->audit.newest = entry.number;
    access->audit.number[slot] = entry.number;
    (void)xSemaphoreGive(access->lock);
    return entry.number;
}

uint32_t access_audit_store(struct access *access, const access_actor_t *who, const char *what, const char *outcome)
{
    return store(access, oldest(&access->audit, CHANGES, ACCESS_AUDIT_ENTRIES), who, what, outcome);
}

uint32_t access_audit_begin(access_handle_t handle, const access_actor_t *who, const char *what)
{
    (void)xSemaphoreTake(handle->changes, portMAX_DELAY);
    const uint32_t number = access_audit_store(handle, who, what, NULL);
    (void)xSemaphoreGive(handle->changes);
    return number;
}

/** ACCESS_AUDIT_ENTRIES: it is gone. */
static size_t slot_of(const access_audit_t *audit, uint32_t number)
{
    size_t slot = 0;
    while (slot < ACCESS_AUDIT_ENTRIES && audit->number[slot] != number) {
        slot++;
    }
    return slot;
}

void access_audit_outcome(struct access *access, uint32_t number, const char *outcome)
{
    access_audit_entry_t entry;
    const size_t slot = number == 0 ? ACCESS_AUDIT_ENTRIES : slot_of(&access->audit, number);
    if (slot == ACCESS_AUDIT_ENTRIES || !read_entry(slot, &entry) || entry.number != number) {
        return;
    }
    put_text(entry.outcome, sizeof(entry.outcome), outcome);
    if (!write_entry(slot, &entry)) {
        ESP_LOGE(TAG, "outcome not in the audit log: %s: %s", entry.what, entry.outcome);
    }
}

void access_audit_end(access_handle_t handle, uint32_t number, const char *outcome)
{
    (void)xSemaphoreTake(handle->changes, portMAX_DELAY);
    access_audit_outcome(handle, number, outcome);
    (void)xSemaphoreGive(handle->changes);
}

/** Slot of the oldest entry with a number above `after`, which becomes that number. */
static size_t next_slot(struct access *access, uint32_t *after)
{
    size_t slot = ACCESS_AUDIT_ENTRIES;
    uint32_t number = UINT32_MAX;
    (void)xSemaphoreTake(access->lock, portMAX_DELAY);
    for (size_t i = 0; i < ACCESS_AUDIT_ENTRIES; i++) {
        if (access->audit.number[i] > *after && access->audit.number[i] <= number) {
            slot = i;
            number = access->audit.number[i];
        }
    }
    (void)xSemaphoreGive(access->lock);
    *after = number;
    return slot;
}

/** An entry that is being replaced has another number than was expected of its place, and is left out. */
bool access_audit_next(access_handle_t handle, uint32_t after, access_audit_entry_t *entry)
{
    for (;;) {
        const size_t slot = next_slot(handle, &after);
        if (slot == ACCESS_AUDIT_ENTRIES) {
            return false;
        }
        if (read_entry(slot, entry) && entry->number == after) {
            return true;
        }
    }
}

/* ---- logins ---- */

/** NULL: its wrong logins are only counted for now, because it or enough others have an entry already. */
static access_told_t *place_to_tell(access_audit_t *audit, uint64_t address, int64_t now_ms)
{
    access_told_t *place = NULL;
    for (size_t i = 0; i < ACCESS_AUDIT_TOLD; i++) {
        access_told_t *const told = &audit->told[i];
        if (told->until_ms <= now_ms) {
            place = told;
        } else if (told->address == address) {
            return NULL;
        }
    }
    return place;
}

static void say(char text[ACCESS_AUDIT_WHAT_MAX + 1], const char *what, uint32_t counted)
{
    if (counted == 0) {
        (void)snprintf(text, ACCESS_AUDIT_WHAT_MAX + 1, "%s", what);
    } else {
        (void)snprintf(text, ACCESS_AUDIT_WHAT_MAX + 1, "%s; wrong tries before that are not listed: %" PRIu32, what,
                       counted);
    }
}

void access_audit_wrong(struct access *access, const access_try_t *who, const char *what)
{
    access_audit_t *const audit = &access->audit;
    const uint64_t address = access_address(who->address);
    const access_actor_t actor = {.name = "", .address = who->address};
    char text[ACCESS_AUDIT_WHAT_MAX + 1];
    access_told_t *const told = place_to_tell(audit, address, who->now_ms);
    if (told == NULL) {
        audit->counted += audit->counted < UINT32_MAX ? 1 : 0;
        return;
    }
    *told = (access_told_t){.address = address, .until_ms = who->now_ms + ACCESS_AUDIT_TOLD_MS};
    say(text, what, audit->counted);
    ESP_LOGW(TAG, "%s", text);
    if (store(access, oldest(audit, 0, ACCESS_AUDIT_WRONG), &actor, text, "refused") != 0) {
        audit->counted = 0;
    }
}

void access_audit_login(struct access *access, const access_actor_t *who, const char *outcome)
{
    char text[ACCESS_AUDIT_WHAT_MAX + 1];
    say(text, "login", access->audit.counted);
    if (store(access, oldest(&access->audit, ACCESS_AUDIT_WRONG, CHANGES), who, text, outcome) != 0) {
        access->audit.counted = 0;
    }
}
