import FoundationEssentials
import Tracking

/// Which part of a list is asked for.
public struct Page: Sendable, Equatable {
    /// At most this many items, 1 to 1000.
    public var limit: Int
    /// Where the page before ended; nil for the first page.
    public var cursor: String?
    /// From the last key to the first.
    public var descending: Bool
    /// Also count all that match.
    public var total: Bool

    /// A page of a list; a limit outside 1 to 1000 becomes the nearest of these.
    public init(limit: Int = 100, cursor: String? = nil, descending: Bool = false, total: Bool = false) {
        self.limit = min(max(limit, 1), 1_000)
        (self.cursor, self.descending, self.total) = (cursor, descending, total)
    }
}

/// One page of a list.
public struct Listing<Item: Sendable>: Sendable {
    /// The items, in the order of their key.
    public var items: [Item]
    /// Where the next page begins; nil at the end of the list.
    ///
    /// One call looks at a bounded number of rows, so a page may hold fewer items than asked for, even none, while
    /// there are more to come.
    public var nextCursor: String?
    /// How many match, where that was asked for; nil where counting them would read too much.
    public var total: Int?

    /// A page.
    public init(items: [Item], nextCursor: String? = nil, total: Int? = nil) {
        (self.items, self.nextCursor, self.total) = (items, nextCursor, total)
    }
}

/// A way through the rows of a table, in the order of its key.
///
/// It is walked in windows of keys: each statement looks at a bounded number of rows, however few of them match, and
/// the write-ahead log can be taken in between.
struct Walk {
    /// The key's column in the sources.
    var key: SQL
    /// Tables with their conditions, each in the key's order by its index. Their keys together are all that can match.
    var sources: [SQL]
    /// The tables to read, joined to `walk.key`.
    var rows: SQL
    /// What rows must fulfil.
    var condition: SQL
    /// Keys are numbers, not text.
    var isNumbered = true
    /// Where the keys lie, if they are numbers. No source says this itself: of two bounds on one side, SQLite would
    /// use either, and step over what lies between them.
    var range: Range<Int64>?

    /// Between which two texts the keys lie, the second one among them, if they are text.
    var within: (after: String, upTo: String)?

    /// Keys that one statement looks at.
    static let window = 1_000
    /// Keys that one page looks at.
    static let pageBound = 4_000
    /// Keys that are looked at to tell which of several ways is the shortest.
    static let probe = 2_000
    /// Keys that one count looks at.
    static let countBound = 1_000_000

    /// The keys behind one, up to another.
    fileprivate func keys(_ descending: Bool, behind last: Value?, upTo end: Value?) -> SQL {
        sources.map { source in
            var keys: SQL = "SELECT \(key) AS key FROM \(source)"
            if let last { keys += descending ? " AND \(key) < \(last)" : " AND \(key) > \(last)" }
            if let end { keys += descending ? " AND \(key) >= \(end)" : " AND \(key) <= \(end)" }
            return keys
        }.joined(" UNION ")
    }

    /// The last key of the window behind a key; no row where the walk ends within it.
    func boundary(_ descending: Bool, behind last: Value?) -> SQL {
        """
        \(keys(descending, behind: last, upTo: end(descending)))
        ORDER BY key \(direction(descending)) LIMIT 1 OFFSET \(Self.window - 1)
        """
    }

    /// Behind which key a walk begins that goes on behind `cursor`.
    fileprivate func start(_ descending: Bool, _ cursor: Value?) -> Value? {
        if let within { return cursor ?? .text(descending ? within.upTo : within.after) }
        guard let range else { return cursor }
        let key: Int64? = if case .int(let number)? = cursor { number } else { nil }
        return .int(descending ? min(key ?? .max, range.upperBound) : max(key ?? .min, range.lowerBound - 1))
    }

    /// With which key it ends.
    fileprivate func end(_ descending: Bool) -> Value? {
        within.map { .text(descending ? $0.after : $0.upTo) }
            ?? range.map { .int(descending ? $0.lowerBound : $0.upperBound - 1) }
    }

    /// The rows of a window that fulfil the condition, unordered.
    func select(_ columns: SQL, _ window: Window) -> SQL {
        """
        SELECT \(columns) FROM (\(keys(window.descending, behind: window.last, upTo: window.end))) AS walk
        CROSS JOIN \(rows) WHERE \(condition)
        """
    }

    fileprivate func direction(_ descending: Bool) -> SQL { descending ? "DESC" : "ASC" }
}

/// Keys behind `last`, up to and with `end`; nil is the beginning or the end of the walk.
struct Window {
    var descending = false
    var last: Value?
    var end: Value?
}

extension Connection {
    /// Goes through a walk, window by window, until `body` answers false or `bound` keys were looked at. Answers where
    /// to go on, or nil at the end of the walk.
    func forEachWindow(
        _ walk: Walk, descending: Bool = false, from cursor: Value? = nil, bound: Int = .max,
        _ body: (Window) throws -> Bool
    ) throws -> Value? {
        guard !walk.sources.isEmpty else { return nil }
        var window = Window(descending: descending, last: walk.start(descending, cursor))
        var looked = 0
        while looked < bound {
            let boundary = try first(walk.boundary(descending, behind: window.last)) { $0.value(0) }
            window.end = boundary ?? walk.end(descending)
            guard try body(window) else { return window.last }
            guard let boundary else { return nil }
            window.last = boundary
            looked += Walk.window
        }
        return window.last
    }

    /// Of several ways to all that a filter can match, the one past the fewest keys, as far as a short look tells; the
    /// first of those that are long.
    ///
    /// - Parameter range: where the keys lie, if they are numbers.
    func shortest(_ ways: [[SQL]], by key: SQL, in range: Range<Int64>? = nil) throws -> [SQL] {
        guard ways.count > 1 else { return ways.first ?? [] }
        var best = (way: ways[0], keys: Int64.max)
        for way in ways {
            var keys: Int64 = 0
            for source in way where keys < min(best.keys, Int64(Walk.probe)) {
                var probe: SQL = "SELECT 1 FROM \(source)"
                if let range { probe += " AND \(key) >= \(range.lowerBound) AND \(key) < \(range.upperBound)" }
                keys += try first("SELECT count(*) FROM (\(probe) LIMIT \(Walk.probe))") { $0.int(0) } ?? 0
            }
            if keys < best.keys { best = (way, keys) }
        }
        return best.way
    }

    /// One page of a walk.
    func page<Item: Sendable>(
        _ walk: Walk, _ page: Page, _ columns: SQL, _ read: (Statement) throws -> Item
    ) throws -> Listing<Item> {
        var items: [Item] = []
        var last: Value?
        var isFull = false
        let start = try page.cursor.map { cursor in try Value(cursor: cursor, isNumber: walk.isNumbered) }
        let goOn = try forEachWindow(
            walk, descending: page.descending, from: start, bound: Walk.pageBound
        ) { window in
            let query: SQL = """
                \(walk.select("\(columns), walk.key", window))
                ORDER BY walk.key \(walk.direction(page.descending)) LIMIT \(page.limit + 1 - items.count)
                """
            try select(query) { row in
                guard items.count < page.limit else {
                    isFull = true
                    return
                }
                items.append(try read(row))
                last = row.value(row.columnCount - 1)
            }
            return !isFull
        }
        return Listing(items: items, nextCursor: (isFull ? last : goOn)?.cursor)
    }

    /// How many rows of a walk fulfil its condition; nil where that would look at too many.
    func count(_ walk: Walk) throws -> Int? {
        var count: Int64 = 0
        let rest = try forEachWindow(walk, bound: Walk.countBound) { window in
            count += try first(walk.select("count(*)", window)) { $0.int(0) } ?? 0
            return true
        }
        return rest == nil ? Int(count) : nil
    }
}

extension Statement {
    /// A key: text or a whole number.
    func value(_ column: Int32) -> Value {
        isInteger(column) ? .int(int(column)) : .text(text(column))
    }
}

extension Value {
    /// The key as callers get it: opaque, and safe in a URL.
    var cursor: String {
        let key =
            switch self {
            case .null: ""
            case .int(let number): "n\(number)"
            case .text(let text): "t\(text)"
            }
        let base64 = Data(key.utf8).base64EncodedString()
        return base64.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Reads what `cursor` wrote.
    init(cursor: String, isNumber: Bool) throws(Refusal) {
        let plain = cursor.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
        let key = Data(base64Encoded: plain + padding).flatMap { String(validating: $0, as: UTF8.self) }
        let content = key?.dropFirst() ?? ""
        switch (key?.first, isNumber, Int64(content)) {
        case ("n", true, let number?): self = .int(number)
        case ("t", false, _): self = .text(String(content))
        default: throw .noCursor
        }
    }
}

extension Refusal {
    /// A cursor that no list gave.
    static var noCursor: Refusal {
        Refusal(.invalid, "this cursor is not one that a list gave; leave it out to begin at the first page")
    }
}
