/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Finds secrets in the headers of a request. */
#include "access_cookie.h"

#include <stddef.h>
#include <string.h>

#define NAME   "session"
#define SCHEME "bearer"
#define PREFIX "tbg_"

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

static bool is_hex(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (!digit && (text[i] < 'a' || text[i] > 'f')) {
            return false;
        }
    }
    return true;
}

/** Without the blanks around it. */
static const char *trim(const char *text, size_t *length)
{
    while (*length > 0 && is_blank(*text)) {
        text++;
        (*length)--;
    }
    while (*length > 0 && is_blank(text[*length - 1])) {
        (*length)--;
    }
    return text;
}

/** NULL: the pair is no session. */
static const char *secret_of(const char *pair, size_t length)
{
    const char *const equals = memchr(pair, '=', length);
    if (equals == NULL) {
        return NULL;
    }
    size_t name_length = (size_t)(equals - pair);
    size_t value_length = length - name_length - 1;
    const char *const name = trim(pair, &name_length);
    const char *const value = trim(equals + 1, &value_length);
    const bool found = name_length == sizeof(NAME) - 1 && memcmp(name, NAME, name_length) == 0 &&
                       value_length == ACCESS_SECRET_LENGTH && is_hex(value, value_length);
    return found ? value : NULL;
}

bool access_cookie_find(const char *header, char secret[ACCESS_SECRET_LENGTH + 1])
{
    bool found = false;
    secret[0] = '\0';
    while (header != NULL && *header != '\0') {
        const size_t length = strcspn(header, ";");
        const char *const value = secret_of(header, length);
        if (value != NULL && found && memcmp(secret, value, ACCESS_SECRET_LENGTH) != 0) {
            secret[0] = '\0';
            return false;
        }
        if (value != NULL) {
            found = true;
            memcpy(secret, value, ACCESS_SECRET_LENGTH);
            secret[ACCESS_SECRET_LENGTH] = '\0';
        }
        header += length + (header[length] == ';' ? 1 : 0);
    }
    return found;
}

/** Case does not count in the name of a scheme. */
static bool is_bearer(const char *header, size_t length)
{
    if (length != sizeof(SCHEME) - 1) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if ((header[i] | 0x20) != SCHEME[i]) {
            return false;
        }
    }
    return true;
}

access_bearer_t access_bearer_find(const char *header, char token[ACCESS_TOKEN_LENGTH + 1])
{
    token[0] = '\0';
    if (header == NULL) {
        return ACCESS_BEARER_NONE;
    }
    const size_t scheme = strcspn(header, " \t");
    if (!is_bearer(header, scheme)) {
        return ACCESS_BEARER_NONE;
    }
    size_t length = strlen(header) - scheme;
    const char *const value = trim(&header[scheme], &length);
    const size_t prefix = sizeof(PREFIX) - 1;
    if (length != ACCESS_TOKEN_LENGTH || memcmp(value, PREFIX, prefix) != 0 ||
        !is_hex(&value[prefix], length - prefix)) {
        return ACCESS_BEARER_MALFORMED;
    }
    memcpy(token, value, length);
    token[length] = '\0';
    return ACCESS_BEARER_TOKEN;
}
