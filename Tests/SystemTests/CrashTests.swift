import Foundation
import Glibc
import Synchronization
import Testing

/// What was answered is there after kill -9; what was not happened wholly or not at all.
@Suite(.serialized) struct CrashTests {
    @Test func everyAnsweredScanSurvivesAKill() throws {
        let daemon = try Daemon()
        try daemon.openLine(quantity: 1_000)
        let serials = (0..<400).map { "K-\($0)" }
        let answered = Mutex<Set<String>>([])
        let body = try JSONSerialization.data(withJSONObject: [
            "product": "PCB-100", "serials": serials, "work_order": "1001",
        ])
        let (status, _) = try RawSocket(daemon.socket).request(
            "POST", "/v1/units", body: String(decoding: body, as: UTF8.self))
        #expect(status == 201)

        let group = DispatchGroup()
        for lane in 0..<8 {
            DispatchQueue.global().async(group: group) {
                guard let socket = try? RawSocket(daemon.socket) else { return }
                for serial in serials.enumerated().filter({ $0.offset % 8 == lane }).map(\.element) {
                    let scan = "{\"code\":\"\(serial)\"}"
                    guard let (_, answer) = try? socket.request("POST", "/v1/stations/ASSY-1/scans", body: scan),
                        answer.contains("\"result\":\"accepted\"")
                    else { return }
                    answered.withLock { _ = $0.insert(serial) }
                }
            }
        }
        try wait(for: "100 answers") { answered.withLock(\.count) >= 100 }
        daemon.kill()
        group.wait()

        try daemon.start()
        let list = daemon.ctl("unit", "list", "--stage", "testing", "--all", "--csv")
        let kept = Set(
            list.out.split(whereSeparator: \.isNewline).compactMap { $0.split(separator: ",").first.map(String.init) })
        let lost = answered.withLock { $0.subtracting(kept) }
        #expect(lost.isEmpty)
        #expect(daemon.ctl("audit", "verify").status == 0)
    }

    @Test func theBenchAndTheOpenOrderSurviveARestart() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "--work-order", "1001").status == 0)
        #expect(daemon.ctl("scan", "--station", "ASSY-1", "U-1").status == 0)
        #expect(daemon.ctl("scan", "--station", "TEST-1", "U-1").status == 0)
        daemon.kill()
        try daemon.start()
        #expect(daemon.ctl("scan", "--station", "TEST-1", "TRV:PASS").status == 0)
        #expect(daemon.ctl("unit", "show", "U-1", "--json").out.contains("\"in_stock\""))
    }

    @Test func aSecondDaemonRefusesToStartAndHarmsNothing() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        let second = Daemon.run(
            Daemon.programs + "/travelerd", ["serve", "--directory", daemon.directory, "--socket", daemon.socket])
        // The service's unit knows this one: it is not tried again.
        #expect(second.status == 73)
        #expect(second.error.contains("another travelerd"))
        #expect(daemon.ctl("product", "show", "PCB-100").status == 0)
    }

    @Test func termFinishesAndNothingIsLost() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "--work-order", "1001").status == 0)
        let events = try RawSocket(daemon.socket)
        try events.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _ = try events.read(until: "\r\n\r\n")
        let started = Date()
        #expect(daemon.stop() == 0)
        // The contract's five seconds, with room for a slow machine: an open stream must not hold it back.
        #expect(Date().timeIntervalSince(started) < 15)
        let check = daemon.offline("check", "--directory", daemon.directory)
        #expect(check.status == 0)
        try daemon.start()
        #expect(daemon.ctl("unit", "show", "U-1").status == 0)
    }

    @Test func aLedgerOfANewerVersionIsRefused() throws {
        let daemon = try Daemon()
        #expect(daemon.stop() == 0)
        let made = Daemon.run("/usr/bin/env", ["python3", "-c", Self.makeNewer, daemon.directory + "/ledger.db"])
        try #require(made.status == 0)
        try daemon.start()
        #expect(daemon.log.contains("newer version"))
        #expect(daemon.ctl("status").out.contains("newer version"))
        #expect(daemon.ctl("product", "list").status == 75)
    }

    /// Sets the format number in the file's header (bytes 60 to 63).
    static let makeNewer =
        "import sys; f=open(sys.argv[1],'r+b'); f.seek(60); f.write((99).to_bytes(4,'big')); f.close()"

    @Test func aFullDiskRefusesScansAndWorkGoesOnAfterwards() throws {
        let directory = "/tmp/traveler-full-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let mounted = Daemon.run("/usr/bin/env", ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", directory])
        guard mounted.status == 0 else {
            print("SKIPPED: a full disk needs the right to mount a small one (run the tests as root)")
            return
        }
        defer {
            _ = Daemon.run("/usr/bin/env", ["umount", "-l", directory])
            rmdir(directory)
        }
        let daemon = try Daemon(directory: directory)
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "U-2", "--work-order", "1001").status == 0)
        let filler = directory + "/filler"
        _ = Daemon.run("/usr/bin/env", ["dd", "if=/dev/zero", "of=\(filler)", "bs=4k"])
        var refused: Daemon.Output?
        for number in 0..<200 where refused == nil {
            let output = daemon.ctl("scan", "--station", "ASSY-1", "NONE-\(number)", "--json")
            if output.out.contains("storage_full") { refused = output }
        }
        #expect(refused?.status == 1)
        unlink(filler)
        #expect(daemon.ctl("scan", "--station", "ASSY-1", "U-2").status == 0)
        #expect(daemon.ctl("audit", "verify").status == 0)
    }

    @Test func aBackupIsCheckedAndRestored() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "--work-order", "1001").status == 0)
        let backup = daemon.directory + "/backup.db"
        #expect(daemon.ctl("backup", backup).status == 0)
        #expect(daemon.ctl("backup", backup).status != 0, "a file that is there is never written over")
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-2", "--work-order", "1001").status == 0)
        let running = daemon.offline("restore", backup, "--directory", daemon.directory)
        #expect(running.status != 0, "not under a running daemon")
        #expect(daemon.stop() == 0)
        let restored = daemon.offline("restore", backup, "--directory", daemon.directory)
        #expect(restored.status == 0, "\(restored.error)")
        try daemon.start()
        #expect(daemon.ctl("unit", "show", "U-1").status == 0)
        #expect(daemon.ctl("unit", "show", "U-2").status == 66)
    }
}
