import Foundation
import Testing

/// Reports and screens as people look at them.
@Suite(.serialized) struct WatchTests {
    @Test func stagesStandInTheOrderOfTheRouting() throws {
        let daemon = try Daemon()
        try daemon.apply(site: Daemon.site(pipe: "/none").replacing("assembly", with: "wiring"))
        #expect(
            daemon.ctl("work-order", "create", "1001", "--product", "PCB-100", "--quantity", "9", "--team", "smt")
                .status
                == 0)
        #expect(daemon.ctl("work-order", "release", "1001").status == 0)
        #expect(daemon.ctl("unit", "register", "PCB-100", "W-1", "W-2", "--work-order", "1001").status == 0)
        #expect(daemon.ctl("scan", "--station", "ASSY-1", "W-1").status == 0)
        #expect(daemon.ctl("scan", "--station", "TEST-1", "W-1", "TRV:FAIL:SOLDER").status == 0)
        #expect(daemon.ctl("unit", "register", "PCB-100", "W-3", "--work-order", "1001").status == 0)
        #expect(daemon.ctl("scan", "--station", "ASSY-1", "W-3").status == 0)
        for report in ["wip", "yield"] {
            let lines = daemon.ctl("report", report, "--csv").out.split(separator: "\r\n")
            #expect(
                lines.dropFirst().map { $0.split(separator: ",")[1] } == ["wiring", "testing"], "\(report): \(lines)")
        }
    }

    /// What a command shows on a terminal of 80 columns until a text is there.
    private func screen(_ daemon: Daemon, _ arguments: [String], until text: String) throws -> String {
        let file = daemon.directory + "/screen"
        let line = ([Daemon.programs + "/travelerctl"] + arguments + ["--socket", daemon.socket]).joined(separator: " ")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "LANG=C.UTF-8", "TERM=xterm", "script", "--quiet", "--flush", "--command",
            "stty columns 80 rows 40; exec \(line)", file,
        ]
        (process.standardInput, process.standardOutput) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        func shown() -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
        try wait(for: "\(text) on the screen") { shown().contains(text) }
        return shown()
    }

    /// What a command shows on a terminal to somebody who types this.
    private func typed(_ daemon: Daemon, _ arguments: [String], _ input: String) -> String {
        let line = ([Daemon.programs + "/travelerctl"] + arguments + ["--socket", daemon.socket]).joined(separator: " ")
        return Daemon.run(
            "/usr/bin/env", ["LANG=C.UTF-8", "TERM=xterm", "script", "--quiet", "--command", line, "/dev/null"],
            input: input
        ).out
    }

    @Test func atATerminalWhatEndsSomethingIsAskedAbout() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "W-1", "--work-order", "1001").status == 0)
        let scrap = ["unit", "defect", "W-1", "scrap", "--type", "SOLDER", "--note", "n"]
        let no = typed(daemon, scrap, "n\n")
        #expect(no.contains("Scrap W-1 (PCB-100, in production at assembly), for good? [y/N]"), "\(no)")
        #expect(no.contains("Nothing was changed."), "\(no)")
        #expect(daemon.ctl("unit", "show", "W-1").out.contains("in production"))
        #expect(typed(daemon, scrap, "y\n").contains("written off"))
        #expect(daemon.ctl("unit", "show", "W-1").out.contains("written off"))
    }

    @Test func helpAtTheScanPromptIsHelp() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        let shown = typed(daemon, ["scan", "--station", "ASSY-1"], "help\nHELP\n?\n\u{4}")
        #expect(shown.contains("Each line is a scan"), "\(shown)")
        #expect(!daemon.ctl("log", "scans", "--csv").out.lowercased().contains("help"), "nothing was scanned")
    }

    @Test func whatIsScannedAtTheDeskIsEchoed() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "W-1", "W-2", "--work-order", "1001").status == 0)
        let create = ["defect", "create", "-", "--type", "SOLDER", "--note", "n"]
        let shown = typed(daemon, create, "W-1\nW-9\nW-1\nW-2\n\n")
        for text in ["1  W-1 is in production at assembly", "Not taken", "W-1 was read before", "2  W-2 is"] {
            #expect(shown.contains(text), "\(text): \(shown)")
        }
        let route = typed(
            daemon, ["defect", "route", "-", "--supplier", "acme", "--rma", "R", "--note", "n"], "W-1\n\nn\n")
        #expect(route.contains(": W-1"), "\(route)")
    }

    @Test func watchBeginsWithWhatHappenedLast() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "W-1", "--work-order", "1001").status == 0)
        #expect(daemon.ctl("unit", "hold", "W-1", "--note", "look-at-this").status == 0)
        let shown = try screen(daemon, ["watch"], until: "look-at-this")
        #expect(shown.contains("unit.held"))
        _ = try screen(daemon, ["report", "wip"], until: "█")
    }
}
