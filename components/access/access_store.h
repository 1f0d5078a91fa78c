/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What is kept in NVS: one record with password, code and tokens, and the entries of the audit log.
 *
 * The record is written whole, under one of two keys by turns, and then the other one is erased: a power cut leaves the
 * old state or the new one, and no damage brings a state back that somebody has left. What is damaged counts as not
 * there. Each write takes a turn at the flash gate.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access.h"
#include "access_crypto.h"
#include "access_throttle.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief A token; free if its right is ACCESS_NOTHING. */
typedef struct {
    char name[ACCESS_NAME_MAX + 1];
    uint8_t right;
    uint8_t hash[ACCESS_HASH_SIZE];
} access_saved_token_t;

/** @brief What is saved; zeroed = neither password nor code. */
typedef struct {
    uint64_t known[ACCESS_KNOWN_MAX]; /**< addresses of the newest logins */
    uint32_t iterations;              /**< 0 = no password */
    uint8_t salt[ACCESS_SALT_SIZE];
    uint8_t hash[ACCESS_HASH_SIZE];
    char code[ACCESS_CODE_LENGTH + 2]; /**< empty = void */
    access_saved_token_t token[ACCESS_TOKENS_MAX];
} access_saved_t;

/** @brief As it is in NVS. */
typedef struct {
    uint32_t magic;
    uint16_t version;
    uint16_t length; /**< of `saved` */
    uint32_t number; /**< counts up with each write */
    uint32_t crc;    /**< CRC-32 of what stands before it, and of `saved` */
    access_saved_t saved;
} access_record_t;

/** @brief What was found. */
typedef enum {
    ACCESS_STORE_NOTHING = 0,
    ACCESS_STORE_FOUND,
    ACCESS_STORE_DAMAGED, /**< and nothing else */
    ACCESS_STORE_NEWER,   /**< of a newer firmware */
} access_store_found_t;

/** @brief State; private to access_store.c. */
typedef struct {
    uint32_t number; /**< of the newest record; 0 = none */
    uint8_t half;    /**< where it is */
    bool two;        /**< there is something under the other key too */
} access_store_t;

/** @brief Reads the newest record. @param record zeroed saved state unless ACCESS_STORE_FOUND */
access_store_found_t access_store_load(access_store_t *store, access_record_t *record);

/** @brief Writes a record; only `saved` has to be filled. @return false: what was there still counts */
bool access_store_save(access_store_t *store, access_record_t *record);

/** @brief Reads a value. @return its length; 0 = there is none, or it is longer than `size` */
size_t access_store_read(const char *key, void *bytes, size_t size);

/** @brief Writes a value. */
bool access_store_write(const char *key, const void *bytes, size_t length);

#ifdef __cplusplus
}
#endif
