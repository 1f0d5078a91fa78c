/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The register table of the TinyBMS: the only source for C, JSON and documentation (Rev D, chapter 2).
 *
 * @code{.c}
 * const tinybms_register_t *const entry = tinybms_register_by_name("over_voltage_cutoff");
 * const uint16_t *const words = &snapshot->settings[entry->address - TINYBMS_SETTINGS_FIRST];
 * const int64_t raw = tinybms_register_raw(entry, words);
 * const double volts = (double)raw / entry->scale_den; // entry->unit is "V"
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief How to read the 16-bit words of a register. 32-bit types have their low word first. */
typedef enum {
    TINYBMS_TYPE_U16,
    TINYBMS_TYPE_I16,
    TINYBMS_TYPE_U32,
    TINYBMS_TYPE_FLOAT32,
    TINYBMS_TYPE_U8_LOW,  /**< low byte of a packed register, unsigned */
    TINYBMS_TYPE_U8_HIGH, /**< high byte of a packed register, unsigned */
    TINYBMS_TYPE_I8_LOW,
    TINYBMS_TYPE_I8_HIGH,
    TINYBMS_TYPE_BITS, /**< `mask` bits of the register, shifted down */
} tinybms_type_t;

/** @brief Whether an entry can be written. */
typedef enum {
    TINYBMS_READ_ONLY,
    TINYBMS_READ_WRITE,
} tinybms_access_t;

/** @brief Which change of a setting loosens a protection of the battery, and therefore needs a confirmation. */
typedef enum {
    TINYBMS_LOOSENS_NEVER, /**< it protects nothing */
    TINYBMS_LOOSENS_UP,    /**< a higher value */
    TINYBMS_LOOSENS_DOWN,  /**< a lower value */
    TINYBMS_LOOSENS_ANY,   /**< any other value: which pin, sensor or mode protects */
} tinybms_loosens_t;

/** @brief One entry of the table: a register, a pair of registers, or a part of a packed register. */
typedef struct {
    uint16_t address;
    uint8_t type;      /**< tinybms_type_t */
    uint8_t access;    /**< tinybms_access_t */
    uint8_t loosens;   /**< tinybms_loosens_t */
    uint16_t mask;     /**< for TINYBMS_TYPE_BITS, else 0 */
    const char *name;  /**< unique, lower_case_with_underscores, carries no unit */
    const char *unit;  /**< unit of the scaled value ("V", "A", "degC", "%", "" = none) */
    int32_t scale_den; /**< scaled value = raw / scale_den; 1 for FLOAT32 */
    int32_t min;       /**< range of the raw value that may be written; min > max = no range known */
    int32_t max;
    const char *description;
} tinybms_register_t;

/** @brief Number of entries of the table. */
size_t tinybms_register_count(void);

/** @brief Entry by index 0..count-1, in ascending order of addresses; NULL outside. */
const tinybms_register_t *tinybms_register_at(size_t index);

/** @brief Entry by name; NULL if there is none. */
const tinybms_register_t *tinybms_register_by_name(const char *name);

/** @brief First entry at an address; NULL if there is none. */
const tinybms_register_t *tinybms_register_by_address(uint16_t address);

/** @brief Registers that an entry occupies: 1, or 2 for 32-bit types. */
uint16_t tinybms_register_words(const tinybms_register_t *entry);

/**
 * @brief Raw value of an entry from its words.
 * @param entry table entry, not of type FLOAT32
 * @param words its registers, low word first
 * @return the raw value; signed types are sign-extended
 */
int64_t tinybms_register_raw(const tinybms_register_t *entry, const uint16_t *words);

/**
 * @brief How the scaled value is written as a decimal: raw * factor / 10^digits. Every divisor of the table divides a
 * power of ten.
 * @param entry table entry, not of type FLOAT32
 * @param[out] factor of the raw value
 * @return digits, 0..6
 */
unsigned tinybms_register_digits(const tinybms_register_t *entry, int32_t *factor);

/** @brief Bits of the register that an entry owns: 0xFFFF, one byte, or its mask. */
uint16_t tinybms_register_mask(const tinybms_register_t *entry);

/**
 * @brief Replaces one entry's part of a register; the other parts stay.
 * @param entry table entry of one word
 * @param word the register as it was read
 * @param raw new raw value, in the entry's range
 * @return the word to write
 */
uint16_t tinybms_register_merge(const tinybms_register_t *entry, uint16_t word, int64_t raw);

/**
 * @brief Converts an IEEE 754 single in two registers to thousandths, rounded half away from zero, without float
 * arithmetic.
 * @param low,high the two registers
 * @param[out] milli value x 1000
 * @return false: NaN, infinity, or more than 32 bits; *milli is then unchanged
 */
bool tinybms_float_to_milli(uint16_t low, uint16_t high, int32_t *milli);

#ifdef __cplusplus
}
#endif
