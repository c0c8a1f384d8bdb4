import Tracking

/// Writes a plant as YAML in the style of a file written by hand: short entries in one line, long ones in blocks.
struct SiteWriter {
    /// A value to be written.
    fileprivate indirect enum Value {
        /// A scalar as it stands in the file.
        case scalar(String)
        case list([Value])
        case map([(String, Value?)])
        /// Lines of a literal block, with its header.
        case block(header: String, [Substring])
    }

    private static let width = 116
    private var lines: [String] = []

    static func write(_ plant: Plant) -> String {
        var writer = SiteWriter()
        writer.section("departments", plant.departments, inBlocks: false) {
            [("code", text($0.code)), ("name", text($0.name)), ("lead", $0.lead.map(text)), retired($0.retired)]
        }
        writer.section("teams", plant.teams, inBlocks: false) {
            [
                ("code", text($0.code)), ("name", text($0.name)), ("department", text($0.department)),
                ("lead", $0.lead.map(text)), retired($0.retired),
            ]
        }
        writer.section("people", plant.people, inBlocks: false) {
            [
                ("login", text($0.login)), ("name", text($0.name)), ("role", text($0.role.rawValue)),
                ("department", $0.department.map(text)), ("team", $0.team.map(text)), ("badge", $0.badge.map(text)),
                ("grants", texts($0.grants.map(\.rawValue).sorted())), retired($0.retired),
            ]
        }
        writer.section("suppliers", plant.suppliers, inBlocks: false) {
            [("code", text($0.code)), ("name", text($0.name)), retired($0.retired)]
        }
        writer.section("defect_types", plant.defectTypes, inBlocks: false) {
            [
                ("code", text($0.code)), ("name", text($0.name)), ("category", $0.category.map(text)),
                retired($0.retired),
            ]
        }
        writer.section("routings", plant.routings, inBlocks: true) {
            [("code", text($0.code)), ("stages", .list(($0.versions.last ?? []).map(stage))), retired($0.retired)]
        }
        writer.section("labels", plant.labels, inBlocks: true) {
            [("name", text($0.name)), ("zpl", block($0.zpl)), retired($0.retired)]
        }
        writer.section("products", plant.products, inBlocks: true, product)
        writer.section("stations", plant.stations, inBlocks: false, station)
        writer.settings(plant.settings)
        return writer.lines.map { $0 + "\n" }.joined()
    }

    // MARK: Entries

    private static func stage(_ stage: Stage) -> Value {
        func since(_ since: Stage.Since?) -> Value? {
            since.map { .map([("stage", text($0.stage)), ("time", duration($0.time))]) }
        }
        return .map([
            ("name", text(stage.name)), ("optional", flag(stage.optional)),
            ("verdict", stage.verdictRequired ? .scalar("required") : nil),
            ("max_iterations", stage.maxIterations.map(number)), ("min_since", since(stage.minSince)),
            ("max_since", since(stage.maxSince)),
        ])
    }

    private static func product(_ product: Product) -> [(String, Value?)] {
        let serial: Value? =
            switch product.serial {
            case nil: nil
            case .pattern(let pattern, let per): .map([("pattern", text(pattern)), ("per", text(per))])
            case .external(let expression): .map([("external", text(expression))])
            }
        return [
            ("code", text(product.code)), ("name", text(product.name)), ("type", text(product.type)),
            ("attributes", texts(product.attributes)), ("gtin", product.gtin.map(text)),
            ("routing", product.routing.map(text)), ("label", product.label.map(text)), ("serial", serial),
            ("low_stock", product.lowStock == 10 ? nil : number(product.lowStock)),
            ("supplier", product.supplier.map(text)), ("cost", product.cost.map { .scalar($0.text) }),
            ("spare_part", flag(product.sparePart)), ("min_stock", product.minStock.map(number)),
            retired(product.retired),
        ]
    }

    private static func station(_ station: Station) -> [(String, Value?)] {
        let scanners: [Value] = station.scanners.map { scanner in
            let address =
                switch scanner.device {
                case .port(let path): ("port", path)
                case .serial(let serial): ("serial", serial)
                case .node(let path): ("node", path)
                }
            return .map([
                (address.0, text(address.1)), ("layout", scanner.layout == "us" ? nil : text(scanner.layout)),
                ("baud", scanner.baud.map(number)),
            ])
        }
        return [
            ("name", text(station.name)), ("mode", text(station.mode.rawValue)), ("stages", texts(station.stages)),
            ("team", station.team.map(text)), ("sign_on", station.signOnRequired ? .scalar("required") : nil),
            ("printers", texts(station.printers)), ("slips", station.slips.map { text($0.rawValue) }),
            ("scanners", scanners.isEmpty ? nil : .list(scanners)),
            retired(station.retired),
        ]
    }

    private mutating func settings(_ settings: Settings) {
        let defaults = Settings()
        func changed(_ value: Int, _ usual: Int) -> Value? { value == usual ? nil : Self.duration(value) }
        let signOff = settings.signOffAfter == 0 ? Value.scalar("never") : Self.duration(settings.signOffAfter)
        let values: [(String, Value?)] = [
            ("timezone", settings.timezone == defaults.timezone ? nil : Self.text(settings.timezone)),
            ("double_read", changed(settings.doubleRead, defaults.doubleRead)),
            ("undo_within", changed(settings.undoWithin, defaults.undoWithin)),
            ("sign_off_after", settings.signOffAfter == defaults.signOffAfter ? nil : signOff),
            ("rework_stage", settings.reworkStage.map(Self.text)),
            ("return_locations", Self.texts(settings.returnLocations)),
            ("auto_complete", Self.flag(settings.autoComplete ?? false)),
            ("refund_policy", settings.refundPolicy.map(Self.refundPolicy)),
            (
                "return_checklists",
                settings.returnChecklists.map { lists in
                    .map(lists.sorted { $0.key < $1.key }.map { ($0.key, .list($0.value.map(Self.text))) })
                }
            ),
        ]
        guard values.contains(where: { $0.1 != nil }) else { return }
        lines.append("settings:")
        keys(values, indent: "  ", first: "  ")
    }

    private static func refundPolicy(_ policy: RefundPolicy) -> Value {
        func percents(_ percents: [String: Int]) -> Value? {
            percents.isEmpty ? nil : .map(percents.sorted { $0.key < $1.key }.map { ($0.key, number($0.value)) })
        }
        return .map([("reasons", percents(policy.reasons)), ("conditions", percents(policy.conditions))])
    }

    // MARK: Lines

    private mutating func section<Entry>(
        _ name: String, _ entries: [String: Entry], inBlocks: Bool, _ values: (Entry) -> [(String, Value?)]
    ) {
        if entries.isEmpty { return }
        lines.append("\(name):")
        for (_, entry) in entries.sorted(by: { $0.key < $1.key }) {
            element(.map(values(entry)), indent: "  ", inBlocks: inBlocks)
        }
    }

    /// One element of a list.
    private mutating func element(_ value: Value, indent: String, inBlocks: Bool = false) {
        if case .map(let values) = value {
            let line = "\(indent)- \(Self.flow(value))"
            if inBlocks || line.unicodeScalars.count > Self.width {
                return keys(values, indent: indent + "  ", first: "\(indent)- ")
            }
        }
        lines.append("\(indent)- \(Self.flow(value))")
    }

    /// The keys of a mapping, one below the other.
    private mutating func keys(_ values: [(String, Value?)], indent: String, first: String) {
        var start = first
        for case (let key, let value?) in values {
            let head = "\(start)\(key):"
            let line = "\(head) \(Self.flow(value))"
            start = indent
            switch value {
            case .block(let header, let content):
                lines.append("\(head) \(header)")
                lines += content.map { $0.isEmpty ? "" : "\(indent)  \($0)" }
            case .list(let elements) where elements.contains(where: \.isMap) || line.unicodeScalars.count > Self.width:
                lines.append(head)
                for element in elements { self.element(element, indent: indent + "  ") }
            case .map(let values) where line.unicodeScalars.count > Self.width:
                lines.append(head)
                keys(values, indent: indent + "  ", first: indent + "  ")
            default: lines.append(line)
            }
        }
    }

    private static func flow(_ value: Value) -> String {
        switch value {
        case .scalar(let text): return text
        case .list(let elements): return "[\(elements.map(flow).joined(separator: ", "))]"
        case .map(let values):
            let pairs = values.compactMap { key, value in value.map { "\(key): \(flow($0))" } }
            return "{ \(pairs.joined(separator: ", ")) }"
        case .block: return ""
        }
    }
}

// MARK: Scalars

extension SiteWriter.Value {
    fileprivate var isMap: Bool {
        if case .map = self { true } else { false }
    }
}

extension SiteWriter {
    private static func retired(_ retired: Bool) -> (String, Value?) { ("retired", flag(retired)) }
    private static func flag(_ flag: Bool) -> Value? { flag ? .scalar("true") : nil }
    private static func number(_ number: Int) -> Value { .scalar(String(number)) }
    private static func duration(_ milliseconds: Int) -> Value { .scalar(DurationText.text(milliseconds)) }
    private static func texts(_ texts: [String]) -> Value? { texts.isEmpty ? nil : .list(texts.map(text)) }
    private static func texts(_ texts: [String: String]) -> Value? {
        texts.isEmpty ? nil : .map(texts.sorted { $0.key < $1.key }.map { (scalar($0.key), text($0.value)) })
    }
    private static func text(_ text: String) -> Value { .scalar(scalar(text)) }

    /// Plain if nothing in the text means anything to any version of YAML, else in double quotes.
    private static func scalar(_ text: String) -> String {
        let reserved = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"]
        let isPlain = text.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic && $0.value < 0x1_0000 || isWord($0) || " ./+()".unicodeScalars.contains($0)
        }
        let startsPlain = text.unicodeScalars.first?.properties.isAlphabetic ?? false
        if isPlain, startsPlain, text.last != " ", !reserved.contains(text.lowercased()) { return text }
        return "\"\(text.unicodeScalars.map(escaped).joined())\""
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .format, .unassigned, .privateUse:
            let hex = String(scalar.value, radix: 16, uppercase: true)
            return "\\U" + String(repeating: "0", count: 8 - hex.count) + hex
        default: return String(scalar)
        }
    }

    /// Text of several lines as a literal block, where a literal block can hold it.
    private static func block(_ text: String) -> Value {
        let scalars = text.unicodeScalars
        let isLiteral =
            scalars.contains("\n") && scalars.contains { $0 != "\n" }
            && scalars.allSatisfy {
                switch $0.properties.generalCategory {
                case .control: $0 == "\n" || $0 == "\t"
                case .lineSeparator, .paragraphSeparator, .format, .unassigned, .privateUse: false
                default: true
                }
            }
        guard isLiteral else { return .scalar(scalar(text)) }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // The last line break ends the last line; other empty lines at the end need the block to keep them.
        var header = "|-"
        if lines.last == "" {
            lines.removeLast()
            header = lines.last == "" ? "|+" : "|"
        }
        // Where the first line can't show the indentation, the header must say it.
        let first = lines.first?.unicodeScalars.first ?? " "
        if first == " " || first == "\t" {
            header = "|2" + header.dropFirst()
        }
        return .block(header: header, lines)
    }
}
