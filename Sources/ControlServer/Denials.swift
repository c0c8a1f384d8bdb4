import Synchronization

/// How often callers were sent away or refused something within a minute, so that only the first times are put on record.
final class Denials: Sendable {
    /// Records a minute of one caller.
    static let limit = 20

    private struct Minute {
        var number: Int64 = 0
        var counts: [Caller: Int] = [:]
    }
    private let minute = Mutex(Minute())

    func isToBeRecorded(_ caller: Caller, at time: Int64) -> Bool { count(caller, at: time) <= Self.limit }

    /// Counts one more; answers how many there are in this minute.
    func count(_ caller: Caller, at time: Int64) -> Int {
        minute.withLock { minute in
            if minute.number != time / 60_000 { minute = Minute(number: time / 60_000) }
            minute.counts[caller, default: 0] += 1
            return minute.counts[caller, default: 0]
        }
    }
}
