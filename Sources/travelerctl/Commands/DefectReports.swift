import ArgumentParser
import ControlAPI

extension Report {
    struct Defects: ReportCall {
        enum Grouping: String, Word { case product, type, location, status, supplier }

        static let configuration = CommandConfiguration.verb(
            "defects", "Cases found in a time: how many, what became of them, what that cost.",
            example: "report defects --by supplier --from 2026-03-01",
            "report defects --from 2026-01-01 --to 2026-03-31 --xlsx q1.xlsx",
            more: """
                The last 30 days if no time is given. REPAIRED is what is good again, \
                WRITTEN OFF what was written off or replaced; REPAIR COST is that of spare parts, LOSS what was written off \
                had cost. A case counts under each of its types, with all of its pieces; HAVE IT is those of them that \
                have the type. DEFECT RATE is the part of the units received from a supplier that was found defective. --xlsx \
                writes all groupings, spare parts and write-offs as sheets of one workbook.
                """)
        @Option(help: "Counted by this; product if not given.") var by: Grouping?
        @Option(help: .product) var product: String?
        @Option(help: "Only cases that lie there.") var location: String?
        @Option(help: "Only cases in exactly this status.") var status: Defect.Filters.Status?
        @Option(help: "Code of the supplier.") var supplier: String?
        @OptionGroup var period: Period
        @OptionGroup var spreadsheet: SpreadsheetOption
        @OptionGroup var options: ListOptions
        var request: Request { get throws { try request(by) } }

        private func request(_ grouping: Grouping?) throws -> Request {
            var request = try period.report("defects", by: grouping?.rawValue)
            request.query +=
                Request.get(
                    query: [
                        "product": product, "location": location, "status": status?.rawValue, "supplier": supplier,
                    ]
                ).query
            return request
        }

        var sheets: [ReportSheet] {
            get throws {
                try Grouping.allCases.map { ("By \($0.rawValue)", Self.table, try request($0)) } + [
                    ("Spare parts", SpareParts.table, try period.report("spare-parts")),
                    ("Write-offs", WriteOffs.table, try period.report("write-offs")),
                ]
            }
        }

        static let table = Table(
            columns: [
                Column("OF", "key", shown: named), Column("CASES", "cases", .number),
                Column("PIECES", "quantity", .number), Column("HAVE IT", "with_type", .number, rank: 1),
                Column("REPAIRABLE", "repairable", .number, rank: 9),
                Column("NOT REPAIRABLE", "non_repairable", .number, rank: 10),
                Column("REPAIRED", "repaired", .number, rank: 1),
                Column("WRITTEN OFF", "written_off", .number, rank: 2), Column("LEFT", "remaining", .number, rank: 3),
                Column("SUCCESS", "repair_success", .percent, rank: 4),
                Column("REPAIR COST", "repair_cost", .money, rank: 6),
                Column("LOSS", "write_off_cost", .money, rank: 5),
                Column("CREDIT", "credit", .money, rank: 8), Column("RECEIVED", "received", .number, rank: 11),
                Column("BAD", "received_defective", .number, rank: 12),
                Column("DEFECT RATE", "defect_rate", .percent, rank: 7),
            ],
            empty: "Nothing was found defective in this time.")

        /// What a line counts, in words.
        static let named: @Sendable (JSONValue) -> String = { item in
            let key = item["key"]?.string ?? ""
            return key.isEmpty ? "(none)" : visible(key)
        }
    }

    struct WriteOffs: ReportCall {
        enum Grouping: String, Word { case reason, source, product }

        static let configuration = CommandConfiguration.verb(
            "write-offs", "What was written off in a time, from wherever, and what it cost.",
            example: "report write-offs --by source --from 2026-03-01",
            more: "COST and SOLD FOR are of all pieces.")
        @Option(help: "Counted by this; reason if not given.") var by: Grouping?
        @OptionGroup var period: Period
        @OptionGroup var spreadsheet: SpreadsheetOption
        @OptionGroup var options: ListOptions
        var request: Request { get throws { try period.report("write-offs", by: by?.rawValue) } }

        var sheets: [ReportSheet] { get throws { [("Write-offs", Self.table, try request)] } }
        static let table = Table(
            columns: [
                Column("OF", "key", shown: { words($0["key"]?.string ?? "") }), Column("LINES", "lines", .number),
                Column("PIECES", "quantity", .number), Column("COST", "cost", .money, rank: 1),
                Column("SOLD FOR", "proceeds", .money, rank: 2),
            ],
            empty: "Nothing was written off in this time.")
    }

    struct SpareParts: ReportCall {
        static let configuration = CommandConfiguration.verb(
            "spare-parts", "What repairs took in a time, and what it cost.",
            example: "report spare-parts --from 2026-03-01")
        @OptionGroup var period: Period
        @OptionGroup var spreadsheet: SpreadsheetOption
        @OptionGroup var options: ListOptions
        var request: Request { get throws { try period.report("spare-parts") } }
        var sheets: [ReportSheet] { get throws { [("Spare parts", Self.table, try request)] } }
        static let table = Table(
            columns: [
                Column("SPARE PART", "key"), Column("REPAIRS", "lines", .number),
                Column("PIECES", "quantity", .number), Column("COST", "cost", .money, rank: 1),
            ],
            empty: "No repair took spare parts in this time.")
    }
}
