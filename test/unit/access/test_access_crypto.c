/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../../../components/access/access_crypto.h"
#include "unity.h"

TEST_CASE("PBKDF2-HMAC-SHA256 is that of RFC 7914, section 11", "[access]")
{
    static const uint8_t expected[ACCESS_HASH_SIZE] = {0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f, 0xec, 0x16, 0x91,
                                                       0xc2, 0x25, 0x44, 0xb6, 0x05, 0xf9, 0x41, 0x85, 0x21, 0x6d, 0xde,
                                                       0x04, 0x65, 0xe6, 0x8b, 0x9d, 0x57, 0xc2, 0x0d, 0xac, 0xbc};
    uint8_t hash[ACCESS_HASH_SIZE];
    TEST_ASSERT_TRUE(access_crypto_derive("passwd", (const uint8_t *)"salt", 4, 1, hash));
    TEST_ASSERT_EQUAL_HEX8_ARRAY(expected, hash, sizeof(hash));
}

TEST_CASE("SHA-256 is that of FIPS 180-4", "[access]")
{
    uint8_t hash[ACCESS_HASH_SIZE];
    char text[2 * ACCESS_HASH_SIZE + 1];
    TEST_ASSERT_TRUE(access_crypto_hash("abc", 3, hash));
    access_crypto_hex(hash, sizeof(hash), text);
    TEST_ASSERT_EQUAL_STRING("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", text);
}

TEST_CASE("random bytes differ each time", "[access]")
{
    uint8_t bytes[3][ACCESS_HASH_SIZE];
    for (size_t i = 0; i < 3; i++) {
        TEST_ASSERT_TRUE(access_crypto_random(bytes[i], sizeof(bytes[i])));
    }
    TEST_ASSERT_FALSE(access_crypto_same(bytes[0], bytes[1], ACCESS_HASH_SIZE));
    TEST_ASSERT_FALSE(access_crypto_same(bytes[1], bytes[2], ACCESS_HASH_SIZE));
    TEST_ASSERT_FALSE(access_crypto_random(bytes, ACCESS_HASH_SIZE + 1));
}

TEST_CASE("hashes are the same only if each byte is", "[access]")
{
    uint8_t a[ACCESS_HASH_SIZE] = {1, 2, 3};
    uint8_t b[ACCESS_HASH_SIZE] = {1, 2, 3};
    TEST_ASSERT_TRUE(access_crypto_same(a, b, sizeof(a)));
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] ^= 0x80;
        TEST_ASSERT_FALSE(access_crypto_same(a, b, sizeof(a)));
        b[i] ^= 0x80;
    }
}

TEST_CASE("a secret is overwritten when it is forgotten", "[access]")
{
    char bytes[] = "correct horse";
    access_crypto_forget(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        TEST_ASSERT_EQUAL(0, bytes[i]);
    }
}
