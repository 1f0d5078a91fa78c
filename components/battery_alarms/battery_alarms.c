/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * All alarm and warning fields of frame 0x35A: thresholds, debounce, BMS faults, and the change log. The numbers come
 * from the configuration, the meaning of BMS events from battery_bms.c.
 */
#include "battery_alarms.h"

#include <string.h>

/** The pack counts as charging above this: the current sensor of an idle pack does not read 0. */
#define CHARGING_MA 500

#define EXCESS_MA        2000  /**< and a tenth of the limit: so much a current may be beyond it */
#define EXCESS_MS        10000 /**< for so long */
#define BLOCKED_HOLD_MS  30000 /**< as CCL rises after it */
#define EXCESS_SETTLE_MS 60000 /**< chargers and inverter have so long to follow a limit that fell */

/** A measurement and its thresholds, turned so that more is worse; what must not fall has its sign changed. */
typedef struct {
    bool known;    /**< the measurement and its cutoff */
    bool harmless; /**< the pack is not in the state in which it counts */
    int32_t level;
    int32_t alarm_at;
    int32_t warning_at;
    int32_t hysteresis;
    battery_alarm_cause_t cause;
} rule_t;

/** What may activate a field: the first counts as its cause when both do. */
typedef struct {
    bool supported;
    bool first;
    bool second;
    bool doubtful; /**< a sensor is lost: nothing can tell that all is well */
    bool several;  /**< the second one is one of several, told in turn */
    battery_alarm_cause_t first_cause;
    battery_alarm_cause_t second_cause;
} verdict_t;

/** One step. */
typedef struct {
    battery_alarms_t *alarms;
    const battery_alarms_input_t *input;
    battery_state_t *state;
    battery_alarm_change_t *changes;
    size_t change_count;
    int32_t cells;              /**< in series; 1 = not known, then pack_mv is not known either */
    battery_quantity_t pack_mv; /**< as control looks at it */
    battery_quantity_t hottest_ddegc;
    battery_quantity_t coldest_ddegc;
    battery_quantity_t spread_mv;
    rule_t rules[BATTERY_ALARM_COUNT];
} step_t;

static battery_quantity_t times(battery_quantity_t quantity, int32_t factor)
{
    return (battery_quantity_t){.known = quantity.known, .value = quantity.value * factor};
}

static battery_quantity_t negative(battery_quantity_t quantity)
{
    return times(quantity, -1);
}

static rule_t make_rule(battery_quantity_t level, battery_quantity_t cutoff, int32_t margin, int32_t hysteresis,
                        battery_alarm_cause_t cause)
{
    return (rule_t){
        .known = level.known && cutoff.known,
        .level = level.value,
        .alarm_at = cutoff.value,
        .warning_at = cutoff.value - margin,
        .hysteresis = hysteresis,
        .cause = cause,
    };
}

/**
 * Cells are compared as packs of such cells: no division, and nothing is rounded.
 * @param sign 1: must not rise; -1: must not fall
 */
static rule_t voltage_rule(const step_t *step, battery_quantity_t cell_mv, battery_quantity_t cutoff_mv, int32_t sign)
{
    const battery_alarms_config_t *const config = &step->alarms->config;
    const battery_quantity_t cells = times(cell_mv, sign * step->cells);
    const battery_quantity_t level = battery_quantity_higher(cells, times(step->pack_mv, sign));
    const bool by_cell = cells.known && level.value == cells.value;
    return make_rule(level, times(cutoff_mv, sign * step->cells), config->alarm_cell_mv * step->cells,
                     config->hyst_cell_mv * step->cells, by_cell ? BATTERY_ALARM_CAUSE_CELL : BATTERY_ALARM_CAUSE_PACK);
}

/** A warning at the charge target would come with every full charge: at least halfway from there to the cutoff. */
static void fill_voltages(step_t *step)
{
    const battery_bms_t *const bms = step->input->bms;
    const int32_t target_mv = step->input->target_mv;
    rule_t high = voltage_rule(step, step->state->cell_max_mv, bms->over_voltage_mv, 1);
    const battery_quantity_t margin = {.known = true, .value = high.warning_at};
    const battery_quantity_t halfway = {.known = target_mv != 0,
                                        .value = (target_mv + bms->over_voltage_mv.value + 1) / 2 * step->cells};
    high.warning_at = battery_quantity_higher(margin, halfway).value;
    step->rules[BATTERY_ALARM_HIGH_VOLTAGE] = high;
    step->rules[BATTERY_ALARM_LOW_VOLTAGE] = voltage_rule(step, step->state->cell_min_mv, bms->under_voltage_mv, -1);
}

static void fill_temperatures(step_t *step, bool charging)
{
    const battery_bms_t *const bms = step->input->bms;
    const int32_t margin_ddegc = step->alarms->config.alarm_temp_ddegc;
    const int32_t hysteresis_ddegc = step->alarms->config.hyst_temp_ddegc;
    rule_t hot = make_rule(step->hottest_ddegc, bms->over_heat_ddegc, margin_ddegc, hysteresis_ddegc,
                           BATTERY_ALARM_CAUSE_TEMPERATURE);
    rule_t cold = make_rule(negative(step->coldest_ddegc), negative(bms->cold_charge_ddegc), margin_ddegc,
                            hysteresis_ddegc, BATTERY_ALARM_CAUSE_TEMPERATURE);
    step->rules[BATTERY_ALARM_HIGH_TEMPERATURE] = hot;
    hot.harmless = !charging;
    cold.harmless = !charging;
    step->rules[BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE] = hot;
    step->rules[BATTERY_ALARM_LOW_TEMPERATURE_CHARGE] = cold;
}

static rule_t current_rule(const battery_alarms_config_t *config, battery_quantity_t level, battery_quantity_t cutoff)
{
    const int32_t percent_ma = cutoff.value / 100; /* first, or 32 bits do not suffice */
    return make_rule(level, cutoff, (100 - config->alarm_cur_pct) * percent_ma, config->hyst_cur_pct * percent_ma,
                     BATTERY_ALARM_CAUSE_CURRENT);
}

static void fill_rules(step_t *step)
{
    const battery_state_t *const state = step->state;
    const battery_bms_t *const bms = step->input->bms;
    const battery_alarms_config_t *const config = &step->alarms->config;
    const battery_quantity_t current = state->pack_current_ma;
    const bool charging = current.known && current.value > CHARGING_MA;
    fill_voltages(step);
    fill_temperatures(step, charging);
    step->rules[BATTERY_ALARM_HIGH_DISCHARGE_CURRENT] = current_rule(config, negative(current), bms->discharge_max_ma);
    step->rules[BATTERY_ALARM_HIGH_CHARGE_CURRENT] = current_rule(config, current, bms->charge_max_ma);
    const battery_quantity_t threshold = {.known = bms->balance_mv.known, .value = config->diff_alarm_mv};
    rule_t imbalance = make_rule(step->spread_mv, threshold, config->diff_alarm_mv - config->diff_warn_mv,
                                 config->hyst_cell_mv, BATTERY_ALARM_CAUSE_SPREAD);
    imbalance.harmless = !charging || state->cell_max_mv.value <= bms->balance_mv.value;
    step->rules[BATTERY_ALARM_CELL_IMBALANCE] = imbalance;
}

/** Present value of what a field looks at. */
static battery_quantity_t value_of(const step_t *step, battery_alarm_id_t id, battery_alarm_cause_t cause)
{
    const battery_state_t *const state = step->state;
    uint8_t event = 0;
    switch (cause) {
    case BATTERY_ALARM_CAUSE_CELL:
        return id == BATTERY_ALARM_LOW_VOLTAGE ? state->cell_min_mv : state->cell_max_mv;
    case BATTERY_ALARM_CAUSE_PACK:
        return step->pack_mv;
    case BATTERY_ALARM_CAUSE_TEMPERATURE:
        return id == BATTERY_ALARM_LOW_TEMPERATURE_CHARGE ? step->coldest_ddegc : step->hottest_ddegc;
    case BATTERY_ALARM_CAUSE_CURRENT:
    case BATTERY_ALARM_CAUSE_LIMIT:
        return state->pack_current_ma;
    case BATTERY_ALARM_CAUSE_SPREAD:
        return step->spread_mv;
    case BATTERY_ALARM_CAUSE_EVENT:
        (void)battery_faults_alarm(step->input->bms, id, &event);
        return (battery_quantity_t){.known = true, .value = event};
    case BATTERY_ALARM_CAUSE_STALE:
        return (battery_quantity_t){.known = true, .value = step->input->age_ms};
    default:
        return (battery_quantity_t){.known = true, .value = 0};
    }
}

/** Makes the field what the verdict says; one that cannot be known begins anew, and is active by an event alone.
 * @return whether it is active */
static bool settle(step_t *step, battery_alarm_id_t id, bool warning, const verdict_t *verdict)
{
    battery_alarm_field_t *const field = warning ? &step->alarms->warning[id] : &step->alarms->alarm[id];
    battery_alarm_level_t *const level = warning ? &step->state->warning[id] : &step->state->alarm[id];
    const bool active = verdict->first || (verdict->supported && verdict->second);
    const bool cause_ended = (field->cause == verdict->first_cause && !verdict->first) ||
                             (verdict->several && !verdict->first && field->cause != verdict->second_cause);
    if (active && (!field->active || cause_ended)) {
        field->cause = verdict->first ? verdict->first_cause : verdict->second_cause;
    }
    const bool fine = verdict->supported && !verdict->doubtful;
    *level = active ? BATTERY_ALARM_ACTIVE : (fine ? BATTERY_ALARM_OK : BATTERY_ALARM_UNSUPPORTED);
    if (!verdict->supported) {
        field->crossed = false;
        field->count = 0;
    }
    if (active != field->active) {
        const battery_quantity_t value = value_of(step, id, field->cause);
        step->changes[step->change_count++] = (battery_alarm_change_t){
            .id = id,
            .warning = warning,
            .active = active,
            .cause = value.known ? field->cause : BATTERY_ALARM_CAUSE_NONE,
            .value = value.known ? value.value : 0,
        };
        field->active = active;
    }
    return active;
}

/** Whether the measurement is beyond its threshold: raises there, clears once back by the hysteresis. */
static bool debounced(const step_t *step, battery_alarm_field_t *field, const rule_t *rule, int32_t raise_at,
                      bool confirmed)
{
    const bool beyond = field->crossed ? rule->level > raise_at - rule->hysteresis : rule->level >= raise_at;
    const bool wanted = rule->known && !rule->harmless && beyond;
    if (!step->input->fresh) {
        return field->crossed;
    }
    if (wanted == field->crossed) {
        field->count = 0;
    } else if (++field->count >= step->alarms->config.alarm_debounce || (wanted && confirmed)) {
        field->crossed = wanted;
        field->count = 0;
    }
    return field->crossed;
}

static bool sensor_missed(const step_t *step, const rule_t *rule)
{
    return rule->cause == BATTERY_ALARM_CAUSE_TEMPERATURE && step->input->bms->sensors_lost != 0;
}

/** What is measured, and the fault of the BMS that has this alarm. Without a threshold no field says that all is well.
 */
static verdict_t measured_alarm(const step_t *step, battery_alarm_id_t id)
{
    const rule_t *const rule = &step->rules[id];
    uint8_t named = 0;
    const bool event = battery_faults_alarm(step->input->bms, id, &named);
    return (verdict_t){
        .supported = rule->known || id == BATTERY_ALARM_BMS_INTERNAL,
        .doubtful = sensor_missed(step, rule),
        .first = event,
        .first_cause = BATTERY_ALARM_CAUSE_EVENT,
        .second = debounced(step, &step->alarms->alarm[id], rule, rule->alarm_at, event),
        .second_cause = rule->cause,
    };
}

static int32_t with_tolerance(int32_t limit_ma)
{
    return limit_ma == INT32_MAX ? limit_ma : limit_ma + limit_ma / 10 + EXCESS_MA;
}

/** Whether a current has been beyond its limit for long, other than because the limit has just fallen. */
static bool beyond_limit(const step_t *step, battery_alarm_excess_t *excess, const battery_quantity_t *limiters,
                         int32_t current_ma)
{
    const int64_t now_ms = step->input->now_ms;
    int32_t limit_ma = INT32_MAX;
    for (int i = BATTERY_REASON_BMS_SETTING; i < BATTERY_LIMITER_COUNT; i++) {
        const bool slow = i == BATTERY_REASON_RAMP || i == BATTERY_REASON_RISING || i == BATTERY_REASON_STALE_DATA;
        limit_ma = limiters[i].known && !slow && limiters[i].value < limit_ma ? limiters[i].value : limit_ma;
    }
    const bool was_within = current_ma <= with_tolerance(excess->limit_ma);
    if (!step->alarms->limits_known || (limit_ma < excess->limit_ma && was_within)) {
        excess->since_ms = now_ms; /* a current that is beyond it already has nothing to follow */
    }
    excess->limit_ma = limit_ma;
    const bool settling = now_ms - excess->since_ms < EXCESS_SETTLE_MS;
    if (settling || step->input->stale || current_ma <= with_tolerance(limit_ma)) {
        excess->within_ms = now_ms;
    }
    return now_ms - excess->within_ms >= EXCESS_MS;
}

/** A temperature at its limit comes and goes by a digit; CCL stays 0 for as long. */
static bool held(const step_t *step, int64_t *until_ms, bool blocked)
{
    const int64_t now_ms = step->input->now_ms;
    *until_ms = blocked ? now_ms + BLOCKED_HOLD_MS : *until_ms;
    return now_ms < *until_ms;
}

static bool warned_otherwise(const step_t *step, battery_alarm_id_t id, battery_alarm_cause_t *cause)
{
    const battery_state_t *const state = step->state;
    const int32_t current_ma = state->pack_current_ma.known ? state->pack_current_ma.value : 0;
    const bool blocked = step->alarms->config.alarm_blocked != 0;
    switch (id) {
    case BATTERY_ALARM_HIGH_CHARGE_CURRENT:
        *cause = BATTERY_ALARM_CAUSE_LIMIT;
        return beyond_limit(step, &step->alarms->charge, state->ccl_limiter_ma, current_ma);
    case BATTERY_ALARM_HIGH_DISCHARGE_CURRENT:
        *cause = BATTERY_ALARM_CAUSE_LIMIT;
        return beyond_limit(step, &step->alarms->discharge, state->dcl_limiter_ma, -current_ma);
    case BATTERY_ALARM_LOW_TEMPERATURE_CHARGE:
        *cause = BATTERY_ALARM_CAUSE_BLOCKED;
        return held(step, &step->alarms->too_cold_until_ms, blocked && state->too_cold_to_charge);
    case BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE:
        *cause = BATTERY_ALARM_CAUSE_BLOCKED;
        return held(step, &step->alarms->too_hot_until_ms, blocked && state->too_hot_to_charge);
    default:
        return false;
    }
}

/** A full battery whose cells still differ for a while is a healthy one. */
static bool unbalanced_for_long(const step_t *step, bool crossed)
{
    const int64_t now_ms = step->input->now_ms;
    if (!crossed) {
        step->alarms->balanced_ms = now_ms;
    }
    return crossed && now_ms - step->alarms->balanced_ms >= (int64_t)step->alarms->config.diff_warn_s * 1000;
}

static verdict_t measured_warning(const step_t *step, battery_alarm_id_t id)
{
    const rule_t *const rule = &step->rules[id];
    const bool crossed = debounced(step, &step->alarms->warning[id], rule, rule->warning_at, false);
    verdict_t verdict = {
        .supported = rule->known,
        .doubtful = sensor_missed(step, rule),
        .second = id == BATTERY_ALARM_CELL_IMBALANCE ? unbalanced_for_long(step, crossed) : crossed,
        .second_cause = rule->cause,
    };
    verdict.first = warned_otherwise(step, id, &verdict.first_cause);
    return verdict;
}

/** Not debounced: none of it is a measurement. Of several the first counts. */
static verdict_t internal_warning(const battery_alarms_input_t *input)
{
    const battery_bms_t *const bms = input->bms;
    const struct {
        bool holds;
        battery_alarm_cause_t cause;
    } causes[] = {
        {bms->sensors_lost != 0 || input->no_temperature, BATTERY_ALARM_CAUSE_SENSOR},
        {bms->cells_contradict, BATTERY_ALARM_CAUSE_CELLS},
        {input->settings_contradictory || bms->cell_count_differs, BATTERY_ALARM_CAUSE_SETTINGS},
        {bms->registers_lost != 0, BATTERY_ALARM_CAUSE_REGISTER},
        {input->settings_lost, BATTERY_ALARM_CAUSE_LOST},
    };
    verdict_t verdict = {
        .supported = true, .first = input->stale, .first_cause = BATTERY_ALARM_CAUSE_STALE, .several = true};
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]) && !verdict.second; i++) {
        verdict.second = causes[i].holds;
        verdict.second_cause = causes[i].cause;
    }
    return verdict;
}

/** The BMS is in fault while no field is there to show it: then only the general alarm tells. */
static verdict_t general(bool other, bool fault)
{
    return (verdict_t){
        .supported = true,
        .first = other,
        .first_cause = BATTERY_ALARM_CAUSE_OTHER,
        .second = fault,
        .second_cause = BATTERY_ALARM_CAUSE_EVENT,
    };
}

void battery_alarms_init(battery_alarms_t *alarms, const battery_alarms_config_t *config)
{
    memset(alarms, 0, sizeof(*alarms));
    battery_alarms_configure(alarms, config);
}

size_t battery_alarms_step(battery_alarms_t *alarms, const battery_alarms_input_t *input, battery_state_t *state,
                           battery_alarm_change_t *changes)
{
    step_t step = {
        .alarms = alarms,
        .input = input,
        .state = state,
        .changes = changes,
        .cells = state->cell_count != 0 ? state->cell_count : 1,
        .pack_mv = {.known = state->cell_count != 0 && state->pack_checked_mv.known,
                    .value = state->pack_checked_mv.value},
        .hottest_ddegc = battery_quantity_higher(state->sensor_ddegc[0], state->sensor_ddegc[1]),
        .coldest_ddegc = battery_quantity_lower(state->sensor_ddegc[0], state->sensor_ddegc[1]),
        .spread_mv = {.known = state->cell_max_mv.known && state->cell_min_mv.known,
                      .value = state->cell_max_mv.value - state->cell_min_mv.value},
    };
    bool any_alarm = false;
    bool any_warning = false;
    fill_rules(&step);
    for (battery_alarm_id_t id = BATTERY_ALARM_GENERAL + 1; id < BATTERY_ALARM_COUNT; id++) {
        const verdict_t alarm = measured_alarm(&step, id);
        const verdict_t warning =
            id == BATTERY_ALARM_BMS_INTERNAL ? internal_warning(input) : measured_warning(&step, id);
        any_alarm = settle(&step, id, false, &alarm) || any_alarm;
        any_warning = settle(&step, id, true, &warning) || any_warning;
    }
    const verdict_t alarm = general(any_alarm, input->bms->fault);
    const verdict_t warning = general(any_warning, false);
    settle(&step, BATTERY_ALARM_GENERAL, false, &alarm);
    settle(&step, BATTERY_ALARM_GENERAL, true, &warning);
    alarms->limits_known = alarms->limits_known || state->ccl_ma.known;
    return step.change_count;
}

const char *battery_alarm_cause_text(battery_alarm_cause_t cause)
{
    static const char *const texts[BATTERY_ALARM_CAUSE_COUNT] = {
        [BATTERY_ALARM_CAUSE_NONE] = "no longer known",
        [BATTERY_ALARM_CAUSE_CELL] = "cell voltage, mV",
        [BATTERY_ALARM_CAUSE_PACK] = "pack voltage, mV",
        [BATTERY_ALARM_CAUSE_TEMPERATURE] = "temperature, 0.1 degC",
        [BATTERY_ALARM_CAUSE_CURRENT] = "current, mA",
        [BATTERY_ALARM_CAUSE_SPREAD] = "difference of the cells, mV",
        [BATTERY_ALARM_CAUSE_EVENT] = "BMS event",
        [BATTERY_ALARM_CAUSE_STALE] = "no data, ms",
        [BATTERY_ALARM_CAUSE_LIMIT] = "current beyond its limit, mA",
        [BATTERY_ALARM_CAUSE_BLOCKED] = "charging is blocked",
        [BATTERY_ALARM_CAUSE_SETTINGS] = "BMS settings contradictory",
        [BATTERY_ALARM_CAUSE_SENSOR] = "temperature sensor lost",
        [BATTERY_ALARM_CAUSE_CELLS] = "cells contradict",
        [BATTERY_ALARM_CAUSE_REGISTER] = "register of the BMS unusable",
        [BATTERY_ALARM_CAUSE_LOST] = "settings of the gateway lost",
        [BATTERY_ALARM_CAUSE_OTHER] = "see the others",
    };
    return (size_t)cause < (size_t)BATTERY_ALARM_CAUSE_COUNT ? texts[cause] : "unknown";
}
