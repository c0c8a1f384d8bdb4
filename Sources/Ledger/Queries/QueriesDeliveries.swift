public import Tracking

/// Which deliveries are asked for; nil is any.
public struct DeliveryFilter: Sendable, Equatable {
    /// Under this order.
    public var order: String?
    /// Closed ones, or open ones.
    public var isClosed: Bool?

    /// Every delivery, where nothing else is said.
    public init(order: String? = nil, isClosed: Bool? = nil) {
        (self.order, self.isClosed) = (order, isClosed)
    }
}

/// A delivery with what is in it, as far as the caller sees that.
public struct DeliveryContents: Sendable, Equatable {
    /// The delivery.
    public var delivery: Delivery
    /// By product and serial.
    public var lines: [Line]

    /// A unit, or a quantity of unserialised goods.
    public struct Line: Sendable, Equatable {
        /// Code of the product.
        public var product: String
        /// The unit; nil for unserialised goods.
        public var serial: String?
        /// How many.
        public var quantity: Int
    }
}

extension Connection {
    /// The delivery with this id and what is in it; nil where there is none, or none within the scope.
    public func delivery(_ id: String, for access: Access, in plant: Plant) throws -> DeliveryContents? {
        guard let number = Int64(id) else { return nil }
        return try consistently {
            let found = try first(
                """
                SELECT \(columns(for: access, in: plant)) FROM delivery
                WHERE delivery.id = \(number) AND \(sees(access, in: plant))
                """, Delivery.init(row:))
            guard let found else { return nil }
            let lines = try select(
                """
                SELECT line.product, line.serial, line.quantity FROM delivery
                JOIN delivery_line AS line ON line.delivery = delivery.id LEFT JOIN unit ON unit.serial = line.serial
                WHERE delivery.id = \(number) AND \(seesLine(access, in: plant)) ORDER BY line.product, line.serial
                """
            ) { row in
                let serial = row.text(1)
                return DeliveryContents.Line(
                    product: row.text(0), serial: serial.isEmpty ? nil : serial, quantity: Int(row.int(2)))
            }
            return DeliveryContents(delivery: found, lines: lines)
        }
    }

    /// Deliveries by id, which is the order in which they were opened. Their counts hold what the caller sees of them.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func deliveries(
        _ filter: DeliveryFilter, for access: Access, in plant: Plant, _ page: Page
    ) throws -> Listing<Delivery> {
        var conditions = [sees(access, in: plant)]
        if let isClosed = filter.isClosed { conditions.append("delivery.closed = \(isClosed ? 1 : 0)") }
        var source: SQL = "delivery WHERE TRUE"
        if let order = filter.order {
            source = "delivery INDEXED BY delivery_order WHERE order_number = \(order)"
        } else if filter.isClosed == false {
            source = "delivery INDEXED BY delivery_open WHERE closed = 0"
        }
        let walk = Walk(
            key: "id", sources: [source], rows: "delivery ON delivery.id = walk.key", condition: conditions.all)
        var listing = try self.page(walk, page, columns(for: access, in: plant), Delivery.init(row:))
        if page.total { listing.total = try count(walk) }
        return listing
    }

    /// Who sees a delivery with all that is in it: who opened it, its station's team, and those who handle every
    /// delivered unit.
    func seesWhole(_ access: Access, in plant: Plant) -> SQL {
        if access.scope == .all || access.seesAllReturns { return .always }
        return ["delivery.opened_by = \(access.login)", access.seesStation("delivery.station", in: plant)].any
    }

    private func seesLine(_ access: Access, in plant: Plant) -> SQL {
        "(\(seesWhole(access, in: plant)) OR line.serial <> '' AND \(access.seesUnit(in: .unit)))"
    }

    /// A delivery is seen as such, or for one of its units.
    func sees(_ access: Access, in plant: Plant) -> SQL {
        if access.scope == .all { return .always }
        return [
            seesWhole(access, in: plant),
            """
            EXISTS (SELECT 1 FROM delivery_line AS line JOIN unit ON unit.serial = line.serial
                WHERE line.delivery = delivery.id AND \(access.seesUnit(in: .unit)))
            """,
        ].any
    }

    private func columns(for access: Access, in plant: Plant) -> SQL {
        var count: SQL = "delivery.count"
        if access.scope != .all {
            count = """
                (SELECT coalesce(sum(line.quantity), 0)
                FROM delivery_line AS line LEFT JOIN unit ON unit.serial = line.serial
                WHERE line.delivery = delivery.id AND \(seesLine(access, in: plant)))
                """
        }
        // A member who sees it for a unit in their hands is not told to whom it went.
        let customer: SQL =
            access.seesCustomers
            ? "delivery.customer" : "CASE WHEN \(seesWhole(access, in: plant)) THEN delivery.customer END"
        return """
            delivery.id, delivery.order_number, \(customer), delivery.station, delivery.closed, \(count),
            delivery.opened_at, delivery.closed_at, delivery.customer_return, delivery.opened_by
            """
    }
}

extension Delivery {
    /// Reads a delivery from a row.
    fileprivate init(row: Statement) {
        self.init(
            id: row.text(0), order: row.text(1), customer: row.optionalText(2), station: row.optionalText(3),
            openedAt: row.int(6))
        (isClosed, count) = (row.int(4) != 0, Int(row.int(5)))
        closedAt = row.isNull(7) ? nil : row.int(7)
        (customerReturn, openedBy) = (row.optionalText(8), row.optionalText(9))
    }
}
