public import Tracking

/// Which lines of the inventory log are asked for; nil is any.
public struct InventoryFilter: Sendable, Equatable {
    /// Of this product.
    public var product: String?
    /// With this action.
    public var action: InventoryAction?
    /// Recorded at this time or later, in milliseconds since 1970.
    public var from: Int64?
    /// Recorded before this time, in milliseconds since 1970.
    public var to: Int64?

    /// Every line, where nothing else is said.
    public init(product: String? = nil, action: InventoryAction? = nil, from: Int64? = nil, to: Int64? = nil) {
        (self.product, self.action, self.from, self.to) = (product, action, from, to)
    }
}

/// One line of the inventory log with the event that caused it.
public struct InventoryRecord: Sendable, Equatable {
    /// The cause.
    public var event: EventRecord
    /// Code of the product.
    public var product: String
    /// What happened.
    public var action: InventoryAction
    /// Change of the store quantity.
    public var change: Int
    /// Store quantity of the plant before; nil for a caller who does not see balances.
    public var before: Int?
    /// Store quantity of the plant after; nil for a caller who does not see balances.
    public var after: Int?
}

extension Connection {
    /// Lines of the inventory log by their events, as far as these lie within the scope.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func inventoryLog(
        _ filter: InventoryFilter, for access: Access, in plant: Plant, _ page: Page
    ) throws -> Listing<InventoryRecord> {
        var conditions = [access.seesEvent(in: plant)]
        if let action = filter.action { conditions.append("line.action = \(action.rawValue)") }
        if let from = filter.from { conditions.append("event.at >= \(from)") }
        if let to = filter.to { conditions.append("event.at < \(to)") }
        let range = try eventNumbers(from: filter.from, to: filter.to)
        var ways: [[SQL]] = []
        if let product = filter.product {
            let actions = filter.action.map { [$0] } ?? InventoryAction.allCases
            ways.append(
                actions.map {
                    """
                    inventory_log INDEXED BY inventory_log_product WHERE product = \(product) AND action = \($0.rawValue)
                    """
                })
        } else if let action = filter.action {
            ways.append(["inventory_log INDEXED BY inventory_log_action WHERE action = \(action.rawValue)"])
        }
        let walk = Walk(
            key: "event",
            sources: ways.isEmpty ? ["inventory_log WHERE TRUE"] : try shortest(ways, by: "event", in: range),
            rows: "inventory_log AS line ON line.event = walk.key CROSS JOIN event ON event.id = walk.key",
            condition: conditions.all, range: range)
        let columns: SQL = """
            \(EventRow.columns(of: "event")), line.product, line.action, line.change, line.before, line.after
            """
        var listing = try self.page(walk, page, columns) { row in
            let first = row.columnCount - 6
            guard let action = InventoryAction(rawValue: row.text(first + 1)) else { throw damagedRow("inventory_log") }
            return InventoryRecord(
                event: try EventRecord(row: row), product: row.text(first), action: action,
                change: Int(row.int(first + 2)), before: access.seesBalances ? Int(row.int(first + 3)) : nil,
                after: access.seesBalances ? Int(row.int(first + 4)) : nil)
        }
        if page.total { listing.total = try count(walk) }
        return listing
    }
}
