import ArgumentParser
import ControlAPI

struct WorkOrder: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "work-order", "Work orders: what is to be made, by whom.", example: "work-order list --status released",
        [List.self, Show.self, Create.self, Release.self, Close.self, Cancel.self])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "Work orders, filtered.", example: "work-order list --status released --team smt")
        @Option(help: "In this status.") var status: WorkOrderStatus?
        @Option(help: .product, completion: .products) var product: String?
        @Option(help: "Code of the team.", completion: .teams) var team: String?
        @Option(parsing: .unconditional, help: .sort, completion: .list(["number", "-number"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request {
            .get("work-orders", query: ["status": status?.rawValue, "product": product, "team": team, "order": sort])
        }

        static let table = Table(
            columns: [
                Column("NUMBER", "number"), Column("PRODUCT", "product", rank: 2), Column("STATUS", "status", .status),
                Column("QTY", "quantity", .number), Column("GOOD", "good", .number, rank: 1),
                Column("MAKING", "in_production", .number, rank: 3),
                Column("LABELS", "pending_labels", .number, rank: 7),
                Column("REGISTERED", "registered", .number, rank: 6),
                Column("WRITTEN OFF", "written_off", .number, rank: 8),
                Column("TEAM", "team", rank: 5), Column("DUE", "due", .day, rank: 4), .data("created_at"),
            ],
            empty: "No work orders.",
            hint: .init(
                "Plan one: 'travelerctl work-order create NUMBER --product CODE --quantity N --team TEAM'.",
                to: "administer"))
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb("show", "One work order.", example: "work-order show 1001")
        @Argument(help: .number, completion: .workOrders) var number: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("work-orders", number) }
        var view: View {
            .fields([
                Column("Number", "number"), Column("Product", "product"), Column("Status", "status", .status),
                Column("Quantity", "quantity"), Column("Good", "good"), Column("Making", "in_production"),
                Column("Registered", "registered"), Column("Labels", "pending_labels"),
                Column("Written off", "written_off"), Column("Team", "team"), Column("Due", "due", .day),
                Column("Created", "created_at", .time),
            ])
        }
    }

    struct Create: Call {
        static let configuration = CommandConfiguration.verb(
            "create", "Plan a work order.",
            example: "work-order create 1001 --product PCB-100 --quantity 50 \\\n    --team smt --due 2026-03-20")
        @Argument(help: .number, completion: .workOrders) var number: String
        @Option(help: .product, completion: .products) var product: String
        @Option(help: "How many units.") var quantity: Int
        @Option(help: "Code of the team that makes them.") var team: String
        @Option(help: "The day by which they are due: 2026-03-20.") var due: String?
        @OptionGroup var options: CallOptions
        var request: Request {
            .post(
                "work-orders",
                body: [
                    "number": .string(number), "product": .string(product), "quantity": .int(quantity),
                    "team": .string(team), "due": .text(due),
                ])
        }
        var view: View { .workOrderNow }
    }

    struct Release: Call {
        static let configuration = CommandConfiguration.verb(
            "release", "Let a work order be worked on.", example: "work-order release 1001")
        @Argument(help: .number, completion: .workOrders) var number: String
        @OptionGroup var options: CallOptions
        var request: Request { .post("work-orders", number, "release") }
        var view: View { .workOrderNow }
    }

    struct Close: Ending {
        static let configuration = CommandConfiguration.verb(
            "close", "End a work order; none of its units may be in production.", example: "work-order close 1001")
        @Argument(help: .number, completion: .workOrders) var number: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions
        func question(_ connection: Connection) async throws -> String? {
            try await connection.question("Close", workOrder: number)
        }
        var request: Request { .post("work-orders", number, "close") }
        var view: View { .workOrderNow }
    }

    struct Cancel: Ending {
        static let configuration = CommandConfiguration.verb(
            "cancel", "Give a work order up; none of its units may be in production.", example: "work-order cancel 1001"
        )
        @Argument(help: .number, completion: .workOrders) var number: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions
        func question(_ connection: Connection) async throws -> String? {
            try await connection.question("Cancel", workOrder: number)
        }
        var request: Request { .post("work-orders", number, "cancel") }
        var view: View { .workOrderNow }
    }
}

extension Connection {
    /// `Close the work order 1001 (PCB-100, 3 of 5 good)?`
    fileprivate func question(_ verb: String, workOrder number: String) async throws -> String {
        let order = try await call(.get("work-orders", number))
        return "\(verb) the work order \(visible(number)) (\(order["product"]?.plain ?? "?"), "
            + "\(order["good"]?.plain ?? "0") of \(order["quantity"]?.plain ?? "?") good)? It can't be opened again."
    }
}

extension View {
    fileprivate static let workOrderNow = View.sentence { order in
        let name =
            "\(order["number"]?.plain ?? "?"), \(order["quantity"]?.plain ?? "?") \(order["product"]?.plain ?? "?")"
        let status = order["status"]?.plain ?? "?"
        let next =
            status == "planned" ? " Release it: 'travelerctl work-order release \(order["number"]?.plain ?? "")'." : ""
        return "Work order \(name): \(status).\(next)"
    }
}

extension ArgumentHelp {
    fileprivate static let number: ArgumentHelp = "Number of the work order."
}
