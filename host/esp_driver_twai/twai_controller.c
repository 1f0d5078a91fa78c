/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** One thread sends and recovers; threads of the bus bring frames and errors. Interrupts run on the thread that has the
 * news, one at a time, without the lock of the registers. */
#include "twai_controller.h"

#include <pthread.h>

#include "host.h"

#define RECOVERY_BITS 1408 /* 128 x 11 */
#define BUS_OFF_TEC   128U
#define FRAME_BITS    47 /* an 11-bit data frame with its intermission, before data and stuff bits */
#define BITS_PER_BYTE 10 /* 8 and the stuff bits that random data needs */
#define LOOK_EVERY_US 1000

/* The lock is taken after the driver's and before that of the bus. */
static struct {
    pthread_mutex_t lock;
    pthread_mutex_t interrupts; /* one at a time; taken before all others */
    pthread_cond_t wake;
    void (*isr)(const twai_interrupt_t *);
    uint32_t bitrate;
    bool single_shot;
    bool reset;
    bool listen_only;
    bool bus_off;
    uint16_t tec;
    uint16_t rec;
    bool sending; /* `wire` is to go out */
    can_bus_frame_t wire;
    uint32_t generation; /* tells a transmission from the next */
    uint32_t epoch;      /* tells what was latched before a stop or start */
    int64_t recovered_us;
} s_twai = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .interrupts = PTHREAD_MUTEX_INITIALIZER, .reset = true, .listen_only = true};

static int64_t bits_us(int64_t bits)
{
    return bits * 1000000 / (int64_t)s_twai.bitrate;
}

static bool warns(void)
{
    return s_twai.tec >= TWAI_WARNING_LIMIT || s_twai.rec >= TWAI_WARNING_LIMIT;
}

static bool is_passive(void)
{
    return s_twai.tec >= TWAI_PASSIVE_LIMIT || s_twai.rec >= TWAI_PASSIVE_LIMIT;
}

/** Under the lock. Sets the counters, and says which of the interrupts about them that raises. */
static void count(uint16_t tec, uint16_t rec, twai_interrupt_t *interrupt)
{
    const bool warned = warns();
    const bool was_passive = is_passive();
    s_twai.tec = tec;
    s_twai.rec = rec;
    interrupt->status_changed = warns() != warned;
    interrupt->passive_changed = is_passive() != was_passive;
}

/** Under the lock, which it lets go: an interrupt is gone when the controller is stopped before it is its turn. */
static void raise_interrupt(const twai_interrupt_t *interrupt)
{
    const uint32_t epoch = s_twai.epoch;
    (void)pthread_mutex_unlock(&s_twai.lock);
    (void)pthread_mutex_lock(&s_twai.interrupts);
    host_isr_enter();
    (void)pthread_mutex_lock(&s_twai.lock);
    const bool pending = s_twai.epoch == epoch;
    (void)pthread_mutex_unlock(&s_twai.lock);
    if (pending) {
        s_twai.isr(interrupt);
    }
    host_isr_exit();
    (void)pthread_mutex_unlock(&s_twai.interrupts);
    (void)pthread_mutex_lock(&s_twai.lock);
}

/** Under the lock. The transmission ends, whatever has become of it. */
static void release_buffer(void)
{
    s_twai.sending = false;
    s_twai.generation++;
    (void)pthread_cond_broadcast(&s_twai.wake);
}

/** Under the lock, which it lets go. An error-passive node does not count it (ISO 11898-1). */
static void note_missing_acknowledge(void)
{
    const uint32_t generation = s_twai.generation;
    twai_interrupt_t error = {.errors = {.ack_err = 1}};
    count((uint16_t)(is_passive() ? s_twai.tec : s_twai.tec + 8U), s_twai.rec, &error);
    raise_interrupt(&error);
    if (s_twai.generation == generation && s_twai.single_shot) {
        release_buffer();
        raise_interrupt(&(twai_interrupt_t){.released = true});
    }
}

/** Under the lock, which it lets go. */
static void note_acknowledge(void)
{
    twai_interrupt_t done = {.released = true, .complete = true};
    count((uint16_t)(s_twai.tec > 0 ? s_twai.tec - 1U : 0U), s_twai.rec, &done);
    release_buffer();
    raise_interrupt(&done);
}

/** Under the lock. False: the frame is done, with this result, or no longer wanted. */
static bool is_under_way(uint32_t generation, can_bus_result_t *result)
{
    if (s_twai.generation != generation) {
        return false;
    }
    if (!s_twai.listen_only) {
        *result = can_bus_transmit(&s_twai.wire);
    }
    return *result == CAN_BUS_BUSY;
}

/** Under the lock: one attempt to send `wire`, for as long as it takes on the wires. */
static void attempt(void)
{
    const uint32_t generation = s_twai.generation;
    const int64_t done_us = host_now_us() + bits_us(FRAME_BITS + BITS_PER_BYTE * s_twai.wire.dlc);
    while (s_twai.generation == generation && host_wait_until(&s_twai.wake, &s_twai.lock, done_us)) {
    }
    can_bus_result_t result = CAN_BUS_BUSY;
    while (is_under_way(generation, &result)) {
        (void)host_wait_until(&s_twai.wake, &s_twai.lock, host_now_us() + LOOK_EVERY_US);
    }
    if (s_twai.generation != generation) {
        can_bus_abandon(); /* stopped, or bus-off */
    } else if (result == CAN_BUS_NOT_ACKNOWLEDGED) {
        note_missing_acknowledge();
    } else {
        note_acknowledge();
    }
}

/** Under the lock, which it lets go. Out of bus-off, unless somebody holds the bus: then there are no recessive bits.
 */
static void recover(void)
{
    const int64_t now_us = host_now_us();
    if (can_bus_held()) {
        s_twai.recovered_us = now_us + bits_us(RECOVERY_BITS);
    }
    if (now_us < s_twai.recovered_us) {
        (void)host_wait_until(&s_twai.wake, &s_twai.lock, s_twai.recovered_us);
    } else {
        s_twai.bus_off = false;
        s_twai.tec = 0;
        s_twai.rec = 0;
        raise_interrupt(&(twai_interrupt_t){.status_changed = true});
    }
}

static void *run(void *argument)
{
    (void)argument;
    (void)pthread_mutex_lock(&s_twai.lock);
    for (;;) {
        if (s_twai.bus_off && !s_twai.reset) {
            recover();
        } else if (s_twai.sending) {
            attempt();
        } else {
            (void)host_wait_until(&s_twai.wake, &s_twai.lock, INT64_MAX);
        }
    }
    return NULL;
}

static bool on_bus(void)
{
    return !s_twai.reset && !s_twai.bus_off;
}

static void take_frame(const can_bus_frame_t *frame)
{
    (void)pthread_mutex_lock(&s_twai.lock);
    if (on_bus()) {
        raise_interrupt(&(twai_interrupt_t){.received = frame});
    }
    (void)pthread_mutex_unlock(&s_twai.lock);
}

/** Bus-off is reset mode, which releases the transmit buffer: on an ESP32 one interrupt tells of both. */
static void take_bus_off(void)
{
    (void)pthread_mutex_lock(&s_twai.lock);
    if (on_bus()) {
        const twai_interrupt_t off = {
            .errors = {.bit_err = 1}, .status_changed = true, .released = s_twai.sending, .complete = false};
        release_buffer();
        s_twai.reset = true;
        s_twai.bus_off = true;
        s_twai.tec = BUS_OFF_TEC;
        s_twai.rec = 0;
        raise_interrupt(&off);
    }
    (void)pthread_mutex_unlock(&s_twai.lock);
}

/** A bus with a controller of its own knows better than what is counted here. */
static void take_counters(uint16_t tec, uint16_t rec)
{
    (void)pthread_mutex_lock(&s_twai.lock);
    if (on_bus()) {
        twai_interrupt_t counted = {.received = NULL};
        count(tec, rec, &counted);
        if (counted.status_changed || counted.passive_changed) {
            raise_interrupt(&counted);
        }
    }
    (void)pthread_mutex_unlock(&s_twai.lock);
}

void twai_controller_open(uint32_t bitrate, bool single_shot, void (*isr)(const twai_interrupt_t *))
{
    static const can_bus_listener_t listener = {
        .on_frame = take_frame, .on_bus_off = take_bus_off, .on_counters = take_counters};
    host_cond_init(&s_twai.wake);
    s_twai.bitrate = bitrate;
    s_twai.single_shot = single_shot;
    s_twai.isr = isr;
    can_bus_listen(&listener);
    can_bus_start(bitrate);
    host_start_thread("twai_isr", run, NULL);
}

void twai_controller_set_bitrate(uint32_t bitrate)
{
    (void)pthread_mutex_lock(&s_twai.lock);
    const bool heard = s_twai.reset;
    s_twai.bitrate = heard ? bitrate : s_twai.bitrate;
    (void)pthread_mutex_unlock(&s_twai.lock);
    if (heard) {
        can_bus_start(bitrate);
    }
}

void twai_controller_start(void)
{
    (void)pthread_mutex_lock(&s_twai.lock);
    s_twai.epoch++;
    if (s_twai.reset) { /* outside of it these registers cannot be written */
        s_twai.listen_only = false;
        s_twai.bus_off = false;
        s_twai.tec = 0;
        s_twai.rec = 0;
        s_twai.reset = false;
    }
    (void)pthread_mutex_unlock(&s_twai.lock);
}

void twai_controller_stop(void)
{
    (void)pthread_mutex_lock(&s_twai.lock);
    s_twai.epoch++;
    s_twai.reset = true;
    s_twai.listen_only = true; /* so that the counters stand still; the driver takes it back when it starts */
    release_buffer();
    (void)pthread_mutex_unlock(&s_twai.lock);
}

void twai_controller_recover(void)
{
    (void)pthread_mutex_lock(&s_twai.lock);
    if (s_twai.reset) {
        s_twai.reset = false;
        s_twai.recovered_us = host_now_us() + bits_us(RECOVERY_BITS);
        (void)pthread_cond_broadcast(&s_twai.wake);
    }
    (void)pthread_mutex_unlock(&s_twai.lock);
}

void twai_controller_transmit(const can_bus_frame_t *frame)
{
    (void)pthread_mutex_lock(&s_twai.lock);
    if (!s_twai.reset) {
        s_twai.wire = *frame;
        s_twai.sending = true;
        s_twai.generation++;
        (void)pthread_cond_broadcast(&s_twai.wake);
    }
    (void)pthread_mutex_unlock(&s_twai.lock);
}

/** In a recovery TEC counts down to 0. */
static uint16_t tec_now(void)
{
    if (!s_twai.bus_off || s_twai.reset) {
        return s_twai.tec;
    }
    const int64_t left_us = s_twai.recovered_us - host_now_us();
    const int64_t left = left_us * BUS_OFF_TEC / bits_us(RECOVERY_BITS);
    return (uint16_t)(left < 1 ? 1 : left);
}

twai_registers_t twai_controller_registers(void)
{
    (void)pthread_mutex_lock(&s_twai.lock);
    const twai_registers_t registers = {
        .bus_off = s_twai.bus_off,
        .error_status = warns(),
        .tec = tec_now(),
        .rec = s_twai.rec,
        .bitrate = s_twai.bitrate,
    };
    (void)pthread_mutex_unlock(&s_twai.lock);
    return registers;
}
