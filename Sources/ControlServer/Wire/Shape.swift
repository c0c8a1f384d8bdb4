import Barcodes
import ControlAPI
import Tracking

/// What a JSON value must look like: requests are checked against it, and the OpenAPI document shows it.
indirect enum Shape: Sendable {
    /// Text of at most this many characters.
    case text(Int)
    /// Text of a form.
    case form(TextForm)
    /// A time in RFC 3339.
    case time
    /// A day, `YYYY-MM-DD`.
    case day
    /// A time in RFC 3339, or a day.
    case moment
    /// A whole number; not 0 where that says nothing.
    case integer(ClosedRange<Int>, isNonzero: Bool = false)
    /// Any number.
    case number
    /// An amount of money, 0 or more, with at most four decimals.
    case money
    /// `true` or `false`.
    case flag
    /// `true` alone.
    case confirmation
    /// One of these words.
    case choice([String])
    /// One of these words, each under all of its spellings; what is read is the word.
    case word([String], spellings: [String: String])
    /// A list of so many values.
    case list(Shape, count: ClosedRange<Int> = 0...Int.max, isUnique: Bool = false)
    /// An object with these keys and no others, which belong together in these ways.
    case object([Property], needs: [Need] = [])
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
    /// A serial.
    static let serial = Shape.form(.serial)
    /// Serials, each once.
    static let serials = Shape.list(.serial, count: Limits.listed, isUnique: true)
    /// The number of an order.
    static let orderNumber = Shape.form(.orderNumber)
    /// A code.
    static let code = Shape.form(.code)
    /// The name of a station.
    static let station = Shape.form(.station)
    /// A login.
    static let login = Shape.form(.login)
    /// An id.
    static let id = Shape.form(.id)
    /// One line of 1 to 200 characters.
    static let line = Shape.form(.line)
    /// A note, which says something.
    static let note = Shape.form(.note)
    /// What is looked for.
    static let filter = Shape.form(.filter)
    /// Pieces without serials.
    static let pieces = Shape.integer(Limits.pieces)
    /// Pieces, or none.
    static let somePieces = Shape.integer(0...Limits.pieces.upperBound)
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

    /// One of the words of a vocabulary, as somebody asks for it.
    static func word<Word: Vocabulary>(_: Word.Type, but left: Word...) -> Shape where Word: Equatable {
        let words = Word.allCases.filter { !left.contains($0) }.map(\.rawValue)
        return .word(words, spellings: Word.spellings.filter { words.contains($0.value) })
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

/// How keys of an object belong together.
enum Need: Sendable {
    /// The keys of exactly one of these groups, and none of the others'.
    case oneOf([[String]])
    /// At least one of these keys.
    case anyOf([String])
    /// The first key is there if the second has the value. If it `isOnly` for that, then not otherwise.
    case when(String, String, is: String, isOnly: Bool = true)
    /// The first key may be there only if the second has the value.
    case only(String, String, is: String)
    /// The first key does not have the value where the second has the other.
    case never(String, is: String, where: String, says: String)
    /// The list under the first key has one entry where the second is there.
    case single(String, where: String)
}

extension Shape {
    /// Says what is wrong with a value, at most 20 times.
    ///
    /// - Returns: the value, with each word of a vocabulary as it is stored.
    @discardableResult
    func check(_ value: JSONValue, at path: String = "", _ places: inout [Problem.Place]) -> JSONValue {
        guard places.count < 20 else { return value }
        func wrong(_ expected: String? = nil, _ found: String? = nil) {
            let place = path.isEmpty ? "the body" : "`\(path)`"
            places.append(
                Problem.Place(
                    path: path.isEmpty ? nil : path,
                    message: "\(place) \(found ?? "is \(value.kind)"): expected \(expected ?? self.expected)"))
        }
        switch self {
        case .object(let properties, let needs):
            guard let object = value.object else {
                wrong("an object")
                return value
            }
            return .object(checkKeys(object, properties, needs, at: path, &places))
        case .named(let resource): return resource.shape.check(value, at: path, &places)
        case .nullable(let shape): return value == .null ? value : shape.check(value, at: path, &places)
        case .list(let shape, let count, let isUnique):
            guard let values = value.array else {
                wrong()
                return value
            }
            guard count.contains(values.count) else {
                wrong(nil, values.isEmpty ? "is empty" : "has \(values.count.grouped) entries")
                return value
            }
            if isUnique, Set(values).count < values.count {
                var seen: Set<JSONValue> = []
                let double = values.first { !seen.insert($0).inserted } ?? .null
                wrong("each one once", "names \(double.kind) twice")
            }
            return .array(
                values.enumerated().map { shape.check($1, at: "\(path)[\($0)]", &places) })
        case .map(let shape):
            guard let object = value.object else {
                wrong()
                return value
            }
            for (key, value) in object {
                shape.check(value, at: path.isEmpty ? key.shown : "\(path).\(key.shown)", &places)
            }
        case .word(_, let spellings):
            guard let word = value.string.flatMap({ spellings[$0] }) else {
                wrong()
                return value
            }
            return .string(word)
        case .text(let limit):
            if let text = value.string, text.unicodeScalars.count > limit {
                wrong(nil, "has \(text.unicodeScalars.count.grouped) characters")
            } else if value.string == nil {
                wrong()
            }
        case .form(let form):
            guard let text = value.string else {
                wrong()
                break
            }
            if form.holds(text) { break }
            let count = text.unicodeScalars.count
            wrong(nil, count > form.length.upperBound ? "has \(count.grouped) characters" : nil)
        default: if !holds(value) { wrong() }
        }
        return value
    }

    private func checkKeys(
        _ object: JSONObject, _ properties: [Property], _ needs: [Need], at path: String,
        _ places: inout [Problem.Place]
    ) -> JSONObject {
        func place(_ key: String) -> String { path.isEmpty ? key.shown : "\(path).\(key.shown)" }
        let before = places.count
        for (key, _) in object where !properties.contains(where: { $0.name == key }) && places.count < 20 {
            let shown = place(key)
            let known = properties.map { "`\($0.name)`" }.joined(separator: ", ")
            let right = properties.isEmpty ? "no fields" : "one of \(known)"
            places.append(Problem.Place(path: shown, message: "there is no field `\(shown)` here: expected \(right)"))
        }
        var read = object
        for property in properties {
            if let value = object[property.name] {
                read[property.name] = property.shape.check(value, at: place(property.name), &places)
            } else if !property.isOptional, places.count < 20 {
                places.append(
                    Problem.Place(
                        path: place(property.name),
                        message: "`\(place(property.name))` is missing: expected \(property.shape.expected)"))
            }
        }
        // How keys belong together is said once each is right by itself.
        guard places.count == before else { return read }
        for need in needs where !need.isMet(by: read) {
            places.append(
                Problem.Place(
                    path: path.isEmpty ? nil : path,
                    message: "\(path.isEmpty ? "the body" : "`\(path)`") \(need.complaint(about: read))"))
        }
        return read
    }

    /// Whether a value that is no list and no object is right.
    private func holds(_ value: JSONValue) -> Bool {
        switch self {
        case .time: value.string.flatMap(Timestamp.milliseconds) != nil
        case .day: value.string.map(Self.isDay) ?? false
        case .moment: value.string.map { Timestamp.milliseconds($0) != nil || Self.isDay($0) } ?? false
        case .integer(let range, let isNonzero):
            value.int.map { range.contains($0) && !(isNonzero && $0 == 0) } ?? false
        case .number: value.double != nil
        case .money:
            value.double.map {
                $0 >= 0 && $0 <= Double(Limits.amount) && ($0 * 10_000).rounded() / 10_000 == $0
            } ?? false
        case .flag: value.bool != nil
        case .confirmation: value == true
        case .choice(let words): value.string.map(words.contains) ?? false
        case .anything: value.object != nil
        case .text, .form, .word, .list, .object, .map, .nullable, .named: false
        }
    }

    /// Whether a text is a day of the calendar, `YYYY-MM-DD`.
    static func isDay(_ text: String) -> Bool {
        text.utf8.count == 10 && Timestamp.milliseconds(text + "T00:00:00Z") != nil
    }

    /// What is right, for people.
    var expected: String {
        switch self {
        case .text(let limit): "a text of up to \(limit.grouped) characters"
        case .form(let form): form.words
        case .time: "a time such as 2026-03-02T08:00:00Z"
        case .day: "a day such as 2026-03-02"
        case .moment: "a day such as 2026-03-02 or a time such as 2026-03-02T08:00:00Z"
        case .integer(let range, let isNonzero): Self.expected(range) + (isNonzero ? ", but not 0" : "")
        case .number: "a number"
        case .money: "an amount such as 12.50, of 0 to \(Limits.amount.grouped) and at most four decimals"
        case .flag: "true or false"
        case .confirmation: "true, to confirm it"
        case .choice(let words), .word(let words, _): "one of " + words.joined(separator: ", ")
        case .list(_, let count, _):
            switch (count.lowerBound, count.upperBound) {
            case (0, .max): "a list"
            case (let least, .max): "a list of \(least) or more"
            default: "a list of \(count.words)"
            }
        case .object, .map, .anything: "an object"
        case .nullable(let shape): shape.expected + ", or null"
        case .named(let resource): resource.shape.expected
        }
    }

    private static func expected(_ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (-most, most): "a whole number"
        case (let lower, most): "a whole number of \(lower.grouped) or more"
        default: "a whole number from \(range.words)"
        }
    }
}

extension Need {
    fileprivate func isMet(by object: JSONObject) -> Bool {
        switch self {
        case .oneOf(let groups):
            let known = Set(groups.joined())
            let there = Set(object.map(\.key)).intersection(known)
            return groups.contains { Set($0) == there }
        case .anyOf(let keys): return keys.contains { object[$0] != nil }
        case .when(let key, let field, let value, let isOnly):
            let isAsked = object[field]?.string == value
            return isAsked ? object[key] != nil : !isOnly || object[key] == nil
        case .only(let key, let field, let value): return object[key] == nil || object[field]?.string == value
        case .never(let key, let value, let field, let other):
            return object[key]?.string != value || object[field]?.string != other
        case .single(let key, let field): return object[field] == nil || object[key]?.array?.count == 1
        }
    }

    fileprivate func complaint(about object: JSONObject) -> String {
        func names(_ keys: [String]) -> String {
            keys.isEmpty ? "neither" : keys.map { "`\($0)`" }.joined(separator: " and ")
        }
        switch self {
        case .oneOf(let groups):
            let there = object.map(\.key).filter(Set(groups.joined()).contains)
            return "names \(names(there)): expected \(groups.map(names).joined(separator: ", or "))"
        case .anyOf(let keys):
            return "names none of \(keys.map { "`\($0)`" }.joined(separator: ", ")): expected at least one of them"
        case .when(let key, let field, let value, _) where object[key] == nil:
            return "has no `\(key)`: expected one, as `\(field)` is \(value)"
        case .when(let key, let field, let value, _), .only(let key, let field, let value):
            return "has a `\(key)`: expected one only where `\(field)` is \(value)"
        case .never(let key, let value, let field, let other):
            return "names the \(key) \(value): expected another one where `\(field)` is \(other)"
        case .single(let key, let field):
            return "names \(object[key]?.array?.count ?? 0) `\(key)`: expected one where `\(field)` is there"
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
        case .string(""): "empty"
        case .string(let text) where text.utf8.count <= 40: "\"\(text)\""
        case .string: "a longer text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
