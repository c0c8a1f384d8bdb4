import SiteFile
import Testing
import Tracking

/// SplitMix64: the same plants in every run.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
    mutating func one<C: Collection>(of choices: C) -> C.Element? { choices.randomElement(using: &self) }

    mutating func code(_ prefix: String, _ index: Int) -> String {
        "\(one(of: ["", "0", "-", ".", "no", "1e", "0x", "_"]) ?? "")\(prefix)\(index)"
    }

    /// Names that YAML, a shell or a careless writer would stumble over.
    mutating func name() -> String {
        let usual = [
            "Ada", "SMT line 1", "yes", "No", "~", "null", "007", "1.50", "0x1F", "2026-03-02", "- dash", "# hash",
            "a: b",
            "a #b", " leading", "trailing ", "\"quoted\"", "it's", "back\\slash", "{flow}", "[list]", "a, b", "&anchor",
            "*alias", "!tag", "%percent", "@at", "`tick`", "|", ">", "?", ":", "Größe", "日本語", "🏭 Werk", "e\u{301}",
            "\u{200D}joined", "\u{E000}", String(repeating: "\u{F700}", count: 64), "a\u{A0}b", "=", "<<", ".inf",
            "1_000", "a:", "^FD{{x}}",
            "key: value, other: [1, 2]", "Σίγμα", "مرحبا", "right to left: \u{5E9}\u{5DC}\u{5D5}\u{5DD}",
        ]
        if chance(60) { return one(of: usual) ?? "x" }
        let alphabet = Array("ab 1-_:#,[]{}&*!|>'\"%@`\\/?.~=é€🏭")
        let text = String((0..<Int.random(in: 1...30, using: &self)).map { _ in one(of: alphabet) ?? "x" })
        return text.allSatisfy { $0 == " " } ? "x" : text
    }

    mutating func long() -> String { (0..<12).map { _ in name() }.joined(separator: " ").prefix(150) + "." }

    mutating func zpl() -> String {
        let space = ["", "\n", " \n", "\n\n  ", "  ", "\t", "\t\n", "plain text \n"]
        let lines = [
            "^FO10,10^FD{{serial}}^FS", "  ^FX indented", "", "   ", "^FX trailing  ", "\t^FX tab", "^FX é 🏭",
            "^FX # no comment", "^FX \u{2028}",
        ]
        var text = one(of: space) ?? ""
        text += "^XA\n"
        for _ in 0..<Int.random(in: 0...6, using: &self) {
            text += (one(of: lines) ?? "") + (one(of: ["\n", "\n", "\n\n", "\r\n"]) ?? "")
        }
        return text + "^XZ" + (one(of: space) ?? "")
    }
}

extension Plant {
    /// A plant that keeps every rule, with what is retired and what had other versions.
    fileprivate static func random(seed: UInt64) -> Plant {
        var dice = Dice(state: seed)
        var plant = Plant()
        func count(_ most: Int) -> Range<Int> { 0..<Int.random(in: 0...most, using: &dice) }
        for index in count(3) {
            var entry = Department(code: dice.code("d", index), name: dice.name())
            entry.retired = dice.chance(30)
            plant.departments[entry.code] = entry
        }
        let departments = plant.departments.values.filter { !$0.retired }.map(\.code).sorted()
        for index in count(4) {
            var entry = Team(code: dice.code("t", index), name: dice.name(), department: "gone", lead: "nobody")
            entry.retired = true
            if let department = dice.one(of: departments), dice.chance(80) {
                (entry.department, entry.lead, entry.retired) = (department, nil, false)
            }
            plant.teams[entry.code] = entry
        }
        let teams = plant.teams.values.filter { !$0.retired }.map(\.code).sorted()
        for index in count(8) {
            let login = "\(dice.one(of: ["u", "_", "no", "A."]) ?? "")\(index)"
            var person = Person(login: login, name: dice.name(), role: .admin)
            if dice.chance(50) { person.badge = digest("badge \(index)") }
            person.grants = Set(Grant.allCases.filter { _ in dice.chance(15) })
            if let team = dice.one(of: teams), dice.chance(60) {
                (person.role, person.team) = (dice.chance(50) ? .teamLead : .member, team)
                if person.role == .teamLead, dice.chance(50) { plant.teams[team]?.lead = login }
            } else if let department = dice.one(of: departments), dice.chance(60) {
                (person.role, person.department) = (.departmentLead, department)
                if dice.chance(50) { plant.departments[department]?.lead = login }
            } else if dice.chance(40) {
                (person.role, person.team, person.retired, person.badge) = (.member, "gone", true, digest("badge 0"))
            }
            plant.people[login] = person
        }
        for index in count(3) {
            var entry = Supplier(code: dice.code("s", index), name: dice.long())
            entry.retired = dice.chance(20)
            plant.suppliers[entry.code] = entry
        }
        for index in count(3) {
            var entry = DefectType(
                code: dice.code("D", index), name: dice.name(), category: dice.chance(50) ? dice.name() : nil)
            entry.retired = dice.chance(20)
            plant.defectTypes[entry.code] = entry
        }
        plant.addRandomCatalogue(&dice)
        plant.addRandomStations(&dice, teams: teams)
        return plant
    }

    private mutating func addRandomCatalogue(_ dice: inout Dice) {
        for index in 0..<Int.random(in: 0...3, using: &dice) {
            var routing = Routing(code: dice.code("r", index), stages: [Stage(name: "old")])
            if dice.chance(40) { routing.versions.append([Stage(name: "older", optional: true)]) }
            var stages: [Stage] = []
            for number in 0...Int.random(in: 0...5, using: &dice) {
                var stage = Stage(name: "s\(number)", optional: dice.chance(20), verdictRequired: number >= 3)
                if dice.chance(20) { stage.maxIterations = Int.random(in: 0...9, using: &dice) }
                let times = [1_500, 2_000, 61_000, 3_600_000, 86_400_000, 90_000_000]
                if let earlier = dice.one(of: stages), let time = dice.one(of: times) {
                    if dice.chance(30) { stage.minSince = Stage.Since(stage: earlier.name, time: time) }
                    if dice.chance(30) { stage.maxSince = Stage.Since(stage: earlier.name, time: time + 60_000) }
                }
                stages.append(stage)
            }
            stages[stages.count - 1].optional = false
            routing.versions.append(stages)
            routing.retired = dice.chance(25)
            routings[routing.code] = routing
        }
        for index in 0..<Int.random(in: 0...3, using: &dice) {
            var label = LabelDesign(name: dice.code("l", index), zpl: dice.zpl())
            label.retired = dice.chance(20)
            labels[label.name] = label
        }
        for index in 0..<Int.random(in: 0...5, using: &dice) {
            var product = Product(
                code: dice.code("P", index), name: dice.name(),
                type: dice.one(of: ["pcb", "panel", "0part", "no"]) ?? "")
            for _ in 0..<Int.random(in: 0...3, using: &dice) { product.attributes[dice.name()] = dice.name() }
            if dice.chance(10) { for number in 0..<12 { product.attributes["attribute \(number)"] = dice.name() } }
            if index == 0 { product.gtin = dice.one(of: ["04006381333931", "00000040170725", "10614141000415"]) }
            product.retired = dice.chance(20)
            let isLoose = product.retired
            product.routing = dice.one(of: routings.values.filter { isLoose || !$0.retired }.map(\.code).sorted())
            product.label = dice.one(of: labels.values.filter { isLoose || !$0.retired }.map(\.name).sorted())
            product.supplier = dice.one(of: suppliers.values.filter { isLoose || !$0.retired }.map(\.code).sorted())
            product.serial =
                dice.one(of: [
                    nil, .pattern("{product}-{yy}{ww}-{seq:4}", per: "week"),
                    .pattern("A#{order}'\"-{seq:1}", per: "order"),
                    .pattern("\\{seq:6}{check:luhn}", per: "product"), .external(#"[A-Z]{2}\d+|"x": \\ 'y' # z"#),
                ]) ?? nil
            product.lowStock = dice.one(of: [0, 1, 10, 1_000]) ?? 10
            product.cost = dice.one(of: [nil, 0, 1, 10, 125_000, 99_999, 10_000_000_000_000]).flatMap {
                $0.map(Money.init(tenThousandths:))
            }
            product.sparePart = dice.chance(30)
            product.minStock = dice.chance(30) ? Int.random(in: 0...1_000, using: &dice) : nil
            products[product.code] = product
        }
    }

    private mutating func addRandomStations(_ dice: inout Dice, teams: [String]) {
        let stages = Set(routings.values.filter { !$0.retired }.flatMap { $0.versions.last ?? [] }.map(\.name)).sorted()
        for index in 0..<Int.random(in: 0...6, using: &dice) {
            var station = Station(name: "N\(index)", mode: dice.one(of: StationMode.allCases) ?? .lookup)
            station.retired = dice.chance(20)
            if station.mode == .pass || station.mode == .verdict {
                let isPass = station.mode == .pass
                station.stages = stages.filter { (!isPass || $0 < "s3") && dice.chance(60) }
                if station.stages.isEmpty { station.retired = true }
            }
            station.team = station.retired ? "gone" : dice.one(of: teams)
            station.signOnRequired = dice.chance(30)
            let printers = [
                "file:labels/", "file:a b.zpl", "file:ä/é", "tcp://10.0.0.7", "tcp://[::1]:9100", "tcp://host:1",
                "port:pci-0000:00:14.0-usb-0:3:1.0", "serial:PRT0001",
            ]
            station.printers = printers.filter { _ in dice.chance(20) }
            for number in 0..<3 where dice.chance(20) {
                let layout = dice.one(of: ["us", "uk", "de", "fr"]) ?? "us"
                let name = index * 10 + number
                let address: [DeviceAddress] = [
                    .node("/dev/input/event\(name)"), .port("pci-0000:00:14.0-usb-0:\(name):1.0"),
                    .serial("SN-\(name)"),
                ]
                station.scanners.append(
                    ScannerBinding(
                        dice.one(of: address) ?? address[0], layout: layout, baud: dice.chance(20) ? 115_200 : nil))
            }
            if !station.printers.isEmpty { station.slips = dice.one(of: [nil, .refused, .all]) ?? nil }
            stations[station.name] = station
        }
        settings.timezone =
            dice.one(of: ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"]) ?? "UTC"
        settings.doubleRead = dice.one(of: [0, 1, 1_500, 2_000]) ?? 0
        settings.undoWithin = dice.one(of: [0, 600_000, 86_400_001]) ?? 0
        settings.signOffAfter = dice.one(of: [0, 1_800_000, 59_000]) ?? 0
        settings.reworkStage = dice.one(of: stages)
        for condition in ["new", "like_new", "good", "damaged", "defective", "unsellable"] where dice.chance(30) {
            settings.returnLocations[condition] = dice.name()
        }
        if dice.chance(30) { settings.autoComplete = true }
        if dice.chance(40) {
            var policy = RefundPolicy(reasons: [:], conditions: ["good": dice.one(of: [0, 1, 60, 100]) ?? 0])
            if dice.chance(50) { policy.reasons["size_issue"] = 95 }
            settings.refundPolicy = policy
        }
        if dice.chance(40) {
            settings.returnChecklists = [
                dice.chance(50) ? "return" : "exchange": [dice.name(), "Is it \"clean\": yes?"]
            ]
        }
    }
}

@Suite struct RoundTripTests {
    @Test func applyingAnExportChangesNothing() throws {
        for seed in UInt64(0)..<200 {
            let plant = Plant.random(seed: seed)
            try #require(SiteFile.validate(plant, badgeDigest: digest).isEmpty, "seed \(seed)")
            let text = SiteFile.export(plant)
            let read: Plant
            do {
                read = try parse(text)
            } catch {
                return _ = Issue.record("seed \(seed): \(error)\n\(text)")
            }
            try #require(plant.changes(to: read) == [], "seed \(seed)\n\(text)")
            #expect(SiteFile.export(read) == text, "seed \(seed)")
        }
    }

    @Test func onlyTheCurrentVersionOfARoutingIsWritten() throws {
        var plant = Plant()
        plant.routings["board"] = Routing(code: "board", stages: [Stage(name: "qa")])
        plant.routings["board"]?.versions.append([Stage(name: "testing"), Stage(name: "qa")])
        let read = try parse(SiteFile.export(plant))
        #expect(read.routings["board"]?.versions == [[Stage(name: "testing"), Stage(name: "qa")]])
        #expect(plant.changes(to: read) == [])
    }

    @Test func aPlantIsCheckedWithoutItsText() {
        var plant = Plant()
        plant.teams["smt"] = Team(code: "smt", name: "SMT", department: "d")
        plant.people["mia"] = Person(login: "mia", name: "Mia", role: .member)
        plant.stations["QA-1"] = Station(name: "QA-1", mode: .verdict, stages: ["qa"])
        #expect(
            SiteFile.validate(plant, badgeDigest: digest).map { "\($0.path): \($0.message)" } == [
                "teams[smt].department: there is no department \"d\"; none is defined",
                "people[mia].team: a member needs a `team`",
                "stations[QA-1].stages[0]: there is no stage \"qa\" in any routing; none is defined",
            ])
    }
}
