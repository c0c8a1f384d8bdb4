import ControlAPI
import FoundationEssentials
import Ledger
import SiteFile
import Synchronization
import Tracking

extension Control {
    static let siteRoutes = [
        Route(
            .get, "/site", "The site file, with everything that was changed by command", .administer,
            output: .text("application/yaml")
        ) { call in
            ControlResponse(
                status: 200, contentType: "application/yaml", body: .bytes(Array(SiteFile.export(call.plant).utf8)))
        },
        Route(
            .put, "/site", "Apply a site file: all of it or nothing", .administer, input: .yaml,
            output: .json(.named(.plan))
        ) { call in
            let (wanted, badges) = try await call.wantedPlant()
            // The plan is of the plant as it is when the writer gets to it.
            let plan = Mutex<JSONValue>([:])
            return try await call.submit(
                .changePlant(
                    { plant in
                        let changes = plant.changes(to: wanted)
                        plan.withLock { $0 = Control.plan(changes, of: plant) }
                        return changes
                    }, badges: badges)
            ) { _, _ in plan.withLock { $0 } }
        },
        Route(
            .post, "/site/plan", "What applying a site file would change", .administer, input: .yaml,
            output: .json(.named(.plan)), isChange: false
        ) { call in
            let changes = call.plant.changes(to: try await call.wantedPlant().plant)
            var plan = Control.plan(changes, of: call.plant, holds: try await call.holdings(of: changes)).object ?? [:]
            if call.locksOut(changes) { plan["locks_out"] = true }
            return call.json(.object(plan))
        },
    ]

    /// What changes mean for a plant.
    ///
    /// - Parameter holds: what is still there of each change's entry, where anything is.
    static func plan(_ changes: [PlantChange], of plant: Plant, holds: [Int: JSONValue] = [:]) -> JSONValue {
        let lines = changes.enumerated().map { index, change -> JSONValue in
            let key = change.key
            let (before, after) = (plant.entry(like: change)?.siteFields ?? [:], change.siteFields)
            let fields = Set(before.map(\.key)).union(after.map(\.key)).filter { before[$0] != after[$0] }.sorted()
            let action =
                if before.isEmpty {
                    "create"
                } else if after["retired"] == true, before["retired"] != true {
                    "retire"
                } else if case .routing = change, fields.contains("stages") {
                    "new_version"
                } else {
                    "change"
                }
            return JSONValue(omittingNil: [
                "action": .string(action), "kind": .string(key.kind),
                "name": .string(key.code.isEmpty ? key.kind : key.code),
                "fields": action == "change" ? .array(fields.map(JSONValue.string)) : nil,
                "holds": action == "retire" ? holds[index] : nil,
            ])
        }
        return ["changes": .array(lines), "unchanged": .bool(lines.isEmpty)]
    }
}

extension Call {
    /// What is still there of products and suppliers that are retired, by the place of the change.
    fileprivate func holdings(of changes: [PlantChange]) async throws -> [Int: JSONValue] {
        var holds: [Int: JSONValue] = [:]
        for (index, change) in changes.enumerated() {
            var counts: [(String, Int)] = []
            var filter = DefectFilter()
            switch change {
            case .product(let product) where product.retired:
                let code = product.code
                let card = try await read { [access] in try $0.cards([code], for: access) }[code] ?? Card()
                counts = [
                    ("in_stock", card.store), ("in_production", card[.inProduction]), ("returned", card[.returned]),
                    ("defect", card[.defect] + card.unserialisedDefect),
                ]
                filter.product = code
            case .supplier(let supplier) where supplier.retired: filter.supplier = supplier.code
            default: continue
            }
            let cases = try await read { [access, filter] in try $0.defectCards(filter, for: access) }.cases
            let open = cases.reduce(0) { $0 + ($1.key == .resolved ? 0 : $1.value) }
            let there = (counts + [("open_cases", open)]).filter { $0.1 > 0 }
            guard !there.isEmpty else { continue }
            holds[index] = .object(JSONObject(omittingNil: there.map { (key: $0.0, value: .int($0.1)) }))
        }
        return holds
    }

    /// Whether the caller is an admin by the site file alone, and would be none any more.
    fileprivate func locksOut(_ changes: [PlantChange]) -> Bool {
        guard !caller.isAdmin else { return false }
        return changes.contains { change in
            guard case .person(let person) = change, person.login == access.login else { return false }
            return person.retired || person.role != .admin
        }
    }

    /// The plant that the body describes, with the badge codes in it.
    fileprivate func wantedPlant() async throws -> (plant: Plant, badges: [String]) {
        // It would retire everything, and is what a client sends that forgot the file.
        guard !SiteFile.isEmpty(text) else {
            throw Problem(
                .invalidArgument, "cannot use an empty site file; send the file as the body, or {} to retire everything"
            )
        }
        do {
            let digest = try ledger.badgeDigests
            let first = try parse(owners: [:], digest)
            // What the plant names already it keeps, whatever has that name beside it.
            let names = first.names.subtracting(plant.products.values.flatMap(\.names))
            let owners = try await ledger.read(.preparation) { db in
                try names.reduce(into: [:]) { $0[$1] = try db.owner(ofName: $1)?.words }
            }
            let wanted = owners.isEmpty ? first : try parse(owners: owners, digest)
            return (wanted.plant, wanted.badges)
        } catch let error as SiteFileProblems {
            let count = error.problems.count
            throw Problem(
                .invalidArgument,
                "cannot use the site file: \(error.problems.first?.description ?? "")"
                    + (count > 1 ? "; and \(count - 1) more" : ""),
                errors: error.problems.map {
                    .init(line: $0.line, column: $0.column, path: $0.path, message: $0.message)
                })
        }
    }

    /// Reads the body as a site file.
    ///
    /// - Parameter owners: what units and orders have as their names.
    /// - Returns: the plant, the codes of its new badges, and all names that it gives.
    private func parse(
        owners: [String: String], _ badgeDigest: (_ code: String) -> String
    ) throws(SiteFileProblems) -> (plant: Plant, badges: [String], names: Set<String>) {
        var (badges, names): ([String], Set<String>) = ([], [])
        let stages = plant.routings.values.flatMap(\.versions).joined().map(\.name)
        let wanted = try SiteFile.parse(
            text, earlierStages: Set(stages), bound: plant.stations.mapValues(\.scanners),
            owner: { name in
                names.insert(name)
                return owners[name]
            }
        ) { code in
            badges.append(code)
            return badgeDigest(code)
        }
        return (wanted, badges, names)
    }
}

extension PlantChange {
    /// The entry's values under the names that they have in a site file.
    var siteFields: JSONObject {
        func fields(_ entry: some Encodable) -> JSONObject {
            guard let data = try? JSONEncoder().encode(entry), let json = try? JSONValue(json: Array(data)) else {
                return [:]
            }
            return JSONObject(omittingNil: (json.object ?? [:]).map { (key: Self.siteName($0.key), value: $0.value) })
        }
        return switch self {
        case .settings(let entry): fields(entry)
        case .department(let entry): fields(entry)
        case .team(let entry): fields(entry)
        case .person(let entry): fields(entry)
        case .supplier(let entry): fields(entry)
        case .defectType(let entry): fields(entry)
        case .routing(let entry): fields(entry)
        case .label(let entry): fields(entry)
        case .product(let entry): fields(entry)
        case .station(let entry): fields(entry)
        case .webhook(let entry): fields(entry)
        }
    }

    private static func siteName(_ property: String) -> String {
        switch property {
        case "signOnRequired": "sign_on"
        case "versions": "stages"
        default: property.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
        }
    }
}
