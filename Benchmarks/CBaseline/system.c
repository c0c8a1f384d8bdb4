// The clock, the disk and processes.
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t clock_time(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t baseline_now(void) { return clock_time(CLOCK_MONOTONIC); }
int64_t baseline_cpu(void) { return clock_time(CLOCK_PROCESS_CPUTIME_ID); }

int baseline_sync_times(const char *path, int count, int64_t *times, char *problem) {
    char page[4096];
    memset(page, 0x5A, sizeof page);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return fail(problem, "cannot make %s: %s", path, strerror(errno));
    int answer = 0;
    for (int i = 0; i < count && answer == 0; i++) {
        int64_t begin = baseline_now();
        if (write(file, page, sizeof page) != sizeof page || fdatasync(file) != 0)
            answer = fail(problem, "cannot write %s: %s", path, strerror(errno));
        times[i] = baseline_now() - begin;
    }
    close(file);
    unlink(path);
    return answer;
}

pid_t baseline_start(char *const *arguments, const char *log, char *problem) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t process;
    int error = posix_spawn(&process, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return fail(problem, "cannot start %s: %s", arguments[0], strerror(error));
    return process;
}

int baseline_wait(pid_t process) {
    int status;
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
