#ifndef CBASELINE_H
#define CBASELINE_H

#include <stdint.h>
#include <sys/types.h>

// What the benchmarks are measured against and with. Times are nanoseconds of the monotonic clock. Functions that can
// fail answer 0, or -1 with a sentence in `problem`, which holds `baseline_problem_size` bytes.
enum { baseline_problem_size = 512 };

/// Now.
int64_t baseline_now(void);
/// Processor time that this process has used, all threads, user and system.
int64_t baseline_cpu(void);

// MARK: The disk

/// Appends 4 KB and waits for the disk, `count` times, in a new file at `path`; `times[i]` is how long the i-th took.
int baseline_sync_times(const char *path, int count, int64_t *times, char *problem);

// MARK: SQLite

struct baseline_replay {
    /// From the first BEGIN to the last COMMIT.
    int64_t time;
    /// Processor time of the same span, checkpoints included.
    int64_t cpu;
    /// Scans that were written.
    int64_t scans;
    /// Transactions that they were written in.
    int64_t commits;
};

/// Writes every scan that `source` has behind the event `after` into `target`, a file as `source` was before these
/// scans: `batch` scans in one transaction, with the ledger's schema, pragmas and checkpoints. All rows are in memory
/// before the clock starts.
///
/// - times: how long each transaction took; room for one per scan.
int baseline_replay(
    const char *source, const char *target, int64_t after, int batch, struct baseline_replay *result, int64_t *times,
    char *problem);

/// Fails, and names the table, where two ledgers' rows differ.
int baseline_compare(const char *one, const char *other, char *problem);

// MARK: HTTP over a Unix socket

/// One request on a connection of its own. Answers the HTTP status, or -1. `answer` gets the body, cut to `room`.
int baseline_request(
    const char *socket, const char *method, const char *path, const char *type, const char *body, char *answer,
    int room, char *problem);

struct baseline_load {
    const char *socket;
    /// Connections, each with a station `<station><number, 3 digits, from 1>` and units of its own.
    int connections;
    const char *station;
    /// Serials are `<serial><number, 7 digits>`; connection i has `units` of them from `first + i * units` on.
    const char *serial;
    int first;
    int units;
    /// Each connection scans all of its units in turn, this many times.
    int rounds;
};

/// Every connection sends its next scan as soon as the last one was answered. Every answer must be `accepted`.
///
/// - times: room for connections * units * rounds. time: from the first request to the last answer.
int baseline_load(const struct baseline_load *load, int64_t *times, int64_t *time, char *problem);

// MARK: Processes

/// Starts a program, with its output going to the end of the file `log`.
pid_t baseline_start(char *const *arguments, const char *log, char *problem);
/// Waits for a program to end. Answers its exit status, or -1 where a signal ended it.
int baseline_wait(pid_t process);

#endif
