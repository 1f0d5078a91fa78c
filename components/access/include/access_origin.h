/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Whether a request was meant for this gateway: Host against DNS rebinding, Origin against other pages. Pure.
 *
 * A page of another site can make a browser send requests here, and with a name of its own that it points at the
 * gateway even read the answers. So a Host must be an IP address, "localhost", or a name of this gateway; and an Origin
 * must be of the same host and port as Host.
 *
 * @code{.c}
 * const bool ours = access_host_allowed("gateway-1.local:8080", "gateway-1", "sun.example.org,nas");
 * const bool same = access_origin_allowed("https://sun.example.org", "sun.example.org");
 * @endcode
 */

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Whether Host names this gateway. Case does not count, nor does the port, nor a dot at the end.
 * @param host value of the header
 * @param device name of the gateway, also with ".local"
 * @param names further ones, commas between; may be empty
 */
bool access_host_allowed(const char *host, const char *device, const char *names);

/**
 * @brief Whether an Origin is that of the page that this gateway serves.
 * @param origin value of the header: scheme, host, port; "null" is none of ours
 * @param host value of Host. A port that is not named is that of the origin's scheme (80, 443); behind a proxy with TLS
 * a Host without a port fits https
 */
bool access_origin_allowed(const char *origin, const char *host);

#ifdef __cplusplus
}
#endif
