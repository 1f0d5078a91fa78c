/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

uint8_t fuzz_take_u8(fuzz_input_t *input)
{
    const uint8_t *byte = NULL;
    return fuzz_take(input, 1, &byte) == 1 ? *byte : 0;
}

uint16_t fuzz_take_u16(fuzz_input_t *input)
{
    const unsigned high = fuzz_take_u8(input);
    return (uint16_t)(high << 8 | fuzz_take_u8(input));
}

size_t fuzz_take(fuzz_input_t *input, size_t wanted, const uint8_t **bytes)
{
    const size_t taken = wanted < input->left ? wanted : input->left;
    *bytes = input->bytes;
    input->bytes += taken;
    input->left -= taken;
    return taken;
}

void fuzz_check(bool holds, const char *what_must_hold)
{
    if (!holds) {
        (void)fprintf(stderr, "must hold: %s\n", what_must_hold);
        abort();
    }
}

static unsigned reversed(unsigned value, unsigned bits)
{
    unsigned result = 0;
    for (unsigned i = 0; i < bits; i++) {
        result = result << 1 | (value >> i & 1U);
    }
    return result;
}

uint16_t fuzz_crc16(const uint8_t *bytes, size_t length)
{
    unsigned remainder = 0xFFFF;
    for (size_t i = 0; i < length; i++) {
        remainder ^= reversed(bytes[i], 8) << 8;
        for (int bit = 0; bit < 8; bit++) {
            remainder = remainder << 1 ^ ((remainder & 0x8000U) != 0 ? 0x8005U : 0);
            remainder &= 0xFFFFU;
        }
    }
    return (uint16_t)reversed(remainder, 16);
}
