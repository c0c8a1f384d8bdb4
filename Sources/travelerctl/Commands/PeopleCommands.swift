import ArgumentParser
import ControlAPI

struct Person: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "person", "People, their roles and grants.", example: "person add mia --name Mia --role member --team smt",
        [List.self, Show.self, Add.self, Set.self, Grant.self, Revoke.self])

    enum Role: String, Word {
        case admin
        case departmentLead = "department_lead"
        case teamLead = "team_lead"
        case member
    }

    static let fields = View.fields([
        Column("Login", "login"), Column("Name", "name"),
        Column("Role", "role", shown: { words($0["role"]?.string ?? "") }),
        Column("Department", "department"), Column("Team", "team"), Column("Badge", "has_badge", .flag),
        Column("Grants", "grants"), Column("Retired", "retired", .flag),
    ])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb("list", "All people.", example: "person list")
        @Option(parsing: .unconditional, help: .sort, completion: .list(["login", "-login"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("people", query: ["order": sort]) }
        static let table = Table(
            columns: [
                Column("LOGIN", "login"), Column("NAME", "name", rank: 1, shrinks: true),
                Column("ROLE", "role", shown: { words($0["role"]?.string ?? "") }),
                Column("DEPARTMENT", "department", rank: 3),
                Column("TEAM", "team", rank: 2), Column("BADGE", "has_badge", .flag, rank: 5),
                Column("GRANTS", "grants", rank: 4, shrinks: true), Column("RETIRED", "retired", .flag, rank: 6),
            ],
            empty: "No people. Add one: 'travelerctl person add LOGIN --name NAME --role ROLE'.")
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb("show", "One person.", example: "person show mia")
        @Argument(help: .login, completion: .logins) var login: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("people", login) }
        var view: View { Person.fields }
    }

    struct Add: Call {
        static let configuration = CommandConfiguration.verb(
            "add", "Let a person in, by Unix login.",
            example: "person add mia --name Mia --role member --team smt --badge 1007")
        @Argument(help: .login, completion: .logins) var login: String
        @Option(help: "The person's name.") var name: String
        @Option(help: "What the person is.") var role: Role
        @Option(help: "Code of the department that a department lead leads.") var department: String?
        @Option(help: "Code of the team.", completion: .teams) var team: String?
        @Option(help: "The code of the person's badge.") var badge: String?
        @Option(help: "A grant; may be given several times.") var grant: [GrantName] = []
        @OptionGroup var options: CallOptions
        var request: Request {
            .post(
                "people",
                body: [
                    "login": .string(login), "name": .string(name), "role": .string(role.rawValue),
                    "department": .text(department), "team": .text(team), "badge": .text(badge),
                    "grants": .texts(grant.map(\.rawValue)),
                ])
        }
        var view: View { Person.fields }
    }

    struct Set: Ending {
        static let configuration = CommandConfiguration.verb(
            "set", "Change a person.", example: "person set mia --team finish", "person set tom --retired",
            more: "An empty text clears a value: --badge \"\".")
        @Argument(help: .login, completion: .logins) var login: String
        @Option(help: "The person's name.") var name: String?
        @Option(help: "What the person is.") var role: Role?
        @Option(help: "Code of the department.") var department: String?
        @Option(help: "Code of the team.", completion: .teams) var team: String?
        @Option(help: "The code of the person's badge.") var badge: String?
        @Flag(inversion: .prefixedNo, help: "Whether the person has left.") var retired: Bool?
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions
        func question(_ connection: Connection) async throws -> String? {
            let isYou = try await connection.call(.get("whoami"))["login"]?.string == login
            if retired == true {
                return "Retire \(visible(login))\(isYou ? ", yourself" : "")? Nobody gets in as them."
            }
            guard isYou, let role, role != .admin else { return nil }
            return "Give your own role away, to be \(words(role.rawValue))?"
        }

        var request: Request {
            get throws {
                try .change(
                    "people", login,
                    [
                        "name": .text(name), "role": .text(role?.rawValue), "department": .clearing(department),
                        "team": .clearing(team), "badge": .clearing(badge), "retired": retired.map(JSONValue.bool),
                    ])
            }
        }
        var view: View { Person.fields }
    }

    struct Grant: Call {
        static let configuration = CommandConfiguration.verb(
            "grant", "Give a person rights beyond the role.", example: "person grant lena defects:manage deliver")
        @Argument(help: .login, completion: .logins) var login: String
        @Argument(help: "Rights.") var grants: [GrantName]
        @OptionGroup var options: CallOptions
        var request: Request { .post("people", login, "grant", body: ["grants": .texts(grants.map(\.rawValue))]) }
        var view: View { Person.fields }
    }

    struct Revoke: Ending {
        static let configuration = CommandConfiguration.verb(
            "revoke", "Take such rights back.", example: "person revoke lena deliver")
        @Argument(help: .login, completion: .logins) var login: String
        @Argument(help: "Rights.") var grants: [GrantName]
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions
        func question(_ connection: Connection) async throws -> String? {
            "Take \(grants.map(\.rawValue).joined(separator: ", ")) from \(visible(login))?"
        }
        var request: Request { .post("people", login, "revoke", body: ["grants": .texts(grants.map(\.rawValue))]) }
        var view: View { Person.fields }
    }
}

struct Team: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "team", "Teams.", example: "team list", [List.self, Show.self, Add.self, Set.self])

    static let fields = View.fields([
        Column("Code", "code"), Column("Name", "name"), Column("Department", "department"), Column("Lead", "lead"),
        Column("Retired", "retired", .flag),
    ])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb("list", "All teams.", example: "team list")
        @Option(parsing: .unconditional, help: .sort, completion: .list(["code", "-code"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("teams", query: ["order": sort]) }
        static let table = Table(
            columns: [
                Column("CODE", "code"), Column("NAME", "name", shrinks: true),
                Column("DEPARTMENT", "department", rank: 1),
                Column("LEAD", "lead", rank: 2), Column("RETIRED", "retired", .flag, rank: 3),
            ],
            empty: "No teams. Add one: 'travelerctl team add CODE --name NAME --department CODE'.")
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb("show", "One team.", example: "team show smt")
        @Argument(help: .team, completion: .teams) var code: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("teams", code) }
        var view: View { Team.fields }
    }

    struct Add: Call {
        static let configuration = CommandConfiguration.verb(
            "add", "Make a team.",
            example: "team add smt --name \"SMT line 1\" \\\n    --department electronics --lead lena")
        @Argument(help: .team, completion: .teams) var code: String
        @Option(help: "The team's name.") var name: String
        @Option(help: "Code of its department.") var department: String
        @Option(help: "Login of its lead.") var lead: String?
        @OptionGroup var options: CallOptions
        var request: Request {
            .post(
                "teams",
                body: [
                    "code": .string(code), "name": .string(name), "department": .string(department),
                    "lead": .text(lead),
                ])
        }
        var view: View { Team.fields }
    }

    struct Set: Ending {
        static let configuration = CommandConfiguration.verb(
            "set", "Change a team.", example: "team set smt --lead mia",
            more: "An empty text clears a value: --lead \"\".")
        @Argument(help: .team, completion: .teams) var code: String
        @Option(help: "The team's name.") var name: String?
        @Option(help: "Code of its department.") var department: String?
        @Option(help: "Login of its lead.") var lead: String?
        @Flag(inversion: .prefixedNo, help: "Whether the team is no more.") var retired: Bool?
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions
        func question(_ connection: Connection) async throws -> String? {
            retired == true ? "Retire the team \(visible(code))?" : nil
        }

        var request: Request {
            get throws {
                try .change(
                    "teams", code,
                    [
                        "name": .text(name), "department": .text(department), "lead": .clearing(lead),
                        "retired": retired.map(JSONValue.bool),
                    ])
            }
        }
        var view: View { Team.fields }
    }
}

struct Department: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "department", "Departments.", example: "department list", [List.self, Show.self, Add.self, Set.self])

    static let fields = View.fields([
        Column("Code", "code"), Column("Name", "name"), Column("Lead", "lead"), Column("Retired", "retired", .flag),
    ])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb("list", "All departments.", example: "department list")
        @Option(parsing: .unconditional, help: .sort, completion: .list(["code", "-code"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("departments", query: ["order": sort]) }
        static let table = Table(
            columns: [
                Column("CODE", "code"), Column("NAME", "name", shrinks: true), Column("LEAD", "lead", rank: 1),
                Column("RETIRED", "retired", .flag, rank: 2),
            ],
            empty: "No departments. Add one: 'travelerctl department add CODE --name NAME'.")
    }

    struct Show: Call {
        static let configuration = CommandConfiguration.verb(
            "show", "One department.", example: "department show electronics")
        @Argument(help: .department) var code: String
        @OptionGroup var options: CallOptions
        var request: Request { .get("departments", code) }
        var view: View { Department.fields }
    }

    struct Add: Call {
        static let configuration = CommandConfiguration.verb(
            "add", "Make a department.", example: "department add electronics --name Electronics --lead dora")
        @Argument(help: .department) var code: String
        @Option(help: "The department's name.") var name: String
        @Option(help: "Login of its lead.") var lead: String?
        @OptionGroup var options: CallOptions
        var request: Request {
            .post("departments", body: ["code": .string(code), "name": .string(name), "lead": .text(lead)])
        }
        var view: View { Department.fields }
    }

    struct Set: Ending {
        static let configuration = CommandConfiguration.verb(
            "set", "Change a department.", example: "department set electronics --lead dora",
            more: "An empty text clears a value: --lead \"\".")
        @Argument(help: .department) var code: String
        @Option(help: "The department's name.") var name: String?
        @Option(help: "Login of its lead.") var lead: String?
        @Flag(inversion: .prefixedNo, help: "Whether the department is no more.") var retired: Bool?
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions
        func question(_ connection: Connection) async throws -> String? {
            retired == true ? "Retire the department \(visible(code))?" : nil
        }

        var request: Request {
            get throws {
                try .change(
                    "departments", code,
                    ["name": .text(name), "lead": .clearing(lead), "retired": retired.map(JSONValue.bool)])
            }
        }
        var view: View { Department.fields }
    }
}

extension Request {
    /// A change of what is given, of which there must be something.
    fileprivate static func change(
        _ noun: String, _ name: String, _ body: KeyValuePairs<String, JSONValue?>
    ) throws -> Request {
        guard body.contains(where: { $0.value != nil }) else {
            throw ValidationError("Name something to change; --help shows what there is.")
        }
        return .patch(noun, name, body: body)
    }
}

extension ArgumentHelp {
    fileprivate static let login: ArgumentHelp = "The person's Unix login."
    fileprivate static let team: ArgumentHelp = "Code of the team."
    fileprivate static let department: ArgumentHelp = "Code of the department."
}
