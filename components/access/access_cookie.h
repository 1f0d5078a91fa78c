/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Finds secrets in the headers of a request. Pure; whatever stands in a header, only a whole secret is found.
 */

#include <stdbool.h>

#include "access.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Finds the cookie "session".
 * @param header value of Cookie, or NULL
 * @return false: there is none of 64 hexadecimal digits in small letters, or two different ones, of which somebody else
 * may have set one
 */
bool access_cookie_find(const char *header, char secret[ACCESS_SECRET_LENGTH + 1]);

/** @brief What Authorization holds. */
typedef enum {
    ACCESS_BEARER_NONE = 0, /**< no header, or of another scheme, such as that of a proxy */
    ACCESS_BEARER_MALFORMED,
    ACCESS_BEARER_TOKEN, /**< it has the form of a token of ours */
} access_bearer_t;

/**
 * @brief Finds a token.
 * @param header value of Authorization, or NULL
 */
access_bearer_t access_bearer_find(const char *header, char token[ACCESS_TOKEN_LENGTH + 1]);

#ifdef __cplusplus
}
#endif
