import Foundation
import Testing

/// The returns desk as the people there meet it: the real command line on the real daemon.
@Suite(.serialized) struct ReturnDeskTests {
    @Test func whatCameBackIsCarriedOut() throws {
        let daemon = try Daemon()
        try daemon.apply(
            site: """
                departments: [{ code: e, name: E }]
                teams: [{ code: desk, name: D, department: e }]
                suppliers: [{ code: acme, name: Acme }]
                products: [{ code: P, name: Board, type: pcb, supplier: acme }]
                stations: [{ name: BACK, mode: returns, team: desk }]
                settings: { return_locations: { good: SHELF } }
                """)
        #expect(daemon.ctl("unit", "receive", "P", "B-1", "B-2", "B-3", "--note", "n").status == 0)
        #expect(daemon.ctl("deliver", "--order", "SO-1", "--customer", "Ms Novak", "B-1").status == 0)
        #expect(daemon.ctl("deliver", "--order", "SO-2", "B-2").status == 0)
        let scans = daemon.ctl("scan", "--station", "BACK", "TRV:ORDER:SO-1", "TRV:REASON:damaged", "B-1", "B-2", "B-3")
        #expect(scans.status == 1 && scans.out.contains("was delivered under SO-2, not under SO-1"), "\(scans)")
        #expect(scans.out.contains("B-3 is not with a customer"), "\(scans)")

        let list = daemon.ctl("return", "list", "--csv").out.split(whereSeparator: \.isNewline)
        let id = String(try #require(list.last?.split(separator: ",").first))
        #expect(list.count == 2)
        #expect(
            daemon.ctl("return", "inspect-item", id, "B-1", "good", "restock").error.contains("start its inspection"))
        #expect(daemon.ctl("return", "inspect-start", id).status == 0)

        // A unit in the hand is named by its serial.
        #expect(daemon.ctl("return", "inspect-item", id, "B-1", "unsellable", "restock").status == 64)
        #expect(daemon.ctl("return", "inspect-item", id, "B-1", "good", "restock").status == 0)
        #expect(daemon.ctl("return", "inspect-item", id, "B-1", "good", "restock").error.contains("once"))
        #expect(daemon.ctl("return", "inspect-item", id, "B-3", "good", "restock").error.contains("no item B-3 in"))
        #expect(daemon.ctl("return", "inspect-item", id, "B-9", "good", "restock").status == 66)
        #expect(daemon.ctl("return", "complete", id, "--yes").error.contains("inspect B-2 first"))
        #expect(
            daemon.ctl("return", "inspect-item", id, "B-2", "defective", "return_to_supplier", "--note", "dent").status
                == 0)

        let picture = "\(daemon.directory)/corner.png"
        let pixel = """
            iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==
            """
        let bytes = try #require(Data(base64Encoded: pixel))
        try bytes.write(to: URL(filePath: picture))
        let photo = daemon.ctl("return", "photo", "add", id, "B-2", picture, "--kind", "damage")
        let number = String(try #require(photo.out.split(separator: " ").dropFirst().first, "\(photo)"))
        let copy = "\(daemon.directory)/copy.png"
        #expect(daemon.ctl("return", "photo", "fetch", id, "B-2", number, "-o", copy).status == 0)
        #expect(try Data(contentsOf: URL(filePath: copy)) == bytes)

        #expect(daemon.ctl("return", "checklist", id, "1=yes", "2=yes", "3=yes", "4=yes", "5=maybe").status == 64)
        #expect(daemon.ctl("return", "checklist", id, "1=yes", "2=yes", "3=yes", "4=yes", "5=no:no camera").status == 0)
        #expect(daemon.ctl("unit", "hold", "B-1", "--note", "look again").status == 0)
        #expect(daemon.ctl("return", "complete", id, "--yes").error.contains("B-1 is on hold"))
        #expect(daemon.ctl("unit", "release", "B-1", "--note", "fine").status == 0)
        let done = daemon.ctl("return", "complete", id, "--yes")
        #expect(done.status == 0 && done.out.contains("completed"), "\(done)")
        #expect(daemon.ctl("unit", "show", "B-1").out.contains("in stock"))
        let shown = daemon.ctl("return", "show", id).out
        #expect(
            shown.contains("put at SHELF") && shown.contains("in defect case") && shown.contains("dent"), "\(shown)")
        // Processed or not, an item of a return that is named is found by its serial.
        #expect(daemon.ctl("return", "photo", "list", id, "B-2").out.contains("damage"))
        #expect(daemon.ctl("return", "inspect-item", id, "B-2", "good", "restock").error.contains("completed"))
        #expect(daemon.ctl("repacking", "process", "B-2", "ready").error.contains("in no return now"))
        #expect(daemon.ctl("defect", "list", "--csv").out.contains("acme"))
        #expect(daemon.ctl("repacking", "list", "--csv").out.split(whereSeparator: \.isNewline).count == 1)
        #expect(daemon.ctl("return", "cancel", id, "--note", "n", "--yes").status == 1)
        #expect(daemon.ctl("report", "returns").out.contains("100.0 %"))
        #expect(daemon.ctl("audit", "verify").status == 0)
    }

    @Test func whatLeavesTheQueueIsSaid() throws {
        let daemon = try Daemon()
        try daemon.apply(
            site: """
                departments: [{ code: e, name: E }]
                teams: [{ code: desk, name: D, department: e }]
                products: [{ code: R, name: Resistor, type: part }]
                """)
        #expect(daemon.ctl("product", "adjust", "R", "add", "10", "--note", "n").status == 0)
        #expect(daemon.ctl("deliver", "--order", "SO-1", "--item", "R=10").status == 0)
        #expect(daemon.ctl("return", "create", "SO-1", "--item", "R=10", "--reason", "other").status == 0)
        let row = daemon.ctl("repacking", "list", "--csv").out.split(whereSeparator: \.isNewline).last
        let item = String(try #require(row?.split(separator: ",").first))
        let first = daemon.ctl("repacking", "process", item, "ready", "--quantity", "1").out
        #expect(first == "1 of R is in stock; 9 are left.\n")
        let rest = daemon.ctl("repacking", "process", item, "write_off", "--yes").out
        #expect(rest == "9 of R are written off; 1 was put into stock before.\n")
    }

    /// What is written off by a slip can't be had back: a serial that is also the number of another item is not guessed at.
    @Test func aSerialThatIsAlsoANumberIsNotGuessed() throws {
        let daemon = try Daemon()
        try daemon.apply(
            site: """
                departments: [{ code: e, name: E }]
                teams: [{ code: desk, name: D, department: e }]
                products: [{ code: P, name: Board, type: pcb }]
                """)
        func item(_ serial: String) throws -> (item: String, owner: String) {
            #expect(daemon.ctl("deliver", "--order", "SO-\(serial)", serial).status == 0)
            #expect(daemon.ctl("return", "create", "SO-\(serial)", serial, "--reason", "other").status == 0)
            let row = daemon.ctl("repacking", "list", "--csv", "--order", "SO-\(serial)").out
                .split(whereSeparator: \.isNewline).last?.split(separator: ",", omittingEmptySubsequences: false)
            let columns = daemon.ctl("repacking", "list", "--csv").out.split(whereSeparator: \.isNewline)[0]
                .split(separator: ",")
            let owner = try #require(columns.firstIndex { $0 == "return" })
            return (String(try #require(row?.first)), String(try #require(row?[owner])))
        }
        #expect(daemon.ctl("unit", "receive", "P", "B-1", "--note", "n").status == 0)
        let first = try item("B-1")
        let serial = first.item
        #expect(daemon.ctl("unit", "receive", "P", serial, "--note", "n").status == 0)

        // In nobody's return, in another one, and in the same one.
        #expect(daemon.ctl("repacking", "process", serial, "write_off", "--yes").status == 64)
        let second = try item(serial)
        let refused = daemon.ctl("repacking", "process", serial, "write_off", "--yes")
        #expect(refused.status == 64 && refused.error.contains("item:\(serial)"), "\(refused)")
        #expect(refused.error.contains("item:\(second.item)") && refused.error.contains("B-1"), "\(refused)")
        #expect(daemon.ctl("unit", "show", "B-1").out.contains("returned"))
        #expect(daemon.ctl("return", "correct", second.owner, "--item", serial, "--condition", "good").status == 0)
        #expect(daemon.ctl("repacking", "process", "item:\(serial)", "ready").status == 0)
        #expect(daemon.ctl("unit", "show", "B-1").out.contains("in stock"))
        #expect(daemon.ctl("repacking", "process", "item:\(second.item)", "write_off", "--yes").status == 0)
        #expect(daemon.ctl("unit", "show", serial).out.contains("written off"))
    }
}
