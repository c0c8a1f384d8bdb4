/// A `TRV:` code from the control sheet: what the operator tells the station, as opposed to what is in hand.
///
/// `ControlCode(text)` and `text` are inverse to each other.
public enum ControlCode: Hashable, Sendable {
    /// `TRV:WO:<number>`: work on this work order.
    case workOrder(String)
    /// `TRV:NEW`: make the order's next serial and print its label.
    case new
    /// `TRV:PASS`: the unit on the bench is good.
    case pass
    /// `TRV:FAIL:<defect type>`: the unit on the bench is not.
    case fail(String)
    /// `TRV:REWORK:<stage>`: a defect, back to that stage.
    case rework(String)
    /// `TRV:SCRAP:<defect type>`: a defect, written off at once.
    case scrap(String)
    /// `TRV:HOLD`: the unit on the bench takes no step forward.
    case hold
    /// `TRV:RELEASE`: it may again.
    case release
    /// `TRV:ORDER:<number>`: open a delivery, or the order that goods come back from.
    case order(String)
    /// `TRV:RETURN:<id>`: open the delivery of what is sent for this return, an exchange.
    case replacement(String)
    /// `TRV:CLOSE`: close it.
    case close
    /// `TRV:KIND:<kind>`: whether something is sent instead of the goods that follow.
    case kind(String)
    /// `TRV:REASON:<reason>`: why the goods that follow come back.
    case reason(String)
    /// `TRV:COND:<condition>`: the condition of the goods that follow.
    case condition(String)
    /// `TRV:QTY:<n>`: how many of the unserialised goods that follow, 1 to 999,999,999.
    case quantity(Int)
    /// `TRV:UNDO`: take back the station's last accepted step.
    case undo
    /// `TRV:REPRINT`: the label again.
    case reprint
    /// `TRV:CANCEL`: clear the bench.
    case cancel
    /// `TRV:BADGE:<code>`: sign on, or off.
    case badge(String)
    /// `TRV:PAIR:<code>`: the one-time code that binds the scanner which reads it.
    case pair(String)

    /// What every control code begins with, and no serial may.
    public static let prefix = "TRV:"

    /// Reads a control code. Words are upper case; an argument is everything after its colon.
    ///
    /// - Returns: nil for a word that isn't one, a missing or needless argument, an argument with control
    ///   characters, or a quantity that isn't a number from 1 to 999,999,999.
    public init?(_ text: String) {
        guard text.utf8.starts(with: Self.prefix.utf8) else { return nil }
        let body = text.utf8.dropFirst(4)
        guard let colon = body.firstIndex(of: UInt8(ascii: ":")) else {
            guard let code = Self.words[Substring(body)] else { return nil }
            self = code
            return
        }
        let argument = String(Substring(body[colon...].dropFirst()))
        guard !argument.isEmpty, argument.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        switch Substring(body[..<colon]) {
        case "WO": self = .workOrder(argument)
        case "FAIL": self = .fail(argument)
        case "REWORK": self = .rework(argument)
        case "SCRAP": self = .scrap(argument)
        case "ORDER": self = .order(argument)
        case "RETURN": self = .replacement(argument)
        case "KIND": self = .kind(argument)
        case "REASON": self = .reason(argument)
        case "COND": self = .condition(argument)
        case "BADGE": self = .badge(argument)
        case "PAIR": self = .pair(argument)
        case "QTY":
            guard argument.utf8.count <= 9, argument.utf8.allSatisfy(isDigit), let count = Int(argument), count > 0
            else { return nil }
            self = .quantity(count)
        default: return nil
        }
    }

    /// The code as it is printed and scanned, such as `TRV:FAIL:SOLDER`.
    public var text: String {
        switch self {
        case .workOrder(let number): "TRV:WO:\(number)"
        case .new: "TRV:NEW"
        case .pass: "TRV:PASS"
        case .fail(let type): "TRV:FAIL:\(type)"
        case .rework(let stage): "TRV:REWORK:\(stage)"
        case .scrap(let type): "TRV:SCRAP:\(type)"
        case .hold: "TRV:HOLD"
        case .release: "TRV:RELEASE"
        case .order(let number): "TRV:ORDER:\(number)"
        case .replacement(let id): "TRV:RETURN:\(id)"
        case .close: "TRV:CLOSE"
        case .kind(let kind): "TRV:KIND:\(kind)"
        case .reason(let reason): "TRV:REASON:\(reason)"
        case .condition(let condition): "TRV:COND:\(condition)"
        case .quantity(let count): "TRV:QTY:\(count)"
        case .undo: "TRV:UNDO"
        case .reprint: "TRV:REPRINT"
        case .cancel: "TRV:CANCEL"
        case .badge(let code): "TRV:BADGE:\(code)"
        case .pair(let code): "TRV:PAIR:\(code)"
        }
    }

    /// Why a text that begins with `TRV:` is no control code, with what would be right.
    public enum Flaw: Equatable, Sendable {
        /// There is no such word.
        case unknown
        /// The same in capitals would be one.
        case notCapitals(right: String)
        /// The code takes no argument.
        case needlessArgument(code: String)
        /// The code takes an argument of this name.
        case missingArgument(code: String, name: String)
        /// The argument can't be one of this name.
        case wrongArgument(code: String, name: String)
    }

    /// What is wrong with a text that begins with `TRV:` and is no control code.
    public static func flaw(of text: String) -> Flaw {
        let body = text.dropFirst(prefix.count)
        let word = body.prefix { $0 != ":" }
        if let name = arguments[word] {
            return word.endIndex == body.endIndex || body.index(after: word.endIndex) == body.endIndex
                ? .missingArgument(code: prefix + word, name: name) : .wrongArgument(code: prefix + word, name: name)
        }
        if words[word] != nil { return .needlessArgument(code: prefix + word) }
        return inCapitals(text).map(Flaw.notCapitals) ?? .unknown
    }

    /// The control code that a text would be in capitals, such as `TRV:PASS` for `trv:pass`; nil where it would be none,
    /// or is one. An argument of small letters alone becomes capitals, too: it comes from the same keyboard.
    public static func inCapitals(_ text: String) -> String? {
        guard text.utf8.prefix(4).elementsEqual(prefix.utf8, by: { $0 & 0xDF == $1 & 0xDF }) else { return nil }
        let body = text.dropFirst(prefix.count)
        let word = body.prefix { $0 != ":" }
        let (capitals, rest) = (word.uppercased(), body[word.endIndex...])
        guard let code = ControlCode(prefix + capitals + (rest == rest.lowercased() ? rest.uppercased() : String(rest)))
        else { return nil }
        if case .badge = code { return prefix + "BADGE:<code>" }
        return code.text == text ? nil : code.text
    }

    /// Whether a text tries to be a badge, in whatever letters: its code is nothing to be written down.
    public static func isBadge(_ text: String) -> Bool {
        text.utf8.prefix(4).elementsEqual(prefix.utf8, by: { $0 & 0xDF == $1 & 0xDF })
            && text.uppercased().hasPrefix(prefix + "BADGE:")
    }

    /// The codes that take an argument, and what that is.
    private static let arguments: [Substring: String] = [
        "WO": "number", "FAIL": "defect type", "REWORK": "stage", "SCRAP": "defect type", "ORDER": "number",
        "RETURN": "number", "KIND": "kind", "REASON": "reason", "COND": "condition", "QTY": "quantity",
        "BADGE": "code", "PAIR": "code",
    ]

    /// The codes that take no argument, by their word.
    private static let words: [Substring: ControlCode] = [
        "NEW": .new, "PASS": .pass, "HOLD": .hold, "RELEASE": .release, "CLOSE": .close, "UNDO": .undo,
        "REPRINT": .reprint, "CANCEL": .cancel,
    ]
}

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
