/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Where the HTTP server of the Linux build listens: the option --http.
 */

#include <stdint.h>

/**
 * @brief Takes the address HOST:PORT, so that it is refused before the firmware starts. Port 0 takes a free one.
 * @param data_dir where httpd_address_listen() writes the port to the file `http_port`; NULL: nowhere
 * @return what is wrong, in words for the user; NULL: nothing
 */
const char *httpd_address_open(const char *address, const char *data_dir);

/**
 * @brief Listens there.
 * @return the socket; -1: no address was given; -2: an error, which was logged
 */
int httpd_address_listen(int backlog);

/** @brief The port that httpd_address_open() took; 0: none. */
uint16_t httpd_address_port(void);
