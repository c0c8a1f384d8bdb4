import FoundationEssentials
import Tracking

/// Puts what the rules changed on record, inside the transaction that the events are in.
struct Store {
    let connection: Connection
    private let insertEvent: Statement
    private let updateUnit: Statement
    private let moveUnit: Statement
    private let stepUnit: Statement
    private let insertUnit: Statement
    private let putSession: Statement
    private let lastBody = EventRow.LastBody()

    init(_ connection: Connection) throws(StorageError) {
        self.connection = connection
        insertEvent = try connection.statement(EventRow.insert)
        // Nearly every unit that changes is there already, and an update that finds it costs less than an upsert.
        updateUnit = try connection.statement(
            """
            UPDATE unit SET updated_at = ?2, last_event = ?3, status = ?4, stage = ?5, assignee = ?6, worker = ?7,
                delivery = ?8, state = ?9, location = ?10, on_hold = ?11 WHERE serial = ?1
            """)
        // Where nobody else has it in hand, the indexes of who has stay as they are.
        moveUnit = try connection.statement(
            "UPDATE unit SET updated_at = ?2, last_event = ?3, status = ?4, stage = ?5, state = ?6 WHERE serial = ?1")
        // From stage to stage, those by status, too.
        stepUnit = try connection.statement(
            "UPDATE unit SET updated_at = ?2, last_event = ?3, stage = ?4, state = ?5 WHERE serial = ?1")
        insertUnit = try connection.statement(
            """
            INSERT INTO unit (serial, updated_at, last_event, status, stage, assignee, worker, delivery, state,
                location, on_hold, product, work_order, team, supplier, cost, created_at, replaces)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
            """)
        putSession = try connection.statement(
            """
            INSERT INTO session (station, terminal, person, active_at, work_order, bench, delivery, quantity,
                last_serial, step_event, step_at, step, goods, active_steady, step_steady, run,
                check_value)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                row_check(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16))
            ON CONFLICT (station, terminal) DO UPDATE SET person = ?3, active_at = ?4, work_order = ?5, bench = ?6,
                delivery = ?7, quantity = ?8, last_serial = ?9, step_event = ?10, step_at = ?11, step = ?12,
                goods = ?13, active_steady = ?14, step_steady = ?15, run = ?16, check_value = excluded.check_value
            """)
    }

    /// Writes one event and makes it true in `state`. Returns its hash.
    func append(_ event: Event, at: Int64, after last: [UInt8], to state: inout State) throws -> [UInt8] {
        let previous = event.after == nil ? nil : event.unit.flatMap { state.unit($0)?.lastEvent }
        let hash = try EventRow.append(
            event, id: state.head + 1, at: at, previous: previous, after: last, lastBody, insertEvent)
        state.apply(event, at: at)
        return hash
    }

    /// Writes everything that `apply` changed since the last call.
    func flush(_ state: inout State) throws {
        try state.units.forEachChange { serial, unit, before in
            if let unit { try put(serial, unit, before) }
        }
        for (key, session, _) in state.sessions.takeChanges() {
            put(key, session ?? Session())
            try putSession.run()
        }
        for (key, card, _) in state.cards.takeChanges() { try put(key, card ?? Card()) }
        for (_, order, before) in state.workOrders.takeChanges() {
            if let order { try put(order, before) }
        }
        for (key, value, _) in state.counters.takeChanges() {
            try run("INSERT OR REPLACE INTO counter VALUES (?1, ?2)", [.text(key), .int(Int64(value ?? 0))])
        }
        for (serial, label, _) in state.pendingLabels.takeChanges() { try put(serial, label) }
        for (_, delivery, _) in state.deliveries.takeChanges() {
            if let delivery { try put(delivery) }
        }
        for (_, job, _) in state.labelJobs.takeChanges() {
            if let job { try put(job) }
        }
        try flushDefects(&state)
        try flushReturns(&state)
        for (id, handlers) in state.handlers { try put(id, handlers) }
        state.handlers.removeAll(keepingCapacity: true)
        for line in state.deliveryLines { try put(line) }
        state.deliveryLines.removeAll(keepingCapacity: true)
        for entry in state.inventoryLog {
            try run(
                "INSERT INTO inventory_log VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                [
                    .int(entry.event), .text(entry.product), .text(entry.action.rawValue), .int(Int64(entry.change)),
                    .int(Int64(entry.before)), .int(Int64(entry.after)),
                ])
        }
        state.inventoryLog.removeAll(keepingCapacity: true)
    }

    /// Runs a statement that gives no rows.
    func run(_ sql: String, _ values: [Value]) throws {
        let statement = try connection.statement(sql)
        for (index, value) in values.enumerated() { statement.bind(Int32(index + 1), value) }
        try statement.run()
    }

    private func put(_ serial: String, _ unit: Unit, _ before: Unit?) throws {
        let now = unit.state
        if let old = before?.state, before?.location == unit.location, old.onHold == now.onHold,
            (old.assignee, old.worker, old.delivery) == (now.assignee, now.worker, now.delivery)
        {
            if old.status == now.status {
                stepUnit.bind(1, serial)
                stepUnit.bind(2, unit.updatedAt)
                stepUnit.bind(3, unit.lastEvent)
                stepUnit.bind(4, now.stage)
                stepUnit.bind(5, now.text)
                return try stepUnit.run()
            }
            moveUnit.bind(1, serial)
            moveUnit.bind(2, unit.updatedAt)
            moveUnit.bind(3, unit.lastEvent)
            moveUnit.bind(4, now.status.rawValue)
            moveUnit.bind(5, now.stage)
            moveUnit.bind(6, now.text)
            return try moveUnit.run()
        }
        if before != nil {
            bindState(updateUnit, serial, unit)
            return try updateUnit.run()
        }
        bindState(insertUnit, serial, unit)
        insertUnit.bind(12, unit.product)
        insertUnit.bind(13, unit.workOrder)
        insertUnit.bind(14, unit.team)
        insertUnit.bind(15, unit.supplier)
        insertUnit.bind(16, unit.cost.map { Int64($0.tenThousandths) })
        insertUnit.bind(17, unit.createdAt)
        insertUnit.bind(18, unit.replaces)
        try insertUnit.run()
    }

    private func bindState(_ statement: Statement, _ serial: String, _ unit: Unit) {
        statement.bind(1, serial)
        statement.bind(2, unit.updatedAt)
        statement.bind(3, unit.lastEvent)
        statement.bind(4, unit.state.status.rawValue)
        statement.bind(5, unit.state.stage)
        statement.bind(6, unit.state.assignee)
        statement.bind(7, unit.state.worker)
        statement.bind(8, unit.state.delivery)
        statement.bind(9, unit.state.text)
        statement.bind(10, unit.location)
        statement.bind(11, Int64(unit.state.onHold ? 1 : 0))
    }

    private func put(_ key: Session.Key, _ session: Session) {
        putSession.bind(1, key.station)
        putSession.bind(2, key.terminal ?? "")
        putSession.bind(3, session.person)
        putSession.bind(4, session.activeAt.wall)
        putSession.bind(5, session.workOrder)
        putSession.bind(6, session.bench)
        putSession.bind(7, session.delivery)
        putSession.bind(8, session.quantity.map(Int64.init))
        putSession.bind(9, session.lastSerial)
        putSession.bind(10, session.step?.event)
        putSession.bind(11, session.step?.at.wall)
        putSession.bind(12, session.step?.effect.text)
        putSession.bind(13, session.returning.flatMap { try? Self.json($0) })
        let now = session.activeAt
        putSession.bind(14, now.run == nil ? nil : now.steady)
        // One step of an earlier run is known by the wall clock alone from now on.
        putSession.bind(15, session.step.flatMap { now.run != nil && $0.at.run == now.run ? $0.at.steady : nil })
        putSession.bind(16, now.run)
    }

    private func put(_ key: CardKey, _ card: Card) throws {
        let counts = Card.order.map { Value.int(Int64(card[$0])) }
        try run(
            """
            INSERT OR REPLACE INTO card (product, team, \(Card.columns))
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            """,
            [.text(key.product), .text(key.team ?? "")] + counts
                + [
                    .int(Int64(card.scrapped)), .int(Int64(card.unserialised)), .int(Int64(card.unserialisedDefect)),
                    .int(Int64(card.unserialisedRepacking)),
                ])
    }

    private func put(_ order: WorkOrder, _ before: WorkOrder?) throws {
        let counts = [order.pendingLabels, order.registered, order.inProduction, order.good, order.writtenOff]
        if var before {
            (before.pendingLabels, before.registered) = (order.pendingLabels, order.registered)
            (before.inProduction, before.good, before.writtenOff) = (order.inProduction, order.good, order.writtenOff)
            // Most often a scan was counted, and the indexes stay as they are.
            if before == order {
                return try run(
                    """
                    UPDATE work_order SET pending_labels = ?2, registered = ?3, in_production = ?4, good = ?5,
                        written_off = ?6 WHERE number = ?1
                    """, [.text(order.number)] + counts.map { .int(Int64($0)) })
            }
        }
        try run(
            """
            INSERT OR REPLACE INTO work_order (number, product, quantity, team, due, status, created_at, pending_labels,
                registered, in_production, good, written_off)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """,
            [
                .text(order.number), .text(order.product), .int(Int64(order.quantity)), .text(order.team),
                Value(order.due), .text(order.status.rawValue), .int(order.createdAt),
            ] + counts.map { .int(Int64($0)) })
    }

    private func put(_ serial: String, _ label: PendingLabel?) throws {
        guard let label else { return try run("DELETE FROM pending_label WHERE serial = ?1", [.text(serial)]) }
        try run(
            "INSERT OR REPLACE INTO pending_label VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            [
                .text(serial), .text(label.product), .text(label.workOrder), .text(label.station),
                .int(label.voided ? 1 : 0), .text(label.counterKey), .int(Int64(label.counter)),
            ])
    }

    private func put(_ delivery: Delivery) throws {
        try run(
            "INSERT OR REPLACE INTO delivery VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            [
                .text(delivery.id), .text(delivery.order), Value(delivery.customer), Value(delivery.station),
                .int(delivery.isClosed ? 1 : 0), .int(Int64(delivery.count)), .int(delivery.openedAt),
                delivery.closedAt.map(Value.int) ?? .null, Value(delivery.customerReturn), Value(delivery.openedBy),
            ])
    }

    /// Adds to those who received, opened or inspected a return or a case.
    private func put(_ id: String, _ handlers: Set<Handler>) throws {
        for handler in handlers {
            let (kind, name) =
                switch handler {
                case .station(let name): ("station", name)
                case .person(let login): ("person", login)
                }
            try run("INSERT OR IGNORE INTO handler VALUES (?1, ?2, ?3)", [.text(id), .text(kind), .text(name)])
        }
    }

    private func put(_ line: State.DeliveryLine) throws {
        let key: [Value] = [.text(line.delivery), .text(line.product), .text(line.serial ?? "")]
        try run(
            """
            INSERT INTO delivery_line VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (delivery, product, serial) DO UPDATE SET quantity = delivery_line.quantity + ?4
            """, key + [.int(Int64(line.quantity))])
        if line.quantity < 0 {
            try run(
                "DELETE FROM delivery_line WHERE delivery = ?1 AND product = ?2 AND serial = ?3 AND quantity = 0", key)
        }
    }

    private func put(_ job: LabelJob) throws {
        try run(
            "INSERT OR REPLACE INTO label_job VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            [
                .int(job.id), .text(job.serial), .text(job.product), Value(job.team), .text(job.printer),
                .int(Int64(job.copy)), .text(job.status.rawValue), Value(job.problem), .int(Int64(job.attempts)),
                .int(job.createdAt), .int(job.mayBeDouble ? 1 : 0),
            ])
    }

    /// Writes the entries of the plant that an event changed.
    func put(_ changes: [PlantChange]) throws {
        for change in changes {
            let key = change.key
            let body = try Self.json(change)
            try run(
                "INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3)", [.text(key.kind), .text(key.code), .text(body)])
            if case .webhook(let hook) = change, hook.retired {
                try run("DELETE FROM outbox WHERE webhook = ?1", [.text(hook.id)])
            }
        }
    }

    /// A value as JSON, the same for equal values.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// The plant as its entries say.
    static func plant(_ connection: Connection) throws -> Plant {
        var plant = Plant()
        for body in try connection.rows("SELECT body FROM entry", [], { $0.text(0) }) {
            guard let change = try? JSONDecoder().decode(PlantChange.self, from: Data(body.utf8)) else {
                throw StorageError(.damaged, "cannot read an entry of the plant; run travelerd check")
            }
            plant.apply(change)
        }
        return plant
    }
}

extension Value {
    /// Text, or nothing.
    init(_ text: String?) {
        self = text.map(Value.text) ?? .null
    }
}
