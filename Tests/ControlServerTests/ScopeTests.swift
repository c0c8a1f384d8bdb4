import ControlAPI
import Testing

@Suite("What lies outside a caller's scope does not exist for them", .serialized)
struct ScopeTests {
    /// A caller, and everything with a mark that they may come to see.
    struct Sight: Sendable, CustomTestStringConvertible {
        var login: String
        /// May stand in any answer.
        var names: [String]
        /// May stand in events beside that: what lay within the scope at that time.
        var past: [String] = []
        /// Counts on the card of the product `BRD`.
        var card: [String: Int]
        var testDescription: String { login }
    }

    static let sights: [Sight] =
        [
            Sight(
                login: "dora", names: Marked.smt + Marked.finish + ["SUPPLIERZQX", "BUYERZQX"],
                card: ["in_production": 3, "in_stock": 9, "delivered": 1, "defect": 1, "total": 7]),
            Sight(
                login: "sam", names: Marked.desk + ["SUPPLIERZQX", "BUYERZQX"],
                card: ["in_production": 1, "in_stock": 7, "delivered": 1, "total": 2]),
            Sight(login: "mo", names: ["SUPPLIERZQX"], card: ["in_stock": 7]),
            Sight(
                login: "lena", names: Marked.smt + ["SUPPLIERZQX", "BUYERZQX"],
                card: ["in_production": 2, "in_stock": 8, "delivered": 1, "defect": 1, "total": 5]),
            Sight(
                login: "luis", names: Marked.finish + ["SUPPLIERZQX"],
                card: ["in_production": 1, "in_stock": 8, "total": 2]),
            Sight(
                login: "mia", names: ["SMTZQ1X", "SMTZQWOX", "SMTZQASMX", "SMTZQLBLX"],
                card: ["in_production": 1, "total": 1]),
            Sight(login: "tom", names: ["FINZQ1X", "FINZQWOX", "FINZQASMX"], card: ["in_production": 1, "total": 1]),
        ]
        + Marked.grants.map { grant in
            let login = Marked.login(withGrant: grant)
            switch grant {
            case "deliver":
                return Sight(
                    login: login,
                    names: [
                        "DSKZQASMX", "SMTZQSTOCKX", "SMTZQWOX", "FINZQSTOCKX", "FINZQWOX", "NONZQX",
                    ],
                    past: ["SMTZQSOLDX", "DSKZQSOLDX", "DSKZQWOX", "SMTZQASMX", "FINZQASMX"],
                    card: ["in_stock": 3, "total": 3])
            case "returns:manage", "returns:inspect":
                return Sight(
                    login: login,
                    names: [
                        "DSKZQASMX", "SMTZQSOLDX", "SMTZQWOX", "DSKZQSOLDX", "DSKZQWOX", "SMTZQSOX", "DSKZQSOX",
                        "BUYERZQX",
                    ],
                    past: ["SMTZQASMX"], card: ["delivered": 2, "total": 2])
            case "stock:adjust":
                return Sight(login: login, names: ["DSKZQASMX"], card: ["in_stock": 7])
            default: return Sight(login: login, names: ["DSKZQASMX"], card: [:])
            }
        }

    static let queries = [
        "/v1/status", "/v1/whoami", "/v1/products", "/v1/products?search=b&total=true", "/v1/products?view=available",
        "/v1/products/BRD", "/v1/products/PAT", "/v1/units", "/v1/units?total=true&limit=1",
        "/v1/units?status=in_stock",
        "/v1/units?status=in_production", "/v1/units?status=delivered", "/v1/units?status=defect",
        "/v1/units?stage=assembly",
        "/v1/units?product=BRD&order=-serial", "/v1/units?work_order=SMTZQWOX", "/v1/units?team=smt",
        "/v1/units?team=desk",
        "/v1/units?mine=true", "/v1/work-orders", "/v1/work-orders?team=smt", "/v1/work-orders?product=BRD",
        "/v1/stations",
        "/v1/labels", "/v1/labels?status=queued", "/v1/inventory-log", "/v1/inventory-log?product=BRD&order=event",
        "/v1/inventory-log?action=delivery", "/v1/deliveries", "/v1/deliveries?status=closed",
        "/v1/deliveries?order=SMTZQSOX",
        "/v1/defect-types", "/v1/suppliers", "/v1/departments", "/v1/teams", "/v1/people", "/v1/audit",
        "/v1/audit?kind=unit",
        "/v1/audit?actor=ada", "/v1/audit?kind=label", "/v1/scans", "/v1/scans?result=refused",
        "/v1/scans?station=FINZQASMX",
        "/v1/returns", "/v1/returns?order=SMTZQSOX", "/v1/returns?customer=BUYERZQX&total=true",
        "/v1/returns?status=created", "/v1/returns?serial=SMTZQSOLDX", "/v1/repacking?status=expected",
        "/v1/repacking?order=SMTZQSOX", "/v1/qc-tasks", "/v1/customers", "/v1/customers?total=true",
        "/v1/reports/returns", "/v1/reports/returns?by=customer", "/v1/webhooks",
        "/v1/reports/wip", "/v1/reports/yield", "/v1/reports/throughput", "/v1/metrics", "/v1/site",
    ]

    /// What each kind of thing is asked for by, one by one.
    static let things: [(path: String, names: [String])] = [
        ("/v1/units/{}", Marked.names + ["NONE"]), ("/v1/units/{}/history", Marked.names + ["NONE"]),
        ("/v1/units/{}/label", Marked.names + ["NONE"]), ("/v1/work-orders/{}", Marked.names + ["NONE"]),
        ("/v1/stations/{}", Marked.names + ["NONE"]), ("/v1/labels/{}", (1...60).map(String.init)),
        ("/v1/deliveries/{}", (1...60).map(String.init)), ("/v1/returns/{}", (1...60).map(String.init)),
        ("/v1/repacking/{}", (1...60).map(String.init)), ("/v1/customers/{}", Marked.names + ["NONE"]),
    ]

    @Test("no list, count, search, log or report shows it", arguments: sights)
    func lists(_ sight: Sight) async throws {
        let shop = try await Marked.shop()
        for query in Self.queries {
            let answer = await shop.ask(sight.login, "GET", query)
            let isLog = query.contains("inventory-log") || query.contains("audit") || query.contains("scans")
            expectNoMark(in: answer.text, but: sight.names + (isLog ? sight.past : []), "\(query) as \(sight.login)")
        }
        let card = await shop.ask(sight.login, "GET", "/v1/products/BRD")
        for status in ["in_production", "in_stock", "delivered", "defect", "returned", "total"] {
            #expect(card[status]?.int == sight.card[status, default: 0], "\(status) as \(sight.login): \(card.text)")
        }
        let seesBalances = ["g-stock-adjust", "dora", "sam", "mo", "lena", "luis"].contains(sight.login)
        #expect((card["unserialised"] != nil) == seesBalances && (card["low_stock"] != nil) == seesBalances)
        #expect(await shop.ask(sight.login, "GET", "/v1/products?low_stock=true").status == (seesBalances ? 200 : 403))
        let units = await shop.ask(sight.login, "GET", "/v1/units?total=true&limit=1000")
        #expect(units["total"]?.int == units.items.count, "\(sight.login)")
        let counted = (sight.card["total"] ?? 0)
        #expect(units.items.count == counted, "\(sight.login): \(units.text)")
    }

    @Test("asking for it by name answers as if it were not there", arguments: sights)
    func byName(_ sight: Sight) async throws {
        let shop = try await Marked.shop()
        for (path, names) in Self.things {
            for name in names {
                let target = path.replacing("{}", with: name)
                let answer = await shop.ask(sight.login, "GET", target)
                if answer.status == 200 {
                    let past = path.hasSuffix("history") ? sight.past : []
                    expectNoMark(in: answer.text, but: sight.names + past, "\(target) as \(sight.login)")
                } else {
                    #expect(answer.status == 404 || answer.status == 403, "\(target) as \(sight.login)")
                    expectNoMark(in: answer.text, but: [name], "\(target) as \(sight.login)")
                    guard answer.status == 404 else { continue }
                    let none = await shop.ask(sight.login, "GET", path.replacing("{}", with: "NONE"))
                    #expect(
                        answer["detail"]?.string?.replacing(name, with: "NONE") == none["detail"]?.string,
                        "\(target) as \(sight.login)")
                }
            }
        }
    }

    @Test("nothing can be done to it, and trying tells nothing", arguments: sights)
    func changes(_ sight: Sight) async throws {
        let shop = try await Marked.shop()
        let before = await shop.ask("ada", "GET", "/v1/units?limit=1000").text
        let outside = ["SMTZQ1X", "SMTZQSTOCKX", "FINZQ1X", "FINZQSTOCKX", "DSKZQ1X", "NONZQX", "NONE"]
            .filter { !sight.names.contains($0) }
        for (path, body) in [
            ("/v1/units/{}/hold", ["note": "x"]), ("/v1/units/{}/release", ["note": "x"]),
            ("/v1/units/{}/assign", ["to": .null]), ("/v1/units/{}/defect", ["note": "x"]),
            ("/v1/units/{}/write-off", ["reason": "lost", "note": "x"]),
            ("/v1/labels", ["serial": "{}", "station": "DSKZQASMX"]),
            ("/v1/deliveries", ["order": "SO-1", "serials": ["{}"]]),
        ] as [(String, JSONValue)] {
            for name in outside {
                let filled = body.json.replacing("{}", with: name)
                let answer = await shop.ask(
                    sight.login, "POST", path.replacing("{}", with: name), body: Array(filled.utf8))
                #expect(
                    answer.status == 404 || answer.status == 403, "\(path) \(name) as \(sight.login): \(answer.text)")
                expectNoMark(in: answer.text, but: [name], "\(path) as \(sight.login)")
            }
        }
        #expect(await shop.ask("ada", "GET", "/v1/units?limit=1000").text == before)
    }

    @Test("the stream of events keeps it back", arguments: sights)
    func events(_ sight: Sight) async throws {
        let shop = try await Marked.shop()
        // The last event is one that the caller sees, so that the stream is known to have come to its end.
        let teams = ["dora": "smt", "sam": "desk", "mo": "mill", "lena": "smt", "luis": "finish"]
        if let team = teams[sight.login] {
            let order: JSONValue = ["number": "END", "product": "BRD", "quantity": 1, "team": .string(team)]
            try #require(await shop.ask("ada", "POST", "/v1/work-orders", order).status == 201)
        } else {
            _ = await shop.ask("ada", "POST", "/v1/units/receive", ["product": "BRD", "serials": ["END"], "note": "x"])
            let given = await shop.ask("ada", "POST", "/v1/units/END/assign", ["to": .string(sight.login)])
            try #require(given.status == 200)
        }
        func isLast(_ event: StreamedEvent) -> Bool {
            event.data["work_order"] == "END" || event.data["kind"] == "unit.assigned" && event.data["unit"] == "END"
        }
        let every = try await shop.events("ada", "/v1/events", lastEvent: "0", until: isLast)
        let seen = try await shop.events(sight.login, "/v1/events", lastEvent: "0", until: isLast)
        #expect(every.count > 30 && seen.count < every.count)
        for event in seen {
            expectNoMark(in: event.text, but: sight.names + sight.past, "\(event.name) as \(sight.login)")
        }
        #expect(seen.map(\.id) == seen.map(\.id).sorted())
        #expect(Set(seen.map(\.id)).isSubset(of: every.map(\.id)))
    }

}

/// Records each mark in a text that is none of these names.
func expectNoMark(in text: String, but names: [String], _ what: String) {
    // Most texts have none at all.
    guard text.contains("ZQ") else { return }
    // What may be seen is taken out first: a longer name can hold a shorter one.
    var rest = text
    for name in names.sorted(by: { $0.count > $1.count }) { rest.replace(name, with: "") }
    for name in Marked.names where rest.contains(name) { Issue.record("\(what): \(name) in \(text.prefix(600))") }
}
