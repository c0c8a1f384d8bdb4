import Tracking

extension SiteRules {
    mutating func check(_ department: Department, _ path: String) {
        code(department.code, "\(path).code")
        line(department.name, "\(path).name")
        guard !department.retired, let lead = person(department.lead, from: "\(path).lead") else { return }
        let isLead = lead.role == .departmentLead && lead.department == department.code
        if !isLead, !isDoubtful("people[\(lead.login)].role"), !isDoubtful("people[\(lead.login)].department") {
            report(
                "\(path).lead",
                "\(quoted(lead.login)) can't lead this department; "
                    + "give that person role: department_lead and department: \(department.code)")
        }
    }

    mutating func check(_ team: Team, _ path: String) {
        code(team.code, "\(path).code")
        line(team.name, "\(path).name")
        if team.retired { return }
        _ = department(team.department, from: "\(path).department")
        guard let lead = person(team.lead, from: "\(path).lead") else { return }
        let isLead = lead.role == .teamLead && lead.team == team.code
        if !isLead, !isDoubtful("people[\(lead.login)].role"), !isDoubtful("people[\(lead.login)].team") {
            report(
                "\(path).lead",
                "\(quoted(lead.login)) can't lead this team; "
                    + "give that person role: team_lead and team: \(team.code)")
        }
    }

    mutating func check(_ person: Person, _ path: String) {
        check(person.login, "\(path).login", .login)
        line(person.name, "\(path).name")
        if person.retired { return }
        let team = team(person.team, from: "\(path).team")
        let department = department(person.department, from: "\(path).department")
        if let team, let department, team.department != department.code, !isDoubtful("teams[\(team.code)].department") {
            report("\(path).department", "team \(quoted(team.code)) is in department \(quoted(team.department))")
        }
        if isDoubtful("\(path).role") { return }
        switch person.role {
        case .admin: break
        case .departmentLead where person.department == nil:
            report("\(path).department", "a department_lead needs a `department`")
        case .teamLead where person.team == nil, .member where person.team == nil:
            report("\(path).team", "a \(person.role.rawValue) needs a `team`")
        case .departmentLead, .teamLead, .member: break
        }
    }

    /// Two people in use never have the same badge.
    mutating func badges() {
        var owners: [String: String] = [:]
        for (login, person) in plant.people.sorted(by: { $0.key < $1.key }) where !person.retired {
            guard let badge = person.badge, !isDoubtful("people[\(login)].badge") else { continue }
            if let owner = owners[badge] {
                report(
                    "people[\(login)].badge", "this is the badge of \(quoted(owner)) too; every person has their own")
            } else {
                owners[badge] = login
            }
        }
    }

    private mutating func person(_ login: String?, from path: String) -> Person? {
        find(login, "person", "people", in: plant.people, retired: \.retired, from: path)
    }

    private mutating func team(_ code: String?, from path: String) -> Team? {
        find(code, "team", "teams", in: plant.teams, retired: \.retired, from: path)
    }

    private mutating func department(_ code: String?, from path: String) -> Department? {
        find(code, "department", "departments", in: plant.departments, retired: \.retired, from: path)
    }
}
