import FoundationEssentials
import Tracking

// Customers' returns and their items, put on record and read back for the rules.

extension Store {
    /// Writes what `apply` changed of customers' returns since the last call.
    func flushReturns(_ state: inout State) throws {
        for (id, found, _) in state.customerReturns.takeChanges() { try put(id, found) }
        for (id, item, _) in state.returnItems.takeChanges() { try put(id, item) }
    }

    private func put(_ id: String, _ found: CustomerReturn?) throws {
        guard let found else { return try run("DELETE FROM customer_return WHERE id = ?1", [.text(id)]) }
        try run(
            "INSERT OR REPLACE INTO customer_return VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            [
                .text(id), .text(found.order), Value(found.customer), .text(found.kind.rawValue),
                .text(found.reason.rawValue), .text(found.status.rawValue), Value(found.inspector),
                .int(found.createdAt), Value(found.task?.id), Value(found.task?.status.rawValue),
                .text(try Self.json(found)),
            ])
    }

    private func put(_ id: String, _ item: ReturnItem?) throws {
        try run("DELETE FROM photo WHERE item = ?1", [.text(id)])
        guard let item else { return try run("DELETE FROM return_item WHERE id = ?1", [.text(id)]) }
        func number(_ value: Int) -> Value { .int(Int64(value)) }
        let counts = item.outcomes
        let values: [Value] = [
            .text(id), .text(item.customerReturn), .text(item.product), Value(item.serial), Value(item.team),
            number(item.quantity), .text(item.status.rawValue), number(item.open),
            item.arrivedAt.map(Value.int) ?? .null, Value(item.reason?.rawValue), Value(item.condition?.rawValue),
            Value(item.decision?.rawValue), item.inspectedAt.map(Value.int) ?? .null, number(counts.restocked),
            number(counts.refurbished), number(counts.writtenOff), number(counts.defective),
            .text(try Self.json(item)), Value(item.location),
        ]
        let places = values.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        try run("INSERT OR REPLACE INTO return_item VALUES (\(places))", values)
        for photo in item.photos {
            try run("INSERT INTO photo VALUES (?1, ?2, ?3)", [.text(photo.id), .text(id), .text(photo.digest)])
        }
    }
}

/// What `Store.json` wrote; nil for anything else.
func json<Content: Decodable>(_ text: String) -> Content? {
    try? JSONDecoder().decode(Content.self, from: Data(text.utf8))
}

extension StoredRecords {
    func customerReturn(_ id: String) -> CustomerReturn? {
        guard let number = Int64(id), String(number) == id else { return nil }
        return first("SELECT body FROM customer_return WHERE id = ?1", { $0.bind(1, number) }) { json($0.text(0)) }
    }

    func returns(ofOrder number: String) -> [String] {
        all("SELECT id FROM customer_return WHERE order_number = ?1", .text(number)) { $0.text(0) }
    }

    func returnItem(_ id: String) -> ReturnItem? {
        guard let number = Int64(id), String(number) == id else { return nil }
        return first("SELECT body FROM return_item WHERE id = ?1", { $0.bind(1, number) }) { json($0.text(0)) }
    }

    func items(ofReturn id: String) -> [String] {
        guard let number = Int64(id) else { return [] }
        return all("SELECT id FROM return_item WHERE customer_return = ?1", .int(number)) { $0.text(0) }
    }

    func goods(_ product: String, ofReturn id: String) -> [String] {
        all(
            """
            SELECT id FROM return_item INDEXED BY return_item_goods
            WHERE customer_return = ?1 AND product = ?2 AND serial IS NULL
            """, .int(Int64(id) ?? -1), .text(product)
        ) { $0.text(0) }
    }

    func tally(ofReturn id: String, except items: [String]) -> ReturnTally {
        first(
            """
            SELECT count(*), count(arrived_at), coalesce(sum(open), 0) FROM return_item
            WHERE customer_return = ?1 AND id NOT IN (SELECT value FROM json_each(?2))
            """,
            {
                $0.bind(1, Int64(id) ?? -1)
                $0.bind(2, "[" + items.joined(separator: ",") + "]")
            }
        ) { ReturnTally(items: Int($0.int(0)), arrived: Int($0.int(1)), open: Int($0.int(2))) } ?? ReturnTally()
    }

    func items(ofUnit serial: String) -> [String] {
        all("SELECT id FROM return_item INDEXED BY return_item_serial WHERE serial = ?1", .text(serial)) { $0.text(0) }
    }

    func replacement(ofReturn id: String) -> String? {
        first(
            "SELECT id FROM delivery INDEXED BY delivery_return WHERE customer_return = ?1 LIMIT 1",
            { $0.bind(1, Int64(id) ?? -1) }
        ) { $0.text(0) }
    }

    func delivered(_ product: String, underOrder number: String) -> Int {
        first(
            """
            SELECT coalesce(sum(line.quantity), 0) FROM delivery CROSS JOIN delivery_line AS line
                ON line.delivery = delivery.id AND line.product = ?1 AND line.serial = ''
            WHERE delivery.order_number = ?2
            """,
            {
                $0.bind(1, product)
                $0.bind(2, number)
            }
        ) { Int($0.int(0)) } ?? 0
    }

    func deliveryWithCustomer(ofOrder number: String) -> String? {
        first(
            """
            SELECT id FROM delivery WHERE order_number = ?1 AND customer IS NOT NULL ORDER BY id DESC LIMIT 1
            """, { $0.bind(1, number) }
        ) { $0.text(0) }
    }
}
