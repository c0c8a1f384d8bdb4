import ControlAPI
import ControlServer
import Testing

@Suite("What a request may not say", .serialized)
struct InputTests {
    @Test("a wrong body is refused with every field that is wrong")
    func bodies() async throws {
        let shop = try await Shop(site: Site.small)
        let wrong = await shop.ask(
            "ada", "POST", "/v1/work-orders",
            ["number": "1", "product": 5, "quantity": "two", "due": "2026-02-30", "colour": "red"])
        #expect(wrong.status == 400 && wrong.code == "invalid_argument")
        let detail = wrong["detail"]?.string ?? ""
        for part in [
            "there is no field `colour` here: expected one of `number`, `product`, `quantity`, `team`, `due`",
            "`product` is 5: expected 1 to 32 letters, digits, hyphens, underscores or dots",
            "`quantity` is \"two\": expected a whole number from 1 to 1,000,000", "`team` is missing: expected 1 to 32",
            "`due` is \"2026-02-30\": expected a day such as 2026-03-02",
        ] {
            #expect(detail.contains(part), "\(detail)")
        }
        #expect(
            wrong["errors"]?.array?.compactMap { $0["path"]?.string } == [
                "colour", "product", "quantity", "team", "due",
            ])
        #expect(await shop.ask("ada", "GET", "/v1/work-orders").items.isEmpty, "bad input changes nothing")
    }

    @Test("an amount with more decimals than are kept is refused")
    func amounts() async throws {
        let shop = try await Shop(site: Site.small)
        func receive(_ cost: JSONValue) async -> Answer {
            await shop.ask(
                "ada", "POST", "/v1/units/receive",
                ["product": "PCB-100", "serials": ["C-1"], "cost": cost, "note": "n"])
        }
        for cost in [1.23456, 0.00001, 1e-9, -1, 1_000_000_000.5] as [JSONValue] {
            let answer = await receive(cost)
            #expect(answer.status == 400, "\(cost)")
            #expect(answer["detail"]?.string?.contains("at most four decimals") == true, "\(answer.text)")
        }
        #expect(await receive(999_999_999.9999).status == 201)
        for (index, cost) in ([0, 0.1, 1.2346, 12.5, 1_000_000_000, 0.0003, 4.35] as [JSONValue]).enumerated() {
            let answer = await shop.ask(
                "ada", "POST", "/v1/units/receive",
                ["product": "PCB-100", "serials": [.string("D-\(index)")], "cost": cost, "note": "n"])
            #expect(answer.status == 201, "\(cost)")
        }
    }

    @Test("broken JSON is refused with its line and column")
    func brokenJSON() async throws {
        let shop = try await Shop(site: Site.small)
        let broken = await shop.ask(
            "ada", "POST", "/v1/work-orders", body: Array("{\"number\": \"1\",\n  \"product\" }".utf8))
        #expect(broken.status == 400 && broken.code == "invalid_argument")
        #expect(
            broken["errors"]?.array?.first?["line"] == 2 && broken["errors"]?.array?.first?["column"] == 13,
            "\(broken.text)")
        for body in ["[]", "null", "\"x\"", "7", "{\"number\":\"1\",\"number\":\"2\"}", "{} {}", "\u{FEFF}{}"] {
            let answer = await shop.ask("ada", "POST", "/v1/work-orders", body: Array(body.utf8))
            #expect(answer.status == 400 && answer.code == "invalid_argument", "\(body)")
        }
        let notText = await shop.ask("ada", "POST", "/v1/work-orders", body: [0x7B, 0x22, 0xFF, 0x22, 0x7D])
        #expect(notText.status == 400)
        let deep = await shop.ask("ada", "POST", "/v1/work-orders", body: Array(repeating: 0x5B, count: 100_000))
        #expect(deep.status == 400)
    }

    @Test("however long what was sent is, the answer is short")
    func echoes() async throws {
        let shop = try await Shop(site: Site.small)
        let long = String(repeating: "\u{1}k", count: 150_000)
        let name = String(repeating: "n", count: 15_000)
        for body: JSONValue in [
            [long: 1], ["product": .string(long)], ["product": "PCB-100", "serials": [.string(long)]],
            ["product": .string(String(repeating: "p", count: 2_000)), "serials": ["A"]],
            ["product": "PCB-100", "serials": .array((0..<9_000).map { .string("x \($0)") })],
        ] {
            let answer = await shop.ask("ada", "POST", "/v1/units", body)
            #expect(
                answer.status >= 400 && answer.bytes.count < 8_000, "\(answer.bytes.count): \(answer.text.prefix(500))")
        }
        for body in ["{\"\(long.dropFirst())\":1", "{\"\(name)\":1,\"\(name)\":2}", "[\(name)]"] {
            let answer = await shop.ask("ada", "POST", "/v1/units", body: Array(body.utf8))
            #expect(answer.status == 400 && answer.bytes.count < 4_000, "\(answer.text.prefix(500))")
        }
        for (method, target) in [
            ("GET", "/v1/\(name)"), ("GET", "/v1/units/\(name)"), ("GET", "/v1/units?\(name)=1"),
            ("GET", "/v1/units?product=\(name)"), ("GET", "/v1/units?limit=\(name)"),
            ("GET", "/v1/units?cursor=\(name)"),
            ("GET", "/v1/audit?kind=\(name)"), ("GET", "/v1/units?status=\(name)"), ("GET", "/v1/people/\(name)"),
            ("GET", "/v1/products?cursor=\(name)"), ("GET", "/v1/returns/\(name)"), ("GET", "/v1/customers/\(name)"),
            ("GET", "/v1/stations/\(name)"), ("GET", "/v1/work-orders/\(name)"), ("GET", "/v1/devices/pair/\(name)"),
            ("POST", "/v1/labels/\(name)/retry"), ("POST", "/v1/stations/\(name)/scans"), (name, "/v1/units"),
            ("POST", "/v1/devices/\(name)/unbind"), ("POST", "/v1/people/\(name)/grant"), ("GET", "/v1/\(name)/x"),
        ] {
            let answer = await shop.ask("ada", method, target)
            #expect(answer.bytes.count < 4_000, "\(method.prefix(20)) \(target.prefix(60)): \(answer.text.prefix(500))")
        }
        let denied = await shop.ask("eve", "GET", "/v1/\(name)")
        #expect(denied.status == 403 && denied.bytes.count < 1_000)
    }

    @Test("a body above 1 MiB is too large")
    func large() async throws {
        let shop = try await Shop(site: Site.small)
        for target in ["/v1/site", "/v1/site/plan", "/v1/units"] {
            let method = target == "/v1/site" ? "PUT" : "POST"
            let answer = await shop.ask("ada", method, target, body: Array(repeating: 0x20, count: (1 << 20) + 1))
            #expect(answer.status == 413 && answer.code == "too_large")
        }
        let denied = await shop.ask("eve", "PUT", "/v1/site", body: Array(repeating: 0x20, count: (1 << 20) + 1))
        #expect(denied.status == 403)
    }

    @Test("an unknown query parameter, one given twice, and a value that does not fit are refused")
    func query() async throws {
        let shop = try await Shop(site: Site.small)
        for (query, part) in [
            ("colour=red", "unknown query parameter colour; expected one of status, stage"),
            ("limit=0", "`limit` is 0: expected a whole number from 1 to 1,000"),
            ("limit=1001", "from 1 to 1,000"), ("limit=ten", "from 1 to 1,000"), ("limit=1&limit=2", "stands twice"),
            ("status=broken", "one of in_production, in_stock"), ("total=yes", "true or false"),
            ("order=updated", "one of serial, -serial"), ("mine=%zz", "two hexadecimal digits"),
            ("stage=%ff", "must be UTF-8"),
        ] {
            let answer = await shop.ask("ada", "GET", "/v1/units?\(query)")
            #expect(answer.status == 400 && answer.code == "invalid_argument", "\(query)")
            #expect(answer["detail"]?.string?.contains(part) == true, "\(query): \(answer.text)")
        }
        #expect(await shop.ask("ada", "GET", "/v1/whoami?verbose=1").status == 400)
        #expect(await shop.ask("ada", "GET", "/v1/audit?from=yesterday").status == 400)
        #expect(
            await shop.ask("ada", "GET", "/v1/audit?from=2026-03-02&to=2026-03-02").items.count == 1, "of the whole day"
        )
        #expect(await shop.ask("ada", "GET", "/v1/audit?from=2026-03-02T09:00:00%2B01:00").items.count == 1)
        #expect(
            await shop.ask("ada", "GET", "/v1/audit?to=2026-03-02T09:00:00+01:00").status == 400, "a plus is a space")
        #expect(await shop.ask("ada", "GET", "/v1/audit?kind=unit.pass").status == 400)
        #expect(await shop.ask("ada", "GET", "/v1/reports/yield?from=2020-01-01").status == 400, "too long a period")
    }

    @Test("unknown paths are not found, and known ones say which methods they take")
    func paths() async throws {
        let shop = try await Shop(site: Site.small)
        for path in [
            "", "/", "/v1", "/v1/", "/v2/status", "/v1/nothing", "/v1/units/", "/v1/units//history", "/v1/status/",
            "//v1/status", "/V1/status", "v1/status", "/v1/../v1/status", "/v1/units/x/nothing", "/v1/%2e%2e/status",
        ] {
            let answer = await shop.ask("ada", "GET", path)
            #expect(answer.status == 404 && answer.code == "not_found", "\(path): \(answer.text)")
        }
        #expect(await shop.ask("ada", "GET", "/v1/units/%zz").status == 400)
        #expect(await shop.ask("ada", "GET", "/v1/units/%C3%28").status == 400)
        let wrong = await shop.ask("ada", "DELETE", "/v1/units")
        #expect(wrong.status == 405 && wrong.code == "invalid_argument" && wrong["allowed"] == ["GET", "HEAD", "POST"])
        #expect(wrong.response.allowed == ["GET", "HEAD", "POST"])
        #expect(await shop.ask("ada", "HEAD", "/v1/units").status == 200)
        // Two routes lie here, one of which takes the word for a name.
        let doubly = await shop.ask("ada", "PUT", "/v1/defects/cards")
        #expect(doubly["allowed"] == ["GET", "HEAD", "PATCH"], "\(doubly.text)")
    }

    @Test(
        "hostile serials are data, wherever they stand",
        arguments: [
            "A/B", "..", ".", "%2F", "a%00b", "^XZ~JA", "'; DROP TABLE unit; --", "receive", "TRV:", "<b>&amp;",
            "\u{E9}",
        ])
    func hostileSerials(_ serial: String) async throws {
        let shop = try await Shop(site: Site.small)
        let isValid = serial != "TRV:" && !serial.contains(" ") && serial != "\u{E9}"
        let made = await shop.ask(
            "ada", "POST", "/v1/units/receive", ["product": "PCB-100", "serials": [.string(serial)], "note": "x"])
        #expect(made.status == (isValid ? 201 : 400), "\(made.text)")
        let path = "/v1/units/" + percentEncoded(serial)
        let unit = await shop.ask("ada", "GET", path)
        #expect(unit.status == (isValid ? 200 : 404), "\(unit.text)")
        if isValid {
            #expect(unit["serial"] == .string(serial))
            #expect(await shop.ask("ada", "GET", path + "/history").items.count == 1)
            #expect(await shop.ask("ada", "POST", path + "/hold", ["note": "x"])["on_hold"] == true)
        } else {
            #expect(await shop.ask("ada", "POST", path + "/hold", ["note": "x"]).status == 404)
        }
        #expect(await shop.ask("mia", "GET", path).status == 404)
    }

    @Test("a serial with a control character is not found, and is not sent back raw")
    func controlCharacters() async throws {
        let shop = try await Shop(site: Site.small)
        for path in ["%00", "%1B%5B31m", "%0A", "%E2%80%AE", "%C2%9B"] {
            let answer = await shop.ask("ada", "GET", "/v1/units/\(path)")
            #expect(answer.status == 404)
            #expect(answer.text.unicodeScalars.allSatisfy { !$0.isUnsafeToShow }, "\(path)")
        }
    }

    @Test("a scan of nothing is a mistake, and one that never ends is a broken frame")
    func scans() async throws {
        let shop = try await Shop(site: Site.small)
        #expect(await shop.ask("mia", "POST", "/v1/stations/ASSY-1/scans", ["code": ""]).status == 400)
        #expect(await shop.ask("mia", "POST", "/v1/stations/ASSY-1/scans").status == 400)
        let long = await shop.ask(
            "mia", "POST", "/v1/stations/ASSY-1/scans", ["code": .string(String(repeating: "x", count: 513))])
        #expect(long.status == 200 && long["reason"] == "broken_scan", "\(long.text)")
        let odd = await shop.ask("mia", "POST", "/v1/stations/ASSY-1/scans", ["code": "\u{0}\n\u{1B}[2J\u{202E}"])
        #expect(odd.status == 200 && odd["result"] == "refused")
        #expect(odd.text.unicodeScalars.allSatisfy { !$0.isUnsafeToShow })
        for answer in [long, odd] { #expect(answer.json.jsonBytes == answer.bytes, "keys in order, nothing twice") }
    }

    @Test("a wrong site file is refused with the places that are wrong, and changes nothing")
    func site() async throws {
        let shop = try await Shop(site: Site.small)
        let wrong = Site.small.replacing("routing: board", with: "routing: bord").replacing(
            "role: admin", with: "role: boss")
        for (method, path) in [("PUT", "/v1/site"), ("POST", "/v1/site/plan")] {
            let answer = await shop.ask("ada", method, path, body: Array(wrong.utf8))
            #expect(answer.status == 400 && answer.code == "invalid_argument")
            #expect(answer["errors"]?.array?.compactMap { $0["line"]?.int } == [9, 33], "\(answer.text)")
        }
        let notText = await shop.ask("ada", "PUT", "/v1/site", body: [0xFF, 0xFE])
        #expect(notText.status == 400)
        #expect(await shop.ask("ada", "PUT", "/v1/site", body: Array(" \n".utf8)).status == 400, "a forgotten file")
        let plan = await shop.ask("ada", "POST", "/v1/site/plan", body: Array(Site.small.utf8))
        #expect(plan["unchanged"] == true)
    }
}

/// A text as a part of an address, each byte encoded.
func percentEncoded(_ text: String) -> String {
    text.utf8.reduce(into: "") { result, byte in
        result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
