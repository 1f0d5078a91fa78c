/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief All that this component asks of mbedTLS and of the source of random numbers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACCESS_HASH_SIZE 32 /**< of SHA-256 */
#define ACCESS_SALT_SIZE 16

/**
 * @brief Takes true random bytes, which all later ones are mixed with: so it does not matter whether the radio, which
 * feeds the chip's generator, is on by then. Once, before the radio, the ADC and I2S are.
 */
void access_crypto_seed(void);

/** @brief Random bytes, at most ACCESS_HASH_SIZE. From one task at a time. @return false: SHA-256 failed */
bool access_crypto_random(void *bytes, size_t length);

/** @brief SHA-256. @return false: it failed, and the hash is all 0 */
bool access_crypto_hash(const void *bytes, size_t length, uint8_t hash[ACCESS_HASH_SIZE]);

/** @brief PBKDF2-HMAC-SHA256 (RFC 8018). Takes long. @return false: no memory, or SHA-256 failed */
bool access_crypto_derive(const char *password, const uint8_t *salt, size_t salt_length, uint32_t iterations,
                          uint8_t hash[ACCESS_HASH_SIZE]);

/** @brief Whether both are the same, in a time that does not depend on them. */
bool access_crypto_same(const uint8_t *a, const uint8_t *b, size_t length);

/** @brief Overwrites a secret. */
void access_crypto_forget(void *secret, size_t length);

/** @brief Small hexadecimal digits; `text` has room for 2 * length + 1. */
void access_crypto_hex(const uint8_t *bytes, size_t length, char *text);

#ifdef __cplusplus
}
#endif
