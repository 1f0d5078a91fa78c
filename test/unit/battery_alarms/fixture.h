/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A pack and its alarms, for the suites that let something go wrong with it.
 */

#include "battery_alarms.h"

#define ALARMS_PERIOD_MS 200 /**< as the BMS is polled */

/** @brief The pack, and what the last step said of it. */
typedef struct {
    battery_alarms_t alarms;
    battery_bms_t bms;
    battery_alarms_input_t input;
    battery_state_t state;
    battery_alarm_change_t changes[BATTERY_ALARM_CHANGES_MAX];
    size_t change_count;
} pack_t;

/** @brief Where a measurement raises and clears. */
typedef struct {
    battery_alarm_id_t id;
    bool warning;
    battery_alarm_cause_t cause;
    int32_t harmless; /**< the last value that does not raise */
    int32_t raises;   /**< one further */
    int32_t held;     /**< on the way back: the last one that does not clear */
    int32_t clears;   /**< one further */
} edges_t;

static inline battery_quantity_t known(int32_t value)
{
    return (battery_quantity_t){.known = true, .value = value};
}

static inline battery_quantity_t unknown(void)
{
    return (battery_quantity_t){.known = false};
}

/**
 * @brief 16 healthy LFP cells at rest with default alarms. Cutoffs: cell 3650 and 2800 mV, discharging 120 A,
 * charging 100 A, 60 degC, charging from 5 degC; balancing above 3400 mV; charge target 3450 mV. Both sensors
 * read 25 degC.
 */
void alarms_begin(pack_t *pack);

/** @brief Likewise, but with these numbers for the alarms. */
void alarms_configure(pack_t *pack, battery_alarms_config_t config);

/** @brief So many new snapshots with the present values. */
void alarms_run(pack_t *pack, int snapshots);

/** @brief One new snapshot, at this time. */
void alarms_at(pack_t *pack, int64_t now_ms);

/** @brief The same snapshot again. */
void alarms_again(pack_t *pack);

/** @brief A fault begins (with that event; 0 = none is known) or ends with the next snapshot. */
void alarms_fault(pack_t *pack, uint8_t event);
void alarms_another_fault(pack_t *pack, uint8_t event); /**< besides those that hold */
void alarms_recover(pack_t *pack);

void alarms_assert_alarm(const pack_t *pack, battery_alarm_id_t id, battery_alarm_level_t level);
void alarms_assert_warning(const pack_t *pack, battery_alarm_id_t id, battery_alarm_level_t level);

/** @brief The last step told exactly one change of this field: this one. */
void alarms_assert_change(const pack_t *pack, battery_alarm_change_t expected);

/** @brief Walks over all four edges, with three snapshots in a row each time; `measured`, in `pack`, ends as it began.
 */
void alarms_assert_edges(pack_t *pack, battery_quantity_t *measured, const edges_t *edges);
