/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stddef.h>

int host_mbedtls_sha256(const unsigned char *input, size_t ilen, unsigned char *output, int is224);

/** Not the function of this name in 2.28, which tells no error. */
static inline int mbedtls_sha256(const unsigned char *input, size_t ilen, unsigned char *output, int is224)
{
    return host_mbedtls_sha256(input, ilen, output, is224);
}
