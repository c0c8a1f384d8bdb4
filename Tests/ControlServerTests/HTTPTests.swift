import ControlAPI
import NIOCore
import Testing

@testable import ControlServer

/// What a client of HTTP/1.1 may do, and what it meets where it does something else.
@Suite("HTTP", .serialized, .timeLimit(.minutes(3)))
struct HTTPTests {
    /// Short limits, so that a test need not wait for the daemon's own.
    private var quick: HTTPLimits {
        var limits = HTTPLimits()
        (limits.head, limits.body, limits.stall) = (.milliseconds(200), .milliseconds(200), .milliseconds(200))
        limits.linger = .milliseconds(200)
        return limits
    }

    @Test("HEAD is answered as GET is, without its body, on every route that can be read")
    func headOfEveryRoute() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            for route in Control.table.routes where route.method == .get {
                let target = route.template.replacing("{code}", with: "PCB-100").replacing("{name}", with: "ASSY-1")
                    .replacing("{login}", with: "mia").replacing("{", with: "").replacing("}", with: "")
                let client = try Client(path)
                // What follows shows that nothing came behind the head.
                try client.send("HEAD \(target) HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n")
                let head = try await client.answer(hasBody: false)
                let next = try await client.answer()
                #expect(next.status == 200 && next.text.contains("\"uid\""), "\(target): \(next.head)")
                if case .events = route.output {
                    #expect(head.status == 200 && head.head.contains("text/event-stream"), "\(target): \(head.head)")
                    continue
                }
                let whole = try await Client(path).ask("GET", target)
                #expect(head.status == whole.status, "\(target)")
                func fields(_ answer: Client.Answer) -> [Substring] {
                    // The time that the daemon has been up is longer the second time.
                    answer.head.split(separator: "\r\n").filter { !$0.hasPrefix("Content-Length") }
                }
                #expect(fields(head) == fields(whole), "\(target)")
                #expect(head.head.contains("Content-Length: ") == whole.head.contains("Content-Length: "), "\(target)")
            }
            let missing = try Client(path)
            try missing.send("HEAD /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await missing.answer(hasBody: false).status == 404)
        }
    }

    @Test("HTTP/1.0 is closed after the answer unless it asks otherwise, and gets no chunks")
    func http10() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            let plain = try Client(path)
            try plain.send("GET /v1/whoami HTTP/1.0\r\n\r\n")
            let answer = try await plain.readToEnd()
            #expect(
                answer.contains("\r\nConnection: close\r\n") && answer.contains("\r\nContent-Length: "), "\(answer)")

            let kept = try Client(path)
            for _ in 0..<3 {
                try kept.send("GET /v1/whoami HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                let answer = try await kept.answer()
                #expect(answer.status == 200 && answer.head.contains("\r\nConnection: keep-alive\r\n"))
            }

            for header in ["", "Connection: keep-alive\r\n"] {
                let stream = try Client(path)
                try stream.send("GET /v1/backup HTTP/1.0\r\n\(header)\r\n")
                let bytes = try await stream.readBytesToEnd()
                let text = String(decoding: bytes.prefix(500), as: UTF8.self)
                #expect(!text.lowercased().contains("chunked") && text.contains("\r\nConnection: close\r\n"))
                #expect(text.contains("\r\n\r\nSQLite format 3"), "the file begins at once")
            }
            let closed = try Client(path)
            try closed.send("GET /v1/whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await closed.readToEnd().contains("\r\nConnection: close\r\n"))
        }
    }

    @Test("HTTP/1.1 names one host, which may be empty; a target may name it, too")
    func host() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            for (hosts, status) in [
                ([], 400), (["localhost", "localhost"], 400), (["a", "b"], 400), (["a, b"], 400), (["a b"], 400),
                (["http://x/"], 400), ([""], 200), (["localhost"], 200), (["[::1]:80"], 200),
                (["x_y.example:8577"], 200),
            ] as [([String], Int)] {
                let client = try Client(path)
                let lines = hosts.map { "Host: \($0)\r\n" }.joined()
                try client.send("GET /v1/whoami HTTP/1.1\r\n\(lines)\r\n")
                let answer = try await client.answer()
                #expect(answer.status == status, "\(hosts): \(answer.text)")
                if status == 400 { #expect(answer.text.contains("Host"), "\(answer.text)") }
            }
            let old = try Client(path)
            try old.send("GET /v1/whoami HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")
            #expect(try await old.answer().status == 400)
            for target in ["http://localhost/v1/whoami", "HTTP://x:1/v1/whoami"] {
                #expect(try await Client(path).ask("GET", target).status == 200, "\(target)")
            }
            #expect(try await Client(path).ask("GET", "http://localhost").status == 404)
        }
    }

    @Test("who asks whether to send a body is told, by the head alone")
    func expectContinue() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            let body = #"{"change":5,"note":"counted"}"#
            func ask(_ target: String, _ length: Int, _ expectation: String = "100-continue") async throws -> Client {
                let client = try Client(path)
                try client.send(
                    "POST \(target) HTTP/1.1\r\nHost: x\r\nExpect: \(expectation)\r\nContent-Length: \(length)\r\n\r\n")
                return client
            }
            let taken = try await ask("/v1/products/RES-10K/adjustments", body.utf8.count)
            #expect(try await taken.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try taken.send(body)
            #expect(try await taken.answer().status == 201)
            #expect(try await taken.ask("GET", "/v1/whoami").status == 200, "and the connection goes on")

            for (target, length, expectation, status) in [
                ("/v1/nothing", 5, "100-continue", 404), ("/v1/status", 5, "100-continue", 405),
                ("/v1/site/plan", 2 << 20, "100-Continue", 413), ("/v1/site/plan", 5, "a miracle", 417),
            ] {
                let refused = try await ask(target, length, expectation)
                let answer = try await refused.readToEnd()
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(target): \(answer)")
                #expect(answer.contains("\r\nConnection: close\r\n") && answer.contains(Problem.mediaType))
            }
            // HTTP/1.0 knows no such question.
            let old = try Client(path)
            try old.send(
                "POST /v1/products/RES-10K/adjustments HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: "
                    + "\(body.utf8.count)\r\n\r\n\(body)")
            #expect(try await old.answer().status == 201)
        }
    }

    @Test("what is refused whatever its body is refused before it comes")
    func refusedOnTheHead() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            for (line, status) in [
                ("POST /v1/nothing", 404), ("DELETE /v1/units", 405), ("POST /v1/units/%zz/hold", 400),
            ] {
                let client = try Client(path)
                try client.send("\(line) HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
                #expect(try await client.answer().status == status, "\(line)")
                // The rest may still come, and then the next request.
                try client.send([UInt8](repeating: 0x20, count: 1_000_000))
                #expect(try await client.ask("GET", "/v1/whoami").status == 200, "\(line)")
            }
            let large = try Client(path)
            try large.send("PUT /v1/site HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000\r\n\r\n")
            let answer = try await large.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.contains("\r\nConnection: close\r\n"), "\(answer)")
            #expect(answer.contains("1 MiB"))
        }
    }

    @Test("caller, route and right are decided without a body, and how large it may be")
    func decidedWithoutBody() async throws {
        let shop = try await Shop(site: Site.small)
        func decide(_ login: String?, _ method: String, _ target: String) async -> (limit: Int?, refusal: Int?) {
            let (caller, head) = (Caller(uid: 1_000, login: login, isAdmin: false), ControlRequest(method, target))
            return (
                shop.control.bodyLimit(of: head, from: caller),
                await shop.control.refusal(of: head, from: caller)?.status
            )
        }
        let photos = "/v1/returns/1/items/2/photos?kind=damage"
        for (login, method, target, limit, refusal) in [
            ("ada", "PUT", "/v1/site", 1 << 20, nil), ("rita", "POST", photos, 10 << 20, nil),
            ("mia", "PUT", "/v1/site", nil, 403), ("mia", "POST", photos, nil, 403), ("eve", "POST", photos, nil, 403),
            (nil, "POST", photos, nil, 403), ("ada", "POST", "/v1/site", nil, 405), ("ada", "POST", "/v1/x", nil, 404),
        ] as [(String?, String, String, Int?, Int?)] {
            let decided = await decide(login, method, target)
            #expect(decided.limit == limit && decided.refusal == refusal, "\(login ?? "-") \(method) \(target)")
        }
        let denied = await shop.ask("ada", "GET", "/v1/audit?kind=access")
        #expect(denied.items.count == 2, "who is nobody here is put on record: \(denied.text)")
    }

    @Test("a head or a body that trickles is given up with a reason; a quiet connection is closed without one")
    func trickle() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop, limits: quick) { path in
            for start in [
                "GET /", "GET /v1/whoami HTTP/1.1\r\nHost: x\r\nX-Slow: ",
                "POST /v1/units HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
                "POST /v1/units HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40000\r\n",
            ] {
                let client = try Client(path)
                try client.send(start)
                let trickle = Task { [client] in
                    // It ends when the other end has closed.
                    while (try? client.send("a")) != nil { try await Task.sleep(for: .milliseconds(5)) }
                }
                let answer = try await client.readToEnd()
                trickle.cancel()
                #expect(answer.hasPrefix("HTTP/1.1 408 ") && answer.contains("unavailable"), "\(start): \(answer)")
                #expect(answer.contains("did not come within"), "\(answer)")
            }
            #expect(try await Client(path).ask("GET", "/v1/whoami").status == 200)
        }
        var impatient = HTTPLimits()
        impatient.idle = .milliseconds(100)
        try await serving(shop, limits: impatient) { path in
            #expect(try await Client(path).readToEnd().isEmpty)
            let client = try Client(path)
            #expect(try await client.ask("GET", "/v1/whoami").status == 200)
            #expect(try await client.readToEnd().isEmpty)
        }
    }

    @Test("requests that are sent ahead are answered in order, also to who sends no more")
    func pipelined() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            for hasEnded in [false, true] {
                let client = try Client(path)
                let count = 1_000
                // More than is read at once, of different size and duration.
                let sending = Task { [client] in
                    for number in 0..<count {
                        let body = #"{"code":"NONE-\#(number)","station":"x"}"#
                        try client.send(
                            number.isMultiple(of: 2)
                                ? "GET /v1/units/N-\(number) HTTP/1.1\r\nHost: x\r\n\r\n"
                                : "POST /v1/stations/N-\(number)/scans HTTP/1.1\r\nHost: x\r\nContent-Length: "
                                    + "\(body.utf8.count)\r\n\r\n\(body)")
                    }
                    if hasEnded { client.finishSending() }
                }
                for number in 0..<count {
                    let answer = try await client.answer()
                    let isRight =
                        number.isMultiple(of: 2)
                        ? answer.status == 404 && answer.text.contains("N-\(number)\"")
                        : answer.status == 400 && answer.text.contains("station")
                    #expect(isRight, "\(number): \(answer.text)")
                    if !isRight { break }
                }
                try await sending.value
                if hasEnded { #expect(try await client.readToEnd().isEmpty) }
            }
        }
    }

    @Test("who sends no more still gets a stream")
    func halfClosed() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            let client = try Client(path)
            try client.send("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
            client.finishSending()
            _ = try await client.read(until: ":\n\n")
            _ = await shop.ask("ada", "POST", "/v1/departments", ["code": "d", "name": "D"])
            #expect(try await client.read(until: "\n\n").contains("event: plant.changed\n"))
            let backup = try Client(path)
            try backup.send("GET /v1/backup HTTP/1.1\r\nHost: x\r\n\r\n")
            backup.finishSending()
            let answer = try await backup.answer()
            #expect(answer.body.starts(with: Array("SQLite format 3".utf8)) && answer.body.count.isMultiple(of: 4_096))
        }
    }

    @Test("who reads no answers is read no further, and loses the connection in the end")
    func slowReader() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop, limits: quick) { path in
            let client = try Client(path)
            let count = 200
            try client.send(
                String(repeating: "GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n", count: count))
            // The end of the stream is there once the server gave up.
            let ended = try await client.waitForHangUp()
            #expect(ended)
            let got = try await client.readBytesToEnd()
            let whole = await shop.ask("ada", "GET", "/v1/openapi.json").bytes.count
            #expect(got.count > 0 && got.count < whole * count / 2, "\(got.count) of \(whole * count)")
        }
    }

    @Test("the memory of all connections is bounded, as is one user's, and small bodies need none of it")
    func budget() {
        let (budget, free) = (MemoryBudget(total: 100_000, perUser: 60_000), MemoryBudget.free)
        do {
            var first = Holding(budget, user: 1)
            var second = Holding(budget, user: 1)
            var other = Holding(budget, user: 2)
            let small = first.hold(free)
            #expect(small && budget.bytes == 0)
            let large = first.hold(free + 50_000)
            #expect(large && budget.bytes == 50_000)
            let (fits, isTooMuch) = (second.hold(free), !second.hold(free + 10_001))
            #expect(fits && isTooMuch, "one user has not all of it")
            let (rest, isAll) = (other.hold(free + 50_000), !other.hold(free + 50_001))
            #expect(rest && isAll && budget.bytes == 100_000)
            let less = first.hold(0)
            #expect(less && budget.bytes == 50_000)
            let more = other.hold(free + 60_000)
            #expect(more && budget.bytes == 60_000)
        }
        #expect(budget.bytes == 0, "what a connection held is given back when it ends")
    }
}
