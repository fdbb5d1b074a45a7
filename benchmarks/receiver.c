/* A receiver that is never the bottleneck: one thread, epoll, keep-alive, a fixed answer.
 * usage: receiver PORT
 * POST anything -> 200 {}; GET /count -> {"posts":N}; only Content-Length bodies are understood. */
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
#include <unistd.h>

enum { ROOM = 1 << 17, EVENTS = 256 };

struct connection {
    int fd;
    size_t used;
    char bytes[ROOM];
};

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
static unsigned long long posts;

static size_t body_length(const char *head, size_t size) {
    for (const char *line = head; (line = memmem(line, size - (size_t)(line - head), "\r\n", 2)); ) {
        line += 2;
        if (!strncasecmp(line, "content-length:", 15)) return strtoul(line + 15, NULL, 10);
    }
    return 0;
}

static int answer_count(int fd) {
    char body[64], out[256];
    int length = snprintf(body, sizeof body, "{\"posts\":%llu}", posts);
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
        size_t size = (size_t)(end - head) + 4, whole = size + body_length(head, size);
        if (whole > ROOM) return -1;
        if (left < whole) break;
        if (!strncmp(head, "POST", 4)) {
            posts++;
            if (write(c->fd, ANSWER, sizeof ANSWER - 1) != (ssize_t)(sizeof ANSWER - 1)) return -1;
        } else if (answer_count(c->fd)) {
            return -1;
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
    if (argc != 2) { fprintf(stderr, "usage: receiver PORT\n"); return 2; }
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])) };
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, 4096)) { perror("receiver"); return 1; }
    int poll = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL }, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
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
