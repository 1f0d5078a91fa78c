/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Converts the battery state into frames of the Victron CAN-bus BMS protocol (2021-04-17). Formulas:
 * docs/pgn_conversions.md.
 *
 * The layout comes from the DBC (generated/victron_bms.c). The conversions are here: which value a field carries, how
 * it is rounded, what is sent for an unknown value. A value outside the range of its field saturates; it never wraps.
 *
 * @code{.c}
 * victron_frame_t frame;
 * const victron_identity_t identity = {.manufacturer = "TinyBMS", .battery_name = "TinyBMS", .family = "LFP"};
 * const bool may_send_limits = victron_pgn_encode_351(state, &identity, &frame);
 * const victron_message_t *const first = victron_message_at(0);
 * const bool may_send_first = first->encode(state, &identity, &frame);
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "battery_state.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VICTRON_NAME_MAX         8  /**< characters of manufacturer and family */
#define VICTRON_BATTERY_NAME_MAX 16 /**< characters of the battery name */

/** @brief One frame, 11-bit id. */
typedef struct {
    uint16_t id;
    uint8_t dlc;
    uint8_t data[8];
} victron_frame_t;

/** @brief Names to send, NUL-terminated. */
typedef struct {
    char manufacturer[VICTRON_NAME_MAX + 1];
    char battery_name[VICTRON_BATTERY_NAME_MAX + 1];
    char family[VICTRON_NAME_MAX + 1];
} victron_identity_t;

/**
 * @brief Encodes one frame.
 * @param state what is known about the battery
 * @param identity names to send
 * @param[out] frame filled when the function returns true
 * @return false: must not be sent now, because a value that it needs is not known or nothing may be sent at all
 */
typedef bool (*victron_encoder_t)(const battery_state_t *state, const victron_identity_t *identity,
                                  victron_frame_t *frame);

/** @brief One frame of the protocol: when it is sent, and its encoder. */
typedef struct {
    uint16_t id;
    uint16_t period_ms;
    uint16_t phase_ms; /**< offset within the period, so that frames do not come in bursts */
    victron_encoder_t encode;
} victron_message_t;

/** @brief Number of frames that the gateway sends, the most important first. */
#define VICTRON_MESSAGE_COUNT 19

/** @brief Message by index 0..VICTRON_MESSAGE_COUNT-1; NULL outside. */
const victron_message_t *victron_message_at(size_t index);

/**
 * @brief Whether the names may be sent.
 *
 * 7-bit printable ASCII; a battery name longer than 8 characters begins with the manufacturer name (a GX wants 0x35E
 * and 0x370/0x371 to match); no name that makes a GX apply another product's quirks (Pylontech, BYD, LG).
 */
bool victron_identity_valid(const victron_identity_t *identity);

/* One encoder for each frame; see victron_encoder_t. */
bool victron_pgn_encode_351(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_355(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_356(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_35a(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_35e(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_35f(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_370(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_371(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_372(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_373(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_374(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_375(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_376(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_377(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_378(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_379(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_380(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_381(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);
bool victron_pgn_encode_382(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame);

#ifdef __cplusplus
}
#endif
