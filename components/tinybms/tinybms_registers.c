/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Access to the register table: lookup, raw values, bit fields, and floats without float arithmetic. */
#include "tinybms_registers.h"

#include <string.h>

#define FLOAT_MANTISSA_BITS 23
#define DIGITS_MAX          6

const tinybms_register_t *tinybms_register_by_name(const char *name)
{
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        if (strcmp(tinybms_register_at(i)->name, name) == 0) {
            return tinybms_register_at(i);
        }
    }
    return NULL;
}

uint16_t tinybms_register_words(const tinybms_register_t *entry)
{
    return entry->type == TINYBMS_TYPE_U32 || entry->type == TINYBMS_TYPE_FLOAT32 ? 2 : 1;
}

static unsigned lowest_bit(uint16_t mask)
{
    unsigned shift = 0;
    while (shift < 16 && (((unsigned)mask >> shift) & 1U) == 0) {
        shift++;
    }
    return shift;
}

int64_t tinybms_register_raw(const tinybms_register_t *entry, const uint16_t *words)
{
    const uint16_t word = words[0];
    switch (entry->type) {
    case TINYBMS_TYPE_I16:
        return (int16_t)word;
    case TINYBMS_TYPE_U32:
        return (int64_t)(word | ((uint32_t)words[1] << 16));
    case TINYBMS_TYPE_U8_LOW:
        return word & 0xFF;
    case TINYBMS_TYPE_U8_HIGH:
        return word >> 8;
    case TINYBMS_TYPE_I8_LOW:
        return (int8_t)(uint8_t)(word & 0xFF);
    case TINYBMS_TYPE_I8_HIGH:
        return (int8_t)(uint8_t)(word >> 8);
    case TINYBMS_TYPE_BITS:
        return (word & entry->mask) >> lowest_bit(entry->mask);
    case TINYBMS_TYPE_U16:
    case TINYBMS_TYPE_FLOAT32:
    default:
        return word;
    }
}

uint16_t tinybms_register_mask(const tinybms_register_t *entry)
{
    switch (entry->type) {
    case TINYBMS_TYPE_U8_LOW:
    case TINYBMS_TYPE_I8_LOW:
        return 0x00FF;
    case TINYBMS_TYPE_U8_HIGH:
    case TINYBMS_TYPE_I8_HIGH:
        return 0xFF00;
    case TINYBMS_TYPE_BITS:
        return entry->mask;
    default:
        return 0xFFFF;
    }
}

uint16_t tinybms_register_merge(const tinybms_register_t *entry, uint16_t word, int64_t raw)
{
    const uint16_t mask = tinybms_register_mask(entry);
    const uint16_t shifted = (uint16_t)((uint64_t)raw << lowest_bit(mask));
    return (uint16_t)((word & (uint16_t)~mask) | (shifted & mask));
}

/** mantissa x 2^exponent x 1000, rounded half away from zero; the mantissa has 24 bits at most. */
static bool scale_to_milli(uint32_t mantissa, int exponent, int64_t *milli)
{
    const uint64_t product = (uint64_t)mantissa * 1000U; /* below 2^34 */
    if (exponent >= 0) {
        if (exponent > 8) { /* 2^23 x 1000 x 2^9 is beyond 32 bits */
            return mantissa == 0;
        }
        *milli = (int64_t)(product << exponent);
        return true;
    }
    const int shift = -exponent;
    *milli = shift > 40 ? 0 : (int64_t)((product + (UINT64_C(1) << (shift - 1))) >> shift);
    return true;
}

bool tinybms_float_to_milli(uint16_t low, uint16_t high, int32_t *milli)
{
    const uint32_t bits = low | ((uint32_t)high << 16);
    const bool negative = bits >> 31 != 0;
    const int biased = (int)((bits >> FLOAT_MANTISSA_BITS) & 0xFFU);
    const uint32_t fraction = bits & ((UINT32_C(1) << FLOAT_MANTISSA_BITS) - 1U);
    if (biased == 0xFF) {
        return false; /* infinity or not a number */
    }
    const uint32_t mantissa = biased == 0 ? fraction : fraction | (UINT32_C(1) << FLOAT_MANTISSA_BITS);
    const int exponent = (biased == 0 ? 1 : biased) - 127 - FLOAT_MANTISSA_BITS;
    int64_t value = 0;
    if (!scale_to_milli(mantissa, exponent, &value) || value > INT32_MAX) {
        return false;
    }
    *milli = (int32_t)(negative ? -value : value);
    return true;
}

unsigned tinybms_register_digits(const tinybms_register_t *entry, int32_t *factor)
{
    unsigned digits = 0;
    int32_t unit = 1;
    while (unit % entry->scale_den != 0 && digits < DIGITS_MAX) {
        unit *= 10;
        digits++;
    }
    *factor = unit / entry->scale_den;
    return digits;
}
