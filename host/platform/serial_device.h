/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A serial device of Linux: opened raw at 115200 baud, for one program at a time.
 */

#include <stdbool.h>

/** @brief Opens it without blocking; -1 and errno: it is not there, is no serial line, or another program has it. */
int serial_device_open(const char *path);

/** @brief The name still leads to the device that is open; a pseudo terminal may be replaced under its link. */
bool serial_device_is(int fd, const char *path);
