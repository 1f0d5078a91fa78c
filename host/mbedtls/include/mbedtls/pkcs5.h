/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mbedtls/md.h"

/** On Linux for MBEDTLS_MD_SHA256 only. */
int mbedtls_pkcs5_pbkdf2_hmac_ext(mbedtls_md_type_t md_type, const unsigned char *password, size_t plen,
                                  const unsigned char *salt, size_t slen, unsigned int iteration_count,
                                  uint32_t key_length, unsigned char *output);
