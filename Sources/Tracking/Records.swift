/// What is on record. The rules ask for what they need; the ledger answers from its file, a test from nothing.
///
/// An implementation that can't read answers nil and remembers the failure; whoever runs the rules then discards
/// their decision.
public protocol Records {
    /// The unit with this serial.
    func unit(_ serial: String) -> Unit?
    /// The work order with this number.
    func workOrder(_ number: String) -> WorkOrder?
    /// Numbers of the released work orders of a product.
    func releasedOrders(ofProduct code: String) -> [String]
    /// The label with this serial that was not scanned back, voided ones included.
    func pendingLabel(_ serial: String) -> PendingLabel?
    /// Serials of the labels of a work order that wait to be scanned back.
    func pendingLabels(ofWorkOrder number: String) -> [String]
    /// The last value of a serial counter.
    func counter(_ key: String) -> Int?
    /// The counts of a product.
    func card(_ key: CardKey) -> Card?
    /// What a station has in hand.
    func session(_ key: Session.Key) -> Session?
    /// The delivery with this id.
    func delivery(_ id: String) -> Delivery?
    /// Id of the open delivery of an order.
    func openDelivery(ofOrder order: String) -> String?
    /// The label job with this number.
    func labelJob(_ id: Int64) -> LabelJob?
    /// The label jobs of a serial, oldest first.
    func labelJobs(ofSerial serial: String) -> [LabelJob]
    /// Whether any delivery was ever opened for this order.
    func isOrder(_ number: String) -> Bool
    /// The customer's return with this id.
    func customerReturn(_ id: String) -> CustomerReturn?
    /// Ids of the returns from an order.
    func returns(ofOrder number: String) -> [String]
    /// The item of a customer's return with this id.
    func returnItem(_ id: String) -> ReturnItem?
    /// Ids of the items of a return.
    func items(ofReturn id: String) -> [String]
    /// Ids of the items of a return that are a product without serials.
    func goods(_ product: String, ofReturn id: String) -> [String]
    /// Counts of the items of a return, but for some items.
    func tally(ofReturn id: String, except items: [String]) -> ReturnTally
    /// Ids of the items of returns that a unit is or was.
    func items(ofUnit serial: String) -> [String]
    /// Id of a delivery that was sent for a return.
    func replacement(ofReturn id: String) -> String?
    /// How much of a product without serials was delivered under an order.
    func delivered(_ product: String, underOrder number: String) -> Int
    /// Id of an order's last delivery that names a customer.
    func deliveryWithCustomer(ofOrder number: String) -> String?
    /// Who received, opened or inspected the customer's return or the defect case with this id.
    func handlers(of id: String) -> Set<Handler>
    /// Whether an event is on its way to a webhook, or was given up.
    func isInOutbox(webhook: String, event: Int64) -> Bool
    /// The defect case with this id.
    func defectCase(_ id: String) -> DefectCase?
    /// The units that are or were in a defect case, by serial.
    func units(ofDefect id: String) -> [String: DefectUnit]
    /// Serials of units that are defective without a case, as they were before there were cases; at most `limit`.
    func unitsWithoutCase(limit: Int) -> [String]
    /// The event by which a defective unit became so.
    func detection(ofUnit serial: String) -> (event: Event, at: Int64)?
}

/// Nothing on record: a plant before its first day.
public struct NoRecords: Records {
    /// Nothing.
    public init() {}
    /// None.
    public func unit(_ serial: String) -> Unit? { nil }
    /// None.
    public func workOrder(_ number: String) -> WorkOrder? { nil }
    /// None.
    public func releasedOrders(ofProduct code: String) -> [String] { [] }
    /// None.
    public func pendingLabel(_ serial: String) -> PendingLabel? { nil }
    /// None.
    public func pendingLabels(ofWorkOrder number: String) -> [String] { [] }
    /// None.
    public func counter(_ key: String) -> Int? { nil }
    /// None.
    public func card(_ key: CardKey) -> Card? { nil }
    /// None.
    public func session(_ key: Session.Key) -> Session? { nil }
    /// None.
    public func delivery(_ id: String) -> Delivery? { nil }
    /// None.
    public func openDelivery(ofOrder order: String) -> String? { nil }
    /// None.
    public func labelJob(_ id: Int64) -> LabelJob? { nil }
    /// None.
    public func labelJobs(ofSerial serial: String) -> [LabelJob] { [] }
    /// No.
    public func isOrder(_ number: String) -> Bool { false }
    /// None.
    public func customerReturn(_ id: String) -> CustomerReturn? { nil }
    /// None.
    public func returns(ofOrder number: String) -> [String] { [] }
    /// None.
    public func returnItem(_ id: String) -> ReturnItem? { nil }
    /// None.
    public func items(ofReturn id: String) -> [String] { [] }
    /// None.
    public func goods(_ product: String, ofReturn id: String) -> [String] { [] }
    /// Nothing.
    public func tally(ofReturn id: String, except items: [String]) -> ReturnTally { ReturnTally() }
    /// None.
    public func items(ofUnit serial: String) -> [String] { [] }
    /// None.
    public func replacement(ofReturn id: String) -> String? { nil }
    /// None.
    public func delivered(_ product: String, underOrder number: String) -> Int { 0 }
    /// None.
    public func deliveryWithCustomer(ofOrder number: String) -> String? { nil }
    /// Nobody.
    public func handlers(of id: String) -> Set<Handler> { [] }
    /// No.
    public func isInOutbox(webhook: String, event: Int64) -> Bool { false }
    /// None.
    public func defectCase(_ id: String) -> DefectCase? { nil }
    /// None.
    public func units(ofDefect id: String) -> [String: DefectUnit] { [:] }
    /// None.
    public func unitsWithoutCase(limit: Int) -> [String] { [] }
    /// None.
    public func detection(ofUnit serial: String) -> (event: Event, at: Int64)? { nil }
}

/// Records that were read or changed, over those that are on record.
public struct Working<Key: Hashable & Sendable, Value> {
    private struct Entry {
        var value: Value?
        /// While it is changed: what is on record, where that was read.
        var before: Value?
        var isChanged = false
    }

    private var entries: [Key: Entry] = [:]
    private var changed: [Key] = []

    /// Nothing read yet.
    public init() {}

    /// The value as it is now; asks `load` where it was not read before.
    public mutating func read(_ key: Key, or load: (Key) -> Value?) -> Value? {
        if let known = entries[key] { return known.value }
        let value = load(key)
        entries[key] = Entry(value: value)
        return value
    }

    /// Puts a value in the place of what is on record; nil removes it.
    public mutating func write(_ key: Key, _ value: Value?) {
        // In place: values are large.
        guard let index = entries.index(forKey: key) else {
            entries[key] = Entry(value: value, isChanged: true)
            return changed.append(key)
        }
        if !entries.values[index].isChanged {
            entries.values[index].before = entries.values[index].value
            entries.values[index].isChanged = true
            changed.append(key)
        }
        entries.values[index].value = value
    }

    /// What was written since the last call, in the order of the first writes, for the ledger to put on record; with what
    /// was there before, where that was read.
    public mutating func takeChanges() -> [(key: Key, value: Value?, before: Value?)] {
        guard !changed.isEmpty else { return [] }
        defer { changed.removeAll(keepingCapacity: true) }
        return changed.compactMap { key in
            guard let index = entries.index(forKey: key) else { return nil }
            entries.values[index].isChanged = false
            let before = entries.values[index].before.take()
            return (key, entries.values[index].value, before)
        }
    }

    /// The same, one after the other: of a long command there are thousands.
    public mutating func forEachChange(_ body: (Key, _ value: Value?, _ before: Value?) throws -> Void) rethrows {
        defer { changed.removeAll(keepingCapacity: true) }
        for key in changed {
            guard let index = entries.index(forKey: key) else { continue }
            entries.values[index].isChanged = false
            let before = entries.values[index].before.take()
            try body(key, entries.values[index].value, before)
        }
    }

    /// Forgets what was read once it is more than `limit` values. Must not be called between a write and
    /// `takeChanges()`.
    public mutating func trim(to limit: Int) {
        if entries.count > limit { entries.removeAll(keepingCapacity: true) }
    }

    /// The values in memory whose keys fulfil a condition.
    func filter(_ isIncluded: (Key) -> Bool) -> [(key: Key, value: Value)] {
        entries.compactMap { key, entry in isIncluded(key) ? entry.value.map { (key, $0) } : nil }
    }

    /// Keys of what was written and is not on record yet, removed values among them.
    var unrecordedKeys: [Key] { changed }
    /// What was written and is not on record yet: all that a look at the record alone would miss.
    var unrecorded: [Value] { changed.compactMap { entries[$0].flatMap(\.value) } }

    /// The values that are in memory, changed or merely read.
    public var inMemory: [Key: Value] { entries.compactMapValues(\.value) }
}
