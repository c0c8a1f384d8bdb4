import ControlAPI
import Testing
import Tracking

@Suite("A unit's way through the shop, over the control interface", .serialized)
struct FlowTests {
    @Test("from the work order to the customer")
    func wholeWay() async throws {
        let shop = try await Shop(site: Site.small)
        let order = await shop.ask(
            "ada", "POST", "/v1/work-orders",
            ["number": "1001", "product": "PCB-100", "quantity": 1, "team": "smt", "due": "2026-03-09"])
        #expect(order.status == 201, "\(order.text)")
        #expect(order["status"] == "planned")
        #expect(await shop.ask("ada", "POST", "/v1/work-orders/1001/release")["status"] == "released")

        let serial = "PCB-100-0001"
        try await shop.scan("LABEL-1", "1007", "TRV:WO:1001", "TRV:NEW")
        #expect(
            await shop.ask("ada", "GET", "/v1/units/\(serial)").code == "not_found", "its label was not scanned back")
        try await shop.scan("LABEL-1", serial)
        #expect(await shop.ask("mia", "GET", "/v1/units/\(serial)")["stage"] == "assembly")

        // A terminal is a scanner too, with its caller as the operator.
        let passed = await shop.ask("mia", "POST", "/v1/stations/ASSY-1/scans", ["code": .string(serial)])
        #expect(passed.status == 200)
        #expect(passed["result"] == "accepted" && passed["operator"] == "mia" && passed["next"] == "testing")
        #expect(passed["at"] == "2026-03-02T08:00:20.000Z" && passed["event"]?.string.flatMap(Int.init) != nil)
        let again = await shop.ask("mia", "POST", "/v1/stations/ASSY-1/scans", ["code": .string(serial)])
        #expect(again.status == 200 && again["result"] == "refused" && again["reason"] == "wrong_stage")

        #expect(try await shop.scan("TEST-1", "1008", serial, "TRV:FAIL:SOLDER").result == .accepted)
        let rework = await shop.ask(
            "lena", "POST", "/v1/units/\(serial)/defect",
            ["disposition": "rework", "to_stage": "testing", "type": "SOLDER", "note": "bridge at U3"])
        #expect(rework.status == 200 && rework["iteration"] == 1 && rework["stage"] == "testing", "\(rework.text)")
        try await shop.scan("TEST-1", serial, "TRV:PASS")
        #expect(await shop.ask("ada", "GET", "/v1/work-orders/1001")["status"] == "completed")

        let delivery = await shop.ask(
            "luis", "POST", "/v1/deliveries", ["order": "SO-77", "customer": "Blau", "serials": [.string(serial)]])
        #expect(delivery.status == 201, "\(delivery.text)")
        #expect(delivery["items"] == [["product": "PCB-100", "quantity": 1, "serial": .string(serial)]])
        let id = try #require(delivery["id"]?.string)
        #expect(await shop.ask("ada", "GET", "/v1/deliveries/\(id)").json == delivery.json)

        let unit = await shop.ask("lena", "GET", "/v1/units/\(serial)")
        #expect(unit["status"] == "delivered" && unit["delivery"] == .string(id) && unit["next"] == "customer")
        #expect(unit["supplier"] == nil && unit["routing"] == "board/1" && unit["worker"] == "luis")
        let card = await shop.ask("ada", "GET", "/v1/products/PCB-100")
        #expect(card["in_stock"] == 0 && card["delivered"] == 1 && card["total"] == 1 && card["low_stock"] == true)

        let history = await shop.ask("lena", "GET", "/v1/units/\(serial)/history").items
        #expect(
            history.compactMap { $0["kind"]?.string } == [
                "unit.registered", "unit.passed", "unit.failed", "unit.reworked", "unit.passed", "unit.delivered",
            ])
        #expect(history[3]["note"] == "bridge at U3" && history[2]["type"] == "SOLDER")
        #expect(history[0]["before"] == nil && history[0]["after"]?["stage"] == "assembly")
    }

    @Test("units without serial rules: registered, received, held, assigned, written off")
    func unitCommands() async throws {
        let shop = try await Shop(site: Site.small)
        let received = await shop.ask(
            "ada", "POST", "/v1/units/receive",
            [
                "product": "PCB-100", "serials": ["R-1", "R-2"], "supplier": "acme", "cost": 9.25,
                "note": "delivery note 7",
            ])
        #expect(received.status == 201, "\(received.text)")
        #expect(
            received.items.count == 2 && received.items[0]["cost"] == 9.25 && received.items[0]["supplier"] == "acme")
        #expect(await shop.ask("ada", "POST", "/v1/units/R-1/hold", ["note": "wait"])["on_hold"] == true)
        #expect(await shop.ask("ada", "POST", "/v1/units/R-1/hold", ["note": "wait"])["reason"] == "on_hold")
        #expect(await shop.ask("ada", "POST", "/v1/units/R-1/release")["on_hold"] == false)
        #expect(await shop.ask("ada", "POST", "/v1/units/R-1/assign", ["to": "mia"])["assignee"] == "mia")
        #expect(await shop.ask("mia", "GET", "/v1/units?mine=true&total=true").items.count == 1)
        let freed = await shop.ask("ada", "POST", "/v1/units/R-1/assign", ["to": .null])
        #expect(freed.status == 200 && freed["assignee"] == nil)
        let sold = await shop.ask(
            "ada", "POST", "/v1/units/R-2/write-off", ["reason": "outlet_sale", "price": 3, "note": "scratched"])
        #expect(sold["status"] == "written_off" && sold["write_off_reason"] == "outlet_sale", "\(sold.text)")
        let taken = await shop.ask(
            "ada", "POST", "/v1/units/receive", ["product": "PCB-100", "serials": ["R-3", "R-1"], "note": "again"])
        #expect(taken.status == 409 && taken.code == "conflict")
        #expect(await shop.ask("ada", "GET", "/v1/units/R-3").status == 404, "all of a request or nothing of it")
    }

    @Test("stock is adjusted by quantity and by serial, and the log adds up to the card")
    func stock() async throws {
        let shop = try await Shop(site: Site.small)
        let more = await shop.ask(
            "ada", "POST", "/v1/products/RES-10K/adjustments", ["change": 500, "note": "counted"])
        #expect(more.status == 201 && more["in_stock"] == 500 && more["low_stock"] == false, "\(more.text)")
        let less = await shop.ask("ada", "POST", "/v1/products/RES-10K/adjustments", ["change": -501, "note": "lost"])
        #expect(less.status == 409 && less.code == "refused" && less["reason"] == "insufficient_stock")
        let found = await shop.ask(
            "ada", "POST", "/v1/products/RES-10K/adjustments", ["serials": ["FOUND-1"], "note": "behind the shelf"])
        #expect(found["in_stock"] == 501 && found["unserialised"] == 500 && found["total"] == 1, "\(found.text)")
        let neither = await shop.ask("ada", "POST", "/v1/products/RES-10K/adjustments", ["note": "why"])
        #expect(neither.status == 400 && neither.code == "invalid_argument")

        let log = await shop.ask("ada", "GET", "/v1/inventory-log?product=RES-10K&order=event").items
        #expect(log.compactMap { $0["change"]?.int }.reduce(0, +) == 501)
        #expect(log.last?["after"] == 501 && log.last?["unit"] == "FOUND-1" && log.last?["note"] == "behind the shelf")
    }

    @Test("a label is previewed as it would print, printed again, and its job can be cancelled")
    func labels() async throws {
        let shop = try await Shop(site: Site.small)
        _ = await shop.ask(
            "ada", "POST", "/v1/work-orders", ["number": "7", "product": "PCB-100", "quantity": 5, "team": "smt"])
        _ = await shop.ask("ada", "POST", "/v1/work-orders/7/release")
        let units = await shop.ask(
            "ada", "POST", "/v1/units", ["product": "PCB-100", "serials": ["A/B~1"], "work_order": "7"])
        #expect(units.status == 201, "\(units.text)")
        let preview = await shop.ask("lena", "GET", "/v1/units/A%2FB~1/label?station=LABEL-1")
        #expect(preview["design"] == "unit-small", "\(preview.text)")
        let zpl = preview["zpl"]?.string ?? ""
        #expect(zpl.contains("Controller board 7 2026-03-02 09:00"), "in the plant's time zone: \(zpl)")
        #expect(zpl.contains("A/B_7E1"), "a tilde must not become a command")

        let job = await shop.ask("ada", "POST", "/v1/labels", ["serial": "A/B~1", "station": "LABEL-1"])
        #expect(job.status == 201 && job["status"] == "queued" && job["printer"] == "file:labels/", "\(job.text)")
        let id = job["id"]?.string ?? ""
        #expect(await shop.ask("ada", "POST", "/v1/labels/\(id)/cancel")["status"] == "cancelled")
        #expect(await shop.ask("ada", "POST", "/v1/labels/\(id)/retry")["status"] == "queued")
        #expect(await shop.ask("ada", "GET", "/v1/labels?serial=A%2FB~1&total=true")["total"] == 1)
        #expect(await shop.ask("ada", "GET", "/v1/labels/none").code == "not_found")
        let elsewhere = await shop.ask("ada", "POST", "/v1/labels", ["serial": "A/B~1", "station": "ASSY-1"])
        #expect(elsewhere.code == "refused", "that station has no printer")
    }

    @Test("lists are paged by cursor, in both orders, and stay right while rows are added")
    func paging() async throws {
        let shop = try await Shop(site: Site.small)
        let serials = (1...25).map { "U-\($0 < 10 ? "0" : "")\($0)" }
        _ = await shop.ask(
            "ada", "POST", "/v1/units/receive",
            ["product": "RES-10K", "serials": .array(serials.map(JSONValue.string)), "note": "x"])
        for order in ["serial", "-serial"] {
            var seen: [String] = []
            var cursor: String?
            repeat {
                let next = cursor.map { "&cursor=\($0)" } ?? ""
                let page = await shop.ask("ada", "GET", "/v1/units?limit=10&order=\(order)&total=true\(next)")
                #expect((page["total"]?.int ?? 0) >= 25)
                seen += page.items.compactMap { $0["serial"]?.string }.filter { $0.hasPrefix("U-") }
                cursor = page["next_cursor"]?.string
                _ = await shop.ask(
                    "ada", "POST", "/v1/units/receive",
                    ["product": "RES-10K", "serials": [.string("NEW-\(seen.count)\(order)")], "note": "x"])
            } while cursor != nil
            #expect(seen == (order == "serial" ? serials : serials.reversed()))
        }
        let products = await shop.ask("ada", "GET", "/v1/products?limit=1&total=true")
        #expect(products["total"] == 2 && products.items.count == 1)
        let second = await shop.ask(
            "ada", "GET", "/v1/products?limit=1&cursor=\(products["next_cursor"]?.string ?? "")")
        #expect(second.items.first?["code"] == "RES-10K" && second["next_cursor"] == .null)
        for list in ["units", "products", "people", "work-orders", "audit", "labels", "deliveries", "inventory-log"] {
            let wrong = await shop.ask("ada", "GET", "/v1/\(list)?cursor=%00nonsense")
            #expect(wrong.status == 400 && wrong.code == "invalid_argument", "\(list): \(wrong.text)")
        }
    }

    @Test("products are filtered by type, search, stock and low stock")
    func products() async throws {
        let shop = try await Shop(site: Site.small)
        _ = await shop.ask("ada", "POST", "/v1/products/RES-10K/adjustments", ["change": 5, "note": "counted"])
        func codes(_ query: String) async -> [String] {
            await shop.ask("ada", "GET", "/v1/products?\(query)").items.compactMap { $0["code"]?.string }
        }
        #expect(await codes("") == ["PCB-100", "RES-10K"])
        #expect(await codes("order=-code") == ["RES-10K", "PCB-100"])
        #expect(await codes("type=part") == ["RES-10K"])
        #expect(await codes("search=CONTROLLER") == ["PCB-100"])
        #expect(await codes("search=res-") == ["RES-10K"])
        #expect(await codes("view=available") == ["RES-10K"])
        #expect(await codes("low_stock=true") == ["PCB-100", "RES-10K"])
        _ = await shop.ask("ada", "POST", "/v1/products/RES-10K/adjustments", ["change": 5, "note": "counted"])
        #expect(await codes("low_stock=true") == ["PCB-100"])
    }

    @Test("a station shows what it has in hand")
    func station() async throws {
        let shop = try await Shop(site: Site.small)
        _ = await shop.ask(
            "ada", "POST", "/v1/work-orders", ["number": "7", "product": "PCB-100", "quantity": 5, "team": "smt"])
        _ = await shop.ask("ada", "POST", "/v1/work-orders/7/release")
        try await shop.scan("LABEL-1", "1007", "TRV:WO:7", "TRV:NEW", "PCB-100-0001")
        let station = await shop.ask("lena", "GET", "/v1/stations/LABEL-1")
        #expect(station["operator"] == "mia" && station["work_order"] == "7", "\(station.text)")
        #expect(await shop.ask("mia", "GET", "/v1/stations/LABEL-1")["work_order"] == nil, "members see no work orders")
        #expect(await shop.ask("mia", "GET", "/v1/stations").items.count == 3)
        #expect(await shop.ask("ada", "GET", "/v1/stations").items.count == 5)
        try await shop.scan("ASSY-1", "PCB-100-0001")
        try await shop.scan("TEST-1", "PCB-100-0001")
        #expect(await shop.ask("ada", "GET", "/v1/stations/TEST-1")["bench"] == "PCB-100-0001")
        #expect(await shop.ask("luis", "GET", "/v1/stations/TEST-1")["bench"] == nil, "it is another team's unit")
    }
}
