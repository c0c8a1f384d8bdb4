import ArgumentParser
import ControlAPI

struct Status: Call {
    static let configuration = CommandConfiguration.verb(
        "status", "How the daemon is, and what to do next.", example: "status")
    @OptionGroup var options: CallOptions
    var request: Request { .get("status") }
    var view: View {
        let fields = View.fields([
            Column("Version", "version"), Column("Running since", "started_at", .time),
            Column("For", "uptime_seconds", shown: { duration($0["uptime_seconds"]?.int ?? 0) }),
            Column("Site", "site", shown: { $0["site"]?.bool == true ? "applied" : "none yet" }),
            Column("Last event", "head"), Column("Your role", "role", shown: { words($0["role"]?.string ?? "") }),
        ])
        return View { answer, screen in
            let problems = (answer["problems"]?.array ?? []).map { screen.paint("Problem: ", .red) + $0.plain }
            let next = (answer["next"]?.array ?? []).map { screen.paint("Next: ", .bold) + $0.plain }
            return fields.draw(answer, screen) + problems + next
        }
    }
}

/// `3 d 4 h`, `12 min`.
private func duration(_ seconds: Int) -> String {
    switch seconds {
    case ..<60: "\(seconds) s"
    case ..<3_600: "\(seconds / 60) min"
    case ..<86_400: "\(seconds / 3_600) h \(seconds / 60 % 60) min"
    default: "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
    }
}

struct WhoAmI: Call {
    static let configuration = CommandConfiguration.verb(
        "whoami", "Who the daemon takes you for, and what you may.", example: "whoami")
    @OptionGroup var options: CallOptions
    var request: Request { .get("whoami") }
    var view: View {
        .fields([
            Column("Login", "login"), Column("User id", "uid"), Column("Name", "name"),
            Column("Role", "role", shown: { words($0["role"]?.string ?? "") }), Column("Department", "department"),
            Column("Team", "team"), Column("Grants", "grants"),
            Column("You see", "sees", shown: { ($0["sees"]?.array ?? []).map(\.plain).joined(separator: "; ") }),
            Column(
                "You may", "may",
                shown: { ($0["may"]?.array ?? []).compactMap { $0["what"]?.plain }.joined(separator: "; ") }),
        ])
    }
}

struct Site: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "site", "The plant, as a file: products, routings, stations, people.", example: "site plan plant.yaml",
        [Plan.self, Apply.self, Export.self])

    struct Plan: Call {
        static let configuration = CommandConfiguration.verb(
            "plan", "Show what applying a site file would change.", example: "site plan plant.yaml")
        @Argument(help: .siteFile, completion: .file(extensions: ["yaml", "yml"])) var file: String
        @OptionGroup var options: CallOptions
        var request: Request { Request(method: .POST, path: ["site", "plan"], body: .yaml(file: file)) }
        var view: View { .plan(done: false) }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration.verb(
            "apply", "Make the plant what a site file says, in one step.", example: "site apply plant.yaml",
            more: """
                What is absent from the file is retired, never deleted: that is shown and asked about, or done at once \
                with --yes. Look first with 'site plan'.
                """)
        @Argument(help: .siteFile, completion: .file(extensions: ["yaml", "yml"])) var file: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions

        func run() async throws {
            try await reporting(json: options.json, file: file) {
                let connection = options.daemon.connection
                // What was agreed to is what is applied, even if the file changes meanwhile.
                let body = Request.Body.content(try readFile(file), type: "application/yaml")
                if !consent.yes {
                    let plan = try await connection.call(Request(method: .POST, path: ["site", "plan"], body: body))
                    if let question = Self.question(plan) {
                        Output.note(View.plan(done: false).draw(plan, Screen(descriptor: 2)).joined(separator: "\n"))
                        guard try isConfirmed(question, assumed: false) else {
                            return Output.note("Nothing was changed.")
                        }
                    }
                }
                let answer = try await connection.call(Request(method: .PUT, path: ["site"], body: body))
                Output.lines(options.json ? [answer.json] : View.plan(done: true).draw(answer, Screen(descriptor: 1)))
            }
        }

        /// What a plan ends, as a question; nil where it ends nothing.
        static func question(_ plan: JSONValue) -> String? {
            let retired = (plan["changes"]?.array ?? []).filter { $0["action"]?.string == "retire" }
            let locksOut = plan["locks_out"]?.bool == true
            guard !retired.isEmpty || locksOut else { return nil }
            let names = retired.prefix(5).map { "\(words($0["kind"]?.string ?? "")) \($0["name"]?.plain ?? "")" }
            let more = retired.count > names.count ? " and \(retired.count - names.count) more" : ""
            let what = retired.isEmpty ? [] : ["This retires \(names.joined(separator: ", "))\(more)."]
            let out = locksOut ? ["YOU WOULD BE LOCKED OUT: you are no admin in this file."] : []
            return (what + out + ["Apply it?"]).joined(separator: " ")
        }
    }

    struct Export: Download {
        static let configuration = CommandConfiguration.verb(
            "export", "Write the plant as a site file, with everything that was changed by command.",
            example: "site export -o plant.yaml")
        @Option(name: [.customShort("o"), .customLong("output")], help: .newFile, completion: .file()) var file: String?
        @OptionGroup var daemon: SocketOption
        var request: Request { .get("site") }
    }
}

struct Backup: Download {
    static let configuration = CommandConfiguration.verb(
        "backup", "Write a backup of the ledger, while it runs.", example: "backup /srv/backup/traveler-2026-03-02.db",
        more: """
            Bring it back with 'travelerd restore FILE'. Photos of returns are not in it: copy the directory 'photos' \
            beside the ledger, too.
            """)
    @Argument(help: .newFile, completion: .file()) var path: String
    @OptionGroup var daemon: SocketOption
    var file: String? { path }
    var request: Request { .get("backup", patience: 3_600) }
}

struct Supplier: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "supplier", "Suppliers.", example: "supplier list", [List.self, Show.self, Returns.self])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb("list", "All suppliers.", example: "supplier list")
        @Option(parsing: .unconditional, help: .sort, completion: .list(["code", "-code"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("suppliers", query: ["order": sort]) }
        static let table = Table(
            columns: [
                Column("CODE", "code"), Column("NAME", "name", shrinks: true),
                Column("RETIRED", "retired", .flag, rank: 1),
            ],
            empty: "No suppliers.",
            hint: .init("Add them to the site file, then 'travelerctl site apply FILE'.", to: "administer"))
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb(
            "show", "One supplier with its cases, and with what went back to it.", example: "supplier show acme",
            more: """
                Of both lists the last 20: 'travelerctl defect list --supplier CODE' and 'travelerctl supplier returns \
                CODE' list all.
                """)
        @Argument(help: "Code of the supplier.", completion: .suppliers) var code: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("suppliers", code) }
        var view: View {
            View { supplier, screen in
                let fields = View.fields([
                    Column("Code", "code"), Column("Name", "name"), Column("Retired", "retired", .flag),
                    Column("Credited", "credit", .money),
                ])
                var lines = fields.draw(supplier, screen)
                if let cards = supplier["cases"] { lines += Defect.List.cards(cards, screen) }
                for (key, table) in [("open_cases", Defect.List.table), ("returns", Returns.table)] {
                    guard let rows = supplier[key]?.array, !rows.isEmpty else { continue }
                    lines += ["", key == "returns" ? "Went back:" : "Not resolved:"] + table.whole(rows, screen)
                }
                return lines
            }
        }
    }
}

struct DefectType: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "defect-type", "The kinds of defects.", example: "defect-type list",
        [List.self, Add.self, Rename.self, Retire.self])

    static let fields = View.fields([
        Column("Code", "code"), Column("Name", "name"), Column("Category", "category"),
        Column("Retired", "retired", .flag),
    ])

    struct Add: Call {
        static let configuration = CommandConfiguration.verb(
            "add", "Add a kind of defect.", example: "defect-type add CRACK --name \"Cracked housing\"")
        @Argument(help: .defectType, completion: .defectTypes) var code: String
        @Option(help: "What people call it.") var name: String
        @Option(help: "What it is counted under.") var category: String?
        @OptionGroup var options: CallOptions
        var request: Request {
            .post(
                "defect-types",
                body: ["code": .string(code), "name": .string(name), "category": .text(category)])
        }
        var view: View { DefectType.fields }
    }

    struct Rename: Call {
        static let configuration = CommandConfiguration.verb(
            "rename", "Give a kind of defect another name; its code stays.",
            example: "defect-type rename CRACK --name \"Cracked case\"")
        @Argument(help: .defectType, completion: .defectTypes) var code: String
        @Option(help: "What people call it.") var name: String
        @Option(help: "What it is counted under; an empty text clears it.") var category: String?
        @OptionGroup var options: CallOptions
        var request: Request {
            .patch("defect-types", code, body: ["name": .string(name), "category": .clearing(category)])
        }
        var view: View { DefectType.fields }
    }

    struct Retire: Ending {
        static let configuration = CommandConfiguration.verb(
            "retire", "No longer use a kind of defect; it is never deleted.", example: "defect-type retire CRACK")
        @Argument(help: .defectType, completion: .defectTypes) var code: String
        @Flag(inversion: .prefixedNo, help: "Use it again with --no-retired.") var retired = true
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions
        func question(_ connection: Connection) async throws -> String? {
            retired ? "Retire the defect type \(visible(code))? No station takes it any more." : nil
        }
        var request: Request { .patch("defect-types", code, body: ["retired": .bool(retired)]) }
        var view: View { DefectType.fields }
    }

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb("list", "All defect types.", example: "defect-type list")
        @Option(parsing: .unconditional, help: .sort, completion: .list(["code", "-code"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("defect-types", query: ["order": sort]) }
        static let table = Table(
            columns: [
                Column("CODE", "code"), Column("NAME", "name", shrinks: true), Column("CATEGORY", "category", rank: 1),
                Column("RETIRED", "retired", .flag, rank: 2),
            ],
            empty: "No defect types.",
            hint: .init("Add them to the site file, then 'travelerctl site apply FILE'.", to: "administer"))
    }
}

extension View {
    /// What a site file changes.
    static func plan(done: Bool) -> View {
        View { answer, screen in
            let changes = answer["changes"]?.array ?? []
            guard !changes.isEmpty else { return [done ? "Nothing changed." : "Nothing would change."] }
            let marks: [String: (String, Paint)] = [
                "create": ("+", .green), "change": ("~", .amber), "retire": ("-", .red), "new_version": ("^", .amber),
            ]
            let lines = changes.map { change in
                let (mark, paint) = marks[change["action"]?.string ?? ""] ?? ("?", .bold)
                let (kind, code) = (words(change["kind"]?.string ?? ""), change["name"]?.plain ?? "")
                // There is but one entry of settings, and it has no code of its own.
                let name = kind == code ? kind : "\(kind) \(code)"
                // Of a change it can only have been set back: what is set is an action of its own.
                let fields = (change["fields"]?.array ?? []).map {
                    $0.plain == "retired" ? "no longer retired" : $0.plain
                }
                .joined(separator: ", ")
                let version = change["action"]?.string == "new_version" ? " (a new version)" : ""
                let holds = (change["holds"]?.object.map { Array($0) } ?? []).map { key, value in
                    key == "open_cases" ? count(value.int ?? 0, "open case") : "\(value.plain) \(words(key))"
                }
                let still = holds.isEmpty ? "" : ", still with \(holds.joined(separator: ", "))"
                return screen.paint("\(mark) \(name)", paint) + version + screen.paint(still, .red)
                    + (fields.isEmpty ? "" : ": \(fields)")
            }
            let verbs = [
                ("create", "created"), ("change", "changed"), ("new_version", "versioned"), ("retire", "retired"),
            ]
            let counts = verbs.compactMap { action, word -> String? in
                let number = changes.count { $0["action"]?.string == action }
                return number == 0 ? nil : done ? "\(number) \(word)" : "\(number) to be \(word)"
            }
            let out = answer["locks_out"]?.bool == true ? ["You would be no admin any more."] : []
            return lines + [counts.joined(separator: ", ") + "."] + out.map { screen.paint($0, .red) }
        }
    }
}

extension ArgumentHelp {
    fileprivate static let siteFile: ArgumentHelp = "The site file (YAML); - for the standard input."
}
