/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** UART over termios, with what the driver of the chip (uart.c, v5.5.5) has between the line and its reader: a FIFO of
 * 128 bytes, an interrupt that empties it into a ring buffer, whole or not at all, and a stash for what did not fit. A
 * UART of the chip never goes away, so a device that is missing or was unplugged looks like a silent line to the
 * firmware: the reader thread opens it again, and what is written meanwhile is lost, as on a cut wire. */
#include "driver/uart.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "esp_check.h"
#include "esp_log.h"
#include "freertos/semphr.h"
#include "gpio_pins.h"
#include "host.h"
#include "serial_device.h"

static const char *TAG = "uart";

#define FIRST_RETRY_MS 250
#define LAST_RETRY_MS  1000
#define NO_PORT        (-1)
#define FIFO_SIZE      128
#define FULL_THRESHOLD 120 /* so many bytes raise an interrupt, or fewer and a pause */
#define PAUSE_US       903 /* 13 x 8 bits */
#define LOOK_EVERY_US  1000000
#define READ_SIZE      4096
#define BAUD_RATE      115200
#define MOST_DATA_BITS UART_DATA_8_BITS
#define LAST_FLOW_CTRL 3
#define PORTS          3

static struct {
    uart_port_t port; /**< the one that is installed: Linux has one line */
    int fd;           /**< -1 = not there */
    uint8_t *ring;
    size_t size;
    size_t head;
    size_t count;
    bool full; /**< something is in the stash; the FIFO is not emptied */
    uint8_t stash[FIFO_SIZE];
    size_t stash_length;
    uint8_t fifo[FIFO_SIZE];
    size_t fifo_length;
    QueueHandle_t events;
    SemaphoreHandle_t one_reader;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
} s_uart = {.port = NO_PORT, .fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static void post_event(uart_event_type_t type, size_t size, bool timeout)
{
    const uart_event_t event = {.type = type, .size = size, .timeout_flag = timeout};
    if (s_uart.events != NULL) {
        (void)xQueueSendFromISR(s_uart.events, &event, NULL); /* a full queue loses the event, as on the chip */
    }
}

/** Under the lock. All of it or nothing. */
static bool put_into_ring(const uint8_t *bytes, size_t length)
{
    if (length > s_uart.size - s_uart.count) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        s_uart.ring[(s_uart.head + s_uart.count + i) % s_uart.size] = bytes[i];
    }
    s_uart.count += length;
    (void)pthread_cond_broadcast(&s_uart.arrived);
    return true;
}

/** Under the lock: the interrupt takes what is in the FIFO. */
static void empty_fifo(bool timeout)
{
    const size_t length = s_uart.fifo_length;
    s_uart.fifo_length = 0;
    if (put_into_ring(s_uart.fifo, length)) {
        post_event(UART_DATA, length, timeout);
        return;
    }
    memcpy(s_uart.stash, s_uart.fifo, length);
    s_uart.stash_length = length;
    s_uart.full = true;
    post_event(UART_BUFFER_FULL, length, timeout);
}

/** Under the lock, when the ring buffer has room again: the interrupt is allowed once more, and waits already. */
static void take_stash(void)
{
    if (!s_uart.full || !put_into_ring(s_uart.stash, s_uart.stash_length)) {
        return;
    }
    s_uart.full = false;
    if (s_uart.fifo_length > 0) {
        empty_fifo(true);
    }
}

/** Under the lock. A FIFO that nobody empties overflows, and all of it is lost. */
static void take_byte(uint8_t byte)
{
    if (s_uart.fifo_length == FIFO_SIZE) {
        s_uart.fifo_length = 0;
        post_event(UART_FIFO_OVF, 0, false);
        return;
    }
    s_uart.fifo[s_uart.fifo_length++] = byte;
    if (s_uart.fifo_length >= FULL_THRESHOLD && !s_uart.full) {
        empty_fifo(false);
    }
}

static void take_bytes(const uint8_t *bytes, size_t length)
{
    (void)pthread_mutex_lock(&s_uart.lock);
    for (size_t i = 0; i < length; i++) {
        take_byte(bytes[i]);
    }
    (void)pthread_mutex_unlock(&s_uart.lock);
}

/** Whether the FIFO holds fewer bytes than raise an interrupt by themselves. */
static bool waits_for_pause(void)
{
    (void)pthread_mutex_lock(&s_uart.lock);
    const bool waits = s_uart.fifo_length > 0 && !s_uart.full;
    (void)pthread_mutex_unlock(&s_uart.lock);
    return waits;
}

static void take_pause(void)
{
    (void)pthread_mutex_lock(&s_uart.lock);
    if (s_uart.fifo_length > 0 && !s_uart.full) {
        empty_fifo(true);
    }
    (void)pthread_mutex_unlock(&s_uart.lock);
}

static void set_fd(int fd)
{
    (void)pthread_mutex_lock(&s_uart.lock);
    s_uart.fd = fd;
    (void)pthread_mutex_unlock(&s_uart.lock);
}

/** True: the device has something to say, or is gone. */
static bool hears(int fd, int64_t patience_us, short *revents)
{
    const struct timespec patience = {.tv_sec = patience_us / 1000000, .tv_nsec = patience_us % 1000000 * 1000};
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    const int ready = ppoll(&poll_fd, 1, &patience, NULL);
    *revents = poll_fd.revents;
    return ready != 0;
}

static void read_until_gone(int fd)
{
    const int64_t pause_us = (int64_t)(PAUSE_US / host_options.time_scale);
    uint8_t bytes[READ_SIZE];
    short revents = 0;
    for (;;) {
        const bool pause_counts = waits_for_pause();
        if (!hears(fd, pause_counts ? pause_us : LOOK_EVERY_US, &revents)) {
            take_pause();
            if (pause_counts || serial_device_is(fd, host_options.uart_device)) {
                continue;
            }
            return;
        }
        const ssize_t got = (revents & POLLIN) != 0 ? read(fd, bytes, sizeof(bytes)) : -1;
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
    int fd = *(const int *)argument;
    for (;;) {
        fd = fd < 0 ? serial_device_open(path) : fd;
        if (fd < 0) {
            if (errno != last_error) {
                ESP_LOGW(TAG, "%s: %s; retrying until it is available", path, strerror(errno));
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
        fd = -1;
        ESP_LOGW(TAG, "%s: disconnected; reopening", path);
        (void)usleep(FIRST_RETRY_MS * 1000U);
    }
    return NULL;
}

static bool is_port(uart_port_t uart_num)
{
    return uart_num >= 0 && uart_num < PORTS;
}

static bool is_installed(uart_port_t uart_num)
{
    (void)pthread_mutex_lock(&s_uart.lock);
    const bool installed = s_uart.port != NO_PORT && s_uart.port == uart_num;
    (void)pthread_mutex_unlock(&s_uart.lock);
    return installed;
}

/** False: no memory. */
static bool make_buffers(size_t rx_buffer_size, int queue_size)
{
    s_uart.ring = malloc(rx_buffer_size);
    s_uart.size = rx_buffer_size;
    s_uart.one_reader = xSemaphoreCreateMutex();
    s_uart.events = queue_size > 0 ? xQueueCreate((UBaseType_t)queue_size, sizeof(uart_event_t)) : NULL;
    host_cond_init(&s_uart.arrived);
    return s_uart.ring != NULL && s_uart.one_reader != NULL && (queue_size <= 0 || s_uart.events != NULL);
}

esp_err_t uart_driver_install(uart_port_t uart_num, int rx_buffer_size, int tx_buffer_size, int queue_size,
                              QueueHandle_t *uart_queue, int intr_alloc_flags)
{
    (void)intr_alloc_flags;
    ESP_RETURN_ON_FALSE(is_port(uart_num), ESP_FAIL, TAG, "uart_num error");
    ESP_RETURN_ON_FALSE(rx_buffer_size > FIFO_SIZE, ESP_FAIL, TAG, "uart rx buffer length error");
    ESP_RETURN_ON_FALSE(tx_buffer_size > FIFO_SIZE || tx_buffer_size == 0, ESP_FAIL, TAG,
                        "uart tx buffer length error");
    ESP_RETURN_ON_FALSE(s_uart.port == NO_PORT, ESP_FAIL, TAG, "UART driver already installed; Linux has one line");
    if (uart_queue != NULL && queue_size <= 0) {
        (void)fprintf(stderr, "event queue of length 0: the chip would crash\n");
        abort();
    }
    ESP_RETURN_ON_FALSE(make_buffers((size_t)rx_buffer_size, queue_size), ESP_FAIL, TAG, "UART driver malloc error");
    if (uart_queue != NULL) {
        *uart_queue = s_uart.events;
    }
    (void)pthread_mutex_lock(&s_uart.lock);
    s_uart.port = uart_num;
    (void)pthread_mutex_unlock(&s_uart.lock);
    ESP_LOGD(TAG, "interrupt on core %d", xPortGetCoreID());
    if (host_options.uart_device != NULL) {
        static int fd; /* now, and not in the thread: what is written right behind this call must go out */
        fd = serial_device_open(host_options.uart_device);
        set_fd(fd);
        host_start_thread("uart_isr", serve, &fd);
    } else {
        ESP_LOGW(TAG, "no serial device: the line is silent");
    }
    return ESP_OK;
}

/** Empties the FIFO, as on the chip. */
esp_err_t uart_param_config(uart_port_t uart_num, const uart_config_t *uart_config)
{
    ESP_RETURN_ON_FALSE(is_port(uart_num), ESP_FAIL, TAG, "uart_num error");
    ESP_RETURN_ON_FALSE(uart_config != NULL, ESP_FAIL, TAG, "param null");
    ESP_RETURN_ON_FALSE(uart_config->rx_flow_ctrl_thresh < FIFO_SIZE, ESP_FAIL, TAG, "rx flow thresh error");
    ESP_RETURN_ON_FALSE((int)uart_config->flow_ctrl <= LAST_FLOW_CTRL, ESP_FAIL, TAG, "hw_flowctrl mode error");
    ESP_RETURN_ON_FALSE(uart_config->data_bits <= MOST_DATA_BITS, ESP_FAIL, TAG, "data bit error");
    ESP_RETURN_ON_FALSE(uart_config->baud_rate > 0, ESP_FAIL, TAG, "baud rate unachievable");
    const bool fixed = uart_config->baud_rate == BAUD_RATE && uart_config->data_bits == UART_DATA_8_BITS &&
                       uart_config->parity == UART_PARITY_DISABLE && uart_config->stop_bits == UART_STOP_BITS_1 &&
                       uart_config->flow_ctrl == UART_HW_FLOWCTRL_DISABLE;
    ESP_RETURN_ON_FALSE(fixed, ESP_ERR_NOT_SUPPORTED, TAG, "Linux has 115200 8N1 only");
    (void)pthread_mutex_lock(&s_uart.lock);
    s_uart.fifo_length = uart_num == s_uart.port ? 0 : s_uart.fifo_length;
    (void)pthread_mutex_unlock(&s_uart.lock);
    return ESP_OK;
}

esp_err_t uart_set_pin(uart_port_t uart_num, int tx_io_num, int rx_io_num, int rts_io_num, int cts_io_num)
{
    ESP_RETURN_ON_FALSE(is_port(uart_num), ESP_FAIL, TAG, "uart_num error");
    ESP_RETURN_ON_FALSE(tx_io_num < 0 || gpio_pin_drives(tx_io_num), ESP_FAIL, TAG, "tx_io_num error");
    ESP_RETURN_ON_FALSE(rx_io_num < 0 || gpio_pin_exists(rx_io_num), ESP_FAIL, TAG, "rx_io_num error");
    ESP_RETURN_ON_FALSE(rts_io_num < 0 || gpio_pin_drives(rts_io_num), ESP_FAIL, TAG, "rts_io_num error");
    ESP_RETURN_ON_FALSE(cts_io_num < 0 || gpio_pin_exists(cts_io_num), ESP_FAIL, TAG, "cts_io_num error");
    return ESP_OK;
}

int uart_write_bytes(uart_port_t uart_num, const void *src, size_t size)
{
    host_refuse_in_isr(__func__, 1);
    ESP_RETURN_ON_FALSE(is_port(uart_num), -1, TAG, "uart_num error");
    ESP_RETURN_ON_FALSE(is_installed(uart_num), -1, TAG, "uart driver error");
    ESP_RETURN_ON_FALSE(src != NULL, -1, TAG, "buffer null");
    (void)pthread_mutex_lock(&s_uart.lock);
    const ssize_t written = s_uart.fd < 0 ? 0 : write(s_uart.fd, src, size);
    (void)pthread_mutex_unlock(&s_uart.lock);
    (void)written; /* a wire that is cut takes everything */
    return (int)size;
}

/** Under the lock, which it lets go: waits for bytes, each time for so long. */
static bool wait_for_bytes(TickType_t ticks)
{
    const int64_t deadline_us = host_deadline_us(ticks);
    while (s_uart.count == 0 && ticks > 0 && host_wait_until(&s_uart.arrived, &s_uart.lock, deadline_us)) {
    }
    return s_uart.count > 0;
}

/** Under the lock. */
static size_t take_from_ring(uint8_t *bytes, size_t length)
{
    const size_t got = s_uart.count < length ? s_uart.count : length;
    for (size_t i = 0; i < got; i++) {
        bytes[i] = s_uart.ring[s_uart.head];
        s_uart.head = (s_uart.head + 1) % s_uart.size;
    }
    s_uart.count -= got;
    take_stash();
    return got;
}

/** The time is that between two arrivals: who waits for ten bytes may wait ten times as long. */
int uart_read_bytes(uart_port_t uart_num, void *buf, uint32_t length, TickType_t ticks_to_wait)
{
    uint8_t *const bytes = buf;
    size_t got = 0;
    host_refuse_in_isr(__func__, 1);
    ESP_RETURN_ON_FALSE(is_port(uart_num), -1, TAG, "uart_num error");
    ESP_RETURN_ON_FALSE(buf != NULL, -1, TAG, "uart data null");
    ESP_RETURN_ON_FALSE(is_installed(uart_num), -1, TAG, "uart driver error");
    if (xSemaphoreTake(s_uart.one_reader, ticks_to_wait) != pdTRUE) {
        return -1;
    }
    (void)pthread_mutex_lock(&s_uart.lock);
    while (got < length && wait_for_bytes(ticks_to_wait)) {
        got += take_from_ring(&bytes[got], length - got);
    }
    (void)pthread_mutex_unlock(&s_uart.lock);
    (void)xSemaphoreGive(s_uart.one_reader);
    return (int)got;
}

esp_err_t uart_flush_input(uart_port_t uart_num)
{
    host_refuse_in_isr(__func__, 1);
    ESP_RETURN_ON_FALSE(is_port(uart_num), ESP_FAIL, TAG, "uart_num error");
    ESP_RETURN_ON_FALSE(is_installed(uart_num), ESP_FAIL, TAG, "uart driver error");
    (void)xSemaphoreTake(s_uart.one_reader, portMAX_DELAY);
    (void)pthread_mutex_lock(&s_uart.lock);
    s_uart.count = 0;
    s_uart.full = false;
    s_uart.fifo_length = 0;
    (void)pthread_mutex_unlock(&s_uart.lock);
    (void)xSemaphoreGive(s_uart.one_reader);
    return ESP_OK;
}

/** What is in the stash and in the FIFO does not count. */
esp_err_t uart_get_buffered_data_len(uart_port_t uart_num, size_t *size)
{
    ESP_RETURN_ON_FALSE(is_port(uart_num), ESP_FAIL, TAG, "uart_num error");
    ESP_RETURN_ON_FALSE(is_installed(uart_num), ESP_FAIL, TAG, "uart driver error");
    (void)pthread_mutex_lock(&s_uart.lock);
    *size = s_uart.count;
    (void)pthread_mutex_unlock(&s_uart.lock);
    return ESP_OK;
}
