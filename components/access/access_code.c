/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The set-up code as text. */
#include "access_code.h"

#include <stddef.h>
#include <string.h>

#define BITS 5 /**< a character */

static const char s_alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void access_code_make(const uint8_t random[ACCESS_CODE_RANDOM], char code[ACCESS_CODE_LENGTH + 1])
{
    uint64_t bits = 0;
    for (size_t i = 0; i < ACCESS_CODE_RANDOM; i++) {
        bits = bits << 8 | random[i];
    }
    for (size_t i = 0; i < ACCESS_CODE_LENGTH; i++) {
        code[i] = s_alphabet[bits & 31U];
        bits >>= BITS;
    }
    code[ACCESS_CODE_LENGTH] = '\0';
}

/** NUL: no character of a code. */
static char meant(char typed)
{
    const char capital = typed >= 'a' && typed <= 'z' ? (char)(typed - 'a' + 'A') : typed;
    if (capital == 'O') {
        return '0';
    }
    if (capital == 'I' || capital == 'L') {
        return '1';
    }
    return capital != '\0' && strchr(s_alphabet, capital) != NULL ? capital : '\0';
}

bool access_code_normalise(const char *typed, char code[ACCESS_CODE_LENGTH + 1])
{
    size_t length = 0;
    for (; *typed != '\0'; typed++) {
        if (*typed == ' ' || *typed == '-') {
            continue;
        }
        const char character = meant(*typed);
        if (character == '\0' || length == ACCESS_CODE_LENGTH) {
            return false;
        }
        code[length++] = character;
    }
    code[length] = '\0';
    return length == ACCESS_CODE_LENGTH;
}
