import CSQLite
import Glibc

/// What the storage under the ledger could not do, in words for the journal and the operator.
public struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of trouble it is.
    public var kind: Kind
    /// What happened and what to do.
    public var description: String
    /// For who looks after the machine: the file, SQLite's extended result code, and the system's error. May be empty.
    public var cause = ""

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
        let isOfTheSystem = [SQLITE_IOERR, SQLITE_CANTOPEN].contains(code & 0xFF)
        let system = isOfTheSystem ? connection.map { sqlite3_system_errno($0) } ?? 0 : 0
        switch code & 0xFF {
        case SQLITE_FULL: self.init(.full, Self.fullDisk)
        case SQLITE_IOERR where system == ENOSPC || system == EDQUOT: self.init(.full, Self.fullDisk)
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN:
            self.init(
                .readOnly,
                "cannot write to the ledger: \(detail); see that the disk is mounted for writing and that the file belongs to the daemon's user"
            )
        case SQLITE_IOERR where system == EROFS || system == EACCES || system == EPERM:
            self.init(
                .readOnly,
                "cannot write to the ledger: \(String(cString: strerror(system))); see that the disk is mounted for writing"
            )
        case SQLITE_BUSY, SQLITE_LOCKED:
            self.init(.locked, "cannot use the ledger: another program holds it; end that program (fuser names it)")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            self.init(
                .damaged,
                "cannot read the ledger: \(detail); stop the daemon and run travelerd check, or restore a back-up")
        case SQLITE_IOERR:
            self.init(.other, "cannot reach the ledger's disk (\(detail)); see that it is there and works")
        default: self.init(.other, "cannot \(what): \(detail)")
        }
        let file = connection.flatMap { sqlite3_db_filename($0, "main") }.map { String(cString: $0) } ?? ""
        cause = [
            file, "SQLite \(code)", String(cString: sqlite3_errstr(code)),
            system == 0 ? "" : "errno \(system) (\(String(cString: strerror(system))))",
        ].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private static let fullDisk = "cannot write to the ledger: the disk is full; free some space"
}

/// One SQLite connection. It belongs to one thread at a time; whoever holds it sees to that.
public final class Connection {
    let handle: OpaquePointer
    private var cached: [String: Statement] = [:]
    /// For tests of how queries find their way: told each one.
    var watch: ((SQL) -> Void)?

    /// The file's name.
    var path: String { sqlite3_db_filename(handle, "main").map { String(cString: $0) } ?? "" }

    /// Opens a file.
    ///
    /// - Parameter mode: `readOnly` fails where there is no file; `readWrite` makes one; `unchanging` reads without locks
    ///   what nobody can write, such as a file without a log on a read-only disk.
    init(path: String, mode: Mode) throws(StorageError) {
        let (name, flags) =
            switch mode {
            case .readOnly: (path, SQLITE_OPEN_READONLY)
            case .readWrite: (path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
            case .unchanging: ("file:" + Self.escaped(path) + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
            }
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(name, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard code == SQLITE_OK, let handle else {
            let error = StorageError(code, handle, "open \(path)")
            sqlite3_close_v2(handle)
            throw error
        }
        self.handle = handle
        sqlite3_busy_timeout(handle, 2_000)
        let registered = sqlite3_create_function_v2(
            handle, "row_check", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nil, rowCheck, nil, nil, nil
        )
        guard registered == SQLITE_OK else { throw StorageError(registered, handle, "open \(path)") }
    }

    enum Mode { case readOnly, readWrite, unchanging }

    private static func escaped(_ path: String) -> String {
        path.replacing("%", with: "%25").replacing("?", with: "%3f").replacing("#", with: "%23")
    }

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

    /// Whether the file could only be opened for reading.
    var isReadOnly: Bool { sqlite3_db_readonly(handle, "main") == 1 }

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

/// `row_check(value, ...)`: 64 bits (FNV-1a) over the types, lengths and bytes of values, to find damage to a row that
/// nothing else would show. It is no protection against people.
private let rowCheck: @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void = {
    context, count, values in
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    func add(_ number: Int64) { withUnsafeBytes(of: number.littleEndian) { $0.forEach(add) } }
    for index in 0..<Int(count) {
        let value = values?[index]
        let type = sqlite3_value_type(value)
        add(UInt8(truncatingIfNeeded: type))
        switch type {
        case SQLITE_NULL: break
        case SQLITE_INTEGER: add(sqlite3_value_int64(value))
        default:
            let bytes = sqlite3_value_blob(value)
            let length = Int(sqlite3_value_bytes(value))
            add(Int64(length))
            UnsafeRawBufferPointer(start: bytes, count: length).forEach(add)
        }
    }
    sqlite3_result_int64(context, Int64(bitPattern: hash))
}
