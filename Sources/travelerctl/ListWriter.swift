import ControlAPI

/// Writes a list page by page, so that even a long one needs little memory.
struct ListWriter {
    let table: Table
    let options: ListOptions
    let screen: Screen

    private var cursor: String?
    private var written = 0
    private var layout: Table.Layout?
    private var total: JSONValue?

    /// The daemon's largest page.
    private static let pageLimit = 1_000

    init(table: Table, options: ListOptions, screen: Screen) {
        (self.table, self.options, self.screen) = (table, options, screen)
    }

    /// What the next page's request needs beyond the filters.
    var parameters: [Request.Parameter] {
        let limit = options.all ? Self.pageLimit : options.limit.map { min($0 - written, Self.pageLimit) }
        return [
            limit.map { Request.Parameter(name: "limit", value: String($0)) },
            cursor.map { .init(name: "cursor", value: $0) },
        ]
        .compactMap { $0 }
    }

    /// Whether there is another page to ask for.
    var wantsMore: Bool {
        cursor != nil && (options.all || options.limit.map { written < $0 } ?? false)
    }

    /// A page as text.
    mutating func page(_ answer: JSONValue) -> String {
        let items = answer["items"]?.array ?? []
        let isFirst = written == 0
        let previous = cursor
        cursor = answer["next_cursor"]?.string
        // A page that leads nowhere ends the list, whatever it says.
        if items.isEmpty || cursor == previous { cursor = nil }
        total = answer["total"] ?? total
        written += items.count
        if options.json {
            let start = previous == nil ? "{\"items\":[" : ""
            return start + items.enumerated().map { ($0 > 0 || !isFirst ? "," : "") + $1.json }.joined()
        }
        if options.csv {
            return (previous == nil ? CSV.header(table.columns) : "")
                + items.map { CSV.row($0, table.columns, isShown: screen.height != nil) }.joined()
        }
        if written == 0 { return wrapped(table.empty, screen.width).joined(separator: "\n") + "\n" }
        let sum = answer["totals"]?.object.map { totals in
            var row = totals
            row["key"] = "All"
            return JSONValue.object(row)
        }
        return table.lines(items + (sum.map { [$0] } ?? []), screen, layout: &layout).map { $0 + "\n" }.joined()
    }

    /// What stands behind the last page.
    func end() -> String {
        guard options.json else { return "" }
        let total = total.map { ",\"total\":\($0.json)" } ?? ""
        return "],\"next_cursor\":\(cursor.map { JSONValue.string($0).json } ?? "null")\(total)}\n"
    }

    /// A hint that there is more than was asked for.
    var note: String? {
        cursor == nil || options.json ? nil : "There are more: --all shows every row, --limit N more of them."
    }
}
