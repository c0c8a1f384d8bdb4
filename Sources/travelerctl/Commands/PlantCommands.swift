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
            Column("Team", "team"), Column("Grants", "grants"), Column("You see", "scope", shown: scope),
        ])
    }

    private static func scope(_ answer: JSONValue) -> String {
        switch answer["scope"]?.string {
        case "all": "everything"
        case "department": "the units of your department"
        case "team": "the units of your team"
        case "own": "the units that are assigned to you, or that you last worked on"
        case let other: visible(other ?? "")
        }
    }

    private var scope: @Sendable (JSONValue) -> String { { Self.scope($0) } }
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

    struct Apply: Call {
        static let configuration = CommandConfiguration.verb(
            "apply", "Make the plant what a site file says, in one step.", example: "site apply plant.yaml",
            more: "What is absent from the file is retired, never deleted. Look first with 'site plan'.")
        @Argument(help: .siteFile, completion: .file(extensions: ["yaml", "yml"])) var file: String
        @OptionGroup var options: CallOptions
        var request: Request { Request(method: .PUT, path: ["site"], body: .yaml(file: file)) }
        var view: View { .plan(done: true) }
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
        @OptionGroup var options: ListOptions
        var request: Request { .get("suppliers") }
        static let table = Table(
            columns: [
                Column("CODE", "code"), Column("NAME", "name", shrinks: true),
                Column("RETIRED", "retired", .flag, rank: 1),
            ],
            empty: "No suppliers. Add them to the site file, then 'travelerctl site apply FILE'.")
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb(
            "show", "One supplier with its cases, and with what went back to it.", example: "supplier show acme",
            more: """
                Of both lists the last 20: 'travelerctl defect list --supplier CODE' and 'travelerctl supplier returns \
                CODE' list all.
                """)
        @Argument(help: "Code of the supplier.") var code: String
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
                    var layout: Table.Layout?
                    lines += ["", key == "returns" ? "Went back:" : "Not resolved:"]
                    lines += table.lines(rows, screen, layout: &layout)
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
        @Argument(help: .defectType) var code: String
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
        @Argument(help: .defectType) var code: String
        @Option(help: "What people call it.") var name: String
        @Option(help: "What it is counted under; an empty text clears it.") var category: String?
        @OptionGroup var options: CallOptions
        var request: Request {
            .patch("defect-types", code, body: ["name": .string(name), "category": .clearing(category)])
        }
        var view: View { DefectType.fields }
    }

    struct Retire: Call {
        static let configuration = CommandConfiguration.verb(
            "retire", "No longer use a kind of defect; it is never deleted.", example: "defect-type retire CRACK")
        @Argument(help: .defectType) var code: String
        @Flag(inversion: .prefixedNo, help: "Use it again with --no-retired.") var retired = true
        @OptionGroup var options: CallOptions
        var request: Request { .patch("defect-types", code, body: ["retired": .bool(retired)]) }
        var view: View { DefectType.fields }
    }

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb("list", "All defect types.", example: "defect-type list")
        @OptionGroup var options: ListOptions
        var request: Request { .get("defect-types") }
        static let table = Table(
            columns: [
                Column("CODE", "code"), Column("NAME", "name", shrinks: true), Column("CATEGORY", "category", rank: 1),
                Column("RETIRED", "retired", .flag, rank: 2),
            ],
            empty: "No defect types. Add them to the site file, then 'travelerctl site apply FILE'.")
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
                let fields = change["fields"]?.array?.map(\.plain).joined(separator: ", ") ?? ""
                let version = change["action"]?.string == "new_version" ? " (a new version)" : ""
                return screen.paint("\(mark) \(name)", paint) + version + (fields.isEmpty ? "" : ": \(fields)")
            }
            let verbs = [
                ("create", "created"), ("change", "changed"), ("new_version", "versioned"), ("retire", "retired"),
            ]
            let counts = verbs.compactMap { action, word -> String? in
                let number = changes.count { $0["action"]?.string == action }
                return number == 0 ? nil : done ? "\(number) \(word)" : "\(number) to be \(word)"
            }
            return lines + [counts.joined(separator: ", ") + "."]
        }
    }
}

extension ArgumentHelp {
    fileprivate static let siteFile: ArgumentHelp = "The site file (YAML); - for the standard input."
}
