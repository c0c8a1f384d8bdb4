import ControlAPI
import ControlServer
import FoundationEssentials
import Glibc
import Logging
import Testing

@Suite("Over the real socket", .serialized, .timeLimit(.minutes(1)))
struct SocketTests {
    @Test("the caller is who the kernel says: this process's own user is an admin")
    func whoAmI() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            let answer = try await Client(path).ask("GET", "/v1/whoami")
            #expect(answer.status == 200)
            let json = try JSONValue(json: answer.body)
            #expect(json["uid"] == .int(Int(getuid())) && json["role"] == "admin" && json["scope"] == "all")
            // What a request says about its sender counts for nothing.
            let lying = try await Client(path).ask(
                "GET", "/v1/whoami", headers: ["X-User: mia", "Authorization: Basic bWlhOg=="])
            #expect(lying.body == answer.body)
        }
    }

    @Test("one connection serves many requests, of all kinds")
    func keepAlive() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            let client = try Client(path)
            for turn in 0..<50 {
                #expect(try await client.ask("GET", "/v1/status").status == 200)
                let body = Array(#"{"code":"NONE-\#(turn)"}"#.utf8)
                let scan = try await client.ask("POST", "/v1/stations/ASSY-1/scans", body: body)
                #expect(scan.status == 200 && scan.text.contains(#""result":"refused""#))
            }
            let wrong = try await client.ask("DELETE", "/v1/units")
            #expect(wrong.status == 405 && wrong.head.lowercased().contains("allow: get, head, post"))
            #expect(wrong.head.lowercased().contains("content-type: application/problem+json"))
            let found = try await client.ask("GET", "/v1/units/A%2FB?")
            #expect(found.status == 404 && found.text.contains("A/B"))
            let key = ["Idempotency-Key: abc"]
            let more = Array(#"{"change":5,"note":"x"}"#.utf8)
            for _ in 0..<2 {
                let answer = try await client.ask("POST", "/v1/products/RES-10K/adjustments", body: more, headers: key)
                #expect(answer.status == 201 && answer.text.contains(#""in_stock":5"#))
            }
        }
    }

    @Test("a body above 1 MiB is too large, with and without its length said, and the connection goes on")
    func tooLarge() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            let client = try Client(path)
            let body = [UInt8](repeating: 0x20, count: (1 << 20) + 1)
            #expect(try await client.ask("PUT", "/v1/site", body: body).status == 413)
            #expect(try await client.ask("PUT", "/v1/site", body: body, isChunked: true).status == 413)
            let fits = [UInt8](repeating: 0x20, count: 1 << 20)
            #expect(try await client.ask("PUT", "/v1/site", body: fits).status == 400)
            #expect(try await client.ask("GET", "/v1/status").status == 200)
        }
    }

    @Test("what is no HTTP is refused and hurts nobody else")
    func noHTTP() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            for text in [
                "\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\n",
            ] {
                let client = try Client(path)
                try client.send(Array(text.utf8))
                client.finishSending()
                let answer = try await client.readToEnd()
                #expect(
                    answer.isEmpty || answer.hasPrefix("HTTP/1.1 400"), "\(text.debugDescription): \(answer.prefix(80))"
                )
            }
            let gone = try Client(path)
            try gone.send(Array("POST /v1/units HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{".utf8))
            gone.close()
            #expect(try await Client(path).ask("GET", "/v1/status").status == 200)
        }
    }

    @Test("events arrive while they happen, and a graceful stop ends open streams and answers what is under way")
    func streamsAndStop() async throws {
        let shop = try await Shop(site: Site.small)
        let stream = Shared<Client>()
        try await serving(shop) { path in
            let client = try Client(path)
            try client.send(Array("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            let head = try await client.read(until: ":\n\n")
            #expect(head.contains("200 OK") && head.contains("text/event-stream"))
            _ = await shop.ask("ada", "POST", "/v1/departments", ["code": "d", "name": "D"])
            let event = try await client.read(until: "\n\n")
            #expect(event.contains("event: plant.changed\n") && event.contains("id: 2\n"))
            stream.value = client
        }
        // The server has stopped by now, and the stream has come to an orderly end.
        let rest = try await stream.value?.readToEnd()
        #expect(rest?.hasSuffix("0\r\n\r\n") == true, "the last chunk: \(rest ?? "")")
        #expect(!FileManager.default.fileExists(atPath: shop.directory + "/control.sock"))
    }

    @Test("a reader that leaves ends its stream")
    func readerLeaves() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            for _ in 0..<20 {
                let client = try Client(path)
                try client.send(Array("GET /v1/stations/ASSY-1/watch HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
                _ = try await client.read(until: ":\n\n")
                client.close()
            }
            try await shop.scan("ASSY-1", "NONE")
            #expect(try await Client(path).ask("GET", "/v1/status").status == 200)
        }
    }

    @Test("a back-up comes whole through the socket")
    func backup() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            let client = try Client(path)
            try client.send(Array("GET /v1/backup HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8))
            let answer = try await client.readBytesToEnd()
            #expect(answer.count > 4_096)
            #expect(String(decoding: answer.prefix(500), as: UTF8.self).contains("SQLite format 3"))
        }
    }

    @Test("everybody may connect; a stale socket is replaced, and nothing is left beside it")
    func socketFile() async throws {
        let shop = try await Shop(site: Site.small)
        let path = shop.directory + "/control.sock"
        for _ in 0..<2 {
            try Data("stale".utf8).write(to: URL(filePath: path))
            try await serving(shop, path: path) { path in
                var status = stat()
                #expect(
                    stat(path, &status) == 0 && status.st_mode & 0o777 == 0o666 && status.st_mode & S_IFMT == S_IFSOCK)
                let files = try FileManager.default.contentsOfDirectory(atPath: shop.directory)
                #expect(files.filter { $0.hasPrefix("control") } == ["control.sock"])
            }
        }
    }

    @Test("a socket that can't be made says why")
    func wrongPath() async throws {
        let shop = try await Shop()
        let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
        let long = "/tmp/" + String(repeating: "x", count: 100)
        for path in [long, "", "/tmp/"] {
            await #expect(throws: SocketError.self) {
                try await ControlServer(shop.control, peers: Peers(), path: path, logger: logger).run()
            }
        }
        await #expect(throws: (any Error).self) {
            try await ControlServer(shop.control, peers: Peers(), path: "/nowhere/at/all.sock", logger: logger).run()
        }
    }

    @Test("the system's users: the overflow user and one without a name are nobody")
    func users() async throws {
        let peers = Peers()
        #expect(await peers.caller(uid: nil) == Caller(uid: nil, login: nil, isAdmin: false))
        #expect(await peers.caller(uid: 65_534) == Caller(uid: 65_534, login: nil, isAdmin: false))
        #expect(await peers.caller(uid: 0) == Caller(uid: 0, login: "root", isAdmin: true))
        #expect(await peers.caller(uid: 4_000_000) == Caller(uid: 4_000_000, login: nil, isAdmin: false))
        #expect(await peers.caller(uid: 0) == Caller(uid: 0, login: "root", isAdmin: true), "from memory")
    }
}

/// Something that is put somewhere by one task and taken by the next.
private final class Shared<Value> {
    var value: Value?
}
