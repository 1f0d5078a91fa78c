/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A TinyBMS and its line in simulated time, for suites that run a session against it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms_session.h"

#define LINE_REGISTERS 600

/** @brief What becomes of an answer. */
typedef enum {
    LINE_GOOD = 0,
    LINE_SILENT,   /**< nothing comes */
    LINE_FLIPPED,  /**< one bit is wrong */
    LINE_BAD_CRC,  /**< the CRC is wrong */
    LINE_CUT,      /**< only the first half comes */
    LINE_HALF_BAD, /**< every second answer, at random: flipped, cut or lost */
    LINE_REFUSING, /**< negative answers */
} line_fault_t;

/** @brief The device, the line and the session on it. */
typedef struct {
    tinybms_session_t session;
    uint16_t registers[LINE_REGISTERS];
    tinybms_event_t events[8];
    size_t event_count;
    size_t told_count_by_bms; /**< so many of them the BMS has told with command 0x11 */
    bool newest_first;        /**< order of its lists */
    bool tells_once;          /**< command 0x11 tells only what it has not told yet */
    int flip_newest;          /**< so many answers to command 0x11 come with a wrong bit */
    int lose_newest;          /**< or not at all */
    int lose_all;             /**< likewise command 0x12 */
    uint32_t bms_time_s;
    line_fault_t fault;
    bool forget_writes;
    uint8_t deaf_to;     /**< requests with this command are never answered; 0 = none */
    uint8_t refused;     /**< requests with this command get a negative answer; 0 = none */
    int crc_refusals;    /**< so many requests are refused as if they had come damaged */
    uint8_t crc_refused; /**< only those with this command; 0 = all */
    int unnamed_faults;  /**< snapshots that show a fault without an event that explains it */
    int swallow;         /**< so many requests are swallowed, as by a BMS that wakes up */
    int answer_ms;       /**< from request to answer */
    int options_more;    /**< so many words more (or fewer) than asked for come as values of the settings */
    const char *chatter; /**< ASCII that comes before every answer; NULL = none */
    uint32_t random;

    int64_t now_ms;
    uint8_t answer[TINYBMS_FRAME_MAX + 64];
    size_t answer_length;
    int64_t answer_at_ms; /**< INT64_MAX = none on its way */
    int64_t deadline_ms;  /**< until when the session sleeps unless an answer comes */

    int requests[256]; /**< by command */
    int64_t last_request_ms;
    int settings_requests;
    int64_t settings_request_ms;
    uint16_t last_address;
    uint16_t last_values[2];
    int writes;
    int snapshots;
    int64_t snapshot_ms;      /**< of the last one */
    int64_t oldest_age_ms;    /**< largest age of the newest snapshot at any time after the first */
    int64_t ages_over_1s_ms;  /**< how long that age was above 1 s */
    tinybms_event_t told[16]; /**< events that the session yielded */
    size_t told_count;
    bool write_done;
    tinybms_write_result_t write_result;
} line_t;

/** @brief A healthy pack of 14 cells and a session that begins at `now_ms`. */
void line_begin(line_t *line, int64_t now_ms);

/** @brief Runs for so many milliseconds. The session is woken by answers and by its deadline, as by the task that has
 * it. */
void line_run(line_t *line, int64_t milliseconds);

/** @brief Runs until a count of the line has grown, such as &line->snapshots, and 1 ms more; at most 100 s. */
void line_run_until_more(line_t *line, const int *count);

/** @brief What the device answers as the least (1), greatest (2) or default (3) value of a setting, or has as present
 * one (4). */
uint16_t line_option(const line_t *line, unsigned option, unsigned address);

/** @brief Asks for a write and runs until it has ended; at most 20 s. */
tinybms_write_result_t line_write(line_t *line, const tinybms_write_request_t *request);
