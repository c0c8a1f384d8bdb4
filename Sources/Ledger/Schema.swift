/// The tables of the ledger, and how an older file becomes the current one.
///
/// `event` is the record; every other table up to `entry` follows from it and can be rebuilt. `session`, `idempotency`,
/// `outbox` and `meta` are what is in hand: they are not history, and carry check values. `clock_step` only helps to find
/// events by time.
enum Schema {
    /// Marks a file as a ledger: `trvl`.
    static let applicationID: Int64 = 0x7472_766C
    /// `migrations[n]` brings version n to version n + 1. A released one is never changed.
    static let migrations = [version1, version2, version3, version4, version5]
    /// What a file of the current version says in `user_version`.
    static var version: Int64 { Int64(migrations.count) }

    /// Tables that follow from the events, for the rebuild.
    static let rebuilt = [
        "unit", "card", "work_order", "pending_label", "counter", "delivery", "delivery_line", "label_job",
        "inventory_log", "entry", "defect", "defect_finding", "defect_unit", "defect_event", "repair", "repair_part",
        "supplier_return", "supplier_return_line", "write_off", "customer_return", "return_item", "photo",
        "handler",
    ]

    /// Rows that don't follow from the events carry a check value of their own columns, so that damage to them is found.
    static let checked = [
        (
            table: "session",
            columns:
                "station, terminal, person, active_at, work_order, bench, delivery, quantity, last_serial, step_event, step_at, step, goods, active_steady, step_steady, run"
        ),
        (table: "idempotency", columns: "caller, route, key, request, status, answer, at, steady, run"),
        (table: "outbox", columns: "webhook, event, attempts, next_at, dead, problem"),
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
            if version < 5, migrations.count >= 5 { try PlantKey.make(connection) }
            try connection.execute(
                "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(migrations.count); COMMIT")
        } catch {
            try? connection.execute("ROLLBACK")
            throw error
        }
    }

    /// Both clocks for sessions and idempotency keys: the steady one counts within one run of the daemon. The events before which the wall
    /// clock was set back, for a search by time. Orders of a product that are to be worked on, for its counts. Who received,
    /// opened or inspected returns and defect cases, who opened deliveries, which units are on hold, and where those are that
    /// were restocked; what happened before is put on record here as the same events would do it.
    ///
    /// And an index for every filter of every list, so that none walks far for a few rows. Those of `event` and
    /// `inventory_log` grow at few places, one for each name, which a scan hardly pays for. The status stands behind what
    /// units are listed by, not before it: it changes only where a unit comes into stock, leaves it, or fails, and steps
    /// between stages leave these indexes alone.
    ///
    /// And check values of what does not follow from the events.
    private static let version5 = """
        ALTER TABLE session ADD COLUMN active_steady INTEGER;
        ALTER TABLE session ADD COLUMN step_steady INTEGER;
        ALTER TABLE session ADD COLUMN run INTEGER;
        ALTER TABLE idempotency ADD COLUMN steady INTEGER;
        ALTER TABLE idempotency ADD COLUMN run INTEGER;

        CREATE TABLE clock_step (event INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
        INSERT INTO clock_step
            SELECT id, at FROM (SELECT id, at, lag(at) OVER (ORDER BY id) AS before FROM event)
            WHERE at < before - 600000;

        CREATE INDEX work_order_released ON work_order (product) WHERE status = 'released';

        CREATE INDEX IF NOT EXISTS event_actor ON event (actor) WHERE actor IS NOT NULL;
        CREATE INDEX IF NOT EXISTS event_station ON event (station) WHERE station IS NOT NULL;
        CREATE INDEX IF NOT EXISTS event_kind ON event (kind);

        DROP INDEX IF EXISTS unit_product;
        CREATE INDEX IF NOT EXISTS unit_product ON unit (product, status);
        DROP INDEX IF EXISTS unit_work_order;
        CREATE INDEX IF NOT EXISTS unit_work_order ON unit (work_order, status) WHERE work_order IS NOT NULL;
        DROP INDEX IF EXISTS unit_team;
        CREATE INDEX IF NOT EXISTS unit_team ON unit (team, status) WHERE team IS NOT NULL;
        CREATE INDEX IF NOT EXISTS unit_done ON unit (status) WHERE
            status = 'delivered' OR status = 'installed' OR status = 'split' OR status = 'written_off';

        DROP INDEX IF EXISTS inventory_log_product;
        CREATE INDEX IF NOT EXISTS inventory_log_product ON inventory_log (product, action);
        CREATE INDEX IF NOT EXISTS inventory_log_action ON inventory_log (action);

        CREATE INDEX IF NOT EXISTS work_order_status ON work_order (status);
        CREATE INDEX IF NOT EXISTS work_order_product ON work_order (product);
        CREATE INDEX IF NOT EXISTS work_order_team ON work_order (team);
        CREATE INDEX IF NOT EXISTS delivery_open ON delivery (closed) WHERE closed = 0;
        CREATE INDEX IF NOT EXISTS label_job_cancelled ON label_job (status) WHERE status = 'cancelled';
        CREATE INDEX IF NOT EXISTS outbox_dead ON outbox (webhook, event) WHERE dead = 1;

        CREATE INDEX IF NOT EXISTS defect_of_product ON defect (product);
        CREATE INDEX IF NOT EXISTS defect_of_supplier ON defect (supplier) WHERE supplier IS NOT NULL;
        CREATE INDEX IF NOT EXISTS defect_location ON defect (location) WHERE location IS NOT NULL;
        CREATE INDEX IF NOT EXISTS defect_source ON defect (source);
        CREATE INDEX IF NOT EXISTS defect_shipment ON defect (shipment) WHERE shipment IS NOT NULL;
        CREATE INDEX IF NOT EXISTS defect_awaiting ON defect (id) WHERE status = 'resolved' AND remaining > 0;
        CREATE INDEX IF NOT EXISTS defect_finding_type ON defect_finding (type);
        CREATE INDEX IF NOT EXISTS repair_product ON repair (product);
        CREATE INDEX IF NOT EXISTS write_off_product ON write_off (product);
        CREATE INDEX IF NOT EXISTS write_off_reason ON write_off (reason);
        CREATE INDEX IF NOT EXISTS write_off_source ON write_off (source);

        DROP INDEX IF EXISTS customer_return_open;
        CREATE INDEX IF NOT EXISTS customer_return_status ON customer_return (status);
        CREATE INDEX IF NOT EXISTS customer_return_kind ON customer_return (kind);
        CREATE INDEX IF NOT EXISTS customer_return_reason ON customer_return (reason);
        CREATE INDEX IF NOT EXISTS customer_return_inspector ON customer_return (inspector) WHERE inspector IS NOT NULL;
        CREATE INDEX IF NOT EXISTS customer_return_task_status ON customer_return (task_status, task) WHERE task IS NOT NULL;
        CREATE INDEX IF NOT EXISTS customer_return_task_inspector ON customer_return (inspector, task) WHERE task IS NOT NULL;
        CREATE INDEX IF NOT EXISTS return_item_reason ON return_item (reason, customer_return) WHERE reason IS NOT NULL;
        CREATE INDEX IF NOT EXISTS return_item_status ON return_item (status);

        CREATE TABLE handler (
            id INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (id, kind, name)
        ) STRICT, WITHOUT ROWID;
        INSERT OR IGNORE INTO handler
            WITH change(kind, actor, station, before, after, id) AS (
                SELECT kind, actor, station, json_extract(body, '$.change.customerReturn._0.before'),
                    json_extract(body, '$.change.customerReturn._0.after'),
                    json_extract(body, '$.change.customerReturn._0.after.id')
                FROM event WHERE kind GLOB 'return.*'
                UNION ALL
                SELECT kind, actor, station, json_extract(body, '$.change.returnItem._0.before'),
                    json_extract(body, '$.change.returnItem._0.after'),
                    json_extract(body, '$.change.returnItem._0.after.customerReturn')
                FROM event WHERE body IS NOT NULL AND (kind GLOB 'return.*' OR kind GLOB 'unit.*' OR kind GLOB 'stock.*')
                UNION ALL
                SELECT kind, actor, station, json_extract(body, '$.change.defect._0.before'),
                    json_extract(body, '$.change.defect._0.after'), json_extract(body, '$.change.defect._0.after.id')
                FROM event WHERE kind GLOB 'defect.*'
            ), handled(id, actor, station, other) AS (
                SELECT CAST(id AS INTEGER), actor, station,
                    coalesce(json_extract(after, '$.inspector'), json_extract(after, '$.detectedBy'))
                FROM change WHERE id IS NOT NULL AND (
                    before IS NULL AND json_extract(after, '$.customerReturn') IS NULL
                    OR json_extract(after, '$.inspector') IS NOT json_extract(before, '$.inspector')
                    OR json_extract(after, '$.arrivedAt') IS NOT NULL AND json_extract(before, '$.arrivedAt') IS NULL
                    OR json_extract(after, '$.inspectedAt') IS NOT NULL
                        AND json_extract(before, '$.inspectedAt') IS NULL
                    OR kind = 'defect.inspected')
            )
            SELECT id, 'person', actor FROM handled WHERE actor IS NOT NULL
            UNION SELECT id, 'station', station FROM handled WHERE station IS NOT NULL
            UNION SELECT id, 'person', other FROM handled WHERE other IS NOT NULL;

        ALTER TABLE delivery ADD COLUMN opened_by TEXT;
        UPDATE delivery SET opened_by = (SELECT actor FROM event WHERE event.id = delivery.id);

        ALTER TABLE unit ADD COLUMN location TEXT;
        ALTER TABLE unit ADD COLUMN on_hold INTEGER NOT NULL DEFAULT 0;
        UPDATE unit SET on_hold = 1 WHERE state GLOB '*|*|*|*|h*|*|*|*|*|*|*';
        CREATE INDEX unit_held ON unit (serial) WHERE on_hold = 1;
        CREATE INDEX unit_tail ON unit (substr(serial, -4));
        CREATE INDEX unit_location ON unit (location) WHERE location IS NOT NULL;
        UPDATE unit SET location = last.location FROM (
            SELECT unit AS serial, kind, json_extract(body, '$.change.returnItem._0.after.location') AS location, max(id)
            FROM event
            WHERE unit IN (SELECT unit FROM event WHERE kind = 'unit.return_restocked')
                AND (kind = 'unit.return_restocked' OR after GLOB 'in_production|*' OR after GLOB 'returned|*'
                    OR after GLOB 'installed|*' OR after GLOB 'split|*' OR after GLOB 'written_off|*')
            GROUP BY unit
        ) AS last WHERE last.serial = unit.serial AND last.kind = 'unit.return_restocked';
        ALTER TABLE return_item ADD COLUMN location TEXT;
        UPDATE return_item SET location = json_extract(body, '$.location');
        CREATE INDEX return_item_location ON return_item (location) WHERE location IS NOT NULL;
        ALTER TABLE defect ADD COLUMN by_open TEXT
            AS ((status = 'resolved') || printf('%019d', 9223372036854775807 - id)) VIRTUAL;
        CREATE UNIQUE INDEX defect_open ON defect (by_open);

        \(checkValues)
        """
    private static let checkValues = checked.map { table, columns in
        """
        ALTER TABLE \(table) ADD COLUMN check_value INTEGER NOT NULL DEFAULT 0;
        UPDATE \(table) SET check_value = row_check(\(columns));
        """
    }.joined(separator: "\n")

    /// Customers' returns. What is searched stands in columns of its own, all of a record in its body.
    ///
    /// The condition of `unit_active` becomes one of `OR`: for `IN`, SQLite makes a table in memory at every change of a
    /// unit, which doubled the cost of that.
    private static let version4 = """
        DROP INDEX unit_active;
        CREATE INDEX unit_active ON unit (status, stage)
            WHERE status = 'in_production' OR status = 'in_stock' OR status = 'returned' OR status = 'defect';

        ALTER TABLE card ADD COLUMN unserialised_repacking INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE session ADD COLUMN goods TEXT;
        ALTER TABLE delivery ADD COLUMN customer_return INTEGER;
        CREATE INDEX delivery_return ON delivery (customer_return) WHERE customer_return IS NOT NULL;
        CREATE INDEX delivery_customer ON delivery (customer) WHERE customer IS NOT NULL;

        CREATE TABLE customer_return (
            id INTEGER PRIMARY KEY, order_number TEXT NOT NULL, customer TEXT, kind TEXT NOT NULL,
            reason TEXT NOT NULL, status TEXT NOT NULL, inspector TEXT, created_at INTEGER NOT NULL,
            task INTEGER, task_status TEXT, body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX customer_return_order ON customer_return (order_number);
        CREATE INDEX customer_return_customer ON customer_return (customer) WHERE customer IS NOT NULL;
        CREATE INDEX customer_return_open ON customer_return (status) WHERE status IN ('created', 'inspecting');
        CREATE UNIQUE INDEX customer_return_task ON customer_return (task) WHERE task IS NOT NULL;

        CREATE TABLE return_item (
            id INTEGER PRIMARY KEY, customer_return INTEGER NOT NULL, product TEXT NOT NULL, serial TEXT, team TEXT,
            quantity INTEGER NOT NULL, status TEXT NOT NULL, open INTEGER NOT NULL, arrived_at INTEGER,
            reason TEXT, condition TEXT, decision TEXT, inspected_at INTEGER, restocked INTEGER NOT NULL,
            refurbished INTEGER NOT NULL, written_off INTEGER NOT NULL, defective INTEGER NOT NULL,
            body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX return_item_return ON return_item (customer_return);
        CREATE INDEX return_item_goods ON return_item (customer_return, product) WHERE serial IS NULL;
        CREATE INDEX return_item_product ON return_item (product);
        CREATE INDEX return_item_serial ON return_item (serial) WHERE serial IS NOT NULL;
        CREATE INDEX return_item_open ON return_item (id) WHERE open > 0;

        CREATE TABLE photo (
            id INTEGER PRIMARY KEY, item INTEGER NOT NULL, digest TEXT NOT NULL
        ) STRICT;
        CREATE INDEX photo_item ON photo (item);
        CREATE INDEX photo_digest ON photo (digest);

        CREATE TABLE outbox (
            webhook INTEGER NOT NULL, event INTEGER NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL,
            dead INTEGER NOT NULL, problem TEXT, PRIMARY KEY (webhook, event)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX outbox_due ON outbox (webhook, next_at) WHERE dead = 0;
        """

    /// Defect cases and what belongs to them. Units that were defective before get theirs by events; what was written
    /// off before is put into the log here, as the same events would do.
    private static let version3 = """
        ALTER TABLE unit ADD COLUMN replaces TEXT;
        CREATE INDEX unit_replaces ON unit (replaces) WHERE replaces IS NOT NULL;
        ALTER TABLE card ADD COLUMN unserialised_defect INTEGER NOT NULL DEFAULT 0;

        CREATE TABLE defect (
            id INTEGER PRIMARY KEY, product TEXT NOT NULL, team TEXT, serialised INTEGER NOT NULL,
            status TEXT NOT NULL, quantity INTEGER NOT NULL, remaining INTEGER NOT NULL, repairable INTEGER,
            non_repairable INTEGER, repaired INTEGER NOT NULL, reworked INTEGER NOT NULL,
            supplier_repaired INTEGER NOT NULL, replaced INTEGER NOT NULL, written_off INTEGER NOT NULL,
            findings TEXT NOT NULL, reason TEXT, note TEXT, location TEXT, source TEXT NOT NULL, supplier TEXT,
            rma TEXT, shipment INTEGER, detected_at INTEGER NOT NULL, detected_by TEXT, resolution TEXT,
            credit INTEGER, resolved_at INTEGER, updated_at INTEGER NOT NULL, last_event INTEGER NOT NULL,
            by_product TEXT NOT NULL, by_supplier TEXT NOT NULL
        ) STRICT;
        CREATE INDEX defect_status ON defect (status);
        CREATE UNIQUE INDEX defect_product ON defect (by_product);
        CREATE UNIQUE INDEX defect_supplier ON defect (by_supplier);
        CREATE TABLE defect_finding (
            defect INTEGER NOT NULL, type TEXT NOT NULL, quantity INTEGER NOT NULL, PRIMARY KEY (defect, type)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE defect_unit (
            defect INTEGER NOT NULL, serial TEXT NOT NULL, outcome TEXT NOT NULL, event INTEGER NOT NULL,
            replaced_by TEXT, PRIMARY KEY (defect, serial)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX defect_unit_serial ON defect_unit (serial);
        CREATE TABLE defect_event (
            defect INTEGER NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (defect, event)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE repair (
            event INTEGER PRIMARY KEY, at INTEGER NOT NULL, defect INTEGER NOT NULL, product TEXT NOT NULL,
            team TEXT, quantity INTEGER NOT NULL, serials TEXT NOT NULL, target TEXT NOT NULL, cost INTEGER,
            actor TEXT, note TEXT
        ) STRICT;
        CREATE TABLE repair_part (
            event INTEGER NOT NULL, product TEXT NOT NULL, quantity INTEGER NOT NULL, cost INTEGER,
            PRIMARY KEY (event, product)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX repair_defect ON repair (defect);

        CREATE TABLE supplier_return (
            id INTEGER PRIMARY KEY, supplier TEXT NOT NULL, rma TEXT NOT NULL, note TEXT NOT NULL,
            at INTEGER NOT NULL, actor TEXT
        ) STRICT;
        CREATE INDEX supplier_return_supplier ON supplier_return (supplier);
        CREATE TABLE supplier_return_line (
            supplier_return INTEGER NOT NULL, defect INTEGER NOT NULL, quantity INTEGER NOT NULL,
            PRIMARY KEY (supplier_return, defect)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE write_off (
            event INTEGER PRIMARY KEY, at INTEGER NOT NULL, product TEXT NOT NULL, serial TEXT,
            quantity INTEGER NOT NULL, reason TEXT NOT NULL, price INTEGER, cost INTEGER, source TEXT NOT NULL,
            defect INTEGER, team TEXT, actor TEXT, note TEXT
        ) STRICT;
        CREATE INDEX write_off_defect ON write_off (defect) WHERE defect IS NOT NULL;
        INSERT INTO write_off
            SELECT event.id, event.at, event.product, event.unit, 1,
                coalesce(json_extract(event.body, '$.details.reason'), 'other'),
                CAST(round(json_extract(event.body, '$.details.price') * 10000) AS INTEGER), NULL,
                CASE WHEN event.before GLOB 'defect|*' THEN 'defect'
                    WHEN event.before GLOB 'in_production|*' THEN 'production'
                    WHEN event.before GLOB 'returned|*' THEN 'return' ELSE 'inventory_audit' END,
                NULL, event.team, event.actor, event.note
            FROM (SELECT max(id) AS id FROM event WHERE kind = 'unit.written_off' GROUP BY unit) AS last
            CROSS JOIN event ON event.id = last.id CROSS JOIN unit ON unit.serial = event.unit
            WHERE unit.status = 'written_off';
        """

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
