/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The encoders of all frames (units, rounding, saturation), and the table of their periods. The bit layout is
 * generated; victron_schedule.c decides when a frame is sent.
 */
#include "victron_pgn.h"

#include <string.h>

#include "victron_bms.h"

#define NOT_SUPPORTED_U16 0xFFFF

/* ---- conversions: rounding and saturation ---- */

static int64_t floor_div(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0 ? 1 : 0);
}

/** Rounded half away from zero: for measured values. */
static int64_t round_div(int64_t value, int64_t divisor)
{
    return value >= 0 ? (value + divisor / 2) / divisor : -((-value + divisor / 2) / divisor);
}

static int64_t between(int64_t least, int64_t value, int64_t most)
{
    return value < least ? least : (value > most ? most : value);
}

static uint16_t to_u16(int64_t value)
{
    return (uint16_t)between(0, value, UINT16_MAX);
}

static int16_t to_i16(int64_t value)
{
    return (int16_t)between(INT16_MIN, value, INT16_MAX);
}

/** Upper limits are rounded down: the battery never allows more than its limit. */
static uint16_t voltage_limit_dv(const battery_limit_t *limit)
{
    return to_u16(floor_div(limit->value, 100));
}

static int16_t current_limit_da(const battery_limit_t *limit)
{
    return (int16_t)between(0, floor_div(limit->value, 100), INT16_MAX);
}

/** A lower limit is rounded up. */
static uint16_t lower_voltage_limit_dv(const battery_limit_t *limit)
{
    return limit->known ? to_u16(-floor_div(-(int64_t)limit->value, 100)) : 0;
}

static uint16_t percent(int32_t ppm, int32_t ppm_per_unit, uint16_t full)
{
    return (uint16_t)between(0, floor_div((int64_t)ppm + ppm_per_unit / 2, ppm_per_unit), full);
}

/** 0 and 65535 mean "not supported". Rounded; 0 degC are 2731.5 tenths, whose half never decides. */
static uint16_t kelvin(int32_t temperature_ddegc)
{
    return (uint16_t)between(1, floor_div((int64_t)temperature_ddegc + 2731 + 5, 10), NOT_SUPPORTED_U16 - 1);
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

static bool frame_done(victron_frame_t *frame, uint16_t id, int packed)
{
    frame->id = id;
    frame->dlc = (uint8_t)packed;
    return packed > 0;
}

static void frame_begin(victron_frame_t *frame)
{
    memset(frame, 0, sizeof(*frame));
}

/* ---- encoders ---- */

bool victron_pgn_encode_351(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || !state->cvl_mv.known || !state->ccl_ma.known || !state->dcl_ma.known) {
        return false;
    }
    const struct victron_bms_battery_limits_t m = {
        .cvl = voltage_limit_dv(&state->cvl_mv),
        .ccl = current_limit_da(&state->ccl_ma),
        .dcl = current_limit_da(&state->dcl_ma),
        .dvl = lower_voltage_limit_dv(&state->dvl_mv),
    };
    frame_begin(frame);
    return frame_done(frame, VICTRON_BMS_BATTERY_LIMITS_FRAME_ID,
                      victron_bms_battery_limits_pack(frame->data, &m, sizeof(frame->data)));
}

bool victron_pgn_encode_355(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || !state->soc_ppm.known) {
        return false;
    }
    const struct victron_bms_battery_charge_t m = {
        .soc = percent(state->soc_ppm.value, 10000, 100),
        .soh = state->soh_ppm.known ? percent(state->soh_ppm.value, 10000, 100) : 100,
        .soc_high_resolution = percent(state->soc_ppm.value, 100, 10000),
    };
    frame_begin(frame);
    return frame_done(frame, VICTRON_BMS_BATTERY_CHARGE_FRAME_ID,
                      victron_bms_battery_charge_pack(frame->data, &m, sizeof(frame->data)));
}

bool victron_pgn_encode_356(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    const int sensor = battery_extreme_sensor(state, true);
    const battery_quantity_t *const temperature =
        sensor >= 0 ? &state->sensor_ddegc[sensor] : &state->bms_temperature_ddegc;
    if (!state->publish || !state->pack_voltage_mv.known || !state->pack_current_ma.known) {
        return false; /* the fields have no value for "unknown" */
    }
    const struct victron_bms_battery_measurements_t m = {
        .voltage = to_i16(round_div(state->pack_voltage_mv.value, 10)),
        .current = to_i16(round_div(state->pack_current_ma.value, 100)),
        .temperature = to_i16(temperature->known ? temperature->value : 0), /* CCL is 0 then; a GX needs the frame */
    };
    frame_begin(frame);
    return frame_done(frame, VICTRON_BMS_BATTERY_MEASUREMENTS_FRAME_ID,
                      victron_bms_battery_measurements_pack(frame->data, &m, sizeof(frame->data)));
}

/** Value of a two-bit field: 1 = active, 2 = OK, 0 = not supported. */
static uint8_t pair(battery_alarm_level_t level)
{
    return level == BATTERY_ALARM_ACTIVE ? 1 : (level == BATTERY_ALARM_OK ? 2 : 0);
}

static uint8_t status_pair(battery_status_t status)
{
    return status == BATTERY_STATUS_ONLINE ? 2 : (status == BATTERY_STATUS_OFFLINE ? 1 : 0);
}

bool victron_pgn_encode_35a(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    const battery_alarm_level_t *const a = state->alarm;
    const battery_alarm_level_t *const w = state->warning;
    (void)identity;
    if (!state->publish) {
        return false;
    }
    const struct victron_bms_battery_alarms_t m = {
        .alarm_general = pair(a[BATTERY_ALARM_GENERAL]),
        .alarm_high_voltage = pair(a[BATTERY_ALARM_HIGH_VOLTAGE]),
        .alarm_low_voltage = pair(a[BATTERY_ALARM_LOW_VOLTAGE]),
        .alarm_high_temperature = pair(a[BATTERY_ALARM_HIGH_TEMPERATURE]),
        .alarm_low_temperature = pair(a[BATTERY_ALARM_LOW_TEMPERATURE]),
        .alarm_high_temperature_charge = pair(a[BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE]),
        .alarm_low_temperature_charge = pair(a[BATTERY_ALARM_LOW_TEMPERATURE_CHARGE]),
        .alarm_high_discharge_current = pair(a[BATTERY_ALARM_HIGH_DISCHARGE_CURRENT]),
        .alarm_high_charge_current = pair(a[BATTERY_ALARM_HIGH_CHARGE_CURRENT]),
        .alarm_contactor = pair(a[BATTERY_ALARM_CONTACTOR]),
        .alarm_short_circuit = pair(a[BATTERY_ALARM_SHORT_CIRCUIT]),
        .alarm_bms_internal = pair(a[BATTERY_ALARM_BMS_INTERNAL]),
        .alarm_cell_imbalance = pair(a[BATTERY_ALARM_CELL_IMBALANCE]),
        .warning_general = pair(w[BATTERY_ALARM_GENERAL]),
        .warning_high_voltage = pair(w[BATTERY_ALARM_HIGH_VOLTAGE]),
        .warning_low_voltage = pair(w[BATTERY_ALARM_LOW_VOLTAGE]),
        .warning_high_temperature = pair(w[BATTERY_ALARM_HIGH_TEMPERATURE]),
        .warning_low_temperature = pair(w[BATTERY_ALARM_LOW_TEMPERATURE]),
        .warning_high_temperature_charge = pair(w[BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE]),
        .warning_low_temperature_charge = pair(w[BATTERY_ALARM_LOW_TEMPERATURE_CHARGE]),
        .warning_high_discharge_current = pair(w[BATTERY_ALARM_HIGH_DISCHARGE_CURRENT]),
        .warning_high_charge_current = pair(w[BATTERY_ALARM_HIGH_CHARGE_CURRENT]),
        .warning_contactor = pair(w[BATTERY_ALARM_CONTACTOR]),
        .warning_short_circuit = pair(w[BATTERY_ALARM_SHORT_CIRCUIT]),
        .warning_bms_internal = pair(w[BATTERY_ALARM_BMS_INTERNAL]),
        .warning_cell_imbalance = pair(w[BATTERY_ALARM_CELL_IMBALANCE]),
        .system_status = status_pair(state->status),
    };
    frame_begin(frame);
    return frame_done(frame, VICTRON_BMS_BATTERY_ALARMS_FRAME_ID,
                      victron_bms_battery_alarms_pack(frame->data, &m, sizeof(frame->data)));
}

/** A frame that is eight characters and nothing else. */
static bool encode_text(const battery_state_t *state, uint16_t id, const char *text, victron_frame_t *frame)
{
    if (!state->publish) {
        return false;
    }
    const struct victron_bms_manufacturer_t m = {.manufacturer_name = text8(text)};
    frame_begin(frame);
    return frame_done(frame, id, victron_bms_manufacturer_pack(frame->data, &m, sizeof(frame->data)));
}

bool victron_pgn_encode_35e(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    return encode_text(state, VICTRON_BMS_MANUFACTURER_FRAME_ID, identity->manufacturer, frame);
}

bool victron_pgn_encode_35f(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || !state->model.known || !state->firmware_major.known || !state->firmware_minor.known) {
        return false;
    }
    const struct victron_bms_battery_model_t m = {
        .model = to_u16(state->model.value),
        .firmware_major = (uint8_t)(state->firmware_major.value & 0xFF),
        .firmware_minor = (uint8_t)(state->firmware_minor.value & 0xFF),
        .online_capacity =
            state->usable_capacity_mah.known ? to_u16(round_div(state->usable_capacity_mah.value, 1000)) : 0,
    };
    frame_begin(frame);
    return frame_done(frame, VICTRON_BMS_BATTERY_MODEL_FRAME_ID,
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
           encode_text(state, VICTRON_BMS_BATTERY_NAME1_FRAME_ID, identity->battery_name, frame);
}

bool victron_pgn_encode_371(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    return has_long_name(identity) &&
           encode_text(state, VICTRON_BMS_BATTERY_NAME2_FRAME_ID, &identity->battery_name[VICTRON_NAME_MAX], frame);
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
    frame_begin(frame);
    return frame_done(frame, VICTRON_BMS_BATTERY_MODULES_FRAME_ID,
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
        .cell_voltage_min = to_u16(state->cell_min_mv.value),
        .cell_voltage_max = to_u16(state->cell_max_mv.value),
        .cell_temperature_min = coldest < 0 ? NOT_SUPPORTED_U16 : kelvin(state->sensor_ddegc[coldest].value),
        .cell_temperature_max = hottest < 0 ? NOT_SUPPORTED_U16 : kelvin(state->sensor_ddegc[hottest].value),
    };
    frame_begin(frame);
    return frame_done(frame, VICTRON_BMS_CELL_EXTREMES_FRAME_ID,
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
    return encode_text(state, id, text, frame);
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
    return sensor >= 0 && encode_text(state, id, names[sensor], frame);
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

bool victron_pgn_encode_378(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || !state->energy_in_wh.known || !state->energy_out_wh.known) {
        return false;
    }
    const struct victron_bms_energy_counters_t m = {
        /* Counts 100 Wh and rolls over to 0, which the protocol asks for: the one field that wraps. */
        .energy_in = (uint32_t)(uint64_t)floor_div(state->energy_in_wh.value, 100),
        .energy_out = (uint32_t)(uint64_t)floor_div(state->energy_out_wh.value, 100),
    };
    frame_begin(frame);
    return frame_done(frame, VICTRON_BMS_ENERGY_COUNTERS_FRAME_ID,
                      victron_bms_energy_counters_pack(frame->data, &m, sizeof(frame->data)));
}

bool victron_pgn_encode_379(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    if (!state->publish || !state->installed_capacity_mah.known) {
        return false;
    }
    const struct victron_bms_installed_capacity_t m = {
        .installed_capacity_ah = to_u16(round_div(state->installed_capacity_mah.value, 1000)),
    };
    frame_begin(frame);
    return frame_done(frame, VICTRON_BMS_INSTALLED_CAPACITY_FRAME_ID,
                      victron_bms_installed_capacity_pack(frame->data, &m, sizeof(frame->data)));
}

bool victron_pgn_encode_380(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    return state->serial_known && encode_text(state, VICTRON_BMS_SERIAL_NUMBER1_FRAME_ID, state->serial, frame);
}

bool victron_pgn_encode_381(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    (void)identity;
    return state->serial_known &&
           encode_text(state, VICTRON_BMS_SERIAL_NUMBER2_FRAME_ID, &state->serial[VICTRON_NAME_MAX], frame);
}

bool victron_pgn_encode_382(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    return encode_text(state, VICTRON_BMS_BATTERY_FAMILY_FRAME_ID, identity->family, frame);
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

/* ---- names ---- */

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
