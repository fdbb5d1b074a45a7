/* A receiver that is never the bottleneck: one thread, epoll, keep-alive, a fixed answer.
 * usage: receiver PORT [STATUS]
 * POST anything -> STATUS (200 unless given) and {}; GET /count -> {"posts":N,"bytes":N,"nanoseconds":N}, the bodies'
 * bytes and the time from the first post to the last one; GET /reset -> the same, and counts anew.
 * Only bodies with Content-Length are understood. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 17, EVENTS = 256 };

struct connection {
    int fd;
    size_t used;
    char bytes[ROOM];
};

static char answer[128];
static int answer_size;
static unsigned long long posts, bytes, first, last;

static unsigned long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (unsigned long long)time.tv_sec * 1000000000ull + (unsigned long long)time.tv_nsec;
}

static size_t body_length(const char *head, size_t size) {
    for (const char *line = head; (line = memmem(line, size - (size_t)(line - head), "\r\n", 2)); ) {
        line += 2;
        if (!strncasecmp(line, "content-length:", 15)) return strtoul(line + 15, NULL, 10);
    }
    return 0;
}

static void count(size_t body) {
    last = now();
    if (!posts) first = last;
    posts++;
    bytes += body;
}

static int answer_count(int fd) {
    char body[128], out[256];
    int length = snprintf(body, sizeof body, "{\"posts\":%llu,\"bytes\":%llu,\"nanoseconds\":%llu}", posts, bytes, last - first);
    int total = snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
    return write(fd, out, (size_t)total) == total ? 0 : -1;
}

/* Answers every whole request in the buffer; 0 to go on, -1 to close. */
static int serve(struct connection *c) {
    size_t start = 0;
    for (;;) {
        char *head = c->bytes + start;
        size_t left = c->used - start;
        char *end = memmem(head, left, "\r\n\r\n", 4);
        if (!end) break;
        size_t size = (size_t)(end - head) + 4, body = body_length(head, size), whole = size + body;
        if (whole > ROOM) return -1;
        if (left < whole) break;
        if (!strncmp(head, "POST", 4)) {
            count(body);
            if (write(c->fd, answer, (size_t)answer_size) != answer_size) return -1;
        } else {
            if (answer_count(c->fd)) return -1;
            if (!strncmp(head, "GET /reset", 10)) posts = bytes = first = last = 0;
        }
        start += whole;
    }
    memmove(c->bytes, c->bytes + start, c->used - start);
    c->used -= start;
    return 0;
}

static void drop(struct connection *c) {
    close(c->fd);
    free(c);
}

static void take(struct connection *c) {
    ssize_t got = read(c->fd, c->bytes + c->used, ROOM - c->used);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) { drop(c); return; }
    c->used += (size_t)got;
    if (serve(c)) drop(c);
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) { fprintf(stderr, "usage: receiver PORT [STATUS]\n"); return 2; }
    answer_size = snprintf(answer, sizeof answer,
        "HTTP/1.1 %d Answer\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", argc == 3 ? atoi(argv[2]) : 200);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])) };
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, 4096)) { perror("receiver"); return 1; }
    int poll = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL }, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) { take(events[i].data.ptr); continue; }
            for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0; ) {
                struct connection *c = malloc(sizeof *c);
                if (!c) { close(fd); continue; }
                c->fd = fd;
                c->used = 0;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event.events = EPOLLIN;
                event.data.ptr = c;
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
            }
        }
    }
}
