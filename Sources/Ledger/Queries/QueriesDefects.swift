public import Tracking

/// Which defect cases are asked for; nil is any.
public struct DefectFilter: Sendable, Equatable {
    /// In one of these statuses.
    public var statuses: [DefectStatus]?
    /// Resolved, with something that is still defective.
    public var awaiting = false
    /// With this defect type.
    public var type: String?
    /// Of this product.
    public var product: String?
    /// Of this supplier.
    public var supplier: String?
    /// At this location.
    public var location: String?
    /// Found there.
    public var source: DefectSource?
    /// With this unit.
    public var serial: String?
    /// In this return to a supplier.
    public var shipment: String?
    /// Found at this time or later, in milliseconds since 1970.
    public var from: Int64?
    /// Found before this time, in milliseconds since 1970.
    public var to: Int64?
    /// This text in what is written on it, or in a serial, whatever the case of ASCII letters.
    public var search: String?
    /// Products whose name holds the searched text.
    public var productsFound: [String] = []
    /// Defect types whose name holds the searched text.
    public var typesFound: [String] = []
    /// Whether the text is looked for in suppliers and RMA references, too.
    public var searchesPurchase = true

    /// Every case, where nothing else is said.
    public init() {}

    fileprivate var condition: SQL {
        var conditions: [SQL] = []
        if let statuses { conditions.append("defect.status IN \(statuses.map(\.rawValue))") }
        if awaiting { conditions.append("defect.status = 'resolved' AND defect.remaining > 0") }
        if let type {
            conditions.append(
                """
                EXISTS (SELECT 1 FROM defect_finding
                    WHERE defect_finding.defect = defect.id AND defect_finding.type = \(type))
                """)
        }
        if let product { conditions.append("defect.product = \(product)") }
        if let supplier { conditions.append("defect.supplier = \(supplier)") }
        if let location { conditions.append("defect.location = \(location)") }
        if let source { conditions.append("defect.source = \(source.rawValue)") }
        if let serial {
            conditions.append(
                "EXISTS (SELECT 1 FROM defect_unit AS line WHERE line.defect = defect.id AND line.serial = \(serial))")
        }
        if let shipment {
            conditions.append("defect.shipment = \(Value.int(Int64(shipment) ?? -1))")
        }
        if let from { conditions.append("defect.detected_at >= \(from)") }
        if let to { conditions.append("defect.detected_at < \(to)") }
        if let search, !search.isEmpty {
            var texts: [SQL] = [
                "defect.product", "defect.reason", "defect.note", "defect.location", "defect.resolution",
            ]
            if searchesPurchase { texts += ["defect.supplier", "defect.rma"] }
            // Both sides by SQLite's `lower`, which knows ASCII only.
            func holds(_ text: SQL) -> SQL { "instr(lower(coalesce(\(text), '')), lower(\(search))) > 0" }
            var places = texts.map(holds)
            let (type, note): (SQL, SQL) = (
                "json_extract(finding.value, '$.type')", "json_extract(finding.value, '$.note')"
            )
            let finding = [holds(type), holds(note), "\(type) IN \(typesFound)"].any
            places.append("EXISTS (SELECT 1 FROM json_each(defect.findings) AS finding WHERE \(finding))")
            places.append("defect.id = \(Value.int(Int64(search) ?? -1))")
            places.append("defect.product IN \(productsFound)")
            places.append(
                """
                EXISTS (SELECT 1 FROM defect_unit AS line
                    WHERE line.defect = defect.id AND instr(lower(line.serial), lower(\(search))) > 0)
                """)
            conditions.append(places.any)
        }
        return conditions.all
    }
}

extension DefectFilter {
    /// The indexes that lead to what it can match.
    fileprivate var ways: [[SQL]] {
        var ways: [[SQL]] = []
        if let serial {
            ways.append([
                """
                (SELECT defect AS id, serial FROM defect_unit INDEXED BY defect_unit_serial) WHERE serial = \(serial)
                """
            ])
        }
        if let shipment {
            ways.append(["defect INDEXED BY defect_shipment WHERE shipment = \(Int64(shipment) ?? -1)"])
        }
        if awaiting { ways.append(["defect INDEXED BY defect_awaiting WHERE status = 'resolved' AND remaining > 0"]) }
        if let product { ways.append(["defect INDEXED BY defect_of_product WHERE product = \(product)"]) }
        if let type {
            ways.append([
                "(SELECT defect AS id, type FROM defect_finding INDEXED BY defect_finding_type) WHERE type = \(type)"
            ])
        }
        if let location { ways.append(["defect INDEXED BY defect_location WHERE location = \(location)"]) }
        if let supplier { ways.append(["defect INDEXED BY defect_of_supplier WHERE supplier = \(supplier)"]) }
        if let statuses, !statuses.isEmpty {
            ways.append(statuses.map { "defect INDEXED BY defect_status WHERE status = \($0.rawValue)" })
        }
        if let source { ways.append(["defect INDEXED BY defect_source WHERE source = \(source.rawValue)"]) }
        return ways
    }
}

/// What a list of defect cases is ordered by.
public enum DefectOrder: String, Sendable, CaseIterable {
    /// By the time of recording.
    case date
    /// What is resolved last, each by the time of recording, the newest first.
    case open
    /// By product, then by date.
    case product
    /// By supplier, then by date.
    case supplier
}

/// A defect case in a list.
public struct DefectRow: Sendable, Equatable {
    /// The case.
    public var found: DefectCase
    /// Its unit; of several the first in the order of serials, of those that are still in it if there are any.
    public var serial: String?
}

/// A unit in a defect case.
public struct DefectLine: Sendable, Equatable {
    /// Its serial.
    public var serial: String
    /// What became of it in this case.
    public var outcome: DefectOutcome
    /// Serial of the unit that replaced it, where the caller sees that one.
    public var replacedBy: String?

    /// A unit in a case, and what became of it.
    public init(serial: String, outcome: DefectOutcome, replacedBy: String? = nil) {
        (self.serial, self.outcome, self.replacedBy) = (serial, outcome, replacedBy)
    }
}

/// How many defect cases stand where, and how many pieces in them are still defective.
public struct DefectCards: Sendable, Equatable {
    /// Cases by status.
    public var cases: [DefectStatus: Int] = [:]
    /// Pieces that are still defective, by status of their case.
    public var remaining: [DefectStatus: Int] = [:]
}

extension Connection {
    /// The defect case with this id and its units; nil where there is none, or none within the scope.
    public func defect(_ id: String, for access: Access) throws -> (found: DefectCase, lines: [DefectLine])? {
        guard let number = Int64(id), String(number) == id else { return nil }
        return try consistently {
            let found = try first(
                "SELECT \(DefectCase.columns) FROM defect WHERE defect.id = \(number) AND \(access.seesDefect)",
                DefectCase.init(row:))
            guard let found else { return nil }
            let lines = try select(
                """
                SELECT line.serial, line.outcome, CASE WHEN \(access.seesUnit(in: .unit)) THEN line.replaced_by END
                FROM defect_unit AS line LEFT JOIN unit ON unit.serial = line.replaced_by
                WHERE line.defect = \(number) ORDER BY line.serial
                """
            ) { row in
                guard let outcome = DefectOutcome(rawValue: row.text(1)) else { throw damagedRow("defect_unit") }
                return DefectLine(serial: row.text(0), outcome: outcome, replacedBy: row.optionalText(2))
            }
            return (found, lines)
        }
    }

    /// Defect cases within the scope, in an order.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func defects(
        _ filter: DefectFilter, by order: DefectOrder = .date, for access: Access, _ page: Page
    ) throws -> Listing<DefectRow> {
        let walk = try walk(filter, order, access)
        let columns: SQL = """
            \(DefectCase.columns), (
                SELECT line.serial FROM defect_unit AS line WHERE line.defect = defect.id
                ORDER BY line.outcome <> 'open', line.serial LIMIT 1)
            """
        var listing = try self.page(walk, page, columns) { row in
            // The walk's key stands behind these.
            DefectRow(found: try DefectCase(row: row), serial: row.optionalText(row.columnCount - 2))
        }
        if page.total { listing.total = try count(walk) }
        return listing
    }

    /// Counts of the cases within the scope that a filter matches.
    public func defectCards(_ filter: DefectFilter, for access: Access) throws -> DefectCards {
        let walk = try walk(filter, .date, access)
        var cards = DefectCards()
        _ = try forEachWindow(walk) { window in
            let query = walk.select("defect.status, count(*), sum(defect.remaining)", window)
            try select("\(query) GROUP BY 1") { row in
                guard let status = DefectStatus(rawValue: row.text(0)) else { throw damagedRow("defect") }
                cards.cases[status, default: 0] += Int(row.int(1))
                cards.remaining[status, default: 0] += Int(row.int(2))
            }
            return true
        }
        return cards
    }

    private func walk(_ filter: DefectFilter, _ order: DefectOrder, _ access: Access) throws -> Walk {
        let condition = [access.seesDefect, filter.condition].all
        switch order {
        case .date:
            // A case is found before it is put on record, or then.
            let range = try filter.from.map { try eventNumbers(from: $0, to: nil) }
            let ways = filter.ways
            return Walk(
                key: "id",
                sources: ways.isEmpty ? ["defect WHERE TRUE"] : try shortest(ways, by: "id", in: range),
                rows: "defect ON defect.id = walk.key", condition: condition, range: range)
        case .open:
            return Walk(
                key: "by_open", sources: ["defect INDEXED BY defect_open WHERE TRUE"],
                rows: "defect ON defect.by_open = walk.key", condition: condition, isNumbered: false)
        case .product:
            return Walk(
                key: "by_product", sources: ["defect INDEXED BY defect_product WHERE TRUE"],
                rows: "defect ON defect.by_product = walk.key", condition: condition, isNumbered: false)
        case .supplier:
            return Walk(
                key: "by_supplier", sources: ["defect INDEXED BY defect_supplier WHERE TRUE"],
                rows: "defect ON defect.by_supplier = walk.key", condition: condition, isNumbered: false)
        }
    }

    /// All events of a defect case, oldest first; nil where there is no such case within the scope.
    public func defectHistory(_ id: String, for access: Access) throws -> [EventRecord]? {
        guard let number = Int64(id), String(number) == id else { return nil }
        let seen = try first("SELECT 1 FROM defect WHERE defect.id = \(number) AND \(access.seesDefect)") { _ in true }
        guard seen == true else { return nil }
        return try select(
            """
            SELECT \(EventRow.columns(of: "event")) FROM defect_event AS line
            CROSS JOIN event ON event.id = line.event WHERE line.defect = \(number) ORDER BY event.id
            """, EventRecord.init(row:))
    }

    /// Ids of the cases that a unit is or was in, the newest first.
    public func defects(ofUnit serial: String) throws -> [String] {
        try select("SELECT defect FROM defect_unit WHERE serial = \(serial) ORDER BY defect DESC") { $0.text(0) }
    }

    /// The unit that a supplier sent instead of this one; nil where there is none, or none within the scope.
    public func replacement(of serial: String, for access: Access) throws -> String? {
        try first(
            """
            SELECT serial FROM unit INDEXED BY unit_replaces
            WHERE replaces = \(serial) AND \(access.seesUnit(in: .unit))
            """
        ) { $0.text(0) }
    }
}
