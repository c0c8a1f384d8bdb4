import Synchronization

/// How many codes that are nobody's badge each caller tried within a minute at a terminal. Who tries too many waits until
/// the minute is over before a badge is taken again. Other scans are not affected.
final class BadgeTries: Sendable {
    /// Tries within a minute, after which no badge is taken.
    static let limit = 5
    /// Scans of one caller that may be under way while badges are taken.
    static let atOnce = 20
    private static let minute: Int64 = 60_000

    private struct Tries {
        var since: Int64
        var count = 0
        var underWay = 0
        var isReported = false
    }
    private let tries = Mutex<[String: Tries]>([:])

    /// Whether a caller has tried too many within this minute.
    func isOver(_ login: String, at now: Int64) -> Bool {
        tries.withLock { $0[login].map { $0.count >= Self.limit && now - $0.since < Self.minute } ?? false }
    }

    /// Begins a scan, whose `end` must follow. Returns whether a badge may sign on: many at once are no way around the limit.
    func begin(_ login: String, at now: Int64) -> Bool {
        tries.withLock { tries in
            var known = tries[login] ?? Tries(since: now)
            if now - known.since >= Self.minute { known = Tries(since: now, underWay: known.underWay) }
            known.underWay += 1
            tries[login] = known
            return known.count < Self.limit && known.underWay <= Self.atOnce
        }
    }

    /// Ends a scan, which was a try or was none.
    func end(_ login: String, wasTry: Bool) {
        tries.withLock { tries in
            guard var known = tries[login] else { return }
            known.underWay -= 1
            if wasTry { known.count += 1 }
            tries[login] = known.count == 0 && known.underWay == 0 ? nil : known
        }
    }

    /// Whether somebody has tried too many, and that was not put on record in this minute.
    func isToBeRecorded(_ login: String) -> Bool {
        tries.withLock { tries in
            guard let known = tries[login], known.count >= Self.limit, !known.isReported else { return false }
            tries[login]?.isReported = true
            return true
        }
    }
}
