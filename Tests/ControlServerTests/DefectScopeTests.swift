import ControlAPI
import Testing

/// The marked plant with defects of every team on its desk: what is written on a case carries its team's mark.
@Suite("What the defect desk shows, and to whom", .serialized)
struct DefectScopeTests {
    /// A caller, and what they may come to see.
    struct Sight: Sendable, CustomTestStringConvertible {
        var login: String
        /// How names begin that may stand in any answer.
        var marks: [String] = []
        /// Cases within the scope, by the first letters of their mark.
        var cases: [String] = []
        /// Whether the worklist is theirs to ask for.
        var mayList = true
        /// Whether reports are.
        var mayReport = true
        var testDescription: String { login }
    }

    static let purchase = ["SUPPLIERZQ", "RMAZQ"]
    static let sights: [Sight] =
        [
            Sight(login: "dora", marks: ["SMTZQ", "FINZQ"] + purchase, cases: ["SMT", "SC2", "FIN"]),
            Sight(login: "sam", marks: ["DSKZQ"] + purchase, cases: ["DSK"]), Sight(login: "mo", marks: purchase),
            Sight(login: "lena", marks: ["SMTZQ"] + purchase, cases: ["SMT", "SC2"]),
            Sight(login: "luis", marks: ["FINZQ"] + purchase, cases: ["FIN"]),
            Sight(login: "mia", mayList: false, mayReport: false),
        ]
        + Marked.grants.map { grant in
            let login = Marked.login(withGrant: grant)
            return switch grant {
            // What is in their hands, and of that nothing about the supplier.
            case "defects:mark": Sight(login: login, marks: ["DSKZQ"], cases: ["DSK"], mayReport: false)
            case "defects:manage": Sight(login: login, mayReport: false)
            default: Sight(login: login, mayList: false, mayReport: false)
            }
        }

    static let queries = [
        "/v1/defects", "/v1/defects?total=true&limit=1", "/v1/defects?order=product", "/v1/defects?order=-supplier",
        "/v1/defects?search=ZQ", "/v1/defects?supplier=SUPPLIERZQX", "/v1/defects?group=with_supplier",
        "/v1/defects?status=resolved", "/v1/defects?awaiting=true", "/v1/defects?location=SMTZQLOCX",
        "/v1/defects?serial=SMTZQBADX", "/v1/defects?product=BRD&source=production", "/v1/defects/cards",
        "/v1/defects/cards?search=ZQ", "/v1/repairs", "/v1/write-offs", "/v1/write-offs?source=defect",
        "/v1/supplier-returns", "/v1/supplier-returns?supplier=SUPPLIERZQX", "/v1/spare-parts",
        "/v1/reports/spare-parts",
        "/v1/reports/write-offs?by=product", "/v1/reports/write-offs?by=source", "/v1/reports/defects?by=product",
        "/v1/reports/defects?by=type", "/v1/reports/defects?by=location", "/v1/reports/defects?by=status",
        "/v1/reports/defects?by=supplier", "/v1/audit?kind=defect", "/v1/audit?kind=supplier_return",
        "/v1/audit?kind=stock",
    ]

    /// The shop, and the ids of its cases by the first letters of their mark.
    private func desk() async throws -> (Shop, [String: String]) {
        let shop = try await Marked.shop()
        func must(_ method: String, _ target: String, _ body: JSONValue) async throws -> Answer {
            let answer = await shop.ask("ada", method, target, body)
            try #require(answer.status < 300, "\(method) \(target): \(answer.text)")
            return answer
        }
        func open(_ body: JSONValue) async throws -> String {
            try #require(try await must("POST", "/v1/defects", body)["id"]?.string)
        }
        _ = try await must("POST", "/v1/defect-types", ["code": "DEAD", "name": "Dead"])
        var ids: [String: String] = [:]
        let smt = try #require(await shop.ask("ada", "GET", "/v1/defects?serial=SMTZQBADX").items.first?["id"]?.string)
        _ = try await must("PATCH", "/v1/defects/\(smt)", ["note": "SMTZQNOTEX", "location": "SMTZQLOCX"])
        ids["SMT"] = smt
        ids["FIN"] = try await open(["serials": ["FINZQ1X"], "reason": "FINZQREASONX", "note": "FINZQNOTEX"])
        ids["DSK"] = try await open([
            "serials": ["DSKZQ1X"], "types": [["type": "DEAD", "note": "DSKZQTYPEX"]], "note": "DSKZQNOTEX",
        ])
        ids["NON"] = try await open(["serials": ["NONZQX"], "reason": "NONZQREASONX", "note": "NONZQNOTEX"])
        ids["GDS"] = try await open(["product": "BRD", "quantity": 3, "reason": "GDSZQX", "note": "GDSZQNOTEX"])
        _ = try await must(
            "POST", "/v1/units/SMTZQ2X/defect", ["disposition": "scrap", "type": "DEAD", "note": "SMTZQSCRAPX"])
        ids["SC2"] = try #require(await shop.ask("ada", "GET", "/v1/defects?serial=SMTZQ2X").items.first?["id"]?.string)
        let finish = try #require(ids["FIN"])
        _ = try await must("POST", "/v1/defects/\(finish)/inspect", ["repairable": 1, "non_repairable": 0])
        _ = try await must("POST", "/v1/defects/\(finish)/repair", ["to": "assembly", "note": "FINZQREPAIRX"])
        let sent = ["SMT", "DSK", "NON", "GDS"].compactMap { ids[$0].map(JSONValue.string) }
        _ = try await must(
            "POST", "/v1/defects/route",
            ["cases": .array(sent), "supplier": "SUPPLIERZQX", "rma": "RMAZQX", "note": "by hand"])
        _ = try await must("POST", "/v1/units/DSKZQ1X/assign", ["to": "g-defects-mark"])
        // The credit is for the case of one team.
        _ = try await must("POST", "/v1/defects/\(smt)/resolve", ["note": "SMTZQCREDITX", "credit": 45])
        return (shop, ids)
    }

    @Test("no list, count, statistic or log shows more", arguments: sights)
    func lists(_ sight: Sight) async throws {
        let (shop, ids) = try await desk()
        for query in Self.queries {
            let answer = await shop.ask(sight.login, "GET", query)
            #expect(answer.status == 200 || answer.status == 403, "\(query) as \(sight.login): \(answer.text)")
            expectOnlyMarks(sight.marks, in: answer.text, "\(query) as \(sight.login)")
        }
        let worklist = await shop.ask(sight.login, "GET", "/v1/defects?total=true&limit=1000")
        #expect(worklist.status == (sight.mayList ? 200 : 403), "\(sight.login)")
        let report = await shop.ask(sight.login, "GET", "/v1/reports/defects?by=supplier")
        #expect(report.status == (sight.mayReport ? 200 : 403), "\(sight.login)")
        if sight.mayList {
            let expected = Set(sight.cases.compactMap { ids[$0] })
            #expect(Set(worklist.items.compactMap { $0["id"]?.string }) == expected, "\(sight.login)")
            #expect(worklist["total"]?.int == expected.count, "\(sight.login)")
            let cards = await shop.ask(sight.login, "GET", "/v1/defects/cards")
            #expect(cards.json.at("total", "cases") == .int(expected.count), "\(sight.login)")
            let counters = await shop.ask(sight.login, "GET", "/v1/products/BRD")
            #expect(counters.json.at("defect_counters", "found") ?? 0 == .int(expected.count), "\(sight.login)")
        }
        if sight.mayReport {
            #expect(report.json.at("totals", "cases") == .int(sight.cases.count), "\(sight.login)")
            #expect((report.json.at("totals", "credit")?.double ?? 0) == (sight.cases.contains("SMT") ? 45 : 0))
        }
    }

    @Test("a case outside of the scope is not there, whatever is tried", arguments: sights)
    func cases(_ sight: Sight) async throws {
        let (shop, ids) = try await desk()
        let before = await shop.ask("ada", "GET", "/v1/defects?limit=1000").text
        let seen = Set(sight.cases.compactMap { ids[$0] })
        for id in ids.values {
            for path in ["/v1/defects/\(id)", "/v1/defects/\(id)/history"] {
                let answer = await shop.ask(sight.login, "GET", path)
                #expect(answer.status == (!sight.mayList ? 403 : seen.contains(id) ? 200 : 404), "\(path) \(sight)")
                expectOnlyMarks(sight.marks, in: answer.text, "\(path) as \(sight.login)")
                guard answer.status == 404 else { continue }
                let none = await shop.ask(sight.login, "GET", path.replacing(id, with: "999999"))
                #expect(
                    answer["detail"]?.string?.replacing(id, with: "")
                        == none["detail"]?.string?.replacing(
                            "999999", with: ""))
            }
            guard !seen.contains(id) else { continue }
            for (path, body) in [
                ("inspect", ["repairable": 1, "non_repairable": 0]), ("repair", ["to": "stock", "note": "x"]),
                ("write-off", ["reason": "lost", "note": "x"]), ("supplier-repair", ["note": "x"]),
                ("revert", ["confirm": true, "note": "x"]), ("resolve", ["note": "x"]),
            ] as [(String, JSONValue)] {
                for key in [nil, "k-\(path)-\(id)"] {
                    let answer = await shop.ask(sight.login, "POST", "/v1/defects/\(id)/\(path)", body, key: key)
                    #expect(answer.status == 404 || answer.status == 403, "\(path) as \(sight.login): \(answer.text)")
                    expectOnlyMarks([], in: answer.text, "\(path) as \(sight.login)")
                }
            }
            let route: JSONValue = ["cases": [.string(id)], "supplier": "SUPPLIERZQX", "rma": "R", "note": "x"]
            let answer = await shop.ask(sight.login, "POST", "/v1/defects/route", route)
            #expect(answer.status == 404 || answer.status == 403, "route as \(sight.login): \(answer.text)")
            expectOnlyMarks([], in: answer.text, "route as \(sight.login)")
        }
        #expect(await shop.ask("ada", "GET", "/v1/defects?limit=1000").text == before)
    }

    @Test("a case over several teams is seen by who leads all of them")
    func severalTeams() async throws {
        let shop = try await Marked.shop()
        let opened = await shop.ask(
            "ada", "POST", "/v1/defects",
            ["serials": ["SMTZQ2X", "FINZQSTOCKX"], "reason": "from one box", "note": "wet"])
        let id = try #require(opened["id"]?.string, "\(opened.text)")
        for (login, isSeen) in [("ada", true), ("dora", true), ("lena", false), ("luis", false), ("sam", false)] {
            #expect(await shop.ask(login, "GET", "/v1/defects/\(id)").status == (isSeen ? 200 : 404), "\(login)")
            let found = await shop.ask(login, "GET", "/v1/defects?search=box").items.count
            #expect(found == (isSeen ? 1 : 0), "\(login)")
            let report = await shop.ask(login, "GET", "/v1/reports/defects?by=location")
            let others = ["dora": 1, "lena": 1, "ada": 1][login] ?? 0
            #expect(report.json.at("totals", "cases")?.int == others + (isSeen ? 1 : 0), "\(login)")
        }
        _ = await shop.ask("ada", "PATCH", "/v1/people/dora", ["grants": ["defects:manage"]])
        let inspected = await shop.ask(
            "dora", "POST", "/v1/defects/\(id)/inspect", ["repairable": 2, "non_repairable": 0])
        #expect(inspected.status == 200, "\(inspected.text)")
    }

    /// Every marked name in the text begins with one of the marks.
    private func expectOnlyMarks(_ marks: [String], in text: String, _ what: String) {
        for word in text.split(whereSeparator: { !$0.isLetter && !$0.isNumber }) where word.contains("ZQ") {
            let isSeen = marks.contains { word.hasPrefix($0) }
            if !isSeen { Issue.record("\(what): \(word) in \(text.prefix(400))") }
        }
    }
}

extension JSONValue {
    fileprivate func at(_ first: String, _ second: String) -> JSONValue? { self[first]?[second] }
}
