import Barcodes

/// What a text must look like, said once: rules and requests are checked by it, and the OpenAPI document shows it.
public struct TextForm: Sendable {
    /// Which characters a text consists of, as ranges of Unicode scalars.
    public enum Characters: Sendable {
        /// Any.
        case any
        /// These.
        case only([ClosedRange<UInt32>])
        /// All others.
        case allBut([ClosedRange<UInt32>])
    }

    /// How many characters (Unicode scalars) it has.
    public let length: ClosedRange<Int>
    /// Which characters it may have.
    public let characters: Characters
    /// With which characters it may begin; any of its own if nil.
    public let first: [ClosedRange<UInt32>]?
    /// How it must not begin, as something else does.
    public let reserved: String?
    /// How it must begin, in one of these ways, if it must.
    public let beginnings: [String]
    /// Whether white space alone is enough.
    public let mayBeBlank: Bool
    /// The same in words, after `expected`.
    public let words: String

    init(
        _ length: ClosedRange<Int>, _ characters: Characters, first: [ClosedRange<UInt32>]? = nil,
        reserved: String? = nil, beginnings: [String] = [], mayBeBlank: Bool = true, _ words: String
    ) {
        (self.length, self.characters, self.first, self.reserved) = (
            length, characters, first, reserved
        )
        (self.beginnings, self.mayBeBlank, self.words) = (beginnings, mayBeBlank, words)
    }

    /// Whether a text has this form.
    public func holds(_ text: String) -> Bool {
        var count = 0
        var isBlank = true
        for scalar in text.unicodeScalars {
            if count == 0, let first, !first.contains(where: { $0.contains(scalar.value) }) {
                return false
            }
            count += 1
            guard count <= length.upperBound, allows(scalar) else { return false }
            if isBlank, !scalar.properties.isWhitespace { isBlank = false }
        }
        if count < length.lowerBound || isBlank && !mayBeBlank { return false }
        if let reserved, text.utf8.starts(with: reserved.utf8) { return false }
        return beginnings.isEmpty || beginnings.contains { text.utf8.starts(with: $0.utf8) }
    }

    /// Whether a character may stand in it.
    public func allows(_ scalar: Unicode.Scalar) -> Bool {
        switch characters {
        case .any: true
        case .only(let ranges): ranges.contains { $0.contains(scalar.value) }
        case .allBut(let ranges): !ranges.contains { $0.contains(scalar.value) }
        }
    }

    /// The form as a regular expression of ECMA-262, but for its length; nil where that is all there is.
    public var pattern: String? {
        // As little as possible looks ahead: programs that make texts from this do so by trial.
        let (any, ink): (String, String)
        switch characters {
        case .any:
            if reserved == nil, beginnings.isEmpty { return mayBeBlank ? nil : Self.set(Self.blanks, negated: true) }
            (any, ink) = ("[\\s\\S]*", Self.set(Self.blanks, negated: true))
        case .only(let ranges):
            (any, ink) = (Self.set(ranges) + "*", Self.set(Self.subtract(Self.blanks, from: ranges)))
        case .allBut(let ranges):
            (any, ink) = (Self.set(ranges, negated: true) + "*", Self.set(ranges + Self.blanks, negated: true))
        }
        let start = reserved.map { "(?!\($0))" } ?? ""
        let begin = beginnings.isEmpty ? first.map { Self.set($0) } ?? "" : "(?:\(beginnings.joined(separator: "|")))"
        return "^" + start + begin + any + (mayBeBlank ? "" : ink + any) + "$"
    }

    /// White space.
    private static let blanks: [ClosedRange<UInt32>] = [
        0x09...0x0D, 0x20...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
        0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000,
    ]

    private static func subtract(
        _ taken: [ClosedRange<UInt32>], from ranges: [ClosedRange<UInt32>]
    ) -> [ClosedRange<UInt32>] {
        taken.reduce(ranges) { left, gone in
            left.flatMap { range -> [ClosedRange<UInt32>] in
                guard range.overlaps(gone) else { return [range] }
                return (range.lowerBound < gone.lowerBound ? [range.lowerBound...(gone.lowerBound - 1)] : [])
                    + (range.upperBound > gone.upperBound ? [(gone.upperBound + 1)...range.upperBound] : [])
            }
        }
    }

    /// A set of characters as regular expressions write it.
    private static func set(_ ranges: [ClosedRange<UInt32>], negated: Bool = false) -> String {
        func escaped(_ value: UInt32) -> String {
            if let scalar = Unicode.Scalar(value), isWord(scalar) { return String(scalar) }
            let hex = String(value, radix: 16, uppercase: true)
            return "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
        }
        let parts = ranges.map {
            $0.count == 1 ? escaped($0.lowerBound) : escaped($0.lowerBound) + "-" + escaped($0.upperBound)
        }
        return "[\(negated ? "^" : "")\(parts.joined())]"
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": true
        default: false
        }
    }
}

extension TextForm {
    private static let visible: Characters = .only([0x21...0x7E])
    private static let digits: ClosedRange<UInt32> = 0x30...0x39
    private static let capitals: ClosedRange<UInt32> = 0x41...0x5A
    private static let smalls: ClosedRange<UInt32> = 0x61...0x7A
    private static let word = [digits, capitals, smalls, 0x2D...0x2D, 0x5F...0x5F]

    private static func name(_ what: String) -> TextForm {
        TextForm(
            1...Serial.maximumLength, visible, reserved: ControlCode.prefix,
            "\(what) of 1 to \(Serial.maximumLength) printable ASCII characters without spaces, which does not begin "
                + "with \(ControlCode.prefix)")
    }

    /// A serial. What it must not be beside that, `Name` says.
    public static let serial = name("a serial")
    /// The number of a work order, a delivery or a return.
    public static let orderNumber = name("a number")
    /// The code of a badge.
    public static let badge = TextForm(
        1...64, .only([0x20...0x7E]), reserved: ControlCode.prefix, mayBeBlank: false,
        "a badge code of 1 to 64 printable ASCII characters, which does not begin with \(ControlCode.prefix)"
    )
    /// A code: what barcodes, paths and file names can carry.
    public static let code = TextForm(
        1...32, .only(word + [0x2E...0x2E]), "1 to 32 letters, digits, hyphens, underscores or dots")
    /// The name of a station.
    public static let station = TextForm(
        1...32, .only(word), "1 to 32 letters, digits, hyphens or underscores")
    /// The name of a stage.
    public static let stage = TextForm(
        1...32, .only([digits, smalls, 0x2D...0x2D, 0x5F...0x5F]), first: [smalls],
        "1 to 32 lower-case letters, digits, hyphens or underscores, first a letter")
    /// The login of a person.
    public static let login = TextForm(
        1...32, .only(word + [0x2E...0x2E]), first: [capitals, smalls, 0x5F...0x5F],
        "a Unix login of 1 to 32 letters, digits, hyphens, underscores or dots, which begins with a letter or an "
            + "underscore")
    /// The number of an event, which is the id of what it made.
    public static let id = TextForm(1...19, .only([digits]), "an id of 1 to 19 digits")
    /// A name for people, in one line, in which nothing can steer a terminal or make a text read as another.
    public static let line = TextForm(
        1...200,
        .allBut([
            0...0x1F, 0x7F...0x9F, 0x61C...0x61C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069,
            0xFEFF...0xFEFF,
        ]), mayBeBlank: false, "one line of 1 to 200 characters")
    /// Why something was done, or what else there is to know.
    public static let note = TextForm(
        1...2_000, .any, mayBeBlank: false, "a text of 1 to 2,000 characters, not only spaces")
    /// What is looked for.
    public static let filter = TextForm(1...200, .any, "a text of 1 to 200 characters")
    /// The address of a device.
    public static let device = TextForm(1...300, visible, "the address of a device")
    /// What a scanner read. What is longer than a frame is recorded as broken.
    public static let scan = TextForm(1...65_536, .any, "what was scanned: 1 to 65,536 characters")
    /// Where a list goes on.
    public static let cursor = TextForm(1...2_000, visible, "the `next_cursor` of the page before")
    /// Where events are sent.
    public static let webhook = TextForm(
        1...2_000, visible, beginnings: ["http://", "https://"],
        "an address that begins with http:// or https://")
    /// The key by which a request is done once.
    public static let idempotencyKey = TextForm(
        1...200, visible, "1 to 200 printable ASCII characters without spaces; a UUID is right")
}

/// How many there can be of something, said once for the rules, for requests and for the OpenAPI document.
public enum Limits {
    /// Units of a work order.
    public static let ordered = 1...1_000_000
    /// Pieces without serials that something is done with.
    public static let pieces = 1...1_000_000_000
    /// By how much a balance can be changed at once, to either side.
    public static let change = -1_000_000_000...1_000_000_000
    /// Serials or cases in one request.
    public static let listed = 1...10_000
    /// Questions of a checklist.
    public static let questions = 1...100
    /// The largest amount of money, in the plant's currency.
    public static let amount = 1_000_000_000
}

extension ClosedRange<Int> {
    /// `1 to 10,000`.
    public var words: String { "\(lowerBound.grouped) to \(upperBound.grouped)" }
}

extension Int {
    /// With a comma behind each thousand.
    public var grouped: String {
        var text = String(magnitude)
        var index = text.count - 3
        while index > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: index))
            index -= 3
        }
        return self < 0 ? "-" + text : text
    }
}
