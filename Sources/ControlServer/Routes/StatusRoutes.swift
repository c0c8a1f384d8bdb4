import ControlAPI
import Ledger
import Line
import Tracking

extension Control {
    static let statusRoutes = [
        Route(.get, "/status", "How the daemon is", .see, output: .json(.named(.status))) { call in
            // How the daemon is can be asked above all where the ledger can't be read.
            let known = try? await call.read { db in
                (try db.head(), try db.number("SELECT EXISTS (SELECT 1 FROM work_order)") == 1)
            }
            let problems = await call.control.problems(isAdmin: call.access.isAdmin)
            return call.json(call.status(head: Int(known?.0 ?? 0), hasOrders: known?.1 ?? true, problems))
        },
        Route(
            .get, "/whoami", "Who the caller is, what they see, and what they may do", .see,
            output: .json(.named(.whoami))
        ) { call in call.json(call.whoami) },
        Route(.get, "/openapi.json", "This document", .see, output: .json(.anything)) { _ in
            ControlResponse(json: Control.openAPIBytes)
        },
    ]
}

extension Call {
    fileprivate func status(head: Int, hasOrders: Bool, _ problems: [String]) -> JSONValue {
        let hasSite = plant != Plant()
        var next: [String] = []
        if !hasSite {
            next.append(
                access.isAdmin ? "Apply a site file: travelerctl site apply FILE" : "Ask an admin to apply a site file")
        } else if access.isAdmin, plant.stations.values.allSatisfy(\.retired) {
            next.append("Add stations to the site file, then apply it: travelerctl site apply FILE")
        } else if access.isAdmin, !hasOrders {
            next.append(
                "Create a work order: travelerctl work-order create NUMBER --product CODE --quantity N --team TEAM")
        }
        return control.status(head: head, hasSite: hasSite, access.role, problems, next)
    }

    fileprivate var whoami: JSONValue {
        let person = plant.people[access.login]
        let scope =
            switch access.scope {
            case .all: "all"
            case .teams: access.role == .departmentLead ? "department" : "team"
            case .own: "own"
            }
        // What is seen without a scope is not the teams', and is said in `sees`.
        var teams: [String]?
        if case .teams(let codes) = access.scope { teams = codes.sorted() }
        let may = Verb.allCases.filter(access.may)
        return JSONValue(omittingNil: [
            "login": .string(access.login), "uid": caller.uid.map { .int(Int($0)) },
            "role": .string(access.role.rawValue), "name": .init(person?.name),
            "department": .init(person?.department ?? plant.department(ofTeam: person?.team)),
            "team": .init(person?.team), "grants": .init(access.grants), "scope": .string(scope),
            "teams": teams.map { .array($0.map(JSONValue.string)) },
            "sees": .array(access.sees.map(JSONValue.string)),
            "may": .array(may.map { ["verb": .string($0.rawValue), "what": .string($0.words)] }),
        ])
    }
}
