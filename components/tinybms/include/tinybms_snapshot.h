/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What one poll cycle knows of the TinyBMS: raw registers with the time each block was read.
 *
 * Raw on purpose: a decoded copy of every register would be a second register table. Use tinybms_registers.h to decode.
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

/** @brief Different faults and warnings that can hold at one time: Rev D has 14, and ids that it does not list. */
#define TINYBMS_FAULTS_MAX 16

/** @brief One event of the BMS (registers 200-297, commands 0x11 and 0x12). */
typedef struct {
    uint32_t time_s; /**< BMS time, 24 bits */
    uint8_t id;      /**< tinybms_events.h */
} tinybms_event_t;

/**
 * @brief How far the list of events is over. Zeroed = it was never seen to be.
 *
 * The event is the newest fault or warning that ended with the fault state of the BMS alone; id 0 = none.
 */
typedef struct {
    tinybms_event_t event;
    uint32_t bms_time_s; /**< of the BMS out of its fault state, not more than a day before the last time */
} tinybms_events_over_t;

/** @brief Everything the last poll cycle knew. A block that was never read has `*_known == false`. */
typedef struct {
    int64_t taken_ms;  /**< when the live block arrived */
    uint32_t sequence; /**< counts snapshots from 1 */
    uint16_t live[TINYBMS_LIVE_COUNT];

    bool settings_known;
    uint8_t settings_alike; /**< so many reads in a row have given these values, 1..255; 0 = nobody counts */
    int64_t settings_ms;
    uint16_t settings[TINYBMS_SETTINGS_COUNT];

    bool version_known;
    uint16_t version[TINYBMS_VERSION_COUNT];

    bool statistics_known;
    int64_t statistics_ms;
    uint16_t statistics[TINYBMS_STATISTICS_COUNT];

    bool events_known;    /**< the event list has been read at least once */
    bool events_doubtful; /**< an answer that may have told an event is lost, and the whole list not read since */
    uint8_t fault_count;
    uint8_t faults[TINYBMS_FAULTS_MAX]; /**< ids of the faults and warnings that nothing has ended, oldest first */
    tinybms_events_over_t over;         /**< to be kept over a restart */
} tinybms_snapshot_t;

/**
 * @brief Whether a live block can be what a TinyBMS has measured: one CRC in 65536 is right by chance.
 * @param live TINYBMS_LIVE_COUNT registers, from 0 on
 * @return false: a value that the protocol has no meaning for, a voltage above 80 V, or a current above 1000 A
 */
bool tinybms_live_plausible(const uint16_t *live);

#ifdef __cplusplus
}
#endif
