/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The headers that decide who asks: Cookie, Authorization, Host and Origin. The first byte of the input says which of
 * them the rest is; for Origin a NUL ends the origin, and Host follows. What is allowed is decided here once more, by
 * another way, without a look at components/.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../components/access/access_cookie.h"
#include "../../components/access/access_throttle.h"
#include "access_origin.h"
#include "fuzz.h"

#define DEVICE "gateway-1"
#define NAME   "nas"

/** Length of the run of digits that a secret is made of. */
static size_t secret_length(const char *text)
{
    return strspn(text, "0123456789abcdef");
}

/** Whether the header has this session: "session", "=", the secret, with blanks between and a ';' or an end around. */
static bool has_session(const char *header, const char *secret)
{
    for (const char *at = header; at != NULL; at = strchr(at, ';')) {
        at += *at == ';' ? 1 : 0;
        const char *part = at + strspn(at, " \t");
        if (strncmp(part, "session", 7) != 0) {
            continue;
        }
        part += 7;
        part += strspn(part, " \t");
        if (*part != '=') {
            continue;
        }
        part++;
        part += strspn(part, " \t");
        const bool whole = secret_length(part) == ACCESS_SECRET_LENGTH;
        const char *const end = whole ? &part[64] + strspn(&part[64], " \t") : part;
        if (whole && (*end == ';' || *end == '\0') && (secret == NULL || strncmp(part, secret, 64) == 0)) {
            return true;
        }
    }
    return false;
}

static void check_cookie(const char *header)
{
    char secret[ACCESS_SECRET_LENGTH + 1];
    memset(secret, 0x55, sizeof(secret));
    if (access_cookie_find(header, secret)) {
        fuzz_check(strlen(secret) == ACCESS_SECRET_LENGTH && secret_length(secret) == ACCESS_SECRET_LENGTH, "a secret");
        fuzz_check(has_session(header, secret), "that stands in the header as a session");
    } else {
        fuzz_check(secret[0] == '\0', "nothing is found by half");
        const char *const first = strstr(header, "session");
        const bool once = first == NULL || strstr(first + 1, "session") == NULL;
        fuzz_check(!once || !has_session(header, NULL), "the only session is found");
    }
}

static void check_bearer(const char *header)
{
    char token[ACCESS_TOKEN_LENGTH + 1];
    memset(token, 0x55, sizeof(token));
    const access_bearer_t found = access_bearer_find(header, token);
    const bool scheme = strncasecmp(header, "bearer", 6) == 0 && strchr(" \t", header[6]) != NULL;
    fuzz_check((found == ACCESS_BEARER_NONE) == !scheme, "the scheme decides whether it is a bearer");
    if (found != ACCESS_BEARER_TOKEN) {
        fuzz_check(token[0] == '\0', "nothing is found by half");
        return;
    }
    const char *const at = strstr(header, "tbg_");
    fuzz_check(at != NULL && strncmp(at, token, ACCESS_TOKEN_LENGTH) == 0, "the token stands in the header");
    fuzz_check(strlen(token) == ACCESS_TOKEN_LENGTH && secret_length(&token[4]) == 64, "and has its form");
}

/** Without port and dot: what could be a name. */
static size_t name_length(const char *host)
{
    const char *const colon = host[0] == '[' ? NULL : strchr(host, ':');
    size_t length = colon == NULL ? strlen(host) : (size_t)(colon - host);
    if (length > 1 && host[length - 1] == '.') {
        length--;
    }
    return length;
}

static bool is_one_of_ours(const char *host, size_t length)
{
    static const char *const names[] = {"localhost", DEVICE, DEVICE ".local", NAME};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (length == strlen(names[i]) && strncasecmp(host, names[i], length) == 0) {
            return true;
        }
    }
    return false;
}

static void check_host(const char *host)
{
    const size_t length = name_length(host);
    if (!access_host_allowed(host, DEVICE, NAME)) {
        fuzz_check(host[length] != '\0' || !is_one_of_ours(host, length), "the gateway answers to its names");
        return;
    }
    const bool ipv4 = strspn(host, "0123456789.") >= length;
    const bool ipv6 = host[0] == '[' && strspn(&host[1], "0123456789abcdefABCDEF:.") > 0;
    fuzz_check(ipv4 || ipv6 || is_one_of_ours(host, length), "a name of somebody else is not ours");
}

static void check_origin(const char *origin, const char *host)
{
    if (!access_origin_allowed(origin, host)) {
        return;
    }
    const size_t scheme = strncasecmp(origin, "http://", 7) == 0 ? 7 : 8;
    fuzz_check(scheme == 7 || strncasecmp(origin, "https://", 8) == 0, "an origin of the web");
    const char *const page = &origin[scheme];
    const size_t length = name_length(page);
    if (page[0] != '[') {
        fuzz_check(length == name_length(host) && strncasecmp(page, host, length) == 0, "of the same host");
        fuzz_check(strspn(&page[length], ":.0123456789") == strlen(&page[length]), "and nothing behind the port");
    }
    fuzz_check(access_origin_allowed(origin, page), "it fits itself");
}

static void check_address(const char *text)
{
    fuzz_check(access_address(text) != 0, "whoever asks has an address");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input_t input = {.bytes = data, .left = size};
    const uint8_t which = fuzz_take_u8(&input);
    /* Exactly as long as it is: a byte behind it is not the function's. */
    char *const text = calloc(1, input.left + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, input.bytes, input.left);
    const size_t length = strlen(text);
    switch (which) {
    case 'c':
        check_cookie(text);
        break;
    case 'a':
        check_bearer(text);
        break;
    case 'h':
        check_host(text);
        break;
    case 'i':
        check_address(text);
        break;
    default:
        check_origin(text, length < input.left ? &text[length + 1] : DEVICE);
        break;
    }
    free(text);
    return 0;
}
