/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * 0x372 to 0x377: modules that block; lowest and highest cell and temperature, and where they are.
 */
#include "victron_bms.h"
#include "victron_pgn_private.h"

#define NOT_SUPPORTED_U16 0xFFFF

/** 0 and 65535 mean "not supported". Rounded; 0 degC are 2731.5 tenths, whose half never decides. */
static uint16_t kelvin(int32_t temperature_ddegc)
{
    return (uint16_t)victron_between(1, victron_floor_div((int64_t)temperature_ddegc + 2731 + 5, 10),
                                     NOT_SUPPORTED_U16 - 1);
}

bool victron_pgn_encode_372(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || state->status == BATTERY_STATUS_UNKNOWN) {
        return false;
    }
    const bool online = state->status == BATTERY_STATUS_ONLINE;
    const bool blocks_charge = state->ccl_ma.known && state->ccl_ma.value <= 0;
    const bool blocks_discharge = state->dcl_ma.known && state->dcl_ma.value <= 0;
    const struct victron_bms_battery_modules_t m = {
        .modules_ok = online && !blocks_charge && !blocks_discharge ? 1 : 0,
        .modules_blocking_charge = blocks_charge ? 1 : 0,
        .modules_blocking_discharge = blocks_discharge ? 1 : 0,
        .modules_offline = online ? 0 : 1,
    };
    victron_frame_begin(frame);
    return victron_frame_done(frame, VICTRON_BMS_BATTERY_MODULES_FRAME_ID,
                              victron_bms_battery_modules_pack(frame->data, &m, sizeof(frame->data)));
}

bool victron_pgn_encode_373(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    const int coldest = battery_extreme_sensor(state, false);
    const int hottest = battery_extreme_sensor(state, true);
    if (!state->publish || !state->cell_min_mv.known || !state->cell_max_mv.known) {
        return false;
    }
    const struct victron_bms_cell_extremes_t m = {
        .cell_voltage_min = victron_to_u16(state->cell_min_mv.value),
        .cell_voltage_max = victron_to_u16(state->cell_max_mv.value),
        .cell_temperature_min = coldest < 0 ? NOT_SUPPORTED_U16 : kelvin(state->sensor_ddegc[coldest].value),
        .cell_temperature_max = hottest < 0 ? NOT_SUPPORTED_U16 : kelvin(state->sensor_ddegc[hottest].value),
    };
    victron_frame_begin(frame);
    return victron_frame_done(frame, VICTRON_BMS_CELL_EXTREMES_FRAME_ID,
                              victron_bms_cell_extremes_pack(frame->data, &m, sizeof(frame->data)));
}

static void two_digits(char *text, int32_t number)
{
    text[0] = (char)('0' + number / 10);
    text[1] = (char)('0' + number % 10);
}

/** "R02 C01": the register that holds the cell, and which one it is in the order of the registers that hold one. How
 * the BMS itself numbers its cells is not known for sure. */
static bool encode_cell_id(const battery_state_t *state, uint16_t id, const battery_quantity_t *cell_register,
                           victron_frame_t *frame)
{
    if (!cell_register->known || cell_register->value < 0 || cell_register->value >= BATTERY_CELLS_MAX) {
        return false;
    }
    int32_t cell = 0;
    for (int32_t i = 0; i <= cell_register->value; i++) {
        cell += state->cell_100uv[i] > 0 ? 1 : 0;
    }
    char text[] = "R00 C00";
    two_digits(&text[1], cell_register->value);
    two_digits(&text[5], cell);
    return victron_encode_text(state, id, text, frame);
}

bool victron_pgn_encode_374(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    return encode_cell_id(state, VICTRON_BMS_CELL_VOLTAGE_MIN_ID_FRAME_ID, &state->cell_min_register, frame);
}

bool victron_pgn_encode_375(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    return encode_cell_id(state, VICTRON_BMS_CELL_VOLTAGE_MAX_ID_FRAME_ID, &state->cell_max_register, frame);
}

static bool encode_sensor_id(const battery_state_t *state, uint16_t id, bool warmest, victron_frame_t *frame)
{
    static const char *const names[BATTERY_SENSORS_MAX] = {"EXT 1", "EXT 2"};
    const int sensor = battery_extreme_sensor(state, warmest);
    return sensor >= 0 && victron_encode_text(state, id, names[sensor], frame);
}

bool victron_pgn_encode_376(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    return encode_sensor_id(state, VICTRON_BMS_CELL_TEMPERATURE_MIN_ID_FRAME_ID, false, frame);
}

bool victron_pgn_encode_377(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    return encode_sensor_id(state, VICTRON_BMS_CELL_TEMPERATURE_MAX_ID_FRAME_ID, true, frame);
}
