import Tracking

/// The plant that everything is measured in: one product with a routing of five stages, and stations that each perform
/// all five, with an operator of their own.
enum MeasuredPlant {
    static let product = "PCB-100"
    static let team = "smt"
    static let order = "1001"
    static let stages = ["assembly", "soldering", "testing", "coating", "packing"]
    static let stationPrefix = "LINE-"
    /// Serials have 17 characters, as those of a pattern with year, week and counter do.
    static let serialPrefix = "PCB-100-26"

    /// Stations and serials are numbered from 1.
    static func station(_ number: Int) -> String { stationPrefix + padded(number, 3) }
    static func serial(_ number: Int) -> String { serialPrefix + padded(number, 7) }
    static func login(_ number: Int) -> String { "op" + padded(number, 3) }
    static func badge(_ number: Int) -> String { "B" + padded(number, 6) }

    private static func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// The plant's entries, for a ledger.
    static func changes(stations: Int, badgeDigest: (String) -> String) -> [PlantChange] {
        var product = Product(code: product, name: "Controller board", type: "pcb")
        product.routing = "board"
        var changes: [PlantChange] = [
            .department(Department(code: "electronics", name: "Electronics")),
            .team(Team(code: team, name: "SMT line 1", department: "electronics")),
            .routing(Routing(code: "board", stages: stages.map { Stage(name: $0) })),
            .product(product),
        ]
        for number in 1...stations {
            changes.append(
                .person(
                    Person(
                        login: login(number), name: "Operator \(number)", role: .member, team: team,
                        badge: badgeDigest(badge(number)))))
            var station = Station(name: station(number), mode: .pass, stages: stages, team: team)
            station.signOnRequired = true
            changes.append(.station(station))
        }
        return changes
    }

    /// The same plant as a site file, for a daemon. Whoever calls over the socket is their own operator.
    static func siteFile(stations: Int) -> String {
        var lines = [
            "departments: [{ code: electronics, name: Electronics }]",
            "teams: [{ code: \(team), name: SMT line 1, department: electronics }]",
            "routings:", "  - code: board", "    stages:",
        ]
        lines += stages.map { "      - { name: \($0) }" }
        lines += [
            "products:", "  - { code: \(product), name: Controller board, type: pcb, routing: board }", "stations:",
        ]
        lines += (1...stations).map {
            "  - { name: \(station($0)), mode: pass, stages: [\(stages.joined(separator: ", "))], team: \(team) }"
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
