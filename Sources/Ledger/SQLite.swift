import CSQLite

/// What the storage under the ledger could not do, in words for the journal and the operator.
public struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of trouble it is.
    public var kind: Kind
    /// What happened and what to do.
    public var description: String

    /// The kinds of trouble that call for different answers.
    public enum Kind: Sendable, Equatable {
        /// The disk is full.
        case full
        /// The file or disk can't be written.
        case readOnly
        /// Another program holds the file.
        case locked
        /// The file is damaged, or no ledger.
        case damaged
        /// The file was written by a newer version.
        case newer
        /// Anything else.
        case other
    }

    /// A storage trouble of a kind.
    public init(_ kind: Kind, _ description: String) {
        (self.kind, self.description) = (kind, description)
    }

    init(_ code: Int32, _ connection: OpaquePointer?, _ what: String) {
        let detail = connection.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
        switch code & 0xFF {
        case SQLITE_FULL: self.init(.full, "cannot write to the ledger: the disk is full; free some space")
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN:
            self.init(.readOnly, "cannot write to the ledger: \(detail); check the disk and the file's owner")
        case SQLITE_BUSY, SQLITE_LOCKED:
            self.init(.locked, "cannot use the ledger: another program holds it")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            self.init(.damaged, "cannot read the ledger: \(detail); run travelerd check, or restore a back-up")
        case SQLITE_IOERR:
            self.init(.full, "cannot reach the ledger's disk (\(detail)); check that it is there and not full")
        default: self.init(.other, "cannot \(what): \(detail)")
        }
    }
}

/// One SQLite connection. It belongs to one thread at a time; whoever holds it sees to that.
public final class Connection {
    let handle: OpaquePointer
    private var cached: [String: Statement] = [:]
    /// For tests of how queries find their way: told each one.
    var watch: ((SQL) -> Void)?

    /// Opens a file.
    ///
    /// - Parameter mode: `readOnly` fails where there is no file; `readWrite` makes one.
    init(path: String, mode: Mode) throws(StorageError) {
        let flags =
            switch mode {
            case .readOnly: SQLITE_OPEN_READONLY
            case .readWrite: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            }
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard code == SQLITE_OK, let handle else {
            let error = StorageError(code, handle, "open \(path)")
            sqlite3_close_v2(handle)
            throw error
        }
        self.handle = handle
        sqlite3_busy_timeout(handle, 2_000)
    }

    enum Mode { case readOnly, readWrite }

    deinit {
        cached.removeAll()
        sqlite3_close_v2(handle)
    }

    /// Runs statements that give no rows.
    func execute(_ sql: String) throws(StorageError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw StorageError(code, handle, "run \(sql.prefix(60))") }
    }

    /// A statement, compiled once per connection.
    func statement(_ sql: String) throws(StorageError) -> Statement {
        if let known = cached[sql] { return known }
        let statement = try Statement(sql, self)
        // Lists of any length make texts without end.
        if cached.count >= 128 { cached.removeAll(keepingCapacity: true) }
        cached[sql] = statement
        return statement
    }

    /// Runs a query and reads its rows. Values are bound to `?1`, `?2`, ... in their order.
    public func rows<Result>(
        _ sql: String, _ values: [Value] = [], _ read: (borrowing Row) throws -> Result
    ) throws -> [Result] {
        let statement = try statement(sql)
        defer { statement.reset() }
        for (index, value) in values.enumerated() { statement.bind(Int32(index + 1), value) }
        var rows: [Result] = []
        while try statement.step() { rows.append(try read(Row(statement))) }
        return rows
    }

    /// The one number that a query gives; 0 where it gives none.
    public func number(_ sql: String, _ values: [Value] = []) throws -> Int64 {
        try rows(sql, values) { $0.int(0) }.first ?? 0
    }

    /// Reads several statements of one state of the ledger, whatever is written meanwhile.
    public func consistently<Result>(_ body: () throws -> Result) throws -> Result {
        if isInTransaction { return try body() }
        try execute("BEGIN")
        do {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            try? execute("ROLLBACK")
            throw error
        }
    }

    /// How many rows the last statement changed.
    var changes: Int32 { sqlite3_changes(handle) }

    /// Whether a transaction is open.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }
}

/// A value bound to a query.
public enum Value: Sendable, Equatable {
    /// Nothing.
    case null
    /// A whole number.
    case int(Int64)
    /// Text in UTF-8.
    case text(String)
}

/// The row that a query stands on. Columns count from 0.
public struct Row: ~Copyable {
    private let statement: Statement
    init(_ statement: Statement) { self.statement = statement }
    /// A whole number; 0 for nothing.
    public func int(_ column: Int32) -> Int64 { statement.int(column) }
    /// Text; empty for nothing.
    public func text(_ column: Int32) -> String { statement.text(column) }
    /// Text, or nil for nothing.
    public func optionalText(_ column: Int32) -> String? { statement.optionalText(column) }
    /// A whole number, or nil for nothing.
    public func optionalInt(_ column: Int32) -> Int64? { statement.isNull(column) ? nil : statement.int(column) }
}

/// A compiled statement of one connection.
final class Statement {
    private let handle: OpaquePointer
    private unowned let connection: Connection
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    init(_ sql: String, _ connection: Connection) throws(StorageError) {
        var handle: OpaquePointer?
        let code = sqlite3_prepare_v3(
            connection.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, let handle else {
            throw StorageError(code, connection.handle, "prepare \(sql.prefix(80))")
        }
        self.handle = handle
        self.connection = connection
    }

    deinit { sqlite3_finalize(handle) }

    func reset() {
        sqlite3_reset(handle)
    }

    /// Steps to the next row; false at the end.
    func step() throws(StorageError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let error = StorageError(code, connection.handle, "read or write the ledger")
            sqlite3_reset(handle)
            throw error
        }
    }

    /// Runs a statement that gives no rows, and makes it ready for the next time.
    func run() throws(StorageError) {
        _ = try step()
        sqlite3_reset(handle)
    }

    func bind(_ index: Int32, _ value: Value) {
        switch value {
        case .null: sqlite3_bind_null(handle, index)
        case .int(let value): sqlite3_bind_int64(handle, index, value)
        case .text(let value): bind(index, value)
        }
    }

    func bind(_ index: Int32, _ value: String?) {
        guard var value else {
            sqlite3_bind_null(handle, index)
            return
        }
        value.withUTF8 { bytes in
            _ = bytes.withMemoryRebound(to: CChar.self) {
                // An empty string has no address; SQLite would take that for nothing.
                sqlite3_bind_text(handle, index, $0.baseAddress ?? emptyText, Int32($0.count), Self.transient)
            }
        }
    }

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { sqlite3_bind_int64(handle, index, value) } else { sqlite3_bind_null(handle, index) }
    }

    func bind(_ index: Int32, _ value: Int) { sqlite3_bind_int64(handle, index, Int64(value)) }

    func bind(_ index: Int32, blob: [UInt8]) {
        _ = blob.withUnsafeBytes {
            sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), Self.transient)
        }
    }

    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func isInteger(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_INTEGER }
    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }
    func optionalInt(_ column: Int32) -> Int64? { isNull(column) ? nil : int(column) }

    func text(_ column: Int32) -> String {
        guard let bytes = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    func blob(_ column: Int32) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
    }

    var columnCount: Int32 { sqlite3_column_count(handle) }
    func columnName(_ column: Int32) -> String { String(cString: sqlite3_column_name(handle, column)) }
}

// Never freed and never written: something for SQLite to point at where a string is empty.
nonisolated(unsafe) private let emptyText: UnsafePointer<CChar> = {
    let byte = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    byte.initialize(to: 0)
    return UnsafePointer(byte)
}()
