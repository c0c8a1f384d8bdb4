import ControlAPI

/// Comma-separated values (RFC 4180): lines end with CR LF, and the header has the names of the wire.
enum CSV {
    static func header(_ columns: [Column]) -> String { line(columns.map(\.key)) }

    /// - Parameter isShown: whether it goes to a terminal, which nothing may steer, rather than to a file.
    static func row(_ item: JSONValue, _ columns: [Column], isShown: Bool) -> String {
        let cells = columns.map { $0.value(item).map(cell) ?? "" }
        return line(isShown ? cells.map { visible($0) } : cells)
    }

    /// A value as a cell. Numbers stay as they are, `-5` too; a text that a spreadsheet would run as a formula gets an
    /// apostrophe in front, as its neighbours in the file may come from anybody who can write a note.
    private static func cell(_ value: JSONValue) -> String {
        switch value {
        case .null: return ""
        case .string(let text): return safe(text)
        case .array(let values) where values.allSatisfy { $0.string != nil }:
            return safe(values.compactMap(\.string).joined(separator: " "))
        default: return value.json
        }
    }

    private static func safe(_ text: String) -> String {
        guard let first = text.unicodeScalars.first, "=+-@\t\r\n".unicodeScalars.contains(first) else { return text }
        return "'" + text
    }

    private static func line(_ cells: [String]) -> String {
        cells.map(quoted).joined(separator: ",") + "\r\n"
    }

    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
