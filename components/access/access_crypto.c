/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** mbedTLS behind a few functions. */
#include "access_crypto.h"

#include <string.h>

#include "bootloader_random.h"
#include "esp_random.h"
#include "mbedtls/constant_time.h"
#include "mbedtls/pkcs5.h"
#include "mbedtls/platform_util.h"
#include "mbedtls/sha256.h"

#define SEED_ROUNDS 64

/** What a random block is the hash of; its first byte tells the block from the next pool. */
typedef struct {
    uint8_t use;
    uint8_t pool[ACCESS_HASH_SIZE];
    uint8_t fresh[ACCESS_HASH_SIZE];
} mix_t;

static uint8_t s_pool[ACCESS_HASH_SIZE]; /* of who holds the lock of changes */

/**
 * In rounds: the converter gives a bit in 40 cycles of the bus, and esp_fill_random() waits for 16 a word, as the radio
 * would allow. 256 bits take 0.13 ms; a round, with its two hashes, 10 us and more.
 */
void access_crypto_seed(void)
{
    uint8_t unused[ACCESS_HASH_SIZE];
    bootloader_random_enable();
    for (int i = 0; i < SEED_ROUNDS; i++) {
        (void)access_crypto_random(unused, sizeof(unused));
    }
    bootloader_random_disable();
    access_crypto_forget(unused, sizeof(unused));
}

bool access_crypto_random(void *bytes, size_t length)
{
    uint8_t block[ACCESS_HASH_SIZE];
    mix_t mix = {.use = 0};
    memcpy(mix.pool, s_pool, sizeof(s_pool));
    esp_fill_random(mix.fresh, sizeof(mix.fresh));
    bool made = access_crypto_hash(&mix, sizeof(mix), block);
    mix.use = 1;
    made = access_crypto_hash(&mix, sizeof(mix), s_pool) && made;
    memcpy(bytes, block, length < sizeof(block) ? length : sizeof(block));
    access_crypto_forget(&mix, sizeof(mix));
    access_crypto_forget(block, sizeof(block));
    return made && length <= sizeof(block);
}

bool access_crypto_hash(const void *bytes, size_t length, uint8_t hash[ACCESS_HASH_SIZE])
{
    if (mbedtls_sha256(bytes, length, hash, 0) != 0) {
        memset(hash, 0, ACCESS_HASH_SIZE);
        return false;
    }
    return true;
}

bool access_crypto_derive(const char *password, const uint8_t *salt, size_t salt_length, uint32_t iterations,
                          uint8_t hash[ACCESS_HASH_SIZE])
{
    return mbedtls_pkcs5_pbkdf2_hmac_ext(MBEDTLS_MD_SHA256, (const unsigned char *)password, strlen(password), salt,
                                         salt_length, (unsigned)iterations, ACCESS_HASH_SIZE, hash) == 0;
}

bool access_crypto_same(const uint8_t *a, const uint8_t *b, size_t length)
{
    return mbedtls_ct_memcmp(a, b, length) == 0;
}

void access_crypto_forget(void *secret, size_t length)
{
    mbedtls_platform_zeroize(secret, length);
}

void access_crypto_hex(const uint8_t *bytes, size_t length, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15U];
    }
    text[2 * length] = '\0';
}
