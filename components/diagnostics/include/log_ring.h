/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The newest lines of the log in RAM, CONFIG_TINYBMS_DIAGNOSTICS_LOG_RING bytes of them, for those who have no
 * console.
 *
 * Text is printable ASCII: colour codes and control characters are left out, other characters are replaced by '?'. A
 * line has at most 255 characters; a longer one is cut and ends with "...".
 *
 * @code{.c}
 * char text[512];
 * uint32_t position = 0;
 * log_ring_begin();
 * const size_t length = log_ring_read(&position, text, sizeof(text)); // again until it returns 0
 * @endcode
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief From now on the log is kept; the console goes on. Call it first of all; later calls do nothing. */
void log_ring_begin(void);

/**
 * @brief Copies whole lines, the oldest first; at most 512 bytes in one call. A line that is longer than `size` comes
 * in parts. From any task off the control path, while others write.
 * @param[in,out] position where the last call ended, 0 = the oldest line. If that text is no longer there, it continues
 * at the oldest whole line. It wraps after 4 GB: then a reader may get the whole ring once more
 * @param[out] buffer,size destination; not terminated
 * @return bytes copied; 0 = there is no further line yet
 */
size_t log_ring_read(uint32_t *position, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
