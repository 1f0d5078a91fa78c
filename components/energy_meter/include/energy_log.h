/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Keeps energy_totals_t in two sectors of flash, so that a power cut at any moment costs one save. Pure.
 *
 * Each save appends a record of 64 bytes, with a number and a CRC, to the sector that does **not** hold the newest
 * valid one. So what a cut can spoil, the page of 256 bytes that is being written or the sector that is being erased,
 * never holds the newest record. A full sector is erased when it is its turn; the two are kept half a sector apart, so
 * that the other one then holds some 30 older records as well.
 *
 * Wear: a save each 10 min makes 144 a day, 72 for each sector of 64 records: 1.1 erases a day, 411 a year. A sector
 * stands 100000 erases.
 *
 * A record that a power cut, a failed write or age has damaged is skipped. A save that fails leaves its page for good
 * (until the next erase) and the next save goes to the page behind it.
 */

#include "energy_meter.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ENERGY_LOG_SECTOR_SIZE 4096
#define ENERGY_LOG_SECTORS     2

/** @brief The flash; offsets from the beginning of the two sectors. Each function says whether it succeeded. */
typedef struct {
    void *context;
    bool (*read)(void *context, uint32_t offset, void *data, uint32_t length);
    bool (*write)(void *context, uint32_t offset, const void *data, uint32_t length); /**< clears bits only */
    bool (*erase)(void *context, uint32_t offset);                                    /**< a sector, to 0xFF */
} energy_flash_t;

/** @brief State of the log; private to energy_log.c. */
typedef struct {
    energy_flash_t flash;
    uint32_t sequence;                /**< of the newest record; 2^32 saves are 80000 years */
    uint8_t sector;                   /**< where the next save goes */
    uint8_t slot[ENERGY_LOG_SECTORS]; /**< next free one of each sector */
} energy_log_t;

/**
 * @brief Finds the newest valid record. Writes nothing.
 * @param[out] log state
 * @param flash copied
 * @param[out] totals of that record; left alone when there is none
 * @return false: no record, the area was never used or holds something else
 */
bool energy_log_open(energy_log_t *log, const energy_flash_t *flash, energy_totals_t *totals);

/**
 * @brief Saves: one write, and one erase before it when the sector is full.
 * @return whether the record was read back as written; if not, the one before is still the newest
 */
bool energy_log_save(energy_log_t *log, const energy_totals_t *totals);

#ifdef __cplusplus
}
#endif
