/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h first, as on the chip"
#endif

typedef struct host_sw_timer *TimerHandle_t;
typedef void (*TimerCallbackFunction_t)(TimerHandle_t timer);
typedef void (*PendedFunction_t)(void *argument, uint32_t value);

TimerHandle_t xTimerCreate(const char *name, TickType_t period, BaseType_t auto_reload, void *id,
                           TimerCallbackFunction_t callback);
BaseType_t xTimerStart(TimerHandle_t timer, TickType_t ticks);
BaseType_t xTimerStop(TimerHandle_t timer, TickType_t ticks);
void *pvTimerGetTimerID(TimerHandle_t timer);
BaseType_t xTimerPendFunctionCallFromISR(PendedFunction_t function, void *argument, uint32_t value, BaseType_t *woken);
