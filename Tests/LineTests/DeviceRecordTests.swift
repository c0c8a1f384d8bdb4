import Testing
import Tracking

@testable import Line

/// What is recorded of devices that come and go.
@Suite("Devices on record")
struct DeviceRecordTests {
    private func plug(_ isConnected: Bool, _ note: String = "", at station: String = "QA") -> Plug {
        Plug(device: .serial("S1"), station: station, isConnected: isConnected, note: note)
    }

    @Test("a loose contact is recorded change by change at first, and then once a minute")
    func looseContact() {
        var limit = PlugLimit()
        for number in 0..<PlugLimit.changes {
            #expect(limit.take(plug(number % 2 == 0), at: 1_000 + Int64(number)) != nil)
        }
        #expect(limit.due == nil)
        for number in 0..<37 { #expect(limit.take(plug(number % 2 == 0, "n"), at: 30_000) == nil) }
        // Another one is no matter of it.
        #expect(limit.take(plug(true, at: "PACK"), at: 30_000) != nil)
        #expect(limit.due == 61_000)
        #expect(limit.release(at: 60_999) == [])
        // What comes late is held with the rest.
        #expect(limit.take(plug(false, "unplugged"), at: 61_500) == nil)
        let note = "unplugged; the last of 38 changes in a short time, look at its contacts"
        #expect(limit.release(at: 61_500) == [plug(false, note)])
        #expect(limit.due == nil)
        #expect(limit.take(plug(true), at: 61_501) != nil)
    }

    @Test("what is held at the end is recorded, and slow changes are never held")
    func end() {
        var limit = PlugLimit()
        for number in 0..<200 { #expect(limit.take(plug(number % 2 == 0), at: Int64(number) * 3_001) != nil) }
        limit = PlugLimit()
        for _ in 0..<PlugLimit.changes { _ = limit.take(plug(true), at: 0) }
        #expect(limit.take(plug(false, "travelerd stopped"), at: 0) == nil)
        #expect(limit.release(at: .max) == [plug(false, "travelerd stopped")])
    }

    @Test("a minute that ends while the scanner is being bound does not end the pairing")
    func expiry() throws {
        let access = try #require(Access(login: "root", isAdmin: true, in: Plant()))
        var pairing = Pairing(station: "QA", key: nil, access: access, at: 0)
        pairing.isTaken = true
        pairing.end(.expired)
        #expect(pairing.state == .waiting)
        pairing.end(.paired(.serial("S1"), layout: "us"))
        #expect(pairing.state == .paired(.serial("S1"), layout: "us"))
        pairing.end(.failed("late"))
        #expect(pairing.state == .paired(.serial("S1"), layout: "us"))
        var other = Pairing(station: "QA", key: nil, access: access, at: 0)
        other.end(.expired)
        #expect(other.state == .expired)
    }
}
