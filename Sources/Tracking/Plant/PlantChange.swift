/// One entry of the plant as it is from now on. The whole difference between two plants is a list of these.
public enum PlantChange: Sendable, Equatable, Codable {
    /// The plant-wide settings.
    case settings(Settings)
    /// A department, new or changed.
    case department(Department)
    /// A team, new or changed.
    case team(Team)
    /// A person, new or changed.
    case person(Person)
    /// A supplier, new or changed.
    case supplier(Supplier)
    /// A defect type, new or changed.
    case defectType(DefectType)
    /// A routing, new or with one more version.
    case routing(Routing)
    /// A label design, new or changed.
    case label(LabelDesign)
    /// A product, new or changed.
    case product(Product)
    /// A station, new or changed.
    case station(Station)
    /// A webhook, new or changed.
    case webhook(Webhook)
}

extension Plant {
    /// Puts one entry in its place.
    public mutating func apply(_ change: PlantChange) {
        switch change {
        case .settings(let value): settings = value
        case .department(let value): departments[value.code] = value
        case .team(let value): teams[value.code] = value
        case .person(let value): people[value.login] = value
        case .supplier(let value): suppliers[value.code] = value
        case .defectType(let value): defectTypes[value.code] = value
        case .routing(let value): routings[value.code] = value
        case .label(let value): labels[value.name] = value
        case .product(let value): products[value.code] = value
        case .station(let value): stations[value.name] = value
        case .webhook(let value): webhooks[value.id] = value
        }
    }

    /// What has to change so that this plant becomes `wanted`; empty when nothing does.
    ///
    /// What `wanted` does not name is retired. A routing whose stages differ gets one more version: `wanted` need not
    /// know the versions that went before.
    public func changes(to wanted: Plant) -> [PlantChange] {
        var changes: [PlantChange] = []
        if settings != wanted.settings { changes.append(.settings(wanted.settings)) }
        func compare<Entry: Equatable>(
            _ path: KeyPath<Plant, [String: Entry]>, _ retired: WritableKeyPath<Entry, Bool>,
            _ wrap: (Entry) -> PlantChange
        ) {
            let (now, then) = (self[keyPath: path], wanted[keyPath: path])
            for key in Set(now.keys).union(then.keys).sorted() {
                if let entry = then[key] {
                    if now[key] != entry { changes.append(wrap(entry)) }
                } else if var entry = now[key], !entry[keyPath: retired] {
                    entry[keyPath: retired] = true
                    changes.append(wrap(entry))
                }
            }
        }
        compare(\.departments, \.retired, PlantChange.department)
        compare(\.teams, \.retired, PlantChange.team)
        compare(\.people, \.retired, PlantChange.person)
        compare(\.suppliers, \.retired, PlantChange.supplier)
        compare(\.defectTypes, \.retired, PlantChange.defectType)
        changes += routingChanges(to: wanted)
        compare(\.labels, \.retired, PlantChange.label)
        compare(\.products, \.retired, PlantChange.product)
        compare(\.stations, \.retired, PlantChange.station)
        return changes
    }

    private func routingChanges(to wanted: Plant) -> [PlantChange] {
        var changes: [PlantChange] = []
        for code in Set(routings.keys).union(wanted.routings.keys).sorted() {
            guard var routing = routings[code] else {
                if let new = wanted.routings[code] { changes.append(.routing(new)) }
                continue
            }
            let stages = wanted.routings[code]?.versions.last
            if let stages, routing.versions.last != stages { routing.versions.append(stages) }
            routing.retired = wanted.routings[code]?.retired ?? true
            if routing != routings[code] { changes.append(.routing(routing)) }
        }
        return changes
    }
}

extension PlantChange {
    /// What kind of entry it is, and which one.
    public var key: (kind: String, code: String) {
        switch self {
        case .settings: ("settings", "")
        case .department(let entry): ("department", entry.code)
        case .team(let entry): ("team", entry.code)
        case .person(let entry): ("person", entry.login)
        case .supplier(let entry): ("supplier", entry.code)
        case .defectType(let entry): ("defect_type", entry.code)
        case .routing(let entry): ("routing", entry.code)
        case .label(let entry): ("label", entry.name)
        case .product(let entry): ("product", entry.code)
        case .station(let entry): ("station", entry.name)
        case .webhook(let entry): ("webhook", entry.id)
        }
    }
}

extension Plant {
    /// The entry as it is now that a change is about.
    public func entry(like change: PlantChange) -> PlantChange? {
        switch change {
        case .settings: .settings(settings)
        case .department(let entry): departments[entry.code].map(PlantChange.department)
        case .team(let entry): teams[entry.code].map(PlantChange.team)
        case .person(let entry): people[entry.login].map(PlantChange.person)
        case .supplier(let entry): suppliers[entry.code].map(PlantChange.supplier)
        case .defectType(let entry): defectTypes[entry.code].map(PlantChange.defectType)
        case .routing(let entry): routings[entry.code].map(PlantChange.routing)
        case .label(let entry): labels[entry.name].map(PlantChange.label)
        case .product(let entry): products[entry.code].map(PlantChange.product)
        case .station(let entry): stations[entry.name].map(PlantChange.station)
        case .webhook(let entry): webhooks[entry.id].map(PlantChange.webhook)
        }
    }
}
