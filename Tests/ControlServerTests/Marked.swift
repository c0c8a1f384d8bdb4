import ControlAPI
import Testing

/// A plant of three departments in which everything that belongs to a team has the team's mark in its name, so that any
/// byte that leaves a caller's scope is found.
enum Marked {
    static let grants = [
        "units:write", "stock:adjust", "defects:mark", "defects:manage", "returns:manage", "returns:inspect", "deliver",
        "labels:print", "audit:read", "metrics:read", "station:terminal",
    ]

    /// Login of the member of the returns desk with one grant.
    static func login(withGrant grant: String) -> String { "g-" + grant.replacing(":", with: "-") }

    /// Everything with a mark that is named once.
    static let names = [
        "SMTZQ1X", "SMTZQ2X", "SMTZQSTOCKX", "SMTZQSOLDX", "SMTZQBADX", "SMTZQWOX", "SMTZQWO2X", "SMTZQWO2XN1",
        "SMTZQASMX", "SMTZQLBLX", "SMTZQSOX", "FINZQ1X", "FINZQSTOCKX", "FINZQWOX", "FINZQASMX", "DSKZQ1X",
        "DSKZQSOLDX",
        "DSKZQWOX", "DSKZQASMX", "DSKZQSOX", "NONZQX", "NONZQASMX", "SUPPLIERZQX", "BUYERZQX", "SMTZQNOTEX",
        "SMTZQLOCX", "SMTZQRMAX", "SMTZQSENTX", "SMTZQPERX", "STRANGERZQX",
    ]

    static let smt = names.filter { $0.hasPrefix("SMTZQ") }
    static let finish = names.filter { $0.hasPrefix("FINZQ") }
    static let desk = names.filter { $0.hasPrefix("DSKZQ") }

    static func shop() async throws -> Shop {
        let people = grants.map {
            "  - { login: \(login(withGrant: $0)), name: G, role: member, team: desk, grants: [\"\($0)\"] }"
        }
        let site = """
            departments: [{ code: electronics, name: E }, { code: service, name: S }, { code: mech, name: M }]
            teams:
              - { code: smt, name: T1, department: electronics }
              - { code: finish, name: T2, department: electronics }
              - { code: desk, name: T3, department: service }
              - { code: mill, name: T4, department: mech }
            people:
              - { login: ada, name: Ada, role: admin }
              - { login: dora, name: Dora, role: department_lead, department: electronics }
              - { login: sam, name: Sam, role: department_lead, department: service }
              - { login: mo, name: Mo, role: department_lead, department: mech }
              - { login: lena, name: Lena, role: team_lead, team: smt }
              - { login: luis, name: Luis, role: team_lead, team: finish }
              - { login: mia, name: Mia, role: member, team: smt }
              - { login: tom, name: Tom, role: member, team: finish }
              - { login: zoe, name: Zoe, role: admin, retired: true }
            \(people.joined(separator: "\n"))
            suppliers: [{ code: SUPPLIERZQX, name: Supplier }]
            routings: [{ code: board, stages: [{ name: assembly }] }]
            labels: [{ name: small, zpl: "^XA^FO1,1^A0N,40^FD{{serial}} {{order}}^FS^XZ" }]
            products:
              - { code: BRD, name: Board, type: pcb, routing: board, label: small, supplier: SUPPLIERZQX, cost: 2 }
              - { code: PAT, name: Other, type: pcb, routing: board, label: small,
                  serial: { pattern: "{order}N{seq:1}", per: order } }
            stations:
              - { name: SMTZQASMX, mode: pass, stages: [assembly], team: smt }
              - { name: SMTZQLBLX, mode: label, team: smt, printers: ["file:labels/"] }
              - { name: FINZQASMX, mode: pass, stages: [assembly], team: finish }
              - { name: DSKZQASMX, mode: pass, stages: [assembly], team: desk }
              - { name: NONZQASMX, mode: pass, stages: [assembly] }
            """
        let shop = try await Shop(site: site, withDevices: true)
        func must(_ method: String, _ target: String, _ body: JSONValue? = nil) async throws {
            let answer = await shop.ask("ada", method, target, body)
            try #require(answer.status < 300, "\(method) \(target): \(answer.text)")
        }
        for (order, team, product) in [
            ("SMTZQWOX", "smt", "BRD"), ("SMTZQWO2X", "smt", "PAT"), ("FINZQWOX", "finish", "BRD"),
            ("DSKZQWOX", "desk", "BRD"),
        ] {
            try await must(
                "POST", "/v1/work-orders",
                ["number": .string(order), "product": .string(product), "quantity": 9, "team": .string(team)])
            try await must("POST", "/v1/work-orders/\(order)/release")
        }
        for (order, serials) in [
            ("SMTZQWOX", ["SMTZQ1X", "SMTZQ2X", "SMTZQSTOCKX", "SMTZQSOLDX", "SMTZQBADX"]),
            ("FINZQWOX", ["FINZQ1X", "FINZQSTOCKX"]), ("DSKZQWOX", ["DSKZQ1X", "DSKZQSOLDX"]),
        ] {
            try await must(
                "POST", "/v1/units",
                ["product": "BRD", "serials": .array(serials.map(JSONValue.string)), "work_order": .string(order)])
        }
        try await must(
            "POST", "/v1/units/receive",
            ["product": "BRD", "serials": ["NONZQX"], "supplier": "SUPPLIERZQX", "cost": 2, "note": "x"])
        try await must("POST", "/v1/products/BRD/adjustments", ["change": 7, "note": "counted"])
        try await shop.scan("SMTZQASMX", "SMTZQSTOCKX", "SMTZQSOLDX")
        try await shop.scan("FINZQASMX", "FINZQSTOCKX")
        try await shop.scan("DSKZQASMX", "DSKZQSOLDX")
        // Units of one team that come by at another's station and are refused there.
        try await shop.scan("FINZQASMX", "SMTZQSTOCKX")
        try await shop.scan("DSKZQASMX", "FINZQSTOCKX", "SMTZQSOLDX")
        try await shop.scan("SMTZQLBLX", "TRV:WO:SMTZQWO2X", "TRV:NEW")
        for (order, serial) in [("SMTZQSOX", "SMTZQSOLDX"), ("DSKZQSOX", "DSKZQSOLDX")] {
            try await must(
                "POST", "/v1/deliveries",
                ["order": .string(order), "customer": "BUYERZQX", "serials": [.string(serial)]])
        }
        for (order, serial) in [("SMTZQSOX", "SMTZQSOLDX"), ("DSKZQSOX", "DSKZQSOLDX")] {
            try await must(
                "POST", "/v1/returns",
                [
                    "order": .string(order), "kind": "return", "reason": "other", "expected": true,
                    "items": [["serial": .string(serial)]],
                ])
        }
        try await must("POST", "/v1/units/SMTZQBADX/defect", ["note": "SMTZQNOTEX"])
        try await must("POST", "/v1/units/SMTZQ1X/assign", ["to": "mia"])
        try await must("POST", "/v1/units/FINZQ1X/assign", ["to": "tom"])
        return shop
    }
}
