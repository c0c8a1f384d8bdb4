/// What a scan did to what was scanned: the large word that its operator sees. The raw value is that word.
public enum Outcome: String, Sendable, CaseIterable {
    /// The unit passed a stage, or what came back is good.
    case passed = "PASSED"
    /// The unit failed.
    case failed = "FAILED"
    /// It was written off.
    case scrap = "SCRAP"
    /// The unit goes back to a stage.
    case rework = "REWORK"
    /// The unit was put on hold.
    case onHold = "ON HOLD"
    /// The unit is free again.
    case released = "RELEASED"
    /// It is on the bench, and its verdict is owed.
    case verdictOwed = "VERDICT?"
    /// A serial was made; its label is to be scanned back.
    case newLabel = "NEW LABEL"
    /// A label was scanned back: the unit exists.
    case registered = "REGISTERED"
    /// It was added to the delivery, or came into stock.
    case added = "ADDED"
    /// It came back from a customer.
    case received = "RECEIVED"
    /// The last step was taken back.
    case takenBack = "TAKEN BACK"
    /// A label is printed again.
    case printed = "PRINTED"
    /// It was looked up.
    case found = "FOUND"
    /// A person signed on.
    case signedOn = "SIGNED ON"
    /// A person signed off.
    case signedOff = "SIGNED OFF"
    /// An order is open here.
    case open = "OPEN"
    /// What was open is closed.
    case closed = "CLOSED"
    /// The bench is clear.
    case clear = "CLEAR"
    /// It is about what follows: a quantity, a reason, a condition.
    case noted = "NOTED"
    /// The same code twice, of which the first counted.
    case readTwice = "READ TWICE"
    /// It did not count.
    case refused = "REFUSED"

    /// What the word is shown on.
    public enum Colour: String, Sendable, CaseIterable {
        /// It counted, and all is well.
        case green
        /// There is something to mind.
        case amber
        /// It did not count, or the unit is not good.
        case red
    }

    /// What the word is shown on, where there is nothing else to mind.
    public var colour: Colour {
        switch self {
        case .refused, .failed, .scrap: .red
        case .verdictOwed, .onHold, .rework, .readTwice: .amber
        default: .green
        }
    }
}

extension EventKind {
    /// What an operator is told of the event; nil for what only follows from another one.
    var outcome: Outcome? {
        switch self {
        case .unitPassed, .unitReturnRestocked, .stockReturnRestocked: .passed
        case .unitFailed: .failed
        case .unitWrittenOff, .stockReturnWrittenOff: .scrap
        case .unitReworked: .rework
        case .unitHeld: .onHold
        case .unitReleased: .released
        case .labelReserved: .newLabel
        case .unitRegistered: .registered
        case .unitDelivered, .stockDelivered, .stockProduced: .added
        case .unitReturned, .stockReturned: .received
        case .unitUndone, .stockUndone, .labelVoided: .takenBack
        case .labelQueued: .printed
        case .signedOn: .signedOn
        case .signedOff: .signedOff
        case .deliveryOpened: .open
        case .deliveryClosed: .closed
        default: nil
        }
    }
}

extension ScanAnswer {
    /// What the large word is shown on.
    public var colour: Outcome.Colour {
        outcome.colour == .green && warning != nil ? .amber : outcome.colour
    }
}
