public import Barcodes

/// What somebody wants to happen.
public enum Command: Sendable {
    /// A frame was read at a station.
    case scan(Scan)
    /// The plant is to be changed by what this pure function answers for the plant as it then is. `badges` are the codes
    /// of new badges, of which the plant itself keeps hashes only.
    case changePlant(@Sendable (Plant) throws(Refusal) -> [PlantChange], badges: [String] = [])
    /// A work order is planned. `due` is `YYYY-MM-DD`.
    case createWorkOrder(number: String, product: String, quantity: Int, team: String, due: String?)
    /// A work order is released, closed or cancelled.
    case moveWorkOrder(String, to: WorkOrderStatus)
    /// Units are registered with given serials.
    case register(product: String, serials: [String], workOrder: String?)
    /// Units come into stock from a supplier, or were found.
    ///
    /// `replaces` is the defective unit that the supplier replaced by the one that is received.
    case receive(
        product: String, serials: [String], supplier: String?, cost: Money?, replaces: String? = nil, note: String)
    /// A unit takes no step forward until released.
    case hold(String, note: String)
    /// A unit is free again.
    case release(String, note: String)
    /// A unit is given to a person, or to nobody.
    case assign(String, to: String?)
    /// A unit is marked defective, or a defective one gets its disposition.
    case markDefect(String, Disposition, type: String?, toStage: String?, note: String)
    /// A unit is gone for good.
    case writeOff(String, WriteOffReason, price: Money?, note: String)
    /// Units in hand, or a quantity without serials, are found defective together.
    case openDefect(DefectLot, product: String?, DefectReport)
    /// A defect case's note, location, supplier or credit is corrected; nil leaves it, and an inner nil clears it.
    case correctDefect(String, note: String?, location: String??, supplier: String??, credit: Money??)
    /// What remains of a case is split into what can be repaired and what can't; nil leaves the types as they are.
    case inspectDefect(String, DefectCase.Split, findings: [DefectCase.Finding]?)
    /// Some of a case is repaired, to `stock` or to a stage.
    case repairDefect(
        String, DefectLot, parts: [(product: String, quantity: Int)], target: String, note: String)
    /// Some of a case is gone for good.
    case writeOffDefect(String, DefectLot, WriteOffReason, price: Money?, note: String)
    /// Cases go to a supplier together, all or none; a trial only says whether they could.
    case routeDefects([String], supplier: String?, rma: String, note: String, isTrial: Bool)
    /// A case did not go to the supplier after all.
    case revertDefect(String, note: String)
    /// Some of a case came back repaired from the supplier.
    case supplierRepairDefect(String, DefectLot, note: String)
    /// A unit came back repaired from the supplier.
    case supplierRepair(String, note: String)
    /// A case is closed.
    case resolveDefect(String, note: String, credit: Money?)
    /// Units that were defective before there were cases get one; some at a time, until there are none.
    case fileDefects
    /// The unserialised balance is counted anew by a difference.
    case adjust(product: String, change: Int, note: String)
    /// Goods without serials that were made here come into stock, under a work order or none.
    case produce(product: String, quantity: Int, workOrder: String?, note: String?)
    /// Units are found (new serials) or missing (serials in stock).
    ///
    /// - Parameter found: whether they are said to be new, or to be missing; nil where that is told from what is known.
    case adjustSerials(product: String, serials: [String], note: String, found: Bool? = nil)
    /// Units and quantities leave to a customer at once.
    ///
    /// `replacing` is the customer's return that it is sent for.
    case deliver(
        order: String, customer: String?, serials: [String], items: [(product: String, quantity: Int)],
        replacing: String? = nil)
    /// Goods come back from a customer, or are announced.
    case createReturn(
        order: String, customer: String?, kind: ReturnKind, reason: ReturnReason, expected: Bool, ReturnLot)
    /// A return's customer, kind or reason is corrected.
    case correctReturn(String, ReturnCorrection)
    /// The reason or the condition of an item of a return is corrected.
    case correctReturnItem(String, item: String, reason: ReturnReason?, condition: ReturnCondition?)
    /// The inspection of a return begins; by the caller, where nobody is named.
    case startInspection(String, inspector: String?)
    /// An item of a return is inspected.
    case inspectReturnItem(String, item: String, ReturnCondition, ReturnDecision, note: String?)
    /// Questions of an inspection's checklist are answered.
    case answerChecklist(String, [ChecklistAnswer])
    /// A picture of an item was taken; its bytes are on disk. Its id, time and person are filled in.
    case addPhoto(String, item: String, ReturnItem.Photo)
    /// A picture of an item is not wanted.
    case deletePhoto(String, item: String, photo: String)
    /// Everything of a return is carried to where it belongs.
    case completeReturn(String)
    /// A return is to be as if it had not been.
    case cancelReturn(String, note: String)
    /// Some of an item leaves the repacking queue; all of it, where no quantity is named.
    case processItem(String, RepackingAction, quantity: Int?, reason: WriteOffReason?, note: String?)
    /// A label is printed again, at a station's printer or where it was printed before.
    case printLabel(String, station: String?)
    /// A label job is tried again at once.
    case retryLabel(Int64)
    /// A label job is not wanted any more.
    case cancelLabel(Int64)
    /// What became of a label job at its printer.
    case reportLabel(Int64, LabelJobStatus, problem: String?, mayBeDouble: Bool = false)
    /// Events of these kinds are to be sent to an address.
    case addWebhook(url: String, kinds: [EventKind])
    /// Nothing is to be sent to a webhook any more.
    case removeWebhook(String)
    /// What was given up is sent to a webhook again.
    case retryDelivery(webhook: String, event: Int64)
    /// An event was sent to a webhook, or not.
    case recordDelivery(WebhookDelivery, isDone: Bool)
    /// Somebody unknown asked for something, and was sent away.
    case recordDenial(who: String, request: String)
    /// A station's device is there from now on, or is not; `note` says why or which.
    case recordDevice(DeviceAddress, station: String, isConnected: Bool, note: String)
    /// The daemon began to serve.
    case recordStart(version: String)

    /// The right that it takes.
    public var verb: Verb {
        switch self {
        case .scan: .scan
        case .changePlant, .createWorkOrder, .moveWorkOrder, .reportLabel, .recordDenial, .recordDevice, .recordStart,
            .fileDefects, .addWebhook, .removeWebhook, .retryDelivery, .recordDelivery:
            .administer
        case .register, .receive, .writeOff: .register
        case .hold, .release: .hold
        case .assign: .assign
        case .markDefect, .openDefect: .markDefect
        case .correctDefect, .inspectDefect, .repairDefect, .writeOffDefect, .routeDefects, .revertDefect,
            .supplierRepairDefect, .supplierRepair, .resolveDefect:
            .manageDefects
        case .adjust, .adjustSerials, .produce: .adjust
        case .deliver: .deliver
        case .createReturn, .correctReturn, .cancelReturn: .manageReturns
        case .inspectReturnItem: .inspectReturns
        case .correctReturnItem, .startInspection, .answerChecklist, .addPhoto, .deletePhoto, .completeReturn,
            .processItem:
            .handleReturns
        case .printLabel, .retryLabel, .cancelLabel: .printLabels
        }
    }
}

extension Command {
    /// Serials of the units that it names.
    public var serials: [String] {
        switch self {
        case .register(_, let serials, _), .receive(_, let serials, _, _, _, _), .adjustSerials(_, let serials, _, _),
            .deliver(_, _, let serials, _, _):
            serials
        case .openDefect(let lot, _, _), .repairDefect(_, let lot, _, _, _), .writeOffDefect(_, let lot, _, _, _),
            .supplierRepairDefect(_, let lot, _):
            lot.serials
        case .createReturn(_, _, _, _, _, let lot): lot.serials
        default: []
        }
    }

    /// Whether it may be about so many things that a scan must not wait in one transaction with it.
    public var isLong: Bool {
        switch self {
        case .changePlant, .completeReturn, .cancelReturn, .fileDefects, .moveWorkOrder: true
        case .routeDefects(let cases, _, _, _, _): cases.count > Self.few
        case .deliver(_, _, let serials, let items, _): serials.count + items.count > Self.few
        default: serials.count > Self.few
        }
    }

    private static let few = 32
}

/// What is to become of a defective unit.
public enum Disposition: String, Sendable, Codable, CaseIterable {
    /// Written off at once.
    case scrap
    /// Back to a stage.
    case rework
    /// Stays in the defect worklist.
    case pending
}

/// What a command on defects is about: units, or a quantity without serials. With neither it is the one piece that
/// there is.
public struct DefectLot: Sendable, Equatable {
    /// Serials of units.
    public var serials: [String]
    /// How many without serials.
    public var quantity: Int?

    /// Units, or a quantity.
    public init(serials: [String] = [], quantity: Int? = nil) {
        (self.serials, self.quantity) = (serials, quantity)
    }
}

/// What somebody found out about defective goods.
public struct DefectReport: Sendable, Equatable {
    /// What is wrong, by defect type.
    public var findings: [DefectCase.Finding]
    /// What is wrong, in words.
    public var reason: String?
    /// How many can be repaired, where that is known at once.
    public var repairable: Int?
    /// Code of the supplier, where it is not the one that the goods came from.
    public var supplier: String?
    /// Where the goods lie.
    public var location: String?
    /// What else there is to know.
    public var note: String?

    /// A report.
    public init(
        findings: [DefectCase.Finding] = [], reason: String? = nil, repairable: Int? = nil, supplier: String? = nil,
        location: String? = nil, note: String?
    ) {
        (self.findings, self.reason, self.repairable) = (findings, reason, repairable)
        (self.supplier, self.location, self.note) = (supplier, location, note)
    }
}

/// A frame that was read at a station.
public struct Scan: Sendable, Equatable {
    /// Name of the station.
    public var station: String
    /// The text as it came.
    public var text: String
    /// What the text means before anything is known of the plant; nil for a broken frame.
    public var code: Code?
    /// Why the frame is broken, for people.
    public var broken: String?
    /// When it was read, where that is not when it is decided: a writer that is busy makes no double reads.
    public var readAt: Moment?
    /// Whether a badge may sign on; not for who has tried too many.
    public var takesBadges = true

    /// A whole frame.
    public init(station: String, text: String, code: Code) {
        (self.station, self.text, self.code) = (station, text, code)
    }

    /// A frame that was not read whole.
    public init(station: String, text: String, broken: String) {
        (self.station, self.text, self.broken) = (station, text, broken)
    }
}

/// What the rules decided: events to be applied in this order, and for a scan its answer.
public struct Decision: Sendable {
    /// What happened.
    public var events: [Event] = []
    /// The session of the station as it is from now on.
    public var session: (key: Session.Key, value: Session)?
    /// What the operator is told.
    public var answer: ScanAnswer?
    /// Serials of the units and labels that the command was about, in its order.
    public var serials: [String] = []
    /// Id of what the command made: a delivery, a label job.
    public var created: String?
    /// What became of an event that is sent to a webhook: it stays in the outbox like this, or is done with.
    public var outbox: (delivery: WebhookDelivery, isDone: Bool)?

    init(_ events: [Event] = [], serials: [String] = [], created: String? = nil) {
        (self.events, self.serials, self.created) = (events, serials, created)
    }
}

/// The answer to a scan, the same everywhere.
public struct ScanAnswer: Sendable, Equatable {
    /// Whether it counted.
    public var result: Result
    /// What happened, as the large word that the operator sees.
    public var outcome: Outcome
    /// Why it did not count.
    public var reason: Reason?
    /// What to look at although it counted.
    public var warning: String?
    /// One sentence for the operator.
    public var message: String
    /// Name of the station.
    public var station: String
    /// The code as it is recorded.
    public var code: String
    /// Serial of the unit.
    public var serial: String?
    /// Code of the unit's product.
    public var product: String?
    /// The unit's status.
    public var status: Status?
    /// The unit's next stage, while in production.
    public var stage: String?
    /// Where the unit must go now: a stage, `stock`, `defect`, `customer`, `label`.
    public var next: String?
    /// How many times the unit was sent back.
    public var iteration: Int?
    /// What is under way of the product, where that is shown.
    public var counts: ProductCounts?
    /// Login of the signed-on person.
    public var person: String?
    /// Number of the work order.
    public var workOrder: String?
    /// Number of the event that recorded the scan.
    public var event: Int64
    /// When it was recorded, in milliseconds since 1970.
    public var at: Int64

    /// An answer that says nothing of a unit yet.
    public init(
        result: Result, reason: Reason? = nil, message: String, station: String, code: String, event: Int64, at: Int64
    ) {
        (self.result, self.reason, self.message) = (result, reason, message)
        outcome = result == .accepted ? .noted : result == .ignored ? .readTwice : .refused
        (self.station, self.code, self.event, self.at) = (station, code, event, at)
    }

    /// Whether a scan counted.
    public enum Result: String, Sendable, Codable {
        /// It counted.
        case accepted
        /// It did not, and why not stands in the reason.
        case refused
        /// It was recorded and changed nothing.
        case ignored
    }
}
