import Barcodes
import ControlAPI
import ControlServer
import FoundationEssentials
import Glibc
import Ledger
import Line
import Testing
import Tracking

/// Scanners over the control interface. A named pipe stands in for a scanner that is bound by its node.
@Suite("Devices", .serialized, .timeLimit(.minutes(1)))
struct DeviceTests {
    @Test("a scanner that is missing, comes, reads, and goes, is told so everywhere")
    func plug() async throws {
        let shop = try await Shop(withDevices: true)
        let devices = try #require(shop.devices)
        let node = shop.directory + "/event3"
        let address = "node:\(node)"
        let station = "  - { name: ASK-9, mode: lookup, scanners: [{ node: \"\(node)\" }] }"
        let site = Site.small.replacing("settings:", with: station + "\nsettings:")
        let applied = await shop.ask("root", "PUT", "/v1/site", body: Array(site.utf8))
        try #require(applied.status == 200, "\(applied.text)")
        let running = Task { await devices.run() }

        try await until { await shop.device(address)?["state"] == "absent" }
        let status = await shop.ask("root", "GET", "/v1/status")
        #expect(status["problems"] == .array([.string("ASK-9: no scanner at \(address): not plugged in")]))
        #expect(await shop.device(address)?["problem"] == "not plugged in")

        mkfifo(node, 0o600)
        let pipe = open(node, O_RDWR | O_CLOEXEC)
        try await until { await shop.device(address)?["state"] == "connected" }
        #expect(await shop.ask("root", "GET", "/v1/status")["problems"] == [])
        let bytes = try Keystrokes.events(typing: "NO-SUCH-UNIT").flatMap(\.bytes)
        #expect(write(pipe, bytes, bytes.count) == bytes.count)
        try await until { await shop.scans("ASK-9").contains("refused") }
        let device = try #require(await shop.device(address))
        #expect(device["scans"] == 1 && device["errors"] == 0 && device["station"] == "ASK-9")
        #expect(device["last_scan_at"] != nil)

        // Half a scan, and the plug is pulled.
        #expect(write(pipe, bytes, 6 * InputEvent.size) == 6 * InputEvent.size)
        unlink(node)
        close(pipe)
        try await until { await shop.device(address)?["state"] == "absent" }
        try await until { await shop.scans("ASK-9").count == 5 }
        // The half scan and the unplugging come by two ways; either may be on record first.
        let log = await shop.scans("ASK-9")
        #expect(log.prefix(3) == ["disconnected", "connected", "refused"])
        #expect(log.suffix(2).sorted() == ["disconnected", "refused"])
        #expect(await shop.device(address)?["errors"] == 1)

        let unbound = await shop.ask("root", "POST", "/v1/devices/\(escaped(address))/unbind", [:])
        #expect(unbound.status == 200 && unbound["station"] == "ASK-9")
        #expect(await shop.device(address) == nil)
        let again = await shop.ask("root", "POST", "/v1/devices/\(escaped(address))/unbind", [:])
        #expect(again.status == 404)
        running.cancel()
        await running.value
    }

    @Test("a pairing waits for a minute, and the last one counts")
    func pairing() async throws {
        let shop = try await Shop(site: Site.small, withDevices: true)
        #expect(await shop.ask("root", "GET", "/v1/devices/pair/TEST-1").status == 404)
        let first = await shop.ask("root", "POST", "/v1/devices/pair", ["station": "TEST-1"])
        #expect(first.status == 201 && first["state"] == "waiting")
        let code = try #require(first["code"]?.string)
        #expect(code.utf8.count == 11 && code.hasPrefix("Z"))
        let second = await shop.ask("root", "POST", "/v1/devices/pair", ["station": "TEST-1", "by": "serial"])
        #expect(second["code"] != first["code"])
        #expect(await shop.ask("root", "GET", "/v1/devices/pair/TEST-1")["code"] == second["code"])
        #expect(await shop.ask("root", "POST", "/v1/devices/pair", ["station": "NONE"]).status == 404)
        #expect(await shop.ask("root", "POST", "/v1/devices/pair", ["station": "TEST-1", "by": "name"]).status == 400)
        #expect(
            await shop.ask("lena", "POST", "/v1/devices/pair", ["station": "TEST-1"])["code"] == "permission_denied")
    }

    @Test("a site file that names no scanners takes none away")
    func siteKeepsScanners() async throws {
        let shop = try await Shop(site: Site.small)
        let bound = Site.small.replacing("{ name: TEST-1,", with: "{ name: TEST-1, scanners: [{ port: pci-usb-1 }],")
        try #require(bound != Site.small)
        #expect(await shop.ask("root", "PUT", "/v1/site", body: Array(bound.utf8)).status == 200)
        let plan = await shop.ask("root", "POST", "/v1/site/plan", body: Array(Site.small.utf8))
        #expect(plan["unchanged"] == true)
        let none = Site.small.replacing("{ name: TEST-1,", with: "{ name: TEST-1, scanners: [],")
        #expect(await shop.ask("root", "PUT", "/v1/site", body: Array(none.utf8)).status == 200)
        #expect(await shop.ask("root", "GET", "/v1/stations/TEST-1")["scanners"] == [])
    }

    private func escaped(_ text: String) -> String { text.replacing("/", with: "%2F") }

    private func until(_ condition: () async -> Bool) async throws {
        while await !condition() { try await Task.sleep(for: .milliseconds(10)) }
    }
}

extension Shop {
    fileprivate func device(_ address: String) async -> JSONValue? {
        await ask("root", "GET", "/v1/devices")["items"]?.array?.first { $0["device"]?.string == address }
    }

    /// What the log says of a station's scans and scanners, oldest first.
    fileprivate func scans(_ station: String) async -> [String] {
        let items = await ask("root", "GET", "/v1/scans?station=\(station)")["items"]?.array ?? []
        return items.compactMap { $0["result"]?.string }.reversed()
    }
}
