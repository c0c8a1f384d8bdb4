import ControlAPI
import Ledger
import Synchronization

/// How many lists, reports and replays of one person are under way at once. The one above that is told to come again,
/// so that nobody's can fill the lanes, or the memory.
final class Turns: Sendable {
    private struct Key: Hashable {
        var pace: Pace
        var login: String
    }
    private let taken = Mutex<[Key: Int]>([:])

    /// A turn, until it is given back or forgotten.
    final class Turn: Sendable {
        private let giveBack: Mutex<(@Sendable () -> Void)?>

        fileprivate init(_ giveBack: @escaping @Sendable () -> Void) { self.giveBack = Mutex(giveBack) }
        deinit { end() }

        func end() {
            giveBack.withLock { $0.take() }?()
        }
    }

    /// The most that one person has under way; nil where there is no limit.
    static func limit(_ pace: Pace) -> (count: Int, what: String)? {
        switch pace {
        case .lookup, .preparation: nil
        case .list: (64, "lists")
        case .report: (8, "reports")
        case .replay: (32, "replays of events")
        }
    }

    /// Takes a turn; nil where there is no limit.
    ///
    /// - Throws: `unavailable` where too many are under way.
    func begin(_ pace: Pace, _ login: String) throws(Problem) -> Turn? {
        guard let limit = Self.limit(pace) else { return nil }
        let key = Key(pace: pace, login: login)
        let isFree = taken.withLock { taken in
            guard taken[key, default: 0] < limit.count else { return false }
            taken[key, default: 0] += 1
            return true
        }
        guard isFree else {
            throw Problem(
                .unavailable, "\(limit.count) \(limit.what) of \(login) are under way; try again when one is done")
        }
        return Turn { [weak self] in
            self?.taken.withLock { taken in
                let left = taken[key, default: 1] - 1
                taken[key] = left > 0 ? left : nil
            }
        }
    }
}
