// Scans over the control socket: many keep-alive connections on one thread, each with one request under way.
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int open_socket(const char *path, char *problem) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return fail(problem, "the socket's path is too long: %s", path);
    strcpy(address.sun_path, path);
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0 || connect(file, (struct sockaddr *)&address, sizeof address) != 0) {
        fail(problem, "cannot connect to %s: %s", path, strerror(errno));
        if (file >= 0) close(file);
        return -1;
    }
    return file;
}

/// An answer as far as it has come.
struct answer {
    char *bytes;
    size_t have, room;
};

/// The whole answer's length once its head is there, else 0; -1 where it can't be understood. `body` is where its
/// body begins.
static ssize_t length_of(const struct answer *answer, size_t *body) {
    const char *end = memmem(answer->bytes, answer->have, "\r\n\r\n", 4);
    if (!end) return 0;
    *body = (size_t)(end - answer->bytes) + 4;
    for (const char *line = memchr(answer->bytes, '\n', *body); line && line + 1 < end;
         line = memchr(line + 1, '\n', (size_t)(end + 2 - line))) {
        static const char name[] = "content-length:";
        if (strncasecmp(line + 1, name, sizeof name - 1) == 0)
            return (ssize_t)*body + strtol(line + sizeof name, NULL, 10);
    }
    return -1;
}

/// Reads what is there. Answers 1 once the answer is whole, 0 before, -1 for trouble.
static int receive(int file, int flags, struct answer *answer, size_t *body, char *problem) {
    while (1) {
        if (answer->have + 4096 > answer->room) {
            answer->room = answer->room * 2 + 8192;
            answer->bytes = realloc(answer->bytes, answer->room + 1);
        }
        ssize_t count = recv(file, answer->bytes + answer->have, answer->room - answer->have, flags);
        if (count < 0 && errno == EAGAIN) return 0;
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return fail(problem, "the daemon closed the connection");
        answer->have += (size_t)count;
        answer->bytes[answer->have] = 0;
        ssize_t length = length_of(answer, body);
        if (length < 0) return fail(problem, "cannot understand the answer: %.200s", answer->bytes);
        if (length > 0 && answer->have >= (size_t)length) return 1;
    }
}

static int send_all(int file, const char *bytes, size_t count, char *problem) {
    while (count > 0) {
        ssize_t sent = send(file, bytes, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return fail(problem, "cannot send: %s", strerror(errno));
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
}

int baseline_request(
    const char *socket, const char *method, const char *path, const char *type, const char *body, char *answer,
    int room, char *problem) {
    int file = open_socket(socket, problem);
    if (file < 0) return -1;
    char *request = NULL;
    int length = asprintf(
        &request, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", method,
        path, type, strlen(body), body);
    struct answer got = {0};
    size_t from = 0;
    int status = -1;
    if (send_all(file, request, (size_t)length, problem) == 0 && receive(file, 0, &got, &from, problem) == 1) {
        sscanf(got.bytes, "HTTP/1.1 %d", &status);
        snprintf(answer, (size_t)room, "%s", got.bytes + from);
    }
    free(request);
    free(got.bytes);
    close(file);
    return status;
}

struct connection {
    int file;
    int done;
    int64_t sent;
    struct answer answer;
};

static int send_scan(const struct baseline_load *load, struct connection *connection, int index, char *problem) {
    char body[128], request[512];
    int unit = load->first + index * load->units + connection->done % load->units;
    int count = snprintf(body, sizeof body, "{\"code\":\"%s%07d\"}", load->serial, unit);
    int length = snprintf(
        request, sizeof request,
        "POST /v1/stations/%s%03d/scans HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n%s",
        load->station, index + 1, count, body);
    connection->answer.have = 0;
    connection->sent = baseline_now();
    return send_all(connection->file, request, (size_t)length, problem);
}

static int check_answer(const struct connection *connection, size_t body, char *problem) {
    static const char good[] = "HTTP/1.1 200";
    const char *text = connection->answer.bytes;
    if (strncmp(text, good, sizeof good - 1) == 0 && strstr(text + body, "\"result\":\"accepted\"")) return 0;
    return fail(problem, "a scan was not accepted: %.12s ... %.300s", text, text + body);
}

int baseline_load(const struct baseline_load *load, int64_t *times, int64_t *time, char *problem) {
    struct connection *all = calloc((size_t)load->connections, sizeof *all);
    struct epoll_event events[256];
    int poll = epoll_create1(EPOLL_CLOEXEC), answer = 0;
    const int each = load->units * load->rounds;
    for (int i = 0; i < load->connections; i++) all[i].file = -1;
    for (int i = 0; i < load->connections && answer == 0; i++) {
        all[i].file = open_socket(load->socket, problem);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        if (all[i].file < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, all[i].file, &event) != 0) answer = -1;
    }
    *time = -baseline_now();
    for (int i = 0; i < load->connections && answer == 0; i++) answer = send_scan(load, &all[i], i, problem);
    int64_t left = (int64_t)load->connections * each;
    while (left > 0 && answer == 0) {
        int count = epoll_wait(poll, events, sizeof events / sizeof *events, 30000);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) answer = fail(problem, "the daemon did not answer for 30 s");
        for (int n = 0; n < count && answer == 0; n++) {
            int i = (int)events[n].data.u32;
            struct connection *connection = &all[i];
            size_t body = 0;
            int state = receive(connection->file, MSG_DONTWAIT, &connection->answer, &body, problem);
            if (state < 0) answer = -1;
            if (state != 1) continue;
            *times++ = baseline_now() - connection->sent;
            answer = check_answer(connection, body, problem);
            left--;
            if (answer == 0 && ++connection->done < each) answer = send_scan(load, connection, i, problem);
        }
    }
    *time += baseline_now();
    for (int i = 0; i < load->connections; i++) {
        if (all[i].file >= 0) close(all[i].file);
        free(all[i].answer.bytes);
    }
    free(all);
    close(poll);
    return answer;
}
