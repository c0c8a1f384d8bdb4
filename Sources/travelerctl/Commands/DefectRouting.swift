import ArgumentParser
import ControlAPI
import Glibc

// What is done with many cases, or is hard to take back: it is shown first, and asked about.

extension Defect {
    struct Route: AsyncParsableCommand {
        static let configuration = CommandConfiguration.verb(
            "route", "Send cases to a supplier together: all of them, or none.",
            example: "defect route --supplier acme --rma RMA-7 --note \"DHL 4711\"",
            "defect route 4711 B-17 B-18 --rma RMA-7 --note \"DHL 4711\"",
            "defect route - --rma RMA-7 --note \"DHL 4711\"",
            more: """
                Select cases by their numbers, by serials of their units, or by the filters of 'defect list'; with - \
                you scan or type numbers and serials, one in a line. With \
                --supplier and no other choice, all pending cases of that supplier are meant. What would be sent is \
                shown, and sent once you confirm it, or with --yes.
                """)
        /// The daemon sends so many in one request.
        private static let limit = 10_000

        @Argument(help: "Numbers of cases, or serials of units in them; - to scan them.") var cases: [String] = []
        @OptionGroup var filters: Filters
        @Option(help: "Code of the supplier that gets them; the cases' own if not given.") var supplier: String?
        @Option(help: "Only cases of this supplier, where another one gets them.") var ofSupplier: String?
        @Option(help: "The supplier's reference for the return.") var rma: String
        @Option(help: "The shipment: carrier, tracking number, what is to be done.") var note: String
        @Flag(help: "Only show what would be sent.") var dryRun = false
        @Flag(name: .shortAndLong, help: "Don't ask.") var yes = false
        @OptionGroup var options: CallOptions

        func validate() throws {
            let isFiltered = try !filters.parameters.isEmpty || ofSupplier != nil
            if cases.isEmpty, !isFiltered, supplier == nil {
                throw ValidationError("Name cases or serials, or select them with filters such as --supplier acme.")
            }
            if !cases.isEmpty, isFiltered {
                throw ValidationError("Name cases or serials, or use filters; not both.")
            }
        }

        func run() async throws {
            try await reporting(json: options.json) {
                let connection = options.daemon.connection
                let selected = try await selected(connection)
                guard !selected.isEmpty else {
                    throw Failure(.notFound, "no case that is pending matches; see 'travelerctl defect list'")
                }
                guard selected.count <= Self.limit else {
                    throw Failure(
                        .usage, "\(selected.count) cases match, and \(Self.limit) go out at once; narrow the filters")
                }
                let screen = Screen(descriptor: 1)
                if !options.json { Output.lines(Self.table.whole(selected, screen)) }
                // What would be refused is said now, and not after somebody has agreed to it.
                _ = try await connection.call(request(for: selected, isTrial: true))
                let pieces = selected.reduce(0) { $0 + ($1["remaining"]?.int ?? 0) }
                let what = "\(count(selected.count, "case")) with \(count(pieces, "piece"))"
                let where_ = visible(supplier ?? selected.first?["supplier"]?.string ?? "?")
                for warning in Self.foreign(selected, to: where_) {
                    let screen = Screen(descriptor: 2)
                    Output.note(wrapped(screen.paint("Mind: ", .amber) + warning, screen.width).joined(separator: "\n"))
                }
                if dryRun {
                    if !options.json { Output.line("Would send \(what) to \(where_) under \(visible(rma)).") }
                    if options.json { Output.line(JSONValue.object(["items": .array(selected)]).json) }
                    return
                }
                guard try isConfirmed("Send \(what) to \(where_) under \(visible(rma))?", assumed: yes) else {
                    return Output.note("Nothing was sent.")
                }
                let answer = try await connection.call(request(for: selected))
                let sent = answer["items"]?.array ?? []
                Output.line(
                    options.json
                        ? answer.json
                        : "Sent \(count(sent.count, "case")) to \(sent.first?["supplier"]?.plain ?? where_) "
                            + "as return \(sent.first?["supplier_return"]?.plain ?? "?").")
            }
        }

        /// What people look at before they agree: whose each case is, whatever the width.
        static let table = Table(
            columns: [
                Column("CASE", "id"), Column("SUPPLIER", "supplier"), Column("PRODUCT", "product", rank: 2),
                Column("SERIAL", "serial", rank: 1, shown: List.units), Column("LEFT", "remaining", .number),
                Column("DEFECT", "types", rank: 3, shrinks: true, shown: List.what),
                Column("LOCATION", "location", rank: 4), Column("NOTE", "note", rank: 5, shrinks: true),
            ], empty: "")

        /// Cases of other suppliers than the one that would get them, a sentence for each.
        static func foreign(_ selected: [JSONValue], to supplier: String) -> [String] {
            let others = selected.filter { $0["supplier"].map { $0.plain != supplier } ?? false }
            let owners = Swift.Set(others.compactMap { $0["supplier"]?.plain }).sorted()
            return owners.map { owner in
                let cases = others.filter { $0["supplier"]?.plain == owner }
                let names = cases.prefix(5).map { $0["id"]?.plain ?? "?" }.joined(separator: ", ")
                let more = cases.count > 5 ? " and \(cases.count - 5) more" : ""
                return "\(count(cases.count, "case")) came from \(owner), not from \(supplier): \(names)\(more)."
            }
        }

        private func selected(_ connection: Connection) async throws -> [JSONValue] {
            if cases.isEmpty {
                var request = Request.get("defects")
                request.query = try selection
                return try await connection.items(request)
            }
            var found: [JSONValue] = []
            if cases == ["-"] {
                found = try await scanned(Self.echo) { try await connection.openCase($0) }
            } else {
                let (names, tick) = (try given(cases), Tick())
                defer { tick.end() }
                for name in names {
                    found.append(try await connection.openCase(name))
                    if names.count > 20 { tick.show("looked up \(found.count) of \(names.count)") }
                }
            }
            // Several units of a case name it once.
            var seen: Set<String> = []
            return found.filter { seen.insert($0["id"]?.string ?? "").inserted }
        }

        /// `case 4711: B-17 +2, PCB-100, SOLDER, from acme`.
        private static func echo(_ found: JSONValue) -> String {
            let parts = [List.units(found), found["product"]?.plain ?? "", List.what(found)].filter { !$0.isEmpty }
            return "case \(found["id"]?.plain ?? "?"): \(parts.joined(separator: ", "))"
                + (found["supplier"].map { ", from \($0.plain)" } ?? ", of no supplier")
        }

        /// The filters, where nothing else is said for all open cases.
        private var selection: [Request.Parameter] {
            get throws {
                var query = try filters.parameters
                if let supplier = ofSupplier ?? supplier { query.append(.init(name: "supplier", value: supplier)) }
                if filters.group == nil, filters.status == nil { query.append(.init(name: "group", value: "pending")) }
                return query
            }
        }

        func request(for selected: [JSONValue], isTrial: Bool = false) -> Request {
            .post(
                "defects", "route",
                body: [
                    "cases": .array(selected.compactMap { $0["id"] }), "supplier": .text(supplier), "rma": .string(rma),
                    "note": .string(note), "dry_run": isTrial ? true : nil,
                ])
        }
    }

    struct Revert: AsyncParsableCommand {
        static let configuration = CommandConfiguration.verb(
            "revert", "Take a case back that did not go to the supplier after all.",
            example: "defect revert 4711 --note \"not picked up\"",
            more: "It asks before it does so; --yes says so at once.")
        @Argument(help: .wholeCase) var id: String
        @Option(help: .note) var note: String
        @Flag(name: .shortAndLong, help: "Don't ask.") var yes = false
        @OptionGroup var options: CallOptions

        func request(_ id: String) -> Request {
            .post("defects", id, "revert", body: ["confirm": .bool(true), "note": .string(note)])
        }

        func run() async throws {
            try await reporting(json: options.json) {
                let connection = options.daemon.connection
                let id = try await connection.wholeCase(id, for: "revert")
                let found = try await connection.call(.get("defects", id))
                // What can't be reverted is refused without a question.
                if !yes, found["status"] == "with_supplier" {
                    let supplier = found["supplier"]?.plain ?? "the supplier"
                    let question = "Take case \(id) back from \(supplier), \(found["rma"]?.plain ?? "no RMA")?"
                    guard try isConfirmed(question, assumed: false) else { return Output.note("Nothing was changed.") }
                }
                let answer = try await connection.call(request(id))
                Output.lines(options.json ? [answer.json] : View.defectNow.draw(answer, Screen(descriptor: 1)))
            }
        }
    }
}
