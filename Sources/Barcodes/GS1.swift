/// The two facts that tracking needs of a GS1 symbol, read by the GS1 General Specifications, section 7.8, or by the
/// GS1 Digital Link URI syntax.
struct GS1Data {
    /// AI (01): 14 digits, check digit verified.
    private(set) var gtin: String?
    /// AI (21).
    private(set) var serial: String?

    /// FNC1 as it is transmitted inside the data: ASCII group separator.
    static let separator: UInt8 = 0x1D

    /// `01` + 14 digits, `21` + serial, ...: elements of predefined length follow each other, all others end at a
    /// group separator. A separator in front, or after an element of predefined length, is allowed.
    init?(elementString text: String) {
        var rest = text.utf8[...]
        while true {
            rest = rest.drop { $0 == Self.separator }
            if rest.isEmpty { return }
            let identifier = rest.prefix(2)
            let element =
                if let length = Self.predefinedLength(identifier) { rest.prefix(length) } else {
                    rest.prefix { $0 != Self.separator }
                }
            guard take(identifier, element.dropFirst(2)) else { return nil }
            rest = rest[element.endIndex...]
        }
    }

    /// `(01)09501101530003(21)A-17`, as printed below a symbol and sometimes encoded just so.
    init?(humanReadable text: String) {
        var rest = text.utf8[...]
        guard Self.leadingIdentifier(rest) != nil else { return nil }
        while let identifier = Self.leadingIdentifier(rest) {
            rest = rest.dropFirst(identifier.count + 2)
            var end = rest.startIndex
            // A parenthesis is also a character of serials: only one around an identifier ends the value.
            while end != rest.endIndex, Self.leadingIdentifier(rest[end...]) == nil { rest.formIndex(after: &end) }
            let tail = identifier.dropFirst(2)
            guard take(identifier.prefix(2), rest[..<end], tailCount: tail.count) else { return nil }
            rest = rest[end...]
        }
    }

    /// `https://id.gs1.org/01/09506000134352/21/A-17?...`: any host, any path in front.
    init?(digitalLink text: String) {
        let lowered = text.utf8.prefix(8).map { isLetter($0) ? $0 | 0x20 : $0 }
        let scheme = lowered.starts(with: "https://".utf8) ? 8 : lowered.starts(with: "http://".utf8) ? 7 : 0
        guard scheme > 0 else { return nil }
        let path = text.utf8.dropFirst(scheme).prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        var segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true).dropFirst()[...]
        while let key = segments.popFirst() {
            guard key.elementsEqual("01".utf8) || key.elementsEqual("gtin".utf8), let value = segments.first,
                let gtin = Self.percentDecoded(value).flatMap(GTIN.normalized)
            else { continue }
            self.gtin = gtin
            break
        }
        guard gtin != nil else { return nil }
        segments = segments.dropFirst()
        while segments.count >= 2 {
            let key = segments.removeFirst()
            let value = segments.removeFirst()
            guard key.elementsEqual("21".utf8) || key.elementsEqual("ser".utf8) else { continue }
            guard let decoded = Self.percentDecoded(value), Serial.isValid(decoded) else { return nil }
            serial = decoded
        }
    }

    /// Checks one element and keeps it if it is one of the two; false if it can't be right.
    ///
    /// - Parameter tailCount: how many digits of a three or four digit identifier are not in `value`.
    private mutating func take(
        _ identifier: Substring.UTF8View, _ value: Substring.UTF8View, tailCount: Int = 0
    ) -> Bool {
        guard identifier.count == 2, identifier.allSatisfy(isDigit), !value.isEmpty else { return false }
        if let length = Self.predefinedLength(identifier) {
            guard value.count + tailCount + 2 == length, value.allSatisfy(isDigit) else { return false }
        }
        let text = String(Substring(value))
        if identifier.elementsEqual("01".utf8), tailCount == 0 {
            guard GTIN.isValid(text), gtin == nil || gtin == text else { return false }
            gtin = text
        } else if identifier.elementsEqual("21".utf8), tailCount == 0 {
            guard Serial.isValid(text), serial == nil || serial == text else { return false }
            serial = text
        }
        return true
    }

    /// The digits between the parentheses, if the text begins with `(` two to four digits `)`.
    private static func leadingIdentifier(_ text: Substring.UTF8View) -> Substring.UTF8View? {
        guard text.first == UInt8(ascii: "(") else { return nil }
        let digits = text.dropFirst().prefix(while: isDigit)
        guard (2...4).contains(digits.count), digits.endIndex != text.endIndex,
            text[digits.endIndex] == UInt8(ascii: ")")
        else { return nil }
        return digits
    }

    /// Length of identifier and data together, of the elements that need no separator after them (GS1 General
    /// Specifications, "element strings with predefined length using application identifiers").
    private static func predefinedLength(_ identifier: Substring.UTF8View) -> Int? {
        switch Int(Substring(identifier)) {
        case 0: 20
        case 1, 2, 3: 16
        case 4: 18
        case 11, 12, 13, 14, 15, 16, 17, 18, 19: 8
        case 20: 4
        case 31, 32, 33, 34, 35, 36: 10
        case 41: 16
        default: nil
        }
    }

    private static func percentDecoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = text.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "a")...UInt8(ascii: "f"):
            (byte | 0x20) - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

/// Global Trade Item Numbers, of 8, 12, 13 or 14 digits with a check digit.
public enum GTIN {
    /// Whether it has one of the four lengths, nothing but digits, and the right check digit.
    public static func isValid(_ text: String) -> Bool {
        switch text.utf8.count {
        case 8, 12, 13, 14: text.utf8.allSatisfy(isDigit) && weightedSum(text.utf8, lastWeight: 1) % 10 == 0
        default: false
        }
    }

    /// The same number in 14 digits, as GS1 symbols carry it; nil if it isn't a valid GTIN.
    public static func normalized(_ text: String) -> String? {
        isValid(text) ? String(repeating: "0", count: 14 - text.utf8.count) + text : nil
    }

    /// The check digit that follows 7, 11, 12 or 13 digits; nil for any other text.
    public static func checkDigit(for text: String) -> Character? {
        switch text.utf8.count {
        case 7, 11, 12, 13:
            guard text.utf8.allSatisfy(isDigit) else { return nil }
            return CheckCharacter.alphabet[(10 - weightedSum(text.utf8, lastWeight: 3) % 10) % 10]
        default: return nil
        }
    }

    private static func weightedSum(_ digits: String.UTF8View, lastWeight: Int) -> Int {
        var weight = lastWeight
        var sum = 0
        for digit in digits.reversed() {
            sum += Int(digit - UInt8(ascii: "0")) * weight
            weight = 4 - weight
        }
        return sum
    }
}
