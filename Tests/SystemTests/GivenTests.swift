import Foundation
import Glibc
import Testing

/// What commands are given and where they write, as a shell uses them.
@Suite(.serialized) struct GivenTests {
    private func serials(_ letter: String, _ count: Int) -> [String] { (1...count).map { "\(letter)-\($0)" } }

    private func lines(_ texts: [String]) -> String { texts.map { $0 + "\n" }.joined() }

    @Test func tenThousandSerialsAreRegisteredAtOnceAndSummedUp() throws {
        let daemon = try Daemon()
        try daemon.openLine(quantity: 30_000)
        let order = ["--work-order", "1001"]
        let many = daemon.ctl(["unit", "register", "PCB-100", "-"] + order, input: lines(serials("A", 10_000)))
        #expect(many.status == 0 && many.error.isEmpty, "\(many.error)")
        #expect(many.out == "10000 units registered: A-1 to A-10000. --verbose lists them.\n")
        let named = daemon.ctl(["unit", "register", "PCB-100"] + serials("B", 10_000) + order)
        #expect(named.status == 0 && named.out.hasPrefix("10000 units registered: B-1 to B-10000."), "\(named.error)")
        let csv = daemon.ctl(["unit", "register", "PCB-100", "-", "--csv"] + order, input: lines(serials("C", 30)))
        #expect(csv.out.split(separator: "\r\n").count == 31 && csv.out.hasSuffix("\r\n"), "\(csv)")
        let verbose = daemon.ctl(
            ["unit", "register", "PCB-100", "-", "--verbose"] + order, input: lines(serials("D", 30)))
        #expect(verbose.out.split(separator: "\n").count == 31, "\(verbose)")
        let counted = daemon.ctl("unit", "list", "--limit", "1", "--total")
        #expect(counted.error.contains("20060 in all"), "\(counted.error)")
        #expect(daemon.ctl("unit", "list", "--json", "--all").out.contains("\"serial\":\"-\"") == false)
    }

    @Test func aDashIsTheStandardInputWhereverSerialsCasesOrCodesAreGiven() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        let names = serials("E", 12)
        #expect(
            daemon.ctl(["unit", "receive", "PCB-100", "-", "--note", "n"], input: "\n" + lines(names) + "\r\n").status
                == 0)
        func serial(_ index: Int) -> String { names[index] + "\n" }
        let commands: [([String], String)] = [
            (["unit", "show", "-"], serial(0)), (["unit", "hold", "-", "--note", "n"], serial(0)),
            (["unit", "release", "-"], serial(0)), (["unit", "assign", "-", "--to", "mia"], serial(0)),
            (["unit", "history", "-"], serial(0)),
            (["deliver", "--order", "SO-1", names[1], "-"], serial(2) + serial(3)),
            (["return", "create", "SO-1", "-", "--reason", "other"], serial(1) + serial(2)),
            (["defect", "create", names[4], "-", "--type", "SOLDER", "--note", "n"], serial(5) + serial(6)),
            (["defect", "create", "-", "--type", "SOLDER", "--note", "n"], serial(7)),
            (["defect", "show", "-"], serial(7)), (["defect", "inspect", "-", "--repairable", "0"], serial(7)),
            (["defect", "inspect", "-", "--repairable", "0"], "CASE\n"),
            (["defect", "write-off", "CASE", "-", "--reason", "scrap", "--note", "n", "--yes"], serial(4) + serial(5)),
            (
                ["product", "adjust", "PCB-100", "subtract", "--serials", "-", "--note", "n", "--yes"],
                serial(8) + serial(9)
            ),
            (["product", "adjust", "PCB-100", "add", "--serials", "-", "--note", "n"], "F-1\nF-2\n"),
        ]
        var found = ""
        for (command, input) in commands {
            let output = daemon.ctl(
                command.map { $0.replacing("CASE", with: found) }, input: input.replacing("CASE", with: found))
            #expect(output.status == 0, "\(command): \(output)")
            if command[1] == "create", command[2] == names[4] {
                found = output.out.firstMatch(of: /Case (\d+)/).map { String($0.output.1) } ?? ""
            }
        }
        #expect(daemon.ctl("unit", "register", "PCB-100", "G-1", "--work-order", "1001").status == 0)
        let scans = daemon.ctl(["scan", "--station", "ASSY-1", "-"], input: "G-1\n")
        #expect(scans.status == 0, "\(scans)")
        #expect(daemon.ctl(["scan", "--station", "TEST-1", "G-1", "-"], input: "TRV:PASS\n").status == 0)
        #expect(daemon.ctl("unit", "show", "G-1").out.contains("in stock"))
        for (command, input) in [
            (["unit", "register", "PCB-100", "-", "-"], "A\n"), (["unit", "register", "PCB-100", "-"], ""),
            (["unit", "register", "PCB-100", "-"], "A\n-\n"), (["unit", "show", "-"], "A\nB\n"),
            (["unit", "show", "-"], "\n"),
        ] {
            #expect(daemon.ctl(command, input: input).status == 64, "\(command) \(input)")
        }
        let twice = daemon.ctl(["unit", "register", "PCB-100", "-", "--work-order", "1001"], input: "A\nB\nA\n")
        #expect(twice.status == 64, "what is in a file twice is a mistake: \(twice)")
        #expect(daemon.ctl("unit", "show", "A").status == 66 && daemon.ctl("unit", "show", "--", "-").status == 64)
    }

    @Test func stockIsNotWrittenOffByAdding() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "receive", "PCB-100", "H-1", "--note", "n").status == 0)
        #expect(daemon.ctl("product", "adjust", "PCB-100", "add", "--serials", "H-1", "--note", "n").status == 1)
        let gone = ["product", "adjust", "PCB-100", "subtract", "--serials", "H-1", "--note", "n"]
        let asked = daemon.ctl(gone)
        #expect(asked.status == 64 && asked.error.contains("H-1"), "\(asked)")
        #expect(daemon.ctl("unit", "show", "H-1").out.contains("in stock"))
        #expect(
            daemon.ctl("product", "adjust", "PCB-100", "subtract", "--serials", "H-9", "--note", "n", "--yes").status
                == 66)
        #expect(daemon.ctl(gone + ["--yes"]).status == 0)
        #expect(daemon.ctl("unit", "show", "H-1").out.contains("written off"))
    }

    @Test func whatIsWrittenIsNewPrivateAndBehindNoLink() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        let fake = try FakeDaemon { _ in .init(body: "bytes") }
        defer { fake.stop() }
        let writers: [(command: [String], socket: String)] = [
            (["site", "export", "-o", "FILE"], daemon.socket), (["backup", "FILE"], daemon.socket),
            (["control-sheet", "TEST-1", "-o", "FILE"], daemon.socket),
            (["report", "yield", "--xlsx", "FILE"], daemon.socket),
            (["report", "defects", "--xlsx", "FILE"], daemon.socket),
            (["return", "photo", "fetch", "1", "item:1", "2", "-o", "FILE"], fake.socket),
        ]
        for (index, writer) in writers.enumerated() {
            func write(to file: String) -> Daemon.Output {
                Daemon.run(
                    Daemon.programs + "/travelerctl",
                    writer.command.map { $0 == "FILE" ? file : $0 } + ["--socket", writer.socket])
            }
            let file = daemon.directory + "/new-\(index)"
            let first = write(to: file)
            #expect(first.status == 0, "\(writer.command): \(first)")
            var status = stat()
            #expect(
                stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600 && status.st_size > 0, "\(writer.command)")
            let before = try Data(contentsOf: URL(filePath: file))
            let again = write(to: file)
            #expect(again.status == 64 && again.error.contains("exists"), "\(writer.command): \(again)")
            #expect(try Data(contentsOf: URL(filePath: file)) == before)
            let (link, target) = (daemon.directory + "/link-\(index)", daemon.directory + "/target-\(index)")
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
            #expect(write(to: link).status == 64, "\(writer.command)")
            #expect(!FileManager.default.fileExists(atPath: target), "\(writer.command)")
        }
    }
}
