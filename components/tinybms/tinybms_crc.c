/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The two checksums, calculated bit by bit and without a table: frames and records are short. */
#include "tinybms_crc.h"

uint16_t tinybms_crc16(const uint8_t *bytes, size_t length)
{
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < length; i++) {
        crc = (uint16_t)(crc ^ bytes[i]);
        for (int bit = 0; bit < 8; bit++) {
            const uint16_t carry = crc & 1U;
            crc = (uint16_t)(crc >> 1);
            if (carry != 0) {
                crc = (uint16_t)(crc ^ 0xA001U);
            }
        }
    }
    return crc;
}

uint32_t tinybms_crc32(const uint8_t *bytes, size_t length)
{
    return tinybms_crc32_more(0, bytes, length);
}

uint32_t tinybms_crc32_more(uint32_t crc, const uint8_t *bytes, size_t length)
{
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
        }
    }
    return ~crc;
}
