/// Why a text is no JSON.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line of the mistake, from 1.
    public let line: Int
    /// Its place in that line in characters (Unicode scalars), from 1.
    public let column: Int
    /// What was expected and what was found.
    public let message: String

    /// Place and message.
    public var description: String { "line \(line), column \(column): \(message)" }
}

extension JSONValue {
    /// How deep lists and objects may be nested.
    public static let depthLimit = 64

    /// Reads one JSON text in UTF-8, strictly by RFC 8259: nothing behind the value, no key twice in an object, no byte
    /// order mark, no nesting beyond `depthLimit`.
    public init(json bytes: [UInt8]) throws(JSONError) {
        var parser = JSONParser(bytes: bytes)
        self = try parser.document()
    }

    /// Reads one JSON text.
    public init(json text: String) throws(JSONError) {
        try self.init(json: Array(text.utf8))
    }
}

struct JSONParser {
    let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value()
        skipSpace()
        guard index == bytes.count else { throw expected("the end of the text after the value") }
        return value
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || byte &- UInt8(ascii: "0") < 10: return try number()
        default: throw expected("a value")
        }
    }

    private mutating func object() throws(JSONError) -> JSONObject {
        try enter()
        defer { depth -= 1 }
        var entries: [JSONObject.Entry] = []
        var isAscending = true
        var keys: Set<String> = []
        if take(UInt8(ascii: "}")) { return JSONObject() }
        repeat {
            skipSpace()
            let start = index
            guard peek == UInt8(ascii: "\"") else {
                throw expected(entries.isEmpty ? "a key in double quotes or '}'" : "a key in double quotes")
            }
            let key = try string()
            if isAscending, let last = entries.last, !(last.key < key) {
                isAscending = false
                keys = Set(entries.lazy.map(\.key))
            }
            if !isAscending, !keys.insert(key).inserted {
                throw failure("the key \"\(cut(key, to: 100))\" stands twice in this object; name it once", at: start)
            }
            guard take(UInt8(ascii: ":")) else { throw expected("':' after the key") }
            entries.append(JSONObject.Entry(key: key, value: try value()))
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw expected("',' or '}'") }
        if !isAscending { entries.sort { $0.key < $1.key } }
        return JSONObject(ascending: entries)
    }

    private mutating func array() throws(JSONError) -> [JSONValue] {
        try enter()
        defer { depth -= 1 }
        var values: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return values }
        repeat { values.append(try value()) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw expected("',' or ']'") }
        return values
    }

    /// Takes the opening bracket, one level down.
    private mutating func enter() throws(JSONError) {
        guard depth < JSONValue.depthLimit else {
            throw failure("nested deeper than \(JSONValue.depthLimit) lists and objects", at: index)
        }
        depth += 1
        index += 1
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let text = String(describing: word)
        guard bytes[index...].starts(with: text.utf8) else { throw expected("a value") }
        index += text.utf8.count
        return value
    }

    // MARK: Numbers

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = index
        let isNegative = peek == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let firstDigit = index
        var magnitude: Int? = 0
        try digits("a digit") { digit in
            // Counted below zero, where there is room for one more.
            let (product, overflow) = (magnitude ?? 0).multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = product.subtractingReportingOverflow(Int(digit))
            magnitude = magnitude == nil || overflow || overflow2 ? nil : sum
        }
        if bytes[firstDigit] == UInt8(ascii: "0"), index > firstDigit + 1 {
            throw failure("a number doesn't begin with 0; leave the zero out", at: firstDigit)
        }
        var isWhole = true
        if peek == UInt8(ascii: ".") {
            isWhole = false
            index += 1
            try digits("a digit after the decimal point") { _ in }
        }
        if let mark = peek, mark | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            index += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { index += 1 }
            try digits("a digit of the exponent") { _ in }
        }
        if isWhole, let magnitude, isNegative || magnitude != .min { return .int(isNegative ? magnitude : -magnitude) }
        guard let number = Double(String(decoding: bytes[start..<index], as: UTF8.self)), number.isFinite else {
            throw failure("this number is too large", at: start)
        }
        return .double(number)
    }

    private mutating func digits(_ what: String, _ each: (UInt8) -> Void) throws(JSONError) {
        let start = index
        while let byte = peek, byte &- UInt8(ascii: "0") < 10 {
            each(byte - UInt8(ascii: "0"))
            index += 1
        }
        if index == start { throw expected(what) }
    }

    // MARK: Texts

    private mutating func string() throws(JSONError) -> String {
        let opening = index
        index += 1
        var start = index
        var text = ""
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                let tail = try utf8(start..<index)
                index += 1
                return text.isEmpty ? tail : text + tail
            case UInt8(ascii: "\\"):
                text += try utf8(start..<index)
                text.unicodeScalars.append(try escape())
                start = index
            case ..<0x20: throw expected("an escape such as \\n in the text")
            default: index += 1
            }
        }
        throw failure("this text has no closing double quote", at: opening)
    }

    private func utf8(_ range: Range<Int>) throws(JSONError) -> String {
        if let text = String(validating: bytes[range], as: UTF8.self) { return text }
        // Find the first wrong byte only now that there is one.
        var position = range.lowerBound
        var decoder = UTF8()
        var rest = bytes[range].makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&rest) { position += UTF8.width(scalar) }
        throw failure("this is not UTF-8", at: position)
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let start = index
        index += 1
        guard let byte = peek else { throw expected("an escaped character") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let first = try hexadecimal()
            if let scalar = Unicode.Scalar(first) { return scalar }
            guard UTF16.isLeadSurrogate(UInt16(first)), take(UInt8(ascii: "\\"), spaceBefore: false),
                take(UInt8(ascii: "u"), spaceBefore: false)
            else { throw failure("this is half of a surrogate pair; write both halves", at: start) }
            let second = try hexadecimal()
            guard UTF16.isTrailSurrogate(UInt16(second)),
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            else { throw failure("this is half of a surrogate pair; write both halves", at: start) }
            return scalar
        default: throw failure("expected one of \" \\ / b f n r t u after the backslash", at: index - 1)
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw expected("four hexadecimal digits after \\u")
            }
            number = number << 4 | UInt32(digit)
            index += 1
        }
        return number
    }

    // MARK: Bytes and errors

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8, spaceBefore: Bool = true) -> Bool {
        if spaceBefore { skipSpace() }
        guard peek == byte else { return false }
        index += 1
        return true
    }

    private func expected(_ what: String) -> JSONError {
        let found: String
        var decoder = UTF8()
        var rest = bytes[index...].makeIterator()
        switch decoder.decode(&rest) {
        case .emptyInput: found = "the end of the text"
        case .error: found = "a byte that is not UTF-8"
        case .scalarValue(let scalar) where ("!"..."~").contains(scalar): found = "'\(scalar)'"
        case .scalarValue(" "): found = "a space"
        case .scalarValue(let scalar):
            let hex = String(scalar.value, radix: 16, uppercase: true)
            found = "the character U+" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
        }
        return failure("expected \(what), found \(found)", at: index)
    }

    private func failure(_ message: String, at position: Int) -> JSONError {
        let before = bytes[..<position]
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return JSONError(
            line: before.count { $0 == 0x0A } + 1,
            // A scalar is counted by its first byte.
            column: before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1, message: message)
    }
}
