import ControlAPI

// Which item of a return is meant. People have the unit in their hand, so its serial does as well as the item's number.
// `item:` before a number says that it is no serial.

/// A command on one item of a return.
protocol ItemCall: Requesting {
    /// The number of the return.
    var id: String { get }
    /// The number of the item, or the serial of its unit.
    var item: String { get set }
}

extension ItemCall {
    mutating func prepare(_ connection: Connection) async throws {
        item = try await connection.item(try givenOne(item), ofReturn: id)
    }
}

extension Connection {
    /// The number of the item of a return with this number, or else of its unit with this serial, wherever that is now.
    func item(_ name: String, ofReturn id: String) async throws -> String {
        if let number = numberOfItem(name) { return number }
        let items = try await call(.get("returns", id))["items"]?.array ?? []
        let numbered = items.first { $0["id"]?.string == name }
        // A unit can come back twice under one return; then the last time is meant.
        let unit = items.last { $0["serial"]?.string == name }
        if let numbered, let unit { try checkIsOne(name, numbered, unit["id"]?.string) }
        guard let number = (numbered ?? unit)?["id"]?.string else {
            throw Failure(
                .notFound,
                "there is no item \(visible(name)) in the return \(visible(id)), and no unit with this serial")
        }
        return number
    }

    /// The number of the item with this number, or else of the unit with this serial while it is in the queue.
    func itemInQueue(_ name: String) async throws -> String {
        if let number = numberOfItem(name) { return number }
        let isNumber = !name.isEmpty && name.allSatisfy { $0.isASCII && $0.isNumber }
        let numbered = isNumber ? try await find(.get("repacking", name)) : nil
        let unit = try await find(.get("units", name))
        let item = unit?["return_item"]?.string
        if let numbered {
            // A unit that left the queue can still be the one in the hand: nothing else is carried out for it.
            if unit != nil { try checkIsOne(name, numbered, item) }
            return name
        }
        guard unit != nil else {
            throw Failure(.notFound, "there is no item \(visible(name)) of a return, and no unit with this serial")
        }
        guard let item else {
            throw Failure(.notFound, "\(visible(name)) is in no return now; name the number of the item instead")
        }
        return item
    }

    private func numberOfItem(_ name: String) -> String? {
        guard name.hasPrefix("item:") else { return nil }
        let number = String(name.dropFirst("item:".count))
        return !number.isEmpty && number.allSatisfy { $0.isASCII && $0.isNumber } ? number : nil
    }

    /// Refuses a name that is the number of an item and the serial of a unit that is another item, or none.
    private func checkIsOne(_ name: String, _ numbered: JSONValue, _ item: String?) throws {
        guard item != name else { return }
        let name = visible(name)
        let goods = (numbered["serial"] ?? numbered["product"])?.plain ?? "?"
        let unit = item.map { "is the item \(visible($0)): write item:\(visible($0))" } ?? "is in no return now"
        throw Failure(
            .usage,
            "\(name) could be the item \(name) (\(goods)): write item:\(name); or the unit with this serial, which \(unit)"
        )
    }

    private func find(_ request: Request) async throws -> JSONValue? {
        do {
            return try await call(request)
        } catch let failure as Failure where failure.exit == .notFound {
            return nil
        }
    }
}
