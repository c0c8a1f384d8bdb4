import ArgumentParser
import Barcodes
import ControlAPI

struct ControlSheet: AsyncParsableCommand {
    static let configuration = CommandConfiguration.verb(
        "control-sheet", "Make a sheet of the control codes that work at a station, to print.",
        example: "control-sheet TEST-1 -o test-1.html",
        more: "The file is a web page with Code 128 bar codes; print it at its own size.")
    @Argument(help: .station, completion: .stations) var station: String
    @Option(name: [.customShort("o"), .customLong("output")], help: .newFile, completion: .file()) var file: String
    @OptionGroup var daemon: SocketOption

    func run() async throws {
        try await reporting(json: false) {
            let connection = daemon.connection
            let station = try await connection.call(.get("stations", self.station))
            var sheet = Sheet(station: station)
            if sheet.needsDefects {
                sheet.defectTypes = try await items(connection, .get("defect-types"))
                sheet.stations = try await items(connection, .get("stations"))
            }
            if sheet.mode == "label" {
                sheet.workOrders = try await items(connection, .get("work-orders", query: ["status": "released"]))
                sheet.products = try await items(connection, .get("products"))
            }
            if sheet.mode == "ship" {
                sheet.deliveries = try await items(connection, .get("deliveries", query: ["status": "open"]))
            }
            if let request = sheet.returnsRequest { sheet.returns = try await items(connection, request) }
            let sections = sheet.sections
            guard !sections.isEmpty else {
                throw Failure(.usage, "\(self.station) is a \(sheet.mode) station; no control codes belong to it")
            }
            var new = try NewFile(file)
            try new.write(Array(sheet.page(sections).utf8))
            try new.finish()
        }
    }

    private func items(_ connection: Connection, _ request: Request) async throws -> [JSONValue] {
        do {
            return try await connection.items(request)
        } catch let failure as Failure where failure.exit == .notPermitted {
            Output.note("travelerctl: you may not see the \(request.path[0]), so the sheet has none of them")
            return []
        }
    }
}

/// A sheet of bar codes for one station.
struct Sheet {
    struct Section: Equatable {
        var title: String
        var codes: [Entry]
    }

    struct Entry: Equatable {
        var name: String
        var code: ControlCode
    }

    let station: JSONValue
    var defectTypes: [JSONValue] = []
    var stations: [JSONValue] = []
    var workOrders: [JSONValue] = []
    var products: [JSONValue] = []
    var deliveries: [JSONValue] = []
    var returns: [JSONValue] = []

    init(station: JSONValue) { self.station = station }

    var mode: String { station["mode"]?.string ?? "" }
    var needsDefects: Bool { mode == "verdict" || mode == "returns" }
    /// The returns whose codes belong to it: exchanges for which nothing was sent yet, or what may still come in.
    var returnsRequest: Request? {
        switch mode {
        case "ship": .get("returns", query: ["unsent": "true"])
        case "returns": .get("returns", query: ["status": "created"])
        default: nil
        }
    }

    private var quantities: [Entry] {
        [2, 3, 4, 5, 10, 20, 50, 100].map { Entry(name: "\($0)", code: .quantity($0)) }
    }

    /// Whether an order is for goods that come into stock by quantity.
    private var makesGoods: Bool {
        let made = products.filter { $0["routing"] == nil }.compactMap { $0["code"]?.string }
        return workOrders.contains { $0["product"]?.string.map(made.contains) ?? false }
    }

    /// The codes that do something at a station of this mode.
    var sections: [Section] {
        let reprint = station["printers"]?.array?.isEmpty == false ? [Entry(name: "Label again", code: .reprint)] : []
        let undo = Entry(name: "Take the last step back", code: .undo)
        let sections: [Section] =
            switch mode {
            case "label":
                [
                    Section(title: "Make", codes: [Entry(name: "Next label", code: .new)]),
                    Section(title: "Work on", codes: named(workOrders, "number", "product") { .workOrder($0) }),
                    Section(
                        title: "Made without serials: quantity, then the product", codes: makesGoods ? quantities : []),
                    Section(title: "Mistakes", codes: reprint + [undo]),
                ]
            case "pass": [Section(title: "Mistakes", codes: reprint + [undo])]
            case "verdict":
                [
                    Section(title: "Good", codes: [Entry(name: "Passed", code: .pass)]),
                    Section(title: "Failed", codes: types { .fail($0) }),
                    Section(title: "Back to", codes: stages.map { Entry(name: $0, code: .rework($0)) }),
                    Section(title: "Scrap", codes: types { .scrap($0) }),
                    Section(
                        title: "Hold",
                        codes: [Entry(name: "Hold", code: .hold), Entry(name: "Release", code: .release)]),
                    Section(
                        title: "Mistakes",
                        codes: [Entry(name: "Clear the bench", code: .cancel), undo] + reprint),
                ]
            case "ship":
                [
                    Section(title: "Deliver", codes: named(deliveries, "order", "customer") { .order($0) }),
                    Section(title: "In exchange for return", codes: named(returns, "id", "order") { .replacement($0) }),
                    Section(title: "Done", codes: [Entry(name: "Close the delivery", code: .close)]),
                    Section(
                        title: "Quantity, then the product",
                        codes: quantities),
                    Section(
                        title: "Mistakes",
                        codes: [Entry(name: "Forget the quantity", code: .cancel), undo] + reprint),
                ]
            case "returns":
                [
                    Section(title: "From the order", codes: named(returns, "order", "customer") { .order($0) }),
                    Section(title: "Kind", codes: ["return", "exchange"].map { Entry(name: $0, code: .kind($0)) }),
                    Section(
                        title: "Reason",
                        codes: Return.Reason.allCases.map {
                            Entry(name: words($0.rawValue), code: .reason($0.rawValue))
                        }),
                    Section(
                        title: "Condition",
                        codes: Return.Condition.allCases.map {
                            Entry(name: words($0.rawValue), code: .condition($0.rawValue))
                        }),
                    Section(title: "Good", codes: [Entry(name: "Into stock", code: .pass)]),
                    Section(title: "Scrap", codes: types { .scrap($0) }),
                    Section(
                        title: "Hold",
                        codes: [Entry(name: "Hold", code: .hold), Entry(name: "Release", code: .release)]),
                    Section(
                        title: "Quantity, then the product",
                        codes: quantities),
                    Section(title: "Done", codes: [Entry(name: "Done with the order", code: .close)]),
                    Section(title: "Mistakes", codes: [Entry(name: "Clear the bench", code: .cancel), undo] + reprint),
                ]
            default: []
            }
        return sections.filter { !$0.codes.isEmpty }
    }

    private func types(_ code: (String) -> ControlCode) -> [Entry] {
        named(defectTypes.filter { $0["retired"]?.bool != true }, "code", "name", code)
    }

    /// What people know a thing by, and its code; once each.
    private func named(
        _ items: [JSONValue], _ key: String, _ name: String, _ code: (String) -> ControlCode
    ) -> [Entry] {
        var seen: Set<String> = []
        return items.compactMap { item in
            guard let id = item[key]?.string, seen.insert(id).inserted else { return nil }
            return Entry(name: [id, item[name]?.string].compactMap { $0 }.joined(separator: ", "), code: code(id))
        }
    }

    /// Every stage that some station performs.
    private var stages: [String] {
        var stages: [String] = []
        for stage in stations.flatMap({ $0["stages"]?.array ?? [] }).compactMap(\.string) where !stages.contains(stage)
        {
            stages.append(stage)
        }
        return stages
    }

    // MARK: The page

    func page(_ sections: [Section]) -> String {
        let name = Self.escaped(station["name"]?.string ?? "")
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <title>\(name): control codes</title>
            <style>
            @page { size: A4; margin: 15mm; }
            body { font: 11pt sans-serif; color: #000; background: #fff; }
            h1 { font-size: 20pt; margin: 0 0 4mm; }
            h2 { font-size: 12pt; margin: 6mm 0 2mm; border-bottom: 0.3mm solid #000; break-after: avoid; }
            ul { display: flex; flex-wrap: wrap; gap: 6mm; list-style: none; margin: 0; padding: 0; }
            li { break-inside: avoid; text-align: center; }
            svg { display: block; height: 14mm; max-width: 100%; margin: 1mm auto; }
            b { display: block; }
            code { font-size: 8pt; }
            </style>
            </head>
            <body>
            <h1>\(name) <small>\(Self.escaped(mode))</small></h1>
            \(sections.map(Self.html).joined(separator: "\n"))
            </body>
            </html>

            """
    }

    private static func html(_ section: Section) -> String {
        let items = section.codes.map { entry in
            "<li><b>\(escaped(entry.name))</b>\(symbol(entry.code.text))<code>\(escaped(entry.code.text))</code></li>"
        }
        return "<h2>\(escaped(section.title))</h2>\n<ul>\n\(items.joined(separator: "\n"))\n</ul>"
    }

    /// The bar code as SVG, a third of a millimetre for each module, with its quiet zones.
    static func symbol(_ text: String) -> String {
        do {
            let widths = try Code128.widths(text)
            var x = Code128.quietZone
            var path = ""
            for (index, width) in widths.enumerated() {
                if index % 2 == 0 { path += "M\(x) 0h\(width)v1h-\(width)z" }
                x += width
            }
            let total = x + Code128.quietZone
            let millimetres = (Double(total) * 33).rounded() / 100
            return """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(total) 1" width="\(millimetres)mm" \
                preserveAspectRatio="none" shape-rendering="crispEdges"><path d="\(path)"/></svg>
                """
        } catch {
            return "<p>\(escaped(error.message))</p>"
        }
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in visible(text) {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
