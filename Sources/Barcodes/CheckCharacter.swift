/// Check characters that a serial can end in.
public enum CheckCharacter: String, CaseIterable, Hashable, Sendable {
    /// Luhn, modulus 10 (ISO/IEC 7812-1, annex B), over the digits: finds every wrong digit, and every swap of two
    /// neighbours but 09 with 90.
    case luhn
    /// ISO/IEC 7064 MOD 37,36, over digits and letters: finds every wrong character, and nearly every swap of two
    /// neighbours.
    case mod37_36

    /// The check character of a text; characters that the scheme doesn't count (a hyphen, for Luhn also a letter) are
    /// passed over, and letters count as upper case.
    public func character(for text: String) -> Character {
        switch self {
        case .luhn:
            var sum = 0
            var doubled = true
            for byte in text.utf8.reversed() where isDigit(byte) {
                let value = Int(byte - UInt8(ascii: "0")) * (doubled ? 2 : 1)
                sum += value > 9 ? value - 9 : value
                doubled.toggle()
            }
            return Self.alphabet[(10 - sum % 10) % 10]
        case .mod37_36:
            var product = 36
            for byte in text.utf8 {
                guard let value = Self.value(byte) else { continue }
                let sum = (product + value) % 36
                product = (sum == 0 ? 36 : sum) * 2 % 37
            }
            return Self.alphabet[(37 - product) % 36]
        }
    }

    /// Whether the text's last character is the check character of what stands before it.
    public func isValid(_ text: String) -> Bool {
        guard let last = text.last, text.count > 1 else { return false }
        return character(for: String(text.dropLast())) == last
    }

    /// The characters of the values 0 to 35.
    static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")

    private static func value(_ byte: UInt8) -> Int? {
        if isDigit(byte) { return Int(byte - UInt8(ascii: "0")) }
        return isLetter(byte) ? Int((byte & 0x5F) - UInt8(ascii: "A")) + 10 : nil
    }
}
