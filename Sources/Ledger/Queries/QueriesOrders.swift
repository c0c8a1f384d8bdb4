public import Tracking

/// Which work orders are asked for; nil is any.
public struct WorkOrderFilter: Sendable, Equatable {
    /// In this status.
    public var status: WorkOrderStatus?
    /// For this product.
    public var product: String?
    /// Of this team.
    public var team: String?

    /// Every work order, where nothing else is said.
    public init(status: WorkOrderStatus? = nil, product: String? = nil, team: String? = nil) {
        (self.status, self.product, self.team) = (status, product, team)
    }
}

extension Connection {
    /// The work order with this number; nil where there is none, or none within the scope.
    public func workOrder(_ number: String, for access: Access, in plant: Plant) throws -> WorkOrder? {
        try first(
            """
            SELECT \(WorkOrder.columns) FROM work_order
            WHERE work_order.number = \(number) AND \(access.seesTeam("work_order.team", in: plant))
            """, WorkOrder.init(row:))
    }

    /// Work orders by number.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func workOrders(
        _ filter: WorkOrderFilter, for access: Access, in plant: Plant, _ page: Page
    ) throws -> Listing<WorkOrder> {
        var conditions = [access.seesTeam("work_order.team", in: plant)]
        if let status = filter.status { conditions.append("work_order.status = \(status.rawValue)") }
        if let product = filter.product { conditions.append("work_order.product = \(product)") }
        if let team = filter.team { conditions.append("work_order.team = \(team)") }
        var ways: [[SQL]] = []
        if let product = filter.product {
            ways.append(["work_order INDEXED BY work_order_product WHERE product = \(product)"])
        }
        if let status = filter.status {
            ways.append(["work_order INDEXED BY work_order_status WHERE status = \(status.rawValue)"])
        }
        if let team = filter.team { ways.append(["work_order INDEXED BY work_order_team WHERE team = \(team)"]) }
        if case .teams(let teams) = access.scope, (1...400).contains(teams.count) {
            ways.append(teams.sorted().map { "work_order INDEXED BY work_order_team WHERE team = \($0)" })
        }
        let walk = Walk(
            key: "number",
            sources: ways.isEmpty ? ["work_order WHERE TRUE"] : try shortest(ways, by: "number"),
            rows: "work_order ON work_order.number = walk.key",
            condition: conditions.all, isNumbered: false)
        var listing = try self.page(walk, page, WorkOrder.columns, WorkOrder.init(row:))
        if page.total { listing.total = try count(walk) }
        return listing
    }
}

extension WorkOrder {
    static let columns: SQL = """
        work_order.number, work_order.product, work_order.quantity, work_order.team, work_order.due,
        work_order.created_at, work_order.status, work_order.pending_labels, work_order.registered,
        work_order.in_production, work_order.good, work_order.written_off
        """

    /// Reads a work order from a row of `columns`.
    init(row: Statement) throws {
        guard let status = WorkOrderStatus(rawValue: row.text(6)) else { throw damagedRow("work_order") }
        self.init(
            number: row.text(0), product: row.text(1), quantity: Int(row.int(2)), team: row.text(3),
            due: row.optionalText(4), createdAt: row.int(5))
        (self.status, pendingLabels, registered) = (status, Int(row.int(7)), Int(row.int(8)))
        (inProduction, good, writtenOff) = (Int(row.int(9)), Int(row.int(10)), Int(row.int(11)))
    }
}
