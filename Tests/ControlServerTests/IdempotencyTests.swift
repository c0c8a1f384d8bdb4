import ControlAPI
import Testing

@Suite("The same change asked for twice", .serialized)
struct IdempotencyTests {
    @Test("the same key gets the same answer and does nothing twice")
    func sameKey() async throws {
        let shop = try await Shop(site: Site.small)
        let body: JSONValue = ["change": 5, "note": "counted"]
        let target = "/v1/products/RES-10K/adjustments"
        let first = await shop.ask("ada", "POST", target, body, key: "k-1")
        #expect(first.status == 201 && first["in_stock"] == 5)
        _ = await shop.ask("ada", "POST", target, ["change": 1, "note": "counted"])
        let second = await shop.ask("ada", "POST", target, body, key: "k-1")
        #expect(second.status == 201 && second.bytes == first.bytes, "as before, whatever happened since")
        #expect(await shop.ask("ada", "GET", "/v1/products/RES-10K")["in_stock"] == 6)
    }

    @Test("another body with the same key is a conflict; another caller or route is another change")
    func otherRequests() async throws {
        let shop = try await Shop(site: Site.small)
        let body: JSONValue = ["change": 5, "note": "counted"]
        _ = await shop.ask("ada", "POST", "/v1/products/RES-10K/adjustments", body, key: "k")
        let other = await shop.ask(
            "ada", "POST", "/v1/products/RES-10K/adjustments", ["change": 6, "note": "x"], key: "k")
        #expect(other.status == 409 && other.code == "conflict")
        _ = await shop.ask("root", "POST", "/v1/products/RES-10K/adjustments", body, key: "k")
        _ = await shop.ask("ada", "POST", "/v1/products/PCB-100/adjustments", body, key: "k")
        #expect(await shop.ask("ada", "GET", "/v1/products/RES-10K")["in_stock"] == 10)
        #expect(await shop.ask("ada", "GET", "/v1/products/PCB-100")["in_stock"] == 5)
    }

    @Test("the same path is the same route, however it is written, and the same query is the same request")
    func spellings() async throws {
        let shop = try await Shop(site: Site.small)
        let body: JSONValue = ["change": 5, "note": "counted"]
        for path in ["RES-10K", "RES%2D10K", "%52%45S-10K", "RES%2d10K"] {
            let answer = await shop.ask("ada", "POST", "/v1/products/\(path)/adjustments", body, key: "k")
            #expect(answer.status == 201 && answer["in_stock"] == 5, "\(path): \(answer.text)")
        }
        #expect(await shop.ask("ada", "GET", "/v1/products/RES-10K")["in_stock"] == 5)
        // A slash within a name is none between two.
        for name in ["A/hold", "A"] {
            _ = await shop.ask(
                "ada", "POST", "/v1/units/receive", ["product": "PCB-100", "serials": [.string(name)], "note": "x"])
        }
        let odd = await shop.ask("ada", "POST", "/v1/units/A%2Fhold/hold", ["note": "x"], key: "h")
        #expect(odd.status == 200 && odd["serial"] == "A/hold")
        #expect(await shop.ask("ada", "POST", "/v1/units/A/hold", ["note": "x"], key: "h")["serial"] == "A")
    }

    @Test("rights are checked before a stored answer is given")
    func rightsFirst() async throws {
        let shop = try await Shop(site: Site.small)
        _ = await shop.ask(
            "ada", "POST", "/v1/work-orders", ["number": "7", "product": "PCB-100", "quantity": 5, "team": "smt"])
        _ = await shop.ask("ada", "POST", "/v1/work-orders/7/release")
        _ = await shop.ask("ada", "POST", "/v1/units", ["product": "PCB-100", "serials": ["U1"], "work_order": "7"])
        #expect(await shop.ask("lena", "POST", "/v1/units/U1/hold", ["note": "x"], key: "k")["on_hold"] == true)
        #expect(await shop.ask("lena", "POST", "/v1/units/U1/hold", ["note": "x"], key: "k").status == 200)

        _ = await shop.ask("ada", "PATCH", "/v1/teams/smt", ["lead": .null])
        let moved = await shop.ask("ada", "PATCH", "/v1/people/lena", ["team": "finish"])
        #expect(moved.status == 200, "\(moved.text)")
        #expect(await shop.ask("lena", "POST", "/v1/units/U1/hold", ["note": "x"], key: "k").status == 404)
        _ = await shop.ask("ada", "PATCH", "/v1/people/lena", ["role": "member"])
        #expect(await shop.ask("lena", "POST", "/v1/units/U1/hold", ["note": "x"], key: "k").status == 403)
    }

    @Test("a scan with a key counts once")
    func scans() async throws {
        let shop = try await Shop(site: Site.small)
        _ = await shop.ask(
            "ada", "POST", "/v1/work-orders", ["number": "7", "product": "PCB-100", "quantity": 5, "team": "smt"])
        _ = await shop.ask("ada", "POST", "/v1/work-orders/7/release")
        _ = await shop.ask("ada", "POST", "/v1/units", ["product": "PCB-100", "serials": ["U1"], "work_order": "7"])
        let first = await shop.ask("mia", "POST", "/v1/stations/ASSY-1/scans", ["code": "U1"], key: "s")
        #expect(first["result"] == "accepted")
        let second = await shop.ask("mia", "POST", "/v1/stations/ASSY-1/scans", ["code": "U1"], key: "s")
        #expect(second.status == 200 && second.bytes == first.bytes)
        #expect(await shop.ask("tom", "POST", "/v1/stations/ASSY-1/scans", ["code": "U1"], key: "s").status == 404)
    }

    @Test("a refused change is not stored: it may go through the next time", arguments: ["", " ", "a b", "\u{E9}"])
    func keys(_ wrong: String) async throws {
        let shop = try await Shop(site: Site.small)
        let less = JSONValue(dictionaryLiteral: ("change", -5), ("note", "x"))
        #expect(await shop.ask("ada", "POST", "/v1/products/RES-10K/adjustments", less, key: "k").status == 409)
        _ = await shop.ask("ada", "POST", "/v1/products/RES-10K/adjustments", ["change": 5, "note": "x"])
        #expect(await shop.ask("ada", "POST", "/v1/products/RES-10K/adjustments", less, key: "k").status == 201)
        #expect(await shop.ask("ada", "POST", "/v1/products/RES-10K/adjustments", less, key: wrong).status == 400)
    }
}
