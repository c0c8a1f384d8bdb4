import Tracking

extension Connection {
    /// By how much the clock must be set back, in milliseconds, for that to be written down in `clock_step`.
    static let clockSlack: Int64 = 600_000

    /// The numbers of the events that a period can hold: those from a time, and before another (milliseconds since
    /// 1970). Events stand in the order of their numbers; their times follow it but for a clock that was set back.
    func eventNumbers(from: Int64?, to: Int64?) throws -> Range<Int64> {
        let head = try first("SELECT max(id) FROM event") { $0.int(0) } ?? 0
        let starts = [1] + (try select("SELECT event FROM clock_step ORDER BY event") { $0.int(0) })
        // What was not written down, before and after a restart.
        let (slack, range) = (2 * Self.clockSlack, Int64.min / 2...Int64.max / 2)
        func clamped(_ time: Int64) -> Int64 { min(max(time, range.lowerBound), range.upperBound) }
        var found: Range<Int64>?
        for (start, end) in zip(starts, starts.dropFirst() + [head + 1]) where start < end {
            let first = try from.map { try firstEvent(at: clamped($0) - slack, in: start..<end) } ?? start
            let last = try to.map { try firstEvent(at: clamped($0) + slack, in: start..<end) } ?? end
            guard first < last else { continue }
            found = min(found?.lowerBound ?? first, first)..<max(found?.upperBound ?? last, last)
        }
        return found ?? head + 1..<head + 1
    }

    /// The first of some events at a time or later, by halving.
    private func firstEvent(at time: Int64, in numbers: Range<Int64>) throws -> Int64 {
        var (low, high) = (numbers.lowerBound, numbers.upperBound)
        while low < high {
            let middle = low + (high - low) / 2
            let at = try first("SELECT at FROM event WHERE id = \(middle)") { $0.int(0) }
            guard let at else { throw damagedRow("event") }
            if at < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
