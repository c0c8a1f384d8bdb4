import ArgumentParser
import ControlAPI

struct Product: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "product", "Products and their stock.", example: "product list --low-stock",
        [List.self, Show.self, Adjust.self, Inward.self])

    struct List: ListCall {
        enum Choice: String, Word { case available, all }

        static let configuration = CommandConfiguration.verb(
            "list", "Products with their counts.", example: "product list --view available",
            "product list --search board",
            more: """
                STOCK is what is in the store, with and without serials. All other columns count serials: DEFECTS those \
                in defect and those that were scrapped, TOTAL all that were ever registered. Goods without serials that \
                are defective or in repacking stand in a column of their own. LOW marks stock below the threshold.
                """)
        @Option(help: "available shows what there is to ship.") var view: Choice?
        @Option(help: "Only this type of product.") var type: String?
        @Option(help: "A part of the code or the name.") var search: String?
        @Flag(help: "Only what is below its threshold.") var lowStock = false
        @Option(parsing: .unconditional, help: .sort, completion: .list(["code", "-code"])) var sort: String?
        @OptionGroup var options: ListOptions

        var request: Request {
            .get(
                "products",
                query: [
                    "view": view?.rawValue, "type": type, "search": search, "low_stock": lowStock ? "true" : nil,
                    "order": sort,
                ])
        }

        static let table = Table(
            columns: [
                Column("CODE", "code"), Column("NAME", "name", rank: 5, shrinks: true), Column("TYPE", "type", rank: 8),
                Column("STOCK", "in_stock", .number),
                Column("LOW", "low_stock", .flag, rank: 1, shown: { $0["low_stock"]?.bool == true ? "LOW" : "" }),
                Column("MAKING", "in_production", .number, rank: 2),
                Column("DEFECTS", "defect", .number, rank: 3, shown: { String($0.defects) }),
                Column("DELIVERED", "delivered", .number, rank: 4), Column("RETURNED", "returned", .number, rank: 7),
                Column("TOTAL", "total", .number, rank: 6),
                Column("WITHOUT SERIALS", "unserialised_defect", rank: 9, shown: { $0.withoutSerials }),
                .data("scrapped"), .data("written_off"), .data("installed"),
                .data("split"), .data("unserialised"), .data("in_repacking"),
                .data("unserialised_in_repacking"), .data("min_stock"),
                .data("low_stock_threshold"), .data("gtin"), .data("routing"),
                .data("label"), .data("supplier"), .data("cost"), .data("spare_part"), .data("retired"),
            ],
            empty: "No products.",
            hint: .init("Add them to the site file, then 'travelerctl site apply FILE'.", to: "administer"))
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb(
            "show", "One product's card.", example: "product show PCB-100",
            more: """
                In stock counts what is in the store, with and without serials; the other figures in the frame count \
                serials. 'travelerctl unit list --product CODE' lists these.
                """)
        @Argument(help: .product, completion: .products) var code: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("products", code) }
        var view: View { .productCard }
    }

    struct Adjust: Ending {
        enum Direction: String, Word { case add, subtract }

        static let configuration = CommandConfiguration.verb(
            "adjust", "Correct the stock: so many without serials, or units by their serials.",
            example: "product adjust RES-10K add 500 --note \"stocktaking\"",
            "product adjust PCB-100 subtract --serials B-17 B-18 \\\n    --note \"not found\"",
            more: "Units that are added are new ones; those that are subtracted are written off as lost.")
        @Argument(help: .product, completion: .products) var code: String
        @Argument(help: "Which way.") var direction: Direction
        @Argument(help: "How many without serials, from 1.") var quantity: Int?
        @Option(parsing: .upToNextOption, help: .serials) var serials: [String] = []
        @Option(help: .note) var note: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions

        mutating func prepare(_ connection: Connection) async throws { serials = try given(serials) }

        func question(_ connection: Connection) async throws -> String? {
            guard direction == .subtract, !serials.isEmpty else { return nil }
            let names = serials.prefix(3).map { visible($0) }.joined(separator: ", ")
            let more = serials.count > 3 ? " and \(serials.count - 3) more" : ""
            return "Write off as lost, for good: \(names)\(more)?"
        }

        var request: Request {
            get throws {
                guard (quantity == nil) != serials.isEmpty else {
                    throw ValidationError("Say how many, or which: a quantity, or --serials.")
                }
                guard let quantity else {
                    return .post(
                        "products", code, "adjustments",
                        body: [
                            "serials": .texts(serials), "found": .bool(direction == .add), "note": .string(note),
                        ])
                }
                guard quantity > 0 else { throw ValidationError("The quantity is 1 or more, not \(quantity).") }
                return .post(
                    "products", code, "adjustments",
                    body: ["change": .int(direction == .add ? quantity : -quantity), "note": .string(note)])
            }
        }
        var view: View {
            .sentence { "\($0["code"]?.plain ?? "The product") has \($0["in_stock"]?.plain ?? "?") in stock now." }
        }
    }
}

extension Product {
    struct Inward: Call {
        static let configuration = CommandConfiguration.verb(
            "inward", "Goods without serials that were made here come into stock.",
            example: "product inward CABLE-2M 40 --work-order 1002")
        @Argument(help: .product) var code: String
        @Argument(help: "How many, from 1.") var quantity: Int
        @Option(help: "Number of the work order that they count on.") var workOrder: String?
        @Option(help: "What else there is to know.") var note: String?
        @OptionGroup var options: CallOptions

        var request: Request {
            get throws {
                guard quantity > 0 else { throw ValidationError("The quantity is 1 or more, not \(quantity).") }
                return .post(
                    "products", code, "inward",
                    body: ["quantity": .int(quantity), "work_order": .text(workOrder), "note": .text(note)])
            }
        }
        var view: View {
            .sentence { [quantity] in
                "\(quantity) came into stock. \($0["code"]?.plain ?? "The product") has "
                    + "\($0["in_stock"]?.plain ?? "?") in stock now."
            }
        }
    }
}

extension JSONValue {
    /// What people call a card's defects: the units in defect, and those that were scrapped.
    fileprivate var defects: Int { (self["defect"]?.int ?? 0) + (self["scrapped"]?.int ?? 0) }

    /// Goods without serials that are neither stock nor sold.
    fileprivate var withoutSerials: String {
        [("unserialised_defect", "defective"), ("unserialised_in_repacking", "in repacking")]
            .compactMap { key, word in self[key]?.int.flatMap { $0 > 0 ? "\($0) \(word)" : nil } }
            .joined(separator: ", ")
    }
}

extension View {
    /// A product with its counts in a frame.
    static let productCard = View { card, screen in
        func number(_ key: String) -> Int { card[key]?.int ?? 0 }
        let title = screen.paint(card["code"]?.plain ?? "", .bold) + "  " + (card["name"]?.plain ?? "")
        let facts =
            [
                card["type"]?.plain, card["routing"].map { "routing \($0.plain)" },
                card["gtin"].map { "GTIN \($0.plain)" },
                card["supplier"].map { "from \($0.plain)" }, card["cost"]?.double.map { "cost \(amount($0))" },
                card["spare_part"]?.bool == true ? "spare part" : nil, card["retired"]?.bool == true ? "retired" : nil,
            ].compactMap { $0 }
            + (card["attributes"]?.object.map { $0.map { "\(visible($0.key)) \($0.value.plain)" } } ?? [])
        let cells = [
            ("In stock", number("in_stock")), ("Making", number("in_production")), ("Defects", card.defects),
            ("Delivered", number("delivered")), ("Returned", number("returned")), ("Total", number("total")),
        ]
        var others = [
            ("written off", number("written_off")), ("scrapped", number("scrapped")),
            ("installed", number("installed")),
            ("split", number("split")), ("of the stock without serials", number("unserialised")),
            ("defective without serials", number("unserialised_defect")),
            ("in repacking", number("in_repacking")),
            ("in repacking without serials", number("unserialised_in_repacking")),
        ].filter { $0.1 != 0 }.map { "\($0.1) \($0.0)" }
        var lines = [title]
        if !facts.isEmpty { lines += wrapped(facts.joined(separator: ", "), screen.width) }
        lines += frame(cells.map { ($0.0, String($0.1)) }, screen)
        if let back = card["return_counters"], ["returns", "exchanges"].contains(where: { back[$0]?.int ?? 0 > 0 }) {
            others.append(
                "so far \(back["returns"]?.plain ?? "0") sent back, \(back["exchanges"]?.plain ?? "0") exchanged, "
                    + "\(back["write_offs"]?.plain ?? "0") of these written off")
        }
        if !others.isEmpty { lines += wrapped(others.joined(separator: ", "), screen.width) }
        if let counters = card["defect_counters"], let found = counters["found"]?.int, found > 0 {
            let fates = [
                ("repaired", "repaired"), ("sent back to a stage", "reworked"),
                ("repaired by the supplier", "supplier_repaired"), ("replaced", "replaced"),
                ("written off", "written_off"), ("still defective", "remaining"),
            ].map { ($0, counters[$1]?.int ?? 0) }.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
            lines += wrapped("Ever found defective: \(found). Of these \(fates.joined(separator: ", ")).", screen.width)
        }
        if card["low_stock"]?.bool == true {
            let threshold = card["low_stock_threshold"].map { ", the threshold is \($0.plain)" } ?? ""
            lines.append(screen.paint("LOW STOCK: \(number("in_stock")) in stock\(threshold)", .amber))
        }
        if number("total") > 0, let code = card["code"]?.string {
            lines.append(screen.paint("Its serials: travelerctl unit list --product \(visible(code))", .faint))
        }
        return lines
    }

    /// Named values side by side in a frame.
    static func frame(_ cells: [(name: String, value: String)], _ screen: Screen) -> [String] {
        let widths = cells.map { max(displayWidth($0.name), displayWidth($0.value)) }
        func rule(_ left: String, _ middle: String, _ right: String) -> String {
            guard screen.isUnicode else {
                return "+" + widths.map { String(repeating: "-", count: $0 + 2) + "+" }.joined()
            }
            return left + widths.map { String(repeating: "─", count: $0 + 2) }.joined(separator: middle) + right
        }
        let bar = screen.glyph("│", "|")
        func row(_ texts: [String]) -> String { "\(bar) " + texts.joined(separator: " \(bar) ") + " \(bar)" }
        return [
            rule("┌", "┬", "┐"), row(zip(cells, widths).map { fitted($0.name, $1) }),
            row(zip(cells, widths).map { screen.paint(fitted($0.value, $1, right: true), .bold) }), rule("└", "┴", "┘"),
        ]
    }
}
