/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Counts guesses. Of each counter only the time is kept at which it is whole again: a guess puts it off by the time
 * that a guess takes to come back, and whoever would have to wait longer than for all but one has none left.
 */
#include "access_throttle.h"

#include <string.h>

#define GROUPS      8 /**< of an IPv6 address */
#define GROUPS_KEPT 4
/* No host has an address that begins with ff00::/8, which is for groups of them. */
#define IPV4_PREFIX UINT64_C(0xFFFFFFFF00000000)
#define NO_ADDRESS  UINT64_C(0xFF00000000000000)

/* ---- addresses ---- */

/** Decimal numbers of up to 255, dots between. */
static bool read_ipv4(const char *text, uint32_t *address)
{
    *address = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned value = 0;
        unsigned digits = 0;
        for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++) {
            value = value * 10 + (unsigned)(*text - '0');
        }
        if (digits == 0 || value > 255 || *text != (i < 3 ? '.' : '\0')) {
            return false;
        }
        text++;
        *address = *address << 8 | value;
    }
    return true;
}

/** Up to four hexadecimal digits; NULL: there are none. */
static const char *read_group(const char *text, uint16_t *group)
{
    unsigned value = 0;
    unsigned digits = 0;
    for (; digits < 4; digits++) {
        const char character = text[digits];
        const char small = (char)(character | 0x20);
        if (character >= '0' && character <= '9') {
            value = value << 4 | (unsigned)(character - '0');
        } else if (small >= 'a' && small <= 'f') {
            value = value << 4 | (unsigned)(small - 'a' + 10);
        } else {
            break;
        }
    }
    *group = (uint16_t)value;
    return digits == 0 ? NULL : &text[digits];
}

typedef struct {
    uint16_t group[GROUPS];
    size_t count; /**< that were written */
    size_t gap;   /**< groups in front of "::"; GROUPS + 1: there is none */
} ipv6_t;

/** The last 32 bits may be written as IPv4. */
static bool take_ipv4(const char *text, ipv6_t *ipv6)
{
    uint32_t address = 0;
    if (ipv6->count + 2 > GROUPS || !read_ipv4(text, &address)) {
        return false;
    }
    ipv6->group[ipv6->count++] = (uint16_t)(address >> 16);
    ipv6->group[ipv6->count++] = (uint16_t)address;
    return true;
}

/** What "::" stands for. */
static bool fill_gap(ipv6_t *ipv6)
{
    if (ipv6->gap > GROUPS) {
        return ipv6->count == GROUPS;
    }
    const size_t behind = ipv6->count - ipv6->gap;
    const size_t missing = GROUPS - ipv6->count;
    memmove(&ipv6->group[ipv6->gap + missing], &ipv6->group[ipv6->gap], behind * sizeof(ipv6->group[0]));
    memset(&ipv6->group[ipv6->gap], 0, missing * sizeof(ipv6->group[0]));
    return true;
}

/** The name of an interface may follow a '%'. */
static bool at_end(const char *text)
{
    return *text == '\0' || *text == '%';
}

static bool read_ipv6(const char *text, ipv6_t *ipv6)
{
    *ipv6 = (ipv6_t){.gap = GROUPS + 1};
    if (strncmp(text, "::", 2) == 0) {
        ipv6->gap = 0;
        text += 2;
    }
    while (!at_end(text)) {
        if (memchr(text, '.', strcspn(text, ":%")) != NULL) {
            return take_ipv4(text, ipv6) && fill_gap(ipv6);
        }
        text = ipv6->count < GROUPS ? read_group(text, &ipv6->group[ipv6->count]) : NULL;
        if (text == NULL) {
            return false;
        }
        ipv6->count++;
        if (strncmp(text, "::", 2) == 0 && ipv6->gap > GROUPS) {
            ipv6->gap = ipv6->count;
            text += 2;
        } else if (*text == ':' && !at_end(text + 1)) {
            text++;
        } else {
            break;
        }
    }
    return at_end(text) && fill_gap(ipv6);
}

static bool is_mapped(const ipv6_t *ipv6)
{
    static const uint16_t prefix[] = {0, 0, 0, 0, 0, 0xFFFF};
    return memcmp(ipv6->group, prefix, sizeof(prefix)) == 0;
}

uint64_t access_address(const char *text)
{
    uint32_t ipv4 = 0;
    ipv6_t ipv6;
    uint64_t address = 0;
    if (text == NULL) {
        return NO_ADDRESS;
    }
    if (read_ipv4(text, &ipv4)) {
        return IPV4_PREFIX | ipv4;
    }
    if (!read_ipv6(text, &ipv6)) {
        return NO_ADDRESS;
    }
    if (is_mapped(&ipv6)) {
        return IPV4_PREFIX | (uint32_t)ipv6.group[6] << 16 | ipv6.group[7];
    }
    for (size_t i = 0; i < GROUPS_KEPT; i++) {
        address = address << 16 | ipv6.group[i];
    }
    return address == 0 ? NO_ADDRESS - 1 : address; /* ::1 and the like: one more that no host has */
}

/* ---- passwords ---- */

static int64_t wait_ms(int64_t whole_ms, int64_t guesses, int64_t back_ms, int64_t now_ms)
{
    const int64_t from_ms = whole_ms - (guesses - 1) * back_ms;
    return from_ms > now_ms ? from_ms - now_ms : 0;
}

static int64_t later(int64_t whole_ms, int64_t back_ms, int64_t now_ms)
{
    return (whole_ms > now_ms ? whole_ms : now_ms) + back_ms;
}

/** SIZE_MAX: it is none of them. */
static size_t find(const access_guesses_t *guesses, size_t count, uint64_t address)
{
    for (size_t i = 0; i < count; i++) {
        if (guesses[i].address == address) {
            return i;
        }
    }
    return SIZE_MAX;
}

/** The place of a stranger, or that whose guesses are back first: now, unless the limit of all was not kept. */
static size_t place_of(const access_throttle_t *throttle, uint64_t address)
{
    size_t place = find(throttle->stranger, ACCESS_STRANGERS_MAX, address);
    if (place != SIZE_MAX) {
        return place;
    }
    place = 0;
    for (size_t i = 1; i < ACCESS_STRANGERS_MAX; i++) {
        if (throttle->stranger[i].whole_ms < throttle->stranger[place].whole_ms) {
            place = i;
        }
    }
    return place;
}

int64_t access_throttle_wait_ms(const access_throttle_t *throttle, uint64_t address, int64_t now_ms)
{
    const size_t known = find(throttle->known, ACCESS_KNOWN_MAX, address);
    if (known != SIZE_MAX) {
        return wait_ms(throttle->known[known].whole_ms, ACCESS_GUESSES, ACCESS_GUESS_BACK_MS, now_ms);
    }
    const int64_t all_ms = wait_ms(throttle->all_whole_ms, ACCESS_GUESSES_OF_ALL, ACCESS_GUESS_OF_ALL_BACK_MS, now_ms);
    const size_t place = find(throttle->stranger, ACCESS_STRANGERS_MAX, address);
    const int64_t own_ms =
        place == SIZE_MAX ? 0
                          : wait_ms(throttle->stranger[place].whole_ms, ACCESS_GUESSES, ACCESS_GUESS_BACK_MS, now_ms);
    return own_ms > all_ms ? own_ms : all_ms;
}

void access_throttle_wrong(access_throttle_t *throttle, uint64_t address, int64_t now_ms)
{
    const size_t known = find(throttle->known, ACCESS_KNOWN_MAX, address);
    if (known != SIZE_MAX) {
        throttle->known[known].whole_ms = later(throttle->known[known].whole_ms, ACCESS_GUESS_BACK_MS, now_ms);
        return;
    }
    access_guesses_t *const guesses = &throttle->stranger[place_of(throttle, address)];
    if (guesses->address != address) {
        *guesses = (access_guesses_t){.address = address};
    }
    guesses->whole_ms = later(guesses->whole_ms, ACCESS_GUESS_BACK_MS, now_ms);
    throttle->all_whole_ms = later(throttle->all_whole_ms, ACCESS_GUESS_OF_ALL_BACK_MS, now_ms);
}

/** What it has guessed as a stranger, who it then is no longer. */
static access_guesses_t take_stranger(access_throttle_t *throttle, uint64_t address)
{
    access_guesses_t taken = {.address = address};
    const size_t place = find(throttle->stranger, ACCESS_STRANGERS_MAX, address);
    if (place != SIZE_MAX) {
        taken = throttle->stranger[place];
        throttle->stranger[place] = (access_guesses_t){.address = 0};
    }
    return taken;
}

/** Whoever is forgotten has no more guesses than before. */
static void make_stranger(access_throttle_t *throttle, const access_guesses_t *forgotten)
{
    access_guesses_t *const place = &throttle->stranger[place_of(throttle, forgotten->address)];
    if (place->whole_ms < forgotten->whole_ms) {
        *place = *forgotten;
    }
}

bool access_throttle_good(access_throttle_t *throttle, uint64_t address)
{
    const size_t known = find(throttle->known, ACCESS_KNOWN_MAX, address);
    const bool is_new = known == SIZE_MAX;
    const size_t place = is_new ? ACCESS_KNOWN_MAX - 1 : known;
    const access_guesses_t newest = is_new ? take_stranger(throttle, address) : throttle->known[known];
    const access_guesses_t forgotten = throttle->known[place];
    memmove(&throttle->known[1], &throttle->known[0], place * sizeof(throttle->known[0]));
    throttle->known[0] = newest;
    if (is_new) {
        make_stranger(throttle, &forgotten);
    }
    return is_new;
}

/* ---- the set-up code ---- */

int64_t access_throttle_code_wait_ms(const access_throttle_t *throttle, int64_t now_ms)
{
    return throttle->code_from_ms > now_ms ? throttle->code_from_ms - now_ms : 0;
}

void access_throttle_code_wrong(access_throttle_t *throttle, int64_t now_ms)
{
    throttle->code_wrong++;
    if (throttle->code_wrong >= ACCESS_CODE_GUESSES) {
        throttle->code_wrong = 0;
        throttle->code_from_ms = now_ms + ACCESS_CODE_PAUSE_MS;
    }
}
