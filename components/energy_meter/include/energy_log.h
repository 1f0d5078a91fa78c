/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Keeps energy_totals_t in two sectors of flash; a power cut at any moment costs at most one save. Pure.
 *
 * Each save appends a record of 64 bytes, with a number and a CRC, to the sector that does **not** hold the newest
 * valid record. A cut can spoil only the page of 256 bytes that is being written or the sector that is being erased,
 * and neither ever holds the newest record. A full sector is erased when its turn comes. The two sectors fill up half a
 * sector apart, so that the other one then still holds some 30 older records.
 *
 * Wear: a save every 10 min makes 144 a day, 72 for each sector of 64 records: 1.1 erases a day, 411 a year. A sector
 * endures 100000 erases.
 *
 * A record that a power cut, a failed write or age has damaged is skipped. After a failed save the rest of its page
 * stays unused until the next erase, and the next save goes to the page after it.
 *
 * @code{.c}
 * energy_log_t log;
 * energy_totals_t totals = {0};
 * const bool found = energy_log_open(&log, &flash, &totals);
 * totals.in_mwh += 1000;
 * const bool saved = energy_log_save(&log, &totals);
 * @endcode
 */

#include "energy_meter.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ENERGY_LOG_SECTOR_SIZE 4096
#define ENERGY_LOG_SECTORS     2

/** @brief The flash. Offsets count from the first of the two sectors; each function returns whether it succeeded. */
typedef struct {
    void *context;
    bool (*read)(void *context, uint32_t offset, void *data, uint32_t length);
    bool (*write)(void *context, uint32_t offset, const void *data, uint32_t length); /**< clears bits only */
    bool (*erase)(void *context, uint32_t offset);                                    /**< one sector, to 0xFF */
} energy_flash_t;

/** @brief State of the log; private to energy_log.c. */
typedef struct {
    energy_flash_t flash;
    uint32_t sequence;                /**< of the newest record; 2^32 saves last 80000 years */
    uint8_t sector;                   /**< where the next save goes */
    uint8_t slot[ENERGY_LOG_SECTORS]; /**< next free one of each sector */
} energy_log_t;

/**
 * @brief Finds the newest valid record. Writes nothing.
 * @param[out] log state
 * @param flash copied
 * @param[out] totals of that record; unchanged when there is none
 * @return false: no record; the area was never used or holds something else
 */
bool energy_log_open(energy_log_t *log, const energy_flash_t *flash, energy_totals_t *totals);

/**
 * @brief Saves: one write, preceded by one erase when the sector is full.
 * @param log state
 * @param totals to save
 * @return true: the record reads back as written. false: the previous record is still the newest
 */
bool energy_log_save(energy_log_t *log, const energy_totals_t *totals);

#ifdef __cplusplus
}
#endif
