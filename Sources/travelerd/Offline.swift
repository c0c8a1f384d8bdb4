import ArgumentParser
import Barcodes
import Devices
import Glibc
import Ledger
import Scenarios

/// `travelerd scenario`
struct RunScenarios: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenario",
        abstract: "Run scenario files against a scratch ledger.",
        discussion: """
            Prints each line that came out otherwise, then how many passed and failed; exits with 1 if any did. No
            device, printer or socket is opened.

            Example:
              travelerd scenario examples/scenarios/*.scenario
              travelerd scenario monday.scenario --site new-rules.yaml
            """)

    @Argument(help: "Scenario files.", completion: .file(extensions: ["scenario"]))
    var files: [String]

    @Option(help: "A site file to use in the place of those that the scenarios name.", completion: .file())
    var site: String?

    func run() async throws {
        var (passed, failed) = (0, 0)
        for file in files {
            let outcome = try await Scenario(file: file, site: site).run()
            for failure in outcome.failures { print(failure) }
            passed += outcome.passed
            failed += outcome.failures.count
        }
        print("\(passed) passed, \(failed) failed")
        if failed > 0 { throw ExitCode(1) }
    }
}

/// `travelerd check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Walk a ledger that no daemon has open, and say whether it adds up.",
        discussion: """
            Reads every page and every index, walks the chain of events, rebuilds every unit and every count from them,
            and names the first row that differs; then reads the photos beside it. Exits with 1 if anything is damaged,
            a row differs or a photo is lost. Where only indexes are damaged, --rebuild-indexes makes them anew from
            the tables, and checks again. While the daemon runs, use: travelerctl audit verify

            Example:
              travelerd check
              travelerd check --file /backup/monday.db
              travelerd check --rebuild-indexes
            """)

    @OptionGroup var place: Place
    @Option(help: "Check this file, such as a back-up, in the place of the ledger.", completion: .file())
    var file: String?
    @Flag(help: "Make damaged indexes of the ledger anew, where nothing else is damaged.")
    var rebuildIndexes = false

    func validate() throws {
        if rebuildIndexes, file != nil {
            throw ValidationError(
                "--rebuild-indexes changes the ledger; a back-up is made whole as it is restored: travelerd restore FILE"
            )
        }
    }

    func run() throws {
        let lock = file == nil ? try DaemonLock(directory: place.path) : nil
        let path = file ?? place.path + "/" + Ledger.fileName
        func check() throws -> VerifyReport {
            defer { Progress.clear() }
            return try Ledger.verify(
                file: path, scratch: scratchDirectory(), photosBeside: file == nil ? place.path : nil
            ) { Progress.show($0) }
        }
        var report = try check()
        if rebuildIndexes, report.isRebuildable {
            report.printDamage(of: path)
            Progress.show("making the indexes anew")
            try Ledger.rebuildIndexes(in: place.path)
            Progress.clear()
            print("The indexes were made anew. Checking again:")
            report = try check()
        }
        withExtendedLifetime(lock) {}
        report.printDamage(of: path)
        if let problem = report.problem {
            print("\(path) does not add up.\n  table \(problem.table), row \(problem.row)\n  \(problem.message)")
            print("Keep this file, and restore the last good back-up: travelerd restore FILE")
        } else if report.isRebuildable {
            print(
                "Every table is whole: \(report.events) events, and every count follows from them. Only what helps to")
            print("find rows is damaged, so that lists may lack some or show them twice. It can be made anew:")
            print(file == nil ? "  travelerd check --rebuild-indexes" : "  travelerd restore \(path)")
        } else if !report.damage.isEmpty {
            print("Keep this file, and restore the last good back-up: travelerd restore FILE")
        } else {
            print(
                "\(path) adds up: \(report.events) events, each chained to the one before, and every count follows from them."
            )
        }
        report.printPhotos(in: place.path)
        if let format = report.olderFormat {
            print(
                "It has format \(format). The daemon brings it up at its start; a copy was, and that is what was checked."
            )
        }
        if file != nil, report.photos > 0 {
            print("It names \(report.photos) photos. Their files are not in it, but in photos/ beside the ledger.")
        }
        if !report.isWhole { throw ExitCode(1) }
    }
}

extension VerifyReport {
    /// Says what SQLite finds wrong with the file.
    fileprivate func printDamage(of path: String) {
        guard !damage.isEmpty else { return }
        print("\(path) is damaged:")
        for sentence in damage.prefix(5) { print("  \(sentence)") }
        if damage.count > 5 { print("  ... and \(damage.count == 100 ? "at least " : "")\(damage.count - 5) more") }
    }

    /// Says which photos are not in the ledger's directory.
    fileprivate func printPhotos(in directory: String) {
        guard !lostPhotos.isEmpty else { return }
        print("Of \(photos) photos, \(lostPhotos.count) are missing or not what they were:")
        for digest in lostPhotos.prefix(10) { print("  \(digest)") }
        if lostPhotos.count > 10 { print("  ...") }
        print("Copy them to \(directory)/photos from where you keep them.")
    }
}

/// `travelerd restore`
struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a back-up in the place of the ledger, after checking it.",
        discussion: """
            The daemon must be stopped. The ledger that was there, and its photos, are kept beside it under other
            names. A back-up that an older version made is brought up. A back-up holds no photos: copy them to the
            directory photos before.

            Example:
              systemctl stop travelerd
              travelerd restore /backup/monday.db
              systemctl start travelerd
            """)

    @OptionGroup var place: Place
    @Argument(help: "The back-up.", completion: .file())
    var file: String

    func run() throws {
        let lock = try DaemonLock(directory: place.path)
        let (report, kept) = try Ledger.restore(file, in: place.path) { Progress.show($0) }
        Progress.clear()
        withExtendedLifetime(lock) {}
        print("Restored \(report.events) events from \(file).")
        if let format = report.olderFormat { print("It had format \(format) and was brought up to this version's.") }
        if let kept { print("The ledger that was there is kept as \(place.path)/\(kept).") }
        report.printPhotos(in: place.path)
        print("Start the daemon again: systemctl start travelerd")
    }
}

/// `travelerd keystrokes`
struct Keystrokes: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write what a scanner would send for some codes, as struct input_event records.",
        discussion: """
            For trying a station without a scanner: what this writes into a named pipe that is bound to a station is
            read as if a scanner had read the codes.

            Example:
              travelerd keystrokes TRV:NEW > /run/traveler/pipe
            """)

    @Option(help: "Keyboard layout that the scanner types in: us, uk, de or fr.")
    var layout: String = "us"
    @Argument(help: "The codes, each ended by Enter.")
    var codes: [String]

    func run() throws {
        guard let layout = KeyboardLayout(rawValue: layout) else {
            let known = KeyboardLayout.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("there is no layout \(layout); use one of \(known)")
        }
        for code in codes {
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            let time = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
            let events = try Barcodes.Keystrokes.events(typing: code, layout: layout, startingAt: time)
            let bytes = events.flatMap(\.bytes)
            var written = 0
            while written < bytes.count {
                let count = bytes.withUnsafeBytes {
                    write(1, $0.baseAddress?.advanced(by: written), bytes.count - written)
                }
                guard count > 0 else { throw ExitCode(1) }
                written += count
            }
        }
    }
}

/// A line on a terminal that is written over; nothing where nobody looks.
enum Progress {
    static func show(_ text: String) {
        if isatty(2) == 1 { writeError("\r\u{1B}[K\(text)") }
    }
    static func show(_ progress: VerifyProgress) {
        let (done, total) = (progress.done, progress.total)
        switch progress.stage {
        case .copying: show("copying: \(total > 0 ? done * 100 / total : 0) %")
        case .checking: show("checking every page and every index")
        case .replaying: show("rebuilding from the events: \(done) of \(total)")
        case .comparing: show("comparing: table \(done + 1) of \(total)")
        case .photos: show("reading the photos: \(done) of \(total)")
        }
    }
    static func clear() {
        if isatty(2) == 1 { writeError("\r\u{1B}[K") }
    }
}

/// Where scratch files go.
func scratchDirectory() -> String { environment("TMPDIR") ?? "/tmp" }

/// A variable of the environment; nil for none and for an empty one.
func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
}
