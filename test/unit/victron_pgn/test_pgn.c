/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "unity.h"
#include "victron_pgn.h"

/* Expected bytes are worked out by hand from the protocol's tables; nothing here comes from the DBC or the generated
 * code. */

static const victron_identity_t s_short_names = {
    .manufacturer = "TinyBMS", .battery_name = "TinyBMS", .family = "TinyBMS"};
static const victron_identity_t s_long_name = {
    .manufacturer = "TinyBMS", .battery_name = "TinyBMS 14S 66Ah", .family = "House"};

/** A 14-cell pack as a real TinyBMS showed it, without external sensor. */
static battery_state_t real_pack(void)
{
    battery_state_t s = {
        .status = BATTERY_STATUS_ONLINE,
        .publish = true,
        .pack_voltage_mv = {true, 55780},
        .pack_current_ma = {true, 0},
        .soc_ppm = {true, 835548},
        .cell_count = 14,
        .cell_min_mv = {true, 3980},
        .cell_max_mv = {true, 3990},
        .cell_min_register = {true, 2},
        .cell_max_register = {true, 9},
        .bms_temperature_ddegc = {true, 97},
        .cvl_mv = {true, 58100, BATTERY_REASON_BMS_SETTING},
        .ccl_ma = {true, 20000, BATTERY_REASON_BMS_SETTING},
        .dcl_ma = {true, 60000, BATTERY_REASON_BMS_SETTING},
        .dvl_mv = {true, 42000, BATTERY_REASON_BMS_SETTING},
        .installed_capacity_mah = {true, 66000},
        .usable_capacity_mah = {true, 66000},
        .model = {true, 258},
        .firmware_major = {true, 1},
        .firmware_minor = {true, 242},
    };
    return s;
}

static void expect(victron_encoder_t encode, const battery_state_t *state, uint16_t id, const char *hex)
{
    static const char digits[] = "0123456789ABCDEF";
    victron_frame_t frame;
    char bytes[3 * 8 + 1] = "";
    TEST_ASSERT_TRUE(encode(state, &s_short_names, &frame));
    TEST_ASSERT_EQUAL_HEX16(id, frame.id);
    for (size_t i = 0; i < frame.dlc; i++) {
        bytes[3 * i] = digits[frame.data[i] >> 4];
        bytes[3 * i + 1] = digits[frame.data[i] & 0xF];
        bytes[3 * i + 2] = i + 1U < frame.dlc ? ' ' : '\0';
    }
    TEST_ASSERT_EQUAL_STRING(hex, bytes);
}

static void expect_silent(victron_encoder_t encode, const battery_state_t *state)
{
    victron_frame_t frame;
    TEST_ASSERT_FALSE(encode(state, &s_short_names, &frame));
}

TEST_CASE("0x351 carries CVL, CCL, DCL and DVL of the pack in tenths", "[victron_pgn]")
{
    const battery_state_t s = real_pack();
    expect(victron_pgn_encode_351, &s, 0x351, "45 02 C8 00 58 02 A4 01");
}

TEST_CASE("0x351 never allows more than the limit and never discharges below it", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.cvl_mv.value = 58199; /* 58.1 V */
    s.ccl_ma.value = 20099; /* 20.0 A */
    s.dcl_ma.value = 99;    /* 0 A */
    s.dvl_mv.value = 42001; /* 42.1 V */
    expect(victron_pgn_encode_351, &s, 0x351, "45 02 C8 00 00 00 A5 01");
}

TEST_CASE("0x351 saturates and never wraps or turns negative", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.cvl_mv.value = INT32_MAX;
    s.ccl_ma.value = INT32_MAX;
    s.dcl_ma.value = -1;
    s.dvl_mv.value = INT32_MIN;
    expect(victron_pgn_encode_351, &s, 0x351, "FF FF FF 7F 00 00 00 00");
    s.cvl_mv.value = -1;
    s.ccl_ma.value = -100;
    s.dcl_ma.value = 3276800; /* 3276.8 A is one step more than the field can say */
    s.dvl_mv.value = -100;
    expect(victron_pgn_encode_351, &s, 0x351, "00 00 00 00 FF 7F 00 00");
}

TEST_CASE("0x351 is not sent while a limit is missing", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.ccl_ma.known = false;
    expect_silent(victron_pgn_encode_351, &s);
    s = real_pack();
    s.cvl_mv.known = false;
    expect_silent(victron_pgn_encode_351, &s);
    s = real_pack();
    s.dcl_ma.known = false;
    expect_silent(victron_pgn_encode_351, &s);
    s = real_pack();
    s.dvl_mv.known = false; /* the GX does not use it */
    expect(victron_pgn_encode_351, &s, 0x351, "45 02 C8 00 58 02 00 00");
}

TEST_CASE("0x355 rounds SOC half up and sends an unknown SOH as 100", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    expect(victron_pgn_encode_355, &s, 0x355, "54 00 64 00 A3 20 00 00"); /* 84 %, 83.55 % */
    s.soc_ppm.value = 835000;
    s.soh_ppm = (battery_quantity_t){true, 984999};
    expect(victron_pgn_encode_355, &s, 0x355, "54 00 62 00 9E 20 00 00"); /* 83.5 -> 84, 98.5 down: 98 */
    s.soc_ppm.value = 834999;
    s.soh_ppm.value = 985000;
    expect(victron_pgn_encode_355, &s, 0x355, "53 00 63 00 9E 20 00 00");
    s.soc_ppm.value = 1000001;
    expect(victron_pgn_encode_355, &s, 0x355, "64 00 63 00 10 27 00 00");
    s.soc_ppm.value = 1020000;
    s.soh_ppm.value = 1020000;
    expect(victron_pgn_encode_355, &s, 0x355, "64 00 64 00 10 27 00 00");
    s.soc_ppm.value = -20000;
    s.soh_ppm.value = -20000;
    expect(victron_pgn_encode_355, &s, 0x355, "00 00 00 00 00 00 00 00");
    s.soc_ppm.known = false;
    expect_silent(victron_pgn_encode_355, &s);
}

TEST_CASE("0x356 carries voltage, signed current and the BMS's temperature when it has no sensor", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    expect(victron_pgn_encode_356, &s, 0x356, "CA 15 00 00 61 00 00 00");
    s.pack_current_ma.value = -20650; /* -20.7 A: half away from zero */
    s.bms_temperature_ddegc.value = -15;
    expect(victron_pgn_encode_356, &s, 0x356, "CA 15 31 FF F1 FF 00 00");
    s.pack_voltage_mv.value = 55785;  /* 55.79 V */
    s.pack_current_ma.value = -20649; /* -20.6 A */
    expect(victron_pgn_encode_356, &s, 0x356, "CB 15 32 FF F1 FF 00 00");
    s.pack_voltage_mv.value = 55784;
    s.pack_current_ma.value = 20650; /* 20.7 A */
    expect(victron_pgn_encode_356, &s, 0x356, "CA 15 CF 00 F1 FF 00 00");
}

TEST_CASE("0x356 takes the warmest external sensor", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.sensor_ddegc[0] = (battery_quantity_t){true, 318};
    s.sensor_ddegc[1] = (battery_quantity_t){true, -50};
    expect(victron_pgn_encode_356, &s, 0x356, "CA 15 00 00 3E 01 00 00");
}

TEST_CASE("0x356 saturates at the ends of its fields", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.pack_voltage_mv.value = INT32_MAX;
    s.pack_current_ma.value = INT32_MIN;
    s.bms_temperature_ddegc.value = INT32_MAX;
    expect(victron_pgn_encode_356, &s, 0x356, "FF 7F 00 80 FF 7F 00 00");
}

TEST_CASE(
    "0x356 has no value for an unknown temperature, and a GX needs the frame: 0 degC, at which nothing is charged",
    "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.bms_temperature_ddegc = (battery_quantity_t){.known = false, .value = 251};
    victron_frame_t frame;
    TEST_ASSERT_TRUE(victron_pgn_encode_356(&s, &s_short_names, &frame));
    TEST_ASSERT_EQUAL_UINT8(0, frame.data[4] | frame.data[5]);
}

TEST_CASE("0x356 is not sent without a voltage or a current", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.pack_voltage_mv.known = false;
    expect_silent(victron_pgn_encode_356, &s);
    s = real_pack();
    s.pack_current_ma.known = false;
    expect_silent(victron_pgn_encode_356, &s);
}

TEST_CASE("0x35A sends 1 for active, 2 for OK and 0 for what is not supported", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.alarm[BATTERY_ALARM_GENERAL] = BATTERY_ALARM_ACTIVE;                /* byte 0, bits 0-1: 01 */
    s.alarm[BATTERY_ALARM_HIGH_VOLTAGE] = BATTERY_ALARM_OK;               /* byte 0, bits 2-3: 10 */
    s.alarm[BATTERY_ALARM_HIGH_DISCHARGE_CURRENT] = BATTERY_ALARM_ACTIVE; /* byte 1, bits 6-7: 01 */
    s.alarm[BATTERY_ALARM_BMS_INTERNAL] = BATTERY_ALARM_OK;               /* byte 2, bits 6-7: 10 */
    s.alarm[BATTERY_ALARM_CELL_IMBALANCE] = BATTERY_ALARM_ACTIVE;         /* byte 3, bits 0-1: 01 */
    s.warning[BATTERY_ALARM_LOW_VOLTAGE] = BATTERY_ALARM_ACTIVE;          /* byte 4, bits 4-5: 01 */
    s.warning[BATTERY_ALARM_CELL_IMBALANCE] = BATTERY_ALARM_OK;           /* byte 7, bits 0-1: 10 */
    expect(victron_pgn_encode_35a, &s, 0x35A, "09 40 80 01 10 00 00 0A"); /* online: byte 7, bits 2-3: 10 */
    s.status = BATTERY_STATUS_OFFLINE;
    expect(victron_pgn_encode_35a, &s, 0x35A, "09 40 80 01 10 00 00 06");
    s.status = BATTERY_STATUS_UNKNOWN;
    expect(victron_pgn_encode_35a, &s, 0x35A, "09 40 80 01 10 00 00 02");
}

TEST_CASE("0x35A has every alarm and every warning in its own two bits", "[victron_pgn]")
{
    for (size_t n = 0; n < BATTERY_ALARM_COUNT; n++) {
        ROW("alarm %zu", n);
        battery_state_t s = real_pack();
        victron_frame_t frame;
        s.status = BATTERY_STATUS_UNKNOWN;
        s.alarm[n] = BATTERY_ALARM_ACTIVE;
        s.warning[n] = BATTERY_ALARM_OK;
        TEST_ASSERT_TRUE(victron_pgn_encode_35a(&s, &s_short_names, &frame));
        for (size_t byte = 0; byte < 4; byte++) {
            ROW("byte %zu", byte);
            const unsigned shift = 2U * (unsigned)(n % 4);
            TEST_ASSERT_EQUAL_HEX8(byte == n / 4 ? 1U << shift : 0U, frame.data[byte]);
            TEST_ASSERT_EQUAL_HEX8(byte == n / 4 ? 2U << shift : 0U, frame.data[4 + byte]);
        }
    }
}

TEST_CASE("0x35E and 0x382 are names, zero padded", "[victron_pgn]")
{
    const battery_state_t s = real_pack();
    expect(victron_pgn_encode_35e, &s, 0x35E, "54 69 6E 79 42 4D 53 00");
    expect(victron_pgn_encode_382, &s, 0x382, "54 69 6E 79 42 4D 53 00");
}

TEST_CASE("a name ends at its end, whatever is behind it", "[victron_pgn]")
{
    const battery_state_t s = real_pack();
    victron_identity_t identity = s_short_names;
    victron_frame_t frame;
    memcpy(identity.manufacturer, "Tiny\0old", 9);
    TEST_ASSERT_TRUE(victron_pgn_encode_35e(&s, &identity, &frame));
    TEST_ASSERT_EQUAL_MEMORY("Tiny\0\0\0\0", frame.data, 8);
}

TEST_CASE("0x35F has the firmware version big-endian and the capacity that is online", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    expect(victron_pgn_encode_35f, &s, 0x35F, "02 01 01 F2 42 00 00 00");
    s.usable_capacity_mah.known = false;
    expect(victron_pgn_encode_35f, &s, 0x35F, "02 01 01 F2 00 00 00 00");
    s.usable_capacity_mah = (battery_quantity_t){true, 65499}; /* rounded: 65 Ah */
    expect(victron_pgn_encode_35f, &s, 0x35F, "02 01 01 F2 41 00 00 00");
    s.usable_capacity_mah.value = 65500; /* 66 Ah */
    s.firmware_major.value = 0x301;      /* the low byte of each register */
    s.firmware_minor.value = 0x1F3;
    expect(victron_pgn_encode_35f, &s, 0x35F, "02 01 01 F3 42 00 00 00");
}

TEST_CASE("0x35F is not sent while model or firmware is missing", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.model.known = false;
    expect_silent(victron_pgn_encode_35f, &s);
    s = real_pack();
    s.firmware_major.known = false;
    expect_silent(victron_pgn_encode_35f, &s);
    s = real_pack();
    s.firmware_minor.known = false;
    expect_silent(victron_pgn_encode_35f, &s);
}

TEST_CASE("0x370 and 0x371 are sent for a name of more than eight characters only", "[victron_pgn]")
{
    const battery_state_t s = real_pack();
    victron_frame_t frame;
    expect_silent(victron_pgn_encode_370, &s);
    expect_silent(victron_pgn_encode_371, &s);
    victron_identity_t eight = s_short_names;
    memcpy(eight.battery_name, "TinyBMS8", 9);
    TEST_ASSERT_FALSE(victron_pgn_encode_370(&s, &eight, &frame));
    TEST_ASSERT_FALSE(victron_pgn_encode_371(&s, &eight, &frame));
    memcpy(eight.battery_name, "TinyBMS 9", 10);
    TEST_ASSERT_TRUE(victron_pgn_encode_371(&s, &eight, &frame));
    TEST_ASSERT_EQUAL_MEMORY("9\0\0\0\0\0\0\0", frame.data, 8);
    TEST_ASSERT_TRUE(victron_pgn_encode_370(&s, &s_long_name, &frame));
    TEST_ASSERT_EQUAL_MEMORY("TinyBMS ", frame.data, 8);
    TEST_ASSERT_TRUE(victron_pgn_encode_371(&s, &s_long_name, &frame));
    TEST_ASSERT_EQUAL_MEMORY("14S 66Ah", frame.data, 8);
}

TEST_CASE("0x372 tells whether the one module may be charged and discharged", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    expect(victron_pgn_encode_372, &s, 0x372, "01 00 00 00 00 00 00 00");
    s.ccl_ma.value = 0;
    expect(victron_pgn_encode_372, &s, 0x372, "00 00 01 00 00 00 00 00");
    s.dcl_ma.value = 0;
    s.status = BATTERY_STATUS_OFFLINE;
    expect(victron_pgn_encode_372, &s, 0x372, "00 00 01 00 01 00 01 00");
}

TEST_CASE("0x373 says FF FF for temperatures that nobody measures", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    expect(victron_pgn_encode_373, &s, 0x373, "8C 0F 96 0F FF FF FF FF");
    s.sensor_ddegc[1] = (battery_quantity_t){true, 225}; /* 22.5 degC = 295.65 K */
    expect(victron_pgn_encode_373, &s, 0x373, "8C 0F 96 0F 28 01 28 01");
    s.sensor_ddegc[0] = (battery_quantity_t){true, -100}; /* -10 degC = 263.15 K */
    expect(victron_pgn_encode_373, &s, 0x373, "8C 0F 96 0F 07 01 28 01");
    s.cell_min_mv.known = false;
    expect_silent(victron_pgn_encode_373, &s);
}

TEST_CASE("0x373 takes coldest and warmest from the same sensor where there is one", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.sensor_ddegc[0] = (battery_quantity_t){true, 225};
    expect(victron_pgn_encode_373, &s, 0x373, "8C 0F 96 0F 28 01 28 01");
}

TEST_CASE("0x373 rounds temperatures to whole kelvins and keeps off the values for not supported", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.sensor_ddegc[0] = (battery_quantity_t){true, 3}; /* 0.3 degC = 273.45 K: 273 = 0x0111 */
    s.sensor_ddegc[1] = (battery_quantity_t){true, 4}; /* 0.4 degC = 273.55 K: 274 */
    expect(victron_pgn_encode_373, &s, 0x373, "8C 0F 96 0F 11 01 12 01");
    s.sensor_ddegc[0].value = -2717; /* 1.45 K: 1 */
    s.sensor_ddegc[1].value = -2716; /* 1.55 K: 2 */
    expect(victron_pgn_encode_373, &s, 0x373, "8C 0F 96 0F 01 00 02 00");
    s.sensor_ddegc[0].value = -2732;  /* below 0 K */
    s.sensor_ddegc[1].value = 652613; /* 65534.45 K: 65534 */
    expect(victron_pgn_encode_373, &s, 0x373, "8C 0F 96 0F 01 00 FE FF");
    s.sensor_ddegc[0].value = INT32_MIN;
    s.sensor_ddegc[1].value = INT32_MAX;
    expect(victron_pgn_encode_373, &s, 0x373, "8C 0F 96 0F 01 00 FE FF");
}

TEST_CASE("0x373 has no negative cell", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.cell_min_mv.value = -1;
    s.cell_max_mv.value = 65536;
    expect(victron_pgn_encode_373, &s, 0x373, "00 00 FF FF FF FF FF FF");
}

TEST_CASE("0x374 and 0x375 name the register of the cell, and which cell that is", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    for (size_t i = 0; i < 16; i++) {
        s.cell_100uv[i] = i < 2 ? 0 : 39800; /* 14 cells: the first two registers hold none */
    }
    expect(victron_pgn_encode_374, &s, 0x374, "52 30 32 20 43 30 31 00"); /* "R02 C01" */
    expect(victron_pgn_encode_375, &s, 0x375, "52 30 39 20 43 30 38 00"); /* "R09 C08" */
    s.cell_max_register.value = 15;
    expect(victron_pgn_encode_375, &s, 0x375, "52 31 35 20 43 31 34 00"); /* "R15 C14" */
    s.cell_100uv[0] = 39800;
    s.cell_100uv[1] = 39800;
    expect(victron_pgn_encode_375, &s, 0x375, "52 31 35 20 43 31 36 00"); /* "R15 C16" */
    s.cell_max_register.value = 10;
    expect(victron_pgn_encode_375, &s, 0x375, "52 31 30 20 43 31 31 00"); /* "R10 C11" */
    s.cell_max_register.value = 0;
    s.cell_100uv[0] = 1;                                                  /* 0.1 mV: a cell, however empty */
    expect(victron_pgn_encode_375, &s, 0x375, "52 30 30 20 43 30 31 00"); /* "R00 C01" */
    s.cell_max_register.value = 16;
    expect_silent(victron_pgn_encode_375, &s);
    s.cell_max_register.value = -1;
    expect_silent(victron_pgn_encode_375, &s);
    s.cell_max_register = (battery_quantity_t){false, 9};
    expect_silent(victron_pgn_encode_375, &s);
}

TEST_CASE("0x376 and 0x377 are sent only with an external sensor", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    expect_silent(victron_pgn_encode_376, &s);
    expect_silent(victron_pgn_encode_377, &s);
    s.sensor_ddegc[0] = (battery_quantity_t){true, 100};
    s.sensor_ddegc[1] = (battery_quantity_t){true, 90};
    expect(victron_pgn_encode_376, &s, 0x376, "45 58 54 20 32 00 00 00"); /* "EXT 2" */
    expect(victron_pgn_encode_377, &s, 0x377, "45 58 54 20 31 00 00 00"); /* "EXT 1" */
}

TEST_CASE("0x378 counts hundreds of Wh and rolls over to zero", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    expect_silent(victron_pgn_encode_378, &s);
    s.energy_in_wh = (battery_energy_t){true, 211299};              /* 2112 = 0x0840 */
    s.energy_out_wh = (battery_energy_t){true, 429496729600 + 100}; /* 2^32 + 1 units */
    expect(victron_pgn_encode_378, &s, 0x378, "40 08 00 00 01 00 00 00");
    s.energy_in_wh.known = false;
    expect_silent(victron_pgn_encode_378, &s);
    s.energy_in_wh.known = true;
    s.energy_out_wh.known = false;
    expect_silent(victron_pgn_encode_378, &s);
}

TEST_CASE("0x379 has two bytes", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    expect(victron_pgn_encode_379, &s, 0x379, "42 00");
    s.installed_capacity_mah.value = 2999499; /* 2999 Ah */
    expect(victron_pgn_encode_379, &s, 0x379, "B7 0B");
    s.installed_capacity_mah.value = 2999500; /* 3000 Ah */
    expect(victron_pgn_encode_379, &s, 0x379, "B8 0B");
    s.installed_capacity_mah.known = false;
    expect_silent(victron_pgn_encode_379, &s);
}

TEST_CASE("what a short frame leaves free is zero, not what was in memory", "[victron_pgn]")
{
    static const uint8_t zeros[6];
    const battery_state_t s = real_pack();
    victron_frame_t frame;
    memset(&frame, 0xA5, sizeof(frame));
    TEST_ASSERT_TRUE(victron_pgn_encode_379(&s, &s_short_names, &frame));
    TEST_ASSERT_EQUAL(2, frame.dlc);
    TEST_ASSERT_EQUAL_HEX8_ARRAY(zeros, &frame.data[2], 6);
}

TEST_CASE("0x380 and 0x381 carry the first 16 digits of the serial number", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    expect_silent(victron_pgn_encode_380, &s);
    expect_silent(victron_pgn_encode_381, &s);
    s.serial_known = true;
    memcpy(s.serial, "00434553501620363934ABCD", sizeof(s.serial));
    expect(victron_pgn_encode_380, &s, 0x380, "30 30 34 33 34 35 35 33");
    expect(victron_pgn_encode_381, &s, 0x381, "35 30 31 36 32 30 33 36");
}

TEST_CASE("no frame is made of a state that must not be published", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.publish = false;
    s.serial_known = true;
    s.sensor_ddegc[0] = (battery_quantity_t){true, 100};
    s.energy_in_wh = (battery_energy_t){true, 1};
    s.energy_out_wh = (battery_energy_t){true, 1};
    for (size_t i = 0; i < VICTRON_MESSAGE_COUNT; i++) {
        ROW("0x%03X", victron_message_at(i)->id);
        victron_frame_t frame;
        TEST_ASSERT_FALSE(victron_message_at(i)->encode(&s, &s_long_name, &frame));
    }
}

TEST_CASE("the table of messages makes the frame that it names", "[victron_pgn]")
{
    battery_state_t s = real_pack();
    s.serial_known = true;
    s.sensor_ddegc[0] = (battery_quantity_t){true, 100};
    s.energy_in_wh = (battery_energy_t){true, 1};
    s.energy_out_wh = (battery_energy_t){true, 1};
    for (size_t i = 0; i < VICTRON_MESSAGE_COUNT; i++) {
        ROW("0x%03X", victron_message_at(i)->id);
        const victron_message_t *const message = victron_message_at(i);
        victron_frame_t frame;
        TEST_ASSERT_TRUE(message->encode(&s, &s_long_name, &frame));
        TEST_ASSERT_EQUAL_HEX16(message->id, frame.id);
        TEST_ASSERT_TRUE(message->id != 0x305 && message->id != 0x307);
        TEST_ASSERT_LESS_THAN(message->period_ms, message->phase_ms);
    }
    TEST_ASSERT_NULL(victron_message_at(VICTRON_MESSAGE_COUNT));
}

TEST_CASE("names that a GX would misread are refused", "[victron_pgn]")
{
    victron_identity_t identity = s_long_name;
    TEST_ASSERT_TRUE(victron_identity_valid(&s_short_names));
    TEST_ASSERT_TRUE(victron_identity_valid(&identity));
    memcpy(identity.battery_name, "Other name 14S..", 16); /* does not begin with the manufacturer */
    TEST_ASSERT_FALSE(victron_identity_valid(&identity));
    identity = s_short_names;
    memcpy(identity.manufacturer, "BYD", 4);
    TEST_ASSERT_FALSE(victron_identity_valid(&identity));
    identity = s_short_names;
    identity.family[0] = (char)0xE9;
    TEST_ASSERT_FALSE(victron_identity_valid(&identity));
    identity = s_short_names;
    identity.manufacturer[0] = '\0';
    TEST_ASSERT_FALSE(victron_identity_valid(&identity));
    identity = s_short_names;
    memset(identity.family, 'x', sizeof(identity.family)); /* no end */
    TEST_ASSERT_FALSE(victron_identity_valid(&identity));
    identity = s_short_names;
    memset(identity.battery_name, 'x', sizeof(identity.battery_name));
    memset(identity.manufacturer, 'x', sizeof(identity.manufacturer) - 1);
    TEST_ASSERT_FALSE(victron_identity_valid(&identity));
    identity = s_short_names;
    memset(identity.manufacturer, 'x', sizeof(identity.manufacturer));
    TEST_ASSERT_FALSE(victron_identity_valid(&identity));
}

/** Whether these names may be sent; a battery name that is short, so that it need not begin with the manufacturer's. */
static bool may_be_sent(const char *manufacturer, const char *battery_name, const char *family)
{
    victron_identity_t identity = {0};
    strncpy(identity.manufacturer, manufacturer, sizeof(identity.manufacturer) - 1);
    strncpy(identity.battery_name, battery_name, sizeof(identity.battery_name) - 1);
    strncpy(identity.family, family, sizeof(identity.family) - 1);
    return victron_identity_valid(&identity);
}

TEST_CASE("each of the names has to be printable, to its last character", "[victron_pgn]")
{
    static const char *const refused[] = {"\x1F", "House\n",
                                          "Ho\x7F"
                                          "e",
                                          "Hou\x80"
                                          "e"};
    TEST_ASSERT_TRUE(may_be_sent(" ~", " ~", " ~"));
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ROW("refused[%zu]", i);
        TEST_ASSERT_FALSE(may_be_sent(refused[i], "House", "House"));
        TEST_ASSERT_FALSE(may_be_sent("House", refused[i], "House"));
        TEST_ASSERT_FALSE(may_be_sent("House", "House", refused[i]));
    }
}

TEST_CASE("no name makes a GX take the battery for one of Pylontech, BYD or LG", "[victron_pgn]")
{
    static const char *const refused[] = {"PYLON", "Pylontec", "pylon", "BYD", "byd box", "LG", "lg chem", "Lg"};
    static const char *const sent[] = {"Pylo", "My PYLON", "BY", "B Y D", "L", "ALG", "Egg", ""};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ROW("refused[%zu]", i);
        TEST_ASSERT_FALSE(may_be_sent(refused[i], "House", "House"));
        TEST_ASSERT_FALSE(may_be_sent("House", refused[i], "House"));
        TEST_ASSERT_FALSE(may_be_sent("House", "House", refused[i]));
    }
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        ROW("sent[%zu]", i);
        TEST_ASSERT_TRUE(may_be_sent("House", sent[i], sent[i]));
    }
}
