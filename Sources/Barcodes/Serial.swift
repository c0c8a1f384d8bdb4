/// What a text must be to be read as a unit's serial: 1 to 64 printable ASCII characters without spaces, not beginning
/// with `TRV:`. What a new serial must be beside that says `Name`.
public enum Serial {
    /// The most characters that a serial may have.
    public static let maximumLength = 64

    /// Why a text can't be a serial.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// What is wrong with which character, and what would be right.
        public let message: String
        /// The same as `message`.
        public var description: String { message }
    }

    /// Whether the text can be a serial.
    public static func isValid(_ text: String) -> Bool {
        // Bare bytes: every scan comes past here.
        var text = text
        return text.withUTF8 { bytes in
            (1...maximumLength).contains(bytes.count) && bytes.allSatisfy { $0 &- 0x21 < 0x5E }
                && !bytes.starts(with: ControlCode.prefix.utf8)
        }
    }

    /// Throws what is wrong with the first character that is, counted from 1.
    public static func check(_ text: String) throws(Problem) {
        if isValid(text) { return }
        let rule = "use 1 to \(maximumLength) printable ASCII characters without spaces"
        if text.isEmpty { throw Problem(message: "cannot use an empty serial: \(rule)") }
        for (index, scalar) in text.unicodeScalars.enumerated() where !(0x21...0x7E).contains(scalar.value) {
            let name =
                switch scalar.value {
                case 0x20: "a space"
                case ..<0x20, 0x7F..<0xA0: "a control character (\(codePoint(scalar)))"
                default: "\"\(scalar)\" (\(codePoint(scalar)))"
                }
            throw Problem(message: "cannot use this serial: character \(index + 1) is \(name); \(rule)")
        }
        if text.utf8.count > maximumLength {
            throw Problem(message: "cannot use this serial: it has \(text.utf8.count) characters; \(rule)")
        }
        throw Problem(
            message: "cannot use \"\(text)\" as a serial: control codes begin with \(ControlCode.prefix); "
                + "begin it otherwise")
    }

    private static func codePoint(_ scalar: Unicode.Scalar) -> String {
        let hex = String(scalar.value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - hex.utf8.count)) + hex
    }
}
