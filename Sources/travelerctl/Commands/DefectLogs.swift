import ArgumentParser
import ControlAPI

// What the defect desk leaves behind: returns to suppliers, spare parts, repairs, write-offs, statistics.

extension Supplier {
    struct Returns: ListCall {
        static let configuration = CommandConfiguration.verb(
            "returns", "What went back to suppliers.", example: "supplier returns acme")
        @Argument(help: "Code of the supplier; all if not given.") var supplier: String?
        @Option(parsing: .unconditional, help: .sort, completion: .list(["date", "-date"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("supplier-returns", query: ["supplier": supplier, "order": sort]) }
        static let table = Table(
            columns: [
                Column("SUPPLIER RETURN", "id"), Column("SUPPLIER", "supplier"), Column("RMA", "rma"),
                Column("SENT", "at", .day, rank: 2), Column("CASES", "count", .number),
                Column("PIECES", "quantity", .number, rank: 4),
                Column("WITH SUPPLIER", "with_supplier", .number, rank: 1),
                Column("RESOLVED", "resolved", .number, rank: 5), Column("CREDIT", "credit", .money, rank: 3),
                Column("WHO", "actor", rank: 7), Column("NOTE", "note", rank: 6, shrinks: true),
            ],
            empty: "Nothing went back.", hint: .init("Send cases: 'travelerctl defect route'.", to: "manage_defects"))
    }
}

struct SparePart: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "spare-part", "Products that repairs take.", example: "spare-part list --low",
        [List.self, Add.self, Set.self])

    struct Add: Call {
        static let configuration = CommandConfiguration.verb(
            "add", "Add a spare part: a new product, or one that was none before.",
            example: "spare-part add FUSE-2A --name \"Fuse 2 A\" \\\n    --minimum 20 --cost 0.35 --supplier acme")
        @Argument(help: .product) var code: String
        @Option(help: "What people call it; a new product needs a name.") var name: String?
        @Option(help: "Its type; part if not given.") var type: String?
        @Option(help: "It is low below this stock.") var minimum: Int?
        @Option(help: "What one costs.") var cost: Double?
        @Option(help: "Code of the supplier.") var supplier: String?
        @OptionGroup var options: CallOptions
        var request: Request {
            .post(
                "spare-parts",
                body: [
                    "code": .string(code), "name": .text(name), "type": .text(type),
                    "min_stock": minimum.map(JSONValue.int), "cost": cost.map(JSONValue.double),
                    "supplier": .text(supplier),
                ])
        }
        var view: View { SparePart.fields }
    }

    struct Set: Call {
        static let configuration = CommandConfiguration.verb(
            "set", "Change a spare part.", example: "spare-part set FUSE-2A --minimum 50",
            "spare-part set FUSE-2A --no-spare-part",
            more:
                "An empty text clears the supplier: --supplier \"\". A site file that is applied later goes before this."
        )
        @Argument(help: .product) var code: String
        @Option(help: "What people call it.") var name: String?
        @Option(help: "It is low below this stock.") var minimum: Int?
        @Option(help: "What one costs.") var cost: Double?
        @Option(help: "Code of the supplier.") var supplier: String?
        @Flag(name: .customLong("no-spare-part"), help: "Make it a product that no repair takes.") var isNone = false
        @OptionGroup var options: CallOptions
        func validate() throws {
            if name == nil, minimum == nil, cost == nil, supplier == nil, !isNone {
                throw ValidationError("Say what is to be changed: --name, --minimum, --cost or --supplier.")
            }
        }
        var request: Request {
            .patch(
                "spare-parts", code,
                body: [
                    "name": .text(name), "min_stock": minimum.map(JSONValue.int), "cost": cost.map(JSONValue.double),
                    "supplier": .clearing(supplier), "spare_part": isNone ? false : nil,
                ])
        }
        var view: View { SparePart.fields }
    }

    fileprivate static let fields = View.fields([
        Column("Code", "code"), Column("Name", "name"), Column("Minimum", "min_stock"),
        Column("Cost", "cost", .money), Column("Supplier", "supplier"), Column("Retired", "retired", .flag),
    ])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "Spare parts with their stock.", example: "spare-part list --low",
            more: "Stock and LOW are shown to leads and to those who adjust stock.")
        @Flag(help: "Only what is below its minimum.") var low = false
        @Option(help: "A part of the code or the name.") var search: String?
        @Option(parsing: .unconditional, help: .sort, completion: .list(["code", "-code"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request {
            .get("spare-parts", query: ["low": low ? "true" : nil, "search": search, "order": sort])
        }
        var empty: String { low && search == nil ? "No spare part is below its minimum." : unmatched }
        static let table = Table(
            columns: [
                Column("CODE", "code"), Column("NAME", "name", rank: 4, shrinks: true),
                Column("STOCK", "in_stock", .number, rank: 1), Column("MINIMUM", "min_stock", .number, rank: 3),
                Column("LOW", "low", .flag, rank: 2, shown: { $0["low"]?.bool == true ? "LOW" : "" }),
                Column("SUPPLIER", "supplier", rank: 5), Column("COST", "cost", .money, rank: 6), .data("retired"),
            ],
            empty: "No spare parts.",
            hint: .init("Add one: 'travelerctl spare-part add CODE --name NAME'.", to: "administer"))
    }
}

extension Log {
    struct WriteOffs: ListCall {
        static let configuration = CommandConfiguration.verb(
            "write-offs", "Everything that was written off, from wherever.",
            example: "log write-offs --source defect --from 2026-03-01",
            more: "COST and SOLD FOR are of all pieces of a line, as in 'report write-offs'; EACH is of one.")
        @Option(help: .product, completion: .products) var product: String?
        @Option(help: "For this reason.") var reason: WriteOffReason?
        @Option(help: "Written off from there.") var source: WriteOffSource?
        @OptionGroup var period: Period
        @Option(parsing: .unconditional, help: .sort, completion: .list(["event", "-event"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request {
            get throws {
                .get(
                    "write-offs",
                    query: [
                        "product": product, "reason": reason?.rawValue, "source": source?.rawValue,
                        "from": try period.start,
                        "to": try period.end, "order": sort,
                    ])
            }
        }
        static let table = Table(
            columns: [
                Column("TIME", "at", .time), Column("PRODUCT", "product"), Column("SERIAL", "serial", rank: 1),
                Column("QTY", "quantity", .number, rank: 2),
                Column("REASON", "reason", shown: { words($0["reason"]?.string ?? "") }),
                Column("SOURCE", "source", rank: 5, shown: { words($0["source"]?.string ?? "") }),
                Column("COST EACH", "cost", .money, rank: 6), Column("COST", "total_cost", .money, rank: 3),
                Column("PRICE EACH", "price", .money, rank: 6), Column("SOLD FOR", "proceeds", .money, rank: 4),
                Column("CASE", "defect", rank: 7), Column("WHO", "actor", rank: 6),
                Column("NOTE", "note", rank: 8, shrinks: true), .data("event"), .data("team"),
            ],
            empty: "No write-offs.")
    }

    struct Repairs: ListCall {
        static let configuration = CommandConfiguration.verb(
            "repairs", "Every repair, with the spare parts that it took.", example: "log repairs --product PCB-100")
        @Option(help: .product, completion: .products) var product: String?
        @OptionGroup var period: Period
        @Option(parsing: .unconditional, help: .sort, completion: .list(["event", "-event"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request {
            get throws {
                .get(
                    "repairs",
                    query: ["product": product, "from": try period.start, "to": try period.end, "order": sort])
            }
        }
        static let table = Table(
            columns: [
                Column("TIME", "at", .time), Column("CASE", "defect"), Column("PRODUCT", "product"),
                Column("QTY", "quantity", .number), Column("SERIALS", "serials", rank: 3, shrinks: true),
                Column("TO", "to", rank: 1), Column("PARTS", "spare_parts", rank: 2, shrinks: true, shown: parts),
                Column("COST", "cost", .money, rank: 4), Column("WHO", "actor", rank: 5),
                Column("NOTE", "note", rank: 6, shrinks: true), .data("event"),
            ],
            empty: "No repairs.")

        private static let parts: @Sendable (JSONValue) -> String = { item in
            (item["spare_parts"]?.array ?? []).map {
                "\($0["product"]?.plain ?? "") x\($0["quantity"]?.plain ?? "")"
            }.joined(separator: ", ")
        }
    }
}
