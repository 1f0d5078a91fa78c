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

#define TINYBMS_SESSION_NEVER INT64_MAX /**< of a job that is not wanted */

/** @brief Register 50 of a new live block: a fault has to be explained, three blocks without one end all that was. */
void tinybms_session_note_status(tinybms_session_t *session, uint16_t status);

/** @brief The answer to a request for events. False: it is none, and nothing was taken. */
bool tinybms_session_take_events(tinybms_session_t *session, const tinybms_answer_t *answer);

/** @brief A BMS may tell each event once: an answer that is lost, or had to be asked for twice, may have been the one.
 */
void tinybms_session_doubt_events(tinybms_session_t *session);

/** @brief The snapshot waits no longer for what explains a fault. */
void tinybms_session_end_hold(tinybms_session_t *session);

static inline int64_t tinybms_session_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#ifdef __cplusplus
}
#endif
