import Barcodes
import ControlAPI

/// One line of a scenario, read.
struct ScenarioLine {
    /// Line number in its file, from 1.
    var number: Int
    /// How long after the line before it happens, in milliseconds; nil for the usual pause.
    var delay: Int64?
    /// What happens, or is looked at.
    var step: Step
    /// What must come out; nil where anything may.
    var expected: Expectation?

    enum Step: Equatable {
        case site(String)
        case clock(Int64)
        case wait(Int64)
        case scan(station: String, code: String)
        case request(login: String, method: String, path: String, body: String?)
        case unit(String)
        case card(String)

        /// Whether what is done or looked at contains this text.
        func uses(_ text: String) -> Bool {
            switch self {
            case .clock, .wait: false
            case .scan(let station, let code): station.contains(text) || code.contains(text)
            case .request(_, _, let path, let body): path.contains(text) || body?.contains(text) == true
            case .site(let name), .unit(let name), .card(let name): name.contains(text)
            }
        }
    }

    struct Expectation: Equatable {
        /// `accepted`, `refused`, `ignored` or an HTTP status; nil for expectations on a unit or a card.
        var result: String?
        var fields: [(path: String, value: String)]

        static func == (left: Expectation, right: Expectation) -> Bool {
            left.result == right.result && left.fields.map(\.path) == right.fields.map(\.path)
                && left.fields.map(\.value) == right.fields.map(\.value)
        }
    }

    /// A line that can't be read, with what would be right.
    struct Malformed: Error {
        var message: String
    }

    /// Reads a line; nil for an empty one and a comment.
    init?(_ text: String, number: Int) throws(Malformed) {
        var words = Words(text)
        guard let first = words.peek(), !first.hasPrefix("#") else { return nil }
        self.number = number
        if first.hasPrefix("+") {
            guard let delay = Self.duration(String(first.dropFirst())) else {
                throw Malformed(message: "\(first) is no delay; write +100ms, +30s, +2m or +1h")
            }
            self.delay = delay
            _ = try words.next()
        }
        step = try Self.step(&words)
        switch step {
        case .unit, .card:
            let fields = try words.fields()
            guard !fields.isEmpty else { throw Malformed(message: "expected what the line must show, as key=value") }
            expected = Expectation(result: nil, fields: fields)
        default:
            guard words.peek() != nil else { return }
            guard try words.next() == "=>" else { throw Malformed(message: "expected => and what must come out") }
            expected = Expectation(result: try words.next(), fields: try words.fields())
        }
    }

    private static func step(_ words: inout Words) throws(Malformed) -> Step {
        let first = try words.next()
        switch first {
        case "site": return .site(try words.next())
        case "clock":
            let text = try words.next()
            guard let time = Timestamp.milliseconds(text) else {
                throw Malformed(message: "\(text) is no time; write 2026-03-02T08:00:00Z")
            }
            return .clock(time)
        case "wait":
            let text = try words.next()
            guard let time = duration(text) else { throw Malformed(message: "\(text) is no duration; write 30s or 2m") }
            return .wait(time)
        case "unit": return .unit(try words.next())
        case "card": return .card(try words.next())
        case "as":
            let (login, method, path) = (try words.next(), try words.next(), try words.next())
            guard ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(method), path.hasPrefix("/") else {
                throw Malformed(message: "expected: as LOGIN METHOD /v1/... [JSON]")
            }
            return .request(login: login, method: method, path: path, body: words.body())
        default: return .scan(station: first, code: try words.next())
        }
    }

    /// Milliseconds of `100ms`, `30s`, `2m`, `1h`, `2d`.
    static func duration(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [String: Int64] = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let count = Int64(digits), let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }
}

/// Words of a line; one in double quotes is a JSON string, as is what stands behind `key=`.
private struct Words {
    private var rest: Substring

    init(_ text: String) {
        rest = Substring(text)
        skipSpace()
    }

    private mutating func skipSpace() {
        rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
    }

    func peek() -> String? {
        rest.isEmpty ? nil : String(rest.prefix { $0 != " " && $0 != "\t" })
    }

    mutating func next() throws(ScenarioLine.Malformed) -> String {
        guard let first = rest.first else { throw .init(message: "the line ends too early") }
        defer { skipSpace() }
        if first == "\"" { return try quoted() }
        let word = rest.prefix { $0 != " " && $0 != "\t" }
        rest = rest.dropFirst(word.count)
        return String(word)
    }

    private mutating func quoted() throws(ScenarioLine.Malformed) -> String {
        var end = rest.index(after: rest.startIndex)
        while end < rest.endIndex, rest[end] != "\"" {
            if rest[end] == "\\" { end = rest.index(after: end) }
            if end < rest.endIndex { end = rest.index(after: end) }
        }
        guard end < rest.endIndex, let text = (try? JSONValue(json: String(rest[...end])))?.string else {
            throw .init(message: "\(rest) is no JSON string")
        }
        rest = rest[rest.index(after: end)...]
        return text
    }

    /// Everything up to `=>`, or to the end; nil for nothing.
    mutating func body() -> String? {
        var body = rest
        var search = rest.endIndex
        while let range = rest[..<search].range(of: "=>") {
            if rest[..<range.lowerBound].last.map({ $0 == " " }) ?? true {
                body = rest[..<range.lowerBound]
                break
            }
            search = range.lowerBound
        }
        rest = rest[body.endIndex...]
        skipSpace()
        let trimmed = body.reversed().drop { $0 == " " }.reversed()
        return trimmed.isEmpty ? nil : String(trimmed)
    }

    mutating func fields() throws(ScenarioLine.Malformed) -> [(path: String, value: String)] {
        var fields: [(path: String, value: String)] = []
        while !rest.isEmpty {
            guard let equals = rest.firstIndex(of: "="), !rest[..<equals].contains(" ") else {
                throw .init(message: "expected key=value, found \(peek() ?? "")")
            }
            let path = String(rest[..<equals])
            rest = rest[rest.index(after: equals)...]
            let isEmpty = rest.first.map { $0 == " " } ?? true
            if isEmpty { skipSpace() }
            fields.append((path, isEmpty ? "" : try next()))
        }
        return fields
    }
}

extension Substring {
    /// The last place of an ASCII pattern.
    fileprivate func range(of pattern: String) -> Range<Index>? {
        var start = endIndex
        while start > startIndex {
            start = index(before: start)
            if self[start...].hasPrefix(pattern) {
                return start..<index(start, offsetBy: pattern.count)
            }
        }
        return nil
    }
}
