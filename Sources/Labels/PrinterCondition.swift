/// How a printer is, as far as it can be told from here.
public enum PrinterCondition: String, Sendable, CaseIterable {
    /// Nothing is known that keeps it from printing.
    case ready
    /// The roll is at its end.
    case paperOut = "paper_out"
    /// The ribbon is at its end.
    case ribbonOut = "ribbon_out"
    /// The print head is open.
    case headOpen = "head_open"
    /// Somebody paused it, or took it off line at its panel.
    case paused
    /// Labels wait in it, as when the printed one was not taken off (peel-off mode).
    case labelsWaiting = "labels_waiting"
    /// It reports a fault that it does not name.
    case fault
    /// Another program has it open.
    case busy
    /// It does not answer: switched off, unplugged, unreachable, or it takes nothing.
    case offline
    /// Several printers answer to its address.
    case ambiguous
    /// The disk that takes its labels, or the record of them, is full, read-only or failing.
    case storage
    /// The daemon may not use it.
    case notPermitted = "not_permitted"
    /// Its address can't work as it is.
    case unusable

    /// The condition that the status byte of a printer port stands for (IEEE 1284; `LPGETSTATUS` on Linux): bit 5 is paper
    /// out, bit 4 selected, bit 3 no error.
    public init(portStatus: UInt8) {
        if portStatus & 0x20 != 0 {
            self = .paperOut
        } else if portStatus & 0x08 == 0 {
            self = .fault
        } else {
            self = portStatus & 0x10 == 0 ? .paused : .ready
        }
    }

    /// Whether the printer is there and prints as soon as somebody sees to it.
    public var isAtHand: Bool {
        switch self {
        case .paperOut, .ribbonOut, .headOpen, .paused, .labelsWaiting, .fault, .busy: true
        case .ready, .offline, .ambiguous, .storage, .notPermitted, .unusable: false
        }
    }

    /// Whether it passes without a change of the configuration. Permission does: a node that was plugged in just now gets
    /// its group a moment later.
    public var isPassing: Bool { self != .unusable }

    /// What is the matter and what to do, for people.
    public var sentence: String {
        switch self {
        case .ready: "ready"
        case .paperOut: "out of paper; put in a new roll"
        case .ribbonOut: "out of ribbon; put in a new one"
        case .headOpen: "the print head is open; close it"
        case .paused: "paused; press its pause button"
        case .labelsWaiting: "labels wait in it; take off the one that is printed, or look at its display"
        case .fault: "it reports a fault; look at its display and lamps"
        case .busy: "another program holds it; end that program, such as a print queue of the system"
        case .offline: "it does not answer; see that it is switched on and connected"
        case .ambiguous: "several printers have this address; bind the station by port"
        case .storage: "the disk is full, read-only or failing"
        case .notPermitted: "the daemon may not use it"
        case .unusable: "its address can't work as it is"
        }
    }
}
