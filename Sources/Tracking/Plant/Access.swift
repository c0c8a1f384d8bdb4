/// What a caller wants to do, as a route or a command declares it.
public enum Verb: String, Sendable, CaseIterable {
    /// See units, product cards, stations and events, each within the caller's scope.
    case see
    /// See work orders, suppliers and customers.
    case seeOrders = "see_orders"
    /// See reports.
    case report
    /// Scan at a station from a terminal.
    case scan
    /// Assign units.
    case assign
    /// Put units on hold and release them.
    case hold
    /// Register, receive and write off units.
    case register
    /// Adjust stock.
    case adjust
    /// Mark units defective.
    case markDefect = "mark_defect"
    /// See defect cases, repairs, write-offs and supplier returns.
    case seeDefects = "see_defects"
    /// Work on defect cases.
    case manageDefects = "manage_defects"
    /// See customers' returns, the repacking queue and quality control's tasks.
    case seeReturns = "see_returns"
    /// Make, correct and cancel customers' returns.
    case manageReturns = "manage_returns"
    /// Inspect the items of customers' returns.
    case inspectReturns = "inspect_returns"
    /// Work on what came back: by either of the two rights on returns.
    case handleReturns = "handle_returns"
    /// Deliver.
    case deliver
    /// Print labels and see label jobs.
    case printLabels = "print_labels"
    /// Read the audit log.
    case audit
    /// Read the metrics.
    case metrics
    /// Work orders, catalogue, stations, people, site, back-up, scan export.
    case administer

    /// The roles that may do it beside admins, who may do everything.
    public var roles: [Role] {
        switch self {
        case .see: [.departmentLead, .teamLead, .member]
        case .seeOrders, .report, .assign, .hold, .seeDefects, .seeReturns: [.departmentLead, .teamLead]
        case .scan: [.teamLead, .member]
        case .audit: [.departmentLead]
        default: []
        }
    }

    /// The grants of which each gives it to anybody.
    public var grants: [Grant] {
        switch self {
        case .hold, .register: [.unitsWrite]
        case .adjust: [.stockAdjust]
        case .markDefect, .seeDefects: [.defectsMark, .defectsManage]
        case .manageDefects: [.defectsManage]
        case .manageReturns: [.returnsManage]
        case .inspectReturns: [.returnsInspect]
        case .seeReturns, .handleReturns: [.returnsManage, .returnsInspect]
        case .deliver: [.deliver]
        case .printLabels: [.labelsPrint]
        case .audit: [.auditRead]
        case .metrics: [.metricsRead]
        case .see, .seeOrders, .report, .scan, .assign, .administer: []
        }
    }

    /// What it is, after `may`.
    public var words: String {
        switch self {
        case .see: "see units, products, stations and events"
        case .seeOrders: "see work orders, suppliers and customers"
        case .report: "see reports"
        case .scan: "scan from a terminal"
        case .assign: "assign units"
        case .hold: "put units on hold and release them"
        case .register: "register, receive and write off units"
        case .adjust: "adjust stock"
        case .markDefect: "mark units defective"
        case .seeDefects: "see defect cases, repairs and write-offs"
        case .manageDefects: "work on defect cases"
        case .seeReturns: "see customers' returns and the repacking queue"
        case .manageReturns: "make, correct and cancel customers' returns"
        case .inspectReturns: "inspect what customers sent back"
        case .handleReturns: "process what customers sent back"
        case .deliver: "deliver"
        case .printLabels: "print labels and see label jobs"
        case .audit: "read the audit log and the log of scans"
        case .metrics: "read the metrics"
        case .administer: "manage the plant: work orders, site, people, devices, back-ups"
        }
    }

    /// What it takes to do one of these, for somebody who may do none of them.
    public static func missing(_ verbs: [Verb]) -> String {
        let grants = Grant.allCases.filter { grant in verbs.contains { $0.grants.contains(grant) } }
        let roles = Role.allCases.filter { role in role == .admin || verbs.contains { $0.roles.contains(role) } }
        // Admins may do everything; they are named where nothing else leads there.
        let named = roles.count > 1 || !grants.isEmpty ? roles.filter { $0 != .admin } : roles
        let ways =
            (grants.isEmpty ? [] : ["the right \(grants.map(\.rawValue).joined(separator: " or "))"])
            + (named.isEmpty ? [] : ["the role \(named.map(\.rawValue).joined(separator: " or "))"])
        return ways.joined(separator: ", or ")
    }
}

/// What part of the plant's units a caller sees by office.
public enum Scope: Sendable, Equatable {
    /// Every unit.
    case all
    /// The units of these teams.
    case teams(Set<String>)
    /// The units assigned to this login, or last worked on by it.
    case own(String)
}

/// Somebody, or some station, that received, opened or inspected a customer's return or a defect case.
public enum Handler: Sendable, Hashable {
    /// A station, by its name.
    case station(String)
    /// A person, by their login.
    case person(String)
}

/// Who is asking, and what they may see and do: decided anew for each request from the plant as it stands.
public struct Access: Sendable, Equatable {
    /// The Unix login.
    public let login: String
    /// The role.
    public let role: Role
    /// What is seen by office.
    public let scope: Scope
    /// What was granted beside the role.
    public let grants: Set<Grant>
    /// A lead's own stations and people, whose returns and defect cases are seen whatever team the goods are of.
    public let desk: Set<Handler>

    /// The rights of `login` in `plant`, or nil for somebody who is nobody here.
    ///
    /// - Parameter isAdmin: the kernel says that the caller is uid 0, in the group of admins, or the daemon's own user.
    public init?(login: String, isAdmin: Bool, in plant: Plant) {
        let person = plant.people[login].flatMap { $0.retired ? nil : $0 }
        guard isAdmin || person != nil else { return nil }
        self.login = login
        grants = person?.grants ?? []
        role = isAdmin ? .admin : person?.role ?? .member
        var department: String?
        switch role {
        case .admin: scope = .all
        case .departmentLead:
            department = person?.department
            scope = .teams(Set(plant.teams.values.lazy.filter { $0.department == department }.map(\.code)))
        case .teamLead: scope = .teams(person?.team.map { [$0] } ?? [])
        case .member: scope = .own(login)
        }
        guard case .teams(let teams) = scope else {
            desk = []
            return
        }
        func isOwn(_ team: String?) -> Bool { team.map(teams.contains) ?? false }
        var desk: Set<Handler> = [.person(login)]
        for station in plant.stations.values where isOwn(station.team) { desk.insert(.station(station.name)) }
        for other in plant.people.values
        where isOwn(other.team) || department != nil && other.department == department {
            desk.insert(.person(other.login))
        }
        self.desk = desk
    }

    /// Whether this is an admin.
    public var isAdmin: Bool { role == .admin }

    /// Whether the caller may do this at all, to whatever lies within their scope.
    public func may(_ verb: Verb) -> Bool {
        isAdmin || verb.roles.contains(role) || verb.grants.contains(where: grants.contains)
    }

    /// The no to somebody who may do none of these.
    public func denial(_ verbs: [Verb]) -> String {
        let what = verbs.count == 1 && verbs[0] != .administer ? verbs[0].words : "do this"
        return "\(login) may not \(what): that takes \(Verb.missing(verbs)); ask an admin"
    }

    /// What lies within the caller's scope, one kind of thing after the other, for people.
    public var sees: [String] {
        let office =
            switch scope {
            case .all: "everything in the plant"
            case .teams(let teams) where teams.isEmpty: "nothing by office: no team belongs to it"
            case .teams(let teams):
                "what belongs to the \(teams.count == 1 ? "team" : "teams") \(teams.sorted().joined(separator: ", "))"
            case .own: "units that are assigned to \(login), or that \(login) last worked on"
            }
        if isAdmin { return [office] }
        return [office] + (seesAllStock ? ["every unit in stock"] : [])
            + (seesAllReturns ? ["every return with its units, and every delivered unit"] : [])
            + (seesBalances ? ["stock without serials, and what is low"] : [])
    }

    /// Whether suppliers, costs and prices are shown.
    public var seesPurchase: Bool { may(.seeOrders) || may(.manageDefects) }
    /// Whether customers are shown.
    public var seesCustomers: Bool { may(.seeOrders) || seesAllReturns }
    /// Sees every unit in stock, by grant.
    public var seesAllStock: Bool { grants.contains(.deliver) }
    /// Sees every unit that is delivered or ever came back, by grant.
    public var seesAllReturns: Bool { grants.contains(.returnsManage) || grants.contains(.returnsInspect) }
    /// Sees balances that belong to no unit: unserialised stock and low stock.
    public var seesBalances: Bool { role != .member || grants.contains(.stockAdjust) }
    /// Sees the defect cases and the write-offs of goods without serials, which are no team's.
    public var seesGoods: Bool { isAdmin || grants.contains(.stockAdjust) }

    /// Whether a unit of `team` in this state lies within the caller's scope.
    public func sees(team: String?, _ state: UnitState) -> Bool {
        if seesAllStock, state.status == .inStock { return true }
        if seesAllReturns, state.status == .delivered || state.wasReturned { return true }
        return switch scope {
        case .all: true
        case .teams(let teams): team.map(teams.contains) ?? false
        case .own(let login): state.assignee == login || state.worker == login
        }
    }

    /// Whether `unit` lies within the caller's scope.
    public func sees(_ unit: Unit) -> Bool {
        sees(team: unit.team, unit.state)
    }

    /// Whether a defect case lies within the caller's scope: where all of its units are of the caller's teams, or in the
    /// caller's hands, or where a lead's own station or people opened or inspected it. Goods without serials are
    /// for those who adjust stock.
    ///
    /// - Parameters:
    ///   - units: the units that are or were in it; asked for only where it depends on them.
    ///   - handlers: who opened or inspected it; asked for only where it depends on them.
    public func sees(_ found: DefectCase, units: () -> [Unit], handlers: () -> Set<Handler>) -> Bool {
        if scope == .all || !desk.isEmpty && !desk.isDisjoint(with: handlers()) { return true }
        guard found.isSerialised else { return seesGoods }
        switch scope {
        case .all: return true
        case .teams(let teams): return found.team.map(teams.contains) ?? seesTeams(of: units())
        case .own(let login):
            let units = units()
            return !units.isEmpty && units.allSatisfy { $0.state.assignee == login || $0.state.worker == login }
        }
    }

    /// Whether units are all of the caller's teams.
    func seesTeams(of units: [Unit]) -> Bool {
        guard case .teams(let teams) = scope else { return scope == .all }
        return !units.isEmpty && units.allSatisfy { $0.team.map(teams.contains) ?? false }
    }

    /// Whether an item of a customer's return lies within the caller's scope: as its unit's team, by grant, or where a
    /// lead's own station or people received, opened or inspected the return.
    ///
    /// - Parameter handlers: who received, opened or inspected the return.
    public func sees(_ item: ReturnItem, handlers: Set<Handler>) -> Bool {
        seesReturns(of: item.team) || !desk.isDisjoint(with: handlers)
    }

    /// Whether what came back of `team` lies within the caller's scope; of no team for goods without serials.
    func seesReturns(of team: String?) -> Bool {
        if seesAllReturns { return true }
        return switch scope {
        case .all: true
        case .teams(let teams): team.map(teams.contains) ?? false
        case .own: false
        }
    }

    /// Whether what belongs to `team` as a whole (a work order, a station) lies within the caller's scope.
    public func sees(team: String?, in plant: Plant) -> Bool {
        switch scope {
        case .all: true
        case .teams(let teams): team.map(teams.contains) ?? false
        case .own(let login): team != nil && plant.people[login]?.team == team
        }
    }
}

/// Who gave a command.
public enum Actor: Sendable, Equatable {
    /// A person over the control socket.
    case person(Access)
    /// A device bound to a station, named by its path.
    case device(String)
    /// The daemon itself: printing, time-outs.
    case system

    /// The login of a person.
    public var login: String? {
        if case .person(let access) = self { access.login } else { nil }
    }
}
