/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Integrates current and power into charge and energy, and derives cycles and times. Storage is in energy_log.c. */
#include "energy_meter.h"

#include <assert.h>
#include <string.h>

#define LONGEST_GAP_MS 5000
#define VOLTAGE_MAX_MV 80000
#define CURRENT_MAX_MA 1000000
#define SMOOTHING_MS   120000
#define MINUTE_MS      60000
#define US_PER_MS      1000
#define PJ_PER_MWH     3600000000000 /* 1 mWh = 3.6 J */
#define NAS_PER_MAH    3600000000    /* 1 mAh = 3.6 As */

void energy_meter_init(energy_meter_t *meter, const energy_totals_t *totals)
{
    memset(meter, 0, sizeof(*meter));
    if (totals != NULL) {
        meter->totals = *totals;
        /* Full when it was saved: a battery that is still full has not become full once more. */
        meter->was_full = totals->full_count > 0 && totals->full_at_min == totals->metered_min;
    }
}

static void count(int64_t *total, int64_t *rest, int64_t amount, int64_t unit)
{
    assert(amount >= 0); /* a counter never runs backwards */
    *rest += amount;
    const int64_t whole = *rest / unit;
    *total += whole;
    *rest -= whole * unit;
}

/**
 * A time in which current and power go in a straight line and do not change their sign, by the sums of both ends:
 * 0.5 mA * us = 0.5 nAs, 0.5 uW * us = 0.5 pJ.
 */
static void integrate(energy_meter_t *meter, int32_t us, int32_t sum_ma, int64_t sum_uw)
{
    energy_totals_t *const totals = &meter->totals;
    const bool in = sum_ma > 0;
    if (!in) {
        us = -us;
    }
    count(in ? &totals->in_mah : &totals->out_mah, &meter->rest_nas[in], (int64_t)sum_ma * us, 2 * NAS_PER_MAH);
    count(in ? &totals->in_mwh : &totals->out_mwh, &meter->rest_pj[in], sum_uw * us, 2 * PJ_PER_MWH);
}

static void meter_interval(energy_meter_t *meter, int32_t ms, int32_t ma, int64_t uw)
{
    int32_t us = ms * US_PER_MS;
    int32_t sum_ma = ma;
    int64_t sum_uw = uw;
    if ((meter->last_ma < 0) != (ma < 0)) {
        const int32_t until_zero_us = (int32_t)((int64_t)us * meter->last_ma / (meter->last_ma - ma));
        integrate(meter, until_zero_us, meter->last_ma, meter->last_uw);
        us -= until_zero_us;
    } else {
        sum_ma += meter->last_ma;
        sum_uw += meter->last_uw;
    }
    integrate(meter, us, sum_ma, sum_uw);
    meter->rest_ms += ms;
    if (meter->rest_ms >= MINUTE_MS) {
        meter->rest_ms -= MINUTE_MS;
        meter->totals.metered_min++;
    }
    meter->mean_ua += (int32_t)(((int64_t)ma * 1000 - meter->mean_ua) * ms / SMOOTHING_MS);
}

static void take_sample(energy_meter_t *meter, int64_t now_ms, const battery_state_t *state)
{
    const int32_t ma = state->pack_current_ma.value;
    const int32_t mv = state->pack_voltage_mv.value;
    const int64_t uw = (int64_t)mv * ma;
    const int64_t gap_ms = now_ms - meter->last_ms;
    const bool joined = meter->has_last && gap_ms > 0 && gap_ms <= LONGEST_GAP_MS;
    meter->has_last = state->pack_current_ma.known && state->pack_voltage_mv.known && mv > 0 && mv <= VOLTAGE_MAX_MV &&
                      ma >= -CURRENT_MAX_MA && ma <= CURRENT_MAX_MA;
    if (meter->has_last && joined) {
        meter_interval(meter, (int32_t)gap_ms, ma, uw);
    } else {
        meter->mean_ua = meter->has_last ? ma * 1000 : 0;
    }
    meter->last_ms = now_ms;
    meter->last_ma = ma;
    meter->last_uw = uw;
}

static void note_full(energy_meter_t *meter, bool full)
{
    energy_totals_t *const totals = &meter->totals;
    if (full) {
        totals->full_count += meter->was_full ? 0 : 1;
        totals->full_at_min = totals->metered_min;
    }
    meter->was_full = full;
}

/** Minutes until a share of the usable capacity has flown. */
static void set_time(battery_quantity_t *time, const battery_state_t *state, int32_t share_ppm, int32_t mean_ua)
{
    const int32_t capacity_mah = state->usable_capacity_mah.value;
    time->known = state->usable_capacity_mah.known && state->soc_ppm.known && capacity_mah > 0 &&
                  mean_ua / 10 >= capacity_mah; /* 1 % of it per hour */
    if (time->known) {
        time->value = (int32_t)((int64_t)capacity_mah * share_ppm / 1000 * 60 / mean_ua);
    }
}

static void set_cycles(battery_quantity_t *cycles_milli, const battery_quantity_t *installed_mah, int64_t out_mah)
{
    cycles_milli->known = installed_mah->known && installed_mah->value > 0;
    if (cycles_milli->known) {
        const int64_t value = out_mah * 1000 / installed_mah->value;
        cycles_milli->value = value < INT32_MAX ? (int32_t)value : INT32_MAX;
    }
}

void energy_meter_step(energy_meter_t *meter, const battery_bms_t *bms, int64_t now_ms, battery_state_t *state)
{
    const energy_totals_t *const totals = &meter->totals;
    take_sample(meter, now_ms, state);
    note_full(meter, bms->fully_charged);
    state->energy_in_wh = (battery_energy_t){.known = true, .value = totals->in_mwh / 1000};
    state->energy_out_wh = (battery_energy_t){.known = true, .value = totals->out_mwh / 1000};
    set_cycles(&state->cycles_milli, &state->installed_capacity_mah, totals->out_mah);
    state->since_full_min.known = totals->full_count > 0;
    state->since_full_min.value = (int32_t)(totals->metered_min - totals->full_at_min);
    set_time(&state->time_to_full_min, state, 1000000 - state->soc_ppm.value, meter->mean_ua);
    set_time(&state->time_to_empty_min, state, state->soc_ppm.value, -meter->mean_ua);
}
