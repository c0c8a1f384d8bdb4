import ArgumentParser
import ControlAPI

struct Log: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "log", "What was recorded: stock, events, scans.", example: "log inventory --product PCB-100",
        [Inventory.self, Events.self, ScanLog.self, WriteOffs.self, Repairs.self])

    struct Inventory: ListCall {
        static let configuration = CommandConfiguration.verb(
            "inventory", "Every change of stock.", example: "log inventory --product PCB-100 --from 2026-03-01")
        @Option(help: .product, completion: .products) var product: String?
        @Option(help: "Only this action.") var action: InventoryAction?
        @OptionGroup var period: Period
        @Option(parsing: .unconditional, help: .sort, completion: .list(["event", "-event"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request {
            get throws {
                .get(
                    "inventory-log",
                    query: [
                        "product": product, "action": action?.rawValue, "from": try period.start, "to": try period.end,
                        "order": sort,
                    ])
            }
        }

        static let table = Table(
            columns: [
                Column("TIME", "at", .time), Column("PRODUCT", "product"),
                Column("ACTION", "action", shown: { words($0["action"]?.string ?? "") }),
                Column("CHANGE", "change", .signed), Column("BEFORE", "before", .number, rank: 2),
                Column("AFTER", "after", .number, rank: 1), Column("UNIT", "unit", rank: 3),
                Column("WHO", "actor", rank: 2), Column("STATION", "station", rank: 7),
                Column("WORK ORDER", "work_order", rank: 8), Column("NOTE", "note", rank: 4, shrinks: true),
                .data("event"),
                .data("kind"), .data("delivery"),
            ],
            empty: "No changes of stock.")
    }

    struct Events: ListCall {
        static let configuration = CommandConfiguration.verb(
            "audit", "Every event: who changed what, when and where.",
            example: "log audit --actor mia --from 2026-03-02", "log audit --kind unit.written_off")
        @Option(help: "Login of the person.", completion: .logins) var actor: String?
        @Option(help: "Kind of event, such as unit.passed.") var kind: String?
        @OptionGroup var period: Period
        @Option(parsing: .unconditional, help: .sort, completion: .list(["event", "-event"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request {
            get throws {
                .get(
                    "audit",
                    query: [
                        "actor": actor, "kind": kind, "from": try period.start, "to": try period.end, "order": sort,
                    ])
            }
        }

        static let table = Table(
            columns: [
                Column("TIME", "at", .moment), Column("KIND", "kind"), Column("WHO", "actor", rank: 1),
                Column("STATION", "station", rank: 3), Column("UNIT", "unit", rank: 2),
                Column("PRODUCT", "product", rank: 7), Column("WORK ORDER", "work_order", rank: 6),
                Column("TEAM", "team", rank: 8), Column("REASON", "reason", rank: 4),
                Column("WHAT CHANGED", "details", rank: 1, isWhole: true, shown: Change.text),
                Column("NOTE", "note", rank: 5, shrinks: true), .data("event"), .data("code"), .data("before"),
                .data("after"),
            ],
            empty: "No events.")
    }

    struct ScanLog: ListCall {
        static let configuration = CommandConfiguration.verb(
            "scans", "Every scan as it came, with its answer, and when scanners and printers came and went.",
            example: "log scans --station QA-1 --result refused")
        @Option(help: .station, completion: .stations) var station: String?
        @Option(help: "With this result.") var result: ScanResult?
        @OptionGroup var period: Period
        @Option(parsing: .unconditional, help: .sort, completion: .list(["event", "-event"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request {
            get throws {
                .get(
                    "scans",
                    query: [
                        "station": station, "result": result?.rawValue, "from": try period.start, "to": try period.end,
                        "order": sort,
                    ])
            }
        }

        static let table = Table(
            columns: [
                Column("TIME", "at", .moment), Column("STATION", "station"), Column("RESULT", "result", .status),
                Column("CODE", "code", shrinks: true), Column("REASON", "reason", rank: 1),
                Column("WHO", "operator", rank: 2), Column("UNIT", "unit", rank: 4),
                Column("DEVICE", "device", rank: 3), Column("NOTE", "note", rank: 5, shrinks: true), .data("event"),
            ],
            empty: "No scans.")
    }
}

struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "report", "Work in progress, yield, throughput, defects, returns, write-offs.",
        example: "report yield --from 2026-03-01",
        [Progress.self, Yield.self, Throughput.self, Defects.self, Returns.self, WriteOffs.self, SpareParts.self])

    struct Progress: ReportCall {
        static let configuration = CommandConfiguration.verb(
            "wip", "How many units wait at each stage, and since when.", example: "report wip")
        @OptionGroup var spreadsheet: SpreadsheetOption
        @OptionGroup var options: ListOptions
        var request: Request { .get("reports", "wip") }
        var sheets: [ReportSheet] { [("In production", Self.table, request)] }
        static let table = Table(
            columns: [
                Column("PRODUCT", "product"), Column("STAGE", "stage"), Column("UNITS", "count", .number),
                Column("OLDEST", "oldest_at", .time, rank: 1),
            ],
            empty: "Nothing is in production.", bar: "count")
    }

    struct Yield: ReportCall {
        static let configuration = CommandConfiguration.verb(
            "yield", "How many units passed each stage at the first try.",
            example: "report yield --from 2026-03-01 --to 2026-03-31")
        @OptionGroup var period: Period
        @OptionGroup var spreadsheet: SpreadsheetOption
        @OptionGroup var options: ListOptions
        var request: Request { get throws { try period.report("yield") } }
        var sheets: [ReportSheet] { get throws { [("Yield", Self.table, try request)] } }
        static let table = Table(
            columns: [
                Column("PRODUCT", "product"), Column("STAGE", "stage"), Column("PASSED", "passed", .number),
                Column("FAILED", "failed", .number), Column("FIRST PASS", "first_pass_yield", .percent),
            ],
            empty: "No stage was passed or failed in this time.", bar: "first_pass_yield")
    }

    struct Throughput: ReportCall {
        static let configuration = CommandConfiguration.verb(
            "throughput", "How many units passed and were finished each day.",
            example: "report throughput --from 2026-03-01")
        @OptionGroup var period: Period
        @OptionGroup var spreadsheet: SpreadsheetOption
        @OptionGroup var options: ListOptions
        var request: Request { get throws { try period.report("throughput") } }
        var sheets: [ReportSheet] { get throws { [("Throughput", Self.table, try request)] } }
        static let table = Table(
            columns: [
                Column("DAY", "day", .day), Column("PRODUCT", "product"),
                Column("PASSED", "passed", .number), Column("FINISHED", "finished", .number),
            ],
            empty: "Nothing was passed or finished in this time.")
    }
}

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "audit", "Check that the ledger is whole.", example: "audit verify", [Verify.self])

    struct Verify: Call {
        static let configuration = CommandConfiguration.verb(
            "verify",
            "Check every page and index, walk the chain of events, rebuild all from it, and read every photo.",
            example: "audit verify",
            more: """
                Ends with 1 if the file is damaged, if a row is not what the events say, and names the first such row, or \
                if photos are lost. A terminal shows how far it is. To list events: 'log audit'.
                """)
        @OptionGroup var options: CallOptions
        var request: Request { .post("audit", "verify", patience: 3_600) }
        var view: View {
            View { answer, screen in
                let events = answer["events"]?.plain ?? "?"
                var lines = [screen.paint("The ledger is whole: \(events) events checked.", .green)]
                if let problem = answer["problem"] {
                    let fields = View.fields([
                        Column("Table", "table"), Column("Row", "row"), Column("Problem", "message"),
                    ])
                    lines = [screen.paint("The ledger is NOT whole (\(events) events checked).", .red)]
                    lines += fields.draw(problem, screen)
                }
                let damage = answer["damage"]?.array ?? []
                if !damage.isEmpty {
                    lines = [screen.paint("The ledger's file is damaged:", .red)]
                    lines += damage.prefix(5).map { "  " + $0.plain }
                    if damage.count > 5 { lines.append("  and \(damage.count - 5) more") }
                    lines += wrapped(
                        answer["rebuildable"]?.bool == true
                            ? "Only indexes are damaged: nothing is lost, but lists may lack rows. Stop the daemon, and run 'travelerd check --rebuild-indexes'."
                            : "Keep the file, stop the daemon, and restore the last good back-up: 'travelerd restore FILE'.",
                        screen.width)
                }
                let (photos, lost) = (answer["photos"]?.plain ?? "0", answer["lost_photos"]?.array ?? [])
                if !lost.isEmpty {
                    lines.append(
                        screen.paint("Of \(photos) photos, \(lost.count) are missing or not what they were:", .red))
                    lines += lost.map { "  " + $0.plain }
                    lines.append("Copy these files to the directory photos beside the ledger from where you keep them.")
                } else if photos != "0" {
                    lines.append("Photos: \(photos), all there.")
                }
                return lines
            }
        }
        static func exit(_ answer: JSONValue) -> ExitStatus { answer["ok"]?.bool == true ? .done : .refused }

        mutating func run() async throws {
            try await reporting(json: options.json) {
                let (connection, request) = (options.daemon.connection, request)
                let watch = Screen(descriptor: 2).height == nil ? nil : Task { await Self.watch(connection) }
                let answer: Swift.Result<JSONValue, any Error>
                do {
                    answer = .success(try await connection.call(request))
                } catch {
                    answer = .failure(error)
                }
                watch?.cancel()
                await watch?.value
                try show(try answer.get())
            }
        }

        /// Shows on a terminal how far the daemon is, until it is cancelled.
        private static func watch(_ connection: Connection) async {
            while (try? await Task.sleep(for: .milliseconds(300))) != nil {
                guard let progress = try? await connection.call(.get("audit", "verify")),
                    let stage = progress["stage"]?.string
                else { continue }
                Output.write(Array("\r\u{1B}[K\(sentence(stage, progress))".utf8), to: 2)
            }
            Output.write(Array("\r\u{1B}[K".utf8), to: 2)
        }

        private static func sentence(_ stage: String, _ progress: JSONValue) -> String {
            let (done, total) = (progress["done"]?.int ?? 0, progress["total"]?.int)
            let share = total.map { " \(done * 100 / max($0, 1)) %" } ?? ""
            return switch stage {
            case "copying": "Copying the ledger:\(share)"
            case "checking": "Checking every page and every index"
            case "replaying": "Rebuilding from the events: \(done) of \(total ?? 0),\(share)"
            case "comparing": "Comparing what is there:\(share)"
            case "photos": "Reading the photos:\(share)"
            default: visible(stage) + share
            }
        }
    }
}

extension ArgumentHelp {
    static let newFile = ArgumentHelp("A new file for it, private to you; never overwrites one.", valueName: "file")
}
