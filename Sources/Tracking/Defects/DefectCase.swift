/// One detection of defects: a unit, several units, or a quantity without serials, of one product, found with the same
/// reason at the same time.
///
/// Its counts add up: `quantity` is what was found, and each piece of it either left by one of the outcomes or remains.
public struct DefectCase: Sendable, Equatable, Codable {
    /// Id, unique in the plant: the number of the event that opened it.
    public var id: String
    /// Code of the product.
    public var product: String
    /// Team of its units, where all have the same; nil for units of no team or of several, and for goods without
    /// serials.
    public var team: String?
    /// Whether it holds units; otherwise a quantity without serials.
    public var isSerialised: Bool
    /// How many were found.
    public var quantity: Int
    /// What is wrong, by defect type.
    public var findings: [Finding] = []
    /// What is wrong, in words.
    public var reason: String?
    /// What else there is to know.
    public var note: String?
    /// When it was found, in milliseconds since 1970.
    public var detectedAt: Int64
    /// Login of the person who found it.
    public var detectedBy: String?
    /// Where it lies.
    public var location: String?
    /// Where it was found.
    public var source: DefectSource
    /// Code of the supplier that it came from, or goes to.
    public var supplier: String?
    /// The supplier's reference for the return.
    public var rma: String?
    /// Id of the supplier return that it went out with.
    public var shipment: String?
    /// Where it stands.
    public var status = DefectStatus.pending
    /// What remains, by whether it can be repaired; nil before an inspection.
    public var split: Split?
    /// How many came back good by each way, or are gone.
    public var outcomes = Outcomes()
    /// How it was resolved.
    public var resolution: String?
    /// What the supplier credited.
    public var credit: Money?
    /// When it was resolved, in milliseconds since 1970.
    public var resolvedAt: Int64?
    /// When it last changed, in milliseconds since 1970.
    public var updatedAt: Int64
    /// Number of the event that last changed it. Set when that event is applied: in the event's own snapshot it is
    /// still the one before.
    public var lastEvent: Int64 = 0

    /// Something that is wrong with a number of pieces; one piece can have several.
    public struct Finding: Sendable, Equatable, Codable {
        /// Code of the defect type.
        public var type: String
        /// How many have it.
        public var quantity: Int
        /// Where or how.
        public var note: String?

        /// A defect of a type on a number of pieces.
        public init(type: String, quantity: Int, note: String? = nil) {
            (self.type, self.quantity, self.note) = (type, quantity, note)
        }
    }

    /// What remains of a case, by whether it can be repaired.
    public struct Split: Sendable, Equatable, Codable {
        /// Can be repaired.
        public var repairable: Int
        /// Can't.
        public var nonRepairable: Int

        /// A split of what remains.
        public init(repairable: Int, nonRepairable: Int) {
            (self.repairable, self.nonRepairable) = (repairable, nonRepairable)
        }
    }

    /// How many pieces left a case, by how.
    public struct Outcomes: Sendable, Equatable, Codable {
        /// Repaired here.
        public var repaired = 0
        /// Sent back to a stage without a repair of its own.
        public var reworked = 0
        /// Came back repaired from the supplier.
        public var supplierRepaired = 0
        /// Replaced by the supplier, and written off.
        public var replaced = 0
        /// Written off.
        public var writtenOff = 0

        /// Nothing left yet.
        public init() {}

        /// Good again.
        public var good: Int { repaired + reworked + supplierRepaired }
        /// Gone.
        public var gone: Int { replaced + writtenOff }

        subscript(outcome: DefectOutcome) -> Int {
            get {
                switch outcome {
                case .open: 0
                case .repaired: repaired
                case .reworked: reworked
                case .supplierRepaired: supplierRepaired
                case .replaced: replaced
                case .writtenOff: writtenOff
                }
            }
            set {
                switch outcome {
                case .open: break
                case .repaired: repaired = newValue
                case .reworked: reworked = newValue
                case .supplierRepaired: supplierRepaired = newValue
                case .replaced: replaced = newValue
                case .writtenOff: writtenOff = newValue
                }
            }
        }
    }

    /// A pending case.
    public init(
        id: String, product: String, team: String? = nil, isSerialised: Bool, quantity: Int, source: DefectSource,
        detectedAt: Int64
    ) {
        (self.id, self.product, self.team, self.isSerialised) = (id, product, team, isSerialised)
        (self.quantity, self.source, self.detectedAt, updatedAt) = (quantity, source, detectedAt, detectedAt)
    }

    /// How many are still defective.
    public var remaining: Int { quantity - outcomes.good - outcomes.gone }
    /// Of the whole quantity, what can be repaired or was; nil before an inspection.
    public var repairable: Int? { split.map { $0.repairable + outcomes.good } }
    /// Of the whole quantity, what can't be repaired; nil before an inspection.
    public var nonRepairable: Int? { split.map { $0.nonRepairable + outcomes.gone } }
    /// How many are still defective although the case is resolved.
    public var awaiting: Int { status == .resolved ? remaining : 0 }

    /// Books that some of it left. What can't come from its own part of the split comes from the other: what happened
    /// to a unit corrects what was thought of it.
    mutating func book(_ outcome: DefectOutcome, _ count: Int, at: Int64) {
        outcomes[outcome] += count
        if var split {
            let isGood = outcome != .writtenOff && outcome != .replaced
            let own = min(count, isGood ? split.repairable : split.nonRepairable)
            split.repairable -= isGood ? own : count - own
            split.nonRepairable -= isGood ? count - own : own
            self.split = split
        }
        if remaining == 0, status != .resolved {
            (status, resolvedAt) = (.resolved, at)
        } else if status == .inspected {
            status = .processing
        }
    }
}

/// Where a defect case stands.
public enum DefectStatus: String, Sendable, Codable, CaseIterable {
    /// Found; nothing was decided.
    case pending
    /// Split into what can be repaired and what can't.
    case inspected
    /// Some was repaired or written off, some is left.
    case processing
    /// Sent to the supplier.
    case withSupplier = "with_supplier"
    /// Closed. What is still defective awaits its repair, its replacement or its write-off.
    case resolved

    /// The statuses that the worklist counts as pending: not yet sent or resolved.
    public static let open: [DefectStatus] = [.pending, .inspected, .processing]
}

/// Where a defect was found.
public enum DefectSource: String, Sendable, Codable, CaseIterable {
    /// On the line.
    case production
    /// In the store.
    case stock
    /// On goods that a customer sent back.
    case `return`

    /// Where a unit in this status is.
    init(_ status: Status) {
        switch status {
        case .inProduction: self = .production
        case .returned, .delivered: self = .return
        default: self = .stock
        }
    }
}

/// How a piece left its case.
public enum DefectOutcome: String, Sendable, Codable, CaseIterable {
    /// It did not.
    case open
    /// Repaired here.
    case repaired
    /// Sent back to a stage.
    case reworked
    /// Came back repaired from the supplier.
    case supplierRepaired = "supplier_repaired"
    /// Replaced by the supplier, and written off.
    case replaced
    /// Written off.
    case writtenOff = "written_off"

    /// What an event that takes a unit out of its case says of it.
    init(_ event: Event) {
        switch event.kind {
        case .unitRepaired: self = .repaired
        case .unitSupplierRepaired: self = .supplierRepaired
        case .unitWrittenOff: self = event.details.replacedBy == nil ? .writtenOff : .replaced
        default: self = .reworked
        }
    }
}

/// A unit in a defect case, and what became of it there.
public struct DefectUnit: Sendable, Equatable {
    /// What became of it.
    public var outcome: DefectOutcome
    /// Number of the event that brought it in, or took it out.
    public var event: Int64
    /// Serial of the unit that replaced it.
    public var replacedBy: String?

    /// Which unit in which case.
    public struct Key: Sendable, Hashable {
        /// Id of the case.
        public var id: String
        /// Serial of the unit.
        public var serial: String

        /// Names a unit in a case.
        public init(id: String, serial: String) {
            (self.id, self.serial) = (id, serial)
        }
    }

    /// A unit in a case.
    public init(outcome: DefectOutcome, event: Int64, replacedBy: String? = nil) {
        (self.outcome, self.event, self.replacedBy) = (outcome, event, replacedBy)
    }
}

/// A defect case from before an event and from after it.
public struct DefectChange: Sendable, Equatable, Codable {
    /// Before; nil for a case that was just opened.
    public var before: DefectCase?
    /// After; nil for one whose opening was taken back.
    public var after: DefectCase?
    /// The repair that changed it.
    public var repair: Repair?

    init(_ before: DefectCase?, _ after: DefectCase?, repair: Repair? = nil) {
        (self.before, self.after, self.repair) = (before, after, repair)
    }
}

/// A repair: what was repaired and what it took.
public struct Repair: Sendable, Equatable, Codable {
    /// Id of the defect case.
    public var defect: String
    /// Code of the product.
    public var product: String
    /// Team of the case.
    public var team: String?
    /// How many were repaired.
    public var quantity: Int
    /// Serials of the units; empty for goods without serials.
    public var serials: [String]
    /// Where it went: `stock`, or the name of a stage.
    public var target: String
    /// The spare parts that it took.
    public var parts: [Part]

    /// What the spare parts cost; nil where the cost of none is known.
    public var cost: Money? {
        let costs = parts.compactMap { part in part.cost.map { Double($0.tenThousandths) * Double(part.quantity) } }
        // Exact up to some 900 thousand million; more is no cost of a repair.
        return costs.isEmpty ? nil : Money(tenThousandths: Int(min(costs.reduce(0, +), 9e15)))
    }

    /// A quantity of a spare part.
    public struct Part: Sendable, Equatable, Codable {
        /// Code of the product.
        public var product: String
        /// How many.
        public var quantity: Int
        /// What one cost, where that is known.
        public var cost: Money?

        /// A quantity of a spare part.
        public init(product: String, quantity: Int, cost: Money? = nil) {
            (self.product, self.quantity, self.cost) = (product, quantity, cost)
        }
    }

    /// A repair.
    public init(
        defect: String, product: String, team: String?, quantity: Int, serials: [String], target: String, parts: [Part]
    ) {
        (self.defect, self.product, self.team, self.quantity) = (defect, product, team, quantity)
        (self.serials, self.target, self.parts) = (serials, target, parts)
    }
}

/// Defect cases that went to a supplier together.
public struct SupplierReturn: Sendable, Equatable, Codable {
    /// Id, unique in the plant: the number of the event that it was sent by.
    public var id: String
    /// Code of the supplier.
    public var supplier: String
    /// The supplier's reference.
    public var rma: String
    /// Carrier, tracking number, what is to be done.
    public var note: String
    /// When it was sent, in milliseconds since 1970.
    public var at: Int64
    /// Login of the person who sent it.
    public var actor: String?
    /// The cases.
    public var cases: [Case]

    /// A case in a return to a supplier.
    public struct Case: Sendable, Equatable, Codable {
        /// Its id.
        public var id: String
        /// How many pieces of it were sent: what remained then.
        public var quantity: Int

        /// A case with so many pieces.
        public init(id: String, quantity: Int) {
            (self.id, self.quantity) = (id, quantity)
        }
    }

    /// A return of cases to a supplier.
    public init(
        id: String, supplier: String, rma: String, note: String, at: Int64, actor: String?, cases: [Case]
    ) {
        (self.id, self.supplier, self.rma, self.note) = (id, supplier, rma, note)
        (self.at, self.actor, self.cases) = (at, actor, cases)
    }
}

/// A line of the write-off log: a unit, or a quantity without serials, that is gone for good.
public struct WriteOff: Sendable, Equatable {
    /// Number of the event.
    public var event: Int64
    /// When, in milliseconds since 1970.
    public var at: Int64
    /// Code of the product.
    public var product: String
    /// The unit; nil for goods without serials.
    public var serial: String?
    /// How many.
    public var quantity: Int
    /// Why; a word of `WriteOffReason`.
    public var reason: String
    /// What one of them was sold for.
    public var price: Money?
    /// What one of them cost, where that was known.
    public var cost: Money?
    /// What it was written off from.
    public var source: WriteOffSource
    /// Id of the defect case that it left.
    public var defect: String?
    /// Team of the unit.
    public var team: String?
    /// Login of the person who did it.
    public var actor: String?
    /// What they wrote to it.
    public var note: String?

    /// A line of the write-off log.
    public init(
        event: Int64, at: Int64, product: String, serial: String?, quantity: Int, reason: String, price: Money?,
        cost: Money?, source: WriteOffSource, defect: String?, team: String?, actor: String?, note: String?
    ) {
        (self.event, self.at, self.product, self.serial) = (event, at, product, serial)
        (self.quantity, self.reason, self.price, self.cost) = (quantity, reason, price, cost)
        (self.source, self.defect, self.team, self.actor, self.note) = (source, defect, team, actor, note)
    }
}

/// What something was written off from.
public enum WriteOffSource: String, Sendable, Codable, CaseIterable {
    /// A defect case.
    case defect
    /// A customer's return.
    case `return`
    /// The line.
    case production
    /// The store, where it was missed or sorted out.
    case inventoryAudit = "inventory_audit"

    /// Where a unit in this status is.
    init(_ status: Status) {
        switch status {
        case .defect: self = .defect
        case .inProduction: self = .production
        case .returned, .delivered: self = .return
        default: self = .inventoryAudit
        }
    }
}
