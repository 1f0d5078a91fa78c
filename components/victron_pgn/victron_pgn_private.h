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

#include <string.h>

#include "victron_pgn.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Rounded down: for limits. */
static inline int64_t victron_floor_div(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0 ? 1 : 0);
}

/** @brief Rounded half away from zero: for measured values. */
int64_t victron_round_div(int64_t value, int64_t divisor);

/** @brief The value, or the bound that it is beyond. */
static inline int64_t victron_between(int64_t least, int64_t value, int64_t most)
{
    return value < least ? least : (value > most ? most : value);
}

/** @brief Saturated at 0 and 65535. */
static inline uint16_t victron_to_u16(int64_t value)
{
    return (uint16_t)victron_between(0, value, UINT16_MAX);
}

/** @brief Saturated at -32768 and 32767. */
static inline int16_t victron_to_i16(int64_t value)
{
    return (int16_t)victron_between(INT16_MIN, value, INT16_MAX);
}

/** @brief Clears a frame before it is packed. */
static inline void victron_frame_begin(victron_frame_t *frame)
{
    memset(frame, 0, sizeof(*frame));
}

/**
 * @brief Ends a frame.
 * @param packed what the generated pack function returned: bytes, or a negative error
 * @return whether the frame is whole
 */
static inline bool victron_frame_done(victron_frame_t *frame, uint16_t id, int packed)
{
    frame->id = id;
    frame->dlc = (uint8_t)packed;
    return packed > 0;
}

/** @brief A frame that is eight characters of a text, zero padded, and nothing else; false while nothing may be sent.
 */
bool victron_encode_text(const battery_state_t *state, uint16_t id, const char *text, victron_frame_t *frame);

#ifdef __cplusplus
}
#endif
