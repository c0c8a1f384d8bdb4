import Tracking

extension Connection {
    /// How far the clock may have been set back between two events, in milliseconds, for a search by time to find both.
    static let clockSlack: Int64 = 600_000

    /// The numbers of the events that a period can hold: those from a time, and before another (milliseconds since
    /// 1970). Events stand in the order of their numbers; their times follow it but for a clock that was set back.
    func eventNumbers(from: Int64?, to: Int64?) throws -> Range<Int64> {
        let head = try first("SELECT max(id) FROM event") { $0.int(0) } ?? 0
        let (slack, range) = (Self.clockSlack, Int64.min / 2...Int64.max / 2)
        func clamped(_ time: Int64) -> Int64 { min(max(time, range.lowerBound), range.upperBound) }
        let start = try from.map { try firstEvent(at: clamped($0) - slack, upTo: head) } ?? 1
        let end = try to.map { try firstEvent(at: clamped($0) + slack, upTo: head) } ?? head + 1
        return start..<max(start, end)
    }

    /// The first event at a time or later, by halving.
    private func firstEvent(at time: Int64, upTo head: Int64) throws -> Int64 {
        var (low, high) = (Int64(1), head + 1)
        while low < high {
            let middle = low + (high - low) / 2
            let at = try first("SELECT at FROM event WHERE id = \(middle)") { $0.int(0) }
            guard let at else { throw damagedRow("event") }
            if at < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
