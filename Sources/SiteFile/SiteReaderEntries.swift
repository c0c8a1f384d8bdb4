import Barcodes
import Tracking
import Yams

extension SiteReader {
    /// Reads the whole file.
    func read(_ root: Node) {
        if root.isNothing { return }
        let path = Path(file: "", rule: "")
        guard let file = Fields(self, root, path, such: "products: and stations:") else { return }
        section(file, "departments", \.departments, key: "code", like: "{ code: electronics, name: Electronics }") {
            var department = Department(code: $1, name: $0.required("name") ?? "")
            department.lead = $0.text("lead")
            department.retired = $0.flag("retired")
            return department
        }
        section(file, "teams", \.teams, key: "code", like: "{ code: smt, name: SMT, department: electronics }") {
            var team = Team(code: $1, name: $0.required("name") ?? "", department: $0.required("department") ?? "")
            team.lead = $0.text("lead")
            team.retired = $0.flag("retired")
            return team
        }
        section(
            file, "people", \.people, key: "login", like: "{ login: mia, name: Mia, role: member, team: smt }", person)
        section(file, "suppliers", \.suppliers, key: "code", like: "{ code: acme, name: Acme Boards }") {
            var supplier = Supplier(code: $1, name: $0.required("name") ?? "")
            supplier.retired = $0.flag("retired")
            return supplier
        }
        section(file, "defect_types", \.defectTypes, key: "code", like: "{ code: SOLDER, name: Solder bridge }") {
            var type = DefectType(code: $1, name: $0.required("name") ?? "", category: $0.text("category"))
            type.retired = $0.flag("retired")
            return type
        }
        section(file, "routings", \.routings, key: "code", like: "{ code: board, stages: [{ name: assembly }] }") {
            var routing = Routing(code: $1, stages: $0.list("stages", of: "stages").map(self.stage))
            routing.retired = $0.flag("retired")
            return routing
        }
        section(file, "labels", \.labels, key: "name", like: "{ name: unit-small, zpl: ^XA...^XZ }") {
            var label = LabelDesign(name: $1, zpl: $0.required("zpl") ?? "")
            label.retired = $0.flag("retired")
            return label
        }
        section(
            file, "products", \.products, key: "code", like: "{ code: PCB-100, name: Controller board, type: pcb }",
            product)
        section(file, "stations", \.stations, key: "name", like: "{ name: QA-1, mode: verdict, stages: [qa] }", station)
        if let fields = file.fields("settings", such: "timezone: Europe/Berlin") { settings(fields) }
        file.finish()
    }

    /// Reads one section: a list of entries with a key of their own.
    private func section<Entry>(
        _ file: Fields, _ name: String, _ entries: WritableKeyPath<Plant, [String: Entry]>, key: String,
        like example: String, _ read: (Fields, _ key: String) -> Entry
    ) {
        var first: [String: Place] = [:]
        for (index, (node, path)) in file.list(name, of: "entries such as \(example)").enumerated() {
            // An entry whose code is missing or taken is still read, under a code that nobody can write.
            let nameless = "\(SiteRules.nameless)\(index)"
            let path = Path(file: path.file, rule: "\(name)[\(nameless)]")
            guard let fields = Fields(self, node, path, such: example) else {
                doubtAny(of: name)
                continue
            }
            var id = nameless
            if let code = fields.required(key) {
                if let place = first[code] {
                    fields.report(key, "\(quoted(code)) is taken by the entry at \(place); each has its own `\(key)`")
                } else {
                    (id, first[code]) = (code, node.place)
                    fields.known(as: "\(name)[\(code)]")
                }
            } else {
                doubtAny(of: name)
                doubt(path.key(key))
            }
            plant[keyPath: entries][id] = read(fields, id)
            fields.finish()
        }
    }

    private func person(_ fields: Fields, _ login: String) -> Person {
        let name = fields.required("name") ?? ""
        fields.require("role")
        let role: Role? = fields.choice("role", "role")
        var person = Person(login: login, name: name, role: role ?? .member)
        person.department = fields.text("department")
        person.team = fields.text("team")
        person.badge = badge(fields, login)
        for (node, path) in fields.list("grants", of: "grants such as \"units:write\"") {
            guard let text = text(node, path) else { continue }
            if let grant = Grant(rawValue: text) {
                person.grants.insert(grant)
            } else {
                report(node.place, path, unknown("grant", text, among: Grant.allCases.map(\.rawValue), listing: true))
            }
        }
        person.retired = fields.flag("retired")
        return person
    }

    private func badge(_ fields: Fields, _ login: String) -> String? {
        guard let badge = fields.text("badge") else { return nil }
        let digest = "hmac-sha256:"
        if badge.hasPrefix(digest) {
            let digits = badge.utf8.dropFirst(digest.utf8.count)
            let hex = digits.count == 64 && digits.allSatisfy { Unicode.Scalar($0).properties.isASCIIHexDigit }
            if !hex {
                fields.report(
                    "badge", "expected 64 hexadecimal digits after hmac-sha256:, found \(digits.count) characters")
            }
        } else if badge.hasPrefix(ControlCode.prefix) {
            fields.report("badge", "a badge can't begin with TRV: as control codes do; leave the prefix out")
        } else if !TextForm.badge.holds(badge) {
            fields.report("badge", "expected \(TextForm.badge.words)")
        } else if let misreading = Name.misreading(of: badge) {
            fields.report("badge", "a scan of this badge would be read \(misreading); use another badge code")
        } else {
            badges[login] = badge
        }
        return badge
    }

    private func stage(_ node: Node, _ path: Path) -> Stage {
        guard let fields = Fields(self, node, path, such: "{ name: assembly }") else { return Stage(name: "") }
        var stage = Stage(name: fields.required("name") ?? "", optional: fields.flag("optional"))
        stage.verdictRequired = demand(fields, "verdict")
        stage.maxIterations = fields.count("max_iterations")
        stage.minSince = since(fields, "min_since")
        stage.maxSince = since(fields, "max_since")
        fields.finish()
        return stage
    }

    private func since(_ fields: Fields, _ key: String) -> Stage.Since? {
        guard let fields = fields.fields(key, such: "{ stage: coating, time: 2h }") else { return nil }
        fields.require("time")
        let since = Stage.Since(stage: fields.required("stage") ?? "", time: fields.duration("time") ?? 0)
        fields.finish()
        return since
    }

    /// A key whose only value is `required`.
    private func demand(_ fields: Fields, _ key: String) -> Bool {
        fields.parsed(key, "`required`, or no such key") { $0 == "required" ? true : nil } ?? false
    }

    private func product(_ fields: Fields, _ code: String) -> Product {
        var product = Product(code: code, name: fields.required("name") ?? "", type: fields.required("type") ?? "")
        product.attributes = fields.map("attributes", such: "{ colour: green }")
        product.gtin = fields.parsed("gtin", "a GTIN of 8, 12, 13 or 14 digits with its check digit", GTIN.normalized)
        product.routing = fields.text("routing")
        product.serial = serialRule(fields)
        product.label = fields.text("label")
        product.lowStock = fields.count("low_stock") ?? product.lowStock
        product.supplier = fields.text("supplier")
        product.cost = fields.parsed(
            "cost", "an amount such as 12.50, of 0 or more and at most four decimals", Money.init)
        product.sparePart = fields.flag("spare_part")
        product.minStock = fields.count("min_stock")
        product.retired = fields.flag("retired")
        return product
    }

    private func serialRule(_ fields: Fields) -> SerialRule? {
        let example = "{ pattern: \"{product}-{seq:4}\", per: product } or { external: \"[A-Z]{2}[0-9]+\" }"
        guard let rule = fields.fields("serial", such: example) else { return nil }
        let (pattern, external) = (rule.text("pattern"), rule.text("external"))
        let period: SerialPattern.Period? = rule.choice("per", "period")
        rule.finish()
        switch (pattern, external) {
        case (let pattern?, nil): return .pattern(pattern, per: (period ?? .product).rawValue)
        case (nil, let external?):
            if rule.value("per") != nil { rule.report("per", "only a pattern counts per period; leave it out") }
            return .external(external)
        default:
            fields.report("serial", "expected either `pattern` or `external`, such as \(example)")
            return nil
        }
    }

    private func station(_ fields: Fields, _ name: String) -> Station {
        var mode = StationMode.lookup
        if let text = fields.required("mode") {
            if let known = StationMode(rawValue: text) {
                mode = known
            } else if text == "assembly" {
                fields.report(
                    "mode", "mode \"assembly\" is not available yet; \(oneOf(StationMode.allCases.map(\.rawValue)))")
            } else {
                fields.report("mode", unknown("mode", text, among: StationMode.allCases.map(\.rawValue)))
            }
        }
        var station = Station(name: name, mode: mode, stages: fields.texts("stages", of: "stage names"))
        station.team = fields.text("team")
        station.signOnRequired = demand(fields, "sign_on")
        station.printers = fields.texts("printers", of: "printer addresses")
        station.slips = fields.choice("slips", "choice of slips")
        let scanners = fields.list("scanners", of: "scanners such as \(Self.scannerExample)")
        station.scanners = fields.has("scanners") ? scanners.map(scanner) : bound[name] ?? []
        station.retired = fields.flag("retired")
        return station
    }

    private static let scannerExample = "{ port: pci-0000:00:14.0-usb-0:2:1.0, layout: us }"

    /// A scanner by exactly one of its addresses.
    private func scanner(_ node: Node, _ path: Path) -> ScannerBinding {
        // Keeps the place of one that can't be used, so that the others keep their index.
        let none = ScannerBinding(.node(""))
        guard let fields = Fields(self, node, path, such: Self.scannerExample) else { return none }
        let addresses = ["port", "serial", "node"].compactMap { key in fields.text(key).map { (key: key, text: $0) } }
        let layout: KeyboardLayout? = fields.choice("layout", "keyboard layout")
        let speeds = [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200]
        let baud = fields.parsed("baud", "one of \(speeds.map(String.init).joined(separator: ", "))") { text in
            wholeNumber(text).flatMap { speeds.contains($0) ? $0 : nil }
        }
        fields.finish()
        guard addresses.count == 1, let (key, text) = addresses.first else {
            report(
                node.place, path,
                addresses.isEmpty
                    ? "a scanner needs a port, a serial or a node, as in \(Self.scannerExample)"
                    : "a scanner has one address; keep one of \(addresses.map(\.key).joined(separator: ", "))")
            return none
        }
        guard let address = DeviceAddress(parsing: "\(key):\(text)") else {
            fields.report(
                key,
                key == "node"
                    ? "expected a path such as /dev/input/event3, found \(quoted(text))"
                    : "expected 1 to 255 printable characters without spaces, found \(quoted(text))")
            return none
        }
        return ScannerBinding(address, layout: layout?.rawValue ?? "us", baud: baud == 9_600 ? nil : baud)
    }

    private func settings(_ fields: Fields) {
        var settings = Settings()
        settings.timezone = fields.text("timezone") ?? settings.timezone
        settings.doubleRead = fields.duration("double_read") ?? settings.doubleRead
        settings.undoWithin = fields.duration("undo_within") ?? settings.undoWithin
        settings.signOffAfter =
            fields.parsed("sign_off_after", "\(DurationText.expected), or `never`") {
                $0 == "never" ? 0 : DurationText.milliseconds($0)
            } ?? settings.signOffAfter
        settings.reworkStage = fields.text("rework_stage")
        let locations = fields.map("return_locations", such: "{ new: RETURN-NEW, good: RETURN-USED }")
        settings.returnLocations = Dictionary(
            locations.map { (ReturnCondition(spelling: $0.key)?.rawValue ?? $0.key, $0.value) },
            uniquingKeysWith: { first, _ in first })
        settings.autoComplete = fields.flag("auto_complete") ? true : nil
        settings.refundPolicy = refundPolicy(fields)
        settings.returnChecklists = checklists(fields)
        plant.settings = settings
        fields.finish()
    }

    /// What differs from the usual refund policy.
    private func refundPolicy(_ fields: Fields) -> RefundPolicy? {
        guard let policy = fields.fields("refund_policy", such: "reasons: { damaged: 100 }") else { return nil }
        func percents<Word: Vocabulary>(_ key: String, _: Word.Type, _ example: String) -> [String: Int] {
            guard let entries = policy.fields(key, such: example) else { return [:] }
            var percents: [String: Int] = [:]
            func percent(_ word: String) -> Int? {
                entries.parsed(word, "a percentage from 0 to 100") {
                    wholeNumber($0).flatMap { $0 <= 100 ? $0 : nil }
                }
            }
            for word in Word.allCases.map(\.rawValue) { percents[word] = percent(word) }
            for (second, word) in Word.secondWords.sorted(by: { $0.key < $1.key }) where entries.has(second) {
                if entries.has(word.rawValue) {
                    entries.report(second, "\(second) is another word for \(word.rawValue); keep one of them")
                }
                percents[word.rawValue] = percent(second)
            }
            entries.finish()
            return percents
        }
        let reasons = percents("reasons", ReturnReason.self, "{ damaged: 100 }")
        let conditions = percents("conditions", ReturnCondition.self, "{ good: 70 }")
        policy.finish()
        return reasons.isEmpty && conditions.isEmpty ? nil : RefundPolicy(reasons: reasons, conditions: conditions)
    }

    /// What is looked at when returns of each kind are inspected.
    private func checklists(_ fields: Fields) -> [String: [String]]? {
        guard let lists = fields.fields("return_checklists", such: "return: [Packaging is in order]") else {
            return nil
        }
        var checklists: [String: [String]] = [:]
        for kind in ReturnKind.allCases.map(\.rawValue) where lists.has(kind) {
            checklists[kind] = lists.texts(kind, of: "questions")
        }
        lists.finish()
        return checklists.isEmpty ? nil : checklists
    }
}
