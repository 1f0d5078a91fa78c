/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What tinybms_session.c and tinybms_session_events.c share.
 */

#include "tinybms_command.h"
#include "tinybms_session.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TINYBMS_SESSION_NEVER INT64_MAX /**< due time of a job that is not wanted */

/**
 * @brief Takes register 50 of a new live block: a fault has to be explained; three blocks without one end all earlier
 * events.
 */
void tinybms_session_note_status(tinybms_session_t *session, uint16_t status);

/** @brief Takes the answer to a request for events. False: it is not a list of events, and nothing was taken. */
bool tinybms_session_take_events(tinybms_session_t *session, const tinybms_answer_t *answer);

/** @brief A BMS may report each event only once: perhaps in an answer that was lost or had to be requested twice. */
void tinybms_session_doubt_events(tinybms_session_t *session);

/** @brief The snapshot no longer waits for the event that explains a fault. */
void tinybms_session_end_hold(tinybms_session_t *session);

static inline int64_t tinybms_session_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#ifdef __cplusplus
}
#endif
