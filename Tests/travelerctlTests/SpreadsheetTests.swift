#if Spreadsheet
    import ControlAPI
    import Foundation
    import Testing

    @testable import travelerctl

    /// Workbooks, as a reader that shares no code with their writer sees them: Python's zip and XML modules.
    @Suite struct SpreadsheetTests {
        private static let reader = """
            import sys, json, zipfile
            import xml.etree.ElementTree as tree
            space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
            book = zipfile.ZipFile(sys.argv[1])
            assert book.testzip() is None
            texts = [
                "".join(part.text or "" for part in item.iter("{%s}t" % space["x"]))
                for item in tree.fromstring(book.read("xl/sharedStrings.xml")).findall("x:si", space)
            ]
            sheets = {}
            names = tree.fromstring(book.read("xl/workbook.xml")).findall("x:sheets/x:sheet", space)
            for number, sheet in enumerate(names, start=1):
                page = tree.fromstring(book.read("xl/worksheets/sheet%d.xml" % number))
                assert not page.findall(".//x:f", space), "a formula"
                rows = []
                for row in page.findall("x:sheetData/x:row", space):
                    cells = []
                    for cell in row.findall("x:c", space):
                        value = cell.find("x:v", space).text
                        cells.append(texts[int(value)] if cell.get("t") == "s" else float(value))
                    rows.append(cells)
                sheets[sheet.get("name")] = rows
            print(json.dumps(sheets))
            """

        @Test func anotherReaderFindsWhatWasWritten() throws {
            guard FileManager.default.isExecutableFile(atPath: "/usr/bin/python3") else {
                return print("SKIPPED anotherReaderFindsWhatWasWritten: there is no python3")
            }
            let folder = FileManager.default.temporaryDirectory.path + "/sheets-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let columns = [
                Column("OF", "key"), Column("PIECES", "quantity", .number), Column("COST", "cost", .money),
                Column("RATE", "rate", .percent), Column.data("hidden"),
            ]
            let items: [JSONValue] = [
                ["key": "=1+1", "quantity": 3, "hidden": "x"],
                ["key": "Größe <&>", "quantity": .double(2.5), "cost": .double(29.9), "rate": .double(0.125)],
                ["key": "-5"],
            ]
            let path = folder + "/report.xlsx"
            try Workbook(sheets: [
                .init(name: "By product", columns: columns, items: items, totals: ["key": "", "quantity": 5]),
                .init(name: "Empty", columns: columns, items: [], totals: ["key": "", "quantity": 0]),
            ]).write(to: path)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(throws: Failure.self) { try Workbook(sheets: []).write(to: path) }

            let python = Process()
            python.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
            python.arguments = ["-c", Self.reader, path]
            let pipe = Pipe()
            python.standardOutput = pipe
            try python.run()
            let output = pipe.fileHandleForReading.readDataToEndOfFile()
            python.waitUntilExit()
            #expect(python.terminationStatus == 0)
            let found = try JSONValue(json: String(decoding: output, as: UTF8.self))
            #expect(
                found["By product"] == [
                    ["OF", "PIECES", "COST", "RATE"], ["=1+1", .double(3)],
                    ["Größe <&>", .double(2.5), .double(29.9), .double(0.125)], ["-5"], ["All", .double(5)],
                ])
            #expect(found["Empty"] == [["OF", "PIECES", "COST", "RATE"]])
        }
    }
#endif
