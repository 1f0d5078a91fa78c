/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What is known about the TinyBMS after one poll cycle: raw registers, and when each block was read.
 *
 * Raw on purpose: a decoded copy of every register would be a second register table. Use tinybms_registers.h to decode.
 *
 * @code{.c}
 * uint16_t over_voltage_mv = 0;
 * const bool fault = snapshot->live[50] == TINYBMS_STATUS_FAULT;
 * if (snapshot->settings_known) {
 *     over_voltage_mv = snapshot->settings[315 - TINYBMS_SETTINGS_FIRST];
 * }
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TINYBMS_LIVE_FIRST       0
#define TINYBMS_LIVE_COUNT       56 /**< registers 0..55 */
#define TINYBMS_STATISTICS_FIRST 100
#define TINYBMS_STATISTICS_COUNT 18 /**< registers 100..117 */
#define TINYBMS_SETTINGS_FIRST   300
#define TINYBMS_SETTINGS_COUNT   44 /**< registers 300..343 */
#define TINYBMS_VERSION_FIRST    500
#define TINYBMS_VERSION_COUNT    10 /**< registers 500..509 */

/** @brief Register 50 when the battery is fully charged: no fault. */
#define TINYBMS_STATUS_FULL 0x92

/** @brief Register 50 while the BMS has switched something off to protect the battery. */
#define TINYBMS_STATUS_FAULT 0x9B

/** @brief Different faults and warnings that can be in force at once: 14 in Rev D, plus ids that it does not list. */
#define TINYBMS_FAULTS_MAX 16

/** @brief One event of the BMS (registers 200-297, commands 0x11 and 0x12). */
typedef struct {
    uint32_t time_s; /**< BMS time, 24 bits */
    uint8_t id;      /**< tinybms_events.h */
} tinybms_event_t;

/**
 * @brief Up to which event the list is over. Zeroed = not known.
 *
 * `event` is the newest fault or warning that only the end of the BMS's fault state has ended; id 0 = none.
 */
typedef struct {
    tinybms_event_t event;
    uint32_t bms_time_s; /**< BMS time at which it was out of its fault state, no more than a day before the last */
} tinybms_events_over_t;

/** @brief Everything known after the last poll cycle. A block that was never read has `*_known == false`. */
typedef struct {
    int64_t taken_ms;  /**< when the live block arrived */
    uint32_t sequence; /**< counts snapshots from 1 */
    uint16_t live[TINYBMS_LIVE_COUNT];

    bool settings_known;
    uint8_t settings_alike; /**< consecutive reads with the same values, 1..255; 0 = not counted */
    int64_t settings_ms;
    uint16_t settings[TINYBMS_SETTINGS_COUNT];

    bool version_known;
    uint16_t version[TINYBMS_VERSION_COUNT];

    bool statistics_known;
    int64_t statistics_ms;
    uint16_t statistics[TINYBMS_STATISTICS_COUNT];

    bool events_known;    /**< a list of events has been read at least once */
    bool events_doubtful; /**< an answer that may have had an event is lost, and the whole list not read since */
    uint8_t fault_count;
    uint8_t faults[TINYBMS_FAULTS_MAX]; /**< ids of the faults and warnings that nothing has ended, oldest first */
    tinybms_events_over_t over;         /**< keep it over a restart */
} tinybms_snapshot_t;

/**
 * @brief Whether a TinyBMS can have measured a live block: one CRC in 65536 is right by chance.
 * @param live TINYBMS_LIVE_COUNT registers, from register 0
 * @return false: a value that the protocol has no meaning for, a voltage above 80 V, or a current above 1000 A
 */
bool tinybms_live_plausible(const uint16_t *live);

#ifdef __cplusplus
}
#endif
