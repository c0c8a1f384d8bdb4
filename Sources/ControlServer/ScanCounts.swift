import Ledger
import Synchronization
import Tracking

/// Scans since the start, by result, wherever they came from.
final class ScanCounts: Sendable {
    private let accepted: Counter
    private let refused: Counter
    private let ignored: Counter
    /// Never gives anything: it counts as the writer tells, and ends with this object.
    private let listening: AsyncStream<Committed>

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    init(_ ledger: Ledger) {
        let (accepted, refused, ignored) = (Counter(), Counter(), Counter())
        (self.accepted, self.refused, self.ignored) = (accepted, refused, ignored)
        listening = ledger.committed { committed in
            switch committed.answer?.result {
            case .accepted: accepted.value.add(1, ordering: .relaxed)
            case .refused: refused.value.add(1, ordering: .relaxed)
            case .ignored: ignored.value.add(1, ordering: .relaxed)
            case nil: break
            }
            return false
        }
    }

    /// Counts by result.
    var byResult: [(result: ScanAnswer.Result, count: Int)] {
        [
            (.accepted, accepted.value.load(ordering: .relaxed)), (.ignored, ignored.value.load(ordering: .relaxed)),
            (.refused, refused.value.load(ordering: .relaxed)),
        ]
    }
}
