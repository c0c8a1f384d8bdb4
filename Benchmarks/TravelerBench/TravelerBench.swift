import ArgumentParser
import CBaseline
import FoundationEssentials
import Glibc

/// Measures what the project promises about speed.
@main
struct TravelerBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "traveler-bench",
        abstract: "Measure durable scans, calls, start and memory.",
        discussion: """
            The ledger is measured beside plain C over SQLite that writes the same rows on the same disk; with --daemon \
            and --command also the real programs. Give it a quiet machine.

            EXAMPLE:
              swift build -c release
              .build/release/traveler-bench --daemon .build/release/travelerd --command .build/release/travelerctl
            """)

    @Option(help: ArgumentHelp("Where to write; the disk under it is what is measured.", valueName: "path"))
    var directory = "/var/tmp"
    @Option(help: ArgumentHelp("Also measure this travelerd.", valueName: "path"))
    var daemon: String?
    @Option(help: ArgumentHelp("Also measure this travelerctl; needs --daemon.", valueName: "path"))
    var command: String?
    @Option(parsing: .upToNextOption, help: "Callers at once, 1 to 512.")
    var callers = [1, 8, 64, 512]
    @Option(help: "Runs of each measurement; medians are shown.")
    var repeats = 3
    @Option(help: "Share of the full number of scans, for a quick look.")
    var scale = 1.0
    @Flag(help: "Leave out the ledger without its daemon.")
    var skipLedger = false
    @Flag(help: "Write one JSON document.")
    var json = false

    func validate() throws {
        guard callers.allSatisfy((1...512).contains), !callers.isEmpty else {
            throw ValidationError("callers are 1 to 512")
        }
        guard (1...100).contains(repeats), scale > 0, scale <= 5 else {
            throw ValidationError("repeats are 1 to 100, a scale is above 0 and at most 5")
        }
    }

    func run() async throws {
        let scratch = directory + "/traveler-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        var syncs = [Int64](repeating: 0, count: 200)
        try checked { baseline_sync_times(scratch + "/sync", Int32(syncs.count), &syncs, $0) }
        var load = [0.0]
        getloadavg(&load, 1)
        var report = Report(
            processors: ProcessInfo.processInfo.activeProcessorCount, load_average: load[0], sync: Spread(syncs))
        show(report.heading)
        if !skipLedger {
            show(LedgerBench.Row.heading)
            let bench = LedgerBench(directory: scratch, callers: callers, repeats: repeats, scale: scale)
            report.ledger = try await bench.run { show($0.text) }
        }
        if let daemon {
            let bench = DaemonBench(
                directory: scratch, daemon: daemon, command: command, callers: callers, repeats: repeats, scale: scale)
            report.daemon = try bench.run { note("  \($0) ...") }
            if let answer = report.daemon { show(answer.text) }
        }
        if json { print(try report.json()) }
    }

    private func show(_ text: String) {
        if !json { print(text) }
        fflush(nil)
    }

    private func note(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}
