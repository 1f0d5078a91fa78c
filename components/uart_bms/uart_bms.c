/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The task that owns the UART: feeds the session, publishes what it returns, and passes writes from other tasks to it.
 * The protocol is in tinybms.
 */
#include "uart_bms.h"

#include <inttypes.h>
#include <string.h>

#include "driver/uart.h"
#include "esp_check.h"
#include "esp_log.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "sdkconfig.h"
#include "service_task.h"
#include "tinybms_events.h"
#include "tinybms_session.h"
#include "tinybms_write_gate.h"
#include "uart_traffic.h"

static const char *TAG = "uart_bms";

#define PORT               ((uart_port_t)CONFIG_TINYBMS_UART_PORT)
#define BAUD_RATE          115200 /* Rev D: not changeable */
#define DRIVER_EVENT_DEPTH 32
#define LONGEST_WAIT_MS    100 /* a write request waits this long at most before the session sees it */
#define STATUS_EVERY_MS    1000
#define SILENT_AFTER_MS    3000

/** A write on its way from a caller to the task, and its result on the way back; the ticket tells late results apart.
 */
typedef struct {
    uint32_t ticket;
    tinybms_write_request_t request;
} write_job_t;

typedef struct {
    uint32_t ticket;
    tinybms_write_result_t result;
} write_answer_t;

struct uart_bms {
    event_bus_handle_t bus;
    settings_handle_t gateway_settings;
    uint32_t generation; /**< of those that the session has */
    QueueHandle_t driver_events;
    QueueHandle_t jobs;    /**< write_job_t, depth 1 */
    QueueHandle_t answers; /**< write_answer_t, depth 1 */
    SemaphoreHandle_t one_writer;
    uint32_t next_ticket;                      /**< only under one_writer */
    write_job_t active;                        /**< only in the task; ticket 0 = no write under way */
    uint16_t settings[TINYBMS_SETTINGS_COUNT]; /**< as a job has read them, for its caller, who has one_writer; or their
                                                  least, greatest or default values */
    uint8_t cells;                             /**< likewise: measured */
    tinybms_session_t session;
    event_bus_uart_status_t status;
    uart_traffic_t traffic;
    int64_t next_status_ms;
    int64_t started_ms;
    bool silent;         /**< said so in the log */
    bool settings_known; /**< likewise: those of the BMS */
};

static void note_driver_event(uart_bms_handle_t bms, const uart_event_t *event)
{
    switch (event->type) {
    case UART_FIFO_OVF:
    case UART_BUFFER_FULL:
        /* What is left in the buffer has a hole in it; the session's timeout asks again. */
        bms->status.rx_overflows++;
        (void)uart_flush_input(PORT);
        (void)xQueueReset(bms->driver_events);
        break;
    case UART_FRAME_ERR:
    case UART_PARITY_ERR:
    case UART_BREAK:
        bms->status.line_errors++;
        break;
    default:
        break;
    }
}

static void read_line(uart_bms_handle_t bms)
{
    uint8_t bytes[128];
    size_t waiting = 0;
    while (uart_get_buffered_data_len(PORT, &waiting) == ESP_OK && waiting > 0) {
        const uint32_t length = (uint32_t)(waiting < sizeof(bytes) ? waiting : sizeof(bytes));
        const int got = uart_read_bytes(PORT, bytes, length, 0);
        if (got <= 0) {
            return;
        }
        const int64_t now_ms = service_now_ms();
        tinybms_session_feed(&bms->session, bytes, (size_t)got, now_ms);
        uart_traffic_heard(&bms->traffic, bytes, (size_t)got, now_ms);
    }
}

static void answer_write(uart_bms_handle_t bms, uint32_t ticket, const tinybms_write_result_t *result)
{
    const write_answer_t answer = {.ticket = ticket, .result = *result};
    (void)xQueueOverwrite(bms->answers, &answer); /* always succeeds on a queue of one */
}

static const char *name_of(const tinybms_write_request_t *request)
{
    switch (request->kind) {
    case TINYBMS_WRITE_CLEAR_EVENTS:
        return "clear events";
    case TINYBMS_WRITE_CLEAR_STATISTICS:
        return "clear statistics";
    case TINYBMS_WRITE_RESET_BMS:
        return "reset";
    case TINYBMS_WRITE_NOTHING:
        return "read settings";
    case TINYBMS_WRITE_OPTIONS:
        return "read ranges of settings";
    case TINYBMS_WRITE_SETTING:
    default:
        return request->entry == NULL ? "unknown register" : request->entry->name;
    }
}

static const char *name_at(uint16_t address)
{
    const tinybms_register_t *const entry = tinybms_register_by_address(address);
    return entry == NULL ? "" : entry->name;
}

static void log_refusal(const tinybms_write_request_t *request, const tinybms_write_result_t *result)
{
    switch (result->status) {
    case TINYBMS_WRITE_OUT_OF_RANGE:
        ESP_LOGW(TAG, "%s = %" PRId64 " refused: the allowed range is %" PRId32 "..%" PRId32, name_of(request),
                 request->raw, result->min, result->max);
        break;
    case TINYBMS_WRITE_CONTRADICTS:
    case TINYBMS_WRITE_NEEDS_CONFIRMATION:
    case TINYBMS_WRITE_CELL_COUNT:
    case TINYBMS_WRITE_CHANGED:
        ESP_LOGW(TAG, "%s = %" PRId64 " refused: %s (%s %u: %" PRId64 ")", name_of(request), request->raw,
                 tinybms_write_status_text(result->status), name_at(result->against), (unsigned)result->against,
                 result->read_back);
        break;
    default:
        ESP_LOGW(TAG, "%s: %s", name_of(request), tinybms_write_status_text(result->status));
        break;
    }
}

static void take_write(uart_bms_handle_t bms)
{
    write_job_t job;
    if (bms->active.ticket != 0 || xQueueReceive(bms->jobs, &job, 0) != pdTRUE) {
        return;
    }
    const tinybms_write_result_t result = tinybms_session_write(&bms->session, &job.request, service_now_ms());
    if (result.status == TINYBMS_WRITE_PENDING) {
        bms->active = job;
        return;
    }
    log_refusal(&job.request, &result);
    answer_write(bms, job.ticket, &result);
}

static void finish_write(uart_bms_handle_t bms, const tinybms_write_result_t *result)
{
    const uint16_t *const settings = tinybms_session_settings(&bms->session);
    const uint8_t kind = bms->active.request.kind;
    if (result->status != TINYBMS_WRITE_OK) {
        log_refusal(&bms->active.request, result);
    } else if (kind < TINYBMS_WRITE_NOTHING) {
        ESP_LOGI(TAG, "%s: %s", name_of(&bms->active.request), tinybms_write_status_text(result->status));
    } else if (kind == TINYBMS_WRITE_NOTHING && settings != NULL) {
        memcpy(bms->settings, settings, sizeof(bms->settings));
        bms->cells = tinybms_session_cells(&bms->session);
    }
    answer_write(bms, bms->active.ticket, result);
    bms->active.ticket = 0;
}

static void send_request(uart_bms_handle_t bms, const uint8_t *bytes, size_t length)
{
    const int64_t now_ms = service_now_ms();
    const int sent = uart_write_bytes(PORT, bytes, length);
    uart_traffic_sent(&bms->traffic, bytes, length, now_ms);
    if (sent != (int)length) {
        ESP_LOGW(TAG, "the UART driver accepted only %d of %u bytes of a request", sent, (unsigned)length);
    }
}

static void log_event(const tinybms_event_t *event)
{
    ESP_LOGW(TAG, "BMS event 0x%02X at %" PRIu32 " s: %s", (unsigned)event->id, event->time_s,
             tinybms_event_text(event->id));
}

/** What of the time to the first frame is the BMS's: its first live block, then its settings. */
static void tell_start(uart_bms_handle_t bms, const tinybms_snapshot_t *snapshot)
{
    const int64_t after_ms = service_now_ms() - bms->started_ms;
    if (snapshot->sequence == 1) {
        ESP_LOGD(TAG, "start: first live block after %" PRId64 " ms", after_ms);
    }
    if (snapshot->settings_known && !bms->settings_known) {
        bms->settings_known = true;
        ESP_LOGD(TAG, "start: first live block with settings after %" PRId64 " ms", after_ms);
    }
}

static void perform(uart_bms_handle_t bms)
{
    for (;;) {
        const tinybms_action_t action = tinybms_session_step(&bms->session, service_now_ms());
        switch (action.type) {
        case TINYBMS_ACTION_SEND:
            send_request(bms, action.send.bytes, action.send.length);
            break;
        case TINYBMS_ACTION_SNAPSHOT: {
            const tinybms_snapshot_t *const snapshot = tinybms_session_snapshot(&bms->session);
            tell_start(bms, snapshot);
            bms->status.last_snapshot_ms = snapshot->taken_ms;
            event_bus_publish_snapshot(bms->bus, snapshot);
            break;
        }
        case TINYBMS_ACTION_EVENT:
            log_event(&action.event);
            event_bus_publish_bms_event(bms->bus, &action.event);
            break;
        case TINYBMS_ACTION_WRITE_DONE:
            finish_write(bms, &action.write_done);
            break;
        default:
            return;
        }
    }
}

static void note_silence(uart_bms_handle_t bms, int64_t now_ms)
{
    const bool ever = bms->status.session.snapshots > 0;
    const int64_t last_ms = ever ? bms->status.last_snapshot_ms : bms->started_ms;
    const bool silent = now_ms - last_ms >= SILENT_AFTER_MS;
    if (silent && !bms->silent) {
        ESP_LOGW(TAG, "the BMS has not answered for %d ms; still polling", SILENT_AFTER_MS);
    }
    bms->silent = silent;
    if (ever && !silent && !bms->status.answering) {
        ESP_LOGI(TAG, "the BMS answers");
    }
    bms->status.answering = ever && !silent;
}

static void report(uart_bms_handle_t bms)
{
    const int64_t now_ms = service_now_ms();
    if (now_ms < bms->next_status_ms) {
        return;
    }
    bms->next_status_ms = now_ms + STATUS_EVERY_MS;
    bms->status.session = *tinybms_session_counters(&bms->session);
    note_silence(bms, now_ms);
    event_bus_publish_uart_status(bms->bus, &bms->status);
}

static void follow_settings(uart_bms_handle_t bms)
{
    const uint32_t generation = settings_generation(bms->gateway_settings);
    if (generation != bms->generation) {
        bms->generation = generation;
        tinybms_session_set_poll_ms(&bms->session, settings_number(bms->gateway_settings, SETTINGS_UART_POLL_MS));
    }
}

static void run(service_task_t *task, void *argument)
{
    uart_bms_handle_t bms = argument;
    for (;;) {
        uart_event_t event;
        follow_settings(bms);
        perform(bms);
        const TickType_t wait = service_ticks_until(tinybms_session_deadline_ms(&bms->session), LONGEST_WAIT_MS);
        if (xQueueReceive(bms->driver_events, &event, wait) == pdTRUE) {
            note_driver_event(bms, &event);
        }
        read_line(bms);
        uart_traffic_note_quiet(&bms->traffic, service_now_ms());
        take_write(bms);
        report(bms);
        service_task_alive(task);
    }
}

static esp_err_t open_line(void *argument)
{
    uart_bms_handle_t bms = argument;
    const uart_config_t config = {
        .baud_rate = BAUD_RATE,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_RETURN_ON_ERROR(uart_driver_install(PORT, CONFIG_TINYBMS_UART_RX_BUFFER, 0, DRIVER_EVENT_DEPTH,
                                            &bms->driver_events, ESP_INTR_FLAG_IRAM),
                        TAG, "cannot install the UART driver");
    ESP_RETURN_ON_ERROR(uart_param_config(PORT, &config), TAG, "cannot set 115200 8N1");
    return uart_set_pin(PORT, CONFIG_TINYBMS_UART_TX_GPIO, CONFIG_TINYBMS_UART_RX_GPIO, UART_PIN_NO_CHANGE,
                        UART_PIN_NO_CHANGE);
}

esp_err_t uart_bms_start(event_bus_handle_t bus, settings_handle_t settings, uart_bms_handle_t *handle)
{
    ESP_RETURN_ON_FALSE(bus != NULL && settings != NULL && handle != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    static struct uart_bms uart_bms; /* there is one, as long as the program lives */
    uart_bms_handle_t bms = &uart_bms;
    ESP_RETURN_ON_FALSE(bms->bus == NULL, ESP_ERR_INVALID_STATE, TAG, "already started");
    bms->bus = bus;
    uart_traffic_init(&bms->traffic, bus);
    bms->gateway_settings = settings;
    bms->generation = settings_generation(settings);
    bms->jobs = xQueueCreate(1, sizeof(write_job_t));
    bms->answers = xQueueCreate(1, sizeof(write_answer_t));
    bms->one_writer = xSemaphoreCreateMutex();
    ESP_RETURN_ON_FALSE(bms->jobs != NULL && bms->answers != NULL && bms->one_writer != NULL, ESP_ERR_NO_MEM, TAG,
                        "no memory for the queues");

    tinybms_session_config_t config = TINYBMS_SESSION_DEFAULT_CONFIG();
    config.poll_ms = settings_number(settings, SETTINGS_UART_POLL_MS);
    bms->started_ms = service_now_ms();
    tinybms_session_init(&bms->session, &config, service_now_ms());
    const settings_memory_t memory = settings_memory(settings);
    tinybms_session_recall(&bms->session, &memory.events_over);
    const service_task_config_t task = {
        .name = TAG,
        .kind = SERVICE_TASK_CONTROL,
        .stack_bytes = CONFIG_TINYBMS_UART_TASK_STACK,
        .priority = CONFIG_TINYBMS_UART_TASK_PRIORITY,
        .open = open_line,
        .run = run,
    };
    ESP_RETURN_ON_ERROR(service_task_start(&task, bus, bms), TAG, "cannot start the serial task");
    *handle = bms;
    return ESP_OK;
}

/** Called with one_writer held: the only job in the queue is this caller's. */
static esp_err_t exchange(uart_bms_handle_t bms, const tinybms_write_request_t *request, int64_t deadline_ms,
                          tinybms_write_result_t *result)
{
    bms->next_ticket = bms->next_ticket == UINT32_MAX ? 1 : bms->next_ticket + 1;
    write_job_t job = {.ticket = bms->next_ticket, .request = *request};
    if (xQueueSend(bms->jobs, &job, 0) != pdTRUE) {
        return ESP_ERR_INVALID_STATE;
    }
    while (service_now_ms() < deadline_ms) {
        write_answer_t answer;
        const TickType_t ticks = service_ticks_until(deadline_ms, INT32_MAX);
        if (xQueueReceive(bms->answers, &answer, ticks) == pdTRUE && answer.ticket == job.ticket) {
            *result = answer.result;
            return ESP_OK;
        }
    }
    (void)xQueueReceive(bms->jobs, &job, 0); /* not begun: nobody waits for it any more, so it must not happen later */
    return ESP_ERR_TIMEOUT;
}

/** Called with one_writer held, so that nothing else is written in between. */
static esp_err_t write_all(uart_bms_handle_t bms, tinybms_write_request_t *requests, size_t count, int64_t deadline_ms,
                           tinybms_write_result_t *result, size_t *written)
{
    const tinybms_write_request_t look = {.kind = TINYBMS_WRITE_NOTHING};
    esp_err_t err = exchange(bms, &look, deadline_ms, result);
    if (err != ESP_OK || result->status != TINYBMS_WRITE_OK) {
        return err;
    }
    *result = tinybms_write_gate_order(bms->settings, bms->cells, requests, count);
    if (result->status != TINYBMS_WRITE_PENDING) {
        log_refusal(&requests[0], result);
        return ESP_OK;
    }
    while (*written < count) {
        err = exchange(bms, &requests[*written], deadline_ms, result);
        if (err != ESP_OK || result->status != TINYBMS_WRITE_OK) {
            ESP_LOGW(TAG, "%u of %u settings written; stopped at %s", (unsigned)*written, (unsigned)count,
                     name_of(&requests[*written]));
            return err;
        }
        requests[*written].read_back = result->read_back;
        (*written)++;
    }
    return ESP_OK;
}

esp_err_t uart_bms_write_all(uart_bms_handle_t handle, tinybms_write_request_t *requests, size_t count,
                             uint32_t timeout_ms, tinybms_write_result_t *result, size_t *written)
{
    ESP_RETURN_ON_FALSE(handle != NULL && requests != NULL && count > 0 && result != NULL && written != NULL,
                        ESP_ERR_INVALID_ARG, TAG, "NULL argument or nothing to write");
    const int64_t deadline_ms = service_now_ms() + (int64_t)timeout_ms;
    *written = 0;
    if (xSemaphoreTake(handle->one_writer, service_ticks_until(deadline_ms, INT32_MAX)) != pdTRUE) {
        return ESP_ERR_TIMEOUT;
    }
    const esp_err_t err = write_all(handle, requests, count, deadline_ms, result, written);
    (void)xSemaphoreGive(handle->one_writer);
    return err;
}

esp_err_t uart_bms_write(uart_bms_handle_t handle, const tinybms_write_request_t *request, uint32_t timeout_ms,
                         tinybms_write_result_t *result)
{
    ESP_RETURN_ON_FALSE(handle != NULL && request != NULL && result != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    const int64_t deadline_ms = service_now_ms() + (int64_t)timeout_ms;
    if (xSemaphoreTake(handle->one_writer, service_ticks_until(deadline_ms, INT32_MAX)) != pdTRUE) {
        return ESP_ERR_TIMEOUT;
    }
    const esp_err_t err = exchange(handle, request, deadline_ms, result);
    (void)xSemaphoreGive(handle->one_writer);
    return err;
}

/** What a caller has to know of it. */
static esp_err_t outcome_of_reading(esp_err_t err, const tinybms_write_result_t *result)
{
    if (err != ESP_OK || result->status == TINYBMS_WRITE_OK) {
        return err;
    }
    return result->status == TINYBMS_WRITE_REFUSED_BY_BMS ? ESP_ERR_NOT_SUPPORTED : ESP_ERR_TIMEOUT;
}

esp_err_t uart_bms_read_options(uart_bms_handle_t handle, tinybms_option_t option, uint16_t *words, size_t count,
                                uint32_t timeout_ms)
{
    ESP_RETURN_ON_FALSE(handle != NULL && words != NULL && count >= 1 && count <= TINYBMS_SETTINGS_COUNT &&
                            option >= TINYBMS_OPTION_MIN && option <= TINYBMS_OPTION_CURRENT,
                        ESP_ERR_INVALID_ARG, TAG, "NULL argument, or option or count out of range");
    const tinybms_write_request_t request = {.kind = TINYBMS_WRITE_OPTIONS, .words = handle->settings, .raw = option};
    const int64_t deadline_ms = service_now_ms() + (int64_t)timeout_ms;
    tinybms_write_result_t result;
    if (xSemaphoreTake(handle->one_writer, service_ticks_until(deadline_ms, INT32_MAX)) != pdTRUE) {
        return ESP_ERR_TIMEOUT;
    }
    const esp_err_t err = outcome_of_reading(exchange(handle, &request, deadline_ms, &result), &result);
    if (err == ESP_OK) {
        memcpy(words, handle->settings, count * sizeof(words[0]));
    }
    (void)xSemaphoreGive(handle->one_writer);
    return err;
}
