/// The tables of the ledger, and how an older file becomes the current one.
///
/// `event` is the record; every other table up to `entry` follows from it and can be rebuilt. `session`, `idempotency`
/// and `meta` are what is in hand: they are not history.
enum Schema {
    /// Marks a file as a ledger: `trvl`.
    static let applicationID: Int64 = 0x7472_766C
    /// `migrations[n]` brings version n to version n + 1. A released one is never changed.
    static let migrations = [version1, version2]
    /// What a file of the current version says in `user_version`.
    static var version: Int64 { Int64(migrations.count) }

    /// Tables that follow from the events, for the rebuild.
    static let rebuilt = [
        "unit", "card", "work_order", "pending_label", "counter", "delivery", "delivery_line", "label_job",
        "inventory_log", "entry",
    ]

    /// Brings a new or older file to the current version in one transaction; refuses a newer one.
    static func migrate(_ connection: Connection, migrations: [String] = migrations) throws {
        let version = try connection.number("PRAGMA user_version")
        let application = try connection.number("PRAGMA application_id")
        let tables = try connection.number("SELECT count(*) FROM sqlite_master")
        if application != applicationID, tables > 0 {
            throw StorageError(.damaged, "cannot use this file: it is a SQLite database, but no traveler ledger")
        }
        guard version <= migrations.count else {
            throw StorageError(
                .newer,
                "cannot open the ledger: it was written by a newer version (format \(version), this one knows \(migrations.count)); install that version again"
            )
        }
        guard version < migrations.count else { return }
        try connection.execute("BEGIN IMMEDIATE")
        do {
            for migration in migrations[Int(version)...] { try connection.execute(migration) }
            try connection.execute(
                "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(migrations.count); COMMIT")
        } catch {
            try? connection.execute("ROLLBACK")
            throw error
        }
    }

    private static let version1 = """
        CREATE TABLE event (
            id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT, station TEXT, device TEXT,
            code TEXT, reason TEXT, unit TEXT, product TEXT, team TEXT, work_order TEXT, before TEXT, after TEXT,
            note TEXT, undoes INTEGER, previous INTEGER, body TEXT, hash BLOB NOT NULL
        ) STRICT;

        CREATE TABLE unit (
            serial TEXT NOT NULL PRIMARY KEY, product TEXT NOT NULL, work_order TEXT, team TEXT, supplier TEXT,
            cost INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, last_event INTEGER NOT NULL,
            status TEXT NOT NULL, stage TEXT, assignee TEXT, worker TEXT, delivery TEXT, state TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX unit_active ON unit (status, stage)
            WHERE status IN ('in_production', 'in_stock', 'returned', 'defect');
        CREATE INDEX unit_product ON unit (product);
        CREATE INDEX unit_work_order ON unit (work_order) WHERE work_order IS NOT NULL;
        CREATE INDEX unit_team ON unit (team) WHERE team IS NOT NULL;
        CREATE INDEX unit_assignee ON unit (assignee) WHERE assignee IS NOT NULL;
        CREATE INDEX unit_worker ON unit (worker) WHERE worker IS NOT NULL;

        CREATE TABLE card (
            product TEXT NOT NULL, team TEXT NOT NULL, in_production INTEGER NOT NULL, in_stock INTEGER NOT NULL,
            delivered INTEGER NOT NULL, returned INTEGER NOT NULL, defect INTEGER NOT NULL,
            installed INTEGER NOT NULL, split INTEGER NOT NULL, written_off INTEGER NOT NULL,
            scrapped INTEGER NOT NULL, unserialised INTEGER NOT NULL,
            PRIMARY KEY (product, team)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE work_order (
            number TEXT NOT NULL PRIMARY KEY, product TEXT NOT NULL, quantity INTEGER NOT NULL, team TEXT NOT NULL,
            due TEXT, status TEXT NOT NULL, created_at INTEGER NOT NULL, pending_labels INTEGER NOT NULL,
            registered INTEGER NOT NULL, in_production INTEGER NOT NULL, good INTEGER NOT NULL,
            written_off INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE pending_label (
            serial TEXT NOT NULL PRIMARY KEY, product TEXT NOT NULL, work_order TEXT NOT NULL, station TEXT NOT NULL,
            voided INTEGER NOT NULL, counter_key TEXT NOT NULL, counter INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX pending_label_work_order ON pending_label (work_order) WHERE voided = 0;

        CREATE TABLE counter (key TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE delivery (
            id INTEGER PRIMARY KEY, order_number TEXT NOT NULL, customer TEXT, station TEXT,
            closed INTEGER NOT NULL, count INTEGER NOT NULL, opened_at INTEGER NOT NULL, closed_at INTEGER
        ) STRICT;
        CREATE INDEX delivery_order ON delivery (order_number);
        CREATE TABLE delivery_line (
            delivery INTEGER NOT NULL, product TEXT NOT NULL, serial TEXT NOT NULL, quantity INTEGER NOT NULL,
            PRIMARY KEY (delivery, product, serial)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE label_job (
            id INTEGER PRIMARY KEY, serial TEXT NOT NULL, product TEXT NOT NULL, team TEXT, printer TEXT NOT NULL,
            copy INTEGER NOT NULL, status TEXT NOT NULL, problem TEXT, attempts INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX label_job_serial ON label_job (serial);
        CREATE INDEX label_job_open ON label_job (status) WHERE status IN ('queued', 'sent', 'failed');

        CREATE TABLE inventory_log (
            event INTEGER PRIMARY KEY, product TEXT NOT NULL, action TEXT NOT NULL, change INTEGER NOT NULL,
            before INTEGER NOT NULL, after INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX inventory_log_product ON inventory_log (product);

        CREATE TABLE entry (
            kind TEXT NOT NULL, code TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, code)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE session (
            station TEXT NOT NULL, terminal TEXT NOT NULL, person TEXT, active_at INTEGER NOT NULL, work_order TEXT,
            bench TEXT, delivery TEXT, quantity INTEGER, last_serial TEXT, step_event INTEGER, step_at INTEGER,
            step TEXT, PRIMARY KEY (station, terminal)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE idempotency (
            caller TEXT NOT NULL, route TEXT NOT NULL, key TEXT NOT NULL, request BLOB NOT NULL,
            status INTEGER NOT NULL, answer BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (caller, route, key)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX idempotency_at ON idempotency (at);

        CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        """

    private static let version2 = "ALTER TABLE label_job ADD COLUMN may_be_double INTEGER NOT NULL DEFAULT 0;"
}
