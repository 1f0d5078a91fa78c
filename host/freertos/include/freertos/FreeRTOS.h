/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/** Its other headers look for it, as on the chip. */
#define INC_FREERTOS_H

#include <stddef.h>
#include <stdint.h>

#include "sdkconfig.h"

typedef int BaseType_t;
typedef unsigned int UBaseType_t;
typedef uint32_t TickType_t;
typedef uint8_t StackType_t;

#define pdFALSE            ((BaseType_t)0)
#define pdTRUE             ((BaseType_t)1)
#define pdPASS             pdTRUE
#define pdFAIL             pdFALSE
#define errQUEUE_FULL      ((BaseType_t)0)
#define portMAX_DELAY      ((TickType_t)0xffffffffUL)
#define configTICK_RATE_HZ CONFIG_FREERTOS_HZ
#define portTICK_PERIOD_MS ((TickType_t)1000 / configTICK_RATE_HZ)
/** In 32 bits as on the chip: at 1000 Hz it overflows from 4,294,968 ms (71 min) on. */
#define pdMS_TO_TICKS(ms)    ((TickType_t)(((TickType_t)(ms) * (TickType_t)configTICK_RATE_HZ) / (TickType_t)1000U))
#define tskNO_AFFINITY       0x7FFFFFFF
#define configMAX_PRIORITIES 25
#define tskIDLE_PRIORITY     0

typedef struct {
    int unused;
} portMUX_TYPE;
#define portMUX_INITIALIZER_UNLOCKED                                                                                   \
    {                                                                                                                  \
        0                                                                                                              \
    }

void host_enter_critical(void);
void host_exit_critical(void);
#define portENTER_CRITICAL(mux) ((void)(mux), host_enter_critical())
#define portEXIT_CRITICAL(mux)  ((void)(mux), host_exit_critical())

BaseType_t xPortInIsrContext(void);
BaseType_t xPortGetCoreID(void);
