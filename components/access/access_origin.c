/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Whether a request was meant for this gateway. */
#include "access_origin.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LOCAL        ".local"
#define LOCALHOST    "localhost"
#define NO_PORT      0 /**< no port has this number that anybody could connect to */
#define HIGHEST_PORT 65535U

/** A part of a text that the caller has. */
typedef struct {
    const char *at;
    size_t length;
} part_t;

typedef struct {
    part_t name; /**< with the brackets of an IPv6 address */
    uint32_t port;
} authority_t;

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool same(part_t a, part_t b)
{
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (lower(a.at[i]) != lower(b.at[i])) {
            return false;
        }
    }
    return true;
}

static part_t part_of(const char *text)
{
    return (part_t){.at = text, .length = strlen(text)};
}

static bool is_text(part_t part, const char *text)
{
    return same(part, part_of(text));
}

/** A name may be written with the dot of the root behind it. */
static part_t without_dot(part_t name)
{
    if (name.length > 1 && name.at[name.length - 1] == '.') {
        name.length--;
    }
    return name;
}

/** Between colon and end; may be empty, as RFC 3986 has it. */
static bool port_of(part_t text, uint32_t *port)
{
    *port = NO_PORT;
    if (text.length > 5) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.at[i])) {
            return false;
        }
        *port = *port * 10 + (uint32_t)(text.at[i] - '0');
    }
    return *port <= HIGHEST_PORT && (text.length == 0 || *port != NO_PORT);
}

/** Length of the name: up to the colon of the port, which is behind the bracket of an IPv6 address. 0 = none. */
static size_t name_length(part_t text)
{
    if (text.length > 0 && text.at[0] == '[') {
        const char *const bracket = memchr(text.at, ']', text.length);
        return bracket == NULL ? 0 : (size_t)(bracket - text.at) + 1;
    }
    const char *const colon = memchr(text.at, ':', text.length);
    return colon == NULL ? text.length : (size_t)(colon - text.at);
}

static bool split(part_t text, authority_t *authority)
{
    const size_t length = name_length(text);
    authority->port = NO_PORT;
    authority->name = without_dot((part_t){.at = text.at, .length = length});
    if (length == 0) {
        return false;
    }
    if (length == text.length) {
        return true;
    }
    const part_t port = {.at = &text.at[length + 1], .length = text.length - length - 1};
    return text.at[length] == ':' && port_of(port, &authority->port);
}

/** Four numbers of up to 255. Other ways of writing one are not needed: browsers write it like this. */
static bool is_ipv4(part_t name)
{
    unsigned dots = 0;
    unsigned digits = 0;
    unsigned value = 0;
    for (size_t i = 0; i < name.length; i++) {
        if (is_digit(name.at[i])) {
            value = value * 10 + (unsigned)(name.at[i] - '0');
            digits++;
        } else if (name.at[i] == '.' && digits > 0) {
            dots++;
            digits = 0;
            value = 0;
        } else {
            return false;
        }
        if (digits > 3 || value > 255) {
            return false;
        }
    }
    return dots == 3 && digits > 0;
}

/** In brackets, where no name can be: so it is enough to look at its characters. */
static bool is_ipv6(part_t name)
{
    if (name.length < 4 || name.at[0] != '[' || name.at[name.length - 1] != ']') {
        return false;
    }
    unsigned colons = 0;
    for (size_t i = 1; i < name.length - 1; i++) {
        const char character = lower(name.at[i]);
        const bool hex = is_digit(character) || (character >= 'a' && character <= 'f');
        if (!hex && character != ':' && character != '.') {
            return false;
        }
        colons += character == ':' ? 1 : 0;
    }
    return colons >= 2;
}

static bool is_device(part_t name, const char *device)
{
    const size_t length = strlen(device);
    const bool begins =
        length > 0 && name.length >= length && same((part_t){.at = name.at, .length = length}, part_of(device));
    return begins &&
           (name.length == length || is_text((part_t){.at = &name.at[length], .length = name.length - length}, LOCAL));
}

static bool is_listed(part_t name, const char *names)
{
    while (*names != '\0') {
        const size_t length = strcspn(names, ",");
        part_t listed = {.at = names, .length = length};
        while (listed.length > 0 && listed.at[0] == ' ') {
            listed.at++;
            listed.length--;
        }
        while (listed.length > 0 && listed.at[listed.length - 1] == ' ') {
            listed.length--;
        }
        if (same(name, without_dot(listed))) {
            return true;
        }
        names += length + (names[length] == ',' ? 1 : 0);
    }
    return false;
}

bool access_host_allowed(const char *host, const char *device, const char *names)
{
    authority_t authority;
    if (!split(part_of(host), &authority)) {
        return false;
    }
    return is_ipv4(authority.name) || is_ipv6(authority.name) || is_text(authority.name, LOCALHOST) ||
           is_device(authority.name, device) || is_listed(authority.name, names);
}

/** 0 = neither http nor https. `rest` is what follows "://". */
static uint32_t port_of_scheme(const char *origin, part_t *rest)
{
    static const struct {
        const char *scheme;
        uint32_t port;
    } schemes[] = {{"http://", 80}, {"https://", 443}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        const size_t length = strlen(schemes[i].scheme);
        if (strlen(origin) > length && is_text((part_t){.at = origin, .length = length}, schemes[i].scheme)) {
            *rest = part_of(&origin[length]);
            return schemes[i].port;
        }
    }
    return NO_PORT;
}

bool access_origin_allowed(const char *origin, const char *host)
{
    part_t rest;
    authority_t page;
    authority_t here;
    const uint32_t usual = port_of_scheme(origin, &rest);
    if (usual == NO_PORT || !split(rest, &page) || !split(part_of(host), &here)) {
        return false;
    }
    const uint32_t page_port = page.port == NO_PORT ? usual : page.port;
    const uint32_t here_port = here.port == NO_PORT ? usual : here.port;
    return page_port == here_port && same(page.name, here.name);
}
