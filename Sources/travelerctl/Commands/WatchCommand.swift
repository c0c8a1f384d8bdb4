import ArgumentParser
import ControlAPI

struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration.verb(
        "watch", "The whole floor on one screen: stock, work in progress, what just happened.", example: "watch",
        more: "On a terminal it fills the screen until Ctrl-C; into a file or a pipe it writes a line for each event.")
    @Option(help: "Only events of this kind, such as unit.passed, or of a group of kinds, such as unit.") var kind:
        String?
    @Option(help: "Only events of this unit.") var unit: String?
    @Option(help: "Only events at this station.", completion: .stations) var station: String?
    @Flag(help: "Print each event as one line of JSON.") var json = false
    @OptionGroup var daemon: SocketOption

    func run() async throws {
        let isScreen = !json && Screen(descriptor: 1).height != nil
        try await reporting(json: json) {
            let last = isScreen ? try await recentStart(daemon.connection) : nil
            let live = LiveStream(daemon.connection, request, after: last, ticks: isScreen)
            if isScreen {
                try await fill(live)
            } else {
                try await printLines(live) { json ? $0.json : FloorBoard.line($0, withDay: true) }
            }
        }
    }

    var request: Request { .get("events", query: ["kind": kind, "unit": unit, "station": station]) }

    /// The event from which on the screen begins, so that it shows what happened last; nil where the daemon is away.
    private func recentStart(_ connection: Connection) async throws -> String? {
        do {
            let head = try await connection.call(.get("status"))["head"]?.int
            return head.map { String(max(0, $0 - 200)) }
        } catch let failure as Failure where failure.exit.mayPass {
            return nil
        }
    }

    private func fill(_ live: LiveStream) async throws {
        let connection = daemon.connection
        let terminal = FullScreen()
        var board = FloorBoard()
        var isStale = false
        func show() {
            let screen = Screen(descriptor: 1)
            terminal.show(board.lines(screen), screen)
        }
        show()
        for await happening in live.happenings {
            switch happening {
            case .opened: (board.isReachable, isStale) = (true, true)
            case .lost:
                board.isReachable = false
                show()
            case .event(let event):
                if let item = try? JSONValue(json: event.data) { board.add(item) }
                isStale = true
            case .tick:
                // However much happens, the counts are asked for twice a second at most.
                guard isStale else { continue }
                isStale = false
                do {
                    board.products = try await items(connection, .get("products"))
                    board.progress = try await items(connection, .get("reports", "wip"), isPaged: false)
                } catch let failure as Failure where failure.exit.mayPass {
                    isStale = true
                    board.isReachable = failure.exit != .unreachable
                }
                show()
            case .resized: show()
            case .failed(let failure): throw failure
            case .stop: return
            }
        }
    }

    /// The items of a list; none for a caller who may not see it.
    private func items(_ connection: Connection, _ request: Request, isPaged: Bool = true) async throws -> [JSONValue] {
        do {
            guard isPaged else { return try await connection.call(request)["items"]?.array ?? [] }
            return try await connection.items(request, atMost: 200)
        } catch let failure as Failure where failure.exit == .notPermitted {
            return []
        }
    }
}

/// What the screen of the whole floor shows.
struct FloorBoard {
    var products: [JSONValue] = []
    var progress: [JSONValue] = []
    /// nil until the first try has ended.
    var isReachable: Bool?
    /// The last events, the newest first.
    private(set) var events: [JSONValue] = []

    mutating func add(_ event: JSONValue) { events = [event] + events.prefix(49) }

    func lines(_ screen: Screen) -> [String] {
        let height = screen.height ?? 24
        let state =
            switch isReachable {
            case true?: screen.paint("live", .green)
            case false?: screen.paint("daemon not reachable, trying again", .red)
            case nil: "connecting"
            }
        var lines = [screen.paint("traveler", .bold) + "  " + state]
        // The events have a third of the screen, and what the tables leave.
        lines += section("Stock", products, Product.List.table, (height - lines.count) * 2 / 5, screen)
        lines += section("In production", progress, Report.Progress.table, (height * 2 / 3) - lines.count, screen)
        lines += ["", screen.paint("Events", .bold)]
        let ellipsis = screen.glyph("…", "~")
        return lines
            + events.prefix(max(0, height - lines.count)).map {
                trimmed(fitted(Self.line($0, withDay: false), screen.width ?? 80, ellipsis: ellipsis))
            }
    }

    private func section(
        _ title: String, _ items: [JSONValue], _ table: Table, _ room: Int, _ screen: Screen
    ) -> [String] {
        guard !items.isEmpty, room > 4 else { return [] }
        var layout: Table.Layout?
        let rows = table.lines(items, screen, layout: &layout)
        let shown = rows.prefix(room - 2)
        let more = rows.count > shown.count ? "  (\(rows.count - shown.count) more)" : ""
        return ["", screen.paint(title, .bold) + more] + shown
    }

    /// An event in one line.
    static func line(_ event: JSONValue, withDay: Bool) -> String {
        let at = event["at"]?.string ?? ""
        let time = withDay ? LocalTime.text(at, seconds: true) : LocalTime.clock(at)
        let parts = ["kind", "unit", "product", "work_order", "reason", "actor", "station", "note"]
        return ([time] + parts.compactMap { event[$0]?.plain }.filter { !$0.isEmpty }).joined(separator: "  ")
    }
}
