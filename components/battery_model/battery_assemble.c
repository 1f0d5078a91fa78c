/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Decodes raw registers into battery_state_t and battery_bms_t, with the plausibility checks of a single snapshot. What
 * needs several snapshots is in battery_belief.c.
 */
#include "battery_assemble.h"

#include <string.h>

#include "tinybms_addresses.h"
#include "tinybms_registers.h"

#define COLDEST_DDEGC   (-500)
#define HOTTEST_DDEGC   1500
#define PACK_PERMILLE   30 /**< the cells and register 36 may differ by so much */
#define CHECK_PERMILLE  10 /**< by so much both can be right: the meter of the pack has an error of its own */
#define CHECK_ROUNDS_MV 100

static battery_quantity_t known(int32_t value)
{
    return (battery_quantity_t){.known = true, .value = value};
}

/** A setting that reads 0 or out of its range is not set: older devices leave some registers at 0. */
static bool setting(const tinybms_snapshot_t *snapshot, uint16_t address, int32_t *value)
{
    const tinybms_register_t *const entry = tinybms_register_by_address(address);
    if (entry == NULL || !snapshot->settings_known) {
        return false;
    }
    const int64_t raw = tinybms_register_raw(entry, &snapshot->settings[address - TINYBMS_SETTINGS_FIRST]);
    const bool in_range = entry->min > entry->max || (raw >= entry->min && raw <= entry->max);
    if (raw == 0 || !in_range) {
        return false;
    }
    *value = (int32_t)raw;
    return true;
}

/** What is known of the number of cells; 0 = this source does not know. */
typedef struct {
    int32_t set;      /**< register 307 */
    int32_t detected; /**< register 53 */
    int32_t measured; /**< registers 0..15 that read more than 0 */
} cell_counts_t;

static cell_counts_t count_cells(const tinybms_snapshot_t *snapshot, const battery_quantity_t *series_cells)
{
    const uint16_t detected = snapshot->live[TINYBMS_REG_CELLS_DETECTED];
    cell_counts_t counts = {.detected = detected <= BATTERY_CELLS_MAX ? detected : 0};
    counts.set = series_cells->known ? series_cells->value : 0;
    for (size_t i = 0; i < BATTERY_CELLS_MAX; i++) {
        counts.measured += snapshot->live[i] > 0 ? 1 : 0;
    }
    return counts;
}

static bool contradicts(int32_t source, int32_t cells)
{
    return source > 0 && source != cells;
}

static bool cell_counts_differ(const cell_counts_t *counts)
{
    const bool from_setting = contradicts(counts->detected, counts->set) || contradicts(counts->measured, counts->set);
    const bool from_bms = counts->detected > 0 && contradicts(counts->measured, counts->detected);
    return (counts->set > 0 && from_setting) || from_bms;
}

/**
 * The setting counts, else what the BMS detects. When nothing confirms it and something contradicts it, the number is
 * not known and a pack voltage limit cannot be made: 0. It is never replaced by another number: CVL would jump.
 */
static uint8_t series_cells(const cell_counts_t *counts)
{
    const int32_t cells = counts->set > 0 ? counts->set : counts->detected;
    const bool confirmed = counts->measured == cells || (counts->set > 0 && counts->detected == cells);
    return confirmed || !cell_counts_differ(counts) ? (uint8_t)cells : 0;
}

static battery_quantity_t milli(const uint16_t *words)
{
    int32_t value = 0;
    return tinybms_float_to_milli(words[0], words[1], &value) ? known(value) : (battery_quantity_t){0};
}

/** A sensor that is not connected reads -32768 (Rev D, registers 42 and 43); what no NTC can tell is none either. */
static battery_quantity_t temperature(uint16_t word)
{
    const int16_t value = (int16_t)word;
    const battery_quantity_t nothing = {.known = false};
    return value < COLDEST_DDEGC || value > HOTTEST_DDEGC ? nothing : known(value);
}

static void fill_cells(const tinybms_snapshot_t *snapshot, battery_state_t *state)
{
    const uint16_t *const live = snapshot->live;
    for (uint8_t i = 0; i < BATTERY_CELLS_MAX; i++) {
        const uint16_t cell = live[i];
        state->cell_100uv[i] = cell;
        if (cell == 0) {
            continue;
        }
        if (!state->cell_min_register.known || cell < state->cell_100uv[state->cell_min_register.value]) {
            state->cell_min_register = known(i);
        }
        if (!state->cell_max_register.known || cell > state->cell_100uv[state->cell_max_register.value]) {
            state->cell_max_register = known(i);
        }
    }
}

/** The worse of what the BMS tells and of what the cells are: control, alarms and frames look at the same. */
static void fill_extremes(const uint16_t *live, battery_state_t *state)
{
    state->cell_min_mv =
        live[TINYBMS_REG_CELL_VOLTAGE_MIN] != 0 ? known(live[TINYBMS_REG_CELL_VOLTAGE_MIN]) : (battery_quantity_t){0};
    state->cell_max_mv =
        live[TINYBMS_REG_CELL_VOLTAGE_MAX] != 0 ? known(live[TINYBMS_REG_CELL_VOLTAGE_MAX]) : (battery_quantity_t){0};
    if (state->cell_min_register.known) {
        const int32_t lowest_100uv = state->cell_100uv[state->cell_min_register.value];
        const int32_t highest_100uv = state->cell_100uv[state->cell_max_register.value];
        state->cell_min_mv = battery_quantity_lower(state->cell_min_mv, known(lowest_100uv / 10));
        state->cell_max_mv = battery_quantity_higher(state->cell_max_mv, known((highest_100uv + 9) / 10));
    }
}

static int32_t sum_of_cells_mv(const uint16_t *live)
{
    int32_t sum_100uv = 0;
    for (size_t i = 0; i < BATTERY_CELLS_MAX; i++) {
        sum_100uv += live[i];
    }
    return sum_100uv / 10;
}

static int32_t distance(int32_t a, int32_t b)
{
    return a > b ? a - b : b - a;
}

bool battery_cells_contradict(const tinybms_snapshot_t *snapshot)
{
    const battery_quantity_t pack_mv = milli(&snapshot->live[TINYBMS_REG_PACK_VOLTAGE]);
    const int32_t sum_mv = sum_of_cells_mv(snapshot->live);
    return sum_mv == 0 ||
           (pack_mv.known && distance(pack_mv.value, sum_mv) > (int64_t)pack_mv.value * PACK_PERMILLE / 1000);
}

static battery_quantity_t checked_pack_mv(const tinybms_snapshot_t *snapshot)
{
    const battery_quantity_t pack_mv = milli(&snapshot->live[TINYBMS_REG_PACK_VOLTAGE]);
    const int32_t sum_mv = sum_of_cells_mv(snapshot->live);
    const bool both_right = distance(pack_mv.value, sum_mv) <= sum_mv * CHECK_PERMILLE / 1000 + CHECK_ROUNDS_MV;
    return pack_mv.known && both_right ? known(sum_mv) : pack_mv;
}

/** Cells that cannot be believed: the mean of the pack and what the BMS tells of its lowest one. */
static void distrust_cells(battery_state_t *state, const uint16_t *live)
{
    const bool told = live[TINYBMS_REG_CELL_VOLTAGE_MIN] != 0;
    if (state->cell_count == 0 || !state->pack_voltage_mv.known) {
        return;
    }
    const battery_quantity_t mean_mv = known(state->pack_voltage_mv.value / state->cell_count);
    state->cell_min_mv = told ? battery_quantity_lower(known(live[TINYBMS_REG_CELL_VOLTAGE_MIN]), mean_mv) : mean_mv;
    state->cell_max_mv = battery_quantity_higher(state->cell_max_mv, mean_mv);
}

static void fill_measurements(const tinybms_snapshot_t *snapshot, battery_state_t *state)
{
    const uint32_t soc_max = 100000000; /* register 46-47 counts 1e-6 % */
    const uint16_t soh_max = 50000;     /* register 45 counts 0.002 % */
    const uint16_t *const live = snapshot->live;
    state->pack_voltage_mv = milli(&live[TINYBMS_REG_PACK_VOLTAGE]);
    state->pack_current_ma = milli(&live[TINYBMS_REG_PACK_CURRENT]);
    const uint32_t soc =
        (uint32_t)live[TINYBMS_REG_STATE_OF_CHARGE] | ((uint32_t)live[TINYBMS_REG_STATE_OF_CHARGE + 1] << 16);
    if (soc <= soc_max) {
        state->soc_ppm = known((int32_t)(soc / 100));
    }
    if (live[TINYBMS_REG_STATE_OF_HEALTH] != 0 && live[TINYBMS_REG_STATE_OF_HEALTH] <= soh_max) {
        state->soh_ppm = known(live[TINYBMS_REG_STATE_OF_HEALTH] * 20);
    }
    for (uint8_t i = 0; i < BATTERY_SENSORS_MAX; i++) {
        state->sensor_ddegc[i] = temperature(live[TINYBMS_REG_TEMPERATURE_EXTERNAL_1 + i]);
    }
    state->bms_temperature_ddegc = temperature(live[TINYBMS_REG_TEMPERATURE_INTERNAL]);
}

static void fill_serial(const uint16_t *registers, battery_state_t *state)
{
    static const char digits[] = "0123456789ABCDEF";
    bool programmed = false;
    for (size_t i = 0; i < TINYBMS_SERIAL_REGISTERS; i++) {
        const uint16_t word = registers[i];
        programmed = programmed || (word != 0 && word != UINT16_MAX);
        for (size_t d = 0; d < 4; d++) {
            state->serial[i * 4 + d] = digits[(word >> (12 - 4 * d)) & 0xF];
        }
    }
    state->serial[BATTERY_SERIAL_LEN] = '\0';
    state->serial_known = programmed;
}

static void fill_version(const tinybms_snapshot_t *snapshot, battery_state_t *state)
{
    if (!snapshot->version_known) {
        return;
    }
    const uint16_t *const version = snapshot->version;
    state->model = known(version[TINYBMS_REG_HARDWARE_VERSION - TINYBMS_VERSION_FIRST]);
    state->firmware_major = known(version[TINYBMS_REG_FIRMWARE_PUBLIC - TINYBMS_VERSION_FIRST] & 0xFF);
    state->firmware_minor = known(version[TINYBMS_REG_FIRMWARE_INTERNAL - TINYBMS_VERSION_FIRST] & 0xFF);
    fill_serial(&version[TINYBMS_REG_SERIAL_NUMBER_0 - TINYBMS_VERSION_FIRST], state);
}

static void fill_capacity(const battery_bms_t *bms, battery_state_t *state)
{
    if (bms->capacity_mah.known) {
        state->installed_capacity_mah = bms->capacity_mah;
        const int64_t health_ppm = state->soh_ppm.known ? state->soh_ppm.value : 1000000;
        state->usable_capacity_mah = known((int32_t)(state->installed_capacity_mah.value * health_ppm / 1000000));
    }
}

/** A setting in its unit of the state; not known when it is not set. */
static battery_quantity_t scaled(const tinybms_snapshot_t *snapshot, uint16_t address, int32_t factor)
{
    int32_t raw = 0;
    return setting(snapshot, address, &raw) ? known(raw * factor) : (battery_quantity_t){0};
}

static battery_quantity_t cold_charge(const tinybms_snapshot_t *snapshot)
{
    const int16_t celsius =
        (int16_t)snapshot->settings[TINYBMS_REG_LOW_TEMPERATURE_CHARGER_CUTOFF - TINYBMS_SETTINGS_FIRST];
    const battery_quantity_t freezing = {.known = snapshot->settings_known, .value = 0};
    return celsius == 0 ? freezing : scaled(snapshot, TINYBMS_REG_LOW_TEMPERATURE_CHARGER_CUTOFF, 10);
}

void battery_assemble_settings(const tinybms_snapshot_t *snapshot, battery_bms_t *bms)
{
    const uint16_t restart_enabled = 1U << 2;
    memset(bms, 0, sizeof(*bms));
    bms->settings_known = snapshot->settings_known;
    bms->full_mv = scaled(snapshot, TINYBMS_REG_FULLY_CHARGED_VOLTAGE, 1);
    bms->empty_mv = scaled(snapshot, TINYBMS_REG_FULLY_DISCHARGED_VOLTAGE, 1);
    bms->balance_mv = scaled(snapshot, TINYBMS_REG_EARLY_BALANCING_THRESHOLD, 1);
    bms->charge_finish_ma = scaled(snapshot, TINYBMS_REG_CHARGE_FINISHED_CURRENT, 1);
    bms->capacity_mah = scaled(snapshot, TINYBMS_REG_BATTERY_CAPACITY, 10);
    bms->series_cells = scaled(snapshot, TINYBMS_REG_SERIES_CELLS, 1);
    bms->over_voltage_mv = scaled(snapshot, TINYBMS_REG_OVER_VOLTAGE_CUTOFF, 1);
    bms->under_voltage_mv = scaled(snapshot, TINYBMS_REG_UNDER_VOLTAGE_CUTOFF, 1);
    bms->peak_current_ma = scaled(snapshot, TINYBMS_REG_PEAK_DISCHARGE_CURRENT_CUTOFF, 1000);
    bms->discharge_current_ma = scaled(snapshot, TINYBMS_REG_DISCHARGE_OVER_CURRENT_CUTOFF, 1000);
    bms->discharge_max_ma = battery_discharge_max_ma(bms);
    bms->charge_max_ma = scaled(snapshot, TINYBMS_REG_CHARGE_OVER_CURRENT_CUTOFF, 1000);
    bms->over_heat_ddegc = scaled(snapshot, TINYBMS_REG_OVER_HEAT_CUTOFF, 10);
    bms->cold_charge_ddegc = cold_charge(snapshot);
    if ((snapshot->settings[TINYBMS_REG_CHARGE_RESTART_LEVEL_ENABLED - TINYBMS_SETTINGS_FIRST] & restart_enabled) !=
        0) {
        bms->restart_ppm = scaled(snapshot, TINYBMS_REG_CHARGE_RESTART_LEVEL, 10000);
    }
}

/** An event that nobody knows stands for those that may be missing. */
static void fill_faults(const tinybms_snapshot_t *snapshot, battery_bms_t *bms)
{
    bms->fault = snapshot->live[TINYBMS_REG_ONLINE_STATUS] == TINYBMS_STATUS_FAULT;
    bms->fault_count = snapshot->fault_count;
    memcpy(bms->faults, snapshot->faults, sizeof(snapshot->faults));
    if (bms->fault && (snapshot->events_doubtful || snapshot->fault_count == 0)) {
        bms->faults[bms->fault_count++] = 0;
    }
}

void battery_assemble_live(const tinybms_snapshot_t *snapshot, battery_bms_t *bms, battery_state_t *state)
{
    memset(state, 0, sizeof(*state));
    const cell_counts_t counts = count_cells(snapshot, &bms->series_cells);
    state->snapshot_ms = snapshot->taken_ms;
    state->sequence = snapshot->sequence;
    state->cell_count = series_cells(&counts);
    fill_cells(snapshot, state);
    fill_extremes(snapshot->live, state);
    fill_measurements(snapshot, state);
    state->pack_checked_mv = checked_pack_mv(snapshot);
    fill_version(snapshot, state);
    fill_capacity(bms, state);
    fill_faults(snapshot, bms);
    bms->fully_charged = snapshot->live[TINYBMS_REG_ONLINE_STATUS] == TINYBMS_STATUS_FULL;
    bms->cell_count_differs = cell_counts_differ(&counts);
    bms->cells_contradict = battery_cells_contradict(snapshot);
    if (bms->cells_contradict) {
        distrust_cells(state, snapshot->live);
    }
}
