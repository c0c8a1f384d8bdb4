import Foundation
import Testing

/// The command line offers what the control interface takes, and asks for what it asks for.
@Suite(.serialized) struct OptionTests {
    private static let verbs = CommandTree.verbs

    private struct Interface: Decodable {
        struct Schema: Decodable {
            var `enum`: [String]?
            var required: [String]?
            var anyOf: [Schema]?
        }

        struct Parameter: Decodable {
            var name: String
            var `in`: String
            var schema: Schema
        }

        struct Content: Decodable {
            var schema: Schema
        }

        struct Body: Decodable {
            var content: [String: Content]
        }

        struct Operation: Decodable {
            var parameters: [Parameter]?
            var requestBody: Body?
        }

        var paths: [String: [String: Operation]]

        init(of daemon: Daemon) throws {
            let text = Daemon.run(
                "/usr/bin/env", ["curl", "-s", "--unix-socket", daemon.socket, "http://x/v1/openapi.json"])
            self = try JSONDecoder().decode(Self.self, from: Data(text.out.utf8))
        }

        /// The operation that a request means: the one with the most words of its own.
        func operation(_ asked: FakeDaemon.Asked) -> Operation? {
            let parts = asked.path.split(separator: "/")
            let fitting = paths.filter { template, _ in
                let words = template.split(separator: "/")
                return words.count == parts.count
                    && zip(words, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
            }
            let found = fitting.min { $0.key.count { $0 == "{" } < $1.key.count { $0 == "{" } }
            return found?.value[asked.method.lowercased()]
        }
    }

    /// Filters whose option is called otherwise. What is only announced stands with the statuses.
    private static let others = [
        "expected": "status", "on_hold": "held", "changed_from": "changed", "changed_to": "changed",
    ]

    /// `work_order` as it stands in an option.
    private func option(_ name: String) -> String { name.replacing("_", with: "-") }

    private func run(_ line: [String], _ daemon: FakeDaemon) -> Daemon.Output {
        Daemon.run(Daemon.programs + "/travelerctl", line + ["--socket", daemon.socket])
    }

    @Test func everyFilterOfAListIsAnOption() throws {
        let daemon = try Daemon()
        let interface = try Interface(of: daemon)
        let fake = try FakeDaemon { _ in .init(body: "{\"items\":[],\"next_cursor\":null}") }
        defer { fake.stop() }
        let lists = Self.verbs.filter(\.isList)
        #expect(lists.count >= 33)
        for list in lists {
            let before = fake.asked.count
            #expect(run(list.line + ["--json"], fake).status == 0)
            let asked = try #require(fake.asked.dropFirst(before).first)
            let operation = try #require(interface.operation(asked), "\(list.words): \(asked.path)")
            for parameter in operation.parameters ?? [] where parameter.in == "query" && parameter.name != "cursor" {
                let isSort = parameter.name == "order" && parameter.schema.enum != nil
                let name = isSort ? "sort" : Self.others[parameter.name] ?? option(parameter.name)
                let argument = list.arguments.first { argument in
                    argument.names?.contains { $0.name == name } ?? false || argument.valueName == name
                }
                #expect(argument != nil, "\(list.words.joined(separator: " ")) lacks --\(name)")
                for word in parameter.schema.enum ?? [] where argument?.kind == "option" {
                    let output = run(list.line + ["--\(name)", word], fake)
                    #expect(output.status == 0, "\(list.words.joined(separator: " ")) --\(name) \(word): \(output)")
                }
            }
        }
    }

    /// Words that a command needs beyond one for each argument that must be given.
    private static let extras: [String: [String]] = [
        "defect create": ["B-1", "--type", "X"], "defect correct": ["--location", "L"], "defect route": ["1"],
        "return create": ["B-1"], "deliver": ["B-1"], "defect inspect": ["--repairable", "1"],
        "unit assign": ["--nobody"], "product adjust": ["1"], "person set": ["--name", "N"],
        "team set": ["--name", "N"],
        "department set": ["--name", "N"], "unit defect": [], "return correct": ["--reason", "other"],
        "return checklist": [],
    ]

    @Test func whatTheInterfaceRequiresTheCommandRequires() throws {
        let daemon = try Daemon()
        let interface = try Interface(of: daemon)
        let fake = try FakeDaemon { _ in
            .init(body: "{\"id\":\"1\",\"items\":[],\"status\":\"pending\",\"remaining\":1,\"in_repacking\":1}")
        }
        defer { fake.stop() }
        var compared = 0
        // A photo's note stands beside its bytes.
        for verb in Self.verbs where verb.options.contains("note") && !verb.words.starts(with: ["return", "photo"]) {
            let name = verb.words.joined(separator: " ")
            var line = verb.words
            for argument in verb.arguments where !argument.isOptional {
                let value =
                    argument.allValues?.first { $0 != "rework" } ?? (argument.valueName == "item" ? "item:1" : "1")
                if argument.kind == "positional" { line.append(value) }
                if argument.kind == "option", let long = argument.names?.first(where: { $0.kind == "long" }) {
                    line += ["--\(long.name)", value]
                }
            }
            line += Self.extras[name] ?? []
            if verb.options.contains("yes") { line.append("--yes") }
            let before = fake.asked.count
            let output = run(line, fake)
            let change = fake.asked.dropFirst(before).last { $0.method != "GET" }
            guard let change else {
                Issue.record("\(name) asked nothing: \(line) \(output)")
                continue
            }
            let required = interface.operation(change)?.requestBody?.content["application/json"]?.schema.required ?? []
            let note = verb.arguments.first { $0.names?.contains { $0.name == "note" } ?? false }
            #expect(note?.isOptional == !required.contains("note"), "\(name): --note and \(change.path)")
            for property in required {
                let argument = verb.arguments.first { $0.names?.contains { $0.name == option(property) } ?? false }
                if let argument { #expect(!argument.isOptional, "\(name): --\(option(property)) is required") }
            }
            compared += 1
        }
        #expect(compared >= 15)
    }

    @Test func wordsAreTakenAsTablesShowThem() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        for status in ["in_production", "in production", "in-production", "In Production"] {
            #expect(daemon.ctl("unit", "list", "--status", status).status == 0, "\(status)")
        }
        #expect(daemon.ctl("repacking", "list", "--status", "written off").status == 0)
        #expect(daemon.ctl("return", "list", "--reason", "wrong item").status == 0)
        #expect(daemon.ctl("log", "inventory", "--action", "return restock").status == 0)
    }

    /// An unknown word, a malformed value, an unknown help topic.
    private static let wrong = [
        "bogus", "unit lst", "help bogus", "help unit lst", "help unit list bogus", "unit list --status bogus",
        "unit list --stauts x", "unit list extra", "unit list --sort bogus", "unit list --limit 0",
        "unit list --limit x", "work-order list --status bogus", "log scans --result bogus",
        "log inventory --action bogus", "log write-offs --reason bogus", "log audit --kind bogus",
        "log audit --from bogus", "log audit --from 2026-03-02 --to 2026-03-01",
        "report yield --from 2026-03-02 --to 2026-03-01",
        "report defects --by bogus", "person grant mia bogus", "unit write-off X --reason bogus --note n",
        "unit defect X bogus --note n", "device pair ASSY-1 --by bogus", "webhook add http://127.0.0.1/x bogus",
        "return list --reason bogus", "work-order create 9 --product PCB-100 --quantity 1 --team smt --due tomorrow",
        "defect list --group bogus", "product list --view bogus",
    ]

    @Test func wrongWordsAreWrongUsage() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        for line in Self.wrong {
            let output = daemon.ctl(line.split(separator: " ").map(String.init))
            #expect(output.status == 64, "\(line): \(output)")
            #expect(!output.error.contains("the body") && !output.error.contains("the query"), "\(line): \(output)")
        }
    }

    /// What is named and is not there.
    private static let absent = [
        "unit show NOPE", "unit list --product NOPE", "unit list --team nope", "unit list --work-order 9",
        "log scans --station NOPE", "log inventory --product NOPE", "device list --station NOPE",
        "supplier returns nope",
        "defect list --type NOPE", "defect list --supplier nope", "unit register NOPE A --work-order 1001",
        "unit register PCB-100 A --work-order 9", "unit receive PCB-100 A --supplier nope --note n",
        "unit assign U-1 --to nope", "unit defect U-1 pending --type NOPE --note n",
        "work-order create 77 --product NOPE --quantity 1 --team smt", "scan --station NOPE A",
        "work-order create 77 --product PCB-100 --quantity 1 --team nope", "defect show 999", "webhook show 999",
        "defect create U-1 --type NOPE --note n", "return create SO-1 U-1 --reason other", "site plan /nonexistent",
        "person add zed --name Z --role member --team nope", "deliver --order SO-1 NOPE", "customer show nope",
    ]

    @Test func whatIsNotThereIsNotFound() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "--work-order", "1001").status == 0)
        for line in Self.absent {
            let output = daemon.ctl(line.split(separator: " ").map(String.init))
            #expect(output.status == 66, "\(line): \(output)")
        }
        #expect(daemon.ctl("unit", "list", "--product", "RES-10K").status == 0, "nothing of what is there")
    }

    @Test func aNearMissIsNamed() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        for (line, meant) in [
            ("unit lst", "unit list"), ("help sttion", "station"), ("station show ASY-1", "ASSY-1"),
            ("product show PCB-10", "PCB-100"), ("unit list --stauts x", "--status"),
        ] {
            let output = daemon.ctl(line.split(separator: " ").map(String.init))
            #expect(output.status != 0)
            let isNamed = output.error.lowercased().contains("did you mean") && output.error.contains(meant)
            #expect(isNamed, "\(line): \(output)")
        }
    }

    @Test func aReportTakesALimit() throws {
        let daemon = try Daemon()
        let reports = Self.verbs.filter { $0.words.first == "report" }
        #expect(reports.count >= 7)
        for report in reports {
            for options in [["--limit", "1"], ["--all"], ["--total"]] {
                let output = daemon.ctl(report.words + options)
                #expect(output.status == 0, "\(report.words) \(options): \(output)")
            }
        }
    }

    @Test func completionsKnowStatusesAndNamesOfThePlant() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        for shell in ["bash", "zsh", "fish"] {
            let script = Daemon.run(Daemon.programs + "/travelerctl", ["--generate-completion-script", shell]).out
            #expect(script.contains("in_production") && script.contains("returns:inspect"), "\(shell)")
        }
        let stations = Daemon.run(
            "/usr/bin/env",
            [
                "TRAVELER_SOCKET=\(daemon.socket)", Daemon.programs + "/travelerctl", "---completion", "station",
                "watch", "--", "positional@0", "3", "0", "travelerctl", "station", "watch", "",
            ])
        #expect(stations.out.contains("ASSY-1") && stations.out.contains("LABEL-1"), "\(stations)")
    }
}
