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
