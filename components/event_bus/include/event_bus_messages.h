/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Messages of the event bus that belong to no pure component: what the services report about themselves.
 *
 * @code{.c}
 * #include "event_bus.h"
 * const event_bus_can_frame_t sent = {.time_ms = now_ms, .sent = true, .id = 0x351, .dlc = 8};
 * const event_bus_task_health_t hung = {.task = "diagnostics", .overdue = true};
 * event_bus_publish_can_frame(bus, &sent);
 * event_bus_publish_task_health(bus, &hung);
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#include "tinybms_session.h"
#include "victron_pgn.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief State of the serial line to the BMS. */
typedef struct {
    bool answering;             /**< a snapshot came within the last 3 s */
    int64_t last_snapshot_ms;   /**< 0 = never */
    tinybms_counters_t session; /**< counters of the session */
    uint32_t rx_overflows;      /**< times the driver lost bytes */
    uint32_t line_errors;       /**< breaks on the line; ESP-IDF's driver does not report bytes with a wrong stop bit */
} event_bus_uart_status_t;

/** @brief Error state of the CAN node, as ISO 11898 names it. */
typedef enum {
    EVENT_BUS_CAN_STOPPED = 0, /**< node not enabled */
    EVENT_BUS_CAN_ERROR_ACTIVE,
    EVENT_BUS_CAN_ERROR_WARNING,
    EVENT_BUS_CAN_ERROR_PASSIVE,
    EVENT_BUS_CAN_BUS_OFF,
} event_bus_can_state_t;

/** @brief State of the CAN node and of the GX behind it. Counters since start; they wrap at 2^32. */
typedef struct {
    event_bus_can_state_t state;
    uint16_t tx_error_count;
    uint16_t rx_error_count;
    bool publishing;     /**< frames are being sent */
    uint32_t tx_ok;      /**< frames acknowledged */
    uint32_t tx_failed;  /**< frames not acknowledged or lost in a bus error; sent again with fresh content */
    uint32_t tx_refused; /**< frames that the driver did not accept */
    uint32_t tx_stalled; /**< times the controller was restarted because a frame was stuck in it */
    uint32_t rx_frames;
    uint32_t rx_dropped; /**< received frames lost because the task was late */
    uint32_t bus_errors; /**< bus errors and lost arbitrations of the controller */
    uint32_t bus_off_count;
    uint32_t recoveries;
    bool refusing;           /**< the node is off and refuses to be enabled: nothing is sent */
    uint32_t enable_refused; /**< times the driver refused to enable the node; disabling it once more mostly helps */
    uint32_t restarts;       /**< gateway restarts because of that; back to 0 when the node has worked for 30 min */
    bool gx_alive;           /**< a keepalive (0x305) came within the warning time */
    int64_t gx_last_seen_ms; /**< 0 = never */
} event_bus_can_status_t;

/** @brief A frame seen on the bus. */
typedef struct {
    int64_t time_ms;
    bool sent;     /**< true = by this gateway */
    bool extended; /**< 29-bit id */
    bool remote;   /**< remote frame, no data */
    uint32_t id;
    uint8_t dlc;
    uint8_t data[8];
} event_bus_can_frame_t;

/** @brief Most bytes in one event_bus_uart_frame_t: the answer to the live block has 117. */
#define EVENT_BUS_UART_BYTES_MAX 120

/** @brief A piece of the traffic on the serial line to the BMS. */
typedef struct {
    int64_t time_ms; /**< when it was sent, or the first byte was read */
    /** true = a request of this gateway; else bytes that came since then, noise included: mostly an answer. They end
     * with the next request, with the buffer, or when the line falls quiet. */
    bool sent;
    uint8_t length;
    uint8_t bytes[EVENT_BUS_UART_BYTES_MAX];
} event_bus_uart_frame_t;

/** @brief Health of a task: reported by itself, or by another task that has found it hung. */
typedef struct {
    const char *task;          /**< static string */
    uint32_t stack_free_bytes; /**< least free stack since start; 0 for an overdue task */
    bool overdue;              /**< it has not reported for 30 s */
} event_bus_task_health_t;

/** @brief Most tasks whose health is kept. */
#define EVENT_BUS_TASKS_MAX 16

/** @brief Health of the gateway itself. */
typedef struct {
    const char *boot_reason; /**< "power on", "panic"; static string */
    bool reduced;            /**< after a boot loop: only control runs */
    uint32_t crashes;        /**< panics and watchdog resets since power-on */
    int64_t uptime_ms;
    uint32_t heap_free_bytes;
    uint32_t heap_least_free_bytes; /**< since start */
    uint32_t heap_largest_bytes;    /**< largest free block */
    uint32_t messages_dropped;      /**< lost by slow subscribers of the event bus */
    uint32_t task_count;
    event_bus_task_health_t tasks[EVENT_BUS_TASKS_MAX];
} event_bus_system_status_t;

#ifdef __cplusplus
}
#endif
