public import Tracking

/// What is on record in the file, for the rules. Serialised by whoever holds its connection.
///
/// A read that fails answers nil and leaves its error in `failure`; the writer then discards what was decided.
final class StoredRecords: Records {
    let connection: Connection
    var failure: (any Error)?
    /// What was read before, and still holds.
    var advance: Advance?

    init(_ connection: Connection) {
        self.connection = connection
    }

    func first<Record>(
        _ sql: String, _ bind: (Statement) -> Void, _ read: (Statement) -> Record?
    ) -> Record? {
        do {
            let statement = try connection.statement(sql)
            defer { statement.reset() }
            bind(statement)
            guard try statement.step() else { return nil }
            guard let record = read(statement) else {
                throw StorageError(.damaged, "cannot read a row of the ledger; run travelerd check")
            }
            return record
        } catch {
            failure = failure ?? error
            return nil
        }
    }

    func unit(_ serial: String) -> Unit? {
        if let known = advance?.units[serial] { return known }
        return first(
            """
            SELECT product, work_order, team, supplier, cost, created_at, updated_at, last_event, state, replaces,
                location
            FROM unit WHERE serial = ?1
            """, { $0.bind(1, serial) }
        ) { row in
            UnitState(text: row.text(8)).map { state in
                var unit = Unit(
                    serial: serial, product: row.text(0), workOrder: row.optionalText(1), team: row.optionalText(2),
                    supplier: row.optionalText(3),
                    cost: row.isNull(4) ? nil : Money(tenThousandths: Int(row.int(4))),
                    replaces: row.optionalText(9), createdAt: row.int(5), updatedAt: row.int(6), lastEvent: row.int(7),
                    state: state)
                unit.location = row.optionalText(10)
                return unit
            }
        }
    }

    func workOrder(_ number: String) -> WorkOrder? {
        if let known = advance?.workOrders[number] { return known }
        return first(
            """
            SELECT product, quantity, team, due, created_at, status, pending_labels, registered, in_production, good,
                written_off FROM work_order WHERE number = ?1
            """, { $0.bind(1, number) }
        ) { row in
            guard let status = WorkOrderStatus(rawValue: row.text(5)) else { return nil }
            var order = WorkOrder(
                number: number, product: row.text(0), quantity: Int(row.int(1)), team: row.text(2),
                due: row.optionalText(3), createdAt: row.int(4))
            order.status = status
            (order.pendingLabels, order.registered) = (Int(row.int(6)), Int(row.int(7)))
            (order.inProduction, order.good, order.writtenOff) = (Int(row.int(8)), Int(row.int(9)), Int(row.int(10)))
            return order
        }
    }

    func pendingLabel(_ serial: String) -> PendingLabel? {
        if let known = advance?.labels[serial] { return known }
        return first(
            "SELECT product, work_order, station, voided, counter_key, counter FROM pending_label WHERE serial = ?1",
            { $0.bind(1, serial) }
        ) { row in
            PendingLabel(
                serial: serial, product: row.text(0), workOrder: row.text(1), station: row.text(2),
                voided: row.int(3) != 0, counterKey: row.text(4), counter: Int(row.int(5)))
        }
    }

    func releasedOrders(ofProduct code: String) -> [String] {
        all("SELECT number FROM work_order WHERE product = ?1 AND status = 'released'", .text(code)) { $0.text(0) }
    }

    func pendingLabels(ofWorkOrder number: String) -> [String] {
        all("SELECT serial FROM pending_label WHERE work_order = ?1 AND voided = 0", .text(number)) { $0.text(0) }
    }

    func all<Record>(_ sql: String, _ values: Value..., read: (borrowing Row) -> Record) -> [Record] {
        do {
            return try connection.rows(sql, values, read)
        } catch {
            failure = failure ?? error
            return []
        }
    }

    func counter(_ key: String) -> Int? {
        first("SELECT value FROM counter WHERE key = ?1", { $0.bind(1, key) }) { Int($0.int(0)) }
    }

    func card(_ key: CardKey) -> Card? {
        first(
            "SELECT \(Card.columns) FROM card WHERE product = ?1 AND team = ?2",
            {
                $0.bind(1, key.product)
                $0.bind(2, key.team ?? "")
            }
        ) { row in Card { Int(row.int($0)) } }
    }

    func session(_ key: Session.Key) -> Session? {
        first(
            """
            SELECT person, active_at, work_order, bench, delivery, quantity, last_serial, step_event, step_at, step,
                goods, active_steady, step_steady, run
            FROM session WHERE station = ?1 AND terminal = ?2
            """,
            {
                $0.bind(1, key.station)
                $0.bind(2, key.terminal ?? "")
            }
        ) { row in
            var session = Session()
            session.person = row.optionalText(0)
            session.activeAt = Moment(wall: row.int(1), steady: row.optionalInt(11), run: row.optionalInt(13))
            (session.workOrder, session.bench) = (row.optionalText(2), row.optionalText(3))
            (session.delivery, session.quantity) = (row.optionalText(4), row.isNull(5) ? nil : Int(row.int(5)))
            session.lastSerial = row.optionalText(6)
            if let text = row.optionalText(9), let effect = Session.Effect(text: text) {
                let at = Moment(wall: row.int(8), steady: row.optionalInt(12), run: row.optionalInt(13))
                session.step = Session.Step(event: row.int(7), at: at, effect: effect)
            }
            session.returning = row.optionalText(10).flatMap(json)
            return session
        }
    }

    func delivery(_ id: String) -> Delivery? {
        first(
            """
            SELECT order_number, customer, station, closed, count, opened_at, closed_at, customer_return, opened_by
            FROM delivery WHERE id = ?1
            """, { $0.bind(1, id) }
        ) { row in
            var delivery = Delivery(
                id: id, order: row.text(0), customer: row.optionalText(1), station: row.optionalText(2),
                openedAt: row.int(5))
            (delivery.isClosed, delivery.count) = (row.int(3) != 0, Int(row.int(4)))
            delivery.closedAt = row.isNull(6) ? nil : row.int(6)
            (delivery.customerReturn, delivery.openedBy) = (row.optionalText(7), row.optionalText(8))
            return delivery
        }
    }

    func handlers(of id: String) -> Set<Handler> {
        guard let number = Int64(id) else { return [] }
        let found = all("SELECT kind, name FROM handler WHERE id = ?1", .int(number)) { row -> Handler in
            row.text(0) == "station" ? .station(row.text(1)) : .person(row.text(1))
        }
        return Set(found)
    }

    func openDelivery(ofOrder order: String) -> String? {
        first("SELECT id FROM delivery WHERE order_number = ?1 AND closed = 0", { $0.bind(1, order) }) { $0.text(0) }
    }

    func isOrder(_ number: String) -> Bool {
        if let known = advance?.orders[number] { return known }
        return first("SELECT 1 FROM delivery WHERE order_number = ?1 LIMIT 1", { $0.bind(1, number) }) { _ in true }
            ?? false
    }

    func labelJob(_ id: Int64) -> LabelJob? {
        first(
            """
            SELECT serial, product, team, printer, copy, status, problem, attempts, created_at, may_be_double
            FROM label_job WHERE id = ?1
            """, { $0.bind(1, id) }
        ) { row in
            LabelJobStatus(rawValue: row.text(5)).map {
                LabelJob(
                    id: id, serial: row.text(0), product: row.text(1), team: row.optionalText(2), printer: row.text(3),
                    copy: Int(row.int(4)), status: $0, problem: row.optionalText(6), attempts: Int(row.int(7)),
                    createdAt: row.int(8), mayBeDouble: row.int(9) == 1)
            }
        }
    }

    func labelJobs(ofSerial serial: String) -> [LabelJob] {
        all("SELECT id FROM label_job WHERE serial = ?1 ORDER BY id", .text(serial)) { $0.int(0) }
            .compactMap(labelJob)
    }
}

extension Card {
    /// The statuses in the order of the table's columns.
    static let order: [Status] = [
        .inProduction, .inStock, .delivered, .returned, .defect, .installed, .split, .writtenOff,
    ]
    /// The table's count columns.
    static let columns =
        order.map(\.rawValue).joined(separator: ", ")
        + ", scrapped, unserialised, unserialised_defect, unserialised_repacking"

    /// A card from the table's count columns.
    init(column: (Int32) -> Int) {
        self.init()
        for (index, status) in Self.order.enumerated() {
            let count = column(Int32(index))
            if count != 0 { units[status] = count }
        }
        let next = Int32(Self.order.count)
        (scrapped, unserialised, unserialisedDefect) = (column(next), column(next + 1), column(next + 2))
        unserialisedRepacking = column(next + 3)
    }
}

extension Session.Effect {
    /// One line: the word, then what belongs to it, between tabs.
    var text: String {
        switch self {
        case .unit(let serial, let before, let opened):
            "unit\t\(serial)\t\(before.text)" + (opened.map { "\t" + $0 } ?? "")
        case .item(let id, let before, let unit):
            "item\t\(id)\t\(unit?.text ?? "")\t\((try? before.map { try Store.json($0) }) ?? "")"
        case .label(let serial): "label\t\(serial)"
        case .stock(let product, let quantity, let delivery): "stock\t\(product)\t\(quantity)\t\(delivery)"
        case .produced(let product, let quantity, let order): "produced\t\(product)\t\(quantity)\t\(order)"
        case .final: "final"
        }
    }

    init?(text: String) {
        let parts = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        switch (parts.first, parts.count) {
        case ("unit", 3), ("unit", 4):
            guard let before = UnitState(text: parts[2]) else { return nil }
            self = .unit(serial: parts[1], before: before, opened: parts.count == 4 ? parts[3] : nil)
        case ("item", 4):
            self = .item(id: parts[1], before: json(parts[3]), unit: UnitState(text: parts[2]))
        case ("label", 2): self = .label(serial: parts[1])
        case ("stock", 4):
            guard let quantity = Int(parts[2]) else { return nil }
            self = .stock(product: parts[1], quantity: quantity, delivery: parts[3])
        case ("produced", 4):
            guard let quantity = Int(parts[2]) else { return nil }
            self = .produced(product: parts[1], quantity: quantity, workOrder: parts[3])
        case ("final", 1): self = .final
        default: return nil
        }
    }
}

extension Connection {
    /// What a label says beside its product: how often the unit was sent back, and the work order it is made under.
    public func labelSubject(_ serial: String) throws -> (iteration: Int, order: WorkOrder?) {
        let records = StoredRecords(self)
        let unit = records.unit(serial)
        let order = (unit?.workOrder ?? records.pendingLabel(serial)?.workOrder).flatMap(records.workOrder)
        if let failure = records.failure { throw failure }
        return (unit?.state.iteration ?? 0, order)
    }
}

extension Connection {
    /// Which unit, label or order has this text as its name; nil for none.
    public func owner(ofName text: String) throws -> NameOwner? {
        let records = StoredRecords(self)
        let owner: NameOwner? =
            if records.unit(text) != nil {
                .unit
            } else if records.pendingLabel(text) != nil {
                .label
            } else {
                records.workOrder(text) != nil || records.isOrder(text) ? .order : nil
            }
        if let failure = records.failure { throw failure }
        return owner
    }
}

extension Moment {
    /// A moment as it is kept: by the wall clock alone where the other columns are empty.
    init(wall: Int64, steady: Int64?, run: Int64?) {
        guard let steady, let run else {
            self.init(wall: wall)
            return
        }
        self.init(wall: wall, steady: steady, run: run)
    }
}
