/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The web server of the gateway in this process, and a client that knows HTTP on its own account.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @brief Room for everything that a connection is answered. */
#define WEB_RECEIVED_MAX (512U * 1024U)

/** @brief Starts it, the first time. */
void web_start(void);

/**
 * @brief Says something on a new connection, and nothing more.
 * @param head,head_length comes first
 * @param bytes,length comes behind it
 * @param[out] received all that came back until the server closed
 * @return how much that is
 */
size_t web_say(const char *head, size_t head_length, const uint8_t *bytes, size_t length,
               char received[WEB_RECEIVED_MAX]);

/**
 * @brief Checks that bytes are answers in HTTP/1.1, one behind the other, none of them an error of the server's own.
 * @param[out] good how many of them have the status 200
 * @return where a WebSocket begins; `length` when there is none
 */
size_t web_check_answers(const char *bytes, size_t length, unsigned *good);

/** @brief Checks that a good request is answered. */
void web_check_alive(void);
