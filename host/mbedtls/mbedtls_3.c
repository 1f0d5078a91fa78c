/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * mbedTLS 3.6, as ESP-IDF has it, over Debian's 2.28: what differs. Compiled with the headers of 2.28; components see
 * those in include/, and so nothing that 3.6 has not.
 */
#include <mbedtls/md.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/sha256.h>

#define SHA256_OF_3 0x09 /**< MBEDTLS_MD_SHA256 of 3.6 */

int host_mbedtls_sha256(const unsigned char *input, size_t ilen, unsigned char *output, int is224);
int mbedtls_pkcs5_pbkdf2_hmac_ext(int md_type, const unsigned char *password, size_t plen, const unsigned char *salt,
                                  size_t slen, unsigned int iteration_count, uint32_t key_length,
                                  unsigned char *output);

int host_mbedtls_sha256(const unsigned char *input, size_t ilen, unsigned char *output, int is224)
{
    return mbedtls_sha256_ret(input, ilen, output, is224);
}

int mbedtls_pkcs5_pbkdf2_hmac_ext(int md_type, const unsigned char *password, size_t plen, const unsigned char *salt,
                                  size_t slen, unsigned int iteration_count, uint32_t key_length, unsigned char *output)
{
    mbedtls_md_context_t context;
    if (md_type != SHA256_OF_3) {
        return MBEDTLS_ERR_PKCS5_FEATURE_UNAVAILABLE;
    }
    mbedtls_md_init(&context);
    int err = mbedtls_md_setup(&context, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1);
    if (err == 0) {
        err = mbedtls_pkcs5_pbkdf2_hmac(&context, password, plen, salt, slen, iteration_count, key_length, output);
    }
    mbedtls_md_free(&context);
    return err;
}
