import Synchronization
import Tracking

/// What is on record of the names in a long command, read beside the writer as of one state of the ledger.
struct Advance: Sendable {
    /// Number of the last event at that time.
    var head: Int64 = 0
    var units: [String: Unit?] = [:]
    var labels: [String: PendingLabel?] = [:]
    var workOrders: [String: WorkOrder?] = [:]
    var orders: [String: Bool] = [:]

    /// Reads all that there is under some names.
    init(_ names: [String], _ connection: Connection) throws {
        let records = StoredRecords(connection)
        try connection.consistently {
            head = try connection.number("SELECT coalesce(max(id), 0) FROM event")
            units.reserveCapacity(names.count)
            labels.reserveCapacity(names.count)
            workOrders.reserveCapacity(names.count)
            orders.reserveCapacity(names.count)
            for name in names {
                units[name] = .some(records.unit(name))
                labels[name] = .some(records.pendingLabel(name))
                workOrders[name] = .some(records.workOrder(name))
                orders[name] = records.isOrder(name)
            }
            if let failure = records.failure { throw failure }
        }
    }

    /// Forgets what is known under a name.
    fileprivate mutating func forget(_ name: String) {
        units[name] = nil
        labels[name] = nil
        workOrders[name] = nil
        orders[name] = nil
    }
}

/// What changed while something was being read in advance, so that the writer reads that anew.
final class Advances: Sendable {
    private struct Changes {
        var open = 0
        /// The last event that changed what is known under a name.
        var last: [String: Int64] = [:]
    }
    private let changes = Mutex(Changes())

    /// From now on it is remembered what changes. Comes before the reading begins.
    func begin() { changes.withLock { $0.open += 1 } }

    /// What was read in advance was used, or is not needed any more.
    func end() {
        changes.withLock { changes in
            changes.open -= 1
            if changes.open == 0 { changes.last = [:] }
        }
    }

    /// Remembers what a batch changed. Comes after its commit: who begins later reads it.
    func remember(_ events: [Committed]) {
        changes.withLock { changes in
            guard changes.open > 0 else { return }
            for committed in events {
                let event = committed.event
                for name in [event.unit, event.workOrder] { if let name { changes.last[name] = committed.id } }
                switch event.change {
                case .labelReserved(let label): changes.last[label.serial] = committed.id
                case .deliveryOpened(let delivery): changes.last[delivery.order] = committed.id
                case .workOrder(let order): changes.last[order.number] = committed.id
                default: break
                }
            }
        }
    }

    /// What still holds of what was read in advance.
    func current(_ advance: Advance) -> Advance {
        var advance = advance
        let last = changes.withLock { $0.last }
        for (name, event) in last where event > advance.head { advance.forget(name) }
        return advance
    }
}
