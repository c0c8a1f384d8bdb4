import ControlAPI

/// Writes a list page by page, so that even a long one needs little memory.
///
/// A page may be short, even empty, while there are more: only a missing cursor ends the list.
struct ListWriter {
    var table: Table
    let options: ListOptions
    let screen: Screen
    /// Whether the daemon gives it in pages; a report comes at once, and is cut here.
    let isPaged: Bool

    private var cursor: String?
    private var isFirstPage = true
    private(set) var written = 0
    private var isCut = false
    private var layout: Table.Layout?
    private var total: JSONValue?

    /// The daemon's largest page.
    private static let pageLimit = 1_000
    /// How many rows are written where nobody says how many, as many as the daemon gives then.
    private static let usualLimit = 100

    init(table: Table, options: ListOptions, screen: Screen, isPaged: Bool = true) {
        (self.table, self.options, self.screen, self.isPaged) = (table, options, screen, isPaged)
    }

    /// How many rows are still to be written; nil for all there are.
    private var left: Int? {
        if options.all || !isPaged && options.limit == nil { return nil }
        return (options.limit ?? Self.usualLimit) - written
    }

    /// What the next page's request needs beyond the filters.
    var parameters: [Request.Parameter] {
        guard isPaged else { return [] }
        let isUsual = isFirstPage && !options.all && options.limit == nil
        let limit = isUsual ? nil : min(left ?? Self.pageLimit, Self.pageLimit)
        return [
            limit.map { Request.Parameter(name: "limit", value: String($0)) },
            cursor.map { .init(name: "cursor", value: $0) },
            isFirstPage && options.total ? .init(name: "total", value: "true") : nil,
        ]
        .compactMap { $0 }
    }

    /// Whether there is another page to ask for.
    var wantsMore: Bool { cursor != nil && left.map { $0 > 0 } ?? true }

    /// A page as text.
    mutating func page(_ answer: JSONValue) throws(Failure) -> String {
        var items = answer["items"]?.array ?? []
        if let left, items.count > left {
            items = Array(items.prefix(left))
            isCut = true
        }
        let next = answer["next_cursor"]?.string
        guard next == nil || next != cursor else { throw Failure.endlessList }
        cursor = next
        total = answer["total"] ?? total ?? (options.total && !isPaged ? .int(answer["items"]?.array?.count ?? 0) : nil)
        let (isFirst, isFirstRow) = (isFirstPage, written == 0)
        isFirstPage = false
        written += items.count
        if options.json {
            let start = isFirst ? "{\"items\":[" : ""
            return start + items.enumerated().map { ($0 > 0 || !isFirstRow ? "," : "") + $1.json }.joined()
        }
        if options.csv {
            return (isFirst ? CSV.header(table.columns) : "")
                + items.map { CSV.row($0, table.columns, isShown: screen.height != nil) }.joined()
        }
        guard !items.isEmpty else { return "" }
        let sum = answer["totals"]?.object.map { totals in
            var row = totals
            row["key"] = "All"
            return JSONValue.object(row)
        }
        return table.lines(items + (sum.map { [$0] } ?? []), screen, layout: &layout).map { $0 + "\n" }.joined()
    }

    /// What stands behind the last page.
    func end() -> String {
        if options.json {
            let total = total.map { ",\"total\":\($0.json)" } ?? ""
            let next = isPaged ? ",\"next_cursor\":\(cursor.map { JSONValue.string($0).json } ?? "null")" : ""
            return "]\(next)\(total)}\n"
        }
        guard !options.csv else { return "" }
        guard written > 0 else { return wrapped(table.empty, screen.width).joined(separator: "\n") + "\n" }
        return (layout?.note(screen) ?? []).map { $0 + "\n" }.joined()
    }

    /// Whether there is nothing at all.
    var isEmpty: Bool { written == 0 && cursor == nil }

    /// How many there are, if that was asked, and whether there is more than was asked for.
    var note: String? {
        guard !options.json else { return nil }
        let counted = total.map { "\($0.plain) in all." }
        let more = cursor != nil || isCut ? "There are more: --all shows every row, --limit N more of them." : nil
        return counted == nil && more == nil ? nil : [counted, more].compactMap { $0 }.joined(separator: " ")
    }
}

extension Failure {
    /// A cursor that leads to itself would be followed for ever; to stop as if the list had ended would hide rows.
    static let endlessList = Failure(
        .tryAgain,
        "the daemon's list leads to where it was, so its end was not found; 'journalctl -u travelerd' may say why")
}
