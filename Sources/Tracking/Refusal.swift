import Barcodes

/// Why the interlock refuses or ignores a scan, in the words of the shop floor's contract.
public enum Reason: String, Sendable, Codable, CaseIterable {
    /// The frame ended without its terminator, or lost keys.
    case brokenScan = "broken_scan"
    /// The code means nothing here.
    case unknownCode = "unknown_code"
    /// The station asks for a signed-on person.
    case notSignedOn = "not_signed_on"
    /// The signed-on person lacks the right.
    case notPermitted = "not_permitted"
    /// No work order or delivery is open at the station.
    case noOpenOrder = "no_open_order"
    /// The work order is not released.
    case workOrderNotOpen = "work_order_not_open"
    /// The work order has all its units.
    case workOrderFull = "work_order_full"
    /// Another unit is on the bench.
    case benchBusy = "bench_busy"
    /// No unit is on the bench.
    case benchEmpty = "bench_empty"
    /// No unit has this serial.
    case unknownSerial = "unknown_serial"
    /// The label was printed but not yet scanned back.
    case labelUnverified = "label_unverified"
    /// The serial does not match the product's rule.
    case serialRule = "serial_rule"
    /// The unit is defective.
    case isDefect = "is_defect"
    /// The unit is with a customer.
    case isDelivered = "is_delivered"
    /// The unit is not with a customer.
    case notDelivered = "not_delivered"
    /// The unit came back and was not decided on.
    case isReturned = "is_returned"
    /// The unit is built into another, or was taken apart.
    case isInstalled = "is_installed"
    /// The unit is gone for good.
    case isWrittenOff = "is_written_off"
    /// The unit is on hold.
    case onHold = "on_hold"
    /// The unit's next stage is performed elsewhere.
    case wrongStage = "wrong_stage"
    /// The unit has nothing to do at this station.
    case notHere = "not_here"
    /// It was done before.
    case alreadyDone = "already_done"
    /// No defect type has this code.
    case unknownDefectType = "unknown_defect_type"
    /// A component is missing.
    case componentMissing = "component_missing"
    /// The component does not belong into this unit.
    case componentNotAllowed = "component_not_allowed"
    /// The component is built in elsewhere.
    case componentInUse = "component_in_use"
    /// Not enough time has gone since an earlier stage.
    case tooSoon = "too_soon"
    /// Too much time has gone since an earlier stage.
    case tooLate = "too_late"
    /// The unit was sent back too often.
    case iterationLimit = "iteration_limit"
    /// There is not that much in stock.
    case insufficientStock = "insufficient_stock"
    /// No step of this station can be taken back.
    case nothingToUndo = "nothing_to_undo"
    /// The scan could not be written.
    case storageFull = "storage_full"
    /// Units of the work order are still in production. (Only as an answer to a command.)
    case unitsInProduction = "units_in_production"
    /// The status does not allow this. (Only as an answer to a command.)
    case wrongStatus = "wrong_status"
    /// There is not that much left of a defect case. (Only as an answer to a command.)
    case exceedsRemaining = "exceeds_remaining"
    /// An item was not inspected, or a question not answered. (Only as an answer to a command.)
    case notInspected = "not_inspected"
    /// An item has as many photos as it can have. (Only as an answer to a command.)
    case photoLimit = "photo_limit"
    /// The product is not made here. (Only as an answer to a command.)
    case noRouting = "no_routing"
}

/// A command that is not carried out: what kind of no, and a sentence that says what to do.
public struct Refusal: Error, Sendable, Equatable {
    /// What kind of no.
    public var kind: Kind
    /// What was wrong and what would be right, for people.
    public var message: String
    /// Whether it tells that a name is somebody's badge.
    public var namesBadge = false

    /// The kinds of no, as the control interface tells them apart.
    public enum Kind: Sendable, Equatable {
        /// The request itself is wrong.
        case invalid
        /// The caller may not use this verb.
        case notPermitted
        /// There is no such thing within the caller's scope.
        case notFound
        /// What the request would create is there already.
        case conflict
        /// A rule of the shop floor forbids it.
        case rule(Reason)
    }

    /// A no of a kind, with its sentence.
    public init(_ kind: Kind, _ message: String) {
        (self.kind, self.message) = (kind, message)
    }

    /// The message as a sentence of its own, for a station's screen.
    var sentence: String { message.capitalisedFirst + "." }

    static func notFound(_ what: String, _ name: String) -> Refusal {
        Refusal(.notFound, "there is no \(what) \(name.shown)")
    }
}

extension String {
    /// This text as the beginning of a sentence.
    var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}
