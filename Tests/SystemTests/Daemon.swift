import Foundation
import Glibc
import Synchronization
import Testing

/// A real `travelerd` in a directory of its own, with the real `travelerctl` beside it.
final class Daemon: Sendable {
    let directory: String
    /// Where the ledger is, where that is another directory than that of the socket and the log.
    private let ledger = Mutex<String?>(nil)
    private let process = Mutex<Process?>(nil)
    private let ownsDirectory: Bool

    /// Its process, where it runs.
    var pid: Int32? { process.withLock { $0?.processIdentifier } }
    var socket: String { directory + "/control.sock" }
    var log: String { (try? String(contentsOfFile: directory + "/log", encoding: .utf8)) ?? "" }

    /// Where the build put the programs: beside the test bundle.
    static let programs: String = {
        let tests = Bundle.allBundles.map(\.bundlePath).first { $0.hasSuffix(".xctest") }
        return tests.map { ($0 as NSString).deletingLastPathComponent }
            ?? (CommandLine.arguments[0] as NSString).deletingLastPathComponent
    }()

    init(directory: String? = nil, start: Bool = true) throws {
        ownsDirectory = directory == nil
        self.directory = directory ?? "/tmp/traveler-system-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        // Another user's travelerctl must get as far as the socket.
        chmod(self.directory, 0o755)
        if start { try self.start() }
    }

    deinit {
        kill()
        if ownsDirectory { try? FileManager.default.removeItem(atPath: directory) }
    }

    struct NotStarted: Error { var log: String }

    /// Serves the ledger of another one, which is stopped, from here.
    func serve(ledgerOf other: Daemon) throws -> Daemon {
        ledger.withLock { $0 = other.directory }
        try start()
        return self
    }

    /// Starts it and waits until it answers.
    func start() throws {
        let started = try spawn()
        process.withLock { $0 = started }
        try wait(for: "the daemon's first answer") {
            if !started.isRunning { throw NotStarted(log: log) }
            return ctl("whoami").status == 0
        }
    }

    /// Starts it without waiting.
    func spawn() throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: Self.programs + "/travelerd")
        process.arguments = ["serve", "--directory", ledger.withLock { $0 } ?? directory, "--socket", socket]
        let path = directory + "/log"
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let output = try FileHandle(forWritingTo: URL(filePath: path))
        output.seekToEndOfFile()
        (process.standardOutput, process.standardError, process.standardInput) = (output, output, FileHandle.nullDevice)
        try process.run()
        return process
    }

    /// Ends it as a power cut would.
    func kill() {
        process.withLock { process in
            guard let running = process, running.isRunning else { return }
            Glibc.kill(running.processIdentifier, SIGKILL)
            running.waitUntilExit()
            process = nil
        }
    }

    /// Asks it to stop; answers its exit status.
    func stop() -> Int32 {
        process.withLock { process in
            guard let running = process else { return -1 }
            running.terminate()
            running.waitUntilExit()
            process = nil
            return running.terminationStatus
        }
    }

    /// Runs `travelerctl` on this daemon.
    @discardableResult
    func ctl(_ arguments: String..., input: String = "") -> Output {
        ctl(arguments, input: input)
    }

    /// Runs `travelerctl` on this daemon.
    func ctl(_ arguments: [String], input: String = "") -> Output {
        Self.run(Self.programs + "/travelerctl", arguments + ["--socket", socket], input: input)
    }

    /// Runs `travelerd` with a subcommand.
    func offline(_ arguments: String...) -> Output {
        Self.run(Self.programs + "/travelerd", arguments)
    }

    /// What a program printed, and its exit status.
    struct Output: Sendable {
        var status: Int32
        var out: String
        var error: String
    }

    static func run(_ program: String, _ arguments: [String], input: String = "") -> Output {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let (out, error, stdin) = (Pipe(), Pipe(), Pipe())
        (process.standardOutput, process.standardError, process.standardInput) = (out, error, stdin)
        do {
            try process.run()
        } catch {
            return Output(status: -1, out: "", error: "\(error)")
        }
        stdin.fileHandleForWriting.write(Data(input.utf8))
        try? stdin.fileHandleForWriting.close()
        let printed = out.fileHandleForReading.readDataToEndOfFile()
        let complained = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Output(
            status: process.terminationStatus, out: String(decoding: printed, as: UTF8.self),
            error: String(decoding: complained, as: UTF8.self))
    }

    /// Applies a site file.
    func apply(site: String) throws {
        let path = directory + "/site.yaml"
        try site.write(toFile: path, atomically: true, encoding: .utf8)
        let output = ctl("site", "apply", path, "--yes")
        guard output.status == 0 else { throw NotStarted(log: output.error + output.out) }
    }

    /// Applies the small line and releases a work order of it.
    func openLine(quantity: Int = 100) throws {
        try apply(site: Self.site(pipe: directory + "/scanner"))
        #expect(
            ctl("work-order", "create", "1001", "--product", "PCB-100", "--quantity", "\(quantity)", "--team", "smt")
                .status == 0)
        #expect(ctl("work-order", "release", "1001").status == 0)
    }

    static func site(pipe: String, printer: String = "file:labels/") -> String {
        """
        departments: [{ code: electronics, name: Electronics }]
        teams: [{ code: smt, name: SMT, department: electronics }]
        people:
          - { login: nobody, name: Nobody, role: member, team: smt }
          - { login: mia, name: Mia, role: member, team: smt, badge: "1007" }
        defect_types: [{ code: SOLDER, name: Solder bridge }]
        routings:
          - code: board
            stages: [{ name: assembly }, { name: testing, verdict: required }]
        labels:
          - { name: small, zpl: "^XA^FO40,30^A0N,40^FD{{serial}}^FS^XZ" }
        products:
          - { code: PCB-100, name: Board, type: pcb, routing: board, label: small, serial: { pattern: "B-{seq:4}", per: product } }
          - { code: RES-10K, name: Resistor, type: part }
        stations:
          - { name: LABEL-1, mode: label, team: smt, printers: ["\(printer)"] }
          - { name: ASSY-1, mode: pass, stages: [assembly], team: smt, scanners: [{ node: "\(pipe)" }] }
          - { name: TEST-1, mode: verdict, stages: [testing], team: smt }
        """
    }
}

/// Waits for a condition; fails the test with what was waited for.
func wait(for what: String, seconds: Double = 30, until condition: () throws -> Bool) throws {
    let deadline = Date().addingTimeInterval(seconds)
    while try !condition() {
        guard Date() < deadline else {
            Issue.record("waited \(seconds) s in vain for \(what)")
            throw CancellationError()
        }
        usleep(20_000)
    }
}
