import ControlAPI

/// One column of a list: where its values come from and how they are shown.
struct Column: Sendable {
    enum Kind { case text, number, signed, money, percent, time, moment, day, flag, status }

    /// What stands above it, for people.
    var title: String
    /// The key of the value, with a dot for each step inside; also the column's name in CSV.
    var key: String
    var kind = Kind.text
    /// The higher, the sooner it goes where the screen is narrow; 0 stays, and nil is for CSV only.
    var rank: Int?
    /// Whether it may be cut to make room.
    var shrinks = false
    /// Whether it must be read whole: where it has no room in the row, it stands below it.
    var isWhole = false
    /// What people see instead of the value itself.
    var shown: (@Sendable (JSONValue) -> String)?

    init(
        _ title: String, _ key: String, _ kind: Kind = .text, rank: Int? = 0, shrinks: Bool = false,
        isWhole: Bool = false, shown: (@Sendable (JSONValue) -> String)? = nil
    ) {
        (self.title, self.key, self.kind, self.rank, self.shrinks) = (title, key, kind, rank, shrinks)
        (self.isWhole, self.shown) = (isWhole, shown)
    }

    /// A column of CSV only.
    static func data(_ key: String) -> Column { Column("", key, rank: nil) }

    var isRight: Bool { kind == .number || kind == .signed || kind == .money || kind == .percent }

    func value(_ item: JSONValue) -> JSONValue? { item.at(key) }

    /// The cell for people.
    func text(_ item: JSONValue) -> String {
        if let shown { return shown(item) }
        guard let value = value(item) else { return "" }
        switch (kind, value) {
        case (.time, .string(let text)): return LocalTime.text(text)
        case (.moment, .string(let text)): return LocalTime.text(text, seconds: true)
        case (.day, .string(let text)): return text.utf8.count == 10 ? visible(text) : LocalTime.day(text)
        case (.status, .string(let text)): return words(text)
        case (.signed, .int(let number)) where number > 0: return "+\(number)"
        case (.percent, _): return value.double.map(percent) ?? ""
        case (.money, _): return value.double.map(amount) ?? ""
        case (.flag, .bool(let flag)): return flag ? "yes" : ""
        default: return value.plain
        }
    }

    /// The colour of a cell.
    func paint(_ text: String) -> Paint? {
        if kind == .flag, text == "LOW" { return .amber }
        guard kind == .status else { return nil }
        return switch text {
        case "in stock", "accepted", "printed", "released", "completed", "connected", "resolved": .green
        case "defect", "written off", "refused", "failed", "cancelled", "error", "disconnected", "pending": .red
        case "ignored", "queued", "sent", "returned", "absent", "inspected", "processing", "with supplier": .amber
        default: nil
        }
    }

    private func percent(_ part: Double) -> String {
        let tenths = Int((part * 1_000).rounded())
        return "\(tenths / 10).\(tenths % 10) %"
    }
}

extension JSONValue {
    /// The value at `a.b`, reaching inside.
    func at(_ key: String) -> JSONValue? {
        guard key.utf8.contains(UInt8(ascii: ".")) else { return self[key] }
        return key.split(separator: ".").reduce(Optional(self)) { $0?[String($1)] }
    }

    /// The value in a cell or a line, with nothing in it that could steer a terminal.
    var plain: String {
        switch self {
        case .null: ""
        case .string(let text): visible(text)
        case .bool(let flag): flag ? "yes" : "no"
        case .array(let values) where values.allSatisfy { $0.array == nil && $0.object == nil }:
            values.map(\.plain).joined(separator: " ")
        default: json
        }
    }
}

/// A list's columns, and what to say if it is empty.
struct Table: Sendable {
    var columns: [Column]
    /// A sentence for where there is nothing at all.
    var empty: String
    /// What those who may can do about it.
    var hint: Hint?
    /// The key of the value that a bar behind each row shows on a terminal.
    var bar: String?

    /// A sentence on what to do next, for those who may.
    struct Hint: Sendable {
        var text: String
        /// The right that it takes.
        var verb: String

        init(_ text: String, to verb: String) { (self.text, self.verb) = (text, verb) }
    }

    init(columns: [Column], empty: String, hint: Hint? = nil, bar: String? = nil) {
        (self.columns, self.empty, self.hint, self.bar) = (columns, empty, hint, bar)
    }

    /// Which columns are shown, and how wide; kept from the first page of a list to the next.
    struct Layout {
        fileprivate var columns: [Column]
        fileprivate var widths: [Int]
        /// What stands below each row.
        fileprivate var below: [Column]
        /// What has no room at all.
        fileprivate var missing: [Column] = []
        /// The value of a full bar.
        fileprivate var full = 1.0

        /// A column that was empty on the first page has no place on a later one.
        fileprivate mutating func note(missing all: [Column], in items: [JSONValue]) {
            let known = Set((columns + below + missing).map { $0.title + $0.key })
            missing += all.filter { column in
                !known.contains(column.title + column.key) && items.contains { !column.text($0).isEmpty }
            }
        }

        /// Says what has no room, to stand under the table.
        func note(_ screen: Screen) -> [String] {
            guard !missing.isEmpty else { return [] }
            let titles = missing.map(\.title).joined(separator: ", ")
            return wrapped("Not shown, no room: \(titles). A wider window or --json shows them.", screen.width)
                .map { screen.paint($0, .faint) }
        }
    }

    /// All rows at once, under them what has no room.
    func whole(_ items: [JSONValue], _ screen: Screen) -> [String] {
        var layout: Layout?
        return lines(items, screen, layout: &layout) + (layout?.note(screen) ?? [])
    }

    /// The rows as lines, with a header above unless an earlier page had one.
    func lines(_ items: [JSONValue], _ screen: Screen, layout: inout Layout?) -> [String] {
        let all = columns.filter { $0.rank != nil }
        var fixed = layout ?? Self.fit(all, items, screen.width)
        if layout != nil { fixed.note(missing: all, in: items) }
        if layout == nil, let bar { fixed.full = items.compactMap { $0.at(bar)?.double }.max().map { max($0, 1) } ?? 1 }
        let header = zip(fixed.columns, fixed.widths).map { fitted($0.title, $1, right: $0.isRight) }
        let head = layout == nil ? [screen.paint(trimmed(header.joined(separator: "  ")), .bold)] : []
        layout = fixed
        return head
            + items.flatMap { item in
                [line(fixed.columns.map { ($0, $0.text(item)) }, fixed.widths, screen, bar: bar(item, fixed, screen))]
                    + fixed.below.map { $0.text(item) }.filter { !$0.isEmpty }
                    .flatMap { wrapped($0, screen.width.map { max(20, $0 - 4) }) }.map { "    " + $0 }
            }
    }

    /// A bar behind the row, where it is looked at and there is room for it.
    private func bar(_ item: JSONValue, _ layout: Layout, _ screen: Screen) -> String {
        guard let bar, let value = item.at(bar)?.double, screen.height != nil, let width = screen.width else {
            return ""
        }
        let room = min(30, width - layout.widths.reduce(0) { $0 + $1 + 2 })
        return room < 8 ? "" : Bars.bar(value / layout.full, room, screen)
    }

    private func line(_ cells: [(Column, String)], _ widths: [Int], _ screen: Screen, bar: String) -> String {
        let parts = zip(cells, widths).enumerated().map { index, cell in
            let ((column, text), width) = cell
            // The last column needs no padding, and a cell that only names things is never cut.
            let isCut = column.shrinks && displayWidth(text) > width
            let padded =
                isCut || displayWidth(text) < width
                ? fitted(text, width, right: column.isRight, ellipsis: screen.glyph("…", "~")) : text
            let last = index == cells.count - 1 && !column.isRight && bar.isEmpty
            return screen.paint(last ? trimmed(padded) : padded, column.paint(text))
        }
        return trimmed((parts + (bar.isEmpty ? [] : [bar])).joined(separator: "  "))
    }

    /// Chooses the columns that fit: those that are empty go first, then what must be read whole goes below, long texts
    /// shrink, and the least important go.
    private static func fit(_ columns: [Column], _ items: [JSONValue], _ width: Int?) -> Layout {
        let cells = columns.map { column in items.map(column.text) }
        var shown = columns.indices.filter { index in
            columns[index].rank == 0 || cells[index].contains { !$0.isEmpty }
        }
        let natural = columns.indices.map { index in
            cells[index].reduce(displayWidth(columns[index].title)) { max($0, displayWidth($1)) }
        }
        func layout(_ widths: [Int]) -> Layout {
            let hidden = columns.indices.filter { !shown.contains($0) }
            let missing = hidden.filter { index in
                !columns[index].isWhole && cells[index].contains { !$0.isEmpty }
            }
            return Layout(
                columns: shown.map { columns[$0] }, widths: widths,
                below: hidden.filter { columns[$0].isWhole }.map { columns[$0] }, missing: missing.map { columns[$0] })
        }
        guard let width else { return layout(shown.map { natural[$0] }) }
        func needed(_ index: Int) -> Int {
            columns[index].shrinks ? min(natural[index], max(12, displayWidth(columns[index].title))) : natural[index]
        }
        func total() -> Int { shown.reduce(2 * (shown.count - 1)) { $0 + needed($1) } }
        if total() > width { shown.removeAll { columns[$0].isWhole } }
        while total() > width, let last = shown.max(by: { (columns[$0].rank ?? 0, $0) < (columns[$1].rank ?? 0, $1) }),
            columns[last].rank != 0
        {
            shown.removeAll { $0 == last }
        }
        var room = max(0, width - total())
        let widths = shown.map { index in
            let extra = min(room, natural[index] - needed(index))
            room -= extra
            return needed(index) + extra
        }
        return layout(widths)
    }
}

/// The text without spaces at its end.
func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.last == " " { text.removeLast() }
    return String(text)
}

/// An amount with two decimals, or as many as it needs, up to four.
func amount(_ value: Double) -> String {
    guard abs(value) < 1e14 else { return "\(value)" }
    let parts = Int((abs(value) * 10_000).rounded())
    var decimals = String(String(10_000 + parts % 10_000).dropFirst())
    while decimals.count > 2, decimals.last == "0" { decimals.removeLast() }
    return "\(value < 0 ? "-" : "")\(parts / 10_000).\(decimals)"
}
