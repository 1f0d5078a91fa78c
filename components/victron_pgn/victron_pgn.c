/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The table of frames with their periods, and what the encoders share: rounding, saturation, texts. The bit layout is
 * generated; victron_schedule.c decides when a frame is sent.
 */
#include "victron_pgn.h"

#include "victron_bms.h"
#include "victron_pgn_private.h"

int64_t victron_round_div(int64_t value, int64_t divisor)
{
    return value >= 0 ? (value + divisor / 2) / divisor : -((-value + divisor / 2) / divisor);
}

/** Up to eight characters of a text that may end earlier, zero padded, first character in the lowest byte. */
static uint64_t text8(const char *text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < VICTRON_NAME_MAX && text[i] != '\0'; i++) {
        value |= (uint64_t)(uint8_t)text[i] << (8 * i);
    }
    return value;
}

bool victron_encode_text(const battery_state_t *state, uint16_t id, const char *text, victron_frame_t *frame)
{
    if (!state->publish) {
        return false;
    }
    const struct victron_bms_manufacturer_t m = {.manufacturer_name = text8(text)};
    victron_frame_begin(frame);
    return victron_frame_done(frame, id, victron_bms_manufacturer_pack(frame->data, &m, sizeof(frame->data)));
}

const victron_message_t *victron_message_at(size_t index)
{
    static const victron_message_t messages[VICTRON_MESSAGE_COUNT] = {
        {0x351, 1000, 0, victron_pgn_encode_351},    {0x35A, 1000, 50, victron_pgn_encode_35a},
        {0x355, 1000, 100, victron_pgn_encode_355},  {0x356, 1000, 150, victron_pgn_encode_356},
        {0x35E, 5000, 200, victron_pgn_encode_35e},  {0x35F, 5000, 250, victron_pgn_encode_35f},
        {0x372, 2000, 300, victron_pgn_encode_372},  {0x373, 2000, 400, victron_pgn_encode_373},
        {0x374, 2000, 500, victron_pgn_encode_374},  {0x375, 2000, 600, victron_pgn_encode_375},
        {0x376, 2000, 700, victron_pgn_encode_376},  {0x377, 2000, 800, victron_pgn_encode_377},
        {0x378, 2000, 1300, victron_pgn_encode_378}, {0x379, 2000, 1400, victron_pgn_encode_379},
        {0x370, 5000, 1500, victron_pgn_encode_370}, {0x371, 5000, 1600, victron_pgn_encode_371},
        {0x380, 5000, 1700, victron_pgn_encode_380}, {0x381, 5000, 1800, victron_pgn_encode_381},
        {0x382, 5000, 1900, victron_pgn_encode_382},
    };
    return index < VICTRON_MESSAGE_COUNT ? &messages[index] : NULL;
}
