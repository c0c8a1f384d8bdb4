import Barcodes
import FoundationEssentials
import Labels
import Tracking

/// The rules that the entries of a plant keep, each and among themselves.
///
/// Retired entries are only looked at for what is written in them: they refer to whatever they like, and no entry in
/// use refers to them.
struct SiteRules {
    /// Something that breaks a rule.
    struct Problem {
        /// Such as `people[mia].team`.
        var path: String
        /// Where in the value, in Unicode scalars from 0, if it isn't the whole of it.
        var offset: Int?
        var message: String
    }

    /// What begins the keys of entries that have no code of their own.
    static let nameless = "\0"

    let plant: Plant
    private(set) var problems: [Problem] = []
    private let doubtful: Set<String>
    private let earlierStages: Set<String>

    /// - Parameters:
    ///   - doubtful: paths of values to which no rule applies, as they couldn't be read; `teams[]` for teams of
    ///     which some have no code.
    ///   - earlierStages: names of stages that units under way may still stand at, though no routing has them any more.
    init(_ plant: Plant, doubtful: Set<String> = [], earlierStages: Set<String> = []) {
        (self.plant, self.doubtful, self.earlierStages) = (plant, doubtful, earlierStages)
    }

    /// Applies all rules.
    mutating func check() {
        for (code, department) in sorted(plant.departments) { check(department, "departments[\(code)]") }
        for (code, team) in sorted(plant.teams) { check(team, "teams[\(code)]") }
        for (login, person) in sorted(plant.people) { check(person, "people[\(login)]") }
        badges()
        for (code, supplier) in sorted(plant.suppliers) {
            self.code(supplier.code, "suppliers[\(code)].code")
            line(supplier.name, "suppliers[\(code)].name")
        }
        for (code, type) in sorted(plant.defectTypes) {
            self.code(type.code, "defect_types[\(code)].code")
            line(type.name, "defect_types[\(code)].name")
            if let category = type.category { line(category, "defect_types[\(code)].category") }
        }
        for (code, routing) in sorted(plant.routings) { check(routing, "routings[\(code)]") }
        for (name, label) in sorted(plant.labels) { check(label, "labels[\(name)]") }
        for (code, product) in sorted(plant.products) { check(product, "products[\(code)]") }
        let areDoubtful = doubtful.contains { $0.hasPrefix("routings") }
        let stages = Stages(plant, earlier: earlierStages, areDoubtful: areDoubtful)
        for (name, station) in sorted(plant.stations) { check(station, "stations[\(name)]", stages) }
        scanners()
        check(plant.settings, stages)
    }

    func isDoubtful(_ path: String) -> Bool {
        if doubtful.isEmpty { return false }
        var path = Substring(path)
        while !doubtful.contains(String(path)) {
            guard let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return false }
            path = path[..<end]
        }
        return true
    }

    mutating func report(_ path: String, at offset: Int? = nil, _ message: @autoclosure () -> String) {
        guard problems.count < SiteFileProblems.limit, !isDoubtful(path) else { return }
        problems.append(Problem(path: path, offset: offset, message: message()))
    }

    private func sorted<Entry>(_ entries: [String: Entry]) -> [(key: String, value: Entry)] {
        entries.sorted { $0.key < $1.key }
    }

    // MARK: References

    /// The entry in use that a code names; nil without a code, and with a report if there is no such entry.
    mutating func find<Entry>(
        _ code: String?, _ kind: String, _ section: String, in entries: [String: Entry],
        retired: KeyPath<Entry, Bool>, from path: String
    ) -> Entry? {
        guard let code else { return nil }
        if let entry = entries[code] {
            if !entry[keyPath: retired] { return entry }
            report(path, "\(kind) \(quoted(code)) is retired; name one that is in use")
        } else if !doubtful.contains(section), !doubtful.contains("\(section)[]") {
            func inUse() -> [String] {
                entries.filter { !$0.value[keyPath: retired] && !$0.key.hasPrefix(Self.nameless) }.keys.sorted()
            }
            report(path, unknown(kind, code, among: inUse()))
        }
        return nil
    }

    // MARK: Written values

    /// A code: what barcodes, paths and file names can carry.
    mutating func code(_ text: String, _ path: String) {
        check(text, path, .code)
    }

    /// A name for people, in one line.
    mutating func line(_ text: String, _ path: String, most: Int = 200) {
        guard text.unicodeScalars.count <= most, TextForm.line.holds(text) else {
            return report(path, "expected 1 to \(most) characters in one line, found \(quoted(text))")
        }
    }

    mutating func check(_ text: String, _ path: String, _ form: TextForm) {
        if form.holds(text) { return }
        let scalars = text.unicodeScalars
        let bad = scalars.firstIndex { !form.allows($0) }.map { scalars.distance(from: scalars.startIndex, to: $0) }
        report(path, at: bad, "expected \(form.words), found \(quoted(text))")
    }
}

/// Letters and digits of ASCII, hyphens and underscores.
func isWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
    default: false
    }
}

// MARK: Settings

extension SiteRules {
    private mutating func check(_ settings: Settings, _ stages: Stages) {
        let zone = settings.timezone
        if !Self.isTimeZone(zone) {
            report(
                "settings.timezone",
                "there is no time zone \(quoted(zone)) on this machine; expected a name such as Europe/Berlin")
        }
        if let stage = settings.reworkStage { self.stage(stage, "settings.rework_stage", stages) }
        for (condition, location) in sorted(settings.returnLocations) {
            let path = "settings.return_locations.\(condition)"
            let conditions = ReturnCondition.allCases.map(\.rawValue)
            if !conditions.contains(condition) {
                report(path, unknown("condition", condition, among: conditions))
            }
            line(location, path)
        }
        for (kind, questions) in sorted(settings.returnChecklists ?? [:]) {
            let path = "settings.return_checklists.\(kind)"
            if questions.isEmpty || questions.count > 100 { report(path, "a checklist has 1 to 100 questions") }
            for (index, question) in questions.enumerated() { line(question, "\(path)[\(index)]") }
        }
    }

    /// Whether the system's time zone database has this zone. UTC needs no database.
    private static func isTimeZone(_ name: String) -> Bool {
        if name == "UTC" { return true }
        let isName = name.unicodeScalars.allSatisfy { isWord($0) || $0 == "+" || $0 == "/" }
        guard isName, name.first != "/", (1...64).contains(name.utf8.count) else { return false }
        let file = FileManager.default.contents(atPath: "/usr/share/zoneinfo/\(name)")
        return file?.starts(with: "TZif".utf8) ?? false
    }

    /// A stage that some routing has.
    private mutating func stage(_ name: String, _ path: String, _ stages: Stages) {
        if stages.areDoubtful || stages.all.contains(name) { return }
        report(path, unknown("stage", name, "in any routing", among: stages.all.sorted()))
    }

    /// The stages of the routings.
    private struct Stages {
        /// The stages of all versions of all routings; units under way still follow older and retired ones.
        var all: Set<String> = []
        /// The routings in use that demand a verdict, by stage.
        var verdicts: [String: String] = [:]

        /// Whether some stages couldn't be read.
        let areDoubtful: Bool

        init(_ plant: Plant, earlier: Set<String>, areDoubtful: Bool) {
            (all, self.areDoubtful) = (earlier, areDoubtful)
            for stage in plant.routings.values.flatMap(\.versions).joined() where !stage.name.isEmpty {
                all.insert(stage.name)
            }
            for routing in plant.routings.values.sorted(by: { $0.code < $1.code }) {
                for stage in routing.versions.last ?? [] where stage.verdictRequired && !routing.retired {
                    verdicts[stage.name] = routing.code
                }
            }
        }
    }
}

// MARK: Stations

extension SiteRules {
    private mutating func check(_ station: Station, _ path: String, _ stages: Stages) {
        check(station.name, "\(path).name", .station)
        var printers: Set<String> = []
        for (index, printer) in station.printers.enumerated() {
            let place = "\(path).printers[\(index)]"
            if let message = Self.complaint(aboutPrinter: printer) { report(place, message) }
            if !printers.insert(printer).inserted { report(place, "this printer is listed twice; keep one") }
        }
        for (index, scanner) in station.scanners.enumerated() {
            let place = "\(path).scanners[\(index)]"
            let layouts = KeyboardLayout.allCases.map(\.rawValue)
            if !layouts.contains(scanner.layout) {
                report("\(place).layout", unknown("keyboard layout", scanner.layout, among: layouts))
            }
        }
        if station.slips != nil, station.printers.isEmpty {
            report("\(path).slips", "there is no printer for the slips; give the station `printers`")
        }
        if station.retired { return }
        _ = find(station.team, "team", "teams", in: plant.teams, retired: \.retired, from: "\(path).team")
        if isDoubtful("\(path).mode") { return }
        let performs = station.mode == .pass || station.mode == .verdict
        if performs, station.stages.isEmpty {
            report("\(path).stages", "a \(station.mode.rawValue) station needs the `stages` that it performs")
        }
        if !performs, !station.stages.isEmpty {
            report("\(path).stages", "a \(station.mode.rawValue) station performs no stages; leave `stages` out")
            return
        }
        var performed: Set<String> = []
        for (index, name) in station.stages.enumerated() {
            let place = "\(path).stages[\(index)]"
            stage(name, place, stages)
            if !performed.insert(name).inserted { report(place, "this stage is listed twice; keep one") }
            if station.mode == .pass, let routing = stages.verdicts[name] {
                report(
                    place,
                    "stage \(quoted(name)) needs a verdict in routing \(quoted(routing)); "
                        + "make this a verdict station (mode: verdict)")
            }
        }
    }

    private mutating func scanners() {
        var owners: [DeviceAddress: String] = [:]
        for (name, station) in sorted(plant.stations) where !station.retired {
            for (index, scanner) in station.scanners.enumerated() where scanner.device != .node("") {
                if let owner = owners.updateValue(name, forKey: scanner.device) {
                    report(
                        "stations[\(name)].scanners[\(index)]",
                        "\(scanner.device) is bound to station \(quoted(owner)) already; a scanner has one station")
                }
            }
        }
    }

    /// What is wrong with a printer's address. File printers stay under the daemon's state directory, where names that
    /// begin with a dot are the daemon's own.
    private static func complaint(aboutPrinter address: String) -> String? {
        let expected =
            "expected port:ID_PATH, serial:NUMBER, file:NAME, file:DIRECTORY/ or tcp://HOST:PORT, found \(quoted(address))"
        switch DeviceAddress(parsing: address) {
        case .port, .serial: return nil
        case .node, nil: break
        }
        if address.hasPrefix("file:") {
            var names = address.dropFirst(5).split(separator: "/", omittingEmptySubsequences: false)
            if names.last == "" { names.removeLast() }
            let areNames = names.allSatisfy { name in
                (1...255).contains(name.utf8.count) && !name.hasPrefix(".")
                    && name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            }
            return !names.isEmpty && areNames
                ? nil : "\(expected); the path is relative, and no name in it begins with a dot"
        }
        guard address.hasPrefix("tcp://") else { return expected }
        var host = address.dropFirst(6)
        var port: Substring?
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return expected }
            port = rest.isEmpty ? nil : rest.dropFirst()
            host = host[..<end].dropFirst()
        } else if let colon = host.firstIndex(of: ":") {
            port = host[colon...].dropFirst()
            host = host[..<colon]
        }
        let isHost = host.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"/@[]?#".utf8.contains($0) }
        guard !host.isEmpty, host.utf8.count <= 253, isHost else { return expected }
        guard let port else { return nil }
        return wholeNumber(port).map { (1...65_535).contains($0) } ?? false ? nil : "\(expected); a port is 1 to 65535"
    }
}
