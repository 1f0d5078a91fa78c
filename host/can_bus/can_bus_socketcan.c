/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** A CAN interface of the Linux kernel. The kernel gives our own frame back when it has been acknowledged; until then
 * it gets no other one, so that it never holds more than one. A frame that is no longer wanted can be taken out of
 * the controller only by taking the interface down and up again, which needs CAP_NET_ADMIN. */
#include <errno.h>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "can_bus_backend.h"
#include "esp_log.h"
#include "host.h"
#include "socketcan_frame.h"

static const char *TAG = "socketcan";

#define TICK_MS        50
#define RETRY_MS       250
#define RESTART_GAP_MS 1000

/* The lock is for what put(), take_back() and the thread share; the rest belongs to the thread. */
static struct {
    pthread_mutex_t lock;
    char name[IFNAMSIZ];
    int fd;        /* -1 = not there */
    bool unwanted; /* the kernel holds a frame that is to be taken back */
    /* of the thread */
    int64_t restart_ms; /* not before */
    bool may_not_restart;
    bool restarts;       /* said once */
    bool unacknowledged; /* said once */
    int last_error;
} s_link = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static can_bus_put_t put(const can_bus_frame_t *frame)
{
    const struct can_frame out = socketcan_from_bus(frame);
    can_bus_put_t result = CAN_BUS_PUT_REFUSED;
    (void)pthread_mutex_lock(&s_link.lock);
    if (s_link.fd >= 0) {
        if (write(s_link.fd, &out, sizeof(out)) == (ssize_t)sizeof(out)) {
            result = CAN_BUS_PUT_UNDER_WAY;
        } else if (errno == EAGAIN || errno == ENOBUFS) { /* frames of other programs fill the queue */
            result = CAN_BUS_PUT_NO_ROOM;
        }
    }
    (void)pthread_mutex_unlock(&s_link.lock);
    return result;
}

static void set_unwanted(bool unwanted)
{
    (void)pthread_mutex_lock(&s_link.lock);
    s_link.unwanted = unwanted;
    (void)pthread_mutex_unlock(&s_link.lock);
}

static void take_back(void)
{
    set_unwanted(true);
}

/** The kernel holds no frame of ours any more. */
static void frame_done(bool acknowledged)
{
    set_unwanted(false);
    can_bus_done(acknowledged);
}

static bool is_up(int fd)
{
    struct ifreq request = {.ifr_flags = 0};
    memcpy(request.ifr_name, s_link.name, sizeof(request.ifr_name));
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
        return false;
    }
    errno = ENETDOWN;
    return (request.ifr_flags & IFF_UP) != 0;
}

static bool set_up(int fd, bool up)
{
    struct ifreq request = {.ifr_flags = 0};
    memcpy(request.ifr_name, s_link.name, sizeof(request.ifr_name));
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
        return false;
    }
    request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

/** Drops what the controller holds. */
static void restart_interface(int fd)
{
    int pending = 0;
    socklen_t length = sizeof(pending);
    if (!is_up(fd)) {
        return; /* somebody else has taken it down, which drops the frame as well */
    }
    if (!set_up(fd, false) && (errno == EPERM || errno == EACCES)) {
        s_link.may_not_restart = true;
        ESP_LOGW(TAG, "%s: a frame does not go out and cannot be withdrawn without CAP_NET_ADMIN; waiting for it",
                 s_link.name);
        return;
    }
    if (!set_up(fd, true)) {
        ESP_LOGE(TAG, "%s: cannot bring it up again: %s", s_link.name, strerror(errno));
        return;
    }
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &length); /* "network is down", which is over */
    if (!s_link.restarts) {
        s_link.restarts = true;
        ESP_LOGW(TAG, "%s: a frame did not go out; restarted the interface to drop it", s_link.name);
    }
    frame_done(false);
}

static void look_after_unwanted(int fd)
{
    const int64_t now_ms = can_bus_now_ms();
    (void)pthread_mutex_lock(&s_link.lock);
    const bool unwanted = s_link.unwanted;
    (void)pthread_mutex_unlock(&s_link.lock);
    if (unwanted && !s_link.may_not_restart && now_ms >= s_link.restart_ms) {
        s_link.restart_ms = now_ms + RESTART_GAP_MS;
        restart_interface(fd);
    }
}

static void take_errors(const socketcan_errors_t *errors)
{
    if (errors->restarted) {
        ESP_LOGI(TAG, "%s: the kernel has restarted the controller", s_link.name);
    }
    if (errors->no_acknowledge && !s_link.unacknowledged) {
        s_link.unacknowledged = true;
        ESP_LOGW(TAG, "%s: no acknowledgement; is there another node on the bus?", s_link.name);
    }
    if (errors->bus_off || errors->restarted || errors->dropped) {
        frame_done(false); /* in bus-off the kernel drops what it gets */
    }
    if (errors->bus_off) {
        can_bus_went_off();
    } else if (errors->counters_known) {
        can_bus_counted(errors->tec, errors->rec);
    }
}

static void take(const struct can_frame *in, bool confirmed)
{
    socketcan_errors_t errors;
    can_bus_frame_t frame;
    if (socketcan_read_errors(in, &errors)) {
        take_errors(&errors);
    } else if (confirmed) {
        s_link.unacknowledged = false;
        s_link.restarts = false;
        frame_done(true);
    } else if (socketcan_to_bus(in, &frame)) {
        can_bus_received(&frame);
    }
}

/** Returns the error that ended it: the interface went down, or away. */
static int read_until_gone(int fd)
{
    for (;;) {
        struct can_frame in;
        struct iovec part = {.iov_base = &in, .iov_len = sizeof(in)};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        look_after_unwanted(fd);
        if (poll(&poll_fd, 1, TICK_MS) <= 0) {
            continue;
        }
        const ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
        if (got == (ssize_t)sizeof(in)) {
            take(&in, (message.msg_flags & MSG_CONFIRM) != 0);
        } else if (got < 0 && errno != EAGAIN && errno != EINTR) {
            return errno;
        }
    }
}

static int raw_socket(void)
{
    return socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW);
}

/** -1 and errno: the interface is not there, or down. */
static int open_interface(void)
{
    const int one = 1;
    const int small = 1; /* the kernel makes it its minimum: a few frames, should we ever send more than one */
    const int fd = raw_socket();
    if (fd < 0) {
        return -1;
    }
    const struct sockaddr_can address = {.can_family = AF_CAN, .can_ifindex = (int)if_nametoindex(s_link.name)};
    if (address.can_ifindex == 0 || !is_up(fd) ||
        setsockopt(fd, SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS, &one, sizeof(one)) != 0 ||
        setsockopt(fd, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &socketcan_error_classes, sizeof(socketcan_error_classes)) !=
            0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) != 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        const int reason = errno;
        (void)close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static void set_fd(int fd)
{
    (void)pthread_mutex_lock(&s_link.lock);
    s_link.fd = fd;
    (void)pthread_mutex_unlock(&s_link.lock);
}

static void note_error(int error)
{
    if (error != s_link.last_error) {
        s_link.last_error = error;
        ESP_LOGW(TAG, "%s: %s; retrying until it is available and up", s_link.name, strerror(error));
    }
}

static void *serve(void *argument)
{
    (void)argument;
    for (;;) {
        const int fd = open_interface();
        if (fd < 0) {
            note_error(errno);
        } else {
            ESP_LOGI(TAG, "%s: open", s_link.name);
            s_link.last_error = 0;
            set_fd(fd);
            const int error = read_until_gone(fd);
            set_fd(-1);
            (void)close(fd);
            frame_done(false); /* an interface that goes down drops what it holds */
            note_error(error);
        }
        (void)usleep(RETRY_MS * 1000U);
    }
    return NULL;
}

static const char *open_link(const char *where, const char *data_dir)
{
    const size_t length = strlen(where);
    (void)data_dir;
    if (length == 0 || length >= sizeof(s_link.name) || strpbrk(where, "/: \t") != NULL) {
        return "must be socketcan:INTERFACE, such as socketcan:can0";
    }
    const int fd = raw_socket();
    if (fd < 0) {
        return errno == EPERM || errno == EACCES
                   ? "no permission for CAN sockets"
                   : "this kernel has no SocketCAN: load can_raw (modprobe can_raw), or use slcan:DEVICE";
    }
    (void)close(fd);
    memcpy(s_link.name, where, length);
    host_start_thread("can_link", serve, NULL);
    return NULL;
}

const can_bus_backend_t can_bus_socketcan = {
    .name = "socketcan", .open = open_link, .put = put, .take_back = take_back};
