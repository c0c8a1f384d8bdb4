import ArgumentParser
import ControlAPI
import Glibc

#if Spreadsheet
    import CXlsxWriter
#endif

/// Where a report goes as a workbook.
struct SpreadsheetOption: ParsableArguments {
    @Option(
        help: ArgumentHelp("Write an Excel workbook (XLSX) to a new file, private to you.", valueName: "file"),
        completion: .file(extensions: ["xlsx"]))
    var xlsx: String?

    /// The file, if one is wanted.
    func file(_ options: ListOptions) throws -> String? {
        if xlsx != nil, options.json || options.csv {
            throw ValidationError("--xlsx, --json and --csv exclude each other; give one of them.")
        }
        return xlsx
    }
}

/// A sheet of a workbook, and where what stands in it comes from.
typealias ReportSheet = (name: String, table: Table, request: Request)

/// A report: a list, or one or several sheets of a workbook.
protocol ReportCall: ListCall {
    var spreadsheet: SpreadsheetOption { get }
    var sheets: [ReportSheet] { get throws }
}

extension ReportCall {
    /// A report's sentence tells of its time.
    var empty: String { Self.table.empty }
    var isPaged: Bool { false }

    func run() async throws {
        guard let file = try spreadsheet.file(options) else { return try await writeList() }
        try await reporting(json: false) {
            try await writeSpreadsheet(try sheets, to: file, options.daemon.connection)
        }
    }
}

/// Asks for each sheet's list and writes them as one workbook.
private func writeSpreadsheet(_ sheets: [ReportSheet], to file: String, _ connection: Connection) async throws {
    #if Spreadsheet
        var workbook: [Workbook.Sheet] = []
        for sheet in sheets {
            let answer = try await connection.whole(sheet.request)
            let items = answer["items"]?.array ?? []
            let columns = sheet.table.columns
            workbook.append(.init(name: sheet.name, columns: columns, items: items, totals: answer["totals"]))
        }
        try Workbook(sheets: workbook).write(to: file)
        Output.note("\(visible(file)): \(count(sheets.count, "sheet")).")
    #else
        throw Failure(
            .usage, "this travelerctl was built without spreadsheets; --csv writes what every spreadsheet reads")
    #endif
}

#if Spreadsheet
    /// An Office Open XML workbook, written by libxlsxwriter.
    struct Workbook {
        /// A sheet: a bold line of titles, a line for each item, and in bold the sum of all. Texts are texts, whatever
        /// they begin with.
        struct Sheet {
            var name: String
            var columns: [Column]
            var items: [JSONValue]
            var totals: JSONValue?
        }

        var sheets: [Sheet]

        /// Writes the workbook into a new file.
        ///
        /// The library makes its file by name, so it makes it in a directory that only this process knows; what goes to
        /// `path` is new, private and never follows a link.
        func write(to path: String) throws {
            var file = try NewFile(path)
            let parent = environment("TMPDIR") ?? "/tmp"
            var template = Array((parent + "/travelerctl-XXXXXX").utf8CString)
            guard mkdtemp(&template) != nil else {
                throw Failure(.tryAgain, "cannot make a scratch directory in \(parent): \(systemError(errno))")
            }
            let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let scratch = folder + "/workbook.xlsx"
            defer {
                unlink(scratch)
                rmdir(folder)
            }
            try draw(scratch, folder)
            try file.write(try readFile(scratch))
            try file.finish()
        }

        private func draw(_ path: String, _ folder: String) throws {
            let code = folder.withCString { folder in
                var options = lxw_workbook_options()
                options.tmpdir = UnsafeMutablePointer(mutating: folder)
                let book = workbook_new_opt(path, &options)
                let bold = workbook_add_format(book)
                format_set_bold(bold)
                func formats(isBold: Bool) -> [Column.Kind: UnsafeMutablePointer<lxw_format>] {
                    let patterns: [Column.Kind: String] = [.money: "0.00##", .percent: "0.0%"]
                    return patterns.compactMapValues { pattern in
                        let format = workbook_add_format(book)
                        format_set_num_format(format, pattern)
                        if isBold { format_set_bold(format) }
                        return format
                    }
                }
                let (plain, sums) = (formats(isBold: false), formats(isBold: true))
                for sheet in sheets {
                    let page = workbook_add_worksheet(book, sheet.name)
                    worksheet_freeze_panes(page, 1, 0)
                    let columns = sheet.columns.filter { $0.rank != nil }
                    for (index, column) in columns.enumerated() {
                        worksheet_write_string(page, 0, lxw_col_t(index), column.title, bold)
                        worksheet_set_column(page, lxw_col_t(index), lxw_col_t(index), 14, nil)
                    }
                    let totals = sheet.items.isEmpty ? nil : sheet.totals
                    for (line, item) in (sheet.items + (totals.map { [$0] } ?? [])).enumerated() {
                        let isSum = line == sheet.items.count
                        for (index, column) in columns.enumerated() {
                            let (row, place) = (lxw_row_t(line + 1), lxw_col_t(index))
                            if column.isRight {
                                guard let number = column.value(item)?.double else { continue }
                                let format = isSum ? sums[column.kind] ?? bold : plain[column.kind]
                                worksheet_write_number(page, row, place, number, format)
                            } else {
                                let text = isSum && index == 0 ? "All" : column.text(item)
                                guard !text.isEmpty else { continue }
                                worksheet_write_string(
                                    page, row, place, String(text.prefix(32_000)), isSum ? bold : nil)
                            }
                        }
                    }
                }
                return workbook_close(book)
            }
            guard code == LXW_NO_ERROR else {
                throw Failure(.tryAgain, "cannot write the workbook: \(String(cString: lxw_strerror(code)))")
            }
        }
    }
#endif
