/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The answer to a WebSocket's key, by the library that ESP-IDF uses as well. */
#include "httpd_accept_key.h"

#include <mbedtls/base64.h>
#include <mbedtls/md.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define SHA1_SIZE 20

bool httpd_accept_key(const char *key, char answer[HTTPD_ACCEPT_KEY_SIZE])
{
    unsigned char hash[SHA1_SIZE];
    char text[128];
    size_t length = 0;
    (void)snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    return mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA1), (const unsigned char *)text, strlen(text), hash) ==
               0 &&
           mbedtls_base64_encode((unsigned char *)answer, HTTPD_ACCEPT_KEY_SIZE, &length, hash, sizeof(hash)) == 0;
}
