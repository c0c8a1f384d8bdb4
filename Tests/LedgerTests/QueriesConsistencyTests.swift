import Barcodes
import CSQLite
import Testing
import Tracking

@testable import Ledger

/// What makes one resource is read of one state of the ledger, whatever is written between its statements.
@Suite(.serialized) struct QueriesConsistencyTests {
    @Test func aResourceIsNeverTorn() throws {
        let folder = try Folder()
        let path = folder.path + "/" + Ledger.fileName
        let writer = try Ledger.openWriter(path)
        try fill(writer)
        let reader = try Connection(path: path, mode: .readOnly)
        let meddler = Meddler(writer)
        sqlite3_trace_v2(
            reader.handle, UInt32(SQLITE_TRACE_STMT),
            { _, meddler, _, _ in
                meddler.map { Unmanaged<Meddler>.fromOpaque($0).takeUnretainedValue().meddle() }
                return 0
            }, Unmanaged.passUnretained(meddler).toOpaque())
        defer { sqlite3_trace_v2(reader.handle, 0, nil, nil) }
        let admin = try #require(Access(login: "root", isAdmin: true, in: Plant()))

        let found = try #require(try reader.customerReturn("1", for: admin, in: Plant()))
        #expect(found.items.map(\.note) == [found.found.note, found.found.note])
        #expect(found.replacements == [found.found.note])
        let contents = try #require(try reader.delivery("6", for: admin, in: Plant()))
        #expect(contents.lines.map(\.quantity) == [contents.delivery.count])
        let defect = try #require(try reader.defect("1", for: admin))
        #expect(defect.lines.map(\.serial) == [defect.found.note, defect.found.note.map { $0 + "b" }])
        let sent = try #require(try reader.supplierReturn("1", for: admin))
        #expect(sent.quantity == Int(sent.sent.note))
        #expect(meddler.generation > 8)
        #expect(!reader.isInTransaction)
        #expect(throws: StorageError.self) { try reader.consistently { try reader.number("SELECT nonsense") } }
        #expect(!reader.isInTransaction)
    }

    private func fill(_ db: Connection) throws {
        var state = State(
            records: StoredRecords(db), localDate: { _ in .init(daysSince1970: 0) }, badgeDigest: { $0 })
        let found = CustomerReturn(
            id: "1", order: "SO-1", customer: nil, kind: .exchange, reason: .other, isExpected: false, createdAt: 1,
            createdBy: nil)
        state.customerReturns.write("1", found)
        for id in ["2", "3"] {
            state.returnItems.write(
                id,
                ReturnItem(
                    id: id, customerReturn: "1", product: "P", serial: nil, team: nil, quantity: 1, createdAt: 1))
        }
        state.defects.write(
            "1",
            DefectCase(
                id: "1", product: "P", team: nil, isSerialised: true, quantity: 2, source: .stock, detectedAt: 1))
        for serial in ["0", "0b"] {
            state.defectUnits.write(.init(id: "1", serial: serial), .init(outcome: .open, event: 1))
        }
        try Store(db).flush(&state)
        try db.execute(
            """
            INSERT INTO delivery (id, order_number, closed, count, opened_at, customer_return) VALUES (5, 'SO', 1, 1, 1, 1);
            INSERT INTO delivery (id, order_number, closed, count, opened_at) VALUES (6, 'SO', 1, 1, 1);
            INSERT INTO delivery_line VALUES (6, 'P', '', 1);
            INSERT INTO supplier_return VALUES (1, 'acme', 'R', '0', 1, NULL);
            INSERT INTO supplier_return_line VALUES (1, 1, 0);
            """)
    }

    /// Writes something else into every part of every resource.
    private final class Meddler {
        private let db: Connection
        var generation = 0

        init(_ db: Connection) { self.db = db }

        func meddle() {
            generation += 1
            let now = generation + 100
            do {
                try db.execute(
                    """
                    BEGIN;
                    UPDATE customer_return SET body = json_set(body, '$.note', '\(now)');
                    UPDATE return_item SET body = json_set(body, '$.note', '\(now)');
                    UPDATE delivery SET id = \(now) WHERE customer_return = 1;
                    UPDATE delivery SET count = \(now);
                    UPDATE delivery_line SET quantity = \(now);
                    UPDATE defect SET note = '\(now)';
                    UPDATE defect_unit SET serial = CASE WHEN serial LIKE '%b' THEN '\(now)b' ELSE '\(now)' END;
                    UPDATE supplier_return SET note = '\(now)';
                    UPDATE supplier_return_line SET quantity = \(now);
                    COMMIT;
                    """)
            } catch {
                Issue.record(error)
            }
        }
    }
}
