/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief CRC-16/MODBUS: polynomial 0x8005 reflected, start 0xFFFF (Rev D, chapter 1). Goes out low byte first.
 * @param bytes,length what it covers
 * @return the CRC
 */
uint16_t tinybms_crc16(const uint8_t *bytes, size_t length);

/**
 * @brief CRC-32 of what is kept in flash: polynomial 0x04C11DB7 reflected, start and end inverted (ISO 3309, as zlib).
 * @param bytes,length what it covers
 * @return the CRC
 */
uint32_t tinybms_crc32(const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif
