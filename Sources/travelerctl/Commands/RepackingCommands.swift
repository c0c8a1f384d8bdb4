import ArgumentParser
import ControlAPI

struct Repacking: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "repacking", "Returned goods on their way back into stock.", example: "repacking list",
        [List.self, Process.self])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "The repacking queue, newest first.", example: "repacking list --product PCB-100",
            "repacking list --status write_off",
            more: "pending, inspecting and repacking are on their way; ready, write_off, moved and cancelled left.")
        @Option(help: "In this status; whatever is on its way if not given.") var status: ItemStatus?
        @Option(help: .product, completion: .products) var product: String?
        @Option(help: "Number of the order.") var order: String?
        @Option(name: .customLong("return"), help: .customerReturn) var customerReturn: String?
        @Option(help: "Restocked at this location; also what left the queue.") var location: String?
        @OptionGroup var options: ListOptions
        var request: Request {
            .get(
                "repacking",
                query: [
                    "status": status?.rawValue, "product": product, "order": order, "return": customerReturn,
                    "location": location,
                ])
        }
        static let table = Table(
            columns: Repacking.items.columns + [
                Column("LOCATION", "location", rank: 10), Column("CASE", "defect", rank: 11),
                Column("PHOTOS", "photos", .number, rank: 12, shown: photos),
                Column("OTHER ORDER", "delivered_under", rank: 13), Column("NOTE", "note", rank: 14, shrinks: true),
                Column("ORDER", "order", rank: 4), Column("RETURN", "return", rank: 7),
                Column("CAME", "arrived_at", .day, rank: 6), .data("customer"), .data("kind"), .data("team"),
                .data("inspected_by"), .data("inspected_at"),
                Column("LEFT AS", "restocked", rank: 3, isWhole: true, shown: { Repacking.split($0) ?? "" }),
                .data("refurbished"),
                .data("written_off"), .data("to_defect"), .data("delivery"), .data("created_at"), .data("updated_at"),
            ],
            empty: "Nothing is on its way.")
    }

    /// Items of returns.
    static let items = Table(
        columns: [
            Column("ITEM", "id"), Column("STATUS", "status", .status, shown: { words($0["status"]?.string ?? "") }),
            Column("PRODUCT", "product", rank: 1), Column("SERIAL", "serial", rank: 2),
            Column("QTY", "quantity", .number, rank: 3), Column("ON THE WAY", "in_repacking", .number, rank: 5),
            Column("CONDITION", "condition", rank: 4, shown: { words($0["condition"]?.string ?? "") }),
            Column("DECISION", "decision", rank: 4, shown: { words($0["decision"]?.string ?? "") }),
            Column("REASON", "reason", rank: 9, shown: { words($0["reason"]?.string ?? "") }),
            Column("REFUND %", "refund", .number, rank: 8),
        ], empty: "Nothing is in it.")

    /// How many of an item went where, if it left in more than one way.
    static func split(_ item: JSONValue) -> String? {
        let ways = [
            ("restocked", "put into stock"), ("refurbished", "refurbished"), ("written_off", "written off"),
            ("to_defect", "in a defect case"),
        ]
        let parts = ways.compactMap { key, way in item[key]?.int.flatMap { $0 > 0 ? "\($0) \(way)" : nil } }
        return parts.count > 1 ? parts.joined(separator: ", ") : nil
    }

    private static let photos: @Sendable (JSONValue) -> String = { item in
        let count = item["photos"]?.array?.count ?? 0
        return count > 0 ? String(count) : ""
    }

    struct Process: Ending {
        enum Action: String, Word {
            case ready
            case writeOff = "write_off"

            static var synonyms: [String: Action] { ["written_off": .writeOff] }
        }

        static let configuration = CommandConfiguration.verb(
            "process", "Take an item, or some of it, out of the queue.", example: "repacking process 4713 ready",
            "repacking process 4714 write_off --quantity 2 \\\n    --reason destroyed --note \"crushed\"",
            more: "The reason other needs a --note. What is written off is asked about.")
        @Argument(help: .returnItem) var item: String
        @Argument(help: "ready: into stock; write_off: gone for good.") var action: Action
        @Option(help: "How many; all that are left if not given.") var quantity: Int?
        @Option(help: "Why it is written off; disposal if not given.") var reason: WriteOffReason?
        @Option(help: "What there is to say to it.") var note: String?
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions

        func question(_ connection: Connection) async throws -> String? {
            guard action == .writeOff else { return nil }
            let found = try await connection.call(.get("repacking", item))
            let what = found["serial"]?.plain ?? "\(count(quantity ?? 0, "piece")) of \(found["product"]?.plain ?? "?")"
            return "Write \(what) off for good?"
        }

        mutating func prepare(_ connection: Connection) async throws {
            item = try await connection.itemInQueue(try givenOne(item))
            // The answer counts all that left, and not what left by this.
            guard quantity == nil else { return }
            let left = try await connection.call(.get("repacking", item))["in_repacking"]?.int ?? 0
            if left > 0 { quantity = left }
        }
        var request: Request {
            .post(
                "repacking", item, "process",
                body: [
                    "action": .string(action.rawValue), "quantity": quantity.map(JSONValue.int),
                    "reason": .text(reason?.rawValue), "note": .text(note),
                ])
        }
        var view: View {
            .sentence { [action, quantity] item in
                let now = action == .ready ? "in stock" : "written off"
                if let serial = item["serial"]?.plain { return "\(serial) is \(now)." }
                let done = quantity ?? 0
                func before(_ key: String, _ way: Action, _ words: String) -> String? {
                    let count = (item[key]?.int ?? 0) - (way == action ? done : 0)
                    return count > 0 ? "\(count) \(count == 1 ? "was" : "were") \(words) before" : nil
                }
                let left = item["in_repacking"]?.int ?? 0
                let parts = [
                    "\(done) of \(item["product"]?.plain ?? "?") \(done == 1 ? "is" : "are") \(now)",
                    before("restocked", .ready, "put into stock"), before("written_off", .writeOff, "written off"),
                    left > 0 ? "\(left) \(left == 1 ? "is" : "are") left" : nil,
                ]
                return parts.compactMap { $0 }.joined(separator: "; ") + "."
            }
        }
    }
}

struct Customer: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "customer", "Customers, with what they sent back.", example: "customer list", [List.self, Show.self])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "Customers by name.", example: "customer list --csv")
        @Option(parsing: .unconditional, help: .sort, completion: .list(["name", "-name"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("customers", query: ["order": sort]) }
        static let table = Table(
            columns: [
                Column("CUSTOMER", "name", shrinks: true), Column("RETURNS", "returns", .number),
                Column("EXCHANGES", "exchanges", .number), Column("WRITE-OFFS", "write_offs", .number),
            ],
            empty: "No customers.", hint: .init("Name them with 'travelerctl deliver --customer'.", to: "deliver"))
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb(
            "show", "One customer.", example: "customer show \"Ms Novak\"")
        @Argument(help: "The customer's name.") var name: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("customers", name) }
        var view: View {
            .fields([
                Column("Customer", "name"), Column("Returns", "returns"), Column("Exchanges", "exchanges"),
                Column("Write-offs", "write_offs"),
            ])
        }
    }
}

struct QCTask: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "qc-task", "Inspections of quality control.", example: "qc-task list --status pending", [List.self])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "Inspections, newest first.", example: "qc-task list --status pending --inspector rita")
        @Option(help: "In this status.") var status: InspectionStatus?
        @Option(help: "Login of the inspector.", completion: .logins) var inspector: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("qc-tasks", query: ["status": status?.rawValue, "inspector": inspector]) }
        static let table = Table(
            columns: [
                Column("TASK", "id"), Column("STATUS", "status", .status), Column("RETURN", "return"),
                Column("ORDER", "order", rank: 1), Column("INSPECTOR", "inspector", rank: 2),
                Column("RESULT", "result", rank: 3), Column("STARTED", "started_at", .time, rank: 4),
                Column("ENDED", "ended_at", .time, rank: 5), .data("kind"), .data("type"),
            ],
            empty: "No inspections.",
            hint: .init("Start one: 'travelerctl return inspect-start'.", to: "inspect_returns"))
    }
}

extension Report {
    struct Returns: ReportCall {
        enum Grouping: String, Word {
            case product, reason, condition, decision, customer
        }

        static let configuration = CommandConfiguration.verb(
            "returns", "What came back in a time: how much of what was delivered, why, and what became of it.",
            example: "report returns --by reason --from 2026-03-01",
            "report returns --from 2026-01-01 --to 2026-03-31 --xlsx q1.xlsx",
            more: """
                The last 30 days if no time is given. RATE is pieces that came back per piece delivered, BY ORDERS \
                orders from which something came back per order delivered. --xlsx writes all groupings as sheets of \
                one workbook.
                """)
        @Option(help: "Counted by this; product if not given.") var by: Grouping?
        @OptionGroup var period: Period
        @OptionGroup var spreadsheet: SpreadsheetOption
        @OptionGroup var options: ListOptions
        var request: Request { get throws { try request(by) } }

        private func request(_ grouping: Grouping?) throws -> Request {
            try period.report("returns", by: grouping?.rawValue)
        }

        var sheets: [ReportSheet] {
            get throws { try Grouping.allCases.map { ("By \($0.rawValue)", Self.table, try request($0)) } }
        }

        static let table = Table(
            columns: [
                Column("OF", "key", shown: { words($0["key"]?.string ?? "") }),
                Column("CAME BACK", "quantity", .number), Column("DELIVERED", "delivered", .number, rank: 4),
                Column("RETURN RATE", "return_rate", .percent, rank: 1), Column("ORDERS", "orders", .number, rank: 10),
                Column("OF ORDERS", "orders_delivered", .number, rank: 11),
                Column("BY ORDERS", "return_rate_by_orders", .percent, rank: 4),
                Column("RESTOCKED", "restocked", .number, rank: 2),
                Column("REFURBISHED", "refurbished", .number, rank: 6),
                Column("WRITTEN OFF", "written_off", .number, rank: 3),
                Column("TO DEFECT", "to_defect", .number, rank: 7),
                Column("ON THE WAY", "in_repacking", .number, rank: 8),
                Column("INSPECTED", "inspected", .number, rank: 9),
                Column("HOURS TO INSPECT", "hours_to_inspect", .number, rank: 5),
            ],
            empty: "Nothing came back in this time.")
    }
}
