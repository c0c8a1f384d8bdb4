public import Tracking

/// Units in production at one stage.
public struct WorkInProgress: Sendable, Equatable {
    /// Code of the product.
    public var product: String
    /// The stage that the units wait for or are at.
    public var stage: String
    /// How many units.
    public var count: Int
    /// When the unit that moved least recently had its last event, in milliseconds since 1970.
    public var oldestAt: Int64
}

/// What a report is about: from a time until before another, in milliseconds since 1970.
struct Period {
    let from: Int64
    let to: Int64

    init(from: Int64, to: Int64) throws(Refusal) {
        let (length, isFar) = to.subtractingReportingOverflow(from)
        guard !isFar, length > 0, length <= 400 * 86_400_000, to < .max / 2 else {
            throw Refusal(.invalid, "a report is about up to 400 days, and its end comes after its beginning")
        }
        (self.from, self.to) = (from, to)
    }

    func contains(_ time: Int64) -> Bool { time >= from && time < to }
}

extension Connection {
    /// Units in production by product and stage, within the scope.
    public func wip(for access: Access) throws -> [WorkInProgress] {
        let walk = try walk(UnitFilter(status: .inProduction), access)
        var found: [[String]: WorkInProgress] = [:]
        _ = try forEachWindow(walk) { window in
            let query = walk.select("unit.product, coalesce(unit.stage, ''), count(*), min(unit.updated_at)", window)
            try select("\(query) GROUP BY 1, 2") { row in
                let (product, stage) = (row.text(0), row.text(1))
                let empty = WorkInProgress(product: product, stage: stage, count: 0, oldestAt: .max)
                var line = found[[product, stage]] ?? empty
                line.count += Int(row.int(2))
                line.oldestAt = min(line.oldestAt, row.int(3))
                found[[product, stage]] = line
            }
            return true
        }
        return found.values.sorted { ($0.product, $0.stage) < ($1.product, $1.stage) }
    }
}
