public import Tracking

/// Which units are asked for; nil is any.
public struct UnitFilter: Sendable, Equatable {
    /// In this status.
    public var status: Status?
    /// At this stage, in production.
    public var stage: String?
    /// Of this product.
    public var product: String?
    /// Of this work order.
    public var workOrder: String?
    /// Of this team.
    public var team: String?
    /// Assigned to the caller, or last worked on by them.
    public var mine: Bool

    /// Every unit, where nothing else is said.
    public init(
        status: Status? = nil, stage: String? = nil, product: String? = nil, workOrder: String? = nil,
        team: String? = nil, mine: Bool = false
    ) {
        (self.status, self.stage, self.product) = (status, stage, product)
        (self.workOrder, self.team, self.mine) = (workOrder, team, mine)
    }
}

extension Connection {
    /// The unit with this serial; nil where there is none, or none within the scope.
    public func unit(_ serial: String, for access: Access) throws -> Unit? {
        try first(
            """
            SELECT \(Unit.columns) FROM unit WHERE unit.serial = \(serial) AND \(access.seesUnit(in: .unit))
            """, Unit.init(row:))
    }

    /// Units as some events made them, in the order of the events.
    public func unitsMade(by events: ClosedRange<Int64>) throws -> [Unit] {
        let records = try select(
            """
            SELECT \(EventRow.columns(of: "event")) FROM event
            WHERE event.id BETWEEN \(events.lowerBound) AND \(events.upperBound) ORDER BY event.id
            """, EventRecord.init(row:))
        return records.compactMap { record in
            let event = record.event
            guard event.before == nil, let after = event.after, let serial = event.unit, let product = event.product
            else { return nil }
            return Unit(made: serial, product, by: event, after, at: record.at, number: record.id)
        }
    }

    /// Units by serial.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func units(_ filter: UnitFilter, for access: Access, _ page: Page) throws -> Listing<Unit> {
        let walk = try walk(filter, access)
        var listing = try self.page(walk, page, Unit.columns, Unit.init(row:))
        if page.total { listing.total = try countOnCards(filter, for: access) ?? count(walk) }
        return listing
    }

    /// The way through the units that a filter can match within a scope, by the index that leads past the fewest.
    func walk(_ filter: UnitFilter, _ access: Access) throws -> Walk {
        var conditions = [access.seesUnit(in: .unit)]
        if let status = filter.status { conditions.append("unit.status = \(status.rawValue)") }
        if let stage = filter.stage { conditions.append("unit.stage = \(stage)") }
        if let product = filter.product { conditions.append("unit.product = \(product)") }
        if let order = filter.workOrder { conditions.append("unit.work_order = \(order)") }
        if let team = filter.team { conditions.append("unit.team = \(team)") }
        if filter.mine { conditions.append(UnitColumns.unit.inHands(of: access.login)) }
        return Walk(
            key: "serial", sources: try sources(filter, access), rows: "unit ON unit.serial = walk.key",
            condition: conditions.all, isNumbered: false)
    }

    private func sources(_ filter: UnitFilter, _ access: Access) throws -> [SQL] {
        var ways: [[SQL]] = []
        // By most indexes, units stand in their order only within a status.
        let statuses = filter.stage == nil ? filter.status.map { [$0] } ?? Status.allCases : [.inProduction]
        // What a grant opens beside the office, where that is not nearly everything.
        let granted =
            access.seesAllReturns ? nil : access.openStatuses.filter(statuses.contains).map { active($0, nil) }
        let inHands: [SQL] = [
            "unit INDEXED BY unit_assignee WHERE assignee = \(access.login)",
            "unit INDEXED BY unit_worker WHERE worker = \(access.login)",
        ]
        if filter.mine {
            ways.append(inHands)
        } else if case .own = access.scope, let granted {
            ways.append(inHands + granted)
        }
        func within(_ source: SQL) -> [SQL] { statuses.map { source + " AND status = \($0.rawValue)" } }
        if let order = filter.workOrder {
            ways.append(within("unit INDEXED BY unit_work_order WHERE work_order = \(order)"))
        }
        if let stage = filter.stage {
            ways.append([active(.inProduction, stage)])
        } else if let status = filter.status {
            switch status {
            case .inProduction: ways.append(try stagesInProduction().map { active(.inProduction, $0) })
            case .inStock, .returned, .defect: ways.append([active(status, nil)])
            case .delivered, .installed, .split, .writtenOff:
                ways.append(["unit INDEXED BY unit_done WHERE status = \(SQL(verbatim: "'\(status.rawValue)'"))"])
            }
        }
        if let product = filter.product {
            ways.append(within("unit INDEXED BY unit_product WHERE product = \(product)"))
        }
        if let team = filter.team { ways.append(within("unit INDEXED BY unit_team WHERE team = \(team)")) }
        if case .teams(let teams) = access.scope, let granted, teams.count * statuses.count <= Self.mostSources {
            ways.append(
                teams.sorted().flatMap { within("unit INDEXED BY unit_team WHERE team = \($0)") } + granted)
        }
        return ways.isEmpty ? ["unit WHERE TRUE"] : try shortest(ways, by: "serial")
    }

    /// SQLite joins no more than 500 selects into one; some are left for what a grant opens.
    private static var mostSources: Int { 400 }

    /// Units in a status that is not final. It stands there as a word: SQLite takes the index only for what it knows.
    private func active(_ status: Status, _ stage: String?) -> SQL {
        let units: SQL = "unit INDEXED BY unit_active WHERE status = \(SQL(verbatim: "'\(status.rawValue)'"))"
        return units + (stage.map { " AND stage = \($0)" } ?? " AND stage IS NULL")
    }

    /// The stages at which units are, by one look into the index for each.
    private func stagesInProduction() throws -> [String] {
        let next: SQL = """
            SELECT min(stage) FROM unit INDEXED BY unit_active WHERE status = 'in_production'
            """
        return try select(
            """
            WITH RECURSIVE found(stage) AS (
                \(next) UNION ALL SELECT (\(next) AND stage > found.stage) FROM found WHERE found.stage IS NOT NULL
            ) SELECT stage FROM found WHERE stage IS NOT NULL
            """
        ) { $0.text(0) }
    }
}

extension Unit {
    static let columns: SQL = """
        unit.serial, unit.product, unit.work_order, unit.team, unit.supplier, unit.cost, unit.created_at,
        unit.updated_at, unit.last_event, unit.state, unit.replaces
        """

    /// Reads a unit from a row of `columns`.
    init(row: Statement) throws {
        guard let state = UnitState(text: row.text(9)) else { throw damagedRow("unit") }
        self.init(
            serial: row.text(0), product: row.text(1), workOrder: row.optionalText(2), team: row.optionalText(3),
            supplier: row.optionalText(4), cost: row.isNull(5) ? nil : Money(tenThousandths: Int(row.int(5))),
            replaces: row.optionalText(10), createdAt: row.int(6), updatedAt: row.int(7), lastEvent: row.int(8),
            state: state)
    }
}
