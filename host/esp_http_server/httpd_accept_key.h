/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The answer to a WebSocket's key (RFC 6455, 4.2.2).
 */

#include <stdbool.h>

#define HTTPD_ACCEPT_KEY_SIZE 29

/** @brief SHA-1 of the key and a constant, in base64. False: no memory. */
bool httpd_accept_key(const char *key, char answer[HTTPD_ACCEPT_KEY_SIZE]);
