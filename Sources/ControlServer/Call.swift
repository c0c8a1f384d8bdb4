import Barcodes
import ControlAPI
import Ledger
import Tracking

/// A request that passed its route's checks, with what its handler needs.
struct Call: Sendable {
    let control: Control
    let caller: Caller
    let access: Access
    let plant: Plant
    let parameters: [String: String]
    var query: [String: JSONValue] = [:]
    var body: JSONObject = [:]
    /// The body, where it is a text.
    var text = ""
    /// The body, where it is a file.
    var bytes: [UInt8] = []
    var key: IdempotencyKey?
    var lastEventID: String?
    /// How urgent what it reads is.
    var pace = Pace.lookup
    /// The lane that the handler runs on, where it has one.
    var lane: Lane?
    /// The caller's turn, where there are only so many.
    var turn: Turns.Turn?

    var ledger: Ledger { control.ledger }

    // MARK: What came in

    /// The value of a parameter of the path.
    func path(_ name: String) -> String { parameters[name] ?? "" }

    /// The text of a field that must be there; what is read here was checked by its declaration.
    func field(_ name: String) -> String { body[name]?.string ?? "" }
    /// The texts of a field that is a list.
    func fields(_ name: String) -> [String] { body[name]?.array?.compactMap(\.string) ?? [] }
    /// The amount in a field.
    func money(_ name: String) -> Money? { body[name]?.double.flatMap { Money($0) } }

    /// A page of a list.
    var page: Page {
        Page(
            limit: query["limit"]?.int ?? 100, cursor: query["cursor"]?.string,
            descending: query["order"]?.string?.hasPrefix("-") ?? false, total: query["total"]?.bool ?? false)
    }

    /// A word of a vocabulary in the query.
    func word<Word: RawRepresentable>(_ name: String) -> Word? where Word.RawValue == String {
        query[name]?.string.flatMap(Word.init)
    }

    /// A time of the query in milliseconds since 1970; a day is its begin in the plant's time zone, or its end.
    func time(_ name: String, endOfDay: Bool = false) -> Int64? {
        guard let text = query[name]?.string else { return nil }
        if let time = Timestamp.milliseconds(text) { return time }
        guard let midnight = Timestamp.milliseconds(text + "T00:00:00Z") else { return nil }
        let day = LocalDate(daysSince1970: Int(midnight / 86_400_000) + (endOfDay ? 1 : 0))
        return ledger.zone.start(of: day) * 1_000
    }

    /// Refuses a period that ends before it begins, in every list and report alike.
    func checkPeriod() throws(Problem) {
        for (start, end) in [("from", "to"), ("changed_from", "changed_to")] {
            guard let from = time(start), let to = time(end, endOfDay: true), from >= to else { continue }
            let (first, last) = (query[start]?.string ?? "", query[end]?.string ?? "")
            let message =
                "`\(end)` (\(last)) is not after `\(start)` (\(first)): expected a period that ends after it begins"
            throw Problem(.invalidArgument, message, errors: [.init(path: end, message: message)])
        }
    }

    // MARK: What goes out

    /// Reads from the ledger.
    func read<Result: Sendable>(_ body: @escaping @Sendable (Connection) throws -> Result) async throws -> Result {
        try await ledger.read(pace, on: lane, body)
    }

    /// Carries out a command and answers with what `render` makes of the state right after it.
    func submit(
        _ command: Command, status: Int = 200,
        render: @escaping @Sendable (inout State, Decision) -> JSONValue
    ) async throws -> ControlResponse {
        let answer = try await ledger.submit(command, by: .person(access), key: key) { state, decision in
            StoredAnswer(status: status, body: render(&state, decision).jsonBytes)
        }
        return ControlResponse(status: answer.status, json: answer.body)
    }

    /// An answer of JSON.
    func json(_ value: JSONValue) -> ControlResponse { ControlResponse(json: value.jsonBytes) }

    /// A page of a list.
    func list<Item: Sendable>(_ listing: Listing<Item>, _ render: (Item) -> JSONValue) -> ControlResponse {
        json(
            JSONValue(omittingNil: [
                "items": .array(listing.items.map(render)),
                "next_cursor": listing.nextCursor.map(JSONValue.string) ?? .null,
                "total": listing.total.map(JSONValue.int),
            ]))
    }

    /// A page of what the plant holds, by its unique key.
    func listing<Item: Sendable>(
        _ items: some Sequence<Item>, by key: (Item) -> String
    ) throws(Problem) -> Listing<Item> {
        let page = page
        var sorted = items.map { (key: key($0), item: $0) }.sorted { ($0.key < $1.key) != page.descending }
        let total = page.total ? sorted.count : nil
        if let cursor = page.cursor {
            guard let last = PlantCursor.key(cursor) else {
                throw Problem(.invalidArgument, "this cursor is none that a list gave; begin without one")
            }
            sorted.removeAll { page.descending ? $0.key >= last : $0.key <= last }
        }
        let items = sorted.prefix(page.limit)
        let next = sorted.count > items.count ? items.last.map { PlantCursor.text($0.key) } : nil
        return Listing(items: items.map(\.item), nextCursor: next, total: total)
    }

    /// The same as an answer.
    func list<Item: Sendable>(
        _ items: some Sequence<Item>, by key: (Item) -> String, _ render: (Item) -> JSONValue
    ) throws(Problem) -> ControlResponse {
        list(try listing(items, by: key), render)
    }

    /// The no that something does not exist, or lies outside the caller's scope: the two are the same.
    func notFound(_ what: String, _ name: String) -> Problem {
        Problem(.notFound, "there is no \(what) \(name.shown)")
    }
}

/// Cursors of lists that are not kept in the ledger's tables: the last key, in hexadecimal digits.
private enum PlantCursor {
    static func text(_ key: String) -> String {
        key.utf8.reduce(into: "") { $0 += ($1 < 16 ? "0" : "") + String($1, radix: 16) }
    }

    static func key(_ text: String) -> String? {
        let digits = Array(text)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index].hexDigitValue, let low = digits[index + 1].hexDigitValue else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
