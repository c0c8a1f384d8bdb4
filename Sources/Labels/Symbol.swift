/// What a field's data is printed as, and so what the printer does with the data after `^FH` has been undone.
///
/// The facts are those of Zebra's ZPL II Programming Guide. Hexadecimal escapes keep data from being a command; each
/// symbol then has sequences of its own, which this type keeps data from being.
struct Symbol: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// `^A`: printed as it is.
        case text
        /// `^FB`, `^B7` (PDF417): `\&` is a line end and `\\` a backslash.
        case backslash
        /// `^TB`: `<...>` is a sequence, `<<>` the character itself.
        case textBlock
        /// `^BX`, quality 200: sequences begin with this character, doubled it is itself.
        case dataMatrix(escape: UInt8)
        /// `^BQ` with automatic input, `^BO` (Aztec) without ECI: any data.
        case matrix
        /// `^BC`, no mode, in subset B: `>` begins an invocation code.
        case code128
        /// `^BC`, no mode, in subset A or C: pairs of digits.
        case code128Pairs
        /// `^BC`, mode A: all of ASCII as it is; invocation codes are not in force.
        case code128Automatic
        /// `^BC`, mode D: GS1-128; parentheses and spaces are dropped from the bars.
        case gs1
        /// `^B3`. `$` is left out: `+$` and `-$` switch to full ASCII and back.
        case code39
        /// `^B2`, `^BE`, `^B8`, `^BU`, `^BC` mode U.
        case digits
    }

    let kind: Kind
    /// The command that makes the symbol, for messages.
    let command: String

    private static let gs1Characters = Set("!\"%&'*+,-./0123456789:;<=>?_".utf8)

    /// Whether the symbol prints this text, and reads as it.
    func holds(_ text: String.UTF8View) -> Bool {
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        func isUpper(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }
        func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
        switch kind {
        case .text, .backslash, .textBlock, .dataMatrix, .matrix: return true
        case .code128: return text.allSatisfy { (0x20...0x7E).contains($0) }
        case .code128Pairs: return text.count.isMultiple(of: 2) && text.allSatisfy(isDigit)
        case .code128Automatic: return text.allSatisfy { $0 < 0x80 }
        case .gs1: return text.allSatisfy { isUpper($0) || isLower($0) || Self.gs1Characters.contains($0) }
        case .code39: return text.allSatisfy { isDigit($0) || isUpper($0) || "-. /+%".utf8.contains($0) }
        case .digits: return text.allSatisfy(isDigit)
        }
    }

    /// What `holds` asks for, for people.
    var limits: String {
        switch kind {
        case .text, .backslash, .textBlock, .dataMatrix, .matrix: "\(command) takes any text"
        case .code128: "\(command) in this mode takes printable ASCII characters"
        case .code128Pairs: "\(command) in subset A or C takes pairs of digits; >6 before the field selects subset B"
        case .code128Automatic: "\(command) in mode A takes ASCII characters"
        case .gs1: "\(command) in mode D takes the characters of GS1 data, without parentheses"
        case .code39: "\(command) takes capital letters, digits and - . space / + %"
        case .digits: "\(command) takes digits"
        }
    }

    /// How a byte is written so that the symbol holds that byte.
    func written(_ byte: UInt8) -> [UInt8] {
        switch (kind, byte) {
        case (.backslash, UInt8(ascii: "\\")): Array("\\\\".utf8)
        case (.textBlock, UInt8(ascii: "<")): Array("<<>".utf8)
        case (.dataMatrix(let escape), _) where byte == escape: [byte, byte]
        case (.code128, UInt8(ascii: ">")), (.gs1, UInt8(ascii: ">")): Array(">0".utf8)
        case (.code128, UInt8(ascii: "^")): Array("><".utf8)
        case (.code128, UInt8(ascii: "~")): Array(">=".utf8)
        default: [byte]
        }
    }

    /// The character that begins a sequence: one that is left open before a placeholder would take data into it.
    var lead: UInt8? {
        switch kind {
        case .backslash: UInt8(ascii: "\\")
        case .textBlock: UInt8(ascii: "<")
        case .dataMatrix(let escape): escape
        case .code128, .code128Pairs, .gs1: UInt8(ascii: ">")
        case .text, .matrix, .code128Automatic, .code39, .digits: nil
        }
    }
}

extension Symbol {
    /// The escape character that a Data Matrix gets if its `^BX` names none. Manuals disagree on the default (`~`, or `_` in
    /// some firmware), so that a serial with either would depend on the printer; a named one is the same on all.
    static let dataMatrixEscape = UInt8(ascii: "|")

    /// The symbol of a field from its `^B` command and block command; nil if placeholders cannot be protected in it.
    /// - Parameter before: the field data that stands before the placeholder.
    /// - Throws: what is missing for a symbol that could hold them.
    init?(barcode: (name: String, parameters: [String])?, block: String?, before: [UInt8]) throws(Complaint) {
        guard let barcode else {
            command = block.map { "^" + $0 } ?? "text"
            kind = block == "TB" ? .textBlock : block == "FB" ? .backslash : .text
            return
        }
        command = "^" + barcode.name
        func parameter(_ index: Int) -> String {
            index < barcode.parameters.count ? barcode.parameters[index].uppercased() : ""
        }
        switch barcode.name {
        case "B7": kind = .backslash
        case "B3": kind = .code39
        case "B2", "BE", "B8", "BU": kind = .digits
        case "BO", "B0":
            guard parameter(2) != "Y" else { throw Complaint("a field cannot stand in an Aztec code with ECI") }
            kind = .matrix
        case "BQ":
            // Up to the first comma are switches; only automatic input takes all that follows as one text.
            guard before.count >= 3, "HQML".utf8.contains(before[0]), before[1] == UInt8(ascii: "A"),
                before[2] == UInt8(ascii: ",")
            else { throw Complaint("QR data must begin with its level and automatic input, such as ^FDQA,{{serial}}") }
            kind = .matrix
        case "BX":
            guard parameter(2) == "200" else {
                throw Complaint("a Data Matrix with fields needs quality 200, such as ^BXN,6,200")
            }
            kind = .dataMatrix(escape: barcode.parameters.dropFirst(6).first?.utf8.first ?? Self.dataMatrixEscape)
        case "BC":
            switch parameter(5) {
            case "A": kind = .code128Automatic
            case "D": kind = .gs1
            case "U": kind = .digits
            default: kind = Self.isSubsetB(before) ? .code128 : .code128Pairs
            }
        default: return nil
        }
    }

    /// Whether Code 128 data without a mode is in subset B after these invocation codes.
    private static func isSubsetB(_ before: [UInt8]) -> Bool {
        var isB = true
        for (lead, code) in zip(before, before.dropFirst()) where lead == UInt8(ascii: ">") {
            switch code {
            case UInt8(ascii: ":"), UInt8(ascii: "6"): isB = true
            case UInt8(ascii: "9"), UInt8(ascii: ";"), UInt8(ascii: "5"), UInt8(ascii: "7"): isB = false
            default: break
            }
        }
        return isB
    }
}

/// A sentence on what is wrong; the reader adds the place.
struct Complaint: Error {
    let message: String

    init(_ message: String) { self.message = message }
}
