/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "unity.h"

#define STACK_LEFT_BYTES 1024 /**< for an interrupt's frame and the core's registers on top of the deepest call */

/** Behind each case: a stack that was too small has spoilt the heap, and nothing that follows means anything. */
void tearDown(void)
{
    UNITY_SET_DETAIL(NULL); /* of a case that has failed, whose row is gone with its stack */
    TEST_ASSERT_GREATER_THAN_UINT32_MESSAGE(STACK_LEFT_BYTES, uxTaskGetStackHighWaterMark(NULL),
                                            "bytes of the main task's stack that were never used");
}

/** Shows the menu of the cases that are in this program, on the console, and runs what is chosen there. */
void app_main(void)
{
    unity_run_menu();
}
