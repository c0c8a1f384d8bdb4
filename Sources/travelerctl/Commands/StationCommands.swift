import ArgumentParser
import ControlAPI

struct Station: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "station", "Stations: what they do and what happens there.", example: "station watch QA-1",
        [List.self, Show.self, Watch.self])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb("list", "All stations.", example: "station list")
        @Option(parsing: .unconditional, help: .sort, completion: .list(["name", "-name"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("stations", query: ["order": sort]) }
        static let table = Table(
            columns: [
                Column("NAME", "name"), Column("MODE", "mode"), Column("STAGES", "stages", rank: 1),
                Column("TEAM", "team", rank: 4), Column("OPERATOR", "operator", rank: 2),
                Column("BENCH", "bench", rank: 3),
                Column(
                    "SCANNER", "connected", rank: 5, shown: { $0["connected"]?.bool.map { $0 ? "on" : "away" } ?? "" }),
                Column("WORK ORDER", "work_order", rank: 6), .data("sign_on"), .data("delivery"), .data("printers"),
            ],
            empty: "No stations.",
            hint: .init("Add them to the site file, then 'travelerctl site apply FILE'.", to: "administer"))
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb("show", "One station.", example: "station show QA-1")
        @Argument(help: .station, completion: .stations) var name: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("stations", name) }
        var view: View {
            .fields([
                Column("Name", "name"), Column("Mode", "mode"), Column("Stages", "stages"), Column("Team", "team"),
                Column("Sign-on", "sign_on"), Column("Operator", "operator"), Column("On the bench", "bench"),
                Column("Work order", "work_order"), Column("Delivery", "delivery"), Column("Printers", "printers"),
                Column("Scanners", "scanners", shown: scanners),
                Column("Connected", "connected", shown: { $0["connected"]?.plain ?? "" }),
            ])
        }

        private var scanners: @Sendable (JSONValue) -> String {
            {
                ($0["scanners"]?.array ?? []).map { scanner in
                    guard let fields = scanner.object else { return scanner.plain }
                    return fields.map { "\(visible($0.key)) \($0.value.plain)" }.joined(separator: " ")
                }.joined(separator: ", ")
            }
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration.verb(
            "watch", "Show each scan of a station at once, large enough for the bench.", example: "station watch QA-1",
            more:
                "On a terminal it fills the screen until Ctrl-C; into a file or a pipe it writes a line for each scan.")
        @Argument(help: .station, completion: .stations) var name: String
        @Flag(help: "Print each scan as one line of JSON.") var json = false
        @OptionGroup var daemon: SocketOption

        func run() async throws {
            let request = Request.get("stations", name, "watch")
            let live = LiveStream(daemon.connection, request, ticks: false)
            try await reporting(json: json) {
                if json || Screen(descriptor: 1).height == nil {
                    try await printLines(live) { event in
                        if json { return event.json }
                        guard let problems = StationBoard.problems(event) else { return ScanAnswer(json: event).line }
                        return problems.isEmpty ? nil : problems.map { "notice  \($0)" }.joined(separator: "\n")
                    }
                } else {
                    try await fill(live)
                }
            }
        }

        private func fill(_ live: LiveStream) async throws {
            let terminal = FullScreen()
            var board = StationBoard(name: name)
            terminal.show(board.lines(Screen(descriptor: 1)), Screen(descriptor: 1))
            for await happening in live.happenings {
                switch happening {
                case .opened: board.isReachable = true
                case .lost: board.isReachable = false
                case .event(let event):
                    guard let answer = try? JSONValue(json: event.data) else { continue }
                    if let problems = StationBoard.problems(answer) {
                        board.problems = problems
                    } else {
                        board.add(ScanAnswer(json: answer))
                        if board.scans.first?.isRefused == true { terminal.bell() }
                    }
                case .failed(let failure): throw failure
                case .stop: return
                case .tick: continue
                case .resized: break
                }
                let screen = Screen(descriptor: 1)
                terminal.show(board.lines(screen), screen)
            }
        }
    }
}

/// Writes a line for each event, until Ctrl-C. A daemon that isn't there at the start ends it; one that restarts doesn't.
func printLines(_ live: LiveStream, _ line: (JSONValue) -> String?) async throws {
    var wasOpen = false
    var isOpen = false
    for await happening in live.happenings {
        switch happening {
        case .opened: (wasOpen, isOpen) = (true, true)
        case .event(let event):
            if let item = try? JSONValue(json: event.data), let text = line(item) { Output.line(text) }
        case .lost(let failure):
            guard wasOpen else { throw failure }
            if isOpen { Output.note("travelerctl: the daemon is not reachable; waiting for it") }
            isOpen = false
        case .failed(let failure): throw failure
        case .stop: return
        case .tick, .resized: continue
        }
    }
}

/// What the screen of a station shows.
struct StationBoard {
    let name: String
    /// The last scans, the newest first.
    private(set) var scans: [ScanAnswer] = []
    /// nil until the first try has ended.
    var isReachable: Bool?
    /// What is wrong with the station's scanners and printers.
    var problems: [String] = []

    init(name: String) { self.name = name }

    /// What a notice says is wrong; nil for what is no notice.
    static func problems(_ event: JSONValue) -> [String]? { event["problems"]?.array?.map(\.plain) }

    mutating func add(_ scan: ScanAnswer) {
        scans = [scan] + scans.prefix(19)
    }

    func lines(_ screen: Screen) -> [String] {
        var lines = [screen.paint(visible(name), .bold)]
        if isReachable == false {
            lines += ScanAnswer.band("OFFLINE", .onGrey, screen)
            lines += [
                "",
                "  "
                    + screen.paint(
                        "The daemon is not reachable. Do not go on; this screen comes back by itself.", .bold),
            ]
        } else if let last = scans.first {
            lines += last.large(screen)
        } else {
            let word = isReachable == true ? "READY" : "..."
            lines += ScanAnswer.band(word, .onGrey, screen) + ["", "  Waiting for the first scan."]
        }
        if isReachable != false, !problems.isEmpty {
            lines.append("")
            let width = screen.width.map { max(20, $0 - 4) }
            lines += problems.flatMap { wrapped($0, width) }.map { "  " + screen.paint(" \($0) ", .onAmber) }
        }
        let earlier = isReachable == false ? scans[...] : scans.dropFirst()
        let room = (screen.height ?? 24) - lines.count - 2
        guard !earlier.isEmpty, room > 0 else { return lines }
        lines += ["", screen.paint("Before", .faint)]
        let ellipsis = screen.glyph("…", "~")
        return lines
            + earlier.prefix(max(0, room)).map { scan in
                trimmed(fitted(scan.line, screen.width ?? 80, ellipsis: ellipsis))
            }
    }
}
