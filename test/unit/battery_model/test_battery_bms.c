/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <string.h>

#include "../row.h"
#include "battery_assemble.h"
#include "unity.h"

static battery_bms_t bms_of(const tinybms_snapshot_t *snapshot)
{
    battery_bms_t bms;
    battery_state_t state;
    battery_assemble_settings(snapshot, &bms);
    battery_assemble_live(snapshot, &bms, &state);
    return bms;
}

static tinybms_snapshot_t with_setting(uint16_t address, uint16_t value)
{
    tinybms_snapshot_t snapshot = {.settings_known = true};
    snapshot.settings[address - 300] = value;
    return snapshot;
}

/** A setting that is not set when it reads 0: its register, least and greatest value, and its unit in the state. */
typedef struct {
    uint16_t address;
    uint16_t min;
    uint16_t max;
    int32_t factor;
    size_t offset; /**< of the field of battery_bms_t */
} setting_t;

static const setting_t s_settings[] = {
    {300, 1200, 4500, 1, offsetof(battery_bms_t, full_mv)},
    {301, 1000, 3500, 1, offsetof(battery_bms_t, empty_mv)},
    {303, 1000, 4500, 1, offsetof(battery_bms_t, balance_mv)},
    {304, 100, 5000, 1, offsetof(battery_bms_t, charge_finish_ma)},
    {305, 1, 65535, 1000, offsetof(battery_bms_t, peak_current_ma)}, /* the maker gives no range */
    {306, 10, 65500, 10, offsetof(battery_bms_t, capacity_mah)},
    {307, 4, 16, 1, offsetof(battery_bms_t, series_cells)},
    {315, 1200, 4500, 1, offsetof(battery_bms_t, over_voltage_mv)},
    {316, 800, 3500, 1, offsetof(battery_bms_t, under_voltage_mv)},
    {317, 1, 750, 1000, offsetof(battery_bms_t, discharge_current_ma)},
    {318, 1, 750, 1000, offsetof(battery_bms_t, charge_max_ma)},
    {319, 20, 90, 10, offsetof(battery_bms_t, over_heat_ddegc)},
};

static battery_quantity_t read(const setting_t *setting, uint16_t value)
{
    const tinybms_snapshot_t snapshot = with_setting(setting->address, value);
    const battery_bms_t bms = bms_of(&snapshot);
    battery_quantity_t quantity;
    memcpy(&quantity, (const char *)&bms + setting->offset, sizeof(quantity));
    return quantity;
}

static void expect(const setting_t *setting, uint16_t value)
{
    const battery_quantity_t quantity = read(setting, value);
    TEST_ASSERT_TRUE(quantity.known);
    TEST_ASSERT_EQUAL_INT32(value * setting->factor, quantity.value);
}

TEST_CASE("a setting in its range is known in the unit of its name", "[battery_model]")
{
    for (size_t i = 0; i < sizeof(s_settings) / sizeof(s_settings[0]); i++) {
        ROW("s_settings[%zu]", i);
        expect(&s_settings[i], s_settings[i].min);
        expect(&s_settings[i], s_settings[i].max);
        expect(&s_settings[i], (uint16_t)((s_settings[i].min + s_settings[i].max) / 2));
    }
}

TEST_CASE("a setting that reads 0 or out of its range is not set", "[battery_model]")
{
    for (size_t i = 0; i < sizeof(s_settings) / sizeof(s_settings[0]); i++) {
        ROW("s_settings[%zu]", i);
        TEST_ASSERT_FALSE(read(&s_settings[i], 0).known);
        TEST_ASSERT_FALSE(read(&s_settings[i], (uint16_t)(s_settings[i].min - 1)).known);
        if (s_settings[i].max < UINT16_MAX) {
            TEST_ASSERT_FALSE(read(&s_settings[i], (uint16_t)(s_settings[i].max + 1)).known);
            TEST_ASSERT_FALSE(read(&s_settings[i], UINT16_MAX).known);
        }
    }
}

TEST_CASE("no setting is known before the settings have been read", "[battery_model]")
{
    tinybms_snapshot_t snapshot = {.settings_known = false};
    for (size_t i = 0; i < TINYBMS_SETTINGS_COUNT; i++) {
        snapshot.settings[i] = 1300;
    }
    const battery_bms_t bms = bms_of(&snapshot);
    TEST_ASSERT_FALSE(bms.settings_known);
    for (size_t i = 0; i < sizeof(s_settings) / sizeof(s_settings[0]); i++) {
        ROW("s_settings[%zu]", i);
        bool known;
        memcpy(&known, (const char *)&bms + s_settings[i].offset + offsetof(battery_quantity_t, known), sizeof(known));
        TEST_ASSERT_FALSE(known);
    }
    TEST_ASSERT_FALSE(bms.restart_ppm.known);
    snapshot.settings[20] = 0; /* 320: 0 degC when it has been read */
    TEST_ASSERT_FALSE(bms_of(&snapshot).cold_charge_ddegc.known);
    snapshot.settings_known = true;
    TEST_ASSERT_TRUE(bms_of(&snapshot).settings_known);
}

static battery_quantity_t cold_charge(int16_t celsius)
{
    const tinybms_snapshot_t snapshot = with_setting(320, (uint16_t)celsius);
    return bms_of(&snapshot).cold_charge_ddegc;
}

TEST_CASE("the cold cutoff may be negative, and 0 is 0 degC", "[battery_model]")
{
    static const int16_t set[] = {-40, -1, 0, 1, 10};
    for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
        ROW("set[%zu]", i);
        TEST_ASSERT_TRUE(cold_charge(set[i]).known);
        TEST_ASSERT_EQUAL_INT32(10 * set[i], cold_charge(set[i]).value);
    }
    static const int16_t unset[] = {-41, 11, INT16_MIN, INT16_MAX};
    for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++) {
        ROW("unset[%zu]", i);
        TEST_ASSERT_FALSE(cold_charge(unset[i]).known);
    }
}

TEST_CASE("a heat cutoff below zero is not set", "[battery_model]")
{
    const tinybms_snapshot_t snapshot = with_setting(319, (uint16_t)-20);
    TEST_ASSERT_FALSE(bms_of(&snapshot).over_heat_ddegc.known);
}

static battery_quantity_t restart(uint16_t percent, uint16_t flags)
{
    tinybms_snapshot_t snapshot = with_setting(321, percent);
    snapshot.settings[29] = flags; /* 329 */
    return bms_of(&snapshot).restart_ppm;
}

TEST_CASE("the charge restart level counts only when bit 2 of register 329 enables it", "[battery_model]")
{
    TEST_ASSERT_TRUE(restart(60, 0x0004).known);
    TEST_ASSERT_EQUAL_INT32(600000, restart(60, 0x0004).value);
    TEST_ASSERT_EQUAL_INT32(950000, restart(95, 0xFFFF).value);
    TEST_ASSERT_FALSE(restart(80, 0x0000).known);
    TEST_ASSERT_FALSE(restart(80, 0xFFFB).known);
    TEST_ASSERT_FALSE(restart(0, 0x0004).known);
    TEST_ASSERT_FALSE(restart(59, 0x0004).known);
    TEST_ASSERT_FALSE(restart(96, 0x0004).known);
}

TEST_CASE("of the two cutoffs of the discharge current the lower one counts", "[battery_model]")
{
    tinybms_snapshot_t snapshot = with_setting(317, 60);
    static const struct {
        uint16_t peak; /**< 305 */
        int32_t expected_ma;
    } cases[] = {{0, 60000}, {59, 59000}, {60, 60000}, {61, 60000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        snapshot.settings[5] = cases[i].peak;
        TEST_ASSERT_EQUAL_INT32(cases[i].expected_ma, bms_of(&snapshot).discharge_max_ma.value);
    }
    snapshot.settings[17] = 0;
    TEST_ASSERT_EQUAL_INT32(61000, bms_of(&snapshot).discharge_max_ma.value);
    snapshot.settings[5] = 0;
    TEST_ASSERT_FALSE(bms_of(&snapshot).discharge_max_ma.known);
}

TEST_CASE("fully charged and fault are states of register 50 alone", "[battery_model]")
{
    for (uint16_t status = 0x90; status < 0xA0; status++) {
        ROW("status 0x%02X", status);
        tinybms_snapshot_t snapshot = {.fault_count = 1, .faults = {0x03}};
        snapshot.live[50] = status;
        const battery_bms_t bms = bms_of(&snapshot);
        TEST_ASSERT_EQUAL(status == 0x92, bms.fully_charged);
        TEST_ASSERT_EQUAL(status == 0x9B, bms.fault);
    }
}

static void expect_faults(const tinybms_snapshot_t *snapshot, const char *ids)
{
    const battery_bms_t bms = bms_of(snapshot);
    TEST_ASSERT_EQUAL_UINT8(strlen(ids), bms.fault_count);
    for (size_t i = 0; i < bms.fault_count; i++) {
        ROW("faults[%zu]", i);
        TEST_ASSERT_EQUAL_HEX8(ids[i] == '?' ? 0 : (uint8_t)ids[i], bms.faults[i]);
    }
}

TEST_CASE("all events that hold count, and one that nobody knows when there is none or one may be missing",
          "[battery_model]")
{
    tinybms_snapshot_t snapshot = {.fault_count = 2, .faults = {0x37, 0x02}};
    expect_faults(&snapshot, "\x37\x02");
    snapshot.live[50] = 0x9B;
    expect_faults(&snapshot, "\x37\x02");
    snapshot.events_doubtful = true;
    expect_faults(&snapshot, "\x37\x02?");
    snapshot.fault_count = 0;
    expect_faults(&snapshot, "?");
    snapshot.events_doubtful = false;
    expect_faults(&snapshot, "?");
    snapshot.fault_count = TINYBMS_FAULTS_MAX;
    snapshot.events_doubtful = true;
    TEST_ASSERT_EQUAL_UINT8(TINYBMS_FAULTS_MAX + 1, bms_of(&snapshot).fault_count);
}

/* ---- number of cells ---- */

typedef struct {
    uint8_t set;      /**< 307 */
    uint8_t detected; /**< 53 */
    uint8_t measured; /**< registers 0..15 that are not 0 */
    uint8_t cells;    /**< 0 = not known */
    bool differs;
} cell_count_t;

static void expect_cells(const cell_count_t *expected)
{
    tinybms_snapshot_t snapshot = with_setting(307, expected->set);
    snapshot.live[53] = expected->detected;
    for (uint8_t i = 0; i < expected->measured; i++) {
        snapshot.live[15 - i] = 38000;
    }
    battery_bms_t bms;
    battery_state_t state;
    battery_assemble_settings(&snapshot, &bms);
    battery_assemble_live(&snapshot, &bms, &state);
    TEST_ASSERT_EQUAL_UINT8(expected->cells, state.cell_count);
    TEST_ASSERT_EQUAL(expected->differs, bms.cell_count_differs);
}

TEST_CASE("the number of cells is the one that is set, else the one that is detected", "[battery_model]")
{
    static const cell_count_t cases[] = {{14, 14, 14, 14, false}, {4, 4, 4, 4, false},     {16, 16, 16, 16, false},
                                         {0, 14, 14, 14, false},  {3, 14, 14, 14, false},  {17, 14, 14, 14, false},
                                         {14, 0, 14, 14, false},  {14, 17, 14, 14, false}, {14, 14, 0, 14, false},
                                         {14, 0, 0, 14, false},   {0, 14, 0, 14, false},   {0, 0, 14, 0, false},
                                         {0, 0, 0, 0, false},     {0, 17, 0, 0, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        expect_cells(&cases[i]);
    }
}

TEST_CASE("a number of cells that something confirms and something contradicts stays and is told", "[battery_model]")
{
    static const cell_count_t cases[] = {
        {14, 13, 14, 14, true}, {14, 16, 14, 14, true}, {14, 14, 13, 14, true}, {14, 14, 15, 14, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        expect_cells(&cases[i]);
    }
}

TEST_CASE("a number of cells that nothing confirms and something contradicts is not known", "[battery_model]")
{
    static const cell_count_t cases[] = {{16, 14, 14, 0, true}, {13, 14, 14, 0, true}, {16, 0, 14, 0, true},
                                         {16, 12, 14, 0, true}, {16, 14, 0, 0, true},  {0, 16, 14, 0, true},
                                         {0, 13, 14, 0, true},  {14, 13, 13, 0, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        expect_cells(&cases[i]);
    }
}

/* ---- faults ---- */

typedef struct {
    bool stops_charge;
    bool stops_discharge;
    battery_alarm_id_t alarm;
} meaning_t;

/** As the specification of the control has it. */
static meaning_t meaning_of(uint8_t event)
{
    switch (event) {
    case 0x02: /* under-voltage */
    case 0x31: /* fully discharged */
        return (meaning_t){.stops_discharge = true, .alarm = BATTERY_ALARM_LOW_VOLTAGE};
    case 0x03: /* over-voltage */
        return (meaning_t){.stops_charge = true, .alarm = BATTERY_ALARM_HIGH_VOLTAGE};
    case 0x05: /* discharge over-current */
        return (meaning_t){.stops_discharge = true, .alarm = BATTERY_ALARM_HIGH_DISCHARGE_CURRENT};
    case 0x06: /* charge and regeneration over-current */
    case 0x07:
        return (meaning_t){.stops_charge = true, .alarm = BATTERY_ALARM_HIGH_CHARGE_CURRENT};
    case 0x37: /* low temperature charging */
        return (meaning_t){.stops_charge = true, .alarm = BATTERY_ALARM_LOW_TEMPERATURE_CHARGE};
    case 0x04:
        return (meaning_t){true, true, BATTERY_ALARM_HIGH_TEMPERATURE};
    case 0x0A:
        return (meaning_t){true, true, BATTERY_ALARM_LOW_TEMPERATURE};
    default:
        return (meaning_t){true, true, BATTERY_ALARM_BMS_INTERNAL};
    }
}

TEST_CASE("each event forbids what the protocol's meaning of it asks for, an unknown one both directions",
          "[battery_model]")
{
    for (int event = 0; event <= 0xFF; event++) {
        ROW("event 0x%02X", event);
        const meaning_t expected = meaning_of((uint8_t)event);
        const battery_fault_effect_t effect = battery_fault_effect((uint8_t)event);
        TEST_ASSERT_EQUAL(expected.stops_charge, effect.stops_charge);
        TEST_ASSERT_EQUAL(expected.stops_discharge, effect.stops_discharge);
        TEST_ASSERT_EQUAL_STRING(battery_alarm_text(expected.alarm),
                                 battery_alarm_text(battery_fault_alarm((uint8_t)event)));
    }
}

TEST_CASE("two faults forbid what each of them forbids, and each raises its alarm", "[battery_model]")
{
    for (int first = 0; first <= 0x40; first++) {
        for (int second = 0; second <= 0x40; second++) {
            ROW("events 0x%02X and 0x%02X", first, second);
            const battery_bms_t bms = {.fault = true, .fault_count = 2, .faults = {(uint8_t)first, (uint8_t)second}};
            const meaning_t a = meaning_of((uint8_t)first);
            const meaning_t b = meaning_of((uint8_t)second);
            uint8_t event = 0xFF;
            TEST_ASSERT_EQUAL(a.stops_charge || b.stops_charge, battery_faults_effect(&bms).stops_charge);
            TEST_ASSERT_EQUAL(a.stops_discharge || b.stops_discharge, battery_faults_effect(&bms).stops_discharge);
            for (battery_alarm_id_t id = 0; id < BATTERY_ALARM_COUNT; id++) {
                TEST_ASSERT_EQUAL(id == a.alarm || id == b.alarm, battery_faults_alarm(&bms, id, &event));
            }
            TEST_ASSERT_TRUE(battery_faults_alarm(&bms, b.alarm, &event));
            TEST_ASSERT_EQUAL_HEX8((uint8_t)second, event);
        }
    }
}

TEST_CASE("without a fault no event forbids anything or raises an alarm", "[battery_model]")
{
    const battery_bms_t bms = {.fault = false, .fault_count = 1, .faults = {0x04}};
    uint8_t event = 0;
    TEST_ASSERT_FALSE(battery_faults_effect(&bms).stops_charge || battery_faults_effect(&bms).stops_discharge);
    TEST_ASSERT_FALSE(battery_faults_alarm(&bms, BATTERY_ALARM_HIGH_TEMPERATURE, &event));
}

/* ---- limit registers ---- */

static battery_quantity_t quantity(int32_t value)
{
    return (battery_quantity_t){.known = true, .value = value};
}

TEST_CASE("of two values of a limit register the one that allows less is the stricter one", "[battery_model]")
{
    static const struct {
        battery_register_t id;
        bool lower;
        uint16_t address;
    } cases[] = {
        {BATTERY_REGISTER_EMPTY, false, 301},         {BATTERY_REGISTER_OVER_VOLTAGE, true, 315},
        {BATTERY_REGISTER_UNDER_VOLTAGE, false, 316}, {BATTERY_REGISTER_DISCHARGE_CURRENT, true, 317},
        {BATTERY_REGISTER_PEAK_CURRENT, true, 305},   {BATTERY_REGISTER_CHARGE_CURRENT, true, 318},
        {BATTERY_REGISTER_OVER_HEAT, true, 319},      {BATTERY_REGISTER_COLD_CHARGE, false, 320},
    };
    const battery_quantity_t unknown = {.known = false, .value = 5};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("register %u", (unsigned)cases[i].address);
        const int32_t expected = cases[i].lower ? 10 : 20;
        TEST_ASSERT_EQUAL_INT32(expected, battery_register_stricter(cases[i].id, quantity(10), quantity(20)).value);
        TEST_ASSERT_EQUAL_INT32(expected, battery_register_stricter(cases[i].id, quantity(20), quantity(10)).value);
        TEST_ASSERT_EQUAL_INT32(7, battery_register_stricter(cases[i].id, quantity(7), unknown).value);
        TEST_ASSERT_EQUAL_INT32(7, battery_register_stricter(cases[i].id, unknown, quantity(7)).value);
        TEST_ASSERT_FALSE(battery_register_stricter(cases[i].id, unknown, unknown).known);
        TEST_ASSERT_EQUAL_UINT16(cases[i].address, battery_register_address(cases[i].id));
    }
    TEST_ASSERT_EQUAL_UINT16(0, battery_register_address(BATTERY_REGISTER_COUNT));
}

TEST_CASE("a limit register is its field, and while that is not known its strictest value", "[battery_model]")
{
    battery_bms_t bms = {.empty_mv = quantity(1),
                         .over_voltage_mv = quantity(2),
                         .under_voltage_mv = quantity(3),
                         .peak_current_ma = quantity(4),
                         .discharge_current_ma = quantity(5),
                         .charge_max_ma = quantity(6),
                         .over_heat_ddegc = quantity(7),
                         .cold_charge_ddegc = quantity(8)};
    for (battery_register_t id = 0; id < BATTERY_REGISTER_COUNT; id++) {
        ROW("register %u", (unsigned)battery_register_address(id));
        TEST_ASSERT_EQUAL_INT32((int32_t)id + 1, battery_register_get(&bms, id).value);
        bms.strictest[id] = quantity(100);
        TEST_ASSERT_EQUAL_INT32((int32_t)id + 1, battery_register_limit(&bms, id).value);
        battery_register_set(&bms, id, (battery_quantity_t){.known = false});
        TEST_ASSERT_FALSE(battery_register_get(&bms, id).known);
        TEST_ASSERT_EQUAL_INT32(100, battery_register_limit(&bms, id).value);
    }
}
