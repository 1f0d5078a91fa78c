/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** UART over termios. A UART of the chip never goes away, so a device that is missing or was unplugged looks like a
 * silent line to the firmware: the reader thread opens it again, and what is written meanwhile is lost, as on a cut
 * wire. */
#include "driver/uart.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "esp_log.h"
#include "host.h"
#include "serial_device.h"

static const char *TAG = "uart";

#define FIRST_RETRY_MS 250
#define LAST_RETRY_MS  1000
#define PORTS          3

static struct {
    bool installed;
    int fd; /**< -1 = not there */
    uint8_t *ring;
    size_t size;
    size_t head;
    size_t count;
    QueueHandle_t events;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
} s_uart = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static void post_event(uart_event_type_t type, size_t size)
{
    const uart_event_t event = {.type = type, .size = size};
    if (s_uart.events != NULL) {
        (void)xQueueSendFromISR(s_uart.events, &event, NULL); /* a full queue loses the event, as on the chip */
    }
}

static void take_bytes(const uint8_t *bytes, size_t length)
{
    (void)pthread_mutex_lock(&s_uart.lock);
    const size_t room = s_uart.size - s_uart.count;
    const size_t taken = length < room ? length : room;
    for (size_t i = 0; i < taken; i++) {
        s_uart.ring[(s_uart.head + s_uart.count + i) % s_uart.size] = bytes[i];
    }
    s_uart.count += taken;
    (void)pthread_cond_broadcast(&s_uart.arrived);
    (void)pthread_mutex_unlock(&s_uart.lock);
    post_event(taken < length ? UART_BUFFER_FULL : UART_DATA, taken);
}

static void set_fd(int fd)
{
    (void)pthread_mutex_lock(&s_uart.lock);
    s_uart.fd = fd;
    (void)pthread_mutex_unlock(&s_uart.lock);
}

static void read_until_gone(int fd)
{
    uint8_t bytes[256];
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        const int ready = poll(&poll_fd, 1, 1000);
        if (ready == 0 && serial_device_is(fd, host_options.uart_device)) {
            continue;
        }
        const ssize_t got = ready > 0 && (poll_fd.revents & POLLIN) != 0 ? read(fd, bytes, sizeof(bytes)) : -1;
        if (got <= 0) {
            return;
        }
        take_bytes(bytes, (size_t)got);
    }
}

static void *serve(void *argument)
{
    const char *const path = host_options.uart_device;
    int retry_ms = FIRST_RETRY_MS;
    int last_error = 0;
    (void)argument;
    for (;;) {
        const int fd = serial_device_open(path);
        if (fd < 0) {
            if (errno != last_error) {
                ESP_LOGW(TAG, "%s: %s; trying again until it is there", path, strerror(errno));
                last_error = errno;
            }
            (void)usleep((useconds_t)retry_ms * 1000U);
            retry_ms = retry_ms * 2 < LAST_RETRY_MS ? retry_ms * 2 : LAST_RETRY_MS;
            continue;
        }
        ESP_LOGI(TAG, "%s: open", path);
        last_error = 0;
        retry_ms = FIRST_RETRY_MS;
        set_fd(fd);
        read_until_gone(fd);
        set_fd(-1);
        (void)close(fd);
        ESP_LOGW(TAG, "%s: gone; opening it again", path);
        (void)usleep(FIRST_RETRY_MS * 1000U);
    }
    return NULL;
}

esp_err_t uart_driver_install(uart_port_t uart_num, int rx_buffer_size, int tx_buffer_size, int queue_size,
                              QueueHandle_t *uart_queue, int intr_alloc_flags)
{
    (void)tx_buffer_size;
    (void)intr_alloc_flags;
    if (uart_num < 0 || uart_num >= PORTS || rx_buffer_size <= 128 || s_uart.installed) {
        return ESP_FAIL; /* the chip's driver wants more than its 128 byte FIFO */
    }
    s_uart.ring = malloc((size_t)rx_buffer_size);
    s_uart.size = (size_t)rx_buffer_size;
    host_cond_init(&s_uart.arrived);
    if (s_uart.ring == NULL) {
        return ESP_ERR_NO_MEM;
    }
    if (uart_queue != NULL) {
        s_uart.events = xQueueCreate((UBaseType_t)queue_size, sizeof(uart_event_t));
        *uart_queue = s_uart.events;
    }
    s_uart.installed = true;
    if (host_options.uart_device != NULL) {
        host_start_thread(serve, NULL);
    } else {
        ESP_LOGW(TAG, "no serial device given: the line is silent");
    }
    return ESP_OK;
}

esp_err_t uart_param_config(uart_port_t uart_num, const uart_config_t *uart_config)
{
    const bool fixed = uart_config->baud_rate == 115200 && uart_config->data_bits == UART_DATA_8_BITS &&
                       uart_config->parity == UART_PARITY_DISABLE && uart_config->stop_bits == UART_STOP_BITS_1;
    return uart_num >= 0 && uart_num < PORTS && fixed ? ESP_OK : ESP_ERR_INVALID_ARG;
}

esp_err_t uart_set_pin(uart_port_t uart_num, int tx_io_num, int rx_io_num, int rts_io_num, int cts_io_num)
{
    const bool valid = tx_io_num >= UART_PIN_NO_CHANGE && tx_io_num < 34 && rx_io_num >= UART_PIN_NO_CHANGE &&
                       rx_io_num < 40 && rts_io_num < 40 && cts_io_num < 40;
    return uart_num >= 0 && uart_num < PORTS && valid ? ESP_OK : ESP_FAIL;
}

int uart_write_bytes(uart_port_t uart_num, const void *src, size_t size)
{
    (void)uart_num;
    host_refuse_in_isr(__func__, 1);
    (void)pthread_mutex_lock(&s_uart.lock);
    const ssize_t written = s_uart.fd < 0 ? 0 : write(s_uart.fd, src, size);
    (void)pthread_mutex_unlock(&s_uart.lock);
    (void)written; /* a wire that is cut takes everything */
    return (int)size;
}

int uart_read_bytes(uart_port_t uart_num, void *buf, uint32_t length, TickType_t ticks_to_wait)
{
    const int64_t deadline_us = host_deadline_us(ticks_to_wait);
    uint8_t *const bytes = buf;
    (void)uart_num;
    host_refuse_in_isr(__func__, ticks_to_wait);
    (void)pthread_mutex_lock(&s_uart.lock);
    while (s_uart.count < length && ticks_to_wait > 0 && host_wait_until(&s_uart.arrived, &s_uart.lock, deadline_us)) {
    }
    const size_t got = s_uart.count < length ? s_uart.count : length;
    for (size_t i = 0; i < got; i++) {
        bytes[i] = s_uart.ring[s_uart.head];
        s_uart.head = (s_uart.head + 1) % s_uart.size;
    }
    s_uart.count -= got;
    (void)pthread_mutex_unlock(&s_uart.lock);
    return (int)got;
}

esp_err_t uart_flush_input(uart_port_t uart_num)
{
    (void)uart_num;
    (void)pthread_mutex_lock(&s_uart.lock);
    s_uart.count = 0;
    (void)pthread_mutex_unlock(&s_uart.lock);
    return ESP_OK;
}

esp_err_t uart_get_buffered_data_len(uart_port_t uart_num, size_t *size)
{
    (void)uart_num;
    (void)pthread_mutex_lock(&s_uart.lock);
    *size = s_uart.count;
    (void)pthread_mutex_unlock(&s_uart.lock);
    return ESP_OK;
}
