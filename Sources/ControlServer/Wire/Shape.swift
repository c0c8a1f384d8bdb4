import ControlAPI

/// What a JSON value must look like: bodies are checked against it, and the OpenAPI document shows it.
indirect enum Shape: Sendable {
    /// Text of at most this many characters.
    case text(Int)
    /// One line of 1 to 200 characters.
    case line
    /// A time in RFC 3339.
    case time
    /// A day, `YYYY-MM-DD`.
    case day
    /// A time in RFC 3339, or a day.
    case moment
    /// A whole number.
    case integer(ClosedRange<Int>)
    /// Any number.
    case number
    /// An amount of money, 0 or more, with at most four decimals.
    case money
    /// `true` or `false`.
    case flag
    /// One of these words.
    case choice([String])
    /// A list.
    case list(Shape)
    /// An object with these keys and no others.
    case object([Property])
    /// An object with any keys.
    case map(Shape)
    /// A value, or null.
    case nullable(Shape)
    /// What is described under this name once for all.
    case named(Resource)
    /// Any object.
    case anything

    /// Text of up to 2,000 characters.
    static let text = Shape.text(2_000)
    /// The largest whole number there is, so that sums of some of them are one, too; JSON has all up to it.
    static let most = 1_000_000_000_000_000
    /// A whole number.
    static let integer = Shape.integer(-most...most)
    /// How many there are of something.
    static let count = Shape.integer(0...most)

    /// One of the words of a vocabulary.
    static func choice<Word: CaseIterable & RawRepresentable>(_: Word.Type) -> Shape where Word.RawValue == String {
        .choice(Word.allCases.map(\.rawValue))
    }

    /// A page of a list.
    static func page(_ item: Shape) -> Shape {
        .object([
            Property("items", .list(item)), Property("next_cursor", .nullable(.text)),
            Property("total", .count, optional: true),
        ])
    }

    /// All there is, as a list.
    static func items(_ item: Shape) -> Shape {
        .object([Property("items", .list(item))])
    }
}

/// A key of an object.
struct Property: Sendable {
    let name: String
    let shape: Shape
    let isOptional: Bool
    let summary: String

    init(_ name: String, _ shape: Shape, _ summary: String = "", optional: Bool = false) {
        (self.name, self.shape, self.summary, isOptional) = (name, shape, summary, optional)
    }
}

extension Shape {
    /// Says what is wrong with a value, at most 20 times.
    func check(_ value: JSONValue, at path: String = "", _ places: inout [Problem.Place]) {
        guard places.count < 20 else { return }
        func wrong(_ message: String) {
            let place = path.isEmpty ? "the body" : "`\(path)`"
            places.append(Problem.Place(path: path.isEmpty ? nil : path, message: "\(place): \(message)"))
        }
        switch self {
        case .object(let properties):
            guard let object = value.object else { return wrong("expected an object, found \(value.kind)") }
            checkKeys(object, properties, at: path, &places)
        case .named(let resource): resource.shape.check(value, at: path, &places)
        case .nullable(let shape): if value != .null { shape.check(value, at: path, &places) }
        case .list(let shape):
            guard let values = value.array else { return wrong("expected a list, found \(value.kind)") }
            for (index, value) in values.enumerated() { shape.check(value, at: "\(path)[\(index)]", &places) }
        case .map(let shape):
            guard let object = value.object else { return wrong("expected an object, found \(value.kind)") }
            for (key, value) in object { shape.check(value, at: path.isEmpty ? key : "\(path).\(key)", &places) }
        default: if !holds(value) { wrong("expected \(expected), found \(value.kind)") }
        }
    }

    private func checkKeys(
        _ object: JSONObject, _ properties: [Property], at path: String, _ places: inout [Problem.Place]
    ) {
        func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
        let known = properties.map { "`\($0.name)`" }.joined(separator: ", ")
        for (key, _) in object where !properties.contains(where: { $0.name == key }) && places.count < 20 {
            let message = properties.isEmpty ? "expected no fields" : "expected one of \(known)"
            places.append(
                Problem.Place(path: place(key), message: "`\(place(key))`: unknown field; \(message)"))
        }
        for property in properties {
            if let value = object[property.name] {
                property.shape.check(value, at: place(property.name), &places)
            } else if !property.isOptional, places.count < 20 {
                places.append(
                    Problem.Place(
                        path: place(property.name),
                        message: "`\(place(property.name))`: missing; expected \(property.shape.expected)"))
            }
        }
    }

    /// Whether a value that is no list and no object is right.
    private func holds(_ value: JSONValue) -> Bool {
        switch self {
        case .text(let limit): value.string.map { $0.unicodeScalars.count <= limit } ?? false
        case .line:
            value.string.map { text in
                (1...200).contains(text.unicodeScalars.count) && !text.unicodeScalars.contains(where: \.isUnsafeToShow)
            } ?? false
        case .time: value.string.flatMap(Timestamp.milliseconds) != nil
        case .day: value.string.map(Self.isDay) ?? false
        case .moment: value.string.map { Timestamp.milliseconds($0) != nil || Self.isDay($0) } ?? false
        case .integer(let range): value.int.map(range.contains) ?? false
        case .number: value.double != nil
        case .money: value.double.map { $0 >= 0 && $0 <= 1e9 && ($0 * 10_000).rounded() / 10_000 == $0 } ?? false
        case .flag: value.bool != nil
        case .choice(let words): value.string.map(words.contains) ?? false
        case .anything: value.object != nil
        case .list, .object, .map, .nullable, .named: false
        }
    }

    /// Whether a text is a day of the calendar, `YYYY-MM-DD`.
    static func isDay(_ text: String) -> Bool {
        text.utf8.count == 10 && Timestamp.milliseconds(text + "T00:00:00Z") != nil
    }

    /// What is right, for people.
    var expected: String {
        switch self {
        case .text(let limit): "a text of up to \(limit) characters"
        case .line: "one line of 1 to 200 characters"
        case .time: "a time such as 2026-03-02T08:00:00Z"
        case .day: "a day such as 2026-03-02"
        case .moment: "a day such as 2026-03-02 or a time such as 2026-03-02T08:00:00Z"
        case .integer(let range): Self.expected(range)
        case .number: "a number"
        case .money: "an amount such as 12.50, of 0 to 1000000000 and at most four decimals"
        case .flag: "true or false"
        case .choice(let words): "one of " + words.joined(separator: ", ")
        case .list: "a list"
        case .object, .map, .anything: "an object"
        case .nullable(let shape): shape.expected + ", or null"
        case .named(let resource): resource.shape.expected
        }
    }

    private static func expected(_ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (-most, most): "a whole number"
        case (let lower, most): "a whole number of \(lower) or more"
        case (let lower, let upper): "a whole number from \(lower) to \(upper)"
        }
    }
}

extension JSONValue {
    /// What it is, for people.
    fileprivate var kind: String {
        switch self {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .string(let text) where text.utf8.count <= 40: "\"\(text)\""
        case .string: "a longer text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
