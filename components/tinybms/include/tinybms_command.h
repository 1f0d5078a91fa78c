/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Encodes requests to the TinyBMS, and decodes and encodes its answers (Rev D, 1.1).
 *
 * @code{.c}
 * tinybms_answer_t answer;
 * uint8_t out[TINYBMS_FRAME_MAX];
 * uint16_t live[TINYBMS_LIVE_COUNT];
 * const tinybms_request_t request = {.command = TINYBMS_CMD_READ_MODBUS, .count = TINYBMS_LIVE_COUNT};
 * const size_t size = tinybms_request_encode(&request, out, sizeof(out));
 * const bool good = tinybms_answer_decode(bytes, length, &answer) && tinybms_answer_registers(&answer, live, 56) == 56;
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TINYBMS_START         0xAA
#define TINYBMS_FRAME_MAX     260 /**< start, command, length, 255 bytes, CRC */
#define TINYBMS_VALUES_MAX    100 /**< registers in one write (0x10) */
#define TINYBMS_READ_MAX      127 /**< registers in one read (0x03) */
#define TINYBMS_PACKET_VALUES 31  /**< 16-bit values in one packet of 63 bytes (0x07, 0x09, 0x0B, 0x0D) */
#define TINYBMS_EVENTS_MAX    62  /**< events that fit into one answer; the BMS keeps 49 */

/** @brief Commands (Rev D, 1.1.1 to 1.1.20). */
typedef enum {
    TINYBMS_CMD_NACK = 0x00, /**< answers only */
    TINYBMS_CMD_ACK = 0x01,  /**< answers only */
    TINYBMS_CMD_RESET = 0x02,
    TINYBMS_CMD_READ_MODBUS = 0x03,
    TINYBMS_CMD_READ_BLOCK = 0x07,
    TINYBMS_CMD_READ_INDIVIDUAL = 0x09,
    TINYBMS_CMD_WRITE_BLOCK = 0x0B,
    TINYBMS_CMD_WRITE_INDIVIDUAL = 0x0D,
    TINYBMS_CMD_WRITE_MODBUS = 0x10,
    TINYBMS_CMD_NEWEST_EVENTS = 0x11,
    TINYBMS_CMD_ALL_EVENTS = 0x12,
    TINYBMS_CMD_PACK_VOLTAGE = 0x14,
    TINYBMS_CMD_PACK_CURRENT = 0x15,
    TINYBMS_CMD_CELL_MAX = 0x16,
    TINYBMS_CMD_CELL_MIN = 0x17,
    TINYBMS_CMD_ONLINE_STATUS = 0x18,
    TINYBMS_CMD_LIFETIME = 0x19,
    TINYBMS_CMD_SOC = 0x1A,
    TINYBMS_CMD_TEMPERATURES = 0x1B,
    TINYBMS_CMD_CELL_VOLTAGES = 0x1C,
    TINYBMS_CMD_SETTINGS = 0x1D,
    TINYBMS_CMD_VERSION = 0x1E,
    TINYBMS_CMD_EXTENDED_VERSION = 0x1F,
    TINYBMS_CMD_SPEED_DISTANCE_TIME = 0x20,
} tinybms_command_t;

/** @brief Options of TINYBMS_CMD_RESET. */
typedef enum {
    TINYBMS_RESET_CLEAR_EVENTS = 0x01,
    TINYBMS_RESET_CLEAR_STATISTICS = 0x02,
    TINYBMS_RESET_BMS = 0x05,
} tinybms_reset_option_t;

/** @brief Options of TINYBMS_CMD_SETTINGS: which value of each setting. */
typedef enum {
    TINYBMS_OPTION_MIN = 1,
    TINYBMS_OPTION_MAX,
    TINYBMS_OPTION_DEFAULT,
    TINYBMS_OPTION_CURRENT,
} tinybms_option_t;

/** @brief Reasons of a negative answer. */
typedef enum {
    TINYBMS_ERROR_COMMAND = 0x00,
    TINYBMS_ERROR_CRC = 0x01,
} tinybms_error_t;

/** @brief One request; the command decides which members count. */
typedef struct {
    tinybms_command_t command;
    uint16_t address;          /**< READ_MODBUS, READ_BLOCK, WRITE_BLOCK, WRITE_MODBUS: first register */
    uint16_t count;            /**< registers; SETTINGS: number of settings from 300 on */
    uint8_t option;            /**< RESET: tinybms_reset_option_t; SETTINGS: tinybms_option_t */
    const uint16_t *addresses; /**< READ_INDIVIDUAL, WRITE_INDIVIDUAL: `count` registers */
    const uint16_t *values;    /**< WRITE_*: `count` values */
} tinybms_request_t;

/** @brief One answer: a view into the frame that it was decoded from. */
typedef struct {
    tinybms_command_t command; /**< NACK and ACK for those answers */
    uint8_t request;           /**< for NACK and ACK: the command of the request; else the command itself */
    uint8_t error;             /**< for NACK: tinybms_error_t */
    const uint8_t *payload;    /**< bytes without length byte and CRC; NULL for NACK and ACK */
    uint8_t payload_length;
} tinybms_answer_t;

/**
 * @brief Encodes a request with its CRC.
 * @param request what to ask; addresses of writes must be in 300..399
 * @param[out] out,capacity destination; TINYBMS_FRAME_MAX bytes are enough for every request
 * @return bytes written; 0 = impossible request (unknown command, count or address out of range) or no room
 */
size_t tinybms_request_encode(const tinybms_request_t *request, uint8_t *out, size_t capacity);

/**
 * @brief Length of the answer that starts at bytes[0], from its first bytes.
 * @param bytes,have bytes received so far; bytes[0] is TINYBMS_START
 * @return whole length including the CRC; 0 = more bytes are needed to tell; -1 = no answer starts like this
 */
int tinybms_answer_length(const uint8_t *bytes, size_t have);

/**
 * @brief Decodes a whole answer.
 * @param frame,length a frame of the length that tinybms_answer_length() returned
 * @param[out] answer view into `frame`
 * @return false: length or CRC wrong; *answer is then untouched
 */
bool tinybms_answer_decode(const uint8_t *frame, size_t length, tinybms_answer_t *answer);

/**
 * @brief Encodes an answer, the inverse of tinybms_answer_decode().
 * @param answer what to encode
 * @param[out] out,capacity destination
 * @return bytes written; 0 = impossible answer or no room
 */
size_t tinybms_answer_encode(const tinybms_answer_t *answer, uint8_t *out, size_t capacity);

/**
 * @brief Registers of an answer to READ_MODBUS (msb first), READ_BLOCK or SETTINGS (lsb first).
 * @param answer the answer
 * @param[out] values,capacity destination
 * @return registers written to `values`; 0 = the answer is to another command or does not fit
 */
size_t tinybms_answer_registers(const tinybms_answer_t *answer, uint16_t *values, size_t capacity);

/**
 * @brief Pairs of an answer to READ_INDIVIDUAL.
 * @param answer the answer
 * @param[out] addresses,values,capacity destinations; each has room for `capacity` entries
 * @return pairs written to `addresses` and `values`; 0 = the answer is to another command or does not fit
 */
size_t tinybms_answer_pairs(const tinybms_answer_t *answer, uint16_t *addresses, uint16_t *values, size_t capacity);

/**
 * @brief Events of an answer to NEWEST_EVENTS or ALL_EVENTS.
 * @param answer the answer
 * @param[out] bms_time_s present time of the BMS, s
 * @param[out] events,capacity destination, in the order of the answer; entries with id 0 are left out
 * @param[out] count events written
 * @return false: the answer is to another command, its payload is not 4 + 4 x n bytes, or no room
 */
bool tinybms_answer_events(const tinybms_answer_t *answer, uint32_t *bms_time_s, tinybms_event_t *events,
                           size_t capacity, size_t *count);

/** @brief 16 bits at a byte of the payload, low byte first; 0 beyond its end (0x16, 0x17, 0x18, 0x1B, 0x1C). */
uint16_t tinybms_answer_u16(const tinybms_answer_t *answer, size_t offset);

/** @brief 32 bits at a byte of the payload, low byte first; 0 beyond its end (0x14, 0x15, 0x19, 0x1A, 0x20). */
uint32_t tinybms_answer_u32(const tinybms_answer_t *answer, size_t offset);

#ifdef __cplusplus
}
#endif
