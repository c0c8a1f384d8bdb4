import Foundation
import Synchronization
import Testing

/// The defect desk as the people there meet it: the real command line on the real daemon.
@Suite(.serialized) struct DefectDeskTests {
    private func desk() throws -> Daemon {
        let daemon = try Daemon()
        let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "examples/sites/defect-desk.yaml")
        try daemon.apply(site: try String(contentsOf: example, encoding: .utf8))
        return daemon
    }

    private func receive(_ daemon: Daemon, _ serials: [String]) throws {
        let body = try JSONSerialization.data(withJSONObject: [
            "product": "PSU-24", "serials": serials, "supplier": "volt", "cost": 29.9, "note": "delivery note 77",
        ])
        let (status, _) = try RawSocket(daemon.socket).request(
            "POST", "/v1/units/receive", body: String(decoding: body, as: UTF8.self))
        #expect(status == 201)
    }

    @Test func aSerialCanBeANumber() throws {
        let daemon = try desk()
        try receive(daemon, ["P1"])
        let made = daemon.ctl("defect", "create", "P1", "--type", "DEAD", "--note", "n", "--json")
        let number = try #require(made.out.split(separator: "\"id\":\"").last?.split(separator: "\"").first)
        let id = String(number)
        try receive(daemon, [id])
        #expect(daemon.ctl("defect", "create", id, "--type", "DEAD", "--note", "n").status == 0)
        let unclear = daemon.ctl("defect", "inspect", id, "--repairable", "1")
        #expect(unclear.status == 64 && unclear.error.contains("case:\(id)"), "\(unclear)")
        for command in [["inspect", "case:" + id, "--repairable", "1"], ["repair", "case:" + id, "--to", "stock"]] {
            let note = command[0] == "repair" ? ["--note", "n"] : []
            let done = Daemon.run(
                Daemon.programs + "/travelerctl", ["defect"] + command + note + ["--socket", daemon.socket])
            #expect(done.status == 0, "\(done)")
        }
        #expect(daemon.ctl("unit", "show", "P1", "--json").out.contains("\"in_stock\""))
        #expect(daemon.ctl("unit", "show", id, "--json").out.contains("\"defect\""))
        #expect(daemon.ctl("repacking", "process", "item:", "ready").status == 66)
    }

    @Test func theEndOfTheWeek() throws {
        let daemon = try desk()
        try receive(daemon, (1...6).map { "P\($0)" })
        // What a scanner at the terminal types.
        let made = daemon.ctl(
            "defect", "create", "-", "--type", "DEAD", "--note", "no output", input: "P1\nP2\nP1\n")
        #expect(made.status == 0 && made.out.contains("2 of 2 left"), "\(made)")
        #expect(daemon.ctl("defect", "create", "-", "--type", "DEAD", "--note", "n", input: "\n").status == 64)
        // Each is looked up as it comes.
        for (line, reason) in [("P9", "no unit P9"), ("P2", "P2 is defective already, in case")] {
            let bad = daemon.ctl("defect", "create", "-", "--type", "DEAD", "--note", "n", input: "P6\n\n\(line)\n")
            #expect(bad.status != 0 && bad.error.contains(reason), "\(bad)")
        }
        #expect(daemon.ctl("defect", "create", "P3", "--type", "SCRATCH", "--note", "n").status == 0)
        #expect(daemon.ctl("defect", "create", "P4", "P5", "--type", "SCRATCH", "--note", "n").status == 0)
        #expect(daemon.ctl("defect", "create", "P5", "--type", "DEAD", "--note", "n").error.contains("in case"))

        // A serial names its case, and the unit in it; for what is done with a whole case it must be alone there.
        let shared = daemon.ctl("defect", "inspect", "P4", "--repairable", "1")
        #expect(shared.status == 64 && shared.error.contains("with 1 other unit; name the case"), "\(shared)")
        let row = daemon.ctl("defect", "list", "--csv", "--search", "P4").out.split(whereSeparator: \.isNewline).last
        let both = String(try #require(row?.split(separator: ",").first))
        for command in ["resolve", "revert", "correct"] {
            let refused = daemon.ctl("defect", command, "P4", "--note", "n")
            #expect(refused.status == 64 && refused.error.contains("defect \(command) \(both) ..."), "\(refused)")
        }
        #expect(daemon.ctl("defect", "inspect", both, "--repairable", "3").error.contains("the 2 that remain"))
        #expect(daemon.ctl("defect", "inspect", both).status == 64)
        #expect(daemon.ctl("defect", "inspect", both, "--repairable", "1").status == 0)
        #expect(daemon.ctl("defect", "correct", "P3", "--location", "SHELF-3").status == 0)
        let repaired = daemon.ctl("defect", "repair", "P4", "--to", "stock", "--note", "polished")
        #expect(repaired.out.contains("1 of 2 left, 0 repairable, 1 not"), "\(repaired)")
        #expect(daemon.ctl("unit", "show", "P4", "--json").out.contains("\"in_stock\""))
        #expect(daemon.ctl("defect", "show", "P9").status == 66)

        // Nothing is sent without a yes, and nothing where one of them is wrong.
        let look = daemon.ctl(
            "defect", "route", "P1", "P3", "--rma", "RMA-1", "--note", "DHL 4711", "--dry-run")
        #expect(look.status == 0 && look.out.contains("Would send 2 cases with 3 pieces to volt"), "\(look)")
        let rest = daemon.ctl("defect", "route", "P5", "--rma", "RMA-1", "--note", "DHL 4711", "--dry-run")
        #expect(rest.out.contains("P5") && !rest.out.contains("P4"), "what left the case is not sent: \(rest)")
        let unasked = daemon.ctl("defect", "route", "P1", "P3", "--rma", "RMA-1", "--note", "DHL 4711")
        #expect(unasked.status == 64 && unasked.error.contains("--yes"))
        #expect(daemon.ctl("defect", "route", "P1", "P6", "--rma", "R", "--note", "n", "--yes").status == 66)
        #expect(daemon.ctl("supplier", "returns", "--csv").out.split(whereSeparator: \.isNewline).count == 1)
        let sent = daemon.ctl(
            "defect", "route", "-", "--rma", "RMA-1", "--note", "DHL 4711", "--yes", input: "P1\nP3\n")
        #expect(sent.status == 0 && sent.out.contains("Sent 2 cases to volt"), "\(sent)")
        #expect(daemon.ctl("supplier", "returns", "volt").out.contains("RMA-1"))

        // What can't be taken back is refused without a question.
        #expect(daemon.ctl("defect", "revert", both, "--note", "n").status == 1)
        #expect(daemon.ctl("defect", "revert", "P3", "--note", "n").status == 64, "nobody is there to say yes")
        #expect(daemon.ctl("defect", "revert", "P3", "--note", "not picked up", "--yes").status == 0)
        #expect(daemon.ctl("unit", "supplier-repair", "P1", "--note", "new fuse").status == 0)
        #expect(daemon.ctl("unit", "receive", "PSU-24", "N1", "--replaces", "P2", "--note", "n").status == 0)
        #expect(daemon.ctl("unit", "show", "P2").out.contains("Replaced by"))
        let list = daemon.ctl("defect", "list", "--sort", "-product", "--status", "resolved")
        #expect(list.out.contains("Total") && list.out.contains("P1 +1") && !list.out.contains("P4"), "\(list)")
        #expect(daemon.ctl("audit", "verify").status == 0)
    }

    #if Spreadsheet
        @Test func theStatisticsOpenElsewhere() throws {
            guard FileManager.default.isExecutableFile(atPath: "/usr/bin/python3") else {
                return print("SKIPPED theStatisticsOpenElsewhere: there is no python3")
            }
            let daemon = try desk()
            try receive(daemon, ["P1", "P2", "P3", "P4"])
            #expect(daemon.ctl("defect", "create", "P1", "--type", "DEAD", "--note", "n").status == 0)
            #expect(
                daemon.ctl("unit", "defect", "P2", "scrap", "--type", "SCRATCH", "--note", "n", "--yes").status == 0)
            let file = daemon.directory + "/week.xlsx"
            #expect(daemon.ctl("report", "defects", "--xlsx", file).status == 0)
            #expect(daemon.ctl("report", "defects", "--xlsx", file).status != 0, "a file that is there stays")
            let reader = """
                import sys, zipfile, xml.etree.ElementTree as tree
                space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
                book = zipfile.ZipFile(sys.argv[1])
                texts = ["".join(t.text or "" for t in item.iter(space + "t"))
                         for item in tree.fromstring(book.read("xl/sharedStrings.xml"))]
                for number, sheet in enumerate(tree.fromstring(book.read("xl/workbook.xml")).iter(space + "sheet"), 1):
                    for row in tree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml")).iter(space + "row"):
                        cells = [(cell.get("t"), cell.find(space + "v").text) for cell in row]
                        print(sheet.get("name"), *[texts[int(v)] if t == "s" else v for t, v in cells], sep="|")
                """
            let read = Daemon.run("/usr/bin/python3", ["-c", reader, file])
            #expect(read.status == 0, "\(read.error)")
            let lines = read.out.split(separator: "\n").map(String.init)
            // The same figures as the command prints.
            let csv = daemon.ctl("report", "defects", "--by", "supplier", "--csv").out
            #expect(csv.contains("volt,2,2,") && csv.contains(",4,2,0.5"), "\(csv)")
            #expect(lines.contains { $0.hasPrefix("By supplier|volt|2|2|") && $0.hasSuffix("|4|2|0.5") }, "\(read.out)")
            #expect(lines.contains { $0.hasPrefix("By type|All|2|2|") })
            #expect(lines.contains { $0.hasPrefix("Write-offs|scrap|1|1|29.9") })
        }
    #endif

    @Test func everyAnsweredStepSurvivesAKill() throws {
        let daemon = try desk()
        let serials = (0..<400).map { "K-\($0)" }
        try receive(daemon, serials)
        // Each lane finds units defective, two at a time, and sends them at once.
        let answered = Mutex<[String: String]>([:])
        let group = DispatchGroup()
        for lane in 0..<8 {
            DispatchQueue.global().async(group: group) {
                guard let socket = try? RawSocket(daemon.socket) else { return }
                func post(_ path: String, _ body: String) -> String? {
                    guard let (status, answer) = try? socket.request("POST", path, body: body), status < 300 else {
                        return nil
                    }
                    return answer
                }
                for start in stride(from: lane * 50, to: lane * 50 + 50, by: 2) {
                    let pair = "[\"\(serials[start])\",\"\(serials[start + 1])\"]"
                    let body = "{\"serials\":\(pair),\"types\":[{\"type\":\"DEAD\"}],\"note\":\"n\"}"
                    guard let made = post("/v1/defects", body),
                        let found = try? JSONSerialization.jsonObject(with: Data(made.utf8)) as? [String: Any],
                        let id = found["id"] as? String
                    else { return }
                    answered.withLock { $0[id] = "pending" }
                    let shipment = "{\"cases\":[\"\(id)\"],\"rma\":\"R-\(id)\",\"note\":\"n\"}"
                    // Not in the meantime "pending" for sure: the daemon may have sent it and died before it answered.
                    answered.withLock { $0[id] = "either" }
                    guard post("/v1/defects/route", shipment) != nil else { return }
                    answered.withLock { $0[id] = "with_supplier" }
                }
            }
        }
        try wait(for: "40 cases") { answered.withLock(\.count) >= 40 }
        daemon.kill()
        group.wait()

        try daemon.start()
        let list = daemon.ctl("defect", "list", "--all", "--json").out
        let json = try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [String: Any]
        let items = try #require(json?["items"] as? [[String: Any]])
        let kept = Dictionary(
            uniqueKeysWithValues: items.map { ($0["id"] as? String ?? "", $0["status"] as? String ?? "") })
        for (id, status) in answered.withLock({ $0 }) {
            #expect(kept[id] == status || status == "either" && kept[id] != nil, "case \(id)")
        }
        // Wholly or not at all: each case has both of its units, and both stand in defect.
        #expect(items.allSatisfy { $0["quantity"] as? Int == 2 && $0["remaining"] as? Int == 2 })
        let card = daemon.ctl("product", "show", "PSU-24", "--json").out
        #expect(card.contains("\"defect\":\(items.count * 2),"), "\(card)")
        #expect(daemon.ctl("audit", "verify").status == 0)
    }
}
