/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Who the battery is: 0x35E, 0x35F, 0x370, 0x371, 0x380, 0x381, 0x382; and which names may be sent.
 */
#include <string.h>

#include "victron_bms.h"
#include "victron_pgn_private.h"

bool victron_pgn_encode_35e(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    return victron_encode_text(state, VICTRON_BMS_MANUFACTURER_FRAME_ID, identity->manufacturer, frame);
}

bool victron_pgn_encode_35f(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || !state->model.known || !state->firmware_major.known || !state->firmware_minor.known) {
        return false;
    }
    const struct victron_bms_battery_model_t m = {
        .model = victron_to_u16(state->model.value),
        .firmware_major = (uint8_t)(state->firmware_major.value & 0xFF),
        .firmware_minor = (uint8_t)(state->firmware_minor.value & 0xFF),
        .online_capacity = state->usable_capacity_mah.known
                               ? victron_to_u16(victron_round_div(state->usable_capacity_mah.value, 1000))
                               : 0,
    };
    victron_frame_begin(frame);
    return victron_frame_done(frame, VICTRON_BMS_BATTERY_MODEL_FRAME_ID,
                              victron_bms_battery_model_pack(frame->data, &m, sizeof(frame->data)));
}

static size_t length_of(const char *text, size_t capacity)
{
    size_t length = 0;
    while (length < capacity && text[length] != '\0') {
        length++;
    }
    return length;
}

/** A name of up to eight characters belongs in 0x35E alone. */
static bool has_long_name(const victron_identity_t *identity)
{
    return length_of(identity->battery_name, VICTRON_BATTERY_NAME_MAX) > VICTRON_NAME_MAX;
}

bool victron_pgn_encode_370(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    return has_long_name(identity) &&
           victron_encode_text(state, VICTRON_BMS_BATTERY_NAME1_FRAME_ID, identity->battery_name, frame);
}

bool victron_pgn_encode_371(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    return has_long_name(identity) && victron_encode_text(state, VICTRON_BMS_BATTERY_NAME2_FRAME_ID,
                                                          &identity->battery_name[VICTRON_NAME_MAX], frame);
}

bool victron_pgn_encode_380(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    return state->serial_known && victron_encode_text(state, VICTRON_BMS_SERIAL_NUMBER1_FRAME_ID, state->serial, frame);
}

bool victron_pgn_encode_381(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    return state->serial_known &&
           victron_encode_text(state, VICTRON_BMS_SERIAL_NUMBER2_FRAME_ID, &state->serial[VICTRON_NAME_MAX], frame);
}

bool victron_pgn_encode_382(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    return victron_encode_text(state, VICTRON_BMS_BATTERY_FAMILY_FRAME_ID, identity->family, frame);
}

static bool printable(const char *text, size_t capacity)
{
    const size_t length = length_of(text, capacity);
    if (length == capacity) {
        return false; /* no NUL: longer than the field */
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < 0x20 || text[i] > 0x7E) {
            return false;
        }
    }
    return true;
}

/** Whether a text begins with these small letters or their capitals: one bit tells them apart. */
static bool begins_with(const char *text, const char *letters)
{
    size_t i = 0;
    while (letters[i] != '\0' && (text[i] | 0x20) == letters[i]) {
        i++;
    }
    return letters[i] == '\0';
}

static bool somebody_else(const char *text)
{
    return begins_with(text, "pylon") || begins_with(text, "byd") || begins_with(text, "lg");
}

bool victron_identity_valid(const victron_identity_t *identity)
{
    if (!printable(identity->manufacturer, sizeof(identity->manufacturer)) ||
        !printable(identity->battery_name, sizeof(identity->battery_name)) ||
        !printable(identity->family, sizeof(identity->family)) || identity->manufacturer[0] == '\0') {
        return false;
    }
    const size_t length = strlen(identity->manufacturer);
    if (has_long_name(identity) && strncmp(identity->battery_name, identity->manufacturer, length) != 0) {
        return false;
    }
    return !somebody_else(identity->manufacturer) && !somebody_else(identity->battery_name) &&
           !somebody_else(identity->family);
}
