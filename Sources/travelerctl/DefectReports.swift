import ArgumentParser
import ControlAPI

extension Report {
    struct Defects: ListCall {
        enum Grouping: String, CaseIterable, ExpressibleByArgument { case product, type, location, status, supplier }

        static let configuration = CommandConfiguration.verb(
            "defects", "Cases found in a time: how many, what became of them, what that cost.",
            example: "report defects --by supplier --from 2026-03-01",
            "report defects --from 2026-01-01 --to 2026-03-31 --xlsx q1.xlsx",
            more: """
                The last 30 days if no time is given. A case counts under each of its types. GOOD is what came back, \
                GONE what was written off or replaced; REPAIRS is what spare parts cost, LOSS what was written off \
                had cost. RATE is the part of the units received from a supplier that was found defective. --xlsx \
                writes all groupings, spare parts and write-offs as sheets of one workbook.
                """)
        @Option(help: "Counted by this; product if not given.") var by: Grouping?
        @OptionGroup var period: Period
        @OptionGroup var spreadsheet: SpreadsheetOption
        @OptionGroup var options: ListOptions
        var request: Request {
            get throws {
                .get(
                    "reports", "defects",
                    query: ["by": by?.rawValue, "from": try period.start, "to": try period.end])
            }
        }

        func run() async throws {
            guard let file = try spreadsheet.file(options) else { return try await writeList() }
            try await reporting(json: false) {
                var sheets: [(name: String, table: Table, request: Request)] = []
                for grouping in Grouping.allCases {
                    var request = try self.request
                    request.query.removeAll { $0.name == "by" }
                    request.query.append(.init(name: "by", value: grouping.rawValue))
                    sheets.append(("By \(grouping.rawValue)", Self.table, request))
                }
                let times = try self.request.query.filter { $0.name != "by" }
                for (name, path, table) in [
                    ("Spare parts", "spare-parts", SpareParts.table), ("Write-offs", "write-offs", WriteOffs.table),
                ] {
                    var request = Request.get("reports", path)
                    request.query = times
                    sheets.append((name, table, request))
                }
                try await writeSpreadsheet(sheets, to: file, options.daemon.connection)
            }
        }

        static let table = Table(
            columns: [
                Column("OF", "key", shown: named), Column("CASES", "cases", .number),
                Column("PIECES", "quantity", .number), Column("REPAIRABLE", "repairable", .number, rank: 9),
                Column("NOT", "non_repairable", .number, rank: 10), Column("GOOD", "repaired", .number, rank: 1),
                Column("GONE", "written_off", .number, rank: 2), Column("LEFT", "remaining", .number, rank: 3),
                Column("SUCCESS", "repair_success", .percent, rank: 4),
                Column("REPAIRS", "repair_cost", .money, rank: 6), Column("LOSS", "write_off_cost", .money, rank: 5),
                Column("CREDIT", "credit", .money, rank: 8), Column("RECEIVED", "received", .number, rank: 11),
                Column("BAD", "received_defective", .number, rank: 12),
                Column("RATE", "defect_rate", .percent, rank: 7),
            ],
            empty: "Nothing was found defective in this time.")

        /// What a line counts, in words.
        static let named: @Sendable (JSONValue) -> String = { item in
            let key = item["key"]?.string ?? ""
            return key.isEmpty ? "(none)" : visible(key)
        }
    }

    struct WriteOffs: ReportCall {
        enum Grouping: String, CaseIterable, ExpressibleByArgument { case reason, source, product }

        static let configuration = CommandConfiguration.verb(
            "write-offs", "What was written off in a time, from wherever, and what it cost.",
            example: "report write-offs --by source --from 2026-03-01")
        @Option(help: "Counted by this; reason if not given.") var by: Grouping?
        @OptionGroup var period: Period
        @OptionGroup var spreadsheet: SpreadsheetOption
        @OptionGroup var options: ListOptions
        var request: Request {
            get throws {
                .get(
                    "reports", "write-offs",
                    query: ["by": by?.rawValue, "from": try period.start, "to": try period.end])
            }
        }

        static let sheet = "Write-offs"
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
        var request: Request {
            get throws {
                .get("reports", "spare-parts", query: ["from": try period.start, "to": try period.end])
            }
        }
        static let sheet = "Spare parts"
        static let table = Table(
            columns: [
                Column("SPARE PART", "key"), Column("REPAIRS", "lines", .number),
                Column("PIECES", "quantity", .number), Column("COST", "cost", .money, rank: 1),
            ],
            empty: "No repair took spare parts in this time.")
    }
}
