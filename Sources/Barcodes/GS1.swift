/// What coded data says of the thing that it is on: a GS1 code, read by the GS1 General Specifications, section 7.8, or by
/// the GS1 Digital Link URI syntax, or a message of ISO/IEC 15434 with the data identifiers of ANSI MH10.8.2.
public struct CodedItem: Hashable, Sendable {
    /// What names a product.
    public enum Product: Hashable, Sendable {
        /// A GTIN of 14 digits whose check digit is right.
        case gtin(String)
        /// A code of the maker's, as it stands there.
        case code(String)

        /// The GTIN or the code.
        public var text: String {
            switch self {
            case .gtin(let text), .code(let text): text
            }
        }
    }

    /// AI (01), or (02) with (37) for what a case holds; data identifier 1P.
    public internal(set) var product: Product?
    /// AI (21); data identifier S.
    public internal(set) var serial: String?
    /// AI (10); data identifier 1T.
    public internal(set) var lot: String?
    /// AI (30) or (37); data identifier Q or 7Q. As it stands there: not every one is a number of pieces.
    public internal(set) var count: String?

    /// The number of pieces that `count` says; nil where it says none that can be: 1 to 999,999,999, as `TRV:QTY` has it.
    public var pieces: Int? {
        guard let count, count.utf8.allSatisfy(isDigit), let number = Int(count), 1...999_999_999 ~= number else {
            return nil
        }
        return number
    }

    /// Data that says this much.
    public init(product: Product? = nil, serial: String? = nil, lot: String? = nil, count: String? = nil) {
        (self.product, self.serial, self.lot, self.count) = (product, serial, lot, count)
    }
}

// MARK: GS1

extension CodedItem {
    /// FNC1 as it is transmitted inside the data: ASCII group separator.
    static let separator: UInt8 = 0x1D

    /// `01` + 14 digits, `21` + serial, ...: elements of predefined length follow each other, all others end at a
    /// group separator. A separator in front, or after an element of predefined length, is allowed.
    init?(elementString text: String) {
        var content: String?
        guard take(elements: text.utf8[...], &content), take(content: content) else { return nil }
    }

    /// - Parameter mends: whether a count without a separator after it may end where an element follows. What follows is
    ///   then read as it stands, so that a text is read a few times at most.
    private mutating func take(
        elements: Substring.UTF8View, _ content: inout String?, mends: Bool = true
    ) -> Bool {
        var rest = elements
        while true {
            rest = rest.drop { $0 == Self.separator }
            if rest.isEmpty { return true }
            let identifier = rest.prefix(2)
            let element =
                if let length = Self.predefinedLength(identifier) { rest.prefix(length) } else {
                    mends ? rest.prefix(Self.length(upToSeparator: rest)) : rest.prefix { $0 != Self.separator }
                }
            guard take(identifier, element.dropFirst(2), &content) else { return false }
            rest = rest[element.endIndex...]
        }
    }

    /// How long an element is that ends at a separator. A count is digits only: where a scanner left out the separator
    /// after it, it ends where an element follows, if there is just one such place.
    private static func length(upToSeparator rest: Substring.UTF8View) -> Int {
        let element = rest.prefix { $0 != separator }
        let isCount = element.starts(with: "30".utf8) || element.starts(with: "37".utf8)
        let digits = element.prefix(while: isDigit).count
        guard isCount, digits > 2, digits < element.count else { return element.count }
        let ends = (3...min(digits, 10)).filter {
            var (item, content): (CodedItem, String?) = (CodedItem(), nil)
            return item.take(elements: element.dropFirst($0), &content, mends: false) && item.take(content: content)
        }
        return ends.count == 1 ? ends[0] : element.count
    }

    /// `(01)09501101530003(21)A-17`, as printed below a symbol and sometimes encoded just so.
    init?(humanReadable text: String) {
        var rest = text.utf8[...]
        var content: String?
        guard Self.leadingIdentifier(rest) != nil else { return nil }
        while let identifier = Self.leadingIdentifier(rest) {
            rest = rest.dropFirst(identifier.count + 2)
            var end = rest.startIndex
            // A parenthesis is also a character of serials: only one around an identifier ends the value.
            while end != rest.endIndex, Self.leadingIdentifier(rest[end...]) == nil { rest.formIndex(after: &end) }
            let tail = identifier.dropFirst(2)
            guard take(identifier.prefix(2), rest[..<end], &content, tailCount: tail.count) else { return nil }
            rest = rest[end...]
        }
        guard take(content: content) else { return nil }
    }

    /// `https://id.gs1.org/01/09506000134352/21/A-17?30=40`: any host, any path in front.
    init?(digitalLink text: String) {
        let lowered = text.utf8.prefix(8).map { isLetter($0) ? $0 | 0x20 : $0 }
        let scheme = lowered.starts(with: "https://".utf8) ? 8 : lowered.starts(with: "http://".utf8) ? 7 : 0
        guard scheme > 0 else { return nil }
        let address = text.utf8.dropFirst(scheme).prefix { $0 != UInt8(ascii: "#") }
        let path = address.prefix { $0 != UInt8(ascii: "?") }
        var segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true).dropFirst()[...]
        while let key = segments.popFirst() {
            guard key.elementsEqual("01".utf8) || key.elementsEqual("gtin".utf8), let value = segments.first,
                let gtin = Self.percentDecoded(value).flatMap(GTIN.normalized)
            else { continue }
            product = .gtin(gtin)
            break
        }
        guard product != nil else { return nil }
        segments = segments.dropFirst()
        while segments.count >= 2 {
            let key = segments.removeFirst()
            let value = segments.removeFirst()
            switch String(Substring(key)) {
            case "21", "ser":
                guard let decoded = Self.percentDecoded(value), Serial.isValid(decoded) else { return nil }
                serial = decoded
            case "10", "lot": lot = Self.percentDecoded(value)
            default: break
            }
        }
        for pair in address[path.endIndex...].dropFirst().split(whereSeparator: { "&;".utf8.contains($0) }) {
            let key = pair.prefix { $0 != UInt8(ascii: "=") }
            guard ["30", "37", "vcount", "count"].contains(String(Substring(key))) else { continue }
            guard let value = Self.percentDecoded(pair[key.endIndex...].dropFirst()), Self.set(&count, value) else {
                return nil
            }
        }
    }

    /// Checks one element and keeps what tracking needs; false if it can't be right.
    ///
    /// - Parameters:
    ///   - content: the GTIN of what a case holds.
    ///   - tailCount: how many digits of a three or four digit identifier are not in `value`.
    private mutating func take(
        _ identifier: Substring.UTF8View, _ value: Substring.UTF8View, _ content: inout String?, tailCount: Int = 0
    ) -> Bool {
        guard identifier.count == 2, identifier.allSatisfy(isDigit), !value.isEmpty else { return false }
        if let length = Self.predefinedLength(identifier) {
            guard value.count + tailCount + 2 == length, value.allSatisfy(isDigit) else { return false }
        }
        guard tailCount == 0 else { return true }
        let text = String(Substring(value))
        switch String(Substring(identifier)) {
        case "01": return GTIN.isValid(text) && Self.set(&product, .gtin(text))
        case "02": return GTIN.isValid(text) && Self.set(&content, text)
        case "10": return Self.set(&lot, text)
        case "21": return Serial.isValid(text) && Self.set(&serial, text)
        case "30", "37": return Self.set(&count, text)
        default: return true
        }
    }

    /// A case names what it holds, and how much of that; it is no item itself.
    private mutating func take(content: String?) -> Bool {
        guard let content else { return true }
        guard product == nil else { return false }
        if count != nil { product = .gtin(content) }
        return true
    }

    /// Says one thing once.
    private static func set<Value: Equatable>(_ field: inout Value?, _ value: Value) -> Bool {
        guard field == nil || field == value else { return false }
        field = value
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

// MARK: ISO/IEC 15434

extension CodedItem {
    /// `[)>` and the record separator.
    static let messageHeader: [UInt8] = Array("[)>".utf8) + [recordSeparator]
    private static let recordSeparator: UInt8 = 0x1E
    private static let endOfTransmission: UInt8 = 0x04

    /// A message with format 06 (data identifiers) or 05 (GS1 application identifiers), or several of them. Many labels
    /// lack its end (0x1E, 0x04), which is therefore not asked for.
    init?(message text: String) {
        var rest = text.utf8.dropFirst(Self.messageHeader.count)
        if rest.last == Self.endOfTransmission { rest = rest.dropLast() }
        let formats = rest.split(separator: Self.recordSeparator, omittingEmptySubsequences: true)
        var content: String?
        guard !formats.isEmpty else { return nil }
        for format in formats {
            let data = format.dropFirst(2)
            switch String(Substring(format.prefix(2))) {
            case "05": guard take(elements: data, &content) else { return nil }
            case "06":
                let fields = data.split(separator: Self.separator, omittingEmptySubsequences: true)
                guard data.first == Self.separator, fields.allSatisfy({ take(field: $0) }) else { return nil }
            default: return nil
            }
        }
        guard take(content: content) else { return nil }
    }

    /// Up to three digits and a letter, then the data.
    private mutating func take(field: Substring.UTF8View) -> Bool {
        let digits = field.prefix(while: isDigit)
        let letter = field[digits.endIndex...].prefix(1)
        let value = String(Substring(field[letter.endIndex...]))
        guard digits.count <= 3, letter.allSatisfy({ isLetter($0) && $0 < UInt8(ascii: "a") }), !letter.isEmpty else {
            return false
        }
        switch String(Substring(digits)) + String(Substring(letter)) {
        case "1P": return !value.isEmpty && Self.set(&product, .code(value))
        case "S": return Serial.isValid(value) && Self.set(&serial, value)
        case "1T": return !value.isEmpty && Self.set(&lot, value)
        case "Q", "7Q": return Self.set(&count, value)
        default: return true
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

    /// The GTIN of 12 digits that a UPC-E of 8 digits is short for; nil if it isn't one.
    ///
    /// A UPC-E is no number of its own (GS1 General Specifications, "UPC-E bar code"): its number system is 0, its check
    /// digit is that of the GTIN, and every GTIN has at most one.
    public static func expanded(upcE text: String) -> String? {
        let digits = Array(text.utf8)
        guard digits.count == 8, digits[0] == UInt8(ascii: "0"), digits.allSatisfy(isDigit) else { return nil }
        let body = digits[1...6].map { Character(Unicode.Scalar($0)) }
        let number: String
        switch body[5] {
        case "0", "1", "2": number = String(body[..<2]) + String(body[5]) + "0000" + String(body[2..<5])
        case "3" where body[2] > "2": number = String(body[..<3]) + "00000" + String(body[3..<5])
        case "4" where body[3] != "0": number = String(body[..<4]) + "00000" + String(body[4])
        case "5"..."9" where body[4] != "0": number = String(body[..<5]) + "0000" + String(body[5])
        default: return nil
        }
        let gtin = "0" + number + text.suffix(1)
        return isValid(gtin) ? gtin : nil
    }

    /// The GTINs of 14 digits that a text stands for: as it is, or as a UPC-E.
    public static func readings(_ text: String) -> [String] {
        [normalized(text), expanded(upcE: text).flatMap(normalized)].compactMap(\.self)
    }

    /// Every text that stands for a GTIN of 14 digits: the same number in 14, 13, 12 and 8 digits, and its UPC-E.
    public static func forms(_ gtin: String) -> [String] {
        let zeros = gtin.utf8.prefix { $0 == UInt8(ascii: "0") }.count
        var forms = [(0, 14), (1, 13), (2, 12), (6, 8)].filter { $0.0 <= zeros }.map { String(gtin.suffix($0.1)) }
        // Of the GTIN-12 0AAAAA BBBBB C, the digits that a UPC-E keeps.
        let digits = Array(gtin.suffix(12))
        guard zeros >= 2, digits.count == 12 else { return forms }
        for kept in [[1, 2, 8, 9, 10, 3], [1, 2, 3, 9, 10, -3], [1, 2, 3, 4, 10, -4], [1, 2, 3, 4, 5, 10]] {
            let body = kept.map { $0 < 0 ? Character(String(-$0)) : digits[$0] }
            let short = "0" + String(body) + String(digits[11])
            if expanded(upcE: short).flatMap(normalized) == gtin, !forms.contains(short) { forms.append(short) }
        }
        return forms
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
