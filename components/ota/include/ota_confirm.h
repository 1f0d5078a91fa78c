/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief When the running image is good: what worked before the restart works again. Pure.
 *
 * A set of parts is a byte with a bit for each. Times are in ms since the start.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What an image may have broken. Kept over restarts by its number: only ever add to it. */
typedef enum {
    OTA_PART_BMS = 0, /**< the BMS answers */
    OTA_PART_CAN,     /**< frames are acknowledged */
    OTA_PART_COUNT
} ota_part_t;

#define OTA_PARTS_ALL      ((uint8_t)((1U << OTA_PART_COUNT) - 1U))
#define OTA_CONFIRM_AT_MS  120000 /**< uptime before which nothing is decided */
#define OTA_WORKED_MS      60000  /**< a part that was seen to work within this time "worked" */
#define OTA_WORKS_MS       5000   /**< and within this one it "works" */
#define OTA_STORE_EVERY_MS 60000

/** @brief When each part was last seen to work. */
typedef struct {
    int64_t seen_ms[OTA_PART_COUNT];
    uint8_t ever; /**< parts that were seen at all */
} ota_seen_t;

/** @brief A part works at this moment. */
void ota_seen(ota_seen_t *seen, ota_part_t part, int64_t now_ms);

/** @brief The parts that were seen to work within a time. */
uint8_t ota_seen_within(const ota_seen_t *seen, int64_t now_ms, int64_t within_ms);

/**
 * @brief The parts that are asked for.
 * @param stored those that worked before the restart, of whatever version has stored them; NULL = not known
 * @return of them the ones that this image knows; all when it is not known
 */
uint8_t ota_confirm_asked(const uint8_t *stored);

/**
 * @brief The one place that decides whether the running image is good.
 * @param asked parts that worked before the restart
 * @param works parts that work now
 * @param now_ms uptime
 */
bool ota_confirm_good(uint8_t asked, uint8_t works, int64_t now_ms);

#ifdef __cplusplus
}
#endif
