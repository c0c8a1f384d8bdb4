import ControlAPI

// Which item of a return is meant. People have the unit in their hand, so its serial does as well as the item's number.

/// A command on one item.
protocol ItemCall: Requesting {
    /// The number of the item, or the serial of its unit.
    var item: String { get set }
}

extension ItemCall {
    mutating func prepare(_ connection: Connection) async throws { item = try await connection.itemNumber(item) }
}

extension Connection {
    /// The number of the item with this number, or else of the unit with this serial, if it came back.
    func itemNumber(_ name: String) async throws -> String {
        if !name.isEmpty, name.allSatisfy({ $0.isASCII && $0.isNumber }), try await find(.get("repacking", name)) != nil
        {
            return name
        }
        guard let unit = try await find(.get("units", name)) else {
            throw Failure(.notFound, "there is no item \(visible(name)) of a return, and no unit with this serial")
        }
        guard let item = unit["return_item"]?.string else {
            throw Failure(.notFound, "\(visible(name)) is in no return now; name the number of the item instead")
        }
        return item
    }

    private func find(_ request: Request) async throws -> JSONValue? {
        do {
            return try await call(request)
        } catch let failure as Failure where failure.exit == .notFound {
            return nil
        }
    }
}
