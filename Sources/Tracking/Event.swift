/// What happened. The wire and the ledger know these by their raw values.
public enum EventKind: String, Sendable, Codable, CaseIterable {
    case unitRegistered = "unit.registered"
    case unitReceived = "unit.received"
    case unitPassed = "unit.passed"
    case unitFailed = "unit.failed"
    case unitDefect = "unit.defect"
    case unitReworked = "unit.reworked"
    case unitWrittenOff = "unit.written_off"
    case unitDelivered = "unit.delivered"
    case unitHeld = "unit.held"
    case unitReleased = "unit.released"
    case unitAssigned = "unit.assigned"
    case unitUndone = "unit.undone"
    case unitRepaired = "unit.repaired"
    case unitSupplierRepaired = "unit.supplier_repaired"
    case unitCaseOpened = "unit.case_opened"
    case unitReturned = "unit.returned"
    case unitReturnRestocked = "unit.return_restocked"
    case unitRefurbished = "unit.refurbished"
    case unitReturnCancelled = "unit.return_cancelled"
    case defectOpened = "defect.opened"
    case defectCorrected = "defect.corrected"
    case defectInspected = "defect.inspected"
    case defectRepaired = "defect.repaired"
    case defectReworked = "defect.reworked"
    case defectWrittenOff = "defect.written_off"
    case defectRouted = "defect.routed"
    case defectReverted = "defect.reverted"
    case defectSupplierRepaired = "defect.supplier_repaired"
    case defectReplaced = "defect.replaced"
    case defectResolved = "defect.resolved"
    case defectUndone = "defect.undone"
    case supplierReturnSent = "supplier_return.sent"
    case returnExpected = "return.expected"
    case returnCreated = "return.created"
    case returnCorrected = "return.corrected"
    case returnItemExpected = "return.item_expected"
    case returnItemCorrected = "return.item_corrected"
    case returnItemInspected = "return.item_inspected"
    case returnItemCancelled = "return.item_cancelled"
    case returnInspectionStarted = "return.inspection_started"
    case returnChecklistAnswered = "return.checklist_answered"
    case returnPhotoAdded = "return.photo_added"
    case returnPhotoDeleted = "return.photo_deleted"
    case returnCompleted = "return.completed"
    case returnCancelled = "return.cancelled"
    case returnUndone = "return.undone"
    case scanAccepted = "scan.accepted"
    case scanRefused = "scan.refused"
    case scanIgnored = "scan.ignored"
    case signedOn = "station.signed_on"
    case signedOff = "station.signed_off"
    case labelReserved = "label.reserved"
    case labelVoided = "label.voided"
    case labelQueued = "label.queued"
    case labelSent = "label.sent"
    case labelWaiting = "label.waiting"
    case labelPrinted = "label.printed"
    case labelFailed = "label.failed"
    case labelCancelled = "label.cancelled"
    case workOrderCreated = "work_order.created"
    case workOrderReleased = "work_order.released"
    case workOrderCompleted = "work_order.completed"
    case workOrderReopened = "work_order.reopened"
    case workOrderClosed = "work_order.closed"
    case workOrderCancelled = "work_order.cancelled"
    case stockAdjusted = "stock.adjusted"
    case stockProduced = "stock.produced"
    case stockDelivered = "stock.delivered"
    case stockUndone = "stock.undone"
    case stockDefect = "stock.defect"
    case stockRepaired = "stock.repaired"
    case stockSupplierRepaired = "stock.supplier_repaired"
    case stockWrittenOff = "stock.written_off"
    case stockConsumed = "stock.consumed"
    case stockReturned = "stock.returned"
    case stockReturnRestocked = "stock.return_restocked"
    case stockReturnWrittenOff = "stock.return_written_off"
    case stockReturnDefect = "stock.return_defect"
    case deliveryOpened = "delivery.opened"
    case deliveryClosed = "delivery.closed"
    case plantChanged = "plant.changed"
    case accessDenied = "access.denied"
    case deviceConnected = "device.connected"
    case deviceDisconnected = "device.disconnected"
    case daemonStarted = "daemon.started"
}

/// One thing that happened, as the rules decide it. The ledger adds its number, time and hash.
public struct Event: Sendable, Equatable {
    /// What happened.
    public var kind: EventKind
    /// Login of the person who did it, where there was one.
    public var actor: String?
    /// Name of the station where it happened.
    public var station: String?
    /// The frame that caused it; only on the first event of a scan.
    public var frame: Frame?
    /// Why a scan was refused or ignored.
    public var reason: Reason?
    /// Serial of the unit that it is about.
    public var unit: String?
    /// Code of the product that it is about.
    public var product: String?
    /// Code of the team that it is about.
    public var team: String?
    /// Number of the work order that it is about.
    public var workOrder: String?
    /// The unit's state before; nil for its first event.
    public var before: UnitState?
    /// The unit's state after; nil where no unit changed.
    public var after: UnitState?
    /// What somebody wrote to it.
    public var note: String?
    /// Number of the event that this one takes back.
    public var undoes: Int64?
    /// What else belongs to it.
    public var details = Details()
    /// What changed other than a unit.
    public var change: Change?

    /// A frame as it came.
    public struct Frame: Sendable, Equatable {
        /// The text that was read; a badge is recorded as its person.
        public var code: String
        /// The device that read it: its address, or `terminal`.
        public var device: String

        /// A frame read by a device.
        public init(code: String, device: String) {
            (self.code, self.device) = (code, device)
        }
    }

    /// Facts that some events have beside their states.
    public struct Details: Sendable, Equatable, Codable {
        /// Code of the defect type.
        public var defectType: String?
        /// Why it was written off.
        public var reason: String?
        /// What it was sold for.
        public var price: Money?
        /// Code of the supplier.
        public var supplier: String?
        /// What it cost.
        public var cost: Money?
        /// Id of the delivery.
        public var delivery: String?
        /// The device that was plugged in or went away.
        public var device: DeviceAddress?
        /// Id of the defect case.
        public var defect: String?
        /// Serial of the defective unit that this one replaces.
        public var replaces: String?
        /// Serial of the unit that replaces this one.
        public var replacedBy: String?

        /// Entries of the plant as they were before, of those that were there.
        public var replaced: [PlantChange]?

        /// No facts.
        public init() {}
    }

    /// What changed other than a unit.
    ///
    /// Indirect, as few events have one, and snapshots are large: thousands of events are copied for a long command.
    public indirect enum Change: Sendable, Equatable, Codable {
        /// A work order came into being.
        case workOrder(WorkOrder)
        /// A work order got another status.
        case workOrderStatus(WorkOrderStatus)
        /// A serial was made and is to be printed.
        case labelReserved(PendingLabel)
        /// A serial was taken back for good.
        case labelVoided
        /// A label job is as it says from now on.
        case job(LabelJob)
        /// The unserialised balance changed by this much.
        case stock(Int)
        /// Goods without serials became defective, or no longer are: the balance and what is defective changed by this
        /// much.
        case defectStock(balance: Int, defect: Int)
        /// A defect case changed.
        case defect(DefectChange)
        /// Defect cases went to a supplier together.
        case supplierReturn(SupplierReturn)
        /// A customer's return changed.
        case customerReturn(ReturnChange)
        /// An item of a customer's return changed.
        case returnItem(ReturnItemChange)
        /// A delivery was opened.
        case deliveryOpened(Delivery)
        /// A delivery was closed.
        case deliveryClosed
        /// Entries of the plant are as they say from now on.
        case plant([PlantChange])

        /// Writes down in the snapshot itself when it was made.
        mutating func stamp(_ at: Int64) {
            switch self {
            case .defect(var change):
                change.after?.updatedAt = at
                self = .defect(change)
            case .customerReturn(var change):
                change.after?.updatedAt = at
                self = .customerReturn(change)
            case .returnItem(var change):
                change.after?.updatedAt = at
                self = .returnItem(change)
            default: break
            }
        }
    }

    /// An event without anything but its kind.
    public init(_ kind: EventKind) {
        self.kind = kind
    }
}
