import ArgumentParser
import ControlAPI

// What the defect desk leaves behind: returns to suppliers, spare parts, repairs, write-offs, statistics.

extension Supplier {
    struct Returns: ListCall {
        static let configuration = CommandConfiguration.verb(
            "returns", "What went back to suppliers.", example: "supplier returns acme")
        @Argument(help: "Code of the supplier; all if not given.") var supplier: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("supplier-returns", query: ["supplier": supplier]) }
        static let table = Table(
            columns: [
                Column("RETURN", "id"), Column("SUPPLIER", "supplier"), Column("RMA", "rma"),
                Column("SENT", "at", .day, rank: 2), Column("CASES", "count", .number),
                Column("PIECES", "quantity", .number, rank: 4), Column("THERE", "with_supplier", .number, rank: 1),
                Column("RESOLVED", "resolved", .number, rank: 5), Column("CREDIT", "credit", .money, rank: 3),
                Column("WHO", "actor", rank: 7), Column("NOTE", "note", rank: 6, shrinks: true),
            ],
            empty: "Nothing went back. Send cases: 'travelerctl defect route'.")
    }
}

struct SparePart: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "spare-part", "Products that repairs take.", example: "spare-part list --low", [List.self])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "Spare parts with their stock.", example: "spare-part list --low",
            more: "Stock and LOW are shown to admins and to those who adjust stock.")
        @Flag(help: "Only what is below its minimum.") var low = false
        @Option(help: "A part of the code or the name.") var search: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("spare-parts", query: ["low": low ? "true" : nil, "search": search]) }
        var empty: String { low && search == nil ? "No spare part is below its minimum." : unmatched }
        static let table = Table(
            columns: [
                Column("CODE", "code"), Column("NAME", "name", rank: 4, shrinks: true),
                Column("STOCK", "in_stock", .number, rank: 1), Column("MINIMUM", "min_stock", .number, rank: 3),
                Column("LOW", "low", .flag, rank: 2, shown: { $0["low"]?.bool == true ? "LOW" : "" }),
                Column("SUPPLIER", "supplier", rank: 5), Column("COST", "cost", .money, rank: 6), .data("retired"),
            ],
            empty: "No spare parts. Mark products with spare_part: true in the site file.")
    }
}

extension Log {
    struct WriteOffs: ListCall {
        static let configuration = CommandConfiguration.verb(
            "write-offs", "Everything that was written off, from wherever.",
            example: "log write-offs --source defect --from 2026-03-01")
        @Option(help: .product) var product: String?
        @Option(help: "Such as scrap or outlet_sale.") var reason: String?
        @Option(help: "defect, return, production or inventory_audit.") var source: String?
        @OptionGroup var period: Period
        @OptionGroup var options: ListOptions
        var request: Request {
            get throws {
                .get(
                    "write-offs",
                    query: [
                        "product": product, "reason": reason, "source": source, "from": try period.start,
                        "to": try period.end,
                    ])
            }
        }
        static let table = Table(
            columns: [
                Column("TIME", "at", .time), Column("PRODUCT", "product"), Column("SERIAL", "serial", rank: 1),
                Column("QTY", "quantity", .number, rank: 2),
                Column("REASON", "reason", shown: { words($0["reason"]?.string ?? "") }),
                Column("FROM", "source", rank: 5, shown: { words($0["source"]?.string ?? "") }),
                Column("COST", "cost", .money, rank: 3), Column("PRICE", "price", .money, rank: 4),
                Column("CASE", "defect", rank: 7), Column("WHO", "actor", rank: 6),
                Column("NOTE", "note", rank: 8, shrinks: true), .data("event"), .data("team"),
            ],
            empty: "No write-offs.")
    }

    struct Repairs: ListCall {
        static let configuration = CommandConfiguration.verb(
            "repairs", "Every repair, with the spare parts that it took.", example: "log repairs --product PCB-100")
        @Option(help: .product) var product: String?
        @OptionGroup var period: Period
        @OptionGroup var options: ListOptions
        var request: Request {
            get throws {
                .get("repairs", query: ["product": product, "from": try period.start, "to": try period.end])
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
