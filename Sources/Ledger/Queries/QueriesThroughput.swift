import Barcodes
public import Tracking

/// What was done on one day.
public struct Throughput: Sendable, Equatable {
    /// The day in the plant's time zone, `YYYY-MM-DD`.
    public var day: String
    /// Code of the product.
    public var product: String
    /// Stages passed, by all units together; what was taken back is not counted.
    public var passed: Int
    /// Units that passed their last stage.
    public var finished: Int
}

extension Connection {
    /// Stages passed and units finished by local day and product over a period, over the units of the caller's teams;
    /// nothing for a caller who sees only units in their own hands.
    ///
    /// Reads every event of the period, in short statements.
    /// - Parameters:
    ///   - from: the beginning, in milliseconds since 1970.
    ///   - to: the end, which is not part of the period.
    /// - Throws: `Refusal` for a period that ends before it begins, or of more than 400 days; `StorageError` where the system has no rules for the plant's time zone.
    public func throughput(from: Int64, to: Int64, for access: Access, in plant: Plant) throws -> [Throughput] {
        let period = try Period(from: from, to: to)
        let zone = try PlantTime.rules(plant.settings.timezone)
        var found: [[String]: Throughput] = [:]
        try forEachStep(period, [.unitPassed], for: access, in: plant) { step, sign in
            let day = zone.localDate(atUnixSeconds: PlantTime.seconds(step.at)).description
            let key = [day, step.product]
            found[key, default: Throughput(day: day, product: step.product, passed: 0, finished: 0)].passed += sign
            if step.after?.status == .inStock { found[key]?.finished += sign }
        }
        return found.values.filter { $0.passed > 0 }.sorted { ($0.day, $0.product) < ($1.day, $1.product) }
    }
}
