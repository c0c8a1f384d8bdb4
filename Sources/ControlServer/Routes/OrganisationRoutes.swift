import Barcodes
import ControlAPI
import Ledger
import SiteFile
import Tracking

extension Control {
    private static let name = Property("name", .line)
    private static let lead = Property("lead", .nullable(.login), "Login.", optional: true)
    private static let retired = Property("retired", .flag, optional: true)
    private static let department = Property("department", .nullable(.code), "Code; of a lead.", optional: true)
    private static let team = Property("team", .nullable(.code), "Code.", optional: true)
    private static let badge = Property(
        "badge", .nullable(.form(.badge)), "Its code, of which a keyed hash is kept.", optional: true)
    private static let grants = Property("grants", .list(.word(Grant.self)))

    static let organisationRoutes = departmentRoutes + teamRoutes + personRoutes

    private static let departmentRoutes = [
        Route(
            .get, "/departments", "Departments", .administer, query: Route.list(["code", "-code"], []),
            output: .json(.page(.named(.department)))
        ) { call in try call.list(call.plant.departments.values, by: \.code) { $0.json } },
        Route(
            .post, "/departments", "Add a department", .administer,
            input: .json([Property("code", .code), name, lead]), output: .json(.named(.department), status: 201)
        ) { call in
            let new = Department(code: call.field("code"), name: call.field("name"), lead: call.body["lead"]?.string)
            return try await call.changePlant(status: 201, { $0.departments[new.code]?.json }) {
                plant throws(Refusal) in
                try Call.requireFree(plant.departments[new.code], "department", new.code)
                return .department(new)
            }
        },
        Route(.get, "/departments/{code}", "One department", .administer, output: .json(.named(.department))) { call in
            let code = call.path("code")
            guard let found = call.plant.departments[code] else { throw call.notFound("department", code) }
            return call.json(found.json)
        },
        Route(
            .patch, "/departments/{code}", "Change a department", .administer,
            input: .json([name.optional, lead, retired]), output: .json(.named(.department))
        ) { call in
            let (code, body) = (call.path("code"), call.body)
            return try await call.changePlant({ $0.departments[code]?.json }) { plant throws(Refusal) in
                var entry = try Call.require(plant.departments[code], "department", code)
                if let name = body["name"]?.string { entry.name = name }
                if let lead = body["lead"] { entry.lead = lead.string }
                if let retired = body["retired"]?.bool { entry.retired = retired }
                return .department(entry)
            }
        },
    ]

    private static let teamRoutes = [
        Route(
            .get, "/teams", "Teams", .administer, query: Route.list(["code", "-code"], []),
            output: .json(.page(.named(.team)))
        ) { call in try call.list(call.plant.teams.values, by: \.code) { $0.json } },
        Route(
            .post, "/teams", "Add a team", .administer,
            input: .json([Property("code", .code), name, Property("department", .code, "Its code."), lead]),
            output: .json(.named(.team), status: 201)
        ) { call in
            let new = Team(
                code: call.field("code"), name: call.field("name"), department: call.field("department"),
                lead: call.body["lead"]?.string)
            return try await call.changePlant(status: 201, { $0.teams[new.code]?.json }) { plant throws(Refusal) in
                try Call.requireFree(plant.teams[new.code], "team", new.code)
                return .team(new)
            }
        },
        Route(.get, "/teams/{code}", "One team", .administer, output: .json(.named(.team))) { call in
            let code = call.path("code")
            guard let found = call.plant.teams[code] else { throw call.notFound("team", code) }
            return call.json(found.json)
        },
        Route(
            .patch, "/teams/{code}", "Change a team", .administer,
            input: .json([name.optional, Property("department", .code, "Its code.", optional: true), lead, retired]),
            output: .json(.named(.team))
        ) { call in
            let (code, body) = (call.path("code"), call.body)
            return try await call.changePlant({ $0.teams[code]?.json }) { plant throws(Refusal) in
                var entry = try Call.require(plant.teams[code], "team", code)
                if let name = body["name"]?.string { entry.name = name }
                if let department = body["department"]?.string { entry.department = department }
                if let lead = body["lead"] { entry.lead = lead.string }
                if let retired = body["retired"]?.bool { entry.retired = retired }
                return .team(entry)
            }
        },
    ]

    private static let personRoutes =
        [
            Route(
                .get, "/people", "People", .administer, query: Route.list(["login", "-login"], []),
                output: .json(.page(.named(.person)))
            ) { call in try call.list(call.plant.people.values, by: \.login) { $0.json } },
            Route(
                .post, "/people", "Add a person", .administer,
                input: .json([
                    Property("login", .login), name, Property("role", .word(Role.self)), department, team, badge,
                    grants.optional,
                ]), output: .json(.named(.person), status: 201)
            ) { call in
                let new = Person(
                    login: call.field("login"), name: call.field("name"),
                    role: Role(rawValue: call.field("role")) ?? .member, department: call.body["department"]?.string,
                    team: call.body["team"]?.string, badge: try call.badge(), grants: call.grants)
                return try await call.changePlant(status: 201, { $0.people[new.login]?.json }) {
                    plant throws(Refusal) in
                    try Call.requireFree(plant.people[new.login], "person", new.login)
                    return .person(new)
                }
            },
            Route(.get, "/people/{login}", "One person", .administer, output: .json(.named(.person))) { call in
                let login = call.path("login")
                guard let found = call.plant.people[login] else { throw call.notFound("person", login) }
                return call.json(found.json)
            },
            Route(
                .patch, "/people/{login}", "Change a person", .administer,
                input: .json([
                    name.optional, Property("role", .word(Role.self), optional: true), department, team, badge,
                    grants.optional, retired,
                ]), output: .json(.named(.person))
            ) { call in
                let (body, grants, badge) = (call.body, call.grants, try call.badge())
                return try await call.changePerson { person in
                    if let name = body["name"]?.string { person.name = name }
                    if let role = body["role"]?.string.flatMap(Role.init) { person.role = role }
                    if let department = body["department"] { person.department = department.string }
                    if let team = body["team"] { person.team = team.string }
                    if body["badge"] != nil { person.badge = badge }
                    if body["grants"] != nil { person.grants = grants }
                    if let retired = body["retired"]?.bool { person.retired = retired }
                }
            },
        ]
        + [
            ("grant", "Give rights beside the role", { @Sendable in $0.formUnion($1) }),
            ("revoke", "Take rights away", { @Sendable in $0.subtract($1) }),
        ].map { (verb: String, summary: String, change: @escaping @Sendable (inout Set<Grant>, Set<Grant>) -> Void) in
            Route(
                .post, "/people/{login}/\(verb)", summary, .administer, input: .json([grants]),
                output: .json(.named(.person))
            ) { call in
                let grants = call.grants
                return try await call.changePerson { change(&$0.grants, grants) }
            }
        }
}

extension Property {
    /// The same, where it need not be there.
    fileprivate var optional: Property { Property(name, shape, summary, optional: true) }
}

extension Call {
    fileprivate var grants: Set<Grant> { Set(fields("grants").compactMap(Grant.init)) }

    /// The keyed hash of the badge in the body.
    fileprivate func badge() throws -> String? {
        guard let code = body["badge"]?.string else { return nil }
        if let misreading = Name.misreading(of: code) {
            throw Problem(
                .invalidArgument, "a scan of this badge would be read \(misreading); use another badge code")
        }
        return try ledger.badgeDigest(code)
    }

    static func require<Entry>(_ entry: Entry?, _ what: String, _ name: String) throws(Refusal) -> Entry {
        guard let entry else { throw Refusal(.notFound, "there is no \(what) \(name.shown)") }
        return entry
    }

    static func requireFree<Entry>(_ entry: Entry?, _ what: String, _ name: String) throws(Refusal) {
        if entry != nil { throw Refusal(.conflict, "the \(what) \(name) exists already") }
    }

    fileprivate func changePerson(_ change: @escaping @Sendable (inout Person) -> Void) async throws -> ControlResponse
    {
        let login = path("login")
        return try await changePlant({ $0.people[login]?.json }) { plant throws(Refusal) in
            var entry = try Call.require(plant.people[login], "person", login)
            change(&entry)
            return .person(entry)
        }
    }

    /// Changes one entry of the plant, if what comes out is a plant that a site file could describe.
    func changePlant(
        status: Int = 200, _ render: @escaping @Sendable (Plant) -> JSONValue?,
        _ change: @escaping @Sendable (Plant) throws(Refusal) -> PlantChange
    ) async throws -> ControlResponse {
        let digest = try ledger.badgeDigests
        let badge = body["badge"]?.string
        let submitted = { @Sendable (plant: Plant) throws(Refusal) -> [PlantChange] in
            let change = try change(plant)
            var changed = plant
            changed.apply(change)
            if changed == plant { return [] }
            let problems = SiteFile.validate(changed, badgeDigest: digest)
            guard problems.isEmpty else {
                // What was wrong before is no reason to refuse this.
                let known = Set(SiteFile.validate(plant, badgeDigest: digest).map { $0.path + $0.message })
                let new = problems.filter { !known.contains($0.path + $0.message) }
                if let first = new.first { throw Refusal(.invalid, "\(first.path): \(first.message)") }
                return [change]
            }
            return [change]
        }
        let command = Command.changePlant(submitted, badges: badge.map { [$0] } ?? [])
        return try await submit(command, status: status) { state, _ in render(state.plant) ?? [:] }
    }
}
