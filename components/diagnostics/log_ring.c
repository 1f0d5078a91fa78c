/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Keeps the newest lines of the log in RAM, by taking the place of the function that prints them. */
#include "log_ring.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "sdkconfig.h"

#define RING_SIZE  ((uint32_t)CONFIG_TINYBMS_DIAGNOSTICS_LOG_RING)
#define LINE_SIZE  256U
#define LINES      4 /**< tasks that make a line at the same time; two cores and two interrupted tasks */
#define READ_MAX   512U
#define CUT_MARK   "...\n"
#define LOST_SIZE  32
#define ESCAPE     '\x1B'
#define SEARCH_MAX (2U * LINE_SIZE) /**< for the end of a line in the ring, with interrupts off */

typedef struct {
    char text[LINE_SIZE];
    atomic_uint taken;
} line_t;

static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; /**< guards the ring; held for one copy */
static char s_ring[RING_SIZE];
static uint32_t s_head; /**< index of the next byte */
static uint32_t s_used;
static uint32_t s_end; /**< bytes stored since the start; wraps */
static line_t s_lines[LINES];
static atomic_uint s_lost; /**< lines, since the last one was stored */
static _Atomic(vprintf_like_t) s_console = vprintf;

static void append(const char *text, uint32_t length)
{
    portENTER_CRITICAL(&s_lock);
    const uint32_t to_edge = RING_SIZE - s_head;
    const uint32_t first = length < to_edge ? length : to_edge;
    memcpy(&s_ring[s_head], text, first);
    memcpy(&s_ring[0], &text[first], length - first);
    s_head = (s_head + length) % RING_SIZE;
    s_used = s_used + length < RING_SIZE ? s_used + length : RING_SIZE;
    s_end += length;
    portEXIT_CRITICAL(&s_lock);
}

/** Index of the byte behind an escape sequence, such as a colour: "ESC [ 0 ; 3 2 m"; others have one character. */
static uint32_t after_escape(const char *text, uint32_t at, uint32_t length)
{
    uint32_t next = at + 1;
    if (next == length || text[next] != '[') {
        return next;
    }
    do {
        next++;
    } while (next < length && text[next] >= ' ' && text[next] < '@');
    return next < length && text[next] >= '@' && text[next] <= '~' ? next + 1 : next;
}

/** Leaves printable ASCII, and the newline at the end: a newline within would let a text look like a line of its own.
 */
static uint32_t clean(char *text, uint32_t length)
{
    uint32_t kept = 0;
    for (uint32_t at = 0; at < length;) {
        const char c = text[at];
        if (c == ESCAPE) {
            at = after_escape(text, at, length);
            continue;
        }
        at++;
        if (c >= ' ' && c <= '~') {
            text[kept++] = c;
        } else if (c == '\n') {
            text[kept++] = at == length ? '\n' : ' ';
        } else if (c == '\t') {
            text[kept++] = ' ';
        } else if ((unsigned char)c >= 0x80) {
            text[kept++] = '?';
        }
    }
    return kept;
}

static line_t *take_line(void)
{
    for (size_t i = 0; i < LINES; i++) {
        if (atomic_exchange(&s_lines[i].taken, 1) == 0) {
            return &s_lines[i];
        }
    }
    return NULL;
}

static void tell_lost(void)
{
    char text[LOST_SIZE];
    const unsigned lost = atomic_exchange(&s_lost, 0);
    if (lost > 0) {
        const int length = snprintf(text, sizeof(text), "(lines missing: %u)\n", lost);
        append(text, (uint32_t)length);
    }
}

/**
 * Any task logs at any time, and the control tasks must neither wait nor need more stack for it. So a line is made in
 * one of a few buffers of its own, without a lock, and only the copy of at most 255 bytes into the ring is a critical
 * section: about a microsecond. If all buffers are taken, by tasks that were interrupted while they made a line, then
 * the line is missing in the ring, which the next one tells; it is still printed.
 */
static void keep(const char *format, va_list arguments)
{
    line_t *const line = take_line();
    if (line == NULL) {
        (void)atomic_fetch_add(&s_lost, 1);
        return;
    }
    tell_lost();
    const int length = vsnprintf(line->text, sizeof(line->text), format, arguments);
    if (length >= (int)LINE_SIZE) {
        const uint32_t kept = clean(line->text, LINE_SIZE - (uint32_t)sizeof(CUT_MARK));
        memcpy(&line->text[kept], CUT_MARK, sizeof(CUT_MARK) - 1);
        append(line->text, kept + (uint32_t)sizeof(CUT_MARK) - 1);
    } else if (length > 0) {
        append(line->text, clean(line->text, (uint32_t)length));
    }
    atomic_store(&line->taken, 0);
}

/**
 * Version 1 of ESP-IDF's log calls it once for a line, with the newline, in the task that logs. Its radio libraries log
 * a line in pieces: these are kept as they come. What interrupts and the boot loader print does not come here.
 */
static int keep_and_print(const char *format, va_list arguments)
{
    const vprintf_like_t console = atomic_load(&s_console);
    va_list again;
    va_copy(again, arguments);
    keep(format, again);
    va_end(again);
    return console(format, arguments);
}

void log_ring_begin(void)
{
    const vprintf_like_t before = esp_log_set_vprintf(keep_and_print);
    if (before != keep_and_print) {
        atomic_store(&s_console, before);
    }
}

/** Under s_lock: the index of a byte that is in the ring. */
static uint32_t index_of(uint32_t position)
{
    const uint32_t back = s_end - position;
    return s_head >= back ? s_head - back : s_head + RING_SIZE - back;
}

/** Under s_lock: what was overwritten may have been the beginning of a line. */
static uint32_t oldest_line(void)
{
    const uint32_t oldest = s_end - s_used;
    for (uint32_t i = 0; oldest != 0 && i < s_used && i < SEARCH_MAX; i++) {
        if (s_ring[index_of(oldest + i)] == '\n') {
            return oldest + i + 1;
        }
    }
    return oldest;
}

/** Under s_lock. */
static void copy(uint32_t position, char *buffer, uint32_t length)
{
    const uint32_t from = index_of(position);
    const uint32_t to_edge = RING_SIZE - from;
    const uint32_t first = length < to_edge ? length : to_edge;
    memcpy(buffer, &s_ring[from], first);
    memcpy(&buffer[first], s_ring, length - first);
}

/** Up to the last newline; a reader that is overtaken then never joins parts of two lines. */
static uint32_t whole_lines(const char *buffer, uint32_t length, bool full)
{
    for (uint32_t end = length; end > 0; end--) {
        if (buffer[end - 1] == '\n') {
            return end;
        }
    }
    return full ? length : 0;
}

size_t log_ring_read(uint32_t *position, char *buffer, size_t size)
{
    const uint32_t room = size < READ_MAX ? (uint32_t)size : READ_MAX;
    portENTER_CRITICAL(&s_lock);
    const bool there = *position != 0 && s_end - *position <= s_used;
    const uint32_t from = there ? *position : oldest_line();
    const uint32_t waiting = s_end - from;
    const uint32_t length = waiting < room ? waiting : room;
    copy(from, buffer, length);
    portEXIT_CRITICAL(&s_lock);
    const uint32_t whole = whole_lines(buffer, length, length == room);
    *position = from + whole;
    return whole;
}
