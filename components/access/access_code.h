/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The set-up code: 10 characters of an alphabet of 32, so 50 bits. Pure.
 *
 * The alphabet is Crockford's: no I, L, O and U. Who reads an O for a 0, or an I or L for a 1, is understood.
 */

#include <stdbool.h>
#include <stdint.h>

#include "access.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACCESS_CODE_RANDOM 7 /**< bytes */

/** @brief Makes a code of random bytes. */
void access_code_make(const uint8_t random[ACCESS_CODE_RANDOM], char code[ACCESS_CODE_LENGTH + 1]);

/**
 * @brief Brings what somebody typed into the form of access_code_make(): capitals, without spaces and hyphens.
 * @return false: it cannot be a code
 */
bool access_code_normalise(const char *typed, char code[ACCESS_CODE_LENGTH + 1]);

#ifdef __cplusplus
}
#endif
