/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What a browser may load and run in a page of the gateway.
 *
 * Only what the gateway itself serves, and inside a page nothing but the one script and the one style of recovery.html,
 * which are named by their SHA-256. test/project/test_recovery_page.py compares, and prints the new value.
 */

#define WEB_POLICY_SCRIPT "'sha256-eWBZ04eYGzQrpq8YqkxxLy1voh43O+SgSyJDyhFu/Ac='"
#define WEB_POLICY_STYLE  "'sha256-3xmRuzqGZz/Lgn3Cv4dCjg9COaaqSQ5I6KGxdOfkARM='"

/** Value of the header Content-Security-Policy. */
#define WEB_POLICY                                                                                                     \
    "default-src 'self'; script-src 'self' " WEB_POLICY_SCRIPT "; style-src 'self' " WEB_POLICY_STYLE                  \
    "; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
