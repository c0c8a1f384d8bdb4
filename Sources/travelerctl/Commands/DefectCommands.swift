import ArgumentParser
import ControlAPI

struct Defect: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "defect", "The defect desk: cases, from the moment something fails until it is good again or gone.",
        example: "defect list --group pending",
        [
            List.self, Show.self, History.self, Create.self, Correct.self, Inspect.self, Repair.self, WriteOff.self,
            Route.self, Revert.self, SupplierRepair.self, Resolve.self,
        ])

    /// The filters of the worklist.
    struct Filters: ParsableArguments {
        enum Status: String, Word {
            case pending, inspected, processing
            case withSupplier = "with_supplier"
            case resolved
        }

        enum Group: String, Word {
            case total, pending
            case withSupplier = "with_supplier"
            case resolved
        }

        enum Source: String, Word { case production, stock, `return` }

        @Option(help: "In exactly this status.") var status: Status?
        @Option(help: "A card: pending is all that is neither sent nor resolved.") var group: Group?
        @Flag(help: "Only what is resolved, but still defective.") var awaiting = false
        @Option(help: .defectType, completion: .defectTypes) var type: String?
        @Option(help: .product, completion: .products) var product: String?
        @Option(help: "Where it lies.") var location: String?
        @Option(help: "Where it was found.") var source: Source?
        @Option(help: "With this unit.") var serial: String?
        @Option(help: "Number of the return to a supplier that it is out with.") var supplierReturn: String?
        @Option(help: "Text in what is written on a case, or in a serial.") var search: String?
        @OptionGroup var period: Period

        var parameters: [Request.Parameter] {
            get throws {
                try Request.get(
                    query: [
                        "status": status?.rawValue, "group": group?.rawValue, "awaiting": awaiting ? "true" : nil,
                        "type": type, "product": product, "location": location, "source": source?.rawValue,
                        "serial": serial, "supplier_return": supplierReturn, "search": search,
                        "from": period.start, "to": period.end,
                    ]
                ).query
            }
        }
    }

    struct List: ListCall {
        enum Order: String, CaseIterable, ExpressibleByArgument {
            case open, date, product, supplier
            case lastOpen = "-open"
            case lastDate = "-date"
            case lastProduct = "-product"
            case lastSupplier = "-supplier"
        }

        static let configuration = CommandConfiguration.verb(
            "list", "The worklist: what is defective, and who has it now.",
            example: "defect list --group pending --supplier acme", "defect list --search RMA-7 --sort product",
            more: """
                Above the list stand the cards, over all that the other filters let through. What is resolved comes last; \
                with a status or a card the newest come first.
                """)
        @OptionGroup var filters: Filters
        @Option(help: "Code of the supplier.", completion: .suppliers) var supplier: String?
        @Option(parsing: .unconditional, help: "open or -date if not given; - is from the end.") var sort: Order?
        @OptionGroup var options: ListOptions

        var request: Request {
            get throws {
                let isWhole = filters.status == nil && filters.group == nil && !filters.awaiting
                let order = sort ?? (isWhole ? .open : nil)
                var request = Request.get("defects", query: ["supplier": supplier, "order": order?.rawValue])
                request.query = try filters.parameters + request.query
                return request
            }
        }

        func run() async throws {
            if !options.json, !options.csv {
                try await reporting(json: false) {
                    var cards = Request.get("defects", "cards", query: ["supplier": supplier])
                    cards.query += try filters.parameters.filter { $0.name != "status" && $0.name != "group" }
                    let answer = try await options.daemon.connection.call(cards)
                    Output.lines(Self.cards(answer, Screen(descriptor: 1)))
                }
            }
            try await writeList()
        }

        static func cards(_ answer: JSONValue, _ screen: Screen) -> [String] {
            let cards = [
                ("Total", "total"), ("Pending", "pending"), ("With supplier", "with_supplier"),
                ("Resolved", "resolved"),
            ]
            return View.frame(
                cards.map { title, key in (title, answer.at(key + ".cases")?.plain ?? "0") }, screen)
        }

        static let table = Table(
            columns: [
                Column("CASE", "id"), Column("STATUS", "status", .status), Column("PRODUCT", "product", rank: 1),
                Column("SERIAL", "serial", rank: 2, shown: units), Column("QTY", "quantity", .number, rank: 4),
                Column("LEFT", "remaining", .number), Column("DEFECT", "types", rank: 3, shrinks: true, shown: what),
                Column("DATE", "detected_at", .day, rank: 5), Column("SUPPLIER", "supplier", rank: 6),
                Column("RMA", "rma", rank: 8), Column("LOCATION", "location", rank: 9),
                Column("NOTE", "note", rank: 7, shrinks: true), .data("repairable"), .data("non_repairable"),
                .data("awaiting"), .data("repaired"), .data("reworked"), .data("supplier_repaired"), .data("replaced"),
                .data("written_off"), .data("reason"), .data("source"), .data("team"), .data("supplier_return"),
                .data("detected_by"), .data("credit"), .data("resolution"), .data("resolved_at"), .data("updated_at"),
            ],
            empty: "No defects.", hint: .init("Mark some: 'travelerctl defect create'.", to: "mark_defect"))

        /// `P1`, or `P1 +2` where there are more.
        static let units: @Sendable (JSONValue) -> String = { item in
            // One case by itself names all its units, a list only the first; of those that are still in it, if any are.
            let units = item["units"]?.array ?? []
            let unit = units.first { $0["outcome"]?.string == "open" } ?? units.first
            guard let serial = (item["serial"] ?? unit?["serial"])?.plain else { return "" }
            let left = item["remaining"]?.int ?? 0
            let others = (left > 0 ? left : item["quantity"]?.int ?? 1) - 1
            return others > 0 ? "\(serial) +\(others)" : serial
        }

        /// `SOLDER, SCRATCH x2`, or the reason in words.
        static let what: @Sendable (JSONValue) -> String = { item in
            let types = (item["types"]?.array ?? []).map { type in
                let quantity = type["quantity"]?.int ?? 1
                return (type["type"]?.plain ?? "") + (quantity > 1 ? " x\(quantity)" : "")
            }
            return types.isEmpty ? item["reason"]?.plain ?? "" : types.joined(separator: ", ")
        }
    }

    struct Show: CaseCall {
        static let configuration = CommandConfiguration.verb(
            "show", "One case with its units.", example: "defect show 4711")
        @Argument(help: .defectCase) var id: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("defects", id) }
        var view: View { .defectCase }
    }

    struct History: CaseCall {
        static let configuration = CommandConfiguration.verb(
            "history", "Who did what with a case.", example: "defect history 4711")
        @Argument(help: .defectCase) var id: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("defects", id, "history") }
        var view: View {
            .items(
                Table(
                    columns: [
                        Column("TIME", "at", .time), Column("KIND", "kind"),
                        Column("STATUS", "after.status", .status), Column("LEFT", "after.remaining", .number),
                        Column("WHO", "actor", rank: 1), Column("STATION", "station", rank: 2),
                        Column("WHAT CHANGED", "before", rank: 1, isWhole: true, shown: Change.text),
                        Column("NOTE", "note", rank: 3, shrinks: true),
                    ], empty: "Nothing is recorded."))
        }
    }

    /// A defect type with how many have it, such as `SOLDER=3`.
    struct Finding: Equatable {
        var type: String
        var quantity: Int?

        @Sendable init(argument: String) throws {
            let mark = argument.lastIndex(of: "=")
            type = String(argument[..<(mark ?? argument.endIndex)])
            quantity = mark.flatMap { Int(argument[argument.index(after: $0)...]) }
            guard !type.isEmpty, mark == nil || quantity ?? 0 > 0 else {
                throw ValidationError("write TYPE, or TYPE=QUANTITY with a quantity from 1")
            }
        }

        var json: JSONValue {
            JSONValue(omittingNil: ["type": .string(type), "quantity": quantity.map(JSONValue.int)])
        }
    }

    struct Create: Call {
        static let configuration = CommandConfiguration.verb(
            "create", "Mark units, or a quantity without serials, as one case.",
            example: "defect create B-17 B-18 --type SCRATCH --note \"fell off the rack\"",
            "defect create - --type SCRATCH --note \"from the rack\"",
            "defect create --product CABLE-2M --quantity 100 \\\n    --type SCRATCH=80 --type DEAD=20 --repairable 60 --note \"wet box\"",
            more: """
                With - instead of serials they are scanned or typed afterwards, one in a line; an empty line ends, or the \
                end of a file or pipe.
                """)
        @Argument(help: "Serials of units of one product; - to scan them.") var serials: [String] = []
        @Option(help: "Code of a product without serials.") var product: String?
        @Option(parsing: .unconditional, help: "How many without serials.") var quantity: Int?
        @Option(help: .findings, transform: Finding.init) var type: [Finding] = []
        @Option(help: "What is wrong, in words.") var reason: String?
        @Option(help: "How many can be repaired, if that is known.") var repairable: Int?
        @Option(help: "Code of the supplier, if it isn't the one they came from.") var supplier: String?
        @Option(help: "Where it lies.") var location: String?
        @Option(help: .note) var note: String
        @OptionGroup var options: CallOptions

        func validate() throws {
            if serials.isEmpty, product == nil || quantity == nil {
                throw ValidationError("Name serials, or --product CODE --quantity N.")
            }
            if type.isEmpty, reason == nil { throw ValidationError("Say what is wrong: --type TYPE or --reason TEXT.") }
        }

        mutating func prepare(_ connection: Connection) async throws {
            guard serials == ["-"] else { return serials = try given(serials) }
            var first: JSONValue?
            let units = try await scanned({ View.unitNow.draw($0, Screen(width: nil)).joined() }) { serial in
                let unit = try await connection.unitToMark(serial, with: first)
                first = first ?? unit
                return unit
            }
            serials = units.compactMap { $0["serial"]?.string }
        }

        var request: Request {
            .post(
                "defects",
                body: [
                    "serials": .texts(serials), "product": .text(product), "quantity": quantity.map(JSONValue.int),
                    "types": type.isEmpty ? nil : .array(type.map(\.json)), "reason": .text(reason),
                    "repairable": repairable.map(JSONValue.int), "supplier": .text(supplier),
                    "location": .text(location), "note": .string(note),
                ])
        }
        var view: View { .defectNow }
    }

    struct Correct: WholeCaseCall {
        static let configuration = CommandConfiguration.verb(
            "correct", "Correct the note, location, supplier or credit.",
            example: "defect correct 4711 --location SHELF-3", "defect correct 4711 --credit 45",
            more: """
                An empty text clears a location or supplier: --location "". The credit is that of a resolved case, where \
                the supplier's credit note came later.
                """)
        @Argument(help: .wholeCase) var id: String
        @Option(help: "What else there is to know.") var note: String?
        @Option(help: "Where it lies.") var location: String?
        @Option(help: "Code of the supplier.", completion: .suppliers) var supplier: String?
        @Option(parsing: .unconditional, help: "What the supplier credited.") var credit: Double?
        @OptionGroup var options: CallOptions

        func validate() throws {
            if note == nil, location == nil, supplier == nil, credit == nil {
                throw ValidationError("Name something to correct: --note, --location, --supplier or --credit.")
            }
        }
        var request: Request {
            .patch(
                "defects", id,
                body: [
                    "note": .text(note), "location": .clearing(location), "supplier": .clearing(supplier),
                    "credit": credit.map(JSONValue.double),
                ])
        }
        var view: View { .defectNow }
    }

    struct Inspect: WholeCaseCall {
        static let configuration = CommandConfiguration.verb(
            "inspect", "Split what remains into repairable and not.",
            example: "defect inspect 4711 --repairable 1",
            "defect inspect 4711 --repairable 1 --non-repairable 1 \\\n    --type SCRATCH=2",
            more: "If only one of the two is given, the other is the rest.")
        @Argument(help: .wholeCase) var id: String
        @Option(parsing: .unconditional, help: "How many can be repaired.") var repairable: Int?
        @Option(parsing: .unconditional, help: "How many can't.") var nonRepairable: Int?
        @Option(help: .findings, transform: Finding.init) var type: [Finding] = []
        @OptionGroup var options: CallOptions

        func validate() throws {
            if repairable == nil, nonRepairable == nil {
                throw ValidationError("Say how many can be repaired: --repairable N.")
            }
            if let type = type.first(where: { $0.quantity == nil }) {
                throw ValidationError("Say how many have it: --type \(type.type)=N.")
            }
        }

        mutating func prepare(_ connection: Connection) async throws {
            try await findWholeCase(connection)
            guard repairable == nil || nonRepairable == nil else { return }
            let left = try await connection.call(.get("defects", id))["remaining"]?.int ?? 0
            repairable = repairable ?? max(0, left - (nonRepairable ?? 0))
            nonRepairable = nonRepairable ?? max(0, left - (repairable ?? 0))
        }

        var request: Request {
            .post(
                "defects", id, "inspect",
                body: [
                    "repairable": .int(repairable ?? 0), "non_repairable": .int(nonRepairable ?? 0),
                    "types": type.isEmpty ? nil : .array(type.map(\.json)),
                ])
        }
        var view: View { .defectNow }
    }

    struct Repair: CaseCall {
        static let configuration = CommandConfiguration.verb(
            "repair", "Repair some of a case, with spare parts from stock.",
            example: "defect repair 4711 B-17 --to testing --part RES-10K=2 \\\n    --note \"U3 resoldered\"")
        @Argument(help: .defectCase) var id: String
        @OptionGroup var lot: Lot
        @Option(help: "stock, or the stage to go back to.") var to: String
        @Option(
            help: ArgumentHelp("A spare part; may be given several times.", valueName: "product=quantity"),
            transform: Deliver.Item.init)
        var part: [Deliver.Item] = []
        @Option(help: .note) var note: String
        @OptionGroup var options: CallOptions

        mutating func name(serial: String) { lot.name(serial: serial) }
        mutating func readInput() throws { try lot.read() }

        var request: Request {
            let parts = part.map { JSONValue.object(["product": .string($0.product), "quantity": .int($0.quantity)]) }
            return .post(
                "defects", id, "repair",
                body: [
                    "serials": .texts(lot.serials), "quantity": lot.quantity.map(JSONValue.int), "to": .string(to),
                    "spare_parts": parts.isEmpty ? nil : .array(parts), "note": .string(note),
                ])
        }
        var view: View { .defectNow }
    }

    struct WriteOff: CaseCall, Ending {
        static let configuration = CommandConfiguration.verb(
            "write-off", "Write off some of a case.",
            example: "defect write-off 4711 B-18 --reason outlet_sale --price 4.50 \\\n    --note \"sold as seen\"",
            more: "An outlet sale needs the --price of one.")
        @Argument(help: .defectCase) var id: String
        @OptionGroup var lot: Lot
        @Option(help: .writeOffReason) var reason: WriteOffReason
        @Option(parsing: .unconditional, help: "What one was sold for.") var price: Double?
        @Option(help: .note) var note: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions

        func question(_ connection: Connection) async throws -> String? {
            "Write \(try await connection.described(lot, ofCase: id)) off as \(words(reason.rawValue)), for good?"
        }

        mutating func name(serial: String) { lot.name(serial: serial) }
        mutating func readInput() throws { try lot.read() }

        var request: Request {
            .post(
                "defects", id, "write-off",
                body: [
                    "serials": .texts(lot.serials), "quantity": lot.quantity.map(JSONValue.int),
                    "reason": .string(reason.rawValue), "price": price.map(JSONValue.double), "note": .string(note),
                ])
        }
        var view: View { .defectNow }
    }

    struct SupplierRepair: CaseCall {
        static let configuration = CommandConfiguration.verb(
            "supplier-repair", "Some of a case came back repaired from the supplier.",
            example: "defect supplier-repair 4711 --quantity 3 --note \"new plugs\"")
        @Argument(help: .defectCase) var id: String
        @OptionGroup var lot: Lot
        @Option(help: .note) var note: String
        @OptionGroup var options: CallOptions

        mutating func name(serial: String) { lot.name(serial: serial) }
        mutating func readInput() throws { try lot.read() }
        var request: Request {
            .post(
                "defects", id, "supplier-repair",
                body: [
                    "serials": .texts(lot.serials), "quantity": lot.quantity.map(JSONValue.int), "note": .string(note),
                ])
        }
        var view: View { .defectNow }
    }

    struct Resolve: WholeCaseCall {
        static let configuration = CommandConfiguration.verb(
            "resolve", "Close a case. What is still defective awaits its repair, replacement or write-off.",
            example: "defect resolve 4711 --credit 45 --note \"credit note 4711\"")
        @Argument(help: .wholeCase) var id: String
        @Option(parsing: .unconditional, help: "What the supplier credited.") var credit: Double?
        @Option(help: .note) var note: String
        @OptionGroup var options: CallOptions
        var request: Request {
            .post(
                "defects", id, "resolve", body: ["note": .string(note), "credit": credit.map(JSONValue.double)])
        }
        var view: View { .defectNow }
    }
}

extension View {
    /// A case with all that is known of it.
    static let defectCase = View { answer, screen in
        let fields = View.fields([
            Column("Case", "id"), Column("Status", "status", .status), Column("Product", "product"),
            Column("Quantity", "quantity"), Column("Left", "remaining"), Column("Repairable", "repairable"),
            Column("Not repairable", "non_repairable"), some("Repaired", "repaired"), some("Reworked", "reworked"),
            some("By supplier", "supplier_repaired"), some("Replaced", "replaced"),
            some("Written off", "written_off"), Column("Defect", "types", shown: Defect.List.what),
            Column("Reason", "reason"), Column("Note", "note"), Column("Found", "detected_at", .time),
            Column("Found by", "detected_by"), Column("Source", "source"), Column("Location", "location"),
            Column("Team", "team"), Column("Supplier", "supplier"), Column("RMA", "rma"),
            Column("Supplier return", "supplier_return"), Column("Resolution", "resolution"),
            Column("Credit", "credit", .money), Column("Resolved", "resolved_at", .time),
        ])
        let table = Table(
            columns: [
                Column("SERIAL", "serial"),
                Column(
                    "NOW", "outcome",
                    shown: { $0["outcome"]?.string == "open" ? "defective" : words($0["outcome"]?.string ?? "") }),
                Column("REPLACED BY", "replaced_by", rank: 1),
            ], empty: "")
        let units = answer["units"]?.array ?? []
        return fields.draw(answer, screen) + (units.isEmpty ? [] : [""] + table.whole(units, screen))
    }

    /// Where a case is after a change.
    static let defectNow = View.sentence { found in
        let left = found["remaining"]?.int ?? 0
        let what = (found["awaiting"]?.int ?? 0) > 0 ? "still defective" : "left"
        let split = found["repairable_left"]?.int.map { ", \($0) repairable, \(left - $0) not" } ?? ""
        return "Case \(found["id"]?.plain ?? "?") is \(words(found["status"]?.string ?? "?")): "
            + "\(left) of \(found["quantity"]?.plain ?? "?") \(what)\(left > 0 ? split : "")."
    }

    /// A count that is shown where there is something to count.
    private static func some(_ title: String, _ key: String) -> Column {
        Column(title, key, shown: { item in item[key]?.int.map { $0 > 0 ? String($0) : "" } ?? "" })
    }
}

extension ArgumentHelp {
    static let defectCase: ArgumentHelp =
        "Number of the case, or the serial of a unit in it; case:4711 where a unit has that number for a serial."
    static let wholeCase: ArgumentHelp = "Number of the case, or the serial of the only unit in it."
    static let defectType: ArgumentHelp = "Code of the defect type."
    fileprivate static let findings = ArgumentHelp(
        "A defect type and how many have it; may be given several times.", valueName: "type=quantity")
}
