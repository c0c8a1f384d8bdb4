import Synchronization

/// How many codes that are nobody's badge each caller tried within a minute at a terminal. Who tries too many waits until
/// the minute is over before a badge is taken again; what is no badge goes on as ever.
final class BadgeTries: Sendable {
    /// Tries within a minute, after which no badge is taken.
    static let limit = 5
    private static let minute: Int64 = 60_000

    private struct Tries {
        var since: Int64
        var count = 0
        var isReported = false
    }
    private let tries = Mutex<[String: Tries]>([:])

    /// Counts a scan as a try before it is decided, so that many at once are no way around it. Returns whether a badge may
    /// sign on.
    func begin(_ login: String, at now: Int64) -> Bool {
        tries.withLock { tries in
            if let known = tries[login], now - known.since >= Self.minute { tries[login] = nil }
            var known = tries[login] ?? Tries(since: now)
            known.count += 1
            tries[login] = known
            return known.count <= Self.limit
        }
    }

    /// The scan was none.
    func takeBack(_ login: String) {
        tries.withLock { tries in
            guard let known = tries[login], known.count > 0 else { return }
            tries[login]?.count = known.count - 1
        }
    }

    /// Whether somebody has tried too many, and that was not put on record in this minute.
    func isToBeRecorded(_ login: String) -> Bool {
        tries.withLock { tries in
            guard let known = tries[login], known.count > Self.limit, !known.isReported else { return false }
            tries[login]?.isReported = true
            return true
        }
    }
}
