import Crypto
import FoundationEssentials

/// The plant's own key, made with the ledger: badge codes are kept under it, and webhooks' secrets follow from it.
///
/// Beside it stands a value that follows from it, so that damage to either shows.
enum PlantKey {
    private static let (keyRow, checkRow) = ("badge_key", "badge_key_check")

    /// Makes the key of a new ledger; one that is there is kept, and gets its check value.
    /// - Throws: `StorageError` where a ledger with events has lost its key: badges are kept under that one and no other.
    static func make(_ connection: Connection) throws {
        let fresh = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
        func run(_ sql: String, _ values: [Value]) throws { _ = try connection.rows(sql, values) { _ in () } }
        if try value(keyRow, connection) == nil {
            guard try connection.number("SELECT count(*) FROM (SELECT 1 FROM event LIMIT 1)") == 0 else {
                throw damaged("it is missing")
            }
            try run("INSERT INTO meta VALUES (?1, ?2)", [.text(keyRow), .text(fresh)])
        }
        let key = try decoded(try value(keyRow, connection))
        try run("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [.text(checkRow), .text(check(key))])
    }

    /// Reads the key.
    /// - Throws: `StorageError` where it is missing, or not what it was.
    static func read(_ connection: Connection) throws -> SymmetricKey {
        let key = try decoded(try value(keyRow, connection))
        guard try value(checkRow, connection) == check(key) else {
            throw damaged("it and its check value don't belong together")
        }
        let rows = try connection.number("SELECT count(*) FROM meta")
        guard rows == 2 else { throw damaged("\(rows) rows stand where two belong") }
        return key
    }

    private static func value(_ row: String, _ connection: Connection) throws -> String? {
        try connection.rows("SELECT value FROM meta WHERE key = ?1", [.text(row)]) { $0.text(0) }.first
    }

    private static func decoded(_ text: String?) throws -> SymmetricKey {
        guard let text else { throw damaged("it is missing") }
        guard let bytes = Data(base64Encoded: text), bytes.count == 32, bytes.base64EncodedString() == text else {
            throw damaged("it is not 32 bytes in base64")
        }
        return SymmetricKey(data: bytes)
    }

    private static func check(_ key: SymmetricKey) -> String {
        Ledger.hexadecimal(
            Array(HMAC<SHA256>.authenticationCode(for: Array("traveler plant key".utf8), using: key).prefix(8)))
    }

    private static func damaged(_ why: String) -> StorageError {
        StorageError(
            .damaged,
            "the plant's key in the ledger is damaged (\(why)); badges and webhooks need it: restore a back-up with travelerd restore FILE"
        )
    }
}
