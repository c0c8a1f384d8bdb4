/// A piece of a customer's return: a unit, or a quantity of one product without serials.
///
/// Its counts add up: each piece of `quantity` either left the repacking queue by one of the outcomes or is still in it.
public struct ReturnItem: Sendable, Equatable, Codable {
    /// Id, unique in the plant: the number of the event that made it.
    public var id: String
    /// Id of the return.
    public var customerReturn: String
    /// Code of the product.
    public var product: String
    /// The unit; nil for goods without serials.
    public var serial: String?
    /// Team of the unit.
    public var team: String?
    /// How many.
    public var quantity: Int
    /// Announced before it came.
    public var isExpected = false
    /// Id of the announced item that it is a part of, where not all of that came at once.
    public var partOf: String?
    /// When it came, in milliseconds since 1970; nil while it is only announced.
    public var arrivedAt: Int64?
    /// When it was made, in milliseconds since 1970.
    public var createdAt: Int64
    /// Id of the delivery that the unit had left in.
    public var delivery: String?
    /// Number of the order that the unit was delivered under, where it is another than the return's.
    public var otherOrder: String?
    /// Why it comes back, where that is another reason than the return's.
    public var reason: ReturnReason?
    /// In which condition it came.
    public var condition: ReturnCondition?
    /// What is to become of what is open of it; of one that left the queue, what became of it.
    public var decision: ReturnDecision?
    /// What the inspector wrote to it.
    public var note: String?
    /// Login of the person who inspected it.
    public var inspectedBy: String?
    /// When it was inspected, in milliseconds since 1970.
    public var inspectedAt: Int64?
    /// How many left the queue, by how.
    public var outcomes = Outcomes()
    /// Where it was put when it was restocked.
    public var location: String?
    /// Id of the defect case that it went into.
    public var defect: String?
    /// What it looked like.
    public var photos: [Photo] = []
    /// When it last changed, in milliseconds since 1970.
    public var updatedAt: Int64
    /// Number of the event that last changed it. Set when that event is applied.
    public var lastEvent: Int64 = 0

    /// How many pieces left the repacking queue, by how.
    public struct Outcomes: Sendable, Equatable, Codable {
        /// Into stock.
        public var restocked = 0
        /// Into production.
        public var refurbished = 0
        /// Written off.
        public var writtenOff = 0
        /// Into a defect case.
        public var defective = 0
        /// Back where they were, as the return was cancelled, or never came.
        public var cancelled = 0

        /// Nothing left yet.
        public init() {}

        /// How many were carried to where they belong.
        public var carriedOut: Int { restocked + refurbished + writtenOff + defective }

        /// How many left by a decision.
        public subscript(decision: ReturnDecision) -> Int {
            get {
                switch decision {
                case .restock: restocked
                case .refurbish: refurbished
                case .dispose: writtenOff
                case .returnToSupplier: defective
                }
            }
            set {
                switch decision {
                case .restock: restocked = newValue
                case .refurbish: refurbished = newValue
                case .dispose: writtenOff = newValue
                case .returnToSupplier: defective = newValue
                }
            }
        }
    }

    /// A picture of an item; its bytes are kept beside the ledger, under their digest.
    public struct Photo: Sendable, Equatable, Codable {
        /// Id, unique in the plant: the number of the event that added it.
        public var id = ""
        /// SHA-256 of its bytes, as 64 hexadecimal digits.
        public var digest = ""
        /// What kind of file it is.
        public var format: PhotoFormat
        /// How many bytes it has.
        public var size: Int
        /// What it shows.
        public var kind: Kind
        /// What there is to say to it.
        public var note: String?
        /// Login of the person who added it.
        public var by: String?
        /// When it was added, in milliseconds since 1970.
        public var at: Int64 = 0

        /// A picture that is to be added.
        public init(format: PhotoFormat, size: Int, kind: Kind, note: String?) {
            (self.format, self.size, self.kind, self.note) = (format, size, kind, note)
        }

        /// What a photo shows.
        public enum Kind: String, Sendable, Codable, CaseIterable {
            /// What is broken.
            case damage
            /// How it is altogether.
            case condition
            /// Serial numbers and labels.
            case label
            /// Something else.
            case other
        }
    }

    /// The most photos of an item.
    public static let photoLimit = 10

    /// An item that was just made.
    public init(
        id: String, customerReturn: String, product: String, serial: String?, team: String?, quantity: Int,
        createdAt: Int64
    ) {
        (self.id, self.customerReturn, self.product, self.serial) = (id, customerReturn, product, serial)
        (self.team, self.quantity, self.createdAt, updatedAt) = (team, quantity, createdAt, createdAt)
    }

    /// How many are in the repacking queue.
    public var open: Int { arrivedAt == nil ? 0 : quantity - outcomes.carriedOut - outcomes.cancelled }
    /// Whether its condition and what is to become of it are known.
    public var isInspected: Bool { inspectedAt != nil && condition != nil && decision != nil }

    /// Where it stands, as far as the item itself tells: one that is pending is `inspecting` while its return is.
    public var status: RepackingStatus {
        if outcomes.cancelled > 0 { return .cancelled }
        if arrivedAt == nil { return .expected }
        if open > 0 { return decision == nil && outcomes.carriedOut == 0 ? .pending : .repacking }
        if outcomes.restocked > 0 { return .ready }
        return outcomes.refurbished + outcomes.defective > 0 ? .moved : .writeOff
    }

    /// What it is called in messages.
    var name: String { serial ?? "\(quantity) \(product)" }

    /// Books that some of it left the queue by a decision. That decides nothing for what is left; once nothing is, the
    /// item's decision is one that was carried out.
    mutating func book(_ decision: ReturnDecision, _ count: Int) {
        outcomes[decision] += count
        if open == 0, self.decision.map({ outcomes[$0] == 0 }) ?? true { self.decision = decision }
    }
}

/// Where an item of a return stands in the repacking queue.
public enum RepackingStatus: String, Sendable, Codable, CaseIterable {
    /// Announced, not here: not in the queue yet.
    case expected
    /// Here, and nobody looked at it.
    case pending
    /// Being looked at.
    case inspecting
    /// Decided, and not yet where it belongs.
    case repacking
    /// Left into stock; where parts left by several ways, this goes before the others.
    case ready
    /// Left as written off.
    case writeOff = "write_off"
    /// Left into production, or into a defect case.
    case moved
    /// The return was cancelled, or it never came.
    case cancelled
}

/// An item from before an event and from after it.
public struct ReturnItemChange: Sendable, Equatable, Codable {
    /// Before; nil for one that was just made.
    public var before: ReturnItem?
    /// After; nil for one whose making was taken back.
    public var after: ReturnItem?

    init(_ before: ReturnItem?, _ after: ReturnItem?) {
        (self.before, self.after) = (before, after)
    }
}

/// How much there is of a return, without its items themselves: there can be thousands.
public struct ReturnTally: Sendable, Equatable {
    /// Items.
    public var items: Int
    /// Of these, items that are here, or were.
    public var arrived: Int
    /// Pieces in the repacking queue.
    public var open: Int

    /// Counts of items.
    public init(items: Int = 0, arrived: Int = 0, open: Int = 0) {
        (self.items, self.arrived, self.open) = (items, arrived, open)
    }
}

/// Goods that come back, as somebody names them.
public struct ReturnLot: Sendable, Equatable {
    /// Serials of units.
    public var serials: [String]
    /// Quantities of products without serials.
    public var goods: [Goods]

    /// A quantity of a product without serials.
    public struct Goods: Sendable, Equatable {
        /// Code of the product.
        public var product: String
        /// How many.
        public var quantity: Int

        /// A quantity of a product.
        public init(product: String, quantity: Int) {
            (self.product, self.quantity) = (product, quantity)
        }
    }

    /// Units, quantities, or both.
    public init(serials: [String] = [], goods: [Goods] = []) {
        (self.serials, self.goods) = (serials, goods)
    }
}
