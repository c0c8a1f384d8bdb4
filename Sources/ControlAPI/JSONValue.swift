/// A JSON value (RFC 8259).
///
/// Two numbers are equal only if they are of the same kind: `.int(1)` is not `.double(1)`.
public enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction and exponent that fits into 64 bits.
    case int(Int)
    /// Any other number. What isn't finite is written as `null`, as JSON has no word for it.
    case double(Double)
    /// A text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// Values by key.
    case object(JSONObject)

    /// The value of a key; nil if there is none, or this isn't an object.
    public subscript(key: String) -> JSONValue? { object?[key] }

    /// The text, if this is one.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The truth value, if this is one.
    public var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }

    /// The number, if this is one without a fraction that fits into 64 bits.
    public var int: Int? {
        switch self {
        case .int(let number): number
        // Not Int(exactly:), which needs the C library's trunc.
        case .double(let number) where abs(number) < 0x1p63 && Double(Int(number)) == number: Int(number)
        default: nil
        }
    }

    /// The number, if this is one.
    public var double: Double? {
        switch self {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    /// The values, if this is a list.
    public var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }

    /// The values by key, if this is an object.
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// An object of those pairs that have a value.
    public init(omittingNil pairs: KeyValuePairs<String, JSONValue?>) {
        self = .object(JSONObject(omittingNil: pairs))
    }
}

/// Values by key, in the order of their keys, whatever order they were given in.
///
/// Keys that Unicode calls canonically equivalent are one key.
public struct JSONObject: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        var key: String
        var value: JSONValue
    }

    /// Strictly ascending by key.
    private(set) var entries: [Entry] = []

    /// An object without keys.
    public init() {}

    /// An object of those pairs that have a value. Of two pairs with the same key the later one counts.
    public init(omittingNil pairs: some Sequence<(key: String, value: JSONValue?)>) {
        entries.reserveCapacity(pairs.underestimatedCount)
        for (key, value) in pairs { if let value { self[key] = value } }
    }

    /// Entries that are known to be strictly ascending by key.
    init(ascending entries: [Entry]) { self.entries = entries }

    /// The value of a key. Setting nil removes the key.
    public subscript(key: String) -> JSONValue? {
        get {
            let index = position(key)
            return index < entries.count && entries[index].key == key ? entries[index].value : nil
        }
        set {
            let index = position(key)
            let isKnown = index < entries.count && entries[index].key == key
            switch newValue {
            case let value? where isKnown: entries[index].value = value
            case let value?: entries.insert(Entry(key: key, value: value), at: index)
            case nil where isKnown: entries.remove(at: index)
            case nil: break
            }
        }
    }

    /// Where the first key that isn't less than `key` stands.
    private func position(_ key: String) -> Int {
        if let last = entries.last, last.key < key { return entries.count }
        var range = 0..<entries.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = entries[middle].key < key ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }
}

extension JSONObject: RandomAccessCollection {
    /// The position of the first key.
    public var startIndex: Int { 0 }
    /// The position after the last key.
    public var endIndex: Int { entries.count }
    /// A key with its value.
    public subscript(index: Int) -> (key: String, value: JSONValue) { (entries[index].key, entries[index].value) }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// An object written out; of two pairs with the same key the later one counts.
    public init(dictionaryLiteral pairs: (String, JSONValue)...) {
        for (key, value) in pairs { self[key] = value }
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
    /// An object written out.
    public init(dictionaryLiteral pairs: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in pairs { object[key] = value }
        self = .object(object)
    }
}

extension JSONValue: ExpressibleByArrayLiteral {
    /// A list written out.
    public init(arrayLiteral values: JSONValue...) { self = .array(values) }
}

extension JSONValue: ExpressibleByStringInterpolation {
    /// A text written out.
    public init(stringLiteral text: String) { self = .string(text) }
}

extension JSONValue: ExpressibleByIntegerLiteral {
    /// A number written out.
    public init(integerLiteral number: Int) { self = .int(number) }
}

extension JSONValue: ExpressibleByFloatLiteral {
    /// A number with a fraction written out.
    public init(floatLiteral number: Double) { self = .double(number) }
}

extension JSONValue: ExpressibleByBooleanLiteral {
    /// A truth value written out.
    public init(booleanLiteral flag: Bool) { self = .bool(flag) }
}
