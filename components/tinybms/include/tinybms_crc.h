/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Checksums: CRC-16 of the serial protocol, CRC-32 of what is kept in flash.
 *
 * @code{.c}
 * uint8_t request[4] = {0xAA, 0x14};
 * const uint16_t crc = tinybms_crc16(request, 2);
 * request[2] = (uint8_t)(crc & 0xFF); // low byte first
 * request[3] = (uint8_t)(crc >> 8);
 * @endcode
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief CRC-16/MODBUS: polynomial 0x8005 reflected, start 0xFFFF (Rev D, chapter 1). Sent low byte first.
 * @param bytes,length data to check
 * @return the CRC
 */
uint16_t tinybms_crc16(const uint8_t *bytes, size_t length);

/**
 * @brief CRC-32 of what is kept in flash: polynomial 0x04C11DB7 reflected, start and end inverted (ISO 3309, as zlib).
 * @param bytes,length data to check
 * @return the CRC
 */
uint32_t tinybms_crc32(const uint8_t *bytes, size_t length);

/**
 * @brief CRC-32 of data that come piece by piece.
 * @param crc that of the pieces before, 0 before the first
 * @param bytes,length next piece
 * @return the CRC of all pieces so far
 */
uint32_t tinybms_crc32_more(uint32_t crc, const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif
