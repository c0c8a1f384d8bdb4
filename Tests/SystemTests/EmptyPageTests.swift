import Foundation
import Testing

/// A page may be empty while there are more. The real command line, against a socket that gives such pages.
@Suite(.serialized) struct EmptyPageTests {
    private static let lists = CommandTree.verbs.filter(\.isList)
    /// Keys of which every table shows one.
    private static let keys = [
        "id", "serial", "code", "name", "number", "login", "key", "event", "at", "product", "station", "device", "kind",
        "stage", "day", "opened_at", "order", "supplier", "defect",
    ]

    /// Nothing, one row, nothing, another row: as a filter that walks far gives them.
    @Sendable private static func page(_ asked: FakeDaemon.Asked) -> FakeDaemon.Answer {
        func row(_ name: String) -> String {
            "{" + keys.map { "\"\($0)\":\"\(name)\"" }.joined(separator: ",") + ",\"status\":\"open\"}"
        }
        if asked.path.hasPrefix("/v1/reports/") {
            guard Set(asked.query.keys).isSubset(of: ["by", "from", "to"]) else {
                return .init(status: 400, body: "{\"code\":\"invalid_argument\",\"detail\":\"no such parameter\"}")
            }
            return .init(body: "{\"items\":[\(row("ROW-1")),\(row("ROW-2"))]}")
        }
        if asked.path == "/v1/defects/cards" || asked.method != "GET" { return .init(body: "{}") }
        return switch asked.query["cursor"] {
        case nil: .init(body: "{\"items\":[],\"next_cursor\":\"a\"}")
        case "a": .init(body: "{\"items\":[\(row("ROW-1"))],\"next_cursor\":\"b\"}")
        case "b": .init(body: "{\"items\":[],\"next_cursor\":\"c\"}")
        default: .init(body: "{\"items\":[\(row("ROW-2"))],\"next_cursor\":null}")
        }
    }

    private func run(_ arguments: [String], _ daemon: FakeDaemon) -> Daemon.Output {
        Daemon.run(Daemon.programs + "/travelerctl", arguments + ["--socket", daemon.socket])
    }

    @Test func thereAreLists() {
        #expect(Self.lists.count >= 33, "\(Self.lists.map { $0.words.joined(separator: " ") })")
    }

    @Test("every list goes on past an empty page", arguments: lists)
    func everyListGoesOn(list: CommandTree.Verb) throws {
        let daemon = try FakeDaemon(Self.page)
        defer { daemon.stop() }
        for options in [[], ["--all"], ["--limit", "2"], ["--csv"], ["--csv", "--all"], ["--json"], ["--total"]] {
            let output = run(list.line + options, daemon)
            #expect(output.status == 0, "\(list.words) \(options): \(output)")
            #expect(output.out.contains("ROW-1") && output.out.contains("ROW-2"), "\(list.words) \(options): \(output)")
            #expect(!output.out.contains("Nothing") && !output.error.contains("There are more"), "\(output)")
            if options.first == "--csv" { #expect(output.out.split(separator: "\r\n").count == 3, "\(output)") }
            if options.first == "--json" {
                let json = try JSONSerialization.jsonObject(with: Data(output.out.utf8)) as? [String: Any]
                #expect((json?["items"] as? [Any])?.count == 2)
                #expect(json?["next_cursor"] is NSNull? || json?["next_cursor"] == nil)
            }
        }
        let one = run(list.line + ["--limit", "1"], daemon)
        #expect(one.status == 0 && one.out.contains("ROW-1") && !one.out.contains("ROW-2"), "\(list.words): \(one)")
        #expect(one.error.contains("There are more"), "\(list.words): \(one)")
    }

    @Test("a list that never ends is no empty list", arguments: lists.prefix(3))
    func aListThatLeadsNowhereFails(list: CommandTree.Verb) throws {
        let daemon = try FakeDaemon { _ in .init(body: "{\"items\":[],\"next_cursor\":\"same\"}") }
        defer { daemon.stop() }
        #expect(run(list.line + ["--all"], daemon).status == 75)
    }

    @Test func whatIsChosenByFiltersIsChosenFromAllPages() throws {
        let daemon = try FakeDaemon(Self.page)
        defer { daemon.stop() }
        let route = run(
            ["defect", "route", "--product", "P", "--rma", "R", "--note", "n", "--dry-run", "--json"], daemon)
        #expect(route.status == 0 && route.out.contains("ROW-1") && route.out.contains("ROW-2"), "\(route)")
        let sent = daemon.asked.first { $0.path == "/v1/defects/route" }
        #expect(sent?.body.contains("\"ROW-1\"") == true && sent?.body.contains("\"ROW-2\"") == true)
    }

    @Test func aCaseIsFoundBehindAnEmptyPage() throws {
        let daemon = try FakeDaemon { asked in
            asked.path == "/v1/defects/ROW-1"
                ? .init(body: "{\"id\":\"ROW-1\",\"status\":\"pending\"}") : Self.page(asked)
        }
        defer { daemon.stop() }
        let shown = run(["defect", "show", "B-17"], daemon)
        #expect(shown.status == 0 && shown.out.contains("ROW-1"), "\(shown)")
    }

    @Test func aHistoryInPagesIsWhole() throws {
        let daemon = try FakeDaemon(Self.page)
        defer { daemon.stop() }
        for command in [
            ["unit", "history", "1"], ["defect", "history", "1"], ["return", "photo", "list", "1", "item:1"],
        ] {
            let output = run(command + ["--json"], daemon)
            #expect(output.out.contains("ROW-1") && output.out.contains("ROW-2"), "\(command): \(output)")
        }
    }

    @Test func completionsGoOn() throws {
        let daemon = try FakeDaemon(Self.page)
        defer { daemon.stop() }
        for (command, argument) in [
            (["station", "watch"], "positional@0"), (["unit", "list"], "--product"),
            (["unit", "list"], "--work-order"),
        ] {
            let offered = Daemon.run(
                "/usr/bin/env",
                ["TRAVELER_SOCKET=\(daemon.socket)", Daemon.programs + "/travelerctl", "---completion"] + command
                    + ["--", argument, "3", "0", "travelerctl"] + command + [""])
            #expect(offered.out.contains("ROW-1") && offered.out.contains("ROW-2"), "\(command): \(offered)")
        }
    }

    @Test func aControlSheetHasTheOrdersOfAllPages() throws {
        let daemon = try FakeDaemon { asked in
            asked.path == "/v1/stations/LABEL-1"
                ? .init(body: "{\"name\":\"LABEL-1\",\"mode\":\"label\"}") : Self.page(asked)
        }
        defer { daemon.stop() }
        let file = daemon.socket + ".html"
        defer { try? FileManager.default.removeItem(atPath: file) }
        #expect(run(["control-sheet", "LABEL-1", "-o", file], daemon).status == 0)
        let sheet = try String(contentsOfFile: file, encoding: .utf8)
        #expect(sheet.contains("TRV:WO:ROW-1") && sheet.contains("TRV:WO:ROW-2"))
    }
}
