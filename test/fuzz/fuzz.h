/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the fuzz targets share: a reader of the input, a check, and a CRC of their own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @brief What libFuzzer and replay.c call with one input; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** @brief The input, consumed from the front. */
typedef struct {
    const uint8_t *bytes;
    size_t left;
} fuzz_input_t;

/** @brief Next byte; 0 when there is none. */
uint8_t fuzz_take_u8(fuzz_input_t *input);

/** @brief Next two bytes, high one first. */
uint16_t fuzz_take_u16(fuzz_input_t *input);

/** @brief Up to `wanted` bytes; returns how many there were. */
size_t fuzz_take(fuzz_input_t *input, size_t wanted, const uint8_t **bytes);

/** @brief Ends the program with the text when something that must hold does not. */
void fuzz_check(bool holds, const char *what_must_hold);

/** @brief CRC-16/MODBUS by its definition, bit-reversed polynomial division; written without a look at components/. */
uint16_t fuzz_crc16(const uint8_t *bytes, size_t length);
