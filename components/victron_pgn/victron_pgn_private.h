/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the encoders of the frames share: rounding, saturation, begin and end of a frame.
 */

#include "victron_pgn.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Rounded down: for limits. */
int64_t victron_floor_div(int64_t value, int64_t divisor);

/** @brief Rounded half away from zero: for measured values. */
int64_t victron_round_div(int64_t value, int64_t divisor);

/** @brief The value, or the bound that it is beyond. */
int64_t victron_between(int64_t least, int64_t value, int64_t most);

/** @brief Saturated at 0 and 65535. */
uint16_t victron_to_u16(int64_t value);

/** @brief Saturated at -32768 and 32767. */
int16_t victron_to_i16(int64_t value);

/** @brief Clears a frame before it is packed. */
void victron_frame_begin(victron_frame_t *frame);

/**
 * @brief Ends a frame.
 * @param packed what the generated pack function returned: bytes, or a negative error
 * @return whether the frame is whole
 */
bool victron_frame_done(victron_frame_t *frame, uint16_t id, int packed);

/** @brief A frame that is eight characters of a text, zero padded, and nothing else; false while nothing may be sent.
 */
bool victron_encode_text(const battery_state_t *state, uint16_t id, const char *text, victron_frame_t *frame);

#ifdef __cplusplus
}
#endif
