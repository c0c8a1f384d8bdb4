import Tracking

/// A piece of SQL and the values in it. Whatever is interpolated is bound, never part of the text; only another piece
/// of SQL is put in as it is.
struct SQL: ExpressibleByStringInterpolation {
    var text = ""
    var values: [Value] = []

    init(stringLiteral value: StaticString) { text = value.description }
    init(stringInterpolation: StringInterpolation) { self = stringInterpolation.sql }
    /// Words of the program's own, such as a list of columns.
    init(verbatim text: String) { self.text = text }

    struct StringInterpolation: StringInterpolationProtocol {
        var sql = SQL(verbatim: "")

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: StaticString) { sql.text += literal.description }
        mutating func appendInterpolation(_ part: SQL) { sql += part }
        mutating func appendInterpolation(_ value: Value) {
            sql.text += "?"
            sql.values.append(value)
        }
        mutating func appendInterpolation(_ value: String) { appendInterpolation(Value.text(value)) }
        mutating func appendInterpolation(_ value: Int64) { appendInterpolation(Value.int(value)) }
        mutating func appendInterpolation(_ value: Int) { appendInterpolation(Value.int(Int64(value))) }
        /// A list in parentheses, for `IN`.
        mutating func appendInterpolation(_ list: some Collection<String>) {
            sql += SQL("(") + list.map { SQL("\($0)") }.joined(", ") + SQL(")")
        }
    }

    static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum += right
        return sum
    }

    static func += (left: inout SQL, right: SQL) {
        left.text += right.text
        left.values += right.values
    }

    static let always: SQL = "TRUE"
    static let never: SQL = "FALSE"
}

extension [SQL] {
    func joined(_ separator: SQL) -> SQL {
        guard var result = first else { return SQL(verbatim: "") }
        for part in dropFirst() { result += separator + part }
        return result
    }

    /// True where all of these are.
    var all: SQL { isEmpty ? .always : "(\(joined(" AND ")))" }
    /// True where one of these is.
    var any: SQL { isEmpty ? .never : "(\(joined(" OR ")))" }
}

extension Connection {
    /// Runs a query and reads its rows.
    @discardableResult
    func select<Result>(_ sql: SQL, _ read: (Statement) throws -> Result) throws -> [Result] {
        watch?(sql)
        let statement = try statement(sql.text)
        defer { statement.reset() }
        for (index, value) in sql.values.enumerated() { statement.bind(Int32(index + 1), value) }
        var rows: [Result] = []
        while try statement.step() { rows.append(try read(statement)) }
        return rows
    }

    /// The first row of a query.
    func first<Result>(_ sql: SQL, _ read: (Statement) throws -> Result) throws -> Result? {
        watch?(sql)
        let statement = try statement(sql.text)
        defer { statement.reset() }
        for (index, value) in sql.values.enumerated() { statement.bind(Int32(index + 1), value) }
        return try statement.step() ? try read(statement) : nil
    }
}

/// A row that can't be understood.
func damagedRow(_ table: StaticString) -> StorageError {
    StorageError(.damaged, "cannot read a row of the ledger's table \(table); run travelerd check")
}
