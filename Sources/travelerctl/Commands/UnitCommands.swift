import ArgumentParser
import ControlAPI

struct Unit: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "unit", "Serial-numbered units: where they are and what happened to them.",
        example: "unit show PCB-100-2610-0001",
        [
            List.self, Show.self, History.self, Register.self, Receive.self, Defect.self, SupplierRepair.self,
            Hold.self, Release.self,
            Assign.self, WriteOff.self,
        ])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "Units, filtered.", example: "unit list --product PCB-100 --status in_production",
            "unit list --stage testing --csv", "unit list --search 2610-00 --held",
            more: """
                --from and --to are about the registration or receipt, with --changed about the last change; the newest \
                come first then.
                """)
        @Option(help: "In this status.") var status: UnitStatus?
        @Option(help: "The stage that they wait for.") var stage: String?
        @Option(help: "Code of the product.", completion: .products) var product: String?
        @Option(help: "Number of the work order.", completion: .workOrders) var workOrder: String?
        @Option(help: "Code of the team.", completion: .teams) var team: String?
        @Flag(help: "Only those that are assigned to you, or that you last worked on.") var mine = false
        @Option(help: "In stock, at this location since they were restocked.") var location: String?
        @Option(help: "A part of the serial; what begins or ends with it comes first.") var search: String?
        @Flag(help: "Only those on hold.") var held = false
        @Option(help: "Login of the person that they are assigned to.", completion: .logins) var assignee: String?
        @Option(help: "Delivered under this customer's order, even if they came back since.") var customerOrder: String?
        @OptionGroup var period: Period
        @Flag(
            help: "--from and --to are about the last change, not about the registration; the last changed come first.")
        var changed = false
        @Option(
            parsing: .unconditional, help: .sort,
            completion: .list(["serial", "-serial", "created_at", "-created_at", "updated_at", "-updated_at"]))
        var sort: String?
        @OptionGroup var options: ListOptions

        var request: Request {
            get throws {
                let times = (try period.start, try period.end)
                let order = sort ?? (changed ? "-updated_at" : times.0 ?? times.1 == nil ? nil : "-created_at")
                return .get(
                    "units",
                    query: [
                        "status": status?.rawValue, "stage": stage, "product": product, "work_order": workOrder,
                        "team": team,
                        "mine": mine ? "true" : nil, "location": location, "search": search,
                        "on_hold": held ? "true" : nil, "assignee": assignee, "customer_order": customerOrder,
                        (changed ? "changed_from" : "from"): times.0, (changed ? "changed_to" : "to"): times.1,
                        "order": order,
                    ])
            }
        }

        static let table = Table(
            columns: [
                Column("SERIAL", "serial"), Column("PRODUCT", "product", rank: 4), Column("STATUS", "status", .status),
                Column("STAGE", "stage", rank: 1), Column("IT", "iteration", .number, rank: 7),
                Column("HOLD", "on_hold", .flag, rank: 2), Column("WORK ORDER", "work_order", rank: 5),
                Column("TEAM", "team", rank: 8), Column("ASSIGNED TO", "assignee", rank: 6),
                Column("CHANGED", "updated_at", .time, rank: 3), Column("LOCATION", "location", rank: 9), .data("next"),
                .data("worker"), .data("supplier"),
                .data("cost"), .data("delivery"), .data("failed_stage"), .data("write_off_reason"), .data("routing"),
                .data("created_at"),
            ],
            empty: "No units.",
            hint: .init(
                "Register some: 'travelerctl scan --station NAME' at a label station, or 'travelerctl unit register'.",
                to: "register"))
    }

    struct Show: UnitCall {
        static let configuration = CommandConfiguration.verb(
            "show", "One unit.", example: "unit show PCB-100-2610-0001")
        @Argument(help: .serial) var serial: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("units", serial) }
        var view: View { .unit }
    }

    struct History: UnitCall {
        static let configuration = CommandConfiguration.verb(
            "history", "All that happened to a unit, the oldest first.", example: "unit history PCB-100-2610-0001")
        @Argument(help: .serial) var serial: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("units", serial, "history") }
        var view: View { .timeline(of: serial) }
    }

    struct Register: Call {
        static let configuration = CommandConfiguration.verb(
            "register", "Make units of given serials; they start at the first stage.",
            example: "unit register PCB-100 B-0001 B-0002 --work-order 1001",
            "unit register PCB-100 - --work-order 1001 < serials.txt")
        @Argument(help: .product, completion: .products) var product: String
        @Argument(help: .serials) var serials: [String]
        @Option(help: .workOrder, completion: .workOrders) var workOrder: String?
        @OptionGroup var listing: View.Listing
        @OptionGroup var options: CallOptions
        mutating func prepare(_ connection: Connection) async throws { serials = try given(serials) }
        var request: Request {
            .post(
                "units",
                body: ["product": .string(product), "serials": .texts(serials), "work_order": .text(workOrder)])
        }
        var view: View { .units("registered", listing) }
    }

    struct Receive: Call {
        static let configuration = CommandConfiguration.verb(
            "receive", "Take units into stock that come from a supplier, or were found.",
            example: "unit receive PCB-100 B-0001 --supplier acme \\\n    --cost 12.50 --note \"delivery note 4711\"")
        @Argument(help: .product, completion: .products) var product: String
        @Argument(help: .serials) var serials: [String]
        @Option(help: "Code of the supplier.", completion: .suppliers) var supplier: String?
        @Option(help: "What one of them cost.") var cost: Double?
        @Option(help: "Serial of the defective unit that the supplier replaced by this one.") var replaces: String?
        @Option(help: .note) var note: String
        @OptionGroup var listing: View.Listing
        @OptionGroup var options: CallOptions
        mutating func prepare(_ connection: Connection) async throws { serials = try given(serials) }
        var request: Request {
            .post(
                "units", "receive",
                body: [
                    "product": .string(product), "serials": .texts(serials), "supplier": .text(supplier),
                    "cost": cost.map(JSONValue.double), "replaces": .text(replaces), "note": .string(note),
                ])
        }
        var view: View { .units("received", listing) }
    }

    struct Defect: UnitCall, Ending {
        enum Disposition: String, Word { case scrap, rework, pending }

        static let configuration = CommandConfiguration.verb(
            "defect", "Mark a unit as defective, and say what becomes of it.",
            example:
                "unit defect PCB-100-2610-0001 rework \\\n    --to-stage assembly --type SOLDER --note \"bridge at U3\"",
            more: "scrap writes it off at once, rework sends it back to a stage, pending keeps it in the worklist.")
        @Argument(help: .serial) var serial: String
        @Argument(help: "What becomes of it.") var disposition: Disposition
        @Option(help: "The stage that it goes back to.") var toStage: String?
        @Option(help: "Code of the defect type.", completion: .defectTypes) var type: String?
        @Option(help: .note) var note: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions

        func question(_ connection: Connection) async throws -> String? {
            guard disposition == .scrap else { return nil }
            return "Scrap \(try await connection.described(unit: serial)), for good?"
        }

        func validate() throws {
            if disposition == .rework, toStage == nil { throw ValidationError("rework needs --to-stage STAGE.") }
            if disposition != .rework, toStage != nil { throw ValidationError("--to-stage goes with rework only.") }
        }

        var request: Request {
            .post(
                "units", serial, "defect",
                body: [
                    "disposition": .string(disposition.rawValue), "to_stage": .text(toStage), "type": .text(type),
                    "note": .string(note),
                ])
        }
        var view: View { .unitNow }
    }

    struct SupplierRepair: UnitCall {
        static let configuration = CommandConfiguration.verb(
            "supplier-repair", "A defective unit came back repaired from the supplier; it is in stock again.",
            example: "unit supplier-repair PSU-0017 --note \"new fuse, tested\"")
        @Argument(help: .serial) var serial: String
        @Option(help: .note) var note: String
        @OptionGroup var options: CallOptions
        var request: Request { .post("units", serial, "supplier-repair", body: ["note": .string(note)]) }
        var view: View { .unitNow }
    }

    struct Hold: UnitCall {
        static let configuration = CommandConfiguration.verb(
            "hold", "Keep a unit from any step forward.",
            example: "unit hold PCB-100-2610-0001 --note \"check the coating\"")
        @Argument(help: .serial) var serial: String
        @Option(help: .note) var note: String
        @OptionGroup var options: CallOptions
        var request: Request { .post("units", serial, "hold", body: ["note": .string(note)]) }
        var view: View { .unitNow }
    }

    struct Release: UnitCall {
        static let configuration = CommandConfiguration.verb(
            "release", "Let a unit on hold go on.", example: "unit release PCB-100-2610-0001")
        @Argument(help: .serial) var serial: String
        @Option(help: "Why.") var note: String?
        @OptionGroup var options: CallOptions
        var request: Request { .post("units", serial, "release", body: ["note": .text(note)]) }
        var view: View { .unitNow }
    }

    struct Assign: UnitCall {
        static let configuration = CommandConfiguration.verb(
            "assign", "Make a unit somebody's task, or nobody's.", example: "unit assign PCB-100-2610-0001 --to mia",
            "unit assign PCB-100-2610-0001 --nobody")
        @Argument(help: .serial) var serial: String
        @Option(help: "Login of the person.", completion: .logins) var to: String?
        @Flag(help: "Take it from whom it is assigned to.") var nobody = false
        @OptionGroup var options: CallOptions
        func validate() throws {
            if to == "" {
                throw ValidationError("The login is empty; name the person with --to LOGIN, or say --nobody.")
            }
            if nobody == (to != nil) { throw ValidationError("Say whose task it is: --to LOGIN, or --nobody.") }
        }
        var request: Request { .post("units", serial, "assign", body: ["to": to.map(JSONValue.string) ?? .null]) }
        var view: View {
            .sentence { "\($0["serial"]?.plain ?? "The unit") is assigned to \($0["assignee"]?.plain ?? "nobody")." }
        }
    }

    struct WriteOff: UnitCall, Ending {
        static let configuration = CommandConfiguration.verb(
            "write-off", "Take a unit off the books for good.",
            example: "unit write-off PCB-100-2610-0001 --reason lost \\\n    --note \"not found at stocktaking\"",
            more: "An outlet sale needs its --price.")
        @Argument(help: .serial) var serial: String
        @Option(help: .writeOffReason) var reason: WriteOffReason
        @Option(help: "What an outlet sale brought.") var price: Double?
        @Option(help: .note) var note: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions

        func question(_ connection: Connection) async throws -> String? {
            "Write \(try await connection.described(unit: serial)) off as \(words(reason.rawValue)), for good?"
        }

        var request: Request {
            .post(
                "units", serial, "write-off",
                body: [
                    "reason": .string(reason.rawValue), "price": price.map(JSONValue.double), "note": .string(note),
                ])
        }
        var view: View { .unitNow }
    }
}

extension ArgumentHelp {
    static let serial: ArgumentHelp = "The unit's serial."
    static let sort: ArgumentHelp = "Sort by this; with - before it from the end."
    static let serials: ArgumentHelp = "Serials; - for the lines of the standard input."
    static let workOrder: ArgumentHelp = "Number of the work order."
    static let writeOffReason: ArgumentHelp = "Why."
    static let product: ArgumentHelp = "Code of the product."
    static let note: ArgumentHelp = "Why; stays with the record."
    static let station: ArgumentHelp = "Name of the station."
}
