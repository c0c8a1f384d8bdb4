public import Tracking

extension UnitFilter {
    /// Whether cards count what it matches: by product, status and team.
    fileprivate var isOnCards: Bool {
        self == UnitFilter(status: status, product: product, team: team)
    }
}

extension Connection {
    /// The counts of products, each over the units within the scope; products without any are left out.
    ///
    /// Unserialised stock is counted for those who see balances, and is 0 for others.
    public func cards(_ products: [String], for access: Access) throws -> [String: Card] {
        try counts("product IN \(products)", UnitFilter(), for: access)
    }

    /// The number of units that a filter matches, where the cards know it.
    func countOnCards(_ filter: UnitFilter, for access: Access) throws -> Int? {
        if case .own = access.scope { return nil }
        guard filter.isOnCards else { return nil }
        let cards = try counts(filter.product.map { "product = \($0)" } ?? .always, filter, for: access).values
        guard let status = filter.status else { return cards.reduce(0) { $0 + $1.total } }
        return cards.reduce(0) { $0 + $1[status] }
    }

    /// Counts by product. What a grant opens is counted over the plant, the rest over what the office shows.
    private func counts(_ products: SQL, _ filter: UnitFilter, for access: Access) throws -> [String: Card] {
        let plant = try onRecord("\(products) AND team = \(filter.team ?? "")")
        var cards: [String: Card]
        switch access.scope {
        case .all: cards = plant
        case .teams(let teams):
            let seen = filter.team.map { teams.intersection([$0]) } ?? teams
            cards = try onRecord("\(products) AND team IN \(seen.sorted())")
        case .own: cards = try inHands(products, of: access)
        }
        for (product, whole) in plant {
            for status in access.openStatuses { cards[product, default: Card()].units[status] = whole.units[status] }
            cards[product, default: Card()].unserialised = access.seesBalances ? whole.unserialised : 0
            cards[product, default: Card()].unserialisedDefect = access.seesBalances ? whole.unserialisedDefect : 0
            cards[product, default: Card()].unserialisedRepacking =
                access.seesBalances || access.seesAllReturns ? whole.unserialisedRepacking : 0
        }
        if access.seesAllReturns, access.scope != .all { try addReturned(products, filter, of: access, to: &cards) }
        return cards.filter { $0.value != Card() }
    }

    /// Sums of cards on record.
    private func onRecord(_ condition: SQL) throws -> [String: Card] {
        let sums = Card.columns.split(separator: ", ").map { "sum(\($0))" }.joined(separator: ", ")
        let query: SQL = "SELECT \(SQL(verbatim: sums)), product FROM card WHERE \(condition) GROUP BY product"
        let rows = try select(query) { row in
            (row.text(row.columnCount - 1), Card { Int(row.int($0)) })
        }
        return Dictionary(rows) { first, _ in first }
    }

    /// Counts over the units in a person's hands.
    private func inHands(_ products: SQL, of access: Access) throws -> [String: Card] {
        let walk = try walk(UnitFilter(mine: true), access)
        var cards: [String: Card] = [:]
        _ = try forEachWindow(walk) { window in
            try add("\(walk.select(Self.counted, window)) AND \(products)", to: &cards)
            return true
        }
        return cards
    }

    /// Adds the units that ever came back from a customer to cards of what the office and the open statuses show.
    private func addReturned(
        _ products: SQL, _ filter: UnitFilter, of access: Access, to cards: inout [String: Card]
    ) throws {
        let units = UnitColumns.unit
        let seen = (access.openStatuses.map(units.status) + [access.seesByOffice(units)]).any
        try add(
            """
            SELECT \(Self.counted) FROM (
                SELECT DISTINCT serial FROM return_item INDEXED BY return_item_serial WHERE serial IS NOT NULL) AS item
            CROSS JOIN unit ON unit.serial = item.serial
            WHERE \(units.wasReturned) AND (\(seen)) IS NOT TRUE AND \(products)
                AND \(filter.team.map { units.team([$0]) } ?? .always)
            """, to: &cards)
    }

    /// What `add` reads. The reason of a write-off stands before a state's last separator.
    private static let counted: SQL = """
        unit.product, unit.status, count(*),
        sum(unit.status = 'written_off' AND rtrim(unit.state, replace(unit.state, '|', '')) GLOB '*|scrap|')
        """

    /// Adds the counts of units that a query finds to cards.
    private func add(_ units: SQL, to cards: inout [String: Card]) throws {
        try select("\(units) GROUP BY 1, 2") { row in
            guard let status = Status(rawValue: row.text(1)) else { throw damagedRow("unit") }
            cards[row.text(0), default: Card()].units[status, default: 0] += Int(row.int(2))
            cards[row.text(0), default: Card()].scrapped += Int(row.int(3))
        }
    }
}
