// The plainest C that leaves the same rows behind as the ledger does: prepared statements, one transaction a batch, a
// checkpoint every 100 ms on another thread. It decides nothing, hashes nothing and reads nothing back.
#define _GNU_SOURCE
#include "common.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// MARK: Rows in memory

struct cell {
    int type;
    int bytes;
    int64_t number;
    char *data;
};

// Columns of `event` that other rows follow from.
enum { col_id, col_at, col_actor = 3, col_station, col_unit = 8, col_before = 12, col_after, columns = 19 };
/// How many columns a card and an order have.
enum { card_columns = 14, order_columns = 12 };
// Fields of a unit's state, between `|`.
enum { field_status, field_stage, field_assignee = 6, field_worker, field_delivery, fields = 11 };

struct scan {
    struct cell event[columns];
    struct cell state[fields];
    /// Where assignee, worker and delivery stay as they are, and with them the indexes of the unit that hold them.
    int keeps_people;
    /// The session's `step`.
    struct cell step;
    /// Where this is the last scan of its station in its batch.
    int ends_session;
    /// Where this scan finished its unit: the inventory log's line.
    int finished;
    struct cell log[6];
};

struct plan {
    struct scan *scans;
    int64_t count;
    /// Counts of the cards and of the order before the first scan.
    struct cell card[card_columns], team_card[card_columns], order[order_columns];
};

static struct cell text_cell(const char *data, int bytes) {
    struct cell cell = {.type = bytes > 0 ? SQLITE_TEXT : SQLITE_NULL, .bytes = bytes};
    if (bytes > 0) cell.data = memcpy(malloc((size_t)bytes), data, (size_t)bytes);
    return cell;
}

static struct cell read_cell(sqlite3_stmt *row, int column) {
    struct cell cell = {.type = sqlite3_column_type(row, column)};
    if (cell.type == SQLITE_INTEGER) cell.number = sqlite3_column_int64(row, column);
    if (cell.type == SQLITE_TEXT || cell.type == SQLITE_BLOB) {
        const void *data = cell.type == SQLITE_TEXT ? (const void *)sqlite3_column_text(row, column)
                                                    : sqlite3_column_blob(row, column);
        cell.bytes = sqlite3_column_bytes(row, column);
        cell.data = malloc((size_t)cell.bytes + 1);
        if (cell.bytes > 0) memcpy(cell.data, data, (size_t)cell.bytes);
    }
    return cell;
}

static void bind(sqlite3_stmt *statement, int index, const struct cell *cell) {
    switch (cell->type) {
    case SQLITE_INTEGER: sqlite3_bind_int64(statement, index, cell->number); break;
    case SQLITE_TEXT: sqlite3_bind_text(statement, index, cell->data, cell->bytes, SQLITE_STATIC); break;
    case SQLITE_BLOB: sqlite3_bind_blob(statement, index, cell->data, cell->bytes, SQLITE_STATIC); break;
    default: sqlite3_bind_null(statement, index);
    }
}

static void free_cells(struct cell *cells, int count) {
    for (int i = 0; i < count; i++) free(cells[i].data);
}

static void split(const struct cell *text, struct cell *state) {
    const char *from = text->data, *end = text->data + text->bytes;
    for (int i = 0; i < fields; i++) {
        const char *bar = memchr(from, '|', (size_t)(end - from));
        const char *to = bar && i < fields - 1 ? bar : end;
        state[i] = text_cell(from, (int)(to - from));
        from = to < end ? to + 1 : end;
    }
}

static int is_same(const struct cell *one, const struct cell *other) {
    return one->bytes == other->bytes && (one->bytes == 0 || memcmp(one->data, other->data, (size_t)one->bytes) == 0);
}

static void split_state(struct scan *scan) {
    struct cell old[fields] = {{0}};
    split(&scan->event[col_after], scan->state);
    split(&scan->event[col_before], old);
    scan->keeps_people = is_same(&old[field_assignee], &scan->state[field_assignee])
                         && is_same(&old[field_worker], &scan->state[field_worker])
                         && is_same(&old[field_delivery], &scan->state[field_delivery]);
    free_cells(old, fields);
    const struct cell *unit = &scan->event[col_unit], *before = &scan->event[col_before];
    char *step = NULL;
    int bytes = asprintf(&step, "unit\t%.*s\t%.*s", unit->bytes, unit->data, before->bytes, before->data);
    scan->step = text_cell(step, bytes);
    free(step);
}

static int read_row(sqlite3 *database, const char *sql, struct cell *cells, int count) {
    sqlite3_stmt *row;
    if (sqlite3_prepare_v2(database, sql, -1, &row, NULL) != SQLITE_OK) return -1;
    int answer = sqlite3_step(row) == SQLITE_ROW ? 0 : -1;
    for (int i = 0; answer == 0 && i < count; i++) cells[i] = read_cell(row, i);
    sqlite3_finalize(row);
    return answer;
}

/// Marks the last scan of each station in each batch: that one leaves its session row.
static void mark_sessions(struct plan *plan, int batch) {
    for (int64_t from = 0; from < plan->count; from += batch) {
        int64_t to = from + batch < plan->count ? from + batch : plan->count;
        for (int64_t i = from; i < to; i++) {
            plan->scans[i].ends_session = 1;
            const struct cell *station = &plan->scans[i].event[col_station];
            for (int64_t j = i + 1; j < to; j++) {
                if (is_same(station, &plan->scans[j].event[col_station])) {
                    plan->scans[i].ends_session = 0;
                    break;
                }
            }
        }
    }
}

static int read_plan(const char *source, const char *target, int64_t after, struct plan *plan, char *problem) {
    sqlite3 *database = NULL;
    sqlite3_stmt *rows = NULL;
    int answer = -1;
    if (sqlite3_open_v2(source, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) goto done;
    struct cell count[1];
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM event WHERE id > %lld", (long long)after);
    if (read_row(database, sql, count, 1) != 0) goto done;
    plan->scans = calloc((size_t)count[0].number, sizeof *plan->scans);
    const char *events =
        "SELECT e.*, l.event, l.product, l.action, l.change, l.before, l.after FROM event e"
        " LEFT JOIN inventory_log l ON l.event = e.id WHERE e.id > ?1 ORDER BY e.id";
    if (sqlite3_prepare_v2(database, events, -1, &rows, NULL) != SQLITE_OK) goto done;
    sqlite3_bind_int64(rows, 1, after);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        struct scan *scan = &plan->scans[plan->count++];
        for (int i = 0; i < columns; i++) scan->event[i] = read_cell(rows, i);
        for (int i = 0; i < 6; i++) scan->log[i] = read_cell(rows, columns + i);
        scan->finished = scan->log[0].type != SQLITE_NULL;
        if (scan->event[col_before].type != SQLITE_TEXT || scan->event[col_after].type != SQLITE_TEXT) goto done;
        split_state(scan);
    }
    sqlite3_close(database);
    if (sqlite3_open_v2(target, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) goto done;
    answer = read_row(database, "SELECT * FROM card WHERE team = ''", plan->card, card_columns)
             | read_row(database, "SELECT * FROM card WHERE team <> ''", plan->team_card, card_columns)
             | read_row(database, "SELECT * FROM work_order", plan->order, order_columns);
done:
    if (answer != 0) fail(problem, "cannot read the rows to write: %s", database ? sqlite3_errmsg(database) : source);
    sqlite3_finalize(rows);
    sqlite3_close(database);
    return answer;
}

static void free_plan(struct plan *plan) {
    for (int64_t i = 0; i < plan->count; i++) {
        free_cells(plan->scans[i].event, columns);
        free_cells(plan->scans[i].state, fields);
        free_cells(plan->scans[i].log, 6);
        free(plan->scans[i].step.data);
    }
    free(plan->scans);
    free_cells(plan->card, card_columns);
    free_cells(plan->team_card, card_columns);
    free_cells(plan->order, order_columns);
}

// MARK: Writing

struct checkpointer {
    sqlite3 *database;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int is_over;
};

static void *checkpoint(void *argument) {
    struct checkpointer *self = argument;
    pthread_mutex_lock(&self->lock);
    while (!self->is_over) {
        struct timespec time;
        clock_gettime(CLOCK_REALTIME, &time);
        time.tv_nsec += 100000000;
        if (time.tv_nsec >= 1000000000) {
            time.tv_sec += 1;
            time.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&self->ended, &self->lock, &time);
        if (self->is_over) break;
        pthread_mutex_unlock(&self->lock);
        sqlite3_exec(self->database, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL, NULL);
        pthread_mutex_lock(&self->lock);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

struct writer {
    sqlite3 *database;
    sqlite3_stmt *begin, *commit, *event, *unit, *unit_all, *session, *card, *order, *log;
};

static const char *const pragmas =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000;"
    "PRAGMA cache_size = -16384; PRAGMA secure_delete = OFF; PRAGMA journal_size_limit = 67108864;"
    "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON;";

static int open_writer(struct writer *writer, const char *path) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &writer->database, flags, NULL) != SQLITE_OK) return -1;
    sqlite3_busy_timeout(writer->database, 2000);
    if (sqlite3_exec(writer->database, pragmas, NULL, NULL, NULL) != SQLITE_OK) return -1;
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } all[] = {
        {&writer->begin, "BEGIN IMMEDIATE"},
        {&writer->commit, "COMMIT"},
        {&writer->event, "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
                         " ?16, ?17, ?18, ?19)"},
        {&writer->unit, "UPDATE unit SET updated_at = ?2, last_event = ?3, status = ?4, stage = ?5, state = ?6"
                        " WHERE serial = ?1"},
        {&writer->unit_all, "UPDATE unit SET updated_at = ?2, last_event = ?3, status = ?4, stage = ?5, state = ?6,"
                            " assignee = ?7, worker = ?8, delivery = ?9 WHERE serial = ?1"},
        {&writer->session, "INSERT OR REPLACE INTO session (station, terminal, person, active_at, last_serial, step_event,"
                           " step_at, step) VALUES (?1, '', ?2, ?3, ?4, ?5, ?3, ?6)"},
        {&writer->card, "INSERT OR REPLACE INTO card VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
                        " ?13, ?14)"},
        {&writer->order, "INSERT OR REPLACE INTO work_order VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
                         " ?12)"},
        {&writer->log, "INSERT INTO inventory_log VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (sqlite3_prepare_v3(
                writer->database, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].statement, NULL) != SQLITE_OK)
            return -1;
    return 0;
}

static void close_writer(struct writer *writer) {
    sqlite3_stmt *all[] = {writer->begin,   writer->commit, writer->event, writer->unit, writer->unit_all,
                           writer->session, writer->card,   writer->order, writer->log};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sqlite3_finalize(all[i]);
    sqlite3_close(writer->database);
}

static int run(sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? 0 : -1;
}

static int run_with(sqlite3_stmt *statement, const struct cell *cells, int count) {
    for (int i = 0; i < count; i++) bind(statement, i + 1, &cells[i]);
    return run(statement);
}

static int write_scan(struct writer *writer, const struct scan *scan) {
    const struct cell *event = scan->event, *state = scan->state;
    if (run_with(writer->event, event, columns) != 0) return -1;
    const struct cell unit[] = {
        event[col_unit],    event[col_at],    event[col_id],         state[field_status], state[field_stage],
        event[col_after],   state[field_assignee], state[field_worker], state[field_delivery],
    };
    if (scan->keeps_people ? run_with(writer->unit, unit, 6) : run_with(writer->unit_all, unit, 9)) return -1;
    if (scan->ends_session) {
        const struct cell session[] = {
            event[col_station], event[col_actor], event[col_at], event[col_unit], event[col_id], scan->step,
        };
        if (run_with(writer->session, session, 6) != 0) return -1;
    }
    return scan->finished ? run_with(writer->log, scan->log, 6) : 0;
}

/// One batch. Columns 2 and 3 of a card are `in_production` and `in_stock`; 9 and 10 of an order `in_production` and
/// `good`.
static int write_batch(struct writer *writer, struct plan *plan, int64_t from, int64_t to) {
    if (run(writer->begin) != 0) return -1;
    int finished = 0;
    for (int64_t i = from; i < to; i++) {
        if (write_scan(writer, &plan->scans[i]) != 0) return -1;
        finished += plan->scans[i].finished;
    }
    if (finished > 0) {
        plan->card[2].number -= finished;
        plan->card[3].number += finished;
        plan->team_card[2].number -= finished;
        plan->team_card[3].number += finished;
        plan->order[9].number -= finished;
        plan->order[10].number += finished;
        if (run_with(writer->card, plan->card, card_columns) != 0 || run_with(writer->card, plan->team_card, card_columns) != 0
            || run_with(writer->order, plan->order, order_columns) != 0)
            return -1;
    }
    return run(writer->commit);
}

int baseline_replay(
    const char *source, const char *target, int64_t after, int batch, struct baseline_replay *result, int64_t *times,
    char *problem) {
    struct plan plan = {0};
    if (read_plan(source, target, after, &plan, problem) != 0) {
        free_plan(&plan);
        return -1;
    }
    mark_sessions(&plan, batch);
    struct writer writer = {0};
    struct checkpointer checkpointer = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
    int answer = open_writer(&writer, target);
    if (answer == 0)
        answer = sqlite3_open_v2(target, &checkpointer.database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (answer == 0)
        answer = sqlite3_exec(
            checkpointer.database, "PRAGMA synchronous = FULL; PRAGMA busy_timeout = 0; PRAGMA cache_size = -256",
            NULL, NULL, NULL);
    pthread_t thread;
    if (answer == 0) answer = pthread_create(&thread, NULL, checkpoint, &checkpointer);
    if (answer == 0) {
        *result = (struct baseline_replay){.time = -baseline_now(), .cpu = -baseline_cpu()};
        for (int64_t from = 0; from < plan.count && answer == 0; from += batch) {
            int64_t to = from + batch < plan.count ? from + batch : plan.count;
            int64_t begin = baseline_now();
            answer = write_batch(&writer, &plan, from, to);
            times[result->commits++] = baseline_now() - begin;
        }
        result->time += baseline_now();
        result->cpu += baseline_cpu();
        result->scans = plan.count;
        pthread_mutex_lock(&checkpointer.lock);
        checkpointer.is_over = 1;
        pthread_cond_signal(&checkpointer.ended);
        pthread_mutex_unlock(&checkpointer.lock);
        pthread_join(thread, NULL);
    }
    if (answer != 0)
        answer = fail(problem, "cannot write %s: %s", target, writer.database ? sqlite3_errmsg(writer.database) : "-");
    sqlite3_close(checkpointer.database);
    close_writer(&writer);
    free_plan(&plan);
    return answer;
}

int baseline_compare(const char *one, const char *other, char *problem) {
    sqlite3 *database = NULL;
    char sql[768];
    int answer = sqlite3_open_v2(one, &database, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK ? 0 : -1;
    snprintf(sql, sizeof sql, "ATTACH '%s' AS other", other);
    if (answer == 0) answer = sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
    if (answer != 0) fail(problem, "cannot compare %s and %s", one, other);
    const char *tables[] = {"event", "unit", "session", "card", "work_order", "inventory_log", "counter"};
    for (size_t i = 0; answer == 0 && i < sizeof tables / sizeof *tables; i++) {
        const char *table = tables[i];
        // The check value of a session and its second clock are the ledger's own.
        const char *columns = strcmp(table, "session") == 0
            ? "station, terminal, person, active_at, work_order, bench, delivery, quantity, last_serial, step_event,"
              " step_at, step, goods"
            : "*";
        snprintf(
            sql, sizeof sql,
            "SELECT (SELECT count(*) FROM main.%s) - (SELECT count(*) FROM other.%s),"
            " (SELECT count(*) FROM (SELECT %s FROM main.%s EXCEPT SELECT %s FROM other.%s))",
            table, table, columns, table, columns, table);
        struct cell differences[2] = {{0}};
        answer = read_row(database, sql, differences, 2);
        if (answer != 0 || differences[0].number != 0 || differences[1].number != 0)
            answer = fail(problem, "the rows of %s differ between %s and %s", table, one, other);
    }
    sqlite3_close(database);
    return answer;
}
