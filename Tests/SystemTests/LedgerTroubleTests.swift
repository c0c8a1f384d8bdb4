import Foundation
import Glibc
import Testing

/// Whatever is the matter with the ledger, the daemon stays, says what it is and what to do, and goes on by itself.
@Suite(.serialized) struct LedgerTroubleTests {
    /// Holds a ledger's file as another program would, until it is let go.
    private final class Holder {
        private let process = Process()
        private let input = Pipe()

        init(_ path: String) throws {
            let output = Pipe()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = [
                "python3", "-c",
                """
                import sqlite3, sys
                c = sqlite3.connect(sys.argv[1], isolation_level=None)
                c.execute("BEGIN IMMEDIATE")
                print("held", flush=True)
                sys.stdin.read()
                """, path,
            ]
            (process.standardInput, process.standardOutput) = (input, output)
            try process.run()
            #expect(output.fileHandleForReading.availableData.starts(with: Data("held".utf8)))
        }

        func letGo() {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }
    }

    private static func python(_ program: String, _ arguments: String...) {
        let output = Daemon.run("/usr/bin/env", ["python3", "-c", program] + arguments)
        #expect(output.status == 0, "\(output.error)")
    }

    private static let canMount: Bool = {
        let directory = "/tmp/traveler-mount-\(getpid())"
        mkdir(directory, 0o755)
        defer { rmdir(directory) }
        guard Daemon.run("/usr/bin/env", ["mount", "-t", "tmpfs", "tmpfs", directory]).status == 0 else { return false }
        return Daemon.run("/usr/bin/env", ["umount", directory]).status == 0
    }()

    /// A small disk of its own, gone with the test.
    private final class Disk {
        let path = "/tmp/traveler-disk-\(UInt32.random(in: 0...UInt32.max))"

        init(size: String) throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            mount("-t", "tmpfs", "-o", "size=\(size)", "tmpfs", path)
        }

        func mount(_ arguments: String...) {
            #expect(Daemon.run("/usr/bin/env", ["mount"] + arguments).status == 0)
        }

        deinit {
            _ = Daemon.run("/usr/bin/env", ["umount", "-l", path])
            rmdir(path)
        }
    }

    private static func line(_ directory: String? = nil) throws -> Daemon {
        let daemon = try Daemon(directory: directory)
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "U-2", "U-3", "--work-order", "1001").status == 0)
        return daemon
    }

    private static func problems(_ daemon: Daemon) -> String { daemon.ctl("status", "--json").out }

    /// What the daemon must do while nothing can be written.
    private static func expectRefusals(_ daemon: Daemon, _ cause: String, _ place: SourceLocation = #_sourceLocation) {
        let scan = daemon.ctl("scan", "--station", "ASSY-1", "U-1", "--json")
        #expect(
            scan.status == 1 && scan.out.contains("storage_full"), "\(scan.out)\(scan.error)", sourceLocation: place)
        let change = daemon.ctl("unit", "hold", "U-2", "--note", "look")
        #expect(change.status == 75 && change.error.contains(cause), "\(change.error)", sourceLocation: place)
        // Of a full disk, a page may still find room, and the next scan none: what counts is what the last attempt met.
        var problems = problems(daemon)
        for number in 0..<50 where !problems.contains("since ") {
            _ = daemon.ctl("scan", "--station", "ASSY-1", "NOBODY-\(number)")
            problems = Self.problems(daemon)
        }
        #expect(problems.contains(cause) && problems.contains("since "), "\(problems)", sourceLocation: place)
        #expect(daemon.log.contains(cause), "\(daemon.log)", sourceLocation: place)
    }

    private static func expectWork(_ daemon: Daemon) throws {
        try wait(for: "the daemon to go on by itself") { !problems(daemon).contains("since ") }
        #expect(daemon.ctl("scan", "--station", "ASSY-1", "U-3").status == 0)
        let verified = daemon.ctl("audit", "verify")
        #expect(verified.status == 0, "\(verified.out)\(verified.error)")
    }

    @Test func aFileThatIsNoLedgerAnyMoreIsNamedAndTheRepairedOneIsTaken() throws {
        let daemon = try Self.line()
        #expect(daemon.stop() == 0)
        let ledger = daemon.directory + "/ledger.db"
        let whole = try Data(contentsOf: URL(filePath: ledger))
        try Data(repeating: 0x55, count: whole.count).write(to: URL(filePath: ledger))
        try daemon.start()
        Self.expectRefusals(daemon, "run travelerd check")
        #expect(daemon.ctl("unit", "list").status == 75)
        #expect(daemon.ctl("whoami").status == 0)
        let told = daemon.log.components(separatedBy: "error: cannot read the ledger").count - 1
        #expect(told == 1, "the journal says it once: \(daemon.log)")
        try whole.write(to: URL(filePath: ledger))
        try Self.expectWork(daemon)
        #expect(daemon.log.contains("the ledger can be written again"))
    }

    @Test func aDamagedKeyIsNamedAndTheRestCanBeReadAndBackedUp() throws {
        let daemon = try Self.line()
        #expect(daemon.stop() == 0)
        let change = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
        let ledger = daemon.directory + "/ledger.db"
        Self.python(change, ledger, "UPDATE meta SET value = 'x' || value WHERE key = 'badge_key'")
        try daemon.start()
        Self.expectRefusals(daemon, "the plant's key")
        #expect(daemon.ctl("unit", "show", "U-1").status == 0)
        #expect(daemon.ctl("backup", daemon.directory + "/backup.db").status == 0)
        Self.python(change, ledger, "UPDATE meta SET value = substr(value, 2) WHERE key = 'badge_key'")
        try Self.expectWork(daemon)
    }

    @Test func aLedgerThatAnotherProgramHoldsIsWaitedFor() throws {
        let daemon = try Self.line()
        let ledger = daemon.directory + "/ledger.db"
        let first = try Holder(ledger)
        Self.expectRefusals(daemon, "another program holds it")
        #expect(daemon.ctl("unit", "show", "U-1").status == 0, "what is written can be read")
        first.letGo()
        try Self.expectWork(daemon)

        // At the start, too.
        #expect(daemon.stop() == 0)
        let second = try Holder(ledger)
        try daemon.start()
        Self.expectRefusals(daemon, "another program holds it")
        second.letGo()
        try wait(for: "the daemon to go on by itself") { !Self.problems(daemon).contains("since ") }
    }

    @Test(.enabled(if: canMount, "needs the right to mount a small disk: run the tests as root"))
    func aReadOnlyDiskIsNamedAndReadFromAndWorkGoesOnAfterwards() throws {
        let disk = try Disk(size: "200m")
        let daemon = try Self.line(disk.path)
        #expect(daemon.stop() == 0)
        disk.mount("-o", "remount,ro", disk.path)
        // The socket and the log need a place that can be written.
        let place = try Daemon(start: false)
        let other = try place.serve(ledgerOf: daemon)
        Self.expectRefusals(other, "mounted for writing")
        #expect(other.ctl("unit", "show", "U-1").status == 0)
        #expect(other.ctl("backup", place.directory + "/backup.db").status == 0)
        disk.mount("-o", "remount,rw", disk.path)
        try Self.expectWork(other)
    }

    @Test(.enabled(if: canMount, "needs the right to mount a small disk: run the tests as root"))
    func aFullDiskIsNamedUntilThereIsRoom() throws {
        let disk = try Disk(size: "6m")
        let daemon = try Self.line(disk.path)
        let filler = disk.path + "/filler"
        _ = Daemon.run("/usr/bin/env", ["dd", "if=/dev/zero", "of=\(filler)", "bs=4k"])
        for number in 0..<200 where !Self.problems(daemon).contains("since ") {
            _ = daemon.ctl("scan", "--station", "ASSY-1", "NONE-\(number)")
        }
        Self.expectRefusals(daemon, "the disk is full")
        unlink(filler)
        // Nobody writes anything: it is tried.
        try Self.expectWork(daemon)
    }

    @Test func anEmptyLedgerBesideItsLogIsNotBegunAnew() throws {
        let daemon = try Self.line()
        let backup = daemon.directory + "/backup.db"
        #expect(daemon.ctl("backup", backup).status == 0)
        daemon.kill()
        let ledger = daemon.directory + "/ledger.db"
        let log = try Data(contentsOf: URL(filePath: ledger + "-wal"))
        try #require(!log.isEmpty)
        let aside = daemon.directory + "/aside"
        #expect(rename(ledger, aside) == 0)
        // What `echo >ledger.db` leaves is no more than an empty file.
        for content in ["", "\n", nil] {
            try content.map { try Data($0.utf8).write(to: URL(filePath: ledger)) }
            try daemon.start()
            Self.expectRefusals(daemon, content == nil ? "is missing" : "is empty")
            #expect(daemon.stop() == 0)
            #expect(try Data(contentsOf: URL(filePath: ledger + "-wal")) == log)
            if content != nil { unlink(ledger) }
        }
        #expect(rename(aside, ledger) == 0)
        try daemon.start()
        try Self.expectWork(daemon)

        // A back-up that takes its place never meets a log that is not its own.
        daemon.kill()
        let newer = try Data(contentsOf: URL(filePath: ledger + "-wal"))
        try #require(!newer.isEmpty)
        unlink(ledger)
        let restored = daemon.offline("restore", backup, "--directory", daemon.directory)
        #expect(restored.status == 0, "\(restored.error)")
        let kept = try FileManager.default.contentsOfDirectory(atPath: daemon.directory).filter {
            $0.hasPrefix("ledger-before-restore-") && $0.hasSuffix("-wal")
        }
        #expect(try kept.map { try Data(contentsOf: URL(filePath: daemon.directory + "/" + $0)) } == [newer])
        try daemon.start()
        try Self.expectWork(daemon)
    }

    @Test func aLedgerThatIsGoneAltogetherIsNotBegunAnew() throws {
        let daemon = try Self.line()
        #expect(daemon.stop() == 0)
        let ledger = daemon.directory + "/ledger.db"
        #expect(rename(ledger, daemon.directory + "/aside") == 0)
        for suffix in ["-wal", "-shm"] { unlink(ledger + suffix) }
        try daemon.start()
        Self.expectRefusals(daemon, "is missing")
        #expect(rename(daemon.directory + "/aside", ledger) == 0)
        try Self.expectWork(daemon)
    }

    @Test func aLedgerThatIsTakenAwayWhileItIsOpenIsNotWrittenInto() throws {
        let daemon = try Self.line()
        let ledger = daemon.directory + "/ledger.db"
        #expect(rename(ledger, daemon.directory + "/aside") == 0)
        Self.expectRefusals(daemon, "was removed or replaced")
        #expect(rename(daemon.directory + "/aside", ledger) == 0)
        try Self.expectWork(daemon)
    }

    @Test(arguments: ["-wal", "-shm"])
    func aLogThatIsRemovedWhileItIsOpenLosesNothing(_ suffix: String) throws {
        let daemon = try Self.line()
        #expect(daemon.ctl("scan", "--station", "ASSY-1", "U-3").status == 0)
        unlink(daemon.directory + "/ledger.db" + suffix)
        Self.expectRefusals(daemon, "was removed or replaced")
        daemon.kill()
        try daemon.start()
        #expect(daemon.ctl("unit", "show", "U-3", "--json").out.contains("testing"))
        #expect(daemon.ctl("scan", "--station", "ASSY-1", "U-1").status == 0)
        #expect(daemon.ctl("audit", "verify").status == 0)
    }

    @Test func damageThatIsMetLaterIsNamedAndLostIndexesAreMadeAnew() throws {
        let daemon = try Self.line()
        #expect(daemon.stop() == 0)
        let ledger = daemon.directory + "/ledger.db"
        // One bit of the last entry of an index, at the end of its page.
        Self.python(
            """
            import sqlite3, sys
            c = sqlite3.connect(sys.argv[1])
            c.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            size = c.execute("PRAGMA page_size").fetchone()[0]
            root = c.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'unit_product'").fetchone()[0]
            c.close()
            with open(sys.argv[1], "r+b") as f:
                f.seek(root * size - 1)
                byte = f.read(1)[0]
                f.seek(root * size - 1)
                f.write(bytes([byte ^ 1]))
            """, ledger)
        try daemon.start()
        let verified = daemon.ctl("audit", "verify")
        #expect(verified.status == 1 && verified.out.contains("--rebuild-indexes"), "\(verified.out)")
        #expect(Self.problems(daemon).contains("the ledger is damaged"))
        #expect(daemon.stop() == 0)
        let check = daemon.offline("check", "--directory", daemon.directory)
        #expect(check.status == 1 && check.out.contains("unit_product") && check.out.contains("--rebuild-indexes"))
        let rebuilt = daemon.offline("check", "--rebuild-indexes", "--directory", daemon.directory)
        #expect(rebuilt.status == 0 && rebuilt.out.contains("adds up"), "\(rebuilt.out)\(rebuilt.error)")
        try daemon.start()
        try Self.expectWork(daemon)
    }

    @Test func whatAStopLeftBehindGoesAtTheNextStart() throws {
        let daemon = try Self.line()
        daemon.kill()
        let left = daemon.directory + "/traveler-verify-copy-1.working.db"
        let kept = daemon.directory + "/backup-20260301.db"
        for path in [left, left + "-journal", kept] { try Data([1]).write(to: URL(filePath: path)) }
        try daemon.start()
        let names = try FileManager.default.contentsOfDirectory(atPath: daemon.directory)
        #expect(!names.contains { $0.contains(".working.db") } && access(kept, F_OK) == 0)
    }

    @Test func refusalsAreInTheJournalAndCannotFillIt() throws {
        let daemon = try Self.line()
        #expect(daemon.ctl("unit", "hold", "NONE", "--note", "look").status == 66)
        #expect(daemon.ctl("scan", "--station", "ASSY-1", "NONE").status == 1)
        let lines = daemon.log.split(separator: "\n").filter { $0.contains("refused: ") }
        #expect(lines.contains { $0.contains("/v1/units/NONE/hold") && $0.contains("not_found") }, "\(daemon.log)")
        #expect(lines.contains { $0.contains("scan at ASSY-1") && $0.contains("unknown") }, "\(daemon.log)")
        let socket = try RawSocket(daemon.socket)
        for _ in 0..<100 {
            _ = try socket.request("POST", "/v1/units/NONE/hold", body: "{\"note\":\"n\"}")
        }
        // The minute may change meanwhile.
        #expect(daemon.log.components(separatedBy: "refused: ").count - 1 <= 2 + 40)
        #expect(daemon.log.contains("more is refused, and not listed in this minute"))
    }
}
