/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief How often somebody may guess. Pure: time is an argument; the caller owns the state.
 *
 * Passwords: an address has 5 guesses and gets one back each minute. All strangers together have 20 and get one back
 * every 10 s. Addresses from which a login succeeded do not count there, so strangers cannot lock them out: from one of
 * the last 4 the owner may try again within a minute, unless somebody else guesses from that very address (the
 * same proxy, or the same /64 of IPv6). The way in that is always open is the console, which needs no password.
 *
 * Set-up code: 5 guesses for all, then 60 s of pause.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACCESS_GUESSES              5 /**< of an address */
#define ACCESS_GUESS_BACK_MS        60000
#define ACCESS_GUESSES_OF_ALL       20 /**< of strangers */
#define ACCESS_GUESS_OF_ALL_BACK_MS 10000
#define ACCESS_CODE_GUESSES         5
#define ACCESS_CODE_PAUSE_MS        60000
#define ACCESS_KNOWN_MAX            4

/** @brief Strangers who can have a guess less than they might: each had one of the guesses of the last minute. */
#define ACCESS_STRANGERS_MAX (ACCESS_GUESSES_OF_ALL + ACCESS_GUESS_BACK_MS / ACCESS_GUESS_OF_ALL_BACK_MS + 2)

/** @brief Guesses of an address; private to access_throttle.c. */
typedef struct {
    uint64_t address; /**< 0 = none */
    int64_t whole_ms; /**< when all guesses are back */
} access_guesses_t;

/** @brief State; zeroed = nobody has guessed. */
typedef struct {
    access_guesses_t stranger[ACCESS_STRANGERS_MAX];
    access_guesses_t known[ACCESS_KNOWN_MAX]; /**< newest login first */
    int64_t all_whole_ms;
    int64_t code_from_ms; /**< end of the pause */
    uint8_t code_wrong;   /**< since the last pause */
} access_throttle_t;

/**
 * @brief The number of an address: IPv4 as it is, also within IPv6; of IPv6 the first 64 bits, as who has one address
 * has all with these.
 * @param text as inet_ntop() writes it; whatever else, and NULL, count as one address
 * @return never 0
 */
uint64_t access_address(const char *text);

/** @brief Milliseconds until an address may guess a password; 0 = now. */
int64_t access_throttle_wait_ms(const access_throttle_t *throttle, uint64_t address, int64_t now_ms);

/** @brief A wrong password; only when access_throttle_wait_ms() returned 0. */
void access_throttle_wrong(access_throttle_t *throttle, uint64_t address, int64_t now_ms);

/** @brief A login succeeded. @return true: the address was not known. What it guessed before still counts. */
bool access_throttle_good(access_throttle_t *throttle, uint64_t address);

/** @brief Milliseconds until anybody may guess the set-up code; 0 = now. */
int64_t access_throttle_code_wait_ms(const access_throttle_t *throttle, int64_t now_ms);

/** @brief A wrong set-up code; only when access_throttle_code_wait_ms() returned 0. */
void access_throttle_code_wrong(access_throttle_t *throttle, int64_t now_ms);

#ifdef __cplusplus
}
#endif
