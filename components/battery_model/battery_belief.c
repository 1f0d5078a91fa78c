/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Filters over several snapshots: a lost sensor, a changed setting, a doubtful cell count. battery_assemble.c decodes
 * one snapshot; here it is decided whether to believe it.
 */
#include "battery_belief.h"

#include <string.h>

#include "battery_assemble.h"

#define LOW_EVENT  0x02 /**< under-voltage cutoff */
#define HIGH_EVENT 0x03 /**< over-voltage cutoff */

#define DISPUTED 0x100 /**< beside the number of cells */

void battery_belief_init(battery_belief_t *belief, uint8_t sensors_seen)
{
    memset(belief, 0, sizeof(*belief));
    belief->sensors_seen = sensors_seen;
}

void battery_belief_resume(battery_belief_t *belief)
{
    memset(belief->sensors, 0, sizeof(belief->sensors));
    belief->board = (battery_belief_sensor_t){0};
    belief->cells.filled = false;
    belief->fully_charged.filled = false;
    belief->soc_ppm.filled = false;
}

void battery_belief_forget_sensor(battery_belief_t *belief, uint8_t sensor)
{
    belief->sensors_seen = (uint8_t)(belief->sensors_seen & ~(1U << sensor));
}

static uint8_t one_more(uint8_t count)
{
    return (uint8_t)(count < BATTERY_BELIEF_BLOCKS ? count + 1 : BATTERY_BELIEF_BLOCKS);
}

/* ---- settings ---- */

static bool differ(battery_quantity_t a, battery_quantity_t b)
{
    return a.known != b.known || a.value != b.value;
}

/** What tightens counts at once. All else waits until the same has been read twice. @return whether anything differs */
static bool tighten(battery_bms_t *believed, const battery_bms_t *told)
{
    bool different = differ(believed->full_mv, told->full_mv);
    for (battery_register_t id = 0; id < BATTERY_REGISTER_COUNT; id++) {
        const battery_quantity_t now = battery_register_get(believed, id);
        different = different || differ(now, battery_register_get(told, id));
        if (now.known) {
            battery_register_set(believed, id, battery_register_stricter(id, now, battery_register_get(told, id)));
        }
    }
    if (told->full_mv.known && told->full_mv.value < believed->full_mv.value) {
        believed->full_mv = told->full_mv;
    }
    return different;
}

static void note_registers(battery_bms_t *believed)
{
    believed->registers_lost = 0;
    for (battery_register_t id = 0; id < BATTERY_REGISTER_COUNT; id++) {
        const battery_quantity_t now = battery_register_get(believed, id);
        const bool lost = believed->strictest[id].known && !now.known;
        believed->strictest[id] = battery_register_stricter(id, believed->strictest[id], now);
        believed->registers_lost = (uint8_t)(believed->registers_lost | (lost ? 1U << id : 0U));
    }
    believed->discharge_max_ma = battery_discharge_max_ma(believed);
}

static void believe_settings(battery_belief_t *belief, const tinybms_snapshot_t *snapshot)
{
    battery_bms_t *const believed = &belief->settings;
    battery_bms_t told;
    if (!snapshot->settings_known) {
        return;
    }
    battery_assemble_settings(snapshot, &told);
    if (!believed->settings_known || snapshot->settings_alike > 1) {
        memcpy(told.strictest, believed->strictest, sizeof(told.strictest));
        *believed = told;
        note_registers(believed);
    } else if (tighten(believed, &told)) {
        believed->settings_unconfirmed = true;
        believed->discharge_max_ma = battery_discharge_max_ma(believed);
    }
}

/* ---- measurements ---- */

/** A sensor counts as soon as it is there; one that was there for long is missed only after three blocks. */
static void believe_sensor(battery_belief_sensor_t *sensor, battery_quantity_t *reading, bool *seen)
{
    if (reading->known) {
        sensor->value = *reading;
        sensor->there = one_more(sensor->there);
        sensor->missing = 0;
        *seen = *seen || sensor->there == BATTERY_BELIEF_BLOCKS;
        return;
    }
    sensor->there = 0;
    sensor->missing = one_more(sensor->missing);
    if (!*seen || sensor->missing == BATTERY_BELIEF_BLOCKS) {
        sensor->value.known = false;
    }
    *reading = sensor->value;
}

static void believe_temperatures(battery_belief_t *belief, battery_bms_t *bms, battery_state_t *state)
{
    for (size_t i = 0; i < BATTERY_SENSORS_MAX; i++) {
        const unsigned bit = 1U << i;
        bool seen = (belief->sensors_seen & bit) != 0;
        believe_sensor(&belief->sensors[i], &state->sensor_ddegc[i], &seen);
        belief->sensors_seen = (uint8_t)(belief->sensors_seen | (seen ? bit : 0U));
        const bool lost = seen && !state->sensor_ddegc[i].known;
        bms->sensors_lost = (uint8_t)(bms->sensors_lost | (lost ? bit : 0U));
    }
    believe_sensor(&belief->board, &state->bms_temperature_ddegc, &belief->board_seen);
}

static int32_t believe_fact(battery_belief_fact_t *fact, int32_t told)
{
    if (!fact->filled) {
        *fact = (battery_belief_fact_t){.filled = true, .value = told};
    }
    fact->count = told == fact->other ? one_more(fact->count) : 1;
    fact->other = told;
    if (fact->count == BATTERY_BELIEF_BLOCKS) {
        fact->value = told;
    }
    return fact->value;
}

static void believe_soc(battery_belief_t *belief, battery_quantity_t *soc)
{
    if (soc->known) {
        soc->value = battery_median_take(&belief->soc_ppm, soc->value);
    }
}

static void believe_cells(battery_belief_t *belief, battery_bms_t *bms, battery_state_t *state)
{
    const int32_t told = state->cell_count | (bms->cell_count_differs ? DISPUTED : 0);
    const int32_t cells = believe_fact(&belief->cells, told);
    state->cell_count = (uint8_t)(cells & ~DISPUTED);
    bms->cell_count_differs = (cells & DISPUTED) != 0;
    bms->fully_charged = believe_fact(&belief->fully_charged, bms->fully_charged) != 0;
}

/* ---- the fault that no event explains ---- */

/** @return whether it has been three blocks in a row, now or before */
static bool believe_explanation(uint8_t *blocks, bool told)
{
    if (*blocks < BATTERY_BELIEF_BLOCKS) {
        *blocks = told ? one_more(*blocks) : 0;
    }
    return *blocks == BATTERY_BELIEF_BLOCKS;
}

/**
 * The events may have been cleared: then the cells tell what it is, until the fault ends. An empty battery must be
 * able to be charged, and an overfull one to be discharged.
 */
static void explain_fault(battery_belief_t *belief, const tinybms_snapshot_t *snapshot, battery_bms_t *bms,
                          const battery_state_t *state)
{
    const bool read_once = bms->settings_unconfirmed || snapshot->settings_alike == 1;
    const battery_quantity_t low_mv = bms->under_voltage_mv;
    const battery_quantity_t high_mv = bms->over_voltage_mv;
    const bool low = low_mv.known && state->cell_min_mv.known && state->cell_min_mv.value < low_mv.value;
    const bool high = high_mv.known && state->cell_max_mv.known && state->cell_max_mv.value >= high_mv.value;
    if (!bms->fault) {
        belief->low_blocks = 0;
        belief->high_blocks = 0;
        return;
    }
    if (snapshot->events_doubtful || snapshot->fault_count > 0 || bms->cells_contradict || read_once) {
        return;
    }
    const bool is_low = believe_explanation(&belief->low_blocks, low);
    const bool is_high = believe_explanation(&belief->high_blocks, high);
    if (is_low || is_high) {
        bms->faults[0] = is_low ? LOW_EVENT : HIGH_EVENT;
        bms->faults[1] = HIGH_EVENT;
        bms->fault_count = is_low && is_high ? 2 : 1;
    }
}

bool battery_belief_take(battery_belief_t *belief, const tinybms_snapshot_t *snapshot, battery_bms_t *bms,
                         battery_state_t *state)
{
    if (battery_cells_contradict(snapshot)) {
        belief->contradicting = one_more(belief->contradicting);
    } else {
        belief->contradicting = 0;
    }
    if (belief->contradicting > 0 && belief->contradicting < BATTERY_BELIEF_BLOCKS) {
        return false;
    }
    believe_settings(belief, snapshot);
    *bms = belief->settings;
    battery_assemble_live(snapshot, bms, state);
    believe_cells(belief, bms, state);
    believe_temperatures(belief, bms, state);
    believe_soc(belief, &state->soc_ppm);
    explain_fault(belief, snapshot, bms, state);
    return true;
}
