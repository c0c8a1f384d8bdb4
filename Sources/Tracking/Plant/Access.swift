/// What a caller wants to do, as a route or a command declares it.
public enum Verb: Sendable, CaseIterable {
    /// See units, product cards, stations and events, each within the caller's scope.
    case see
    /// See work orders, suppliers and customers.
    case seeOrders
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
    case markDefect
    /// See defect cases, repairs, write-offs and supplier returns.
    case seeDefects
    /// Work on defect cases.
    case manageDefects
    /// See customers' returns, the repacking queue and quality control's tasks.
    case seeReturns
    /// Make, correct and cancel customers' returns.
    case manageReturns
    /// Inspect the items of customers' returns.
    case inspectReturns
    /// Work on what came back: by either of the two rights on returns.
    case handleReturns
    /// Deliver.
    case deliver
    /// Print labels and see label jobs.
    case printLabels
    /// Read the audit log.
    case audit
    /// Read the metrics.
    case metrics
    /// Work orders, catalogue, stations, people, site, back-up, scan export.
    case administer
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

    /// The rights of `login` in `plant`, or nil for somebody who is nobody here.
    ///
    /// - Parameter isAdmin: the kernel says that the caller is uid 0, in the group of admins, or the daemon's own user.
    public init?(login: String, isAdmin: Bool, in plant: Plant) {
        let person = plant.people[login].flatMap { $0.retired ? nil : $0 }
        guard isAdmin || person != nil else { return nil }
        self.login = login
        grants = person?.grants ?? []
        role = isAdmin ? .admin : person?.role ?? .member
        switch role {
        case .admin: scope = .all
        case .departmentLead:
            let department = person?.department
            scope = .teams(Set(plant.teams.values.lazy.filter { $0.department == department }.map(\.code)))
        case .teamLead: scope = .teams(person?.team.map { [$0] } ?? [])
        case .member: scope = .own(login)
        }
    }

    /// Whether this is an admin.
    public var isAdmin: Bool { role == .admin }

    /// Whether the caller may do this at all, to whatever lies within their scope.
    public func may(_ verb: Verb) -> Bool {
        if isAdmin { return true }
        let isLead = role != .member
        return switch verb {
        case .see: true
        case .seeOrders, .report, .assign: isLead
        case .scan: role == .teamLead || role == .member
        case .hold: isLead || grants.contains(.unitsWrite)
        case .register: grants.contains(.unitsWrite)
        case .adjust: grants.contains(.stockAdjust)
        case .markDefect: grants.contains(.defectsMark) || grants.contains(.defectsManage)
        case .seeDefects: isLead || grants.contains(.defectsMark) || grants.contains(.defectsManage)
        case .manageDefects: grants.contains(.defectsManage)
        case .seeReturns: isLead || seesAllReturns
        case .manageReturns: grants.contains(.returnsManage)
        case .inspectReturns: grants.contains(.returnsInspect)
        case .handleReturns: seesAllReturns
        case .deliver: grants.contains(.deliver)
        case .printLabels: grants.contains(.labelsPrint)
        case .audit: role == .departmentLead || grants.contains(.auditRead)
        case .metrics: grants.contains(.metricsRead)
        case .administer: false
        }
    }

    /// Sees every unit in stock, by grant.
    public var seesAllStock: Bool { grants.contains(.deliver) }
    /// Sees every unit that is delivered or ever came back, by grant.
    public var seesAllReturns: Bool { grants.contains(.returnsManage) || grants.contains(.returnsInspect) }
    /// Sees balances that belong to no unit: unserialised stock and low stock.
    public var seesBalances: Bool { isAdmin || grants.contains(.stockAdjust) }

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
    /// caller's hands. Goods without serials are a balance.
    ///
    /// - Parameter units: the units that are or were in it; asked for only where it depends on them.
    public func sees(_ found: DefectCase, units: () -> [Unit]) -> Bool {
        if scope == .all { return true }
        guard found.isSerialised else { return seesBalances }
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

    /// Whether an item of a customer's return lies within the caller's scope: as its unit's team, or by grant.
    public func sees(_ item: ReturnItem) -> Bool { seesReturns(of: item.team) }

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
