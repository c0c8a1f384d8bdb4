/// An order to make a quantity of one product.
public struct WorkOrder: Sendable, Equatable, Codable {
    /// Unique number.
    public var number: String
    /// Code of the product.
    public var product: String
    /// How many good units it asks for.
    public var quantity: Int
    /// Code of the team that makes them.
    public var team: String
    /// Due date as `YYYY-MM-DD`.
    public var due: String?
    /// Where the order stands.
    public var status: WorkOrderStatus
    /// When it was created, in milliseconds since 1970.
    public var createdAt: Int64
    /// Labels that were printed and not yet scanned back.
    public var pendingLabels = 0
    /// Units ever registered under it, and goods without serials that were made.
    public var registered = 0
    /// Units of it that are in production now.
    public var inProduction = 0
    /// Units of it that are finished and good.
    public var good = 0
    /// Units of it that were written off.
    public var writtenOff = 0

    /// A planned work order.
    public init(number: String, product: String, quantity: Int, team: String, due: String?, createdAt: Int64) {
        (self.number, self.product, self.quantity) = (number, product, quantity)
        (self.team, self.due, self.status, self.createdAt) = (team, due, .planned, createdAt)
    }

    /// How many more units can be started.
    public var room: Int { quantity - (pendingLabels + registered - writtenOff) }
    /// Whether units can be started, as far as there is room.
    var isOpen: Bool { status == .released || status == .completed }
}

/// Where a work order stands.
public enum WorkOrderStatus: String, Sendable, Codable, CaseIterable {
    /// Not yet to be worked on.
    case planned
    /// To be worked on.
    case released
    /// Its good units reached the quantity.
    case completed
    /// Ended, whether complete or not.
    case closed
    /// Ended before it was finished.
    case cancelled
}

/// A serial that was made and printed; its unit exists once the label is scanned back.
public struct PendingLabel: Sendable, Equatable, Codable {
    /// The serial on the label.
    public var serial: String
    /// Code of the product.
    public var product: String
    /// Number of the work order.
    public var workOrder: String
    /// Name of the station that made it.
    public var station: String
    /// Taken back: the serial is never used again.
    public var voided = false
    /// The counter that the serial was numbered by.
    public var counterKey: String
    /// The counter's value in this serial.
    public var counter: Int

    /// A label of a serial that was just made.
    public init(
        serial: String, product: String, workOrder: String, station: String, voided: Bool = false, counterKey: String,
        counter: Int
    ) {
        (self.serial, self.product, self.workOrder, self.station) = (serial, product, workOrder, station)
        (self.voided, self.counterKey, self.counter) = (voided, counterKey, counter)
    }
}

/// One label to be printed.
public struct LabelJob: Sendable, Equatable, Codable {
    /// Number of the event that queued it.
    public var id: Int64
    /// The serial on the label.
    public var serial: String
    /// Code of the product.
    public var product: String
    /// Team of the unit, where it has one.
    public var team: String?
    /// Address of the printer.
    public var printer: String
    /// 0 for the first label, then the number of the copy.
    public var copy: Int
    /// Where the job stands.
    public var status: LabelJobStatus
    /// Why it waits or failed, for people.
    public var problem: String?
    /// How often it was tried.
    public var attempts = 0
    /// When it was queued, in milliseconds since 1970.
    public var createdAt: Int64
    /// An attempt broke off after its first byte, so that the label may exist twice; what is printed since then says so.
    public var mayBeDouble: Bool {
        get { brokeOff ?? false }
        set { brokeOff = newValue ? true : nil }
    }

    /// Absent in what older versions recorded.
    private var brokeOff: Bool?

    /// A job for a label of `serial` at `printer`.
    public init(
        id: Int64, serial: String, product: String, team: String?, printer: String, copy: Int, status: LabelJobStatus,
        problem: String? = nil, attempts: Int = 0, createdAt: Int64, mayBeDouble: Bool = false
    ) {
        (self.id, self.serial, self.product, self.team, self.printer) = (id, serial, product, team, printer)
        (self.copy, self.status, self.problem) = (copy, status, problem)
        (self.attempts, self.createdAt) = (attempts, createdAt)
        self.mayBeDouble = mayBeDouble
    }
}

/// Where a label job stands.
public enum LabelJobStatus: String, Sendable, Codable, CaseIterable {
    /// Waiting for its printer.
    case queued
    /// On its way; after a crash here, the label may exist twice.
    case sent
    /// The printer took all of it, and says no trouble where it can tell.
    case printed
    /// Can't be printed without somebody's help.
    case failed
    /// Not wanted any more.
    case cancelled
}

/// Goods on their way to a customer under one order.
public struct Delivery: Sendable, Equatable, Codable {
    /// Id, unique in the plant.
    public var id: String
    /// Number of the customer's order.
    public var order: String
    /// Who gets it.
    public var customer: String?
    /// Id of the customer's return that it replaces.
    public var customerReturn: String?
    /// Name of the station where it was opened.
    public var station: String?
    /// Login of the person who opened it. Set when its event is applied.
    public var openedBy: String?
    /// Closed deliveries are final.
    public var isClosed = false
    /// How many items it holds, units and unserialised quantities together.
    public var count = 0
    /// When it was opened, in milliseconds since 1970.
    public var openedAt: Int64
    /// When it was closed, in milliseconds since 1970.
    public var closedAt: Int64?

    /// An open delivery with nothing in it.
    public init(id: String, order: String, customer: String? = nil, station: String? = nil, openedAt: Int64) {
        (self.id, self.order, self.customer, self.station) = (id, order, customer, station)
        self.openedAt = openedAt
    }
}

/// The counts of one product, of the whole plant or of one team's units.
public struct Card: Sendable, Equatable {
    /// Units by status.
    public var units: [Status: Int] = [:]
    /// Of the units written off, those that were scrapped.
    public var scrapped = 0
    /// Stock without serials; only of the whole plant.
    public var unserialised = 0
    /// Defective goods without serials, which are no stock; only of the whole plant.
    public var unserialisedDefect = 0
    /// Goods without serials that came back and are in the repacking queue, no stock; only of the whole plant.
    public var unserialisedRepacking = 0

    /// A card with nothing on it.
    public init() {}

    /// Units in this status.
    public subscript(status: Status) -> Int { units[status] ?? 0 }
    /// All serials ever registered.
    public var total: Int { units.values.reduce(0, +) }
    /// Store quantity: units in stock and the unserialised balance.
    public var store: Int { self[.inStock] + unserialised }

    mutating func move(from before: UnitState?, to after: UnitState) {
        if let before {
            units[before.status, default: 0] -= 1
            if before.writeOffReason == WriteOffReason.scrap.rawValue { scrapped -= 1 }
        }
        units[after.status, default: 0] += 1
        if after.writeOffReason == WriteOffReason.scrap.rawValue { scrapped += 1 }
    }
}

/// Whose counts a card holds.
public struct CardKey: Sendable, Hashable {
    /// Code of the product.
    public var product: String
    /// Code of the team, or nil for the whole plant.
    public var team: String?

    /// Names the card of a product, for the whole plant or one team.
    public init(product: String, team: String? = nil) {
        (self.product, self.team) = (product, team)
    }
}

/// One line of the inventory log: what changed a product's store quantity, or marked one of its units defective.
public struct InventoryEntry: Sendable, Equatable {
    /// Number of the event that caused it.
    public var event: Int64
    /// Code of the product.
    public var product: String
    /// What happened.
    public var action: InventoryAction
    /// Change of the store quantity.
    public var change: Int
    /// Store quantity before.
    public var before: Int
    /// Store quantity after.
    public var after: Int
}

/// What an inventory log line tells of.
public enum InventoryAction: String, Sendable, Codable, CaseIterable {
    /// Received.
    case restock
    /// Passed the last stage.
    case qaApproval = "qa_approval"
    /// Marked defective.
    case defect
    /// Delivered.
    case delivery
    /// Written off from stock.
    case writeOff = "write_off"
    /// Goods without serials that were made here.
    case production
    /// Counted anew by hand.
    case adjustment
    /// Repaired, and good again.
    case repair
    /// Came back repaired from the supplier.
    case supplierRepair = "supplier_repair"
    /// Spare parts that a repair took.
    case consume
    /// Came back from a customer, and is good.
    case returnRestock = "return_restock"
    /// A step was taken back.
    case undo
}
