/// Where a unit is in its life; exactly one at any time.
public enum Status: String, Sendable, Codable, CaseIterable {
    /// On its way through the stages of its routing.
    case inProduction = "in_production"
    /// Good, and here.
    case inStock = "in_stock"
    /// With a customer.
    case delivered
    /// Back from a customer, not yet decided on.
    case returned
    /// Defective, not yet decided on.
    case defect
    /// Built into another unit.
    case installed
    /// A panel that was taken apart; final.
    case split
    /// Gone for good; final.
    case writtenOff = "written_off"
}

/// One serial-numbered item of a product.
public struct Unit: Sendable, Equatable {
    /// Unique in the plant.
    public var serial: String
    /// Code of its product.
    public var product: String
    /// Number of the work order that it was made under.
    public var workOrder: String?
    /// Team of that work order; nil for a unit that was received.
    public var team: String?
    /// Code of the supplier that it was received from.
    public var supplier: String?
    /// What it cost, where that was said when it was received.
    public var cost: Money?
    /// Serial of the defective unit that the supplier replaced by it.
    public var replaces: String?
    /// Where it was put when it was restocked from a customer's return; nil once it went on from there for other than a
    /// delivery.
    public var location: String?
    /// When it was registered or received, in milliseconds since 1970.
    public var createdAt: Int64
    /// When its last event happened, in milliseconds since 1970.
    public var updatedAt: Int64
    /// Number of its last event.
    public var lastEvent: Int64
    /// All that its events change.
    public var state: UnitState

    /// A unit as its first event made it.
    public init(
        serial: String, product: String, workOrder: String? = nil, team: String? = nil, supplier: String? = nil,
        cost: Money? = nil, replaces: String? = nil, createdAt: Int64, updatedAt: Int64, lastEvent: Int64,
        state: UnitState
    ) {
        (self.serial, self.product, self.workOrder, self.team) = (serial, product, workOrder, team)
        (self.supplier, self.cost, self.replaces) = (supplier, cost, replaces)
        (self.createdAt, self.updatedAt) = (createdAt, updatedAt)
        (self.lastEvent, self.state) = (lastEvent, state)
    }
}

/// All of a unit that its events change.
///
/// Every event of a unit carries this value from before and from after it. Stock, cards, work order counts and the
/// inventory log follow from the two alone, and an undo puts the first one back.
public struct UnitState: Sendable, Equatable, Hashable {
    /// Where it is in its life.
    public var status: Status
    /// Its next stage, while in production.
    public var stage: String?
    /// The stage where it failed, while defective and where it failed at one.
    public var failedStage: String?
    /// How many times it was sent back.
    public var iteration = 0
    /// No step forward until released.
    public var onHold = false
    /// It was in stock at some time before.
    public var wasInStock = false
    /// It came back from a customer at some time before.
    public var wasReturned = false
    /// The version of the routing that it follows.
    public var routing: RoutingRef?
    /// Login of the person it is assigned to.
    public var assignee: String?
    /// Login of the person who last worked on it.
    public var worker: String?
    /// Id of the delivery that it left in, while delivered.
    public var delivery: String?
    /// Id of its item in a customer's return, while returned.
    public var returnItem: String?
    /// Id of its defect case, while defective.
    public var defectCase: String?
    /// Why it was written off.
    public var writeOffReason: String?
    /// When each stage was last passed, in milliseconds since 1970, in the order of passing.
    public var passed: [Passage] = []

    /// A stage, and when it was passed.
    public struct Passage: Sendable, Equatable, Hashable {
        /// Name of the stage.
        public var stage: String
        /// Milliseconds since 1970.
        public var at: Int64

        /// A passage at a time in milliseconds since 1970.
        public init(stage: String, at: Int64) {
            (self.stage, self.at) = (stage, at)
        }
    }

    /// A state with nothing but a status.
    public init(status: Status) {
        self.status = status
    }

    /// When `stage` was last passed, in milliseconds since 1970.
    public func passedAt(_ stage: String) -> Int64? {
        passed.last { $0.stage == stage }?.at
    }
}

/// Why units are written off.
public enum WriteOffReason: String, Sendable, Codable, CaseIterable {
    /// Beyond repair.
    case scrap
    /// Thrown away.
    case disposal
    /// Sold below value; asks for the price.
    case outletSale = "outlet_sale"
    /// Defective.
    case defective
    /// Destroyed.
    case destroyed
    /// Not what it should be.
    case wrongProduct = "wrong_product"
    /// Past its date.
    case expired
    /// Not to be found.
    case lost
    /// Something else; asks for a note.
    case other
}
