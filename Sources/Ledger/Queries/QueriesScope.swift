import Tracking

// What a caller may see, as SQL conditions. This is `Access.sees` once more, so that the query that finds a row also
// decides whether it is found.

/// How a unit's scope stands in a row: in the columns of `unit`, or in those of `event`.
enum UnitColumns {
    /// The unit as it is now.
    case unit
    /// The unit as it was after an event.
    case event

    func status(_ status: Status) -> SQL {
        switch self {
        case .unit: "unit.status = \(status.rawValue)"
        case .event: "event.after GLOB \(status.rawValue + "|*")"
        }
    }

    func team(_ teams: Set<String>) -> SQL {
        switch self {
        case .unit: "unit.team IN \(teams.sorted())"
        case .event: "event.team IN \(teams.sorted())"
        }
    }

    /// Came back from a customer at some time before: the mark `b` in the fifth of the eleven fields of its state.
    var wasReturned: SQL {
        let pattern = "*|*|*|*|*b*|*|*|*|*|*|*"
        return switch self {
        case .unit: "unit.state GLOB \(pattern)"
        case .event: "event.after GLOB \(pattern)"
        }
    }

    /// Assigned to a person, or last worked on by them.
    func inHands(of login: String) -> SQL {
        switch self {
        case .unit: "(unit.assignee = \(login) OR unit.worker = \(login))"
        case .event: "(event.after GLOB \(pattern(login, \.assignee)) OR event.after GLOB \(pattern(login, \.worker)))"
        }
    }

    /// Matches a state's text by one of its fields. A text has as many separators as the pattern, so none of the
    /// pattern's stars can reach over one.
    private func pattern(_ login: String, _ field: WritableKeyPath<UnitState, String?>) -> String {
        var state = UnitState(status: .inStock)
        state[keyPath: field] = login
        let fields = state.text.split(separator: "|", omittingEmptySubsequences: false)
        let patterns = fields.enumerated().map { index, field in
            guard index > 0, !field.isEmpty else { return "*" }
            return String(field).replacing("[", with: "[[]").replacing("*", with: "[*]").replacing("?", with: "[?]")
        }
        return patterns.joined(separator: "|")
    }
}

extension Access {
    /// Statuses in which every unit is seen, by grant.
    var openStatuses: [Status] {
        (seesAllStock ? [.inStock] : []) + (seesAllReturns ? [.delivered, .returned] : [])
    }

    /// `sees(team:_:)` for units, or for the events of units.
    func seesUnit(in columns: UnitColumns) -> SQL {
        if scope == .all { return .always }
        let granted = openStatuses.map(columns.status) + (seesAllReturns ? [columns.wasReturned] : [])
        return (granted + [seesByOffice(columns)]).any
    }

    /// What of it is seen without any grant.
    func seesByOffice(_ columns: UnitColumns) -> SQL {
        switch scope {
        case .all: .always
        case .teams(let teams): columns.team(teams)
        case .own(let login): columns.inHands(of: login)
        }
    }

    /// `sees(team:in:)` for what belongs to a team as a whole.
    func seesTeam(_ column: SQL, in plant: Plant) -> SQL {
        switch scope {
        case .all: .always
        case .teams(let teams): "\(column) IN \(teams.sorted())"
        case .own(let login): plant.people[login]?.team.map { "\(column) = \($0)" } ?? .never
        }
    }

    /// `sees(team:in:)` for what happened at a station.
    func seesStation(_ column: SQL, in plant: Plant) -> SQL {
        if scope == .all { return .always }
        let stations = plant.stations.values.filter { sees(team: $0.team, in: plant) }.map(\.name)
        return stations.isEmpty ? .never : "\(column) IN \(stations.sorted())"
    }

    /// Whether a lead's own station or people received, opened or inspected the return or the case with this id.
    func handled(_ id: SQL) -> SQL {
        var (stations, people): ([String], [String]) = ([], [])
        for handler in desk {
            switch handler {
            case .station(let name): stations.append(name)
            case .person(let login): people.append(login)
            }
        }
        if desk.isEmpty { return .never }
        return """
            EXISTS (SELECT 1 FROM handler WHERE handler.id = \(id) AND (
                handler.kind = 'station' AND handler.name IN \(stations.sorted())
                OR handler.kind = 'person' AND handler.name IN \(people.sorted())))
            """
    }

    /// `sees(_:units:handlers:)` for defect cases.
    var seesDefect: SQL {
        /// Where it has units, and none that is not the caller's.
        func none(_ foreign: SQL) -> SQL {
            """
            EXISTS (SELECT 1 FROM defect_unit AS line WHERE line.defect = defect.id) AND NOT EXISTS (
                SELECT 1 FROM defect_unit AS line CROSS JOIN unit AS held ON held.serial = line.serial
                WHERE line.defect = defect.id AND \(foreign))
            """
        }
        let units: SQL =
            switch scope {
            case .all: .always
            case .teams(let teams):
                """
                CASE WHEN defect.team IS NOT NULL THEN defect.team IN \(teams.sorted())
                    ELSE \(none("coalesce(held.team, '') NOT IN \(teams.sorted())")) END
                """
            case .own(let login):
                none("coalesce(held.assignee, '') <> \(login) AND coalesce(held.worker, '') <> \(login)")
            }
        if scope == .all { return units }
        let own: SQL = "CASE WHEN defect.serialised = 1 THEN \(units) ELSE \(seesGoods ? SQL.always : .never) END"
        return desk.isEmpty ? own : "(\(own) OR \(handled("defect.id")))"
    }

    /// Which events the caller sees.
    ///
    /// - The event of a unit: where its state after it lies within the scope.
    /// - Changes of the plant, refused strangers, starts of the daemon: admins only.
    /// - What names a team: as that team; otherwise what happened at a station: as that station's team.
    /// - Unserialised stock: also who sees balances.
    /// - A defect case, a return to a supplier: as the team of all its units; of goods without serials, who adjusts stock.
    /// - A customer's return: as the team of all its units; also who sees all of them.
    /// - A return or a case that a lead's own station or people received, opened or inspected: with what happened to
    ///   its pieces there.
    /// - What the caller did.
    /// - To whom the scope is their own units, nothing that names another unit, and no work orders.
    /// The kind is asked first: what an event carries is read of few.
    func seesEvent(in plant: Plant) -> SQL {
        if scope == .all { return .always }
        var others: [SQL] = ["event.actor = \(login)"]
        var place = [
            seesTeam("event.team", in: plant),
            ["event.team IS NULL", seesStation("event.station", in: plant)].all,
        ].any
        if case .own = scope { place = ["event.unit IS NULL", "event.kind NOT GLOB 'work_order.*'", place].all }
        var team: SQL = seesTeam("event.team", in: plant)
        if case .own = scope { team = .never }
        place = """
            CASE WHEN event.kind GLOB 'defect.*' OR event.kind GLOB 'supplier_return.*' OR event.kind GLOB 'return.*'
                THEN \(team) ELSE \(place) END
            """
        if seesAllReturns { others.append("(event.kind GLOB 'return.*' OR event.kind GLOB 'stock.return*')") }
        others.append(place)
        if seesBalances { others.append("event.kind GLOB 'stock.*'") }
        if seesGoods { others.append(Self.isOfGoods) }
        if !desk.isEmpty { others.append(Self.isHandled(handled(Self.returnOrCase))) }
        let handledItem = desk.isEmpty ? SQL.never : Self.isHandled(handled(Self.returnOrCase))
        return """
            CASE WHEN event.after IS NOT NULL THEN \([seesUnit(in: .event), handledItem].any)
                WHEN event.kind IN \([EventKind.plantChanged, .accessDenied, .daemonStarted].map(\.rawValue)) THEN FALSE
                ELSE \(others.any) END
            """
    }

    /// `Event.returnOrCase`.
    private static let returnOrCase: SQL = """
        coalesce(
            json_extract(event.body, '$.change.returnItem._0.after.customerReturn'),
            json_extract(event.body, '$.change.returnItem._0.before.customerReturn'),
            json_extract(event.body, '$.change.customerReturn._0.after.id'),
            json_extract(event.body, '$.change.customerReturn._0.before.id'),
            json_extract(event.body, '$.change.defect._0.after.id'),
            json_extract(event.body, '$.change.defect._0.before.id'))
        """

    /// The condition on the return or case of an event, asked for those kinds of events only that can have one.
    private static func isHandled(_ condition: SQL) -> SQL {
        """
        CASE WHEN event.body IS NULL OR substr(event.kind, 1, instr(event.kind, '.'))
            NOT IN ('unit.', 'stock.', 'return.', 'defect.') THEN FALSE ELSE \(condition) END
        """
    }

    /// The event of a defect case of goods without serials, or of a return to a supplier with such cases only.
    private static let isOfGoods: SQL = """
        CASE WHEN event.kind GLOB 'defect.*' THEN coalesce(
                json_extract(event.body, '$.change.defect._0.after.isSerialised'),
                json_extract(event.body, '$.change.defect._0.before.isSerialised')) = 0
            WHEN event.kind GLOB 'supplier_return.*' THEN NOT EXISTS (
                SELECT 1 FROM supplier_return_line AS line CROSS JOIN defect ON defect.id = line.defect
                WHERE line.supplier_return = event.id AND defect.serialised = 1)
            ELSE FALSE END
        """
}
